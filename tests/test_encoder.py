"""Sentences become vectors: near in meaning is near in space, whatever the language, however many at a time."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import embeddings
from bot.embeddings import Together, embed, prepare
from bot.grams import Grams
from bot.text import fold

SAME = ["Is it safe to see a doctor?", "هل من الآمن أن أرى الطبيب؟", "Est-ce sûr de voir un médecin ?", "¿Es seguro ver a un médico?"]
OTHER = "Where can I buy football tickets?"


def test_a_question_is_nearer_to_itself_in_another_language_than_to_another_question() -> None:
    *same, other = embed([*SAME, OTHER])
    for translated in same[1:]:
        assert same[0] @ translated > same[0] @ other + 0.05


def test_a_text_has_the_same_vector_alone_and_among_others() -> None:
    texts = [*SAME, OTHER, "a " * 900, "?"]
    together = embed(texts)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, together):
        assert embed([text])[0] @ vector > 0.995


def test_no_texts_have_no_vectors() -> None:
    assert embed([]).shape == (0, 384)


@settings(max_examples=40)
@given(st.text(max_size=1000))
def test_any_text_has_a_vector(text: str) -> None:
    vector = embed([text])[0]
    assert np.isfinite(vector).all()
    assert abs(np.linalg.norm(vector) - 1) < 1e-4


async def test_what_was_prepared_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    await prepare(SAME)
    expected = embed(SAME)
    monkeypatch.setattr(embeddings, "_encoder", lambda: pytest.fail("the encoder ran again"))
    assert np.array_equal(embed(SAME[:2]), expected[:2])


async def test_what_one_conversation_prepared_is_not_known_to_another() -> None:
    async def other() -> bool:
        return embeddings._prepared.get() is None

    elsewhere = asyncio.create_task(other())
    await prepare(SAME)
    assert await elsewhere


async def test_what_comes_while_the_encoder_is_busy_is_read_at_one_go_and_each_gets_its_own() -> None:
    batches = []

    def read(texts: list[str]) -> np.ndarray:
        batches.append(list(texts))
        time.sleep(0.05)
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    together = Together(read)
    first = asyncio.create_task(together.vectors(["first"]))
    await asyncio.sleep(0.01)
    found = await asyncio.gather(*(together.vectors(["x" * number, "y"]) for number in range(1, 6)))
    assert (await first).tolist() == [[5]]
    assert [rows.tolist() for rows in found] == [[[number], [1]] for number in range(1, 6)]
    assert [len(batch) for batch in batches] == [1, 10]


async def test_a_fault_of_the_encoder_reaches_everyone_who_waits_and_the_next_is_read_again() -> None:
    answers = iter([ValueError("broken"), np.zeros((1, 1), dtype=np.float32)])

    def read(texts: list[str]) -> np.ndarray:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    together = Together(read)
    with pytest.raises(ValueError, match="broken"):
        await together.vectors(["a"])
    assert (await together.vectors(["b"])).shape == (1, 1)


async def test_who_stops_waiting_takes_nothing_from_the_others() -> None:
    def read(texts: list[str]) -> np.ndarray:
        time.sleep(0.05)
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    together = Together(read)
    waiting = [asyncio.create_task(together.vectors(["x" * number])) for number in (1, 2, 3)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    waiting[1].cancel()
    assert (await waiting[2]).tolist() == [[3]]


EXAMPLES = ["my doctor asked for papers", "the doctor asked me", "papers for the GP", "صباح الخير يا دكتور", "دكتور الأسنان"]


@given(st.text(max_size=60) | st.sampled_from(EXAMPLES))
def test_one_text_is_weighed_as_scikit_learn_weighs_it(text: str) -> None:
    grams = Grams((2, 4), fold).fit(EXAMPLES)
    columns, weights = grams.row(text)
    row = np.zeros(grams.matrix(EXAMPLES).shape[1], dtype=np.float32)
    row[columns] = weights
    assert np.allclose(row, grams.matrix([text]).toarray()[0], atol=1e-5)
