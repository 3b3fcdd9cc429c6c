"""What stays behind of a conversation: nothing; and the way out at once."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import Visits
from .pages import SAFE, WEBHOOK, answer_with, ask, focused, reply, with_and_without_script, word


def test_nothing_is_kept_on_the_device(visit: Visits) -> None:
    page = visit("/chat/en")
    ask(page, SAFE["en"])
    assert page.context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert page.evaluate("indexedDB.databases().then(all => all.length)") == 0
    expect(page.locator("#ask")).to_have_attribute("autocomplete", "off")
    expect(page.locator("#message")).to_have_attribute("autocomplete", "off")


def test_the_sender_is_another_one_on_each_page_load(visit: Visits) -> None:
    page = visit("/chat/en")
    sent = answer_with(page, reply())
    ask(page, "1")
    page.reload()
    ask(page, "2")
    assert sent[0]["sender"] != sent[1]["sender"]
    assert len(sent[0]["sender"]) >= 22


def erased(page: Page) -> list[str]:
    """Collects the senders that the server is told to forget."""
    told: list[str] = []

    def note(route: Route) -> None:
        told.append(route.request.post_data_json["sender"] if route.request.method == "POST" else route.request.url.rsplit("/", 1)[1])
        route.fulfill(status=204)

    page.route("**/webhooks/web/erase", note)
    page.route("**/webhooks/web/conversations/*", note)
    return told


def test_deleting_empties_the_page_and_puts_the_focus_on_the_question(visit: Visits) -> None:
    page = visit("/chat/en")
    told, sent = erased(page), answer_with(page, reply())
    ask(page, "GP")
    page.click("#delete")
    expect(page.locator("#notice")).to_have_text(word("page_deleted"))
    expect(page.locator(".you")).to_have_count(0)
    assert told == [sent[0]["sender"]]
    assert focused(page) == "message"
    ask(page, "GP")
    assert sent[1]["sender"] != sent[0]["sender"]


def test_a_chat_is_deleted_without_javascript(visit: Visits) -> None:
    page = visit("/chat/en", javascript=False)
    ask(page, "My doctor is called Zebra")
    page.click("#delete")
    expect(page.locator(".them .said").last).to_contain_text("deleted")
    expect(page.locator(".log")).not_to_contain_text("Zebra")


@with_and_without_script
def test_a_chat_is_deleted_by_asking_for_it_in_words(visit: Visits, javascript: bool) -> None:
    page = visit("/chat/en", javascript=javascript)
    ask(page, "My doctor is called Zebra")
    page.fill("#message", "delete my chat")
    page.click("#send")
    expect(page.locator(".log")).not_to_contain_text("Zebra")
    expect(page.locator(".them .said").last).to_contain_text("deleted")


def test_a_chat_that_the_server_could_not_delete_is_not_said_to_be_deleted(visit: Visits) -> None:
    page = visit("/chat/en")
    answer_with(page, reply())
    page.route("**/webhooks/web/conversations/*", lambda route: route.abort())
    ask(page, "GP")
    page.click("#delete")
    expect(page.locator("#notice")).to_have_text(word("page_not_deleted"))
    expect(page.locator(".you")).to_have_count(0)
    page.unroute("**/webhooks/web/conversations/*")
    told = erased(page)
    expect(page.locator("#notice")).to_have_text(word("page_deleted"), timeout=10_000)
    assert len(told) == 1


def test_an_answer_that_comes_after_the_deletion_is_not_shown(visit: Visits) -> None:
    page = visit("/chat/en")
    told = erased(page)
    held: list[Route] = []
    page.route(WEBHOOK, lambda route: held.append(route))
    page.fill("#message", "GP")
    page.click("#send")
    expect(page.locator("#typing")).to_be_visible()
    page.click("#delete")
    expect(page.locator("#notice")).to_have_text(word("page_deleted"))
    held[0].fulfill(json=[reply()])
    page.wait_for_timeout(300)
    expect(page.locator(".them")).to_have_count(1)
    assert len(told) == 2, "the server forgets once more, as the late turn may have brought the chat back"


def test_closing_the_page_erases_the_conversation(visit: Visits) -> None:
    page = visit("/chat/en")
    sent: list[dict[str, Any]] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if "webhook" in request.url else None)
    ask(page, "My doctor is called Zebra")

    def told_again() -> str:
        """The page that the server would show the same sender now."""
        form = urllib.parse.urlencode({"sender": sent[0]["sender"], "message": "thank you"}).encode()
        with urllib.request.urlopen(f"{visit.server}/chat/en", form) as response:
            return str(response.read().decode().split('id="log"')[1])

    assert "My doctor is called Zebra" in told_again().split("<form")[0]
    page.close()
    page_after = visit("/privacy/en")
    page_after.wait_for_timeout(500)
    assert "My doctor is called Zebra" not in told_again().split("<form")[0]


def test_back_does_not_bring_the_conversation_to_sight_again(visit: Visits) -> None:
    page = visit("/chat/en")
    ask(page, SAFE["en"])
    page.goto(visit.server + "/privacy/en")
    page.go_back()
    expect(page.locator("#message")).to_be_visible()
    expect(page.locator(".you")).to_have_count(0)


def test_privacy_and_timeline_open_beside_the_chat_so_that_it_is_not_lost(visit: Visits) -> None:
    page = visit("/chat/en")
    ask(page, SAFE["en"])
    for name, path in (("page_privacy", "/privacy/en"), ("page_timeline", "/timeline/en")):
        with page.context.expect_page() as beside:
            page.get_by_role("link", name=word(name)).click()
        assert beside.value.url.endswith(path)
    expect(page.locator(".you")).to_have_count(1)


def press_exit(page: Page) -> None:
    page.click("#exit")


def press_escape(page: Page) -> None:
    page.focus("#message")
    for _ in range(3):
        page.keyboard.press("Escape")


@pytest.mark.parametrize("leave", [press_exit, press_escape], ids=["by the button", "by Escape three times"])
def test_quick_exit_erases_the_chat_blanks_the_page_and_takes_its_place_in_the_history(way_out: Visits, leave: Callable[[Page], None]) -> None:
    page = way_out("/privacy/en")
    page.goto(way_out.server + "/chat/en")
    told, sent = erased(page), answer_with(page, reply())
    ask(page, "GP")
    before = page.evaluate("history.length")
    leave(page)
    page.wait_for_url("https://www.bbc.co.uk/weather")
    assert told == [sent[0]["sender"]]
    assert page.evaluate("history.length") == before
    page.go_back()
    assert page.url.endswith("/privacy/en")


def test_quick_exit_blanks_the_page_at_once_however_slow_the_other_site_is(visit: Visits) -> None:
    page = visit("/chat/en")
    ask(page, SAFE["en"])
    # An address within the page stands for a site that never comes: nothing but the script has emptied the page.
    page.evaluate("document.getElementById('exit').dataset.exit = location.href + '#never'")
    press_escape(page)
    assert page.evaluate("document.body.textContent.trim()") == ""
    assert "Confide" not in page.title()


def test_escape_twice_or_slowly_leaves_nothing(visit: Visits) -> None:
    page = visit("/chat/en")
    page.focus("#message")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.wait_for_timeout(2100)
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    expect(page.locator("#message")).to_be_visible()


@pytest.mark.parametrize("path", ["/chat/en", "/privacy/en", "/timeline/en"])
def test_quick_exit_works_on_every_page_and_without_javascript(way_out: Visits, path: str) -> None:
    page = way_out(path, javascript=False)
    page.click("#exit")
    page.wait_for_url("https://www.bbc.co.uk/weather")
    scripted = way_out(path)
    scripted.click("#exit")
    scripted.wait_for_url("https://www.bbc.co.uk/weather")
