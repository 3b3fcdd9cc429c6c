"""Webhooks of the Cloud API in every odd shape, and what comes out of order."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, running
from fakes import Chatter, FakeCloud, cloud_settings, fake_cloud, meta_signature, signed_by_meta
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.cloud_webhook import NotAWebhook, read_webhook
from bot.channels.outbox import Accepted, Outbox
from bot.storage import sealing_key

WEBHOOK = "/webhooks/whatsapp/webhook"
_NUMBERS = itertools.count(1)


def of_value(value: object) -> bytes:
    return signed_by_meta(value)[0]


def of_message(**message: Any) -> bytes:
    return of_value({"messages": [{"from": "447700900555", "id": f"wamid.{next(_NUMBERS)}", "timestamp": "1", **message}]})


ODD = {
    "a text as value": of_value("x"),
    "null as value": of_value(None),
    "null as messages": of_value({"messages": None}),
    "a number as messages": of_value({"messages": 5}),
    "a text as message": of_value({"messages": ["x"]}),
    "an empty message": of_value({"messages": [{}]}),
    "a message without sender": of_value({"messages": [{"id": "x", "type": "text", "text": {"body": "x"}}]}),
    "a number as id": of_message(id=5, type="text", text={"body": "x"}),
    "a text message without text": of_message(type="text"),
    "null as text": of_message(type="text", text=None),
    "a text as text": of_message(type="text", text="x"),
    "half a letter": of_message(type="text", text={"body": "\ud83d"}),
    "half a letter in the sender": of_value({"messages": [{"id": "x", "from": "\ud800", "type": "text", "text": {"body": "x"}}]}),
    "a choice without a choice": of_message(type="interactive"),
    "a text as choice": of_message(type="interactive", interactive={"button_reply": "x"}),
    "a button without a button": of_message(type="button"),
    "a place without a place": of_message(type="location"),
    "a place in words": of_message(type="location", location={"latitude": "north", "longitude": 1}),
    "an infinite place": of_message(type="location", location={"latitude": float("inf"), "longitude": 1}),
    "a time in words": of_message(type="text", text={"body": "hello"}, timestamp="soon"),
    "null as statuses": of_value({"statuses": None}),
    "a text as status": of_value({"statuses": ["x"]}),
    "an object as token": of_value({"statuses": [{"status": "sent", "biz_opaque_callback_data": {}}]}),
    "a list as state": of_value({"statuses": [{"status": ["sent"], "id": "x"}]}),
    "an object as errors": of_value({"statuses": [{"status": "failed", "id": "x", "errors": {"code": 1}}]}),
    "a number as status id": of_value({"statuses": [{"status": "sent", "id": 5}]}),
    "too deep": b"[" * 8000,
}


@pytest.fixture(scope="module")
def meta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, FakeCloud]]:
    folder = tmp_path_factory.mktemp("whatsapp")
    with fake_cloud() as cloud, running(folder, **cloud_settings(cloud, folder / "state")) as server:
        yield server, cloud


@pytest.mark.parametrize("body", ODD.values(), ids=list(ODD))
def test_a_body_of_an_odd_shape_is_read_as_far_as_it_goes(body: bytes) -> None:
    try:
        messages, reports = read_webhook(body)
    except NotAWebhook:
        return
    for message in messages:
        json.dumps([message.id, message.sender, message.content], allow_nan=False).encode()
    assert all(isinstance(report.state, str) for report in reports)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inside: st.lists(inside) | st.dictionaries(st.text(), inside), max_leaves=8
)
_FIELDS = ("id", "from", "type", "text", "body", "timestamp", "location", "latitude", "interactive", "button_reply", "status", "errors")


@given(st.recursive(_JSON, lambda inside: st.dictionaries(st.sampled_from(_FIELDS), inside) | st.lists(inside), max_leaves=12))
def test_whatever_stands_in_a_signed_body_it_is_read_or_left_out(value: object) -> None:
    for body in (of_value({"messages": [value]}), of_value({"statuses": [value]}), of_value(value), json.dumps(value).encode()):
        with suppress(NotAWebhook):
            read_webhook(body)


def test_a_signed_body_of_an_odd_shape_is_no_error_of_ours(meta: tuple[Server, FakeCloud]) -> None:
    assert {meta[0].request(WEBHOOK, body, method="POST", headers=meta_signature(body))[0] for body in ODD.values()} <= {200, 422}


def test_one_odd_message_keeps_no_answer_from_the_ones_after_it(meta: tuple[Server, FakeCloud]) -> None:
    person = Chatter(*meta, "447700900801")
    odd = {"from": "447700900802", "id": "wamid.odd", "type": "text"}
    good = {"from": person.number, "id": "wamid.good", "type": "text", "text": {"body": "HELP"}}
    body, headers = signed_by_meta({"messages": [odd, good]})
    meta[0].request(WEBHOOK, body, method="POST", headers=headers)
    assert len(person.gets()) == 1


def test_a_slow_read_receipt_holds_up_nobodys_answer(meta: tuple[Server, FakeCloud]) -> None:
    meta[1].slow = {"slow-0": 3, "slow-1": 3}
    people = [Chatter(*meta, f"44770090090{number}") for number in range(3)]
    for number, person in enumerate(people[:2]):
        assert person.webhook("Is it safe to see a GP?", message_id=f"slow-{number}") == 200
    began = time.monotonic()
    assert people[2].texts("Is it safe to see a GP?") != []
    assert time.monotonic() - began < 2.5


@pytest.mark.parametrize("afterwards", ["sent", "unknown"])
async def test_a_report_that_comes_before_the_send_has_ended_holds(afterwards: str, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box.sqlite", sealing_key("k"))
    number = await outbox.accept("sms", "SM1", "person", {})
    assert number is not None
    (send,) = await outbox.answer(Accepted(number, "sms", "person", {}), [({"body": "a"}, 1)])
    await outbox.mark(send, "sending")
    assert await outbox.report(send.token, "SM9", "delivered")
    await outbox.mark(send, afterwards, "SM9")
    assert (await outbox.counts())["send delivered"] == 1
    await outbox.close()
