"""A channel over a Unix socket: light enough to connect two processes a hundred times in a test."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress

from isthmus.errors import DeadlineError, IsthmusError, PeerGone
from isthmus.party.channel.base import Channel
from isthmus.party.channel.pipe import Pipe

_LENGTH = struct.Struct(">I")


class SocketChannel(Channel):
    """Byte strings with their length in front."""

    def __init__(self, end: socket.socket) -> None:
        super().__init__(Pipe(), Pipe())
        self._socket = end
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._write, self._read)]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        try:
            while True:
                data = self._outgoing.get(None)
                self._socket.sendall(_LENGTH.pack(len(data)) + data)
        except (IsthmusError, OSError):
            self._outgoing.end()
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)

    def _read(self) -> None:
        try:
            with self._socket.makefile("rb") as stream:
                while len(header := stream.read(_LENGTH.size)) == _LENGTH.size:
                    (size,) = _LENGTH.unpack(header)
                    if len(data := stream.read(size)) < size:
                        break
                    self._incoming.put(data)
        except (IsthmusError, OSError):
            pass
        self._incoming.end(PeerGone("the peer closed the connection"))
        self._outgoing.end(PeerGone("the peer closed the connection"))

    def close(self) -> None:
        self._outgoing.end()
        self._threads[0].join(1.0)
        self._incoming.end()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class Listener:
    """Accepts one connection after the other at a path."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        self._socket.listen()

    def accept(self, seconds: float) -> SocketChannel:
        self._socket.settimeout(seconds)
        try:
            end, _ = self._socket.accept()
        except TimeoutError:
            raise DeadlineError("the peer did not connect") from None
        end.settimeout(None)
        return SocketChannel(end)


def dial(path: str, seconds: float) -> SocketChannel:
    deadline = time.monotonic() + seconds
    while True:
        end = socket.socket(socket.AF_UNIX)
        try:
            end.connect(path)
            return SocketChannel(end)
        except OSError:
            end.close()
            if time.monotonic() > deadline:
                raise DeadlineError("no party answers") from None
            time.sleep(0.005)
