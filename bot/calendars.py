"""Days in the calendars that people count by at home: the Persian one in Iran and Afghanistan, the Ethiopian one in Ethiopia and Tigray.

The reckoning is convertdate's; the names of months are Unicode's (CLDR).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from convertdate import coptic, persian

_ETHIOPIAN_ERA = 276  # the Ethiopian year is the Coptic one and 276; the months begin on the same days
_PERSIAN = ("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند")
_DARI = ("حمل", "ثور", "جوزا", "سرطان", "اسد", "سنبله", "میزان", "عقرب", "قوس", "جدی", "دلو", "حوت")
_AMHARIC = ("መስከረም", "ጥቅምት", "ኅዳር", "ታኅሣሥ", "ጥር", "የካቲት", "መጋቢት", "ሚያዝያ", "ግንቦት", "ሰኔ", "ሐምሌ", "ነሐሴ", "ጳጉሜን")
_TIGRINYA = ("መስከረም", "ጥቅምቲ", "ሕዳር", "ታሕሳስ", "ጥሪ", "ለካቲት", "መጋቢት", "ሚያዝያ", "ግንቦት", "ሰነ", "ሓምለ", "ነሓሰ", "ጳጉሜን")


@lru_cache(maxsize=8192)
def _persian(day: date) -> tuple[int, int, int]:
    """convertdate looks for the equinox in the sky, which takes 5 ms; the days that are said are few."""
    year, month, number = persian.from_gregorian(day.year, day.month, day.day)
    return int(year), int(month), int(number)


@dataclass(frozen=True)
class Calendar:
    """A calendar and its months in a language; `era` follows a date in it, so that it is known for one."""

    months: tuple[str, ...]
    era: str
    persian: bool

    def of(self, day: date) -> tuple[int, int, int]:
        """A day's year, month and day of the month.

        >>> of_language("fa").of(date(2018, 5, 9))
        (1397, 2, 19)
        >>> of_language("am").of(date(2018, 5, 9))
        (2010, 9, 1)
        """
        if self.persian:
            return _persian(day)
        year, month, number = coptic.from_gregorian(day.year, day.month, day.day)
        return int(year) + _ETHIOPIAN_ERA, int(month), int(number)

    def day(self, year: int, month: int, number: int) -> date:
        """The day of a date in the calendar; ValueError for one that there is not.

        >>> of_language("fa_AF").day(1397, 2, 19)
        datetime.date(2018, 5, 9)
        """
        if self.persian:
            found = date(*persian.to_gregorian(year, month, number))
        else:
            found = date(*(int(part) for part in coptic.to_gregorian(year - _ETHIOPIAN_ERA, month, number)))
        if self.of(found) != (year, month, number):
            raise ValueError(f"{number}.{month}.{year} is no day of this calendar")
        return found

    def span(self, year: int, month: int | None = None) -> tuple[date, date]:
        """The first and the last day of a month or a year.

        >>> of_language("fa").span(1397, 2)
        (datetime.date(2018, 4, 21), datetime.date(2018, 5, 21))
        """
        first = self.day(year, month or 1, 1)
        following = self.day(year, month + 1, 1) if month and month < len(self.months) else self.day(year + 1, 1, 1)
        return first, date.fromordinal(following.toordinal() - 1)

    def in_words(self, first: date, last: date) -> str:
        """A day, or a stretch of days by its months and years."""
        (year, month, number), (year_2, month_2, _) = self.of(first), self.of(last)
        if first == last:
            return f"{number} {self.months[month - 1]} {year}{self.era}"
        if (last - first).days > 300:
            return f"{year}–{year_2}{self.era}"
        begins = self.months[month - 1] if year == year_2 else f"{self.months[month - 1]} {year}"
        return f"{begins} – {self.months[month_2 - 1]} {year_2}{self.era}"


_CALENDARS = {
    "fa": Calendar(_PERSIAN, "", persian=True),
    "fa_AF": Calendar(_DARI, "", persian=True),
    "am": Calendar(_AMHARIC, " ዓ.ም.", persian=False),
    "ti": Calendar(_TIGRINYA, " ግእዝ", persian=False),
}


def of_language(language: str) -> Calendar:
    """The calendar that a language's speakers use beside the Gregorian one; KeyError for those who use none."""
    return _CALENDARS[language]


def has_own(language: str) -> bool:
    """Whether the language's speakers use another calendar beside the Gregorian one."""
    return language in _CALENDARS
