"""The way into the desk and out, over HTTP with a real server, and whom a proxy may bring."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from conftest import Server, running
from multidict import CIMultiDict
from pyotp import TOTP, parse_uri

from bot.desk.accounts import Accounts
from bot.storage import sealing_key

from .conftest import PASSWORD

COOKIE = "__Host-confide-desk"
_NUMBERS = itertools.count(1)


@dataclass
class Desk:
    """A running server with a desk; `before` is what was there while it had no account."""

    server: Server
    state: Path
    before: dict[str, int] = field(default_factory=dict)

    def do(self, work: Callable[[Accounts], Any]) -> Any:
        """Do something with the accounts as the command line does: in another process than the server's."""

        async def do() -> Any:
            accounts = Accounts(self.state / "desk.sqlite", sealing_key("a key of this test"))
            try:
                return await work(accounts)
            finally:
                await accounts.close()

        return asyncio.run(do())


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    text: str

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())


@dataclass
class Visitor:
    """Somebody with a browser, which keeps the cookie, follows nothing, and says where a form comes from."""

    desk: Desk
    name: str
    address: str
    token: str = ""

    @property
    def code(self) -> str:
        app = parse_uri(self.address)
        assert isinstance(app, TOTP)
        return app.now()

    def asks(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        where = urlsplit(self.desk.server.url)
        connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=30)
        sent = {"Accept": "text/html", **({"Cookie": f"{COOKIE}={self.token}"} if self.token else {})}
        if form is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.desk.server.url}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET" if form is None else "POST", path, urlencode(form) if form is not None else None, sent)
        response = connection.getresponse()
        answer = Answer(response.status, response.getheaders(), response.read().decode())
        connection.close()
        if found := re.search(rf"{COOKIE}=([^;]*)", answer.header("Set-Cookie")):
            self.token = found[1]
        return answer

    def signs_in(self, password: str = PASSWORD, **headers: str) -> Answer:
        return self.asks("/desk/sign-in", {"name": self.name, "password": password, "code": self.code}, **headers)

    def elsewhere(self) -> Visitor:
        """The same person with another browser."""
        return Visitor(self.desk, self.name, self.address)

    @property
    def csrf(self) -> str:
        found = re.search(r'data-csrf="([^"]+)"', self.asks("/desk/account").text)
        assert found
        return found[1]

    @property
    def is_in(self) -> bool:
        return self.asks("/desk/account").status == 200


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with running(folder, CONFIDE_STATE=str(folder / "state"), CONFIDE_KEY="a key of this test") as server:
        found = Desk(server, folder / "state")
        nobody = Visitor(found, "", "")
        found.before = {path: nobody.asks(path).status for path in ("/desk", "/desk/sign-in", "/desk/account", "/desk/static/desk.css")}
        found.do(lambda accounts: accounts.add("Somebody", PASSWORD))
        deadline = time.monotonic() + 2
        while nobody.asks("/desk/sign-in").status != 200:
            assert time.monotonic() < deadline, "an account that is added while the server runs opens the desk"
            time.sleep(0.1)
        yield found


@pytest.fixture
def visitor(desk: Desk) -> Callable[..., Visitor]:
    """Makes people with accounts."""

    def make(role: str = "volunteer") -> Visitor:
        name = f"Anna {next(_NUMBERS)}"
        return Visitor(desk, name, desk.do(lambda accounts: accounts.add(name, PASSWORD, role)))

    return make


NewVisitor = Callable[..., Visitor]


