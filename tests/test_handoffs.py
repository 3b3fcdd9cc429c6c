"""Conversations that pass to a volunteer and back, without a server: a clock and a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from desk.conftest import Clock

from bot.handoffs import ALERT, ENDED_FOR, HELD_FOR, IDLE, NOBODY, Handoff, Handoffs, Line
from bot.presence import BETWEEN_PAGES, GRACE
from bot.storage import InUse, sealing_key

KEY = sealing_key("a key of this test")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def handoffs(tmp_path: Path, clock: Clock) -> AsyncIterator[Handoffs]:
    made = Handoffs(tmp_path / "handoffs.sqlite", KEY, clock)
    yield made
    await made.close()


async def asked(handoffs: Handoffs, person: str = "somebody", danger: bool = False, channel: str = "web", **more: Any) -> Handoff:
    made, _ = await handoffs.ask(
        channel, person, "ar", "ask_gp_safe", danger, more.get("before"), {"to": "+447700900001"} if channel == "sms" else {}
    )
    return made


def emergency(handoff: Handoff) -> dict[str, Any]:
    return {"text": f"call 999: {handoff.alert}"}


async def told(handoffs: Handoffs, id: str) -> list[str]:
    """What the patient was told, oldest first."""
    return [line.content.get("notice") or line.content["text"] for line in await handoffs.lines(id, 0, ("notice", "volunteer", "assistant"))]


async def test_danger_comes_first_then_who_has_waited_longest(handoffs: Handoffs, clock: Clock) -> None:
    for person, danger in (("first", False), ("second", False), ("third", True), ("fourth", True)):
        await asked(handoffs, person, danger)
        clock.now += 1
    assert [one.person for one in handoffs.waiting()] == ["third", "fourth", "first", "second"]


async def test_of_fifty_volunteers_who_claim_at_once_one_gets_the_conversation(handoffs: Handoffs) -> None:
    one = await asked(handoffs)
    won = await asyncio.gather(*(handoffs.claim(one.id, f"volunteer {number}") for number in range(50)))
    assert won.count(True) == 1
    assert handoffs.of("somebody") == handoffs.held_by(f"volunteer {won.index(True)}")[0]
    assert await told(handoffs, one.id) == ["handoff_joined"]


async def test_what_is_sent_twice_with_one_key_is_said_once(handoffs: Handoffs) -> None:
    one = await asked(handoffs)
    await handoffs.claim(one.id, "ana")
    sent = await asyncio.gather(*(handoffs.say(one.id, "ana", "a key", {"text": "hello"}) for _ in range(5)))
    assert all(sent)
    assert (await told(handoffs, one.id)).count("hello") == 1


async def test_only_who_holds_a_conversation_speaks_in_it(handoffs: Handoffs) -> None:
    one = await asked(handoffs)
    assert not await handoffs.say(one.id, "ana", "1", {"text": "too early"})
    await handoffs.claim(one.id, "ana")
    assert not await handoffs.say(one.id, "ben", "2", {"text": "not mine"})
    assert not await handoffs.end(one.id, "ben", "handoff_ended")
    assert not await handoffs.give_back(one.id, "ben", emergency)
    assert await told(handoffs, one.id) == ["handoff_joined"]


async def test_a_patient_is_heard_by_the_volunteer_only_while_one_holds_the_conversation(handoffs: Handoffs) -> None:
    one = await asked(handoffs)
    assert await handoffs.said(one, "while waiting", None) is False
    await handoffs.claim(one.id, "ana")
    assert await handoffs.said(one, "while held", None) is True
    await handoffs.give_back(one.id, "ana", emergency)
    assert await handoffs.said(one, "waiting again", None) is False


async def test_what_was_said_is_deleted_at_the_end_and_only_that_it_ended_stays(handoffs: Handoffs, clock: Clock, tmp_path: Path) -> None:
    one = await asked(handoffs, before=[("patient", {"text": "a secret of before"})])
    await handoffs.claim(one.id, "ana")
    await handoffs.said(one, "a secret of now", None)
    assert await handoffs.end(one.id, "ana", "handoff_ended")
    assert handoffs.of("somebody") is None
    assert await told(handoffs, one.id) == ["handoff_ended"]
    assert len(await handoffs.lines(one.id)) == 1
    clock.now += ENDED_FOR + 1
    await handoffs.tick(emergency)
    assert await handoffs.lines(one.id) == []


async def test_nothing_on_disk_can_be_read_without_the_key(handoffs: Handoffs, tmp_path: Path) -> None:
    await asked(handoffs, before=[("patient", {"text": "a very telling word"})])
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"telling" not in files
    assert b"ask_gp_safe" not in files


async def test_a_second_server_on_the_same_file_is_refused(handoffs: Handoffs, tmp_path: Path) -> None:
    with pytest.raises(InUse, match="CONFIDE_STATE"):
        Handoffs(tmp_path / "handoffs.sqlite", KEY)


async def test_a_restart_loses_nothing(tmp_path: Path, clock: Clock) -> None:
    before = Handoffs(tmp_path / "handoffs.sqlite", KEY, clock)
    waiting, held = await asked(before, "waits"), await asked(before, "is held")
    await before.claim(held.id, "ana")
    await before.said(held, "still here?", None)
    await before.close()
    after = Handoffs(tmp_path / "handoffs.sqlite", KEY, clock)
    assert [one.id for one in after.waiting()] == [waiting.id]
    assert [one.id for one in after.held_by("ana")] == [held.id]
    assert [line.content["text"] for line in await after.lines(held.id, 0, ["patient"])] == ["still here?"]
    # The volunteer's page has a moment to come back; then the patient is not left alone.
    clock.now += GRACE - 1
    await after.tick(emergency)
    assert after.held_by("ana")
    clock.now += 2
    await after.tick(emergency)
    assert not after.held_by("ana")
    assert (await told(after, held.id))[-1] == "handoff_lost"
    await after.close()


async def test_a_volunteer_who_loses_the_network_loses_the_conversation_after_a_moment(handoffs: Handoffs, clock: Clock) -> None:
    one = await asked(handoffs)
    with handoffs.presence.present("ana", on_duty=True):
        await handoffs.claim(one.id, "ana")
        clock.now += 60
        await handoffs.tick(emergency)
        assert handoffs.held_by("ana")
    clock.now += GRACE - 1
    await handoffs.tick(emergency)
    assert handoffs.held_by("ana")
    with handoffs.presence.present("ana", on_duty=True):  # the page is back in time
        clock.now += GRACE + 1
        await handoffs.tick(emergency)
        assert handoffs.held_by("ana")
    clock.now += GRACE + 1
    await handoffs.tick(emergency)
    assert handoffs.waiting()
    assert (await told(handoffs, one.id))[-1] == "handoff_lost"


async def test_a_volunteer_who_does_nothing_for_five_minutes_loses_the_conversation(handoffs: Handoffs, clock: Clock) -> None:
    one = await asked(handoffs)
    with handoffs.presence.present("ana", on_duty=True):
        await handoffs.claim(one.id, "ana")
        clock.now += IDLE - 1
        await handoffs.acted("ana")
        clock.now += IDLE - 1
        await handoffs.tick(emergency)
        assert handoffs.held_by("ana")
        clock.now += 2
        await handoffs.tick(emergency)
        assert not handoffs.held_by("ana")


async def test_words_of_danger_are_answered_when_the_volunteer_does_not_react(handoffs: Handoffs, clock: Clock) -> None:
    one = await asked(handoffs)
    with handoffs.presence.present("ana", on_duty=True):
        await handoffs.claim(one.id, "ana")
        await handoffs.said(one, "my chest hurts", "danger_chest")
        clock.now += ALERT - 1
        await handoffs.tick(emergency)
        assert "call 999: danger_chest" not in await told(handoffs, one.id)
        clock.now += 1
        await handoffs.tick(emergency)
        await handoffs.tick(emergency)
        assert (await told(handoffs, one.id)).count("call 999: danger_chest") == 1


@pytest.mark.parametrize(
    "reacts",
    [lambda of, id: of.seen_alert(id, "ana"), lambda of, id: of.say(id, "ana", "k", {"text": "call 999"}, heeds_alert=True)],
    ids=["seen", "answered"],
)
async def test_words_of_danger_that_the_volunteer_reacts_to_are_not_answered_twice(
    handoffs: Handoffs, clock: Clock, reacts: Callable[[Handoffs, str], Any]
) -> None:
    one = await asked(handoffs)
    with handoffs.presence.present("ana", on_duty=True):
        await handoffs.claim(one.id, "ana")
        await handoffs.said(one, "my chest hurts", "danger_chest")
        clock.now += ALERT - 1
        assert await reacts(handoffs, one.id)
        clock.now += ALERT
        await handoffs.tick(emergency)
        assert "call 999: danger_chest" not in await told(handoffs, one.id)


async def test_a_danger_that_nobody_answered_is_answered_when_the_volunteer_is_lost(handoffs: Handoffs, clock: Clock) -> None:
    one = await asked(handoffs)
    with handoffs.presence.present("ana", on_duty=True):
        await handoffs.claim(one.id, "ana")
    clock.now += 10
    await handoffs.said(one, "he has a knife", "danger_abuse")
    clock.now += GRACE - 9  # before the 30 seconds of the alert are over
    await handoffs.tick(emergency)
    assert (await told(handoffs, one.id))[1:] == ["call 999: danger_abuse", "handoff_lost"]


async def test_a_line_that_was_on_its_way_is_no_answer_to_words_of_danger(handoffs: Handoffs, clock: Clock) -> None:
    one = await asked(handoffs)
    with handoffs.presence.present("ana", on_duty=True):
        await handoffs.claim(one.id, "ana")
        await handoffs.said(one, "my chest hurts", "danger_chest")
        assert await handoffs.say(one.id, "ana", "k", {"text": "Good evening"})
        clock.now += ALERT
        await handoffs.tick(emergency)
        assert "call 999: danger_chest" in await told(handoffs, one.id)


async def test_who_waits_while_nobody_is_on_duty_is_told_so(handoffs: Handoffs, clock: Clock) -> None:
    one = await asked(handoffs)
    with handoffs.presence.present("ana", on_duty=True):
        clock.now += NOBODY + 1
        await handoffs.tick(emergency)
        assert handoffs.waiting()
    clock.now += BETWEEN_PAGES + 1
    await handoffs.tick(emergency)
    clock.now += NOBODY - 1
    await handoffs.tick(emergency)
    assert handoffs.waiting()
    clock.now += 2
    await handoffs.tick(emergency)
    assert not handoffs.waiting()
    assert await told(handoffs, one.id) == ["handoff_expired"]


async def test_a_volunteer_who_only_looks_things_up_is_not_on_duty(handoffs: Handoffs) -> None:
    with handoffs.presence.present("ana"):
        assert handoffs.presence.on_duty() == []
        handoffs.presence.set_duty("ana", True)
        assert handoffs.presence.on_duty() == ["ana"]
        handoffs.presence.set_duty("ana", False)
        assert handoffs.presence.on_duty() == []


async def test_a_volunteer_on_duty_may_go_from_page_to_page_but_not_away(handoffs: Handoffs, clock: Clock) -> None:
    with handoffs.presence.present("ana", on_duty=True):
        pass
    clock.now += BETWEEN_PAGES
    assert handoffs.presence.on_duty() == ["ana"]
    with handoffs.presence.present("ana"):
        clock.now += 600
        assert handoffs.presence.on_duty() == ["ana"]
    clock.now += BETWEEN_PAGES + 1
    assert handoffs.presence.on_duty() == []
    clock.now += GRACE
    await handoffs.tick(emergency)
    with handoffs.presence.present("ana"):  # who comes back after that says so again
        assert handoffs.presence.on_duty() == []


async def test_a_conversation_waits_for_an_answer_from_the_patients_words_to_the_volunteers(handoffs: Handoffs) -> None:
    one = await asked(handoffs)
    await handoffs.claim(one.id, "ana")
    await handoffs.said(one, "hello?", None)
    assert handoffs.held_by("ana")[0].unanswered
    await handoffs.seen_alert(one.id, "ana")
    assert handoffs.held_by("ana")[0].unanswered
    await handoffs.say(one.id, "ana", "1", {"text": "yes"})
    assert not handoffs.held_by("ana")[0].unanswered


async def test_a_conversation_is_passed_to_a_colleague_on_duty_only(handoffs: Handoffs) -> None:
    one = await asked(handoffs)
    await handoffs.claim(one.id, "ana")
    assert not await handoffs.transfer(one.id, "ana", "ben")
    with handoffs.presence.present("ben", on_duty=True):
        assert not await handoffs.transfer(one.id, "cleo", "ben")
        assert await handoffs.transfer(one.id, "ana", "ben")
    assert [held.id for held in handoffs.held_by("ben")] == [one.id]
    assert await told(handoffs, one.id) == ["handoff_joined", "handoff_passed"]


async def test_after_a_day_a_conversation_is_gone_whoever_holds_it(handoffs: Handoffs, clock: Clock) -> None:
    one = await asked(handoffs)
    with handoffs.presence.present("ana", on_duty=True):
        await handoffs.claim(one.id, "ana")
        clock.now += HELD_FOR + 1
        await handoffs.acted("ana")
        await handoffs.tick(emergency)
    assert await told(handoffs, one.id) == ["handoff_ended"]


@pytest.mark.parametrize("hours", [0, 20])
async def test_that_it_has_ended_can_still_be_told_where_a_channel_may_write_for_a_day(handoffs: Handoffs, clock: Clock, hours: int) -> None:
    """WhatsApp lets us write for 24 hours after a person's last message; each message of theirs begins them anew."""
    carried: list[Handoff] = []

    async def carry(handoff: Handoff, line: Line) -> None:
        carried.append(handoff)

    await handoffs.carry_by("whatsapp", carry)
    one, _ = await handoffs.ask("whatsapp", "somebody", "ar", "", False, None, {"to": "447700900123", "at": clock.now})
    with handoffs.presence.present("ana", on_duty=True):
        await handoffs.claim(one.id, "ana")
        clock.now += hours * 3600
        if hours:
            assert await handoffs.said(one, "are you there?", None, only_held=True, address={"to": "447700900123", "at": clock.now})
        clock.now += HELD_FOR + 1 - hours * 3600
        await handoffs.acted("ana")
        await handoffs.tick(emergency)
    assert handoffs.of("somebody") is None
    assert clock.now < carried[-1].address["at"] + 24 * 3600
    assert carried[-1].address["at"] == clock.now - (HELD_FOR + 1) + hours * 3600


