"""People who write by SMS, by WhatsApp and by WhatsApp of a Twilio sender meet a volunteer: one server, the providers on loopback."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import TODAY, Server, running
from desk_people import Chats, Volunteer, accounts_of
from fakes import (
    SILENCE,
    WHATSAPP_NUMBER,
    Chatter,
    FakeCloud,
    FakeTwilio,
    Texter,
    cloud_settings,
    fake_cloud,
    fake_twilio,
    is_done,
    sms_settings,
    until,
    words,
)

from bot import handoff, house, languages
from bot.channels import texts
from bot.channels.segments import plain, size
from bot.channels.volunteers import TWICE
from bot.words import knowledge_message

CHANNELS = ["sms", "whatsapp_twilio", "whatsapp"]
LANGUAGES = ["en", "ar"]
ASKED = {"en": "I want to talk to a person", "ar": "أريد أن أتحدث مع شخص"}
QUESTION = {"en": "Is it safe to see a GP?", "ar": "هل زيارة طبيب العائلة آمنة؟"}
TYPED = {
    "en": ["Good evening, my name is Ana.", "Take your time, I am reading.", "Do you have a letter from the hospital?"],
    "ar": ["مساء الخير، اسمي آنا.", "خذوا وقتكم، أنا أقرأ.", "هل لديكم رسالة من المستشفى؟"],
}
WRITTEN = {"en": "My daughter has had a strange cough since Tuesday", "ar": "ابنتي تسعل سعالا غريبا منذ يوم الثلاثاء"}
OFFER = f"/{handoff.OFFER}"
_NUMBERS, _KEYS = itertools.count(1), itertools.count(1)


def plainly(text: str) -> str:
    """A text as a keyboard writes it, its lines joined: how it is parted between messages does not matter."""
    return " ".join(plain(text, accents=False).split())


def sentence(name: str, language: str) -> str:
    """One of our sentences around a volunteer, as it is read on a phone."""
    return plainly(handoff.notice(house.knowledge(), name, language, TODAY).paragraphs[0])


def is_line_of_numbers(line: str) -> bool:
    return bool(re.fullmatch(r"\d \D+( [·-] \d \D+)*", line))


@dataclass
class World:
    """The server, which can be killed and started again on the same state; the providers; two volunteers who have signed in."""

    folder: Path
    twilio: FakeTwilio
    cloud: FakeCloud
    server: Server = field(init=False)
    volunteers: dict[str, Reader] = field(default_factory=dict)
    logs: list[Path] = field(default_factory=list)
    _running: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.server = Server("", Path(), 0, self.folder / "state")

    def starts(self) -> None:
        folder = self.folder / f"start {len(self.logs)}"
        folder.mkdir()
        state = self.server.state
        given = {**sms_settings(self.twilio, state), **cloud_settings(self.cloud, state), "CONFIDE_WHATSAPP_FROM": WHATSAPP_NUMBER}
        server: Server = self._running.enter_context(running(folder, str(Path(__file__).parent / "unhurried_server.py"), **given))
        # People and volunteers hold it: it is the same one to them, wherever it runs.
        self.server.url, self.server.log, self.server.pid = server.url, server.log, server.pid
        self.logs.append(server.log)
        until(lambda: server.request("/desk/sign-in")[0] == 200, "the desk is open")

    def is_killed(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        self._running.close()

    def stops(self) -> None:
        self._running.close()


@dataclass
class Reader(Volunteer):
    """A volunteer whose page may be open: what stands on it, or stood on it last."""

    chats: Chats = field(init=False)

    @contextmanager
    def watching(self, on_duty: bool) -> Iterator[Reader]:
        """While the page is open."""
        with self.at_the_chats(on_duty) as self.chats:
            yield self

    def says(self, chat: str, **what: str) -> None:
        """Send a `text` or a `topic`; it is on disk when this returns."""
        assert self.does(chat, "say", **{"key": f"key-{next(_KEYS)}", **what}) == {"sent": True}

    def reads(self, chat: str, who: str = "patient") -> list[str]:
        """What stands in a conversation, of somebody."""
        return [line["text"] for line in self.chats.lines(chat, who)]

    @property
    def queue(self) -> list[str]:
        return [chat["id"] for chat in self.chats.state["waiting"]]

    @property
    def mine(self) -> list[str]:
        return [chat["id"] for chat in self.chats.state["mine"]]

    def suggested(self, chat: str) -> list[str]:
        """The topics of the answers that are suggested."""
        events = [event.data for event in self.chats.stream.of("suggestions") if event.data["chat"] == chat]
        return [suggestion["topic"] for suggestion in events[-1]["suggestions"]] if events else []


@dataclass
class Patient:
    """Somebody who writes messages, whatever app carries them. `chat` is their place at the desk, once they have one."""

    phone: Texter | Chatter
    language: str
    chat: str = ""

    @property
    def digits(self) -> str:
        return self.phone.number.removeprefix("whatsapp:").removeprefix("+")

    @property
    def provider(self) -> FakeCloud | FakeTwilio:
        return self.phone.cloud if isinstance(self.phone, Chatter) else self.phone.twilio

    @property
    def hears(self) -> list[str]:
        """All that came, message by message."""
        if isinstance(self.phone, Chatter):
            return [words(payload) for payload in self.phone.cloud.to(self.phone.number)]
        return self.phone.twilio.to(self.phone.number)

    def gets(self, text: str, what: str = "an answer") -> None:
        """Wait until a text has come, however it is parted."""
        until(lambda: plainly(text) in plainly("\n".join(self.hears)), f"{what}: {text!r} in {self.hears}")

    def asks(self, message: str) -> list[str]:
        """What is answered to a message."""
        before = len(self.hears)
        assert self.phone.webhook(message) == 200
        return self.phone.gets(before)

    def offers(self) -> dict[str, str]:
        """What the last message lets them choose: what is read there, and what choosing it sends."""
        if isinstance(self.phone, Chatter):
            payload = next(one for one in reversed(self.phone.cloud.to(self.phone.number)) if "interactive" in one)
            action = payload["interactive"]["action"]
            rows = action["sections"][0]["rows"] if "sections" in action else [button["reply"] for button in action["buttons"]]
            return {row.get("description", row["title"]): row["id"] for row in rows}
        numbered = re.findall(r"(?:^|[·-] )(\d) (\D+?)(?= [·-] \d|$)", "\n".join(self.hears[-3:]), re.MULTILINE)
        return {title: figure for figure, title in numbered}

    def chooses(self, name: str) -> list[str]:
        """Take what is offered under one of our sentences; what is answered."""
        offers = {plainly(title): sent for title, sent in self.offers().items()}
        title = plainly(knowledge_message(house.knowledge(), name, self.language))
        assert title in offers, f"{title!r} is not offered; offered are {list(offers)}"
        if isinstance(self.phone, Texter):
            return self.asks(offers[title])
        chosen = {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": offers[title], "title": title}}}
        return [words(payload) for payload in self.phone.sends(chosen)]

    def joins_the_queue(self, desk: Reader, share: bool = True) -> None:
        """Ask for a person, take the offer, answer the question about sharing."""
        before = set(desk.queue)
        self.asks(ASKED[self.language])
        self.chooses("handoff_offer")
        (waiting,) = self.chooses("handoff_yes" if share else "handoff_no")
        assert plainly(waiting).startswith(sentence("handoff_waiting", self.language))
        (self.chat,) = until(lambda: set(desk.queue) - before, "somebody waits")

    def is_taken_by(self, volunteer: Reader) -> None:
        volunteer.does(self.chat, "claim")
        until(lambda: self.chat in volunteer.mine, "the conversation is the volunteer's")
        self.gets(sentence("handoff_joined", self.language))

    def says_to(self, volunteer: Reader, message: str, **more: Any) -> None:
        """Write something that only the volunteer reads: nothing is answered."""
        read = len(volunteer.reads(self.chat))
        assert self.phone.webhook(message, **more) == 200
        until(lambda: len(volunteer.reads(self.chat)) > read, f"{message!r} reaches the volunteer")
        assert volunteer.reads(self.chat)[read:] == [message]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with fake_twilio() as twilio, fake_cloud() as cloud:
        made = World(tmp_path_factory.mktemp("handoffs"), twilio, cloud)
        accounts = accounts_of(made.server.state, ana="volunteer", ben="volunteer")
        made.starts()
        try:
            for name, (_, token) in accounts.items():
                made.volunteers[name] = Reader(made.server, name, token)
                made.volunteers[name].enters()
            yield made
        finally:
            made.stops()


@pytest.fixture
def desk(world: World) -> Iterator[Reader]:
    """A volunteer on duty, who ends what is left when the test is over."""
    with world.volunteers["ana"].watching(on_duty=True) as ana:
        yield ana
        for chat in ana.mine:
            ana.asks(f"/desk/chats/{chat}/end", {})


@pytest.fixture
def patient(world: World) -> Callable[[str, str], Patient]:
    """Makes somebody who writes on a channel in a language, with a number of their own."""

    def on(channel: str, language: str = "en") -> Patient:
        number = f"447700977{next(_NUMBERS):03d}"
        if channel == "whatsapp":
            return Patient(Chatter(world.server, world.cloud, number), language)
        return Patient(Texter(world.server, world.twilio, f"+{number}" if channel == "sms" else f"whatsapp:+{number}", channel), language)

    return on


NewPatient = Callable[..., Patient]
on_each_channel = pytest.mark.parametrize("channel", CHANNELS)
in_each_language = pytest.mark.parametrize("language", LANGUAGES)


@pytest.fixture
def held(patient: NewPatient, desk: Reader) -> Callable[..., Patient]:
    """Makes somebody with whom the volunteer writes."""

    def on(channel: str, language: str = "en", share: bool = True) -> Patient:
        made = patient(channel, language)
        made.joins_the_queue(desk, share)
        made.is_taken_by(desk)
        return made

    return on


# The way to a volunteer


@in_each_language
@on_each_channel
def test_who_asks_for_a_person_is_offered_the_volunteer_who_is_there(channel: str, language: str, patient: NewPatient, desk: Reader) -> None:
    person = patient(channel, language)
    person.asks(ASKED[language])
    offered = {plainly(title): sent for title, sent in person.offers().items()}
    title = plainly(knowledge_message(house.knowledge(), "handoff_offer", language))
    assert languages.figure(3, language) == "3"
    assert offered.get(title) == (OFFER if channel == "whatsapp" else "3")
    if channel != "whatsapp":
        (line,) = (line for message in person.hears for line in message.splitlines() if is_line_of_numbers(line))
        assert line.startswith(f"3 {title}")


@in_each_language
@on_each_channel
def test_the_offer_leads_over_the_question_about_sharing_into_the_queue(channel: str, language: str, patient: NewPatient, desk: Reader) -> None:
    person, before = patient(channel, language), set(desk.queue)
    person.asks(ASKED[language])
    question = plainly("\n".join(person.chooses("handoff_offer")))
    assert plainly(knowledge_message(house.knowledge(), "handoff_share", language)) in question
    assert set(desk.queue) == before
    (waiting,) = person.chooses("handoff_yes")
    assert plainly(waiting).startswith(sentence("handoff_waiting", language))
    (chat,) = until(lambda: set(desk.queue) - before, "somebody waits")
    (about,) = (one for one in desk.chats.state["waiting"] if one["id"] == chat)
    assert (about["channel"], about["tag"], about["shared"]) == (channel, language, True)
    assert person.digits not in json.dumps(about)


@pytest.mark.parametrize("share", [True, False], ids=["shared", "not shared"])
@on_each_channel
def test_the_volunteer_reads_what_was_said_before_only_if_it_is_shared(channel: str, share: bool, patient: NewPatient, desk: Reader) -> None:
    person = patient(channel)
    person.asks(QUESTION["en"])
    person.joins_the_queue(desk, share)
    person.is_taken_by(desk)
    until(lambda: desk.reads(person.chat, "notice"), "the beginning is read")
    assert (QUESTION["en"] in desk.reads(person.chat)) is share
    assert bool(desk.reads(person.chat, "reply")) is share


@on_each_channel
def test_who_waits_is_still_answered_and_can_leave_the_queue(channel: str, patient: NewPatient, desk: Reader) -> None:
    person = patient(channel)
    person.joins_the_queue(desk)
    time.sleep(TWICE)  # before that, the figure that said yes may only have come twice
    person.chooses("handoff_cancel")
    person.gets(sentence("handoff_cancelled", "en"))
    until(lambda: person.chat not in desk.queue, "nobody waits")
    person.joins_the_queue(desk)
    assert person.asks(QUESTION["en"])


@in_each_language
@on_each_channel
def test_when_nobody_is_on_duty_it_is_said_at_once_with_the_advice_line(channel: str, language: str, patient: NewPatient, world: World) -> None:
    phone = house.knowledge().services["dotw-advice-line"].phone
    assert phone
    with world.volunteers["ben"].watching(on_duty=False) as ben:
        until(lambda: not ben.chats.state["colleagues"], "nobody is on duty")
        person = patient(channel, language)
        said = plainly("\n".join(person.asks(ASKED[language])))
        assert sentence("handoff_nobody", language) in said
        assert phone in said
        offer = plainly(knowledge_message(house.knowledge(), "handoff_offer", language))
        assert offer not in said
        assert OFFER not in json.dumps(world.cloud.to(person.phone.number))


@in_each_language
@on_each_channel
def test_who_takes_the_offer_after_the_volunteer_left_is_told_at_once(channel: str, language: str, patient: NewPatient, world: World) -> None:
    phone = house.knowledge().services["dotw-advice-line"].phone
    assert phone
    person = patient(channel, language)
    with world.volunteers["ana"].watching(on_duty=True):
        person.asks(ASKED[language])
    with world.volunteers["ben"].watching(on_duty=False) as ben:
        until(lambda: not ben.chats.state["colleagues"], "nobody is on duty")
        said = plainly("\n".join(person.chooses("handoff_offer")))
        assert sentence("handoff_nobody", language) in said
        assert phone in said


# While a volunteer is there


@in_each_language
@on_each_channel
def test_what_the_volunteer_types_arrives_once_and_in_its_order(channel: str, language: str, held: Callable[..., Patient], desk: Reader) -> None:
    person = held(channel, language)
    for text in TYPED[language]:
        desk.says(person.chat, text=text)
    for text in TYPED[language]:
        person.gets(text)
    time.sleep(SILENCE)
    joined = next(at for at, message in enumerate(person.hears) if sentence("handoff_joined", language) in plainly(message))
    assert [plainly(message) for message in person.hears[joined + 1 :]] == [plainly(text) for text in TYPED[language]]


@in_each_language
@pytest.mark.parametrize("channel", CHANNELS)
def test_a_suggested_answer_arrives_in_the_patients_language(channel: str, language: str, held: Callable[..., Patient], desk: Reader) -> None:
    """By SMS in its short form; elsewhere all of it."""
    person = held(channel, language)
    person.says_to(desk, QUESTION[language])
    until(lambda: desk.suggested(person.chat)[:1] == ["ask_gp_safe"], "the answer is suggested first")
    before = len(person.hears)
    desk.says(person.chat, topic="ask_gp_safe")
    desk.says(person.chat, text=TYPED[language][0])
    person.gets(TYPED[language][0])
    time.sleep(SILENCE)
    reply = handoff.suggestion(house.knowledge(), "ask_gp_safe", language, None, TODAY)
    *messages, last = person.hears[before:]
    assert plainly(last) == plainly(TYPED[language][0])
    said = plainly("\n".join(messages))
    if channel == "sms":
        assert said == plainly(" ".join(reply.short))
    else:
        assert all(plainly(paragraph) in said for paragraph in reply.paragraphs)


@in_each_language
@pytest.mark.parametrize("channel", ["sms", "whatsapp_twilio"])
def test_what_a_volunteer_sends_has_no_line_of_numbers(channel: str, language: str, held: Callable[..., Patient], desk: Reader) -> None:
    """A number that is written now goes to the volunteer."""
    person = held(channel, language)
    joined = len(person.hears) - 1
    desk.says(person.chat, topic="ask_gp_safe")
    desk.says(person.chat, topic="ask_hospital_cost")
    desk.says(person.chat, text=TYPED[language][0])
    person.gets(TYPED[language][0])
    assert not [line for message in person.hears[joined:] for line in message.splitlines() if is_line_of_numbers(line)]


@in_each_language
def test_what_a_volunteer_sends_by_sms_has_at_most_three_segments_a_message(language: str, held: Callable[..., Patient], desk: Reader) -> None:
    person = held("sms", language)
    long = " ".join(f"{number}. {TYPED[language][number % 3]}" for number in range(1, 30))[:990]
    desk.says(person.chat, text=long)
    desk.says(person.chat, topic="ask_hospital_cost")
    desk.says(person.chat, text=TYPED[language][0])
    person.gets(TYPED[language][0])
    person.gets(long)
    assert max(size(message).segments for message in person.hears) <= texts.MOST_SEGMENTS


@in_each_language
@on_each_channel
def test_what_the_patient_writes_reaches_the_volunteer_and_is_not_answered(
    channel: str, language: str, held: Callable[..., Patient], desk: Reader
) -> None:
    """Numbers too: "2" may be how many children somebody has."""
    person = held(channel, language)
    before = len(person.hears)
    for message in (WRITTEN[language], "1", "2", "3", "0", QUESTION[language], "٢"):
        person.says_to(desk, message)
    time.sleep(SILENCE)
    assert person.hears[before:] == []


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_number_goes_to_the_volunteer_also_right_after_an_answer_that_offered_numbers(channel: str, patient: NewPatient, desk: Reader) -> None:
    person = patient(channel)
    person.joins_the_queue(desk)
    person.asks(QUESTION["en"])
    person.is_taken_by(desk)
    before = len(person.hears)
    for message in ("1", "2"):
        person.says_to(desk, message)
    time.sleep(SILENCE)
    assert person.hears[before:] == []


@on_each_channel
def test_a_webhook_that_comes_again_is_one_line(channel: str, held: Callable[..., Patient], desk: Reader) -> None:
    person = held(channel)
    message_id = f"in-{person.phone.number}"
    with ThreadPoolExecutor(4) as several:
        statuses = list(several.map(lambda _: person.phone.webhook(WRITTEN["en"], message_id=message_id), range(4)))
    assert set(statuses) == {200}
    assert person.phone.webhook(WRITTEN["en"], message_id=message_id) == 200
    person.phone.webhook("the last one")
    until(lambda: "the last one" in desk.reads(person.chat), "the last line is read")
    assert desk.reads(person.chat).count(WRITTEN["en"]) == 1


@on_each_channel
def test_what_is_sent_again_with_its_key_is_brought_once(channel: str, held: Callable[..., Patient], desk: Reader) -> None:
    person = held(channel)
    with ThreadPoolExecutor(4) as several:
        list(several.map(lambda _: desk.says(person.chat, text=TYPED["en"][0], key="the same"), range(4)))
    desk.says(person.chat, text=TYPED["en"][1])
    person.gets(TYPED["en"][1])
    assert [plainly(message) for message in person.hears].count(plainly(TYPED["en"][0])) == 1


@on_each_channel
def test_what_a_provider_refuses_at_first_is_brought_once_and_before_what_came_later(
    channel: str, held: Callable[..., Patient], desk: Reader, world: World
) -> None:
    person = held(channel)
    provider = world.cloud if channel == "whatsapp" else world.twilio
    provider.mishaps.append((503, {}))
    for text in TYPED["en"]:
        desk.says(person.chat, text=text)
    person.gets(TYPED["en"][-1])
    time.sleep(SILENCE)
    assert not provider.mishaps
    assert [plainly(message) for message in person.hears][-3:] == TYPED["en"]
    assert [plainly(message) for message in person.hears].count(TYPED["en"][0]) == 1


@on_each_channel
def test_stop_ends_the_conversation_and_nothing_more_is_sent(channel: str, held: Callable[..., Patient], desk: Reader) -> None:
    person = held(channel)
    (confirmed,) = person.asks("STOP")
    assert [confirmed] == texts.sentence("text_stopped", "en")
    until(lambda: person.chat not in desk.mine, "the conversation is over")
    desk.cannot(person.chat, "say", 409, key="late", text=TYPED["en"][0])
    assert person.phone.gets_nothing_for(QUESTION["en"])
    assert person.hears[-1] == confirmed
    assert person.chat not in desk.queue


# The end


@in_each_language
@on_each_channel
def test_after_a_hand_back_the_patient_is_told_and_the_assistant_answers(
    channel: str, language: str, held: Callable[..., Patient], desk: Reader
) -> None:
    person = held(channel, language)
    person.says_to(desk, WRITTEN[language])
    desk.does(person.chat, "hand-back")
    person.gets(sentence("handoff_back", language))
    said = plainly("\n".join(person.asks(QUESTION[language])))
    reply = handoff.suggestion(house.knowledge(), "ask_gp_safe", language, None, TODAY)
    assert plainly(reply.paragraphs[0] if channel == "whatsapp" else " ".join(reply.short)) in said
    desk.cannot(person.chat, "say", 409, key="late", text=TYPED["en"][0])


@pytest.mark.parametrize("said", ["help me please", "ayuda", "مساعدة", "begin", "language", "HELP"])
def test_a_keyword_that_is_not_about_silence_reaches_the_volunteer(said: str, held: Callable[..., Patient], desk: Reader) -> None:
    person = held("sms")
    before = len(person.hears)
    person.says_to(desk, said)
    until(lambda: is_done(person.phone), "it is read")
    assert len(person.hears) == before + (said == "HELP")  # which carriers want answered


@on_each_channel
def test_who_is_put_back_is_told_and_answered_while_they_wait(channel: str, held: Callable[..., Patient], desk: Reader) -> None:
    person = held(channel)
    desk.does(person.chat, "put-back")
    until(lambda: person.chat in desk.queue, "they wait again")
    person.gets(sentence("handoff_waiting", "en"))
    assert person.asks(QUESTION["en"])


# An answer that was looked up for a caller


def gives(desk: Reader, number: str, **more: str) -> tuple[int, str]:
    return desk.asks("/desk/give/text", {"number": number, "topic": "ask_gp_safe", "language": "ar", "nation": "england", **more})


def test_an_answer_is_sent_to_a_callers_phone_in_their_language_and_the_number_is_not_kept(patient: NewPatient, desk: Reader, world: World) -> None:
    caller = patient("sms", "ar").phone
    assert isinstance(caller, Texter)
    status, said = gives(desk, caller.number.replace("+44", "0"))
    assert (status, json.loads(said)) == (200, {"done": "It is on its way. The number is not kept."})
    first, *_ = caller.gets()
    assert first.startswith(plain(knowledge_message(house.knowledge(), "text_hello", "ar")))
    assert "GP" in first
    assert size(first).segments <= 3
    until(lambda: caller.number.encode() not in b"".join(path.read_bytes() for path in world.server.state.glob("sms*")), "nothing is readable")
    assert caller.number[3:] not in desk.asks("/desk/account")[1]


def test_who_asked_for_silence_is_sent_nothing_and_what_cannot_be_sent_is_said(patient: NewPatient, desk: Reader) -> None:
    caller = patient("sms").phone
    assert isinstance(caller, Texter)
    caller.texts("STOP")
    before = len(caller.twilio.to(caller.number))
    status, said = gives(desk, caller.number)
    assert status == 409
    assert "STOP" in json.loads(said)["error"]
    assert gives(desk, "0207 946 0000")[0] == 400
    assert gives(desk, caller.number, topic="dragons")[0] == 400
    time.sleep(SILENCE)
    assert len(caller.twilio.to(caller.number)) == before


# What lies on disk, and what a crash does


@in_each_language
def test_neither_numbers_nor_words_can_be_read_on_disk_or_in_the_log(language: str, held: Callable[..., Patient], desk: Reader, world: World) -> None:
    people = [held(channel, language) for channel in CHANNELS]
    world.twilio.mishap_of = lambda form: (503, {}) if form["To"] in [person.phone.number for person in people] else None
    for person in people:
        person.says_to(desk, WRITTEN[language])
        desk.says(person.chat, text=TYPED[language][0])
    until(lambda: all(is_done(person.phone) or person.phone.channel != "whatsapp" for person in people), "what the Cloud API takes is sent")
    told = [ASKED[language], WRITTEN[language], TYPED[language][0]]
    readable = {form for text in told for form in (text.encode(), json.dumps(text)[1:-1].encode())}
    numbers = {person.digits.encode() for person in people}
    files = [path for path in world.server.state.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"handoffs.sqlite", "sms.sqlite", "whatsapp.sqlite", "whatsapp_twilio.sqlite"}
    try:
        for path in (*files, *world.logs):
            content = path.read_bytes()
            assert not [form for form in readable | numbers if form in content], path
    finally:
        world.twilio.mishap_of = lambda form: None


def test_what_a_patient_wrote_before_a_crash_reaches_the_volunteer_and_not_the_assistant(
    held: Callable[..., Patient], desk: Reader, world: World
) -> None:
    people = [held(channel) for channel in CHANNELS]
    for person in people:  # while something is being delivered to somebody, what they write waits
        person.provider.slow[person.phone.number] = 4
        desk.says(person.chat, text=TYPED["en"][0])
    until(lambda: not any(is_done(person.phone) for person in people), "it is on its way")
    for person in people:
        assert person.phone.webhook(QUESTION["en"]) == 200
    world.is_killed()
    for person in people:
        person.provider.slow.clear()
    world.starts()
    with desk.watching(on_duty=True):
        until(lambda: all(QUESTION["en"] in desk.reads(person.chat) and is_done(person.phone) for person in people), "it reaches the volunteer")
        assert {person.phone.channel: desk.reads(person.chat) for person in people} == {
            channel: [ASKED["en"], QUESTION["en"]] for channel in CHANNELS
        }
        assert [person.hears[-1] for person in people] == [TYPED["en"][0]] * 3


def taps(person, id):
    chosen = {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": id, "title": "x"}}}
    assert person.phone.posts(chosen) == 200
    until(lambda: is_done(person.phone), "the tap is read")


def test_a_second_tap_on_the_button_changes_nothing_while_waiting(patient, desk):
    person = patient("whatsapp")
    person.joins_the_queue(desk)
    before = len(person.hears)
    taps(person, '/share_with_volunteer{"share": true}')
    assert sentence("handoff_cancelled", "en") not in person.hears[before:], person.hears[before:]
    assert person.chat in desk.queue


def test_a_second_tap_on_the_button_changes_nothing_while_held(held, desk):
    person = held("whatsapp")
    before = len(person.hears)
    taps(person, '/share_with_volunteer{"share": true}')
    assert person.chat in desk.mine, person.hears[before:]


def test_what_was_acknowledged_before_a_crash_is_brought_once_after_it(held: Callable[..., Patient], desk: Reader, world: World) -> None:
    """The provider is in trouble, the server dies before it could deliver, and both come back."""
    people = [held(channel) for channel in CHANNELS]
    refused: set[str] = set()

    def trouble(form: Any) -> tuple[int, dict[str, str]] | None:
        refused.add(form["To"])
        return (503, {})

    world.twilio.mishap_of = trouble
    world.cloud.mishaps.extend([(503, {})] * 50)
    for person in people:
        desk.says(person.chat, text=TYPED["en"][0])
        desk.says(person.chat, text=TYPED["en"][1])
    until(lambda: len(refused) == 2 and len(world.cloud.mishaps) < 50, "each was refused once")
    time.sleep(0.4)  # the refusal is on disk, and the next attempt is a second away
    world.is_killed()
    world.twilio.mishap_of = lambda form: None
    world.cloud.mishaps.clear()
    assert not any(TYPED["en"][0] in person.hears for person in people)
    world.starts()
    for person in people:
        person.gets(TYPED["en"][1])
    with desk.watching(on_duty=True):
        until(lambda: {person.chat for person in people} <= set(desk.mine), "the conversations are still the volunteer's")
        for person in people:
            person.says_to(desk, WRITTEN["en"])
            desk.says(person.chat, text=TYPED["en"][2])
            person.gets(TYPED["en"][2])
            assert person.hears[-3:] == TYPED["en"]
            assert [person.hears.count(text) for text in TYPED["en"]] == [1, 1, 1]
