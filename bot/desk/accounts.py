"""Who may use the desk: accounts, how they are entered, their sessions, and what was done, in one SQLite file.

The command line writes to the same file while the server runs, so what is held in memory is read anew each second.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import re
import secrets
import sqlite3
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.fernet import InvalidToken
from pyotp import TOTP, random_base32

from ..storage import Storage
from ..text import western_digits
from .changes import TABLES as NEWS_TABLES

logger = logging.getLogger(__name__)

FILE = "desk.sqlite"  # in the state folder
ROLES = ("volunteer", "editor")
SHORTEST_PASSWORD = 12
IDLE, WHOLE = 30 * 60, 12 * 3600  # seconds that a session lasts unused, and at most
TRIES, FIRST_LOCK, LONGEST_LOCK = 5, 30, 3600  # the lock doubles with each failure after the fifth
FORGOTTEN_AFTER = 24 * 3600  # seconds without a further failure
AUDIT_KEPT = 400 * 24 * 3600
_WRITE_EACH = 60  # seconds between two writes of when a session was last used
_READ_EACH = 1.0
_MOST_FAILING = 100_000  # names; at two hashes at a time, to push one out takes about as long as the longest lock
_MOST_ENTERING = 32  # who wait for their password to be checked
_STRANGERS_NOTED_EACH = 600  # seconds: whoever tries names that are none cannot fill the audit
_NAME = re.compile(r"[^\W_](?:[\w.@+'’ -]{0,62}[\w.])?")
_HASHER = PasswordHasher()  # argon2id with the parameters of RFC 9106, 4 (64 MiB)
_TABLES = """
CREATE TABLE IF NOT EXISTS accounts (
    key TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, hash TEXT NOT NULL, secret BLOB NOT NULL,
    step INTEGER NOT NULL DEFAULT 0, made REAL NOT NULL, seen REAL);
CREATE TABLE IF NOT EXISTS failures (who TEXT PRIMARY KEY, count INTEGER NOT NULL, locked_until REAL NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS failures_by_age ON failures (at);
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, account TEXT NOT NULL, csrf TEXT NOT NULL, began REAL NOT NULL, seen REAL NOT NULL, last_visit REAL);
CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY, at REAL NOT NULL, name TEXT NOT NULL, what TEXT NOT NULL, which TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Session:
    """Somebody at the desk; `last_visit` is when their visit before this one ended, in seconds since 1970."""

    name: str
    role: str
    csrf: str
    last_visit: float | None
    began: float = 0.0


@dataclass(frozen=True)
class Account:
    """Who may enter; times in seconds since 1970."""

    name: str
    role: str
    made: float
    seen: float | None
    locked_until: float | None


@dataclass(frozen=True)
class Noted:
    """What was done, by whom ("" for nobody that has an account), with what; never what was said."""

    at: float
    name: str
    what: str
    which: str


class BadAccount(ValueError):
    """An account cannot be made, changed or removed; the message says why and what to do."""


class NotEntered(Exception):
    """Somebody was not let in. Why is not said: it would tell which names have an account."""

    def __init__(self, wait_seconds: int = 0) -> None:
        super().__init__("These do not match: the name, the password, or the code.")
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class _Credentials:
    """What somebody who enters is compared with."""

    hash: str
    secret: str
    step: int


@dataclass(frozen=True)
class _Held:
    """A session as the file has it."""

    session: Session
    seen: float


