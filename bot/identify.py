"""Which language a text is in: one of ours, another, or unsure.

Trained on our own examples (`data/nlu`) and on a few sentences in languages that we do not speak yet (`data/identify`),
so that those are met with the language picker and not with a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from .text import western_digits

OTHER = "other"
SURE = 0.75
_NOT_LETTERS = re.compile(r"[\W\d_]+")


@dataclass(frozen=True)
class Guess:
    """The most probable language (`other` for none of ours) and its probability; `sure` when it may be relied on."""

    language: str
    probability: float

    @property
    def sure(self) -> bool:
        """Whether the guess is good enough to choose the words of a reply."""
        return self.probability >= SURE


def _letters(text: str) -> str:
    """Only what tells languages apart: words in small letters; names of places and of the NHS tell nothing."""
    return " ".join(_NOT_LETTERS.sub(" ", unicodedata.normalize("NFC", western_digits(text)).casefold()).split())


class LanguageIdentifier:
    """Learns languages from sentences; guesses the language of a text from one word up."""

    def __init__(self) -> None:
        self._vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=2, sublinear_tf=True, preprocessor=_letters)
        self._model: Any = LogisticRegression(C=30.0, max_iter=300)

    def fit(self, texts: Sequence[str], languages: Sequence[str]) -> LanguageIdentifier:
        """Learn from sentences. Each is also learnt by its first two words: short messages are the hard ones."""
        heads = [(" ".join(text.split()[:2]), language) for text, language in zip(texts, languages) if len(text.split()) > 3]
        all_texts = [*texts, *(head for head, _ in heads)]
        all_languages = [*languages, *(language for _, language in heads)]
        counts = {language: all_languages.count(language) for language in set(all_languages)}
        largest = max(counts.values())
        weights = np.asarray([(largest / counts[language]) ** 0.5 for language in all_languages])
        features = self._vectorizer.fit_transform(all_texts)
        self._model.fit(features, all_languages, sample_weight=weights)
        return self

    def guess(self, text: str) -> Guess | None:
        """The most probable language, or None for a text without letters (a number, an emoji)."""
        if not _letters(text):
            return None
        features = self._vectorizer.transform([text])
        if features.nnz == 0:
            return Guess(OTHER, 1.0)  # letters of a script that none of our languages is written in
        probabilities = self._model.predict_proba(features)[0]
        best = int(probabilities.argmax())
        return Guess(str(self._model.classes_[best]), float(probabilities[best]))
