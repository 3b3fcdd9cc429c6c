"""Messages that were accepted and replies that are due, on disk until they are done with: a crash loses nothing and doubles nothing.

One SQLite file for one process. Words and numbers lie in it encrypted, and only while a reply is due; what stays is states and keyed hashes.
A send that a crash cut off has the state `unknown`: the provider may have taken it, so it is not sent again; its status report settles it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cryptography.fernet import Fernet

_Result = TypeVar("_Result")
SEEN_FOR = 48 * 3600  # seconds that a provider's message id is remembered
_TABLES = """
CREATE TABLE IF NOT EXISTS accepted (
    id INTEGER PRIMARY KEY, channel TEXT NOT NULL, message TEXT NOT NULL, person TEXT NOT NULL, at REAL NOT NULL,
    state TEXT NOT NULL, sealed BLOB, UNIQUE (channel, message));
CREATE TABLE IF NOT EXISTS sends (
    id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, accepted INTEGER NOT NULL, channel TEXT NOT NULL, person TEXT NOT NULL,
    at REAL NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, segments INTEGER NOT NULL, provider TEXT, error TEXT, sealed BLOB);
CREATE INDEX IF NOT EXISTS sends_by_provider ON sends (provider);
CREATE TABLE IF NOT EXISTS silenced (person TEXT PRIMARY KEY, at REAL NOT NULL);
"""
# A status report may come late or out of order: a state gives way only to one that knows more.
RANK = {"due": 0, "sending": 1, "unknown": 2, "queued": 3, "sent": 4, "failed": 5, "undelivered": 5, "delivered": 6}
FINAL = frozenset({"sent", "delivered", "failed", "undelivered", "unknown", "queued"})


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


def sealing_key(key: str) -> bytes:
    """The key that the outbox is encrypted with, of the installation's secret."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"outbox\0" + key.encode()).digest())


