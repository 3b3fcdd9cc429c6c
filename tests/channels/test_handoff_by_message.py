"""People who write by SMS, by WhatsApp and by WhatsApp of a Twilio sender meet a volunteer: one server, the providers on loopback."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pyotp
import pytest
from conftest import ROOT, TODAY, Server, running
from fakes import SILENCE, WHATSAPP_NUMBER, Chatter, FakeCloud, FakeTwilio, Texter, cloud_settings, fake_cloud, fake_twilio, sms_settings, words

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
PASSWORD = "four words make it"
COOKIE = "__Host-confide-desk"
OFFER = f"/{handoff.OFFER}"
_NUMBERS, _KEYS = itertools.count(1), itertools.count(1)
_Found = TypeVar("_Found")


def until(found: Callable[[], _Found], what: str, seconds: float = 20) -> _Found:
    """What is there once it is there."""
    deadline = time.monotonic() + seconds
    while not (it := found()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return it


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
    server: Server = field(default_factory=lambda: Server("", Path(), 0))
    volunteers: dict[str, Volunteer] = field(default_factory=dict)
    logs: list[Path] = field(default_factory=list)
    _running: ExitStack = field(default_factory=ExitStack)

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def starts(self) -> None:
        folder = self.folder / f"start {len(self.logs)}"
        folder.mkdir()
        of = {**sms_settings(self.twilio, self.state), **cloud_settings(self.cloud, self.state), "CONFIDE_WHATSAPP_FROM": WHATSAPP_NUMBER}
        server: Server = self._running.enter_context(running(folder, str(Path(__file__).parent / "unhurried_server.py"), **of))
        # People and volunteers hold it: it is the same one to them, wherever it runs.
        self.server.url, self.server.log, self.server.pid = server.url, server.log, server.pid
        self.logs.append(server.log)
        until(lambda: server.request("/desk/sign-in")[0] == 200, "the desk is open")

    def is_killed(self) -> None:
        os.kill(self.server.pid, signal.SIGKILL)
        self._running.close()

    def stops(self) -> None:
        self._running.close()

    def app_of(self, name: str) -> pyotp.TOTP:
        """The authenticator app of an account that is made by the command line."""
        command = [sys.executable, "-W", "ignore", "-m", "bot", "desk", "add", name, "--role", "volunteer"]
        of = {**os.environ, "CONFIDE_STATE": str(self.state), "CONFIDE_KEY": "a key of this test"}
        said = subprocess.run(command, input=f"{PASSWORD}\n", text=True, capture_output=True, cwd=ROOT, env=of, check=True).stdout
        address = re.search(r"otpauth://\S+", said)
        assert address
        app = pyotp.parse_uri(address[0])
        assert isinstance(app, pyotp.TOTP)
        return app


@dataclass
class Volunteer:
    """Somebody at the desk: what the page does, done by hand. `state` and `heard` are what the stream told last, and altogether."""

    server: Server
    name: str
    cookie: str = ""
    csrf: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    heard: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    suggested: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urllib.parse.urlsplit(self.server.url).netloc, timeout=30)

    def _request(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, dict[str, str], str]:
        connection = self._connection()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.cookie:
            headers |= {"Cookie": f"{COOKIE}={self.cookie}", "X-CSRF": self.csrf}
        connection.request(method, path, urllib.parse.urlencode(form) if form else None, headers)
        response = connection.getresponse()
        said = response.read().decode()
        connection.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, said

    def enters(self, code: str) -> None:
        status, headers, said = self._request("POST", "/desk/sign-in", {"name": self.name, "password": PASSWORD, "code": code})
        assert status == 303, said
        cookie = re.match(rf"{COOKIE}=([^;]+)", headers["set-cookie"])
        assert cookie
        self.cookie = cookie[1]
        token = re.search(r'data-csrf="([^"]+)"', self._request("GET", "/desk/chats")[2])
        assert token
        self.csrf = token[1]

    def does(self, chat: str, act: str, **form: str) -> int:
        """The status of an act in a conversation."""
        return self._request("POST", f"/desk/chats/{chat}/{act}", form)[0]

    def says(self, chat: str, **what: str) -> None:
        """Send a `text` or a `topic`; it is on disk when this returns."""
        status, _, said = self._request("POST", f"/desk/chats/{chat}/say", {"key": f"key-{next(_KEYS)}", **what})
        assert (status, json.loads(said)) == (200, {"sent": True})

    def reads(self, chat: str, who: str = "patient") -> list[str]:
        """What stands in a conversation, of somebody."""
        return [line["text"] for _, line in sorted(self.heard.get(chat, {}).items()) if line["who"] == who]

    @property
    def queue(self) -> list[str]:
        return [chat["id"] for chat in self.state.get("waiting", ())]

    @property
    def mine(self) -> list[str]:
        return [chat["id"] for chat in self.state.get("mine", ())]

    @contextmanager
    def watching(self, on_duty: bool) -> Iterator[Volunteer]:
        """While the page is open."""
        self.state = {}
        connection = self._connection()
        connection.request("GET", f"/desk/chats/events{'?on_duty=1' if on_duty else ''}", headers={"Cookie": f"{COOKIE}={self.cookie}"})
        stream = connection.sock  # the response takes it away
        response = connection.getresponse()
        assert response.status == 200
        reading = threading.Thread(target=self._listen, args=(response,), daemon=True)
        reading.start()
        until(lambda: self.state, f"{self.name} sees the queue")
        try:
            yield self
        finally:
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
            reading.join(10)
            connection.close()
            if on_duty:
                with suppress(OSError):  # a server that was stopped has forgotten it anyway
                    self._request("POST", "/desk/chats/duty", {"on": "0"})

    def _listen(self, response: http.client.HTTPResponse) -> None:
        name = ""
        with suppress(OSError, http.client.HTTPException, ValueError):
            for raw in response:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    self._told(name, json.loads(line[6:]))

    def _told(self, name: str, data: dict[str, Any]) -> None:
        if name == "state":
            self.state = data
        elif name == "line":
            self.heard.setdefault(data["chat"], {})[data["id"]] = data
        elif name == "suggestions":
            self.suggested[data["chat"]] = data["suggestions"]


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

    def joins_the_queue(self, desk: Volunteer, share: bool = True) -> None:
        """Ask for a person, take the offer, answer the question about sharing."""
        before = set(desk.queue)
        self.asks(ASKED[self.language])
        self.chooses("handoff_offer")
        (waiting,) = self.chooses("handoff_yes" if share else "handoff_no")
        assert plainly(waiting).startswith(sentence("handoff_waiting", self.language))
        (self.chat,) = until(lambda: set(desk.queue) - before, "somebody waits")

    def is_taken_by(self, volunteer: Volunteer) -> None:
        assert volunteer.does(self.chat, "claim") == 200
        until(lambda: self.chat in volunteer.mine, "the conversation is the volunteer's")
        self.gets(sentence("handoff_joined", self.language))

    def says_to(self, volunteer: Volunteer, message: str, **more: Any) -> None:
        """Write something that only the volunteer reads: nothing is answered."""
        read = len(volunteer.reads(self.chat))
        assert self.phone.webhook(message, **more) == 200
        until(lambda: len(volunteer.reads(self.chat)) > read, f"{message!r} reaches the volunteer")
        assert volunteer.reads(self.chat)[read:] == [message]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with fake_twilio() as twilio, fake_cloud() as cloud:
        made = World(tmp_path_factory.mktemp("handoffs"), twilio, cloud)
        apps = {name: made.app_of(name) for name in ("ana", "ben")}
        made.starts()
        try:
            for name, app in apps.items():
                made.volunteers[name] = Volunteer(made.server, name)
                made.volunteers[name].enters(app.now())
            yield made
        finally:
            made.stops()


@pytest.fixture
def desk(world: World) -> Iterator[Volunteer]:
    """A volunteer on duty, who ends what is left when the test is over."""
    with world.volunteers["ana"].watching(on_duty=True) as ana:
        yield ana
        for chat in ana.mine:
            ana.does(chat, "end")


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
def held(patient: NewPatient, desk: Volunteer) -> Callable[..., Patient]:
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
def test_who_asks_for_a_person_is_offered_the_volunteer_who_is_there(channel: str, language: str, patient: NewPatient, desk: Volunteer) -> None:
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
def test_the_offer_leads_over_the_question_about_sharing_into_the_queue(channel: str, language: str, patient: NewPatient, desk: Volunteer) -> None:
    person, before = patient(channel, language), set(desk.queue)
    person.asks(ASKED[language])
    question = plainly("\n".join(person.chooses("handoff_offer")))
    assert plainly(knowledge_message(house.knowledge(), "handoff_share", language)) in question
    assert set(desk.queue) == before
    (waiting,) = person.chooses("handoff_yes")
    assert plainly(waiting).startswith(sentence("handoff_waiting", language))
    (chat,) = until(lambda: set(desk.queue) - before, "somebody waits")
    (about,) = (one for one in desk.state["waiting"] if one["id"] == chat)
    assert (about["channel"], about["tag"], about["shared"]) == (channel, language, True)
    assert person.digits not in json.dumps(about)


@pytest.mark.parametrize("share", [True, False], ids=["shared", "not shared"])
@on_each_channel
def test_the_volunteer_reads_what_was_said_before_only_if_it_is_shared(channel: str, share: bool, patient: NewPatient, desk: Volunteer) -> None:
    person = patient(channel)
    person.asks(QUESTION["en"])
    person.joins_the_queue(desk, share)
    person.is_taken_by(desk)
    until(lambda: desk.reads(person.chat, "notice"), "the beginning is read")
    assert (QUESTION["en"] in desk.reads(person.chat)) is share
    assert bool(desk.reads(person.chat, "reply")) is share


@on_each_channel
def test_who_waits_is_still_answered_and_can_leave_the_queue(channel: str, patient: NewPatient, desk: Volunteer) -> None:
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
        until(lambda: not ben.state["colleagues"], "nobody is on duty")
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
        until(lambda: not ben.state["colleagues"], "nobody is on duty")
        said = plainly("\n".join(person.chooses("handoff_offer")))
        assert sentence("handoff_nobody", language) in said
        assert phone in said


# While a volunteer is there


@in_each_language
@on_each_channel
def test_what_the_volunteer_types_arrives_once_and_in_its_order(channel: str, language: str, held: Callable[..., Patient], desk: Volunteer) -> None:
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
def test_a_suggested_answer_arrives_in_the_patients_language(channel: str, language: str, held: Callable[..., Patient], desk: Volunteer) -> None:
    """By SMS in its short form; elsewhere all of it."""
    person = held(channel, language)
    person.says_to(desk, QUESTION[language])
    until(lambda: "ask_gp_safe" in [one["topic"] for one in desk.suggested.get(person.chat, [])][:1], "the answer is suggested first")
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
def test_what_a_volunteer_sends_has_no_line_of_numbers(channel: str, language: str, held: Callable[..., Patient], desk: Volunteer) -> None:
    """A number that is written now goes to the volunteer."""
    person = held(channel, language)
    joined = len(person.hears) - 1
    desk.says(person.chat, topic="ask_gp_safe")
    desk.says(person.chat, topic="ask_hospital_cost")
    desk.says(person.chat, text=TYPED[language][0])
    person.gets(TYPED[language][0])
    assert not [line for message in person.hears[joined:] for line in message.splitlines() if is_line_of_numbers(line)]


@in_each_language
def test_what_a_volunteer_sends_by_sms_has_at_most_three_segments_a_message(language: str, held: Callable[..., Patient], desk: Volunteer) -> None:
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
    channel: str, language: str, held: Callable[..., Patient], desk: Volunteer
) -> None:
    """Numbers too: "2" may be how many children somebody has."""
    person = held(channel, language)
    before = len(person.hears)
    for message in (WRITTEN[language], "1", "2", "3", "0", QUESTION[language], "٢"):
        person.says_to(desk, message)
    time.sleep(SILENCE)
    assert person.hears[before:] == []


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_number_goes_to_the_volunteer_also_right_after_an_answer_that_offered_numbers(channel: str, patient: NewPatient, desk: Volunteer) -> None:
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
def test_a_webhook_that_comes_again_is_one_line(channel: str, held: Callable[..., Patient], desk: Volunteer) -> None:
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
def test_what_is_sent_again_with_its_key_is_brought_once(channel: str, held: Callable[..., Patient], desk: Volunteer) -> None:
    person = held(channel)
    with ThreadPoolExecutor(4) as several:
        list(several.map(lambda _: desk.says(person.chat, text=TYPED["en"][0], key="the same"), range(4)))
    desk.says(person.chat, text=TYPED["en"][1])
    person.gets(TYPED["en"][1])
    assert [plainly(message) for message in person.hears].count(plainly(TYPED["en"][0])) == 1


@on_each_channel
def test_what_a_provider_refuses_at_first_is_brought_once_and_before_what_came_later(
    channel: str, held: Callable[..., Patient], desk: Volunteer, world: World
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
def test_stop_ends_the_conversation_and_nothing_more_is_sent(channel: str, held: Callable[..., Patient], desk: Volunteer) -> None:
    person = held(channel)
    (confirmed,) = person.asks("STOP")
    assert [confirmed] == texts.sentence("text_stopped", "en")
    until(lambda: person.chat not in desk.mine, "the conversation is over")
    assert desk.does(person.chat, "say", key="late", text=TYPED["en"][0]) == 409
    assert person.phone.gets_nothing_for(QUESTION["en"])
    assert person.hears[-1] == confirmed
    assert person.chat not in desk.queue


# The end


@in_each_language
@on_each_channel
def test_after_a_hand_back_the_patient_is_told_and_the_assistant_answers(
    channel: str, language: str, held: Callable[..., Patient], desk: Volunteer
) -> None:
    person = held(channel, language)
    person.says_to(desk, WRITTEN[language])
    assert desk.does(person.chat, "hand-back") == 200
    person.gets(sentence("handoff_back", language))
    said = plainly("\n".join(person.asks(QUESTION[language])))
    reply = handoff.suggestion(house.knowledge(), "ask_gp_safe", language, None, TODAY)
    assert plainly(reply.paragraphs[0] if channel == "whatsapp" else " ".join(reply.short)) in said
    assert desk.does(person.chat, "say", key="late", text=TYPED["en"][0]) == 409


@on_each_channel
def test_who_is_put_back_is_told_and_answered_while_they_wait(channel: str, held: Callable[..., Patient], desk: Volunteer) -> None:
    person = held(channel)
    assert desk.does(person.chat, "put-back") == 200
    until(lambda: person.chat in desk.queue, "they wait again")
    person.gets(sentence("handoff_waiting", "en"))
    assert person.asks(QUESTION["en"])


# An answer that was looked up for a caller


def gives(desk: Volunteer, number: str, **more: str) -> tuple[int, str]:
    status, _, said = desk._request(
        "POST", "/desk/give/text", {"number": number, "topic": "ask_gp_safe", "language": "ar", "nation": "england", **more}
    )
    return status, said


def test_an_answer_is_sent_to_a_callers_phone_in_their_language_and_the_number_is_not_kept(
    patient: NewPatient, desk: Volunteer, world: World
) -> None:
    caller = patient("sms", "ar").phone
    assert isinstance(caller, Texter)
    status, said = gives(desk, caller.number.replace("+44", "0"))
    assert (status, json.loads(said)) == (200, {"done": "It is on its way. The number is not kept."})
    first, *_ = caller.gets()
    assert first.startswith(plain(knowledge_message(house.knowledge(), "text_hello", "ar")))
    assert "GP" in first
    assert size(first).segments <= 3
    until(lambda: caller.number.encode() not in b"".join(path.read_bytes() for path in world.state.glob("sms*")), "nothing is readable")
    assert caller.number[3:] not in desk._request("GET", "/desk/account")[2]


def test_who_asked_for_silence_is_sent_nothing_and_what_cannot_be_sent_is_said(patient: NewPatient, desk: Volunteer) -> None:
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
def test_neither_numbers_nor_words_can_be_read_on_disk_or_in_the_log(
    language: str, held: Callable[..., Patient], desk: Volunteer, world: World
) -> None:
    people = [held(channel, language) for channel in CHANNELS]
    world.twilio.mishap_of = lambda form: (503, {}) if form["To"] in [person.phone.number for person in people] else None
    for person in people:
        person.says_to(desk, WRITTEN[language])
        desk.says(person.chat, text=TYPED[language][0])
    time.sleep(SILENCE)
    told = [ASKED[language], WRITTEN[language], TYPED[language][0]]
    readable = {form for text in told for form in (text.encode(), json.dumps(text)[1:-1].encode())}
    numbers = {person.digits.encode() for person in people}
    files = [path for path in world.state.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"handoffs.sqlite", "sms.sqlite", "whatsapp.sqlite", "whatsapp_twilio.sqlite"}
    try:
        for path in (*files, *world.logs):
            content = path.read_bytes()
            assert not [form for form in readable | numbers if form in content], path
    finally:
        world.twilio.mishap_of = lambda form: None


def test_what_a_patient_wrote_before_a_crash_reaches_the_volunteer_and_not_the_assistant(
    held: Callable[..., Patient], desk: Volunteer, world: World
) -> None:
    people = [held(channel) for channel in CHANNELS]
    for person in people:  # while something is being delivered to somebody, what they write waits
        person.provider.slow[person.phone.number] = 4
        desk.says(person.chat, text=TYPED["en"][0])
    time.sleep(SILENCE)
    for person in people:
        assert person.phone.webhook(QUESTION["en"]) == 200
    world.is_killed()
    for person in people:
        person.provider.slow.clear()
    world.starts()
    with desk.watching(on_duty=True):
        time.sleep(2 * SILENCE)
        assert {person.phone.channel: desk.reads(person.chat) for person in people} == {
            channel: [ASKED["en"], QUESTION["en"]] for channel in CHANNELS
        }
        assert [person.hears[-1] for person in people] == [TYPED["en"][0]] * 3


def taps(person, id):
    chosen = {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": {"id": id, "title": "x"}}}
    assert person.phone.posts(chosen) == 200
    time.sleep(SILENCE)


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


def test_what_was_acknowledged_before_a_crash_is_brought_once_after_it(held: Callable[..., Patient], desk: Volunteer, world: World) -> None:
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
