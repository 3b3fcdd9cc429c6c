"""The desk in a browser: a volunteer at work, and the patient's page meanwhile."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import Server, running
from desk_people import KEY, PASSWORD, Patient, Volunteer, accounts_of, texts
from playwright.sync_api import Browser, Page, expect
from pyotp import TOTP, parse_uri

from bot import house, languages
from bot.desk.channel import ROUTES
from bot.desk.entry import COOKIE

from .conftest import Visits
from .pages import ask, violations, word

# Pages of the desk that stand by themselves; a fragment and a stream are none.
SHOWN = {f"/desk{route.path}".rstrip("/") for route in ROUTES if "GET" in route.methods and "<" not in route.path}
PAGES = sorted(SHOWN - {"/desk/answer", "/desk/chats/events"})
IS_HOSPITAL_SAFE, IS_GP_SAFE, WANTS_A_PERSON, IN_DEBT = (
    "هل زيارة المستشفى آمنة؟", "هل زيارة الطبيب آمنة؟", "أريد التحدث مع شخص", "عندي دين للمستشفى، ماذا أفعل؟",
)  # fmt: skip


@dataclass
class Staff:
    """Who works at the desk: how they sign in, and who is in already."""

    addresses: dict[str, str]
    tokens: dict[str, str]

    def code(self, name: str) -> str:
        app = parse_uri(self.addresses[name])
        assert isinstance(app, TOTP)
        return app.now()

    def signed_in(self, name: str) -> dict[str, Any]:
        """What a browser has kept of somebody who is signed in: options of a visit."""
        cookie = {"name": COOKIE, "value": self.tokens[name], "domain": "127.0.0.1", "path": "/", "expires": -1}
        return {"storage_state": {"cookies": [{**cookie, "httpOnly": True, "secure": True, "sameSite": "Strict"}], "origins": []}}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Staff]]:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "state").mkdir()
    made = accounts_of(folder / "state", ana="volunteer", ben="volunteer", edith="editor")
    with running(folder, CONFIDE_KEY=KEY, CONFIDE_MESSAGES_A_MINUTE="100000") as server:
        yield server, Staff({name: address for name, (address, _) in made.items()}, {name: token for name, (_, token) in made.items()})


@pytest.fixture(scope="module")
def server(desk: tuple[Server, Staff]) -> Server:
    return desk[0]


@pytest.fixture(scope="module")
def staff(desk: tuple[Server, Staff]) -> Staff:
    return desk[1]


@pytest.fixture
def ben(server: Server, staff: Staff) -> Volunteer:
    """A volunteer who works without a browser."""
    return Volunteer(server, "ben", staff.tokens["ben"]).enters()


def notice(name: str, language: str = "ar") -> str:
    return word(name, language).replace("{emergency}", languages.isolated("999", language))


def goes_on_duty(page: Page) -> None:
    expect(page.locator("#duty")).to_be_enabled()
    page.wait_for_timeout(500)  # the page learns whether its volunteer is on duty already, from a test before
    if page.locator("#duty").get_attribute("aria-pressed") == "false":
        with page.expect_response("**/desk/chats/duty"):
            page.get_by_role("button", name="Start taking chats").click()
    expect(page.locator("#duty-says")).to_contain_text("You are on duty")


def asks_for_a_volunteer(page: Page, share: bool = True, language: str = "ar") -> None:
    """A patient asks for a person, takes the offer, and says whether the volunteer may read what was said."""
    ask(page, WANTS_A_PERSON if language == "ar" else "I want to speak to a human")
    page.get_by_role("button", name=word("handoff_offer", language)).click()
    expect(page.locator(".them").last).to_contain_text(word("handoff_share", language))
    page.get_by_role("button", name=word("handoff_yes" if share else "handoff_no", language)).click()
    expect(page.locator(".them").last).to_contain_text(notice("handoff_waiting", language))


def test_a_volunteers_first_ten_minutes(visit: Visits, staff: Staff) -> None:
    # Signing in
    volunteer = visit("/desk", width=1280, height=800)
    expect(volunteer).to_have_url(f"{visit.server}/desk/sign-in")
    volunteer.get_by_label("Name").fill("ana")
    volunteer.get_by_label("Password").fill(PASSWORD)
    volunteer.get_by_label("Code from your authenticator app").fill(staff.code("ana"))
    volunteer.keyboard.press("Enter")
    expect(volunteer).to_have_url(f"{visit.server}/desk")

    # An answer for a caller
    volunteer.get_by_label("Caller's language").select_option("ar")
    volunteer.get_by_label("The caller's question, in any language").fill("hospital debt")
    volunteer.keyboard.press("Enter")
    answer = house.knowledge().answers["ask_hospital_debt"].title
    expect(volunteer.locator("#answer h2").first).to_contain_text(answer)
    expect(volunteer.locator("#answer [lang=ar][dir=rtl]").first).to_be_visible()
    expect(volunteer.locator("#answer")).to_contain_text(languages.translate(answer, "ar") or "")

    # On duty, and somebody asks
    volunteer.get_by_role("link", name="Chats").click()
    goes_on_duty(volunteer)
    patient = visit("/chat/ar")
    ask(patient, IS_HOSPITAL_SAFE)
    asks_for_a_volunteer(patient)
    card = volunteer.locator("#queue li")
    expect(card).to_contain_text("Arabic · Web page")
    expect(card).to_contain_text("shares the conversation so far")
    expect(volunteer).to_have_title("(1) Chats · Confide")
    card.get_by_role("button", name="Take").click()
    expect(patient.locator(".them").last).to_contain_text(notice("handoff_joined"))
    lines = volunteer.locator("#lines article")
    expect(lines.first).to_contain_text(IS_HOSPITAL_SAFE)
    expect(lines.nth(1).locator("[lang=ar][dir=rtl]")).to_be_visible()
    expect(lines.nth(1).locator(".english")).to_contain_text("In England")
    expect(volunteer.locator("#text")).to_be_focused()
    expect(volunteer.locator("#queue li")).to_have_count(0)

    # A suggested answer, by the keyboard
    patient.fill("#message", IN_DEBT)
    patient.keyboard.press("Enter")
    expect(lines.last).to_contain_text(IN_DEBT)
    expect(volunteer.locator("#suggestions summary").first).to_have_text(answer)
    volunteer.keyboard.press("Alt+1")
    expect(patient.locator("article.volunteer")).to_have_count(1)
    expect(patient.locator("article.volunteer .said")).to_have_attribute("lang", "ar")
    expect(lines.last.locator(".english")).to_be_visible()

    # Own words, first in the wrong language
    volunteer.fill("#text", "I will stay with you until this is done.")
    volunteer.keyboard.press("Enter")
    expect(volunteer.get_by_role("alert").filter(has_text="This looks like English")).to_be_visible()
    expect(patient.locator("article.volunteer")).to_have_count(1)
    volunteer.get_by_role("button", name="Send anyway").click()
    expect(patient.locator("article.volunteer").last).to_contain_text("I will stay with you until this is done.")
    expect(volunteer.locator("#text")).to_have_value("")

    # Back to the assistant
    volunteer.get_by_role("button", name="Hand back to the assistant").click()
    expect(patient.locator(".them").last).to_contain_text(notice("handoff_back"))
    expect(volunteer.locator("#chat")).to_be_hidden()
    expect(volunteer.locator("#mine li")).to_have_count(0)
    ask(patient, IS_GP_SAFE)
    expect(patient.locator(".them").last).to_contain_text(word_of("ask_gp_safe"))
    log = patient.locator("#log").inner_text()
    order = [
        IS_HOSPITAL_SAFE,
        WANTS_A_PERSON,
        word("handoff_share", "ar"),
        word("handoff_waiting", "ar").split("{")[0],
        notice("handoff_joined"),
        IN_DEBT,
    ]
    order += [word_of("ask_hospital_debt"), "I will stay with you until this is done.", notice("handoff_back"), IS_GP_SAFE, word_of("ask_gp_safe")]
    places = [log.rfind(text) for text in order]
    assert -1 not in places
    assert places == sorted(places)

    # Another time: the end, which deletes
    asks_for_a_volunteer(patient, share=False)
    expect(card).to_contain_text("topic not shared")
    card.get_by_role("button", name="Take").click()
    expect(lines).to_have_count(1)
    volunteer.once("dialog", lambda dialog: dialog.accept())
    volunteer.get_by_role("button", name="End and delete").click()
    expect(patient.locator(".them").last).to_contain_text(notice("handoff_ended"))
    expect(volunteer.locator("#chat")).to_be_hidden()
    assert IN_DEBT not in volunteer.content()


def word_of(topic: str, language: str = "ar") -> str:
    """The title of an answer, as the page shows it."""
    title = house.knowledge().answers[topic].title
    return languages.translate(title, language) or title


# Accessibility


def looks_right(page: Page) -> None:
    """Nothing for axe to complain of, and nothing wider than the window; on a laptop, on a phone, and in the dark."""
    for width, height, scheme in ((1280, 800, "light"), (390, 844, "light"), (390, 844, "dark")):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert violations(page) == [], f"at {width} pixels, {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"it scrolls sideways at {width} pixels"
    page.set_viewport_size({"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, "it scrolls sideways at 360 pixels"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_of_the_desk_is_accessible(path: str, visit: Visits, staff: Staff) -> None:
    page = visit(path, **staff.signed_in("edith"))
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    if path == "/desk/chats":
        expect(page.locator("#duty")).to_be_enabled()
    looks_right(page)


@pytest.mark.parametrize("path", ["/desk/sign-in", "/desk/sign-in?left=1"])
def test_the_way_in_is_accessible(path: str, visit: Visits) -> None:
    looks_right(visit(path))


def test_a_refusal_at_the_way_in_is_accessible(visit: Visits) -> None:
    page = visit("/desk/sign-in")
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("not this either")
    page.get_by_label("Code from your authenticator app").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    looks_right(page)


@pytest.mark.parametrize(
    "query",
    ["q=hospital+debt&language=ar", "q=I+have+chest+pain+and+cannot+breathe&language=so", "q=%F0%9F%A4%B7", "topic=ask_mou_now&as_of=2017-06-01"],
    ids=["two languages", "danger", "not understood", "a past day"],
)
def test_an_answer_for_a_caller_is_accessible(query: str, visit: Visits, staff: Staff) -> None:
    page = visit(f"/desk?{query}", **staff.signed_in("ana"))
    for fold in page.locator("#answer details:not([open]) > summary").all():
        fold.click()
    looks_right(page)


def test_a_page_that_is_refused_is_accessible(visit: Visits, staff: Staff) -> None:
    page = visit("/desk/switches", **staff.signed_in("ana"))
    expect(page.get_by_role("main")).to_contain_text("This page is for editors.")
    looks_right(page)


@pytest.fixture
def patients(server: Server) -> Iterator[tuple[Patient, Patient]]:
    """Two people without a browser, who leave nothing behind."""
    made = Patient(server, "ar"), Patient(server, "so")
    yield made
    for one in made:
        one.leaves()


# The patient's page


@dataclass
class Talk:
    """A conversation between a patient's page and a volunteer without one."""

    page: Page
    volunteer: Volunteer
    chat: str

    def says(self, text: str) -> None:
        self.volunteer.does(self.chat, "say", key=text, text=text, anyway="1")


