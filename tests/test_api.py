"""The web channel from outside: every route held to docs/openapi.yml, and what each refusal says."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4
from xml.etree import ElementTree

import pytest
import schemathesis
import yaml
from conftest import Person, Server
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from schemathesis.checks import ALL_CHECKS

from bot import languages
from bot.channels.limits import Limits, Once
from bot.channels.measures import Measures
from bot.channels.turns import Turns
from bot.channels.web import Incoming, WebChannel
from bot.mind import Mind
from bot.tracker_store import ExpiringTrackerStore

WEBHOOK = "/webhooks/web/webhook"
DOCUMENT = Path(__file__).parent.parent / "docs" / "openapi.yml"
INTERFACE = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
SCHEMA = schemathesis.from_path(DOCUMENT, base_url="http://127.0.0.1:5005")
# Bounded, and the same each time: a failure here is one that everybody sees.
BOUNDED = settings(max_examples=40, derandomize=True, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck), database=None)
PAGES = ["/chat", "/chat/ar", "/privacy", "/privacy/ar", "/timeline", "/timeline/ar"]
EVERYTHING = [*PAGES, "/static/chat.css", "/widget.js", "/timeline.json", "/timeline.atom", "/health", "/metrics", "/nothing", "/"]


def asked(server: Server, **body: Any) -> tuple[int, dict[str, str], Any]:
    body = {"sender": uuid4().hex, "message": "hello", "language": "en", **body}
    status, headers, content = server.request(WEBHOOK, body)
    return status, headers, json.loads(content)


def refusal(content: bytes) -> dict[str, str]:
    error: dict[str, str] = json.loads(content)["error"]
    assert set(error) == {"code", "reason"}
    assert error["reason"].strip()
    return error


# --- the document and the server agree ---


@SCHEMA.parametrize()
@BOUNDED
def test_a_route_behaves_as_its_document_says(case: Any, server: Server) -> None:
    response = case.call(base_url=server.url, allow_redirects=False)
    case.validate_response(response, checks=ALL_CHECKS)


def test_the_document_has_every_route_of_the_channel() -> None:
    channel = WebChannel.from_credentials(None)
    blueprint = channel.blueprint(lambda message: asyncio.sleep(0))
    served = {re.sub(r"<(\w+):\w+>", r"{\1}", route.uri) for route in blueprint._future_routes}
    assert served == set(INTERFACE["paths"]) - {"/"}


def test_the_document_for_people_has_every_status_field_and_code() -> None:
    text = (DOCUMENT.parent / "api.md").read_text(encoding="utf-8")
    reply = INTERFACE["components"]["schemas"]["Reply"]["properties"]
    source = (DOCUMENT.parent.parent / "bot" / "channels" / "web.py").read_text(encoding="utf-8")
    codes = re.findall(r'Refused\(\s*\d+, "(\w+)"', source)
    assert len(codes) > 8
    for name in (*reply, *reply["status"]["enum"], *codes, *INTERFACE["components"]["schemas"]["Message"]["properties"]):
        assert f"`{name}`" in text, f"docs/api.md does not say what {name} means"


# --- what is refused, and how ---

NOT_JSON = {
    "no JSON": b"hello",
    "half a JSON": b'{"sender": "a", "mess',
    "empty": b"",
    "not UTF-8": b'{"sender": "a", "message": "\xff"}',
    "too deep": b"[" * 8000,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=list(NOT_JSON))
def test_malformed_json_is_refused_as_400(body: bytes, server: Server) -> None:
    status, headers, content = server.request(WEBHOOK, body, method="POST")
    assert (status, refusal(content)["code"]) == (400, "malformed_json")
    assert headers["content-type"] == "application/json"


WRONG_TYPE = {
    "a list": [],
    "a text": "hello",
    "null": None,
    "no sender": {"message": "hello"},
    "no message": {"sender": "a"},
    "a number as message": {"sender": "a", "message": 1},
    "a number as sender": {"sender": 7, "message": "hello"},
    "null as message": {"sender": "a", "message": None},
    "a list as language": {"sender": "a", "message": "hello", "language": ["en"]},
    "an object as message id": {"sender": "a", "message": "hello", "message_id": {}},
}


@pytest.mark.parametrize("body", WRONG_TYPE.values(), ids=list(WRONG_TYPE))
def test_a_field_of_the_wrong_type_is_refused_as_422(body: Any, server: Server) -> None:
    status, _, content = server.request(WEBHOOK, json.dumps(body).encode(), method="POST")
    assert (status, refusal(content)["code"]) == (422, "wrong_type")


BAD_FIELDS = {
    "empty message": ({"message": ""}, "empty_message"),
    "blank message": ({"message": " \n\t "}, "empty_message"),
    "blank sender": ({"sender": "  "}, "bad_sender"),
    "long sender": ({"sender": "a" * 129}, "bad_sender"),
    "unknown language": ({"language": "tlh"}, "unknown_language"),
    "no language tag": ({"language": "../../etc/passwd"}, "unknown_language"),
    "long message id": ({"message_id": "a" * 129}, "bad_message_id"),
    "half a letter": ({"message": "a\ud800b"}, "not_text"),
    "half a letter in the sender": ({"sender": "a\udfffb"}, "not_text"),
}


@pytest.mark.parametrize(("fields", "code"), BAD_FIELDS.values(), ids=list(BAD_FIELDS))
def test_a_field_that_cannot_be_used_is_refused_as_422_with_a_reason(fields: dict[str, str], code: str, server: Server) -> None:
    status, _, content = asked(server, **fields)
    assert (status, content["error"]["code"]) == (422, code)


def test_an_empty_message_is_refused_in_the_persons_language(server: Server) -> None:
    english, arabic = (asked(server, message="", language=language)[2]["error"]["reason"] for language in ("en", "ar"))
    assert "Please write your question" in english
    assert re.search("[\u0600-\u06ff]", arabic)


@pytest.mark.parametrize("size", [16 * 1024 + 1, 200_000])
def test_a_body_over_16_kb_is_refused_as_413(size: int, server: Server) -> None:
    body = json.dumps({"sender": "a", "message": "hello", "more": ""})[:-2].encode()
    status, _, content = server.request(WEBHOOK, body + b"a" * (size - len(body) - 2) + b'"}', method="POST")
    assert (status, refusal(content)["code"]) == (413, "body_too_large")
    assert "16" in refusal(content)["reason"]


def test_a_body_of_just_under_16_kb_is_read(server: Server) -> None:
    assert asked(server, more="a" * (16 * 1024 - 400))[0] == 200


def test_a_message_over_1000_letters_is_refused_kindly_and_says_the_limit(server: Server) -> None:
    status, _, content = asked(server, message="a" * 1001)
    assert (status, content["error"]["code"]) == (413, "message_too_long")
    assert "Please ask in fewer than 1000 letters" in content["error"]["reason"]
    assert asked(server, message="ü" * 1000)[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/static/../credentials.yml", 404, "not_found"),
        ("GET", "/static/%2e%2e%2fcredentials.yml", 404, "not_found"),
        ("GET", "/static/chat.html", 404, "not_found"),
        ("GET", "/chat/tlh", 404, "unknown_language"),
        ("GET", "/timeline/tlh", 404, "unknown_language"),
        ("GET", "/privacy/tlh", 404, "unknown_language"),
        ("GET", WEBHOOK, 405, "method_not_allowed"),
        ("PUT", "/chat", 405, "method_not_allowed"),
        ("DELETE", "/timeline.json", 405, "method_not_allowed"),
        ("POST", "/model/parse", 404, "not_found"),
        ("GET", "/conversations/a/tracker", 404, "not_found"),
        ("GET", "/status", 404, "not_found"),
    ],
    ids=lambda value: str(value),
)
def test_an_address_that_is_not_there_is_refused_in_json(method: str, path: str, status: int, code: str, server: Server) -> None:
    got, headers, content = server.request(path, method=method)
    assert (got, refusal(content)["code"]) == (status, code)
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize("head", ["POST /chat HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n", "NONSENSE\r\n\r\n"], ids=["length", "no HTTP"])
def test_a_request_that_is_no_http_is_refused_and_the_server_lives_on(head: str, server: Server) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=5) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(4096)
    assert b" 400 " in answer.splitlines()[0]
    assert server.request("/health")[0] == 200


# --- a conversation ---


def test_a_sender_that_was_never_seen_is_answered(server: Server) -> None:
    status, headers, replies = asked(server, sender="never seen before ✓", message="Is it safe to see a doctor?")
    assert status == 200
    assert replies[0]["recipient_id"] == "never seen before ✓"
    assert headers["cache-control"] == "no-store"


def test_a_language_tag_is_read_in_any_spelling(server: Server) -> None:
    assert asked(server, language="AR-eg")[2][0]["language"] == "ar"


def test_a_message_sent_again_gets_the_same_answer_and_is_one_turn(server: Server) -> None:
    person = Person(server, language="en")
    person.says("🤷", message_id="one")
    first = person.text
    person.says("🤷", message_id="one")
    assert person.text == first
    # A second misunderstanding is answered in other words, so the repeat was no turn.
    person.says("🤔", message_id="two")
    person.sees("I still do not understand")


def test_a_message_sent_twice_at_once_gets_the_same_answer_and_is_one_turn(server: Server) -> None:
    person = Person(server, language="en")
    with ThreadPoolExecutor(6) as several:
        replies = list(several.map(lambda _: Person(server, "en", person.sender).says("🤷", message_id="one"), range(6)))
    assert all(reply == replies[0] for reply in replies)
    person.says("🤔", message_id="two")
    person.sees("I still do not understand")


def test_two_messages_at_once_are_two_turns_one_after_the_other(server: Server) -> None:
    person = Person(server, language="en")
    with ThreadPoolExecutor(2) as several:
        replies = list(several.map(lambda text: Person(server, "en", person.sender).says(text)[0]["text"], ["🤷", "🤔"]))
    assert len(set(replies)) == 2
    assert any("I still do not understand" in reply for reply in replies)


def test_the_same_message_id_of_another_person_is_another_message(server: Server) -> None:
    one, other = Person(server, "en"), Person(server, "en")
    one.says("hello", message_id="one")
    other.says("Is it safe to see a GP?", message_id="one")
    assert other.topics == ["ask_gp_safe"]


@pytest.mark.parametrize("way", ["delete", "beacon", "words"])
def test_a_deleted_conversation_is_forgotten(way: str, server: Server) -> None:
    person = Person(server, "en", sender=f" å/ä?%41 {uuid4().hex}")
    person.says("I live in Glasgow", message_id="one")
    if way == "delete":
        path = f"/webhooks/web/conversations/{urlencode({'': person.sender})[1:].replace('+', '%20')}"
        assert server.request(path, method="DELETE")[0] == 204
    elif way == "beacon":
        assert server.request("/webhooks/web/erase", {"sender": person.sender})[0] == 204
    else:
        person.says("delete my chat")
    person.says("Is it safe to see a GP?", message_id="one")
    assert (person.topics, person.replies[0]["nation"]) == (["ask_gp_safe"], "england")
    person.sees("This is for England")


async def test_deleting_during_a_turn_leaves_nothing(mind: Mind) -> None:
    channel, store, may_end = WebChannel.from_credentials(None), ExpiringTrackerStore(), asyncio.Event()

    async def turn(message: UserMessage) -> None:
        await may_end.wait()
        await message.output_channel.send_response("", {"text": "hello"})
        await store.save(DialogueStateTracker.from_events(message.sender_id, [UserUttered("hello")]))

    channel._turns = Turns("web", turn, store, mind, Measures(), SimpleNamespace(handoffs=None, switches=None))
    answering = asyncio.ensure_future(channel._answer(Incoming("a", "hello", "en", "one")))
    await asyncio.sleep(0.01)
    deleting = asyncio.ensure_future(channel._forget("a"))
    await asyncio.sleep(0.01)
    may_end.set()
    assert (await answering)[0]["text"] == "hello"
    await deleting
    assert await store.keys() == []
    assert len(channel._once) == 0


@pytest.mark.parametrize("body", [b"hello", b"[]", b"{}", b'{"sender": 1}', b'{"sender": "\\ud800"}'], ids=str)
def test_a_request_to_delete_without_a_sender_is_refused(body: bytes, server: Server) -> None:
    status, _, content = server.request("/webhooks/web/erase", body, method="POST")
    assert status in (400, 422)
    refusal(content)


@settings(max_examples=40, suppress_health_check=list(HealthCheck), database=None)
@given(
    message=st.one_of(st.text(max_size=120), st.text('/0123456789{}":,abi م۴🤰\n', max_size=60), st.from_regex(r"/[a-z_]{1,12}(\{.{0,20}\})?")),
    language=st.sampled_from([None, "en", "ar", "fr", "es"]),
)
def test_any_text_is_answered_or_refused_with_a_reason(message: str, language: str | None, server: Server) -> None:
    status, _, content = server.request(WEBHOOK, {"sender": uuid4().hex, "message": message, "language": language})
    if status == 200:
        replies = json.loads(content)
        assert replies and all(reply["text"].strip() for reply in replies)
        assert all(reply["status"] != "failed" for reply in replies)
    else:
        assert 400 <= status < 500
        refusal(content)


ODD = [
    "/inform",
    '/inform{"nation": 7}',
    '/inform{"nation": "mars"}',
    "/nlu_fallback",
    "/session_start",
    "/restart",
    "/ask_gp_safe{",
    "/",
    "//",
    "\0",
    "\u202e",
]


@pytest.mark.parametrize("message", ODD, ids=repr)
def test_a_command_that_no_button_sends_breaks_nothing(message: str, server: Server) -> None:
    status, _, replies = asked(server, message=message)
    assert status == 200
    assert all(reply["text"].strip() and reply["status"] != "failed" for reply in replies)


# --- too many ---


def test_one_message_too_many_is_refused_with_the_seconds_to_wait(strict_server: Server) -> None:
    sender = uuid4().hex
    answers = [strict_server.request(WEBHOOK, {"sender": sender, "message": "hello", "language": "en"}) for _ in range(4)]
    assert [status for status, _, _ in answers] == [200, 200, 200, 429]
    _, headers, content = answers[-1]
    seconds = int(headers["retry-after"])
    assert 1 <= seconds <= 60
    assert refusal(content)["code"] == "too_many_messages"
    assert f"wait {seconds} seconds" in refusal(content)["reason"]
    # The same limit holds for the page, and is said where the answer would stand.
    for method, path, body in (("POST", "/chat", b"message=hello"), ("GET", "/chat?topic=ask_gp_safe", None)):
        status, _, page = strict_server.request(path, body, method=method, headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert status == 200
        assert "Too many messages" in page.decode()


def test_looking_at_pages_is_not_limited(strict_server: Server) -> None:
    assert {strict_server.request(path)[0] for path in PAGES * 3} == {200}


def test_deleting_is_not_limited(strict_server: Server) -> None:
    assert {strict_server.request("/webhooks/web/conversations/a", method="DELETE")[0] for _ in range(6)} == {204}


def test_a_sender_may_send_so_many_a_minute() -> None:
    limits = Limits(by_sender=2, by_address=100)
    assert [limits.wait("a", "home") for _ in range(2)] == [0, 0]
    assert 1 <= limits.wait("a", "home") <= 60
    assert limits.wait("b", "home") == 0


def test_an_address_may_send_so_many_a_minute_whatever_the_sender() -> None:
    limits = Limits(by_sender=100, by_address=2)
    assert [limits.wait(sender, "home") for sender in "ab"] == [0, 0]
    assert limits.wait("c", "home") > 0
    assert limits.wait("c", "elsewhere") == 0


def test_a_refused_message_is_not_counted() -> None:
    limits = Limits(by_sender=1, by_address=3)
    assert limits.wait("a", "home") == 0
    assert all(limits.wait("a", "home") > 0 for _ in range(10))
    assert [limits.wait(sender, "home") for sender in "bc"] == [0, 0]


class Counted:
    """A turn that counts how often it was taken, and ends when it is let."""

    def __init__(self) -> None:
        self.times = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> int:
        self.times += 1
        await self.may_end.wait()
        return self.times


async def test_an_answer_is_made_once_for_an_id() -> None:
    once, turn = Once[int](), Counted()
    assert [await once.answer("a", "1", turn) for _ in range(3)] == [1, 1, 1]
    assert await once.answer("a", "2", turn) == 2
    assert await once.answer("b", "1", turn) == 3
    assert [await once.answer("a", None, turn) for _ in range(2)] == [4, 5]


async def test_a_broken_connection_takes_nobodys_answer_away() -> None:
    once, turn = Once[int](), Counted()
    turn.may_end.clear()
    first = asyncio.ensure_future(once.answer("a", "1", turn))
    await asyncio.sleep(0)
    first.cancel()
    second = asyncio.ensure_future(once.answer("a", "1", turn))
    await asyncio.sleep(0)
    turn.may_end.set()
    assert await second == 1
    assert await once.answer("a", "1", turn) == 1
    assert turn.times == 1


async def test_a_turn_that_broke_may_be_tried_again() -> None:
    once = Once[int]()

    async def broken() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await once.answer("a", "1", broken)
    assert await once.answer("a", "1", Counted()) == 1


async def test_answers_are_held_for_a_time_and_to_a_number() -> None:
    now = [0.0]
    once, turn = Once[int](most=2, seconds=600, clock=lambda: now[0]), Counted()
    for message in "123":
        await once.answer("a", message, turn)
    assert len(once) == 2
    assert await once.answer("a", "3", turn) == 3
    now[0] = 600
    once.expire()
    assert len(once) == 0
    assert await once.answer("a", "3", turn) == 4


async def test_a_forgotten_answer_is_not_kept_when_its_turn_ends() -> None:
    once, turn = Once[int](), Counted()
    turn.may_end.clear()
    first = asyncio.ensure_future(once.answer("a", "1", turn))
    await asyncio.sleep(0)
    once.forget("a")
    turn.may_end.set()
    assert await first == 1
    assert len(once) == 0
    assert await once.answer("a", "1", turn) == 2


# --- pages ---


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_the_security_headers(path: str, server: Server) -> None:
    status, headers, _ = server.request(path)
    assert status == 200
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "img-src", "form-action")} == {"'self'"}
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "geolocation=()" in headers["permissions-policy"]


@pytest.mark.parametrize("path", EVERYTHING)
def test_nothing_sets_a_cookie_or_lets_another_site_read(path: str, server: Server) -> None:
    for origin in ({}, {"Origin": "https://evil.example"}):
        _, headers, _ = server.request(path, headers=origin)
        assert "set-cookie" not in headers
        assert not [name for name in headers if name.startswith("access-control")]
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("body", [{"sender": "a", "message": "hello"}, b"hello"], ids=["answer", "refusal"])
def test_neither_an_answer_nor_a_refusal_sets_a_cookie_or_is_cached(body: Any, server: Server) -> None:
    _, headers, _ = server.request(WEBHOOK, body)
    assert "set-cookie" not in headers
    assert headers["cache-control"] == "no-store"


def test_the_root_leads_to_the_chat_and_names_no_software(server: Server) -> None:
    status, _, content = server.request("/")
    assert status == 200
    assert b"<html" in content and b"Rasa" not in content


@pytest.mark.parametrize("path", PAGES)
def test_a_head_request_has_the_headers_without_the_page(path: str, server: Server) -> None:
    status, headers, content = server.request(path, method="HEAD")
    assert (status, content) == (200, b"")
    assert headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("ar", "ar"),
        ("ar-EG,ar;q=0.9,en;q=0.1", "ar"),
        ("en;q=0.2, ar;q=0.9", "ar"),
        ("de, ar;q=0.5", "ar"),
        ("ar;q=0, en", "en"),
        ("de", "en"),
        ("*", "en"),
        (";;;,,q=x", "en"),
        ("", "en"),
    ],
)
def test_a_page_is_in_the_language_that_the_browser_wants_most(wanted: str, language: str, server: Server) -> None:
    _, _, content = server.request("/chat", headers={"Accept-Language": wanted})
    tag = re.search(r"<html[^>]*>", content.decode())
    assert tag and f'lang="{language}"' in tag[0]
    assert f'dir="{languages.direction(language)}"' in tag[0]


def test_a_topic_in_the_address_is_answered_on_the_page(server: Server) -> None:
    _, _, content = server.request("/chat/en?topic=ask_gp_safe")
    assert "Is it safe to see a GP?" in content.decode()
    assert "GP care is free" in content.decode()


def test_a_topic_that_is_none_is_ignored(server: Server) -> None:
    status, _, content = server.request("/chat/en?topic=%3Cscript%3Ealert(1)%3C/script%3E")
    assert status == 200
    assert "<script>alert" not in content.decode()


class _Form(HTMLParser):
    """The hidden fields of a page's forms."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("type") == "hidden":
            self.fields[given["name"] or ""] = given["value"] or ""


