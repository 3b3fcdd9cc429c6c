"""What the process counts of itself, for `/metrics` in Prometheus' text format. Nothing of any message is in it."""

from __future__ import annotations

import hmac
import ipaddress
import os
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Measures:
    """Turns by status and language, their seconds, and refusals."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._turns = Counter("confide_replies", "Replies given", ["status", "language"], registry=self._registry)
        self._seconds = Histogram(
            "confide_turn_seconds", "Seconds a turn took", buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5), registry=self._registry
        )
        self._refused = Counter("confide_refused", "Messages refused for being too many", registry=self._registry)
        self._messages = Counter("confide_messages", "Accepted messages by what became of them", ["channel", "state"], registry=self._registry)
        self._sends = Counter("confide_sends", "Messages sent, or not, by what became of them", ["channel", "state"], registry=self._registry)
        self._segments = Counter("confide_segments", "Segments that providers took", ["channel"], registry=self._registry)
        self._handoffs = Counter("confide_handoffs", "What happened to conversations with volunteers", ["event"], registry=self._registry)
        self._waiting = Gauge("confide_handoffs_waiting", "People who wait for a volunteer", registry=self._registry)
        self._on_duty = Gauge("confide_volunteers_on_duty", "Volunteers who take conversations", registry=self._registry)
        self._token = os.environ.get("CONFIDE_METRICS_TOKEN", "")

    def turn(self, status: str, language: str, seconds: float) -> None:
        """Count a reply."""
        self._turns.labels(status, language).inc()
        self._seconds.observe(seconds)

    def message(self, channel: str, state: str) -> None:
        """Count an accepted message that is done with."""
        self._messages.labels(channel, state).inc()

    def sent(self, channel: str, state: str, segments: int) -> None:
        """Count what became of a message to a person; `segments` are what a provider took."""
        self._sends.labels(channel, state).inc()
        self._segments.labels(channel).inc(segments)

    def handoff(self, event: str) -> None:
        """Count something that happened to a conversation with a volunteer."""
        self._handoffs.labels(event).inc()

    def desk(self, waiting: int, on_duty: int) -> None:
        """Note how many people wait, and how many volunteers take conversations."""
        self._waiting.set(waiting)
        self._on_duty.set(on_duty)

    def refused(self) -> None:
        """Count a message that was refused for being one too many."""
        self._refused.inc()

    def may_read(self, address: str, authorization: str | None, forwarded: bool = False) -> bool:
        """Whether a reader has the token; without one set, whether they are on this machine (`forwarded`: a proxy on it asks for another)."""
        if self._token:
            return hmac.compare_digest((authorization or "").encode(errors="replace"), f"Bearer {self._token}".encode())
        try:
            return not forwarded and ipaddress.ip_address(address).is_loopback
        except ValueError:
            return False

    def text(self) -> bytes:
        """All measures in Prometheus' text format."""
        return generate_latest(self._registry)


@lru_cache(maxsize=1)
def of_this_process() -> Measures:
    """The measures that every channel counts in, and `/metrics` shows."""
    return Measures()
