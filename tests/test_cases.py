"""The cases of `tests/cases`: what a person is told, on a day, in a nation. Written to be read by someone who knows the subject, not the code."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import yaml

from bot.dialogue import Context, Reading, respond
from bot.knowledge import NATIONS, Knowledge, Period
from bot.reply import STATUSES, Reply

CASES = Path(__file__).parent / "cases"
KEYS = ("name", "topic", "also", "as_of", "periods", "today", "language", "nation", "status", "says", "not_says", "offers", "not_offers", "cites")
LISTS = ("periods", "says", "not_says", "offers", "not_offers", "cites")


@dataclass(frozen=True)
class Case:
    """One case: a question, and what must and must not be said."""

    file: str
    name: str
    topic: str
    status: str
    also: str | None
    as_of: date | None
    periods: tuple[Period, ...]
    today: date
    language: str
    nation: str | None
    says: tuple[str, ...]
    not_says: tuple[str, ...]
    offers: tuple[str, ...]
    not_offers: tuple[str, ...]
    cites: tuple[str, ...]


def read_case(file: str, entry: dict[str, object]) -> Case:
    """The case; a key that is misspelt or missing is said with file and name."""
    where = f"tests/cases/{file}: {entry.get('name', entry)!r}"
    for key in entry:
        near = difflib.get_close_matches(key, KEYS, 1)
        assert key in KEYS, f"{where} has {key!r}, which is no key of a case; {f'did you mean {near[0]!r}?' if near else KEYS}"
    for key in ("name", "topic", "status"):
        assert isinstance(entry.get(key), str), f"{where} has no {key!r}; add a line '{key}: ...'"
    for key in LISTS:
        assert isinstance(entry.get(key, []), list), f"{where}: {key!r} is no list; write '{key}: [one, two]'"
    assert entry["status"] in STATUSES, f"{where}: no status is called {entry['status']!r}; write one of {STATUSES}"
    assert entry.get("nation") in (None, *NATIONS), f"{where}: {entry['nation']!r} is no nation; write one of {NATIONS}"
    days = {key: date.fromisoformat(str(entry[key])) for key in ("as_of", "today") if key in entry}
    lists = {key: tuple(str(item) for item in entry.get(key, [])) for key in LISTS}  # type: ignore[attr-defined]
    return Case(
        file=file,
        name=str(entry["name"]),
        topic=str(entry["topic"]),
        status=str(entry["status"]),
        also=str(entry["also"]) if "also" in entry else None,
        as_of=days.get("as_of"),
        periods=tuple(Period.parse(text) for text in lists["periods"]),
        today=days.get("today", date(2026, 11, 22)),
        language=str(entry.get("language", "en")),
        nation=str(entry["nation"]) if "nation" in entry else None,
        says=lists["says"],
        not_says=lists["not_says"],
        offers=lists["offers"],
        not_offers=lists["not_offers"],
        cites=lists["cites"],
    )


def all_cases() -> list[Case]:
    # BaseLoader reads every scalar as text, as the data's own reader does.
    files = {path.name: yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader) for path in sorted(CASES.glob("*.yml"))}
    return [read_case(file, entry) for file, entries in files.items() for entry in entries]


def answer(case: Case, knowledge: Knowledge) -> list[Reply]:
    reading = Reading(case.topic, also=case.also, language=case.language, nation=case.nation, periods=case.periods)
    return respond(knowledge, reading, Context(), case.today, case.as_of)


def offered(replies: list[Reply], knowledge: Knowledge) -> set[str]:
    """Topics, nations and languages to choose from, and the services and clinics that are named to turn to."""
    services = {service.title: name for name, service in knowledge.services.items()}
    choices = {choice.message.removeprefix("/") for reply in replies for choice in reply.choices}
    nations = {nation for nation in NATIONS if any(f'"nation": "{nation}"' in choice for choice in choices)}
    return choices | nations | {services[contact.name] for reply in replies for contact in reply.people}


@pytest.mark.parametrize("case", all_cases(), ids=lambda case: f"{case.file.removesuffix('.yml')}: {case.name}")
def test_the_case_is_answered_as_its_file_says(case: Case, knowledge: Knowledge) -> None:
    replies = answer(case, knowledge)
    text = "\n\n".join(reply.text for reply in replies)
    where = f"tests/cases/{case.file}: {case.name}\nWhat was said ({replies[0].status}):\n{text}\n"
    assert replies[0].status == case.status, where
    for words in case.says:
        assert words in text, f"{words!r} is not said. {where}"
    for words in case.not_says:
        assert words.casefold() not in text.casefold(), f"{words!r} is said. {where}"
    offers = offered(replies, knowledge)
    assert set(case.offers) <= offers, f"{set(case.offers) - offers} is not offered; offered are {sorted(offers)}. {where}"
    assert not set(case.not_offers) & offers, f"{set(case.not_offers) & offers} is offered. {where}"
    cited = "\n".join(f"{source.title}, {source.publisher}" for reply in replies for source in reply.sources)
    for words in case.cites:
        assert words in cited, f"no source says {words!r}; cited are:\n{cited}\n{where}"


def test_no_two_cases_of_a_file_have_one_name() -> None:
    names = [(case.file, case.name) for case in all_cases()]
    assert len(names) == len(set(names))


def test_there_are_cases_enough_to_speak_of_every_nation_and_status() -> None:
    cases = all_cases()
    assert len(cases) >= 70
    assert {case.nation for case in cases} >= set(NATIONS)
    assert {case.status for case in cases} >= {"answered", "needs_check", "not_known", "choose"}


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ({"name": "n", "topic": "greet", "status": "answered", "sais": []}, "did you mean 'says'?"),
        ({"name": "n", "status": "answered"}, "has no 'topic'"),
        ({"name": "n", "topic": "greet", "status": "answerd"}, "no status is called 'answerd'"),
        ({"name": "n", "topic": "greet", "status": "answered", "nation": "englnd"}, "'englnd' is no nation"),
        ({"name": "n", "topic": "greet", "status": "answered", "says": "hello"}, "'says' is no list"),
    ],
    ids=["misspelt", "no-topic", "status", "nation", "list"],
)
def test_a_case_that_is_written_wrongly_says_what_to_write(entry: dict[str, object], wrong: str) -> None:
    with pytest.raises(AssertionError, match=r"tests/cases/x\.yml") as error:
        read_case("x.yml", entry)
    assert wrong in str(error.value)
