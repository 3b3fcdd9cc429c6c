"""What was accepted is answered once, however often it comes and whenever the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.channels.measures import Measures
from bot.channels.outbox import Accepted, Outbox, Send
from bot.channels.postman import MOST_ATTEMPTS, Answer, Postman
from bot.channels.providers import Refusal, Retry, Unknown
from bot.storage import sealing_key

KEY = sealing_key("a key of this test")


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    outbox = Outbox(tmp_path / "box.sqlite", KEY)
    yield outbox
    await outbox.close()


async def test_a_message_that_comes_again_is_accepted_once_even_in_the_same_moment(outbox: Outbox) -> None:
    numbers = await asyncio.gather(*(outbox.accept("sms", "SM1", "person", {"text": "hello"}) for _ in range(50)))
    assert sum(number is not None for number in numbers) == 1
    assert await outbox.accept("whatsapp", "SM1", "person", {}) is not None


async def test_what_was_accepted_survives_the_end_of_the_process_and_its_words_only_until_it_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "box.sqlite"
    before = Outbox(path, KEY)
    await before.accept("sms", "SM1", "person", {"text": "a secret", "to": "+447700900001"})
    await before.close()
    assert not [word for word in (b"a secret", b"7700900001") if word in b"".join(file.read_bytes() for file in tmp_path.iterdir())]
    after = Outbox(path, KEY)
    (message,), due = await after.left_over()
    assert (message.content["text"], due) == ("a secret", [])
    assert len(await after.answer(message, [({"body": "an answer"}, 1)])) == 1
    assert await after.answer(message, [({"body": "another"}, 1)]) == []
    waiting, due = await after.left_over()
    assert (waiting, [send.content["body"] for send in due]) == ([], ["an answer"])
    await after.close()


async def test_a_message_id_is_remembered_for_48_hours(tmp_path: Path) -> None:
    now = [1000.0]
    outbox = Outbox(tmp_path / "box.sqlite", KEY, clock=lambda: now[0])
    number = await outbox.accept("sms", "SM1", "person", {})
    assert number is not None
    await outbox.answer(Accepted(number, "sms", "person", {}), [])
    now[0] += 47 * 3600
    await outbox.expire()
    assert await outbox.accept("sms", "SM1", "person", {}) is None
    now[0] += 2 * 3600
    await outbox.expire()
    assert await outbox.accept("sms", "SM1", "person", {}) is not None
    await outbox.close()


@dataclass
class Scripted:
    """A provider that does what it is told, then takes messages."""

    mishaps: list[Exception] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    async def send(self, content: Mapping[str, Any], token: str) -> str:
        if self.mishaps:
            raise self.mishaps.pop(0)
        await asyncio.sleep(0.001)
        self.taken.append(str(content["body"]))
        return f"id-{len(self.taken)}"


Run = Callable[..., Awaitable[Scripted]]


@pytest.fixture
def run(outbox: Outbox) -> Run:
    async def run(bodies: list[str], *mishaps: Exception, waits: list[float] | None = None, **settings: Any) -> Scripted:
        provider = Scripted(list(mishaps))

        async def answer(message: Accepted) -> Answer:
            return Answer([({"body": f"{message.content['text']}{part}"}, 1) for part in "ab"])

        async def wait(seconds: float) -> None:
            (waits if waits is not None else []).append(seconds)

        postman = Postman(outbox, provider, answer, Measures(), "sms", wait=wait, **settings)
        for number, body in enumerate(bodies):
            accepted = await outbox.accept("sms", f"SM{number}", "person", {"text": body})
            assert accepted is not None
            postman.add(Accepted(accepted, "sms", "person", {"text": body}))
        while postman.waiting or postman._lanes:
            await asyncio.sleep(0.005)
        await postman.close()
        return provider

    return run


async def test_replies_go_out_in_the_order_of_the_messages(run: Run, outbox: Outbox) -> None:
    provider = await run(["1", "2", "3"])
    assert provider.taken == ["1a", "1b", "2a", "2b", "3a", "3b"]
    assert await outbox.counts() == {"accepted answered": 3, "send sent": 6}


async def test_a_reply_that_must_wait_holds_back_the_ones_after_it(run: Run) -> None:
    waits: list[float] = []
    provider = await run(["1", "2"], Retry("429", after=7), Retry("503"), waits=waits)
    assert provider.taken == ["1a", "1b", "2a", "2b"]
    assert waits[0] >= 7
    assert 2 <= waits[1] <= 4


async def test_a_reply_that_is_never_taken_is_counted_and_tried_no_more(run: Run, outbox: Outbox) -> None:
    provider = await run(["1"], *(Retry("503") for _ in range(MOST_ATTEMPTS)))
    assert provider.taken == ["1b"]
    assert await outbox.counts() == {"accepted answered": 1, "send failed": 1, "send sent": 1}


async def test_what_a_provider_refuses_is_not_tried_again(run: Run, outbox: Outbox) -> None:
    waits: list[float] = []
    provider = await run(["1"], Refusal("status 400"), waits=waits)
    assert (provider.taken, waits) == (["1b"], [])


async def test_a_person_who_told_the_provider_to_stop_gets_nothing_more(run: Run, outbox: Outbox) -> None:
    provider = await run(["1", "2"], Refusal("status 400, code 21610", silenced=True))
    assert provider.taken == []
    assert outbox.is_silenced("person")


async def test_a_reply_that_may_have_been_taken_is_not_sent_twice_and_its_report_settles_it(run: Run, outbox: Outbox) -> None:
    provider = await run(["1"], Unknown("the connection broke"))
    assert provider.taken == ["1b"]
    assert (await outbox.counts())["send unknown"] == 1
    (token,) = outbox.base.execute("SELECT token FROM sends WHERE state = 'unknown'").fetchone()
    assert await outbox.report(token, "SM9", "delivered")
    assert "send unknown" not in await outbox.counts()


async def test_reports_that_come_late_change_nothing(outbox: Outbox, run: Run) -> None:
    await run(["1"])
    assert await outbox.report(None, "id-1", "delivered")
    assert not await outbox.report(None, "id-1", "sent")
    assert not await outbox.report(None, "id-1", "a state that nobody knows")
    assert not await outbox.report(None, "no such id", "delivered")


async def test_what_was_being_sent_when_the_process_ended_is_not_sent_again(outbox: Outbox) -> None:
    number = await outbox.accept("sms", "SM1", "person", {"text": "hello"})
    assert number is not None
    first, second = await outbox.answer(Accepted(number, "sms", "person", {}), [({"body": "a"}, 1), ({"body": "b"}, 1)])
    await outbox.mark(first, "sending")
    waiting, due = await outbox.left_over()
    assert (waiting, [send.id for send in due]) == ([], [second.id])
    assert (await outbox.counts())["send unknown"] == 1


async def test_the_days_segments_are_a_cap(run: Run, outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    provider = await run(["1", "2"], daily_segments=3)
    assert provider.taken == ["1a", "1b", "2a"]
    assert (await outbox.counts())["send failed"] == 1
    assert "segments on sms are used up" in caplog.text


async def test_who_asked_for_silence_has_it_even_when_the_confirmation_cannot_be_kept(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(message: Accepted) -> Answer:
        return Answer([({"body": "we write no more"}, 1)], silences=True)

    async def breaks(*_: object) -> list[Send]:
        raise OSError("the disk is full")

    monkeypatch.setattr(outbox, "answer", breaks)
    number = await outbox.accept("sms", "SM1", "person", {"text": "STOP"})
    assert number is not None
    postman = Postman(outbox, Scripted(), answer, Measures(), "sms")
    postman.add(Accepted(number, "sms", "person", {"text": "STOP"}))
    while postman.waiting or postman._lanes:
        await asyncio.sleep(0.005)
    await postman.close()
    assert outbox.is_silenced("person")


async def test_the_cap_holds_for_many_who_are_answered_at_once(outbox: Outbox) -> None:
    """100 people's replies of three segments each are left over at a start; nine segments are what the day may cost."""
    left = []
    for number in range(100):
        accepted = await outbox.accept("sms", f"SM{number}", f"person {number}", {})
        assert accepted is not None
        left += await outbox.answer(Accepted(accepted, "sms", f"person {number}", {}), [({"body": "hello"}, 3)])

    async def answer(message: Accepted) -> Answer:
        return Answer()

    provider = Scripted()
    postman = Postman(outbox, provider, answer, Measures(), "sms", daily_segments=9)
    for send in left:
        postman.add(send)
    while postman.waiting or postman._lanes:
        await asyncio.sleep(0.005)
    await postman.close()
    assert len(provider.taken) == 3
    assert await outbox.counts() == {"accepted answered": 100, "send sent": 3, "send failed": 97}


