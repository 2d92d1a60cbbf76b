"""Checks of messages by the bytes that other implementations must write and read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from google.protobuf.message import Message

from isthmus.errors import DecodeError
from isthmus.party.decode import parse


def each(table: Mapping[str, tuple[Any, str]]) -> pytest.MarkDecorator:
    """Run a test for every row of a table, by its name."""
    return pytest.mark.parametrize(("message", "data"), table.values(), ids=table.keys())


def check_good(message: Message, data: str) -> None:
    """The message is written as these bytes, in hexadecimal digits, and read from them."""
    assert message.SerializeToString().hex() == data
    assert parse(type(message), bytes.fromhex(data)) == message


def check_bad(kind: type[Message], data: str) -> None:
    """The bytes are no message of this kind."""
    with pytest.raises(DecodeError):
        parse(kind, bytes.fromhex(data))
