"""What the desk's tests share: a clock that is set by hand, accounts in a file of their own, and people who have one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from pyotp import TOTP, parse_uri

from bot.desk import accounts as module
from bot.desk.accounts import Accounts
from bot.storage import sealing_key

KEY = sealing_key("a key of this test")
PASSWORD = "four words make it"


@dataclass
class Clock:
    """A clock that goes when it is told to; at first it is noon on 22 November 2026."""

    now: float = 1795348800.0

    def __call__(self) -> float:
        return self.now

    def goes(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Member:
    """Somebody with an account, their password and their authenticator app."""

    accounts: Accounts
    clock: Clock
    name: str
    address: str
    password: str = PASSWORD
    sessions: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        app = parse_uri(self.address)
        assert isinstance(app, TOTP)
        return app.at(int(self.clock.now))

    @property
    def wrong_code(self) -> str:
        return str((int(self.code) + 1) % 1_000_000).zfill(6)

    async def enters(self) -> str:
        """Sign in with a code that was not used yet; the token."""
        self.clock.goes(30)
        self.sessions.append(await self.accounts.enter(self.name, self.password, self.code))
        return self.sessions[-1]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashes that take no time, in this process."""
    monkeypatch.setattr(module, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    module._nobody.cache_clear()
    yield
    module._nobody.cache_clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def accounts(tmp_path: Path, clock: Clock) -> AsyncIterator[Accounts]:
    accounts = Accounts(tmp_path / "desk.sqlite", KEY, clock)
    yield accounts
    await accounts.close()


@pytest.fixture
async def anna(accounts: Accounts, clock: Clock) -> Member:
    return Member(accounts, clock, "Anna", await accounts.add("Anna", PASSWORD, "editor"))
