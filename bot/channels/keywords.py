"""Messages that are a keyword and nothing else: STOP, START, HELP, "language", "delete my chat", in every language (`data/keywords.yml`).

STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, START, UNSTOP, HELP and INFO are the carriers' own (CTIA, Messaging Principles and Best
Practices, 5.1.3; https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .. import house, languages
from ..knowledge.source_text import Entry
from ..text import words

KINDS = ("stop", "start", "help", "language", "delete")


@dataclass(frozen=True)
class Keyword:
    """What a keyword asks for, and the language that it is of; None for the carriers' own, which are everybody's."""

    kind: str
    language: str | None


def read_keywords(path: Path) -> dict[str, Keyword]:
    """Each keyword by its folded form.

    Raises:
        BadData: for a language that is none of ours, or a keyword that stands for two things.
    """
    found: dict[str, Keyword] = {}
    for entry in Entry.of_file(path).entries("keywords"):
        of = entry.one_of("of", ("carriers", *languages.languages()))
        for kind in KINDS:
            for text in entry.texts(kind):
                keyword = found.setdefault(" ".join(words(text)), Keyword(kind, None if of == "carriers" else of))
                if keyword.kind != kind:
                    raise entry.bad(kind, f"{text!r} stands for {keyword.kind!r} and {kind!r}", "keep it under one of them")
    return found


@lru_cache(maxsize=1)
def keywords() -> dict[str, Keyword]:
    """The keywords of `data/keywords.yml`; BadData when it is malformed."""
    return read_keywords(house.DATA / "keywords.yml")


def keyword(text: str) -> Keyword | None:
    """The keyword that a whole message is, if it is one.

    >>> keyword(" Stop! ")
    Keyword(kind='stop', language=None)
    """
    return keywords().get(" ".join(words(text)))
