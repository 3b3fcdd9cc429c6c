"""The translators' side of `locales/`: collects every sentence a person can read into a template, brings the catalogues
up to date with it, and compiles them. With `languages.py`, the only user of Babel."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from .knowledge import Knowledge
from .languages import LOCALES

PROJECT = "Confide"
REVIEWED = re.compile(r"Reviewed by (?P<by>.+), (?P<day>\d{4}-\d{2}-\d{2}), as (?P<fingerprint>[0-9a-f]{12})")
HEADER = "# The words of Confide in this language. What no comment calls reviewed is a draft, and is said to be one."


def said(knowledge: Knowledge) -> Iterator[tuple[str, str, str]]:
    """Every sentence that a person can read: its text, the file it stands in, and what it is, for the translator."""
    for name, answer in knowledge.answers.items():
        where = f"data/answers/{name}.yml"
        yield answer.title, where, "a question, as the title of an answer and as a button"
        for kind, passages in (("answer", answer.paragraphs), ("why", answer.why), ("SMS, keep it short", answer.short)):
            for passage in passages:
                yield passage.text, where, f"{answer.title} ({kind})"
    for name, text in knowledge.messages.items():
        yield text, "data/messages.yml", f"the assistant's own words: {name}"
    for event in knowledge.events.values():
        if event.confidence != "seen":
            continue
        where = f"data/policy/events/{event.name}.yml"
        yield event.title, where, "a line of the timeline, after its date; no full stop"
        yield event.happened, where, f"what happened: {event.title}"
        if event.decided_by:
            yield event.decided_by, where, f"who decided (after 'Decided by:'): {event.title}"
        for item in event.reported_as:
            if item.matters:
                yield item.says, where, f"what another source says: {event.title}"
                yield item.by, where, "who says so (before 'says:')"
                yield item.we_say, where, f"what we say about it: {event.title}"
    for fact in knowledge.facts.values():
        for item in fact.reported_as:
            if item.matters and fact.confidence == "seen":
                yield item.says, f"data/facts/{fact.name}.yml", "what another source says"
                yield item.by, f"data/facts/{fact.name}.yml", "who says so (before 'says:')"
                yield item.we_say, f"data/facts/{fact.name}.yml", "what we say about it"
    for service in knowledge.services.values():
        if service.confidence != "seen":
            continue
        for what in ("hours", "languages", "caution", "ask_first"):
            text = getattr(service, what)
            if text:
                yield text, f"data/services/{service.name}.yml", f"{service.title}: {what}"


def template(knowledge: Knowledge) -> Catalog:
    """All sentences as a gettext template; one message a sentence, wherever it stands."""
    catalog = Catalog(project=PROJECT, charset="utf-8", fuzzy=False)
    for text, where, what in said(knowledge):
        flags = ("python-brace-format",) if "{" in text else ()
        catalog.add(text, locations=[(where, 0)], auto_comments=[what], flags=flags)
    return catalog


def po_path(language: str) -> Path:
    """Where a language's catalogue lies."""
    return LOCALES / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """A language's catalogue."""
    with po_path(language).open("rb") as file:
        return read_po(file, locale=language, charset="utf-8")


def write(language: str, catalog: Catalog) -> None:
    """Write a catalogue as a PO file without line numbers, in the template's order."""
    path = po_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog.header_comment = HEADER
    with path.open("wb") as file:
        write_po(file, catalog, width=100, include_lineno=False, omit_header=False)


def update(knowledge: Knowledge, language: str) -> Catalog:
    """Bring a catalogue up to date: new sentences empty, changed ones fuzzy (withheld until looked at), gone ones dropped."""
    current = read(language) if po_path(language).is_file() else Catalog(locale=language, project=PROJECT, fuzzy=False)
    current.update(template(knowledge), no_fuzzy_matching=False, update_creation_date=False)
    current.obsolete.clear()
    write(language, current)
    return current


def missing(catalog: Catalog, knowledge: Knowledge) -> list[Message]:
    """The messages of the template that the catalogue cannot say: untranslated, or stale (fuzzy)."""
    lacking = []
    for message in template(knowledge):
        if not message.id:
            continue
        own = catalog.get(message.id)
        if own is None or not own.string or own.fuzzy:
            lacking.append(message)
    return lacking


def fingerprint(english: str, translation: str) -> str:
    """Twelve hexadecimal digits that stand for a text and its translation as they are now.

    >>> fingerprint("Yes", "Oui") == fingerprint("Yes", "Oui")
    True
    >>> fingerprint("Yes", "Oui") == fingerprint("Yes.", "Oui")
    False
    """
    return hashlib.sha256(f"{english}\0{translation}".encode()).hexdigest()[:12]


def state(message: Message | None) -> str:
    """`stale` (withheld: missing, or its English has changed), `drafted`, or `reviewed` by a person."""
    if message is None or not message.string or message.fuzzy:
        return "stale"
    marks = [found for comment in message.user_comments if (found := REVIEWED.fullmatch(comment))]
    current = fingerprint(str(message.id), str(message.string))
    return "reviewed" if any(mark["fingerprint"] == current for mark in marks) else "drafted"


def compile_all() -> list[str]:
    """Compile each catalogue that is newer than its compiled form; the languages compiled."""
    compiled = []
    for path in sorted(LOCALES.glob("*/LC_MESSAGES/messages.po")):
        target = path.with_suffix(".mo")
        if target.is_file() and target.stat().st_mtime >= path.stat().st_mtime:
            continue
        language = path.parent.parent.name
        catalog = read(language)
        found = [state(message) for message in catalog if message.id]
        if "reviewed" in found and set(found) != {"reviewed"}:
            catalog.language_team = ""  # where sentences are reviewed one by one, one that nobody has read makes it a draft again
        with target.open("wb") as file:
            write_mo(file, catalog, use_fuzzy=False)
        compiled.append(language)
    return compiled
