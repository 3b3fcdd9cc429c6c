"""What the tests of the page share."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from bot import house
from bot.channels import page as page_module
from bot.replies import compose

SAFE = {"en": "Is it safe to see a GP?", "ar": "هل زيارة الطبيب آمنة؟"}


WEBHOOK = "**/webhooks/web/webhook"


TITLE = {language: page_module.said(house.knowledge().answers["ask_gp_safe"].title, language).text for language in SAFE}


both_languages = pytest.mark.parametrize("language", ["en", "ar"])


with_and_without_script = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without JavaScript"])


def word(name: str, language: str = "en") -> str:
    """One of the page's own sentences."""
    return page_module.said(house.knowledge().messages[name], language).text


def ask(page: Page, text: str) -> None:
    """Write a question, send it and wait until it is answered."""
    before = page.locator(".you").count()
    page.fill("#message", text)
    page.click("#send")
    expect(page.locator(".you")).to_have_count(before + 1)
    expect(page.locator(".you").last.locator("~ .them").first).to_be_visible()


def reply(**changes: Any) -> dict[str, Any]:
    """A reply as the server sends it, with something about it changed."""
    return {**compose(house.knowledge(), "ask_gp_safe", house.today(), "en").for_patients(), **changes}


def answer_with(page: Page, *replies: dict[str, Any]) -> list[dict[str, Any]]:
    """Let the server's answers be these; what was sent is collected in the list given back."""
    sent: list[dict[str, Any]] = []

    def fulfil(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(json=list(replies))

    page.route(WEBHOOK, fulfil)
    return sent


def style(page: Page, selector: str, name: str) -> str:
    return str(page.eval_on_selector(selector, f"element => getComputedStyle(element).{name}"))


def focused(page: Page) -> str:
    """What has the focus, in a word."""
    return str(page.evaluate("document.activeElement.id || document.activeElement.className || document.activeElement.tagName"))


def _typing(page: Page, language: str) -> None:
    page.route(WEBHOOK, lambda route: None)
    page.fill("#message", SAFE[language])
    page.click("#send")
    expect(page.locator("#typing")).to_be_visible()


def violations(page: Page) -> list[str]:
    """What axe finds wrong, with the places."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{item['id']}: {item['help']}: {[node['html'][:120] for node in item['nodes']]}" for item in found]