@pytest.fixture
def talk(visit: Visits, ben: Volunteer) -> Iterator[Talk]:
    with ben.at_the_chats() as chats:
        page = visit("/chat/ar")
        asks_for_a_volunteer(page)
        chat = chats.waits()["id"]
        ben.does(chat, "claim")
        expect(page.locator(".them").last).to_contain_text(notice("handoff_joined"))
        yield Talk(page, ben, chat)
        ben.asks(f"/desk/chats/{chat}/end", {})


def test_the_patients_page_is_accessible_while_a_volunteer_writes(talk: Talk) -> None:
    talk.volunteer.does(talk.chat, "say", key="1", topic="ask_hospital_debt")
    talk.says("<b>I will stay with you.</b>")
    last = talk.page.locator("article.volunteer").last
    expect(last).to_contain_text("<b>I will stay with you.</b>")
    expect(last.get_by_role("heading")).to_contain_text(word("page_volunteer", "ar"))
    expect(last.locator(".said")).to_have_attribute("dir", "auto")
    expect(talk.page.locator(".chips")).to_have_count(0)
    talk.page.wait_for_timeout(300)  # what appears is faded in
    for width in (1280, 390):
        talk.page.set_viewport_size({"width": width, "height": 844})
        assert violations(talk.page) == []
        assert talk.page.evaluate("document.documentElement.scrollWidth") <= width


