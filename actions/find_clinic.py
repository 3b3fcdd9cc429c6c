"""Where a clinic is: asks for the place, then says what is known of it."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from .say import say


class FindClinic(Action):  # type: ignore[misc]
    """Answers "where is a clinic near me" for the place that the conversation holds."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_find_clinic"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Dispatch the reply."""
        say("find_clinic", dispatcher, tracker)
        return []
