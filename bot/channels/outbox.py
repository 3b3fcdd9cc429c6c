"""Messages that were accepted and replies that are due, on disk until they are done with: a crash loses nothing and doubles nothing.

One SQLite file for one process. Words and numbers lie in it encrypted, and only while a reply is due; what stays is states and keyed hashes.
A send that a crash cut off has the state `unknown`: the provider may have taken it, so it is not sent again; its status report settles it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..storage import Storage

SEEN_FOR = 48 * 3600  # seconds that a provider's message id is remembered
_TABLES = """
CREATE TABLE IF NOT EXISTS accepted (
    id INTEGER PRIMARY KEY, channel TEXT NOT NULL, message TEXT NOT NULL, person TEXT NOT NULL, at REAL NOT NULL,
    state TEXT NOT NULL, sealed BLOB, UNIQUE (channel, message));
CREATE TABLE IF NOT EXISTS sends (
    id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, accepted INTEGER NOT NULL, channel TEXT NOT NULL, person TEXT NOT NULL,
    at REAL NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, segments INTEGER NOT NULL, provider TEXT, error TEXT, sealed BLOB);
CREATE INDEX IF NOT EXISTS sends_by_provider ON sends (provider);
CREATE TABLE IF NOT EXISTS silenced (person TEXT PRIMARY KEY, at REAL NOT NULL, language TEXT);
"""
# A status report may come late or out of order: a state gives way only to one that knows more.
RANK = {"due": 0, "sending": 1, "unknown": 2, "queued": 3, "sent": 4, "failed": 5, "undelivered": 5, "delivered": 6}


@dataclass(frozen=True)
class Accepted:
    """A message that was accepted: `content` is what the channel needs to answer it."""

    id: int
    channel: str
    person: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Send:
    """One message to be sent: `token` is ours and travels with it, so that its status report finds it."""

    id: int
    token: str
    channel: str
    person: str
    segments: int
    attempts: int
    content: Mapping[str, Any]


class Outbox(Storage):
    """Keeps accepted messages and replies due."""

    def __init__(self, path: Path, key: bytes, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path, key, _TABLES, clock, alone=True)
        if "language" not in [column[1] for column in self.base.execute("PRAGMA table_info(silenced)")]:  # of an earlier version
            self.base.execute("ALTER TABLE silenced ADD COLUMN language TEXT")
        self._silenced: dict[str, str | None] = dict(self.base.execute("SELECT person, language FROM silenced").fetchall())

    async def accept(self, channel: str, message: str, person: str, content: Mapping[str, Any]) -> int | None:
        """Keep a message, once; its number here, or None when it was accepted before. It is on disk when this returns."""
        row = (channel, self.hidden(message), person, self._clock(), self.seal(content))
        query = "INSERT OR IGNORE INTO accepted (channel, message, person, at, state, sealed) VALUES (?, ?, ?, ?, 'waiting', ?)"

        def write() -> int | None:
            done = self.base.execute(query, row)
            return done.lastrowid if done.rowcount else None

        return await self.run(write)

    async def answer(self, accepted: Accepted, bodies: Sequence[tuple[Mapping[str, Any], int]], state: str = "answered") -> list[Send]:
        """Put the replies to a message (each with its segments) in place of the message, at one go."""
        rows = [
            (secrets.token_urlsafe(9), accepted.id, accepted.channel, accepted.person, self._clock(), size, self.seal(body)) for body, size in bodies
        ]

        def write() -> list[Send]:
            sends: list[Send] = []
            done = self.base.execute("UPDATE accepted SET state = ?, sealed = NULL WHERE id = ? AND state = 'waiting'", (state, accepted.id))
            if not done.rowcount:
                return sends
            for row, (body, size) in zip(rows, bodies):
                number = self.base.execute(
                    "INSERT INTO sends (token, accepted, channel, person, at, state, segments, sealed) VALUES (?, ?, ?, ?, ?, 'due', ?, ?)", row
                ).lastrowid
                assert number is not None
                sends.append(Send(number, row[0], accepted.channel, accepted.person, size, 0, body))
            return sends

        return await self.run(write)

    async def mark(self, send: Send, state: str, provider: str | None = None, error: str | None = None) -> bool:
        """Note what became of a send; False when its status report came first and knows more. Its words go once it needs no further attempt."""

        provider = self.hidden(provider)
        known = """UPDATE sends SET provider = COALESCE(:provider, provider) WHERE id = :id"""
        query = """UPDATE sends SET state = :state, attempts = attempts + (:state = 'sending'), provider = COALESCE(:provider, provider),
            error = :error, sealed = CASE WHEN :state IN ('due', 'sending') THEN sealed END WHERE id = :id"""
        values = {"state": state, "provider": provider, "error": error, "id": send.id}

        def write() -> bool:
            now = self.base.execute("SELECT state FROM sends WHERE id = ?", (send.id,)).fetchone()[0]
            reported = RANK[now] > max(RANK[state], RANK["sending"])
            self.base.execute(known if reported else query, values)
            return not reported

        return await self.run(write)

    async def report(self, token: str | None, provider: str | None, state: str, error: str | None = None) -> bool:
        """Note a provider's status report, found by our token or its own id; whether it told something new."""

        provider = self.hidden(provider)

        def write() -> bool:
            row = self.base.execute("SELECT id, state FROM sends WHERE token = ? OR provider = ?", (token, provider)).fetchone()
            if row is None or RANK.get(state, -1) <= RANK[row[1]]:
                return False
            query = "UPDATE sends SET state = ?, error = ?, provider = COALESCE(provider, ?), sealed = NULL WHERE id = ?"
            self.base.execute(query, (state, error, provider, row[0]))
            return True

        return await self.run(write)

    async def left_over(self) -> tuple[list[Accepted], list[Send]]:
        """At a start: what was accepted and not answered, and what is due to be sent, oldest first. What was being sent becomes `unknown`."""

        def read() -> tuple[list[Accepted], list[Send]]:
            self.base.execute("UPDATE sends SET state = 'unknown', error = 'cut off', sealed = NULL WHERE state = 'sending'")
            accepted = self.base.execute("SELECT id, channel, person, sealed FROM accepted WHERE state = 'waiting' ORDER BY id").fetchall()
            waiting = [Accepted(*row) for row in self.readable(accepted)]
            due = self.base.execute(
                "SELECT id, token, channel, person, segments, attempts, sealed FROM sends WHERE state = 'due' ORDER BY id"
            ).fetchall()
            return waiting, [Send(*row) for row in self.readable(due)]

        return await self.run(read)

    async def silence(self, person: str, language: str | None = None) -> None:
        """Send this person nothing any more; `language` is what to speak if they come back."""
        if person not in self._silenced:
            self._silenced[person] = language
        await self.run(lambda: self.base.execute("INSERT OR IGNORE INTO silenced VALUES (?, ?, ?)", (person, self._clock(), language)))

    async def unsilence(self, person: str) -> None:
        """The person wants to be written to again."""
        self._silenced.pop(person, None)
        await self.run(lambda: self.base.execute("DELETE FROM silenced WHERE person = ?", (person,)))

    def is_silenced(self, person: str) -> bool:
        """Whether the person asked for silence."""
        return person in self._silenced

    def language_of(self, person: str) -> str | None:
        """What a person who asked for silence spoke, if that is known."""
        return self._silenced.get(person)

    async def segments_since(self, when: float) -> int:
        """The segments of all that went out, or may have, since a moment; not of what is on its way."""
        query = "SELECT COALESCE(SUM(segments), 0) FROM sends WHERE at >= ? AND state NOT IN ('due', 'sending', 'failed')"
        return int(await self.run(lambda: self.base.execute(query, (when,)).fetchone()[0]))

    async def counts(self) -> dict[str, int]:
        """How many messages and sends are in each state: `accepted waiting`, `send delivered`, ..."""

        def read() -> dict[str, int]:
            query = """SELECT 'accepted ' || state, COUNT(*) FROM accepted GROUP BY state
                UNION ALL SELECT 'send ' || state, COUNT(*) FROM sends GROUP BY state"""
            return dict(self.base.execute(query).fetchall())

        return await self.run(read)

    async def expire(self) -> None:
        """Forget what is older than the time for which a repeat may come."""
        oldest = self._clock() - SEEN_FOR

        def write() -> None:
            self.base.execute("DELETE FROM accepted WHERE at < ? AND state != 'waiting'", (oldest,))
            self.base.execute("DELETE FROM sends WHERE at < ? AND state NOT IN ('due', 'sending')", (oldest,))

        await self.run(write)

    async def forget(self, person: str) -> None:
        """Drop the words of a person's replies that are still due; that they asked for silence stays."""
        query = "UPDATE sends SET state = 'failed', error = 'erased', sealed = NULL WHERE person = ? AND state = 'due'"
        await self.run(lambda: self.base.execute(query, (person,)))
