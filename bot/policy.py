"""Rasa's seam for dialogue: its rule policy, for rules that look at one turn."""

from __future__ import annotations

import copy
import json
from collections import deque
from functools import cached_property
from typing import Any

from rasa.core.policies.rule_policy import RULES, RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.constants import ACTION_LISTEN_NAME, PREVIOUS_ACTION, USER
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class OneTurnRulePolicy(RulePolicy):  # type: ignore[misc]
    """Finds the rule for a message by its intent alone.

    What came before is the conversation's context, which `bot.reading` has read by then. Rasa's own policy goes through the
    whole conversation three times a turn: a fifth of a turn's work, and more the longer it lasts.
    """

    def train(self, training_trackers: list[DialogueStateTracker], domain: Domain, **kwargs: Any) -> Resource:
        """Learn the rules; ValueError for one that looks at more than an intent and the actions after it."""
        resource: Resource = super().train(training_trackers, domain, **kwargs)
        for key in self.lookup[RULES]:
            states = json.loads(key)
            if any(set(state) - {PREVIOUS_ACTION, USER} for state in states) or _intent(states[-1]) is None:
                raise ValueError(f"a rule looks at slots or forms, or at no intent; write one of an intent and actions: {key}")
        return resource

    def _find_action_from_rules(
        self, tracker: DialogueStateTracker, domain: Domain, use_text_for_last_user_input: bool
    ) -> tuple[str | None, str | None, bool]:
        if use_text_for_last_user_input:
            return None, None, False  # no rule is written in a person's own words
        found: tuple[str | None, str | None, bool] = super()._find_action_from_rules(_this_turn(tracker), domain, False)
        return found

    def _get_possible_keys(self, lookup: dict[str, str], states: list[dict[str, Any]]) -> set[str]:
        """The rules that fit, looked for among those of the message's intent."""
        of_intent = self._rules_of_intents.get(_intent(states[-1]), {}) if lookup is self.lookup[RULES] and states else lookup
        keys: set[str] = super()._get_possible_keys(of_intent, states)
        return keys

    @cached_property
    def _rules_of_intents(self) -> dict[str | None, dict[str, str]]:
        rules: dict[str | None, dict[str, str]] = {}
        for key, action in self.lookup[RULES].items():
            rules.setdefault(_intent(json.loads(key)[-1]), {})[key] = action
        return rules


def _intent(state: dict[str, Any]) -> str | None:
    intent: str | None = state.get(USER, {}).get("intent")
    return intent


def _this_turn(tracker: DialogueStateTracker) -> DialogueStateTracker:
    """The conversation as if it had begun with the message that is being answered."""
    events: deque[Any] = deque()
    asked = False
    for event in reversed(tracker.events):
        events.appendleft(event)
        if asked and isinstance(event, ActionExecuted) and event.action_name == ACTION_LISTEN_NAME:
            break
        asked = asked or isinstance(event, UserUttered)
    turn = copy.copy(tracker)
    turn.events = events
    return turn
