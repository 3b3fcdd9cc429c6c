"""The chat page, the privacy page and the timeline as HTML, with the files and headers that go with them.

It shows what it is given: the words come from the catalogues, the answers from `replies`, the events from `knowledge`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from .. import house, languages
from ..knowledge import Event, Knowledge, Period, Source, timeline
from ..templates import templates_in

WIDGET = Path(__file__).resolve().parent.parent / "widget"
MESSAGE_LIMIT = 1000
CALL = "dotw-advice-line"
# Where "Quick exit" leads: a page that says nothing about the person.
NEUTRAL_SITE = "https://www.bbc.co.uk/weather"
_PLAIN_REPLY: Mapping[str, Any] = {
    "status": "answered", "title": "", "view": "answer", "notes": (), "why": (), "people": (), "sources": (), "choices": (), "draft": False,
}  # fmt: skip
# Sentences that the page says although they are named for the whole assistant.
_SHARED_WORDS = ("failed", "not_translated")
_CHANGE_LANGUAGE = re.compile(r'/change_language\{"language": ?"(\w+)"\}')
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Turn:
    """One thing said: `who` is "person" or "assistant"; an assistant's turn has `Reply.for_patients()`."""

    who: str
    text: str
    reply: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Asset:
    """A file that the page loads. `etag` is for `body`, `gzip_etag` for `gzip`: other bytes need another strong ETag."""

    body: bytes
    content_type: str
    gzip: bytes
    etag: str

    @property
    def gzip_etag(self) -> str:
        """The ETag of the compressed form."""
        return f'{self.etag[:-1]}-gzip"'


@dataclass(frozen=True)
class Text:
    """Words and the language they are in: English where the wanted language does not have them."""

    text: str
    language: str

    @property
    def lang(self) -> str:
        """The language as HTML's `lang` has it."""
        return languages.tag(self.language)

    @property
    def dir(self) -> str:
        """The direction as HTML's `dir` has it."""
        return languages.direction(self.language)


def said(english: str, language: str) -> Text:
    """A sentence in a language, or in English when the language does not have it.

    >>> said("Hello.", "en")
    Text(text='Hello.', language='en')
    """
    translated = languages.translate(english, language)
    return Text(english, languages.SOURCE) if translated is None else Text(translated, language)


class PageWords:
    """The page's own sentences in one language, as HTML and as data for the script."""

    def __init__(self, knowledge: Knowledge, language: str) -> None:
        self.knowledge = knowledge
        self.language = language

    def __call__(self, name: str, /, **values: str) -> str:
        """The sentence as plain text, with its placeholders filled."""
        text = said(self.knowledge.messages[name], self.language).text
        for key, value in values.items():
            text = text.replace(f"{{{key}}}", value)
        return text

    def day(self, day: str | date) -> str:
        """A day of the calendar (or its ISO 8601 form) in words."""
        return languages.in_words(date.fromisoformat(day) if isinstance(day, str) else day, self.language)

    def period(self, period: Period) -> str:
        """A day, month or year in words."""
        return languages.in_words(period, self.language)

    def span(self, name: str, *, day: str | None = None, value: str | None = None) -> Markup:
        """The sentence as an element that the script can put into another language: `day` or `value` fills {day}."""
        shown = self(name, day=self.day(day) if day else value or "")
        data = Markup(' data-day="{}"').format(day) if day else Markup(' data-value="{}"').format(value) if value else ""
        return Markup('<span data-w="{}"{}{}>{}</span>').format(name, self._as_english(name), data, shown)

    def label(self, name: str) -> Markup:
        """The sentence as an accessible name."""
        return Markup('aria-label="{}" data-label="{}"').format(self(name), name)

    def _as_english(self, name: str) -> Markup:
        return Markup(' lang="en" dir="ltr"') if name in self.untranslated else Markup("")

    @property
    def names(self) -> list[str]:
        """The sentences that the script needs."""
        return [name for name in self.knowledge.messages if name.startswith("page_") or name in _SHARED_WORDS]

    @property
    def untranslated(self) -> list[str]:
        """The page's sentences that this language does not have; they are shown in English and marked so."""
        return [name for name in self.names if languages.translate(self.knowledge.messages[name], self.language) is None]

    def call(self) -> dict[str, str]:
        """The advice line's number and hours, for a message that could not be sent."""
        service = self.knowledge.services[CALL]
        return {"phone": service.phone or "", "hours": said(service.hours, self.language).text if service.hours else ""}

    def days(self) -> list[str]:
        """The day 22 of each month of a year in words, with {d} and {y} where the figures stand.

        >>> from types import SimpleNamespace
        >>> PageWords(SimpleNamespace(), "en").days()[10]
        '{d} November {y}'
        """
        shown = [languages.in_words(date(3333, month, 22), self.language) for month in range(1, 13)]
        return [text.replace("22", "{d}").replace("3333", "{y}") for text in shown]

    def data(self, greeting: Mapping[str, Any] | None) -> Markup:
        """All that the script says, as JSON that can stand inside a `<script>` element."""
        block = {
            "language": self.language,
            "tag": languages.tag(self.language),
            "direction": languages.direction(self.language),
            "limit": MESSAGE_LIMIT,
            "words": {name: self(name) for name in self.names},
            "english": self.untranslated,
            "days": self.days(),
            "call": self.call(),
            "greeting": greeting,
        }
        return _json(block)


