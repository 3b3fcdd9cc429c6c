"""What is said next, from what a message was read as and what was said before. Pure: no server, no model, no clock."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot import dialogue, languages
from bot.dialogue import FALLBACK, INFORM, Context, Reading, failed, history, respond
from bot.knowledge import Knowledge, Period
from bot.reply import Reply

TODAY = date(2026, 11, 22)
ENGLISH = Context(language="en")
ADVICE_NUMBER = "0808 1647 686"


def after(replies: list[Reply], before: Context = ENGLISH) -> Context:
    """The conversation after some replies, as the tracker would keep it: the first reply is the one that follow-ups belong to."""
    first = replies[0]
    misunderstood = before.misunderstood + 1 if first.topic == FALLBACK else 0
    return replace(
        before,
        topic=first.topic,
        view=first.view,
        status=first.status,
        choices=tuple(choice.message for choice in first.choices),
        as_of=first.as_of,
        nation=first.nation if before.nation else None,
        misunderstood=misunderstood,
    )


def hear(knowledge: Knowledge, intent: str, context: Context = ENGLISH, today: date = TODAY, **more: object) -> list[Reply]:
    return respond(knowledge, Reading(intent, **more), context, today)  # type: ignore[arg-type]


# Danger


def test_danger_is_answered_first_and_the_other_question_after_it(knowledge: Knowledge) -> None:
    replies = hear(knowledge, "emergency_medical", also="ask_hospital_cost")
    assert [reply.topic for reply in replies] == ["emergency_medical", "ask_hospital_cost"]
    assert replies[0].paragraphs[0].startswith("Call 999 now")


@pytest.mark.parametrize("topic", ["emergency_medical", "crisis_suicide", "danger_abuse", "danger_detention", "danger_trafficking"])
def test_danger_is_answered_before_the_language_is_known_and_languages_are_offered_after(knowledge: Knowledge, topic: str) -> None:
    replies = hear(knowledge, topic, Context())
    assert [reply.topic for reply in replies] == [topic, "change_language"]
    assert len(replies[1].choices) == len(languages.languages())


@pytest.mark.parametrize("topic", ["emergency_medical", "crisis_suicide"])
def test_danger_breaks_into_the_question_for_a_place(knowledge: Knowledge, topic: str) -> None:
    asked = after(hear(knowledge, "find_clinic"))
    assert asked.status == "choose"
    assert hear(knowledge, topic, asked)[0].topic == topic


def test_a_danger_in_a_language_that_we_do_not_speak_is_still_answered(knowledge: Knowledge) -> None:
    replies = hear(knowledge, "emergency_medical", foreign="other")
    assert replies[0].paragraphs[0].startswith("Call 999 now")
    assert replies[1].status == "choose"


def test_the_same_question_twice_in_a_message_is_answered_once(knowledge: Knowledge) -> None:
    assert len(hear(knowledge, "ask_gp_cost", also="ask_gp_cost")) == 1


# Language


def test_while_the_language_is_not_known_the_languages_are_offered_in_their_own_words(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "ask_gp_safe", Context())
    assert (reply.topic, reply.status) == ("change_language", "choose")
    for language in languages.languages():
        assert languages.translate(knowledge.messages["choose_language"], language) in reply.paragraphs[0]


@pytest.mark.parametrize("language", languages.languages())
def test_the_language_of_a_message_is_the_language_of_its_reply(knowledge: Knowledge, language: str) -> None:
    assert hear(knowledge, "ask_gp_cost", ENGLISH, language=language)[0].language == language
    assert hear(knowledge, "ask_gp_cost", Context(language=language))[0].language == language


def test_a_language_that_we_do_not_speak_gets_the_picker(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "ask_gp_cost", foreign="other")
    assert (reply.topic, reply.status) == ("change_language", "choose")


@pytest.mark.parametrize("context", [ENGLISH, Context()], ids=["in English", "at the start"])
def test_a_language_that_we_know_but_do_not_speak_is_told_so_in_it_with_a_number_and_what_comes_nearest(
    knowledge: Knowledge, context: Context
) -> None:
    (reply,) = hear(knowledge, "ask_gp_cost", context, foreign="ku")
    assert (reply.topic, reply.status) == ("change_language", "choose")
    assert "kurmanc" in reply.paragraphs[0] and "0808 1647 686" in reply.paragraphs[0] and "{" not in reply.paragraphs[0]
    assert [choice.title for choice in reply.choices[:2]] == [languages.own_name("ckb"), "English"]
    assert len(reply.choices) == len(languages.languages())


def test_a_change_of_language_says_the_last_answer_again_in_it(knowledge: Knowledge) -> None:
    context = after(hear(knowledge, "ask_gp_cost", nation="scotland"), replace(ENGLISH, nation="scotland"))
    (reply,) = hear(knowledge, "change_language", context, language="ar")
    assert (reply.topic, reply.language, reply.nation) == ("ask_gp_cost", "ar", "scotland")


def test_a_change_of_language_with_nothing_to_repeat_offers_the_languages(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "change_language", after(hear(knowledge, "greet")))
    assert reply.status == "choose"
    assert {choice.title for choice in reply.choices} >= {"English", "العربية"}


# Nation


def test_a_nation_once_told_is_remembered(knowledge: Knowledge) -> None:
    context = replace(ENGLISH, nation="scotland")
    assert hear(knowledge, "ask_gp_cost", context)[0].nation == "scotland"


def test_a_nation_in_the_message_changes_ones_mind(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "ask_gp_cost", replace(ENGLISH, nation="scotland"), nation="wales")
    assert reply.nation == "wales"


def test_a_place_that_answers_no_question_is_noted_and_topics_are_offered(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, INFORM, nation="wales")
    assert reply.paragraphs[0] == "Thank you. I will answer for Wales."
    assert [choice.message for choice in reply.choices] == ["/ask_gp_safe", "/ask_register_gp", "/talk_to_person"]


def test_a_place_without_a_nation_is_asked_about(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, INFORM)
    assert reply.status == "choose"
    assert len(reply.choices) == 4


# Not understood


def test_what_is_not_understood_offers_the_closest_topics_and_a_person(knowledge: Knowledge) -> None:
    ranking = (("ask_gp_safe", 0.3), ("greet", 0.2), ("ask_gp_cost", 0.1), ("follow_why", 0.1), ("ask_children", 0.05))
    (reply,) = hear(knowledge, FALLBACK, ranking=ranking)
    assert reply.status == "not_understood"
    assert [choice.message for choice in reply.choices] == ["/ask_gp_safe", "/ask_gp_cost", "/ask_children", "/talk_to_person"]


def test_an_intent_that_is_none_of_ours_is_not_understood(knowledge: Knowledge) -> None:
    assert hear(knowledge, "utter_rubbish")[0].status == "not_understood"


@pytest.mark.parametrize("language", languages.languages())
def test_the_same_apology_is_never_said_twice_running(knowledge: Knowledge, language: str) -> None:
    context, said = Context(language=language), []
    for _ in range(9):
        replies = hear(knowledge, FALLBACK, context)
        said.append(replies[0].paragraphs[0])
        context = after(replies, context)
    assert all(first != second for first, second in itertools.pairwise(said))


def test_after_the_first_apology_a_person_is_named(knowledge: Knowledge) -> None:
    first = hear(knowledge, FALLBACK)
    second = hear(knowledge, FALLBACK, after(first))
    assert ADVICE_NUMBER not in first[0].text
    assert ADVICE_NUMBER in second[0].text


def test_understanding_again_ends_the_count_of_apologies(knowledge: Knowledge) -> None:
    context = after(hear(knowledge, FALLBACK, after(hear(knowledge, FALLBACK))), replace(ENGLISH, misunderstood=1))
    context = after(hear(knowledge, "greet", context), context)
    assert hear(knowledge, FALLBACK, context)[0].paragraphs[0] == knowledge.messages["not_understood_1"]


# Follow-ups


@pytest.mark.parametrize("intent", ["follow_why", "follow_more"])
def test_why_gives_the_reasons_of_the_last_answer(knowledge: Knowledge, intent: str) -> None:
    context = after(hear(knowledge, "ask_gp_cost", nation="england"), replace(ENGLISH, nation="england"))
    (reply,) = hear(knowledge, intent, context)
    assert (reply.topic, reply.view) == ("ask_gp_cost", "why")
    assert reply.paragraphs[0].startswith("NHS England told surgeries")


def test_are_you_sure_is_answered_with_the_sources_and_a_number(knowledge: Knowledge) -> None:
    answer = hear(knowledge, "ask_gp_safe")
    (reply,) = hear(knowledge, "follow_sure", after(answer))
    assert reply.view == "sure"
    assert reply.sources == answer[0].sources
    assert "We can be wrong" in reply.paragraphs[0]
    assert ADVICE_NUMBER in reply.text


def test_when_was_that_tells_the_days_behind_the_last_answer(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "follow_when", after(hear(knowledge, "ask_mou_now", nation="england")))
    assert any("9 November 2018" in line for line in reply.paragraphs)
    assert reply.sources


def test_who_decided_names_who_it_was(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "follow_who", after(hear(knowledge, "ask_mou_now", nation="england")))
    assert any("Decided by:" in line for line in reply.paragraphs)


def test_when_was_that_of_an_answer_without_a_day_says_so(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "follow_when", after(hear(knowledge, "ask_bot_identity")))
    assert reply.paragraphs == (knowledge.messages["no_day_for_this"],)
    assert [choice.message for choice in reply.choices] == ["/ask_mou_history"]


def test_a_number_past_its_review_day_is_said_to_need_a_check_in_every_kind_of_reply(knowledge: Knowledge) -> None:
    later = date(2031, 1, 1)
    asked = after(hear(knowledge, "ask_mou_now", today=later))
    for intent, context in ((FALLBACK, replace(ENGLISH, misunderstood=2)), ("follow_sure", asked)):
        reply = hear(knowledge, intent, context, today=later)[0]
        assert reply.people
        assert knowledge.messages["needs_check"] in reply.notes
    between = history(knowledge, periods("2017", "2019"), "en", later)
    assert (between.status, knowledge.messages["needs_check"] in between.notes) == ("needs_check", True)


@pytest.mark.parametrize("intent", ["follow_why", "follow_more", "follow_sure", "follow_when", "follow_who"])
def test_a_follow_up_of_nothing_gets_the_menu(knowledge: Knowledge, intent: str) -> None:
    assert hear(knowledge, intent)[0].topic == "help_menu"


@pytest.mark.parametrize("language", languages.languages())
@pytest.mark.parametrize("intent", ["follow_why", "follow_more", "follow_sure", "follow_when", "follow_who", "repeat_simpler", "change_language"])
def test_every_follow_up_of_every_answer_is_answered(knowledge: Knowledge, intent: str, language: str) -> None:
    for topic in knowledge.answers:
        (reply,) = hear(knowledge, intent, Context(language=language, topic=topic, as_of=TODAY))
        assert reply.paragraphs and reply.language == language, topic


def test_simpler_is_the_short_form_and_then_the_whole_again(knowledge: Knowledge) -> None:
    whole = hear(knowledge, "ask_gp_cost")
    simpler = hear(knowledge, "repeat_simpler", after(whole))
    assert simpler[0].paragraphs == whole[0].short
    assert hear(knowledge, "repeat_simpler", after(simpler))[0].paragraphs == whole[0].paragraphs


def test_simpler_of_nothing_asks_for_the_question_in_a_few_words(knowledge: Knowledge) -> None:
    assert hear(knowledge, "repeat_simpler")[0].topic == "repeat_simpler"


def test_a_follow_up_of_a_past_day_speaks_for_that_day(knowledge: Knowledge) -> None:
    past = respond(knowledge, Reading("ask_mou_now", nation="england"), ENGLISH, TODAY, date(2017, 3, 1))
    (reply,) = hear(knowledge, "follow_why", after(past, replace(ENGLISH, nation="england")))
    assert reply.as_of == date(2017, 3, 1)
    assert reply.paragraphs[0] == "This is about 1 March 2017, not about today."


def test_midnight_does_not_turn_the_answer_of_a_minute_ago_into_history(knowledge: Knowledge) -> None:
    context = after(hear(knowledge, "ask_pregnancy", nation="england"), replace(ENGLISH, nation="england"))
    (reply,) = hear(knowledge, "follow_why", context, TODAY + timedelta(days=1))
    assert reply.as_of == TODAY + timedelta(days=1)
    assert "not about today" not in reply.text


# History


def periods(*texts: str) -> tuple[Period, ...]:
    return tuple(Period.parse(text) for text in texts)


def test_a_day_within_one_ruling_is_answered_with_the_rule_on_that_day(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "ask_mou_history", periods=periods("2017-03"))
    assert (reply.topic, reply.as_of) == ("mou_on_day", date(2017, 3, 1))


def test_a_month_is_spoken_of_as_a_month(knowledge: Knowledge) -> None:
    reply = history(knowledge, periods("2017-03"), "en", TODAY)
    assert reply.paragraphs[0] == "This is about March 2017, not about today."


def test_a_period_that_is_not_over_is_answered_for_today(knowledge: Knowledge) -> None:
    reply = history(knowledge, periods("2026"), "en", TODAY)
    assert (reply.as_of, "not about today" in reply.text) == (TODAY, False)


def test_a_range_lists_what_changed_and_ends_with_what_then_held(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "ask_mou_history", periods=periods("2017", "2018"))
    assert reply.topic == "ask_mou_history"
    assert reply.paragraphs[0] == "Between 1 January 2017 and 31 December 2018 these things changed:"
    assert any(line.startswith("1 January 2017: ") for line in reply.paragraphs)
    assert any(line.startswith("9 November 2018: ") for line in reply.paragraphs)
    assert "withdrawn on 9 November 2018" in reply.paragraphs[-1]
    assert len(reply.paragraphs) <= 2 + dialogue._MOST_EVENTS


@pytest.mark.parametrize("span", [("2005", "2026"), ("2010", "2020"), ("1979", "2026")])
def test_of_a_long_range_the_turns_of_the_agreement_are_never_left_out(knowledge: Knowledge, span: tuple[str, str]) -> None:
    (reply,) = hear(knowledge, "ask_mou_history", periods=periods(*span))
    told = "\n".join(reply.paragraphs)
    for name in knowledge.rules["mou_status"].values:
        event = knowledge.events[name]
        if event.period.first >= date(int(span[0]), 1, 1):
            assert event.title in told


def test_the_events_of_a_range_are_in_order(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "ask_mou_history", periods=periods("2015", "2024"))
    held = {event.title: event for event in knowledge.events.values()}
    told = [held[title] for line in reply.paragraphs if (title := line.partition(": ")[2].rstrip(".")) in held]
    assert len(told) >= 6
    assert [event.earliest for event in told] == sorted(event.earliest for event in told)


def test_a_range_that_ends_in_the_future_ends_today(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "ask_mou_history", periods=periods("2018", "2030"))
    assert "22 November 2026" in reply.paragraphs[0]
    assert reply.as_of == TODAY


@pytest.mark.parametrize("text", ["1950", "1999-12", "2004-12-31", "2005-12-30"])
def test_a_day_before_our_sources_is_not_known_and_says_where_they_begin(knowledge: Knowledge, text: str) -> None:
    (reply,) = hear(knowledge, "ask_mou_history", periods=periods(text))
    assert (reply.topic, reply.status) == ("mou_not_known", "not_known")
    assert f"We have no source for {languages.in_words(Period.parse(text), 'en')}" in reply.paragraphs[0]
    assert ADVICE_NUMBER in reply.text


@pytest.mark.parametrize("language", languages.languages())
@pytest.mark.parametrize(
    "span",
    [("1950",), ("2005",), ("2016",), ("2018-05-20",), ("2018-11-09",), ("2017", "2019"), ("2022-02-01", "2022-03-01"), ("2026",)],
    ids="-".join,
)
def test_history_is_told_in_every_language(knowledge: Knowledge, language: str, span: tuple[str, ...]) -> None:
    reply = history(knowledge, periods(*span), language, TODAY)
    assert reply.language == language
    assert reply.paragraphs and "{" not in reply.text
    assert len(reply.english) >= 1


def test_every_day_since_the_first_source_has_an_answer(knowledge: Knowledge) -> None:
    day = date(2005, 12, 31)
    while day <= TODAY:
        reply = history(knowledge, (Period(day, day),), "en", TODAY)
        assert reply.status == "answered", f"{day}: {reply.paragraphs}"
        assert knowledge.messages["not_known"] not in reply.paragraphs, day
        day += timedelta(days=41)


def test_as_of_a_day_is_passed_on_to_history(knowledge: Knowledge) -> None:
    (reply,) = respond(knowledge, Reading("ask_mou_history"), ENGLISH, TODAY, date(2017, 6, 1))
    assert (reply.topic, reply.as_of) == ("mou_on_day", date(2017, 6, 1))


def test_a_year_in_a_question_that_no_rule_answers_is_left_alone(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "ask_pregnancy", periods=periods("2017"), nation="england")
    assert (reply.status, reply.as_of) == ("answered", TODAY)


# The clinic


def test_the_clinic_question_asks_for_a_town_and_gives_the_number_meanwhile(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "find_clinic")
    assert (reply.topic, reply.status) == ("find_clinic", "choose")
    assert reply.paragraphs[0].startswith("Which town are you in?")
    assert ADVICE_NUMBER in reply.text and "Monday to Friday, 10:00 to 12:00" in reply.text


@pytest.mark.parametrize(("region", "topic"), [("london", "clinic_london"), ("elsewhere", "clinic_elsewhere")])
def test_a_place_gets_what_is_known_of_it_and_the_number(knowledge: Knowledge, region: str, topic: str) -> None:
    (reply,) = hear(knowledge, "find_clinic", nation="england", region=region)
    assert reply.topic == topic
    assert ADVICE_NUMBER in reply.text


def test_no_street_address_is_invented(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "find_clinic", region="london")
    assert "We have no checked street address" in reply.text


def test_a_place_told_once_is_not_asked_for_again(knowledge: Knowledge) -> None:
    assert hear(knowledge, "find_clinic", replace(ENGLISH, region="london"))[0].topic == "clinic_london"


@pytest.mark.parametrize("nation", ["scotland", "wales", "northern_ireland"])
def test_a_nation_without_a_clinic_is_a_place_enough(knowledge: Knowledge, nation: str) -> None:
    (reply,) = hear(knowledge, "find_clinic", nation=nation)
    assert "We know of no Doctors of the World clinic that is open outside London" in reply.text


def test_england_is_no_place_yet_because_london_is_in_it(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "find_clinic", nation="england")
    assert reply.status == "choose"
    assert reply.paragraphs[0].startswith("Which town are you in?")


def test_a_place_that_is_not_known_is_asked_for_again_in_other_words_each_time(knowledge: Knowledge) -> None:
    context, said = after(hear(knowledge, "find_clinic")), []
    for _ in range(5):
        replies = hear(knowledge, FALLBACK, context)
        assert (replies[0].topic, replies[0].status) == ("find_clinic", "choose")
        assert ADVICE_NUMBER in replies[0].text
        assert len(replies[0].choices) == 4
        said.append(replies[0].paragraphs[0])
        context = after(replies, context)
    assert all(first != second for first, second in itertools.pairwise(said))


def test_a_place_is_still_asked_for_when_the_number_is_due_for_review(knowledge: Knowledge) -> None:
    (reply,) = hear(knowledge, "find_clinic", today=date(2027, 1, 1))
    assert reply.status == "choose"
    assert knowledge.messages["needs_check"] in reply.notes


# Care for the person


def test_a_person_who_sent_a_number_is_told_that_it_was_hidden(knowledge: Knowledge) -> None:
    replies = hear(knowledge, "emergency_medical", also="ask_hospital_cost", masked=True)
    assert knowledge.messages["hidden"] in replies[0].notes
    assert knowledge.messages["hidden"] not in replies[1].notes


@pytest.mark.parametrize("language", [None, *languages.languages()])
def test_when_something_breaks_there_is_still_a_number_to_call(knowledge: Knowledge, language: str | None) -> None:
    reply = failed(knowledge, language, TODAY)
    assert reply.status == "failed"
    assert reply.language == (language or "en")
    assert {ADVICE_NUMBER, "999"} <= {contact.phone for contact in reply.people}


def test_even_a_broken_catalogue_leaves_a_number_in_english(knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(text: str, language: str) -> str:
        if language != "en":
            raise OSError("the catalogue cannot be read")
        return text

    monkeypatch.setattr(languages, "translate", broken)
    reply = failed(knowledge, "ar", TODAY)
    assert (reply.status, reply.language) == ("failed", "en")
    assert ADVICE_NUMBER in reply.text


@pytest.mark.parametrize("language", languages.languages())
def test_every_topic_is_answered_to_every_reading(knowledge: Knowledge, language: str) -> None:
    for topic in knowledge.topics:
        for reply in hear(knowledge, topic, Context(language=language), also="crisis_suicide", masked=True):
            assert reply.paragraphs
            assert reply.status in ("answered", "choose")
            assert reply.people or reply.choices


def test_after_a_possible_danger_what_else_was_asked_is_offered_and_not_apologised_for(knowledge, today):
    reading = Reading(
        "emergency_medical", ranking=(("ask_hospital_safe", 0.6), ("emergency_medical", 0.3)), also="nlu_fallback", precaution=True, language="en"
    )
    replies = respond(knowledge, reading, Context(language="en"), today)
    assert [reply.topic for reply in replies] == ["emergency_medical"]
    assert replies[0].choices[0].message == "/ask_hospital_safe"


def test_a_year_in_a_question_about_safety_does_not_hide_what_holds_today(knowledge: Knowledge, today: date) -> None:
    """ "I came in 2016, is it safe?" """
    replies = respond(knowledge, Reading("ask_gp_safe", language="en", periods=(Period.parse("2016"),)), Context(), today)
    assert [reply.as_of == today for reply in replies] == [True, False]
    then = respond(
        knowledge, Reading("ask_gp_safe", language="en", periods=(Period.parse("2017"),)), Context(language="en", topic="ask_gp_safe"), today
    )
    assert [reply.as_of < today for reply in then] == [True]
