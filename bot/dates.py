"""Dates that a person writes, in words or figures: "March 2017", "9 مايو 2018", "last year", "deux mille dix-huit".

The reading is dateparser's and text2num's; here it is only found where in a message a date stands, and what is too vague is left out.
"""

from __future__ import annotations

import re
import warnings
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import Any

from . import calendars
from .knowledge import Period
from .text import fold, western_digits

_MOST = 6  # dates read in one message
_FIRST_YEAR = 1948  # the NHS began on 5 July 1948; nothing earlier is asked for
_TOKEN = re.compile(r"\d{1,4}(?:[./-]\d{1,4}){1,2}|\d+(?:st|nd|rd|th|er|º|ª)?|[^\W\d_]+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_YEAR_MONTH = re.compile(r"(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])")
_DIGITS = re.compile(r"\d")
_SPELT_THOUSAND = re.compile(r"\b(20)00 (?:and|et|y) (\d\d)\b")
_SPELT_YEAR = re.compile(r"\b(19|20) (\d\d)\b")
# dateparser's dictionaries hold these as fillers; alone they say nothing of a date.
_FILLERS = frozenset(["of", "the", "in", "on", "at", "de", "del", "le", "la", "el", "du", "en", "a", "and", "y", "et", "في", "من", "the", "to"])
# Month names differ among a language's countries: ايار in Syria and Iraq, ماي in Morocco.
_VARIANTS = {"ar": ("ar-SY", "ar-MA", "ar-DZ")}
# Languages whose number words text2num reads.
_NUMBER_WORDS = ("en", "fr", "es", "pt", "de", "ca")


@cache
def _dictionary(language: str) -> frozenset[str]:
    """The words that dateparser knows in a language: months, weekdays, "ago", "yesterday"."""
    from dateparser.conf import settings
    from dateparser.languages.loader import default_loader

    locale = default_loader.get_locale(language)
    if locale is None:
        return frozenset()
    return frozenset(part for phrase in locale._get_dictionary(settings)._dictionary for part in fold(phrase).split() if not part.isdecimal())


@cache
def _parser(language: str) -> Any:
    from dateparser.date import DateDataParser

    return DateDataParser(
        **({"locales": [language]} if "-" in language else {"languages": [language]}),
        settings={"DATE_ORDER": "DMY", "PREFER_DAY_OF_MONTH": "first", "PREFER_DATES_FROM": "past", "RETURN_TIME_AS_PERIOD": False},
    )


# Iranians and Afghans read each other's months.
_OWN_CALENDARS = {"fa": ("fa", "fa_AF"), "fa_AF": ("fa_AF", "fa"), "am": ("am",), "ti": ("ti",)}
_PERSIAN_DAY = re.compile(r"(1[34]\d\d)[-/.](\d{1,2})[-/.](\d{1,2})")
_PERSIAN_YEAR = re.compile(r"1[34]\d\d")
# "Year of mercy", the Ethiopian era; and "in the European reckoning".
_ETHIOPIAN_ERA, _EUROPEAN_ERA = re.compile(r"ዓ\s?[./]?\s?ም|ዓመተ\s?ም[ሕህ]ረት"), re.compile(r"እ\s?[./]\s?ኤ\s?[./]\s?አ|ፈረንጅ|ፈረንጂ")
# Prepositions that are written with their word: Arabic's "and", "in", "for", Amharic's and Tigrinya's "in", "of", "from".
_JOINED = "وبلበየከብናን"


def _own_calendar(run: list[str], text: str, language: str) -> Period | None:
    """A date in the calendar of the language's speakers. Eritreans write Gregorian years with the old months' names, Ethiopians their own."""
    figures = [token for token in run if _DIGITS.match(token)]
    for code in _OWN_CALENDARS.get(language, ()):
        calendar = calendars.of_language(code)
        months = {fold(name): number for number, name in enumerate(calendar.months, 1)}
        month = next((months[name] for token in run for name in (fold(token), fold(token[1:])) if name in months), None)
        years = [int(figure) for figure in figures if len(figure) == 4 and figure.isdecimal()]
        days = [int(figure) for figure in figures if len(figure) <= 2]
        if calendar.persian:
            whole = next((match for figure in figures if (match := _PERSIAN_DAY.fullmatch(figure))), None)
            if whole:
                years, month, days = [int(whole[1])], int(whole[2]), [int(whole[3])]
            meant = bool(years) and bool(_PERSIAN_YEAR.fullmatch(str(years[0])))
        else:
            meant = bool(years and month) and not _EUROPEAN_ERA.search(text) and (code == "am" or bool(_ETHIOPIAN_ERA.search(text)))
            meant = meant or (bool(years) and bool(_ETHIOPIAN_ERA.search(text)))
        if not meant:
            continue
        try:
            if month and days:
                day = calendar.day(years[0], month, days[0])
                return Period(day, day)
            return Period(*calendar.span(years[0], month))
        except ValueError:
            continue
    return None


