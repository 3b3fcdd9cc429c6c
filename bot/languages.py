"""The words in each language: translation, dates, lists, direction, the languages' own names. The only caller of Babel at answer time."""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache
from pathlib import Path

from babel import Locale
from babel.core import get_global
from babel.dates import format_date, format_skeleton
from babel.support import NullTranslations, Translations

from . import calendars
from .knowledge import Period
from .text import fold, words

LOCALES = Path(__file__).resolve().parent.parent / "locales"
SOURCE = "en"
# British English for dates: "9 May 2018", not "May 9, 2018".
_LOCALES_FOR_DATES = {"en": "en_GB"}
# The zero of each numbering system that is the default of a language of ours (CLDR, numberingSystems.xml); the other digits follow it.
_ZEROS = {"arab": "\u0660", "arabext": "\u06f0", "beng": "\u09e6", "deva": "\u0966", "guru": "\u0a66"}
# Unicode Standard Annex #9: a left-to-right isolate keeps a phone number's groups in order inside right-to-left text.
_LRI, _PDI = "\u2066", "\u2069"


# What people call languages beside the names that Unicode gives (CLDR): "Farsi", not "Persian".
_ALSO_CALLED = {
    "fa": ("farsi", "parsi"),
    "fa_AF": ("dari", "afghani"),
    "ckb": ("kurdish", "kurdi", "sorani", "soranî", "kurde", "kurdo", "كردي", "الكردية", "کوردی", "سۆرانی", "سورانی", "کردی"),
    "zh_Hans": ("chinese", "mandarin", "putonghua", "chinois", "chino", "中文", "汉语", "普通话", "الصينية"),
    "ti": ("tigrigna", "tigrinya", "tigrina"),
    "am": ("amarigna", "amharic"),
    "pa": ("panjabi", "punjabi"),
    "bn": ("bangla", "sylheti", "bengali"),
    "ps": ("pushto", "pukhto", "pakhto"),
    "so": ("soomaali", "somali"),
    "sq": ("shqip",),
}


class UnknownLanguage(LookupError):
    """A language that has no catalogue."""


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """The languages that Confide speaks: English, and every folder of `locales/` with a catalogue.

    >>> "en" in languages()
    True
    """
    return (SOURCE, *sorted(path.parent.parent.name for path in LOCALES.glob("*/LC_MESSAGES/messages.po")))


@cache
def _catalogue(language: str) -> NullTranslations:
    if language not in languages():
        raise UnknownLanguage(f"{language!r} is no language of ours; locales/ has {', '.join(languages())}")
    if language == SOURCE:
        return NullTranslations()
    if not (LOCALES / language / "LC_MESSAGES" / "messages.mo").is_file():
        raise UnknownLanguage(f"the catalogue of {language!r} is not compiled; run 'python -m bot catalogues compile'")
    return Translations.load(str(LOCALES), [language])


def supported(language: object) -> str | None:
    """The language of ours that a language tag asks for, or None.

    >>> supported("EN-gb")
    'en'
    """
    if not isinstance(language, str) or not language.replace("-", "").replace("_", "").isalnum():
        return None
    wanted = language.replace("-", "_").lower()
    by_tag = {name.lower(): name for name in languages()}
    base = wanted.split("_")[0]
    # "zh" and "zh-CN" ask for what we call zh_Hans.
    return by_tag.get(wanted) or by_tag.get(base) or next((name for tag, name in by_tag.items() if tag.startswith(f"{base}_")), None)


def translate(text: str, language: str) -> str | None:
    """A sentence in a language; None when the catalogue has no translation that may be sent.

    A fuzzy (stale) translation is not compiled into the catalogue, so it is missing here.
    """
    if language == SOURCE:
        return text
    translated = _catalogue(language).gettext(text)
    # gettext gives the source back for what it does not have; names such as "NHS 111" may be equal in both.
    return None if translated == text and text not in _known(language) else translated


@cache
def _known(language: str) -> frozenset[str]:
    catalogue = getattr(_catalogue(language), "_catalog", {})
    return frozenset(key for key in catalogue if isinstance(key, str))


