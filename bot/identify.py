"""Which language a text is in: one of ours, another, or unsure.

Trained on our own examples (`data/nlu`) and on a few sentences in languages that we do not speak yet (`data/identify`),
so that those are met with the language picker and not with a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .grams import Grams
from .linear import CalibratedSVM, Probabilities
from .text import western_digits

OTHER = "other"
WRONG_AND_SURE = 0.04  # at most this share of held-out examples, each language counting the same, may be relied on wrongly
REGULARISATION = 1.0
FOLDS = 2  # when to be sure is set on examples read by a classifier that learnt from half of them
# Who reads the one reads the other: between them a guess is better than a question.
READ_ALIKE = {"fa": ("fa", "fa_AF"), "fa_AF": ("fa", "fa_AF")}
_NOT_LETTERS = re.compile(r"[\W\d_]+")


def base(label: str) -> str:
    """The language of a label of `data/nlu`, whatever its letters.

    >>> base("ur_Latn")
    'ur'
    """
    return label.removesuffix("_Latn")


@dataclass(frozen=True)
class Guess:
    """The most probable language (`other` for none of ours), its probability, and whether it is sure enough to choose the words of a reply."""

    language: str
    probability: float
    sure: bool


def _letters(text: str) -> str:
    """Only what tells languages apart: words in small letters."""
    return " ".join(_NOT_LETTERS.sub(" ", unicodedata.normalize("NFC", western_digits(text)).casefold()).split())


class LanguageIdentifier:
    """Learns languages from sentences; guesses the language of a text from one word up."""

    def __init__(self) -> None:
        self._grams = Grams((1, 4), _letters)
        self._machine = CalibratedSVM(REGULARISATION, FOLDS)
        self._known: dict[str, str] = {}
        self.sure_from = 1.0

    def fit(self, texts: Sequence[str], languages: Sequence[str]) -> LanguageIdentifier:
        """Learn from sentences and their labels: a language, or `<language>_Latn` for one written in Latin letters that has its own.

        Each is also learnt by its first two words: short messages are the hard ones.
        """
        heads = [(" ".join(text.split()[:2]), language) for text, language in zip(texts, languages) if len(text.split()) > 3]
        all_texts = [*texts, *(head for head, _ in heads)]
        all_languages = [*languages, *(language for _, language in heads)]
        counts = Counter(all_languages)
        # A language with few sentences is not a rare one.
        weights = np.asarray([(max(counts.values()) / counts[language]) ** 0.5 for language in all_languages])
        held_out = self._machine.fit(self._grams.fit(all_texts).matrix(all_texts), all_languages, weights)
        self.sure_from = self._sure_from(self._of_languages(self._machine.probabilities(held_out)), [base(label) for label in all_languages])
        self._known = _of_one_language(texts, languages)
        return self

    def guess(self, text: str) -> Guess | None:
        """The most probable language, or None for a text without letters (a number, an emoji)."""
        letters = _letters(text)
        if not letters:
            return None
        if letters in self._known:
            return Guess(self._known[letters], 1.0, True)
        if not any(letter in self._grams for letter in letters if letter != " "):
            return Guess(OTHER, 1.0, True)  # letters of a script that none of our languages is written in
        columns, weights = self._grams.row(text)
        probabilities = self._of_languages(self._machine.probabilities(self._machine.scores(columns, weights)[None]))[0]
        best = int(probabilities.argmax())
        language = self._languages[best]
        together = sum(float(probabilities[self._languages.index(name)]) for name in READ_ALIKE.get(language, (language,)) if name in self._languages)
        return Guess(language, float(probabilities[best]), together >= self.sure_from)

    @cached_property
    def _languages(self) -> list[str]:
        return sorted({base(label) for label in self._machine.classes})

    def _of_languages(self, of_labels: Probabilities) -> Probabilities:
        """Probabilities of labels, put together: a language counts with both its scripts."""
        columns = [self._languages.index(base(label)) for label in self._machine.classes]
        together = np.zeros((len(of_labels), len(self._languages)))
        for label, column in enumerate(columns):
            together[:, column] += of_labels[:, label]
        return together

    def _sure_from(self, probabilities: Probabilities, languages: Sequence[str]) -> float:
        """The least probability from which a guess is relied on."""
        counts = Counter(languages)
        weights = np.asarray([1 / (len(counts) * counts[language]) for language in languages])
        index = np.searchsorted(self._languages, np.asarray(languages))
        confidence = probabilities.max(axis=1)
        order = np.argsort(-confidence)
        wrong = np.cumsum(weights[order] * (probabilities.argmax(axis=1)[order] != index[order]))
        allowed = np.flatnonzero(wrong <= WRONG_AND_SURE)
        return float(confidence[order][allowed[-1]]) if allowed.size else 1.0


def _of_one_language(texts: Sequence[str], languages: Sequence[str]) -> dict[str, str]:
    """Short messages ("hello", "gracias") that stand among one language's examples and no other's."""
    found: dict[str, set[str]] = {}
    for text, language in zip(texts, languages):
        if len(text.split()) <= 2:
            found.setdefault(_letters(text), set()).add(base(language))
    return {text: next(iter(of)) for text, of in found.items() if len(of) == 1 and text}
