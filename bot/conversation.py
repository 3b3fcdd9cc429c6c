"""Between Rasa's tracker and the pure core: what was said so far as a `Context`, the newest message as a `Reading`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from rasa.shared.core.events import BotUttered, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from . import languages
from .dialogue import FALLBACK, INFORM, Context, Reading
from .knowledge import Knowledge, Period
from .reply import Reply

# Of a reply, the tracker keeps what the next turn needs. The words themselves can be composed again.
KEPT = ("topic", "view", "status", "as_of", "nation", "language")


def kept(reply: Mapping[str, Any]) -> dict[str, Any]:
    """What the tracker keeps of a reply."""
    return {**{key: reply.get(key) for key in KEPT}, "choices": [choice["message"] for choice in reply.get("choices", ())]}


def as_utterance(replies: list[Reply]) -> dict[str, Any]:
    """Replies as one message of Rasa's: the text, and under `custom` each reply whole for the channel."""
    return {
        "text": "\n\n".join(reply.text for reply in replies),
        "custom": {"replies": [reply.for_patients() for reply in replies]},
    }


def _kept_of(event: BotUttered) -> list[dict[str, Any]]:
    custom = (event.data or {}).get("custom") or {}
    if "kept" in custom:
        return list(custom["kept"])
    return [kept(reply) for reply in custom.get("replies", ())]


def kept_replies(tracker: DialogueStateTracker) -> list[dict[str, Any]]:
    """What the tracker keeps of every reply, oldest first."""
    return [reply for event in tracker.events if isinstance(event, BotUttered) for reply in _kept_of(event)]


def transcript(tracker: DialogueStateTracker, knowledge: Knowledge) -> list[tuple[str, dict[str, Any]]]:
    """The conversation so far as the lines of a handoff: who said it ("patient" or "reply"), and what."""
    language = tracker.get_slot("language") or languages.SOURCE
    lines: list[tuple[str, dict[str, Any]]] = []
    for event in tracker.events:
        if isinstance(event, BotUttered) and event.text:
            lines.append(("reply", {"text": event.text, "kept": _kept_of(event)}))
        elif isinstance(event, UserUttered) and event.text:
            intent = event.text[1:].split("{")[0] if event.text.startswith("/") else None
            answer = knowledge.answers.get(intent) if intent else None
            if intent is None or answer:
                lines.append(("patient", {"text": (languages.translate(answer.title, language) or answer.title) if answer else event.text}))
    return lines


def context_of(tracker: DialogueStateTracker) -> Context:
    """The conversation so far, without the message that is being answered."""
    said = kept_replies(tracker)
    misunderstood = 0
    for reply in reversed(said):
        if reply["topic"] != FALLBACK:
            break
        misunderstood += 1
    # Of two answers to one message, the follow-ups belong to the last: after a danger's numbers comes what else was asked.
    last = said[-1] if said else {}
    if last.get("topic") == INFORM and last.get("status") != "choose":
        # "Thank you, I will answer for Scotland" is no answer: "and the hospital?" still follows the one before.
        last = {**last, "topic": next((reply["topic"] for reply in reversed(said) if reply["topic"] != INFORM), INFORM)}
    return Context(
        language=tracker.get_slot("language"),
        nation=tracker.get_slot("nation"),
        region=tracker.get_slot("region"),
        topic=last.get("topic"),
        view=last.get("view") or "answer",
        status=last.get("status"),
        choices=tuple(last.get("choices", ())),
        as_of=date.fromisoformat(last["as_of"]) if last.get("as_of") else None,
        misunderstood=misunderstood,
    )


def as_metadata(context: Context) -> dict[str, Any]:
    """A context as JSON's types, to travel with a message through Rasa."""
    return {
        "context": {
            "language": context.language,
            "nation": context.nation,
            "region": context.region,
            "topic": context.topic,
            "view": context.view,
            "status": context.status,
            "choices": list(context.choices),
            "as_of": context.as_of.isoformat() if context.as_of else None,
            "misunderstood": context.misunderstood,
            "on_duty": context.on_duty,
        }
    }


def context_from_metadata(metadata: Mapping[str, Any]) -> Context:
    """The context that travelled with a message; an empty one for a channel that sends none."""
    given = metadata.get("context") or {}
    return Context(
        language=languages.supported(given.get("language")),
        nation=given.get("nation"),
        region=given.get("region"),
        topic=given.get("topic"),
        view=given.get("view") or "answer",
        status=given.get("status"),
        choices=tuple(given.get("choices") or ()),
        as_of=date.fromisoformat(given["as_of"]) if given.get("as_of") else None,
        misunderstood=given.get("misunderstood") or 0,
        on_duty=given.get("on_duty"),
    )


def reading_of(tracker: DialogueStateTracker, intent: str) -> Reading:
    """The newest message as it was read, answered under an intent."""
    message = tracker.latest_message
    entities = {item.get("entity"): item.get("value") for item in (message.entities if message else ())}
    periods = json.loads(entities["periods"]) if entities.get("periods") else []
    ranking = message.parse_data.get("intent_ranking") if message and message.parse_data else []
    return Reading(
        intent=intent,
        ranking=tuple((item["name"], item["confidence"]) for item in ranking or ()),
        also=entities.get("also"),
        language=languages.supported(entities.get("language")),
        foreign=entities.get("foreign"),
        nation=entities.get("nation"),
        region=entities.get("region"),
        periods=tuple(Period(date.fromisoformat(first), date.fromisoformat(last)) for first, last in periods),
        masked=bool(message and (message.metadata or {}).get("masked")),
    )


def before_this_message(tracker: DialogueStateTracker) -> Context:
    """The context that the newest message came with, as its channel saw it; the tracker's own for other channels."""
    message = tracker.latest_message
    if message and (message.metadata or {}).get("context") is not None:
        return context_from_metadata(message.metadata)
    return context_of(tracker)
