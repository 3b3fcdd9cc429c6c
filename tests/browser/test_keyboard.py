"""The page by keyboard and by ear, and its tools: text size, listening, copying, printing."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import Visits
from .pages import SAFE, _typing, ask, both_languages, focused, style, word


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
