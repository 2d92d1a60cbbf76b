"""A peer that is honest up to a point and then sends frames of its own making."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from isthmus.errors import IsthmusError, PeerFailed, PeerGone
from isthmus.party.channel import Channel
from isthmus.party.frames import FrameReader, FrameWriter, Message
from isthmus.party.handshake import handshake
from isthmus.party.limits import Limits
from isthmus.party.session import Session
from isthmus.party.wire.link_pb2 import DATA, FAILURE, Failure, Frame, JobStart
from isthmus.protocol.machine import Steps
from tests.protocol.conformance import PATIENT_SECONDS, QUICK, Outcome, open_channels, proposals


class Adversary:
    """The dialling party; ``next`` builds frames that continue the conversation, altered at will."""

    def __init__(self, channel: Channel, transport: str, limits: Limits) -> None:
        self.channel = channel
        agreement = handshake(channel, proposals(transport, limits)[0])
        self.session_id = agreement.session_id
        self.writer: FrameWriter = agreement.writer
        self.reader: FrameReader = agreement.reader

    def start_job(self) -> None:
        """Do the honest part of a job's start."""
        self.say(JobStart(protocol="toy/1", parameters="{}"))
        self.hear()

    def say(self, message: Any) -> None:
        self.channel.send(self.next(message.SerializeToString(), message.DESCRIPTOR.full_name))

    def next(self, payload: bytes, type_name: str, **header: Any) -> bytes:
        """Return the next DATA frame, with a right transcript for whatever the header says."""
        return self.writer.write(DATA, payload, type_name=type_name, **header)

    def hear(self) -> Message:
        """Return the victim's next message; raises PeerFailed when it reports a failure."""
        while True:
            frame = self.reader.read(self.channel.receive(PATIENT_SECONDS))
            if frame.kind == FAILURE:
                code = Failure.FromString(frame.payload).code
                raise PeerFailed("the victim stopped", peer_code=code)
            if frame.kind == DATA and (message := self.reader.assemble(frame.payload)):
                return message


def altered(data: bytes, **fields: Any) -> bytes:
    """Return the frame with fields overwritten and its transcript left as it was."""
    frame = Frame.FromString(data)
    for name, value in fields.items():
        setattr(frame, name, value)
    return frame.SerializeToString()


def attack(
    script: Callable[[Adversary], None],
    steps: Steps[Any],
    *,
    transport: str = "memory",
    limits: Limits = QUICK,
) -> tuple[Outcome, str]:
    """Let ``script`` loose on a victim that runs ``steps``; return its outcome and what it told the peer."""
    victim = Outcome()
    told = ""

    def defend(channel: Channel) -> None:
        try:
            with Session(channel, proposals(transport, limits)[1]) as session:
                victim.session = session
                victim.result = session.run("toy/1", steps, {})
        except BaseException as error:
            victim.error = error

    with open_channels(transport) as (dialled, accepted):
        thread = threading.Thread(target=defend, args=(accepted,), daemon=True)
        thread.start()
        try:
            adversary = Adversary(dialled, transport, limits)
            with suppress(PeerGone):  # it may be refused before the script is through
                script(adversary)
            while True:
                adversary.hear()
        except PeerFailed as error:
            told = error.peer_code
        except IsthmusError:
            pass  # the victim left without a word
        thread.join(2 * PATIENT_SECONDS)
        assert not thread.is_alive(), "the victim hangs"
        dialled.close()
    return victim, told
