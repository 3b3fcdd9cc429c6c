"""A reply: its status and the words that come with it, its sources and people, its lengths; for every topic, nation, language and day."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from types import MappingProxyType

import pytest

from bot import house, languages
from bot.knowledge import NATIONS, Knowledge
from bot.replies import (
    MOST_DISAGREEMENTS,
    UnknownTopic,
    compose,
    language_choices,
    say,
    told,
)
from bot.reply import STATUSES, Reply

TODAY = date(2026, 11, 22)
# Before everything, within each stretch of the policy, on two of its turns, a month before the present, and after facts fall due.
DAYS = [
    date(1975, 6, 1),
    date(2012, 1, 1),
    date(2016, 12, 31),
    date(2017, 1, 1),
    date(2018, 5, 20),
    date(2018, 11, 9),
    date(2021, 7, 15),
    date(2025, 6, 1),
    date(2026, 10, 22),
]
ADVICE_NUMBER = "0808 1647 686"
# GSM 03.38: what an SMS part of 160 (153 when joined) letters can hold; the second row counts twice. Anything else makes it UCS-2: 70 (67).
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_TWICE = frozenset("^{}\\[~]|€\f")


def english(knowledge: Knowledge, topic: str, nation: str | None = "england", day: date = TODAY, today: date = TODAY, view: str = "answer") -> Reply:
    return compose(knowledge, topic, day, "en", nation, today=today, view=view)


def sms_parts(text: str) -> int:
    if all(letter in GSM_7 or letter in GSM_7_TWICE for letter in text):
        length, alone, joined = sum(2 if letter in GSM_7_TWICE else 1 for letter in text), 160, 153
    else:
        length, alone, joined = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= alone else -(-length // joined)


@cache
def composed(language: str, day: date) -> tuple[tuple[str, Reply], ...]:
    """Every topic in every nation: what it is, for a failure's message, and the reply. Composed once for all tests."""
    knowledge = house.knowledge()
    return tuple(
        (f"{topic} in {nation}, {language}, on {day}", compose(knowledge, topic, day, language, nation, today=TODAY))
        for topic in knowledge.topics
        for nation in ((None, *NATIONS) if knowledge.answers[topic].differs_by_nation else (None,))
    )


# Statuses


def test_an_answer_that_rests_on_fresh_facts_is_answered(knowledge: Knowledge) -> None:
    reply = english(knowledge, "ask_gp_safe")
    assert (reply.status, reply.language, reply.direction, reply.nation, reply.as_of) == ("answered", "en", "ltr", "england", TODAY)
    assert reply.english == reply.paragraphs


def test_what_is_past_its_review_is_said_with_a_line_and_the_advice_line(knowledge: Knowledge) -> None:
    reply = english(knowledge, "ask_mou_now", day=date(2026, 12, 23), today=date(2026, 12, 23))
    assert reply.status == "needs_check"
    assert knowledge.messages["needs_check"] in reply.notes
    assert ADVICE_NUMBER in [contact.phone for contact in reply.people]
    assert reply.paragraphs == english(knowledge, "ask_mou_now").paragraphs


def test_the_advice_line_is_not_named_twice(knowledge: Knowledge) -> None:
    for topic in knowledge.topics:
        reply = english(knowledge, topic, day=date(2028, 1, 1), today=date(2028, 1, 1))
        assert [contact.phone for contact in reply.people].count(ADVICE_NUMBER) <= 1, topic


@pytest.mark.parametrize("nation", NATIONS)
def test_once_everything_is_due_no_answer_that_rests_on_something_calls_itself_fresh(knowledge: Knowledge, nation: str) -> None:
    late = date(2028, 1, 1)
    for topic in knowledge.topics:
        reply = english(knowledge, topic, nation, day=late, today=late)
        rests = bool(reply.sources or reply.people or re.search(r"\d{3}", reply.text))
        assert (reply.status == "needs_check") == rests, topic


def test_a_day_that_nothing_speaks_for_is_not_known_and_a_person_is_named(knowledge: Knowledge) -> None:
    reply = english(knowledge, "ask_gp_safe", "wales", day=date(1990, 1, 1))
    assert reply.status in ("not_known", "answered")
    reply = english(knowledge, "ask_pregnancy", "england", day=date(1990, 1, 1))
    assert reply.status == "not_known"
    assert knowledge.messages["not_known"] in reply.paragraphs
    assert ADVICE_NUMBER in reply.text


def test_a_reply_about_a_past_day_begins_by_saying_so(knowledge: Knowledge) -> None:
    for view in ("answer", "why"):
        reply = english(knowledge, "ask_mou_now", day=date(2017, 3, 1), view=view)
        assert reply.paragraphs[0] == "This is about 1 March 2017, not about today."
    assert english(knowledge, "ask_mou_now").paragraphs[0].startswith("In England, the agreement is not in force")


