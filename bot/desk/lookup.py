"""The look-up page: a caller's question in any language, and its answer in English and in theirs, as the caller would be told it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

import segno
from markupsafe import Markup
from sanic.request import Request
from sanic.response import HTTPResponse

from .. import embeddings, house, languages, places
from ..dialogue import FALLBACK, Context, Reading, history, respond
from ..knowledge import NATIONS, Answer, Fact, Knowledge, NotYetRuled, Period, Service, as_of
from ..mind import Mind
from ..privacy import mask
from ..reading import command, read, to_embed
from ..replies import compose, not_spoken_yet
from ..reply import Reply
from ..words import knowledge_message
from . import give
from .accounts import Session
from .views import Desk, NotPossible, Route, shown

LIMIT = 1000  # letters of a question, as in the chat
_NEAR = 4
_IN_NUMBER = re.compile(r"(?<=\d\d) (?=\d\d)")
_STATUSES = {
    "answered": "Answered",
    "needs_check": "Answered, but needs a check",
    "not_known": "Not known",
    "not_understood": "Not understood",
    "choose": "Needs a choice first",
    "not_translated": "Not translated: in English",
    "handed_over": "Passed to a person",
    "failed": "Failed",
}
_GROUPS = {
    "danger": "Danger",
    "trust": "Is it safe?",
    "register": "Registering with a GP",
    "cost": "What it costs",
    "care": "Kinds of care",
    "people": "People to turn to",
    "policy": "The agreement and the law",
    "bot": "About the assistant",
}
# As interpreters' services in the UK call them: "Sorani", where Unicode (CLDR) has "Central Kurdish".


@dataclass(frozen=True)
class Query:
    """What the address of the page asks; an empty text is "not said". `topic` goes before what `q` was read as."""

    q: str = ""
    topic: str = ""
    language: str = ""
    nation: str = ""
    as_of: str = ""
    view: str = ""

    def address(self, **changes: str) -> str:
        """The page's address with some of it changed.

        >>> Query("a doctor?").address(nation="wales")
        '/desk?q=a+doctor%3F&nation=wales'
        """
        changed = replace(self, **changes)
        said = {field.name: getattr(changed, field.name) for field in fields(changed)}
        asked = urlencode({name: value for name, value in said.items() if value})
        return f"/desk?{asked}" if asked else "/desk"


@dataclass(frozen=True)
class Topic:
    """A topic to choose; `terms` are the words it is found by beside its title."""

    name: str
    title: str
    terms: str


@dataclass(frozen=True)
class Side:
    """An answer in one language: what is read aloud, the reasons apart from where sources disagree, and the days in words."""

    reply: Reply
    language_name: str
    paragraphs: tuple[str, ...]
    why: tuple[str, ...]
    disagreements: tuple[str, ...]
    days: tuple[str, ...]
    draft: str  # the line that says so, when it is one


@dataclass(frozen=True)
class Gap:
    """Something that an answer rests on and that is not sure: what is to be kept in mind, why, and what it is about."""

    text: str
    reasons: tuple[str, ...]
    about: str = ""


@dataclass(frozen=True)
class Told:
    """One answer: in English and, for a caller of another language, in theirs."""

    topic: str
    title: str
    status: str
    danger: bool
    english: Side
    theirs: Side | None
    nation: str | None  # None: the answer is the same everywhere
    assumed: bool  # nobody has told the nation
    gaps: tuple[Gap, ...]
    then: tuple[tuple[str, str], ...]

    @property
    def state(self) -> str:
        """The status in words."""
        return _STATUSES[self.status]

    @property
    def spoken(self) -> Side:
        """The side that the caller hears."""
        return self.theirs or self.english

    @property
    def plain(self) -> str:
        """What is copied for the caller: the answer as plain text, with its days, and that it is a draft."""
        side = self.spoken
        text = replace(side.reply, paragraphs=side.paragraphs).text
        return "\n\n".join(filter(None, (side.reply.title, text, "\n".join(side.days), side.draft)))


@dataclass(frozen=True)
class Found:
    """All that the page shows. `language` is the caller's; `read_as` what the question was read to be in, None when that is not known."""

    query: Query
    language: str = languages.SOURCE
    read_as: str | None = None
    nation: str | None = None
    day: date | None = None
    told: tuple[Told, ...] = ()
    near: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    quoted: tuple[str, str] | None = None  # a language that we do not speak yet, and what is said in it
    understood: bool = True

    @property
    def asked(self) -> bool:
        """Whether anything was asked."""
        return bool(self.query.q or self.query.topic)


