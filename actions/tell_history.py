"""What the rule was on a day that a person names, and what changed between two days."""

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from .say import say


class TellHistory(Action):  # type: ignore[misc]
    """Answers "what was the rule in March 2017"; without a date, the whole story."""

    def name(self) -> str:
        """The action's name in the domain."""
        return "action_tell_history"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[dict[str, Any]]:
        """Dispatch the reply."""
        say("ask_mou_history", dispatcher, tracker)
        return []