def test_england_is_assumed_only_with_a_word_that_says_so_and_the_nations_to_choose_from(knowledge: Knowledge) -> None:
    reply = english(knowledge, "ask_gp_cost", None)
    assert reply.nation == "england"
    assert knowledge.messages["assumed_england"] in reply.notes
    assert [choice.title for choice in reply.choices[:4]] == ["England", "Scotland", "Wales", "Northern Ireland"]
    told_nation = english(knowledge, "ask_gp_cost", "england")
    assert knowledge.messages["assumed_england"] not in told_nation.notes
    assert not [choice for choice in told_nation.choices if choice.message.startswith("/inform")]


def test_an_answer_that_is_the_same_everywhere_assumes_no_nation(knowledge: Knowledge) -> None:
    reply = english(knowledge, "ask_confidentiality", None)
    assert reply.nation is None
    assert not reply.notes


def test_a_topic_without_an_answer_is_an_error_that_says_which_file_to_write(knowledge: Knowledge) -> None:
    with pytest.raises(UnknownTopic, match=r"'ask_nothing' has no answer; data/answers has no ask_nothing\.yml"):
        english(knowledge, "ask_nothing")


def test_a_language_without_a_catalogue_is_an_error_that_says_which_there_are(knowledge: Knowledge) -> None:
    with pytest.raises(languages.UnknownLanguage, match=r"'tlh' is no language of ours; locales/ has en"):
        compose(knowledge, "greet", TODAY, "tlh")


# Not translated


