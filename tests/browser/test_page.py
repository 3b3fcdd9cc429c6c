"""The chat page as people meet it: on a small phone, right to left, without JavaScript, by keyboard, by ear, and in fear."""

from __future__ import annotations

import gzip
import json
import re
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from bot import house
from bot.channels import page as page_module
from bot.replies import compose

from .conftest import Visits

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


# Every page and state, for axe and for the eye on a small screen


def _unsent(page: Page, language: str) -> None:
    page.route(WEBHOOK, lambda route: route.abort())
    page.fill("#message", SAFE[language])
    page.click("#send")
    expect(page.locator(".unsent")).to_be_visible()


def _typing(page: Page, language: str) -> None:
    page.route(WEBHOOK, lambda route: None)
    page.fill("#message", SAFE[language])
    page.click("#send")
    expect(page.locator("#typing")).to_be_visible()


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


def violations(page: Page) -> list[str]:
    """What axe finds wrong, with the places."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{item['id']}: {item['help']}: {[node['html'][:120] for node in item['nodes']]}" for item in found]


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


# Language and direction


@both_languages
@pytest.mark.parametrize("path", ["/chat", "/privacy", "/timeline"])
def test_the_page_says_its_language_and_direction(visit: Visits, path: str, language: str) -> None:
    page = visit(f"{path}/{language}", javascript=False)
    root = page.locator("html")
    expect(root).to_have_attribute("lang", language)
    expect(root).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")


def test_each_message_says_its_language_and_direction(visit: Visits) -> None:
    page = visit("/chat/ar")
    ask(page, SAFE["ar"])
    said = page.locator(".them .said").last
    expect(said).to_have_attribute("lang", "ar")
    expect(said).to_have_attribute("dir", "rtl")
    answer_with(page, reply(status="not_translated", paragraphs=[word("not_translated", "ar"), "In English."]))
    ask(page, "?")
    said = page.locator(".them .said").last
    expect(said).to_have_attribute("lang", "en")
    expect(said).to_have_attribute("dir", "ltr")
    expect(said.locator(".sorry")).to_have_attribute("lang", "ar")


@with_and_without_script
def test_the_picker_names_each_language_in_itself(visit: Visits, javascript: bool) -> None:
    page = visit("/chat/en", javascript=javascript)
    page.click("#languages summary")
    choice = page.locator("#languages [data-language=ar]")
    expect(choice).to_have_text("العربية")
    expect(choice).to_have_attribute("lang", "ar")
    expect(page.locator("#languages [aria-current]")).to_have_text("English")
    choice.click()
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator("#send")).to_have_text(word("page_send", "ar"))


def test_who_comes_without_a_language_sees_the_languages(visit: Visits) -> None:
    page = visit("/chat", javascript=False, locale="xx")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#languages [data-language=ar]")).to_be_in_viewport()


def test_the_browser_s_language_is_chosen_when_it_is_one_of_ours(visit: Visits) -> None:
    expect(visit("/chat", locale="ar-EG").locator("html")).to_have_attribute("lang", "ar")


def test_another_language_changes_the_words_and_keeps_the_conversation(visit: Visits) -> None:
    page = visit("/chat/en")
    ask(page, SAFE["en"])
    said = page.locator(".them .said").last.inner_text()
    page.click("#languages summary")
    page.click("#languages [data-language=ar]")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator(".you p")).to_have_text(SAFE["en"])
    assert page.locator(".them .said").last.inner_text() == said
    expect(page.locator(".them .said").last).to_have_attribute("lang", "en")
    expect(page.locator(".them").last.locator("summary").last).to_contain_text(word("page_sources", "ar"))
    expect(page.locator(".them").last.locator(".as-of span")).not_to_contain_text("This answer")
    assert page.url.endswith("/chat/ar")
    assert focused(page) == "SUMMARY"
    sent = answer_with(page, reply())
    ask(page, "GP")
    assert sent[0]["language"] == "ar"


def test_another_language_keeps_the_conversation_without_javascript(visit: Visits) -> None:
    page = visit("/chat/en", javascript=False)
    ask(page, SAFE["en"])
    page.click("#languages summary")
    page.click("#languages [data-language=ar]")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator(".log")).to_contain_text(SAFE["en"])


def test_a_language_that_cannot_be_fetched_is_said_and_nothing_is_lost(visit: Visits) -> None:
    page = visit("/chat/en")
    ask(page, SAFE["en"])
    page.route("**/chat/ar", lambda route: route.abort())
    page.click("#languages summary")
    page.click("#languages [data-language=ar]")
    expect(page.locator("#notice")).to_have_text(word("page_language_failed"))
    expect(page.locator(".you p")).to_have_text(SAFE["en"])


def test_who_is_answered_in_another_language_gets_the_page_in_it(visit: Visits) -> None:
    page = visit("/chat/en")
    answer_with(page, compose(house.knowledge(), "ask_gp_safe", house.today(), "ar").for_patients())
    ask(page, SAFE["ar"])
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator(".you p")).to_have_text(SAFE["ar"])


# Answers

# Each element of an answer: its name, its attributes in order, its own text. Tools and choices are the script's or the form's.
PARTS = """turn => [...turn.querySelectorAll("*")].filter(one => !one.closest("form, .tool")).map(one => [
    one.tagName,
    [...one.attributes].map(attribute => `${attribute.name}=${attribute.value}`).sort(),
    [...one.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join(" ").trim(),
])"""


@with_and_without_script
def test_an_answer_has_its_reasons_and_sources_folded_under_it(visit: Visits, javascript: bool) -> None:
    page = visit("/chat/en?topic=ask_gp_safe", javascript=javascript)
    turn = page.locator(".them").last
    expect(turn.locator(".fold")).to_have_count(2)
    expect(turn.locator(".inside").first).to_be_hidden()
    turn.locator("summary").first.click()
    expect(turn.locator(".inside").first).to_be_visible()
    turn.locator("summary").last.click()
    link = turn.locator("ol a").first
    expect(link).to_be_visible()
    assert link.get_attribute("rel") == "noreferrer"
    assert link.get_attribute("target") == "_blank"
    assert str(link.get_attribute("href")).startswith("http")
    first = turn.locator("ol li").first
    assert re.search(r"The source speaks of .+\.|The source has no date\.", first.inner_text())
    assert re.search(r"We read this on \d+ \w+ \d{4}\.", first.inner_text())
    assert turn.locator("blockquote").count()
    expect(turn.locator(".as-of")).to_have_text(re.compile(r"This answer is for \d+ \w+ \d{4}\."))


@with_and_without_script
def test_people_to_call_are_large_to_press(visit: Visits, javascript: bool) -> None:
    page = visit("/chat/en?topic=talk_to_person", javascript=javascript)
    call = page.locator(".people .call").first
    assert re.fullmatch(r"tel:[+\d]+", str(call.get_attribute("href")))
    assert call.bounding_box()["height"] >= 38  # type: ignore[index]


def test_an_answer_looks_the_same_with_and_without_javascript(visit: Visits) -> None:
    shown = []
    for javascript in (True, False):
        page = visit("/chat/en", javascript=javascript)
        ask(page, SAFE["en"])
        parts = page.locator(".them").last.evaluate(PARTS)
        shown.append([(name, attributes, text) for name, attributes, text in parts])
    assert shown[0] == shown[1]


def test_choices_stand_under_the_newest_answer_only(visit: Visits) -> None:
    page = visit("/chat/en")
    expect(page.locator(".chips")).to_have_count(1)
    ask(page, SAFE["en"])
    expect(page.locator(".chips")).to_have_count(1)
    expect(page.locator(".them").last.locator(".chips button").first).to_be_visible()


def test_a_choice_is_shown_by_its_title_and_sent_by_its_command(visit: Visits) -> None:
    page = visit("/chat/en")
    choice = {"title": "Is it safe to go to hospital?", "message": "/ask_hospital_safe"}
    answer_with(page, reply(choices=[choice]))
    ask(page, "?")
    page.unroute(WEBHOOK)
    sent = answer_with(page, reply())
    page.locator(".chips button").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".you p").last).to_have_text(choice["title"])
    expect(page.locator(".them")).to_have_count(3)
    assert sent[0]["message"] == choice["message"]
    assert focused(page) != "BODY"


def test_a_choice_works_without_javascript(visit: Visits) -> None:
    page = visit("/chat/en", javascript=False)
    chip = page.locator(".chips button").first
    title = chip.inner_text()
    chip.click()
    expect(page.locator(".you p").first).to_have_text(title)
    expect(page.locator(".them")).to_have_count(2)
    assert "/ask_" not in page.locator(".log").inner_text()


def test_a_choice_of_language_changes_the_page_too(visit: Visits) -> None:
    page = visit("/chat/en")
    answer_with(page, reply(status="choose", choices=[{"title": "العربية", "message": '/change_language{"language": "ar"}'}]))
    ask(page, "?")
    expect(page.locator(".chips button")).to_have_attribute("lang", "ar")
    page.click(".chips button")
    expect(page.locator("html")).to_have_attribute("lang", "ar")


@pytest.mark.parametrize("status", ["needs_check", "not_known", "not_translated", "failed"])
def test_an_answer_that_is_not_simply_an_answer_says_so_in_words_and_by_its_shape(visit: Visits, status: str) -> None:
    page = visit("/chat/en")
    answer_with(page, reply())
    ask(page, "?")
    expect(page.locator(".them").last.locator(".flag")).to_have_count(0)
    page.unroute(WEBHOOK)
    answer_with(page, reply(status=status))
    ask(page, "?")
    turn = page.locator(".them").last
    expect(turn.locator(".flag")).to_have_text(re.compile(r"\w+"))
    assert turn.evaluate("one => getComputedStyle(one).borderTopStyle") == "dashed"


def test_that_a_translation_is_a_draft_is_said_once(visit: Visits) -> None:
    page = visit("/chat/en")
    answer_with(page, reply(draft=True))
    ask(page, "1")
    ask(page, "2")
    expect(page.locator(".draft")).to_have_count(1)
    expect(page.locator(".draft")).to_have_text(f"{word('page_draft')} {word('page_english')}")
    expect(page.locator(".draft a")).to_have_attribute("href", "/chat/en?topic=ask_gp_safe")


def test_a_deep_link_answers_its_topic_first(visit: Visits) -> None:
    page = visit("/chat/en?topic=ask_gp_safe")
    expect(page.locator(".them h3").last).to_contain_text(TITLE["en"])
    ask(page, "and the hospital?")
    expect(page.locator(".them h3").last).not_to_contain_text(TITLE["en"])


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_timeline_tells_each_event_with_its_day_and_sources(visit: Visits, language: str) -> None:
    page = visit(f"/timeline/{language}", javascript=False)
    told = page.locator(".event")
    assert told.count() >= 54
    for event in told.all()[:5]:
        expect(event.locator(".day")).to_have_text(re.compile(r"\d{4}"))
        assert event.locator("ol li").count() >= 1
    for paragraph in page.locator(".event > p:not(.day), .event > h3").all()[:40]:
        text, lang = paragraph.inner_text(), paragraph.get_attribute("lang")
        assert lang == "en" or re.search(r"[\u0600-\u06ff]", text), text
        assert paragraph.get_attribute("dir") == ("ltr" if lang == "en" else "rtl")


@both_languages
def test_the_privacy_page_says_how_long_a_chat_is_kept(visit: Visits, language: str) -> None:
    expect(visit(f"/privacy/{language}").locator(".sheet")).to_contain_text("24")


# Sending


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


# Keyboard and screen reader


@both_languages
def test_the_conversation_is_a_polite_log_with_a_name(visit: Visits, language: str) -> None:
    page = visit(f"/chat/{language}")
    log = page.get_by_role("log", name=word("page_conversation", language))
    expect(log).to_have_attribute("aria-live", "polite")
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("textbox", name=word("page_message", language))).to_be_visible()


def test_the_first_tab_leads_to_the_question(visit: Visits) -> None:
    page = visit("/chat/en")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_in_viewport()
    expect(page.locator(".skip")).to_have_text(word("page_skip"))
    page.keyboard.press("Enter")
    assert focused(page) == "message"


def test_the_keyboard_reaches_everything_and_nothing_hides_what_has_the_focus(visit: Visits) -> None:
    page = visit("/chat/en", width=390, height=700)
    ask(page, SAFE["en"])
    page.focus(".skip")
    page.keyboard.press("Tab")
    reached = set()
    for _ in range(60):
        page.wait_for_timeout(20)
        seen = page.evaluate("""() => {
            const one = document.activeElement;
            if (one === document.body) return null;
            const box = (one.type === "checkbox" ? one.parentNode : one).getBoundingClientRect();
            const at = document.elementFromPoint(box.left + box.width / 2, box.top + Math.min(box.height / 2, 20));
            const shown = getComputedStyle(one.matches(".switch input") ? one.nextElementSibling : one);
            return [one.outerHTML.slice(0, 80), Boolean(at && (one.contains(at) || at.contains(one))), shown.outlineStyle];
        }""")
        if not seen:
            break
        reached.add(seen[0])
        assert seen[1], f"hidden while it has the focus: {seen[0]}"
        assert seen[2] == "solid", f"no visible focus: {seen[0]}"
        page.keyboard.press("Tab")
    for part in ('id="exit"', "tel:999", "<summary", 'id="message"', 'id="send"', 'id="delete"', 'class="call"', 'class="tool"', 'name="message"'):
        assert any(part in item for item in reached), f"the keyboard does not reach {part}"


# Tools


VOICES = """
window.said = [];
const voices = %s;
Object.defineProperty(window, "speechSynthesis", {value: {
  getVoices: () => voices, cancel() { window.said.push("cancel"); }, speak(one) { window.said.push(one.text); }, addEventListener() {},
}});
window.SpeechSynthesisUtterance = function (text) { this.text = text; };
"""


def test_listen_reads_the_answer_aloud_and_stops(visit: Visits) -> None:
    page = visit("/chat/en", script=VOICES % '[{lang: "en-GB", localService: true}]')
    ask(page, SAFE["en"])
    button = page.locator(".them").last.locator(".listen")
    button.click()
    expect(button).to_have_text(word("page_stop_listening"))
    said = page.evaluate("window.said.join(' ')")
    assert page.locator(".them").last.locator(".said p").first.inner_text() in said
    button.click()
    expect(button).to_have_text(word("page_listen"))
    assert page.evaluate("window.said[window.said.length - 1]") == "cancel"


@pytest.mark.parametrize(
    "voices", ["[]", '[{lang: "fr-FR", localService: true}]', '[{lang: "en-GB", localService: false}]'], ids=["none", "other", "on the net"]
)
def test_listen_is_offered_only_where_the_device_itself_has_a_voice_for_the_language(visit: Visits, voices: str) -> None:
    page = visit("/chat/en", script=VOICES % voices)
    ask(page, SAFE["en"])
    expect(page.locator(".listen").last).to_be_hidden()


def test_copy_puts_the_answer_and_its_day_on_the_clipboard(visit: Visits) -> None:
    page = visit("/chat/en", permissions=["clipboard-read", "clipboard-write"])
    ask(page, SAFE["en"])
    button = page.get_by_role("button", name=word("page_copy"), exact=True).last
    button.click()
    expect(page.locator(".tool").last).to_have_text(word("page_copied"))
    copied = page.evaluate("navigator.clipboard.readText()")
    assert page.locator(".them").last.locator(".said p").first.inner_text() in copied
    assert "0808" in copied
    assert "This answer is for" in copied


def test_print_shows_the_conversation_and_its_sources_and_nothing_else(visit: Visits) -> None:
    page = visit("/chat/en", script="window.print = () => { window.printed = true; };")
    ask(page, SAFE["en"])
    page.click(".settings summary")
    page.click("#print")
    assert page.evaluate("window.printed")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    for gone in (".safety", ".composer", ".chips", ".settings", ".tool"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator(".you p")).to_be_visible()
    expect(page.locator(".them").last.locator("blockquote").first).to_be_visible()
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".them").last.locator("blockquote").first).to_be_hidden()


def test_larger_text_and_high_contrast_last_as_long_as_the_page(visit: Visits) -> None:
    page = visit("/chat/en")
    before, paper = style(page, "html", "fontSize"), style(page, "html", "backgroundColor")
    page.click(".settings summary")
    page.get_by_label(word("page_larger_text")).press("Space")
    page.get_by_label(word("page_high_contrast")).press("Space")
    assert float(style(page, "html", "fontSize")[:-2]) > float(before[:-2]) >= 18
    assert style(page, "html", "backgroundColor") != paper
    page.reload()
    assert style(page, "html", "fontSize") == before
    assert style(page, "html", "backgroundColor") == paper


def test_the_page_follows_the_device_s_wish_for_dark_contrast_and_calm(visit: Visits) -> None:
    light = style(visit("/chat/en"), "html", "backgroundColor")
    assert style(visit("/chat/en", color_scheme="dark"), "html", "backgroundColor") != light
    assert style(visit("/chat/en", contrast="more"), "html", "color") == "rgb(0, 0, 0)"
    page = visit("/chat/en", reduced_motion="reduce")
    _typing(page, "en")
    assert style(page, ".dots i", "animationName") == "none"
    forced = visit("/chat/en", forced_colors="active")
    ask(forced, SAFE["en"])
    assert forced.locator(".them").last.evaluate("one => getComputedStyle(one).borderTopStyle") == "solid"


# What stays behind


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


# The way out


@pytest.fixture
def way_out(visit: Visits) -> Iterator[Visits]:
    """Where leaving for another site is what is wanted."""
    yield visit
    assert all(url.startswith("https://www.bbc.co.uk/") for url in visit.elsewhere)
    visit.elsewhere.clear()


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


# The widget on another site


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


# Weight and safety


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
