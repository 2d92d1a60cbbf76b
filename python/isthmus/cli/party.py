"""``isthmus party init`` and ``isthmus party trust``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def init(
    name: Annotated[str, typer.Option(help="Name of this party: lower-case letters, digits, hyphens.")],
    listen: Annotated[
        str | None, typer.Option(help="host:port to wait at. Leave it out if this party dials the other.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where the key, certificate and party file go.")] = Path(),
) -> None:
    """Make this party's key, certificate and party file.

    Prints the fingerprint to read out to the peer. The key never leaves this
    machine; send the certificate (.crt) to the peer, and trust the one you get.

    Example, at the bank: [cyan]isthmus party init --name bank --listen 0.0.0.0:7700[/cyan]

    Example, at the fund: [cyan]isthmus party init --name fund[/cyan]
    """
    from isthmus.party.certificates import self_signed, write_file
    from isthmus.party.channel.tls import split_address

    if listen is not None:
        split_address(listen)
    lines = [
        "[party]",
        f'name = "{name}"',
        f'certificate = "{name}.crt"',
        f'private_key = "{name}.key"',
        *([f'listen = "{listen}"'] if listen else []),
        'audit = "audit.jsonl"',
    ]
    pin = self_signed(folder, name)
    write_file(folder / f"{name}.toml", ("\n".join(lines) + "\n").encode(), 0o644)
    print(f"wrote        {name}.key (keep it), {name}.crt (send it to the peer), {name}.toml")
    print(f"fingerprint  {pin}")
    print("next         read the fingerprint out to the peer, then trust the peer's certificate:")
    address = "" if listen else " --address HOST:PORT"
    print(f"             isthmus party trust PEER.crt --party {name}.toml{address}")


def trust(
    *,
    certificate: Annotated[Path, typer.Argument(help="The peer's certificate, as the peer sent it.")],
    party: Annotated[Path, typer.Option(help="This party's file.")],
    address: Annotated[
        str | None, typer.Option(help="host:port where the peer waits. Leave it out if this party waits.")
    ] = None,
    fingerprint: Annotated[
        str | None, typer.Option(help="What the peer read out. Asked for if left out.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="Write a further party file for this peer, beside --party, which stays as it is."),
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="With --to: host:port to wait at for this peer, another than before.")
    ] = None,
) -> None:
    """Pin the peer's certificate, once its fingerprint was compared by telephone.

    Example, at the fund:

    [cyan]isthmus party trust bank.crt --party fund.toml
    --address bank.example:7700[/cyan]

    Example, at a bank that trusts a second peer, in a party file of its own:

    [cyan]isthmus party trust shop.crt --party bank.toml
    --to bank-shop.toml --listen 0.0.0.0:7701[/cyan]
    """
    from isthmus.cli.trust import pin_peer
    from isthmus.errors import InvalidArgument

    if listen is not None and to is None:
        raise InvalidArgument("--listen goes with --to; without it the party file says where to wait")

    def confirm(found: str) -> bool:
        if fingerprint is not None:
            return found == fingerprint.strip().lower()
        print(f"fingerprint  {found}")
        return typer.confirm("Does the peer read out the same fingerprint?")

    peer = pin_peer(party, certificate, address, confirm, to=to, listen=listen)
    print(f"{(to or party).name} now trusts {peer}; both parties can run a job")
