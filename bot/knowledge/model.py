"""What Confide knows, as values that never change.

A *period* is a day, a month or a year: sources are not always precise, and neither are we allowed to be.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

NATIONS = ("england", "scotland", "wales", "northern_ireland")
_PERIOD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


@dataclass(frozen=True, order=True)
class Period:
    """The days between `first` and `last`, both included: one day, one month or one year.

    >>> Period.parse("2018-05").last
    datetime.date(2018, 5, 31)
    """

    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> Period:
        """The period that `2018`, `2018-05` or `2018-05-09` (ISO 8601) names; ValueError for anything else."""
        match = _PERIOD.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is no date; write 2018, 2018-05 or 2018-05-09")
        year, month, day = (int(part) if part else None for part in match.groups())
        assert year is not None
        if month is None:
            return cls(date(year, 1, 1), date(year, 12, 31))
        if day is None:
            return cls(date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
        return cls(date(year, month, day), date(year, month, day))

    @property
    def precision(self) -> str:
        """`day`, `month` or `year`; `range` for days that make up none of these.

        >>> Period.parse("2018").precision
        'year'
        """
        if self.first == self.last:
            return "day"
        if self == Period.parse(self.first.isoformat()[:7]):
            return "month"
        if self == Period.parse(self.first.isoformat()[:4]):
            return "year"
        return "range"


@dataclass(frozen=True)
class Source:
    """Where a statement can be read; `read` is the day we read a copy of it, `published` the source's own date."""

    title: str
    publisher: str
    read: date
    url: str | None = None
    published: Period | None = None
    quote: str | None = None


@dataclass(frozen=True)
class Disagreement:
    """What another source says, and what we say about it; `matters` when a person could be misled by it."""

    says: str
    by: str
    we_say: str
    matters: bool


@dataclass(frozen=True)
class Event:
    """Something that happened to the policy, in a period; its `name` begins with its date."""

    name: str
    period: Period
    title: str
    kind: str
    nations: frozenset[str]
    confidence: str
    happened: str
    sources: tuple[Source, ...]
    earliest: date
    decided_by: str | None = None
    published: Period | None = None
    shown_as: str | None = None
    reported_as: tuple[Disagreement, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A policy question with a closed list of outcomes; `values` says which event brought which outcome."""

    name: str
    question: str
    outcomes: tuple[str, ...]
    values: Mapping[str, str]


@dataclass(frozen=True)
class Ruling:
    """A rule's outcome on a day: since which event, until which, and the event that may already have changed it."""

    rule: Rule
    outcome: str
    since: Event
    until: Event | None
    changing: Event | None


@dataclass(frozen=True)
class Fact:
    """A statement true of some nations; `true_as_of` is the day its source speaks for, None when the copy is undated."""

    name: str
    statement: str
    nations: frozenset[str]
    confidence: str
    sources: tuple[Source, ...]
    true_as_of: Period | None
    read: date
    review_by: date
    true_from: Period | None = None
    caution: str | None = None
    data_of: str | None = None
    before_launch: bool = False
    events: tuple[str, ...] = ()
    reported_as: tuple[Disagreement, ...] = ()

    def speaks_for(self, day: date, today: date) -> bool:
        """Whether the fact may be said of `day`: the present, or a day its sources reach back to."""
        known = self.true_from or self.true_as_of
        return day >= today or (known is not None and known.first <= day)


@dataclass(frozen=True)
class Service:
    """A helpline, an office or a clinic. Clinics have a `place`; no street address is ever held unverified."""

    name: str
    title: str
    kind: str
    nations: frozenset[str]
    confidence: str
    sources: tuple[Source, ...]
    read: date
    review_by: date
    true_as_of: Period | None
    does: str
    phone: str | None = None
    hours: str | None = None
    languages: str | None = None
    caution: str | None = None
    website: str | None = None
    free: bool = False
    before_launch: bool = False
    place: Mapping[str, str] = field(default_factory=dict)
    ask_first: str | None = None
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True)
class Passage:
    """One paragraph of an answer and all that it rests on; said only where and when that holds."""

    text: str
    nations: frozenset[str] | None = None
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    before: tuple[str, ...] = ()  # facts: it is said for days on which they were not true yet

    @property
    def rests_on_something(self) -> bool:
        """Whether the passage states facts, as against giving advice that needs no source."""
        return bool(self.when or self.facts or self.events)


@dataclass(frozen=True)
class Answer:
    """What we wrote for a question. `name` is the topic, the intent and the second half of `utter_<topic>`."""

    name: str
    title: str
    button: str
    paragraphs: tuple[Passage, ...]
    group: str | None = None
    means: str | None = None
    neighbours: tuple[str, ...] = ()
    critical: bool = False
    why: tuple[Passage, ...] = ()
    short: tuple[Passage, ...] = ()
    people: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    follow: Mapping[str, str] = field(default_factory=dict)
    action: str | None = None

    @property
    def passages(self) -> tuple[Passage, ...]:
        """Every passage: what is said, the reasons, and the short form."""
        return self.paragraphs + self.why + self.short

    @property
    def differs_by_nation(self) -> bool:
        """Whether what is said depends on the nation."""
        return any(passage.nations for passage in self.paragraphs)


@dataclass(frozen=True)
class RecognisedLanguage:
    """A language that is recognised but not spoken: what is said in it then, which of ours are offered first, and sentences to know it by."""

    says: str
    offers: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Knowledge:
    """Everything in `data/`, read once and checked."""

    events: Mapping[str, Event]
    rules: Mapping[str, Rule]
    facts: Mapping[str, Fact]
    services: Mapping[str, Service]
    answers: Mapping[str, Answer]
    messages: Mapping[str, str]
    recognised: Mapping[str, RecognisedLanguage]

    @property
    def topics(self) -> tuple[str, ...]:
        """The answers that a person can ask for: those with a group, each an intent of its own."""
        return tuple(name for name, answer in self.answers.items() if answer.group)

    @property
    def critical(self) -> frozenset[str]:
        """The danger topics: missing one can cost a life or a person's liberty."""
        return frozenset(name for name, answer in self.answers.items() if answer.critical)
