"""Fault cases 31 and 32, and TLS 1.3 alone: who may connect, and how."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus import errors
from isthmus.party.certificates import Authority, self_signed
from isthmus.party.channel.grpc import Listener, dial
from isthmus.party.identity import Identity
from tests.protocol.conformance import NAMES, PATIENT_SECONDS, make_identities

ALPHA, BETA = NAMES


class World:
    """Two parties of one authority, the authority itself, and room for impostors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.identities = make_identities(folder, self.authority)

    def impostor(self, name: str, carries: str, *, authority: Authority | None, days: int = 30) -> Identity:
        """Return party ``name`` with a new certificate in the name of ``carries``."""
        folder = self.folder / "impostor"
        folder.mkdir()
        pin = (
            authority.issue(folder, carries, days=days)
            if authority
            else self_signed(folder, carries, days=days)
        )
        (self.folder / "pin").write_text(pin)
        return replace(
            self.identities[name],
            certificate_path=folder / f"{carries}.crt",
            private_key_path=folder / f"{carries}.key",
        )

    def trusting(self, name: str, pin: str) -> Identity:
        return replace(self.identities[name], peer_fingerprint=pin)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@contextmanager
def _listening(identity: Identity) -> Iterator[Listener]:
    listener = Listener("127.0.0.1:0", identity)
    try:
        yield listener
    finally:
        listener.close()


def _meet(dialler: Identity, listener: Identity) -> tuple[BaseException | None, BaseException | None]:
    """Let one dial the other, who welcomes it; return how each side ended (None: they met)."""
    with _listening(listener) as open_listener, ThreadPoolExecutor(1) as pool:
        welcomed = pool.submit(_await_welcome, f"127.0.0.1:{open_listener.port}", dialler)
        while True:
            decided = welcomed.done()
            try:
                open_listener.accept(0.2).send(b"welcome")
                return welcomed.result(), None
            except errors.IsthmusError as error:
                if decided:
                    return welcomed.result(), error


def _await_welcome(address: str, dialler: Identity) -> BaseException | None:
    try:
        channel = dial(address, dialler, PATIENT_SECONDS)
        assert channel.receive(PATIENT_SECONDS) == b"welcome"
        channel.close()
    except errors.IsthmusError as error:
        return error
    return None


def test_the_pinned_parties_meet(world: World) -> None:
    assert _meet(world.identities[ALPHA], world.identities[BETA]) == (None, None)


def test_self_signed_parties_meet(tmp_path: Path) -> None:
    pins = {name: self_signed(tmp_path, name) for name in NAMES}
    alpha, beta = (
        Identity(
            name=name,
            certificate_path=tmp_path / f"{name}.crt",
            private_key_path=tmp_path / f"{name}.key",
            authority_path=tmp_path / f"{peer}.crt",
            peer_name=peer,
            peer_fingerprint=pins[peer],
        )
        for name, peer in ((ALPHA, BETA), (BETA, ALPHA))
    )
    assert _meet(alpha, beta) == (None, None)


@pytest.mark.parametrize("who", ["dialler", "listener"])
@pytest.mark.parametrize("fault", ["untrusted", "self-signed", "expired"])
def test_case_31_untrusted_or_expired(world: World, who: str, fault: str) -> None:
    name = ALPHA if who == "dialler" else BETA
    authority = {"untrusted": Authority(), "self-signed": None, "expired": world.authority}[fault]
    bad = world.impostor(name, name, authority=authority, days=-1 if fault == "expired" else 30)
    pin = (world.folder / "pin").read_text()
    peer = world.trusting(BETA if who == "dialler" else ALPHA, pin)
    dialled, accepted = _meet(*((bad, peer) if who == "dialler" else (peer, bad)))
    assert type(dialled) is errors.TlsAuth
    assert type(accepted) is errors.DeadlineError  # the listener has seen nobody whom it knows


@pytest.mark.parametrize("who", ["dialler", "listener"])
def test_case_31_revoked(world: World, who: str) -> None:
    revoked, other = (ALPHA, BETA) if who == "dialler" else (BETA, ALPHA)
    identities = dict(world.identities)
    identities[other] = replace(identities[other], revoked=frozenset({identities[other].peer_fingerprint}))
    assert identities[revoked].name == revoked
    dialled, accepted = _meet(identities[ALPHA], identities[BETA])
    assert type(dialled) is errors.TlsAuth
    assert type(accepted) is (errors.TlsAuth if who == "dialler" else errors.DeadlineError)


