"""Fault cases 28 to 30 and 32 inside the handshake: versions, suites, names, altered conversations."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus import errors
from isthmus.party.certificates import Authority
from isthmus.party.channel import Channel, memory_pair
from isthmus.party.frames import FrameWriter
from isthmus.party.handshake import Agreement, Proposal, handshake
from isthmus.party.limits import Limits
from isthmus.party.wire.link_pb2 import (
    CONFIRM,
    FROM_DIALLER,
    FROM_LISTENER,
    HELLO,
    Confirm,
    Direction,
    Frame,
    Hello,
)
from tests.protocol.conformance import NAMES, QUICK, make_identities, proposals

FIRST, SECOND = proposals("memory")
Ending = Agreement | errors.IsthmusError


def _shake(first: Proposal, second: Proposal, channels: tuple[Channel, Channel]) -> list[Ending]:
    endings: list[Ending] = [errors.IsthmusError("hangs")] * 2

    def work(i: int, channel: Channel, proposal: Proposal) -> None:
        try:
            endings[i] = handshake(channel, proposal)
        except errors.IsthmusError as error:
            endings[i] = error

    threads = [
        threading.Thread(target=work, args=arguments, daemon=True)
        for arguments in zip((0, 1), channels, (first, second), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    return endings


def _endings(first: Proposal, second: Proposal) -> tuple[type, type]:
    one, other = _shake(first, second, memory_pair())
    return type(one), type(other)


def _refused_by_both(endings: list[Ending], expected: type[errors.IsthmusError]) -> bool:
    """Both must fail; one with the expected error, the other with that or with the peer's word for it."""
    codes = [getattr(ending, "peer_code", "") or getattr(ending, "code", "") for ending in endings]
    return expected in map(type, endings) and all(code == expected.code for code in codes)


def test_agreement() -> None:
    one, other = _shake(FIRST, replace(SECOND, limits=replace(QUICK, min_key_bits=3072)), memory_pair())
    assert isinstance(one, Agreement)
    assert isinstance(other, Agreement)
    assert one.session_id == other.session_id
    assert len(one.session_id) == 32
    assert one.min_key_bits == other.min_key_bits == 3072
    assert one.version == 1


@pytest.mark.parametrize("versions", [(2, 3), (0,), ()], ids=["newer", "older", "absent"])
def test_case_28_no_common_version(versions: tuple[int, ...]) -> None:
    endings = _shake(FIRST, replace(SECOND, versions=versions), memory_pair())
    assert _refused_by_both(endings, errors.VersionError)
    assert "[1]" in " ".join(str(ending) for ending in endings if type(ending) is errors.VersionError)


def test_case_28_a_newer_hello_with_unknown_fields_is_told_the_versions() -> None:
    mine, theirs = memory_pair()
    hello = Hello(versions=[9], party="alpha", nonce=bytes(32)).SerializeToString() + b"\x98\x06\x01"
    theirs.send(FrameWriter(FROM_DIALLER).write(HELLO, hello))
    with pytest.raises(errors.VersionError, match=r"\[1\]"):
        handshake(mine, SECOND)


@pytest.mark.parametrize("theirs", [("P-256-SHA256",), ()], ids=["other", "none"])
def test_case_29_no_common_suite(theirs: tuple[str, ...]) -> None:
    endings = _shake(FIRST, replace(SECOND, limits=replace(QUICK, suites=theirs)), memory_pair())
    assert _refused_by_both(endings, errors.NoCommonSuite)


@pytest.mark.parametrize("field", ["party", "peer"])
def test_case_32_wrong_name(field: str) -> None:
    endings = _shake(FIRST, replace(SECOND, **{field: "gamma"}), memory_pair())
    assert _refused_by_both(endings, errors.NotAuthorised)


def test_another_job_is_named() -> None:
    endings = _shake(FIRST, replace(SECOND, job="other"), memory_pair())
    assert _refused_by_both(endings, errors.ParameterMismatch)
    assert "job" in str(endings[0]) + str(endings[1])


def test_unusable_limits() -> None:
    tiny = replace(SECOND, limits=Limits(window=1))
    assert _refused_by_both(_shake(FIRST, tiny, memory_pair()), errors.TooLarge)


@pytest.mark.parametrize("flaw", ["curve", "point", "bytes"])
def test_case_31_an_unreadable_certificate(tmp_path: Path, flaw: str) -> None:
    identity, other = make_identities(tmp_path, Authority()).values()
    der = other.certificate_der
    curve = bytes.fromhex("06082a8648ce3d030107034200")  # P-256, then the header of the public point
    altered = {
        "curve": der.replace(curve, curve[:9] + b"\x63" + curve[10:]),
        "point": der.replace(curve + b"\x04", curve + b"\x05"),
        "bytes": der[:-1],
    }[flaw]
    assert altered != der
    with pytest.raises(errors.TlsAuth, match="readable"):
        identity.check_peer(altered)


