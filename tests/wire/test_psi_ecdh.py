"""The bytes of psi_ecdh/2 as other implementations must write and read them."""

from isthmus.protocol.suites import PSI_SUITES
from isthmus.protocol.wire import psi_ecdh_pb2 as wire
from tests.wire.golden import byte_tests

GOLDEN = {
    "start": (
        wire.Start(role=wire.ROLE_BOTH, count=1_000_000, nonce=bytes(range(32))),
        "080310c0843d1a20" + bytes(range(32)).hex(),
    ),
    "going-on": (
        wire.Start(
            role=wire.ROLE_SENDER,
            count=2,
            nonce=b"\x05" * 32,
            resume=wire.Resume(run=b"\x06" * 32, masked=300, answered=1),
        ),
        "080210021a20" + "05" * 32 + "22270a20" + "06" * 32 + "10ac021801",
    ),
    "masked": (wire.Masked(index=3, points=b"\x01" * 64), "08031240" + "01" * 64),
    "first-masked": (wire.Masked(index=0, points=b"\x02" * 32), "1220" + "02" * 32),
    "double-masked": (wire.DoubleMasked(index=1, tags=b"\x03" * 11), "0801120b" + "03" * 11),
    "released": (wire.Verdict(released=True), "0801"),
    "withheld": (wire.Verdict(released=False), ""),
}
BAD = {
    "cut-off": (wire.Masked, "08031240" + "01" * 63),
    "unknown-field": (wire.Verdict, "08011801"),
    "wrong-wire-type": (wire.Masked, "0a0103"),
    "overlong-number": (wire.Start, "10" + "ff" * 10 + "01"),
}


test_good_bytes, test_bad_bytes = byte_tests(GOLDEN, BAD)


def test_the_names_on_the_wire():
    assert wire.Start.DESCRIPTOR.full_name == "isthmus.psi_ecdh.v2.Start"
    assert {
        suite.identifier: [suite.tag_bytes(n, n) for n in (1, 1000, 10**6, 10**9)]
        for suite in PSI_SUITES.values()
    } == {
        "ristretto255-SHA512": [6, 8, 11, 13],
        "P256-SHA256": [5, 8, 10, 13],
        "SM2-SM3": [5, 8, 10, 13],
        "curve25519-SHA512": [5, 8, 10, 13],
    }