class Accounts(Storage):
    """Keeps who may use the desk."""

    def __init__(self, path: Path, key: bytes, clock: Callable[[], float] = time.time) -> None:
        """`key` as `sealing_key` gives it."""
        super().__init__(path, key, _TABLES + NEWS_TABLES, clock)
        self._hashing = asyncio.Semaphore(2)  # each takes 64 MiB and a core
        self._entering = 0
        self._stranger_noted = -math.inf
        self._used: dict[str, float] = {}  # when each session was used, newer than the file
        _nobody()  # made now: made at the first unknown name, it would take that one longer
        self._load()

    # Accounts

    async def exist(self) -> bool:
        """Whether there is any account; known from memory."""
        await self._stay_fresh()
        return self._any

    async def accounts(self) -> list[Account]:
        """All accounts, by name."""

        def read() -> list[Account]:
            locked = dict(self.base.execute("SELECT who, locked_until FROM failures WHERE locked_until > ?", (self.now(),)))
            rows = self.base.execute("SELECT key, name, role, made, seen FROM accounts ORDER BY key").fetchall()
            return [Account(name, role, made, seen, locked.get(self._who(key))) for key, name, role, made, seen in rows]

        return await self.run(read)

    async def named(self, name: str) -> str:
        """The name of an account as it was given, of the name as somebody types it; BadAccount when there is none."""
        return await self.run(lambda: self._named(name))

    async def add(self, name: str, password: str, role: str = "volunteer") -> str:
        """Make an account; the otpauth address that sets up an authenticator app. BadAccount says what is wrong."""
        name = " ".join(unicodedata.normalize("NFKC", name).split())
        if not _NAME.fullmatch(name):
            raise BadAccount(f"{name!r} is no name for an account; use up to 64 letters, digits, spaces and any of . - _ @ + '")
        if role not in ROLES:
            raise BadAccount(f"{role!r} is no role; choose volunteer or editor.")
        secret, row = random_base32(), (_key(name), name, role, await self._hash(password))

        def write() -> None:
            try:
                self.base.execute(
                    "INSERT INTO accounts (key, name, role, hash, secret, made) VALUES (?, ?, ?, ?, ?, ?)",
                    (*row, self.seal({"totp": secret}), self.now()),
                )
            except sqlite3.IntegrityError as error:
                raise BadAccount(f"There is an account named {name} already; choose another name, or give it a new password with 'reset'.") from error
            self._forgive(_key(name))
            self._note(name, "account added", role)
            self._load()

        await self.run(write)
        return _address(name, secret)

    async def reset(self, name: str, password: str) -> str:
        """Give an account a new password and a new secret, lift its lock and end its sessions; the new otpauth address."""
        secret, hashed = random_base32(), await self._hash(password)

        def write() -> str:
            known = self._named(name)
            self.base.execute("UPDATE accounts SET hash = ?, secret = ?, step = 0 WHERE key = ?", (hashed, self.seal({"totp": secret}), _key(name)))
            self.base.execute("DELETE FROM sessions WHERE account = ?", (_key(name),))
            self._forgive(_key(name))
            self._note(known, "account reset")
            self._load()
            return known

        return _address(await self.run(write), secret)

    async def remove(self, name: str) -> None:
        """Remove an account and end its sessions; BadAccount when there is none."""

        def write() -> None:
            known = self._named(name)
            self.base.execute("DELETE FROM sessions WHERE account = ?", (_key(name),))
            self.base.execute("DELETE FROM accounts WHERE key = ?", (_key(name),))
            self.base.execute("DELETE FROM read WHERE name = ?", (known,))  # what they have read of the news (changes.py)
            self._note(known, "account removed")
            self._load()

        await self.run(write)

    # Entering

    async def enter(self, name: str, password: str, code: str) -> str:
        """The token of a new session. NotEntered for whoever has no account, is locked, or has a wrong password or code, all in the same way."""
        if self._entering >= _MOST_ENTERING:
            raise NotEntered(5)
        self._entering += 1
        # Whoever hangs up before the answer is counted all the same, and holds their place among those whose password is checked.
        found = await asyncio.shield(asyncio.ensure_future(self._enter(name, password, code)))
        if isinstance(found, NotEntered):
            raise found
        return found

    async def enter_trusted(self, name: str) -> str:
        """The token of a new session of somebody whom a trusted proxy has identified; NotEntered when they have no account."""
        token = secrets.token_urlsafe(32)

        def write() -> bool:
            row = self.base.execute("SELECT name FROM accounts WHERE key = ?", (_key(name),)).fetchone()
            if row:
                self._begin(_key(name), token)
                self._note(row[0], "signed in", "by the proxy")
                self._load()
            return bool(row)

        if not await self.run(write):
            raise NotEntered
        return token

    async def _enter(self, name: str, password: str, code: str) -> str | NotEntered:
        try:
            key, token = _key(name), secrets.token_urlsafe(32)
            known = await self.run(lambda: self._credentials(key))
            expected = known or _nobody()
            async with self._hashing:  # also for names that are none and for those that are locked: the time tells nothing
                matches = await asyncio.to_thread(_matches, expected.hash, password)
            step = _step(expected, code, self.now())
            right = expected if known and matches and step else None
            return await self.run(lambda: self._decide(key, token, right, step))
        finally:
            self._entering -= 1

    def _decide(self, key: str, token: str, right: _Credentials | None, step: int) -> str | NotEntered:
        """Let in or count a failure. What was found right before may no longer be: others tried meanwhile, or the account was changed."""
        who, now = self._who(key), self.now()
        row = self.base.execute("SELECT count, locked_until FROM failures WHERE who = ? AND at > ?", (who, now - FORGOTTEN_AFTER)).fetchone()
        count, locked_until = row or (0, 0.0)
        if locked_until > now:
            return NotEntered(math.ceil(locked_until - now))
        account = self.base.execute("SELECT name, hash, step FROM accounts WHERE key = ?", (key,)).fetchone()
        if account and right and account[1] == right.hash and step > account[2]:
            self.base.execute("UPDATE accounts SET step = ? WHERE key = ?", (step, key))
            self._forgive(key)
            self._begin(key, token)
            self._note(account[0], "signed in")
            self._load()
            return token
        lock = min(FIRST_LOCK * 2 ** min(count + 1 - TRIES, 20), LONGEST_LOCK) if count + 1 >= TRIES else 0
        self.base.execute("REPLACE INTO failures (who, count, locked_until, at) VALUES (?, ?, ?, ?)", (who, count + 1, now + lock, now))
        if account:
            self._note(account[0], "sign-in refused", "locked" if lock else "")
        elif now - self._stranger_noted >= _STRANGERS_NOTED_EACH:
            self._stranger_noted = now
            self._note("", "sign-in refused", "no such account")
        return NotEntered(lock)

    # Sessions

    async def session(self, token: str) -> Session | None:
        """Whose session a token is, if it is one and not over; it counts as used now."""
        await self._stay_fresh()
        number = self._number(token)
        held = self._held.get(number)
        now = self.now()
        if held is None or self._is_over(number, held, now):
            return None
        self._used[number] = now
        if now - held.seen >= _WRITE_EACH:
            await self.run(lambda: self._touch(number, now))
        return held.session

    async def is_valid(self, session: Session) -> bool:
        """Whether a session goes on, for a page that stays open; asking does not count as use."""
        await self._stay_fresh()
        return any(held.session.csrf == session.csrf and not self._is_over(number, held, self.now()) for number, held in self._held.items())

    async def leave(self, token: str) -> None:
        """End a session, at once."""
        number = self._number(token)

        def write() -> None:
            if held := self._held.get(number):
                self._touch(number, self._used.get(number, held.seen))
                self.base.execute("DELETE FROM sessions WHERE id = ?", (number,))
                self._note(held.session.name, "signed out")
                self._load()

        await self.run(write)

    async def leave_everywhere(self, name: str) -> None:
        """End every session of an account, at once."""

        def write() -> None:
            rows = self.base.execute("SELECT id, seen FROM sessions WHERE account = ?", (_key(name),)).fetchall()
            for number, seen in rows:
                self._touch(number, self._used.get(number, seen))
            self.base.execute("DELETE FROM sessions WHERE account = ?", (_key(name),))
            self._note(self._named(name), "signed out everywhere")
            self._load()

        await self.run(write)

    async def expire(self) -> None:
        """Drop what is over: sessions, failures, old notes."""
        now = self.now()

        def write() -> None:
            # A session may have been used since it was last written, by up to that much.
            self.base.execute("DELETE FROM sessions WHERE seen < ? OR began < ?", (now - IDLE - _WRITE_EACH, now - WHOLE))
            self.base.execute("DELETE FROM failures WHERE at <= ?", (now - FORGOTTEN_AFTER,))
            self.base.execute("DELETE FROM failures WHERE who IN (SELECT who FROM failures ORDER BY at DESC LIMIT -1 OFFSET ?)", (_MOST_FAILING,))
            self.base.execute("DELETE FROM audit WHERE at < ?", (now - AUDIT_KEPT,))
            self._load()

        await self.run(write)
        self._used = {number: used for number, used in self._used.items() if number in self._held}

    # Audit

    async def note(self, name: str, what: str, which: str = "") -> None:
        """Note who did what, and with which thing (an id, never content)."""
        await self.run(lambda: self._note(name, what, which))

    async def audit(self, newest: int = 200) -> list[Noted]:
        """What was done, newest first."""
        query = "SELECT at, name, what, which FROM audit ORDER BY id DESC LIMIT ?"
        return await self.run(lambda: [Noted(*row) for row in self.base.execute(query, (newest,))])

    # In the file's thread

    def _load(self) -> None:
        """Hold what every request asks for. After each write too, in the same thread: an older reading never replaces a newer one."""
        rows = self.base.execute(
            "SELECT sessions.id, name, role, csrf, last_visit, began, sessions.seen FROM sessions JOIN accounts ON accounts.key = sessions.account"
        )
        self._held = {number: _Held(Session(*session), seen) for number, *session, seen in rows}
        self._any = self.base.execute("SELECT 1 FROM accounts").fetchone() is not None
        self._read = time.monotonic()

    def _credentials(self, key: str) -> _Credentials | None:
        row = self.base.execute("SELECT hash, secret, step FROM accounts WHERE key = ?", (key,)).fetchone()
        try:
            return _Credentials(row[0], self.open(row[1])["totp"], row[2]) if row else None
        except InvalidToken:
            logger.error(
                "An account of the desk was made with another CONFIDE_KEY. Set the former key again, or run 'python -m bot desk reset NAME'."
            )
            return None

    def _named(self, name: str) -> str:
        row = self.base.execute("SELECT name FROM accounts WHERE key = ?", (_key(name),)).fetchone()
        if row is None:
            raise BadAccount(f"There is no account named {name!r}; 'python -m bot desk list' shows all.")
        return str(row[0])

    def _begin(self, key: str, token: str) -> None:
        now = self.now()
        # Somebody may be signed in elsewhere, and that have been used since it was last written.
        open_now = [number for (number,) in self.base.execute("SELECT id FROM sessions WHERE account = ?", (key,))]
        (seen,) = self.base.execute("SELECT seen FROM accounts WHERE key = ?", (key,)).fetchone()
        last_visit = max((used for used in (seen, *map(self._used.get, open_now)) if used is not None), default=None)
        self.base.execute(
            "INSERT INTO sessions (id, account, csrf, began, seen, last_visit) VALUES (?, ?, ?, ?, ?, ?)",
            (self._number(token), key, secrets.token_urlsafe(32), now, now, last_visit),
        )
        self.base.execute("UPDATE accounts SET seen = ? WHERE key = ?", (now, key))

    def _touch(self, number: str, now: float) -> None:
        self.base.execute("UPDATE sessions SET seen = max(seen, ?) WHERE id = ?", (now, number))
        self.base.execute("UPDATE accounts SET seen = max(seen, ?) WHERE key = (SELECT account FROM sessions WHERE id = ?)", (now, number))
        self._load()

    def _forgive(self, key: str) -> None:
        self.base.execute("DELETE FROM failures WHERE who = ?", (self._who(key),))

    def _note(self, name: str, what: str, which: str = "") -> None:
        self.base.execute("INSERT INTO audit (at, name, what, which) VALUES (?, ?, ?, ?)", (self.now(), name, what, which))

    # Elsewhere

    async def _stay_fresh(self) -> None:
        if time.monotonic() - self._read > _READ_EACH:
            self._read = time.monotonic()  # whoever else asks meanwhile goes on with what is held
            await self.run(self._load)

    async def _hash(self, password: str) -> str:
        password = _normal(password)
        if len(password) < SHORTEST_PASSWORD:
            raise BadAccount(f"The password is too short; use at least {SHORTEST_PASSWORD} letters, for example four words.")
        async with self._hashing:
            return await asyncio.to_thread(_HASHER.hash, password)

    def _is_over(self, number: str, held: _Held, now: float) -> bool:
        return now - max(held.seen, self._used.get(number, 0.0)) > IDLE or now - held.session.began > WHOLE

    def _number(self, token: str) -> str:
        """A session's id: who reads the file has no token."""
        return self.hidden(f"session\0{token!a}") or ""

    def _who(self, key: str) -> str:
        """Whose failures they are: people type their password into the field for the name."""
        return self.hidden(f"failure\0{key}") or ""


