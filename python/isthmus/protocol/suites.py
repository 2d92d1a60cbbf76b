"""The groups that private set intersection runs over, one row each."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.errors import InvalidArgument

STATISTICAL_BITS = 40
"""Different items of the parties share a tag with probability below 2^-40 in a whole run."""

KEY_BYTES = 16
"""Bytes of an element by which its owner's peer knows it; a tag is the first few of them."""


@dataclass(frozen=True)
class PsiSuite:
    """A group, what the parties call it, and which bytes of an element a tag is cut from.

    Attributes
    ----------
    group
        Name for :func:`isthmus.groups.group`.
    identifier
        Ciphersuite name that the parties agree on, in the manner of RFC 9497.
    key_offset
        Where in an encoded element the tag begins.
    constant_bits
        Bits at the start of a tag that are the same for every element.
    """

    group: str
    identifier: str
    key_offset: int
    constant_bits: int

    def tag_bytes(self, count_a: int, count_b: int) -> int:
        """Return how long tags of two sets of this size must be."""
        return tag_bytes(count_a, count_b, self.constant_bits)


def tag_bytes(count_a: int, count_b: int, constant_bits: int = 0) -> int:
    """Return how long tags must be, of which some bits are constant and the others uniform.

    There are ``count_a * count_b`` pairs of items, so tags that are uniform over log2 of that and 40 more
    bits let two different items meet with probability below 2^-40.
    """
    bits = _log2(count_a) + _log2(count_b) + STATISTICAL_BITS + constant_bits
    return (bits + 7) // 8


def _log2(count: int) -> int:
    """Round log2 up; an empty set counts as one item."""
    return (max(count, 1) - 1).bit_length()


_ROWS = (
    # RFC 9496 encodes the even square root in little-endian order: the first bit is always 0.
    PsiSuite("ristretto255", "ristretto255-SHA512", key_offset=0, constant_bits=1),
    # A compressed point is one of the bytes 2 and 3, and then x in big-endian order. x and the prime are
    # spread alike over the leading bytes up to a share of 2^-32.
    PsiSuite("P-256", "P256-SHA256", key_offset=1, constant_bits=0),
    PsiSuite("SM2", "SM2-SM3", key_offset=1, constant_bits=0),
    # u in little-endian order.
    PsiSuite("X25519", "curve25519-SHA512", key_offset=0, constant_bits=0),
)

PSI_SUITES = {row.group: row for row in _ROWS}


def psi_suite(name: str) -> PsiSuite:
    """Return the suite over the group of this name; an unknown name is an InvalidArgument."""
    if name not in PSI_SUITES:
        raise InvalidArgument(f"suite must be one of {', '.join(PSI_SUITES)}")
    return PSI_SUITES[name]
