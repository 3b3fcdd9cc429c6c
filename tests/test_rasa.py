"""What of Rasa's is done in our own way: without TensorFlow, its rules for one turn, its check of a scripted action's result."""

from __future__ import annotations

import importlib
import subprocess
import sys

import jsonschema
import pytest
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot import house
from bot.local_actions import _VALIDATOR, LocalActions
from bot.policy import _this_turn

SERVES_WITHOUT = """
import sys
from bot.without_tensorflow import import_rasa_without_tensorflow
import_rasa_without_tensorflow()
import_rasa_without_tensorflow()
import rasa.core.run
from rasa.engine.recipes.default_components import DEFAULT_COMPONENTS
import tensorflow
try:
    tensorflow.constant(1)
except RuntimeError as error:
    print(error)
print(len([finder for finder in sys.meta_path if type(finder).__module__ == "bot.without_tensorflow"]))
"""


def test_rasa_is_imported_without_tensorflow_and_what_needs_it_says_so() -> None:
    code = [sys.executable, "-W", "ignore", "-c", SERVES_WITHOUT]
    done = subprocess.run(code, cwd=house.ROOT, capture_output=True, text=True, timeout=60, check=True)
    said, finders = done.stdout.strip().splitlines()
    assert "without TensorFlow" in said
    assert finders == "1"


def test_a_module_that_tensorflow_does_not_stand_for_is_still_missed() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("tensorflowish")


def turns(number: int) -> list[Event]:
    events: list[Event] = []
    for turn in range(number):
        events += [ActionExecuted("action_listen"), UserUttered(f"message {turn}", {"name": "greet"}), SlotSet("nation", "wales")]
        events.append(ActionExecuted("utter_greet"))
    return events


@pytest.mark.parametrize("events", [[], turns(1), turns(3), turns(3)[:-1]])
def test_a_rule_is_looked_up_with_the_events_of_one_turn(events: list[Event]) -> None:
    tracker = DialogueStateTracker("somebody", [])
    tracker.update_with_events(events, Domain.empty())
    turn = _this_turn(tracker)
    messages = [event.text for event in turn.events if isinstance(event, UserUttered)]
    assert messages == [event.text for event in events if isinstance(event, UserUttered)][-1:]
    assert sum(isinstance(event, ActionExecuted) and event.action_name == "action_listen" for event in turn.events) == len(messages)
    assert list(tracker.events) == events, "the conversation itself is as it was"


def test_a_scripted_action_that_gives_nonsense_is_refused_and_rasas_schema_is_not_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    LocalActions()
    action = RemoteAction("action_timeline", None)
    monkeypatch.setattr(type(_VALIDATOR), "check_schema", lambda *_: pytest.fail("the schema was checked again"))
    assert action._validate_action_result({"events": [], "responses": [{}]})
    with pytest.raises(jsonschema.ValidationError):
        action._validate_action_result({"events": "none"})
