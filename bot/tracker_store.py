"""Rasa's seam for conversations: in memory only, for a limited time, a limited number, of limited length, and gone at once when asked."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, Event, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from .conversation import kept


class ExpiringTrackerStore(TrackerStore):  # type: ignore[misc]
    """Holds each conversation's newest events. The oldest conversation makes room for a new one."""

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: Any = None,
        hours: float = 24,
        conversations: int = 5000,
        events: int = 200,
        clock: Callable[[], float] = time.monotonic,
        **kwargs: Any,
    ) -> None:
        """`hours` since a conversation began until it is gone; `conversations` and `events` are the most that are held."""
        super().__init__(domain, event_broker)
        self.domain = domain or Domain.empty()
        self.hours = float(hours)
        self._seconds = self.hours * 3600
        self._conversations = int(conversations)
        self._events = int(events)
        self._clock = clock
        self._held: OrderedDict[str, tuple[float, list[Event]]] = OrderedDict()

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep the conversation, or nothing of it once its person has asked for that."""
        if tracker.get_slot("erased"):
            self.erase(tracker.sender_id)
            return
        began = self._held[tracker.sender_id][0] if tracker.sender_id in self._held else self._clock()
        events = _newest(list(tracker.events), self._events)
        for event in events:
            _lighten(event)
        self._held[tracker.sender_id] = (began, events)
        self.expire()
        while len(self._held) > self._conversations:
            self._held.popitem(last=False)

    async def retrieve(self, sender_id: str) -> DialogueStateTracker | None:
        """The conversation, if it is still held."""
        self.expire()
        if sender_id not in self._held:
            return None
        return DialogueStateTracker.from_events(sender_id, self._held[sender_id][1], self.domain.slots, domain=self.domain)

    async def keys(self) -> list[str]:
        """The conversations held, oldest first."""
        self.expire()
        return list(self._held)

    def erase(self, sender_id: str) -> bool:
        """Forget a conversation at once; whether there was one."""
        return self._held.pop(sender_id, None) is not None

    def expire(self) -> None:
        """Forget the conversations whose time is over; the web channel also asks for it when nobody writes."""
        # Conversations stand in the order in which they began, so the expired ones come first.
        oldest = self._clock() - self._seconds
        while self._held and next(iter(self._held.values()))[0] <= oldest:
            self._held.popitem(last=False)


def _newest(events: list[Event], most: int) -> list[Event]:
    """The newest events, and before them the last value of every slot that was set earlier: a nation told at the start stays known."""
    if len(events) <= most:
        return events
    recent = events[-most:]
    slots = {event.key: event for event in events[:-most] if isinstance(event, SlotSet)}
    return [*slots.values(), *recent]


def _lighten(event: Event) -> None:
    """Drop a reply's words from what is held: what the next turn needs is little, and the rest can be composed again."""
    if isinstance(event, BotUttered) and "replies" in ((event.data or {}).get("custom") or {}):
        event.data["custom"] = {"kept": [kept(reply) for reply in event.data["custom"]["replies"]]}
