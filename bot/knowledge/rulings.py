"""What a rule says on a day, and what happened between two days."""

from __future__ import annotations

from datetime import date

from .model import Event, Knowledge, Rule, Ruling


class NotYetRuled(LookupError):
    """No event that we hold had given the rule an outcome by that day, in that nation."""


def timeline(knowledge: Knowledge, first: date | None = None, last: date | None = None) -> list[Event]:
    """The events that can be told, oldest first, from `first` to `last` (both included).

    An event of an imprecise date belongs to a stretch of days as soon as it may have happened in it.
    """
    told = [event for event in knowledge.events.values() if event.confidence == "seen"]
    told.sort(key=lambda event: (event.earliest, event.period.last, event.name))
    return [event for event in told if (first is None or event.period.last >= first) and (last is None or event.earliest <= last)]


def values_in(knowledge: Knowledge, rule: Rule, nation: str) -> list[tuple[Event, str]]:
    """The rule's values for a nation, oldest first. The event's own nations say where a value holds."""
    values = [(knowledge.events[name], outcome) for name, outcome in rule.values.items()]
    return sorted(
        ((event, outcome) for event, outcome in values if nation in event.nations),
        key=lambda value: (value[0].period.last, value[0].earliest),
    )


def as_of(knowledge: Knowledge, rule_name: str, day: date, nation: str = "england") -> Ruling:
    """The outcome of a rule on a day, in a nation.

    Where only the month of a change is known, the earlier outcome holds until the month is over, and
    `changing` names the event that may already have changed it.

    Raises:
        NotYetRuled: before the rule's first event, or where the rule has no value for the nation.
    """
    rule = knowledge.rules[rule_name]
    values = values_in(knowledge, rule, nation)
    past = [index for index, (event, _) in enumerate(values) if event.period.last <= day]
    if not past:
        raise NotYetRuled(f"{rule_name} was asked for {day} in {nation}; data/policy/rules/{rule_name}.yml has no event by then")
    index = past[-1]
    since, outcome = values[index]
    until = values[index + 1][0] if index + 1 < len(values) else None
    changing = until if until and until.earliest <= day else None
    return Ruling(rule, outcome, since, until, changing)
