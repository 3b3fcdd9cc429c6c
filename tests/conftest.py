"""What the tests share: the knowledge, a fixed day, and a real server on loopback, started once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from bot import commands, house
from bot.knowledge import Knowledge
from bot.mind import Mind, of_model
from bot.without_tensorflow import import_rasa_without_tensorflow

import_rasa_without_tensorflow()  # as the product does
# How long an example takes says nothing where test files run side by side; `make bench` measures speed.
settings.register_profile("confide", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("confide")

ROOT = Path(__file__).resolve().parent.parent
# The day that the tests speak from: cases stay true however late they run.
TODAY = date(2026, 11, 22)


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return house.knowledge()


@pytest.fixture(scope="session")
def mind() -> Mind:
    """The trained classifiers with the knowledge."""
    return of_model(commands.model_path())


@pytest.fixture
def today() -> date:
    return TODAY


@dataclass
class Server:
    """A running server: its address, and where its log and its state lie."""

    url: str
    log: Path
    pid: int
    state: Path

    def __str__(self) -> str:
        return self.url

    def request(
        self, path: str, body: Any = None, *, method: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, {key.lower(): value for key, value in response.headers.items()}, response.read()
        except urllib.error.HTTPError as error:
            return error.code, {key.lower(): value for key, value in error.headers.items()}, error.read()


@dataclass
class Person:
    """Someone at the chat: says things, and sees what comes back."""

    server: Server
    language: str | None = None
    sender: str = field(default_factory=lambda: uuid4().hex)
    replies: list[dict[str, Any]] = field(default_factory=list)

    def says(self, message: str, **more: Any) -> list[dict[str, Any]]:
        body = {"sender": self.sender, "message": message, **({"language": self.language} if self.language else {}), **more}
        status, _, content = self.server.request("/webhooks/web/webhook", body)
        assert status == 200, content
        self.replies = json.loads(content)
        return self.replies

    def chooses(self, title: str) -> list[dict[str, Any]]:
        choices = {choice["title"]: choice["message"] for reply in self.replies for choice in reply["choices"]}
        assert title in choices, f"{title!r} is not offered; offered are {list(choices)}"
        return self.says(choices[title])

    @property
    def text(self) -> str:
        return "\n\n".join(reply["text"] for reply in self.replies)

    def sees(self, words: str) -> None:
        assert words in self.text, f"{words!r} is not in what was said:\n{self.text}"

    @property
    def topics(self) -> list[str]:
        return [reply["topic"] for reply in self.replies]


@contextmanager
def running(folder: Path, *command: str, **environment: str) -> Iterator[Server]:
    """A real server on a free port, as `make run` starts it, on the tests' day. `command` starts it another way than `-m bot`."""
    log = folder / "log.txt"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    whole = {**os.environ, "CONFIDE_TODAY": TODAY.isoformat(), "CONFIDE_STATE": str(folder / "state"), **environment}
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", *(command or ("-m", "bot")), "serve", "--port", str(port)], cwd=ROOT, env=whole, stdout=out, stderr=out
        )
    server = Server(f"http://127.0.0.1:{port}", log, process.pid, Path(whole["CONFIDE_STATE"]))
    try:
        deadline = time.monotonic() + 90
        while True:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{log.read_text()}")
            try:
                if server.request("/health")[0] == 200:
                    break
            except OSError:
                time.sleep(0.2)
        yield server
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without a rate limit that tests would meet."""
    with running(tmp_path_factory.mktemp("server"), CONFIDE_MESSAGES_A_MINUTE="100000") as server:
        yield server


@pytest.fixture(scope="session")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that takes three messages a minute, and tells its measures only to who has the token "letmein"."""
    with running(tmp_path_factory.mktemp("strict"), CONFIDE_MESSAGES_A_MINUTE="3", CONFIDE_METRICS_TOKEN="letmein") as server:
        yield server


@pytest.fixture
def person(server: Server) -> Person:
    return Person(server, language="en")
