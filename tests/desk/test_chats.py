"""Conversations between patients and volunteers, over HTTP with a real server."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from conftest import ROOT, Server, running
from desk_people import KEY, Chats, Patient, Stream, Volunteer, accounts_of, texts

from bot import house, languages
from bot.desk.channel import ROUTES
from bot.replies import ADVICE_LINE

ROLES = {"ana": "volunteer", "ben": "volunteer", "cleo": "volunteer", "dan": "volunteer", "edith": "editor", "fay": "volunteer"}
DANGER = "I have chest pain and cannot breathe"
DANGER_IN_ARABIC = "صدري يؤلمني جدا ولا أستطيع التنفس"
ASKS_FOR_A_PERSON = {"en": "I want to speak to a human", "ar": "أريد التحدث مع شخص", "so": "Waxaan rabaa inaan la hadlo qof"}
PATHS = [(re.sub(r"<[^>]+>", "1", f"/desk{route.path}"), route) for route in ROUTES]


def said(name: str, language: str = "en") -> str:
    """One of the assistant's own sentences."""
    message = house.knowledge().messages[name]
    text = languages.translate(message, language) or message
    return text.replace("{emergency}", languages.isolated("999", language))


@dataclass
class Desk:
    """A server with volunteers; `without` is what its desk answered while there was no account."""

    folder: Path
    stack: ExitStack
    server: Server
    without: dict[str, int]
    people: dict[str, Volunteer] = field(default_factory=dict)

    def restarts(self) -> None:
        """Kill the server as a loss of power does, and start another on the same state."""
        os.kill(self.server.pid, signal.SIGKILL)
        self.server = started(self.stack, self.folder)
        for somebody in self.people.values():
            somebody.server = self.server


def started(stack: ExitStack, folder: Path) -> Server:
    return stack.enter_context(running(folder, CONFIDE_KEY=KEY, CONFIDE_MESSAGES_A_MINUTE="100000"))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("chats")
    with ExitStack() as stack:
        server = started(stack, folder)
        nobody = Volunteer(server, "", "")
        tries = [*((path, method) for path, route in PATHS for method in route.methods), ("/desk/sign-in", "GET"), ("/desk/sign-in", "POST")]
        tries.append(("/desk/static/chats.js", "GET"))
        without = {f"{method} {path}": nobody.asks(path, {} if method == "POST" else None)[0] for path, method in tries}
        found = Desk(folder, stack, server, without)
        made = accounts_of(folder / "state", **ROLES)
        found.people = {name: Volunteer(server, name, token).enters() for name, (_, token) in made.items()}
        yield found


@pytest.fixture
def ana(desk: Desk) -> Volunteer:
    return desk.people["ana"]


@pytest.fixture
def chats(ana: Volunteer, watch: Chats) -> Iterator[Chats]:
    """Ana's page while she is on duty."""
    with ana.at_the_chats() as chats:
        yield chats
    watch.state_is(lambda state: not state["colleagues"])


@pytest.fixture
def watch(desk: Desk) -> Iterator[Chats]:
    """The page of somebody who is not on duty."""
    with desk.people["edith"].at_the_chats(on_duty=False) as watch:
        yield watch


@pytest.fixture
def patient(desk: Desk) -> Iterator[Callable[..., Patient]]:
    """Makes patients, who leave nothing behind."""
    made: list[Patient] = []

    def make(language: str = "en") -> Patient:
        made.append(Patient(desk.server, language))
        return made[-1]

    yield make
    for one in made:
        one.server = desk.server
        one.leaves()


NewPatient = Callable[..., Patient]


@dataclass
class Held:
    """A conversation that Ana holds: she, her page, the patient, and what the patient is told."""

    ana: Volunteer
    chats: Chats
    patient: Patient
    stream: Stream
    id: str

    def says(self, text: str, key: str | None = None) -> Any:
        """Ana writes to the patient."""
        return self.ana.does(self.id, "say", key=key or text, text=text, anyway="1")

    def patient_sees(self, text: str) -> None:
        self.stream.sees(lambda stream: text in texts(stream))


@pytest.fixture
def hold(ana: Volunteer, chats: Chats, patient: NewPatient) -> Callable[..., Held]:
    """Makes conversations that Ana holds, after the patient has said something to the assistant."""

    def make(*before: str, language: str = "en", share: bool = False) -> Held:
        somebody = patient(language)
        for message in before:
            somebody.says(message)
        stream = somebody.asks_for_a_volunteer(share)
        id = chats.waits()["id"]
        ana.does(id, "claim")
        held = Held(ana, chats, somebody, stream, id)
        held.patient_sees(said("handoff_joined", language))
        chats.state_is(lambda state: [one["id"] for one in state["mine"]] == [id])
        return held

    return make


Hold = Callable[..., Held]


# Who is offered a volunteer


