"""An operator learns what is wrong with the set-up, what would be sent, and what answers cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from conftest import running
from fakes import AUTH_TOKEN, SITE, FakeTwilio, Texter, fake_twilio, serving, sms_settings

from bot.__main__ import main
from bot.channels.check import problems
from bot.channels.providers import twilio_signed


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        yield fake


SetUp = Callable[..., None]


@pytest.fixture
def set_up(twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SetUp:
    """Sets the variables of a channel that is set up, but for some."""

    def set_up(**other: str) -> None:
        # The address that the world knows is played by a port on which nothing listens.
        for name, value in {**sms_settings(twilio, tmp_path), "CONFIDE_PUBLIC_URL": "http://127.0.0.1:9", **other}.items():
            monkeypatch.setenv(name, value)

    return set_up


async def test_a_channel_that_is_off_is_no_problem() -> None:
    assert await problems() == {"sms": None, "whatsapp": None, "whatsapp_twilio": None}


async def test_a_wrong_token_is_said(set_up: SetUp) -> None:
    set_up(CONFIDE_TWILIO_AUTH_TOKEN="wrong")
    found = (await problems())["sms"]
    assert found
    assert "Twilio refuses the account or its token (status 401)" in found[-1]


async def test_a_number_that_sends_its_messages_elsewhere_is_said(set_up: SetUp, twilio: FakeTwilio) -> None:
    twilio.sms_url = "https://elsewhere.example.org/"
    set_up()
    found = (await problems())["sms"]
    assert found
    assert found[-1] == "the number sends its messages to 'https://elsewhere.example.org/'; set it to http://127.0.0.1:9/webhooks/sms/webhook"


async def test_a_number_that_the_account_lacks_is_said(set_up: SetUp) -> None:
    set_up(CONFIDE_SMS_FROM="+441130000000")
    found = (await problems())["sms"]
    assert found
    assert found[-1] == "the account has no number +441130000000"


async def test_an_address_that_leads_nowhere_is_said(set_up: SetUp) -> None:
    set_up()
    found = (await problems())["sms"]
    assert found
    assert "http://127.0.0.1:9/webhooks/sms/webhook cannot be reached" in found[0]


async def test_a_server_that_runs_with_another_secret_is_said(set_up: SetUp, twilio: FakeTwilio) -> None:
    secret = ["another-token"]

    async def webhook(request: web.Request) -> web.Response:
        known = twilio_signed(secret[0], f"{public}/webhooks/sms/webhook", {}, request.headers.get("X-Twilio-Signature", ""))
        return web.Response(status=422 if known else 403)

    with serving(lambda app: app.router.add_post("/webhooks/sms/webhook", webhook)) as public:  # type: ignore[arg-type]
        set_up(CONFIDE_PUBLIC_URL=public)
        twilio.sms_url = f"{public}/webhooks/sms/webhook"
        (problem,) = (await problems())["sms"] or [""]
        assert "the server runs with another secret" in problem
        secret[0] = AUTH_TOKEN
        assert (await problems())["sms"] == []


async def test_a_number_that_is_not_written_for_the_world_is_said(set_up: SetUp) -> None:
    set_up(CONFIDE_SMS_FROM="07700900000")
    assert "write the number as +447700900123" in ((await problems())["sms"] or [""])[-1]


async def test_an_address_without_encryption_is_said(set_up: SetUp) -> None:
    set_up(CONFIDE_PUBLIC_URL="http://chat.example.org")
    found = (await problems())["sms"]
    assert found
    assert found[0] == "CONFIDE_PUBLIC_URL is http://chat.example.org; providers deliver to https addresses only"


def test_a_channel_that_is_half_set_up_fails_the_check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CONFIDE_SMS_FROM", "+441130000000")
    assert main(["channels", "check"]) == 1
    assert "sms: not ready" in capsys.readouterr().out


def test_no_first_answer_costs_more_than_three_segments(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["channels", "costs", "--price", "0.05"]) == 0
    *_, table_end, _, summary = capsys.readouterr().out.splitlines()
    assert "£" in table_end
    assert summary.endswith("the most is 3 segments.")


def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(twilio: FakeTwilio, tmp_path: Path) -> None:
    with running(tmp_path, **sms_settings(twilio, tmp_path / "state"), CONFIDE_DRY_RUN="1") as server:
        person = Texter(server, twilio, "+447700900123")
        assert person.gets_nothing_for("Is it safe to see a GP?")
    shown = server.log.read_text()
    assert "[dry run 1] 2 segments of GSM-7" in shown
    assert "Hello. This is Confide." in shown
    assert "900123" not in shown
    assert SITE not in shown
