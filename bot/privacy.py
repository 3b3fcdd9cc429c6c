"""What keeps people unknown: pseudonyms, and the masking of identifiers before anything is stored or logged."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import secrets
import traceback
from dataclasses import dataclass
from functools import cache
from typing import Any

import structlog

from . import house
from .text import western_digits

_KEY = os.environ.get("CONFIDE_KEY", "").encode() or secrets.token_bytes(32)


def pseudonym(channel: str, address: str, key: bytes = _KEY) -> str:
    """A keyed hash (HMAC-SHA-256, RFC 2104) that stands for a person on a channel. Without CONFIDE_KEY the key is new at each start."""
    return hmac.new(key, f"{channel}\0{address}".encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True)
class Masked:
    """A text in which identifiers are replaced by their kind in square brackets."""

    text: str
    kinds: tuple[str, ...]


_NAME = r"[^\W\d_][\w'’.-]*"
_NTH = r"(?:st|nd|rd|th|er|º|ª|°)?"
_MONTH = r"(?:of |de |d['’])?(?:\d{1,2}|[^\W\d_]+)"
_DATE = (
    rf"(?:\d{{1,2}}{_NTH}[ ./-]+{_MONTH}[ ,./-]+(?:de |del )?(?:19|20)?\d\d|(?:19|20)\d\d[./-]\d{{1,2}}[./-]\d{{1,2}}"
    rf"|[^\W\d_]+ \d{{1,2}}{_NTH},? +(?:19|20)\d\d|\d{{8}}|\d{{6}})(?!\d)"
)
_BIRTH = (
    r"(?:d\.?o\.?b\.?|date of birth|birth\s?day|birth\s?date|born|n[ée]e? le|date de naissance|nac[ií]\w*|fecha de nacimiento|cumplea\w*"
    r"|ولدت|مواليد|مولود\w*|تاريخ (?:ال)?ميلاد\w*|تاريخ (?:ال)?ولاد\w*)"
)
_STREET = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|close|drive|dr|court|ct|house|gardens|"
    r"gdns|place|way|terrace|crescent|square|grove|hill|park|mews|walk|row)"
)
# "3 hours in the park" and "5 people in my house" name no street.
_COUNTED = (
    r"(?:hours?|hrs?|minutes?|mins?|days?|nights?|weeks?|months?|years?|times?|people|persons?|adults?|children|kids|men|women|families|bed\w*|"
    r"of|in|on|at|and|or|to|was|is|for|from|by|after|before|more|other|miles?|pounds?|am|pm)"
)
_DETERMINER = r"(?:the|a|an|my|our|your|his|her|their|this|that|one|same|no|in|at|of|own)"
# Order matters: the longer and more telling kinds come first. What each looks like is stated by its issuer:
# NHS number, 3-3-4 digits (NHS Data Dictionary); National Insurance number, 2 letters 6 digits 1 letter (HMRC NIM39110);
# UAN, 16 digits in fours; Home Office reference, a letter and 7 or 8 digits; BRP, 2 letters and 7 digits; passport, 9 digits or letters and digits.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+")),
    ("date of birth", re.compile(rf"{_BIRTH}\W{{0,3}}(?:\w+\W+){{0,3}}?{_DATE}", re.IGNORECASE)),
    ("date of birth", re.compile(rf"(?<!\d){_DATE}\W{{0,3}}(?:\w+\W+){{0,3}}?{_BIRTH}", re.IGNORECASE)),
    ("date of birth", re.compile(r"(?<!\d)(?:\d{1,2}[./-]\d{1,2}[./-](?:19\d\d|200\d)|(?:19\d\d|200\d)[./-]\d{1,2}[./-]\d{1,2})(?!\d)")),
    ("reference", re.compile(r"(?<!\d)\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?!\d)")),
    ("reference", re.compile(r"(?<![A-Z\d])[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Z\d])", re.IGNORECASE)),
    # With a space between, six digits may be a sum: "I owe 150000".
    ("reference", re.compile(r"(?<![A-Z\d])(?:[A-Z]{1,3}\d{6,9}|[A-Z]{1,3}[ -]\d{7,9}|(?-i:[A-Z]{1,2})[ -]\d{6})(?:[/-]\d{1,3})?(?!\d)", re.I)),
    ("number", re.compile(r"(?<![\d£€$.,])(?:\+|00)?\d(?:[ ()./-]{0,2}\d){6,18}(?!\d)")),
    ("address", re.compile(r"\b(?:flat|apartment|room|apt)\s+\d{1,4}[a-z]?\s*,\s*\d{1,4}[a-z]?\s+[^\W\d_][^,.\n]{2,40}", re.IGNORECASE)),
    (
        "address",
        re.compile(
            rf"(?<!\d)\d{{1,4}}[a-z]?,?\s+(?!{_COUNTED}\b)(?:{_NAME}\s+){{0,2}}(?!{_DETERMINER}\b){_NAME}\s+{_STREET}\b\.?"
            rf"|(?<!\d)\d{{1,3}}[a-z]?,?\s+the\s+(?:avenue|drive|close|crescent|grove|mews|square|terrace|lane)\b",
            re.IGNORECASE,
        ),
    ),
    ("address", re.compile(rf"(?<!\d)\d{{1,4}}(?:\s?bis)?,?\s+(?:rue|boulevard)\s+{_NAME}(?:\s+{_NAME}){{0,3}}", re.IGNORECASE)),
    ("address", re.compile(r"\b(?:rue|calle|avenida|شارع)\s+(?:[^\W\d_]+\s+){1,4}\d{1,4}", re.IGNORECASE)),
)
# A whole postcode (BS 7666). Arabic joins "in" to it, بE15 4QQ, so a letter of another script may stand before it.
_POSTCODE = re.compile(r"(?<![A-Z\d])[A-Z]{1,2}\d[A-Z\d]?[\s-]*\d[ABD-HJLNP-UW-Z]{2}(?![A-Z\d])", re.IGNORECASE)
_DAY_OR_YEAR = r"(?:\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d|(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}|(?:19|20)\d\d(?:/\d\d)?)"
_DAYS_OR_YEARS = re.compile(rf"{_DAY_OR_YEAR}(?:[ ./-]{{1,2}}{_DAY_OR_YEAR})*")


class _WithoutWords(logging.Formatter):
    """Writes where an exception arose and of which kind; what it says may quote a person's message, and stays out."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; what another handler made of the exception is not used."""
        record.exc_text = None
        try:
            return super().format(record)
        finally:
            record.exc_text = None

    def formatException(self, ei: Any) -> str:
        """The lines of code, and the exceptions' kinds."""
        return "\n".join(_kinds_and_places(ei[1]))


