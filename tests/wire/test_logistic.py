"""The bytes of logistic/1, logistic_score/1 and the first exchange, as others must write and read them."""

import numpy as np

from isthmus.protocol.logistic_messages import send_words
from isthmus.protocol.wire import logistic_pb2 as wire
from isthmus.protocol.wire.alignment_pb2 import TableShape
from tests.wire.golden import byte_tests

GOLDEN = {
    "table-shape": (
        TableShape(rows=300, features=2, active=True, nonce=bytes(range(16))),
        "08ac02" + "1002" + "1801" + "2210" + "000102030405060708090a0b0c0d0e0f",
    ),
    "table-without-columns": (TableShape(active=True), "1801"),
    "key": (wire.Key(public_key=b"\x01\x02"), "0a020102"),
    "ciphertexts": (
        wire.Ciphertexts(stage=wire.MOMENT_ROWS, start=1024, count=1, data=b"\xaa" * 4),
        "0801" + "108008" + "1801" + "2204aaaaaaaa",
    ),
    "ring-words": (
        wire.RingWords(stage=wire.REVEAL, count=1, data=b"\x07" + bytes(7)),
        "080d" + "1001" + "1a08" + "0700000000000000",
    ),
    "partial-scores": (
        wire.PartialScores(start=65536, count=1, data=b"\xff" * 8),
        "08808004" + "1001" + "1a08" + "ff" * 8,
    ),
}
BAD = {
    "cut-off": (wire.Ciphertexts, "0801" + "2204aaaa"),
    "unknown-field": (wire.Key, "0a020102" + "1801"),
    "wrong-wire-type": (wire.RingWords, "0a0101"),
    "overlong-number": (TableShape, "08" + "ff" * 10 + "01"),
}


test_good_bytes, test_bad_bytes = byte_tests(GOLDEN, BAD)


def test_words_are_little_endian():
    (step,) = send_words(wire.REVEAL, np.array([7], dtype=np.uint64))
    assert step.message == GOLDEN["ring-words"][0]


def test_the_numbers_of_the_stages():
    assert [wire.Stage.Name(number) for number in range(14)] == [
        *("STAGE_UNSPECIFIED", "MOMENT_ROWS", "MOMENT_SUMS", "TRIPLE_VECTORS", "TRIPLE_PRODUCTS"),
        *("OPEN_MATRIX", "OPEN_VECTORS", "PEER_WEIGHTS", "FORWARD", "SCORE_POWERS", "CUBES"),
        *("RESIDUALS", "GRADIENT", "REVEAL"),
    ]
    assert wire.Ciphertexts.DESCRIPTOR.full_name == "isthmus.logistic.v1.Ciphertexts"
