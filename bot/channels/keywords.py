"""Messages that are a keyword and nothing else: STOP, START, HELP, "language", "delete my chat", in every language (`data/keywords.yml`).

STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, START, UNSTOP, HELP and INFO are the carriers' own (CTIA, Messaging Principles and Best
Practices, 5.1.3; https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from .. import house
from ..knowledge.source_text import Entry
from ..text import words

KINDS = ("stop", "start", "help", "language", "delete")


def read_keywords(path: Path) -> dict[str, str]:
    """Each keyword, folded, with its kind.

    Raises:
        BadData: for a kind that is none, or a keyword that stands for two.
    """
    kinds: dict[str, str] = {}
    for entry in Entry.of_file(path).entries("keywords"):
        entry.text("of")
        for kind in KINDS:
            for keyword in entry.texts(kind):
                folded = " ".join(words(keyword))
                if kinds.setdefault(folded, kind) != kind:
                    raise entry.bad(kind, f"{keyword!r} stands for {kinds[folded]!r} and {kind!r}", "keep it under one of them")
    return kinds


@lru_cache(maxsize=1)
def keywords() -> dict[str, str]:
    """The keywords of `data/keywords.yml`; BadData when it is malformed."""
    return read_keywords(house.DATA / "keywords.yml")


def keyword(text: str) -> str | None:
    """The kind of keyword that a whole message is, if it is one.

    >>> keyword(" Stop! ")
    'stop'
    """
    return keywords().get(" ".join(words(text)))
