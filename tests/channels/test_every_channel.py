"""What holds for SMS, WhatsApp and WhatsApp by Twilio alike, on one server: the web's words, and a provider's faults."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
import yaml
from conftest import ROOT, Person, Server, running
from fakes import (
    SILENCE,
    SITE,
    WHATSAPP_NUMBER,
    Chatter,
    FakeCloud,
    FakeTwilio,
    Texter,
    cloud_settings,
    fake_cloud,
    fake_twilio,
    meta_signature,
    signed,
    sms_settings,
    until,
    words,
)
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import ALL_CHECKS

from bot.channels.messaging import MOST_WAITING, MOST_WAITING_OF_ONE
from bot.channels.segments import plain
from bot.channels.sms import SmsChannel
from bot.channels.whatsapp import WhatsApp, WhatsAppByTwilio

DOCUMENT = yaml.safe_load((ROOT / "docs" / "openapi.yml").read_text(encoding="utf-8"))
WEBHOOKS: dict[str, dict[str, Any]] = DOCUMENT["x-webhooks"]
SCHEMA = schemathesis.from_dict({**DOCUMENT, "paths": WEBHOOKS}, base_url="http://127.0.0.1:5005")
CHANNELS = ["sms", "whatsapp_twilio", "whatsapp"]
CONVERSATION = {
    "en": ["Is it safe to see a GP?", "How much is a hospital?"],
    "ar": ["هل زيارة طبيب العائلة آمنة؟", "كم يكلف المستشفى؟"],
    "ti": ["ናብ ጂፒ ምኻድ ውሑስ ድዩ?", "ሆስፒታል ክንደይ የኽፍል?"],
    "bn": ["জিপির কাছে যাওয়া কি নিরাপদ?", "হাসপাতালে কত খরচ হয়?"],
    "so": ["ma ammaan baa inaan dhakhtarka GP u tago?", "isbitaalku waa imisa?"],
}
_NUMBERS = itertools.count(1)
NewPerson = Callable[[str], Any]


@dataclass
class World:
    server: Server
    twilio: FakeTwilio
    cloud: FakeCloud

    def provider(self, channel: str) -> FakeTwilio | FakeCloud:
        return self.cloud if channel == "whatsapp" else self.twilio

    def counted(self, channel: str, state: str) -> float:
        """How many sends the server has counted in a state."""
        found = re.search(rf'confide_sends_total{{channel="{channel}",state="{state}"}} (\S+)', self.server.request("/metrics")[2].decode())
        return float(found[1]) if found else 0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("every")
    script = str(Path(__file__).parent / "unhurried_server.py")
    with fake_twilio() as twilio, fake_cloud() as cloud:
        variables = {**sms_settings(twilio, folder / "state"), **cloud_settings(cloud, folder / "state"), "CONFIDE_WHATSAPP_FROM": WHATSAPP_NUMBER}
        with running(folder, script, **variables) as server:
            yield World(server, twilio, cloud)


@pytest.fixture
def somebody(world: World) -> NewPerson:
    """Makes a person on a channel, with a number of their own."""

    def on(channel: str) -> Texter | Chatter:
        number = f"447700900{next(_NUMBERS):03d}"
        if channel == "whatsapp":
            return Chatter(world.server, world.cloud, number)
        return Texter(world.server, world.twilio, f"+{number}" if channel == "sms" else f"whatsapp:+{number}", channel)

    return on


# The same words


def spoken(*texts: str) -> list[str]:
    """The words of texts as a keyboard writes them, without the lines of numbers ("1 more - 2 sources - 0 menu")."""
    lines = (line for text in texts for line in text.splitlines() if not re.fullmatch(r"\d \D+( [·-] \d \D+)*", line))
    return [plain(word, accents=False) for line in lines for word in line.split()]


@pytest.mark.parametrize("channel", ["sms", "whatsapp_twilio"])
@pytest.mark.parametrize("language", CONVERSATION)
def test_texts_say_what_the_web_says_word_for_word(language: str, channel: str, somebody: NewPerson, world: World) -> None:
    """First the web's short form; then, for who sends 1, everything that stands on the web."""
    person, reader = somebody(channel), Person(world.server)
    for number, question in enumerate(CONVERSATION[language]):
        got = person.texts(question)
        (reply,) = reader.says(question)
        assert reply["language"] == language
        if number == 0:
            got = [got[0].split("\n", 1)[1], *got[1:-1]]  # without the greeting, and what is said of records
        assert spoken(*got) == spoken(*reply["short"])
        rest: list[str] = []
        while len(spoken(*rest)) < len(spoken(reply["text"])):
            rest.append(person.next_text("1"))
        assert spoken(*rest) == spoken(reply["text"])


