"""A channel over gRPC: one bidirectional stream of byte strings under TLS 1.3 with mutual authentication.

gRPC for Python cannot set a minimum TLS version. It can set the cipher list, which BoringSSL applies to TLS
1.2 and below only; so the list names one suite that needs a pre-shared key, which no connection here has, and
TLS 1.3 is what remains. gRPC reads the list when it is first imported, so this module must come first; a
listener checks that it did (:func:`isthmus.party.tls.require_tls13`).
"""

from __future__ import annotations

import os

os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-PSK-AES128-CBC-SHA"
os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # refusals are raised as typed errors, not printed

import logging
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent import futures
from typing import Any

import grpc

from isthmus.errors import (
    ConfigError,
    DeadlineError,
    IsthmusError,
    NotAuthorised,
    PeerGone,
    TlsAuth,
    TooLarge,
)
from isthmus.party.channel.base import Channel
from isthmus.party.channel.pipe import Pipe
from isthmus.party.channel.tls import Credentials, NotReady, preflight, require_tls13

log = logging.getLogger(__name__)

_SERVICE, _METHOD = "isthmus.party.v1.Link", "Exchange"
_LINGER_SECONDS = 1.0
_RETRY_SECONDS = 0.2
_MAX_MESSAGE_BYTES = 4 << 20
_COMMON_OPTIONS = [
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 8 << 10),
    ("grpc.compression_enabled_algorithms_bitset", 1),  # identity only: nothing to inflate
]
_SERVER_OPTIONS = [
    *_COMMON_OPTIONS,
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 1),
]
_CLIENT_OPTIONS = [
    *_COMMON_OPTIONS,
    ("grpc.enable_retries", 0),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
]
_REASONS: dict[grpc.StatusCode, type[IsthmusError]] = {
    grpc.StatusCode.PERMISSION_DENIED: NotAuthorised,
    grpc.StatusCode.UNAUTHENTICATED: TlsAuth,
    grpc.StatusCode.RESOURCE_EXHAUSTED: TooLarge,
}


class _StreamChannel(Channel):
    """Pumps one gRPC stream into the incoming pipe, and the outgoing pipe into the stream."""

    def __init__(self) -> None:
        super().__init__(Pipe(), Pipe())
        self._pump = threading.Thread(target=lambda: None)

    def outgoing(self) -> Iterator[bytes]:
        """What this party sends, until it closes; gRPC iterates this in a thread of its own."""
        while True:
            try:
                data = self._outgoing.get(None)
            except IsthmusError:
                return
            yield data

    def _start_pump(self, stream: Iterable[bytes]) -> None:
        self._pump = threading.Thread(target=self._fill, args=(stream,), name="isthmus-pump", daemon=True)
        self._pump.start()

    def _fill(self, stream: Iterable[bytes]) -> None:
        reason: IsthmusError = PeerGone("the peer closed the connection")
        try:
            for data in stream:
                self._incoming.put(data)
        except IsthmusError:
            pass  # this side closed
        except grpc.RpcError as error:
            reason = _reason(error)
        finally:
            self._incoming.end(reason)
            self._outgoing.end(reason)


