"""How an answer looks: its parts, its sources, the choices after it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from .conftest import Visits
from .pages import SAFE, TITLE, WEBHOOK, answer_with, ask, both_languages, focused, reply, with_and_without_script, word

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
