"""Sentences become vectors: near in meaning is near in space, whatever the language, however many at a time."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import embeddings
from bot.embeddings import embed, prepare
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


@settings(max_examples=40, deadline=None)
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


EXAMPLES = ["my doctor asked for papers", "the doctor asked me", "papers for the GP", "صباح الخير يا دكتور", "دكتور الأسنان"]


@given(st.text(max_size=60) | st.sampled_from(EXAMPLES))
def test_one_text_is_weighed_as_scikit_learn_weighs_it(text: str) -> None:
    grams = Grams((2, 4), fold).fit(EXAMPLES)
    columns, weights = grams.row(text)
    row = np.zeros(grams.matrix(EXAMPLES).shape[1], dtype=np.float32)
    row[columns] = weights
    assert np.allclose(row, grams.matrix([text]).toarray()[0], atol=1e-5)
