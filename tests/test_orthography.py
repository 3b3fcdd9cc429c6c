"""Messages typed by ear or without accents are brought back to the words as their language writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import languages
from bot.orthography import Orthography, consonants

SENTENCES = {
    "ar": ["هل الدكتور يبلغ عني؟", "وين اسجل بدون عنوان", "ممكن اشوف طبيب في المستشفى"],
    "ar_Latn": ["wein asajjel"],
    "fa": ["می‌تونم برم دکتر"],
    "fa_AF": ["میتانم پیش داکتر برم؟"],
    "fa_Latn": ["mitoonam beram"],
    "am": ["ሐኪም ጋር መሄድ እፈራለሁ"],
    "am_Latn": ["hakim gar"],
    "bn": ["আমি কি ডাক্তার দেখাতে পারবো", "হাসপাতাল কোথায়"],
    "bn_Latn": ["ami ki"],
    "hi": ["वीज़ा के बिना डॉक्टर मिलेगा"],
    "hi_Latn": ["visa ke bina"],
    "vi": ["Bác sĩ có nói không?", "tôi sợ lắm"],
    "sq": ["më duhet pasaportë"],
    "so": ["dhakhtarka ma aadi karaa"],
    "ru": ["можно к врачу"],
    "en": ["the receptionist wants a visa", "a visa?", "no visa", "receptionist said no", "the receptionist"],
}
ORTHOGRAPHY = Orthography().fit(
    [sentence for sentences in SENTENCES.values() for sentence in sentences],
    [label for label, sentences in SENTENCES.items() for _ in sentences],
)
LANGUAGES = st.sampled_from([None, *languages.languages()])


@pytest.mark.parametrize(
    ("typed", "written"),
    [("ybalegh", "يبلغ"), ("doctor", "دكتور"), ("7ob", "حب"), ("dekhate", "দেখাতে"), ("hakim", "ሓኪም"), ("mitoonam", "می‌تونم"), ("ghalti", "ग़लती")],
)
def test_a_word_typed_by_ear_has_the_consonants_of_the_word_as_written(typed: str, written: str) -> None:
    assert consonants(typed) == consonants(written)


@pytest.mark.parametrize(
    ("language", "typed", "written"),
    [
        ("ar", "hal el doctor ybalegh", "هل الدكتور يبلغ"),
        ("ar", "ween asagil bidoon 3nwan", "وين اسجل بدون عنوان"),
        ("fa", "metanum pesh", "میتانم پیش"),
        ("am", "hekim gar mehedd", "ሐኪም ጋር መሄድ"),
        ("bn", "ami ki dactar dekhate parbo", "আমি কি ডাক্তার দেখাতে পারবো"),
        ("vi", "bac si co noi khong", "bác sĩ có nói không"),
        ("sq", "me duhet pasaporte", "më duhet pasaportë"),
    ],
)
def test_a_message_is_brought_back_to_its_languages_own_writing(language: str, typed: str, written: str) -> None:
    assert ORTHOGRAPHY.restore(typed, language) == written


def test_dari_and_persian_share_their_words() -> None:
    assert ORTHOGRAPHY.restore("peesh", "fa") == ORTHOGRAPHY.restore("peesh", "fa_AF") == "پیش"
    assert ORTHOGRAPHY.restore("barem", "fa") == ORTHOGRAPHY.restore("barem", "fa_AF") == "برم"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ar", "هل الـ GP يبلغ عني"),
        ("vi", "Bác sĩ có noi khong?"),
        ("en", "will the doctor tell the Home Office"),
        ("so", "dhakhtarka ma aadi karaa"),
        ("ru", "mozhno k vrachu"),
        ("other", "darf ich zum arzt"),
        (None, "hal el doctor ybalegh 3anni"),
    ],
)
def test_a_message_stays_as_it_is_where_nothing_better_is_known(language: str | None, text: str) -> None:
    """Written in its own script, or with accents; a language without accents; one that has no examples in Latin letters; none of ours; none."""
    assert ORTHOGRAPHY.restore(text, language) == text


def test_english_words_in_a_message_typed_by_ear_stay_english() -> None:
    assert ORTHOGRAPHY.restore("receptionist visa ke bina doctor", "hi").split()[:2] == ["receptionist", "visa"]


def test_a_misspelt_word_is_found_by_the_known_word_most_like_it() -> None:
    assert ORTHOGRAPHY.restore("hsptall kothai", "bn") == "হাসপাতাল কোথায়"
    assert ORTHOGRAPHY.restore("zzgrblm", "bn") == "zzgrblm"


@given(text=st.text(max_size=80), language=LANGUAGES)
def test_no_text_fails_and_no_figure_changes(text: str, language: str | None) -> None:
    restored = ORTHOGRAPHY.restore(text, language)
    assert all(figure in restored for figure in text.split() if figure.isdecimal())