@pytest.mark.parametrize("language", ASKS_FOR_A_PERSON)
def test_who_asks_for_a_person_while_nobody_is_on_duty_is_told_at_once_with_a_number(language: str, watch: Chats, patient: NewPatient) -> None:
    somebody = patient(language)
    number = languages.isolated(house.knowledge().services[ADVICE_LINE].phone or "", language)
    for message in (ASKS_FOR_A_PERSON[language], "/talk_to_volunteer"):
        somebody.says(message)
        assert somebody.text.startswith(said("handoff_nobody", language))
        somebody.sees(number)
        assert [reply["language"] for reply in somebody.replies] == [language]
        assert not somebody.is_offered(said("handoff_offer", language))
    # Nor is there a way around the question.
    somebody.says('/share_with_volunteer{"share": true}')
    somebody.sees(said("handoff_nobody", language))
    assert "ticket" not in somebody.replies[0]
    assert watch.state["waiting"] == []


def test_a_page_that_was_opened_later_has_nobody_in_its_queue_who_was_refused(desk: Desk, patient: NewPatient) -> None:
    patient("en").says("/talk_to_volunteer")
    with desk.people["ben"].at_the_chats(on_duty=False) as chats:
        assert chats.state["waiting"] == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_volunteer_on_duty_is_offered_to_who_asks_for_a_person_and_to_who_is_in_danger(language: str, chats: Chats, patient: NewPatient) -> None:
    for message in (ASKS_FOR_A_PERSON[language], DANGER if language == "en" else DANGER_IN_ARABIC):
        somebody = patient(language)
        somebody.says(message)
        assert somebody.replies[0]["choices"][0] == {"title": said("handoff_offer", language), "message": "/talk_to_volunteer"}
        assert said("handoff_nobody", language) not in somebody.text


def test_a_volunteer_on_duty_is_offered_at_the_second_misunderstanding_in_a_row(chats: Chats, patient: NewPatient) -> None:
    somebody = patient()
    offered = []
    for message in ("🤷", "🤷", "🤷", "Is it safe to see a GP?", "🤷", "🤷"):
        somebody.says(message)
        offered.append(somebody.is_offered(said("handoff_offer")))
    assert offered == [False, True, True, False, False, True]


def test_while_nobody_is_on_duty_nobody_is_offered(watch: Chats, patient: NewPatient) -> None:
    somebody = patient()
    for message in (ASKS_FOR_A_PERSON["en"], DANGER, "🤷", "🤷", "🤷"):
        somebody.says(message)
        assert not somebody.is_offered(said("handoff_offer")), message


def test_numbers_pick_among_the_choices_until_a_volunteer_reads_them(ana: Volunteer, chats: Chats, patient: NewPatient) -> None:
    somebody = patient()
    somebody.says(ASKS_FOR_A_PERSON["en"])
    somebody.says("1")
    somebody.sees(said("handoff_share"))
    assert [choice["title"] for choice in somebody.replies[0]["choices"]] == [said(name) for name in ("handoff_yes", "handoff_no", "handoff_cancel")]
    somebody.says("1")
    somebody.sees(said("handoff_waiting"))
    chat = chats.waits()
    assert chat["shared"]
    ana.does(chat["id"], "claim")
    for figure in ("1", "2", "٣"):
        assert somebody.says(figure) == []
        chats.hears(chat["id"], figure)


@pytest.mark.parametrize(
    ("language", "yes", "shared"),
    [("en", "yes please", True), ("en", "Yes, they may", True), ("en", "no", False), ("ar", "نعم", True), ("ti", "እወ", True), ("so", "maya", False)],
)
def test_the_question_about_sharing_is_answered_in_words_too(language: str, yes: str, shared: bool, chats: Chats, patient: NewPatient) -> None:
    somebody = patient(language)
    somebody.says("/talk_to_volunteer")
    (reply,) = somebody.says(yes)
    assert reply["text"].startswith(said("handoff_waiting", language)[:20])
    assert chats.waits()["shared"] is shared


def test_the_volunteer_learns_what_language_the_patient_has_chosen_since(hold: Hold) -> None:
    held = hold()
    held.patient.language = "ar"
    held.patient.says("مرحبا، ابنتي تسعل")
    held.chats.state_is(lambda state: state["mine"][0]["tag"] == "ar")


def test_who_signs_out_gives_the_conversations_back_at_once(desk: Desk, chats: Chats, patient: NewPatient) -> None:
    fay = desk.people["fay"]  # nobody else's session ends with hers
    stream = patient().asks_for_a_volunteer()
    id = chats.waits()["id"]
    with fay.at_the_chats():
        fay.does(id, "claim")
        assert fay.asks("/desk/sign-out", {"csrf": fay.csrf}, Accept="text/html")[0] == 303
        stream.sees(lambda stream: said("handoff_lost") in texts(stream))
    assert chats.waits()["id"] == id


