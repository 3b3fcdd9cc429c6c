"""What messages are read with: the trained classifiers and the knowledge, apart from any chat framework."""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib

from . import house
from .examples import read_other_languages
from .identify import OTHER, LanguageIdentifier
from .knowledge import Knowledge
from .understanding import TopicClassifier

MIND_FILE = "mind.joblib"


@dataclass(frozen=True)
class Mind:
    """What a message is read with."""

    topics: TopicClassifier
    identifier: LanguageIdentifier
    knowledge: Knowledge


def learn(texts: Sequence[str], topics: Sequence[str], languages: Sequence[str]) -> Mind:
    """A mind trained on examples, and on the sentences of languages that are not ours yet."""
    knowledge = house.knowledge()
    others = [text for lines in read_other_languages(house.DATA / "identify" / "other.yml").values() for text in lines]
    recognised = [(text, language) for language, known in knowledge.recognised.items() for text in known.sentences]
    more_texts, more_languages = zip(*recognised, *((text, OTHER) for text in others))
    identifier = LanguageIdentifier().fit([*texts, *more_texts], [*languages, *more_languages])
    return Mind(TopicClassifier().fit(texts, topics, languages, knowledge.critical), identifier, knowledge)


def of_model(model: Path) -> Mind:
    """The mind that a trained Rasa model (`models/*.tar.gz`) carries; FileNotFoundError when it carries none."""
    with tarfile.open(model) as archive:
        for member in archive:
            if member.name.endswith(f"/{MIND_FILE}"):
                content = archive.extractfile(member)
                assert content is not None
                topics, identifier = joblib.load(content)
                return Mind(topics, identifier, house.knowledge())
    raise FileNotFoundError(f"{model} has no {MIND_FILE}; run 'make train'")