async def test_the_last_tenth_of_a_days_segments_is_kept_for_danger(outbox: Outbox) -> None:
    async def answer(message: Accepted) -> Answer:
        return Answer([({"body": message.person}, 1)], urgent=message.person == "in danger")

    provider = Scripted()
    postman = Postman(outbox, provider, answer, Measures(), "sms", daily_segments=20)
    for number, person in enumerate([*(f"person {number}" for number in range(30)), "in danger"]):
        accepted = await outbox.accept("sms", f"SM{number}", person, {})
        assert accepted is not None
        postman.add(Accepted(accepted, "sms", person, {}))
        while postman.waiting or postman._lanes:
            await asyncio.sleep(0.001)
    await postman.close()
    assert len(provider.taken) == 19
    assert provider.taken[-1] == "in danger"


async def test_a_flood_of_one_person_does_not_hold_up_another(outbox: Outbox) -> None:
    provider = Scripted()

    async def answer(message: Accepted) -> Answer:
        await asyncio.sleep(0.01)
        return Answer([({"body": message.person}, 1)])

    postman = Postman(outbox, provider, answer, Measures(), "sms")
    for number in range(41):
        person = "other" if number == 40 else "flood"
        accepted = await outbox.accept("sms", f"SM{number}", person, {})
        assert accepted is not None
        postman.add(Accepted(accepted, "sms", person, {}))
    while "other" not in provider.taken:
        await asyncio.sleep(0.005)
    assert provider.taken.count("flood") < 20  # of 40 that came before
    await postman.close()
