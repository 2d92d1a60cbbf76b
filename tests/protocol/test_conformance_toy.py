from __future__ import annotations

import pytest

from tests.protocol.conformance import TRANSPORTS, assert_clean_when_cut, results, run_pair
from tests.protocol.toy import answer, ask


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_both_halves_agree(transport: str, size: int) -> None:
    assert results(*run_pair(ask(3, size), answer(3), channel=transport)) == [3 * size, 3 * size]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_case_26_disconnect_after_each_message(transport: str) -> None:
    assert assert_clean_when_cut(lambda: ask(3), lambda: answer(3), channel=transport) == 10
