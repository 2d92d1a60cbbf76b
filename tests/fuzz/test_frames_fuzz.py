"""Random and mutated bytes: every frame is read or refused with a typed error, never anything else."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import DecodeError, IsthmusError
from isthmus.party.decode import parse
from isthmus.party.frames import FrameReader, FrameWriter
from isthmus.party.wire.link_pb2 import DATA, FROM_DIALLER, HELLO, Confirm, Frame, Hello

NAME = Confirm.DESCRIPTOR.full_name
SESSION = bytes(32)


def _frames() -> list[bytes]:
    writer = FrameWriter(FROM_DIALLER)
    frames = [writer.write(HELLO, b"hello")]
    writer.bind(SESSION)
    frames += [writer.write(DATA, bytes(40), type_name=NAME, total=80, offset=offset) for offset in (0, 40)]
    return frames


FRAMES = _frames()


def _reader() -> FrameReader:
    reader = FrameReader(FROM_DIALLER, 1 << 16)
    reader.read(FRAMES[0])
    reader.bind(SESSION)
    return reader


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    for kind in (Frame, Hello, Struct):
        try:
            parse(kind, data)
        except DecodeError:
            continue
    try:
        _reader().read(data)
    except IsthmusError:
        return
    raise AssertionError("random bytes cannot continue a transcript")


@settings(max_examples=300)
@given(st.integers(0, len(FRAMES[1]) - 1), st.integers(1, 255), st.booleans())
def test_one_changed_or_missing_byte(position: int, change: int, remove: bool) -> None:
    data = bytearray(FRAMES[1])
    if remove:
        del data[position]
    else:
        data[position] ^= change
    reader = _reader()
    try:
        reader.read(bytes(data))
    except IsthmusError:
        reader.read(FRAMES[1])
        return
    raise AssertionError("an altered frame was accepted")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200)
@given(st.dictionaries(st.text(max_size=8), _VALUES, max_size=5))
def test_what_protobuf_writes_is_read_back(content: dict[str, object]) -> None:
    message = Struct()
    message.update(content)
    data = message.SerializeToString()
    try:
        assert parse(Struct, data) == message
    except DecodeError as error:
        assert "nests" in str(error)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 3_000_000), min_size=1, max_size=4))
def test_messages_of_any_size_survive(sizes: list[int]) -> None:
    writer, reader = FrameWriter(FROM_DIALLER), FrameReader(FROM_DIALLER, 1 << 22)
    reader.read(writer.write(HELLO))
    for bound in (writer, reader):
        bound.bind(SESSION)
    for size in sizes:
        chunk = max(1, size // 3)
        for offset in range(0, max(size, 1), chunk):
            payload = bytes(min(chunk, size - offset))
            if len(payload) > 1 << 20:
                return
            frame = reader.read(writer.write(DATA, payload, type_name=NAME, total=size, offset=offset))
            message = reader.assemble(frame.payload)
        assert message is not None
        assert len(message.payload) == size
        assert message.after == writer.data_digest
