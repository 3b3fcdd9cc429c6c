"""Which volunteers are there: who has a page of the desk open, and who takes conversations."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

BETWEEN_PAGES = 5  # seconds that a browser takes at most from one page of the desk to another
GRACE = 20  # seconds that a volunteer's page may be out of reach before they count as gone: a phone changes its network in less


class Bell:
    """Wakes who waits for news."""

    def __init__(self) -> None:
        self._rung: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake everybody who waits now."""
        if self._rung and not self._rung.done():
            self._rung.set_result(None)
        self._rung = None

    async def wait(self, seconds: float) -> None:
        """Wait for the next ring, at most some seconds."""
        if self._rung is None:
            self._rung = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._rung], timeout=seconds)


class Presence:
    """The volunteers of one process. What changes is rung with `bell`."""

    def __init__(self, clock: Callable[[], float], bell: Bell) -> None:
        self._clock, self._bell = clock, bell
        self._pages: dict[str, int] = {}
        self._duty: set[str] = set()
        self._away_since: dict[str, float] = {}
        self._nobody_since: float | None = None

    @contextmanager
    def present(self, volunteer: str, on_duty: bool = False) -> Iterator[None]:
        """While a page of a volunteer's is connected; `on_duty` where that page says that they take conversations, as after a restart."""
        self._pages[volunteer] = self._pages.get(volunteer, 0) + 1
        self._away_since.pop(volunteer, None)
        if on_duty:
            self._duty.add(volunteer)
        self._bell.ring()
        try:
            yield
        finally:
            self._pages[volunteer] -= 1
            if not self._pages[volunteer]:
                del self._pages[volunteer]
                self._away_since[volunteer] = self._clock()
            self._bell.ring()

    def expect(self, volunteer: str) -> None:
        """A volunteer was there before a restart: their page has a moment to come back."""
        self._away_since[volunteer] = self._clock()

    def set_duty(self, volunteer: str, on_duty: bool) -> None:
        """A volunteer begins or stops taking conversations."""
        (self._duty.add if on_duty else self._duty.discard)(volunteer)
        self._bell.ring()

    def on_duty(self) -> list[str]:
        """Who takes conversations now: who said so and has a page open, or is on the way from one to another."""
        now = self._clock()
        return sorted(name for name in self._duty if name in self._pages or now - self._away_since.get(name, 0) <= BETWEEN_PAGES)

    def is_gone(self, volunteer: str | None) -> bool:
        """Whether a volunteer's page has been out of reach for too long."""
        now = self._clock()
        return now - self._away_since.get(volunteer or "", now) > GRACE

    def nobody_for(self) -> float:
        """Seconds since nobody is on duty any more, as far as this was asked before; who is gone is not on duty when they come back."""
        now = self._clock()
        self._duty = {name for name in self._duty if not self.is_gone(name)}
        if self.on_duty():
            self._nobody_since = None
        elif self._nobody_since is None:
            self._nobody_since = now
        return 0 if self._nobody_since is None else now - self._nobody_since