class DialledChannel(_StreamChannel):
    """The dialling party's end."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        super().__init__()
        tls = grpc.ssl_channel_credentials(
            credentials.authority_pem,
            credentials.private_key_path.read_bytes(),
            credentials.certificate_path.read_bytes(),
        )
        options = [*_CLIENT_OPTIONS, ("grpc.ssl_target_name_override", credentials.peer_name)]
        self._channel = grpc.secure_channel(address, tls, options)
        method = self._channel.stream_stream(
            f"/{_SERVICE}/{_METHOD}", request_serializer=bytes, response_deserializer=bytes
        )
        self._call: Any = method(self.outgoing())
        self._start_pump(self._call)

    def close(self) -> None:
        """Say that nothing more comes, give the listener a moment to close, then hang up."""
        self._outgoing.end()
        self._pump.join(_LINGER_SECONDS)
        self._incoming.end()
        self._call.cancel()
        self._channel.close()


class AcceptedChannel(_StreamChannel):
    """The listening party's end."""

    def __init__(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> None:
        super().__init__()
        self.closed = False
        self._context: Any = context
        context.add_callback(self._ended)
        self._start_pump(requests)

    def _ended(self) -> None:
        # The pump may still be moving what arrived before the end; it ends the incoming pipe itself.
        self._outgoing.end()

    def close(self) -> None:
        """Finish the stream after what was sent, or abandon it if the peer does not take that."""
        self.closed = True
        self._outgoing.end()
        self._pump.join(_LINGER_SECONDS)
        if self._pump.is_alive():
            self._context.cancel()
        self._incoming.end()


class Listener:
    """Waits for the pinned peer at ``address`` ("host:port"; port 0 picks a free one, see ``port``)."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        self._credentials = credentials
        self._lock = threading.Condition()
        self._waiting: AcceptedChannel | None = None
        self._open: AcceptedChannel | None = None
        self._refused: IsthmusError | None = None
        self._server = grpc.server(
            futures.ThreadPoolExecutor(max_workers=4, thread_name_prefix="isthmus-grpc"),
            options=_SERVER_OPTIONS,
            maximum_concurrent_rpcs=4,
        )
        handler = grpc.stream_stream_rpc_method_handler(self._exchange)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler}),)
        )
        tls = grpc.ssl_server_credentials(
            [(credentials.private_key_path.read_bytes(), credentials.certificate_path.read_bytes())],
            root_certificates=credentials.authority_pem,
            require_client_auth=True,
        )
        try:
            self.port: int = self._server.add_secure_port(address, tls)
        except RuntimeError:
            raise ConfigError(
                f"party.listen: cannot listen at {address}; is the port in use, or the address elsewhere?"
            ) from None
        self._server.start()
        try:
            require_tls13(address, self.port)
        except IsthmusError:
            self.close()
            raise

    def accept(self, timeout: float) -> Channel:
        """Return the channel to the peer once it has connected.

        Raises DeadlineError after ``timeout`` seconds, or why the last caller was refused if there was one.
        """
        with self._lock:
            if not self._lock.wait_for(lambda: self._waiting is not None, timeout):
                raise self._refused or DeadlineError(f"the peer did not connect within {timeout:g} s")
            assert self._waiting is not None
            channel, self._waiting = self._waiting, None
            return channel

    def close(self) -> None:
        """Stop listening and end every stream."""
        self._server.stop(_LINGER_SECONDS).wait()

    def _exchange(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        try:
            self._credentials.check_peer(_peer_certificate(context))
        except IsthmusError as error:
            log.warning("refused a caller: %s", error.code)
            with self._lock:
                self._refused = error
            denied = isinstance(error, NotAuthorised)
            context.abort(
                grpc.StatusCode.PERMISSION_DENIED if denied else grpc.StatusCode.UNAUTHENTICATED, error.code
            )
        with self._lock:
            # A stream that this side has closed may take long to end where the network swallows everything.
            busy = self._open is not None and not self._open.closed
            if not busy:
                channel = self._open = self._waiting = AcceptedChannel(requests, context)
                self._lock.notify_all()
        if busy:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "another session is open")
        try:
            yield from channel.outgoing()
        finally:
            with self._lock:
                if self._open is channel:
                    self._open = None


def dial(address: str, credentials: Credentials, timeout: float) -> Channel:
    """Connect to the listening peer, trying again until it is there.

    Raises TlsAuth or NotAuthorised at once if someone else answers, DeadlineError after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            preflight(address, credentials, max(deadline - time.monotonic(), _RETRY_SECONDS))
            return DialledChannel(address, credentials)
        except NotReady:
            if time.monotonic() + _RETRY_SECONDS > deadline:
                raise DeadlineError(f"no party answered at {address} within {timeout:g} s") from None
            time.sleep(_RETRY_SECONDS)


def _peer_certificate(context: grpc.ServicerContext) -> bytes:
    found: Any = context.auth_context().get("x509_pem_cert")
    return ssl.PEM_cert_to_DER_cert(found[0].decode()) if found else b""


def _reason(error: grpc.RpcError) -> IsthmusError:
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    kind = _REASONS.get(code, PeerGone)
    if code == grpc.StatusCode.FAILED_PRECONDITION:
        return PeerGone("the peer is in another session")
    return kind(f"the connection ended with {code.name}")
