"""The party file: TOML that says who this party is, who its peer is and how they meet.

::

    [party]
    name = "bank"
    certificate = "bank.crt"       # paths are relative to this file
    private_key = "bank.key"
    authority = "fund.crt"         # what the peer's certificate must chain to; its own, if self-signed
    listen = "0.0.0.0:7700"        # this party waits; the other one has peer.address
    audit = "audit.jsonl"          # optional

    [peer]
    name = "fund"
    fingerprint = "9f2c..."        # SHA-256 of the peer's public key
    address = "bank.example:7700"  # this party dials
    revoked = []                   # fingerprints that are refused for certain

    [limits]                       # optional, as are its keys
    deadline_seconds = 60
    connect_seconds = 60
    max_message = 1073741824
    window = 67108864
    min_key_bits = 2048
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.errors import ConfigError
from isthmus.party.certificates import write_file
from isthmus.party.channel.tls import split_address
from isthmus.party.identity import Identity
from isthmus.party.limits import Limits

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_KEYS: dict[str, dict[str, tuple[type, ...]]] = {
    "party": dict.fromkeys(("name", "certificate", "private_key", "authority", "listen", "audit"), (str,)),
    "peer": {**dict.fromkeys(("name", "fingerprint", "address"), (str,)), "revoked": (list,)},
    "limits": {
        **dict.fromkeys(("deadline_seconds", "connect_seconds"), (int, float)),
        **dict.fromkeys(("max_message", "window", "min_key_bits"), (int,)),
    },
}
_REQUIRED = (
    ("party", "name"),
    ("party", "certificate"),
    ("party", "private_key"),
    ("party", "authority"),
    ("peer", "name"),
    ("peer", "fingerprint"),
)
_LOWEST: dict[str, float] = {
    "deadline_seconds": 1,
    "connect_seconds": 1,
    "max_message": 1 << 20,
    "window": 1 << 20,
    "min_key_bits": 2048,
}


@dataclass(frozen=True)
class PartyFile:
    """A checked party file. Exactly one of ``listen`` and ``address`` is set."""

    identity: Identity
    limits: Limits
    listen: str
    address: str
    audit: Path | None


def load_party_file(path: str | Path) -> PartyFile:
    """Read and check a party file. Raises ConfigError naming the key that is wrong."""
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the party file {path.name}: {error.strerror}; isthmus party init makes one"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the party file {path.name} is not TOML: {error}") from None
    _check_keys(content)
    party, peer = content["party"], content["peer"]
    listen, address = party.get("listen", ""), peer.get("address", "")
    if bool(listen) == bool(address):
        raise ConfigError("party.listen, peer.address: give one of them, and the other in the peer's file")
    split_address(listen or address)
    folder = path.resolve().parent
    identity = Identity(
        name=party["name"],
        certificate_path=folder / party["certificate"],
        private_key_path=folder / party["private_key"],
        authority_path=folder / party["authority"],
        peer_name=peer["name"],
        peer_fingerprint=peer["fingerprint"],
        revoked=frozenset(map(str, peer.get("revoked", []))),
    )
    audit = folder / party["audit"] if "audit" in party else None
    return PartyFile(identity, Limits(**content.get("limits", {})), listen, address, audit)


def write_party_file(
    path: Path,
    *,
    name: str,
    peer: str,
    peer_fingerprint: str,
    authority: str,
    listen: str = "",
    address: str = "",
    limits: Limits | None = None,
) -> None:
    """Write a party file beside ``name.crt`` and ``name.key``. Raises StorageError if it exists."""
    party = {
        "name": name,
        "certificate": f"{name}.crt",
        "private_key": f"{name}.key",
        "authority": authority,
        **({"listen": listen} if listen else {}),
    }
    other = {
        "name": peer,
        "fingerprint": peer_fingerprint,
        **({"address": address} if address else {}),
    }
    bounds = {key: getattr(limits, key) for key in _KEYS["limits"]} if limits else {}
    sections = {"party": party, "peer": other, "limits": bounds}
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        # JSON strings and numbers are TOML strings and numbers.
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        lines.append("")
    write_file(path, "\n".join(lines).encode(), 0o600)


def _check_keys(content: Mapping[str, Any]) -> None:
    for section, values in content.items():
        if section not in _KEYS or not isinstance(values, dict):
            raise ConfigError(f"{section}: the party file has the sections [party], [peer] and [limits]")
        for key, value in values.items():
            _check_value(section, key, value)
    for section, key in _REQUIRED:
        if not content.get(section, {}).get(key):
            raise ConfigError(f"{section}.{key}: missing")


def _check_value(section: str, key: str, value: Any) -> None:
    if key not in _KEYS[section]:
        raise ConfigError(f"{section}.{key}: unknown; known are {', '.join(_KEYS[section])}")
    if type(value) not in _KEYS[section][key]:
        raise ConfigError(f"{section}.{key}: has the wrong type")
    if section == "limits" and value < _LOWEST[key]:
        raise ConfigError(f"{section}.{key}: must be at least {_LOWEST[key]:g}")
