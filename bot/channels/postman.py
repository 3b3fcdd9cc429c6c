"""Answers accepted messages and sends the replies: in their order for each person, side by side for many, each at most once."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .measures import Measures
from .outbox import Accepted, Outbox, Send
from .providers import Provider, Refusal, Retry, Unknown

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 6
LONGEST_WAIT = 300.0  # seconds between two attempts, unless the provider asks for more
DAY = 24 * 3600
RECOUNT_SECONDS = 60
KEPT_FOR_DANGER = 10  # a tenth of the day's segments
ANSWERED_AT_ONCE = 2  # an answer takes the processor, and between two of them webhooks are acknowledged
_LONGEST_YIELD, _YIELD = 0.05, 0.005  # seconds that an answer lets webhooks go first, in steps
_CHANCE = secrets.SystemRandom()
Body = tuple[Mapping[str, Any], int]  # what a provider sends, and its segments


@dataclass(frozen=True)
class Answer:
    """The replies to a message; `silences`: True to be silent after them, False to speak again."""

    bodies: Sequence[Body] = ()
    silences: bool | None = None
    state: str = "answered"
    language: str | None = None  # what to speak when a silenced person comes back
    urgent: bool = False  # about a danger: what is kept of the day's segments is for it


@dataclass
class _Lane:
    """What is to be done for one person, one after the other: messages to answer, and replies to send.

    They are done side by side, so that words of danger and STOP are heard while a provider keeps refusing an earlier reply.
    """

    messages: deque[Accepted] = field(default_factory=deque)
    sends: deque[Send] = field(default_factory=deque)
    answering: asyncio.Task[None] | None = None
    sending: asyncio.Task[None] | None = None


class Postman:
    """`answer` makes the replies to a message; `busy` are the most messages on their way at once, `daily_segments` the most that a day may cost."""

    def __init__(
        self,
        outbox: Outbox,
        provider: Provider,
        answer: Callable[[Accepted], Awaitable[Answer]],
        measures: Measures,
        channel: str,
        busy: int = 16,
        daily_segments: int = 5000,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbox, self._provider, self._answer, self._measures, self._channel = outbox, provider, answer, measures, channel
        self._room = asyncio.Semaphore(busy)
        self._thinking = asyncio.Semaphore(ANSWERED_AT_ONCE)
        self._daily_segments = daily_segments
        self._wait = wait
        self._lanes: dict[str, _Lane] = {}
        self._closing = False
        self._arriving = 0
        self._spent, self._on_their_way, self._counted_at = 0, 0, -math.inf
        self._counting = asyncio.Lock()

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """While a message is being accepted: answers wait a little, for a provider gives up on a webhook, and a person does not."""
        self._arriving += 1
        try:
            yield
        finally:
            self._arriving -= 1

    @property
    def waiting(self) -> int:
        """How many messages and replies wait."""
        return sum(len(lane.messages) + len(lane.sends) for lane in self._lanes.values())

    def waiting_for(self, person: str) -> int:
        """How many messages and replies of one person wait."""
        lane = self._lanes.get(person)
        return len(lane.messages) + len(lane.sends) if lane else 0

    def add(self, job: Accepted | Send) -> None:
        """Take on an accepted message, or a reply that is due."""
        lane = self._lanes.setdefault(job.person, _Lane())
        if isinstance(job, Send):
            lane.sends.append(job)
            if not self._closing and (lane.sending is None or lane.sending.done()):
                lane.sending = asyncio.create_task(self._send_all(job.person, lane))
        else:
            lane.messages.append(job)
            if not self._closing and (lane.answering is None or lane.answering.done()):
                lane.answering = asyncio.create_task(self._answer_all(job.person, lane))

    async def close(self, seconds: float = 10) -> None:
        """End what is under way; what is left stays on disk for the next start."""
        self._closing = True
        working = [task for lane in self._lanes.values() for task in (lane.answering, lane.sending) if task]
        if working:
            _, unfinished = await asyncio.wait(working, timeout=seconds)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)

    async def _answer_all(self, person: str, lane: _Lane) -> None:
        while lane.messages and not self._closing:
            message = lane.messages.popleft()
            with self._logged():
                for send in await self._answered(message):
                    self.add(send)
        self._tidy(person, lane, lane.sending)

    async def _send_all(self, person: str, lane: _Lane) -> None:
        while lane.sends and not self._closing:
            send = lane.sends.popleft()
            with self._logged():
                await self._deliver(send)
        self._tidy(person, lane, lane.answering)

    def _tidy(self, person: str, lane: _Lane, other: asyncio.Task[None] | None) -> None:
        if not lane.messages and not lane.sends and (other is None or other.done()):
            self._lanes.pop(person, None)

    @contextmanager
    def _logged(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            logger.exception("a message on %s was not done with; it stays for the next start", self._channel)

    async def _answered(self, message: Accepted) -> list[Send]:
        async with self._thinking:
            for _ in range(round(_LONGEST_YIELD / _YIELD)):
                if not self._arriving:
                    break
                await asyncio.sleep(_YIELD)
            answer = await self._answer(message)
        if answer.silences is False:
            await self._outbox.unsilence(message.person)
        was_silent = self._outbox.is_silenced(message.person)
        if answer.silences:
            # What is still due is sent no more. On disk before the message is done with: a crash in between must not forget it.
            await self._outbox.silence(message.person, answer.language)
        # The confirmation is the last thing said, once.
        marks = {**({"urgent": True} if answer.urgent else {}), **({"last": True} if answer.silences and not was_silent else {})}
        sends = await self._outbox.answer(message, [({**body, **marks}, segments) for body, segments in answer.bodies], answer.state)
        self._measures.message(self._channel, answer.state)
        return sends

    async def _deliver(self, send: Send) -> None:
        attempts = send.attempts
        while True:
            if not send.content.get("last") and self._outbox.is_silenced(send.person):
                return await self._ended(send, "failed", "silenced")
            if self._outbox.now() > float(send.content.get("until") or math.inf):
                return await self._ended(send, "failed", "window closed")
            await self._count_the_day()
            # What is on its way counts too, or many that leave at once would pass the cap together.
            kept = 0 if send.content.get("urgent") else self._daily_segments // KEPT_FOR_DANGER
            if self._spent + self._on_their_way + send.segments > self._daily_segments - kept:
                logger.error(
                    "the day's %s segments on %s are used up; nothing is sent until older ones are a day old", self._daily_segments, self._channel
                )
                return await self._ended(send, "failed", "spend cap")
            attempts += 1
            self._on_their_way += send.segments
            try:
                # Only what is really on its way is marked so: after a crash nobody knows whether it arrived.
                async with self._room:
                    if not await self._outbox.mark(send, "sending"):
                        return None
                    provider_id = await self._provider.send(send.content, send.token)
            except Retry as error:
                if attempts >= MOST_ATTEMPTS:
                    return await self._ended(send, "failed", str(error))
                if not await self._outbox.mark(send, "due", error=str(error)):
                    return None  # it arrived after all
                await self._wait(_pause(attempts, error.after))
                if self._closing:
                    return None
            except Refusal as error:
                if error.silenced:
                    await self._outbox.silence(send.person)
                return await self._ended(send, "failed", str(error))
            except Unknown as error:
                self._spent += send.segments
                return await self._ended(send, "unknown", str(error))
            else:
                self._spent += send.segments
                await self._outbox.mark(send, "sent", provider_id)
                self._measures.sent(self._channel, "sent", send.segments)
                return None
            finally:
                self._on_their_way -= send.segments

    async def _count_the_day(self) -> None:
        """Count what the last day cost, anew each minute; in between it is added up."""
        async with self._counting:
            if self._outbox.now() - self._counted_at > RECOUNT_SECONDS:
                self._spent = await self._outbox.segments_since(self._outbox.now() - DAY)
                self._counted_at = self._outbox.now()

    async def _ended(self, send: Send, state: str, reason: str) -> None:
        await self._outbox.mark(send, state, error=reason)
        self._measures.sent(self._channel, state, 0)


def _pause(attempts: int, after: float | None) -> float:
    """Seconds until the next attempt: twice as long each time, half of it by chance so that not all come back at once; or what the provider asked."""
    pause = min(LONGEST_WAIT, 2.0**attempts) * _CHANCE.uniform(0.5, 1)
    return max(pause, after or 0)
