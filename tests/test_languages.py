"""Words in each language: dates, names, direction; and what a catalogue must hold before it is spoken to anyone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo

from bot import catalogues, house, languages
from bot.knowledge import Knowledge, Period
from bot.replies import compose
from bot.text import fold, western_digits, words

OTHERS = languages.languages()[1:]
DAY = date(2018, 5, 9)


# Dates, lists, names, direction


@pytest.mark.parametrize(
    ("language", "day", "month", "year"),
    [
        ("en", "9 May 2018", "May 2018", "2018"),
        ("ar", "9 مايو 2018", "مايو 2018", "2018"),
        ("fr", "9 mai 2018", "mai 2018", "2018"),
        ("es", "9 de mayo de 2018", "mayo de 2018", "2018"),
    ],
)
def test_a_date_is_said_in_words_as_precisely_as_it_is_known(language: str, day: str, month: str, year: str) -> None:
    assert western_digits(languages.in_words(DAY, language)).replace("\u200f", "") == day
    assert languages.in_words(Period.parse("2018-05-09"), language) == languages.in_words(DAY, language)
    assert western_digits(languages.in_words(Period.parse("2018-05"), language)).replace("\u200f", "") == month
    assert western_digits(languages.in_words(Period.parse("2018"), language)) == year


def test_a_stretch_of_days_is_said_with_both_its_ends() -> None:
    assert languages.in_words(Period(date(2018, 5, 9), date(2018, 6, 1)), "en") == "9 May 2018 – 1 June 2018"
    assert languages.in_words(Period(date(2018, 5, 1), date(2018, 5, 30)), "en") == "1 May 2018 – 30 May 2018"


@pytest.mark.parametrize("language", languages.languages())
@pytest.mark.parametrize("text", ["2005", "2018-05", "2018-05-09", "2026-11-22"])
def test_a_date_names_its_year_in_every_language(language: str, text: str) -> None:
    assert text[:4] in western_digits(languages.in_words(Period.parse(text), language))


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("fr", "ltr"), ("es", "ltr"), ("ar", "rtl"), ("fa_AF", "rtl"), ("ckb", "rtl")])
def test_a_language_has_its_direction(language: str, direction: str) -> None:
    assert languages.direction(language) == direction


@pytest.mark.parametrize(("language", "name"), [("en", "English"), ("ar", "العربية"), ("fr", "Français"), ("es", "Español")])
def test_a_language_is_offered_in_its_own_name(language: str, name: str) -> None:
    assert languages.own_name(language) == name


def test_no_two_languages_have_one_name() -> None:
    names = [languages.own_name(language) for language in languages.languages()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("language", "script"), [("en", "Latn"), ("fr", "Latn"), ("ar", "Arab"), ("fa_AF", "Arab"), ("ti", "Ethi"), ("zh_Hans", "Hans")]
)
def test_a_language_has_its_script(language: str, script: str) -> None:
    assert languages.script(language) == script


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("en-GB", "en"),
        ("en_US", "en"),
        ("ar-SY", "ar"),
        ("AR_eg", "ar"),
        ("fr-CA", "fr"),
        ("es-419", "es"),
        ("tlh", None),
        ("", None),
        (None, None),
        (7, None),
        (["en"], None),
        ("../en", None),
        ("en/../..", None),
        ("e n", None),
        ("en\n", None),
        ("_", None),
        ("-", None),
        ("x" * 10_000, None),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_language_tag_asks_for_one_of_our_languages_or_none(asked: object, given: str | None) -> None:
    assert languages.supported(asked) == given


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("fa_AF", "fa-AF"), ("zh_Hans", "zh-Hans")])
def test_a_language_is_tagged_for_html(language: str, tag: str) -> None:
    assert languages.tag(language) == tag


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("in Arabic please", "ar"),
        ("can you speak french?", "fr"),
        ("parlez-vous espagnol", "es"),
        ("بالعربية من فضلك", "ar"),
        ("العربية", "ar"),
        ("hablas inglés?", "en"),
        ("is it safe", None),
        ("", None),
    ],
)
def test_a_language_is_recognised_by_its_name_in_any_of_ours(text: str, language: str | None) -> None:
    assert languages.named_in(text) == language


def test_a_language_without_a_catalogue_is_refused_by_name() -> None:
    with pytest.raises(languages.UnknownLanguage, match="'de' is no language of ours; locales/ has en"):
        languages.translate("Hello", "de")


# Right to left


@pytest.mark.parametrize("language", [language for language in languages.languages() if languages.direction(language) == "rtl"])
def test_a_number_keeps_its_order_inside_right_to_left_text(knowledge: Knowledge, today: date, language: str) -> None:
    bare = []
    for topic in knowledge.topics:
        for nation in ("england", "northern_ireland"):
            reply = compose(knowledge, topic, today, language, nation)
            for text in (*reply.paragraphs, *reply.short, *(contact.line for contact in reply.people)):
                for number in re.finditer(r"\d{2,5}(?: \d{2,5})+", text):
                    before = text[: number.start()]
                    if before.count("\u2066") <= before.count("\u2069"):
                        bare.append(f"{topic}: {number[0]}")
    assert not bare


@pytest.mark.parametrize("language", languages.languages())
def test_every_isolate_is_closed_in_its_own_text(knowledge: Knowledge, today: date, language: str) -> None:
    for topic in knowledge.topics:
        reply = compose(knowledge, topic, today, language, "england")
        for text in (*reply.paragraphs, *reply.short, *reply.why, *(contact.line for contact in reply.people)):
            assert sum(text.count(mark) for mark in "\u2066\u2067\u2068") == text.count("\u2069"), f"{topic}: {text}"


def test_left_to_right_text_has_no_isolates_added() -> None:
    assert languages.isolated("0808 1647 686", "fr") == "0808 1647 686"
    assert languages.isolated("0808 1647 686", "ar") == "\u20660808 1647 686\u2069"


# What a stale or missing translation does


@pytest.fixture
def a_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalog]:
    """A small French catalogue of its own; `compiled` puts it into use."""
    monkeypatch.setattr(languages, "LOCALES", tmp_path)
    caches = (languages.languages, languages._catalogue, languages._known, languages._names_of_languages)
    for cache in caches:
        cache.cache_clear()
    yield Catalog(locale="fr", project="Confide", fuzzy=False)
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()


def compiled(catalogue: Catalog) -> None:
    folder = languages.LOCALES / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text("")
    with (folder / "messages.mo").open("wb") as file:
        write_mo(file, catalogue, use_fuzzy=False)


def test_a_stale_translation_is_withheld(a_catalogue: Catalog) -> None:
    a_catalogue.add("The old English", "L'ancien")
    a_catalogue.add("The new English", "L'ancien", flags=["fuzzy"])
    a_catalogue.add("Never translated", "")
    compiled(a_catalogue)
    assert languages.translate("The old English", "fr") == "L'ancien"
    assert languages.translate("The new English", "fr") is None
    assert languages.translate("Never translated", "fr") is None
    assert languages.translate("Never collected", "fr") is None


def test_a_translation_that_equals_its_english_is_a_translation(a_catalogue: Catalog) -> None:
    a_catalogue.add("NHS 111", "NHS 111")
    compiled(a_catalogue)
    assert languages.translate("NHS 111", "fr") == "NHS 111"


def test_a_stale_sentence_makes_its_reply_english_and_no_other(a_catalogue: Catalog, knowledge: Knowledge, today: date) -> None:
    for message in catalogues.template(knowledge):
        if message.id:
            stale = message.id == knowledge.answers["greet"].paragraphs[0].text
            a_catalogue.add(message.id, f"[{message.id}]", flags=["fuzzy"] if stale else [])
    compiled(a_catalogue)
    greeting = compose(knowledge, "greet", today, "fr")
    assert greeting.status == "not_translated"
    assert greeting.paragraphs[0] == f"[{knowledge.messages['not_translated']}]"
    assert greeting.paragraphs[1].startswith("Hello.")
    assert compose(knowledge, "thank", today, "fr").paragraphs[0].startswith("[We are glad")


def test_a_catalogue_that_is_not_compiled_says_what_to_run(a_catalogue: Catalog) -> None:
    folder = languages.LOCALES / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text("")
    with pytest.raises(languages.UnknownLanguage, match="run 'python -m bot catalogues compile'"):
        languages.translate("Hello", "fr")


def test_a_language_that_nobody_reviewed_is_a_draft(a_catalogue: Catalog) -> None:
    compiled(a_catalogue)
    assert languages.is_draft("fr")
    assert not languages.is_draft("en")


def test_a_review_is_kept_when_the_catalogue_is_brought_up_to_date(
    a_catalogue: Catalog, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogues, "LOCALES", languages.LOCALES)
    a_catalogue.language_team = "Reviewed by A Person, 2026-11-20"
    catalogues.write("fr", a_catalogue)
    catalogues.update(knowledge, "fr")
    assert catalogues.compile_all() == ["fr"]
    assert not languages.is_draft("fr")


# The catalogues themselves


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))


def figures(text: str) -> list[str]:
    """The figures of a text, whatever the script and the separator: "£1,000", "1 000 £" and "١٠٠٠" are one."""
    text = western_digits(re.sub(r"\{\w+\}", " ", text)).replace("٬", ",").replace("٫", ".")
    text = re.sub(r"(?<=\d)[,. \u00a0\u202f](?=\d{3}(?!\d))", "", text)
    return sorted(figure.lstrip("0") or "0" for figure in re.findall(r"\d+(?:[.,]\d+)?", text.replace(",", ".")))


def months_as_figures(text: str, language: str) -> str:
    """An English text whose months are figures where the language may write them so: November is 11月 in Chinese."""
    if "11" not in languages.in_words(Period.parse("2018-11"), language):
        return text
    for number, name in Locale.parse("en").months["format"]["wide"].items():
        text = re.sub(rf"(?<=\d ){name}\b|(?<=[Ii]n ){name}\b|\b{name}(?= \d)" if name == "May" else rf"\b{name}\b", str(number), text)
    return text


def messages(language: str) -> list[Message]:
    return [message for message in catalogues.read(language) if message.id]


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated(knowledge: Knowledge, language: str) -> None:
    lacking = [f"{message.locations[0][0]}: {message.id}" for message in catalogues.missing(catalogues.read(language), knowledge)]
    assert not lacking, f"locales/{language}/LC_MESSAGES/messages.po lacks {len(lacking)}; run 'make translations' and translate: {lacking[:5]}"


@pytest.mark.parametrize("language", OTHERS)
def test_every_translation_keeps_the_placeholders_of_its_english(language: str) -> None:
    wrong = [message.id for message in messages(language) if message.string and placeholders(message.string) != placeholders(message.id)]
    assert not wrong


@pytest.mark.parametrize("language", OTHERS)
def test_every_translation_keeps_the_figures_of_its_english(language: str) -> None:
    wrong = {
        message.id: (figures(message.id), figures(message.string))
        for message in messages(language)
        if message.string and figures(message.string) not in (figures(message.id), figures(months_as_figures(message.id, language)))
    }
    assert not wrong, f"{len(wrong)} translations change a figure: {list(wrong.items())[:6]}"


@pytest.mark.parametrize("language", OTHERS)
def test_every_translation_keeps_the_phone_numbers_of_its_english(knowledge: Knowledge, language: str) -> None:
    numbers = {service.phone for service in knowledge.services.values() if service.phone}
    for message in messages(language):
        for number in numbers:
            if re.search(rf"(?<!\d){re.escape(number)}(?!\d)", message.id) and message.string:
                assert number in western_digits(message.string), message.id


@pytest.mark.parametrize("language", OTHERS)
def test_every_brace_in_a_translation_is_part_of_a_placeholder(language: str) -> None:
    assert not [message.string for message in messages(language) if re.search("[{}]", re.sub(r"\{\w+\}", "", message.string))]


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_in_the_script_of_its_language(language: str) -> None:
    """Names such as NHS stay as they are; the share is of all letters that are said."""
    names = {"Latn": "LATIN", "Arab": "ARABIC", "Ethi": "ETHIOPIC", "Cyrl": "CYRILLIC", "Deva": "DEVANAGARI", "Beng": "BENGALI", "Guru": "GURMUKHI"}
    name = {**names, "Hans": "CJK"}[languages.script(language)]
    said = "".join(re.sub(r"\{\w+\}", "", message.string) for message in messages(language))
    letters = [letter for letter in said if letter.isalpha()]
    share = sum(name in unicodedata.name(letter, "") for letter in letters) / len(letters)
    # A Chinese word is one or two letters, and "Home Office" ten.
    assert share > (0.6 if name == "CJK" else 0.8), f"{share:.0%} of {language} is in {name}"


TERMS = yaml.safe_load((languages.LOCALES / "terms.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", OTHERS)
def test_a_glossary_names_every_term_as_the_catalogue_does(language: str) -> None:
    path = languages.LOCALES / language / "glossary.yml"
    glossary = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(glossary) == list(TERMS), f"{path} names other terms than locales/terms.yml"
    for term, forms in glossary.items():
        assert set(forms) <= {"says", "note"} and all(len(form) > 1 for form in forms["says"]), f"{path}: {term}"
        english = re.compile("|".join(rf"\b{re.escape(word)}\b" for word in TERMS[term]["english"]), 0 if TERMS[term].get("case") else re.IGNORECASE)
        said = [message.string.casefold() for message in messages(language) if message.string and english.search(message.id)]
        lacking = [text for text in said if not any(form.casefold() in text for form in forms["says"])]
        assert len(lacking) <= 0.15 * len(said), f"{path}: {term} is said in other words in {len(lacking)} of {len(said)}: {lacking[:2]}"


@pytest.mark.parametrize("language", OTHERS)
def test_a_sentence_is_not_left_in_english(language: str) -> None:
    same = [message.id for message in messages(language) if message.string == message.id and len(words(message.id)) >= 4]
    assert not same


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_no_stray_space_and_no_markup(language: str) -> None:
    wrong = [
        message.string for message in messages(language) if message.string and (message.string != message.string.strip() or "<" in message.string)
    ]
    assert not wrong


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_about_as_long_as_its_english(language: str) -> None:
    """A translation half or twice as long lost or gained a sentence. Words to show at the surgery stand in English and in translation.

    A letter of Ethiopic writing is a syllable, one of Chinese a word.
    """
    least = {"Ethi": 0.3, "Hans": 0.12}.get(languages.script(language), 0.4)
    odd = {
        message.id: message.string
        for message in messages(language)
        if message.string and len(message.id) > 40 and not least < len(message.string) / len(message.id) < (3.2 if "“" in message.id else 2.2)
    }
    assert not odd


@pytest.mark.parametrize("language", OTHERS)
def test_the_four_nations_have_four_names(knowledge: Knowledge, language: str) -> None:
    names = {languages.translate(knowledge.messages[f"nation_{nation}"], language) for nation in ("england", "scotland", "wales", "northern_ireland")}
    assert len(names) == 4 and None not in names


@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_catalogue_is_the_one_that_translators_see(language: str) -> None:
    for message in messages(language):
        expected = message.string if message.string and not message.fuzzy else None
        assert languages.translate(message.id, language) == expected, f"run 'python -m bot catalogues compile': {message.id}"


def test_the_template_holds_every_sentence_once_and_says_where_it_stands(knowledge: Knowledge) -> None:
    template = [message for message in catalogues.template(knowledge) if message.id]
    assert len({message.id for message in template}) == len(template)
    assert all(message.locations and message.auto_comments for message in template)
    assert all((house.ROOT / path).is_file() or path.startswith("data/services") for message in template for path, _ in message.locations)


def test_a_new_english_sentence_makes_its_old_translation_stale(knowledge: Knowledge) -> None:
    catalogue = Catalog(locale="fr", fuzzy=False)
    old = knowledge.messages["failed"]
    catalogue.add(old.replace("Something", "Anything"), "Quelque chose a mal fonctionné.")
    catalogue.update(catalogues.template(knowledge), no_fuzzy_matching=False)
    assert old in {message.id for message in catalogues.missing(catalogue, knowledge)}


def test_folding_brings_what_people_type_to_one_form() -> None:
    assert fold("MÉDECIN") == "medecin"
    assert fold("أإآٱ") == "اااا"
    assert western_digits("۲۰۱۸ ٢٠١٨ २०१८") == "2018 2018 2018"
