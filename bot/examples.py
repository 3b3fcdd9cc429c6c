"""The training sentences of `data/nlu` and `data/identify`, read and refused when malformed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .knowledge import BadData
from .knowledge.source_text import Entry
from .understanding import FOLLOW_UP


@dataclass(frozen=True)
class Example:
    """A sentence that a person may write, its topic and its language."""

    text: str
    topic: str
    language: str


def read_examples(folder: Path, topics: Collection[str]) -> list[Example]:
    """The examples of every `<language>.yml` in Rasa's NLU format.

    Raises:
        BadData: for an intent that is no topic, or an example that stands under two.
    """
    examples: list[Example] = []
    seen: dict[tuple[str, str], str] = {}
    for path in sorted(folder.glob("*.yml")):
        entry = Entry.of_file(path)
        entry.optional("version")
        for item in entry.entries("nlu"):
            topic = item.text("intent")
            if topic not in topics and not topic.startswith(FOLLOW_UP):
                raise item.bad("intent", f"{topic!r} is no topic", "write the name of a file in data/answers, or follow_...")
            for text in item.lines("examples"):
                key = (path.stem, text.casefold())
                if seen.setdefault(key, topic) != topic:
                    raise item.bad("examples", f"{text!r} stands under {seen[key]} and {topic}", "keep it under one of them")
                examples.append(Example(text, topic, path.stem))
    return examples


def read_other_languages(path: Path) -> dict[str, tuple[str, ...]]:
    """Sentences in languages that are not ours yet: language to sentences."""
    if not path.is_file():
        raise BadData(path, 1, "the file is not there", "write sentences in other languages in it, one 'language: [...]' each")
    entry = Entry.of_file(path)
    return {language: entry.texts(language) for language in entry}
