"""Providers on loopback that behave as the real ones do: they sign, refuse, ask to wait, break, and report what became of a message."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import sqlite3
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from conftest import Server
from twilio.request_validator import RequestValidator

from bot.privacy import pseudonym

SITE = "https://chat.example.org"
SILENCE = 0.8  # seconds in which what should not come would have come; a reply takes a tenth of a second
KEY = "a key of this test"
ACCOUNT, AUTH_TOKEN, NUMBER = "AC00000000000000000000000000000000", "an-auth-token", "+441134960000"
WHATSAPP_NUMBER = "whatsapp:+441134960001"
# What a provider does instead of taking a message: a status with its headers, or "hang up" after taking it.
Mishap = tuple[int, dict[str, str]] | str
_Found = TypeVar("_Found")


@dataclass
class FakeTwilio:
    """Twilio's Messages resource. `mishaps` befall the next messages; `slow` are the seconds that it thinks about messages to a number."""

    url: str = ""
    sent: list[dict[str, str]] = field(default_factory=list)
    mishaps: deque[Mishap] = field(default_factory=deque)
    slow: dict[str, float] = field(default_factory=dict)
    mishap_of: Callable[[Mapping[str, str]], tuple[int, dict[str, str]] | None] = lambda form: None
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def take(self, request: web.Request) -> web.StreamResponse:
        form = {key: str(value) for key, value in (await request.post()).items()}
        mishap = self.mishaps.popleft() if self.mishaps else self.mishap_of(form)
        await asyncio.sleep(self.slow.get(form["To"], 0))
        if isinstance(mishap, tuple):
            status, headers = mishap
            return web.json_response(
                {"code": 20429 if status == 429 else 21610 if status == 400 else 20500, "status": status}, status=status, headers=headers
            )
        self.sent.append(form)
        if mishap == "hang up":
            assert request.transport
            request.transport.close()
        return web.json_response({"sid": f"SM{next(self._numbers):032x}", "status": "queued"}, status=201)

    sms_url: str = f"{SITE}/webhooks/sms/webhook"

    async def account(self, request: web.Request) -> web.StreamResponse:
        known = request.headers.get("Authorization") == aiohttp.BasicAuth(ACCOUNT, AUTH_TOKEN).encode()
        return web.json_response({"status": "active"}, status=200 if known else 401)

    async def numbers(self, request: web.Request) -> web.StreamResponse:
        found = [{"sms_url": self.sms_url}] if request.query["PhoneNumber"] == NUMBER else []
        return web.json_response({"incoming_phone_numbers": found})

    def routes(self, app: web.Application) -> None:
        account = f"/2010-04-01/Accounts/{ACCOUNT}"
        app.router.add_post(f"{account}/Messages.json", self.take)
        app.router.add_get(f"{account}.json", self.account)
        app.router.add_get(f"{account}/IncomingPhoneNumbers.json", self.numbers)

    def to(self, number: str) -> list[str]:
        return [form["Body"] for form in self.sent if form["To"] == number]


@contextmanager
def serving(routes: Callable[[web.Application], None]) -> Iterator[str]:
    """An aiohttp application on loopback, in a thread of its own; its address."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    address: list[str] = []

    async def start() -> web.AppRunner:
        app = web.Application()
        routes(app)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server
        address.append(f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}")  # type: ignore[attr-defined]
        return runner

    def run() -> None:
        asyncio.set_event_loop(loop)
        runner = loop.run_until_complete(start())
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield address[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def fake_twilio() -> Iterator[FakeTwilio]:
    fake = FakeTwilio()
    with serving(fake.routes) as url:
        fake.url = url
        yield fake


def sms_settings(fake: FakeTwilio, state: object) -> dict[str, str]:
    return {
        "CONFIDE_TWILIO_ACCOUNT_SID": ACCOUNT,
        "CONFIDE_TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "CONFIDE_TWILIO_URL": fake.url,
        "CONFIDE_SMS_FROM": NUMBER,
        "CONFIDE_PUBLIC_URL": SITE,
        "CONFIDE_KEY": KEY,
        "CONFIDE_STATE": str(state),
    }


def whatsapp_by_twilio_settings(fake: FakeTwilio, state: object) -> dict[str, str]:
    settings = {**sms_settings(fake, state), "CONFIDE_WHATSAPP_FROM": WHATSAPP_NUMBER}
    del settings["CONFIDE_SMS_FROM"]
    return settings


def signed(path: str, form: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """A webhook's body and headers as Twilio makes them."""
    signature = RequestValidator(AUTH_TOKEN).compute_signature(f"{SITE}{path}", dict(form))
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return urllib.parse.urlencode(form).encode(), headers


