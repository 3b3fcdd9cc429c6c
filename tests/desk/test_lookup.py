"""The look-up page: what a volunteer sees for a caller's question."""

from __future__ import annotations

import re
from datetime import date

import pytest

from bot import languages
from bot.desk import lookup, views
from bot.desk.accounts import Session
from bot.desk.lookup import Found, Query, looked_up, public_address, qr_code
from bot.dialogue import FALLBACK, Reading
from bot.knowledge import NATIONS, Knowledge
from bot.mind import Mind
from bot.privacy import mask
from bot.replies import compose

SITE = "https://chat.example.org"
SESSION = Session("Ana", "volunteer", "token", None)
IN_ARABIC = "وصلتني فاتورة من المستشفى ولا أستطيع دفعها، هل سيخبرون وزارة الداخلية؟"
IN_ENGLISH = "I cannot pay my hospital bill, will it be reported to the Home Office?"
DANGER = "My boss took my passport and beats me. Can I see a doctor for free?"


def html(knowledge: Knowledge, found: Found, template: str = "lookup.html") -> str:
    return views.shown(template, SESSION, here="/desk", **lookup.values(knowledge, found, SITE)).body.decode()


def topics_of(found: Found) -> list[str]:
    return [told.topic for told in found.told]


# The question and the caller's language


def test_a_question_in_arabic_is_answered_in_english_and_in_arabic(knowledge: Knowledge, mind: Mind, today: date) -> None:
    found = looked_up(knowledge, mind, Query(IN_ARABIC), today)
    told = found.told[0]
    assert (found.read_as, found.language, told.topic) == ("ar", "ar", "ask_hospital_debt")
    assert told.theirs is not None
    assert (told.english.reply.language, told.theirs.reply.language) == ("en", "ar")
    assert told.theirs.paragraphs == compose(knowledge, "ask_hospital_debt", today, "ar").paragraphs
    assert told.english.paragraphs == compose(knowledge, "ask_hospital_debt", today, "en").paragraphs
    assert told.theirs.draft, "it is said that nobody has checked the translation"


def test_a_question_in_english_is_answered_once(knowledge: Knowledge, mind: Mind, today: date) -> None:
    found = looked_up(knowledge, mind, Query(IN_ENGLISH), today)
    assert topics_of(found) == ["ask_hospital_debt"]
    assert found.told[0].theirs is None
    assert found.told[0].spoken is found.told[0].english


def test_the_volunteer_may_ask_in_english_for_a_caller_of_another_language(knowledge: Knowledge, mind: Mind, today: date) -> None:
    found = looked_up(knowledge, mind, Query(IN_ENGLISH, language="ti"), today)
    assert (found.read_as, found.language) == ("en", "ti")
    assert found.told[0].spoken.reply.language == "ti"


def test_a_language_that_we_do_not_speak_is_said_to_be_so_and_what_we_say_in_it_is_shown(knowledge: Knowledge, mind: Mind, today: date) -> None:
    name, known = next(iter(knowledge.recognised.items()))
    found = looked_up(knowledge, mind, Query(known.sentences[0]), today)
    assert any("do not speak" in notice for notice in found.notices)
    assert found.quoted is not None
    assert found.quoted[0] == name
    assert known.says.split("{")[0] in found.quoted[1]


def test_every_language_has_a_name_that_a_volunteer_can_read() -> None:
    missing = [name for name in languages.languages() if not languages.english_name(name).isascii()]
    assert not missing, f"add English names for {missing} to bot/desk/lookup.py"


# Nation and day


def test_england_is_assumed_until_a_nation_is_told_and_can_be_switched(knowledge: Knowledge, mind: Mind, today: date) -> None:
    first = looked_up(knowledge, mind, Query(IN_ARABIC), today).told[0]
    assert (first.nation, first.assumed) == ("england", True)
    switched = looked_up(knowledge, mind, Query(IN_ARABIC, nation="scotland"), today).told[0]
    assert (switched.nation, switched.assumed) == ("scotland", False)
    assert switched.english.paragraphs[0].startswith("For Scotland")


def test_a_place_in_the_question_is_its_nation_unless_the_volunteer_chose_another(knowledge: Knowledge, mind: Mind, today: date) -> None:
    question = "I live in Cardiff, do I have to pay for hospital treatment?"
    assert looked_up(knowledge, mind, Query(question), today).nation == "wales"
    assert looked_up(knowledge, mind, Query(question, nation="england"), today).nation == "england"


@pytest.mark.parametrize("topic", ["ask_mou_now", "ask_mou_history", "ask_hospital_debt"])
def test_a_picked_topic_is_answered_for_a_past_day(topic: str, knowledge: Knowledge, mind: Mind, today: date) -> None:
    told = looked_up(knowledge, mind, Query(topic=topic, language="fr", as_of="2017-06-01"), today).told[0]
    assert told.english.reply.as_of == date(2017, 6, 1)
    assert told.english.paragraphs[0] == "This is about 1 June 2017, not about today."
    assert told.english.days[0] == "This answer is for 1 June 2017."
    assert told.spoken.reply.as_of == date(2017, 6, 1)