def is_draft(language: str) -> bool:
    """Whether a person has yet to review the language's catalogue.

    Its header `Language-Team` then says so: "Reviewed by <name>, 2026-11-22". Babel keeps no header of our own naming.
    """
    return language != SOURCE and not _catalogue(language).info().get("language-team", "").lower().startswith("reviewed by ")


@cache
def direction(language: str) -> str:
    """`ltr` or `rtl`, as HTML's `dir` has it.

    >>> direction("en")
    'ltr'
    """
    return "rtl" if Locale.parse(language).text_direction == "rtl" else "ltr"


def tag(language: str) -> str:
    """The language as a BCP 47 tag, for HTML's `lang`: `zh-Hans` for `zh_Hans`."""
    return language.replace("_", "-")


# What people who help call these languages, where the CLDR's names are another.
_KNOWN_AS = {"ckb": "Kurdish (Sorani)", "fa": "Farsi (Persian)", "fa_AF": "Dari"}


@cache
def english_name(language: str) -> str:
    """The language's name in English.

    >>> english_name("ar")
    'Arabic'
    """
    return _KNOWN_AS.get(language) or Locale.parse(language).get_display_name(SOURCE) or language


@cache
def own_name(language: str) -> str:
    """The language's name in itself.

    >>> own_name("en")
    'English'
    """
    locale = Locale.parse(language)
    name = locale.languages.get(language) or locale.get_display_name(language) or language
    return name[:1].upper() + name[1:]


def script(language: str) -> str:
    """The script a language is written in, ISO 15924.

    >>> script("ar")
    'Arab'
    """
    likely = get_global("likely_subtags").get(language.split("_")[0], "")
    return Locale.parse(language).script or (likely.split("_")[1] if likely.count("_") == 2 else "Latn")


@lru_cache(maxsize=1)
def _names_of_languages() -> dict[str, str]:
    names = {}
    for spoken in languages():
        for code in languages():
            name = Locale.parse(spoken).languages.get(code)
            if name:
                names[fold(name)] = code
                names[fold(name.removeprefix("ال"))] = code
    names.update({fold(name): code for code, called in _ALSO_CALLED.items() if code in languages() for name in called})
    return names


def named_in(text: str) -> str | None:
    """The language of ours that a text names, in any of our languages: "in Arabic please", "parlez-vous français".

    >>> named_in("in english please")
    'en'
    """
    for word in words(text):
        for reading in (word, word.removeprefix("ال"), word.removeprefix("بال"), word.removeprefix("بالع")):
            if reading in _names_of_languages():
                return _names_of_languages()[reading]
    return None


@lru_cache(maxsize=4096)
def in_words(period: Period | date, language: str) -> str:
    """A day, month or year in words.

    >>> in_words(Period.parse("2018-05-09"), "en")
    '9 May 2018'
    >>> in_words(Period.parse("2018-05"), "en")
    'May 2018'
    """
    locale = _LOCALES_FOR_DATES.get(language, language)
    if isinstance(period, date):
        period = Period(period, period)
    if period.precision == "day":
        return format_date(period.first, "long", locale=locale)
    if period.precision == "month":
        return format_skeleton("yMMMM", period.first, locale=locale)
    if period.precision == "year":
        return format_skeleton("y", period.first, locale=locale)
    return f"{in_words(period.first, language)} – {in_words(period.last, language)}"


def in_both_calendars(period: Period | date, language: str) -> str:
    """`in_words`, and the same in the calendar that the language's speakers use beside the Gregorian one.

    >>> in_both_calendars(Period.parse("2018-05-09"), "en")
    '9 May 2018'
    """
    if isinstance(period, date):
        period = Period(period, period)
    gregorian = in_words(period, language)
    if not calendars.has_own(language):
        return gregorian
    return f"{gregorian} ({calendars.of_language(language).in_words(period.first, period.last)})"


def figure(number: int, language: str) -> str:
    """A number as the language's readers write it (Unicode CLDR's default numbering system).

    >>> figure(2, "fa")
    '۲'
    """
    zero = _ZEROS.get(Locale.parse(language).default_numbering_system)
    return "".join(chr(ord(zero) + int(digit)) for digit in str(number)) if zero else str(number)


def isolated(text: str, language: str) -> str:
    """A phone number or a Latin name, kept in its own order inside right-to-left text."""
    return f"{_LRI}{text}{_PDI}" if direction(language) == "rtl" else text
