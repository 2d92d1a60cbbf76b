"""Shares in Z_2^64: linear operations, local rounding, and the way from ciphertexts to shares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus import paillier
from isthmus.errors import InvalidArgument, PeerValue, PlaintextOverflow
from isthmus.protocol.sharing import (
    Shared,
    SlotPlan,
    decode,
    divide_share,
    encode,
    masked,
    random_words,
    slot_counts,
    to_words,
    unmasked,
)


def integers(bits):
    return st.lists(st.integers(-(1 << bits), 1 << bits), min_size=1, max_size=8)


small = integers(38)


def split(values, scale=0):
    words = to_words(np.array(values, dtype=np.int64))
    first = random_words(words.shape)
    return Shared(first, scale, True), Shared(words - first, scale, False)


def opened(first, second):
    assert first.scale == second.scale
    return (first.words + second.words).view(np.int64)


@pytest.fixture(scope="module")
def keys():
    return paillier.keygen(key_bits=2048)


@given(small)
def test_sums_differences_and_public_factors_are_exact(values):
    a, b = split(values), split(values[::-1])
    x, y = np.array(values), np.array(values[::-1])
    assert (opened(a[0] + b[0], a[1] + b[1]) == x + y).all()
    assert (opened(a[0] - b[0], a[1] - b[1]) == x - y).all()
    assert (opened(a[0].times(-77, 3), a[1].times(-77, 3)) == -77 * x).all()
    assert a[0].times(-77, 3).scale == 3
    assert (opened(a[0].shifted(5), a[1].shifted(5)) == x << 5).all()


@given(integers(20), st.integers(2, 1 << 20))
def test_local_division_is_within_one_unit(values, divisor):
    """Of random shares, with values so small that none of them wraps: see ``Shared.divide``."""
    first, second = split(values)
    quotient = opened(first.divide(divisor, 0), second.divide(divisor, 0))
    assert (np.abs(quotient - np.array(values) / divisor) <= 1).all()


@given(small, st.integers(2, 1 << 20))
def test_local_division_of_a_value_one_party_knows(values, divisor):
    words = to_words(np.array(values, dtype=np.int64))
    for first, second in ((words, words * 0), (words * 0, words)):
        quotient = opened(
            Shared(first, 0, True).divide(divisor, 0), Shared(second, 0, False).divide(divisor, 0)
        )
        assert (np.abs(quotient - np.array(values) / divisor) < 1).all()


def test_truncation_changes_the_scale_and_keeps_the_value():
    first, second = split([3 << 20, -(5 << 20)], scale=20)
    a, b = first.truncated(8), second.truncated(8)
    assert a.scale == 8
    assert np.abs(opened(a, b) - np.array([3 << 8, -(5 << 8)])).max() <= 1


def test_shares_over_the_integers_divide_without_wrapping():
    value, mask = -(1 << 90) + 12345, (1 << 130) + 99
    first, second = np.array([mask], dtype=object), np.array([value - mask], dtype=object)
    total = divide_share(first, 6, 7, first=True) + divide_share(second, 6, 7, first=False)
    assert abs(total[0] - value * 6 / 7) <= abs(value) * 1e-15 + 1
    assert abs(total[0] * 7 - value * 6) < 7


def test_different_scales_do_not_add():
    first, _ = split([1], scale=4)
    other, _ = split([1], scale=5)
    with pytest.raises(InvalidArgument):
        first + other
    with pytest.raises(InvalidArgument):
        first.shifted(3)


def test_fixed_point_refuses_what_does_not_fit():
    assert decode(encode(np.array([-1.5, 2.25]), 18), 18).tolist() == [-1.5, 2.25]
    for bad in (2.0**45, np.nan, np.inf):
        with pytest.raises(PlaintextOverflow):
            encode(np.array([bad]), 18)
    with pytest.raises(PlaintextOverflow):
        SlotPlan(4000, 2048)


def test_random_words_are_fresh():
    assert (random_words((4, 8)) != random_words((4, 8))).any()


@pytest.mark.parametrize("count", (1, 11, 25))
def test_masked_values_become_shares_of_the_same_values(keys, count):
    public, private = keys
    plan = SlotPlan(130, 2048)
    counts = slot_counts(count, plan.slots)
    extremes = [(1 << 130) - 1, -(1 << 130) + 1, 0, -1]
    values = [extremes[i % 4] for i in range(count)]
    plaintexts, start = [], 0
    for width in counts:
        plaintexts.append(sum(v << (s * plan.slot_bits) for s, v in enumerate(values[start : start + width])))
        start += width
    ct, own = masked(public.encrypt(np.array(plaintexts, dtype=object)), plan, counts, public)
    peer = unmasked(ct, plan, counts, private)
    assert (own + peer).tolist() == values
    assert (to_words(own) + to_words(peer) == to_words(np.array(values, dtype=object))).all()


def test_masks_hide_and_differ(keys):
    public, private = keys
    plan = SlotPlan(64, 2048)
    ct = public.encrypt(np.zeros(2, dtype=np.int64))
    seen = [private.decrypt(masked(ct, plan, [1, 1], public)[0]).tolist() for _ in range(2)]
    assert len({value for pair in seen for value in pair}) == 4
    assert min(value for pair in seen for value in pair) > 1 << 64


@pytest.mark.parametrize("slot", (0, 3), ids=("low", "top"))
@pytest.mark.parametrize("value", (-1, 1 << 171), ids=("negative", "large"))
def test_a_value_beyond_the_bound_is_refused(keys, slot, value):
    public, private = keys
    plan = SlotPlan(130, 2048)
    honest = [1 << 150] * 4
    honest[slot] = value
    plaintext = sum(v << (s * plan.slot_bits) for s, v in enumerate(honest))
    with pytest.raises(PeerValue):
        unmasked(public.encrypt(np.array([plaintext], dtype=object)), plan, [4], private)


@pytest.mark.parametrize("count", (1, 3))
def test_what_a_peer_adds_above_the_used_slots_stays_hidden(keys, count):
    public, private = keys
    plan = SlotPlan(130, 2048)
    planted = public.encrypt(np.array([0, 1 << 1900], dtype=object))
    ct, own = masked(planted, plan, [count, count], public)
    plain, marked = (int(plaintext) % int(public.n) for plaintext in private.decrypt(ct))
    # Without cover both would be zero from the last used slot up, but for the planted bit.
    above = count * plan.slot_bits
    assert plain >> above and marked >> above != 1 << (1900 - above)
    assert (own + unmasked(ct, plan, [count, count], private)).tolist() == [0] * (2 * count)
