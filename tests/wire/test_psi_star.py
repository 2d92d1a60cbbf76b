"""The bytes of psi_star/2 as other implementations must write and read them."""

from isthmus.protocol.psi_star_plan import Hop, Turn, turns
from isthmus.protocol.wire import psi_star_pb2 as wire
from isthmus.psi.sealing import RunKey
from tests.wire.golden import byte_tests

JOIN = wire.Join(count=300, nonce=b"\x01" * 32, public_key=b"\x02" * 32)
JOIN_BYTES = "08ac02" + "1220" + "01" * 32 + "1a20" + "02" * 32
MEMBER_BYTES = "0a03" + b"hub".hex() + "1247" + JOIN_BYTES
GOLDEN = {
    "join": (JOIN, JOIN_BYTES),
    "empty-set": (wire.Join(nonce=b"\x01" * 32), "1220" + "01" * 32),
    "roster": (wire.Roster(members=[wire.Member(name="hub", join=JOIN)]), "0a4e" + MEMBER_BYTES),
    "sealed": (wire.Sealed(box=b"\x03" * 20), "0a14" + "03" * 20),
    "outcome": (wire.Outcome(released=True, shared=b"\x22\x01"), "080112022201"),
    "withheld": (wire.Outcome(), ""),
}
BAD = {
    "cut-off": (wire.Sealed, "0a14" + "03" * 19),
    "unknown-field": (wire.Outcome, "08011801"),
    "wrong-wire-type": (wire.Join, "0a0103"),
    "overlong-number": (wire.Join, "08" + "ff" * 10 + "01"),
}


test_good_bytes, test_bad_bytes = byte_tests(GOLDEN, BAD)


def test_the_order_of_three_members():
    assert turns(3, 0) == [
        Turn(Hop(1, 0), Hop(2, 2)),
        Turn(Hop(1, 2), Hop(2, 1)),
        Turn(Hop(2, 1, True), None),
    ]
    assert turns(3, 2) == [Turn(Hop(0, 2), Hop(1, 1)), Turn(Hop(0, 1), Hop(1, 0)),
                           Turn(None, Hop(0, 1, True)), Turn(None, Hop(1, 2, True))]  # fmt: skip


def test_a_box_s_key_depends_on_both_ends_their_order_and_the_run(monkeypatch):
    """Fixed private keys and context: the bytes of the first box in each direction."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    keys = []
    for fill in (b"\x11", b"\x22"):
        fixed = X25519PrivateKey.from_private_bytes(fill * 32)
        monkeypatch.setattr("isthmus.psi.sealing.X25519PrivateKey.generate", lambda fixed=fixed: fixed)
        keys.append(RunKey())
    publics = [key.public_key for key in keys]
    boxes = []
    for context in (b"\x33" * 32, b"\x44" * 32):
        keys[0].bind(0, publics, context)
        keys[1].bind(1, publics, context)
        boxes += [keys[0].seal(1, b"x"), keys[1].seal(0, b"x"), keys[0].seal(1, b"x")]
        assert keys[1].open(0, boxes[-3]) == keys[0].open(1, boxes[-2]) == b"x"
    assert len(set(boxes)) == 6
