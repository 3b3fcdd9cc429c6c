"""How heavy the page is, and what protects it."""

from __future__ import annotations

import gzip
import json
import urllib.parse
import urllib.request
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import Visits
from .pages import answer_with, ask, both_languages, reply


def fetched(address: str) -> tuple[bytes, Any]:
    """The bytes that a browser is sent, and their headers."""
    request = urllib.request.Request(address, headers={"Accept-Encoding": "gzip", "Accept-Language": "en"})
    with urllib.request.urlopen(request) as response:
        return response.read(), response.headers


@both_languages
def test_all_that_the_chat_loads_is_at_most_30_kilobytes(visit: Visits, language: str) -> None:
    page = visit("/privacy/en")
    loaded: set[str] = set()
    page.on("request", lambda request: loaded.add(request.url))
    page.goto(f"{visit.server}/chat/{language}", wait_until="networkidle")
    total = 0
    for address in loaded:
        body, headers = fetched(address)
        total += len(body) if headers.get("Content-Encoding") == "gzip" else len(gzip.compress(body))
    assert len(loaded) >= 3
    assert total <= 30_000, f"{total} bytes in {len(loaded)} files"


@pytest.mark.parametrize("path", ["/chat/en", "/privacy/en", "/timeline/en"])
def test_pages_come_with_a_strict_policy_and_hold_no_inline_script_or_style(visit: Visits, path: str) -> None:
    _, headers = fetched(visit.server + path)
    policy = headers["Content-Security-Policy"]
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    page = visit(path, javascript=False)
    assert page.locator("style, [style], [onclick], script:not([src]):not([type='application/json'])").count() == 0


def test_no_answer_can_smuggle_in_markup(visit: Visits) -> None:
    page = visit("/chat/en")
    nasty = "<img src=x onerror=alert(1)></script><b>bold</b>"
    answer_with(page, reply(paragraphs=[nasty], title=nasty, notes=[nasty], choices=[{"title": nasty, "message": nasty}]))
    ask(page, nasty)
    assert page.locator(".log img, .log .said b").count() == 0
    expect(page.locator(".you p")).to_have_text(nasty)
    page = visit("/chat/en", javascript=False)
    ask(page, nasty)
    assert page.locator(".log img, .log .you b").count() == 0


def test_the_words_for_the_script_are_whole_in_every_language(visit: Visits) -> None:
    for language in ("en", "ar"):
        page = visit(f"/chat/{language}", javascript=False)
        data = json.loads(str(page.locator("#words").text_content()))
        assert data["language"] == language
        assert len(data["days"]) == 12
        assert all("{d}" in day and "{y}" in day for day in data["days"])
        assert data["call"]["phone"] == "0808 1647 686"
        english = json.loads(str(visit("/chat/en", javascript=False).locator("#words").text_content()))
        assert set(data["words"]) == set(english["words"])
