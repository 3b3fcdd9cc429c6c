"""A reply: what we say to a question, on a day, in a language, for a nation, with everything it rests on."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from . import languages
from .knowledge import (
    Answer,
    Event,
    Fact,
    Knowledge,
    NotYetRuled,
    Passage,
    Period,
    RecognisedLanguage,
    Ruling,
    Service,
    Source,
    as_of,
    placeholder,
)
from .reply import Choice, Reply
from .words import Untranslated, Words

ADVICE_LINE = "dotw-advice-line"
MOST_DISAGREEMENTS = 3  # said under an answer; the timeline has them all


class UnknownTopic(LookupError):
    """A topic that `data/answers` does not hold."""


@dataclass(frozen=True)
class _Said:
    """The passages that hold on the day, in the nation, and the rulings that chose them."""

    passages: tuple[tuple[Passage, tuple[Ruling, ...]], ...]
    lost: bool  # a passage that rests on something was left out because nothing speaks for the day
    unruled: bool  # a passage was left out because its rule had no outcome yet

    @property
    def is_known(self) -> bool:
        """Whether it answers: what is left says something, and no rule that it turns on is without an outcome."""
        if self.unruled and not any(rulings for _, rulings in self.passages):
            return False
        return not self.lost or any(passage.rests_on_something for passage, _ in self.passages)


def _that_hold(knowledge: Knowledge, passages: Iterable[Passage], day: date, today: date, nation: str) -> _Said:
    said: list[tuple[Passage, tuple[Ruling, ...]]] = []
    lost = unruled = False
    for passage in passages:
        if passage.nations and nation not in passage.nations:
            continue
        try:
            rulings = tuple(as_of(knowledge, rule, day, nation) for rule in passage.when)
        except NotYetRuled:
            lost = unruled = True
            continue
        if any(ruling.outcome not in passage.when[ruling.rule.name] for ruling in rulings):
            continue
        if any(knowledge.facts[name].speaks_for(day, today) for name in passage.before):
            continue
        # A ruling already says that the passage holds on the day; the events it names may be later and look back on it.
        happened = bool(rulings) or all(knowledge.events[name].earliest <= day for name in passage.events)
        if not happened or not all(knowledge.facts[name].speaks_for(day, today) for name in passage.facts):
            lost = True
            continue
        said.append((passage, rulings))
    return _Said(tuple(said), lost, unruled)


def compose(
    knowledge: Knowledge,
    topic: str,
    day: date,
    language: str,
    nation: str | None = None,
    *,
    today: date | None = None,
    view: str = "answer",
    values: Mapping[str, Period | str] | None = None,
) -> Reply:
    """The reply to a topic, as of a day, in a language, for a nation (None: not told yet).

    `view` is "answer" or "why". `values` fill the answer's own placeholders (a period is put in words);
    `asked` among them is the period that was asked about, when it is more than the day.
    `today` tells history from the present and what is past its `review_by`; left out, it is `day`.

    Raises:
        UnknownTopic: for a topic without an answer.
        languages.UnknownLanguage: for a language without a catalogue.
    """
    if topic not in knowledge.answers:
        raise UnknownTopic(f"{topic!r} has no answer; data/answers has no {topic}.yml")
    on = today or day
    return _in_language(knowledge, language, lambda words: _compose(words, topic, day, nation, on, view, values or {}))


def _in_language(knowledge: Knowledge, language: str, made: Callable[[Words], Reply]) -> Reply:
    """A reply in a language, with its English copy; in English where the language lacks a sentence of it."""
    draft = languages.is_draft(language)
    english = made(Words(knowledge, languages.SOURCE))
    if language == languages.SOURCE:
        return replace(english, english=english.paragraphs)
    try:
        return replace(made(Words(knowledge, language)), english=english.paragraphs, draft=draft)
    except Untranslated:
        return in_english(knowledge, english, language)


def in_english(knowledge: Knowledge, english: Reply, language: str) -> Reply:
    """An English reply for someone whose language does not have it: their language's "sorry" line comes first."""
    sorry = languages.translate(knowledge.messages["not_translated"], language) or knowledge.messages["not_translated"]
    status = english.status if english.status in ("failed", "choose", "not_understood") else "not_translated"
    return replace(english, status=status, paragraphs=(sorry, *english.paragraphs), english=english.paragraphs)


