"""psi_star/2: the items that three or more parties share, by masks that pass through all of them.

The members stand in a ring: the hub is member 0, the filter the last. Every member's items go once around;
each member masks them with its own scalar, and passes them on in the order of the masked elements. What
everyone has masked goes to the filter, which compares and says where in the hub's items the common ones are;
the members undo their shuffles on the way back to the hub. Members other than the hub talk through it, in
sealed boxes. Who sees what is in ``docs/protocols/psi_star.md``.

:func:`member` is any member's part, in steps that name whom they address: here what comes before the first
turn of the ring, in ``psi_star_ring.py`` the rest. ``psi_star_relay.py`` brings these steps into the sessions
that the spokes have with the hub.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Generator, Sequence
from typing import Any

from isthmus.errors import DecodeError, ParameterMismatch, PeerValue, ProtocolCount, TooLarge
from isthmus.protocol.machine import Progress
from isthmus.protocol.matching import NONCE_BYTES, STAGE
from isthmus.protocol.psi_star_plan import CHUNK_ITEMS, HUB
from isthmus.protocol.psi_star_ring import Ring
from isthmus.protocol.psi_star_steps import PROTOCOL, From, Means, MemberSteps, To
from isthmus.protocol.suites import PsiSuite
from isthmus.protocol.wire import psi_star_pb2 as wire

__all__ = ["MAX_ITEMS", "MAX_MEMBERS", "member"]

MAX_ITEMS = 1 << 28
MAX_MEMBERS = 64

_KEY_BYTES = 32
_NAME_CHARACTERS = 128


def member(
    means: Means,
    names: Sequence[str],
    *,
    hub: bool,
    min_result: int,
    suite: PsiSuite,
    chunk_items: int = CHUNK_ITEMS,
) -> MemberSteps:
    """Take part in a run.

    Parameters
    ----------
    means
        This member's items, and what it works with.
    names
        At the hub the names of all members, its own first; at a spoke the hub's name and its own.
    hub
        Whether this is the hub, the only one that learns which items are shared.
    min_result
        An intersection of fewer items is not released.

    Raises
    ------
    ParameterMismatch, TooLarge, ProtocolCount, DecodeError, PeerDuplicate, PeerValue, TranscriptError
        Some member's counts, keys or messages are not those of an honest party.
    PointInvalid, PointEncoding
        The member before this one passed on something else than masked items; ``row`` is its position.
    """
    count, key = means.own.count, means.seals.public_key
    if count > MAX_ITEMS:
        raise TooLarge(f"a set has more than {MAX_ITEMS} items")
    join = wire.Join(count=count, nonce=secrets.token_bytes(NONCE_BYTES), public_key=key)
    yield Progress(STAGE, 0, 0)
    roster = yield from (_gather(join, names) if hub else _enter(join, names))
    index, digest = _index(roster, join), _digest(roster)
    means.seals.bind(index, [each.join.public_key for each in roster.members], digest)
    ring = Ring(means, roster, index=index, digest=digest, suite=suite, chunk_items=chunk_items)
    return (yield from ring.steps(min_result))


def _gather(join: wire.Join, names: Sequence[str]) -> Generator[To | From, Any, wire.Roster]:
    """Collect what the spokes bring and tell everyone of everyone."""
    roster = wire.Roster(members=[wire.Member(name=names[HUB], join=join)])
    for spoke in range(1, len(names)):
        theirs = yield From(spoke, wire.Join)
        roster.members.append(wire.Member(name=names[spoke], join=theirs))
    _check_roster(roster)
    for spoke in range(1, len(names)):
        yield To(spoke, roster)
    return roster


def _enter(join: wire.Join, names: Sequence[str]) -> Generator[To | From, Any, wire.Roster]:
    yield To(HUB, join)
    roster = yield From(HUB, wire.Roster)
    assert isinstance(roster, wire.Roster)
    _check_roster(roster)
    hub, own = names
    mine = roster.members[_index(roster, join)]
    if roster.members[HUB].name != hub or mine.name != own or mine.join != join:
        raise PeerValue("the hub tells the others something else of this run than it should")
    return roster


def _check_roster(roster: wire.Roster) -> None:
    members = roster.members
    if not 3 <= len(members) <= MAX_MEMBERS:
        raise ProtocolCount(f"a run has 3 to {MAX_MEMBERS} members, not {len(members)}")
    for each in members:
        if len(each.join.nonce) != NONCE_BYTES or len(each.join.public_key) != _KEY_BYTES:
            raise DecodeError("a member's nonce or key has another length")
        if each.join.count > MAX_ITEMS:
            raise TooLarge(f"a set has more than {MAX_ITEMS} items")
        if not 0 < len(each.name) <= _NAME_CHARACTERS or not each.name.isprintable():
            raise DecodeError("a member's name is empty, too long or not printable")
    if len({each.name for each in members}) < len(members):
        raise ParameterMismatch("two members have the same name")
    for field in ("nonce", "public_key"):
        if len({getattr(each.join, field) for each in members}) < len(members):
            raise PeerValue("a member reflected another one's nonce or key")


def _index(roster: wire.Roster, join: wire.Join) -> int:
    for index, each in enumerate(roster.members):
        if each.join.public_key == join.public_key:
            return index
    raise PeerValue("the hub left this member out of the run")


def _digest(roster: wire.Roster) -> bytes:
    """Return what stands for a roster, whatever way its bytes were written."""
    digest = hashlib.sha256(PROTOCOL.encode())
    for each in roster.members:
        name = each.name.encode()
        digest.update(len(name).to_bytes(4, "big") + name + each.join.count.to_bytes(8, "big"))
        digest.update(each.join.nonce + each.join.public_key)
    return digest.digest()