def test_a_typed_question_is_answered_for_the_chosen_day_and_else_for_the_one_it_names(knowledge: Knowledge, mind: Mind, today: date) -> None:
    chosen = looked_up(knowledge, mind, Query("Is the agreement with the Home Office still in force?", as_of="2017-06-01"), today)
    assert chosen.told[0].english.reply.as_of == date(2017, 6, 1)
    named = looked_up(knowledge, mind, Query("What was the rule on data sharing on 1 June 2017?"), today)
    assert named.told[0].english.reply.as_of == date(2017, 6, 1)


def test_before_the_first_event_it_is_not_known_and_said_so(knowledge: Knowledge, mind: Mind, today: date) -> None:
    told = looked_up(knowledge, mind, Query(topic="ask_mou_now", as_of="1990-01-01"), today).told[0]
    assert (told.status, told.state) == ("not_known", "Not known")
    assert told.gaps[0].reasons == ("nothing we hold speaks for 1 January 1990",)


# Danger, and what was not understood


def test_danger_comes_first_and_the_other_question_after_it(knowledge: Knowledge, mind: Mind, today: date) -> None:
    found = looked_up(knowledge, mind, Query(DANGER, language="so"), today)
    assert found.told[0].danger
    assert found.told[0].topic in knowledge.critical
    assert [told.danger for told in found.told[1:]] == [False] * (len(found.told) - 1)
    page = html(knowledge, found)
    assert found.near
    assert page.index("Danger: say this first") < page.index("Or did they ask:")


def test_what_is_not_understood_offers_the_nearest_topics_and_the_list(
    knowledge: Knowledge, mind: Mind, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranking = (("greet", 0.2), ("ask_gp_cost", 0.2), ("ask_gp_safe", 0.1))
    monkeypatch.setattr(lookup, "read", lambda *_: Reading(FALLBACK, ranking=ranking, language="ar"))
    found = looked_up(knowledge, mind, Query("..."), today)
    assert not found.understood
    assert not found.told
    assert [name for name, _ in found.near] == ["ask_gp_cost", "ask_gp_safe"]
    page = html(knowledge, found, "answer.html")
    assert "Nearest topics:" in page
    assert all(knowledge.answers[topic].title.replace("'", "&#39;") in page for topic in knowledge.topics)


def test_other_readings_of_the_question_are_links_that_keep_it(knowledge: Knowledge, mind: Mind, today: date) -> None:
    found = looked_up(knowledge, mind, Query(IN_ARABIC), today)
    assert 0 < len(found.near) <= 4
    assert "ask_hospital_debt" not in [name for name, _ in found.near]
    other = looked_up(knowledge, mind, Query(IN_ARABIC, topic=found.near[0][0]), today)
    assert topics_of(other) == [found.near[0][0]]
    assert other.language == "ar"


def test_an_identifier_in_the_question_is_hidden_and_said_to_be(knowledge: Knowledge, mind: Mind, today: date) -> None:
    question = f"{IN_ENGLISH} My NHS number is 943 476 5919"
    assert mask(question).kinds, "the example is one that is masked"
    found = looked_up(knowledge, mind, Query(question), today)
    assert "943" not in html(knowledge, found)
    assert "943" not in found.query.address(), "nor does it stay in the page's address"
    assert any("hidden" in notice for notice in found.notices)
    assert topics_of(found) == ["ask_hospital_debt"]


# What cannot be answered


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (Query(topic="ask_gp_safe", as_of="2017-02-30"), "'2017-02-30' is no day. Write it as 2026-11-22."),
        (Query(topic="ask_gp_safe", as_of="2027-01-01"), "1 January 2027 has not come yet"),
        (Query(topic="ask_gp_sage"), "There is no topic 'ask_gp_sage'"),
        (Query("hello", language="xx"), "We do not speak 'xx' yet"),
        (Query("hello", nation="france"), "'france' is none of the four nations"),
        (Query("a" * 1001), "at most 1000 letters"),
    ],
    ids=["no-day", "a-day-to-come", "topic", "language", "nation", "too-long"],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(query: Query, reason: str, knowledge: Knowledge, mind: Mind, today: date) -> None:
    with pytest.raises(views.NotPossible, match=re.escape(reason)):
        looked_up(knowledge, mind, query, today)


# What an answer rests on, and what is not sure of it


def test_where_sources_disagree_is_told_apart_from_the_reasons(knowledge: Knowledge, mind: Mind, today: date) -> None:
    told = looked_up(knowledge, mind, Query(topic="ask_hospital_debt", language="ar"), today).told[0]
    assert told.theirs is not None
    assert all(text.startswith("Sources differ.") for text in told.english.disagreements)
    assert len(told.english.disagreements) == len(told.theirs.disagreements) > 0
    assert (*told.theirs.why, *told.theirs.disagreements) == told.theirs.reply.why


