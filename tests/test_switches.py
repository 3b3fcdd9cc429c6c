"""What an editor switched off is not answered, and whom to call is said instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot import handoff
from bot.knowledge import Knowledge
from bot.replies import compose
from bot.storage import sealing_key
from bot.switches import Kind, Switches, heeded

KEY = sealing_key("a key of this test")


@pytest.fixture
async def switches(tmp_path: Path) -> AsyncIterator[Switches]:
    made = Switches(tmp_path / "desk.sqlite", KEY)
    yield made
    await made.close()


def reply(knowledge: Knowledge, today: date, topic: str = "ask_gp_safe", language: str = "ar") -> dict[str, Any]:
    made = compose(knowledge, topic, today, language, "england")
    return {**made.for_patients(), "text": made.text}


async def test_nothing_changes_while_nothing_is_switched_off(switches: Switches, knowledge: Knowledge, today: date) -> None:
    given = [reply(knowledge, today)]
    assert heeded(switches, knowledge, "web", given, today) == given


async def test_a_topic_that_is_off_is_not_answered_and_others_are(switches: Switches, knowledge: Knowledge, today: date) -> None:
    await switches.switch_off("topic", "ask_gp_safe", "The source was withdrawn.", "ben")
    off, on = heeded(switches, knowledge, "web", [reply(knowledge, today), reply(knowledge, today, "ask_gp_cost")], today)
    assert off["status"] == "failed"
    assert off["language"] == "ar"
    assert [person["phone"] for person in off["people"]] == ["999", "0808 1647 686"]
    assert "0808 1647 686" in off["text"]
    assert off["paragraphs"] != reply(knowledge, today)["paragraphs"]
    assert off["choices"] == []
    assert on == reply(knowledge, today, "ask_gp_cost")


async def test_a_language_that_is_off_is_spoken_no_more_but_its_sorry_line(switches: Switches, knowledge: Knowledge, today: date) -> None:
    await switches.switch_off("language", "ar", "The translation is wrong.", "ben")
    (off,) = heeded(switches, knowledge, "web", [reply(knowledge, today)], today)
    assert knowledge.messages["switched_off"] in off["paragraphs"]
    assert off["paragraphs"][0] not in knowledge.messages.values()  # in Arabic, so that nobody takes the English for a fault
    english = reply(knowledge, today, language="en")
    assert heeded(switches, knowledge, "web", [english], today) == [english]


async def test_a_channel_that_is_off_answers_nothing_there_and_all_elsewhere(switches: Switches, knowledge: Knowledge, today: date) -> None:
    await switches.switch_off("channel", "sms", "The provider lost messages.", "ben")
    assert heeded(switches, knowledge, "sms", [reply(knowledge, today)], today)[0]["status"] == "failed"
    assert heeded(switches, knowledge, "web", [reply(knowledge, today)], today)[0]["status"] == "answered"


async def test_switching_on_undoes_it_and_it_outlives_a_restart(tmp_path: Path) -> None:
    before = Switches(tmp_path / "desk.sqlite", KEY)
    await before.switch_off("topic", "ask_gp_safe", "The source was withdrawn.", "ben")
    await before.close()
    after = Switches(tmp_path / "desk.sqlite", KEY)
    assert [(off.name, off.reason, off.by) for off in after.all()] == [("ask_gp_safe", "The source was withdrawn.", "ben")]
    assert await after.switch_on("topic", "ask_gp_safe")
    assert not await after.switch_on("topic", "ask_gp_safe")
    assert not after.is_off("topic", "ask_gp_safe")
    await after.close()


@pytest.mark.parametrize("what", [("language", "ar"), ("channel", "web")], ids=["language", "channel"])
async def test_danger_is_answered_whatever_else_is_switched_off(
    what: tuple[Kind, str], switches: Switches, knowledge: Knowledge, today: date
) -> None:
    await switches.switch_off(*what, "The words are in doubt.", "edith")
    answer = compose(knowledge, "crisis_suicide", today, "ar")
    (told,) = heeded(switches, knowledge, "web", [{**answer.for_patients(), "text": answer.text}], today)
    english = compose(knowledge, "crisis_suicide", today, "en")
    assert (english if what[0] == "language" else answer).paragraphs[0] in told["text"]


async def test_who_asks_for_a_person_is_still_offered_one_where_a_channel_is_off(switches: Switches, knowledge: Knowledge, today: date) -> None:
    await switches.switch_off("channel", "web", "Too many write at once.", "edith")
    (offered,) = handoff.offered(knowledge, [compose(knowledge, "talk_to_person", today, "en")], True, 0)
    (told,) = heeded(switches, knowledge, "web", [{**offered.for_patients(), "text": offered.text}], today)
    assert [choice["message"] for choice in told["choices"]] == [f"/{handoff.OFFER}"]
