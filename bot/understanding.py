"""Which topic a text is about: a linear classifier over character n-grams and multilingual sentence vectors.

Chosen by ablation; the table is in docs/understanding.md. The thresholds for answering, for asking back and for danger
are chosen on examples that the classifier had not seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .embeddings import embed, embed_examples
from .grams import Grams
from .identify import base
from .linear import CalibratedSVM, Probabilities
from .orthography import Orthography
from .text import fold

VECTOR_WEIGHT = 1.1  # of a centred unit vector beside unit n-gram vectors; by ablation, as is the next
REGULARISATION = 1.0
LEAST = 3  # examples that an n-gram stands in: with 2, a third more memory, and nothing read better
FOLDS = 3  # the levels are set on examples read by a classifier that learnt from two thirds of them
FOLLOW_UP = "follow_"  # the intents that mean something only after an answer begin so
WRONG_AND_CONFIDENT = 0.025  # at most this share of held-out examples may be answered wrongly; the rest is asked back
FALSE_ALARMS = 0.005  # at most this share of other messages may get a danger answer alone
PRECAUTIONS = 0.05  # at most this share of other messages may get a danger answer before their own
PRECAUTION_AT_MOST = 0.08  # other writers hint at danger in ways the examples lack: questions of theirs were met at 99.8 %, with 3 % false alarms
DANGER_RECALL = 0.9985  # a danger is to be met at least this often, as far as the shares above allow; new writers hint in new ways


@dataclass(frozen=True)
class Ranked:
    """Topics with their probabilities, most probable first."""

    topics: tuple[tuple[str, float], ...]

    @property
    def best(self) -> str:
        """The most probable topic."""
        return self.topics[0][0]

    @property
    def confidence(self) -> float:
        """The probability of the best topic."""
        return self.topics[0][1]

    def of(self, names: Collection[str]) -> list[tuple[str, float]]:
        """The ranking, restricted to some topics."""
        return [(topic, probability) for topic, probability in self.topics if topic in names]


class TopicClassifier:
    """Learns topics from examples and ranks them for a text.

    A text is answered from the probability `answer_from` up. A danger is answered alone when the danger topics together
    reach `danger_from`, and before the text's own answer when they reach `precaution_from`.
    """

    def __init__(self) -> None:
        self.orthography = Orthography()
        self.grams = Grams((2, 5), fold, LEAST)
        self.centre: npt.NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self.machine = CalibratedSVM(REGULARISATION, FOLDS)
        self.answer_from = 0.5
        self.danger_from = 0.5
        self.precaution_from = 0.5

    def fit(self, texts: Sequence[str], topics: Sequence[str], languages: Sequence[str], critical: Collection[str]) -> TopicClassifier:
        """Learn from examples, each with its language or `<language>_Latn`; `critical` are the danger topics, which get thresholds of their own."""
        self.orthography.fit(texts, languages)
        restored = [self.orthography.restore(text, base(language)) for text, language in zip(texts, languages)]
        vectors = embed_examples(restored)
        self.centre = vectors.mean(axis=0)
        both = [_both(text, again) for text, again in zip(texts, restored)]
        grams = self.grams.fit(both).matrix(both)
        held_out = self.machine.fit(sparse.hstack([sparse.csr_matrix(self._weighed(vectors)), grams], format="csr"), topics)
        index = np.searchsorted(self.machine.classes, np.asarray(topics))
        alone = self._topics_only[index]
        self._choose_thresholds(self.machine.probabilities(held_out, self._topics_only)[alone], index[alone], critical)
        return self

    @property
    def _topics_only(self) -> npt.NDArray[np.bool_]:
        return np.asarray([not name.startswith(FOLLOW_UP) for name in self.machine.classes])

    def _weighed(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return (vectors - self.centre) * VECTOR_WEIGHT

    def _choose_thresholds(self, probabilities: Probabilities, index: npt.NDArray[np.int64], critical: Collection[str]) -> None:
        confidence = probabilities.max(axis=1)
        order = np.argsort(-confidence)
        wrong = np.cumsum(probabilities.argmax(axis=1)[order] != index[order]) / len(order)
        allowed = np.flatnonzero(wrong <= WRONG_AND_CONFIDENT)
        self.answer_from = float(confidence[order][allowed[-1]]) if allowed.size else 1.0
        dangers = np.asarray([name in critical for name in self.machine.classes])
        danger = probabilities[:, dangers].sum(axis=1)
        real, other = danger[dangers[index]], danger[~dangers[index]]
        if real.size and other.size:
            self.danger_from = float(min(0.9, np.quantile(other, 1 - FALSE_ALARMS)))
            wanted = float(np.quantile(real, 1 - DANGER_RECALL))
            self.precaution_from = min(self.danger_from, PRECAUTION_AT_MOST, max(wanted, float(np.quantile(other, 1 - PRECAUTIONS))))

    def rank(self, texts: Sequence[str], language: str | None = None, follow_ups: bool = False) -> list[Ranked]:
        """The topics of each text with their probabilities, best first; follow-ups only where there is something to follow.

        `language` is what the texts are in, in whatever letters.
        """
        if not texts:
            return []
        restored = [self.orthography.restore(text, language) for text in texts]
        rows = [self.grams.row(_both(text, again)) for text, again in zip(texts, restored)]
        scores = np.stack([self.machine.scores(*row, vector) for row, vector in zip(rows, self._weighed(embed(restored)))])
        probabilities = self.machine.probabilities(scores, None if follow_ups else self._topics_only)
        ranked = []
        for row in probabilities:
            order = np.argsort(-row)
            ranked.append(Ranked(tuple((self.machine.classes[i], float(row[i])) for i in order)))
        return ranked


def _both(typed: str, restored: str) -> str:
    """What n-grams are taken of: the words as typed, and as their language writes them."""
    return typed if restored == typed else f"{typed} {restored}"
