"""The timeline for volunteers: every event with its sources, what each rule said on a day, and what changed between two days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sanic.request import Request
from sanic.response import BaseHTTPResponse

from .. import house, languages
from ..knowledge import NATIONS, Event, Knowledge, NotYetRuled, Period, Rule, Ruling, as_of, timeline
from ..text import fold
from .accounts import Session
from .views import Desk, NotPossible, Route, shown

HERE = "/desk/timeline"
# What an outcome of a rule is called; its event says the rest.
OUTCOMES: Mapping[str, str] = {
    "none": "No agreement",
    "in_force": "In force",
    "narrowed": "Narrowed",
    "paused": "Paused",
    "withdrawn": "Withdrawn",
    "ad_hoc": "One by one, under no agreement",
    "suspected_offence": "Where it suspected an immigration offence",
    "serious_crime_security_welfare": "For serious crime, public security or a person's welfare",
    "nothing_while_paused": "Nothing, while the agreement was paused",
    "nothing_agreed": "Nothing under an agreement that we know of",
    "welfare_only": "By the latest statement seen: only for a person's welfare",
    "nhs_digital": "NHS Digital",
    "nhs_england": "NHS England",
    "integrated_care_board": "The integrated care board",
    "charged_after_care": "They are billed after care",
    "charged_before_planned_care": "They pay before planned care",
    "threshold_1000": "£1,000",
    "threshold_500": "£500",
    "not_required": "Papers are not required",
    "residence_considered": "It must think about where the person lives",
    "documents_required": "Papers are required",
}
MOST_LETTERS = 200  # of the words that events are looked for by


@dataclass(frozen=True)
class Row:
    """A rule on two days; a ruling is None where no event that we hold had settled it by then, in the nation."""

    rule: Rule
    first: Ruling | None
    second: Ruling | None

    @property
    def change(self) -> str:
        """What happened to the rule between the days, in words; empty when nothing did.

        A change whose day is not known may have come before or after a day that lies in its month: that is said, not decided.
        """
        if self.second is None:
            return ""
        if self.first is None:
            return "Not known before"
        if self.first.outcome != self.second.outcome:
            return "Changed"
        if self.second.changing and self.second.changing != self.first.changing:
            return "May have changed"
        return "Decided again, the same way" if self.first.since != self.second.since else ""


@dataclass(frozen=True)
class Comparison:
    """Every rule on two days, in a nation, those that differ first, and the events between; the two days are one where one was asked for."""

    first: date
    second: date
    nation: str
    rows: tuple[Row, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Search:
    """Which events are looked for; a None takes all."""

    kind: str | None = None
    where: str | None = None
    words: tuple[str, ...] = ()
    first: date | None = None
    last: date | None = None


def ruling(knowledge: Knowledge, rule: str, day: date, nation: str) -> Ruling | None:
    """What a rule said on a day, in a nation; None when that is not known."""
    try:
        return as_of(knowledge, rule, day, nation)
    except NotYetRuled:
        return None


def compared(knowledge: Knowledge, first: date, second: date, nation: str) -> Comparison:
    """What held on the earlier and on the later of two days, and what happened from the one to the other in that nation."""
    first, second = sorted((first, second))
    rows = [Row(rule, ruling(knowledge, name, first, nation), ruling(knowledge, name, second, nation)) for name, rule in knowledge.rules.items()]
    rows.sort(key=lambda row: not row.change)
    events = [event for event in timeline(knowledge, first, second) if nation in event.nations]
    return Comparison(first, second, nation, tuple(rows), tuple(events))


def found(knowledge: Knowledge, search: Search) -> list[Event]:
    """The events that a search is for, oldest first."""
    return [
        event
        for event in timeline(knowledge, search.first, search.last)
        if search.kind in (None, event.kind)
        and (search.where is None or search.where in event.nations)
        and all(word in _text(event) for word in search.words)
    ]


def _text(event: Event) -> str:
    """All that is shown of an event, folded."""
    parts = [event.title, event.happened, event.decided_by or "", languages.in_words(event.period, languages.SOURCE)]
    parts += [f"{source.title} {source.publisher} {source.quote or ''}" for source in event.sources]
    parts += [f"{item.says} {item.by} {item.we_say}" for item in event.reported_as]
    return fold(" ".join(parts))


def two_days(given: Mapping[str, str], today: date) -> tuple[date, date, str] | None:
    """The two days and the nation that a form asks to compare: one day twice where only one is given, None where none is.

    Raises:
        NotPossible: for what is no day, and for days to come.
    """
    days = [_day(given[name]) for name in ("day", "other") if given.get(name, "").strip()]
    nation = _one_of(given.get("nation", ""), NATIONS, "nation") or NATIONS[0]
    if not days:
        return None
    if later := [day for day in days if day > today]:
        raise NotPossible(
            f"{languages.in_words(later[0], languages.SOURCE)} is still to come. What will hold then is not known; choose a day up to today."
        )
    return days[0], days[-1], nation


def searched(given: Mapping[str, str], kinds: tuple[str, ...]) -> Search:
    """What a form looks for. A date may be a day, a month or a year.

    Raises:
        NotPossible: for what is no date, for an unknown kind or nation, and where the end comes before the beginning.
    """
    start, end = (_period(given[name]) if given.get(name, "").strip() else None for name in ("from", "to"))
    if start and end and end.last < start.first:
        raise NotPossible("The last day is before the first day. Change one of them.")
    text = given.get("words", "")
    if len(text) > MOST_LETTERS:
        raise NotPossible(f"Please look for fewer words: {MOST_LETTERS} letters at most.")
    return Search(
        kind=_one_of(given.get("kind", ""), kinds, "kind"),
        where=_one_of(given.get("where", ""), NATIONS, "nation"),
        words=tuple(fold(text).split()),
        first=start.first if start else None,
        last=end.last if end else None,
    )


def _period(text: str) -> Period:
    try:
        return Period.parse(text.strip())
    except ValueError as error:
        raise NotPossible(f"“{text.strip()[:40]}” is not a date that we can read. Write it as 2018-05-09.") from error


def _day(text: str) -> date:
    period = _period(text)
    if period.precision != "day":
        raise NotPossible(f"“{text.strip()[:40]}” is more than one day. Write one day, such as 2018-05-09.")
    return period.first


def _one_of(text: str, known: tuple[str, ...], what: str) -> str | None:
    if text and text not in known:
        raise NotPossible(f"“{text[:40]}” is no {what} that we know. Choose one from the list.")
    return text or None


async def show(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    """The timeline, with what the two forms on it asked for."""
    given = {name: values[0] for name, values in request.args.items()}
    knowledge = house.knowledge()
    kinds = tuple(sorted({event.kind for event in knowledge.events.values()}))
    comparison, search, problems = None, Search(), []
    try:
        asked = two_days(given, house.today())
        comparison = compared(knowledge, *asked) if asked else None
    except NotPossible as error:
        problems.append(("day", str(error)))
    try:
        search = searched(given, kinds)
    except NotPossible as error:
        problems.append(("from", str(error)))
    return shown(
        "timeline.html",
        session,
        status=400 if problems else 200,
        here=HERE,
        given=given,
        problems=dict(problems),
        comparison=comparison,
        events=found(knowledge, search),
        outcomes=OUTCOMES,
        narrowed=search != Search(),
        unconfirmed=[event for event in knowledge.events.values() if event.confidence == "unverified"],
        kinds=kinds,
        nations={nation: knowledge.messages[f"nation_{nation}"] for nation in NATIONS},
    )


ROUTES: tuple[Route, ...] = (Route("/timeline", show),)