def _base(language: str) -> str:
    return language.split("_")[0]


def find(text: str, today: date, language: str) -> list[Period]:
    """The days, months and years that a text names, in its order; those in the future or before the NHS are left out.

    >>> find("what was the rule in March 2017?", date(2026, 11, 22), "en")
    [Period(first=datetime.date(2017, 3, 1), last=datetime.date(2017, 3, 31))]
    """
    text = _in_figures(western_digits(text), _base(language))
    found: list[Period] = []
    for run in _runs(text, language)[:_MOST]:
        period = _own_calendar(run, text, language) or _read(run, today, _base(language))
        if period and period.first.year >= _FIRST_YEAR and period.first <= today and period not in found:
            found.append(period)
    return found


def _in_figures(text: str, language: str) -> str:
    """Number words as figures: "two thousand and eighteen" is 2018, "twenty eighteen" too."""
    if language in _NUMBER_WORDS:
        from text_to_num.transforms import alpha2digit

        try:
            text = alpha2digit(text, language, relaxed=True, ordinal_threshold=0)
        except (ValueError, TypeError):
            return text
    return _SPELT_YEAR.sub(r"\1\2", _SPELT_THOUSAND.sub(r"\1\2", text))


def _runs(text: str, language: str) -> list[list[str]]:
    """The stretches of a text made only of figures and of words that dates are made of."""
    known = frozenset().union(*(_dictionary(code) for code in _codes(_base(language))), _months(language))
    runs: list[list[str]] = [[]]
    previous_end = 0
    for match in _TOKEN.finditer(text):
        token = match[0]
        between = text[previous_end : match.start()]
        previous_end = match.end()
        datey = bool(_DIGITS.match(token)) or fold(token) in known or (len(token) > 3 and fold(token[1:]) in known and token[0] in _JOINED)
        # A second year begins a second date: "between 2017 and 2019".
        if runs[-1] and (between.strip(" ,'’") or (_YEAR.fullmatch(token) and any(_YEAR.fullmatch(item) for item in runs[-1]))):
            runs.append([])
        if datey:
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    return [_trimmed(run) for run in runs if _trimmed(run)]


@cache
def _months(language: str) -> frozenset[str]:
    return frozenset(fold(name) for code in _OWN_CALENDARS.get(language, ()) for name in calendars.of_language(code).months)


def _codes(language: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((language, *_VARIANTS.get(language, ()), "en")))


def _trimmed(run: list[str]) -> list[str]:
    while run and fold(run[0]) in _FILLERS:
        run = run[1:]
    while run and fold(run[-1]) in _FILLERS:
        run = run[:-1]
    return run


def _read(run: list[str], today: date, language: str) -> Period | None:
    if len(run) == 1 and _YEAR.fullmatch(run[0]):
        return Period.parse(run[0])
    if len(run) == 1 and _YEAR_MONTH.fullmatch(run[0]):
        year, month = re.split(r"[-/.]", run[0])
        return Period.parse(f"{year}-{int(month):02}")
    joined = " ".join(run)
    has_year = any(_YEAR.search(token) for token in run)
    has_figure = any(_DIGITS.search(token) for token in run)
    # "may" is a verb and "sat" one too: without a figure only "last year", "yesterday" and the like count.
    if not has_year and has_figure and not re.search(r"\d{1,2}[./-]\d{1,2}[./-]\d{2}", joined) and len(run) < 3:
        return None
    for code in _codes(language):
        data = _parse(joined, today, code)
        if data and data.date_obj:
            relative = not has_figure
            if relative and data.period == "month" and len(run) < 2:
                continue
            return _period(data.date_obj.date(), data.period)
    years = [token for token in run if _YEAR.fullmatch(token)]
    return Period.parse(years[0]) if years else None


def _parse(joined: str, today: date, language: str) -> Any:
    # "now", "today", "last year" stand in many messages; figures may be a person's own and are not kept.
    return _parsed(joined, today, language) if _DIGITS.search(joined) else _parsed_before(joined, today, language)


@lru_cache(maxsize=512)
def _parsed_before(joined: str, today: date, language: str) -> Any:
    return _parsed(joined, today, language)


def _parsed(joined: str, today: date, language: str) -> Any:
    parser = _parser(language)
    parser._settings.RELATIVE_BASE = datetime.combine(today, time(12))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parser.get_date_data(joined)


def _period(day: date, precision: str) -> Period:
    if precision == "year":
        return Period.parse(f"{day.year:04}")
    if precision == "month":
        return Period.parse(f"{day.year:04}-{day.month:02}")
    return Period(day, day)