def _json(value: object) -> Markup:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # HTML's script element ends at "</script" wherever it stands; escaped, no text of ours or of a person can end it.
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704  # noqa: S704


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = templates_in(WIDGET)
    environment.filters.update(tel=_tel, site=_site, changes_to=_changes_to)
    environment.globals.update(around=_around, version=_version, neutral_site=NEUTRAL_SITE)
    return environment


def _version(name: str) -> str:
    return _etag(_files()[name])[1:9]


def _tel(phone: str) -> str:
    """The number as a `tel:` link has it.

    >>> _tel("0808 1647 686")
    'tel:08081647686'
    """
    return "tel:" + "".join(character for character in phone if character in "+0123456789")


def _site(website: str) -> str:
    """The web address as a link has it.

    >>> _site("jcwi.org.uk")
    'https://jcwi.org.uk'
    """
    return website if website.startswith(("https://", "http://")) else f"https://{website}"


def _around(line: str, part: str | None, name: str) -> tuple[str, str, str, str]:
    """The line before a number or website, the number, the punctuation right after it, and the rest.

    A number inside the name does not count.

    >>> _around("NHS 111: 111. The call is free.", "111", "NHS 111")
    ('NHS 111: ', '111', '.', ' The call is free.')
    """
    if not part:
        return line, "", "", ""
    at = line.find(part, line.find(name) + len(name)) if name in line else -1
    at = at if at >= 0 else line.find(part)
    if at < 0:
        return f"{line} ", part, "", ""
    rest = line[at + len(part) :]
    after = rest.lstrip(".,;:،؛。")
    return line[:at], part, rest[: len(rest) - len(after)], after


def _changes_to(message: str) -> str | None:
    """The language that a choice changes to, if it does.

    >>> _changes_to('/change_language{"language": "ar"}')
    'ar'
    """
    found = _CHANGE_LANGUAGE.fullmatch(message)
    return languages.supported(found[1]) if found else None


def _languages() -> list[dict[str, str]]:
    return [
        {"name": name, "own": languages.own_name(name), "tag": languages.tag(name), "dir": languages.direction(name)}
        for name in languages.languages()
    ]