@pytest.mark.parametrize("language", CONVERSATION)
def test_whatsapp_says_what_the_web_says_letter_for_letter_and_offers_the_same(language: str, somebody: NewPerson, world: World) -> None:
    person, reader = somebody("whatsapp"), Person(world.server)
    for number, question in enumerate(CONVERSATION[language]):
        payloads = person.sends(question)
        (reply,) = reader.says(question)
        assert reply["language"] == language
        answer, sources = words(payloads[0]).rsplit("\n\n", 1)
        assert (answer.split("\n", 1)[1] if number == 0 else answer) == reply["text"]
        assert sources.endswith(f": {SITE}/chat/{language}?topic={reply['topic']}")
        (action,) = (payload["interactive"]["action"] for payload in payloads if "interactive" in payload)
        rows = action["sections"][0]["rows"]
        assert [(row["id"], row.get("description", row["title"])) for row in rows] == [
            (choice["message"], choice["title"]) for choice in reply["choices"]
        ]


# A provider's faults


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_a_provider_that_says_how_long_it_is_busy_is_left_alone_so_long(channel: str, somebody: NewPerson, world: World) -> None:
    person = somebody(channel)
    world.provider(channel).mishaps.append((429, {"Retry-After": "3"}))  # by itself the postman would wait for 2 at most
    began = time.monotonic()
    assert len(person.texts("HELP")) == 1
    assert time.monotonic() - began > 3


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_a_provider_in_trouble_is_asked_again_and_sends_once(channel: str, status: int, somebody: NewPerson, world: World) -> None:
    person = somebody(channel)
    world.provider(channel).mishaps.append((status, {}))
    assert len(person.texts("HELP")) == 1
    assert not world.provider(channel).mishaps


@pytest.mark.parametrize("status", [401, 404, 422])
@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_what_a_provider_refuses_is_counted_and_not_sent_again(channel: str, status: int, somebody: NewPerson, world: World) -> None:
    person = somebody(channel)
    failed = world.counted(channel, "failed")
    world.provider(channel).mishaps.append((status, {}))
    assert person.gets_nothing_for("HELP")
    until(lambda: world.counted(channel, "failed") == failed + 1, "it is counted")
    assert len(person.texts("HELP")) == 1


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_what_a_broken_connection_may_have_carried_is_not_sent_again(channel: str, somebody: NewPerson, world: World) -> None:
    person = somebody(channel)
    unknown = world.counted(channel, "unknown")
    world.provider(channel).mishaps.append("hang up")
    assert len(person.texts("HELP")) == 1
    until(lambda: world.counted(channel, "unknown") == unknown + 1, "it is counted")
    time.sleep(SILENCE)
    assert len(person.gets()) == 1


def test_a_person_who_told_twilio_to_stop_is_sent_nothing_more(somebody: NewPerson, world: World) -> None:
    person = somebody("sms")
    world.twilio.mishaps.append((400, {}))  # code 21610
    assert person.gets_nothing_for("HELP")
    assert person.gets_nothing_for("HELP")
    assert len(person.texts("START")) == 1


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_a_provider_that_is_slow_with_one_person_holds_up_no_other(channel: str, somebody: NewPerson, world: World) -> None:
    slow, *others = (somebody(channel) for _ in range(4))
    provider = world.provider(channel)
    provider.slow[slow.number] = 2
    assert slow.webhook("HELP") == 200
    assert all(person.webhook("HELP") == 200 for person in others)
    assert len(slow.gets()) == 1
    recipients = [sent.get("To") or sent["to"] for sent in provider.sent[-4:]]
    assert recipients[-1] == slow.number
    assert set(recipients[:-1]) == {person.number for person in others}


