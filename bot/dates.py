"""Dates that a person asks about, in words or figures: "March 2017", "9 مايو 2018", "last year", "in May", "deux mille dix-huit".

A date is a year, a month, a whole date, or a year or month that is past. Days of the week, "now", "today", "since yesterday" are none: ill people
write them ("my son is ill since Monday"), and nobody asks what the rule was then. What a language calls its months is dateparser's, how it
speaks of past ones is in `data/dates.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from . import calendars
from .knowledge import Period
from .text import fold, western_digits

_DATA = Path(__file__).resolve().parent.parent / "data" / "dates.yml"
_MOST = 6  # dates read in one message
_FIRST_YEAR = 1948  # the NHS began on 5 July 1948; nothing earlier is asked for
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")
_SHORT = 3  # letters; a short form such as "sex", "mar" or "set" is a month only right beside its year
# Month names differ among a language's countries: ايار in Syria and Iraq, ماي in Morocco.
_VARIANTS = {"ar": ("ar-SY", "ar-MA", "ar-DZ")}
# Languages whose number words text2num reads.
_NUMBER_WORDS = ("en", "fr", "es", "pt", "de", "ca")
_SPELT_THOUSAND = re.compile(r"\b(20)00 (?:and|et|y) (\d\d)\b")
_SEPT = re.compile(r"\bsept\b\.?(?=\s+(?:19|20)\d\d)", re.IGNORECASE)  # seven, and September
_SPELT_YEAR = re.compile(r"\b(19|20) (\d\d)\b")
# Iranians and Afghans read each other's months.
_OWN_CALENDARS = {"fa": ("fa", "fa_AF"), "fa_AF": ("fa_AF", "fa"), "am": ("am",), "ti": ("ti",)}
# "Year of mercy", the Ethiopian era; and "in the European reckoning". Folded, as the text is.
_ETHIOPIAN_ERA, _EUROPEAN_ERA = re.compile(r"ዓ\s?[./]?\s?ም|ዓመተ\s?ም[ሕህ]ረት"), re.compile(r"እ\s?[./]\s?ኤ\s?[./]\s?አ|ፈረንጅ|ፈረንጂ")
# A letter, or a vowel sign after it: those of Indian scripts are no letters to `re`.
_LETTER = r"(?:[^\W\d_]|[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0981-\u0983\u09bc-\u09cd\u0a01-\u0a03\u0a3c-\u0a51])"
_JOINT = r"[\s,./'’-]*"
_DAY, _YEAR = r"(?P<day>(?<!\d)\d{1,2})(?:st|nd|rd|th|er|º|ª|o|a)?\b\.?", r"(?P<year>(?<!\d)(?:19|20|1[34])\d\d(?!\d))"
_WHOLE = re.compile(
    r"(?<![\d./-])(?:(?P<year>\d{4})(?P<sep>[./-])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})"
    r"|(?P<first>\d{1,2})(?P<dot>[./-])(?P<second>\d{1,2})(?P=dot)(?P<third>\d{4}|\d{2}))(?![./-]?\d)"
)
_YEAR_MONTH = re.compile(r"(?<![\d./-])(?P<year>(?:19|20|1[34])\d\d)[./-](?P<month>0?[1-9]|1[0-2])(?![./-]?\d)")
_MONTH_YEAR = re.compile(r"(?<![\d./-])(?P<month>0?[1-9]|1[0-2])[./-](?P<year>(?:19|20|1[34])\d\d)(?![./-]?\d)")
# "£2000", "2000 pounds", "2000 mg" and a part of a longer figure are no years.
_UNITS = "mg|ml|mcg|kg|km|kcal|cal|calories|iu|usd|gbp|quid|euros?"
_POUNDS = "£|€|\\$|%|pound|pond|dollar|libra|livre|фунт|جنيه|باوند|پوند|پاؤنڈ|পাউন্ড|पाउंड|पौंड|ਪੌਂਡ|ፓውንድ|英镑|镑|块"
_AMOUNT = rf"(?:(?:{_UNITS})(?![^\W\d_])|{_POUNDS})"
_YEAR_ALONE = re.compile(rf"(?<![\d£€$#])(?<!\d[.,:/]){_YEAR}(?![.,:]\d)(?!\s?{_AMOUNT})")
# Chinese writes a year's and a month's sign after the figure; four figures of a year may be spelt.
_CHINESE_FIGURES = str.maketrans("〇零一二三四五六七八九", "00123456789")
_CHINESE_YEAR = re.compile(r"[〇零一二三四五六七八九]{4}(?=年)")
_CHINESE_MONTH = re.compile(r"(年|\d\s)(十?[一二三四五六七八九]|十)(?=月)")
_CHINESE_DATE = re.compile(r"(?<!\d)(\d{4}(?=年|\s)|\d\d(?=年))年?\s*(\d{1,2})月份?(?:\s*(\d{1,2})[日号])?")


@dataclass(frozen=True)
class _Language:
    """What a language calls past months and years: a pattern for each way of writing, most telling first."""

    months: dict[str, int]  # Gregorian, folded
    patterns: tuple[re.Pattern[str], ...]
    ago: tuple[tuple[re.Pattern[str], int, bool], ...]  # phrase, how many (0: it holds {n}), and whether years
    numbers: dict[str, int]
    about: re.Pattern[str]
    alone: re.Pattern[str]  # what may be left of a message that is nothing but a date


@dataclass(frozen=True)
class _Named:
    """A date as it is written, before it is known of which calendar."""

    start: int
    year: int | None = None
    month: int | str | None = None
    day: int | None = None


def find(text: str, today: date, language: str) -> list[Period]:
    """The days, months and years that a text names, in its order; those in the future or before the NHS are left out.

    >>> find("what was the rule in March 2017?", date(2026, 11, 22), "en")
    [Period(first=datetime.date(2017, 3, 1), last=datetime.date(2017, 3, 31))]
    >>> find("my son is ill since Monday", date(2026, 11, 22), "en")
    []
    """
    text = fold(_in_figures(western_digits(text), _base(language)))
    of_policy = any(_language(code).about.search(text) for code in _read_with(language))
    for code in _read_with(language):
        text = _ago_in_figures(text, today, _language(code), of_policy)
    found: list[Period] = []
    for named in _named(_of_chinese(text), language, of_policy)[:_MOST]:
        period = _own_calendar(named, text, today, language) or _gregorian(named, today, language)
        if period and period.first.year >= _FIRST_YEAR and period.first <= today and period not in found:
            found.append(period)
    return found


def _base(language: str) -> str:
    return language.split("_")[0]


def _read_with(language: str) -> tuple[str, ...]:
    """The languages whose words a text is searched for: people of every language write "Nov 2018"."""
    also = _written().get(_base(language), {}).get("also", ())
    return tuple(dict.fromkeys((language, *also, "en")))


def _in_figures(text: str, language: str) -> str:
    """Number words as figures: "two thousand and eighteen" is 2018, "twenty eighteen" too."""
    if language in _NUMBER_WORDS:
        from text_to_num.transforms import alpha2digit

        text = _SEPT.sub("septembre", text) if language == "fr" else text
        try:
            text = alpha2digit(text, language, relaxed=True, ordinal_threshold=0)
        except (ValueError, TypeError):
            return text
    return _SPELT_YEAR.sub(r"\1\2", _SPELT_THOUSAND.sub(r"\1\2", text))


def _of_chinese(text: str) -> str:
    text = _CHINESE_YEAR.sub(lambda match: match[0].translate(_CHINESE_FIGURES), text)
    text = _CHINESE_MONTH.sub(lambda match: f"{match[1]}{_chinese_number(match[2])}", text)
    return _CHINESE_DATE.sub(lambda match: f" {'-'.join(part for part in (match[1].rjust(3, '0').rjust(4, '2'), match[2], match[3]) if part)} ", text)


def _chinese_number(figures: str) -> int:
    return int(figures.replace("十", "1" if len(figures) > 1 else "10").translate(_CHINESE_FIGURES))


def _ago_in_figures(text: str, today: date, language: _Language, of_policy: bool) -> str:
    """ "Last year" and "two years ago" as the year that they mean, "last month" as the month: so "May last year" is read as any May."""
    for pattern, ago, years in language.ago:
        for match in reversed(list(pattern.finditer(text))):
            if not years and not of_policy and not _is_all(text, match, language):
                continue
            number = ago or language.numbers.get(match["n"]) or int(match["n"])
            months = today.year * 12 + today.month - 1 - (number * 12 if years else number)
            year, month = divmod(months, 12)
            figures = f"{year:04}" if years else f"{year:04}-{month + 1:02}"
            text = f"{text[: match.start()]} {figures} {text[match.end() :]}" if year >= _FIRST_YEAR else text
    return text


def _is_all(text: str, match: re.Match[str], language: _Language) -> bool:
    """Whether a message is nothing but the date, or "and" and the date."""
    return bool(language.alone.fullmatch(text[: match.start()])) and not any(letter.isalnum() for letter in text[match.end() :])


def _named(text: str, language: str, of_policy: bool) -> list[_Named]:
    """The dates of a text, in its order; a figure belongs to one of them. A month without a year is one in a question of policy only."""
    found: list[_Named] = []
    spoken = [(pattern, _language(code)) for code in _read_with(language) for pattern in _language(code).patterns]
    figures = [(pattern, _language(language)) for pattern in (_YEAR_MONTH, _MONTH_YEAR, _YEAR_ALONE)]
    for pattern, words in [(_WHOLE, _language(language)), *spoken, *figures]:
        for match in list(pattern.finditer(text)):
            parts = match.groupdict()
            if "year" not in parts and pattern is not _WHOLE and not of_policy and not _is_all(text, match, words):
                continue
            if pattern is _WHOLE:
                found.append(_of_figures(match))
            else:
                year, month, day = parts.get("year"), parts.get("month") or parts.get("number"), parts.get("day")
                found.append(
                    _Named(
                        match.start(),
                        int(year) if year else None,
                        int(month) if month and month.isdecimal() else month and " ".join(month.split()),
                        int(day) if day else None,
                    )
                )
            text = text[: match.start()] + "|" * (match.end() - match.start()) + text[match.end() :]
    return sorted(found, key=lambda named: named.start)


def _of_figures(match: re.Match[str]) -> _Named:
    """ "9.5.2018" and "2018-05-09"; the day is first unless the second figure can only be the day."""
    if match["year"]:
        return _Named(match.start(), int(match["year"]), int(match["month"]), int(match["day"]))
    first, second, third = int(match["first"]), int(match["second"]), int(match["third"])
    year = third if len(match["third"]) == 4 else third + (2000 if third < 50 else 1900)
    return _Named(match.start(), year, first, second) if second > 12 else _Named(match.start(), year, second, first)


def _own_calendar(named: _Named, text: str, today: date, language: str) -> Period | None:
    """A date in the calendar of the language's speakers. Eritreans write Gregorian years with the old months' names, Ethiopians their own."""
    for code in _OWN_CALENDARS.get(language, ()):
        calendar = calendars.of_language(code)
        months = {fold(name): number for number, name in enumerate(calendar.months, 1)}
        month = months.get(named.month) if isinstance(named.month, str) else named.month
        year = named.year
        if calendar.persian:
            meant = 1300 <= (year or 1300) < 1500 and (bool(year) or isinstance(named.month, str)) and (named.month is None or bool(month))
        else:
            own = isinstance(named.month, str) and bool(month)
            era = bool(_ETHIOPIAN_ERA.search(text)) and (named.month is None or own)
            meant = era or (own and code == "am" and not _EUROPEAN_ERA.search(text))
        if not meant or (year is None and month is None):
            continue
        try:
            if year is None and month:
                this_year, this_month, _ = calendar.of(today)
                year = this_year - (month > this_month)
            if year and month and named.day:
                day = calendar.day(year, month, named.day)
                return Period(day, day)
            return Period(*calendar.span(year or 0, month))
        except ValueError:
            continue
    return None


def _gregorian(named: _Named, today: date, language: str) -> Period | None:
    month = named.month
    if isinstance(month, str):
        names = (_language(code).months for code in _read_with(language))
        month = next((months[month] for months in names if month in months), None)
        if month is None:
            return Period.parse(str(named.year)) if named.year else None
    year = named.year or (today.year - (month > today.month) if month else None)
    if year is None or year < _FIRST_YEAR:
        return None
    try:
        return Period.parse("-".join(f"{part:02}" for part in (year, month, named.day) if part))
    except ValueError:
        return None


@cache
def _written() -> dict[str, dict[str, Any]]:
    return {entry["of"]: entry for entry in yaml.safe_load(_DATA.read_text(encoding="utf-8"))["dates"]}


@cache
def _gregorian_months(language: str) -> dict[str, int]:
    """Names and short forms of months, folded, to their numbers: dateparser's and our own. "Tháng 5" is read as a figure instead."""
    from dateparser.languages.loader import default_loader

    entry = _written().get(_base(language), {})
    never = {fold(name) for code in (_base(language), language) for name in _written().get(code, {}).get("never", ())}
    names: dict[str, int] = {}
    for code in (_base(language), *_VARIANTS.get(language, ())):
        info = default_loader.get_locale(code).info
        for number, month in enumerate(_MONTHS, 1):
            for name in (*info.get(month, ()), *entry.get("months", {}).get(number, ())):
                names[fold(name).strip(" .॰")] = number
    long = [name for name in names if len(name) > _SHORT]
    return {
        name: number
        for name, number in names.items()
        # A short form stands for the beginning of a name; Somali dateparser has ordinals too: "lix" is six, and the sixth month.
        if name not in never
        and not any(letter.isdigit() for letter in name)
        and (len(name) > _SHORT or not name.isascii() or _begins(name, number, names, long))
    }


