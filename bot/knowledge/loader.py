"""Reads `data/` once, at start, into a `Knowledge`; refuses what is malformed with file, line and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from .checks import check
from .model import (
    NATIONS,
    Answer,
    Disagreement,
    Event,
    Fact,
    Knowledge,
    Passage,
    Period,
    RecognisedLanguage,
    Rule,
    Service,
    Source,
)
from .source_text import BadData, Entry

EVENT_KINDS = ("agreement", "announcement", "guidance", "legal", "report", "statistics")
SERVICE_KINDS = (
    "advice", "emergency", "urgent", "crisis", "safety", "asylum", "legal", "maternity", "costs", "complaints", "clinic", "office", "closed",
)  # fmt: skip
CONFIDENCE = ("seen", "unverified")
DATA_OF = ("surgery", "national_service", "hospital", "other_bodies")
GROUPS = ("trust", "policy", "register", "cost", "care", "danger", "people", "bot")
QUOTE_WORDS = 25
_DATED_NAME = re.compile(r"(\d{4}(?:-\d{2}(?:-\d{2})?)?)-[a-z0-9-]*[a-z][a-z0-9-]*")
_Thing = TypeVar("_Thing")


def load(folder: Path) -> Knowledge:
    """The knowledge that a data folder holds.

    Raises:
        BadData: naming file and line, what is wrong and what to write.
    """
    services = _folder(folder / "services", _service)
    clinics = _folder(folder / "clinics", _service)
    for name in clinics.keys() & services.keys():
        raise BadData(folder / "clinics" / f"{name}.yml", 1, f"{name!r} is also in services", "rename one of them")
    knowledge = Knowledge(
        events=_folder(folder / "policy" / "events", _event),
        rules=_folder(folder / "policy" / "rules", _rule),
        facts=_folder(folder / "facts", _fact),
        services=MappingProxyType({**services, **clinics}),
        answers=_folder(folder / "answers", _answer),
        messages=_messages(folder / "messages.yml"),
        recognised=_folder(folder / "identify" / "recognised", _recognised),
    )
    check(knowledge, folder)
    return knowledge


def _folder(folder: Path, read: Callable[[str, Entry], _Thing]) -> Mapping[str, _Thing]:
    if not folder.is_dir():
        raise BadData(folder, 1, "the folder is not there", "make it, with one .yml file for each thing")
    things: dict[str, _Thing] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix != ".yml":
            raise BadData(path, 1, "this is no .yml file", "move it elsewhere or name it '<name>.yml'")
        entry = Entry.of_file(path)
        things[path.stem] = read(path.stem, entry)
        entry.done()
    return MappingProxyType(things)


def _messages(path: Path) -> Mapping[str, str]:
    if not path.is_file():
        raise BadData(path, 1, "the file is not there", "write the assistant's own sentences in it, one 'name: text' a line")
    entry = Entry.of_file(path)
    return MappingProxyType({key: entry.text(key) for key in entry})


def _recognised(name: str, entry: Entry) -> RecognisedLanguage:
    return RecognisedLanguage(entry.text("says"), entry.texts("offers"), entry.texts("sentences"))


def _sources(entry: Entry, required: bool) -> tuple[Source, ...]:
    sources = []
    for item in entry.entries("sources"):
        quote = item.optional("quote")
        if quote and len(quote.split()) > QUOTE_WORDS:
            raise item.bad("quote", f"the quotation has {len(quote.split())} words", f"quote at most {QUOTE_WORDS}")
        url = item.optional("url")
        if url and not url.startswith(("https://", "http://")):
            raise item.bad("url", f"{url!r} is no web address", "begin it with https://")
        sources.append(Source(item.text("title"), item.text("publisher"), item.day("read"), url, item.period("published"), quote))
        item.done()
    if required and not sources:
        raise entry.bad("sources", "nothing says where this can be read", "add a source with title, publisher, url and read")
    return tuple(sources)


def _disagreements(entry: Entry) -> tuple[Disagreement, ...]:
    items = []
    for item in entry.entries("reported_as"):
        items.append(Disagreement(item.text("says"), item.text("by"), item.text("we_say"), item.flag("matters")))
        item.done()
    return tuple(items)


def _nations(entry: Entry) -> frozenset[str]:
    nations = entry.texts("nations", NATIONS)
    if not nations:
        raise entry.bad("nations", "it does not say which nations it concerns", f"add 'nations: [{', '.join(NATIONS)}]' or some of them")
    return frozenset(nations)


def _event(name: str, entry: Entry) -> Event:
    dated = _DATED_NAME.fullmatch(name)
    if not dated:
        raise entry.bad(None, f"the file is named {name!r}", "begin its name with the date: 2018-05-09-name.yml, 2018-05-name.yml or 2018-name.yml")
    try:
        period = Period.parse(dated[1])
    except ValueError as error:
        raise entry.bad(None, f"the file's name begins with {dated[1]!r}, which is no date of the calendar", "rename the file") from error
    confidence = entry.one_of("confidence", CONFIDENCE)
    not_before = entry.period("not_before")
    if not_before and not period.first <= not_before.first <= period.last:
        raise entry.bad("not_before", "this day is outside the date in the file's name", "write a day within it, or take the line out")
    entry.optional("note")
    return Event(
        name=name,
        period=period,
        title=entry.text("title"),
        kind=entry.one_of("kind", EVENT_KINDS),
        nations=_nations(entry),
        confidence=confidence,
        happened=entry.text("happened"),
        sources=_sources(entry, required=confidence == "seen"),
        earliest=not_before.first if not_before else period.first,
        decided_by=entry.optional("decided_by"),
        published=entry.period("published"),
        shown_as=entry.optional("shown_as"),
        reported_as=_disagreements(entry),
    )


def _rule(name: str, entry: Entry) -> Rule:
    outcomes = entry.texts("outcomes")
    values = entry.entry("values")
    if not outcomes:
        raise entry.bad("outcomes", "the rule has no outcomes", "add 'outcomes: [allowed, not_allowed]'")
    if values is None:
        raise entry.bad("values", "the rule has no values", "add 'values:' with lines '<event>: <outcome>'")
    return Rule(name, entry.text("question"), outcomes, MappingProxyType({key: values.one_of(key, outcomes) for key in values}))


def _true_as_of(entry: Entry) -> Period | None:
    return None if entry.text("true_as_of") == "undated" else entry.period("true_as_of")


def _fact(name: str, entry: Entry) -> Fact:
    confidence = entry.one_of("confidence", CONFIDENCE)
    entry.optional("note")
    return Fact(
        name=name,
        statement=entry.text("statement"),
        nations=_nations(entry),
        confidence=confidence,
        sources=_sources(entry, required=confidence == "seen"),
        true_as_of=_true_as_of(entry),
        read=entry.day("read"),
        review_by=entry.day("review_by"),
        true_from=entry.period("true_from"),
        caution=entry.optional("caution"),
        data_of=entry.one_of("data_of", DATA_OF) if "data_of" in entry else None,
        before_launch=entry.flag("before_launch"),
        events=entry.texts("events"),
        reported_as=_disagreements(entry),
    )


def _service(name: str, entry: Entry) -> Service:
    confidence = entry.one_of("confidence", CONFIDENCE)
    place = entry.entry("place")
    entry.optional("note")
    _disagreements(entry)
    return Service(
        name=name,
        title=entry.text("name"),
        kind=entry.one_of("kind", SERVICE_KINDS),
        nations=_nations(entry),
        confidence=confidence,
        sources=_sources(entry, required=confidence == "seen"),
        read=entry.day("read"),
        review_by=entry.day("review_by"),
        true_as_of=_true_as_of(entry),
        does=entry.text("does"),
        phone=entry.optional("phone"),
        hours=entry.optional("hours"),
        languages=entry.optional("languages"),
        caution=entry.optional("caution"),
        website=entry.optional("website"),
        free=entry.flag("free"),
        before_launch=entry.flag("before_launch"),
        place=MappingProxyType({key: place.text(key) for key in place}) if place else MappingProxyType({}),
        ask_first=entry.optional("ask_first"),
        unverified=entry.texts("unverified"),
    )


def _passages(entry: Entry, key: str) -> tuple[Passage, ...]:
    passages = []
    for item in entry.entries(key):
        when = item.entry("when")
        nations = item.texts("nations", NATIONS)
        passages.append(
            Passage(
                text=item.text("text"),
                nations=frozenset(nations) or None,
                when=MappingProxyType({rule: frozenset(when.texts(rule)) for rule in when} if when else {}),
                facts=item.texts("facts"),
                events=item.texts("events"),
                services=item.texts("services") + item.texts("clinics"),
                before=item.texts("before"),
            )
        )
        item.done()
    return tuple(passages)


def _answer(name: str, entry: Entry) -> Answer:
    follow = entry.entry("follow")
    paragraphs = _passages(entry, "paragraphs")
    if not paragraphs:
        raise entry.bad("paragraphs", "the answer says nothing", "add 'paragraphs:' with at least one '- text: ...'")
    return Answer(
        name=name,
        title=entry.text("title"),
        button=entry.optional("button") or "",
        paragraphs=paragraphs,
        group=entry.one_of("group", GROUPS) if "group" in entry else None,
        means=entry.optional("means"),
        neighbours=entry.texts("not"),
        critical=(entry.one_of("safety", ["critical"]) if "safety" in entry else None) == "critical",
        why=_passages(entry, "why"),
        short=_passages(entry, "short"),
        people=entry.texts("people"),
        then=entry.texts("then"),
        follow=MappingProxyType({key: follow.text(key) for key in follow} if follow else {}),
        action=entry.optional("action"),
    )
