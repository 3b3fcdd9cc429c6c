"""What to say next: from what a message was read as, and what was said before, to replies.

Pure: the conversation so far comes in as a `Context`, the message as a `Reading`, the day as a date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from . import handoff, languages
from .knowledge import Event, Knowledge, NotYetRuled, Period, Ruling, as_of, timeline
from .replies import ADVICE_LINE, compose, in_english, language_choices, not_spoken_yet, say, told
from .reply import Reply
from .words import knowledge_message

FALLBACK = "nlu_fallback"
INFORM = "inform"
# Said of its own accord, an answer about these topics is as of the day that the message names.
_ANY_RULE = "mou_status"
_MENU = ("ask_gp_safe", "ask_register_gp", "talk_to_person")
_MOST_EVENTS = 8


@dataclass(frozen=True)
class Context:
    """What matters of the conversation so far."""

    language: str | None = None  # None: not known yet
    nation: str | None = None
    region: str | None = None  # "london" or "elsewhere", once a place was named
    topic: str | None = None  # of the last answer
    view: str = "answer"
    status: str | None = None
    choices: tuple[str, ...] = ()  # what the last reply offered, as `/intent{entities}`
    as_of: date | None = None  # the day that the last answer spoke for, when it was not the present
    misunderstood: int = 0  # how many times in a row
    on_duty: bool | None = None  # whether a volunteer can take over; None where there is no desk


@dataclass(frozen=True)
class Reading:
    """What a message was read as. `also` is a second question in it; `ranking` the closest topics."""

    intent: str
    confidence: float = 1.0
    ranking: tuple[tuple[str, float], ...] = ()
    also: str | None = None
    language: str | None = None
    foreign: str | None = None  # the language, where the message is surely in one that we do not speak; `other` where we do not know which
    nation: str | None = None
    region: str | None = None
    periods: tuple[Period, ...] = ()
    masked: bool = False
    precaution: bool = False  # the danger answer comes first, but `also` is the likelier topic


def respond(knowledge: Knowledge, reading: Reading, context: Context, today: date, as_of: date | None = None) -> list[Reply]:
    """The replies to a message, in order: what protects life first, then the answer, then a second question's.

    `as_of` is the day to speak for, when it is not `today`.
    """
    language = reading.language or context.language
    nation = reading.nation or context.nation
    found_clinic = reading.intent == "find_clinic" and reading.region is not None  # a place shared from a phone is in no language
    if language is None and reading.intent not in knowledge.critical and not found_clinic:
        return [_which_language(knowledge, today, reading.foreign)]
    settled = replace(context, language=language or languages.SOURCE, nation=nation, region=reading.region or context.region)
    if as_of and as_of != today:
        reading = replace(reading, periods=(Period(as_of, as_of),))
    replies = [_answer(knowledge, reading.intent, reading, settled, today, as_of)]
    asked = knowledge.answers.get(reading.intent)
    if asked and asked.group == "trust" and reading.periods and not as_of and context.topic != asked.name and replies[0].as_of < today:
        # "I came in 2016, is it safe?" asks about today: an old rule alone would frighten, or soothe.
        replies.insert(0, _answer(knowledge, asked.name, replace(reading, periods=()), settled, today))
    if reading.also == FALLBACK:
        # After a danger nobody is told that they were not understood: what else they may have asked is offered.
        own = f"/{reading.intent}"
        offered = [choice for choice in _not_understood(knowledge, reading, settled, today).choices if choice.message != own]
        replies[0] = replace(replies[0], view="precaution", choices=tuple(dict.fromkeys((*offered, *replies[0].choices))))
    elif reading.also and reading.also != reading.intent:
        replies.append(_answer(knowledge, reading.also, reading, settled, today))
    if (language is None or reading.foreign) and replies[-1].topic != "change_language":
        replies.append(_which_language(knowledge, today, reading.foreign))
    if reading.masked:
        hidden = knowledge_message(knowledge, "hidden", settled.language or languages.SOURCE)
        replies[0] = replace(replies[0], notes=(*replies[0].notes, hidden))
    return handoff.offered(knowledge, replies, context.on_duty, context.misunderstood)


def _which_language(knowledge: Knowledge, today: date, foreign: str | None = None) -> Reply:
    """The picker; in a language that we know but do not speak, we say so first."""
    words = " · ".join(dict.fromkeys(knowledge_message(knowledge, "choose_language", language) for language in languages.languages()))
    english = say(knowledge, ["choose_language"], today, languages.SOURCE, status="choose", topic="change_language")
    known = knowledge.recognised.get(foreign or "")
    if not known:
        return replace(english, paragraphs=(words,), choices=tuple(language_choices()))
    first = language_choices(known.offers)
    choices = dict.fromkeys((*first, *language_choices()))
    return replace(english, paragraphs=(not_spoken_yet(knowledge, known), words), choices=tuple(choices))


def _answer(knowledge: Knowledge, intent: str, reading: Reading, context: Context, today: date, as_of: date | None = None) -> Reply:
    language = context.language or languages.SOURCE
    if reading.foreign and intent not in knowledge.critical:
        return _which_language(knowledge, today, reading.foreign)
    if intent.startswith("follow_"):
        return _follow_up(knowledge, intent, context, today)
    if intent == "find_clinic":
        return find_clinic(knowledge, reading, context, today)
    if intent == "ask_mou_history" and reading.periods:
        return history(knowledge, reading.periods, language, today)
    if intent == "change_language":
        return _changed_language(knowledge, reading, context, today)
    if intent == "repeat_simpler" and context.topic in knowledge.answers:
        return _simpler(knowledge, context, today)
    if intent == INFORM:
        return _noted(knowledge, context, today)
    if intent == FALLBACK or intent not in knowledge.answers:
        return _not_understood(knowledge, reading, context, today)
    day = as_of or today
    if not as_of and reading.periods and _is_ruled(knowledge, intent):
        day = min(reading.periods[0].last, today)
    return compose(knowledge, intent, day, language, context.nation, today=today)


def _is_ruled(knowledge: Knowledge, topic: str) -> bool:
    return any(_ANY_RULE in passage.when for passage in knowledge.answers[topic].paragraphs)


def _day(context: Context, today: date) -> date:
    """The day to speak for again. A conversation lasts a day at most, so what spoke for yesterday spoke for the present."""
    return context.as_of if context.as_of and context.as_of < today - timedelta(days=1) else today


def _again(knowledge: Knowledge, context: Context, today: date, view: str = "answer") -> Reply:
    assert context.topic
    day = _day(context, today)
    if context.topic in ("mou_on_day", "mou_between", "mou_not_known", "mou_between_nothing"):
        return compose(knowledge, "ask_mou_history", today, context.language or "en", context.nation, view=view)
    return compose(knowledge, context.topic, day, context.language or "en", context.nation, today=today, view=view)


def _simpler(knowledge: Knowledge, context: Context, today: date) -> Reply:
    """The short form first; asked again, the whole answer again."""
    full = _again(knowledge, context, today)
    if context.view == "short" or not full.short:
        return full
    return replace(full, paragraphs=full.short, view="short")


def _changed_language(knowledge: Knowledge, reading: Reading, context: Context, today: date) -> Reply:
    language = context.language or languages.SOURCE
    last = knowledge.answers.get(context.topic or "")
    if reading.language and len(reading.ranking) < 2:  # picked from the list, or named
        if last and last.group not in (None, "bot"):
            return _again(knowledge, context, today)
        return compose(knowledge, "greet", today, language)
    reply = compose(knowledge, "change_language", today, language)
    return replace(reply, status="choose", choices=tuple(language_choices()))


def _noted(knowledge: Knowledge, context: Context, today: date) -> Reply:
    """A place or a nation was told, and there was no question that it answers."""
    language = context.language or languages.SOURCE
    if context.nation is None:
        return say(knowledge, ["place_not_known"], today, language, status="choose", topic=INFORM, nations=True)
    return say(knowledge, ["noted_nation", "noted_place"], today, language, topic=INFORM, values={"nation": f"nation_{context.nation}"}, topics=_MENU)


def _not_understood(knowledge: Knowledge, reading: Reading, context: Context, today: date) -> Reply:
    language = context.language or languages.SOURCE
    if context.topic == "find_clinic" and context.status == "choose":
        name = "not_understood_2" if context.view == "place_not_known" else "place_not_known"
        reply = say(knowledge, [name], today, language, status="choose", topic="find_clinic", nations=True, people=[ADVICE_LINE])
        return replace(reply, view=name)
    times = context.misunderstood
    # Never the same apology twice running: after the third, two sentences take turns.
    name = f"not_understood_{times + 1 if times < 3 else 3 + times % 2}"
    near = [topic for topic, _ in reading.ranking if topic in knowledge.topics and knowledge.answers[topic].group != "bot"]
    topics = near[:3] if times < 2 else list(_MENU)
    people = [ADVICE_LINE] if times else []
    if "talk_to_person" not in topics:
        topics.append("talk_to_person")
    return say(knowledge, [name], today, language, status="not_understood", topic=FALLBACK, topics=topics, people=people)


def _follow_up(knowledge: Knowledge, intent: str, context: Context, today: date) -> Reply:
    language = context.language or languages.SOURCE
    if not context.topic or context.topic not in knowledge.answers:
        return compose(knowledge, "help_menu", today, language)
    if intent in ("follow_why", "follow_more"):
        return _again(knowledge, context, today, view="why")
    if intent == "follow_sure":
        last = _again(knowledge, context, today)
        sure = say(knowledge, ["sure"], today, language, topic=context.topic, people=[ADVICE_LINE])
        return replace(sure, sources=last.sources, why=last.why, read=last.read, true_as_of_words=last.true_as_of_words, view="sure")
    return _days(knowledge, intent, context, today)


def _days(knowledge: Knowledge, intent: str, context: Context, today: date) -> Reply:
    """When was that, and who decided it: the events that the last answer rests on."""
    language = context.language or languages.SOURCE
    assert context.topic
    answer = knowledge.answers[context.topic]
    nation = context.nation or "england"
    names: dict[str, Event] = {}
    for passage in answer.paragraphs:
        if passage.nations and nation not in passage.nations:
            continue
        rulings = [_ruling(knowledge, rule, _day(context, today), nation) for rule in passage.when]
        if any(ruling is None or ruling.outcome not in passage.when[ruling.rule.name] for ruling in rulings):
            continue
        names.update({name: knowledge.events[name] for name in passage.events})
        names.update({ruling.since.name: ruling.since for ruling in rulings if ruling})
    events = sorted(names.values(), key=lambda event: event.period)
    if intent == "follow_who":
        events = [event for event in events if event.decided_by]
    if not events:
        return say(knowledge, ["no_day_for_this"], today, language, topic=context.topic, topics=["ask_mou_history"], people=[ADVICE_LINE])
    lead = "who_answer" if intent == "follow_who" else "when_answer"
    return told(knowledge, lead, events, today, language, topic=context.topic, then=answer.then, decided=intent == "follow_who")


def _ruling(knowledge: Knowledge, rule: str, day: date, nation: str) -> Ruling | None:
    try:
        return as_of(knowledge, rule, day, nation)
    except NotYetRuled:
        return None


def _weightiest(knowledge: Knowledge, events: Sequence[Event]) -> list[Event]:
    """As many events as a person can read, in order: what changed the agreement before all else, then what the law did."""

    def weight(event: Event) -> int:
        return 3 if event.name in knowledge.rules[_ANY_RULE].values else 2 if event.kind == "agreement" else 1 if event.kind == "legal" else 0

    weighty = [event for event in events if weight(event)]
    chosen = sorted(weighty if len(weighty) >= 2 else events, key=weight, reverse=True)[:_MOST_EVENTS]
    return [event for event in events if event in chosen]


def history(knowledge: Knowledge, periods: Sequence[Period], language: str, today: date) -> Reply:
    """What the rule was on a day, or what changed over the days that a month, a year or two dates span."""
    first, last = min(period.first for period in periods), min(max(period.last for period in periods), today)
    before, after = (_ruling(knowledge, _ANY_RULE, day, "england") for day in (first, last))
    if not after:
        reply = compose(knowledge, "mou_not_known", today, language, "england", values={"day": min(periods)})
        return replace(reply, status="not_known" if reply.status == "answered" else reply.status, as_of=first)
    if len(periods) == 1 and before and before.outcome == after.outcome and not after.changing:
        period = periods[0]
        if period.last >= today:
            return compose(knowledge, "mou_on_day", today, language, "england")
        return compose(knowledge, "mou_on_day", first, language, "england", today=today, values={"asked": period})
    events = _weightiest(knowledge, [event for event in timeline(knowledge, first, last) if "england" in event.nations])
    lead = "mou_between" if events else "mou_between_nothing"
    answer = knowledge.answers[lead]
    reply = told(
        knowledge,
        "what_happened" if events and first == last else lead,
        events,
        last,
        language,
        topic="ask_mou_history",
        values={"day": first, "until": last},
        people=answer.people,
        then=answer.then,
        today=today,
    )
    end = compose(knowledge, "mou_on_day", last, language, "england", today=max(last, today))
    if end.language != reply.language:
        return reply
    return replace(reply, paragraphs=(*reply.paragraphs, *end.paragraphs[1 if last < today else 0 :][:1]), sources=(*reply.sources, *end.sources))


def find_clinic(knowledge: Knowledge, reading: Reading, context: Context, today: date) -> Reply:
    """Where a clinic is, once the place is known; asks for it before."""
    language = context.language or languages.SOURCE
    if context.region is None:
        reply = compose(knowledge, "find_clinic", today, language, context.nation, today=today)
        if reading.nation and reading.nation != "england":
            return replace(compose(knowledge, "clinic_elsewhere", today, language, today=today), topic="find_clinic")
        # Whatever its notes say, it asks for a place: the next message is read as one.
        return replace(reply, status="choose")
    topic = "clinic_london" if context.region == "london" else "clinic_elsewhere"
    return compose(knowledge, topic, today, language, context.nation, today=today)


def failed(knowledge: Knowledge, language: str | None, today: date) -> Reply:
    """What is said when something broke: that it did, and whom to call."""
    reply = say(knowledge, ["failed"], today, languages.SOURCE, status="failed", people=[ADVICE_LINE, "emergency-999"])
    if language in (None, languages.SOURCE):
        return reply
    try:
        return say(knowledge, ["failed"], today, language, status="failed", people=[ADVICE_LINE, "emergency-999"])
    except Exception:
        return in_english(knowledge, reply, languages.SOURCE)
