"""What each rule says on both sides of each date, in each nation, and what happened between two days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from bot.knowledge import NATIONS, Knowledge, NotYetRuled, Period, as_of, before_launch, due, timeline
from bot.knowledge.rulings import values_in

YESTERDAY = timedelta(days=1)


def outcome(knowledge: Knowledge, rule: str, day: date, nation: str) -> str:
    try:
        return as_of(knowledge, rule, day, nation).outcome
    except NotYetRuled:
        return "not yet ruled"


# Rule, nation, the first day on which it surely holds, what held the day before, what holds from then on.
TURNS = [
    ("mou_status", "england", "2005-12-31", "not yet ruled", "none"),
    ("mou_status", "england", "2017-01-01", "none", "in_force"),
    ("mou_status", "england", "2018-05-09", "in_force", "narrowed"),
    ("mou_status", "england", "2018-05-31", "narrowed", "paused"),
    ("mou_status", "england", "2018-11-09", "paused", "withdrawn"),
    ("tracing_may_give", "england", "2005-12-31", "not yet ruled", "ad_hoc"),
    ("tracing_may_give", "england", "2017-01-01", "ad_hoc", "suspected_offence"),
    ("tracing_may_give", "england", "2018-05-09", "suspected_offence", "serious_crime_security_welfare"),
    ("tracing_may_give", "england", "2018-05-31", "serious_crime_security_welfare", "nothing_while_paused"),
    ("tracing_may_give", "england", "2018-11-09", "nothing_while_paused", "nothing_agreed"),
    ("tracing_may_give", "england", "2023-11-30", "nothing_agreed", "welfare_only"),
    ("records_holder", "england", "2017-01-01", "not yet ruled", "nhs_digital"),
    ("records_holder", "england", "2023-02-01", "nhs_digital", "nhs_england"),
    ("gp_complaints", "england", "2015-11-30", "not yet ruled", "nhs_england"),
    ("gp_complaints", "england", "2023-07-01", "nhs_england", "integrated_care_board"),
    ("hospital_charging", "england", "2015-04-06", "not yet ruled", "charged_after_care"),
    ("hospital_charging", "england", "2017-10-23", "charged_after_care", "charged_before_planned_care"),
    *[("hospital_debt_report", nation, "2011-10-31", "not yet ruled", "threshold_1000") for nation in NATIONS],
    *[("hospital_debt_report", nation, "2016-11-24", "threshold_1000", "threshold_500") for nation in NATIONS],
    ("surgery_papers", "england", "2015-11-30", "not yet ruled", "not_required"),
    ("surgery_papers", "northern_ireland", "2024-09-30", "not yet ruled", "documents_required"),
    ("surgery_papers", "wales", "2025-12-31", "not yet ruled", "residence_considered"),
    ("surgery_papers", "scotland", "2026-11-22", "not yet ruled", "not_required"),
]


@pytest.mark.parametrize(("rule", "nation", "day", "before", "after"), TURNS, ids=[f"{turn[0]}-{turn[1]}-{turn[2]}" for turn in TURNS])
def test_a_rule_turns_on_the_day_of_its_event_and_not_a_day_earlier(
    knowledge: Knowledge, rule: str, nation: str, day: str, before: str, after: str
) -> None:
    turn = date.fromisoformat(day)
    assert outcome(knowledge, rule, turn - YESTERDAY, nation) == before
    assert outcome(knowledge, rule, turn, nation) == after


def test_every_date_of_every_rule_in_every_nation_is_among_the_turns_above(knowledge: Knowledge) -> None:
    held = {
        (rule.name, nation, event.period.last.isoformat()): value
        for rule in knowledge.rules.values()
        for nation in NATIONS
        for event, value in values_in(knowledge, rule, nation)
    }
    assert held == {(rule, nation, day): after for rule, nation, day, _, after in TURNS}, "add the new event's turn to TURNS"


@pytest.mark.parametrize("nation", ["scotland", "wales", "northern_ireland"])
@pytest.mark.parametrize("rule", ["mou_status", "tracing_may_give", "gp_complaints", "hospital_charging", "records_holder"])
def test_a_rule_of_england_is_not_lent_to_another_nation(knowledge: Knowledge, today: date, rule: str, nation: str) -> None:
    with pytest.raises(NotYetRuled):
        as_of(knowledge, rule, today, nation)


def test_before_the_first_event_the_error_says_what_was_asked_and_where_to_look(knowledge: Knowledge) -> None:
    with pytest.raises(NotYetRuled, match=r"mou_status was asked for 2005-12-30 in england; data/policy/rules/mou_status\.yml"):
        as_of(knowledge, "mou_status", date(2005, 12, 30))


def test_a_ruling_names_the_events_that_began_and_ended_it(knowledge: Knowledge) -> None:
    ruling = as_of(knowledge, "mou_status", date(2017, 6, 1))
    assert ruling.since.name == "2017-01-01-mou-in-force"
    assert ruling.until and ruling.until.name == "2018-05-09-minister-narrows-mou"
    assert ruling.changing is None


def test_the_last_ruling_has_no_end(knowledge: Knowledge, today: date) -> None:
    assert as_of(knowledge, "mou_status", today).until is None


@pytest.mark.parametrize(
    ("day", "changing"),
    [("2018-05-08", None), ("2018-05-09", "2018-05-mou-paused"), ("2018-05-30", "2018-05-mou-paused"), ("2018-05-31", None)],
)
def test_while_only_the_month_of_a_change_is_known_the_ruling_says_that_it_is_changing(knowledge: Knowledge, day: str, changing: str | None) -> None:
    ruling = as_of(knowledge, "mou_status", date.fromisoformat(day))
    assert (ruling.changing.name if ruling.changing else None) == changing


def test_a_change_of_a_whole_year_is_changing_from_new_year_on(knowledge: Knowledge) -> None:
    events = timeline(knowledge, date(2005, 6, 1), date(2005, 6, 1))
    assert [event.name for event in events] == ["2005-tracing-requests-begin"]


def test_the_timeline_is_in_order_and_tells_only_what_a_source_was_seen_for(knowledge: Knowledge) -> None:
    told = timeline(knowledge)
    assert [event.earliest for event in told] == sorted(event.earliest for event in told)
    assert {event.name for event in told} == {name for name, event in knowledge.events.items() if event.confidence == "seen"}
    assert len(told) < len(knowledge.events), "the unverified events are kept, and not told"


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2017-01-01", "2017-01-24", ["2017-01-01-mou-in-force", "2017-01-24-mou-published"]),
        ("2017-01-02", "2017-01-23", []),
        ("2018-05-10", "2018-05-12", ["2018-05-mou-paused"]),
        ("2018-05-01", "2018-05-08", []),
        ("2018-06-01", "2018-06-06", []),
        ("2018-06-07", "2018-06-07", ["2018-06-07-safe-surgeries-network"]),
    ],
    ids=["both-ends-included", "between-two-events", "a-month-overlaps", "not-before-its-first-possible-day", "after-the-month", "one-day"],
)
def test_the_timeline_between_two_days(knowledge: Knowledge, first: str, last: str, expected: list[str]) -> None:
    assert [event.name for event in timeline(knowledge, date.fromisoformat(first), date.fromisoformat(last))] == expected


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [
        ("2018", "2018-01-01", "2018-12-31", "year"),
        ("2018-05", "2018-05-01", "2018-05-31", "month"),
        ("2020-02", "2020-02-01", "2020-02-29", "month"),
        ("2018-05-09", "2018-05-09", "2018-05-09", "day"),
    ],
)
def test_a_period_is_as_precise_as_it_is_written(text: str, first: str, last: str, precision: str) -> None:
    period = Period.parse(text)
    assert (period.first.isoformat(), period.last.isoformat(), period.precision) == (first, last, precision)


def test_days_that_make_up_no_month_or_year_are_a_range() -> None:
    assert Period(date(2018, 5, 9), date(2018, 6, 1)).precision == "range"
    assert Period(date(2017, 1, 1), date(2018, 12, 31)).precision == "range"
    assert Period(date(2018, 5, 1), date(2018, 5, 30)).precision == "range"


@pytest.mark.parametrize("text", ["", "May 2018", "2018-13", "2018-02-30", "18-05-09", "2018-5-9", "2018-05-09 ", "0000"])
def test_what_is_no_date_of_the_calendar_is_no_period(text: str) -> None:
    with pytest.raises(ValueError):
        Period.parse(text)


def test_a_fact_speaks_for_the_past_only_as_far_as_its_source_reaches(knowledge: Knowledge, today: date) -> None:
    fact = knowledge.facts["gp-no-documents-england"]  # known from November 2015
    assert fact.speaks_for(date(2015, 11, 1), today)
    assert not fact.speaks_for(date(2015, 10, 31), today)
    undated = knowledge.facts["exempt-people-england"]
    assert undated.speaks_for(today, today)
    assert not undated.speaks_for(today - YESTERDAY, today)


def test_nothing_is_due_on_the_day_of_its_review_and_everything_is_the_day_after(knowledge: Knowledge) -> None:
    fact = knowledge.facts["tracing-route-welfare-only-england"]
    assert fact not in due(knowledge, fact.review_by)
    assert fact in due(knowledge, fact.review_by + YESTERDAY)


def test_what_is_longest_due_is_listed_first(knowledge: Knowledge) -> None:
    days = [thing.review_by for thing in due(knowledge, date(2030, 1, 1))]
    assert days == sorted(days)
    assert len(days) == len(knowledge.facts) + len(knowledge.services)


def test_the_number_given_most_often_is_to_be_rung_before_launch(knowledge: Knowledge) -> None:
    assert "dotw-advice-line" in {thing.name for thing in before_launch(knowledge)}


def test_knowledge_cannot_be_changed_after_it_is_read(knowledge: Knowledge) -> None:
    with pytest.raises(TypeError):
        knowledge.messages["failed"] = "x"  # type: ignore[index]
    with pytest.raises(AttributeError):
        knowledge.rules["mou_status"].question = "x"  # type: ignore[misc]
