"""The widget on another site."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import Visits
from .pages import SAFE, both_languages, style, violations, word

HOST = """<!doctype html><html lang="en"><head><title>A charity</title>
<style>* {{ font-size: 40px; }} button {{ background: red !important; }}</style></head>
<body><main><h1>A charity</h1><a href="#more">More</a></main>
<script src="/widget.js" data-language="{language}" {more} defer></script></body></html>"""


def embedded(visit: Visits, language: str, more: str = "", **options: Any) -> Page:
    """A host page with the widget's one script tag."""
    page = visit("/privacy/en", **options)
    page.route("**/host", lambda route: route.fulfill(content_type="text/html", body=HOST.format(language=language, more=more)))
    page.goto(visit.server + "/host")
    return page


@both_languages
def test_one_script_tag_adds_a_button_that_opens_the_chat(visit: Visits, language: str) -> None:
    page = embedded(visit, language)
    assert len(page.frames) == 1, "nothing is loaded before it is asked for"
    page.get_by_role("button", name=word("page_open", language)).click()
    frame = page.frame_locator("confide-chat iframe")
    expect(frame.locator("html")).to_have_attribute("lang", language)
    expect(frame.locator("#message")).to_be_focused()
    frame.locator("#message").fill(SAFE[language])
    frame.locator("#send").click()
    expect(frame.locator(".you ~ .them")).to_have_count(1)
    assert violations(page) == []


def test_escape_closes_the_widget_keeps_the_conversation_and_gives_the_focus_back(visit: Visits) -> None:
    page = embedded(visit, "en")
    opener = page.get_by_role("button", name=word("page_open"))
    opener.focus()
    page.keyboard.press("Enter")
    frame = page.frame_locator("confide-chat iframe")
    frame.locator("#message").fill("GP")
    frame.locator("#send").click()
    expect(frame.locator(".you ~ .them")).to_have_count(1)
    frame.locator("#message").press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    expect(frame.locator(".you")).to_have_count(1)
    page.get_by_role("button", name=word("page_close")).click()
    expect(opener).to_be_focused()


@pytest.mark.parametrize("leave", ["button", "Escape"])
def test_quick_exit_in_the_widget_leaves_the_whole_site(way_out: Visits, leave: str) -> None:
    page = embedded(way_out, "en", 'data-exit="https://www.bbc.co.uk/news"')
    page.get_by_role("button", name=word("page_open")).click()
    frame = page.frame_locator("confide-chat iframe")
    expect(frame.locator("#message")).to_be_focused()
    if leave == "button":
        frame.locator("#exit").click()
    else:
        for _ in range(3):
            page.keyboard.press("Escape")
            page.wait_for_timeout(100)
    page.wait_for_url("https://www.bbc.co.uk/news")


def test_the_widget_and_the_site_do_not_touch_each_other_s_styles(visit: Visits) -> None:
    page = embedded(visit, "en")
    opener = page.get_by_role("button", name=word("page_open"))
    assert opener.evaluate("one => getComputedStyle(one).backgroundColor") != "rgb(255, 0, 0)"
    assert opener.evaluate("one => getComputedStyle(one).fontSize") == "18px"
    assert style(page, "a", "fontSize") == "40px"


def test_the_widget_fills_a_phone_and_not_a_laptop(visit: Visits) -> None:
    for width, full in ((320, True), (1280, False)):
        page = embedded(visit, "en", width=width, height=640)
        page.get_by_role("button", name=word("page_open")).click()
        box = page.get_by_role("dialog").bounding_box()
        assert box is not None
        assert (box["width"] == width) is full
        assert page.evaluate("document.documentElement.scrollWidth") <= width
