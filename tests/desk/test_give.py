"""An answer that a volunteer sends to a caller's phone: whose number is one, and what becomes of it."""

from __future__ import annotations

import pytest

from bot.desk.give import mobile
from bot.desk.views import NotPossible


@pytest.mark.parametrize("typed", ["07700 900123", "+44 7700 900123", "+44 (0)7700 900123", "0044 7700-900123", "(07700) 900.123"])
def test_a_uk_mobile_is_read_however_it_is_written(typed: str) -> None:
    assert mobile(typed) == "+447700900123"


@pytest.mark.parametrize("typed", ["", "0207 946 0000", "07700 90012", "07700 9001234", "+33 6 12 34 56 78", "ask_gp_safe", "+447700900123; DROP"])
def test_what_is_no_uk_mobile_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(NotPossible, match="07700 900123"):
        mobile(typed)
