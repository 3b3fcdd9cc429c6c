"""The reviewers' side of `locales/`: each translation's state, a sheet to read and mark on a phone, and the marks taken in.

A reviewed translation carries a comment in its PO entry: who, the day, and the fingerprint of what was read. When the
English or the translation changes, the fingerprint is another and the translation is a draft again.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
from babel.messages.catalog import Catalog
from jinja2 import Environment

from . import languages
from .catalogues import REVIEWED, fingerprint, read, state, template, write
from .embeddings import embed
from .knowledge import BadData, Knowledge
from .languages import LOCALES
from .templates import templates_in

_ISOLATES = re.compile("[\u2066-\u2069]")
# Of 23,000 right ones none lies as low (short titles in Somali come near); two that were exchanged lie at -0.085 and -0.11.
LIKELY_WRONG = -0.08
GOOD, WRONG = "good", "wrong"


def states(catalog: Catalog, knowledge: Knowledge) -> Counter[str]:
    """How many of the sentences that a person can read are in each state."""
    return Counter(state(catalog.get(message.id)) for message in template(knowledge) if message.id)


def sheet(knowledge: Knowledge, language: str) -> str:
    """An HTML page with every sentence that waits for a reviewer: the English, the translation, and two marks."""
    catalog = read(language)
    waiting = []
    for message in template(knowledge):
        own = catalog.get(message.id) if message.id else None
        if own is not None and state(own) == "drafted":
            waiting.append(
                {
                    "id": fingerprint(str(own.id), str(own.string)),
                    "what": message.auto_comments[0],
                    "english": own.id,
                    "translation": own.string,
                }
            )
    direction = languages.direction(language)
    return (
        _templates()
        .get_template("review.html")
        .render(language=language, name=languages.own_name(language), direction=direction, waiting=waiting, good=GOOD, wrong=WRONG)
    )


@cache
def _templates() -> Environment:
    return templates_in(Path(__file__).parent / "widget")


@dataclass(frozen=True)
class Taken:
    """What became of a sheet's marks."""

    reviewed: int
    suggestions: tuple[tuple[str, str], ...]  # the English, and what the reviewer writes
    outdated: int  # marks of sentences that have changed since the sheet was made


def take_in(knowledge: Knowledge, language: str, marks: Path, by: str, day: date) -> Taken:
    """Write a reviewer's marks into the catalogue.

    `marks` is the file that the sheet saves: lines `id,mark,words`, the mark `good` or `wrong`. What is marked wrong
    stays a draft; the reviewer's words are kept in the language's `suggestions.csv`, for a translator to decide.

    Raises:
        BadData: for a file or a line that is not so; then nothing is written.
    """
    catalog = read(language)
    by_fingerprint = {fingerprint(str(message.id), str(message.string)): message for message in catalog if message.id and message.string}
    rows = _rows(marks)
    reviewed, suggestions, outdated = 0, [], 0
    for mark, name, words in rows:
        message = by_fingerprint.get(name)
        if message is None:
            outdated += 1
            continue
        message.user_comments = [comment for comment in message.user_comments if not REVIEWED.fullmatch(comment)]
        if mark == GOOD:
            message.user_comments.append(f"Reviewed by {by}, {day}, as {name}")
            reviewed += 1
        elif words:
            suggestions.append((str(message.id), words))
    if states(catalog, knowledge)["reviewed"] == sum(states(catalog, knowledge).values()):
        catalog.language_team = f"Reviewed by {by}, {day}"  # the compiled catalogue says so, while it is so
    write(language, catalog)
    with (LOCALES / language / "suggestions.csv").open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([str(day), by, english, words] for english, words in suggestions)
    return Taken(reviewed, tuple(suggestions), outdated)


def least_similar(language: str, count: int) -> list[tuple[float, str, str]]:
    """The translations that are nearer to another English sentence than to their own, by sentence vectors.

    Gives how much nearer (a difference of cosines), the English and the translation, worst first. Above zero the own is nearest.
    """
    messages = [message for message in read(language) if message.id and message.string]
    english = embed([str(message.id) for message in messages])
    own = embed([_ISOLATES.sub("", str(message.string)) for message in messages])
    cosines = own @ english.T
    right = cosines.diagonal().copy()
    np.fill_diagonal(cosines, -1)
    margins = right - cosines.max(axis=1)
    return [(float(margins[i]), str(messages[i].id), str(messages[i].string)) for i in margins.argsort()[:count]]


def _rows(path: Path) -> Iterable[tuple[str, str, str]]:
    if not path.is_file():
        raise BadData(path, 1, "the file is not there", "give the file that the review sheet saved")
    rows = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for row in reader:
            if row == ["id", "mark", "words"] or not row:
                continue
            if len(row) != 3 or row[1] not in (GOOD, WRONG) or not re.fullmatch("[0-9a-f]{12}", row[0]):
                raise BadData(path, reader.line_num, f"{','.join(row)!r} is no mark", f"write id,{GOOD},  or id,{WRONG},better words")
            rows.append((row[1], row[0], " ".join(row[2].split())))
    return rows
