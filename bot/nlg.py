"""Rasa's seam for answers: every `utter_<topic>` is composed here, in process, from the knowledge."""

from __future__ import annotations

import logging
from typing import Any

from rasa.core.nlg import NaturalLanguageGenerator
from rasa.shared.core.trackers import DialogueStateTracker

from . import house
from .conversation import as_utterance, before_this_message, reading_of
from .dialogue import failed, respond

logger = logging.getLogger(__name__)


def utterance(intent: str, tracker: DialogueStateTracker) -> dict[str, Any]:
    """What is said to the newest message under an intent; if anything breaks, that it did and a number to call."""
    try:
        return as_utterance(respond(house.knowledge(), reading_of(tracker, intent), before_this_message(tracker), house.today()))
    except Exception:
        logger.exception("no reply could be composed for %s", intent)
        return as_utterance([failed(house.knowledge(), tracker.get_slot("language"), house.today())])


class KnowledgeNLG(NaturalLanguageGenerator):  # type: ignore[misc]
    """Composes the response to an `utter_<topic>` action."""

    def __init__(self, endpoint_config: Any = None, domain: Any = None) -> None:
        house.knowledge()

    async def generate(self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any) -> dict[str, Any]:
        """The reply as Rasa's message: text, and the whole reply under `custom`."""
        return utterance(utter_action.removeprefix("utter_"), tracker)