def topics(knowledge: Knowledge) -> list[tuple[str, list[Topic]]]:
    """The topics to choose from, under the words for their group."""
    grouped: dict[str, list[Topic]] = {group: [] for group in _GROUPS}
    for name in knowledge.topics:
        answer = knowledge.answers[name]
        group = answer.group or ""
        terms = f"{answer.button} {answer.means or ''} {_GROUPS.get(group, group)}"
        grouped.setdefault(group, []).append(Topic(name, answer.title, terms))
    return [(_GROUPS.get(group, group.capitalize()), members) for group, members in grouped.items() if members]


def checked(knowledge: Knowledge, query: Query, today: date) -> tuple[Query, date]:
    """The query, its question masked as the chat masks it, and the day it asks about; NotPossible for what cannot be answered."""
    if len(query.q) > LIMIT:
        raise NotPossible(f"The question is too long. Ask it in at most {LIMIT} letters.")
    if query.topic and query.topic not in knowledge.topics:
        raise NotPossible(f"There is no topic {query.topic!r}. Choose one from the list.", 404)
    language = languages.supported(query.language) if query.language else ""
    if language is None:
        raise NotPossible(f"We do not speak {query.language!r} yet. Choose a language from the list.")
    if query.nation and query.nation not in NATIONS:
        raise NotPossible(f"{query.nation!r} is none of the four nations. Choose England, Scotland, Wales or Northern Ireland.")
    try:
        day = date.fromisoformat(query.as_of) if query.as_of else today
    except ValueError:
        raise NotPossible(f"{query.as_of!r} is no day. Write it as {today.isoformat()}.") from None
    if day > today:
        raise NotPossible(f"{languages.in_words(day, languages.SOURCE)} has not come yet. Choose today or an earlier day.")
    return replace(query, q=mask(query.q.strip()).text, language=language, as_of=day.isoformat() if day < today else ""), day


def looked_up(knowledge: Knowledge, mind: Mind, query: Query, today: date) -> Found:
    """What the desk says to a query: what the caller would be told, in English beside their language.

    A language or a nation that the volunteer has chosen goes before what the question was read as.

    Raises:
        NotPossible: for a topic, a language, a nation or a day that there is none of.
    """
    place = places.find(query.q, knowledge) if query.q else None  # before masking: a postcode may be masked with its street
    asked, day = checked(knowledge, query, today)
    nation = asked.nation or None
    if not asked.q:
        found = Found(asked, asked.language or languages.SOURCE, nation=nation, day=day)
        return replace(found, told=_picked(knowledge, found, today)) if asked.topic else found
    hidden = asked.q != query.q.strip()
    reading = read(asked.q, Context(language=asked.language or None), mind, today, place if hidden else None)
    return _of_reading(knowledge, asked, reading, day, today, hidden)


def _of_reading(knowledge: Knowledge, query: Query, reading: Reading, day: date, today: date, hidden: bool) -> Found:
    read_as = reading.language
    spoken = query.language or read_as or languages.SOURCE
    nation = query.nation or reading.nation or None
    own_place = not query.nation or query.nation == reading.nation
    intent = query.topic or reading.intent
    # A button's command has no ranking, and no words that could be read otherwise.
    also = None if query.topic or command(query.q) else reading.also
    settled = replace(reading, intent=intent, also=also, foreign=None, nation=nation, region=reading.region if own_place else None)
    notices, quoted = _notices(knowledge, query, reading, hidden)
    found = Found(query, spoken, read_as, nation, day, near=_near(knowledge, reading, {intent, also}), notices=notices, quoted=quoted)
    if intent == FALLBACK:
        return replace(found, understood=False)

    def said(language: str) -> list[Reply]:
        return respond(knowledge, replace(settled, language=language), Context(language, nation), today, day if day < today else None)

    theirs = said(spoken) if spoken != languages.SOURCE else []
    english = said(languages.SOURCE)
    told = [
        _told(knowledge, query, topic, english[index], theirs[index] if theirs else None, nation, today)
        for index, topic in enumerate((intent, also)[: len(english)])
    ]
    return replace(found, told=tuple(told))


def _picked(knowledge: Knowledge, found: Found, today: date) -> tuple[Told, ...]:
    """The answer to a topic that was picked from the list."""
    query, day = found.query, found.day or today

    def said(language: str) -> Reply:
        if query.topic == "ask_mou_history" and day < today:
            return history(knowledge, [Period(day, day)], language, today)
        return compose(knowledge, query.topic, day, language, found.nation, today=today)

    theirs = said(found.language) if found.language != languages.SOURCE else None
    return (_told(knowledge, query, query.topic, said(languages.SOURCE), theirs, found.nation, today),)


