"""People for the tests of conversations: volunteers who are signed in, patients who ask for one, and the streams that both follow."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

from conftest import Person, Server

from bot.desk.accounts import Accounts
from bot.desk.entry import COOKIE
from bot.storage import sealing_key

PASSWORD = "four words make it"
KEY = "a key of this test"
SOON = 15.0  # seconds in which what was done is seen, also on a busy machine
_Result = TypeVar("_Result")


def accounts_of(state: Path, **roles: str) -> dict[str, tuple[str, str]]:
    """Make accounts, as the command line does: of each name, the otpauth address and the token of a session."""

    async def make() -> dict[str, tuple[str, str]]:
        accounts = Accounts(state / "desk.sqlite", sealing_key(KEY))
        try:
            return {name: (await accounts.add(name, PASSWORD, role), await accounts.enter_trusted(name)) for name, role in roles.items()}
        finally:
            await accounts.close()

    with ThreadPoolExecutor(1) as apart:  # where a browser is driven, this thread has a loop already
        return apart.submit(lambda: asyncio.run(make())).result()


@dataclass(frozen=True)
class Event:
    """A server-sent event."""

    name: str
    data: Any
    id: int | None


class Stream:
    """A stream of server-sent events, read in the background until it is closed or ends."""

    def __init__(self, server: Server, path: str, *, token: str = "", after: int | str | None = None) -> None:
        where = urlsplit(server.url)
        self._connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)
        headers = {"Accept": "text/event-stream", **({"Cookie": f"{COOKIE}={token}"} if token else {})}
        self._connection.request("GET", path, headers=headers | ({"Last-Event-ID": str(after)} if after is not None else {}))
        self._socket = self._connection.sock
        self._response = self._connection.getresponse()
        assert self._response.status == 200, self._response.read()
        self.events: list[Event] = []
        self.raw = b""
        self.has_ended = False
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with suppress(OSError, ValueError, http.client.HTTPException):
            fields: dict[str, str] = {}
            for line in iter(self._response.readline, b""):
                self.raw += line
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                    continue
                if "event" in fields:
                    number = int(fields["id"]) if "id" in fields else None
                    with self._news:
                        self.events.append(Event(fields["event"], json.loads(fields["data"]), number))
                        self._news.notify_all()
                fields = {}
        with self._news:
            self.has_ended = True
            self._news.notify_all()

    def sees(self, what: Callable[[Stream], _Result]) -> _Result:
        """What is asked of the stream, as soon as it is there; looked at again with each event."""
        found: list[_Result] = []

        def looks() -> bool:
            found[:] = [what(self)]
            return bool(found[0]) or self.has_ended

        with self._news:
            self._news.wait_for(looks, SOON)
        assert found[0], self.events
        return found[0]

    def of(self, *names: str) -> list[Event]:
        """The events so far of some names."""
        return [event for event in self.events if event.name in names]

    def close(self) -> None:
        """Break the connection, as a network does."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self._connection.close()


@dataclass
class Volunteer:
    """Somebody with a session at the desk."""

    server: Server
    name: str
    token: str
    csrf: str = ""

    def asks(self, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """GET a page, or POST a form: the status and the content. Headers are named with underscores."""
        sent = {"Accept": "application/json", **({"Cookie": f"{COOKIE}={self.token}"} if self.token else {})}
        if form is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", **({"X-CSRF": self.csrf} if self.csrf else {})}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        where = urlsplit(self.server.url)
        connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)
        try:
            connection.request("GET" if form is None else "POST", path, None if form is None else urlencode(form), sent)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def enters(self) -> Volunteer:
        """Read from a page what shows that a form is this session's."""
        deadline = time.monotonic() + SOON
        while (given := self.asks("/desk/account", Accept="text/html"))[0] == 404 and time.monotonic() < deadline:
            time.sleep(0.1)  # the first account opens the desk while the server runs, in a second at most
        status, text = given
        found = re.search(r'data-csrf="([^"]+)"', text)
        assert status == 200 and found, text
        self.csrf = found[1]
        return self

    def does(self, chat: str, what: str, **form: str) -> Any:
        """Do something with a conversation, which must be possible."""
        status, text = self.asks(f"/desk/chats/{chat}/{what}", form)
        assert status == 200, text
        return json.loads(text)

    def cannot(self, chat: str, what: str, status: int, **form: str) -> str:
        """Try something with a conversation that is refused: the reason."""
        given, text = self.asks(f"/desk/chats/{chat}/{what}", form)
        assert given == status, text
        return str(json.loads(text)["error"])

    @contextmanager
    def at_the_chats(self, on_duty: bool = True) -> Iterator[Chats]:
        """While the page of the chats is open."""
        stream = Stream(self.server, f"/desk/chats/events{'?on_duty=1' if on_duty else ''}", token=self.token)
        try:
            stream.sees(lambda stream: stream.of("state"))
            yield Chats(stream)
        finally:
            stream.close()
            if on_duty:
                with suppress(OSError):  # a server that was stopped has forgotten it anyway
                    self.asks("/desk/chats/duty", {"on": "0"})


@dataclass(frozen=True)
class Chats:
    """What a volunteer's page was told."""

    stream: Stream

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.stream.of("state")[-1].data
        return state

    def waits(self, *besides: str) -> dict[str, Any]:
        """The conversation that waits first, besides some."""
        return self.stream.sees(lambda _: next((one for one in self.state["waiting"] if one["id"] not in besides), None)) or {}

    def state_is(self, holds: Callable[[dict[str, Any]], Any]) -> Any:
        """Wait until something holds of the queue and the volunteer's conversations."""
        return self.stream.sees(lambda _: holds(self.state))

    def lines(self, chat: str, *who: str) -> list[dict[str, Any]]:
        """The lines of a conversation so far."""
        return [event.data for event in self.stream.of("line") if event.data["chat"] == chat and (not who or event.data["who"] in who)]

    def hears(self, chat: str, text: str) -> dict[str, Any]:
        """Wait for a line with this text."""
        return self.stream.sees(lambda _: next((line for line in self.lines(chat) if line["text"] == text), None)) or {}


@dataclass
class Patient(Person):
    """Somebody at the chat who may ask for a volunteer."""

    ticket: str = ""
    streams: list[Stream] = field(default_factory=list)

    def asks_for_a_volunteer(self, share: bool = False) -> Stream:
        """Ask, answer whether the volunteer may read the conversation, and follow what is said from then on."""
        self.says("/talk_to_volunteer")
        self.says(f'/share_with_volunteer{{"share": {str(share).lower()}}}')
        return self.follows(self.replies[-1]["ticket"])

    def follows(self, ticket: str = "", after: int | str | None = None) -> Stream:
        """The stream of what is said, from its beginning or after a line."""
        self.ticket = ticket or self.ticket
        self.streams.append(Stream(self.server, f"/webhooks/web/events/{self.ticket}", after=after))
        return self.streams[-1]

    def deletes(self) -> None:
        """Delete the conversation, as the page's button does."""
        assert self.server.request(f"/webhooks/web/conversations/{self.sender}", method="DELETE")[0] == 204

    def leaves(self) -> None:
        """Close what is open, and leave nothing behind."""
        for stream in self.streams:
            stream.close()
        self.deletes()

    def is_offered(self, title: str) -> bool:
        """Whether a choice is among those of the last replies."""
        return any(choice["title"] == title for reply in self.replies for choice in reply["choices"])


def texts(stream: Stream) -> list[str]:
    """What a patient was told on a stream, oldest first."""
    return [event.data["text"] for event in stream.of("volunteer", "notice", "assistant")]
