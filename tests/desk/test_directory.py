"""The directory: by place and need, near ones first, what is unverified marked so."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import house
from bot.desk.accounts import Session
from bot.desk.directory import NEEDS, looked_for
from bot.desk.views import NotPossible, shown
from bot.knowledge import NATIONS, Knowledge

ANA = Session("ana", "volunteer", "a-token", None)


def test_every_kind_of_service_is_a_need_that_can_be_chosen(knowledge: Knowledge) -> None:
    assert {service.kind for service in knowledge.services.values()} <= set(NEEDS)


def test_a_caller_in_london_is_shown_the_clinic_there_first(knowledge: Knowledge, today: date) -> None:
    found = looked_for(knowledge, "Stratford, London", "clinic", today)
    assert found.place == "London, England"
    found = looked_for(knowledge, "London", "", today)
    assert found.entries[0].is_near
    assert found.entries[0].service.place["region"] == "london"
    assert {entry.service.kind for entry in found.entries if entry.is_near} == {"clinic"}, "nobody is sent to an office, or to what is closed"
    assert found.entries[-1].service.kind == "closed"


def test_a_caller_in_glasgow_is_shown_nothing_that_is_for_england_only(knowledge: Knowledge, today: date) -> None:
    found = looked_for(knowledge, "G12 8QQ", "", today)
    assert found.place == "Scotland"
    assert found.entries
    assert all("scotland" in entry.service.nations for entry in found.entries)


@pytest.mark.parametrize("text", ["I live in Leeds", "Leeds please"])
def test_words_around_a_place_take_nothing_away(text: str, knowledge: Knowledge, today: date) -> None:
    found = looked_for(knowledge, text, "", today)
    assert found.left_out
    assert found.entries == looked_for(knowledge, "Leeds", "", today).entries


def test_a_clinic_in_london_is_said_to_be_elsewhere_to_a_caller_in_leeds(knowledge: Knowledge, today: date) -> None:
    assert all(entry.is_elsewhere for entry in looked_for(knowledge, "Leeds", "clinic", today).entries)
    assert not any(entry.is_elsewhere for entry in looked_for(knowledge, "London", "clinic", today).entries)


def test_words_that_are_no_place_are_looked_for_in_what_a_service_does(knowledge: Knowledge, today: date) -> None:
    titles = [entry.service.title for entry in looked_for(knowledge, "samaritans", "", today).entries]
    assert titles == ["Samaritans"]


def test_what_is_not_confirmed_is_said(knowledge: Knowledge, today: date) -> None:
    clinic = next(entry for entry in looked_for(knowledge, "London", "clinic", today).entries if entry.is_near)
    assert "Nobody has called or visited it to check." in clinic.doubts
    assert "It is past the day on which it should have been checked again." not in clinic.doubts
    later = clinic.service.review_by + timedelta(days=1)
    again = next(entry for entry in looked_for(knowledge, "London", "clinic", later).entries if entry.service == clinic.service)
    assert "It is past the day on which it should have been checked again." in again.doubts


def test_a_need_that_is_none_and_too_many_letters_are_refused(knowledge: Knowledge, today: date) -> None:
    with pytest.raises(NotPossible, match="from the list"):
        looked_for(knowledge, "", "dragons", today)
    with pytest.raises(NotPossible, match="200"):
        looked_for(knowledge, "x" * 201, "", today)


@given(st.text(max_size=200))
def test_whatever_is_typed_is_looked_for(text: str) -> None:
    looked_for(house.knowledge(), text, "", date(2026, 11, 20))


def test_the_page_shows_each_with_its_number_and_when_it_was_checked(knowledge: Knowledge, today: date) -> None:
    found = looked_for(knowledge, "", "", today)
    names = {nation: nation for nation in NATIONS}
    page = (
        shown("directory.html", ANA, here="/desk/directory", given={"q": "", "need": ""}, found=found, needs=NEEDS, nations=names).body or b""
    ).decode()
    assert len(found.entries) == len(knowledge.services)
    assert page.count("<dt>Checked</dt>") == len(knowledge.services)
    assert 'href="tel:08081647686"' in page


def test_what_was_typed_comes_back_escaped(knowledge: Knowledge, today: date) -> None:
    text = "<script>alert(1)</script>"
    found = looked_for(knowledge, text, "", today)
    names = {nation: nation for nation in NATIONS}
    page = shown("directory.html", ANA, here="/desk/directory", given={"q": text, "need": ""}, found=found, needs=NEEDS, nations=names).body
    assert page and b"<script>alert" not in page
    assert b"Nothing found" in page