class Outbox:
    """Keeps accepted messages and replies due. Every call is done in one thread, what many ask at once in one go."""

    def __init__(self, path: Path, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._fernet = Fernet(key)
        self._key = key
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._to_do: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=FULL")
        self._base.execute("PRAGMA secure_delete=ON")  # what was sealed is overwritten, not left in the file
        self._base.executescript(_TABLES)
        self._silenced = {person for (person,) in self._base.execute("SELECT person FROM silenced")}

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    async def accept(self, channel: str, message: str, person: str, content: Mapping[str, Any]) -> int | None:
        """Keep a message, once; its number here, or None when it was accepted before. It is on disk when this returns."""
        row = (channel, self._hidden(message), person, self._clock(), self._seal(content))
        query = "INSERT OR IGNORE INTO accepted (channel, message, person, at, state, sealed) VALUES (?, ?, ?, ?, 'waiting', ?)"

        def write() -> int | None:
            done = self._base.execute(query, row)
            return done.lastrowid if done.rowcount else None

        return await self._in_thread(write)

    async def answer(self, accepted: Accepted, bodies: Sequence[tuple[Mapping[str, Any], int]], state: str = "answered") -> list[Send]:
        """Put the replies to a message (each with its segments) in place of the message, at one go."""
        rows = [
            (secrets.token_urlsafe(9), accepted.id, accepted.channel, accepted.person, self._clock(), size, self._seal(body)) for body, size in bodies
        ]

        def write() -> list[Send]:
            sends: list[Send] = []
            done = self._base.execute("UPDATE accepted SET state = ?, sealed = NULL WHERE id = ? AND state = 'waiting'", (state, accepted.id))
            if not done.rowcount:
                return sends
            for row, (body, size) in zip(rows, bodies):
                number = self._base.execute(
                    "INSERT INTO sends (token, accepted, channel, person, at, state, segments, sealed) VALUES (?, ?, ?, ?, ?, 'due', ?, ?)", row
                ).lastrowid
                assert number is not None
                sends.append(Send(number, row[0], accepted.channel, accepted.person, size, 0, body))
            return sends

        return await self._in_thread(write)

    async def mark(self, send: Send, state: str, provider: str | None = None, error: str | None = None) -> None:
        """Note what became of a send. Its words go once it needs no further attempt."""

        query = """UPDATE sends SET state = :state, attempts = attempts + (:state = 'sending'), provider = COALESCE(:provider, provider),
            error = :error, sealed = CASE WHEN :state IN ('due', 'sending') THEN sealed END WHERE id = :id"""
        values = {"state": state, "provider": self._hidden(provider), "error": error, "id": send.id}
        await self._in_thread(lambda: self._base.execute(query, values))

    async def report(self, token: str | None, provider: str | None, state: str, error: str | None = None) -> bool:
        """Note a provider's status report, found by our token or its own id; whether it told something new."""

        provider = self._hidden(provider)

        def write() -> bool:
            row = self._base.execute("SELECT id, state FROM sends WHERE token = ? OR provider = ?", (token, provider)).fetchone()
            if row is None or RANK.get(state, -1) <= RANK[row[1]]:
                return False
            query = "UPDATE sends SET state = ?, error = ?, provider = COALESCE(provider, ?), sealed = NULL WHERE id = ?"
            self._base.execute(query, (state, error, provider, row[0]))
            return True

        return await self._in_thread(write)

    async def left_over(self) -> tuple[list[Accepted], list[Send]]:
        """At a start: what was accepted and not answered, and what is due to be sent, oldest first. What was being sent becomes `unknown`."""

        def read() -> tuple[list[Accepted], list[Send]]:
            self._base.execute("UPDATE sends SET state = 'unknown', error = 'cut off', sealed = NULL WHERE state = 'sending'")
            accepted = self._base.execute("SELECT id, channel, person, sealed FROM accepted WHERE state = 'waiting' ORDER BY id")
            waiting = [Accepted(number, channel, person, self._open(sealed)) for number, channel, person, sealed in accepted]
            due = self._base.execute("SELECT id, token, channel, person, segments, attempts, sealed FROM sends WHERE state = 'due' ORDER BY id")
            return waiting, [Send(row[0], row[1], row[2], row[3], row[4], row[5], self._open(row[6])) for row in due]

        return await self._in_thread(read)

    async def silence(self, person: str) -> None:
        """Send this person nothing any more."""
        self._silenced.add(person)
        await self._in_thread(lambda: self._base.execute("INSERT OR IGNORE INTO silenced VALUES (?, ?)", (person, self._clock())))

    async def unsilence(self, person: str) -> None:
        """The person wants to be written to again."""
        self._silenced.discard(person)
        await self._in_thread(lambda: self._base.execute("DELETE FROM silenced WHERE person = ?", (person,)))

    def is_silenced(self, person: str) -> bool:
        """Whether the person asked for silence."""
        return person in self._silenced

    async def segments_since(self, when: float) -> int:
        """The segments of all that went out, or may have, since a moment."""
        query = "SELECT COALESCE(SUM(segments), 0) FROM sends WHERE at >= ? AND state NOT IN ('due', 'failed')"
        return int(await self._in_thread(lambda: self._base.execute(query, (when,)).fetchone()[0]))

    async def counts(self) -> dict[str, int]:
        """How many messages and sends are in each state: `accepted waiting`, `send delivered`, ..."""

        def read() -> dict[str, int]:
            query = """SELECT 'accepted ' || state, COUNT(*) FROM accepted GROUP BY state
                UNION ALL SELECT 'send ' || state, COUNT(*) FROM sends GROUP BY state"""
            return dict(self._base.execute(query).fetchall())

        return await self._in_thread(read)

    async def expire(self) -> None:
        """Forget what is older than the time for which a repeat may come."""
        oldest = self._clock() - SEEN_FOR

        def write() -> None:
            self._base.execute("DELETE FROM accepted WHERE at < ? AND state != 'waiting'", (oldest,))
            self._base.execute("DELETE FROM sends WHERE at < ? AND state NOT IN ('due', 'sending')", (oldest,))

        await self._in_thread(write)

    async def forget(self, person: str) -> None:
        """Drop the words of a person's replies that are still due; that they asked for silence stays."""
        query = "UPDATE sends SET state = 'failed', error = 'erased', sealed = NULL WHERE person = ? AND state = 'due'"
        await self._in_thread(lambda: self._base.execute(query, (person,)))

    async def close(self) -> None:
        """Finish writing, and close the file."""
        if self._writing:
            await self._writing
        await asyncio.get_running_loop().run_in_executor(self._thread, self._base.close)
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        """Do work on the file; what many ask for meanwhile is done in one transaction, for each costs a wait for the disk."""
        found: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._to_do.append((work, found))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._do_all())
        return await asyncio.shield(found)

    async def _do_all(self) -> None:
        while self._to_do:
            batch, self._to_do = self._to_do, []
            works = [work for work, _ in batch]
            try:
                results = await asyncio.get_running_loop().run_in_executor(self._thread, self._in_one_transaction, works)
            except Exception as error:
                results = [error] * len(batch)
            for (_, found), result in zip(batch, results):
                if found.done():
                    continue
                if isinstance(result, Exception):
                    found.set_exception(result)
                else:
                    found.set_result(result)

    def _in_one_transaction(self, works: Sequence[Callable[[], Any]]) -> list[Any]:
        """Each work's result, or the exception that undid it alone."""
        results: list[Any] = []
        self._base.execute("BEGIN IMMEDIATE")
        try:
            for work in works:
                self._base.execute("SAVEPOINT work")
                try:
                    results.append(work())
                except Exception as error:
                    self._base.execute("ROLLBACK TO work")
                    results.append(error)
                self._base.execute("RELEASE work")
        except BaseException:
            self._base.execute("ROLLBACK")
            raise
        self._base.execute("COMMIT")
        return results

    def _hidden(self, value: str | None) -> str | None:
        """A provider's id as a keyed hash: WhatsApp's hold the person's number (base64)."""
        return hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()[:32] if value else None

    def _seal(self, content: Mapping[str, Any]) -> bytes:
        return self._fernet.encrypt(json.dumps(content, ensure_ascii=False).encode())

    def _open(self, sealed: bytes) -> dict[str, Any]:
        return dict(json.loads(self._fernet.decrypt(sealed)))