class Page(HTMLParser):
    """What stands in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


# The door


def test_without_an_account_there_is_no_desk(desk: Desk) -> None:
    assert set(desk.before.values()) == {404}


def test_who_is_not_signed_in_is_led_to_the_form(visitor: NewVisitor) -> None:
    anna = visitor()
    answer = anna.asks("/desk/account")
    assert (answer.status, answer.header("Location")) in {(302, "/desk/sign-in"), (303, "/desk/sign-in")}
    assert anna.asks("/desk/account", Accept="application/json").status == 401
    assert anna.asks("/desk/sign-out", {"csrf": ""}).status == 401


def test_the_form_has_labels_one_heading_and_nothing_inline(visitor: NewVisitor) -> None:
    answer = visitor().asks("/desk/sign-in")
    page = Page(answer.text)
    assert len(page.all("h1")) == 1
    fields = {str(attributes["id"]): attributes for attributes in page.all("input")}
    assert {label["for"] for label in page.all("label")} == set(fields) == {"name", "password", "code"}
    assert [fields[name]["autocomplete"] for name in ("name", "password", "code")] == ["username", "current-password", "one-time-code"]
    assert not [attributes for _, attributes in page.tags if "style" in attributes or any(key.startswith("on") for key in attributes)]
    assert not page.all("style")
    assert all(attributes.get("src") for attributes in page.all("script"))
    assert "default-src 'none'" in answer.header("Content-Security-Policy")
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("Set-Cookie") == "", "nothing is kept on a device before somebody is in"


def test_who_signs_in_gets_a_cookie_that_no_script_no_other_site_and_no_plain_connection_gets(visitor: NewVisitor) -> None:
    anna = visitor()
    answer = anna.signs_in()
    assert (answer.status, answer.header("Location")) == (303, "/desk")
    cookie, *attributes = answer.header("Set-Cookie").split("; ")
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}", cookie)
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"], "of this host alone, and gone with the browser"
    page = anna.asks("/desk/account")
    assert page.status == 200
    assert anna.name in page.text
    assert "Signed in since" in page.text
    assert "What was done at the desk" not in page.text, "that is for editors"
    assert anna.asks("/desk/sign-in").header("Location") == "/desk", "who is in needs no form"


def test_refusals_are_the_same_page_whatever_was_wrong(visitor: NewVisitor) -> None:
    anna = visitor()
    wrong = str((int(anna.code) + 1) % 1_000_000).zfill(6)
    tries = [
        {"name": anna.name, "password": "not this one at all", "code": anna.code},
        {"name": anna.name, "password": PASSWORD, "code": wrong},
        {"name": f"{anna.name}0000", "password": PASSWORD, "code": anna.code},
        {"name": "", "password": "", "code": ""},
        {},
    ]
    answers = [anna.asks("/desk/sign-in", form) for form in tries]
    assert {answer.status for answer in answers} == {401}
    assert len({re.sub(r'value="[^"]*"', "", answer.text) for answer in answers}) == 1
    assert 'role="alert"' in answers[0].text
    assert not any(answer.header("Set-Cookie") for answer in answers)


def test_what_was_typed_comes_back_escaped_and_the_password_not_at_all(visitor: NewVisitor) -> None:
    anna = visitor()
    anna.name = '"><script>x</script>'
    answer = anna.signs_in("my secret password")
    assert "<script>x" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "my secret password" not in answer.text


def test_after_five_failures_the_page_says_how_long_to_wait(visitor: NewVisitor) -> None:
    anna, nobody = visitor(), visitor()
    nobody.name = f"Nobody {next(_NUMBERS)}"
    for person in (anna, nobody):
        answers = [person.signs_in("not this one at all") for _ in range(5)]
        assert [answer.status for answer in answers] == [401, 401, 401, 401, 429]
        assert (answers[-1].header("Retry-After"), "Wait 30 seconds" in answers[-1].text) == ("30", True)
        answer = person.signs_in()
        assert (answer.status, answer.header("Set-Cookie")) == (429, "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Origin": ""},
    ],
    ids=str,
)
def test_a_form_of_another_site_signs_nobody_in(headers: dict[str, str], visitor: NewVisitor) -> None:
    anna = visitor()
    answer = anna.signs_in(**headers)
    assert (answer.status, answer.header("Set-Cookie")) == (403, "")
    assert anna.signs_in().status == 303, "the code was not used up"


def test_a_browser_that_hides_the_origin_of_its_own_page_signs_in(visitor: NewVisitor) -> None:
    assert visitor().signs_in(Origin="null", Sec_Fetch_Site="same-origin").status == 303


def test_a_form_that_is_far_too_long_is_refused(visitor: NewVisitor) -> None:
    assert visitor().signs_in("x" * 20_000).status == 413


# The way out


def test_signing_out_ends_the_session_and_takes_the_cookie(visitor: NewVisitor) -> None:
    anna = visitor()
    anna.signs_in()
    token, csrf = anna.token, anna.csrf
    for refused in ({}, {"csrf": ""}, {"csrf": "another"}):
        assert anna.asks("/desk/sign-out", refused).status == 403
    assert anna.asks("/desk/sign-out", {"csrf": csrf}, Origin="https://evil.example").status == 403
    assert anna.is_in
    answer = anna.asks("/desk/sign-out", {"csrf": csrf})
    assert (answer.status, answer.header("Location")) == (303, "/desk/sign-in?left=1")
    assert answer.header("Set-Cookie") == f"{COOKIE}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict"
    assert "You are signed out" in anna.asks("/desk/sign-in?left=1").text
    anna.token = token
    assert not anna.is_in, "also for who kept the cookie"


def test_signing_out_everywhere_ends_the_sessions_on_other_devices(visitor: NewVisitor) -> None:
    anna = visitor()
    anna.signs_in()
    phone = anna.elsewhere()
    phone.token = asyncio.run(_another_session(anna))
    assert anna.is_in
    assert phone.is_in
    token = anna.token
    assert anna.asks("/desk/sign-out-everywhere", {"csrf": anna.csrf}).status == 303
    anna.token = token
    assert not anna.is_in
    assert not phone.is_in


async def _another_session(person: Visitor) -> str:
    accounts = Accounts(person.desk.state / "desk.sqlite", sealing_key("a key of this test"))
    try:
        token = await accounts.enter_trusted(person.name)
        await asyncio.sleep(1.1)
        return token
    finally:
        await accounts.close()


def test_who_is_removed_on_the_command_line_is_out_within_two_seconds(visitor: NewVisitor) -> None:
    anna = visitor()
    anna.signs_in()
    assert anna.is_in
    anna.desk.do(lambda accounts: accounts.remove(anna.name))
    time.sleep(1.1)
    assert not anna.is_in


# What is written down


def test_editors_see_what_was_done_without_content(visitor: NewVisitor) -> None:
    anna = visitor("editor")
    anna.signs_in("not this one at all")
    anna.signs_in()
    page = anna.asks("/desk/account").text
    assert "What was done at the desk" in page
    for what in ("account added", "sign-in refused", "signed in"):
        assert f"<td>{anna.name}</td><td>{what}</td>" in page
    assert "not this one at all" not in page


def test_the_log_has_neither_names_nor_passwords_nor_tokens(visitor: NewVisitor, desk: Desk) -> None:
    anna = visitor()
    anna.signs_in("my secret password")
    anna.signs_in()
    assert anna.is_in
    log = desk.server.log.read_text()
    assert not [word for word in (anna.name, "my secret password", PASSWORD, anna.token) if word in log]


# Whom a reverse proxy brings

PROXY = {"CONFIDE_DESK_IDENTITY_HEADER": "X-Auth-Request-User", "CONFIDE_DESK_IDENTITY_PROXY": "10.0.0.7"}


def request(ip: str, *said: str, query: str = "") -> Any:
    """A request for the form, as Sanic hands it over."""
    headers = CIMultiDict([("x-auth-request-user", name) for name in said])
    return SimpleNamespace(method="GET", ip=ip, headers=headers, cookies={}, args={query: ["1"]} if query else {})


@pytest.fixture
async def with_anna(tmp_path: Path) -> AsyncIterator[Any]:
    """What sign_in needs of a desk: its accounts, with one in them."""
    accounts = Accounts(tmp_path / "desk.sqlite", sealing_key("a key of this test"))
    await accounts.add("anna@example.org", PASSWORD)
    yield SimpleNamespace(accounts=accounts)
    await accounts.close()


@pytest.mark.parametrize(
    ("settings", "ip", "said", "found"),
    [
        (PROXY, "10.0.0.7", ["anna@example.org"], "anna@example.org"),
        (PROXY, "10.0.0.8", ["anna@example.org"], None),
        (PROXY, "", ["anna@example.org"], None),
        (PROXY, "10.0.0.7", [], None),
        (PROXY, "10.0.0.7", [" "], None),
        (PROXY, "10.0.0.7", ["anna@example.org", "bo@example.org"], None),
        ({}, "10.0.0.7", ["anna@example.org"], None),
        ({"CONFIDE_DESK_IDENTITY_HEADER": "X-Auth-Request-User"}, "10.0.0.7", ["anna@example.org"], None),
        ({"CONFIDE_DESK_IDENTITY_HEADER": "X-Auth-Request-User", "CONFIDE_DESK_IDENTITY_PROXY": ""}, "", ["anna@example.org"], None),
        ({"CONFIDE_DESK_IDENTITY_PROXY": "10.0.0.7"}, "10.0.0.7", ["anna@example.org"], None),
    ],
    ids=["the proxy", "another address", "no address", "not said", "blank", "said twice", "off", "no proxy set", "empty", "no header set"],
)
def test_an_identity_is_believed_only_of_the_proxy_that_was_set(
    settings: dict[str, str], ip: str, said: list[str], found: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bot.desk import entry

    for name in PROXY:
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert entry.trusted_identity(request(ip, *said)) == found


async def test_who_the_proxy_brings_is_in_without_a_password(with_anna: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.desk import entry

    for name, value in PROXY.items():
        monkeypatch.setenv(name, value)
    answer = await entry.sign_in(request("10.0.0.7", "Anna@example.org"), with_anna, COOKIE)
    assert (answer.status, answer.headers["Location"]) == (303, "/desk")
    token = answer.headers["Set-Cookie"].split("=")[1].split(";")[0]
    session = await with_anna.accounts.session(token)
    assert session.name == "anna@example.org"
    for other in (
        request("10.0.0.7", "bo@example.org"),
        request("10.0.0.9", "anna@example.org"),
        request("10.0.0.7", "anna@example.org", query="left"),
    ):
        answer = await entry.sign_in(other, with_anna, COOKIE)
        assert "Set-Cookie" not in answer.headers
        assert b'name="password"' in (answer.body or b"")


async def test_without_settings_the_header_changes_nothing(with_anna: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bot.desk import entry

    for name in PROXY:
        monkeypatch.delenv(name, raising=False)
    answer = await entry.sign_in(request("10.0.0.7", "anna@example.org"), with_anna, COOKIE)
    assert (answer.status, "Set-Cookie" in answer.headers) == (200, False)