def in_words(seconds: float) -> str:
    """A time in the United Kingdom, of seconds since 1970.

    >>> in_words(1525867200)
    '9 May 2018, 13:00'
    """
    return datetime.fromtimestamp(seconds, ZoneInfo("Europe/London")).strftime("%-d %B %Y, %H:%M")


def _normal(text: str) -> str:
    """Text as any keyboard types it, in one form (NIST SP 800-63B, 5.1.1.2)."""
    return unicodedata.normalize("NFKC", text).encode("utf-8", "replace").decode()


def _key(name: str) -> str:
    """What makes a name the same name."""
    return " ".join(_normal(name).casefold().split())


def _matches(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> _Credentials:
    """What a name without an account is compared with, at the same cost."""
    return _Credentials(_HASHER.hash(secrets.token_urlsafe(32)), random_base32(), 0)


def _step(expected: _Credentials, code: str, now: float) -> int:
    """The step of 30 seconds that a code is of, this one or a neighbour (RFC 6238, 5.2), and later than the last that was used; 0 for none."""
    totp = TOTP(expected.secret)
    given = "".join(western_digits(code).split()).encode("utf-8", "replace")
    this = int(now) // totp.interval
    steps = [step for step in (this - 1, this, this + 1) if hmac.compare_digest(totp.generate_otp(step).encode(), given)]
    return next((step for step in steps if step > expected.step), 0)


def _address(name: str, secret: str) -> str:
    return TOTP(secret).provisioning_uri(name=name, issuer_name="Confide desk")
