"""Who may enter the desk, and what nobody learns by trying."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from bot.desk import accounts as module
from bot.desk.accounts import IDLE, LONGEST_LOCK, WHOLE, Accounts, BadAccount, NotEntered
from bot.storage import sealing_key

from .conftest import KEY, PASSWORD, Clock, Member

HOUR = 3600
HASHER = module._HASHER


async def refused(accounts: Accounts, name: str, password: str, code: str) -> NotEntered:
    with pytest.raises(NotEntered) as caught:
        await accounts.enter(name, password, code)
    return caught.value


async def locks(accounts: Accounts, name: str) -> int:
    """Fail until the name is locked; for how long it then is."""
    for _ in range(5):
        wait = (await refused(accounts, name, "not this one at all", "000000")).wait_seconds
    return wait


# Accounts


async def test_there_is_a_desk_once_there_is_an_account(accounts: Accounts) -> None:
    assert not await accounts.exist()
    await accounts.add("Anna", PASSWORD)
    assert await accounts.exist()
    await accounts.remove("anna")
    assert not await accounts.exist()


async def test_what_another_process_does_is_noticed_within_two_seconds(accounts: Accounts, clock: Clock, tmp_path: Path) -> None:
    assert not await accounts.exist()
    command_line = Accounts(tmp_path / "desk.sqlite", KEY, clock)
    address = await command_line.add("Anna", PASSWORD)
    await asyncio.sleep(1.1)
    assert await accounts.exist()
    token = await Member(accounts, clock, "Anna", address).enters()
    assert await accounts.session(token)
    await command_line.remove("Anna")
    await command_line.close()
    await asyncio.sleep(1.1)
    assert await accounts.session(token) is None
    assert not await accounts.exist()


@pytest.mark.parametrize("name", ["", " ", "-anna", "anna:x", "<b>", "a" * 65, "anna?", "\ud800"], ids=ascii)
async def test_a_malformed_name_is_refused(name: str, accounts: Accounts) -> None:
    with pytest.raises(BadAccount, match="no name for an account"):
        await accounts.add(name, PASSWORD)


@pytest.mark.parametrize("name", ["anna", "ANNA", " Anna ", "Ａnna"])
async def test_a_name_is_taken_however_it_is_written(name: str, anna: Member) -> None:
    with pytest.raises(BadAccount, match="already"):
        await anna.accounts.add(name, PASSWORD)


@pytest.mark.parametrize("name", ["anna@example.org", "Zoë O'Neill", "Đặng", "7"])
async def test_people_have_their_own_names(name: str, accounts: Accounts, clock: Clock) -> None:
    member = Member(accounts, clock, name, await accounts.add(name, PASSWORD))
    session = await accounts.session(await member.enters())
    assert session and (session.name, session.role) == (name, "volunteer")


async def test_a_password_has_twelve_letters_at_least(accounts: Accounts) -> None:
    with pytest.raises(BadAccount, match="at least 12"):
        await accounts.add("Anna", "eleven lett")
    await accounts.add("Anna", "twelve lette")


async def test_a_role_is_one_of_two(accounts: Accounts) -> None:
    with pytest.raises(BadAccount, match="no role"):
        await accounts.add("Anna", PASSWORD, "owner")


def test_passwords_are_hashed_as_the_argon2_rfc_says() -> None:
    """RFC 9106, 4: argon2id, three passes over 64 MiB in four lanes."""
    assert HASHER.hash("x").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_neither_password_nor_secret_nor_token_lies_in_the_file(anna: Member, tmp_path: Path) -> None:
    token = await anna.enters()
    secret = anna.address.split("secret=")[1].split("&")[0]
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"$argon2id$" in content
    assert not [word for word in (PASSWORD, secret, token) if word.encode() in content]


async def test_who_is_not_there_can_be_neither_removed_nor_reset(accounts: Accounts) -> None:
    with pytest.raises(BadAccount, match="no account named 'Bo'"):
        await accounts.remove("Bo")
    with pytest.raises(BadAccount, match="no account named 'Bo'"):
        await accounts.reset("Bo", PASSWORD)


async def test_accounts_are_listed_with_role_last_use_and_lock(anna: Member) -> None:
    await anna.accounts.add("Bo", PASSWORD)
    await anna.enters()
    assert await locks(anna.accounts, "bo") == 30
    first, second = await anna.accounts.accounts()
    assert (first.name, first.role, first.seen, first.locked_until) == ("Anna", "editor", anna.clock.now, None)
    assert (second.name, second.role, second.seen, second.locked_until) == ("Bo", "volunteer", None, anna.clock.now + 30)


# Entering


async def test_the_right_name_password_and_code_give_a_session(anna: Member) -> None:
    session = await anna.accounts.session(await anna.enters())
    assert session is not None
    assert (session.name, session.role, session.last_visit, session.began) == ("Anna", "editor", None, anna.clock.now)
    assert len(session.csrf) >= 40
    assert await anna.accounts.session("another") is None
    assert await anna.accounts.session("\udcff") is None


async def test_every_session_has_its_own_token_and_form_token(anna: Member) -> None:
    one, two = [await anna.accounts.session(await anna.enters()) for _ in range(2)]
    assert one and two and one.csrf != two.csrf
    assert len(set(anna.sessions)) == 2


@pytest.mark.parametrize("write", [lambda code: f" {code[:3]} {code[3:]} ", lambda code: code.translate({48 + n: 0x660 + n for n in range(10)})])
async def test_a_code_may_be_typed_with_spaces_and_in_any_digits(write: object, anna: Member) -> None:
    assert callable(write)
    assert await anna.accounts.enter("anna", PASSWORD, write(anna.code))


async def test_a_password_is_the_same_on_every_keyboard(accounts: Accounts, clock: Clock) -> None:
    address = await accounts.add("Zoe", "cafe\u0301 cafe\u0301 cafe\u0301")
    assert await Member(accounts, clock, "Zoe", address, "caf\u00e9 caf\u00e9 caf\u00e9").enters()


async def test_a_clock_may_be_half_a_minute_off_and_no_more(anna: Member) -> None:
    for off in (-60, 60):
        anna.clock.goes(off)
        code = anna.code
        anna.clock.goes(-off)
        assert (await refused(anna.accounts, "Anna", PASSWORD, code)).wait_seconds == 0
    for off in (-30, 30):
        anna.clock.goes(off)
        code = anna.code
        anna.clock.goes(-off)
        assert await anna.accounts.enter("Anna", PASSWORD, code)


async def test_a_code_works_once_and_none_before_it_afterwards(anna: Member) -> None:
    before = anna.code
    anna.clock.goes(30)
    code = anna.code
    assert await anna.accounts.enter("Anna", PASSWORD, code)
    await refused(anna.accounts, "Anna", PASSWORD, code)
    await refused(anna.accounts, "Anna", PASSWORD, before)


async def test_a_code_that_comes_many_times_in_one_moment_works_once(anna: Member) -> None:
    tries = [anna.accounts.enter("Anna", PASSWORD, anna.code) for _ in range(4)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, str) for one in found) == 1


async def test_a_used_code_stays_used_when_the_server_starts_again(anna: Member, clock: Clock, tmp_path: Path) -> None:
    code = anna.code
    token = await anna.accounts.enter("Anna", PASSWORD, code)
    after = Accounts(tmp_path / "desk.sqlite", KEY, clock)
    await refused(after, "Anna", PASSWORD, code)
    assert await after.session(token), "and who is signed in stays so"
    await after.close()


# What nobody learns


async def test_all_refusals_read_alike_and_cost_one_hash_each(anna: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes: list[str] = []
    matches = module._matches
    monkeypatch.setattr(module, "_matches", lambda hashed, password: hashes.append(hashed) or matches(hashed, password))
    tries = {
        "unknown": ("Bo", PASSWORD, anna.code),
        "password": ("Anna", "not this one at all", anna.code),
        "code": ("Anna", PASSWORD, anna.wrong_code),
        "nothing": ("", "", ""),
        "odd": ("\udcff", "\udcff", "\udcff"),
    }
    said = {why: await refused(anna.accounts, *given) for why, given in tries.items()}
    assert len({(str(error), error.wait_seconds) for error in said.values()}) == 1
    assert len(hashes) == len(tries)
    assert len({hashed.rsplit("$", 2)[0] for hashed in hashes}) == 1, "and the hashes cost the same"
    hashes.clear()
    waits = {name: await locks(anna.accounts, name) for name in ("Bo", "Anna")}
    assert len(hashes) == 10
    locked = await refused(anna.accounts, "Anna", PASSWORD, anna.code)
    assert len(hashes) == 11
    assert str(locked) == str(said["unknown"])
    assert locked.wait_seconds == waits["Anna"]


async def test_a_name_that_is_none_is_locked_like_one_that_is(anna: Member) -> None:
    for tries in range(8):
        one, other = [(await refused(anna.accounts, name, "not this one at all", "000000")).wait_seconds for name in ("Anna", "Bo")]
        assert one == other, f"after {tries + 1} tries"
        anna.clock.goes(one)


async def test_at_most_two_passwords_are_hashed_at_a_time(anna: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    now, most = 0, 0

    async def counted(*_: object) -> bool:
        nonlocal now, most
        now, most = now + 1, max(most, now + 1)
        await asyncio.sleep(0.01)
        now -= 1
        return False

    monkeypatch.setattr(module.asyncio, "to_thread", counted)
    found = await asyncio.gather(*(anna.accounts.enter(f"name {n}", PASSWORD, "000000") for n in range(50)), return_exceptions=True)
    assert all(isinstance(one, NotEntered) for one in found)
    assert most == 2
    assert sum(one.wait_seconds == 5 for one in found if isinstance(one, NotEntered)) == 50 - 32, "more than 32 do not wait in line"


# Locks


async def test_five_failures_lock_for_30_seconds_also_against_the_right_password(anna: Member) -> None:
    assert await locks(anna.accounts, "Anna") == 30
    assert (await refused(anna.accounts, "Anna", PASSWORD, anna.code)).wait_seconds == 30
    anna.clock.goes(29)
    assert (await refused(anna.accounts, "Anna", PASSWORD, anna.code)).wait_seconds == 1
    anna.clock.goes(1)
    assert await anna.accounts.enter("Anna", PASSWORD, anna.code)


async def test_each_further_failure_doubles_the_lock_to_an_hour_at_most(accounts: Accounts, clock: Clock) -> None:
    waits = [await locks(accounts, "Anna")]
    for _ in range(8):
        clock.goes(waits[-1])
        waits.append((await refused(accounts, "Anna", "not this one at all", "000000")).wait_seconds)
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, LONGEST_LOCK]


async def test_failures_while_locked_do_not_lengthen_the_lock(accounts: Accounts) -> None:
    assert {await locks(accounts, "Anna"), await locks(accounts, "Anna")} == {30}


async def test_success_starts_the_count_anew(anna: Member) -> None:
    for _ in range(2):
        for _ in range(4):
            assert (await refused(anna.accounts, "Anna", PASSWORD, "")).wait_seconds == 0
        assert await anna.enters()


async def test_tries_all_at_once_are_counted_and_the_right_one_among_them_is_not_let_in(anna: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly_if_right(_: str, password: str) -> bool:
        time.sleep(0.3 if password == PASSWORD else 0)
        return password == PASSWORD

    monkeypatch.setattr(module, "_matches", slowly_if_right)
    given = [PASSWORD, *["not this one at all"] * 7]
    found = await asyncio.gather(*(anna.accounts.enter("Anna", password, anna.code) for password in given), return_exceptions=True)
    assert [one.wait_seconds for one in found if isinstance(one, NotEntered)] == [30, 0, 0, 0, 0, 30, 30, 30]


async def test_who_hangs_up_is_counted_all_the_same(anna: Member) -> None:
    for _ in range(5):
        trying = asyncio.ensure_future(anna.accounts.enter("Anna", "not this one at all", "000000"))
        await asyncio.sleep(0)
        trying.cancel()
    while anna.accounts._entering:
        await asyncio.sleep(0.01)
    assert (await refused(anna.accounts, "Anna", PASSWORD, anna.code)).wait_seconds == 30


async def test_a_lock_outlives_the_process(anna: Member, clock: Clock, tmp_path: Path) -> None:
    await locks(anna.accounts, "Anna")
    after = Accounts(tmp_path / "desk.sqlite", KEY, clock)
    assert (await refused(after, "Anna", PASSWORD, anna.code)).wait_seconds == 30
    await after.close()


async def test_failures_are_forgotten_after_a_day_and_the_oldest_of_too_many(
    accounts: Accounts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept() -> int:
        return int(accounts.base.execute("SELECT count(*) FROM failures").fetchone()[0])

    monkeypatch.setattr(module, "_MOST_FAILING", 2)
    for name in ("a", "b", "c"):
        clock.goes(1)
        await refused(accounts, name, "not this one at all", "000000")
    await accounts.expire()
    assert kept() == 2
    clock.goes(24 * HOUR)
    assert await locks(accounts, "c") == 30, "five anew"
    await accounts.expire()
    assert kept() == 1


async def test_a_reset_lifts_the_lock_and_ends_the_sessions_and_the_old_password(anna: Member) -> None:
    token, old = await anna.enters(), anna.address
    await locks(anna.accounts, "Anna")
    anna.address = await anna.accounts.reset("anna", "another four words")
    assert anna.address != old
    assert await anna.accounts.session(token) is None
    await refused(anna.accounts, "Anna", PASSWORD, anna.code)
    anna.password = "another four words"
    assert await anna.accounts.session(await anna.enters())


async def test_accounts_sealed_with_another_key_are_refused_and_the_log_says_why(
    anna: Member, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = Accounts(tmp_path / "desk.sqlite", sealing_key("another key"), clock)
    await refused(other, "Anna", PASSWORD, anna.code)
    await other.close()
    assert "another CONFIDE_KEY" in caplog.text
    assert "Anna" not in caplog.text


# Sessions


async def test_a_session_ends_after_half_an_hour_without_use(anna: Member) -> None:
    token = await anna.enters()
    for _ in range(3):
        anna.clock.goes(IDLE)
        assert await anna.accounts.session(token)
    anna.clock.goes(IDLE + 1)
    assert await anna.accounts.session(token) is None


async def test_a_session_ends_after_twelve_hours_however_much_it_is_used(anna: Member) -> None:
    token = await anna.enters()
    for _ in range(WHOLE // 600):
        anna.clock.goes(600)
        assert await anna.accounts.session(token)
        await anna.accounts.expire()
    anna.clock.goes(1)
    assert await anna.accounts.session(token) is None


async def test_a_page_that_stays_open_sees_its_session_end_and_does_not_keep_it(anna: Member) -> None:
    for end in (anna.accounts.leave, lambda _: anna.accounts.leave_everywhere("Anna"), None):
        token = await anna.enters()
        session = await anna.accounts.session(token)
        assert session and await anna.accounts.is_valid(session)
        if end:
            await end(token)
        else:
            for _ in range(2):
                anna.clock.goes(IDLE / 2)
                assert await anna.accounts.is_valid(session)
            anna.clock.goes(1)
        assert not await anna.accounts.is_valid(session)


async def test_sweeping_ends_no_session_that_is_in_use(anna: Member) -> None:
    token = await anna.enters()
    anna.clock.goes(59)
    assert await anna.accounts.session(token)
    anna.clock.goes(IDLE)
    await anna.accounts.expire()
    assert await anna.accounts.session(token)
    anna.clock.goes(IDLE + 61)
    await anna.accounts.expire()
    assert anna.accounts.base.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


async def test_use_is_written_once_a_minute_at_most(anna: Member) -> None:
    token = await anna.enters()
    before = anna.accounts.base.total_changes
    for _ in range(50):
        anna.clock.goes(1)
        assert await anna.accounts.session(token)
    assert anna.accounts.base.total_changes == before
    anna.clock.goes(10)
    assert await anna.accounts.session(token)
    assert anna.accounts.base.total_changes > before


async def test_signing_out_ends_this_session_at_once_and_no_other(anna: Member) -> None:
    one, two = await anna.enters(), await anna.enters()
    await anna.accounts.leave(one)
    assert await anna.accounts.session(one) is None
    assert await anna.accounts.session(two)
    await anna.accounts.leave("unknown")


async def test_signing_out_everywhere_ends_every_session_of_one_person(anna: Member) -> None:
    bo = Member(anna.accounts, anna.clock, "Bo", await anna.accounts.add("Bo", PASSWORD))
    theirs = await bo.enters()
    for _ in range(3):
        await anna.enters()
    await anna.accounts.leave_everywhere("Anna")
    assert [await anna.accounts.session(token) for token in anna.sessions] == [None] * 3
    assert await anna.accounts.session(theirs)


async def test_who_is_removed_is_out_at_once(anna: Member) -> None:
    token = await anna.enters()
    await anna.accounts.remove("Anna")
    assert await anna.accounts.session(token) is None
    await refused(anna.accounts, "Anna", PASSWORD, anna.code)


@pytest.mark.parametrize("how", ["signed out", "timed out", "still open"])
async def test_a_session_knows_when_the_visit_before_it_ended(how: str, anna: Member) -> None:
    token = await anna.enters()
    anna.clock.goes(100)
    assert await anna.accounts.session(token)
    anna.clock.goes(30)
    assert await anna.accounts.session(token)
    ended = anna.clock.now
    if how == "signed out":
        await anna.accounts.leave(token)
    if how == "timed out":
        anna.clock.goes(24 * HOUR)
        await anna.accounts.expire()
        ended -= 30  # what was written last, within a minute of it
    session = await anna.accounts.session(await anna.enters())
    assert session is not None
    assert session.last_visit == ended


async def test_whom_the_proxy_identifies_enters_only_with_an_account(anna: Member) -> None:
    session = await anna.accounts.session(await anna.accounts.enter_trusted("ANNA"))
    assert session and session.name == "Anna"
    with pytest.raises(NotEntered):
        await anna.accounts.enter_trusted("Bo")


# Audit


async def test_what_was_done_is_noted_newest_first_and_without_content(anna: Member) -> None:
    token = await anna.enters()
    await anna.accounts.leave(token)
    await anna.enters()
    await anna.accounts.leave_everywhere("anna")
    await anna.accounts.note("Anna", "chat taken", "chat 7")
    await refused(anna.accounts, "anna", "my secret password", "123456")
    await refused(anna.accounts, "my secret password", PASSWORD, "123456")
    await anna.accounts.reset("anna", PASSWORD)
    await anna.accounts.remove("anna")
    noted = await anna.accounts.audit()
    assert [(one.name, one.what, one.which) for one in reversed(noted)] == [
        ("Anna", "account added", "editor"),
        ("Anna", "signed in", ""),
        ("Anna", "signed out", ""),
        ("Anna", "signed in", ""),
        ("Anna", "signed out everywhere", ""),
        ("Anna", "chat taken", "chat 7"),
        ("Anna", "sign-in refused", ""),
        ("", "sign-in refused", "no such account"),
        ("Anna", "account reset", ""),
        ("Anna", "account removed", ""),
    ]
    assert noted[0].at == anna.clock.now
    assert len(await anna.accounts.audit(newest=3)) == 3


async def test_a_name_that_is_none_is_written_nowhere(accounts: Accounts, tmp_path: Path) -> None:
    await locks(accounts, "typed my password here")
    assert b"typed my password" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


async def test_whoever_tries_names_that_are_none_cannot_fill_the_audit(accounts: Accounts, clock: Clock) -> None:
    for n in range(5):
        await refused(accounts, f"name {n}", PASSWORD, "000000")
    assert len(await accounts.audit()) == 1
    clock.goes(600)
    await refused(accounts, "name 9", PASSWORD, "000000")
    assert len(await accounts.audit()) == 2


async def test_notes_are_kept_for_400_days(accounts: Accounts, clock: Clock) -> None:
    await accounts.note("Anna", "looked up")
    clock.goes(400 * 24 * HOUR)
    await accounts.expire()
    assert len(await accounts.audit()) == 1
    clock.goes(1)
    await accounts.expire()
    assert await accounts.audit() == []
