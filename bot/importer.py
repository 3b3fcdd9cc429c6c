"""Rasa's seam for training data: intents, responses, actions and rules are derived from `data/`, never written twice."""

from __future__ import annotations

from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from .dialogue import FALLBACK, INFORM
from .examples import read_examples
from .house import DATA, knowledge
from .understanding import FOLLOW_UP

FOLLOW_UPS = tuple(f"{FOLLOW_UP}{what}" for what in ("why", "when", "sure", "hospital", "gp", "who", "more"))


class _Example(Message):  # type: ignore[misc]
    """An example, which nothing changes: so it need not be copied each of the times that Rasa copies all of them."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Example:
        return self


class KnowledgeImporter(RasaFileImporter):  # type: ignore[misc]
    """Adds to the project's own files what follows from the answers: one intent, one response and one rule a topic."""

    def get_domain(self) -> Domain:
        """The project's domain with the derived intents, responses and actions."""
        return super().get_domain().merge(Domain.from_dict(derived_domain()))

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        """The project's stories and rules, and one derived rule an intent."""
        reader = YAMLStoryReader(self.get_domain())
        rules = [{"rule": intent, "steps": [{"intent": intent}, {"action": action}]} for intent, action in actions_of_intents().items()]
        derived = StoryGraph(reader.read_from_parsed_yaml({"version": "3.1", "rules": rules}))
        return super().get_stories(exclusion_percentage).merge(derived)

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:
        """Every example of `data/nlu`, with its language as metadata."""
        examples = read_examples(DATA / "nlu", knowledge().topics)
        return TrainingData(
            [_Example.build(text=example.text, intent=example.topic, example_metadata={"language": example.language}) for example in examples]
        )


def actions_of_intents() -> dict[str, str]:
    """What each intent leads to: a scripted action where the answer names one, else its response."""
    answers = knowledge().answers
    actions = {topic: answers[topic].action or f"utter_{topic}" for topic in knowledge().topics}
    actions.update({intent: f"utter_{intent}" for intent in (*FOLLOW_UPS, INFORM, FALLBACK)})
    return actions


def derived_domain() -> dict[str, Any]:
    """The domain that follows from the answers, in the domain file's own form."""
    actions = actions_of_intents()
    return {
        "version": "3.1",
        "intents": list(actions),
        "actions": sorted({action for action in actions.values() if not action.startswith("utter_")}),
        # The words come from bot.nlg; Rasa wants to know the responses by name.
        "responses": {f"utter_{intent}": [{"text": intent}] for intent in actions},
    }
