"""The timeline at the desk: what held on a day, what changed between two, and what is looked for."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import house
from bot.desk.timeline import Search, compared, found, searched, two_days
from bot.desk.views import NotPossible
from bot.knowledge import Knowledge

WITHDRAWN = date(2018, 11, 9)


def test_the_days_on_both_sides_of_the_withdrawal_differ_and_the_rules_that_do_come_first(knowledge: Knowledge) -> None:
    comparison = compared(knowledge, WITHDRAWN, WITHDRAWN - timedelta(days=1), "england")
    assert (comparison.first, comparison.second) == (date(2018, 11, 8), WITHDRAWN)
    changed = [row for row in comparison.rows if row.change == "Changed"]
    assert changed
    assert list(comparison.rows[: len(changed)]) == changed
    assert any(event.period.first == WITHDRAWN for event in comparison.events)


def test_the_day_after_the_withdrawal_nothing_differs(knowledge: Knowledge) -> None:
    comparison = compared(knowledge, WITHDRAWN, WITHDRAWN + timedelta(days=1), "england")
    assert [row.rule.name for row in comparison.rows if row.change] == []


def test_before_the_first_event_nothing_is_known(knowledge: Knowledge) -> None:
    comparison = compared(knowledge, date(1990, 1, 1), date(1990, 1, 1), "england")
    assert {row.first for row in comparison.rows} == {None}
    assert comparison.events == ()


def test_one_day_is_compared_with_itself(today: date) -> None:
    assert two_days({"day": "2018-05-09"}, today) == (date(2018, 5, 9), date(2018, 5, 9), "england")
    assert two_days({}, today) is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"day": "yesterday"}, "not a date"),
        ({"day": "2018-05"}, "more than one day"),
        ({"day": "2018-02-30"}, "not a date"),
        ({"day": "2030-01-01"}, "still to come"),
        ({"day": "2018-05-09", "nation": "france"}, "no nation"),
    ],
)
def test_what_cannot_be_compared_is_said(asked: dict[str, str], why: str, today: date) -> None:
    with pytest.raises(NotPossible, match=why):
        two_days(asked, today)


def test_events_are_found_by_kind_nation_words_and_days(knowledge: Knowledge) -> None:
    everything = found(knowledge, Search())
    assert len(everything) > 30
    kinds = {event.kind for event in everything}
    for kind in kinds:
        assert {event.kind for event in found(knowledge, Search(kind=kind))} == {kind}
    assert all("scotland" in event.nations for event in found(knowledge, Search(where="scotland")))
    assert found(knowledge, Search(words=("withdrawn",))) != []
    assert found(knowledge, Search(words=("dragons",))) == []
    assert {event.period.first.year for event in found(knowledge, searched({"from": "2018", "to": "2018"}, tuple(kinds)))} == {2018}


@given(st.dictionaries(st.sampled_from(["day", "other", "nation", "from", "to", "kind", "where", "words"]), st.text(max_size=30)))
def test_whatever_stands_in_the_address_it_is_done_or_refused_with_a_reason(asked: dict[str, str]) -> None:
    today, knowledge = date(2026, 11, 20), house.knowledge()
    with suppress(NotPossible):
        if days := two_days(asked, today):
            compared(knowledge, *days)
    with suppress(NotPossible):
        found(knowledge, searched(asked, ("agreement",)))
