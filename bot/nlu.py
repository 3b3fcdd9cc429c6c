"""Rasa's seam for understanding: one graph component that reads a message in its conversation."""

from __future__ import annotations

import json
from typing import Any

import joblib
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from . import house
from .conversation import context_from_metadata
from .embeddings import embed
from .mind import MIND_FILE, Mind, learn
from .places import Place
from .reading import read


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class Reader(GraphComponent, IntentClassifier):  # type: ignore[misc]
    """Gives each message its intent, its ranking and its entities (language, nation, region, dates, a second question)."""

    def __init__(self, mind: Mind | None, storage: ModelStorage, resource: Resource) -> None:
        self._mind = mind
        self._storage = storage
        self._resource = resource

    @classmethod
    def create(cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext) -> Reader:
        """A reader that has not learnt yet."""
        return cls(None, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the topics and the languages, and keep what was learnt in the model."""
        examples = training_data.intent_examples
        languages = [example.get("metadata")["example"]["language"] for example in examples]
        self._mind = learn([example.get("text") for example in examples], [example.get("intent") for example in examples], languages)
        with self._storage.write_to(self._resource) as folder:
            joblib.dump((self._mind.topics, self._mind.identifier), folder / MIND_FILE, compress=3)
        return self._resource

    @classmethod
    def load(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any
    ) -> Reader:
        """The reader as it was trained. The knowledge is read anew: an answer changes without training."""
        with model_storage.read_from(resource) as folder:
            topics, identifier = joblib.load(folder / MIND_FILE)
        embed(["ready"])
        return cls(Mind(topics, identifier, house.knowledge()), model_storage, resource)

    @property
    def mind(self) -> Mind:
        """What messages are read with; only a trained reader has it."""
        assert self._mind is not None
        return self._mind

    def process(self, messages: list[Message]) -> list[Message]:
        """Read each message; its metadata carries the conversation's context."""
        for message in messages:
            metadata = message.get("metadata") or {}
            place = Place(metadata["place"]["nation"], metadata["place"]["london"], ("postcode",)) if metadata.get("place") else None
            reading = read(message.get("text") or "", context_from_metadata(metadata), self.mind, house.today(), place)
            ranking = [{"name": name, "confidence": probability} for name, probability in reading.ranking]
            message.set("intent", {"name": reading.intent, "confidence": reading.confidence}, add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
            entities = {
                "language": reading.language,
                "nation": reading.nation,
                "region": reading.region,
                "foreign": reading.foreign,
                "also": reading.also,
                "periods": json.dumps([[str(period.first), str(period.last)] for period in reading.periods]) if reading.periods else None,
            }
            found = [{"entity": name, "value": value, "start": 0, "end": 0} for name, value in entities.items() if value is not None]
            message.set("entities", found, add_to_output=True)
        return messages
