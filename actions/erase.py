"""Deletes a conversation when a person asks for it."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from .say import say


class Erase(Action):  # type: ignore[misc]
    """Says that the chat is deleted, and marks it so: the tracker store then keeps nothing of it."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_erase"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Dispatch the reply and mark the conversation."""
        say("delete_my_chat", dispatcher, tracker)
        return [SlotSet("erased", True)]
