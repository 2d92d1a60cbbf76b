"""Parsing of a peer's protobuf bytes with bounded memory.

protobuf itself would turn two bytes of an empty sub-message into a hundred bytes of memory, and keeps unknown
fields. So the bytes are first walked along the expected message's descriptor: every field must be known, of
its declared wire type, and their number and nesting bounded. Only then are they parsed.
"""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError as ProtobufError
from google.protobuf.message import Message

from isthmus.errors import DecodeError
from isthmus.party.limits import MAX_DEPTH, MAX_FIELDS

M = TypeVar("M", bound=Message)

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIRE_TYPE = {
    FieldDescriptor.TYPE_DOUBLE: _FIXED64,
    FieldDescriptor.TYPE_FIXED64: _FIXED64,
    FieldDescriptor.TYPE_SFIXED64: _FIXED64,
    FieldDescriptor.TYPE_FLOAT: _FIXED32,
    FieldDescriptor.TYPE_FIXED32: _FIXED32,
    FieldDescriptor.TYPE_SFIXED32: _FIXED32,
    FieldDescriptor.TYPE_STRING: _BYTES,
    FieldDescriptor.TYPE_BYTES: _BYTES,
    FieldDescriptor.TYPE_MESSAGE: _BYTES,
}


class _Walk:
    """One pass over serialised bytes; ``budget`` is the number of fields still allowed."""

    def __init__(self, data: bytes, budget: int, allow_unknown: bool) -> None:
        self._data = memoryview(data)
        self._budget = budget
        self._allow_unknown = allow_unknown

    def message(self, descriptor: Descriptor, start: int, end: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise DecodeError(f"the message nests deeper than {MAX_DEPTH}")
        fields = descriptor.fields_by_number
        position = start
        while position < end:
            self._budget -= 1
            if self._budget < 0:
                raise DecodeError("the message has too many fields")
            tag, position = self._varint(position, end)
            field = fields.get(tag >> 3)
            if field is None and not self._allow_unknown:
                raise DecodeError("the message has an unknown field")
            position = self._field(field, tag & 7, position, end, depth)

    def _field(self, field: FieldDescriptor | None, wire: int, position: int, end: int, depth: int) -> int:
        if field is not None and wire != _WIRE_TYPE.get(field.type, _VARINT):
            # A list as default marks a repeated field in every release of protobuf; is_repeated is new.
            packed = wire == _BYTES and field.default_value == []
            if not packed:
                raise DecodeError("a field has the wrong wire type")
            field = None  # packed scalars: parsed memory is at most eight times the bytes
        if wire == _VARINT:
            return self._varint(position, end)[1]
        if wire in (_FIXED32, _FIXED64):
            stop = position + (4 if wire == _FIXED32 else 8)
        elif wire == _BYTES:
            length, position = self._varint(position, end)
            stop = position + length
        else:
            raise DecodeError("a field has a wire type that proto3 does not use")
        if stop > end:
            raise DecodeError("a field is longer than its message")
        if field is not None and field.message_type is not None:
            self.message(field.message_type, position, stop, depth + 1)
        return stop

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while position < end and shift < 70:
            byte = self._data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
            shift += 7
        raise DecodeError("a number in the message is cut off")


def parse(kind: type[M], data: bytes, *, allow_unknown: bool = False) -> M:
    """Parse ``data`` as one ``kind``.

    ``allow_unknown`` is for Hello alone, where a newer peer must be told our versions rather than a parse
    error.

    Raises DecodeError for anything malformed, unknown, too deep or too numerous; memory stays in proportion
    to ``len(data)``.
    """
    descriptor: Any = kind.DESCRIPTOR
    _Walk(data, MAX_FIELDS, allow_unknown).message(descriptor, 0, len(data), 1)
    message = kind()
    try:
        message.ParseFromString(data)
    except (ProtobufError, UnicodeDecodeError, ValueError):
        raise DecodeError(f"the bytes are not a valid {kind.DESCRIPTOR.full_name}") from None
    return message