def test_what_is_written_to_a_volunteer_gets_no_answer_and_no_complaint(talk: Talk) -> None:
    before = talk.page.locator(".them").count()
    talk.page.fill("#message", "1")
    talk.page.keyboard.press("Enter")
    expect(talk.page.locator(".you").last).to_contain_text("1")
    expect(talk.page.locator("#typing")).to_be_hidden()
    talk.says("marker")
    expect(talk.page.locator("article.volunteer").last).to_contain_text("marker")
    assert talk.page.locator(".them").count() == before + 1
    expect(talk.page.locator(".unsent")).to_have_count(0)


def test_deleting_the_chat_on_the_page_ends_it_for_the_volunteer(talk: Talk) -> None:
    talk.page.click("#delete")
    expect(talk.page.locator("#notice")).to_have_text(word("page_deleted", "ar"))
    assert talk.volunteer.cannot(talk.chat, "say", 409, key="1", text="Are you there?")


# A broken network


class Relay:
    """Between a browser and the server: passes on what is sent, until the network is cut."""

    def __init__(self, server: Server) -> None:
        self._to = ("127.0.0.1", urlsplit(server.url).port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.is_up = True
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                if not self.is_up:
                    near.close()
                    continue
                far = socket.create_connection(self._to)
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while received := one.recv(65536):
                other.sendall(received)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Break every connection, and take no further one until it `is_up` again."""
        self.is_up = False
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    relay = Relay(server)
    yield relay
    relay.close()


@pytest.fixture
def over(browser: Browser, relay: Relay) -> Iterator[Visits]:
    """Opens pages over the relay; what a broken network does is no fault of theirs."""
    visits = Visits(browser, relay.url)
    yield visits
    for page in visits.pages:
        page.context.close()
    assert visits.elsewhere == []


def test_the_patients_page_says_that_the_connection_is_lost_and_goes_on_where_it_was(over: Visits, relay: Relay, ben: Volunteer) -> None:
    with ben.at_the_chats() as chats:
        page = over("/chat/ar")
        asks_for_a_volunteer(page)
        talk = Talk(page, ben, chats.waits()["id"])
        ben.does(talk.chat, "claim")
        talk.says("before")
        said = page.locator("article.volunteer .said")
        expect(said).to_have_text(["before"])
        relay.cut()
        expect(page.locator("#notice")).to_contain_text(word("page_reconnecting", "ar"))
        talk.says("meanwhile")
        relay.is_up = True
        expect(said.last).to_have_text("meanwhile", timeout=10_000)
        expect(page.locator("#notice")).not_to_contain_text(word("page_reconnecting", "ar"))
        talk.says("after")
        expect(said).to_have_text(["before", "meanwhile", "after"])
        ben.does(talk.chat, "end")
        expect(page.locator(".them").last).to_contain_text(notice("handoff_ended"))
        expect(page.locator("#notice")).not_to_contain_text(word("page_reconnecting", "ar"))


def test_the_volunteers_page_says_that_the_connection_is_lost_and_shows_everything_again(
    over: Visits, relay: Relay, staff: Staff, patients: tuple[Patient, Patient]
) -> None:
    page = over("/desk/chats", **staff.signed_in("ana"))
    goes_on_duty(page)
    patient = patients[0]
    stream = patient.asks_for_a_volunteer()
    page.get_by_role("button", name="Take").click()
    expect(page.locator("#lines article")).to_have_count(1)
    patient.says("before")
    expect(page.locator("#lines article")).to_have_count(2)
    relay.cut()
    expect(page.locator("#connection")).to_contain_text("The connection is lost")
    patient.says("meanwhile")
    page.fill("#text", "وأنا أيضًا")
    page.keyboard.press("Enter")
    expect(page.locator("#problem")).to_contain_text("Your words are still here")
    relay.is_up = True
    expect(page.locator("#lines article.patient .words")).to_have_text(["before", "meanwhile"], timeout=10_000)
    expect(page.locator("#connection")).to_be_hidden()
    for _ in range(3):  # a browser may find another broken connection among those that it kept
        page.keyboard.press("Enter")
        with suppress(AssertionError):
            expect(page.locator("#text")).to_have_value("", timeout=2000)
            break
    stream.sees(lambda stream: "وأنا أيضًا" in texts(stream))
    expect(page.locator("#lines article")).to_have_count(4)
    expect(page.locator("#text")).to_have_value("")


def test_a_long_shared_conversation_and_an_opened_suggestion_are_accessible(
    visit: Visits, staff: Staff, ben: Volunteer, patients: tuple[Patient, Patient]
) -> None:
    page = visit("/desk/chats", **staff.signed_in("ana"))
    goes_on_duty(page)
    patient, other = patients
    with ben.at_the_chats():  # a colleague to pass it to
        patient.says(IS_HOSPITAL_SAFE)
        patient.asks_for_a_volunteer(share=True)
        page.get_by_role("button", name="Take").click()
        expect(page.locator("#lines article")).not_to_have_count(0)
        other.asks_for_a_volunteer()
        other.says("I have chest pain and cannot breathe")
        expect(page.locator("#queue .alarm")).to_be_visible()
        patient.says(IN_DEBT)
        expect(page.locator("#suggestions li")).not_to_have_count(0)
        page.locator("#suggestions summary").first.click()
        patient.says("صدري يؤلمني جدا ولا أستطيع التنفس")
        expect(page.locator("#alert")).to_be_visible()
        page.fill("#text", "I will stay with you until this is done.")
        page.keyboard.press("Enter")
        expect(page.locator("#language-warning")).to_be_visible()
        expect(page.locator("#transfer-to")).to_be_visible()
        looks_right(page)
        page.locator("#alert button").click()
        expect(page.locator("#alert")).to_be_hidden()
    patient.deletes()
    expect(page.locator("#connection")).to_contain_text("no longer yours")
