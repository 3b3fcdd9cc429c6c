"""Conversations by WhatsApp with a Twilio sender, with Twilio on loopback."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp import web
from conftest import running
from fakes import SITE, WHATSAPP_NUMBER, Texter, fake_twilio, serving, signed, whatsapp_by_twilio_settings

WEBHOOK = "/webhooks/whatsapp_twilio/webhook"
NewPerson = Callable[[], Texter]
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def new_person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewPerson]:
    folder = tmp_path_factory.mktemp("whatsapp_twilio")
    with fake_twilio() as twilio, running(folder, **whatsapp_by_twilio_settings(twilio, folder / "state")) as server:
        yield lambda: Texter(server, twilio, f"whatsapp:+447700900{next(_NUMBERS):03d}", "whatsapp_twilio")


def form(person: Texter, text: str = "hello") -> dict[str, str]:
    return {"MessageSid": f"SM-of-{person.number}", "From": person.number, "To": WHATSAPP_NUMBER, "Body": text}


# Who may send


def test_a_signed_message_is_answered_once_from_the_whatsapp_sender(new_person: NewPerson) -> None:
    person = new_person()
    body, headers = signed(WEBHOOK, form(person, "Is it safe to see a GP?"))
    with ThreadPoolExecutor(4) as several:
        answers = list(several.map(lambda _: person.server.request(WEBHOOK, body, method="POST", headers=headers), range(4)))
    assert {(status, content[-11:]) for status, _, content in answers} == {(200, b"<Response/>")}
    assert {heads["content-type"] for _, heads, _ in answers} == {"text/xml; charset=utf-8"}
    answer, records = person.gets()
    assert answer.startswith("Hello. This is Confide.")
    assert records.startswith("WhatsApp and phone companies keep records.")
    assert {sent["From"] for sent in person.twilio.sent if sent["To"] == person.number} == {WHATSAPP_NUMBER}


@pytest.mark.parametrize("header", [{}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": "AAAA"}], ids=str)
def test_a_webhook_that_twilio_did_not_sign_is_refused(header: dict[str, str], new_person: NewPerson) -> None:
    person = new_person()
    body, _ = signed(WEBHOOK, form(person))
    status, _, content = person.server.request(WEBHOOK, body, method="POST", headers=header)
    assert (status, content) == (403, b"the signature is missing or wrong")


def test_a_signature_for_the_sms_channel_does_not_hold_here(new_person: NewPerson) -> None:
    person = new_person()
    body, headers = signed("/webhooks/sms/webhook", form(person))
    assert person.server.request(WEBHOOK, body, method="POST", headers=headers)[0] == 403
    assert person.server.request("/webhooks/sms/webhook", body, method="POST", headers=headers)[0] == 404


@pytest.mark.parametrize("missing", ["MessageSid", "From"])
def test_a_signed_webhook_without_an_id_or_a_sender_is_refused_with_a_reason(missing: str, new_person: NewPerson) -> None:
    person = new_person()
    assert person.posts(WEBHOOK, {name: value for name, value in form(person).items() if name != missing}) == 422


# Silence


def test_stop_silences_and_start_undoes_it(new_person: NewPerson) -> None:
    person = new_person()
    assert "no more messages" in person.texts("STOP")[0]
    assert person.gets_nothing_for("hello")
    assert "write to us again" in person.texts("START")[0]
    assert person.texts("hello") != []


def test_what_twilio_answered_itself_is_not_answered_twice(new_person: NewPerson) -> None:
    person = new_person()
    assert person.gets_nothing_for("STOP", OptOutType="STOP")
    assert person.gets_nothing_for("hello")
    assert person.gets_nothing_for("START", OptOutType="START")
    assert person.texts("hello") != []


# What is no words


def test_a_picture_gets_a_kind_line_and_is_never_fetched(new_person: NewPerson) -> None:
    fetched: list[str] = []

    async def picture(request: web.Request) -> web.Response:
        fetched.append(request.path)
        return web.Response()

    person = new_person()
    with serving(lambda app: app.router.add_get("/{name}", picture)) as address:  # type: ignore[arg-type]
        line, whom_to_call = person.texts("", NumMedia="1", MediaUrl0=f"{address}/picture", MediaContentType0="image/jpeg")
        captioned = person.texts("Is it safe to see a GP?", NumMedia="1", MediaUrl0=f"{address}/picture", MediaContentType0="image/jpeg")
    assert "only written words" in line
    assert "0808 1647 686" in whom_to_call
    assert "GP care is free" in captioned[0]
    assert fetched == []


def test_a_place_is_not_met_with_silence_and_is_kept_nowhere(new_person: NewPerson) -> None:
    person = new_person()
    assert "London" in " ".join(person.texts("", Latitude="51.5207314", Longitude="-0.0619273", MessageType="location"))
    folder = person.server.log.parent
    assert not [path for path in folder.rglob("*") if path.is_file() and re.search(rb"5207314|0619273", path.read_bytes())]


# What became of a reply


def test_a_status_report_is_taken_once_it_is_signed(new_person: NewPerson) -> None:
    person = new_person()
    person.texts("HELP")
    (sent,) = (sent for sent in person.twilio.sent if sent["To"] == person.number)
    path = sent["StatusCallback"].removeprefix(SITE)
    assert path.startswith("/webhooks/whatsapp_twilio/status?send=")
    delivered = b'confide_sends_total{channel="whatsapp_twilio",state="delivered"} 1.0'
    body, headers = signed(path, {"MessageSid": "SM1", "MessageStatus": "delivered"})
    assert person.server.request(path, body, method="POST")[0] == 403
    assert delivered not in person.server.request("/metrics")[2]
    assert person.server.request(path, body, method="POST", headers=headers)[0] == 204
    assert delivered in person.server.request("/metrics")[2]
