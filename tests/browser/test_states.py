"""Every page and state: for axe, and for the eye on a small screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from .conftest import Visits
from .pages import SAFE, WEBHOOK, _typing, answer_with, ask, both_languages, reply, style, violations, word


def _unsent(page: Page, language: str) -> None:
    page.route(WEBHOOK, lambda route: route.abort())
    page.fill("#message", SAFE[language])
    page.click("#send")
    expect(page.locator(".unsent")).to_be_visible()


def _statuses(page: Page, language: str) -> None:
    sorry = reply(status="not_translated", paragraphs=[word("not_translated", language), "In English."])
    answer_with(page, reply(status="needs_check", draft=True), reply(status="not_known"), sorry, reply(status="failed"))
    ask(page, "?")


def _unfolded(page: Page, language: str) -> None:
    ask(page, SAFE[language])
    for fold in page.locator(".them").last.locator("summary").all():
        fold.click()


def _settings(page: Page, language: str) -> None:
    page.click(".settings summary")


def _set(page: Page, language: str) -> None:
    ask(page, SAFE[language])
    page.click(".settings summary")
    for switch in page.locator("label.switch").all():
        switch.click()
    expect(page.locator("input:checked")).to_have_count(2)


def _too_long(page: Page, language: str) -> None:
    page.fill("#message", "word " * 210)


def _deleted(page: Page, language: str) -> None:
    ask(page, SAFE[language])
    page.click("#delete")
    expect(page.locator("#notice")).not_to_be_empty()


STATES: dict[str, tuple[str, Callable[[Page, str], None]]] = {
    "an empty chat": ("/chat/{}", lambda page, language: None),
    "an answer": ("/chat/{}", lambda page, language: ask(page, SAFE[language])),
    "an answer unfolded": ("/chat/{}", _unfolded),
    "a topic from a poster": ("/chat/{}?topic=ask_hospital_safe", lambda page, language: None),
    "a danger": ("/chat/{}?topic=emergency_medical", lambda page, language: None),
    "the picker": ("/chat/{}", lambda page, language: page.click("#languages summary")),
    "the settings": ("/chat/{}", _settings),
    "the embedded chat": ("/chat/{}?embedded=1", lambda page, language: None),
    "the privacy page": ("/privacy/{}", lambda page, language: None),
    "the timeline": ("/timeline/{}", lambda page, language: page.locator(".event summary").first.click()),
}


SCRIPTED: dict[str, tuple[str, Callable[[Page, str], None]]] = {
    "larger text and high contrast": ("/chat/{}", _set),
    "answers that are not simply answers": ("/chat/{}", _statuses),
    "a message not sent": ("/chat/{}", _unsent),
    "the assistant writing": ("/chat/{}", _typing),
    "a question too long": ("/chat/{}", _too_long),
    "a deleted chat": ("/chat/{}", _deleted),
}


every_state = pytest.mark.parametrize(
    ("state", "javascript"),
    [
        *(pytest.param(state, True, id=f"{state}, with JavaScript") for state in (*STATES, *SCRIPTED)),
        *(pytest.param(state, False, id=f"{state}, without JavaScript") for state in STATES),
    ],
)


def opened(visit: Visits, state: str, language: str, javascript: bool, **options: Any) -> Page:
    """A page of the server, brought into a state."""
    path, reach = {**STATES, **SCRIPTED}[state]
    page = visit(path.format(language), javascript=javascript, **options)
    reach(page, language)
    page.wait_for_timeout(300)  # what appears is faded in
    return page


def scriptable(visit: Visits, page: Page) -> Page:
    """The same page, as it stands, where axe can run: nothing runs in a page without JavaScript, axe neither."""
    html = page.content().replace("<noscript>", "<div>").replace("</noscript>", "</div>")
    copy = visit("/privacy/en")
    copy.route("**/static/chat.js*", lambda route: route.fulfill(body=""))
    copy.route(page.url, lambda route: route.fulfill(content_type="text/html; charset=utf-8", body=html))
    copy.goto(page.url)
    return copy


@both_languages
@every_state
def test_axe_finds_nothing_wrong(visit: Visits, state: str, language: str, javascript: bool) -> None:
    page = opened(visit, state, language, javascript)
    assert violations(page if javascript else scriptable(visit, page)) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["an answer unfolded", "answers that are not simply answers", "a message not sent", "the timeline"])
def test_text_has_the_contrast_of_level_aaa_in_the_dark_too(visit: Visits, state: str, scheme: Any) -> None:
    page = opened(visit, state, "en", True, color_scheme=scheme)
    options = {"runOnly": ["color-contrast", "color-contrast-enhanced"], "rules": {"color-contrast-enhanced": {"enabled": True}}}
    found = Axe().run(page, options=options).response["violations"]
    assert [node["html"] for item in found for node in item["nodes"]] == []


@both_languages
@every_state
def test_nothing_is_wider_than_a_phone_of_320_pixels(visit: Visits, state: str, language: str, javascript: bool) -> None:
    page = opened(visit, state, language, javascript, width=320, height=568)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    beyond = """() => [...document.querySelectorAll("main *, header *")].filter(one => {
        const box = one.getBoundingClientRect();
        return box.width > 1 && (box.left < -1 || box.right > 321) && !one.closest(".vh");
    }).map(one => one.outerHTML.slice(0, 120))"""
    assert page.evaluate(beyond) == []


@every_state
def test_everything_to_press_is_at_least_24_pixels_each_way(visit: Visits, state: str, javascript: bool) -> None:
    page = opened(visit, state, "en", javascript)
    small = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden]), textarea, label.switch")].filter(one => {
        const box = one.getBoundingClientRect();
        const inText = one.tagName === "A" && one.closest(".inside, .small");  // a link in a sentence is as high as its line
        return box.width > 1 && !one.closest(".vh, .skip") && !inText && (box.width < 24 || box.height < 24);
    }).map(one => one.outerHTML.slice(0, 120))"""
    assert page.evaluate(small) == []


@pytest.mark.parametrize(("width", "height"), [(320, 256), (320, 568), (1280, 800)], ids=["400 % zoom", "small phone", "laptop"])
@both_languages
def test_the_emergency_line_and_the_way_out_are_always_in_sight(visit: Visits, language: str, width: int, height: int) -> None:
    page = visit(f"/chat/{language}", width=width, height=height)
    ask(page, SAFE[language])
    for scroll in (0, 500, 99_999):
        page.evaluate(f"window.scrollTo(0, {scroll})")
        expect(page.locator(".emergency a")).to_be_in_viewport(ratio=1)
        expect(page.locator("#exit")).to_be_in_viewport(ratio=1)
    expect(page.locator(".emergency a")).to_have_attribute("href", "tel:999")


def test_at_400_percent_zoom_half_of_the_window_is_for_reading(visit: Visits) -> None:
    page = visit("/chat/en", width=320, height=256)
    assert style(page, "#ask", "position") == "static"
    assert page.locator(".safety").bounding_box()["height"] < 128  # type: ignore[index]
