"""A turn of a conversation, whatever channel its message came by: what is stored, what is answered, and what is said when something breaks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from weakref import WeakValueDictionary

from rasa.core.channels.channel import OutputChannel, UserMessage
from rasa.shared.core.events import UserUttered
from sanic import Sanic

from .. import house, languages, places, reading
from ..conversation import as_metadata, context_of
from ..dialogue import Context, failed
from ..embeddings import prepare
from ..mind import Mind
from ..nlu import Reader
from ..privacy import mask
from ..switches import heeded
from ..tracker_store import ExpiringTrackerStore
from .measures import Measures
from .volunteers import Volunteers

logger = logging.getLogger(__name__)

Replies = list[dict[str, Any]]
Handle = Callable[[UserMessage], Awaitable[None]]


class Collected(OutputChannel):  # type: ignore[misc]
    """Collects what Rasa sends, reply by reply."""

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self.replies: Replies = []

    def name(self) -> str:
        """The channel's name in Rasa."""
        return self._channel

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Take one message of Rasa's: the replies it carries, or its bare text."""
        replies = (message.get("custom") or {}).get("replies")
        self.replies += list(replies) if replies else [{"text": message.get("text") or ""}]


class Turns:
    """The turns of a channel's conversations. `person` is a pseudonym everywhere."""

    def __init__(self, channel: str, handle: Handle, store: ExpiringTrackerStore, mind: Mind, measures: Measures, desk: SimpleNamespace) -> None:
        """`desk.handoffs` are the conversations with volunteers, `desk.switches` what is switched off; None while there is no desk."""
        self._channel = channel
        self._desk = desk
        self._handle = handle
        self.store = store
        self._mind = mind
        self._measures = measures
        self._volunteers = Volunteers(channel, store, mind, desk)
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    def of(cls, channel: str, handle: Handle, app: Sanic, measures: Measures) -> Turns:
        """The turns of a channel of a server that is connected (bot/channels/start.py)."""
        agent = app.ctx.agent
        return cls(channel, handle, agent.tracker_store, agent.processor.graph_runner.component(Reader).mind, measures, app.ctx)

    async def answer(
        self, person: str, message: str, language: str | None, address: Mapping[str, Any] | None = None, key: str | None = None
    ) -> Replies:
        """The replies to a message, each with its `text`; none while a volunteer answers. Whatever breaks, the person gets a number to call.

        `language` is what the channel knows of it (the page's own); the conversation's, once it has one, is what was last spoken.
        `address` is what the channel needs to write to the person by itself; `key` is the message's own, the same when it comes again.
        """
        began = time.perf_counter()
        collected = Collected(self._channel)
        try:
            async with self._turn_of(person):
                context = await self.context(person, language)
                aside = await self._volunteers.answer(person, message, context, address or {}, key)
                if aside is not None:
                    return aside
                text, metadata = prepared(message, context)
                if earlier := await self._asked_before_picking(person, text, context):
                    text, metadata = earlier
                if not text.startswith("/"):
                    await prepare(reading.to_embed(text, context, self._mind))
                await self._handle(UserMessage(text, collected, person, input_channel=self._channel, metadata=metadata))
            if not collected.replies:
                raise RuntimeError("the turn ended without a reply")
            replies = [_with_text(reply) for reply in collected.replies]
            if switches := self._desk.switches:
                replies = heeded(switches, self._mind.knowledge, self._channel, replies, house.today())
            if any(reply.get("topic") == "delete_my_chat" for reply in replies):
                await self._volunteers.forget(person)
            else:
                await self._volunteers.tell(person, text, replies, key, address)
        except Exception:
            logger.exception("a turn failed for %s", person[:8])
            replies = [_with_text(failed(house.knowledge(), language, house.today()).for_patients())]
        for reply in replies:
            self._measures.turn(reply.get("status") or "answered", reply.get("language") or "", time.perf_counter() - began)
        return replies

    async def context(self, person: str, language: str | None) -> Context:
        """The conversation so far."""
        tracker = await self.store.retrieve(person)
        context = context_of(tracker) if tracker else Context()
        return replace(context, language=language or context.language, on_duty=self._volunteers.on_duty)

    def is_held(self, person: str) -> bool:
        """Whether a volunteer holds the conversation."""
        return self._volunteers.is_held(person)

    async def show_volunteer(self, person: str, text: str) -> None:
        """Show a volunteer who holds the conversation something that is no message to answer."""
        await self._volunteers.show(person, text)

    async def _asked_before_picking(self, person: str, text: str, context: Context) -> tuple[str, dict[str, Any]] | None:
        """The question that a person wrote before they were asked for their language, when `text` picks it: that is what they wait for."""
        given = reading.command(text)
        picked = languages.supported(given[1].get("language")) if given and given[0] == "change_language" else None
        if not picked or context.language:
            return None
        tracker = await self.store.retrieve(person)
        said = [event.text for event in tracker.events if isinstance(event, UserUttered) and event.text] if tracker else []
        asked = next((earlier for earlier in reversed(said) if not earlier.startswith("/")), None)
        if not asked:
            return None
        settled = replace(context, language=picked, choices=())
        read = reading.read(asked, settled, self._mind, house.today())
        answer = self._mind.knowledge.answers.get(read.intent)
        if answer is None or answer.group == "bot" or read.language != picked or read.foreign:
            return None
        return asked, as_metadata(settled)

    async def erase(self, person: str) -> None:
        """Forget a conversation. A turn under way would save it again, so it ends first."""
        async with self._turn_of(person):
            self.store.erase(person)
            await self._volunteers.forget(person)

    def _turn_of(self, person: str) -> asyncio.Lock:
        """One turn of a conversation at a time: a message is read in the light of the answer before it. Rasa's own lock waits a whole second."""
        lock = self._under_way.get(person) or asyncio.Lock()
        self._under_way[person] = lock
        return lock


def prepared(message: str, context: Context) -> tuple[str, dict[str, Any]]:
    """The message as it may be stored, and what must be known of it: identifiers masked, the place kept only as nation and region."""
    metadata = as_metadata(context)
    picked = reading.chosen(message, context) or message
    given = reading.command(picked)
    if given:
        return reading.expanded(given, context, house.knowledge()) or mask(message.lstrip("/")).text, metadata
    place = places.find(message, house.knowledge(), asked=context.topic == "find_clinic")
    masked = mask(message)
    metadata["masked"] = bool(masked.kinds)
    if place and masked.text != message:
        metadata["place"] = {"nation": place.nation, "london": place.london}
    return masked.text, metadata


def _with_text(reply: dict[str, Any]) -> dict[str, Any]:
    if "paragraphs" not in reply:
        return reply
    contacts = [" ".join([contact["line"], *contact["details"]]) for contact in reply.get("people", ())]
    return {**reply, "text": "\n\n".join([*reply["paragraphs"], *reply.get("notes", ()), *contacts])}
