"""The timeline at the desk: what held on a day, what changed between two, and what is looked for."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import house
from bot.desk.accounts import Session
from bot.desk.timeline import OUTCOMES, Search, compared, found, searched, show, two_days
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


async def page_for(**asked: str) -> tuple[int, str]:
    request = cast(Any, SimpleNamespace(args={name: [value] for name, value in asked.items()}))
    response = await show(request, cast(Any, None), Session("ana", "volunteer", "a-token", None))
    return response.status, (response.body or b"").decode()


def test_every_outcome_has_words_at_the_desk(knowledge: Knowledge) -> None:
    held = {outcome for rule in knowledge.rules.values() for outcome in rule.outcomes}
    assert held == set(OUTCOMES), "write what it is called in OUTCOMES of bot/desk/timeline.py"


async def test_the_page_shows_every_event_with_its_sources_and_marks_what_is_not_confirmed(knowledge: Knowledge) -> None:
    status, page = await page_for()
    assert status == 200
    assert page.count("<h1>") == 1
    assert all(f'id="event-{event.name}"' in page for event in found(knowledge, Search()))
    unconfirmed = [event for event in knowledge.events.values() if event.confidence != "seen"]
    assert page.count("(not confirmed)") == len(unconfirmed)


async def test_the_page_says_of_two_days_what_changed_and_of_one_what_held() -> None:
    _, page = await page_for(day="2018-11-08", other="2018-11-09")
    assert '<strong class="tag warning">Changed</strong>' in page
    assert "<strong>Paused</strong>" in page
    assert "<strong>Withdrawn</strong>" in page
    _, page = await page_for(day="2018-11-08")
    assert "Changed</strong>" not in page
    assert "<strong>Withdrawn</strong>" not in page
    _, page = await page_for(day="1990-01-01", nation="wales")
    assert "<strong>Not known</strong>" in page


async def test_what_cannot_be_done_is_said_and_what_was_typed_comes_back_escaped() -> None:
    status, page = await page_for(day="<script>alert(1)</script>", words="<script>alert(2)</script>")
    assert status == 400
    assert "is not a date that we can read" in page
    assert "<script>alert" not in page
