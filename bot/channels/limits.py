"""How much one sender, and one address, may send: a moving window in memory, by the library `limits`."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_Result = TypeVar("_Result")
_MINUTE = 60  # seconds


class Limits:
    """Counts messages by sender and by address; both are pseudonyms when they come here."""

    def __init__(self, by_sender: int, by_address: int) -> None:
        self._storage = MemoryStorage()
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._swept = time.time()
        self._by = {"sender": RateLimitItemPerMinute(by_sender), "address": RateLimitItemPerMinute(by_address)}

    def wait(self, sender: str, address: str) -> int:
        """Seconds until this message may be sent: 0 now, and then it is counted."""
        self.expire()
        keys = {"sender": sender, "address": address}
        for kind, limit in self._by.items():
            if not self._limiter.test(limit, kind, keys[kind]):
                reset = self._limiter.get_window_stats(limit, kind, keys[kind]).reset_time
                return max(1, math.ceil(reset - time.time()))
        for kind, limit in self._by.items():
            self._limiter.hit(limit, kind, keys[kind])
        return 0

    def expire(self) -> None:
        """Forget who has written nothing for a minute, once a minute: the library keeps their empty keys, and looks through all of them each time."""
        now = time.time()
        if now - self._swept < _MINUTE:
            return
        self._swept = now
        for key, events in list(self._storage.events.items()):
            if not any(event.expiry > now for event in list(events)):
                self._storage.events.pop(key, None)
                self._storage.locks.pop(key, None)


class Once(Generic[_Result]):
    """Answers a message that comes again, by its id, with the answer it already got; also while the first is under way."""

    def __init__(self, most: int = 2000, seconds: float = 600, clock: Callable[[], float] = time.monotonic) -> None:
        """`most` answers are held, each for `seconds`: long enough for a phone to find its network again."""
        self._most, self._seconds, self._clock = most, seconds, clock
        self._answers: OrderedDict[tuple[str, str], tuple[float, _Result]] = OrderedDict()
        self._under_way: dict[tuple[str, str], asyncio.Task[_Result]] = {}

    async def answer(self, sender: str, message_id: str | None, make: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        """The answer to a message, made at most once for each id."""
        if message_id is None:
            return await make()
        self.expire()
        key = (sender, message_id)
        if key in self._answers:
            return self._answers[key][1]
        if key not in self._under_way:
            self._under_way[key] = asyncio.ensure_future(make())
            self._under_way[key].add_done_callback(lambda task: self._keep(key, task))
        # A person whose connection breaks takes nobody's answer away: the turn goes on, and the message sent again gets its answer.
        return await asyncio.shield(self._under_way[key])

    def _keep(self, key: tuple[str, str], task: asyncio.Task[_Result]) -> None:
        if self._under_way.get(key) is not task:
            return  # forgotten meanwhile
        del self._under_way[key]
        if task.cancelled() or task.exception():
            return
        self._answers[key] = (self._clock(), task.result())
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)

    def expire(self) -> None:
        """Drop the answers whose time is over; they stand in the order in which they came."""
        oldest = self._clock() - self._seconds
        while self._answers and next(iter(self._answers.values()))[0] <= oldest:
            self._answers.popitem(last=False)

    def forget(self, sender: str) -> None:
        """Drop every answer that a sender got or is getting."""
        for held in (self._answers, self._under_way):
            for key in [key for key in held if key[0] == sender]:
                del held[key]

    def __len__(self) -> int:
        return len(self._answers)
