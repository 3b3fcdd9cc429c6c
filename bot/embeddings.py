"""Sentences as vectors, of a person's message and of the training examples."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import encoder

_BATCH = 2000
_MOST_KEPT = 300_000  # vectors on disk, 0.7 kB each
CACHE = Path(__file__).resolve().parent.parent / "build" / "vectors"
_prepared: ContextVar[Mapping[str, npt.NDArray[np.float32]] | None] = ContextVar("prepared", default=None)


# One text at a time: the other processors are the conversations' own, and each thread more would hold memory of its own.
_beside = ThreadPoolExecutor(1, thread_name_prefix="encoder")


@lru_cache(maxsize=1)
def _encoder() -> encoder.Encoder:
    return encoder.Encoder(threads=1)


def _tidy(text: str) -> str:
    return " ".join(text.split()) or "."


def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """One unit vector a text, shape (len(texts), 384)."""
    prepared = _prepared.get() or {}
    if texts and all(text in prepared for text in texts):
        return np.stack([prepared[text] for text in texts])
    return _encoder().encode([_tidy(text) for text in texts])


class Together:
    """Embeds on another thread: meanwhile other conversations go on.

    What comes while that thread is busy is read at one go, which costs a fifth less for each text.
    """

    def __init__(self, read: Callable[[list[str]], npt.NDArray[np.float32]]) -> None:
        self._read = read
        self._waiting: list[tuple[Sequence[str], asyncio.Future[npt.NDArray[np.float32]]]] = []
        self._reader: asyncio.Task[None] | None = None

    async def vectors(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One vector a text; what goes wrong with the reading is raised to everyone who waited for it."""
        found = asyncio.get_running_loop().create_future()
        self._waiting.append((texts, found))
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_all())
        return await found

    async def _read_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                vectors = await asyncio.get_running_loop().run_in_executor(_beside, self._read, [text for texts, _ in batch for text in texts])
            except Exception as error:
                for _, found in batch:
                    if not found.done():
                        found.set_exception(error)
                continue
            start = 0
            for texts, found in batch:
                if not found.done():  # nobody waits any more
                    found.set_result(vectors[start : start + len(texts)])
                start += len(texts)


_together = Together(embed)


async def prepare(texts: Sequence[str]) -> None:
    """Embed texts for `embed` to give later in this task."""
    if texts:
        _prepared.set(dict(zip(texts, await _together.vectors(texts))))


def embed_examples(texts: Sequence[str], folder: Path = CACHE) -> npt.NDArray[np.float32]:
    """`embed` for training examples: what was embedded before is read from disk, so that a changed file costs only its new lines."""
    path = folder / "vectors.npz"
    known: dict[str, npt.NDArray[np.float32]] = {}
    if path.is_file():
        with np.load(path) as stored:
            known = dict(zip(stored["keys"].tolist(), stored["vectors"]))
    keys = [hashlib.sha256(f"{encoder.name()}\0{text}".encode()).hexdigest()[:24] for text in texts]
    new = {key: text for key, text in zip(keys, texts) if key not in known}
    if new:
        every_processor = encoder.Encoder(threads=os.cpu_count() or 1)
        for start in range(0, len(new), _BATCH):
            batch = dict(list(new.items())[start : start + _BATCH])
            known.update(zip(batch, every_processor.encode([_tidy(text) for text in batch.values()])))
            print(f"  read {min(start + _BATCH, len(new)):,} of {len(new):,} new examples", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        kept = list(dict.fromkeys([*keys, *known]))[:_MOST_KEPT]  # this call's first; others' (make evaluate's) are not lost
        np.savez_compressed(path, keys=np.asarray(kept), vectors=np.stack([known[key] for key in kept]).astype(np.float16))
    return np.stack([known[key] for key in keys]).astype(np.float32)
