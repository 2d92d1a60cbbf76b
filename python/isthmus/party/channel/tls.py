"""TLS checks that gRPC for Python lacks: who answers, with which version, and why a handshake fails."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from isthmus.errors import ConfigError, NotAuthorised, TlsAuth

_PROBE_SECONDS = 5.0
_HANDSHAKE_RECORD = b"\x16"  # a ServerHello; a refusal is an alert (0x15) or the end of the connection
_HOSTNAME_MISMATCH = 62  # X509_V_ERR_HOSTNAME_MISMATCH


class NotReady(Exception):
    """Nobody answers yet."""


class Credentials(Protocol):
    """What a transport needs of a party's identity."""

    @property
    def certificate_path(self) -> Path:
        """This party's certificate, PEM."""

    @property
    def private_key_path(self) -> Path:
        """Its private key, PEM."""

    @property
    def authority_pem(self) -> bytes:
        """The certificates that the peer's must chain to."""

    @property
    def peer_name(self) -> str:
        """The name that the peer's certificate must carry."""

    def check_peer(self, certificate_der: bytes) -> None:
        """Raise TlsAuth or NotAuthorised unless this is the pinned peer's certificate."""


def split_address(address: str) -> tuple[str, int]:
    """Split "host:port"; raises ConfigError if it is not that."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ConfigError("an address must be 'host:port', the port at most 65535")
    return host.strip("[]"), int(port)


def preflight(address: str, credentials: Credentials, timeout: float) -> None:
    """Make one TLS 1.3 handshake with whoever listens at ``address`` and check that it is the pinned peer.

    Raises NotReady if nobody answers, NotAuthorised if another party does, TlsAuth if either certificate is
    refused.
    """
    timeout = min(timeout, _PROBE_SECONDS)
    context = _client_context(credentials)
    try:
        with (
            socket.create_connection(split_address(address), timeout) as plain,
            context.wrap_socket(plain, server_hostname=credentials.peer_name) as tls,
        ):
            credentials.check_peer(tls.getpeercert(binary_form=True) or b"")
            _await_verdict(tls)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _HOSTNAME_MISMATCH:
            raise NotAuthorised("the party that answers has a certificate with another name") from None
        raise TlsAuth(f"the peer's certificate is refused: {error.verify_message}") from None
    except ssl.SSLEOFError:  # as behind a load balancer whose party has not come yet
        raise NotReady from None
    except ssl.SSLError as error:
        raise TlsAuth(f"the TLS handshake failed: {error.reason or type(error).__name__}") from None
    except OSError:
        raise NotReady from None


def _await_verdict(tls: ssl.SSLSocket) -> None:
    """Wait for the listener's first byte: in TLS 1.3 it judges our certificate after our side is done."""
    try:
        accepted = tls.recv(1)
    except (ssl.SSLError, ConnectionError):
        accepted = b""
    if not accepted:
        raise TlsAuth("the peer refused this party's certificate")


def require_tls13(address: str, port: int) -> None:
    """Check that the listener at ``port`` refuses TLS 1.2.

    Raises ConfigError otherwise: gRPC was then imported before isthmus could restrict it.
    """
    host = split_address(address)[0]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # only the version is asked; nothing is sent
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    hello = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), hello).do_handshake()
    try:
        with socket.create_connection((host, port), _PROBE_SECONDS) as plain:
            plain.sendall(hello.read())
            answer = plain.recv(1)
    except ConnectionError:
        return
    except OSError as error:
        raise ConfigError(f"party.listen: the listener does not answer: {type(error).__name__}") from None
    if answer == _HANDSHAKE_RECORD:
        raise ConfigError("grpc was imported before isthmus.party and accepts TLS 1.2; import it after")


def _client_context(credentials: Credentials) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # As gRPC does: the peer's own certificate may serve as the authority.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.set_alpn_protocols(["h2"])
    context.load_verify_locations(cadata=credentials.authority_pem.decode())
    context.load_cert_chain(credentials.certificate_path, credentials.private_key_path)
    return context