def test_who_changes_their_mind_is_not_waiting_any_more(chats: Chats, patient: NewPatient) -> None:
    somebody = patient()
    stream = somebody.asks_for_a_volunteer()
    chats.waits()
    somebody.says("1")
    somebody.sees(said("handoff_waiting").split(".")[0])  # the figure that said yes, sent once more
    somebody.says("/no_volunteer")
    somebody.sees(said("handoff_cancelled"))
    chats.state_is(lambda state: state["waiting"] == [])
    stream.sees(lambda stream: stream.of("end"))


def test_the_assistant_still_answers_who_waits_and_danger_takes_them_to_the_front(ana: Volunteer, chats: Chats, patient: NewPatient) -> None:
    first, second = patient(), patient("ar")
    first.asks_for_a_volunteer()
    one = chats.waits()["id"]
    second.asks_for_a_volunteer()
    two = chats.waits(one)["id"]
    second.says("هل زيارة المستشفى آمنة؟")
    assert second.topics == ["ask_hospital_safe"]
    second.says(DANGER_IN_ARABIC)
    assert second.topics[0] in house.knowledge().critical
    chats.state_is(lambda state: [(waits["id"], waits["danger"]) for waits in state["waiting"]] == [(two, True), (one, False)])
    ana.does(two, "claim")
    assert chats.hears(two, DANGER_IN_ARABIC)["danger"]
    chats.hears(two, said("handoff_joined", "ar"))
    assert [line["who"] for line in chats.lines(two)] == ["patient", "reply", "patient", "reply", "notice"]


# What a volunteer gets to see


def test_the_volunteer_reads_a_shared_conversation_in_both_languages(ana: Volunteer, chats: Chats, patient: NewPatient) -> None:
    somebody = patient("ar")
    somebody.says("هل زيارة المستشفى آمنة؟")
    answer = somebody.text
    somebody.asks_for_a_volunteer(share=True)
    chat = chats.waits()
    assert (chat["language"], chat["direction"], chat["shared"]) == ("Arabic", "rtl", True)
    assert chat["topic"] == house.knowledge().answers["ask_hospital_safe"].title
    ana.does(chat["id"], "claim")
    chats.hears(chat["id"], said("handoff_joined", "ar"))
    question, reply, *_ = chats.lines(chat["id"])
    assert (question["who"], question["text"], question["english"]) == ("patient", "هل زيارة المستشفى آمنة؟", "")
    assert (reply["who"], reply["text"]) == ("reply", answer[: len(reply["text"])])
    assert reply["english"].startswith("In England, in an emergency go to A&E")


def test_the_volunteer_reads_nothing_of_a_conversation_that_is_not_shared_nor_its_topic(ana: Volunteer, chats: Chats, patient: NewPatient) -> None:
    somebody = patient("ar")
    somebody.says("هل زيارة المستشفى آمنة؟")
    somebody.asks_for_a_volunteer(share=False)
    chat = chats.waits()
    assert (chat["shared"], chat["topic"]) == (False, "")
    ana.does(chat["id"], "claim")
    chats.hears(chat["id"], said("handoff_joined", "ar"))
    assert [line["who"] for line in chats.lines(chat["id"])] == ["notice"]
    everything = chats.stream.raw.decode()
    assert "المستشفى" not in everything
    assert "hospital" not in everything.lower()


def test_identifiers_are_masked_before_and_while_the_volunteer_reads(ana: Volunteer, hold: Hold) -> None:
    held = hold("Is it safe to see a GP? My NHS number is 943 476 5919", share=True)
    held.patient.says("My number is 07700 900123, my NHS number is 943 476 5919, and I write as a test")
    held.chats.stream.sees(lambda _: [line for line in held.chats.lines(held.id, "patient") if "I write as a test" in line["text"]])
    everything = held.chats.stream.raw.decode()
    assert "[number]" in everything
    for hidden in ("943 476", "4765919", "07700", "900123"):
        assert hidden not in everything


def test_the_queue_says_nothing_of_who_somebody_is(watch: Chats, chats: Chats, patient: NewPatient) -> None:
    somebody = patient()
    somebody.says("My name is Amina Khalil, my number is 07700 900123. Is it safe to see a GP?")
    somebody.asks_for_a_volunteer(share=True)
    chats.waits()
    watch.waits()
    pseudonym = hmac.new(KEY.encode(), f"web\0{somebody.sender}".encode(), hashlib.sha256).hexdigest()
    everything = (watch.stream.raw + chats.stream.raw).decode()
    for word in (somebody.sender, pseudonym[:32], somebody.ticket, "Amina", "Khalil", "07700", "900123"):
        assert word not in everything
    about = {"id", "since", "danger", "language", "tag", "direction", "channel", "topic", "shared"}
    assert set(watch.state["waiting"][0]) == about
    assert not watch.stream.of("line", "suggestions"), "what is said is for who holds the conversation"


