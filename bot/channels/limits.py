"""How much one sender, and one address, may send: a moving window in memory, by the library `limits`."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_Result = TypeVar("_Result")


class Limits:
    """Counts messages by sender and by address; both are pseudonyms when they come here."""

    def __init__(self, by_sender: int, by_address: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._by = {"sender": RateLimitItemPerMinute(by_sender), "address": RateLimitItemPerMinute(by_address)}

    def wait(self, sender: str, address: str) -> int:
        """Seconds until this message may be sent: 0 now, and then it is counted."""
        keys = {"sender": sender, "address": address}
        for kind, limit in self._by.items():
            if not self._limiter.test(limit, kind, keys[kind]):
                reset = self._limiter.get_window_stats(limit, kind, keys[kind]).reset_time
                return max(1, math.ceil(reset - time.time()))
        for kind, limit in self._by.items():
            self._limiter.hit(limit, kind, keys[kind])
        return 0


class Once(Generic[_Result]):
    """Answers a message that comes again, by its id, with the answer it already got; also while the first is under way."""

    def __init__(self, most: int = 2000) -> None:
        self._most = most
        self._answers: OrderedDict[tuple[str, str], _Result] = OrderedDict()
        self._under_way: dict[tuple[str, str], Awaitable[_Result]] = {}

    async def answer(self, sender: str, message_id: str | None, make: Callable[[], Awaitable[_Result]]) -> _Result:
        """The answer to a message, made at most once for each id."""
        import asyncio

        if message_id is None:
            return await make()
        key = (sender, message_id)
        if key in self._answers:
            return self._answers[key]
        if key not in self._under_way:
            self._under_way[key] = asyncio.ensure_future(make())
        try:
            result = await asyncio.shield(asyncio.ensure_future(self._under_way[key]))
            self._answers[key] = result
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
            return result
        finally:
            self._under_way.pop(key, None)

    def forget(self, sender: str) -> None:
        """Drop every answer that a sender got."""
        for key in [key for key in self._answers if key[0] == sender]:
            del self._answers[key]
