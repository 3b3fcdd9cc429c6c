"""What is due for review, and a check as a patch that changes days only."""

from __future__ import annotations

import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from bot import house
from bot.desk.accounts import Session
from bot.desk.due import AHEAD, checked, file_of, to_check
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
    assert after.pop("read", today) == today
    assert after.pop("review_by") - today == before.pop("review_by") - max(source["read"] for source in before["sources"])
    before.pop("read", None)
    for one in (before, after):
        for source in one["sources"]:
            source.pop("read")
    assert after == before


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
    assert all(f"/desk/due/patch?name={one.thing.name}" in page for one in things)