def test_what_the_patient_writes_is_read_as_a_question_and_its_answer_is_suggested(hold: Hold) -> None:
    held = hold(language="ar")
    held.patient.says("عندي دين للمستشفى، ماذا أفعل؟")
    given = held.chats.stream.sees(lambda stream: stream.of("suggestions"))[-1].data
    first = given["suggestions"][0]
    assert (given["chat"], first["topic"]) == (held.id, "ask_hospital_debt")
    assert "hospital" in first["english"]
    held.ana.does(held.id, "say", key="1", topic="ask_hospital_debt")
    reply = held.stream.sees(lambda stream: stream.of("volunteer"))[0].data
    assert (reply["language"], reply["choices"]) == ("ar", [])
    assert reply["text"].startswith(first["text"][:100])


# Who gets a conversation


def test_the_suggestion_that_is_sent_is_the_one_that_was_read(hold: Hold) -> None:
    """Also where it differs by nation, and the nation was told earlier."""
    held = hold()
    held.patient.says("I live in Scotland")
    held.patient.says("How much does hospital treatment cost me?")
    suggested = held.chats.stream.sees(
        lambda stream: next(
            (one for event in stream.of("suggestions") for one in event.data["suggestions"] if one["topic"] == "ask_hospital_cost"), None
        )
    )
    assert suggested and suggested["nation"] == "scotland"
    held.ana.does(held.id, "say", key="suggested", topic=suggested["topic"], nation=suggested["nation"])
    held.patient_sees(suggested["text"])
    assert "Scotland" in suggested["text"]


@pytest.mark.parametrize("what", ["topic:ask_gp_safe", "channel:web"])
def test_what_an_editor_has_switched_off_is_neither_suggested_nor_sent(what: str, desk: Desk, hold: Hold) -> None:
    held, edith = hold(), desk.people["edith"]
    assert edith.asks("/desk/switches/off", {"what": what, "reason": "the source has changed", "csrf": edith.csrf}, Accept="text/html")[0] == 303
    try:
        held.patient.says("Is it safe to see a GP?")
        given = held.chats.stream.sees(lambda stream: stream.of("suggestions"))[-1].data["suggestions"]
        assert "ask_gp_safe" not in [one["topic"] for one in given]
        assert "switched this answer off" in held.ana.cannot(held.id, "say", 409, key="k", topic="ask_gp_safe")
        held.patient.deletes()
        assert Patient(desk.server, "en").says("/delete_my_chat")[0]["topic"] == "delete_my_chat"
        assert "deleted" in Patient(desk.server, "en").says("/delete_my_chat")[0]["text"]
    finally:
        edith.asks("/desk/switches/on", {"what": what, "csrf": edith.csrf}, Accept="text/html")


def test_what_says_that_something_was_done_cannot_be_switched_off(desk: Desk) -> None:
    edith = desk.people["edith"]
    form = {"what": "topic:delete_my_chat", "reason": "the source has changed", "csrf": edith.csrf}
    assert edith.asks("/desk/switches/off", form, Accept="text/html")[0] == 400


def test_of_fifty_claims_at_once_one_is_granted_and_the_others_are_told_why_not(desk: Desk, chats: Chats, patient: NewPatient) -> None:
    patient().asks_for_a_volunteer()
    chat = chats.waits()["id"]
    claimants = [desk.people[name] for name in ("ana", "ben", "cleo", "dan", "edith")] * 10
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda one: one.asks(f"/desk/chats/{chat}/claim", {}), claimants))
    assert Counter(status for status, _ in answers) == {200: 1, 409: 49}
    assert {text for status, text in answers if status == 409} == {'{"error":"Somebody else has taken this conversation, or it has ended."}'}


def test_what_is_claimed_leaves_everybody_s_queue_and_is_shown_to_who_holds_it_only(watch: Chats, hold: Hold) -> None:
    held = hold("Is it safe to see a GP?", share=True)
    watch.state_is(lambda state: state["waiting"] == [] and state["colleagues"] == ["ana"])
    held.patient.says("only for Ana")
    held.chats.hears(held.id, "only for Ana")
    assert watch.state["mine"] == []
    assert "only for Ana" not in watch.stream.raw.decode()


def test_who_does_not_hold_a_conversation_can_do_nothing_with_it(desk: Desk, hold: Hold) -> None:
    held = hold()
    ben = desk.people["ben"]
    for what, form in (
        ("claim", {}),
        ("say", {"key": "1", "text": "hello"}),
        ("put-back", {}),
        ("hand-back", {}),
        ("end", {}),
        ("transfer", {"to": "ana"}),
    ):
        assert ben.cannot(held.id, what, 409, **form)
    assert ben.does(held.id, "seen") == {"done": False}
    assert ben.cannot("no-such-chat", "claim", 409)
    held.says("still mine")
    held.patient_sees("still mine")
    assert texts(held.stream) == [said("handoff_joined"), "still mine"]


