"""What a reply is: data that channels show, with everything it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

STATUSES = ("answered", "needs_check", "not_known", "not_understood", "choose", "not_translated", "handed_over", "failed")


@dataclass(frozen=True)
class Choice:
    """Something to ask or say next; `message` is what a channel sends back when it is chosen (Rasa's `/intent{entities}`)."""

    title: str
    message: str


@dataclass(frozen=True)
class Contact:
    """A real person to turn to: one line with name, number and hours, and what must be known before calling."""

    name: str
    line: str
    phone: str | None
    website: str | None
    details: tuple[str, ...]


@dataclass(frozen=True)
class Cited:
    """A source as it is shown: `read` is the day we read it, `published` the source's own date in words."""

    title: str
    publisher: str
    url: str | None
    published: str | None
    read: date
    quote: str | None


@dataclass(frozen=True)
class Reply:
    """One reply. `true_as_of` and `read` are the oldest among what it rests on; `english` is not sent to patients."""

    topic: str
    status: str
    language: str
    direction: str
    paragraphs: tuple[str, ...]
    as_of: date
    title: str = ""
    view: str = "answer"
    nation: str | None = None
    notes: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    people: tuple[Contact, ...] = ()
    sources: tuple[Cited, ...] = ()
    true_as_of: date | None = None
    true_as_of_words: str | None = None
    read: date | None = None
    choices: tuple[Choice, ...] = ()
    draft: bool = False
    english: tuple[str, ...] = field(default=())

    @property
    def text(self) -> str:
        """All that is said, as plain text: the paragraphs, the notes and the people to turn to."""
        contacts = [" ".join((contact.line, *contact.details)) for contact in self.people]
        return "\n\n".join((*self.paragraphs, *self.notes, *contacts))

    def as_json(self) -> dict[str, Any]:
        """The reply as JSON's types, days in ISO 8601."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    def for_patients(self) -> dict[str, Any]:
        """`as_json` without the English copy."""
        return {key: value for key, value in self.as_json().items() if key != "english"}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
