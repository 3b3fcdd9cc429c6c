"""How long, how much and how little of a conversation is held."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, Event, SlotSet, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.conversation import context_of
from bot.tracker_store import ExpiringTrackerStore

DOMAIN = Domain.from_yaml(
    """
version: "3.1"
slots:
  language: {type: text, influence_conversation: false, mappings: [{type: custom}]}
  nation: {type: text, influence_conversation: false, mappings: [{type: custom}]}
  region: {type: text, influence_conversation: false, mappings: [{type: custom}]}
  erased: {type: bool, influence_conversation: false, mappings: [{type: custom}]}
"""
)
HOUR = 3600.0
REPLY = {
    "topic": "ask_gp_safe", "view": "answer", "status": "answered", "as_of": "2026-11-22", "nation": "england", "language": "en",
    "paragraphs": ["A long answer."], "sources": [{"title": "A page"}], "choices": [{"title": "Why?", "message": "/ask_mou_now"}],
}  # fmt: skip


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_store(clock: Clock, **limits: float) -> ExpiringTrackerStore:
    return ExpiringTrackerStore(DOMAIN, clock=clock, **limits)


async def keep(store: ExpiringTrackerStore, sender: str, *events: Event) -> None:
    earlier = await store.retrieve(sender)
    await store.save(DialogueStateTracker.from_events(sender, [*(earlier.events if earlier else ()), *events], DOMAIN.slots, domain=DOMAIN))


async def test_a_conversation_is_held_until_its_time_is_over(clock: Clock) -> None:
    store = a_store(clock, hours=24)
    await keep(store, "a", UserUttered("hello"))
    clock.now = 24 * HOUR - 1
    assert await store.retrieve("a") is not None
    clock.now = 24 * HOUR
    assert await store.retrieve("a") is None
    assert await store.keys() == []


async def test_writing_more_does_not_make_a_conversation_live_longer(clock: Clock) -> None:
    store = a_store(clock, hours=24)
    await keep(store, "a", UserUttered("hello"))
    clock.now = 23 * HOUR
    await keep(store, "a", UserUttered("and again"))
    clock.now = 24 * HOUR
    assert await store.retrieve("a") is None


async def test_the_hours_can_be_set(clock: Clock) -> None:
    store = a_store(clock, hours=0.5)
    await keep(store, "a", UserUttered("hello"))
    clock.now = HOUR / 2
    assert await store.retrieve("a") is None
    assert store.hours == 0.5


async def test_a_conversation_is_gone_when_its_time_is_over_even_if_nobody_writes(clock: Clock) -> None:
    store = a_store(clock, hours=24)
    await keep(store, "a", UserUttered("hello"))
    clock.now = 24 * HOUR
    store.expire()
    assert not store._held


async def test_a_conversation_that_begins_anew_after_its_time_knows_nothing_of_the_first(clock: Clock) -> None:
    store = a_store(clock, hours=24)
    await keep(store, "a", SlotSet("nation", "scotland"))
    clock.now = 25 * HOUR
    await keep(store, "a", UserUttered("hello"))
    tracker = await store.retrieve("a")
    assert tracker and tracker.get_slot("nation") is None
    clock.now = 48 * HOUR
    assert await store.retrieve("a") is not None


async def test_the_oldest_conversation_makes_room(clock: Clock) -> None:
    store = a_store(clock, conversations=2)
    for sender in ("a", "b", "a", "c"):
        clock.now += 1
        await keep(store, sender, UserUttered("hello"))
    assert await store.keys() == ["b", "c"]


async def test_only_the_newest_events_are_held(clock: Clock) -> None:
    store = a_store(clock, events=5)
    await keep(store, "a", *(UserUttered(f"message {number}") for number in range(20)))
    tracker = await store.retrieve("a")
    assert tracker and [event.text for event in tracker.events] == [f"message {number}" for number in range(15, 20)]


async def test_a_nation_told_at_the_start_of_a_long_conversation_stays_known(clock: Clock) -> None:
    store = a_store(clock, events=5)
    await keep(store, "a", SlotSet("nation", "england"), SlotSet("nation", "wales"), SlotSet("language", "ar"))
    for number in range(30):
        await keep(store, "a", UserUttered(f"message {number}"))
    tracker = await store.retrieve("a")
    assert tracker and (tracker.get_slot("nation"), tracker.get_slot("language")) == ("wales", "ar")
    assert len(tracker.events) <= 5 + len(DOMAIN.slots)


async def test_what_the_person_asks_to_delete_is_gone_at_once(clock: Clock) -> None:
    store = a_store(clock)
    await keep(store, "a", UserUttered("hello"))
    await keep(store, "b", UserUttered("hello"))
    assert store.erase("a")
    assert await store.keys() == ["b"]
    assert not store.erase("a")


async def test_a_conversation_marked_as_erased_is_not_kept(clock: Clock) -> None:
    store = a_store(clock)
    await keep(store, "a", UserUttered("hello"))
    await keep(store, "a", UserUttered("delete my chat"), SlotSet("erased", True))
    assert await store.keys() == []
    await keep(store, "a", UserUttered("hello again"))
    tracker = await store.retrieve("a")
    assert tracker and len(tracker.events) == 1 and not tracker.get_slot("erased")


async def test_of_a_reply_only_what_the_next_turn_needs_is_held(clock: Clock) -> None:
    store = a_store(clock)
    await keep(store, "a", BotUttered("A long answer.", {"custom": {"replies": [dict(REPLY)]}}))
    tracker = await store.retrieve("a")
    assert tracker
    (event,) = tracker.events
    assert set(event.data["custom"]) == {"kept"}
    assert "sources" not in str(event.data)
    context = context_of(tracker)
    assert (context.topic, context.status, context.choices) == ("ask_gp_safe", "answered", ("/ask_mou_now",))


async def test_the_stores_copy_does_not_grow_with_the_trackers(clock: Clock) -> None:
    store = a_store(clock)
    tracker = DialogueStateTracker.from_events("a", [UserUttered("hello")], DOMAIN.slots, domain=DOMAIN)
    await store.save(tracker)
    tracker.update(UserUttered("never saved"))
    held = await store.retrieve("a")
    assert held and len(held.events) == 1
