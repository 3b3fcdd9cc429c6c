"""The words of a reply in one language: sentences filled in, days, people to turn to, sources."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property

from . import languages
from .knowledge import NATIONS, Event, Knowledge, Passage, Period, Ruling, Service, Source, placeholder
from .reply import Choice, Cited, Contact


class Untranslated(Exception):
    """A sentence of the reply has no translation that may be sent."""


class Words:
    """The reply's words in one language; raises Untranslated for what the language does not have."""

    def __init__(self, knowledge: Knowledge, language: str, brief: bool = False) -> None:
        self.knowledge = knowledge
        self.language = language
        self.brief = brief  # for a text message: days in one calendar only

    def text(self, english: str, values: Mapping[str, str] | None = None) -> str:
        """A sentence in the language, its placeholders filled; Untranslated when the language may not say it."""
        translated = languages.translate(english, self.language)
        if translated is None:
            raise Untranslated(english)
        if values is None or "{" not in translated:
            return translated
        return string.Formatter().vformat(translated, (), _Filled(values))

    def message(self, name: str, /, **values: str) -> str:
        """One of the assistant's own sentences (`data/messages.yml`)."""
        return self.text(self.knowledge.messages[name], values)

    def day(self, period: Period | date) -> str:
        """A day or a period in words."""
        return languages.in_words(period, self.language) if self.brief else languages.in_both_calendars(period, self.language)

    def event_day(self, event: Event) -> str:
        """When an event happened, in words: as its data says it is shown, if it does."""
        return event.shown_as or self.day(event.period)

    def nation(self, nation: str) -> str:
        """A nation's name."""
        return self.message(f"nation_{nation}")

    def contact(self, service: Service) -> Contact:
        """How to reach a service, and what must be known before calling."""
        name = languages.isolated(service.title, self.language)
        values = {"name": name}
        if service.phone:
            kind = "ring_free" if service.free else "ring"
            values["phone"] = languages.isolated(service.phone, self.language)
            if service.hours:
                hours = self.text(service.hours)
                values["hours"] = hours[:1].upper() + hours[1:]
            else:
                kind += "_any"
        elif service.website:
            kind, values["website"] = "visit", languages.isolated(service.website, self.language)
        else:
            kind = "named"
        said = [service.ask_first, service.languages, service.caution]
        details = [self.text(text) for text in said if text]
        if service.true_as_of and service.kind != "emergency":
            details.append(self.message("true_in", when=self.day(service.true_as_of)))
        return Contact(service.title, self.message(kind, **values), service.phone, service.website, tuple(details))

    @cached_property
    def numbers(self) -> dict[str, str]:
        """Every service's number and hours, for the placeholders that name them."""
        values = {}
        for service in self.knowledge.services.values():
            if service.phone:
                values[placeholder(service)] = languages.isolated(service.phone, self.language)
            if service.hours:
                values[f"{placeholder(service)}_hours"] = languages.translate(service.hours, self.language) or service.hours
        return values

    def passage(self, passage: Passage, rulings: Sequence[Ruling], values: Mapping[str, str]) -> str:
        """A passage of an answer, with the day since when its ruling holds."""
        filled = {**self.numbers, **values}
        if rulings:
            filled["since"] = self.event_day(rulings[0].since)
        return self.text(passage.text, filled)

    def cited(self, source: Source) -> Cited:
        """A source as it is shown."""
        published = self.day(source.published) if source.published else None
        return Cited(source.title, source.publisher, source.url, published, source.read, source.quote)

    def topic_choice(self, topic: str) -> Choice:
        """A topic as something to ask next."""
        return Choice(self.text(self.knowledge.answers[topic].title), f"/{topic}")

    def nation_choices(self) -> list[Choice]:
        """The four nations, to choose from."""
        return [Choice(self.nation(nation), f'/inform{{"nation": "{nation}"}}') for nation in NATIONS]


class _Filled(dict[str, str]):
    """Values for a text's placeholders; one that is missing is a fault in the data that the checks have let through."""

    def __missing__(self, key: str) -> str:
        raise KeyError(f"a text uses {{{key}}}, for which there is no value here")


def knowledge_message(knowledge: Knowledge, name: str, language: str) -> str:
    """One of the assistant's own sentences in a language, in English where the language does not have it."""
    return languages.translate(knowledge.messages[name], language) or knowledge.messages[name]
