"""What keeps people unknown: pseudonyms, and the masking of identifiers before anything is stored or logged."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass

from .places import POSTCODE
from .text import fold, western_digits

_KEY = os.environ.get("CONFIDE_KEY", "").encode() or secrets.token_bytes(32)


def pseudonym(channel: str, address: str) -> str:
    """A keyed hash (HMAC-SHA-256, RFC 2104) that stands for a person on a channel. Without CONFIDE_KEY the key is new at each start."""
    return hmac.new(_KEY, f"{channel}\0{address}".encode(), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True)
class Masked:
    """A text in which identifiers are replaced by their kind in square brackets."""

    text: str
    kinds: tuple[str, ...]


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*"
_DATE = rf"(?:\d{{1,2}}[ ./-]+(?:\d{{1,2}}|{_MONTH}|[^\W\d_]+)[ ./-]+(?:19|20)?\d\d|(?:19|20)\d\d[./-]\d{{1,2}}[./-]\d{{1,2}})"
_BIRTH = (
    r"(?:d\.?o\.?b\.?|date of birth|birth\s?day|birth\s?date|born|n[ée]e? le|date de naissance|nac[ií]\w*|fecha de nacimiento|cumplea\w*"
    r"|ولدت|مواليد|مولود\w*|تاريخ (?:ال)?ميلاد\w*|تاريخ (?:ال)?ولاد\w*)"
)
_STREET = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|close|drive|dr|court|ct|house|gardens|"
    r"gdns|place|way|terrace|crescent|square|grove|hill|park|mews|walk|row)"
)
# Order matters: the longer and more telling kinds come first. What each looks like is stated by its issuer:
# NHS number, 3-3-4 digits (NHS Data Dictionary); National Insurance number, 2 letters 6 digits 1 letter (HMRC NIM39110);
# UAN, 16 digits in fours; Home Office reference, a letter and 7 or 8 digits; BRP, 2 letters and 7 digits; passport, 9 digits or letters and digits.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("date of birth", re.compile(rf"{_BIRTH}\W{{0,3}}(?:\w+\W+){{0,3}}?{_DATE}", re.IGNORECASE)),
    ("date of birth", re.compile(r"(?<!\d)\d{1,2}[./-]\d{1,2}[./-](?:19\d\d|200\d)(?!\d)")),
    ("reference", re.compile(r"(?<!\d)\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{4}(?!\d)")),
    ("reference", re.compile(r"(?<![A-Z\d])[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D](?![A-Z\d])", re.IGNORECASE)),
    ("reference", re.compile(r"(?<![A-Z\d])[A-Z]{1,3}[ -]?\d{6,9}(?:[/-]\d{1,3})?(?!\d)", re.IGNORECASE)),
    ("number", re.compile(r"(?<![\d£€$.,])(?:\+|00)?\d(?:[ ().-]{0,2}\d){6,18}(?!\d)")),
    ("address", re.compile(rf"(?<!\d)\d{{1,4}}[a-z]?,?\s+(?:[^\W\d_]+\s+){{1,3}}{_STREET}\b\.?", re.IGNORECASE)),
    ("address", re.compile(r"(?:flat|apartment|room|apt)\s+\d{1,4}[a-z]?\s*,\s*\d{1,4}[^,.\n]{3,40}", re.IGNORECASE)),
    ("address", re.compile(r"(?:rue|calle|avenida|شارع)\s+(?:[^\W\d_]+\s+){1,4}\d{1,4}", re.IGNORECASE)),
)


def mask(text: str) -> Masked:
    """The text with phone numbers, NHS numbers, references, emails, street addresses, dates of birth and postcodes masked.

    >>> mask("ring me on 07700 900123").text
    'ring me on [number]'
    """
    kinds: list[str] = []
    for kind, pattern in _KINDS:
        text = _replace(text, pattern, kind, kinds)
    for match in reversed(list(POSTCODE.finditer(western_digits(text)))):
        if match[3]:
            text = f"{text[: match.start()]}[postcode]{text[match.end() :]}"
    return Masked(text, tuple(dict.fromkeys(kinds)))


def _replace(text: str, pattern: re.Pattern[str], kind: str, kinds: list[str]) -> str:
    # western_digits keeps the length, so a match's place is the same in both texts.
    for match in reversed(list(pattern.finditer(western_digits(text)))):
        if kind == "number" and _is_known_number(match[0]):
            continue
        kinds.append(kind)
        text = f"{text[: match.start()]}[{kind}]{text[match.end() :]}"
    return text


def _is_known_number(number: str) -> bool:
    """Whether a figure is no identifier: a range of years, or a free helpline, which people quote back."""
    digits = re.sub(r"\D", "", fold(number))
    return bool(re.fullmatch(r"((19|20)\d\d){2}", digits)) or digits.startswith(("0800", "0808"))
