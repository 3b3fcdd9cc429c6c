"""SQLite files that keep what must outlive a crash: written in one thread, words and numbers encrypted, ids hidden."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import hashlib
import hmac
import json
import logging
import os
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from cryptography.fernet import Fernet, InvalidToken

from . import house

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")
TRUNCATE_AFTER = 5.0  # seconds after which what was deleted is gone from the disk


def state_folder() -> Path:
    """Where such files lie: CONFIDE_STATE, else `state/` in the checkout."""
    return Path(os.environ.get("CONFIDE_STATE") or house.ROOT / "state")


def installation_key() -> str:
    """The installation's secret: CONFIDE_KEY, else one made up at the first need and kept in the state folder, for its owner's eyes only."""
    if given := os.environ.get("CONFIDE_KEY"):
        return given
    path = state_folder() / "key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Whole before it has its name: a key that a full disk left empty would be anybody's.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".key") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)
    except FileExistsError:
        pass
    if not (key := path.read_text().strip()):
        raise OSError(f"{path} is empty; restore it from a backup, or delete it and what lies beside it")
    return key


def sealing_key(key: str) -> bytes:
    """The key that files are encrypted with, of the installation's secret."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"outbox\0" + key.encode()).digest())


class InUse(OSError):
    """Another process has the file; the message says what to do."""


class Storage:
    """One SQLite file. Every call is done in one thread, what many ask at once in one transaction."""

    def __init__(self, path: Path, key: bytes, tables: str, clock: Callable[[], float] = time.time, alone: bool = False) -> None:
        """`key` as `sealing_key` gives it; `tables` is the SQL that makes the tables, if they are not there.

        Raises:
            InUse: when the file is for one process (`alone`), and another has it.
        """
        self._fernet = Fernet(key)
        self._key = key
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=path.stem)
        self._to_do: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._truncating: asyncio.TimerHandle | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = path.with_suffix(".lock").open("w") if alone else None
        if self._lock:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InUse(f"{path} is used by another server; stop that one, or set CONFIDE_STATE to another folder") from error
        self.base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        path.chmod(0o600)
        self.base.execute("PRAGMA journal_mode=WAL")
        self.base.execute("PRAGMA synchronous=FULL")
        self.base.execute("PRAGMA secure_delete=ON")  # what was sealed is overwritten, not left in the file
        self.base.execute("PRAGMA busy_timeout=5000")  # the command line writes to the desk's file while the server runs
        self.base.executescript(tables)

    def now(self) -> float:
        """Seconds since 1970."""
        return self._clock()

    async def close(self) -> None:
        """Finish writing, and close the file."""
        if self._writing:
            await self._writing
        if self._truncating:
            self._truncating.cancel()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._truncate)
        await asyncio.get_running_loop().run_in_executor(self._thread, self.base.close)
        self._thread.shutdown()
        if self._lock:
            self._lock.close()

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Do work on `base`, in the file's thread; what many ask for meanwhile is done in one transaction, for each costs a wait for the disk.

        What it wrote is on disk when this returns. An exception in it undoes it, alone, and is raised here.
        """
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

        if self._truncating is None:
            self._truncating = asyncio.get_running_loop().call_later(TRUNCATE_AFTER, self._truncate_beside)

    def _truncate_beside(self) -> None:
        self._truncating = None
        self._thread.submit(self._truncate)

    def _truncate(self) -> None:
        """Empty the file of what is yet to be written (SQLite's write-ahead log): what was deleted still stands in it."""
        with suppress(sqlite3.Error):
            self.base.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def readable(self, rows: Iterable[Sequence[Any]]) -> Iterator[list[Any]]:
        """Rows with what their last column, sealed, holds; without those that were sealed with another key, which nobody can read any more."""
        lost = 0
        for row in rows:
            try:
                yield [*row[:-1], self.open(row[-1])]
            except InvalidToken:
                lost += 1
        if lost:
            logger.error("%s rows were sealed with another CONFIDE_KEY and cannot be read; they are left out", lost)

    def _in_one_transaction(self, works: list[Callable[[], Any]]) -> list[Any]:
        """Each work's result, or the exception that undid it alone."""
        results: list[Any] = []
        self.base.execute("BEGIN IMMEDIATE")
        try:
            for work in works:
                self.base.execute("SAVEPOINT work")
                try:
                    results.append(work())
                except Exception as error:
                    self.base.execute("ROLLBACK TO work")
                    results.append(error)
                self.base.execute("RELEASE work")
        except BaseException:
            self.base.execute("ROLLBACK")
            raise
        self.base.execute("COMMIT")
        return results

    def hidden(self, value: str | None) -> str | None:
        """An id as a keyed hash: WhatsApp's hold the person's number (base64), and who has a session's token has the session."""
        return hmac.new(self._key, value.encode(), hashlib.sha256).hexdigest()[:32] if value else None

    def seal(self, content: Mapping[str, Any]) -> bytes:
        """Content, encrypted."""
        return self._fernet.encrypt(json.dumps(content, ensure_ascii=False).encode())

    def open(self, sealed: bytes) -> dict[str, Any]:
        """What was sealed; cryptography.fernet.InvalidToken when it was sealed with another key."""
        return dict(json.loads(self._fernet.decrypt(sealed)))
