"""PackLayout: the bound of docs/adr/0020-packing-bound.md, without keys."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.aggregate import PackLayout
from isthmus.errors import InvalidArgument, PlaintextOverflow

KEY_BITS = 2048


@given(
    value_bits=st.lists(st.integers(1, 64), min_size=1, max_size=12),
    max_addends=st.integers(1, 2**40),
)
def test_sums_of_max_addends_full_values_keep_their_slots(value_bits: list[int], max_addends: int) -> None:
    layout = PackLayout(key_bits=KEY_BITS, value_bits=value_bits, max_addends=max_addends)
    full = [2**bits - 1 for bits in value_bits]
    packed = sum(value << (s * layout.slot_bits) for s, value in enumerate(full))
    total = packed * max_addends
    assert total < 2 ** (KEY_BITS - 2)
    mask = 2**layout.slot_bits - 1
    slots = [(total >> (s * layout.slot_bits)) & mask for s in range(layout.slots)]
    assert slots == [max_addends * value for value in full]


def test_one_addend_beyond_a_full_headroom_would_carry() -> None:
    layout = PackLayout(key_bits=KEY_BITS, value_bits=(8,), max_addends=16)
    assert 16 * 255 < 2**layout.slot_bits <= 17 * 255


def test_widths() -> None:
    layout = PackLayout(key_bits=KEY_BITS, value_bits=(46, 44, 1), max_addends=30_000)
    assert (layout.slots, layout.headroom_bits, layout.slot_bits) == (3, 15, 61)
    assert layout.value_bits == (46, 44, 1)
    assert PackLayout(key_bits=KEY_BITS, value_bits=(8,), max_addends=1).slot_bits == 8
    uniform = PackLayout.uniform(KEY_BITS, 128)
    assert (uniform.slots, uniform.slot_bits, uniform.max_addends) == (15, 128, 1)


@pytest.mark.parametrize("addends", [0, 1, 30_000])
def test_require_addends_accepts_up_to_the_bound(addends: int) -> None:
    PackLayout(key_bits=KEY_BITS, value_bits=(8,), max_addends=30_000).require_addends(addends)


def test_require_addends_refuses_one_more() -> None:
    with pytest.raises(PlaintextOverflow, match="30000 addends, not 30001"):
        PackLayout(key_bits=KEY_BITS, value_bits=(8,), max_addends=30_000).require_addends(30_001)


@pytest.mark.parametrize(
    ("value_bits", "max_addends", "fits"),
    [
        ((2046,), 1, True),
        ((2047,), 1, False),
        ((2046,), 2, False),
        ((1023,) * 2, 1, True),
        ((1023,) * 3, 1, False),
    ],
)
def test_the_whole_plaintext_is_bounded(value_bits: tuple[int, ...], max_addends: int, fits: bool) -> None:
    if fits:
        PackLayout(key_bits=KEY_BITS, value_bits=value_bits, max_addends=max_addends)
    else:
        with pytest.raises(PlaintextOverflow):
            PackLayout(key_bits=KEY_BITS, value_bits=value_bits, max_addends=max_addends)


@pytest.mark.parametrize(("value_bits", "max_addends"), [((), 1), ((0,), 1), ((8,), 0), ((2**60,), 1)])
def test_meaningless_layouts_are_refused(value_bits: tuple[int, ...], max_addends: int) -> None:
    with pytest.raises(InvalidArgument):
        PackLayout(key_bits=KEY_BITS, value_bits=value_bits, max_addends=max_addends)


def test_slots_wider_than_the_key_are_refused() -> None:
    assert PackLayout.uniform(KEY_BITS, 2046).slots == 1
    with pytest.raises(PlaintextOverflow):
        PackLayout.uniform(KEY_BITS, 2047)


def test_value_semantics() -> None:
    layout = PackLayout(key_bits=KEY_BITS, value_bits=(8, 9), max_addends=3)
    same = PackLayout(key_bits=KEY_BITS, value_bits=[8, 9], max_addends=3)
    other = PackLayout(key_bits=KEY_BITS, value_bits=(9, 8), max_addends=3)
    assert layout == same and hash(layout) == hash(same)
    assert layout not in (other, "layout")
    assert pickle.loads(pickle.dumps(layout)) == layout
    assert eval(repr(layout), {"PackLayout": PackLayout}) == layout
    two = PackLayout(key_bits=2048, value_bits=(40, 40), max_addends=3)
    assert repr(two) == "PackLayout(key_bits=2048, value_bits=(40, 40), max_addends=3)"
