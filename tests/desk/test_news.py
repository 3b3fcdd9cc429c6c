"""What is new since a volunteer last read of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.desk.accounts import Session
from bot.desk.changes import ReadNews, changes, fingerprints
from bot.desk.views import shown
from bot.knowledge import Knowledge
from desk.conftest import KEY, Clock

ANA = Session("ana", "volunteer", "a-token", None)


@pytest.fixture
async def read_news(tmp_path: Path, clock: Clock) -> AsyncIterator[ReadNews]:
    made = ReadNews(tmp_path / "desk.sqlite", KEY, clock)
    yield made
    await made.close()


def test_nothing_is_new_when_nothing_changed(knowledge: Knowledge) -> None:
    assert changes(fingerprints(knowledge), knowledge) == []


def test_what_came_what_changed_and_what_went_is_told(knowledge: Knowledge) -> None:
    fact = knowledge.facts[min(knowledge.facts)]
    event = max(knowledge.events)
    before = replace(
        knowledge,
        facts={**knowledge.facts, fact.name: replace(fact, statement="Something else."), "gone": fact},
        events={name: held for name, held in knowledge.events.items() if name != event},
    )
    told = {(change.what, change.kind, change.name) for change in changes(fingerprints(before), knowledge)}
    assert told == {("changed", "fact", fact.name), ("gone", "fact", "gone"), ("new", "event", event)}


def test_only_the_order_of_a_set_is_no_change(knowledge: Knowledge) -> None:
    fact = knowledge.facts[min(knowledge.facts)]
    turned = replace(knowledge, facts={**knowledge.facts, fact.name: replace(fact, nations=frozenset(sorted(fact.nations, reverse=True)))})
    assert changes(fingerprints(turned), knowledge) == []


def test_what_no_source_confirms_is_never_told(knowledge: Knowledge) -> None:
    told = {(change.kind, change.name) for change in changes({}, knowledge)}
    assert ("fact", "prescriptions") in told
    assert ("fact", "prescriptions-unverified") not in told


def test_what_was_read_again_and_says_the_same_is_no_news(knowledge: Knowledge) -> None:
    fact = knowledge.facts["prescriptions"]
    sources = tuple(replace(source, read=date(2027, 3, 4)) for source in fact.sources)
    again = replace(fact, read=date(2027, 3, 4), review_by=date(2027, 9, 4), sources=sources)
    assert changes(fingerprints(replace(knowledge, facts={**knowledge.facts, fact.name: again})), knowledge) == []


def test_a_fact_leads_to_an_answer_that_rests_on_it(knowledge: Knowledge) -> None:
    told = {change.name: change.link for change in changes({}, knowledge) if change.kind == "fact"}
    topic = (told["prescriptions"] or "").removeprefix("/desk?topic=")
    assert any("prescriptions" in passage.facts for passage in knowledge.answers[topic].passages)


async def test_under_another_key_a_volunteer_begins_anew(tmp_path: Path, clock: Clock, knowledge: Knowledge) -> None:
    for key in (KEY, Fernet.generate_key()):
        held = ReadNews(tmp_path / "desk.sqlite", key, clock)
        assert await held.of("ana") is None
        await held.note("ana", fingerprints(knowledge))
        assert await held.of("ana") is not None
        await held.close()


async def test_each_volunteer_has_read_their_own(read_news: ReadNews, knowledge: Knowledge, clock: Clock) -> None:
    assert await read_news.of("ana") is None
    await read_news.note("ana", fingerprints(knowledge))
    assert await read_news.of("ana") == (clock.now, fingerprints(knowledge))
    assert await read_news.of("ben") is None


def test_the_page_says_what_is_new(knowledge: Knowledge) -> None:
    seen = [name for name, event in knowledge.events.items() if event.confidence == "seen"]
    told = changes({**fingerprints(knowledge), "event": {}}, knowledge)
    page = (shown("news.html", ANA, here="/desk/news", since=1795348800.0, changes=told).body or b"").decode()
    assert f"{len(seen)} changes" in page
    assert all(f"/desk/timeline#event-{name}" in page for name in seen)
