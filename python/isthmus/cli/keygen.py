"""``isthmus keygen``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

_MIN_PASSPHRASE = 8


def keygen(
    out: Annotated[Path, typer.Option(help="Where the encrypted private key goes.")],
    key_bits: Annotated[Literal["2048", "3072", "4096"], typer.Option(help="Size of the modulus.")] = "3072",
    fast: Annotated[
        bool, typer.Option("--fast", help="Make a fast key, under an assumption of its own.")
    ] = False,
    passphrase_file: Annotated[
        Path | None,
        typer.Option(help="Read the passphrase from the first line of this file instead of asking."),
    ] = None,
) -> None:
    """Make a Paillier key and keep it encrypted under a passphrase.

    Training and scoring make fresh keys of their own; this is for keys of your
    own programs: ist.paillier.PrivateKey.load(path, passphrase).

    Example: [cyan]isthmus keygen --out paillier.key[/cyan]
    """
    from isthmus.errors import InvalidArgument, StorageError
    from isthmus.paillier import keygen as make_key

    if out.exists():
        raise StorageError(f"{out.name} exists; a key is never overwritten")
    passphrase = _passphrase(passphrase_file)
    if len(passphrase) < _MIN_PASSPHRASE:
        raise InvalidArgument(f"the passphrase needs at least {_MIN_PASSPHRASE} characters")
    public_key, private_key = make_key(int(key_bits), fast=fast)
    private_key.save(out, passphrase)
    print(f"wrote        {out} ({key_bits} bits, {public_key.kind}, encrypted)")
    print(f"fingerprint  {public_key.fingerprint.hex()}")


def _passphrase(file: Path | None) -> str:
    from isthmus.errors import StorageError

    if file is None:
        answer: str = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
        return answer
    try:
        return file.read_text(encoding="utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"cannot read the passphrase file: {type(error).__name__}") from None
