"""What a person is told around a volunteer: the offer, the questions before, the notices while it lasts. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from . import languages
from .knowledge import Knowledge
from .replies import ADVICE_LINE, UnknownTopic, compose, say
from .reply import Choice, Reply
from .text import words
from .words import knowledge_message

# What buttons send. These are no topics: they are done before a message is read.
OFFER, SHARE, CANCEL = "talk_to_volunteer", "share_with_volunteer", "no_volunteer"
COMMANDS = frozenset({OFFER, SHARE, CANCEL})
_TOPIC = "talk_to_person"
# After these the person is without a volunteer, so there are numbers to call.
_WITHOUT = frozenset({"handoff_nobody", "handoff_expired", "handoff_cancelled"})


def offered(knowledge: Knowledge, replies: Sequence[Reply], on_duty: bool | None, misunderstood: int) -> list[Reply]:
    """Replies with the offer of a volunteer where one helps: to who asks for a person, in danger, or is not understood for the second time.

    `on_duty` is None where there is no desk; where nobody is on duty, who asks for a person is told so, and nothing is offered.
    """
    found = next((at for at, reply in enumerate(replies) if _helps(knowledge, reply, misunderstood)), None)
    if on_duty is None or found is None:
        return list(replies)
    reply = replies[found]
    if on_duty:
        changed = replace(reply, choices=(_choice(knowledge, (OFFER, {}), reply.language), *reply.choices))
        if reply.topic == _TOPIC and reply.short:
            # The numbers in short, so that the offer is in sight on a small screen.
            changed = replace(changed, paragraphs=reply.short, people=())
    elif reply.topic == _TOPIC:
        nobody = knowledge_message(knowledge, "handoff_nobody", reply.language)
        changed = replace(reply, paragraphs=(nobody, *reply.paragraphs), short=(nobody, *reply.short) if reply.short else ())
    else:
        return list(replies)
    return [*replies[:found], changed, *replies[found + 1 :]]


def _helps(knowledge: Knowledge, reply: Reply, misunderstood: int) -> bool:
    return reply.topic == _TOPIC or reply.topic in knowledge.critical or (reply.status == "not_understood" and misunderstood >= 1)


def button(knowledge: Knowledge, given: tuple[str, Mapping[str, Any]], language: str) -> str:
    """The words on the button that sends a command; empty for a command of another kind."""
    name = {OFFER: "handoff_offer", SHARE: "handoff_yes" if given[1].get("share") is True else "handoff_no", CANCEL: "handoff_cancel"}.get(given[0])
    return knowledge_message(knowledge, name, language) if name else ""


def asked(knowledge: Knowledge, language: str, today: date) -> Reply:
    """What a volunteer will see, and whether they may read the conversation so far."""
    reply = say(knowledge, ["handoff_who", "handoff_share"], today, language, status="choose", topic=_TOPIC)
    commands: tuple[tuple[str, Mapping[str, Any]], ...] = ((SHARE, {"share": True}), (SHARE, {"share": False}), (CANCEL, {}))
    return replace(reply, view="handoff", choices=tuple(_choice(knowledge, command, reply.language) for command in commands))


def notice(knowledge: Knowledge, name: str, language: str, today: date) -> Reply:
    """What happens with a handoff, as one of its sentences (`handoff_waiting`, `handoff_joined`, ...)."""
    emergency = languages.isolated(knowledge.services["emergency-999"].phone or "", language)
    people = [ADVICE_LINE] if name in _WITHOUT else []
    reply = say(knowledge, [name], today, language, status="handed_over", topic=_TOPIC, values={"emergency": emergency}, people=people)
    cancel = _choice(knowledge, (CANCEL, {}), reply.language)
    return replace(reply, view="handoff", choices=(cancel,) if name in ("handoff_waiting", "handoff_lost") else ())


def told(knowledge: Knowledge, content: Mapping[str, Any], language: str, today: date) -> dict[str, Any]:
    """A line of a handoff as a channel shows it: a reply as JSON has it, or only a `text` that a volunteer typed."""
    if "notice" in content:
        reply = notice(knowledge, content["notice"], language, today).for_patients()
        return {**reply, "text": "\n\n".join(reply["paragraphs"])}
    return dict(content.get("reply") or {"text": content.get("text", "")})


def suggestion(knowledge: Knowledge, topic: str, language: str, nation: str | None, today: date) -> Reply:
    """A reviewed answer that a volunteer sends; UnknownTopic when there is none."""
    if topic not in knowledge.topics:
        raise UnknownTopic(f"{topic!r} is no topic; see data/answers")
    return compose(knowledge, topic, today, language, nation)


def reviewed(knowledge: Knowledge, topic: str, language: str, nation: str | None, today: date) -> dict[str, Any]:
    """The content of a line that says a reviewed answer, with its English for the volunteer; UnknownTopic when there is none."""
    reply = suggestion(knowledge, topic, language, nation, today)
    english = suggestion(knowledge, topic, languages.SOURCE, nation, today)
    return {"reply": {**reply.for_patients(), "text": reply.text, "choices": []}, "english": [english.text]}


def answered(knowledge: Knowledge, message: str, language: str, understood: str) -> tuple[str, dict[str, Any]] | None:
    """The command that an answer to the question about sharing is: the words on its button, or what was `understood` of others.

    >>> from bot import house
    >>> answered(house.knowledge(), "yes, they may!", "en", "")
    ('share_with_volunteer', {'share': True})
    """
    commands: tuple[tuple[str, dict[str, Any]], ...] = ((SHARE, {"share": True}), (SHARE, {"share": False}), (CANCEL, {}))
    found = next((command for command in commands if words(button(knowledge, command, language)) == words(message)), None)
    return found or {"affirm": commands[0], "deny": commands[1]}.get(understood)


def _choice(knowledge: Knowledge, command: tuple[str, Mapping[str, Any]], language: str) -> Choice:
    entities = json.dumps(command[1]) if command[1] else ""
    return Choice(button(knowledge, command, language), f"/{command[0]}{entities}")
