"""Conversations by WhatsApp's Cloud API, with Meta on loopback."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import Person, Server, running
from fakes import Chatter, FakeCloud, cloud_settings, fake_cloud, meta_signature, signed_by_meta, words

from bot.channels.messaging import NotSetUp
from bot.channels.whatsapp import WhatsApp, WhatsAppByTwilio, _choosing

WEBHOOK = "/webhooks/whatsapp/webhook"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def meta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, FakeCloud]]:
    folder = tmp_path_factory.mktemp("whatsapp")
    with fake_cloud() as cloud, running(folder, **cloud_settings(cloud, folder / "state")) as server:
        yield server, cloud


@pytest.fixture
def chatter(meta: tuple[Server, FakeCloud]) -> Callable[[], Chatter]:
    return lambda: Chatter(*meta, f"447700900{next(_NUMBERS):03d}")


def told(payloads: list[dict[str, Any]]) -> str:
    return "\n".join(words(payload) for payload in payloads)


def test_the_address_is_verified_with_the_token_only(meta: tuple[Server, FakeCloud]) -> None:
    query = "?hub.mode=subscribe&hub.challenge=12345&hub.verify_token="
    status, _, content = meta[0].request(f"{WEBHOOK}{query}a-verify-token")
    assert (status, content) == (200, b"12345")
    assert meta[0].request(f"{WEBHOOK}{query}another")[0] == 403


@pytest.mark.parametrize("signature", [None, "", "sha256=00", "sha1=00"], ids=str)
def test_a_webhook_that_meta_did_not_sign_is_refused(signature: str | None, chatter: Callable[[], Chatter]) -> None:
    person = chatter()
    body, _ = signed_by_meta({"messages": [{"from": person.number, "id": "x", "type": "text", "text": {"body": "hello"}}]})
    headers = {} if signature is None else {"X-Hub-Signature-256": signature}
    assert person.server.request(WEBHOOK, body, method="POST", headers=headers)[0] == 403
    assert person.cloud.to(person.number) == []


def test_the_answer_is_the_webs_word_for_word_with_its_choices_to_tap(chatter: Callable[[], Chatter]) -> None:
    person = chatter()
    reader = Person(person.server)
    payloads = person.sends("Is it safe to see a GP?")
    (reply,) = reader.says("Is it safe to see a GP?")
    assert all(paragraph in told(payloads) for paragraph in reply["paragraphs"])
    assert "Delete this chat" in told(payloads)
    (interactive,) = (payload["interactive"] for payload in payloads if "interactive" in payload)
    tapped = interactive["action"]["sections"][0]["rows"][0] if interactive["type"] == "list" else interactive["action"]["buttons"][0]["reply"]
    answer = person.sends(
        {"type": "interactive", "interactive": {"type": "list_reply", "list_reply": {"id": tapped["id"], "title": tapped["title"]}}}
    )
    (reply,) = reader.says(tapped["id"])
    assert reply["paragraphs"][0] in told(answer)
    assert person.cloud.read


_NO_WORDS = ["image", "audio", "sticker", "contacts", "document", "video", "reaction", "order", "system", "unsupported", "a kind of a later year"]


@pytest.mark.parametrize("kind", _NO_WORDS)
def test_what_is_no_words_gets_a_kind_line(kind: str, chatter: Callable[[], Chatter]) -> None:
    line, whom_to_call = chatter().sends({"type": kind, kind: {"id": "123"}})
    assert "only written words" in words(line)
    assert "0808 1647 686" in words(whom_to_call)


@pytest.mark.parametrize("message", [{}, {"type": None}, {"type": "interactive", "interactive": {"nfm_reply": {"body": "Sent"}}}], ids=str)
def test_a_message_that_says_nothing_gets_a_kind_line(message: dict[str, Any], chatter: Callable[[], Chatter]) -> None:
    assert "only written words" in told(chatter().sends(message))


def test_a_shared_place_answers_the_clinic_question(chatter: Callable[[], Chatter]) -> None:
    person = chatter()
    person.sends("where is a clinic?")
    london = told(person.sends({"type": "location", "location": {"latitude": 51.52, "longitude": -0.06}}))
    assert "London" in london
    assert "only written words" in told(person.sends({"type": "location", "location": {"latitude": 0, "longitude": 0}}))


def test_a_message_that_meta_sends_again_is_answered_once(chatter: Callable[[], Chatter]) -> None:
    person = chatter()
    assert len(person.sends("hello", message_id="wamid.same")) >= 1
    assert person.gets_nothing_for("hello", message_id="wamid.same")


def test_stop_and_start(chatter: Callable[[], Chatter]) -> None:
    person = chatter()
    assert "no more messages" in told(person.sends("stop"))
    assert person.gets_nothing_for("hello")
    assert "write to us again" in told(person.sends("START"))


def test_a_status_report_is_noted(chatter: Callable[[], Chatter]) -> None:
    person = chatter()
    token = person.sends("hello")[0]["biz_opaque_callback_data"]
    body, headers = signed_by_meta(
        {"statuses": [{"id": "wamid.9", "status": "failed", "biz_opaque_callback_data": token, "errors": [{"code": 131047}]}]}
    )
    assert person.server.request(WEBHOOK, body, method="POST", headers=headers)[0] == 200
    assert b'confide_sends_total{channel="whatsapp",state="failed"} 1.0' in person.server.request("/metrics")[2]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"entry": 3}', b"\xff"])
def test_a_signed_body_that_is_no_webhook_is_refused_with_a_reason(body: bytes, chatter: Callable[[], Chatter]) -> None:
    status, _, content = chatter().server.request(WEBHOOK, body, method="POST", headers=meta_signature(body))
    assert (status, content) == (422, b"the body is not a webhook of the Cloud API")


def of_value(value: object) -> bytes:
    return signed_by_meta(value)[0]


# Each signed rightly: nobody else can send them, but what Meta sends may change.
ODD = {
    "nothing happened": (of_value({}), 200),
    "no messages": (of_value({"messages": []}), 200),
    "no entries": (b'{"entry": []}', 200),
    "a status of no message": (of_value({"statuses": [{}]}), 200),
    "a status that nobody knows": (of_value({"statuses": [{"id": "wamid.1", "status": "warmed"}]}), 200),
    "no changes": (b'{"entry": [{}]}', 422),
    "null as entry": (b'{"entry": null}', 422),
    "a text": (b'"hello"', 422),
    "a figure of 5000 digits": (b'{"entry": ' + b"1" * 5000 + b"}", 422),
    "half a JSON": (of_value({})[:40], 422),
    "a great many brackets": (b"[" * 100_000, 422),
}


@pytest.mark.parametrize(("body", "expected"), ODD.values(), ids=list(ODD))
def test_a_signed_body_of_an_odd_shape_breaks_nothing(body: bytes, expected: int, chatter: Callable[[], Chatter]) -> None:
    person = chatter()
    assert person.server.request(WEBHOOK, body, method="POST", headers=meta_signature(body))[0] == expected
    assert person.sends("hello") != []


ODD_TEXTS: dict[str, object] = {"null": None, "a number": 7, "a list": ["hello"], "with a NUL": "hello\0"}


@pytest.mark.parametrize("body", ODD_TEXTS.values(), ids=list(ODD_TEXTS))
def test_an_odd_text_is_answered_all_the_same(body: object, chatter: Callable[[], Chatter]) -> None:
    assert chatter().sends({"type": "text", "text": {"body": body}}) != []


def test_a_batch_is_answered_message_by_message(chatter: Callable[[], Chatter]) -> None:
    one, other = chatter(), chatter()
    messages = [{"from": person.number, "id": f"wamid.of-{person.number}", "type": "text", "text": {"body": "HELP"}} for person in (one, other)]
    changes = [{"value": {"messages": [message]}} for message in messages]
    body = json.dumps({"entry": [{"changes": changes}, {"changes": changes[:1]}]}).encode()
    assert one.server.request(WEBHOOK, body, method="POST", headers=meta_signature(body))[0] == 200
    assert (len(one.gets()), len(other.gets())) == (1, 1)


def choices(*titles: str) -> list[dict[str, str]]:
    return [{"title": title, "message": f"/{number}"} for number, title in enumerate(titles)]


def test_three_short_choices_are_buttons() -> None:
    interactive = _choosing("Where do you live?", choices("England", "Scotland", "Wales"), "en")["interactive"]
    assert [button["reply"]["title"] for button in interactive["action"]["buttons"]] == ["England", "Scotland", "Wales"]


def test_more_or_longer_choices_are_a_list_with_the_whole_title_beneath() -> None:
    action = _choosing("Ask next", choices("Does my surgery tell anyone about me?", "Yes"), "en")["interactive"]["action"]
    assert len(action["button"]) <= 20
    first, second = action["sections"][0]["rows"]
    assert (len(first["title"]) <= 24, first["description"]) == (True, "Does my surgery tell anyone about me?")
    assert "description" not in second


def test_more_than_a_list_takes_are_numbered() -> None:
    message = _choosing("Choose", choices(*(f"language {number}" for number in range(24))), "en")
    assert message["type"] == "text"
    assert "24 language 23" in message["text"]["body"]


def test_channels_that_are_half_set_up_say_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIDE_WHATSAPP_TOKEN", "x")
    with pytest.raises(NotSetUp, match="CONFIDE_WHATSAPP_APP_SECRET, CONFIDE_WHATSAPP_NUMBER_ID, CONFIDE_WHATSAPP_VERIFY_TOKEN"):
        WhatsApp.from_credentials({})
    monkeypatch.setenv("CONFIDE_WHATSAPP_FROM", "whatsapp:+441134960000")
    with pytest.raises(NotSetUp, match="CONFIDE_TWILIO_ACCOUNT_SID"):
        WhatsAppByTwilio.from_credentials({})