def _render(template: str, knowledge: Knowledge, language: str, **values: Any) -> str:
    words = PageWords(knowledge, language)
    return (
        _templates()
        .get_template(template)
        .render(
            words=words,
            language=language,
            direction=languages.direction(language),
            languages=_languages(),
            query="?embedded=1" if values.get("embedded") else "",
            path=f"/{template.removesuffix('.html')}",
            **{"embedded": False, "choose_language": False, **values},
        )
    )


def chat_page(
    knowledge: Knowledge,
    language: str,
    *,
    sender: str,
    turns: Sequence[Turn],
    greeting: Mapping[str, Any] | None,
    embedded: bool = False,
    choose_language: bool = False,
) -> str:
    """The chat page with a conversation so far. `greeting` (a `Reply.for_patients()`) stands before the first turn.

    `choose_language` opens the picker, for someone whose language is not known yet.
    """
    # A greeting is no answer to a question, so it has no title above it.
    greeting = {**greeting, "title": ""} if greeting else None
    turns = [replace(turn, reply=_whole(turn.reply, language)) if turn.reply else turn for turn in turns]
    turns = _since_deletion(turns)
    opening = [Turn("assistant", "", _whole(greeting, language))] if greeting else []
    shown = [_titled(turn, [*opening, *turns[:index]], knowledge, language) for index, turn in enumerate(turns)]
    return _render(
        "chat.html",
        knowledge,
        language,
        sender=sender,
        turns=[*opening, *shown],
        latest=max((index for index, turn in enumerate([*opening, *shown]) if turn.who == "person"), default=None),
        asked=bool(turns),
        greeting=greeting,
        embedded=embedded,
        choose_language=choose_language,
        limit=MESSAGE_LIMIT,
    )


def _since_deletion(turns: Sequence[Turn]) -> Sequence[Turn]:
    """The turns from the last "this chat is deleted" on: what was deleted is not shown again."""
    deleted = [index for index, turn in enumerate(turns) if (turn.reply or {}).get("topic") == "delete_my_chat"]
    return turns[deleted[-1] :] if deleted else turns


def _whole(reply: Mapping[str, Any], language: str) -> Mapping[str, Any]:
    """The reply with all that a template asks for: one read back from the conversation has only its paragraphs."""
    paragraphs = reply.get("paragraphs") or [reply.get("text", "")]
    given = {key: value for key, value in reply.items() if value is not None}
    return {**_PLAIN_REPLY, "language": language, "as_of": None, "true_as_of_words": None, **given, "paragraphs": paragraphs}


def _titled(turn: Turn, before: Sequence[Turn], knowledge: Knowledge, language: str) -> Turn:
    """The turn, with the title of a choice in place of the `/intent` that was sent for it."""
    if turn.who != "person" or not turn.text.startswith("/"):
        return turn
    for earlier in reversed(before):
        for choice in (earlier.reply or {}).get("choices", ()):
            if choice["message"] == turn.text:
                return Turn(turn.who, choice["title"])
    answer = knowledge.answers.get(turn.text[1:].split("{")[0])
    return Turn(turn.who, said(answer.title, language).text) if answer else turn


def privacy_page(knowledge: Knowledge, language: str, hours: int) -> str:
    """What is kept, where and how long, in plain words; `hours` is the longest that a conversation is held."""
    numbered = [name for name in knowledge.messages if name.startswith("privacy_") and name.removeprefix("privacy_").isdigit()]
    paragraphs = []
    for name in sorted(numbered, key=lambda name: int(name.removeprefix("privacy_"))):
        text = said(knowledge.messages[name], language)
        paragraphs.append(Text(text.text.replace("{hours}", str(hours)), text.language))
    title = said(knowledge.messages["privacy_title"], language)
    return _render("privacy.html", knowledge, language, title=title, paragraphs=paragraphs)


@dataclass(frozen=True)
class ToldEvent:
    """An event as the timeline shows it."""

    name: str
    year: str
    day: Text
    title: Text
    happened: Text
    decided_by: Text | None
    differ: tuple[Text, ...]
    sources: tuple[Source, ...]