def _compose(words: Words, topic: str, day: date, nation: str | None, today: date, view: str, values: Mapping[str, Period | str]) -> Reply:
    knowledge = words.knowledge
    answer = knowledge.answers[topic]
    where = nation or "england"
    main = _that_hold(knowledge, answer.paragraphs, day, today, where)
    reasons = _that_hold(knowledge, answer.why, day, today, where)
    brief = _that_hold(knowledge, answer.short, day, today, where)
    filled = _filled(words, values, day)

    def texts(said: _Said) -> tuple[str, ...]:
        return tuple(words.passage(passage, rulings, filled) for passage, rulings in said.passages)

    facts, events, services = _rests_on(knowledge, main, reasons, answer, where if answer.differs_by_nation else nation)
    in_short = Words(knowledge, words.language, brief=True)
    paragraphs = list(texts(main))
    why = [*texts(reasons), *_disagreements(words, *_central(knowledge, answer, main, reasons))]
    notes: list[str] = []
    status = "answered"
    if not main.is_known:
        status = "not_known"
        paragraphs = [words.message("not_known")]
    changing = [ruling for _, rulings in main.passages for ruling in rulings if ruling.changing]
    if changing and changing[0].changing:
        event = changing[0].changing
        notes.append(words.message("changing", when=words.day(event.period), title=words.text(event.title)))
    resting: list[Fact | Service] = [*facts, *services, *_named(knowledge, main)]
    if status == "answered" and _is_due(resting, today) and ADVICE_LINE not in answer.people:
        services = [*services, knowledge.services[ADVICE_LINE]]
    choices = [words.topic_choice(name) for name in answer.then]
    assumed = nation is None and answer.differs_by_nation
    if assumed:
        notes.append(words.message("assumed_england"))
        choices = [*words.nation_choices(), *choices[:2]]
    if view == "why":
        paragraphs = list(why) or [words.message("no_reason")]
    if day < today:
        paragraphs.insert(0, words.message("historic", day=filled.get("asked", filled["day"])))
    known = [fact.true_as_of for fact in facts if fact.true_as_of]
    oldest = min(known, key=lambda period: period.first) if known else None
    reply = Reply(
        topic=topic,
        status=status,
        language=words.language,
        direction=languages.direction(words.language),
        paragraphs=tuple(paragraphs),
        as_of=day,
        title=words.text(answer.title),
        view=view,
        nation=where if answer.differs_by_nation else nation,
        notes=tuple(notes),
        why=tuple(why),
        short=tuple(in_short.passage(passage, rulings, _filled(in_short, values, day)) for passage, rulings in brief.passages),
        people=tuple(words.contact(service) for service in services),
        sources=tuple(words.cited(source) for source in _sources(facts, events)),
        true_as_of=oldest.first if oldest else None,
        true_as_of_words=words.day(oldest) if oldest else None,
        read=min((source.read for source in _all_sources(facts, events)), default=None),
        choices=tuple(choices),
    )
    return _marked(words, reply, resting, today)


def _filled(words: Words, values: Mapping[str, Period | str], day: date) -> dict[str, str]:
    filled = {key: value if isinstance(value, str) else words.day(value) for key, value in values.items()}
    filled.setdefault("day", words.day(day))
    return filled


def _is_due(resting: Iterable[Fact | Service], today: date) -> bool:
    return any(thing.review_by < today for thing in resting)


def _marked(words: Words, reply: Reply, resting: Iterable[Fact | Service], today: date) -> Reply:
    """The reply, said to be in need of a check when something that it rests on is past its `review_by`."""
    if reply.status == "not_known" or not _is_due(resting, today):
        return reply
    status = "needs_check" if reply.status == "answered" else reply.status
    return replace(reply, status=status, notes=(*reply.notes, words.message("needs_check")))


def _rests_on(knowledge: Knowledge, main: _Said, reasons: _Said, answer: Answer, nation: str | None) -> tuple[list[Fact], list[Event], list[Service]]:
    facts: dict[str, Fact] = {}
    events: dict[str, Event] = {}
    services: dict[str, Service] = {}
    for passage, rulings in (*main.passages, *reasons.passages):
        facts.update({name: knowledge.facts[name] for name in passage.facts})
        events.update({name: knowledge.events[name] for name in passage.events})
        events.update({ruling.since.name: ruling.since for ruling in rulings})
    for name in answer.people:
        service = knowledge.services[name]
        if nation is None or nation in service.nations:
            services[name] = service
    return list(facts.values()), list(events.values()), list(services.values())


def _named(knowledge: Knowledge, said: _Said) -> list[Service]:
    """The services that the passages rest on, or whose number or hours they say."""
    resting = {name for passage, _ in said.passages for name in passage.services}
    filled = {name for passage, _ in said.passages for _, name, _, _ in string.Formatter().parse(passage.text) if name}
    return [
        service for name, service in knowledge.services.items() if name in resting or filled & {placeholder(service), f"{placeholder(service)}_hours"}
    ]


def _central(knowledge: Knowledge, answer: Answer, main: _Said, reasons: _Said) -> tuple[list[Fact], list[Event]]:
    """What an answer is about, as against what it touches on: a policy answer's all, else what its reasons rest on."""
    said = (*main.passages, *reasons.passages) if answer.group == "policy" else reasons.passages
    facts = [knowledge.facts[name] for passage, _ in said for name in passage.facts]
    events = [knowledge.events[name] for passage, _ in said for name in passage.events]
    return list(dict.fromkeys(facts)), list(dict.fromkeys(events))