def test_a_conversation_that_is_put_back_can_be_taken_by_a_colleague(desk: Desk, watch: Chats, hold: Hold) -> None:
    held = hold("Is it safe to see a GP?", share=True)
    held.says("A colleague knows this better.")
    held.ana.does(held.id, "put-back")
    held.patient_sees(said("handoff_waiting"))
    assert watch.waits()["id"] == held.id
    held.chats.state_is(lambda state: state["mine"] == [])
    assert held.patient.says("Is it safe to see a GP?"), "the assistant answers meanwhile"
    ben = desk.people["ben"]
    with ben.at_the_chats() as chats:
        ben.does(held.id, "claim")
        chats.hears(held.id, "A colleague knows this better.")


def test_a_conversation_is_passed_to_a_colleague_who_is_on_duty(desk: Desk, hold: Hold) -> None:
    held = hold()
    held.patient.says("before it was passed")
    reason = held.ana.cannot(held.id, "transfer", 409, to="ben")
    assert "ben is not on duty" in reason
    ben = desk.people["ben"]
    with ben.at_the_chats() as chats:
        held.chats.state_is(lambda state: state["colleagues"] == ["ben"])
        held.ana.does(held.id, "transfer", to="ben")
        held.patient_sees(said("handoff_passed"))
        chats.hears(held.id, "before it was passed")
        held.chats.state_is(lambda state: state["mine"] == [])
        assert held.patient.says("are you there?") == []
        chats.hears(held.id, "are you there?")
        ben.does(held.id, "end")
    held.patient_sees(said("handoff_ended"))


# While a volunteer holds it


def test_the_assistant_is_silent_whatever_is_written_while_a_volunteer_holds_the_conversation(hold: Hold) -> None:
    held = hold()
    written = ["Is it safe to see a GP?", "هل زيارة المستشفى آمنة؟", "🤷", "1", "stop", "hello", "Change language"]
    for message in written:
        assert held.patient.says(message) == [], message
        held.chats.hears(held.id, message)
    assert held.patient.says("/ask_hospital_safe") == []
    held.chats.hears(held.id, house.knowledge().answers["ask_hospital_safe"].title)
    assert held.patient.says(ASKS_FOR_A_PERSON["en"]) == []
    assert texts(held.stream) == [said("handoff_joined")]


def test_words_of_danger_raise_an_alert_that_the_volunteer_takes_over(hold: Hold) -> None:
    held = hold()
    for what, form in (("seen", {}), ("say", {"key": "1", "topic": "emergency_medical"})):
        assert held.patient.says(DANGER) == []
        alert = held.chats.state_is(lambda state: state["mine"][0]["alert"])
        assert alert["topic"] == house.knowledge().answers["emergency_medical"].title
        assert held.chats.hears(held.id, DANGER)["danger"]
        held.ana.does(held.id, what, **form)
        held.chats.state_is(lambda state: state["mine"][0]["alert"] is None)


@pytest.mark.parametrize("way", ["DELETE", "beacon"])
def test_who_deletes_their_chat_deletes_what_the_volunteer_had_of_it(way: str, hold: Hold) -> None:
    held = hold("Is it safe to see a GP?", share=True)
    if way == "DELETE":
        held.patient.deletes()
    else:
        assert held.patient.server.request("/webhooks/web/erase", {"sender": held.patient.sender})[0] == 204
    held.stream.sees(lambda stream: stream.of("end"))
    held.chats.state_is(lambda state: state["mine"] == [] and state["waiting"] == [])
    assert held.ana.cannot(held.id, "say", 409, key="late", text="Are you there?")
    assert texts(held.patient.follows()) == []
    assert held.patient.says("Is it safe to see a GP?"), "the assistant answers again"


@pytest.mark.parametrize(("what", "notice"), [("hand-back", "handoff_back"), ("end", "handoff_ended")])
def test_after_it_the_patient_is_told_and_the_assistant_answers_again(what: str, notice: str, hold: Hold) -> None:
    held = hold("هل زيارة المستشفى آمنة؟", language="ar", share=True)
    held.says("مع السلامة")
    held.patient_sees("مع السلامة")
    held.ana.does(held.id, what)
    held.stream.sees(lambda stream: stream.of("end"))
    assert texts(held.stream) == [said("handoff_joined", "ar"), "مع السلامة", said(notice, "ar")]
    held.chats.state_is(lambda state: state["mine"] == [])
    held.patient.says("هل زيارة الطبيب آمنة؟")
    assert held.patient.topics == ["ask_gp_safe"]
    # A page that was offline learns how it ended, and what was said in the last minute: it may not have come through.
    again = held.patient.follows()
    again.sees(lambda stream: stream.of("end"))
    assert texts(again) == ["مع السلامة", said(notice, "ar")]