# What is asked for by a word, a figure or a place


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(("question", "word"), [("Is it safe to see a GP?", "LANGUAGE"), ("هل زيارة طبيب العائلة آمنة؟", "اللغة")], ids=["en", "ar"])
def test_the_word_for_language_brings_the_languages_also_after_an_answer(
    question: str, word: str, channel: str, somebody: NewPerson, world: World
) -> None:
    person = somebody(channel)
    person.texts(question)
    assert "Soomaali" in json.dumps(world.provider(channel).sent[-1:], ensure_ascii=False) or "Soomaali" in " ".join(person.texts(word))
    picked = person.texts("5")
    assert picked and "Soomaali" not in " ".join(picked)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_chat_is_deleted_before_any_language_is_known(channel: str, somebody: NewPerson) -> None:
    person = somebody(channel)
    person.texts("???")
    assert "deleted" in person.texts("DELETE")[0]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_place_that_is_the_first_thing_shared_finds_the_clinic(channel: str, somebody: NewPerson) -> None:
    person = somebody(channel)
    if channel == "whatsapp":
        said = [words(one) for one in person.sends({"type": "location", "location": {"latitude": 51.5207, "longitude": -0.0619}})]
    else:
        said = person.texts("", Latitude="51.5207", Longitude="-0.0619")
    assert said[0].startswith("Hello. This is Confide.")
    assert "London" in " ".join(said)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("asked", ["please stop writing to me", "stop texting me please"])
def test_who_asks_for_silence_in_their_own_words_is_still_answered_when_they_write_again(asked: str, channel: str, somebody: NewPerson) -> None:
    """We only ever answer, so there is nothing to silence; the keyword STOP silences for good."""
    person = somebody(channel)
    person.texts("Is it safe to see a GP?")
    person.texts(asked)
    assert "999" in " ".join(person.texts("my baby is not breathing"))


def test_a_figure_that_nobody_was_shown_brings_what_the_figures_mean(somebody: NewPerson) -> None:
    person = somebody("sms")
    person.texts("I am pregnant, can I see a doctor?")
    assert len(person.texts("2")) >= 1
    (line,) = person.texts("2")  # the sources were sent
    assert re.fullmatch(r"\d \D+( [·-] \d \D+)*", line)
    assert person.texts("9") == [line]


def test_the_menu_can_be_picked_from(somebody: NewPerson) -> None:
    person = somebody("sms")
    person.texts("Is it safe to see a GP?")
    menu = " ".join(person.texts("0"))
    assert "1 " in menu and "2 " in menu
    assert "regist" in " ".join(person.texts("2️⃣")).lower()


def test_what_a_keyword_says_is_in_the_language_of_the_conversation_also_after_silence(somebody: NewPerson) -> None:
    person = somebody("sms")
    person.texts("Чи безпечно йти до лікаря?")
    stopped = person.texts("стоп")  # Russian's word too
    assert "ви" in stopped[0].lower() and "ы" not in stopped[0]
    assert person.texts("START")[0].startswith("Ви ")


def test_a_flood_from_one_number_leaves_room_for_others(world: World, somebody: NewPerson) -> None:
    flood, other = somebody("sms"), somebody("sms")
    world.twilio.slow[flood.number] = 30
    statuses = Counter(flood.webhook("HELP") for _ in range(MOST_WAITING_OF_ONE + 20))
    assert statuses[503] > 0
    assert len(other.texts("HELP")) == 1
    world.twilio.slow.clear()


# What goes wrong between a provider and us


def test_a_message_whose_connection_breaks_while_it_is_accepted_is_answered(somebody: NewPerson, world: World) -> None:
    """The provider sends it again, and is told that it is known."""
    people = [somebody("sms") for _ in range(12)]
    where = urlsplit(world.server.url)
    for number, person in enumerate(people):
        body, headers = signed("/webhooks/sms/webhook", person.form("HELP", f"broken-{number}"))
        head = f"POST /webhooks/sms/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items()
        )
        with socket.create_connection((str(where.hostname), where.port or 0)) as connection:
            connection.sendall(f"{head}\r\n".encode() + body)
            time.sleep(0.001 * number)
    for number, person in enumerate(people):
        assert person.webhook("HELP", message_id=f"broken-{number}") == 200
        assert len(person.gets()) == 1


def test_a_length_below_zero_is_refused_and_holds_up_nobody(somebody: NewPerson, world: World) -> None:
    where = urlsplit(world.server.url)
    for path in ("/health", "/webhooks/sms/webhook", "/no/such/path"):
        with socket.create_connection((str(where.hostname), where.port or 0), timeout=10) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nhello".encode())
            assert connection.recv(100).split()[1] in (b"400", b"404", b"405")
    assert world.server.request("/health")[0] == 200