def _near(knowledge: Knowledge, reading: Reading, answered: set[str | None]) -> tuple[tuple[str, str], ...]:
    names = [name for name, _ in reading.ranking if name in knowledge.topics and knowledge.answers[name].group != "bot" and name not in answered]
    return tuple((name, knowledge.answers[name].title) for name in names[:_NEAR])


def _notices(knowledge: Knowledge, query: Query, reading: Reading, hidden: bool) -> tuple[tuple[str, ...], tuple[str, str] | None]:
    """What the volunteer must know of how the question was read; and what a caller is told whose language we do not speak."""
    notices: list[str] = []
    quoted = None
    if reading.precaution and not query.topic:
        notices.append("This may be about danger, so the answer for danger comes first. Ask the caller if they are safe.")
    if query.language:
        pass
    elif reading.foreign:
        notices.append(
            "This is in a language that we do not speak yet. The answer is in English; choose another language above if the caller has one."
        )
        known = knowledge.recognised.get(reading.foreign)
        quoted = (reading.foreign, not_spoken_yet(knowledge, known)) if known else None
    elif reading.language is None:
        notices.append("We cannot tell which language this is in. The answer is in English; choose the caller's language above.")
    if hidden:
        notices.append("A number or an address in the question was hidden. Please leave such things out.")
    return tuple(notices), quoted


def _told(knowledge: Knowledge, query: Query, topic: str | None, english: Reply, theirs: Reply | None, nation: str | None, today: date) -> Told:
    answer = knowledge.answers.get(topic or "")
    reply = theirs or english
    differs = answer is not None and answer.differs_by_nation
    offered = [command(choice.message) for choice in english.choices]
    then = [name for name, entities in filter(None, offered) if name in knowledge.topics and not entities]
    return Told(
        topic=topic if topic in knowledge.topics else "",
        title=english.title or (answer.title if answer else "What to say"),
        status=reply.status,
        danger=topic in knowledge.critical,
        english=_side(knowledge, query, english, english),
        theirs=_side(knowledge, query, theirs, english) if theirs else None,
        nation=(reply.nation or nation or NATIONS[0]) if differs else None,
        assumed=differs and nation is None,
        gaps=_gaps(knowledge, english, today),
        then=tuple((name, knowledge.answers[name].title) for name in then),
    )


def _side(knowledge: Knowledge, query: Query, reply: Reply, english: Reply) -> Side:
    language = reply.language
    starts = knowledge.messages["sources_disagree"].split("{")[0]
    differ = {index for index, text in enumerate(english.why) if text.startswith(starts)}
    days = [_line(knowledge, "page_as_of", language, languages.in_both_calendars(reply.as_of, language))]
    if reply.true_as_of_words:
        days.append(_line(knowledge, "page_oldest", language, reply.true_as_of_words))
    if reply.read:
        days.append(_line(knowledge, "page_checked_on", language, languages.in_both_calendars(reply.read, language)))
    return Side(
        reply=reply,
        language_name=languages.english_name(language),
        paragraphs=reply.short if query.view == "short" and reply.short else reply.paragraphs,
        why=tuple(text for index, text in enumerate(reply.why) if index not in differ),
        disagreements=tuple(text for index, text in enumerate(reply.why) if index in differ),
        days=tuple(days),
        draft=knowledge_message(knowledge, "draft", language) if reply.draft else "",
    )


def _line(knowledge: Knowledge, name: str, language: str, day: str) -> str:
    return knowledge_message(knowledge, name, language).replace("{day}", day)


def _gaps(knowledge: Knowledge, reply: Reply, today: date) -> tuple[Gap, ...]:
    """What is not sure of the facts and the people that an answer names, as the knowledge itself says it."""
    gaps: dict[Gap, None] = {}
    if reply.status == "not_known":
        gaps[Gap("The question itself", (f"nothing we hold speaks for {languages.in_words(reply.as_of, languages.SOURCE)}",))] = None
    answer = knowledge.answers.get(reply.topic)
    for fact in _facts(knowledge, answer, reply, today) if answer else []:
        doubts = tuple(_doubts(fact, today))
        if fact.caution:
            gaps[Gap(fact.caution, doubts, fact.statement)] = None
        elif doubts:
            gaps[Gap(fact.statement, doubts)] = None
        # An open question about a fact is kept beside it, under its name.
        asked = knowledge.facts.get(f"{fact.name}-unverified")
        if asked and asked.confidence == "unverified":
            gaps[Gap(asked.statement, ("not confirmed: do not say it",))] = None
    named = {contact.name for contact in reply.people}
    for service in knowledge.services.values():
        if service.title in named:
            gaps.update({Gap(text, ("not confirmed",), service.title): None for text in service.unverified})
            if doubts := tuple(_doubts(service, today)):
                gaps[Gap(service.title, doubts)] = None
    return tuple(gaps)


