"""Pins a peer in a party file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography import x509

from isthmus.errors import ConfigError, NotAuthorised, StorageError
from isthmus.party.certificates import write_file
from isthmus.party.channel.tls import split_address
from isthmus.party.identity import certificate_names, check_name, fingerprint, load_certificate

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def pin_peer(
    party_file: Path,
    certificate: Path,
    address: str | None,
    confirm: Callable[[str], bool],
    *,
    to: Path | None = None,
    listen: str | None = None,
) -> str:
    """Copy the peer's certificate beside the party file and add the ``[peer]`` section; return its name.

    With ``to``, the party file stays as it is, and the same party gets another file for this peer, where it
    waits at ``listen`` if it waits.

    Raises
    ------
    ConfigError
        The party file already has a peer, or the address does not fit it.
    NotAuthorised
        ``confirm`` said that the fingerprint is not the peer's; nothing was written.
    StorageError
        ``to`` exists, or nothing can be written there.
    """
    found = load_certificate(certificate, "certificate")
    text, party = _read(party_file) if to is None else _another(party_file, to, listen)
    if ("listen" in party) == (address is not None):
        raise ConfigError("party.listen, --address: one party waits and the other dials; give exactly one")
    if address is not None:
        split_address(address)
    name, pin = _peer_name(found), fingerprint(found)
    if name == party.get("name"):
        raise ConfigError(f"certificate: it is of {name}, this party itself; give the one that the peer sent")
    if not confirm(pin):
        raise NotAuthorised(
            "the fingerprints differ: this is not the peer's certificate, nothing was written"
        )
    beside = party_file.parent / f"{name}.crt"
    content = certificate.read_bytes()
    if not (beside.is_file() and beside.read_bytes() == content):
        write_file(beside, content, 0o644)
    section = [f'authority = "{name}.crt"', "", "[peer]", f'name = "{name}"', f'fingerprint = "{pin}"']
    section += [f'address = "{address}"'] if address else []
    text = text.rstrip("\n") + "\n" + "\n".join(section) + "\n"
    if to is None:
        _replace(party_file, text)
    else:
        write_file(to, text.encode(), 0o644)
    return name


def _another(party_file: Path, to: Path, listen: str | None) -> tuple[str, Mapping[str, Any]]:
    """Return what a further file of the same party says of the party."""
    if to.resolve().parent != party_file.resolve().parent:
        raise ConfigError("--to: give a name beside the party file, whose key and certificate it shares")
    _, content = _parse(party_file)
    party = {key: value for key, value in content["party"].items() if key not in ("authority", "listen")}
    if listen is not None:
        split_address(listen)
        party["listen"] = listen
    # JSON strings are TOML strings.
    return "\n".join(["[party]", *(f"{key} = {json.dumps(value)}" for key, value in party.items())]), party


def _peer_name(certificate: x509.Certificate) -> str:
    names = certificate_names(certificate)
    if len(names) != 1:
        raise ConfigError("certificate: must carry exactly one name; make it with isthmus party init")
    return check_name(names[0], "certificate")


def _read(party_file: Path) -> tuple[str, Mapping[str, Any]]:
    text, content = _parse(party_file)
    if "peer" in content:
        raise ConfigError(
            "peer: the party file has one already; remove that section to trust another instead, or give "
            "--to for a further party file"
        )
    if list(content) != ["party"]:
        raise ConfigError("party: trust a peer before adding sections such as [limits]")
    return text, content["party"]


def _parse(party_file: Path) -> tuple[str, Mapping[str, Any]]:
    try:
        text = party_file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise StorageError(f"cannot read the party file: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the party file is not TOML: {error}") from None
    if not isinstance(content.get("party"), dict):
        raise ConfigError("party: the party file has no such section; isthmus party init makes one")
    return text, content


def _replace(path: Path, text: str) -> None:
    temporary = path.with_suffix(".toml.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        raise StorageError(f"cannot write the party file: {error.strerror}") from None
