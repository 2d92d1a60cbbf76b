"""Golden frames: the good are written and read exactly so, the bad refused with exactly this code."""

from __future__ import annotations

import json

import pytest

from isthmus import errors
from isthmus.party.frames import FrameReader
from isthmus.party.wire.link_pb2 import DATA, FROM_DIALLER
from tests.wire.make_frames import FOLDER, SESSION, conversation

ROWS = json.loads((FOLDER / "link_v1.json").read_text())
GOOD = [bytes.fromhex(row["hex"]) for row in ROWS if not row["code"]]
BAD = [row for row in ROWS if row["code"]]


def _reader(frames: int) -> FrameReader:
    """Return a reader that has seen the first good frames."""
    reader = FrameReader(FROM_DIALLER, 1 << 20)
    for i, frame in enumerate(GOOD[:frames]):
        reader.read(frame)
        if i == 0:
            reader.bind(SESSION)
    return reader


def test_counts() -> None:
    assert (len(GOOD), len(BAD)) == (7, 15)


def test_this_version_writes_the_golden_bytes() -> None:
    assert conversation() == GOOD


def test_good_frames_are_read() -> None:
    reader = _reader(2)
    whole = []
    for frame in GOOD[2:]:
        incoming = reader.read(frame)
        if incoming.kind == DATA:
            whole.append(reader.assemble(incoming.payload))
    assert whole[0] is None
    assert whole[1] is not None
    assert whole[1].payload.endswith(b"0123456789")


@pytest.mark.parametrize("row", BAD, ids=lambda row: row["name"])
def test_bad_frames_are_refused(row: dict[str, str]) -> None:
    reader = _reader(2)
    with pytest.raises(errors.IsthmusError) as caught:
        reader.read(bytes.fromhex(row["hex"]))
    assert caught.value.code == row["code"]
    reader.read(GOOD[2])  # the refusal changed nothing