# What a volunteer writes


def test_free_text_in_another_language_is_sent_only_when_the_volunteer_means_it(hold: Hold) -> None:
    held = hold(language="ar")
    text = "I will stay with you until you have written to them."
    assert held.ana.does(held.id, "say", key="1", text=text) == {"warning": "This looks like English. The person writes Arabic."}
    assert held.ana.does(held.id, "say", key="1", text=text, anyway="1") == {"sent": True}
    assert held.ana.does(held.id, "say", key="2", text="أنا معكم، لا تقلقوا") == {"sent": True}
    held.patient_sees("أنا معكم، لا تقلقوا")
    assert texts(held.stream) == [said("handoff_joined", "ar"), text, "أنا معكم، لا تقلقوا"]


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({"key": "1"}, "There is nothing in 'text'."),
        ({"key": "1", "text": " \n "}, "There is nothing in 'text'."),
        ({"key": "1", "text": "x" * 1001}, "'text' has 1001 letters; at most 1000 can be sent."),
        ({"key": "1", "topic": "ask_nothing"}, "'ask_nothing' is no topic"),
        ({"text": "hello"}, "There is nothing in 'key'."),
        ({"key": "x" * 81, "text": "hello"}, "'key' has 81 letters"),
    ],
    ids=["nothing", "only spaces", "too long", "no such topic", "no key", "a long key"],
)
def test_what_cannot_be_sent_is_refused_with_a_reason(form: dict[str, str], reason: str, hold: Hold) -> None:
    held = hold()
    assert reason in held.ana.cannot(held.id, "say", 400, **form)
    held.says("marker")
    held.patient_sees("marker")
    assert texts(held.stream) == [said("handoff_joined"), "marker"]


def test_what_is_sent_twice_with_one_key_is_one_line(hold: Hold) -> None:
    held = hold()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: held.says("once", "a key"), range(8))) == [{"sent": True}] * 8
    held.says("marker")
    held.patient_sees("marker")
    assert texts(held.stream) == [said("handoff_joined"), "once", "marker"]


def test_a_text_is_brought_as_it_was_typed(hold: Hold) -> None:
    held = hold()
    text = "<b>1 & 2</b>\nid: 7\n\nevent: end\r\ndata: {} \u2028 🤝🏽 ﷺ {since}"
    held.says(text)
    held.patient_sees(text)
    assert not held.stream.of("end")
    assert held.chats.hears(held.id, text)["who"] == "volunteer"


# A broken network


def test_a_page_that_was_cut_off_gets_exactly_what_it_missed(hold: Hold) -> None:
    held = hold()
    held.says("first")
    held.patient_sees("first")
    last = held.stream.of("volunteer")[-1].id
    held.stream.close()
    held.says("second")
    held.says("third")
    again = held.patient.follows(after=last)
    held.says("fourth")
    again.sees(lambda stream: "fourth" in texts(stream))
    assert texts(again) == ["second", "third", "fourth"]
    numbers = [event.id or 0 for event in again.of("volunteer")]
    assert numbers == sorted(set(numbers))
    for nonsense in ("-1", "x", "9" * 30):
        first_visit = held.patient.follows(after=nonsense)
        first_visit.sees(lambda stream: "fourth" in texts(stream))
        assert texts(first_visit) == [said("handoff_joined"), "first", "second", "third", "fourth"]


def test_a_volunteer_s_second_page_shows_the_whole_conversation_too(hold: Hold) -> None:
    held = hold()
    held.says("before the second page")
    with held.ana.at_the_chats(on_duty=False) as second:
        assert [one["id"] for one in second.state_is(lambda state: state["mine"])] == [held.id]
        second.hears(held.id, "before the second page")
        held.patient.says("to both")
        second.hears(held.id, "to both")
        held.chats.hears(held.id, "to both")


# Who may do what


def test_without_an_account_there_is_no_desk(desk: Desk) -> None:
    assert set(desk.without.values()) == {404}, desk.without


def test_without_a_session_no_page_is_shown_and_nothing_is_done(desk: Desk) -> None:
    for token in ("", "x" * 43):
        nobody = Volunteer(desk.server, "", token, csrf="x")
        for path, route in PATHS:
            if "GET" in route.methods:
                assert nobody.asks(path)[0] == 401, path
                assert nobody.asks(path, Accept="text/html")[0] == 302, path
            if "POST" in route.methods:
                assert nobody.asks(path, {"csrf": "x"})[0] == 401, path
                assert nobody.asks(path, {"csrf": "x"}, Accept="text/html")[0] == 401, path