def _begins(name: str, number: int, names: dict[str, int], long: list[str]) -> bool:
    same = [other for other in long if names[other] == number]
    return any(other.startswith(name) for other in same) or not same


@cache
def _language(code: str) -> _Language:
    base = _base(code)
    entry = _written().get(base, {})
    months = _gregorian_months(code if code in _written() else base)
    own = {fold(name) for calendar in _OWN_CALENDARS.get(code, ()) for name in calendars.of_language(calendar).months}
    numbers = {fold(word): number for number, words in enumerate(entry.get("numbers", ()), 1) for word in words.split("|")}
    whole = rf"{_any(phrase.strip() for phrase in entry['about'] if phrase.endswith(' '))}(?!{_LETTER})"
    joined = rf"{_LETTER}{{0,3}}?" if entry.get("joined", {}).get("before") else ""
    # Beginnings of words, after whatever is written together with them; Chinese parts no words.
    about = re.compile(
        _any(entry["about"])
        if base == "zh"
        else rf"(?<!{_LETTER}){joined}(?:{whole}|{_any(phrase for phrase in entry['about'] if not phrase.endswith(' '))})"
    )
    return _Language(
        months, tuple(_patterns(entry, {*months, *own})), tuple(_ago(entry, numbers)), numbers, about, re.compile(rf"\W*(?:{_any(entry['and'])}\W*)?")
    )


