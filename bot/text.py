"""Text as people type it, brought to one form for comparison."""

from __future__ import annotations

import re
import sys
import unicodedata

# Spellings of one Arabic-script letter that people exchange freely when they type (alef with and without hamza, final ya, ta marbuta),
# and Latin letters with a stroke or without a dot, which Unicode does not take apart into a letter and a mark.
_ONE_LETTER = str.maketrans(
    {"đ": "d", "Đ": "d", "ł": "l", "Ł": "l", "ı": "i"}
    | {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ة": "ه", "ک": "ك", "ـ": "", "ؤ": "و", "ئ": "ي"}
)
_DIGITS = {code: str(unicodedata.decimal(chr(code))) for code in range(sys.maxunicode + 1) if code > 0x7F and chr(code).isdecimal()}
# Vowel signs are part of an Indian or Ethiopian word, and no letters to `re`.
_SIGNS = "".join(chr(code) for code in range(0x300, 0x1_0000) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
_LETTER = rf"(?:[^\W_]|[{_SIGNS}])"
_WORD = re.compile(rf"[^\W_]{_LETTER}*(?:['’][^\W_]{_LETTER}*)*")


def western_digits(text: str) -> str:
    """The text with every decimal digit, of any script, as 0 to 9; its length does not change.

    >>> western_digits("٢٠١٨")
    '2018'
    """
    return text.translate(_DIGITS)


def fold(text: str) -> str:
    """The text without case, accents and vowel marks, and with one form for each letter.

    >>> fold("Médecin")
    'medecin'
    """
    if text.isascii():
        return text.casefold()
    text = unicodedata.normalize("NFKD", text.translate(_ONE_LETTER).casefold())
    return western_digits("".join(letter for letter in text if not unicodedata.combining(letter)))


def words(text: str) -> list[str]:
    """The words of a folded text.

    >>> words("It's safe, no?")
    ["it's", 'safe', 'no']
    >>> len(words("बंद करें"))
    2
    """
    return _WORD.findall(fold(text))
