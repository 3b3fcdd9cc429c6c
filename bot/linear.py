"""A linear classifier whose scores are probabilities: a support vector machine, calibrated on examples that it had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed
from scipy import optimize
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

TOLERANCE = 0.05  # scikit-learn's own 0.0001 takes a quarter longer and reads no better
Probabilities = npt.NDArray[np.float64]
Row = npt.NDArray[np.float32]


class CalibratedSVM:
    """One weight vector a class. `held_out` are the training examples' scores by a classifier that was fitted without them."""

    def __init__(self, regularisation: float, folds: int) -> None:
        self._regularisation = regularisation
        self._folds = folds
        self.classes: list[str] = []
        # In half the memory; a row's score changes by less than a thousandth.
        self._weights: npt.NDArray[np.float16] = np.zeros((0, 0), dtype=np.float16)
        self._offsets: npt.NDArray[np.float32] = np.zeros(0, dtype=np.float32)
        self._temperature = 1.0

    def fit(self, features: Any, labels: Sequence[str], weights: npt.NDArray[np.float64] | None = None) -> Probabilities:
        """Learn from a row of features an example; gives back the scores that each example got while it was held out."""
        target = np.asarray(labels)
        weights = np.ones(len(target)) if weights is None else weights
        everything = np.arange(len(target))
        folds = [(everything, everything[:1]), *StratifiedKFold(self._folds, shuffle=True, random_state=0).split(target, target)]

        def fit(train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]) -> tuple[LinearSVC, Probabilities]:
            model = self._machine().fit(features[train], target[train], weights[train])
            return model, _both(model.decision_function(features[test]))

        # scikit-learn lets go of Python's lock while it learns, so threads use every processor and share the features.
        (model, _), *tested = Parallel(n_jobs=-1, prefer="threads")(delayed(fit)(train, test) for train, test in folds)
        held_out = np.zeros((len(target), len(set(labels))))
        for (_, test), (_, scores) in zip(folds[1:], tested):
            held_out[test] = scores
        self.classes = [str(name) for name in model.classes_]
        self._weights = np.ascontiguousarray((model.coef_ if len(self.classes) > 2 else np.vstack([-model.coef_, model.coef_])).T, dtype=np.float16)
        self._offsets = (model.intercept_ if len(self.classes) > 2 else np.hstack([-model.intercept_, model.intercept_])).astype(np.float32)
        self._temperature = _temperature(held_out, np.searchsorted(model.classes_, target))
        return held_out

    def _machine(self) -> LinearSVC:
        return LinearSVC(C=self._regularisation, tol=TOLERANCE, random_state=0)

    def scores(self, columns: npt.NDArray[np.int64], weights: Row, dense: Row | None = None) -> Probabilities:
        """A score a class for one row of features: first the dense ones, if there are any, then the sparse ones' columns and weights."""
        first = 0 if dense is None else len(dense)
        scores = weights @ self._weights[columns + first].astype(np.float32) + self._offsets
        return np.asarray(scores if dense is None else scores + dense @ self._weights[:first].astype(np.float32), dtype=np.float64)

    def probabilities(self, scores: Probabilities, allowed: npt.NDArray[np.bool_] | None = None) -> Probabilities:
        """Scores as probabilities of the classes that are allowed (all, when left out)."""
        scores = scores * self._temperature
        if allowed is not None:
            scores = np.where(allowed, scores, -np.inf)
        return _softmax(scores)


def _both(scores: npt.NDArray[np.float64]) -> Probabilities:
    """A score for each of two classes: of two, the machine gives only one."""
    return np.vstack([-scores, scores]).T if scores.ndim == 1 else scores


def _softmax(scores: Probabilities) -> Probabilities:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    return result


def _temperature(scores: Probabilities, index: npt.NDArray[np.int64]) -> float:
    """The factor that makes the held-out probabilities most likely (temperature scaling, Guo et al. 2017, arXiv:1706.04599)."""

    def loss(factor: float) -> float:
        probabilities = _softmax(scores * factor)
        return float(-np.log(probabilities[np.arange(len(index)), index] + 1e-12).mean())

    return float(optimize.minimize_scalar(loss, bounds=(0.1, 30.0), method="bounded").x)