def _disagreements(words: Words, facts: Iterable[Fact], events: Iterable[Event]) -> list[str]:
    items = [item for fact in facts for item in fact.reported_as] + [item for event in events for item in event.reported_as]
    lines = [
        words.message("sources_disagree", by=words.text(item.by), says=words.text(item.says), we_say=words.text(item.we_say))
        for item in dict.fromkeys(items)
        if item.matters
    ]
    return lines[:MOST_DISAGREEMENTS]


def _all_sources(facts: Iterable[Fact], events: Iterable[Event]) -> list[Source]:
    return [source for fact in facts for source in fact.sources] + [source for event in events for source in event.sources]


def _sources(facts: Iterable[Fact], events: Iterable[Event]) -> list[Source]:
    """One source a fact or event, the one that is quoted: enough to check it, few enough to read."""
    unique: dict[tuple[str, str | None], Source] = {}
    for sources in (*(fact.sources for fact in facts), *(event.sources for event in events)):
        source = next((source for source in sources if source.quote), sources[0])
        unique.setdefault((source.title, source.url), source)
    return list(unique.values())


def say(
    knowledge: Knowledge,
    names: Sequence[str],
    day: date,
    language: str,
    *,
    status: str = "answered",
    topic: str = "",
    values: Mapping[str, str] | None = None,
    topics: Sequence[str] = (),
    people: Sequence[str] = (),
    nations: bool = False,
) -> Reply:
    """A reply made of the assistant's own sentences (`data/messages.yml`), with topics to choose from and people to turn to.

    Every value is shown as it is; a nation's name is given as `nation_<name>` and translated.
    """

    def made(words: Words) -> Reply:
        filled = {
            key: words.message(value) if value in knowledge.messages and value.startswith("nation_") else value
            for key, value in (values or {}).items()
        }
        choices = [words.topic_choice(name) for name in topics]
        if nations:
            choices += words.nation_choices()
        services = [knowledge.services[name] for name in people]
        reply = Reply(
            topic=topic,
            status=status,
            language=words.language,
            direction=languages.direction(words.language),
            paragraphs=tuple(words.message(name, **filled) for name in names),
            as_of=day,
            people=tuple(words.contact(service) for service in services),
            choices=tuple(choices),
        )
        return _marked(words, reply, services, day)

    return _in_language(knowledge, language, made)


def language_choices(names: Sequence[str] | None = None) -> list[Choice]:
    """Languages that Confide speaks (all, when left out), each in its own name."""
    spoken = languages.languages() if names is None else names
    return [Choice(languages.own_name(language), f'/change_language{{"language": "{language}"}}') for language in spoken]


def not_spoken_yet(knowledge: Knowledge, known: RecognisedLanguage) -> str:
    """What is said in a language that is not spoken yet, with the numbers to call."""
    words = Words(knowledge, languages.SOURCE)
    return words.text(known.says, words.numbers)


def told(
    knowledge: Knowledge,
    lead: str,
    events: Sequence[Event],
    day: date,
    language: str,
    *,
    topic: str,
    values: Mapping[str, Period | date | str] | None = None,
    people: Sequence[str] = (),
    then: Sequence[str] = (),
    decided: bool = False,
    today: date | None = None,
) -> Reply:
    """A reply that tells events in order under a lead sentence (a message's name, or an answer's): the day, what happened, who decided.

    `day` is the day that it speaks for, `today` (left out, the same) the day on which contacts may be due for review.
    """

    def made(words: Words) -> Reply:
        filled = {key: value if isinstance(value, str) else words.day(value) for key, value in (values or {}).items()}
        if lead in knowledge.answers:
            first = [words.text(passage.text, filled) for passage in knowledge.answers[lead].paragraphs]
        else:
            first = [words.message(lead, **filled)]
        lines = []
        for event in events:
            if decided and event.decided_by:
                lines.append(words.message("decided_on", day=words.event_day(event), title=words.text(event.title), who=words.text(event.decided_by)))
            else:
                lines.append(words.message("happened_on", day=words.event_day(event), title=words.text(event.title)))
        services = [knowledge.services[name] for name in people]
        reply = Reply(
            topic=topic,
            status="answered",
            language=words.language,
            direction=languages.direction(words.language),
            paragraphs=(*first, *lines),
            as_of=day,
            why=(*(words.text(event.happened) for event in events), *_disagreements(words, (), events)),
            people=tuple(words.contact(service) for service in services),
            sources=tuple(words.cited(source) for source in _sources((), events)),
            read=min((source.read for event in events for source in event.sources), default=None),
            choices=tuple(words.topic_choice(name) for name in then),
        )
        return _marked(words, reply, services, today or day)

    return _in_language(knowledge, language, made)