def posted(server: Server, page: str, **fields: str) -> str:
    form = _Form()
    form.feed(page)
    body = urlencode({**form.fields, **fields}).encode()
    status, headers, content = server.request("/chat/en", body, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    return content.decode()


def test_without_javascript_a_form_shows_the_question_and_the_answer(server: Server) -> None:
    page = server.request("/chat/en")[2].decode()
    page = posted(server, page, message="Is it safe to see a GP?")
    assert "Is it safe to see a GP?" in page and "GP care is free" in page
    page = posted(server, page, message="and the hospital?")
    assert "GP care is free" in page, "the conversation so far is shown again"
    assert "and the hospital?" in page and "A&amp;E is free for everyone" in page


def test_a_link_to_a_language_that_we_do_not_speak_shows_a_browser_the_page_and_its_picker(server: Server) -> None:
    status, headers, body = server.request("/chat/tlh", headers={"Accept": "text/html,*/*"})
    assert (status, headers["content-type"].split(";")[0]) == (404, "text/html")
    assert "العربية" in body.decode()


def test_without_javascript_a_refusal_is_said_in_the_conversation(server: Server) -> None:
    page = server.request("/chat/en")[2].decode()
    assert "Please write your question" in posted(server, page, message="")
    assert "fewer than 1000 letters" in posted(server, page, message="a" * 1001)


def test_what_a_person_writes_is_never_html(server: Server) -> None:
    page = posted(server, server.request("/chat/en")[2].decode(), message='<img src=x onerror="alert(1)"></script><script>alert(1)</script>')
    assert "<img" not in page
    assert "<script>alert" not in page


def test_a_form_that_no_browser_sends_is_answered(server: Server) -> None:
    for kind in ("text/plain", "application/json", "multipart/form-data", "multipart/form-data; boundary=a", ""):
        status, _, _ = server.request("/chat/en", b"--a\r\nmessage=%ff", headers={"Content-Type": kind})
        assert status == 200


def test_a_file_of_the_page_comes_compressed_and_only_when_it_changed(server: Server) -> None:
    status, headers, plain = server.request("/static/chat.css")
    _, zipped_headers, zipped = server.request("/static/chat.css", headers={"Accept-Encoding": "gzip"})
    assert (status, zipped_headers["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(zipped) == plain
    assert headers["etag"] != zipped_headers["etag"]
    status, _, content = server.request("/static/chat.css", headers={"If-None-Match": headers["etag"]})
    assert (status, content) == (304, b"")


def test_the_widget_may_be_loaded_by_another_site(server: Server) -> None:
    status, headers, _ = server.request("/widget.js")
    assert status == 200
    assert headers["cross-origin-resource-policy"] == "cross-origin"


# --- the timeline and the operation ---


def test_the_timeline_as_json_is_in_order_and_every_event_has_a_source(server: Server) -> None:
    _, _, content = server.request("/timeline.json")
    timeline = json.loads(content)
    # An event of May 2018 may stand after one of 9 May; one of April may not.
    assert all(later["last"] >= event["first"] for event, later in pairwise(timeline["events"]))
    assert all(event["sources"] for event in timeline["events"])
    names = {event["id"] for event in timeline["events"]}
    assert {value["event"] for rule in timeline["rules"] for value in rule["values"]} <= names


def test_the_timeline_as_atom_is_a_feed_with_every_event(server: Server) -> None:
    _, headers, content = server.request("/timeline.atom")
    assert headers["content-type"].startswith("application/atom+xml")
    atom = "{http://www.w3.org/2005/Atom}"
    feed = ElementTree.fromstring(content)
    assert feed.tag == f"{atom}feed"
    assert all(feed.find(f"{atom}{name}") is not None for name in ("id", "title", "updated", "author"))
    entries = feed.findall(f"{atom}entry")
    assert len(entries) == len(json.loads(server.request("/timeline.json")[2])["events"])
    assert all(entry.findtext(f"{atom}{name}") for entry in entries for name in ("id", "title", "updated"))
    ids = [entry.findtext(f"{atom}id") for entry in entries]
    assert len(ids) == len(set(ids))


def test_health_says_that_it_is_ready(server: Server) -> None:
    status, _, content = server.request("/health")
    assert (status, json.loads(content)["status"]) == (200, "ok")


def test_measures_count_replies_and_hold_no_text(server: Server) -> None:
    asked(server, message="Is it safe to see a GP? zanzibar")
    status, _, content = server.request("/metrics")
    assert status == 200
    assert re.search(rb'confide_replies_total\{language="en",status="answered"\} [1-9]', content)
    assert b"zanzibar" not in content


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_measures_are_not_told_to_whom_a_proxy_on_this_machine_asks_for(header: str, server: Server) -> None:
    status, _, content = server.request("/metrics", headers={header: "203.0.113.7"})
    assert (status, refusal(content)["code"]) == (403, "forbidden")


@pytest.mark.parametrize("given", ["", "Bearer wrong", "letmein", "Bearer é"])
def test_with_a_token_set_measures_are_told_only_to_who_has_it(given: str, strict_server: Server) -> None:
    assert strict_server.request("/metrics", headers={"Authorization": given})[0] == 403
    assert strict_server.request("/metrics", headers={"Authorization": "Bearer letmein"})[0] == 200