def test_an_interrupted_handshake_lets_the_peer_go() -> None:
    class Interrupted:
        certificate_der = b""

        def check_peer(self, certificate_der: bytes) -> None:
            raise KeyboardInterrupt

    mine, theirs = memory_pair()
    endings: list[BaseException] = []

    def peer() -> None:
        try:
            handshake(theirs, SECOND)
        except errors.IsthmusError as error:
            endings.append(error)

    thread = threading.Thread(target=peer, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        handshake(mine, replace(FIRST, credentials=Interrupted()))  # type: ignore[arg-type]
    thread.join(10)
    assert [type(error) for error in endings] == [errors.PeerGone]


def test_a_mirror_is_not_a_peer() -> None:
    """Someone who sends our own Hello back, with the direction changed, gets nowhere."""
    mine, theirs = memory_pair()

    def mirror() -> None:
        hello = Hello.FromString(Frame.FromString(theirs.receive(5.0)).payload)
        hello.party, hello.peer = hello.peer, hello.party
        theirs.send(FrameWriter(FROM_LISTENER).write(HELLO, hello.SerializeToString()))

    threading.Thread(target=mirror, daemon=True).start()
    with pytest.raises(errors.SessionError, match="nonce"):
        handshake(mine, FIRST)


class _Relay:
    """A man in the middle who rewrites the Hellos, with frames that are right in themselves."""

    def __init__(self, change: Callable[[Hello], None]) -> None:
        self.change = change
        (self.first, near), (far, self.second) = memory_pair(), memory_pair()
        for source, sink, direction in ((near, far, FROM_DIALLER), (far, near, FROM_LISTENER)):
            threading.Thread(target=self._relay, args=(source, sink, direction), daemon=True).start()

    def _relay(self, source: Channel, sink: Channel, direction: Direction) -> None:
        writer = FrameWriter(direction)
        try:
            while True:
                frame = Frame.FromString(source.receive(5.0))
                payload = frame.payload
                if frame.kind == HELLO:
                    hello = Hello.FromString(payload)
                    self.change(hello)
                    payload = hello.SerializeToString()
                elif writer.data_digest == b"":
                    writer.bind(frame.session_id)
                sink.send(writer.write(frame.kind, payload))
        except errors.IsthmusError:
            sink.close()


@pytest.mark.parametrize("field", ["min_key_bits", "window_bytes", "versions"])
def test_case_30_hello_altered_on_the_way(field: str) -> None:
    def change(hello: Hello) -> None:
        if field == "versions":
            hello.versions.append(0)
        else:
            setattr(hello, field, 65536)

    relay = _Relay(change)
    endings = _shake(FIRST, SECOND, (relay.first, relay.second))
    assert _refused_by_both(endings, errors.TranscriptError)


def test_case_30_confirm_without_the_pinned_key(tmp_path: Path) -> None:
    """Who shows the peer's certificate but has not its key cannot confirm."""
    identities = make_identities(tmp_path, Authority())
    alpha, beta = (identities[name] for name in NAMES)
    mine, theirs = memory_pair()
    proposal = replace(FIRST, credentials=alpha)
    thief = replace(SECOND, credentials=beta)

    def impersonate() -> None:
        writer = FrameWriter(FROM_LISTENER)
        hello = thief.hello()
        peer = Hello.FromString(Frame.FromString(theirs.receive(5.0)).payload)
        theirs.send(writer.write(HELLO, hello.SerializeToString()))
        frame = Frame.FromString(theirs.receive(5.0))
        writer.bind(frame.session_id)
        transcript = Confirm.FromString(frame.payload).transcript
        assert peer.nonce
        forged = Confirm(transcript=transcript, signature=alpha.sign(b"something else"))
        theirs.send(writer.write(CONFIRM, forged.SerializeToString()))

    threading.Thread(target=impersonate, daemon=True).start()
    with pytest.raises(errors.TranscriptError, match="signature"):
        handshake(mine, proposal)


def test_case_32_hello_with_another_certificate(tmp_path: Path) -> None:
    authority = Authority()
    identities = make_identities(tmp_path, authority)
    (tmp_path / "other").mkdir()
    authority.issue(tmp_path / "other", "beta")
    tenant = replace(
        identities["beta"],
        certificate_path=tmp_path / "other" / "beta.crt",
        private_key_path=tmp_path / "other" / "beta.key",
    )
    endings = _shake(
        replace(FIRST, credentials=identities["alpha"]),
        replace(SECOND, credentials=tenant),
        memory_pair(),
    )
    assert _refused_by_both(endings, errors.NotAuthorised)