@dataclass
class Texter:
    """Somebody with a phone and no data; or on WhatsApp by Twilio, with `channel` and a number that begins with "whatsapp:"."""

    server: Server
    twilio: FakeTwilio
    number: str
    channel: str = "sms"
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def form(self, text: str, message_id: str | None = None, **more: str) -> dict[str, str]:
        """The fields of a message as Twilio sends them."""
        return {
            "MessageSid": message_id or f"SM{self.number.partition('+')[2]}{next(self._ids)}",
            "From": self.number,
            "To": NUMBER if self.channel == "sms" else WHATSAPP_NUMBER,
            "Body": text,
            "NumMedia": "0",
            **more,
        }

    def webhook(self, text: str, message_id: str | None = None, **more: str) -> int:
        """What the server says to a message."""
        return self.posts(f"/webhooks/{self.channel}/webhook", self.form(text, message_id, **more))

    def posts(self, path: str, form: Mapping[str, str]) -> int:
        """What the server says to a webhook that Twilio signed."""
        body, headers = signed(path, form)
        return self.server.request(path, body, method="POST", headers=headers)[0]

    def reports(self, *states: str) -> None:
        """Twilio tells what became of the first message to this person, one state after the other."""
        sent = next(sent for sent in self.twilio.sent if sent["To"] == self.number)
        for state in states:
            assert self.posts(sent["StatusCallback"].removeprefix(SITE), {"MessageSid": "SM1", "MessageStatus": state}) == 204

    def texts(self, text: str, **more: Any) -> list[str]:
        """Send a message; what comes back."""
        before = len(self.twilio.to(self.number))
        assert self.webhook(text, **more) == 200
        return self.gets(before)

    def next_text(self, text: str) -> str:
        """Send a message that brings one; what that says."""
        before = len(self.twilio.to(self.number))
        assert self.webhook(text) == 200
        return until(lambda: self.twilio.to(self.number)[before:], f"an answer to {text!r}")[0]

    def gets(self, before: int = 0) -> list[str]:
        """What comes after the first so many messages."""
        return until_done(self, lambda: self.twilio.to(self.number)[before:])

    def gets_nothing_for(self, text: str, **more: Any) -> bool:
        """Whether a message that is accepted brings nothing."""
        before = self.twilio.to(self.number)
        assert self.webhook(text, **more) == 200
        until(lambda: is_done(self), f"{text!r} is read")
        return self.twilio.to(self.number) == before


