"""Sending a message: on a bad line, twice, too long, too often, and without JavaScript."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from .conftest import Visits
from .pages import SAFE, WEBHOOK, answer_with, ask, focused, reply, word


def test_the_conversation_can_be_written_without_javascript(visit: Visits) -> None:
    page = visit("/chat/en", javascript=False)
    ask(page, SAFE["en"])
    expect(page.locator(".you p")).to_have_text(SAFE["en"])
    expect(page.locator(".them").last.locator(".said")).to_contain_text("Home Office")
    ask(page, "Can I talk to a person?")
    expect(page.locator(".you")).to_have_count(2)
    for gone in ("Listen", "Copy", "Print"):
        expect(page.get_by_role("button", name=gone, exact=True)).to_have_count(0)


def test_enter_sends_and_shift_enter_begins_a_new_line(visit: Visits) -> None:
    page = visit("/chat/en")
    sent = answer_with(page, reply())
    page.focus("#message")
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    assert sent == []
    page.keyboard.press("Enter")
    expect(page.locator(".them")).to_have_count(2)
    assert sent[0]["message"] == "one\ntwo"
    assert focused(page) == "message"
    assert page.input_value("#message") == ""


def test_without_javascript_the_page_opens_at_the_newest_question(visit: Visits) -> None:
    page = visit("/chat/en", javascript=False)
    ask(page, SAFE["en"])
    ask(page, "Can I talk to a person?")
    expect(page.locator(".you").last).to_be_in_viewport(ratio=1)
    expect(page.locator(".you").first).not_to_be_in_viewport()


def test_an_empty_question_is_not_sent(visit: Visits) -> None:
    page = visit("/chat/en")
    sent = answer_with(page, reply())
    page.fill("#message", "   ")
    page.click("#send")
    page.wait_for_timeout(200)
    assert sent == []
    assert focused(page) == "message"


def test_the_assistant_is_seen_writing_until_the_answer_comes(visit: Visits) -> None:
    page = visit("/chat/en")
    held: list[Route] = []
    page.route(WEBHOOK, lambda route: held.append(route))
    expect(page.locator("#typing")).to_be_hidden()
    page.fill("#message", "GP")
    page.click("#send")
    expect(page.locator("#typing")).to_have_text(re.compile(word("page_typing")))
    page.wait_for_function("true")
    held[0].fulfill(json=[reply()])
    expect(page.locator(".them")).to_have_count(2)
    expect(page.locator("#typing")).to_be_hidden()


def test_a_message_that_was_not_sent_says_so_and_is_sent_again_under_the_same_id(visit: Visits) -> None:
    page = visit("/chat/en")
    tried: list[dict[str, Any]] = []

    def fail_once(route: Route) -> None:
        tried.append(route.request.post_data_json)
        if len(tried) == 1:
            route.abort()
        else:
            route.fulfill(json=[reply()])

    page.route(WEBHOOK, fail_once)
    page.fill("#message", SAFE["en"])
    page.click("#send")
    unsent = page.locator(".you .unsent")
    expect(unsent).to_contain_text(word("page_not_sent"))
    assert str(unsent.locator("a").get_attribute("href")).startswith("tel:0808")
    again = page.get_by_role("button", name=word("page_resend"))
    again.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".them")).to_have_count(2)
    expect(unsent).to_have_count(0)
    expect(page.locator(".you")).to_have_count(1)
    assert tried[0]["message_id"] == tried[1]["message_id"]
    assert focused(page) != "BODY"


def test_the_same_message_id_is_answered_only_once_by_the_server(visit: Visits) -> None:
    page = visit("/chat/en")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(str(request.post_data)) if "webhook" in request.url else None)
    ask(page, SAFE["en"])
    post = """body => fetch("/webhooks/web/webhook", {method: "POST", headers: {"Content-Type": "application/json"}, body}).then(r => r.json())"""
    once, twice = page.evaluate(post, sent[0]), page.evaluate(post, sent[0])
    assert once == twice


def test_offline_is_said_with_the_message_and_with_the_number_to_call(visit: Visits) -> None:
    page = visit("/chat/en")
    page.context.set_offline(True)
    expect(page.locator("#notice")).to_have_text(word("page_is_offline"))
    page.fill("#message", "GP")
    page.click("#send")
    expect(page.locator(".unsent")).to_contain_text(word("page_offline"))
    expect(page.locator(".unsent .call")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#notice")).to_have_text(word("page_is_online"))
    page.click(".again")
    expect(page.locator(".you ~ .them")).to_have_count(1)


def test_a_refusal_s_reason_is_shown(visit: Visits) -> None:
    page = visit("/chat/en")
    reason = "Too many messages. Please wait 7 seconds and send again."
    refusal = {"error": {"code": "rate", "reason": reason}}
    page.route(WEBHOOK, lambda route: route.fulfill(status=429, headers={"Retry-After": "7"}, json=refusal))
    page.fill("#message", "GP")
    page.click("#send")
    expect(page.locator(".unsent")).to_contain_text(reason)


@pytest.mark.parametrize("body", ["[]", "{}", "<html>"], ids=["nothing", "no list", "no JSON"])
def test_an_answer_that_is_none_leaves_a_number_to_call(visit: Visits, body: str) -> None:
    page = visit("/chat/en")
    page.route(WEBHOOK, lambda route: route.fulfill(status=200, content_type="application/json", body=body))
    page.fill("#message", "GP")
    page.click("#send")
    expect(page.locator(".unsent .call")).to_be_visible()


def test_near_the_limit_the_letters_left_are_counted_and_beyond_it_nothing_is_sent(visit: Visits) -> None:
    page = visit("/chat/en")
    sent = answer_with(page, reply())
    page.fill("#message", "a" * 899)
    expect(page.locator("#counter")).to_be_empty()
    page.fill("#message", "é" * 950)
    expect(page.locator("#counter")).to_have_text("Letters left: 50")
    page.fill("#message", "😀" * 1003)
    expect(page.locator("#counter")).to_contain_text("3")
    expect(page.locator("#message")).to_have_attribute("aria-invalid", "true")
    page.click("#send")
    page.wait_for_timeout(200)
    assert sent == []
    assert page.input_value("#message") == "😀" * 1003
    page.fill("#message", "😀" * 1000)
    page.click("#send")
    expect(page.locator(".them")).to_have_count(2)


def test_an_answer_is_brought_to_where_it_can_be_read_from_its_beginning(visit: Visits) -> None:
    page = visit("/chat/en", reduced_motion="reduce")
    ask(page, SAFE["en"])
    expect(page.locator(".you")).to_be_in_viewport(ratio=1)
    expect(page.locator(".them h3").last).to_be_in_viewport(ratio=1)
    bar = page.locator(".safety").bounding_box()
    assert page.locator(".you").bounding_box()["y"] >= bar["height"]  # type: ignore[index]
