"""How an SMS is billed: its alphabet, its segments; and how a long text is parted so that each part can be read by itself.

Segments are as 3GPP TS 23.038 and TS 23.040 have them, and as providers bill them: 160 letters of the GSM alphabet, or 70 of
UCS-2 when one letter is outside it; in parts of a longer message 153 or 67, for each part carries its place in the whole.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gsm0338 import Codec

_GSM = Codec()
_ALONE = {"GSM-7": 160, "UCS-2": 70}
_IN_PARTS = {"GSM-7": 153, "UCS-2": 67}
# Typographic characters that would cost a message its 160 letters, and what a keyboard has for them.
_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "−": "-", "…": "...", "•": "-", "·": "-"}
    | {"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u00ad": "", "\u200b": ""}
)


@dataclass(frozen=True)
class Size:
    """What a text costs to send: its alphabet (`GSM-7` or `UCS-2`), its length in units of it, its segments."""

    alphabet: str
    units: int
    segments: int


def _is_gsm(text: str) -> bool:
    try:
        _GSM.encode(text)
    except UnicodeEncodeError:
        return False
    return True


def plain(text: str, accents: bool = True) -> str:
    """The text with typographic characters as a keyboard writes them, where that makes it fit the GSM alphabet; else as it stands.

    Without `accents`, letters of the Latin script that the GSM alphabet lacks lose theirs: for languages whose speakers
    text so, a message costs less than half.

    >>> plain("It’s free – ask")
    "It's free - ask"
    >>> plain("Zapytaj bezpłatną linię", accents=False)
    'Zapytaj bezplatna linie'
    """
    simple = text.translate(_PLAIN)
    if not accents:
        simple = "".join(letter if _is_gsm(letter) else _without_accent(letter) for letter in simple)
    return simple if _is_gsm(simple) else text


def _without_accent(letter: str) -> str:
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(mark))
    return {"ł": "l", "Ł": "L", "ı": "i", "đ": "d", "Đ": "D"}.get(bare, bare)


def _units(letter: str, alphabet: str) -> int:
    """Septets (the euro sign and brackets take two), or UTF-16 code units (an emoji takes two)."""
    return len(_GSM.encode(letter)[0]) if alphabet == "GSM-7" else len(letter.encode("utf-16-be")) // 2


def size(text: str) -> Size:
    """What a text costs. A letter of two units is never parted.

    >>> size("a" * 161)
    Size(alphabet='GSM-7', units=161, segments=2)
    >>> size("ß" * 10 + "س")
    Size(alphabet='UCS-2', units=11, segments=1)
    """
    alphabet = "GSM-7" if _is_gsm(text) else "UCS-2"
    widths = [_units(letter, alphabet) for letter in text]
    if sum(widths) <= _ALONE[alphabet]:
        return Size(alphabet, sum(widths), 1)
    segments, left = 1, _IN_PARTS[alphabet]
    for width in widths:
        if width > left:
            segments, left = segments + 1, _IN_PARTS[alphabet]
        left -= width
    return Size(alphabet, sum(widths), segments)


_BETWEEN_SENTENCES = re.compile(r"((?<=[.!?؟。！？።…۔।])[ \t]+|(?<=[。！？።])(?=[^\s])|\n+)")
# A space inside a phone number, a date or between a figure and what it counts is no place to part a text.
_BETWEEN_WORDS = re.compile(r"((?<![\d+])\s+(?!\d))")


def parts(text: str, most_segments: int, tail: str = "") -> list[str]:
    """The text in messages of at most so many segments each: parted between sentences, else between words, never inside a number or a link.

    Each leaves room for a `tail`, which is to be put after it.

    >>> parts("One. Two.\\nThree.", 1)
    ['One. Two.\\nThree.']
    """
    return _packed(_BETWEEN_SENTENCES, text, most_segments, tail)


def _packed(between: re.Pattern[str], text: str, most: int, tail: str) -> list[str]:
    packed: list[str] = []
    gap = ""
    for piece in between.split(text.strip()):
        if not piece or piece.isspace():
            gap = piece or ""
            continue
        joined = f"{packed[-1]}{gap}{piece}" if packed else piece
        if packed and size(joined + tail).segments <= most:
            packed[-1] = joined
        elif size(piece + tail).segments <= most:
            packed.append(piece)
        elif between is _BETWEEN_SENTENCES:
            packed += _packed(_BETWEEN_WORDS, piece, most, tail)
        else:
            packed += _cut(piece, most, tail)
        gap = ""
    return packed


def _cut(word: str, most: int, tail: str) -> list[str]:
    """One that has no spaces to be parted at: Chinese, or a link longer than a message."""
    pieces = [""]
    for letter in word:
        if size(pieces[-1] + letter + tail).segments > most:
            pieces.append("")
        pieces[-1] += letter
    return pieces
