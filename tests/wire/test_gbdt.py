"""The bytes of gbdt/1 and gbdt-predict/1 as other implementations must write and read them."""

import numpy as np

from isthmus.protocol.gbdt_wire import pack_bits, unpack_bits
from isthmus.protocol.wire import gbdt_pb2 as wire
from tests.wire.golden import byte_tests

GOLDEN = {
    "setup": (wire.Setup(public_key=b"\x01\x02"), "0a020102"),
    "tree-start": (wire.TreeStart(tree=1, sample=b"\x05"), "0801120105"),
    "gradients": (
        wire.Gradients(tree=2, start=1024, count=1, ciphertexts=b"\xaa" * 4),
        "0802108008180122" + "04aaaaaaaa",
    ),
    "root-sums": (
        wire.Sums(tree=0, node=1, count=2, row_counts=bytes(8), ciphertexts=b"\xbb"),
        "100118022a08" + "00" * 8 + "3201bb",
    ),
    "sums": (
        wire.Sums(tree=1, node=2, count=1, candidates=b"\x02", row_counts=b"\x07\0\0\0", ciphertexts=b"\xbb"),
        "080110021801220102" + "2a0407000000" + "3201bb",
    ),
    "decisions": (
        wire.Decisions(
            tree=1,
            level=2,
            decisions=[
                wire.Decision(node=4, leaf=True),
                wire.Decision(node=5, own_split=b""),
                wire.Decision(node=6, own_split=b"\x03"),
                wire.Decision(node=7, peer_split=0),
            ],
        ),
        "08011002" + "1a0408041001" + "1a0408051a00" + "1a0508061a0103" + "1a0408072000",
    ),
    "partitions": (
        wire.Partitions(tree=1, level=0, partitions=[wire.Partition(node=1, left=b"\x0f")]),
        "0801" + "1a05080112010f",
    ),
    "split-bits": (wire.SplitBits(first_record=8, records=2, left=b"\x01\x02"), "08081002" + "1a020102"),
}
BAD = {
    "cut-off": (wire.Gradients, "0802108008180122" + "04aaaaaa"),
    "unknown-field": (wire.Setup, "0a0201023801"),
    "wrong-wire-type": (wire.TreeStart, "0a0101"),
    "overlong-number": (wire.SplitBits, "08" + "ff" * 10 + "01"),
    "unknown-field-inside": (wire.Decisions, "1a0408044801"),
}


test_good_bytes, test_bad_bytes = byte_tests(GOLDEN, BAD)


def test_bitmaps():
    bits = np.array([True, False, True, False, False, False, False, False, True])
    assert pack_bits(bits) == b"\x05\x01"
    assert np.array_equal(unpack_bits(b"\x05\x01", 9, "bitmap"), bits)
    assert pack_bits(np.empty(0, dtype=bool)) == b""


def test_the_names_on_the_wire():
    assert wire.Sums.DESCRIPTOR.full_name == "isthmus.gbdt.v1.Sums"
