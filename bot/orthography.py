"""Messages typed in Latin letters or without accents, brought back to the words as their language writes them.

Who has no keyboard for a script writes by ear ("hal el doctor ybalegh 3anni", "toi co phai tra tien khong"), each in a spelling of
her own. The sentence encoder was made from text in the languages' own writing, and that is how most examples are written.
Each word is looked up by its consonants, or by its letters without accents, among the words that the examples use.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from anyascii import anyascii
from rapidfuzz import fuzz, process

from . import languages
from .identify import base
from .text import fold

_WORD = re.compile(r"[^\W_]+(?:['’`][^\W_]+)*")
_EDGES = "LMN"  # the categories (Unicode Standard, chapter 4.5) of what a word begins and ends with: letters, marks, numbers
_KEPT_FROM = 3  # an English word that the English examples use so often stands for itself
_MOST_SPELLINGS = 12
_CLOSE = 74  # of 100: consonants so like a known word's may be a misspelling of it
_ALIKE = 60  # of 100: and then the letters must be so like
_JOINED = 1.5  # in favour of two typed words being one
_STANDS_FOR_ITSELF = 2.5
_MOST_REMEMBERED = 50_000
_NO_ACCENTS = 0.02  # a text in a language that has accents, with at most this share of accented letters, was typed without

# What stands for one sound to somebody who writes by ear; capitals keep what was replaced from being replaced again.
_LETTERS_OF_A_SOUND = (
    *(("tch", "C"), ("ch", "C"), ("sh", "C"), ("kh", "H"), ("gh", "G"), ("th", "T"), ("dh", "D"), ("ts", "S"), ("tz", "S"), ("ph", "F")),
    *(("zh", "S"), ("ck", "K"), ("ny", "N"), ("gn", "N"), ("7'", "H"), ("3'", "G"), ("9'", "D")),
)
# The digits are Arabic letters of that shape: 7 for ح, 3 for ع. Vowels and half-vowels are left out: scripts and writers leave them out too.
_SOUND_OF_A_LETTER = str.maketrans(
    {"7": "h", "5": "h", "x": "h", "8": "g", "9": "k", "q": "k", "6": "t", "c": "k", "v": "b", "z": "s", "j": "g"} | dict.fromkeys("aeiouyw32'’`- ")
)
_DOUBLED = re.compile(r"(.)\1+")


@lru_cache(maxsize=_MOST_REMEMBERED)
def consonants(word: str) -> str:
    """The consonants of a word in any script, by sound.

    >>> consonants("ybalegh"), consonants("يبلغ"), consonants("doctor"), consonants("دكتور")
    ('blg', 'blg', 'dktr', 'dktr')
    """
    letters = _in_latin(word)
    for typed, sound in _LETTERS_OF_A_SOUND:
        letters = letters.replace(typed, sound)
    return _DOUBLED.sub(r"\1", letters.translate(_SOUND_OF_A_LETTER).lower())


@lru_cache(maxsize=_MOST_REMEMBERED)
def _in_latin(word: str) -> str:
    return (word if word.isascii() else str(anyascii(word))).lower()


def _words(text: str) -> list[str]:
    """The words as they stand, without what surrounds them."""
    found = []
    for word in text.split():
        kept = [index for index, letter in enumerate(word) if unicodedata.category(letter)[0] in _EDGES]
        if kept:
            found.append(word[kept[0] : kept[-1] + 1].lower())
    return found


Meant = tuple[float, str]  # how probably a word is meant, and the word


class Lexicon:
    """The words of sentences, to be found by how a person may type them: words of one `key` are candidates for each other.

    `kept` are words that stand for themselves; `misspelt`: a word whose key is unknown may be one with a key much like it.
    """

    def __init__(self, sentences: Iterable[str], key: Callable[[str], str], kept: frozenset[str] = frozenset(), misspelt: bool = False) -> None:
        self._key = key
        self._kept = kept
        spellings: dict[str, list[Meant]] = defaultdict(list)
        for word, times in Counter(word for sentence in sentences for word in _words(sentence)).most_common():
            if (of := key(word)) and not word.isdecimal() and len(spellings[of]) < _MOST_SPELLINGS:
                spellings[of].append((0.5 * math.log(times + 1), word))
        self._spellings = dict(spellings)
        self._keys = [of for of in self._spellings if len(of) >= 3] if misspelt else []
        self._found: dict[str, Meant] = {}

    def restore(self, typed: Sequence[str], article_apart: bool) -> str:
        """The words with each known one as the sentences write it.

        `article_apart`: people write "el doctor" and "w ana" for what the language writes as one word.
        """
        restored, start = [], 0
        while start < len(typed):
            (likely, word), step = self._meant(typed[start]), 1
            both = self._joined(*typed[start : start + 2]) if article_apart and start + 1 < len(typed) else None
            if both and both[0] + _JOINED > likely + self._meant(typed[start + 1])[0]:
                word, step = both[1], 2
            restored.append(word)
            start += step
        return " ".join(restored)

    def _joined(self, first: str, second: str) -> Meant | None:
        if first in self._kept or len(self._key(first)) > 1 or len(self._key(second)) < 2:
            return None
        return self._of_key(self._key(first) + self._key(second), first + second)

    def _meant(self, typed: str) -> Meant:
        if typed in self._kept or typed.isdecimal():
            return _STANDS_FOR_ITSELF, typed
        if typed not in self._found:
            if len(self._found) > _MOST_REMEMBERED:
                self._found.clear()
            self._found[typed] = self._of_key(self._key(typed), typed) or self._misspelt(typed) or (0.0, typed)
        return self._found[typed]

    def _of_key(self, key: str, typed: str, at_least: float = 0) -> Meant | None:
        alike = ((fuzz.ratio(typed, _in_latin(word)), often, word) for often, word in self._spellings.get(key, ()))
        return max(((3 * like / 100 + often, word) for like, often, word in alike if like >= at_least), default=None)

    def _misspelt(self, typed: str) -> Meant | None:
        key = self._key(typed)
        if not self._keys or len(key) < 3:
            return None
        near = process.extract(key, self._keys, scorer=fuzz.ratio, score_cutoff=_CLOSE, limit=4)
        return max((meant for of, _, _ in near if (meant := self._of_key(of, typed, _ALIKE))), default=None)


def _root(label: str) -> str:
    """Dari's words are Persian's too: one lexicon for `fa`, `fa_AF` and `fa_Latn`."""
    return label.split("_")[0]


def _accents(text: str) -> float:
    return sum(not letter.isascii() for letter in text) / max(len(text), 1)


class Orthography:
    """Learns how each language writes its words; restores that in a text."""

    def __init__(self) -> None:
        self._by_sound: dict[str, Lexicon] = {}
        self._by_letters: dict[str, Lexicon] = {}

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> Orthography:
        """Learn from sentences, each with its language or `<language>_Latn`."""
        of: dict[str, list[str]] = defaultdict(list)
        english: Counter[str] = Counter()
        for text, label in zip(texts, labels):
            if label == languages.SOURCE:
                english.update(_words(text))
            elif base(label) == label:
                of[_root(label)].append(text)
        kept = frozenset(word for word, times in english.items() if times >= _KEPT_FROM and len(word) > 3)
        in_latin = {_root(label) for label in labels if base(label) != label}
        self._by_sound = {name: Lexicon((text for text in of[name] if not text.isascii()), consonants, kept, misspelt=True) for name in in_latin}
        accented = {name: [text for text in texts if _accents(text) > _NO_ACCENTS] for name, texts in of.items() if languages.script(name) == "Latn"}
        self._by_letters = {name: Lexicon(texts, fold) for name, texts in accented.items() if texts}
        return self

    def restore(self, text: str, language: str | None) -> str:
        """The text as its language writes it, as far as its words are known; as it stands, when it is in that writing already.

        `language` is as `LanguageIdentifier` guesses it: it says nothing of the letters.
        """
        root = _root(language or "")
        typed = [word.lower() for word in _WORD.findall(text)]
        if root in self._by_letters:
            return self._by_letters[root].restore(typed, article_apart=False) if _accents(text) <= _NO_ACCENTS else text
        if root in self._by_sound and _is_latin(text):
            return self._by_sound[root].restore(typed, article_apart=languages.script(root) == "Arab")
        return text


def _is_latin(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return bool(letters) and all(letter < "\u0250" for letter in letters)  # the first letter after Latin Extended-B