@pytest.fixture
def without_a_sentence(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the languages had lost the translation of the answer on a GP's cost."""
    real = languages.translate

    def translate(text: str, language: str) -> str | None:
        return None if language != "en" and "seeing an NHS GP is free" in text else real(text, language)

    monkeypatch.setattr(languages, "translate", translate)
    yield


@pytest.mark.parametrize("language", languages.languages()[1:])
def test_what_is_not_translated_is_said_in_english_after_the_sorry_line_of_the_language(
    knowledge: Knowledge, without_a_sentence: None, language: str
) -> None:
    reply = compose(knowledge, "ask_gp_cost", TODAY, language, "england")
    plain = english(knowledge, "ask_gp_cost")
    assert (reply.status, reply.language, reply.direction) == ("not_translated", "en", "ltr")
    assert reply.paragraphs[0] == languages.translate(knowledge.messages["not_translated"], language)
    assert reply.paragraphs[1:] == plain.paragraphs
    assert reply.english == plain.paragraphs
    assert reply.people == plain.people


@pytest.mark.parametrize("language", languages.languages()[1:])
def test_only_the_answer_that_lacks_a_sentence_falls_back(knowledge: Knowledge, without_a_sentence: None, language: str) -> None:
    assert compose(knowledge, "ask_gp_cost", TODAY, language, "scotland").language == language
    assert compose(knowledge, "greet", TODAY, language).language == language


@pytest.mark.parametrize("language", languages.languages()[1:])
def test_a_volunteer_can_read_the_same_reply_in_english(knowledge: Knowledge, language: str) -> None:
    reply = compose(knowledge, "ask_gp_safe", TODAY, language, "england")
    assert reply.english == english(knowledge, "ask_gp_safe").paragraphs
    assert "english" not in reply.for_patients()
    assert reply.as_json()["english"] == list(reply.english)


@pytest.mark.parametrize("language", languages.languages()[1:])
def test_a_reply_in_an_unreviewed_language_says_that_it_is_a_draft(knowledge: Knowledge, language: str) -> None:
    assert compose(knowledge, "greet", TODAY, language).draft == languages.is_draft(language)
    assert not english(knowledge, "greet", None).draft


# Sources, people, JSON


def test_each_source_has_a_title_a_publisher_and_the_day_we_read_it() -> None:
    for what, reply in composed("en", TODAY):
        for source in reply.sources:
            assert source.title and source.publisher, what
            assert source.read <= TODAY, what
            assert source.url is None or source.url.startswith("https://") or source.url.startswith("http://"), what
        assert bool(reply.sources) == (reply.read is not None), what


def test_what_is_stated_as_fact_in_a_policy_or_cost_answer_has_a_source(knowledge: Knowledge) -> None:
    for topic in knowledge.topics:
        if knowledge.answers[topic].group in ("policy", "trust", "cost", "register"):
            assert english(knowledge, topic).sources, topic


def test_the_day_a_reply_speaks_for_is_the_oldest_of_its_facts(knowledge: Knowledge) -> None:
    reply = english(knowledge, "ask_documents_needed")
    assert reply.true_as_of == date(2017, 10, 1)
    assert reply.true_as_of_words == "October 2017"


def test_a_source_is_listed_once() -> None:
    for what, reply in composed("en", TODAY):
        cited = [(source.title, source.url) for source in reply.sources]
        assert len(cited) == len(set(cited)), what


@pytest.mark.parametrize("nation", NATIONS)
def test_people_of_another_nation_are_not_named_to_turn_to(knowledge: Knowledge, nation: str) -> None:
    services = {service.title: service for service in knowledge.services.values()}
    for topic in knowledge.topics:
        for contact in english(knowledge, topic, nation).people:
            assert nation in services[contact.name].nations, f"{topic} names {contact.name} in {nation}"


def test_a_contact_says_the_name_the_number_and_the_hours(knowledge: Knowledge) -> None:
    contact = next(contact for contact in english(knowledge, "talk_to_person").people if contact.phone == ADVICE_NUMBER)
    assert contact.line == "Doctors of the World advice line: 0808 1647 686. The call is free. Monday to Friday, 10:00 to 12:00."
    assert any("Our source for this contact is from 2022" in detail for detail in contact.details)


def test_a_sentence_about_hours_begins_with_a_capital_letter(knowledge: Knowledge) -> None:
    for topic in knowledge.topics:
        for contact in english(knowledge, topic, None).people:
            assert not re.search(r"[.] [a-z]", contact.line), contact.line


def test_a_contact_without_a_number_is_given_with_its_website(knowledge: Knowledge) -> None:
    contact = next(contact for contact in english(knowledge, "ask_legal_advice").people if contact.name.startswith("Joint Council"))
    assert contact.phone is None
    assert contact.website and contact.website in contact.line


def test_where_sources_differ_the_reply_says_who_says_what(knowledge: Knowledge) -> None:
    why = "\n".join(english(knowledge, "ask_hospital_debt").why)
    assert "Sources differ. svoi.uk, May 2026 says:" in why
    for what, reply in composed("en", TODAY):
        assert sum(text.startswith("Sources differ") for text in reply.why) <= MOST_DISAGREEMENTS, what


def test_why_is_answered_with_reasons_or_with_a_sentence_that_there_are_none(knowledge: Knowledge) -> None:
    assert english(knowledge, "ask_gp_cost", view="why").paragraphs[0].startswith("NHS England told surgeries")
    assert english(knowledge, "greet", view="why").paragraphs == (knowledge.messages["no_reason"],)


@pytest.mark.parametrize("language", languages.languages())
def test_a_reply_survives_json(knowledge: Knowledge, language: str) -> None:
    for topic in ("ask_mou_now", "find_clinic", "crisis_suicide"):
        given = compose(knowledge, topic, TODAY, language, "england", today=date(2027, 6, 1)).as_json()
        again = json.loads(json.dumps(given, ensure_ascii=False))
        assert again == given
        assert again["as_of"] == "2026-11-22"
        assert set(again) == set(Reply.__dataclass_fields__)
        assert all(isinstance(source["read"], str) for source in again["sources"])


def test_a_reply_as_text_ends_with_whom_to_call(knowledge: Knowledge) -> None:
    reply = english(knowledge, "ask_gp_cost")
    assert reply.text.startswith(reply.paragraphs[0])
    assert reply.text.rindex(ADVICE_NUMBER) > reply.text.index(reply.paragraphs[-1])


# The assistant's own sentences


def test_languages_are_offered_in_their_own_names() -> None:
    titles = {choice.message: choice.title for choice in language_choices()}
    assert titles['/change_language{"language": "en"}'] == "English"
    assert titles['/change_language{"language": "ar"}'] == "العربية"
    assert len(titles) == len(languages.languages())


@pytest.mark.parametrize("language", languages.languages())
def test_a_nation_that_was_told_is_named_in_the_language(knowledge: Knowledge, language: str) -> None:
    reply = say(knowledge, ["noted_nation"], TODAY, language, values={"nation": "nation_scotland"})
    assert languages.translate("Scotland", language) in reply.paragraphs[0]


@pytest.mark.parametrize("language", languages.languages())
def test_events_are_told_in_order_with_their_days_in_words(knowledge: Knowledge, language: str) -> None:
    events = [knowledge.events["2017-01-01-mou-in-force"], knowledge.events["2018-11-09-mou-withdrawn"]]
    reply = told(knowledge, "when_answer", events, TODAY, language, topic="ask_mou_now", decided=True)
    assert len(reply.paragraphs) == 3
    for event, line in zip(events, reply.paragraphs[1:], strict=True):
        assert languages.in_words(event.period, language) in line
    assert reply.sources


def test_what_goes_wrong_is_an_error_and_not_a_reply_with_a_hole(knowledge: Knowledge) -> None:
    answer = knowledge.answers["mou_between"]
    with pytest.raises(KeyError, match="until"):
        compose(replace(knowledge, answers=MappingProxyType({"mou_between": answer})), "mou_between", TODAY, "en")


# Every topic, nation, language and day


@pytest.mark.parametrize("language", languages.languages())
def test_every_topic_composes_today_in_every_nation(language: str) -> None:
    for what, reply in composed(language, TODAY):
        assert reply.status == "answered", what
        assert reply.language == language, what
        assert reply.direction == languages.direction(language), what
        assert reply.paragraphs and all(reply.paragraphs), what
        assert reply.title and reply.choices, what
        assert len(reply.english) == len(reply.paragraphs), what


@pytest.mark.parametrize("day", DAYS, ids=str)
@pytest.mark.parametrize("language", languages.languages())
def test_every_topic_composes_on_every_day(language: str, day: date) -> None:
    for what, reply in composed(language, day):
        assert reply.status in STATUSES, what
        assert reply.status != "not_translated", what
        assert reply.as_of == day, what
        assert not re.search(r"[{}]", reply.text + "".join(reply.short) + "".join(reply.why)), what


@pytest.mark.parametrize("language", languages.languages())
def test_no_placeholder_is_left_in_what_is_said(language: str) -> None:
    for what, reply in composed(language, TODAY):
        said = "\n".join((reply.text, *reply.short, *reply.why, reply.title, *(choice.title for choice in reply.choices)))
        assert not re.search(r"[{}]", said), what


def test_an_answer_has_at_most_125_words() -> None:
    long = {what: words for what, reply in composed("en", TODAY) if (words := len(" ".join(reply.paragraphs).split())) > 125}
    assert not long, f"shorten these, or move what explains into 'why': {long}"


@pytest.mark.parametrize("language", languages.languages())
def test_the_short_form_fits_three_sms_parts(language: str) -> None:
    long = {}
    for day in (TODAY, date(2018, 5, 20), date(2015, 6, 1)):
        for what, reply in composed(language, day):
            for text in reply.short:
                if sms_parts(text) > 3:
                    long[what] = (len(text), text)
    assert not long, f"three parts hold 459 letters of GSM-7, 201 of any other; shorten: {long}"


@pytest.mark.parametrize("language", languages.languages())
def test_every_topic_has_one_short_form_today(language: str) -> None:
    for what, reply in composed(language, TODAY):
        assert len(reply.short) == 1, what


def test_the_first_sentence_answers_and_is_short() -> None:
    long = {}
    for what, reply in composed("en", TODAY):
        first = re.split(r"(?<=[.?!:])\s", reply.paragraphs[0], maxsplit=1)[0]
        assert first.strip(), what
        if len(first.split()) > 32:
            long[what] = first
    assert not long


@pytest.mark.parametrize(
    "promise",
    [
        "completely safe",
        "totally safe",
        "perfectly safe",
        "100% safe",
        "never be found",
        "cannot be found",
        "will never",
        "nothing to fear",
        "do not worry",
        "there is no risk",
        "guarantee",
        "fully confidential",
        "the mou permits",
        "no agreement exists",
    ],
)
def test_nothing_is_promised_that_no_source_supports(promise: str) -> None:
    for day in (TODAY, date(2021, 7, 15), date(2017, 1, 1)):
        for what, reply in composed("en", day):
            said = "\n".join((reply.text, *reply.short, *reply.why)).casefold()
            # "We cannot promise that there is no risk" is the caution itself.
            said = said.replace("promise that there is no risk", "").replace("promise there is no risk", "")
            assert promise not in said, f"{what} says {promise!r}"


def test_a_danger_answer_begins_with_what_to_do(knowledge: Knowledge) -> None:
    for topic in knowledge.critical:
        first = english(knowledge, topic, None).paragraphs[0]
        assert first.startswith(("Call 999 now", "Ask for a legal adviser now")), f"{topic} begins: {first}"


@pytest.mark.parametrize("language", languages.languages())
def test_a_danger_answer_gives_its_numbers_in_every_language(knowledge: Knowledge, language: str) -> None:
    for topic in knowledge.critical:
        plain, reply = english(knowledge, topic, None), compose(knowledge, topic, TODAY, language)
        # In Ethiopic writing a preposition is joined to the number.
        number = re.compile(r"(?<!\d)(?:999|111|116 123|0\d{3,4} [\d ]{6,9}\d)(?!\d)")
        assert set(number.findall(" ".join(plain.paragraphs))) <= set(number.findall(" ".join(reply.paragraphs))), topic