def test_nothing_is_done_for_a_form_that_is_not_this_session_s(desk: Desk) -> None:
    edith, ana = desk.people["edith"], desk.people["ana"]
    assert edith.csrf != ana.csrf
    for csrf in ("", "x", "ü", ana.csrf):
        forger = Volunteer(desk.server, "edith", edith.token)
        for path, route in PATHS:
            if "POST" in route.methods:
                assert forger.asks(path, {"csrf": csrf})[0] == 403, path
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}, {"Origin": "https://example.org"}, {"Origin": "null"}):
        assert edith.asks("/desk/sign-out-everywhere", {}, **headers)[0] == 403, headers
    assert edith.asks("/desk/account")[0] == 200


def test_what_is_for_editors_is_refused_to_volunteers(desk: Desk) -> None:
    for path, route in PATHS:
        if route.role == "editor":
            for method in route.methods:
                assert desk.people["ana"].asks(path, {} if method == "POST" else None)[0] == 403, path
    assert "/desk/switches" in {path for path, route in PATHS if route.role == "editor"}


def test_the_patient_s_side_is_no_way_into_the_desk(desk: Desk, hold: Hold) -> None:
    held = hold()
    for page in ("/chat", "/chat/ar", "/privacy", "/static/chat.js", "/widget.js"):
        status, _, content = desk.server.request(page)
        assert status == 200
        assert b"/desk" not in content, page
    for token in (held.patient.ticket, held.patient.sender):
        stranger = Volunteer(desk.server, "", token)
        assert stranger.asks("/desk/chats")[0] == 401
        assert stranger.asks(f"/desk/chats/{held.id}/say", {"key": "1", "text": "hello"})[0] == 401
    for ticket in (held.id, held.patient.sender, held.patient.ticket[:-1], held.patient.ticket + "A", "%00"):
        status, _, content = desk.server.request(f"/webhooks/web/events/{ticket}")
        assert (status, json.loads(content)["error"]["code"]) == (404, "no_handoff"), ticket


def test_the_audit_says_what_was_done_with_a_conversation_and_nothing_of_what_was_said(desk: Desk, hold: Hold) -> None:
    first = hold("Is it safe to see a GP?", share=True)
    first.patient.says("a most telling word")
    first.says("a most careful answer")
    first.ana.does(first.id, "hand-back")
    first.chats.state_is(lambda state: state["mine"] == [])
    second = hold()
    second.ana.does(second.id, "end")
    environment = {**os.environ, "CONFIDE_STATE": str(desk.folder / "state"), "CONFIDE_KEY": KEY}
    command = [sys.executable, "-W", "ignore", "-m", "bot", "desk", "audit"]
    audit = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=True).stdout
    noted = [(line[1], line[2]) for line in (re.split(r"\s{2,}", line) for line in audit.splitlines()) if line[-1] in (first.id, second.id)]
    assert noted == [
        ("ana", "conversation claimed"),
        ("ana", "conversation handed back"),
        ("ana", "conversation claimed"),
        ("ana", "conversation ended"),
    ]
    for word in ("telling", "careful", "safe to see", first.patient.sender, first.patient.ticket):
        assert word not in audit


def test_the_log_has_nothing_of_what_was_said(desk: Desk, hold: Hold) -> None:
    held = hold("Is it safe to see a zebra?", share=True)
    held.patient.says("a word for the volunteer: okapi")
    held.says("a word for the patient: pangolin")
    held.patient_sees("a word for the patient: pangolin")
    log = desk.server.log.read_text()
    for word in ("zebra", "okapi", "pangolin", held.patient.sender, held.patient.ticket, held.ana.token):
        assert word not in log
    assert "Traceback" not in log


# A restart: the last test, for it is another server afterwards


@pytest.mark.parametrize("words", ["delete my chat", "/delete_my_chat"])
@pytest.mark.parametrize("waits", [False, True], ids=["held", "waiting"])
def test_who_asks_in_words_to_delete_their_chat_deletes_what_the_volunteer_had_of_it(words: str, waits: bool, hold: Hold) -> None:
    held = hold("Is it safe to see a GP?", share=True)
    if waits:
        held.ana.does(held.id, "put-back")
        held.chats.state_is(lambda state: state["waiting"])
    held.patient.says(words)
    assert held.patient.topics == ["delete_my_chat"]
    held.stream.sees(lambda stream: stream.of("end"))
    held.chats.state_is(lambda state: state["mine"] == [] and state["waiting"] == [])
    assert held.ana.cannot(held.id, "say", 409, key="late", text="Are you there?")
    assert held.patient.says("Is it safe to see a GP?"), "the assistant answers again"


@pytest.mark.parametrize(("what", "notice"), [("hand-back", "handoff_back"), ("end", "handoff_ended")])
def test_what_was_acknowledged_before_the_end_is_brought_to_a_page_that_was_cut_off(what: str, notice: str, hold: Hold) -> None:
    held = hold()
    last = held.stream.of("notice")[-1].id
    held.stream.close()
    held.says("Go to 12 Example Street at ten.")
    held.ana.does(held.id, what)
    again = held.patient.follows(after=last)
    again.sees(lambda stream: stream.of("end"))
    assert texts(again) == ["Go to 12 Example Street at ten.", said(notice)]