def test_a_long_message_in_arabic_is_read_however_meta_writes_its_letters(somebody: NewPerson) -> None:
    person = somebody("whatsapp")
    assert person.sends("هل زيارة طبيب العائلة آمنة؟ " * 140) != []  # \uXXXX each: over 20 kB


# What comes twice, or in the wrong order


@pytest.mark.parametrize("channel", CHANNELS)
def test_reports_that_come_again_or_in_the_wrong_order_count_once(channel: str, somebody: NewPerson, world: World) -> None:
    person = somebody(channel)
    person.texts("HELP")
    before = {state: world.counted(channel, state) for state in ("sent", "delivered", "failed")}
    person.reports("delivered", "sent", "delivered", "failed", "read")
    after = {state: world.counted(channel, state) for state in before}
    assert after == {**before, "delivered": before["delivered"] + 1}


@pytest.mark.parametrize("channel", CHANNELS)
def test_messages_that_come_in_the_same_moment_are_answered_once_each(channel: str, somebody: NewPerson) -> None:
    person = somebody(channel)
    with ThreadPoolExecutor(6) as several:
        statuses = list(several.map(lambda message: person.webhook("HELP", message_id=f"{person.number}-{message}"), [1, 2, 3] * 2))
    assert set(statuses) == {200}
    assert len(person.gets()) == 3


def test_a_message_that_was_written_earlier_and_comes_later_is_answered_too(somebody: NewPerson) -> None:
    person, now = somebody("whatsapp"), int(time.time())
    for seconds in (0, -5, -5):
        (line,) = person.sends({"type": "text", "text": {"body": "HELP"}, "timestamp": str(now + seconds)})
        assert "Confide" in words(line)


# The document (docs/openapi.yml) and the server agree


@SCHEMA.parametrize()
@settings(max_examples=15, derandomize=True, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck), database=None)
def test_a_stranger_is_refused_as_the_document_says(case: Any, world: World) -> None:
    response = case.call(base_url=world.server.url)
    assert response.status_code == 403
    case.validate_response(response, checks=ALL_CHECKS)


POSTS = [(path, operations["post"]) for path, operations in WEBHOOKS.items()]


def body_of(operation: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind of body that a webhook takes, and the document's example of it."""
    ((kind, described),) = DOCUMENT["components"]["requestBodies"][operation["requestBody"]["$ref"].rsplit("/", 1)[1]]["content"].items()
    return kind, described["example"]


@pytest.mark.parametrize(("path", "operation"), POSTS, ids=[path for path, _ in POSTS])
def test_the_documents_example_is_taken_once_it_is_signed(path: str, operation: dict[str, Any], world: World) -> None:
    kind, example = body_of(operation)
    if kind == "application/json":
        body = json.dumps(example).encode()
        headers = {**meta_signature(body), "Content-Type": kind}
    else:
        body, headers = signed(path, example)
    status, heads, content = world.server.request(path, body, method="POST", headers=headers)
    (good,) = (code for code in operation["responses"] if code.startswith("2"))
    assert str(status) == good
    documented = DOCUMENT["components"]["responses"]["NoTwiml"]["content"] if content else {}
    assert not content or heads["content-type"].split(";")[0] in documented


def test_the_document_has_every_webhook() -> None:
    served = set()
    for kind in (SmsChannel, WhatsAppByTwilio, WhatsApp):
        channel = kind({"CONFIDE_PUBLIC_URL": SITE}, 1, 1, 1)
        for route in channel.blueprint(lambda message: asyncio.sleep(0))._future_routes:
            served |= {(f"{kind.url_prefix()}{route.uri}", method.lower()) for method in route.methods}
    assert served == {(path, method) for path, operations in WEBHOOKS.items() for method in operations}


async def test_when_too_many_messages_wait_a_provider_is_told_to_come_again() -> None:
    channel = SmsChannel({"CONFIDE_PUBLIC_URL": SITE}, 1, 1, 1)
    starting = await channel._take("SM1", "+447700900123", {})
    assert starting
    assert (starting.status, starting.headers["Retry-After"]) == (503, "10")
    channel._postman = SimpleNamespace(waiting=MOST_WAITING)  # type: ignore[assignment]
    refused = await channel._take("SM1", "+447700900123", {})
    assert refused
    assert (refused.status, refused.headers["Retry-After"]) == (503, "60")
