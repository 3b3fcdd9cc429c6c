"""Identifiers are masked before anything is stored or logged, and no log holds what a person wrote or who they are."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
import yaml
from conftest import Person, Server, running
from hypothesis import given, settings
from hypothesis import strategies as st
from rasa.core.channels.channel import UserMessage
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot import house, nlg
from bot.channels.measures import Measures
from bot.channels.turns import Turns, prepared
from bot.dialogue import Context
from bot.knowledge import Knowledge
from bot.mind import Mind
from bot.privacy import _WithoutWords, mask, pseudonym
from bot.text import western_digits
from bot.tracker_store import ExpiringTrackerStore

ARABIC, PERSIAN, BENGALI = (str.maketrans("0123456789", digits) for digits in ("٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "০১২৩৪৫৬৭৮৯"))

# What each kind looks like as people write it. The numbers are made up: Ofcom's drama numbers, and references of no one.
IDENTIFIERS = {
    "number": [
        "07700 900123", "07700900123", "07700-900-123", "07700.900.123", "07700/900/123", "+44 7700 900123", "+447700900123", "0044 7700 900123",
        "(020) 7946 0958", "020 7946 0958", "0 7 7 0 0 9 0 0 1 2 3", "+963 944 123 456", "943 476 5919", "9434765919", "943-476-5919", "123456789",
    ],
    "reference": [
        "A1234567", "a1234567", "A 1234567", "A1234567/2", "M1234567", "ZX1234567", "ZX 1234567", "AB123456", "AB 123456", "GB 123456789",
        "1234-5678-9012-3456", "1234 5678 9012 3456", "AB 12 34 56 C", "ab123456c", "RX1234567",
    ],
    "email": ["amina@example.org", "Amina.B+nhs@mail.example.co.uk", "amina @ example.org", "أمينة@example.org"],
    "date of birth": [
        "born on 3 March 1990", "born 03/03/1990", "date of birth: 3.3.90", "DOB 03-03-1990", "d.o.b. 1990-03-03", "born 03031990", "03/03/1990",
        "3.3.2004", "1990-03-03", "my date of birth is 3rd of March 1990", "3 March 1990 is my birthday", "born March 3, 1990",
        "née le 3 mars 1990", "date de naissance : 03/03/1990", "nací el 3 de marzo de 1990", "fecha de nacimiento 3/3/1990",
        "ولدت في 3 مارس 1990", "تاريخ ميلادي 3/3/1990", "مواليد 1990-03-03",
    ],
    "address": [
        "221b Baker Street", "10 Downing St", "12 St John's Road", "7, Acacia Avenue", "5 The Avenue",
        "14 Kings Cross Road", "Flat 2, 14 High Street",
        "room 3, 20 Station Rd", "12 rue Victor Hugo", "calle Mayor 12", "شارع الملك فيصل 12",
    ],
}  # fmt: skip
POSTCODES = ["E15 4QQ", "e154qq", "SW1A 1AA", "M1 1AE", "EC1A 1BB", "E15-4QQ", "بE15 4QQ"]
NOT_IDENTIFIERS = [
    "what was the rule in 2017", "between 2017 and 2019", "2017-2019", "2016 2017 2018", "2017/18", "on 9 May 2018", "09/05/2018",
    "09.05.2018", "9-5-2018", "2018-05-09", "1.1.2017-9.11.2018", "the rule of 14 December 1979", "£500", "£1,000,000", "£150000",
    "I owe 150000 pounds", "€ 2.500", "0808 1647 686", "0800 144 8848", "08000 121 700", "0300 330 1343", "020 7167 5789", "028 9024 4401",
    "028 95 360333", "116 123", "999", "111", "+44 808 1647 686", "E15", "my postcode is M13", "I waited 3 hours in the park",
    "5 adults in my house", "30 days after the close", "2 doctors", "I was born in Syria and came in 2015", "my baby is 2 weeks old",
    "10:00 to 12:00", "I live in London", "٢٠١٧", "form HC1", "COVID19",
]  # fmt: skip
SECRETS = ("07700", "900123", "E15 4QQ", "e154qq", "amina", "example.org", "Baker Street", "A1234567", "Kandahar", "secret-sender")
MESSAGE = "My name is Kandahar, ring 07700 900123, amina@example.org, 221b Baker Street, E15 4QQ, Home Office A1234567"
FAKE_ADDRESS = "203.0.113.77"


def kinds() -> list[tuple[str, str]]:
    return [(kind, text) for kind, texts in IDENTIFIERS.items() for text in texts]


# --- masking ---


@pytest.mark.parametrize(("kind", "text"), kinds(), ids=lambda value: str(value))
@pytest.mark.parametrize("digits", [None, ARABIC, PERSIAN, BENGALI], ids=["western", "arabic", "persian", "bengali"])
def test_an_identifier_is_masked_in_every_digit_system(kind: str, text: str, digits: dict[int, int] | None) -> None:
    written = text.translate(digits) if digits else text
    for sentence in (written, f"Hello, {written}.", f"can I see a doctor ({written}) please?"):
        masked = mask(sentence)
        assert kind in masked.kinds, masked
        assert f"[{kind}]" in masked.text
        left = sum(letter.isdecimal() for letter in masked.text)
        assert left == 0, masked.text


@pytest.mark.parametrize("text", POSTCODES)
@pytest.mark.parametrize("digits", [None, ARABIC, PERSIAN], ids=["western", "arabic", "persian"])
def test_a_whole_postcode_is_masked(text: str, digits: dict[int, int] | None) -> None:
    written = text.translate(digits) if digits else text
    assert "[postcode]" in mask(f"I live at {written}, where is a clinic?").text
    assert not any(letter.isdecimal() for letter in mask(written).text)


@pytest.mark.parametrize("text", NOT_IDENTIFIERS)
def test_what_is_no_identifier_stays_as_it_was_written(text: str) -> None:
    assert mask(text).text == text
    assert mask(f"Hello, {text}.").text == f"Hello, {text}."
    assert mask(text).kinds == ()


def test_the_numbers_that_we_give_are_not_masked_when_people_quote_them(knowledge: Knowledge) -> None:
    for service in knowledge.services.values():
        if service.phone:
            assert mask(f"I called {service.phone} yesterday").text == f"I called {service.phone} yesterday"


def test_several_identifiers_are_all_masked_and_the_question_stays() -> None:
    masked = mask(f"{MESSAGE}. Is it safe to see a doctor in 2026?")
    assert set(masked.kinds) == {"number", "email", "address", "reference"}
    assert masked.text.endswith("Is it safe to see a doctor in 2026?")
    assert not [secret for secret in SECRETS if secret in masked.text and secret != "Kandahar"]


def test_each_kind_is_named_once() -> None:
    assert mask("07700 900123 or 07700 900456").kinds == ("number",)


@pytest.mark.parametrize(
    "text",
    [
        "+44\u00a07700\u00a0900123",
        [
            "07700–900–123",
        ],
        "943\u00a0476\u00a05919",
        "07700‑900‑123",
        "ana＠example.org",
        "0\ufe0f\u20e37700 900123",
        "QQ\u00a012\u00a034\u00a056\u00a0C",
    ],
)
def test_what_is_written_with_other_spaces_and_hyphens_is_masked_too(text: str) -> None:
    masked = mask(f"my details: {text} please")
    assert masked.kinds
    assert not any(figure in masked.text for figure in "0123456789@＠")


@pytest.mark.parametrize("message", ["/07700900123", "/AB123456C", '/x {"phone":"07700900123"}'])
def test_what_looks_like_a_command_and_is_none_is_masked(message: str) -> None:
    text, _ = prepared(message, Context())
    assert not any(figure in text for figure in "0123456789")


@settings(max_examples=400)
@given(st.one_of(st.text(max_size=300), st.text("0123456789٠١٢٣ +-()./@AZaz£fdlneborn,street", max_size=120)))
def test_any_text_can_be_masked_and_grows_only_by_the_marks(text: str) -> None:
    masked = mask(text)
    marks = [f"[{kind}]" for kind in (*IDENTIFIERS, "postcode")]
    assert len(masked.text) <= len(text) + sum(masked.text.count(mark) * len(mark) for mark in marks)
    if not masked.kinds and "[postcode]" not in masked.text:
        assert masked.text == text
    if not any(letter.isdecimal() or letter == "@" for letter in text):
        assert masked.text == text


@settings(max_examples=100)
@given(st.from_regex(r"\A(\+44 ?|0)7[0-9]{3} ?[0-9]{6}\Z"), st.sampled_from([None, ARABIC, PERSIAN, BENGALI]))
def test_any_mobile_number_is_masked(number: str, digits: dict[int, int] | None) -> None:
    assert not any(letter.isdecimal() for letter in mask(number.translate(digits) if digits else number).text)


def test_a_long_message_is_masked_in_a_moment() -> None:
    import time

    began = time.process_time()
    for text in ("1" * 1000, "1 " * 500, "a." * 500, "12 a " * 200, "born " * 200, "@" * 1000, "1/1/" * 250, "A" * 1000):
        mask(text)
    assert time.process_time() - began < 2


def test_a_pseudonym_tells_nothing_of_the_address_and_differs_by_channel() -> None:
    one = pseudonym("web", "secret-sender")
    assert one == pseudonym("web", "secret-sender")
    assert one != pseudonym("sms", "secret-sender")
    assert "secret" not in one
    assert len(one) == 32


# --- what the conversation keeps ---


@pytest.mark.parametrize("text", [text for _, text in kinds()] + POSTCODES)
def test_what_goes_into_the_conversation_is_masked(text: str) -> None:
    stored, metadata = prepared(f"where is a clinic? {text}", Context(language="en", topic="find_clinic", status="choose"))
    assert "@" not in stored
    digits = "".join(letter for letter in western_digits(text) if letter.isdecimal())
    assert not digits or digits not in "".join(letter for letter in western_digits(f"{stored} {json.dumps(metadata)}") if letter.isdecimal())


def test_of_a_postcode_only_the_nation_and_whether_it_is_london_is_kept() -> None:
    stored, metadata = prepared("E15 4QQ", Context(language="en", topic="find_clinic", status="choose"))
    assert stored == "[postcode]"
    assert metadata["place"] == {"nation": "england", "london": True}


async def test_the_tracker_holds_no_identifier_after_a_whole_turn(mind: Mind) -> None:
    store = ExpiringTrackerStore(Domain.empty())

    async def turn(message: UserMessage) -> None:
        event = UserUttered(message.text, {"name": "ask_gp_safe"}, [], message.metadata and {"metadata": message.metadata})
        await store.save(DialogueStateTracker.from_events(message.sender_id, [event]))
        await message.output_channel.send_response("", {"text": "hello"})

    await Turns("web", turn, store, mind, Measures(), SimpleNamespace(handoffs=None, switches=None)).answer(
        pseudonym("web", "secret-sender"), MESSAGE, "en"
    )
    ((sender, (_, events)),) = store._held.items()
    held = sender + json.dumps([event.as_dict() for event in events], ensure_ascii=False)
    assert not [secret for secret in SECRETS if secret in held and secret != "Kandahar"]


# --- what the logs hold ---


@pytest.fixture(scope="module")
def breaking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that breaks where a message tells it to (tests/breaking_server.py), and takes 40 messages a minute."""
    script = str(Path(__file__).parent / "breaking_server.py")
    with running(tmp_path_factory.mktemp("breaking"), script, CONFIDE_MESSAGES_A_MINUTE="40") as server:
        yield server


