"""Days as people count them at home: said beside the Gregorian date, and understood."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import calendars, dates, languages
from bot.knowledge import Knowledge, Period
from bot.replies import compose

TODAY = date(2026, 11, 22)
OWN = ("fa", "fa_AF", "am", "ti")


@pytest.mark.parametrize("language", OWN)
@given(day=st.dates(date(1948, 7, 5), date(2060, 1, 1)))
def test_a_day_comes_back_from_the_calendar_as_it_went_in(language: str, day: date) -> None:
    calendar = calendars.of_language(language)
    assert calendar.day(*calendar.of(day)) == day


@pytest.mark.parametrize(
    ("language", "said"),
    [("fa", "19 اردیبهشت 1397"), ("fa_AF", "19 ثور 1397"), ("am", "1 ግንቦት 2010 ዓ.ም."), ("ti", "1 ግንቦት 2010 ግእዝ")],
)
def test_the_day_the_agreement_was_narrowed_is_said_in_both_calendars(language: str, said: str) -> None:
    both = languages.in_both_calendars(date(2018, 5, 9), language)
    assert said in both
    assert both.startswith(languages.in_words(date(2018, 5, 9), language))


def test_a_month_and_a_year_reach_over_two_of_the_other_calendar() -> None:
    assert languages.in_both_calendars(Period.parse("2018-05"), "fa").endswith("(اردیبهشت – خرداد 1397)")
    assert languages.in_both_calendars(Period.parse("2018"), "fa").endswith("(1396–1397)")


def test_languages_of_one_calendar_say_one_date() -> None:
    assert languages.in_both_calendars(date(2018, 5, 9), "ar") == languages.in_words(date(2018, 5, 9), "ar")


def test_a_text_message_says_one_date_because_it_is_short(knowledge: Knowledge) -> None:
    reply = compose(knowledge, "ask_mou_now", TODAY, "fa", "england")
    assert "1397" in " ".join(reply.paragraphs)
    assert "1397" not in " ".join(reply.short)


@pytest.mark.parametrize(
    ("language", "text", "period"),
    [
        ("fa", "در اردیبهشت ۱۳۹۷ قانون چه بود", ("2018-04-21", "2018-05-21")),
        ("fa", "سال ۱۳۹۶ چی بود", ("2017-03-21", "2018-03-20")),
        ("fa", "۱۳۹۷/۲/۱۹", ("2018-05-09", "2018-05-09")),
        ("fa", "در سال ۲۰۱۷ چه بود", ("2017-01-01", "2017-12-31")),
        ("fa_AF", "در ثور ۱۳۹۷ قانون چه بود", ("2018-04-21", "2018-05-21")),
        ("am", "በግንቦት 2010 ሕጉ ምን ነበር", ("2018-05-09", "2018-06-07")),
        ("am", "በ2010 ዓ.ም. ምን ነበር", ("2017-09-11", "2018-09-10")),
        ("am", "በ2017 እ.ኤ.አ ምን ነበር", ("2017-01-01", "2017-12-31")),
        ("ti", "ኣብ ግንቦት 2018 እንታይ ነይሩ", ("2018-05-01", "2018-05-31")),
        ("ti", "ግንቦት 2010 ዓ.ም", ("2018-05-09", "2018-06-07")),
    ],
)
def test_a_date_is_understood_in_the_calendar_it_is_meant_in(language: str, text: str, period: tuple[str, str]) -> None:
    first, last = map(date.fromisoformat, period)
    assert dates.find(text, TODAY, language) == [Period(first, last)]


def test_a_day_that_there_is_not_is_no_date() -> None:
    with pytest.raises(ValueError, match="no day"):
        calendars.of_language("fa").day(1397, 12, 31)
    assert dates.find("۱۳۹۷/۱۳/۴۰", TODAY, "fa") == []
