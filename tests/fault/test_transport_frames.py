"""Fault cases 18 to 24 and 30: frames that an honest peer does not send."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from google.protobuf.struct_pb2 import Struct

from isthmus import errors
from isthmus.party.decode import parse
from isthmus.party.limits import CHUNK_BYTES, Limits
from isthmus.party.wire.link_pb2 import DATA, FROM_LISTENER, HEARTBEAT, HELLO, Confirm, Credit, Hello
from isthmus.protocol.machine import Progress, Receive, Steps
from tests.fault.adversary import Adversary, altered, attack
from tests.protocol.conformance import TRANSPORTS
from tests.protocol.toy import answer

BLOB = "isthmus.party.v1.Confirm"
SMALL = Limits(deadline_seconds=15.0, max_message=4 << 20, window=2 << 20)
Script = Callable[[Adversary], None]


def _send_all(*frames: Callable[[Adversary], bytes]) -> Script:
    def script(adversary: Adversary) -> None:
        adversary.start_job()
        for frame in frames:
            adversary.channel.send(frame(adversary))

    return script


def _twice(adversary: Adversary) -> None:
    adversary.start_job()
    data = adversary.next(Confirm(transcript=b"x").SerializeToString(), BLOB)
    adversary.channel.send(data)
    adversary.channel.send(data)


def _swapped(adversary: Adversary) -> None:
    adversary.start_job()
    first, second = (adversary.next(b"", BLOB) for _ in range(2))
    adversary.channel.send(second)
    adversary.channel.send(first)


def _dropped(adversary: Adversary) -> None:
    adversary.start_job()
    adversary.next(b"", BLOB)
    adversary.channel.send(adversary.next(b"", BLOB))


def _chunk(size: int, total: int, offset: int) -> Callable[[Adversary], bytes]:
    return lambda adversary: adversary.next(bytes(size), BLOB, total=total, offset=offset)


CASES: dict[str, tuple[Script, type[errors.IsthmusError]]] = {
    "18 unexpected message": (
        _send_all(lambda a: a.next(b"", Credit.DESCRIPTOR.full_name)),
        errors.ProtocolState,
    ),
    "18 unknown message": (_send_all(lambda a: a.next(b"", "no.such.Message")), errors.ProtocolState),
    "18 second handshake": (
        _send_all(lambda a: a.writer.write(HELLO, Hello().SerializeToString())),
        errors.ProtocolState,
    ),
    "18 unknown kind": (_send_all(lambda a: a.writer.write(99)), errors.ProtocolState),
    "19 replayed frame": (_twice, errors.ReplayError),
    "20 other session": (
        _send_all(lambda a: altered(a.next(b"", BLOB), session_id=bytes(32))),
        errors.SessionError,
    ),
    "20 other direction": (
        _send_all(lambda a: altered(a.next(b"", BLOB), direction=FROM_LISTENER)),
        errors.SessionError,
    ),
    "21 reordered": (_swapped, errors.SequenceError),
    "21 dropped": (_dropped, errors.SequenceError),
    "21 missing chunk": (_send_all(_chunk(10, 100, 0), _chunk(10, 100, 20)), errors.SequenceError),
    "22 frame too long": (_send_all(_chunk(CHUNK_BYTES + 2000, CHUNK_BYTES + 2000, 0)), errors.TooLarge),
    "22 payload too long": (_send_all(_chunk(CHUNK_BYTES + 1, CHUNK_BYTES + 1, 0)), errors.TooLarge),
    "22 declared 2^60": (_send_all(_chunk(10, 1 << 60, 0)), errors.TooLarge),
    "22 overlapping chunk": (_send_all(_chunk(10, 100, 0), _chunk(10, 100, 5)), errors.TooLarge),
    "22 chunk beyond total": (_send_all(_chunk(10, 15, 0), _chunk(10, 15, 10)), errors.TooLarge),
    "22 beyond its credit": (_send_all(*[_chunk(CHUNK_BYTES, CHUNK_BYTES, 0)] * 12), errors.TooLarge),
    "24 empty chunks": (_send_all(_chunk(10, 100, 0), _chunk(0, 100, 10)), errors.DecodeError),
    "24 type changes": (
        _send_all(_chunk(10, 100, 0), lambda a: a.next(b"x", "other", total=100, offset=10)),
        errors.DecodeError,
    ),
    "24 not a frame": (_send_all(lambda a: b"\xff" * 50), errors.DecodeError),
    "24 unknown frame field": (_send_all(lambda a: a.next(b"", BLOB) + b"\x98\x06\x01"), errors.DecodeError),
    "24 message of garbage": (_send_all(lambda a: a.next(b"\xff" * 50, BLOB)), errors.DecodeError),
    "30 payload altered": (
        _send_all(lambda a: altered(a.next(b"\x0a\x01a", BLOB), payload=b"\x0a\x01b")),
        errors.TranscriptError,
    ),
    "30 kind altered": (
        _send_all(lambda a: altered(a.writer.write(HEARTBEAT), kind=DATA)),
        errors.TranscriptError,
    ),
}


def _stuck() -> Steps[str]:
    """Compute without reading, until the session has ended."""
    for i in range(200):
        yield Progress("computing", i, 200)
        time.sleep(0.02)
    return "released"


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("case", CASES)
def test_bad_frames_end_the_job(case: str, transport: str) -> None:
    script, expected = CASES[case]
    steps = _stuck() if "credit" in case else answer(3)
    victim, told = attack(script, steps, transport=transport, limits=SMALL)
    assert type(victim.error) is expected
    assert told == expected.code
    assert victim.result is None
    assert victim.session is not None
    assert victim.session.audit[-1]["event"] == "failed"
    assert victim.session.audit[-1]["code"] == expected.code


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_case_23_stream_ends_inside_a_message(transport: str) -> None:
    def script(adversary: Adversary) -> None:
        adversary.start_job()
        adversary.channel.send(adversary.next(bytes(10), BLOB, total=100))
        adversary.channel.close()

    victim, _ = attack(script, answer(3), transport=transport)
    assert type(victim.error) is errors.PeerTruncated
    assert victim.result is None


def test_case_22_transport_refuses_what_no_frame_can_be() -> None:
    victim, _ = attack(_send_all(_chunk(3 << 20, 3 << 20, 0)), answer(3), transport="grpc")
    assert type(victim.error) is errors.TooLarge


def _nested(depth: int) -> bytes:
    """A Struct in a Value in a map entry in a Struct, and so on, built from the inside out."""
    heads: list[bytes] = []
    size = 0
    for _ in range(depth):
        for head in (b"\x0a\x00\x12", b"\x0a", b"\x2a"):  # entry.value, Struct.fields, Value.struct_value
            heads.append(head + _varint(size))
            size += len(heads[-1])
    return b"".join(reversed(heads[:-1]))


def _varint(n: int) -> bytes:
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


BOMBS = {
    "deep nesting": _nested(10_000),
    "unknown fields": b"\x98\x06\x01" * 2_000_000,
    "invalid UTF-8": b"\x0a\x05\x0a\x03\xff\xfe\xfd",
    "huge map": b"\x0a\x00" * 5_000_000,
    "endless number": b"\x0a" + b"\xff" * 20,
    "length beyond the end": b"\x0a\x7f\x00",
    "group": b"\x0b\x0c",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_case_24_protobuf_bombs_are_refused(bomb: str) -> None:
    with pytest.raises(errors.DecodeError):
        parse(Struct, BOMBS[bomb])


def test_case_24_bombs_need_little_memory() -> None:
    """All bombs are refused by a process that may not allocate 64 MiB beyond what it has."""
    program = """
import resource
from google.protobuf.struct_pb2 import Struct
from isthmus.errors import DecodeError
from isthmus.party.decode import parse
from tests.fault.test_transport_frames import BOMBS
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2)
for bomb in BOMBS.values():
    try:
        parse(Struct, bomb)
    except DecodeError:
        continue
    raise SystemExit("a bomb was parsed")
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env=environment)


def test_case_24_bomb_over_the_wire() -> None:
    def steps() -> Steps[str]:
        yield Receive((Struct,))
        return "released"

    script = _send_all(lambda a: a.next(b"\x0a\x00" * 100_000, "google.protobuf.Struct"))
    victim, told = attack(script, steps())
    assert type(victim.error) is errors.DecodeError
    assert told == errors.DecodeError.code
    assert victim.result is None