def test_no_path_writes_a_message_a_sender_or_an_address_into_the_log(breaking_server: Server) -> None:
    headers = {"X-Forwarded-For": FAKE_ADDRESS, "User-Agent": "Kandahar-phone", "Referer": "https://kandahar.example/secret-sender"}
    statuses: list[int] = []

    def send(path: str, body: object = None, method: str | None = None, kind: str = "application/json") -> bytes:
        status, _, content = breaking_server.request(path, body, method=method, headers={**headers, "Content-Type": kind})
        statuses.append(status)
        return content

    def say(message: str, **more: object) -> list[dict[str, object]]:
        replies = json.loads(send("/webhooks/web/webhook", {"sender": "secret-sender", "message": message, "language": "en", **more}))
        return list(replies) if isinstance(replies, list) else []

    for text in (
        f"Is it safe to see a GP? {MESSAGE}",
        "Where is a clinic near me?",
        "E15 4QQ",
        "blargle Kandahar",
        "warn me, Kandahar",
        "/find_clinic",
    ):
        assert say(text)
    for place in ("answer", "channel", "store"):
        (reply,) = say(f"break the {place}: {MESSAGE}")
        assert reply["status"] == "failed", f"breaking the {place} was answered with {reply}"
        assert "0808 1647 686" in str(reply["text"])
    say("Kandahar" * 200)
    say("", message_id="Kandahar")
    say("hello", language="Kandahar")
    send("/webhooks/web/webhook", b'{"sender": "secret-sender", "message": Kandahar 07700 900123')
    send("/webhooks/web/webhook", {"sender": ["secret-sender"], "message": MESSAGE})
    send("/webhooks/web/webhook", b"Kandahar" * 4000)
    send(f"/nothing/{quote(MESSAGE)}?q=secret-sender")
    send(f"/chat/{quote(MESSAGE)}")
    send(f"/chat?topic={quote(MESSAGE)}&sender=secret-sender")
    send("/chat", b"sender=secret-sender&message=Kandahar+07700+900123+break+the+answer", kind="application/x-www-form-urlencoded")
    send("/chat", b"--x\r\nKandahar 07700 900123", kind="multipart/form-data; boundary=x")
    send("/chat", b"message=Kandahar", kind="multipart/form-data")
    send("/webhooks/web/webhook", {"sender": "secret-sender"}, method="PUT")
    send("/webhooks/web/erase", {"sender": "secret-sender"})
    send("/webhooks/web/conversations/secret-sender", method="DELETE")
    say("delete my chat, Kandahar")
    while 429 not in statuses and len(statuses) < 100:
        say(MESSAGE)
    assert {200, 204, 400, 404, 405, 413, 422, 429} <= set(statuses)
    assert 500 not in statuses

    log = breaking_server.log.read_text(encoding="utf-8", errors="replace")
    ours = "\n".join(line for line in log.splitlines() if "tensor" not in line.lower() and "/site-packages/" not in line)
    assert "a turn failed for" in ours and "no reply could be composed" in ours, "the failures are logged, or this test shows nothing"
    assert "ValueError" in ours and "KeyError" in ours and "RuntimeError" in ours and "OSError" in ours
    assert "processor.odd" in ours and "a message was odd" in ours
    for secret in (*SECRETS, "Kandahar-phone", FAKE_ADDRESS, pseudonym("web", "secret-sender")):
        assert secret.lower() not in log.lower(), f"{secret!r} is in the log"
    assert "127.0.0.1" not in ours.replace(f"http://{breaking_server.url.removeprefix('http://')}/chat", "")