def timeline_page(knowledge: Knowledge, language: str) -> str:
    """Every event that may be told, oldest first, with who decided, where sources differ, and where it can be read."""
    told = [_told(knowledge, event, language) for event in timeline(knowledge)]
    return _render(
        "timeline.html",
        knowledge,
        language,
        title=said(knowledge.messages["timeline_title"], language),
        intro=said(knowledge.messages["timeline_intro"], language),
        years=[(year, list(events)) for year, events in groupby(told, key=lambda event: event.year)],
    )


def _told(knowledge: Knowledge, event: Event, language: str) -> ToldEvent:
    day = Text(languages.in_words(event.period, language), language)
    if event.shown_as:
        # An unusual date ("2014–15") is written once and not translated unless the catalogue has it.
        day = said(event.shown_as, language)
    return ToldEvent(
        name=event.name,
        year=str(event.earliest.year),
        day=day,
        title=said(event.title, language),
        happened=said(event.happened, language),
        decided_by=_sentence(knowledge, "timeline_decided_by", language, who=event.decided_by) if event.decided_by else None,
        differ=tuple(
            _sentence(knowledge, "sources_disagree", language, names={"by": item.by}, says=item.says, we_say=item.we_say)
            for item in event.reported_as
            if item.matters
        ),
        sources=event.sources,
    )


def _sentence(knowledge: Knowledge, name: str, language: str, *, names: Mapping[str, str] | None = None, **parts: str) -> Text:
    """A sentence made of others: in the language when it has them all, else in English; `names` are not translated."""
    texts = {key: said(part, language) for key, part in parts.items()}
    whole = said(knowledge.messages[name], language)
    if any(text.language != language for text in (whole, *texts.values())):
        whole = Text(knowledge.messages[name], languages.SOURCE)
        texts = {key: Text(part, languages.SOURCE) for key, part in parts.items()}
    filled = whole.text
    for key, part in {**(names or {}), **{key: text.text for key, text in texts.items()}}.items():
        filled = filled.replace(f"{{{key}}}", part)
    return Text(filled, whole.language)


@lru_cache(maxsize=1)
def _files() -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(WIDGET.iterdir()) if path.suffix in _TYPES}


def assets(knowledge: Knowledge | None = None) -> Mapping[str, Asset]:
    """The files under `/static/`, by name; the widget's button is given its words in every language."""
    files = dict(_files())
    files["embed.js"] = files["embed.js"].replace(b"/* words */ {}", _embed_words(knowledge or house.knowledge()).encode())
    return {name: _asset(body, _TYPES[Path(name).suffix]) for name, body in files.items()}


def _embed_words(knowledge: Knowledge) -> str:
    words = {}
    for language in languages.languages():
        page = PageWords(knowledge, language)
        said_here = {key: page(f"page_{key}") for key in ("open", "close", "title")}
        words[language] = {**said_here, "dir": languages.direction(language)}
    return json.dumps(words, ensure_ascii=True, separators=(",", ":"))


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:24]}"'


def _asset(body: bytes, content_type: str) -> Asset:
    return Asset(body, content_type, gzip.compress(body, 9, mtime=0), _etag(body))


def security_headers(frame_ancestors: str) -> dict[str, str]:
    """The headers of every page. `frame_ancestors` is CSP's list of sites that may embed the chat: "'self'", "https://..."."""
    only_here = frame_ancestors.strip() in ("'none'", "'self'")
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": frame_ancestors,
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    denied = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "microphone", "midi", "payment", "usb")
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": ", ".join([*(f"{name}=()" for name in denied), "clipboard-write=(self)"]),
        "Cross-Origin-Opener-Policy": "same-origin",
        # A page that others may embed has to be loadable by a site that asks for CORP.
        "Cross-Origin-Resource-Policy": "same-origin" if only_here else "cross-origin",
        "Cache-Control": "no-store",
    }