async def test_a_page_follows_what_is_said_and_goes_on_after_a_break(handoffs: Handoffs) -> None:
    one, ticket = await handoffs.ask("web", "somebody", "ar", "", False, None, {})
    assert (await handoffs.followed(ticket) or one).id == one.id
    assert await handoffs.followed("another ticket") is None
    seen: list[Line] = []

    async def follow(after: int) -> None:
        async for line in handoffs.follow(one.id, after):
            if line:
                seen.append(line)

    page = asyncio.create_task(follow(0))
    await asyncio.sleep(0)
    await handoffs.claim(one.id, "ana")
    await handoffs.say(one.id, "ana", "1", {"text": "hello"})
    while len(seen) < 2:
        await asyncio.sleep(0.01)
    page.cancel()  # the network breaks
    await handoffs.say(one.id, "ana", "2", {"text": "are you there?"})
    await handoffs.end(one.id, "ana", "handoff_ended")
    await asyncio.wait_for(follow(seen[-1].id), 5)
    assert [line.content.get("notice") or line.content["text"] for line in seen] == ["handoff_joined", "hello", "are you there?", "handoff_ended"]


async def test_what_a_channel_without_a_page_was_not_brought_is_brought_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    brought: list[Any] = []

    async def breaks(handoff: Handoff, line: Line) -> None:
        raise OSError("no disk")

    async def carries(handoff: Handoff, line: Line) -> None:
        brought.append((handoff.person, line.content))

    before = Handoffs(tmp_path / "handoffs.sqlite", KEY, clock)
    await before.carry_by("sms", breaks)
    one = await asked(before, channel="sms")
    await before.claim(one.id, "ana")
    await before.close()
    after = Handoffs(tmp_path / "handoffs.sqlite", KEY, clock)
    await after.carry_by("whatsapp", carries)
    assert brought == []
    await after.carry_by("sms", carries)
    await after.say(one.id, "ana", "1", {"text": "hello"})
    assert brought == [("somebody", {"notice": "handoff_joined"}), ("somebody", {"text": "hello"})]
    await after.close()