def _kinds_and_places(error: BaseException | None) -> list[str]:
    if error is None:
        return []
    before = _kinds_and_places(error.__cause__ or (None if error.__suppress_context__ else error.__context__))
    places = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return [*before, *places, type(error).__name__]


def log_without_words() -> None:
    """Logs warnings and worse to standard error: what happened and where. Rasa's own events keep their names and lose their contents."""
    handler = logging.StreamHandler()
    handler.setFormatter(_WithoutWords("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)

    def only_the_event(logger: Any, method: str, event: Any) -> Any:
        return (event.get("event", ""),), {"exc_info": bool(event.get("exc_info"))}

    structlog.configure(
        processors=[only_the_event],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
    )


def log_sanic_without_words() -> None:
    """Sanic's own loggers too, once it has set them up: they would quote what went wrong, and so what somebody wrote."""
    for name in ("sanic.root", "sanic.error", "sanic.access"):
        own = logging.getLogger(name)
        own.handlers.clear()
        own.propagate = True
        own.addFilter(_without_quotations)


def _without_quotations(record: logging.LogRecord) -> bool:
    record.msg, record.args = re.split(r"[\"'\n]", record.getMessage(), maxsplit=1)[0], ()
    return True


def mask(text: str) -> Masked:
    """The text with phone numbers, NHS numbers, references, emails, street addresses, dates of birth and postcodes masked.

    >>> mask("ring me on 07700 900123").text
    'ring me on [number]'
    """
    kinds: list[str] = []
    given, plain = text, text.translate(_AS_TYPED)
    text = plain
    for kind, pattern in _KINDS:
        text = _replace(text, pattern, kind, kinds)
    for match in reversed(list(_POSTCODE.finditer(western_digits(text)))):
        text = f"{text[: match.start()]}[postcode]{text[match.end() :]}"
    return Masked(given if text == plain else text, tuple(dict.fromkeys(kinds)))


# What phones and copied pages put for a plain space, hyphen, dot or at sign.
_AS_TYPED = {
    **dict.fromkeys(map(ord, "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"), " "),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212\uff0d"), "-"),
    **dict.fromkeys(map(ord, "\u20e3\ufe0f\u2060\ufeff"), None),
    ord("\uff20"): "@",
    ord("\uff0e"): ".",
}


def _replace(text: str, pattern: re.Pattern[str], kind: str, kinds: list[str]) -> str:
    # western_digits keeps the length, so a match's place is the same in both texts.
    for match in reversed(list(pattern.finditer(western_digits(text)))):
        if kind == "number" and _is_known_number(match[0]):
            continue
        kinds.append(kind)
        text = f"{text[: match.start()]}[{kind}]{text[match.end() :]}"
    return text


def _is_known_number(number: str) -> bool:
    """Whether a figure is no identifier: days and years, a free helpline, or a number that we give ourselves."""
    if _DAYS_OR_YEARS.fullmatch(number.strip()):
        return True
    digits = _national(number)
    return digits.startswith(("0800", "0808")) or digits in _helplines()


def _national(number: str) -> str:
    """The digits of a phone number as they are dialled in the UK.

    >>> _national("+44 808 1647 686")
    '08081647686'
    """
    digits = re.sub(r"\D", "", number)
    return re.sub(r"^(?:00)?44(?=[1-9])", "0", digits) if number.lstrip().startswith(("+", "00")) else digits


@cache
def _helplines() -> frozenset[str]:
    return frozenset(_national(service.phone) for service in house.knowledge().services.values() if service.phone)
