"""Conversations in the words of people, from `tests/conversations/*.yml`, held with a real server.

Of each turn, whatever is given is checked: `topic` (one, or all in order), `status`, `language`, `nation` and `view` of the last reply,
`sees` and `not_sees` (words of all replies), `offers` (titles of choices).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Person, Server

FOLDER = Path(__file__).parent / "conversations"
OF_THE_LAST_REPLY = ("status", "language", "nation", "view")
CHECKS = {"topic", "sees", "not_sees", "offers", *OF_THE_LAST_REPLY}


def _conversations() -> list[Any]:
    return [
        pytest.param(conversation, id=f"{path.stem}: {conversation['name']}")
        for path in sorted(FOLDER.glob("*.yml"))
        for conversation in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("conversation", _conversations())
def test_a_conversation_goes_as_its_file_says(conversation: dict[str, Any], server: Server) -> None:
    assert set(conversation) <= {"name", "language", "turns"}, f"{conversation['name']}: write name, language and turns"
    person = Person(server, language=conversation.get("language"))
    for number, turn in enumerate(conversation["turns"], 1):
        assert set(turn) - {"says"} <= CHECKS, f"turn {number}: write says and any of {sorted(CHECKS)}"
        replies = person.says(turn["says"])
        at = f"turn {number}, {turn['says']!r}, was read as {person.topics}:\n{person.text}"
        if "topic" in turn:
            assert person.topics == _listed(turn["topic"]), f"expected {turn['topic']}; {at}"
        for key in OF_THE_LAST_REPLY:
            if key in turn:
                assert replies[-1][key] == turn[key], f"the {key} is {replies[-1][key]!r}, not {turn[key]!r}; {at}"
        for words in _listed(turn.get("sees", [])):
            assert words in person.text, f"{words!r} is missing; {at}"
        for words in _listed(turn.get("not_sees", [])):
            assert words not in person.text, f"{words!r} should not be said; {at}"
        offered = [choice["title"] for reply in replies for choice in reply["choices"]]
        for title in _listed(turn.get("offers", [])):
            assert title in offered, f"{title!r} is not offered, but {offered}; {at}"
        assert all(reply["text"].strip() for reply in replies), f"a reply without words; {at}"


def test_there_are_conversations_enough() -> None:
    assert len(_conversations()) >= 35


def test_no_two_conversations_have_one_name() -> None:
    names = [conversation.id for conversation in _conversations()]
    assert len(names) == len(set(names))
