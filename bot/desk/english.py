"""What a line of the assistant's says in English: found again, part by part, in what the reply was composed of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from functools import lru_cache
from typing import Any

from .. import handoff, house, languages
from ..dialogue import history
from ..knowledge import Period
from ..replies import compose
from ..reply import Reply

UNKNOWN = "…"  # a part that is not found: never something that was not said


def english(language: str, content: Mapping[str, Any]) -> str:
    """What a line says in English, a part that cannot be found as "…"; empty where it is English, or a person typed it."""
    if language == languages.SOURCE:
        return ""
    if content.get("english"):
        return "\n\n".join(content["english"])
    if "notice" in content:
        return str(handoff.told(house.knowledge(), content, languages.SOURCE, house.today())["text"])
    if "kept" not in content:
        return ""
    known = dict(_sentences(language, house.today()))
    for kept in content["kept"]:
        known |= _parts(language, kept.get("topic") or "", kept.get("as_of"), kept.get("nation"), house.today())
    found = [known.get(part, UNKNOWN) for part in str(content["text"]).split("\n\n")]
    return "\n\n".join(found) if any(part != UNKNOWN for part in found) else ""


@lru_cache(maxsize=1024)
def _parts(language: str, topic: str, as_of: str | None, nation: str | None, today: date) -> dict[str, str]:
    """Each part of the replies to a topic on a day, in a language, with its English."""
    parts: dict[str, str] = {}
    for theirs, ours in zip(_replies(language, topic, as_of, nation, today), _replies(languages.SOURCE, topic, as_of, nation, today)):
        if theirs.language == language:
            parts |= dict(zip(_all(theirs), _all(ours)))
    return parts


def _replies(language: str, topic: str, as_of: str | None, nation: str | None, today: date) -> Iterator[Reply]:
    knowledge = house.knowledge()
    day = date.fromisoformat(as_of) if as_of else today
    if topic in knowledge.answers:
        with suppress(KeyError):  # an answer that must be told more than the day
            yield compose(knowledge, topic, day, language, nation, today=today)
    if topic.startswith("mou_") or topic == "ask_mou_history":
        yield history(knowledge, [Period(day, day)], language, today)
    if topic == "talk_to_person":
        yield handoff.offered(knowledge, [compose(knowledge, topic, today, language, nation)], False, 0)[0]
        yield handoff.asked(knowledge, language, today)


def _all(reply: Reply) -> list[str]:
    contacts = [" ".join((contact.line, *contact.details)) for contact in reply.people]
    return [*reply.paragraphs, *reply.notes, *reply.why, *reply.short, *contacts]


@lru_cache(maxsize=32)
def _sentences(language: str, today: date) -> dict[str, str]:
    """The assistant's own sentences in a language, each with its English."""
    knowledge = house.knowledge()
    found = {translated: message for message in knowledge.messages.values() if (translated := languages.translate(message, language))}
    for name in (name for name in knowledge.messages if name.startswith("handoff_")):
        with suppress(KeyError):
            theirs, ours = (handoff.notice(knowledge, name, spoken, today) for spoken in (language, languages.SOURCE))
            found |= dict(zip(_all(theirs), _all(ours)))
    return found
