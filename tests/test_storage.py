"""What is kept on disk: whole, readable with its key only, and gone when it is deleted."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bot import storage
from bot.channels.limits import Limits
from bot.channels.outbox import Outbox
from bot.handoffs import Handoffs
from bot.storage import Storage, installation_key, sealing_key

TABLES = "CREATE TABLE IF NOT EXISTS words (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL);"


async def test_what_is_deleted_is_in_no_file_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's write-ahead log would hold it still."""
    monkeypatch.setattr(storage, "TRUNCATE_AFTER", 0.05)
    kept = Storage(tmp_path / "words.sqlite", sealing_key("k"), TABLES)
    sealed = kept.seal({"text": "my daughter coughs"})
    await kept.run(lambda: kept.base.execute("INSERT INTO words (sealed) VALUES (?)", (sealed,)))
    await kept.run(lambda: kept.base.execute("DELETE FROM words"))

    def lies_somewhere() -> bool:
        return any(sealed in path.read_bytes() for path in tmp_path.iterdir())

    for _ in range(200):
        if not lies_somewhere():
            break
        await asyncio.sleep(0.05)
    assert not lies_somewhere()
    await kept.close()


async def test_what_was_sealed_with_another_key_is_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Who changes CONFIDE_KEY starts anew; the server starts all the same."""
    outbox = Outbox(tmp_path / "sms.sqlite", sealing_key("one"))
    await outbox.accept("sms", "SM1", "person", {"text": "hello"})
    await outbox.close()
    handoffs = Handoffs(tmp_path / "handoffs.sqlite", sealing_key("one"))
    await handoffs.ask("web", "person", "en", "", False, None, {})
    await handoffs.close()
    outbox = Outbox(tmp_path / "sms.sqlite", sealing_key("two"))
    assert await outbox.left_over() == ([], [])
    await outbox.close()
    handoffs = Handoffs(tmp_path / "handoffs.sqlite", sealing_key("two"))
    assert handoffs.waiting() == []
    await handoffs.ask("web", "person", "en", "", False, None, {})
    await handoffs.close()
    assert caplog.text.count("sealed with another CONFIDE_KEY") == 2


def test_an_empty_key_is_refused_and_a_new_one_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONFIDE_KEY", raising=False)
    monkeypatch.setenv("CONFIDE_STATE", str(tmp_path))
    made = installation_key()
    assert len(made) > 40
    assert installation_key() == made
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0
    (tmp_path / "key").write_text("")
    with pytest.raises(OSError, match="is empty; restore it"):
        installation_key()


def test_who_has_written_nothing_for_a_minute_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(5, 5)
    for number in range(50):
        assert limits.wait(f"sender {number}", "address") == (0 if number < 5 else limits.wait("another", "address"))
    for event in (event for events in limits._storage.events.values() for event in events):
        event.expiry -= 100
    limits._swept -= 100
    limits.expire()
    assert limits._storage.events == {}


async def test_a_file_that_another_program_reads_does_not_stop_the_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "TRUNCATE_AFTER", 0.01)
    kept = Storage(tmp_path / "words.sqlite", sealing_key("k"), TABLES)
    other = sqlite3.connect(tmp_path / "words.sqlite")
    for _ in range(3):
        await kept.run(lambda: kept.base.execute("INSERT INTO words (sealed) VALUES (x'00')"))
        assert other.execute("SELECT COUNT(*) FROM words").fetchone()
        await asyncio.sleep(0.03)
    assert await kept.run(lambda: kept.base.execute("SELECT COUNT(*) FROM words").fetchone()[0]) == 3
    other.close()
    await kept.close()
