"""The bytes of psi_voprf/1 as other implementations must write and read them."""

import hashlib

import numpy as np

from isthmus import oprf
from isthmus.protocol import psi_voprf
from isthmus.protocol.wire import psi_voprf_pb2 as wire
from tests.wire.golden import byte_tests

GOLDEN = {
    "receiver": (
        wire.Start(role=wire.ROLE_RECEIVER, count=1_000_000, nonce=bytes(range(32))),
        "080110c0843d1a20" + bytes(range(32)).hex(),
    ),
    "sender": (
        wire.Start(role=wire.ROLE_SENDER, count=2, nonce=b"\x05" * 32, public_key=b"\x06" * 32),
        "080210021a20" + "05" * 32 + "2220" + "06" * 32,
    ),
    "blinded": (wire.Blinded(index=3, elements=b"\x01" * 64), "08031240" + "01" * 64),
    "first-blinded": (wire.Blinded(index=0, elements=b"\x02" * 33), "1221" + "02" * 33),
    "evaluated": (
        wire.Evaluated(index=1, elements=b"\x03" * 32, proof=b"\x04" * 64),
        "08011220" + "03" * 32 + "1a40" + "04" * 64,
    ),
    "tags": (wire.Tags(index=300, tags=b"\x07" * 11), "08ac02120b" + "07" * 11),
    "released": (wire.Verdict(released=True), "0801"),
    "withheld": (wire.Verdict(released=False), ""),
}
BAD = {
    "cut-off": (wire.Blinded, "08031240" + "01" * 63),
    "unknown-field": (wire.Tags, "08011a01ff"),
    "wrong-wire-type": (wire.Evaluated, "1803"),
    "overlong-number": (wire.Start, "10" + "ff" * 10 + "01"),
}
ITEM = hashlib.sha256(b"an item").digest()
# What the sender's tag of this item is, under the key that follows from the seed 0x33.. and with nonces of
# 0x11.. and 0x22..: the first 7 bytes of the function's output for sets of 60 items each.
TAGS = {"ristretto255-SHA512": "1f8d44164f9b2a", "P256-SHA256": "8be98760585427"}


test_good_bytes, test_bad_bytes = byte_tests(GOLDEN, BAD)


def test_the_names_on_the_wire():
    assert wire.Start.DESCRIPTOR.full_name == "isthmus.psi_voprf.v1.Start"
    assert psi_voprf.PROTOCOL == "psi_voprf/1"


def test_an_item_s_tag_follows_from_the_key_and_both_first_messages():
    for identifier, tag in TAGS.items():
        function = oprf.suite(identifier)
        server = oprf.Server(function.derive_key(b"\x33" * 32))
        receiver = wire.Start(nonce=b"\x22" * 32)
        sender = wire.Start(nonce=b"\x11" * 32, public_key=server.public_key)
        run = psi_voprf._name(receiver, sender)
        assert run == psi_voprf._name(sender, receiver)
        assert (
            run == hashlib.sha256(b"psi_voprf/1" + sender.nonce + receiver.nonce + server.public_key).digest()
        )
        plan = psi_voprf._Plan(function, run, 60, 60, False, 1)
        inputs = plan.inputs(np.frombuffer(ITEM, dtype=np.uint8).reshape(1, -1))
        assert inputs == [b"psi_voprf/1" + run + ITEM]
        assert plan.tags(server.evaluate_directly(inputs)).tobytes().hex() == tag
