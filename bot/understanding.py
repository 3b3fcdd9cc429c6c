"""Which topic a text is about: a linear classifier over character n-grams and multilingual sentence vectors.

Chosen by ablation; the table is in docs/understanding.md. Scores are turned into probabilities by a temperature, and
the thresholds for asking back are chosen, on examples that the fold's classifier had not seen.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from .embeddings import embed
from .text import fold

VECTOR_WEIGHT = 3.0  # of a unit sentence vector beside unit n-gram vectors; by ablation
REGULARISATION = 0.3
FOLDS = 5
FOLLOW_UP = "follow_"  # the intents that mean something only after an answer begin so
WRONG_AND_CONFIDENT = 0.02  # at most this share of messages may be answered wrongly; the rest is asked back
FALSE_ALARMS = 0.02  # at most this share of other messages may be met with a danger answer


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


def _vectorizer() -> TfidfVectorizer:
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True, preprocessor=fold, dtype=np.float32)


class TopicClassifier:
    """Learns topics from examples; ranks them for a text. `answer_from` and `danger_from` are the calibrated thresholds."""

    def __init__(self) -> None:
        self.vectorizer = _vectorizer()
        self.centre: npt.NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self.classes: list[str] = []
        self.weights: npt.NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)
        self.offsets: npt.NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self.temperature = 1.0
        self.answer_from = 0.5
        self.danger_from = 0.5

    def fit(self, texts: Sequence[str], topics: Sequence[str], critical: Collection[str]) -> TopicClassifier:
        """Learn from examples; `critical` are the danger topics, which get a threshold of their own."""
        vectors = embed(texts)
        self.centre = vectors.mean(axis=0)
        self.vectorizer.fit(texts)
        features = self._features(texts, vectors)
        target = np.asarray(topics)
        held_out = np.zeros((len(texts), len(set(topics))))
        for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(features, target):
            held_out[test] = _svm().fit(features[train], target[train]).decision_function(features[test])
        model = _svm().fit(features, target)
        self.classes = [str(name) for name in model.classes_]
        self.weights = model.coef_.T.astype(np.float32)
        self.offsets = model.intercept_.astype(np.float32)
        index = np.searchsorted(model.classes_, target)
        self.temperature = _temperature(held_out, index)
        alone = np.asarray([not name.startswith(FOLLOW_UP) for name in self.classes])
        topics_only = _softmax(np.where(alone, held_out * self.temperature, -np.inf))
        self._choose_thresholds(topics_only[alone[index]], index[alone[index]], critical)
        return self

    def _features(self, texts: Sequence[str], vectors: npt.NDArray[np.float32]) -> Any:
        grams = self.vectorizer.transform(texts)
        return sparse.hstack([sparse.csr_matrix((vectors - self.centre) * VECTOR_WEIGHT), grams], format="csr")

    def _choose_thresholds(self, probabilities: npt.NDArray[np.float64], index: npt.NDArray[np.int64], critical: Collection[str]) -> None:
        best = probabilities.argmax(axis=1)
        confidence = probabilities.max(axis=1)
        order = np.argsort(-confidence)
        wrong = np.cumsum(best[order] != index[order]) / len(order)
        allowed = np.flatnonzero(wrong <= WRONG_AND_CONFIDENT)
        self.answer_from = float(confidence[order][allowed[-1]]) if allowed.size else 1.0
        dangers = np.asarray([name in critical for name in self.classes])
        if dangers.any():
            danger = probabilities[:, dangers].sum(axis=1)
            others = danger[~dangers[index]]
            self.danger_from = min(0.5, float(np.quantile(others, 1 - FALSE_ALARMS))) if others.size else 0.5

    def rank(self, texts: Sequence[str], follow_ups: bool = False) -> list[Ranked]:
        """The topics of each text with their probabilities, best first; follow-ups only where there is something to follow."""
        if not texts:
            return []
        features = self._features(texts, embed(texts))
        scores = np.asarray(features @ self.weights + self.offsets, dtype=np.float64) * self.temperature
        if not follow_ups:
            scores = np.where([name.startswith(FOLLOW_UP) for name in self.classes], -np.inf, scores)
        ranked = []
        for row in _softmax(scores):
            order = np.argsort(-row)
            ranked.append(Ranked(tuple((self.classes[i], float(row[i])) for i in order)))
        return ranked


def _svm() -> LinearSVC:
    return LinearSVC(C=REGULARISATION, random_state=0)


def _softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: npt.NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def _temperature(scores: npt.NDArray[np.float64], index: npt.NDArray[np.int64]) -> float:
    """The factor that makes the held-out probabilities most likely (temperature scaling, Guo et al. 2017, arXiv:1706.04599)."""

    def loss(factor: float) -> float:
        probabilities = _softmax(scores * factor)
        return float(-np.log(probabilities[np.arange(len(index)), index] + 1e-12).mean())

    return float(optimize.minimize_scalar(loss, bounds=(0.1, 30.0), method="bounded").x)
