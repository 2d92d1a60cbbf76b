"""Writes the golden frames of tests/wire/frames: run it only when the wire changes, with a new version."""

from __future__ import annotations

import json
from pathlib import Path

from isthmus.party.frames import FrameWriter
from isthmus.party.wire.link_pb2 import (
    CONFIRM,
    CREDIT,
    DATA,
    FAILURE,
    FROM_DIALLER,
    HEARTBEAT,
    HELLO,
    Confirm,
    Credit,
    Failure,
    Frame,
    Hello,
)

FOLDER = Path(__file__).parent / "frames"
SESSION = bytes(range(32))


def conversation() -> list[bytes]:
    """One direction of a small session: handshake, a message of two chunks, control frames."""
    hello = Hello(
        versions=[1],
        party="alpha",
        peer="beta",
        job="golden",
        nonce=bytes(32),
        suites=["ristretto255-SHA512"],
        min_key_bits=2048,
        window_bytes=1 << 26,
        max_message_bytes=1 << 30,
        deadline_milliseconds=60000,
    )
    writer = FrameWriter(FROM_DIALLER)
    frames = [writer.write(HELLO, hello.SerializeToString())]
    writer.bind(SESSION)
    frames.append(writer.write(CONFIRM, Confirm(transcript=bytes(32)).SerializeToString()))
    name = "isthmus.party.v1.Confirm"
    message = Confirm(transcript=b"0123456789").SerializeToString()
    frames.append(writer.write(DATA, message[:5], type_name=name, total=len(message)))
    frames.append(writer.write(HEARTBEAT))
    frames.append(writer.write(DATA, message[5:], type_name=name, total=len(message), offset=5))
    frames.append(writer.write(CREDIT, Credit(allowed=1 << 27).SerializeToString()))
    frames.append(writer.write(FAILURE, Failure(code="ERR_PROTOCOL_STATE").SerializeToString()))
    return frames


def bad_frames(good: list[bytes]) -> dict[str, tuple[str, bytes]]:
    """Frames in the place of the third good one, each with the code of its refusal."""

    def changed(index: int = 2, **fields: object) -> bytes:
        frame = Frame.FromString(good[index])
        for name, value in fields.items():
            setattr(frame, name, value)
        return frame.SerializeToString()

    return {
        "empty": ("ERR_SESSION", b""),
        "garbage": ("ERR_DECODE", b"\xff" * 16),
        "cut": ("ERR_DECODE", good[2][:-3]),
        "unknown_field": ("ERR_DECODE", good[2] + b"\x98\x06\x01"),
        "wrong_wire_type": ("ERR_DECODE", good[2] + b"\x1a\x01\x00"),
        "type_name_not_utf8": ("ERR_DECODE", good[2] + b"\x2a\x02\xff\xfe"),
        "other_session": ("ERR_SESSION", changed(session_id=bytes(32))),
        "no_session": ("ERR_SESSION", changed(session_id=b"")),
        "other_direction": ("ERR_SESSION", changed(direction=2)),
        "replayed": ("ERR_REPLAY", good[1]),
        "gap": ("ERR_SEQUENCE", good[3]),
        "second_hello": ("ERR_PROTOCOL_STATE", changed(kind=1)),
        "declared_2_60": ("ERR_TRANSCRIPT", changed(total_length=1 << 60)),
        "altered_payload": ("ERR_TRANSCRIPT", changed(payload=b"\x0a\x0a019")),
        "no_transcript": ("ERR_TRANSCRIPT", changed(transcript=b"")),
    }


def main() -> None:
    """Write every frame as hex beside what becomes of it."""
    good = conversation()
    FOLDER.mkdir(exist_ok=True)
    rows = [{"name": f"good_{i}", "code": "", "hex": frame.hex()} for i, frame in enumerate(good)]
    rows += [
        {"name": name, "code": code, "hex": data.hex()} for name, (code, data) in bad_frames(good).items()
    ]
    (FOLDER / "link_v1.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