def _any(phrases: Iterable[str]) -> str:
    """A pattern of any of the phrases, the longest first; a space in them stands for any."""
    folded = sorted({fold(phrase) for phrase in phrases}, key=lambda phrase: (-len(phrase), phrase))
    return "(?:" + "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in folded) + ")" if folded else "(?!)"


def _patterns(entry: dict[str, Any], names: set[str]) -> Iterator[re.Pattern[str]]:
    """Ways to write a date with a month's name: the day, month and year; the month and its year; the month alone with "in" before or after."""
    joined, in_joined = entry.get("joined", {}), entry.get("in_joined", {})
    begin = rf"(?<!{_LETTER}){_any(joined.get('before', ()))}?" if joined.get("before") else rf"(?<!{_LETTER})"
    end = rf"{_any(joined.get('after', ()))}?(?!{_LETTER})" if joined.get("after") else rf"(?!{_LETTER})"
    full = {name for name in names if not any(other != name and other.startswith(name) for other in names) or len(name) > _SHORT + 1}
    month, whole = rf"{begin}(?P<month>{_any(names)}){end}", rf"{begin}(?P<month>{_any(full)}){end}"
    gap = (
        rf"{_JOINT}(?:{_any(joined.get('before', ()))}?{_any(entry.get('between', ()))}(?!{_LETTER}){_JOINT}){{0,2}}{_any(joined.get('before', ()))}?"
    )
    if words := entry.get("and"):  # "between May and November 2018"
        yield re.compile(rf"{whole}\s+(?:{_any(words)}|-|–)\s+(?={begin}{_any(full)}{end}{gap}{_YEAR})")
    # A short form stands right beside its year.
    yield re.compile(rf"{_DAY}{gap}{whole}{gap}{_YEAR}")
    yield re.compile(rf"{_DAY}{_JOINT}{month}{_JOINT}{_YEAR}")
    yield re.compile(rf"{month}{_JOINT}{_DAY}{_JOINT}{_YEAR}")
    yield re.compile(rf"{whole}{gap}{_YEAR}")
    yield re.compile(rf"{month}{_JOINT}{_YEAR}")
    # "In 2018 may I ..." is no May, nor do English speakers write one there.
    after = {name for name in full if name not in ("may", "march")}
    yield re.compile(rf"{_YEAR}{gap}{begin}(?P<month>{_any(after)}){end}")
    if numbered := entry.get("month"):
        number = rf"{_any(numbered)}\s*(?P<number>(?:0?[1-9]|1[0-2]))(?!\d)"
        yield re.compile(rf"{_DAY}{_JOINT}{number}{gap}{_YEAR}")
        yield re.compile(rf"{number}{gap}{_YEAR}")
    if words := entry.get("in_number"):
        yield re.compile(rf"(?<!{_LETTER}){_any(words)}\s*(?P<number>(?:0?[1-9]|1[0-2]))(?!\d)")
    # Alone, letters of two are words: Pashto's and Persian's "می". Indian scripts write "May" with two signs.
    lone = _any(name for name in full if len(name) >= _SHORT or "\u0900" <= name[0] < "\u0e00")
    no_day = r"(?!\s*\d)"
    if words := entry.get("in"):
        yield re.compile(rf"(?<!{_LETTER}){_any(words)}[\s'’]+(?P<month>{lone}){end}{no_day}")
    if words := entry.get("in_after"):
        yield re.compile(rf"(?<!{_LETTER})(?<!\d\s)(?P<month>{lone})\s*{_any(words)}(?!{_LETTER}){no_day}")
    if words := in_joined.get("before"):
        yield re.compile(rf"(?<!{_LETTER}){_any(words)}(?P<month>{lone})(?!{_LETTER}){no_day}")
    if words := in_joined.get("after"):
        yield re.compile(rf"(?<!{_LETTER})(?<!\d\s)(?P<month>{lone}){_any(words)}(?!{_LETTER})")