@pytest.mark.parametrize("who", ["dialler", "listener"])
@pytest.mark.parametrize("carries", [ALPHA, BETA, "tenant"])
def test_case_32_other_tenant(world: World, who: str, carries: str) -> None:
    """A valid certificate of the same authority, in another name or with another key, is not the peer's."""
    name = ALPHA if who == "dialler" else BETA
    if carries != "tenant":
        carries = name
    identities = {**world.identities, name: world.impostor(name, carries, authority=world.authority)}
    dialled, accepted = _meet(identities[ALPHA], identities[BETA])
    assert type(dialled) is errors.NotAuthorised
    assert type(accepted) is (errors.NotAuthorised if who == "dialler" else errors.DeadlineError)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_only_tls_13_is_spoken(world: World, version: ssl.TLSVersion) -> None:
    alpha = world.identities[ALPHA]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.load_verify_locations(alpha.authority_path)
    context.load_cert_chain(alpha.certificate_path, alpha.private_key_path)
    context.set_alpn_protocols(["h2"])
    with _listening(world.identities[BETA]) as listener:
        plain = socket.create_connection(("127.0.0.1", listener.port), PATIENT_SECONDS)
        with plain:
            if version == ssl.TLSVersion.TLSv1_2:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    context.wrap_socket(plain, server_hostname=BETA)
            else:
                with context.wrap_socket(plain, server_hostname=BETA) as tls:
                    assert tls.version() == "TLSv1.3"
                    assert tls.recv(1)  # the listener accepted our certificate and speaks HTTP/2


def test_a_dialler_refuses_tls_12(world: World) -> None:
    beta = world.identities[BETA]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(beta.certificate_path, beta.private_key_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        child = subprocess.Popen(
            [sys.executable, "-c", _DIAL, str(world.folder), str(port)],
            stdout=subprocess.PIPE,
            env=_environment(),
        )
        plain, _ = server.accept()
        with plain, pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(plain, server_side=True)
        assert child.communicate(timeout=60)[0].strip() == b"ERR_TLS_AUTH"


_DIAL = """
import sys
from pathlib import Path
from isthmus.errors import IsthmusError
from isthmus.party.channel.grpc import dial
from isthmus.party.identity import Identity, fingerprint, load_certificate
folder = Path(sys.argv[1])
pin = fingerprint(load_certificate(folder / "beta.crt", "peer"))
me = Identity("alpha", folder / "alpha.crt", folder / "alpha.key", folder / "ca.crt", "beta", pin)
try:
    dial(f"127.0.0.1:{sys.argv[2]}", me, 30.0)
except IsthmusError as error:
    print(error.code)
"""

_LISTEN = """
import sys
import grpc
from pathlib import Path
from isthmus.errors import IsthmusError
from isthmus.party.channel.grpc import Listener
from isthmus.party.identity import Identity, fingerprint, load_certificate
folder = Path(sys.argv[1])
pin = fingerprint(load_certificate(folder / "beta.crt", "peer"))
me = Identity("alpha", folder / "alpha.crt", folder / "alpha.key", folder / "ca.crt", "beta", pin)
try:
    Listener("127.0.0.1:0", me)
except IsthmusError as error:
    print(error.code, "imported before" in str(error))
"""


def test_a_listener_that_would_accept_tls_12_refuses_to_start(world: World) -> None:
    """gRPC reads its cipher list when it is imported; whoever imported it first decided on TLS 1.2."""
    child = subprocess.run(
        [sys.executable, "-c", _LISTEN, str(world.folder)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
        env=_environment(),
    )
    assert child.stdout.split() == [b"ERR_CONFIG", b"True"]


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GRPC_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_a_second_caller_does_not_disturb_the_first(world: World) -> None:
    with _listening(world.identities[BETA]) as listener:
        address = f"127.0.0.1:{listener.port}"
        first = dial(address, world.identities[ALPHA], PATIENT_SECONDS)
        accepted = listener.accept(PATIENT_SECONDS)
        second = dial(address, world.identities[ALPHA], PATIENT_SECONDS)
        with pytest.raises(errors.PeerGone):
            second.receive(PATIENT_SECONDS)
        first.send(b"still here")
        assert accepted.receive(PATIENT_SECONDS) == b"still here"
        second.close()
        first.close()


def test_keys_stay_private(world: World) -> None:
    alpha = world.identities[ALPHA]
    assert alpha.private_key_path.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in repr(alpha)
    alpha.private_key_path.chmod(0o644)
    with pytest.raises(errors.ConfigError, match=r"party\.private_key"):
        replace(alpha)
    with pytest.raises(errors.StorageError):
        world.authority.issue(world.folder, ALPHA)  # never overwritten
