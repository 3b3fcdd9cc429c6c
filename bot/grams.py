"""Character n-grams with tf-idf weights: scikit-learn's, and a quick way to weigh the n-grams of one text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer


class Grams:
    """The n-grams of words' letters, learnt from texts; those that stand in fewer than `least` of them are left out.

    >>> grams = Grams((2, 3), str.casefold).fit(["a GP", "the GP"])
    >>> [len(part) for part in grams.row("a gp")]
    [5, 5]
    """

    def __init__(self, lengths: tuple[int, int], preprocess: Callable[[str], str], least: int = 2) -> None:
        self._vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=lengths, min_df=least, sublinear_tf=True, preprocessor=preprocess, dtype=np.float32
        )

    def fit(self, texts: Sequence[str]) -> Grams:
        """Learn which n-grams there are, and how rare each is."""
        self._vectorizer.fit(texts)
        return self

    def matrix(self, texts: Sequence[str]) -> Any:
        """A sparse row of weights a text."""
        return self._vectorizer.transform(texts)

    def __contains__(self, gram: str) -> bool:
        return gram in self._of_one_text[1]

    @cached_property
    def _of_one_text(self) -> tuple[Callable[[str], list[str]], dict[str, int], npt.NDArray[np.float32]]:
        return self._vectorizer.build_analyzer(), self._vectorizer.vocabulary_, self._vectorizer.idf_.astype(np.float32)

    def row(self, text: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """`matrix` for one text, as columns and their weights. scikit-learn takes 2 ms to check and build a matrix of one row."""
        analyze, vocabulary, rarity = self._of_one_text
        counts = Counter(analyze(text))
        known = {column: count for gram, count in counts.items() if (column := vocabulary.get(gram)) is not None}
        columns = np.fromiter(known.keys(), np.int64, len(known))
        weights = (1 + np.log(np.fromiter(known.values(), np.float32, len(known)))) * rarity[columns]
        return columns, np.asarray(weights / (np.linalg.norm(weights) or 1), dtype=np.float32)
