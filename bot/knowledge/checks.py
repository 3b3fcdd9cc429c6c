"""What must hold between the data files before anything is said to a person, and what is due for review."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from pathlib import Path

from .model import NATIONS, Answer, Event, Fact, Knowledge, Passage, Service
from .rulings import values_in
from .source_text import BadData

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_FIGURE = re.compile(r"\d[\d,.]*\d|\d")


def check(knowledge: Knowledge, folder: Path) -> None:
    """Raise BadData for the first thing that does not hold together."""
    for rule in knowledge.rules.values():
        path = folder / "policy" / "rules" / f"{rule.name}.yml"
        _known(path, "an event", rule.values, _seen(knowledge.events), "data/policy/events")
    for fact in knowledge.facts.values():
        _known(folder / "facts" / f"{fact.name}.yml", "an event", fact.events, knowledge.events, "data/policy/events")
    for text in knowledge.messages.values():
        _check_braces(text, folder / "messages.yml")
    numbers = {placeholder(service) for service in knowledge.services.values() if service.phone}
    for name, language in knowledge.recognised.items():
        path = folder / "identify" / "recognised" / f"{name}.yml"
        _check_braces(language.says, path)
        _known(path, "a placeholder", _PLACEHOLDER.findall(language.says), numbers, "data/services")
    for answer in knowledge.answers.values():
        _check_answer(knowledge, answer, folder / "answers" / f"{answer.name}.yml")


def _seen(things: object) -> set[str]:
    assert hasattr(things, "items")
    return {name for name, thing in things.items() if thing.confidence == "seen"}


def _line(path: Path, needle: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return next((number for number, line in enumerate(lines, 1) if needle in line), 1)


def _known(path: Path, what: str, names: Iterable[str], known: Collection[str], where: str) -> None:
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), 1)
            raise BadData(
                path,
                _line(path, name),
                f"it uses {what} {name!r}, which {where} does not hold as seen",
                f"did you mean {near[0]!r}?" if near else f"add {where}/{name}.yml, or use another",
            )


def _check_answer(knowledge: Knowledge, answer: Answer, path: Path) -> None:
    for passage in answer.passages:
        _known(path, "a fact", (*passage.facts, *passage.before), _seen(knowledge.facts), "data/facts")
        _known(path, "an event", passage.events, _seen(knowledge.events), "data/policy/events")
        _known(path, "a service or clinic", passage.services, _seen(knowledge.services), "data/services or data/clinics")
        _known(path, "a rule", passage.when, knowledge.rules, "data/policy/rules")
        for rule, outcomes in passage.when.items():
            _known(path, f"an outcome of {rule}", outcomes, knowledge.rules[rule].outcomes, f"data/policy/rules/{rule}.yml")
        _check_placeholders(knowledge, answer, passage, path)
        _check_figures(knowledge, passage, path)
    _known(path, "a service or clinic", answer.people, _seen(knowledge.services), "data/services or data/clinics")
    _known(path, "a topic", (*answer.then, *answer.follow.values(), *answer.neighbours), knowledge.answers, "data/answers")
    for passages in (answer.paragraphs, answer.why, answer.short):
        _check_nations(passages, path)
        _check_outcomes(knowledge, passages, path)
    if answer.group and not (answer.short and answer.button and answer.means):
        raise BadData(path, 1, "a topic needs 'means', 'button' and 'short'", "write them; STYLE and another answer show how")


def _check_placeholders(knowledge: Knowledge, answer: Answer, passage: Passage, path: Path) -> None:
    _check_braces(passage.text, path)
    known = {"day"}
    if passage.when:
        known.add("since")
    if not answer.group:  # its values are given by the dialogue
        known.add("until")
    for service in knowledge.services.values():
        if service.phone:
            known.add(placeholder(service))
        if service.hours:
            known.add(f"{placeholder(service)}_hours")
    for name in _PLACEHOLDER.findall(passage.text):
        _known(path, "a placeholder", [name], known, "data/services")


def _check_braces(text: str, path: Path) -> None:
    if re.search("[{}]", _PLACEHOLDER.sub("", text)):
        raise BadData(path, _line(path, text[:30]), "a brace is not part of a placeholder", "write placeholders as '{since}', and no other braces")


def placeholder(service: Service) -> str:
    """The name under which a text can use a service's number.

    >>> placeholder(Service("nhs-111", "NHS 111", "urgent", frozenset(), "seen", (), date.max, date.max, None, ""))
    'nhs_111'
    """
    return service.name.replace("-", "_")


def _words(thing: Event | Fact | Service) -> Iterator[str]:
    """All that an event, a fact or a service lets a paragraph say."""
    for source in thing.sources:
        yield f"{source.quote or ''} {source.published.first if source.published else ''}"
    if isinstance(thing, Event):
        yield " ".join((thing.name, thing.title, thing.happened, thing.shown_as or ""))
    elif isinstance(thing, Fact):
        yield " ".join((thing.statement, thing.caution or "", str(thing.true_as_of)))
    else:
        yield " ".join((thing.title, thing.does, thing.phone or "", thing.hours or "", thing.ask_first or "", str(thing.true_as_of)))
    if not isinstance(thing, Service):
        for item in thing.reported_as:
            yield f"{item.says} {item.we_say}"


def _check_figures(knowledge: Knowledge, passage: Passage, path: Path) -> None:
    figures = _FIGURE.findall(_PLACEHOLDER.sub("", passage.text))
    if not figures:
        return
    things: list[Event | Fact | Service] = [knowledge.services[name] for name in passage.services]
    things += [knowledge.events[name] for name in passage.events]
    things += [knowledge.events[name] for rule in passage.when for name in knowledge.rules[rule].values]
    for name in passage.facts:
        things += [knowledge.facts[name], *(knowledge.events[event] for event in knowledge.facts[name].events)]
    rests_on = [words for thing in things for words in _words(thing)]
    said = set(_FIGURE.findall(" ".join(rests_on).replace("-", " ")))
    said |= {figure.lstrip("0") for figure in said}
    for figure in figures:
        if figure not in said:
            raise BadData(
                path,
                _line(path, passage.text[:30]),
                f"a paragraph says {figure!r}, which none of the facts, events and services it names says",
                "name the one that does under 'facts', 'events' or 'services', or take the figure out",
            )


def _check_nations(passages: tuple[Passage, ...], path: Path) -> None:
    if not any(passage.nations for passage in passages):
        return
    for nation in NATIONS:
        if not any(passage.nations is None or nation in passage.nations for passage in passages):
            raise BadData(path, 1, f"it says nothing for {nation}", "add a paragraph with that nation, if only to say that it is not known")


def _check_outcomes(knowledge: Knowledge, passages: tuple[Passage, ...], path: Path) -> None:
    for name in {rule for passage in passages for rule in passage.when}:
        for nation in NATIONS:
            spoken = {
                outcome
                for passage in passages
                if name in passage.when and (passage.nations is None or nation in passage.nations)
                for outcome in passage.when[name]
            }
            possible = {outcome for _, outcome in values_in(knowledge, knowledge.rules[name], nation)}
            if spoken and (missing := sorted(possible - spoken)):
                raise BadData(
                    path,
                    _line(path, name),
                    f"it uses the rule {name!r} but is silent when it is {missing[0]!r} in {nation}",
                    f"add a paragraph with 'when: {{{name}: {missing[0]}}}'",
                )


def due(knowledge: Knowledge, today: date) -> list[Fact | Service]:
    """The facts and services whose `review_by` is past, the longest due first."""
    things: list[Fact | Service] = [*knowledge.facts.values(), *knowledge.services.values()]
    return sorted((thing for thing in things if thing.review_by < today), key=lambda thing: thing.review_by)


def before_launch(knowledge: Knowledge) -> list[Fact | Service]:
    """The facts and services that a person must check before the assistant is opened to patients."""
    things: list[Fact | Service] = [*knowledge.facts.values(), *knowledge.services.values()]
    return [thing for thing in things if thing.before_launch]