def test_the_question_before_a_volunteer_comes_is_shown_in_its_own_english(hold: Hold) -> None:
    held = hold("هل زيارة المستشفى آمنة؟", language="ar", share=True)
    line = next(line for line in held.chats.lines(held.id, "reply") if said("handoff_share", "ar") in line["text"])
    assert said("handoff_share") in line["english"], line["english"]


def test_the_short_form_is_shown_with_the_english_of_the_short_form(hold: Hold) -> None:
    held = hold("هل زيارة المستشفى آمنة؟", "/repeat_simpler", language="ar", share=True)
    replies = held.chats.lines(held.id, "reply")
    assert replies[0]["english"] != replies[1]["english"], "the patient was told less than the volunteer reads"


def test_of_two_answers_to_one_message_the_volunteer_reads_the_english_of_both(hold: Hold) -> None:
    held = hold("صدري يؤلمني جدا ولا أستطيع التنفس. هل سيطلب المستشفى مني الدفع؟", language="ar", share=True)
    assert held.patient.replies
    english = held.chats.lines(held.id, "reply")[0]["english"]
    assert "Call 999 now" in english, english


def test_an_answer_about_a_past_day_is_shown_with_the_english_of_that_day(hold: Hold) -> None:
    held = hold("هل كان الاتفاق مع وزارة الداخلية ساريا في 1 يونيو 2017؟", language="ar", share=True)
    english = held.chats.lines(held.id, "reply")[0]["english"]
    assert "not in force on 22 November 2026" not in english, english
    assert "1 June 2017" in english, english


def test_a_button_that_is_pressed_while_a_volunteer_reads_is_shown_as_its_words(hold: Hold) -> None:
    held = hold()
    assert held.patient.says('/inform{"nation": "wales"}') == []
    line = held.chats.stream.sees(lambda _: held.chats.lines(held.id, "patient"))[-1]
    assert not line["text"].startswith("/"), line["text"]


def test_an_old_button_of_the_offer_does_not_take_the_conversation_from_its_volunteer(hold: Hold) -> None:
    held = hold()
    assert held.patient.says("/talk_to_volunteer") == [], "the assistant is silent while a volunteer holds the conversation"
    held.patient.says('/share_with_volunteer{"share": true}')
    held.says("still here")


def test_a_page_without_javascript_shows_what_was_said_with_the_volunteer_when_it_is_loaded_again(hold: Hold) -> None:
    held = hold("Is it safe to see a GP?")
    held.says("I am here. What happened?")
    form = urlencode({"sender": held.patient.sender, "message": "They sent me away."}).encode()
    status, _, content = held.patient.server.request("/chat/en", form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    page = content.decode()
    assert status == 200
    shown = [page.index(text) for text in (said("handoff_joined"), "I am here. What happened?", "They sent me away.")]
    assert shown == sorted(shown)
    assert page.count("They sent me away.") == 1
    held.chats.hears(held.id, "They sent me away.")


def test_after_the_power_failed_nothing_that_was_acknowledged_is_lost_or_said_twice(desk: Desk, ana: Volunteer, patient: NewPatient) -> None:
    somebody, waiting = patient(), patient("ar")
    with ana.at_the_chats() as chats:
        somebody.says("Is it safe to see a GP?")
        stream = somebody.asks_for_a_volunteer(share=True)
        chat = chats.waits()["id"]
        ana.does(chat, "claim")
        ana.does(chat, "say", key="1", text="first", anyway="1")
        stream.sees(lambda stream: "first" in texts(stream))
        waiting.asks_for_a_volunteer()
        queued = chats.waits(chat)["id"]
        stream.close()
        last = stream.of("volunteer")[-1].id
        assert ana.does(chat, "say", key="2", text="second", anyway="1") == {"sent": True}
        assert somebody.says("for the volunteer") == []
        desk.restarts()
    somebody.server = waiting.server = desk.server
    with ana.at_the_chats() as chats:
        assert ana.does(chat, "say", key="2", text="second", anyway="1") == {"sent": True}, "a page that saw no answer sends again"
        assert somebody.says("after it") == [], "the assistant is still silent"
        ana.does(chat, "say", key="3", text="third", anyway="1")
        again = somebody.follows(after=last)
        again.sees(lambda stream: "third" in texts(stream))
        assert texts(again) == ["second", "third"]
        chats.hears(chat, "third")
        assert [line["text"] for line in chats.lines(chat, "patient")] == ["Is it safe to see a GP?", "for the volunteer", "after it"]
        assert [line["text"] for line in chats.lines(chat, "volunteer")] == ["first", "second", "third"]
        assert chats.waits()["id"] == queued
        ana.does(chat, "hand-back")
        assert somebody.says("Is it safe to see a GP?")
