"""Where a person and a volunteer meet, on every channel: the wish for one, the silence of the assistant, what the volunteer gets to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from rasa.shared.core.events import BotUttered

from .. import handoff, house, languages, reading
from ..conversation import kept, kept_replies, transcript
from ..dialogue import Context
from ..handoffs import Handoffs
from ..mind import Mind
from ..privacy import mask
from ..text import words
from ..tracker_store import ExpiringTrackerStore

_PLAIN_ANSWER = 2  # words of a yes or a no that is nothing else
TWICE = 5  # seconds in which a figure that comes again is the same one


class Volunteers:
    """The handoffs of one channel. `desk.handoffs` holds those of all, None while there is no desk."""

    def __init__(self, channel: str, store: ExpiringTrackerStore, mind: Mind, desk: SimpleNamespace) -> None:
        self._channel, self._store, self._mind, self._desk = channel, store, mind, desk

    @property
    def _handoffs(self) -> Handoffs | None:
        return self._desk.handoffs  # type: ignore[no-any-return]

    @property
    def on_duty(self) -> bool | None:
        """Whether a volunteer takes conversations now; None where there is no desk."""
        return bool(self._handoffs.presence.on_duty()) if self._handoffs else None

    def is_held(self, person: str) -> bool:
        """Whether a volunteer holds the conversation."""
        held = self._handoffs.of(person) if self._handoffs else None
        return held is not None and held.state == "held"

    async def show(self, person: str, text: str) -> None:
        """Show a volunteer who holds the conversation something."""
        if self._handoffs and (held := self._handoffs.of(person)) and held.state == "held":
            await self._handoffs.said(held, text, None, only_held=True)

    async def forget(self, person: str) -> None:
        """The person deletes their conversation: the volunteer's part goes too."""
        if self._handoffs and (open_one := self._handoffs.of(person)):
            await self._handoffs.end(open_one.id, None, None)

    async def answer(self, person: str, message: str, context: Context, address: Mapping[str, Any], key: str | None) -> list[dict[str, Any]] | None:
        """What is answered to a wish for a volunteer, or while one holds the conversation; None for what the assistant answers."""
        handoffs, knowledge = self._handoffs, self._mind.knowledge
        held = handoffs.of(person) if handoffs else None
        silent = held is not None and held.state == "held"
        # A figure written to a volunteer is a figure: "2" may be how many children somebody has.
        given = reading.command(message if silent else reading.chosen(message, context) or message)
        if not given and not silent and any(choice.startswith(f"/{handoff.SHARE}") for choice in context.choices):
            read = reading.read(message, context, self._mind, house.today())
            # Nobody shares what they said by a sentence that may mean something else.
            sure = read.intent if len(words(message)) <= _PLAIN_ANSWER and read.confidence >= self._mind.topics.answer_from else ""
            given = handoff.answered(knowledge, message, context.language or languages.SOURCE, sure)
        if given and given[0] in handoff.COMMANDS and (not silent or given[0] == handoff.CANCEL):
            if given[0] == handoff.CANCEL and held and not message.startswith("/") and handoffs and handoffs.now() - held.asked_at < TWICE:
                given = (handoff.SHARE, {})  # "1" for yes, sent twice, is no second thought
            return [await self._asked(person, given, context, address)]
        if handoffs is None or held is None or not silent:
            return None
        said = self._words_of(given, held.language) if given else mask(message).text
        read = reading.read(said, replace(context, language=held.language), self._mind, house.today())
        if read.intent == "delete_my_chat":
            return None
        danger = next((topic for topic in (read.intent, read.also) if topic in knowledge.critical), None)
        return [] if await handoffs.said(held, said, danger, only_held=True, key=key, address=address, language=context.language) else None

    async def _asked(self, person: str, given: tuple[str, Mapping[str, Any]], context: Context, address: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to a command of bot/handoff.py. It goes into the tracker, so that a number can pick one of its choices."""
        handoffs, knowledge, today = self._handoffs, self._mind.knowledge, house.today()
        language = context.language or languages.SOURCE
        ticket = None
        waits = handoffs.of(person) if handoffs else None
        if waits and given[0] != handoff.CANCEL:
            reply = handoff.notice(knowledge, "handoff_waiting", language, today)
        elif given[0] == handoff.CANCEL:
            if handoffs and waits:
                await handoffs.end(waits.id, None, None)
            reply = handoff.notice(knowledge, "handoff_cancelled", language, today)
        elif handoffs is None or not handoffs.presence.on_duty():
            reply = handoff.notice(knowledge, "handoff_nobody", language, today)
        elif given[0] == handoff.OFFER:
            reply = handoff.asked(knowledge, language, today)
        else:
            tracker = await self._store.get_or_create_tracker(person)
            before = transcript(tracker, knowledge) if given[1].get("share") is True else None
            topics = [reply["topic"] for reply in kept_replies(tracker) if reply["topic"] in knowledge.topics]
            danger = any(topic in knowledge.critical for topic in topics)
            spoken_of = [topic for topic in topics if topic != "talk_to_person" and knowledge.answers[topic].group != "bot"]
            # Who does not share the conversation does not share its topic either.
            topic = spoken_of[-1] if spoken_of and before is not None else ""
            _, ticket = await handoffs.ask(self._channel, person, language, topic, danger, before, address)
            reply = handoff.notice(knowledge, "handoff_waiting", language, today)
        told = reply.for_patients()
        tracker = await self._store.get_or_create_tracker(person)
        tracker.update(BotUttered(reply.text, {"custom": {"replies": [told]}}))
        await self._store.save(tracker)
        return {**told, "text": reply.text, **({"ticket": ticket} if ticket else {})}

    def _words_of(self, given: tuple[str, Mapping[str, Any]], language: str) -> str:
        """What stands on the button that sends a command."""
        knowledge = self._mind.knowledge
        nation = f"nation_{given[1].get('nation')}"
        if answer := knowledge.answers.get(given[0]):
            return languages.translate(answer.title, language) or answer.title
        if nation in knowledge.messages:
            return languages.translate(knowledge.messages[nation], language) or knowledge.messages[nation]
        return handoff.button(knowledge, given, language) or "…"

    async def tell(
        self, person: str, text: str, replies: Sequence[Mapping[str, Any]], key: str | None, address: Mapping[str, Any] | None = None
    ) -> None:
        """Keep a turn of a person who waits: the volunteer sees what was said since they asked for one."""
        handoffs = self._handoffs
        waiting = handoffs.of(person) if handoffs else None
        if handoffs is None or waiting is None:
            return
        given = reading.command(text)
        said = self._words_of(given, waiting.language) if given else text
        topics = (reply.get("topic") for reply in replies)
        danger = next((topic for topic in topics if topic in self._mind.knowledge.critical), None)
        language = next((str(reply["language"]) for reply in replies if reply.get("language")), None)
        await handoffs.said(waiting, said, danger, key=key, address=address, language=language)
        await handoffs.replied(waiting, [{"text": reply["text"], "kept": [kept(reply)]} for reply in replies])
