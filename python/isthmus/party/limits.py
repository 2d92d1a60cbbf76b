"""What a party accepts from its peer: sizes, times and minimum strength."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.protocol.suites import PSI_SUITES

PROTOCOL_VERSIONS = (1,)
SUITES = tuple(suite.identifier for suite in PSI_SUITES.values())

CHUNK_BYTES = 1 << 20
"""Payload of one frame. Small enough that a heartbeat never waits long behind data, large enough to
stream."""

MAX_FRAME_BYTES = CHUNK_BYTES + 1024
"""A frame is one chunk and its header; anything longer is refused unread."""

FRAME_COST = 256
"""Credit that a frame costs besides its payload, so that empty messages are bounded too."""

MAX_FIELDS = 1 << 16
"""Fields in one message. Bulk data travel as bytes, so a message with more is an attack on the parser's
memory."""

MAX_DEPTH = 16
"""Nesting of one message."""


@dataclass(frozen=True)
class Limits:
    """The bounds that this party enforces on the other.

    ``window`` bounds what the peer may send ahead of this party's reading, ``max_message`` one message. At
    most ``window + max_message`` bytes of the peer's data wait to be read, or ``2 * max_message`` while this
    party is itself stuck in sending. ``deadline_seconds`` is how long the peer may stay silent: one that
    computes sends heartbeats.
    """

    max_message: int = 1 << 30
    window: int = 64 << 20
    deadline_seconds: float = 60.0
    connect_seconds: float = 60.0
    min_key_bits: int = 2048
    suites: tuple[str, ...] = SUITES