def test_what_is_not_sure_is_what_the_knowledge_holds_of_it(knowledge: Knowledge, mind: Mind, today: date) -> None:
    told = looked_up(knowledge, mind, Query(topic="ask_hospital_debt"), today).told[0]
    known = {fact.caution for fact in knowledge.facts.values()} | {fact.statement for fact in knowledge.facts.values()}
    known |= {text for service in knowledge.services.values() for text in (service.title, *service.unverified)}
    assert told.gaps
    assert {gap.text for gap in told.gaps} <= known
    assert knowledge.facts["nhs-debt-report"].caution in {gap.text for gap in told.gaps}


def test_what_is_past_its_day_of_review_is_said_to_be(knowledge: Knowledge, mind: Mind) -> None:
    told = looked_up(knowledge, mind, Query(topic="ask_hospital_debt"), date(2030, 1, 1)).told[0]
    assert told.state == "Answered, but needs a check"
    assert any("was to be checked by" in reason for gap in told.gaps for reason in gap.reasons)


def test_an_open_question_about_a_fact_is_marked_as_not_to_be_said(knowledge: Knowledge, mind: Mind, today: date) -> None:
    told = looked_up(knowledge, mind, Query(topic="ask_prescription_cost", nation="england"), today).told[0]
    marked = {gap.text for gap in told.gaps if "not confirmed: do not say it" in gap.reasons}
    assert knowledge.facts["prescriptions-unverified"].statement in marked


# Giving it to the caller


def test_the_copy_is_the_callers_language_with_its_days_and_that_it_is_a_draft(knowledge: Knowledge, mind: Mind, today: date) -> None:
    told = looked_up(knowledge, mind, Query(topic="ask_gp_safe", language="ar"), today).told[0]
    reply = compose(knowledge, "ask_gp_safe", today, "ar")
    assert told.plain.startswith(reply.title)
    for text in (reply.text, told.spoken.days[0], told.spoken.draft):
        assert text in told.plain


def test_the_short_form_is_shown_and_copied_when_it_is_asked_for(knowledge: Knowledge, mind: Mind, today: date) -> None:
    told = looked_up(knowledge, mind, Query(topic="ask_gp_safe", language="ar", view="short"), today).told[0]
    reply = compose(knowledge, "ask_gp_safe", today, "ar")
    assert told.spoken.paragraphs == reply.short
    assert reply.short[0] in told.plain
    assert reply.paragraphs[0] not in told.plain


def test_the_qr_code_leads_to_the_topic_on_the_public_page(knowledge: Knowledge, mind: Mind, today: date) -> None:
    address = public_address(SITE, "ask_hospital_debt", "ar")
    assert address == "https://chat.example.org/chat/ar?topic=ask_hospital_debt"
    page = html(knowledge, looked_up(knowledge, mind, Query(IN_ARABIC), today))
    assert qr_code(address) in page
    assert f'href="{address}"' in page
    assert qr_code(address) != qr_code(public_address(SITE, "ask_hospital_debt", "fr"))


# The page


def test_the_page_lists_every_topic_while_nothing_is_asked(knowledge: Knowledge, mind: Mind, today: date) -> None:
    found = looked_up(knowledge, mind, Query(), today)
    assert not found.asked
    listed = [topic.name for _, members in lookup.topics(knowledge) for topic in members]
    assert sorted(listed) == sorted(knowledge.topics)
    assert all(f"/desk?topic={topic}" in html(knowledge, found) for topic in knowledge.topics)


def test_the_page_keeps_what_was_asked(knowledge: Knowledge, mind: Mind, today: date) -> None:
    page = html(knowledge, looked_up(knowledge, mind, Query('a "GP" <b>?', language="ar", nation="wales", as_of="2018-05-09"), today))
    assert 'value="a &#34;GP&#34; &lt;b&gt;?"' in page
    assert 'value="2018-05-09"' in page
    assert re.search(r'value="ar" selected', page)
    assert re.search(r'value="wales" selected', page)


@pytest.mark.parametrize("language", ["en", "ar", "ti"])
def test_every_topic_is_shown_in_every_nation_with_its_language_and_direction(language: str, knowledge: Knowledge, mind: Mind, today: date) -> None:
    for topic in knowledge.topics:
        for nation in ("", *NATIONS[:2]):
            page = html(knowledge, looked_up(knowledge, mind, Query(topic=topic, language=language, nation=nation), today))
            assert " style=" not in page
            assert "<script>" not in page
            assert page.count("<h1") == 1
            assert 'id="answer"' in page
            if language != "en":
                assert f'lang="{language}" dir="{languages.direction(language)}"' in page


def test_sources_open_apart_and_tell_nobody_where_from(knowledge: Knowledge, mind: Mind, today: date) -> None:
    page = html(knowledge, looked_up(knowledge, mind, Query(topic="ask_hospital_debt"), today), "answer.html")
    outside = re.findall(r'<a href="https?://[^>]*>', page)
    assert outside
    assert all('rel="noreferrer" target="_blank"' in link for link in outside)
    quotes = [source.quote for source in compose(knowledge, "ask_hospital_debt", today, "en").sources if source.quote]
    assert quotes
    assert all(f"“{quote}”".replace("'", "&#39;") in page for quote in quotes)