def _ago(entry: dict[str, Any], numbers: dict[str, int]) -> Iterator[tuple[re.Pattern[str], int, bool]]:
    """The phrases for past years and months; those with a number come first, as "two years ago" holds "years ago"."""
    chinese = entry.get("of") == "zh"
    before = _any(entry.get("joined", {}).get("before", ()))
    begin = r"(?<![\d一二三四五六七八九十百几])" if chinese else rf"(?<!{_LETTER})(?<!\d){before}?"
    since = "".join(rf"(?<!{re.escape(fold(word))} )" for word in entry.get("since", ()))
    # Arabic's "before a year" is followed by the year it means.
    end = (
        ""
        if chinese
        else rf"(?!{_LETTER})(?!\s*\d{{4}})" + "".join(rf"(?!\s+{re.escape(fold(word))}(?!{_LETTER}))" for word in entry.get("then", ()))
    )
    number = rf"(?P<n>{_any(numbers)}|\d{{1,2}})"
    for years, key in ((True, "years_ago"), (False, "months_ago")):
        phrases = entry.get(key, {})
        for phrase in sorted(phrases.get("n", ()), key=len, reverse=True):
            left, _, right = fold(phrase).partition("{n}")
            pattern = rf"{_any([left.strip()])}\s*{number}" if left.strip() else number
            pattern += rf"\s*{_any([right.strip()])}" if right.strip() else ""
            yield re.compile(rf"{since}{begin}{pattern}{end}"), 0, years
        for ago in sorted(count for count in phrases if count != "n"):
            yield re.compile(rf"{since}{begin}{_any(phrases[ago])}{end}"), ago, years
