"""The page in the person's language, and in its direction."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bot import house
from bot.replies import compose

from .conftest import Visits
from .pages import SAFE, answer_with, ask, both_languages, focused, reply, with_and_without_script, word


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