def _doubts(thing: Fact | Service, today: date) -> Iterator[str]:
    if thing.review_by < today:
        yield f"was to be checked by {languages.in_words(thing.review_by, languages.SOURCE)}"
    if thing.before_launch:
        yield "no person has checked it yet"
    if isinstance(thing, Fact) and thing.true_as_of is None:
        yield "its source has no date"


def _facts(knowledge: Knowledge, answer: Answer, reply: Reply, today: date) -> list[Fact]:
    """The facts that an answer rests on, where and when it is said."""
    nation = reply.nation or NATIONS[0]
    names: dict[str, None] = {}
    for passage in (*answer.paragraphs, *answer.why):
        try:
            holds = all(as_of(knowledge, rule, reply.as_of, nation).outcome in outcomes for rule, outcomes in passage.when.items())
        except NotYetRuled:
            holds = False
        if holds and (not passage.nations or nation in passage.nations):
            names.update(dict.fromkeys(passage.facts))
    return [knowledge.facts[name] for name in names if knowledge.facts[name].speaks_for(reply.as_of, today)]


def unbroken(text: str) -> str:
    """The text with its phone numbers kept on one line each.

    >>> unbroken("Call 0808 1647 686.")
    'Call 0808\\xa01647\\xa0686.'
    """
    return _IN_NUMBER.sub("\u00a0", text)


def public_address(site: str, topic: str, language: str) -> str:
    """Where the caller finds the same answer on the public page.

    >>> public_address("https://chat.example.org", "ask_gp_safe", "ar")
    'https://chat.example.org/chat/ar?topic=ask_gp_safe'
    """
    return f"{site.rstrip('/')}/chat/{language}?{urlencode({'topic': topic})}"


def qr_code(address: str) -> Markup:
    """The address as a QR code, an SVG element; black on white in every theme, with the quiet zone that readers need."""
    made = segno.make(address, error="m", micro=False)
    return Markup(made.svg_inline(omitsize=True, border=4, light="#fff", title="QR code of the public page", svgclass="qr", lineclass=None))  # noqa: S704


def values(knowledge: Knowledge, found: Found, site: str, can_text: bool = False, off: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What the templates show. `can_text`: SMS is set up; `off`: the topics that patients are not answered now."""
    return {
        "found": found,
        "site": site,
        "groups": topics(knowledge),
        "languages": [(name, languages.own_name(name), languages.english_name(name)) for name in languages.languages()],
        "nations": [(nation, knowledge.messages[f"nation_{nation}"]) for nation in NATIONS],
        "language_name": languages.english_name,
        "unbroken": unbroken,
        "public_address": public_address,
        "qr_code": qr_code,
        "limit": LIMIT,
        "can_text": can_text,
        "off": off,
    }


def _query(request: Request) -> Query:
    return Query(**{field.name: (request.args.get(field.name) or "").strip() for field in fields(Query)})


async def _found(request: Request, desk: Desk) -> dict[str, Any]:
    knowledge, today, query = desk.mind.knowledge, house.today(), _query(request)
    asked, _ = checked(knowledge, query, today)
    if asked.q:
        # On another thread, as in the chat: meanwhile other conversations go on.
        await embeddings.prepare(to_embed(asked.q, Context(language=asked.language or None), desk.mind))
    site = os.environ.get("CONFIDE_PUBLIC_URL") or f"{request.scheme}://{request.host}"
    off = frozenset(one.name for one in desk.switches.all() if one.kind == "topic")
    return values(knowledge, looked_up(knowledge, desk.mind, query, today), site, give.CHANNEL in request.app.ctx.givers, off)


async def page(request: Request, desk: Desk, session: Session) -> HTTPResponse:
    """The whole page."""
    return shown("lookup.html", session, here="/desk", **await _found(request, desk))


async def answer(request: Request, desk: Desk, session: Session) -> HTTPResponse:
    """The answer alone, for a page that is open."""
    return shown("answer.html", session, **await _found(request, desk))


ROUTES: tuple[Route, ...] = (Route("/", page), Route("/answer", answer))
