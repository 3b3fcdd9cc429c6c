"""What every scripted action does: read the tracker, call the core, dispatch the reply."""

from rasa.shared.core.trackers import DialogueStateTracker
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from bot.nlg import utterance


def say(intent: str, dispatcher: CollectingDispatcher, tracker: Tracker) -> None:
    """Dispatch the reply to the newest message under an intent."""
    conversation = DialogueStateTracker.from_dict(tracker.sender_id, tracker.events)
    message = utterance(intent, conversation)
    dispatcher.utter_message(text=message["text"], json_message=message["custom"])