def test_an_ordinary_conversation_writes_nothing_into_the_log(server: Server) -> None:
    before = server.log.read_text(encoding="utf-8")
    person = Person(server, "en", sender="secret-sender")
    for text in (f"Is it safe to see a GP? {MESSAGE}", "why?", "xyzzy", "delete my chat"):
        person.says(text)
    written = server.log.read_text(encoding="utf-8").removeprefix(before)
    assert not [secret for secret in SECRETS if secret in written]


def test_an_exception_is_logged_with_its_place_and_kind_and_without_its_words() -> None:
    def broken() -> None:
        try:
            raise KeyError("Kandahar")
        except KeyError as error:
            raise ValueError("ring 07700 900123") from error

    try:
        broken()
    except ValueError:
        record = logging.LogRecord("bot", logging.ERROR, __file__, 1, "a turn failed for %s", ("1234",), sys.exc_info())
    line = _WithoutWords("%(message)s").format(record)
    assert line.startswith("a turn failed for 1234\n")
    assert "KeyError" in line and "ValueError" in line and "in broken" in line
    assert "Kandahar" not in line and "900123" not in line


def test_when_no_reply_can_be_composed_a_number_is_given_and_the_log_has_no_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: object) -> None:
        raise ValueError("cannot answer Kandahar")

    monkeypatch.setattr(nlg, "respond", broken)
    caplog.handler.setFormatter(_WithoutWords("%(message)s"))
    tracker = DialogueStateTracker.from_events("a", [UserUttered("Kandahar", {"name": "greet"})], [])
    (reply,) = nlg.utterance("greet", tracker)["custom"]["replies"]
    assert reply["status"] == "failed"
    assert "0808 1647 686" in str(reply)
    assert "no reply could be composed for greet" in caplog.text and "ValueError" in caplog.text
    assert "Kandahar" not in caplog.text


# --- what the page for people promises is what the store does ---


def test_the_privacy_page_says_the_hours_of_the_store(server: Server) -> None:
    hours = yaml.safe_load((house.ROOT / "endpoints.yml").read_text(encoding="utf-8"))["tracker_store"]["hours"]
    assert f"gone after {hours} hours" in server.request("/privacy/en")[2].decode()


def test_telemetry_is_off() -> None:
    import os

    from bot import __main__  # importing it is what turns it off

    assert __main__
    assert os.environ["RASA_TELEMETRY_ENABLED"] == "false"
