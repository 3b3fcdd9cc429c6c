"""What is due for review, and a check as a patch that changes days only."""

from __future__ import annotations

import subprocess
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest
import yaml

from bot import house
from bot.desk.accounts import Session
from bot.desk.due import AHEAD, ROUTES, checked, file_of, to_check, why_not
from bot.desk.views import NotPossible, shown
from bot.knowledge import Knowledge, load

ANA = Session("ana", "volunteer", "a-token", None)
NAMES = sorted(path.stem for folder in ("facts", "services", "clinics") for path in (house.DATA / folder).glob("*.yml"))


def test_what_falls_due_within_the_month_is_listed_from_that_day_on(knowledge: Knowledge) -> None:
    thing = knowledge.services["dotw-advice-line"]
    listed = thing.review_by - timedelta(days=AHEAD)
    assert thing in [one.thing for one in to_check(knowledge, listed)]
    assert thing not in [one.thing for one in to_check(knowledge, listed - timedelta(days=1))]


def test_what_is_overdue_comes_first(knowledge: Knowledge) -> None:
    days = [one.days for one in to_check(knowledge, date(2027, 1, 1))]
    assert days == sorted(days)
    assert days[0] < 0


@pytest.mark.parametrize("name", NAMES)
def test_a_patch_applies_with_git_and_changes_days_only(name: str, tmp_path: Path) -> None:
    path = file_of(name, house.DATA)
    relative, today = path.relative_to(house.ROOT), date(2027, 3, 4)
    copy = tmp_path / relative
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    patch = tmp_path / "checked.patch"
    patch.write_text(checked(path.read_text(encoding="utf-8"), relative.as_posix(), "ana", today), encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "checked.patch"], cwd=tmp_path, check=True)
    before, after = (yaml.safe_load(one.read_text(encoding="utf-8")) for one in (path, copy))
    assert after.pop("read") == today
    assert after.pop("review_by") - today == before.pop("review_by") - before.pop("read")
    for source, was in zip(after["sources"], before["sources"]):
        assert source.pop("read") == (today if "url" in source else was["read"]), "a source without a link cannot have been opened"
        was.pop("read")
    assert after == before


@pytest.mark.parametrize(
    "text",
    [
        "# read: 2026-01-01\nread: 2026-01-01 # ours\nreview_by: '2026-07-01'\nsources:\n  - {title: A, url: https://a.example, read: 2026-01-01}\n",
        "note: >-\n  read: 2026-01-01\nread: 2026-01-01\nreview_by: '2026-07-01'\nsources: [{url: https://a.example, read: 2026-01-01}]",
        "note: \"a\u2028b\"\r\nread: 2026-01-01\r\nreview_by: '2026-07-01'\r\nsources:\r\n  - url: https://a.example\r\n    read: 2026-01-01\r\n",
    ],
    ids=[
        "a mapping on one line, a comment, quotes",
        "a note that looks like a day, no last line feed",
        "lines that end as in Windows, a line separator",
    ],
)
def test_a_day_is_moved_however_it_is_written_and_nothing_else(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_bytes(text.encode())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "-"], input=checked(text, "x.yml", "ana", date(2027, 3, 4)).encode(), cwd=tmp_path, check=True)
    before, after = yaml.safe_load(text), yaml.safe_load((tmp_path / "x.yml").read_bytes())
    assert after["read"] == after["sources"][0]["read"] == date(2027, 3, 4)
    assert after["review_by"] == "2027-09-01"
    assert after.get("note") == before.get("note")
    assert (tmp_path / "x.yml").read_bytes().count(b"\r") == text.count("\r")


def test_a_check_is_recorded_only_where_days_alone_change(knowledge: Knowledge) -> None:
    fact = knowledge.facts["gp-anyone-england"]
    assert why_not(fact, fact.read + timedelta(days=1)) is None
    assert "read today" in (why_not(fact, fact.read) or "")
    later = date(2027, 3, 4)
    assert "No source was seen" in (why_not(knowledge.facts["prescriptions-unverified"], later) or "")
    assert "No link" in (why_not(knowledge.facts["stat-death-reported"], later) or "")


def test_the_data_can_be_used_after_all_patches(tmp_path: Path, knowledge: Knowledge) -> None:
    subprocess.run(["cp", "-r", str(house.DATA), str(tmp_path / "data")], check=True)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for name in NAMES:
        path = file_of(name, house.DATA)
        patch = checked(path.read_text(encoding="utf-8"), path.relative_to(house.ROOT).as_posix(), "ana", date(2027, 3, 4))
        subprocess.run(["git", "apply", "-"], input=patch.encode(), cwd=tmp_path, check=True)
    assert to_check(load(tmp_path / "data"), date(2027, 3, 4), ahead=0) == []
    assert to_check(knowledge, date(2027, 3, 4), ahead=0) != []


@pytest.mark.parametrize("name", ["nothing", "../messages", "", "a/b", "ask_gp_safe"])
def test_a_name_of_no_fact_is_refused(name: str) -> None:
    with pytest.raises(NotPossible, match="no fact, service or clinic"):
        file_of(name, house.DATA)


def test_the_page_shows_each_with_its_sources_and_its_patch(knowledge: Knowledge) -> None:
    things = to_check(knowledge, date(2027, 1, 1))
    page = (shown("due.html", ANA, here="/desk/due", things=things, ahead=AHEAD).body or b"").decode()
    assert "Overdue since 22 December 2026" in page
    assert all((f"/desk/due/patch?name={one.thing.name}" in page) == (one.why_not is None) for one in things)
    assert any(one.why_not is None for one in things)


async def test_the_patch_is_given_as_a_file_and_noted_and_one_that_changes_nothing_is_refused(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = next(route.handler for route in ROUTES if route.path == "/due/patch")
    desk = cast(Any, SimpleNamespace(mind=SimpleNamespace(knowledge=knowledge), accounts=SimpleNamespace(note=AsyncMock())))
    request = cast(Any, SimpleNamespace(args={"name": "gp-anyone-england"}))
    monkeypatch.setenv("CONFIDE_TODAY", "2026-11-22")
    with pytest.raises(NotPossible, match="read today"):
        await patch(request, desk, ANA)
    desk.accounts.note.assert_not_awaited()
    monkeypatch.setenv("CONFIDE_TODAY", "2026-11-23")
    response = await patch(request, desk, ANA)
    assert response.headers["Content-Disposition"] == 'attachment; filename="checked-gp-anyone-england.patch"'
    assert b"+read: 2026-11-23" in (response.body or b"")
    desk.accounts.note.assert_awaited_once_with("ana", "checked", "gp-anyone-england")
