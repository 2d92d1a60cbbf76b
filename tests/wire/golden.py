"""Checks of messages by the bytes that other implementations must write and read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from google.protobuf.message import Message

from isthmus.errors import DecodeError
from isthmus.party.decode import parse


def byte_tests(
    good: Mapping[str, tuple[Message, str]], bad: Mapping[str, tuple[type[Message], str]]
) -> tuple[Callable[..., None], Callable[..., None]]:
    """Return a test for the rows of either table; bytes are in hexadecimal digits.

    A good message is written as its bytes and read from them; bad bytes are no message of their kind.
    """

    @pytest.mark.parametrize(("message", "data"), good.values(), ids=good.keys())
    def good_bytes(message: Message, data: str) -> None:
        assert message.SerializeToString().hex() == data
        assert parse(type(message), bytes.fromhex(data)) == message

    @pytest.mark.parametrize(("kind", "data"), bad.values(), ids=bad.keys())
    def bad_bytes(kind: type[Message], data: str) -> None:
        with pytest.raises(DecodeError):
            parse(kind, bytes.fromhex(data))

    return good_bytes, bad_bytes
