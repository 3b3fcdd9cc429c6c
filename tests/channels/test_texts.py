"""Replies as text messages: short first, the rest for a number, in every language and never dearer than three segments."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bot import languages
from bot.channels.keywords import keyword, read_keywords
from bot.channels.segments import size
from bot.channels.texts import MOST_SEGMENTS, as_texts, picked, sentence
from bot.knowledge import BadData, Knowledge
from bot.replies import compose

SITE = "https://chat.example.org"


def reply_of(knowledge: Knowledge, topic: str, today: date, language: str, nation: str | None = None) -> dict[str, Any]:
    return compose(knowledge, topic, today, language, nation).for_patients()


@pytest.mark.parametrize("language", languages.languages())
def test_every_answer_of_every_nation_fits_in_messages_of_three_segments(knowledge: Knowledge, today: date, language: str) -> None:
    for topic in knowledge.topics:
        for nation in (None, "england", "scotland", "wales", "northern_ireland"):
            texts = as_texts([reply_of(knowledge, topic, today, language, nation)], True, SITE)
            everything = [*texts.messages, *(texts.offered.rest + texts.offered.sources if texts.offered else ())]
            dear = [(size(message).segments, message) for message in everything if size(message).segments > MOST_SEGMENTS]
            assert not dear, f"{topic} for {nation}: shorten 'short' in data/answers/{topic}.yml or its translation: {dear}"


@pytest.mark.parametrize("language", languages.languages())
def test_the_short_form_of_an_answer_is_one_message(knowledge: Knowledge, today: date, language: str) -> None:
    for topic, answer in knowledge.answers.items():
        if answer.group and answer.short:
            (message,) = as_texts([reply_of(knowledge, topic, today, language, "england")], False, SITE).messages
            assert size(message).segments <= MOST_SEGMENTS


@pytest.mark.parametrize("language", languages.languages())
def test_the_first_words_of_a_conversation_tell_nothing_on_a_locked_phone(knowledge: Knowledge, today: date, language: str) -> None:
    messages = as_texts([reply_of(knowledge, "ask_gp_safe", today, language, "england")], True, SITE).messages
    hello = sentence("text_hello", language)[0]
    assert messages[0].startswith(hello)
    assert "Confide" in hello
    assert not [word for word in ("GP", "NHS", "Home Office", "doctor") if word in hello]


def test_what_phone_companies_keep_is_told_once(knowledge: Knowledge, today: date) -> None:
    reply = reply_of(knowledge, "ask_gp_safe", today, "en", "england")
    assert "Phone companies keep records" in as_texts([reply], True, SITE).messages[-1]
    assert not [message for message in as_texts([reply], False, SITE).messages if "keep records" in message]


def test_one_brings_the_whole_answer_and_two_its_sources(knowledge: Knowledge, today: date) -> None:
    texts = as_texts([reply_of(knowledge, "ask_gp_safe", today, "en", "england")], False, SITE)
    assert texts.messages[-1].endswith("1 more - 2 sources - 0 menu")
    assert texts.offered
    told = []
    offered = texts.offered
    while offered.rest:
        more = picked(1, offered)
        told += more.messages
        assert more.offered
        offered = more.offered
    assert "You need no papers to register." in " ".join(told)
    assert "1 more" not in told[-1]
    sources = picked(2, offered)
    assert "British Medical Association" in sources.messages[0]
    assert f"{SITE}/chat/en?topic=ask_gp_safe" in sources.messages[0]
    assert picked(7, offered).messages == ("2 sources - 0 menu",)


def test_choices_are_numbered_as_the_conversation_numbers_them(knowledge: Knowledge, today: date) -> None:
    reply = {**reply_of(knowledge, "greet", today, "en"), "short": [], "status": "choose", "choices": [{"title": "Wales", "message": "/x"}] * 2}
    assert as_texts([reply], False, SITE).messages[-1].endswith("1 Wales\n2 Wales")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("STOP", "stop"), (" stop. ", "stop"), ("Stop All", "stop"), ("UNSTOP", "start"), ("help", "help"), ("Info!", "help")),
        *(("language", "language"), ("delete my chat", "delete"), ("please stop the pain", None), ("help me", None), ("no", None), ("", None)),
    ],
)
def test_a_keyword_is_a_whole_message(text: str, kind: str | None) -> None:
    found = keyword(text)
    assert (found.kind if found else None) == kind


def test_a_keyword_that_stands_for_two_things_is_refused_with_its_line(tmp_path: Any) -> None:
    path = tmp_path / "keywords.yml"
    path.write_text("keywords:\n- of: en\n  stop: [over]\n  start: [Over]\n  help: []\n  language: []\n  delete: []\n")
    with pytest.raises(BadData, match=r"keywords\.yml:4: 'Over' stands for 'stop' and 'start'"):
        read_keywords(path)