def until(found: Callable[[], _Found], what: str, seconds: float = 30) -> _Found:
    """What is there once it is there."""
    deadline = time.monotonic() + seconds
    while not (it := found()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return it


def is_done(person: Texter | Chatter) -> bool:
    """Whether all that a person sent was read, and all that is for them was sent: the outbox knows, however slow the machine is."""
    query = """SELECT (SELECT COUNT(*) FROM accepted WHERE person = :person AND state = 'waiting')
        + (SELECT COUNT(*) FROM sends WHERE person = :person AND state IN ('due', 'sending'))"""
    with closing(sqlite3.connect(person.server.state / f"{person.channel}.sqlite", timeout=30)) as base:
        return base.execute(query, {"person": pseudonym(person.channel, person.number, KEY.encode())}).fetchone()[0] == 0


def until_done(person: Texter | Chatter, arrived: Callable[[], list[_Found]]) -> list[_Found]:
    """All that has arrived, once something did and nothing more is on its way."""
    until(lambda: arrived() and is_done(person), f"something for {person.number}")
    return arrived()


APP_SECRET, NUMBER_ID = "an-app-secret", "1234567890"


@dataclass
class FakeCloud:
    """WhatsApp's Cloud API: takes messages, notes what was marked as read. `mishaps` and `slow` as Twilio's."""

    url: str = ""
    sent: list[dict[str, Any]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    mishaps: deque[Mishap] = field(default_factory=deque)
    slow: dict[str, float] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == "Bearer a-token"
        payload = await request.json()
        if payload.get("status") == "read":
            await asyncio.sleep(self.slow.get(payload["message_id"], 0))
            self.read.append(payload["message_id"])
            return web.json_response({"success": True})
        mishap = self.mishaps.popleft() if self.mishaps else None
        await asyncio.sleep(self.slow.get(payload["to"], 0))
        if isinstance(mishap, tuple):
            status, headers = mishap
            return web.json_response({"error": {"code": 130429 if status == 429 else 131000}}, status=status, headers=headers)
        self.sent.append(payload)
        if mishap == "hang up":
            assert request.transport
            request.transport.close()
        return web.json_response({"messages": [{"id": f"wamid.{len(self.sent)}"}]})

    def to(self, number: str) -> list[dict[str, Any]]:
        return [payload for payload in self.sent if payload["to"] == number]


@contextmanager
def fake_cloud() -> Iterator[FakeCloud]:
    fake = FakeCloud()
    with serving(lambda app: app.router.add_post(f"/{NUMBER_ID}/messages", fake.take)) as url:  # type: ignore[arg-type]
        fake.url = url
        yield fake


def cloud_settings(fake: FakeCloud, state: object) -> dict[str, str]:
    return {
        "CONFIDE_WHATSAPP_NUMBER_ID": NUMBER_ID,
        "CONFIDE_WHATSAPP_TOKEN": "a-token",
        "CONFIDE_WHATSAPP_APP_SECRET": APP_SECRET,
        "CONFIDE_WHATSAPP_VERIFY_TOKEN": "a-verify-token",
        "CONFIDE_WHATSAPP_URL": fake.url,
        "CONFIDE_PUBLIC_URL": SITE,
        "CONFIDE_KEY": KEY,
        "CONFIDE_STATE": str(state),
    }


def signed_by_meta(value: object) -> tuple[bytes, dict[str, str]]:
    """A webhook's body and headers as Meta makes them."""
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
    return body, meta_signature(body)


def meta_signature(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(APP_SECRET.encode(), body, hashlib.sha256).hexdigest()}


def words(payload: Mapping[str, Any]) -> str:
    """What a person reads of a message by the Cloud API."""
    body: str = payload["text"]["body"] if "text" in payload else payload["interactive"]["body"]["text"]
    return body


@dataclass
class Chatter:
    """Somebody on WhatsApp."""

    server: Server
    cloud: FakeCloud
    number: str
    channel: str = "whatsapp"
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def posts(self, message: dict[str, Any], message_id: str | None = None) -> int:
        """What the server says to a message that Meta signed."""
        whole = {"from": self.number, "id": message_id or f"wamid.in-{self.number}-{next(self._ids)}", "timestamp": str(int(time.time())), **message}
        return self._posts({"messages": [whole]})

    def _posts(self, value: object) -> int:
        body, headers = signed_by_meta(value)
        return self.server.request("/webhooks/whatsapp/webhook", body, method="POST", headers=headers)[0]

    def webhook(self, text: str, **more: Any) -> int:
        return self.posts({"type": "text", "text": {"body": text}}, **more)

    def sends(self, message: dict[str, Any] | str, **more: Any) -> list[dict[str, Any]]:
        """Send a message; the payloads that come back."""
        before = len(self.cloud.to(self.number))
        assert (self.webhook(message, **more) if isinstance(message, str) else self.posts(message, **more)) == 200
        return self._comes(before)

    def _comes(self, before: int) -> list[dict[str, Any]]:
        return until_done(self, lambda: self.cloud.to(self.number)[before:])

    def texts(self, text: str) -> list[str]:
        """Send a message; the words that come back."""
        return [words(payload) for payload in self.sends(text)]

    def gets(self, before: int = 0) -> list[str]:
        """The words that come after the first so many messages."""
        return [words(payload) for payload in self._comes(before)]

    def gets_nothing_for(self, text: str, **more: Any) -> bool:
        """Whether a message that is accepted brings nothing."""
        before = self.cloud.to(self.number)
        assert self.webhook(text, **more) == 200
        until(lambda: is_done(self), f"{text!r} is read")
        return self.cloud.to(self.number) == before

    def reports(self, *states: str) -> None:
        """Meta tells what became of the first message to this person, one state after the other."""
        token = self.cloud.to(self.number)[0]["biz_opaque_callback_data"]
        for state in states:
            assert self._posts({"statuses": [{"id": "wamid.9", "status": state, "biz_opaque_callback_data": token}]}) == 200
