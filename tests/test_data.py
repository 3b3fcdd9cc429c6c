"""What must hold of the data as it is written now. A failure says what to write, and in which file."""

from __future__ import annotations

import ast
import re
import statistics
import unicodedata
from collections import Counter, defaultdict
from datetime import date
from functools import cache

import pytest

from bot import house, languages
from bot.examples import Example, read_examples, read_other_languages
from bot.knowledge import NATIONS, Knowledge, timeline
from bot.replies import compose
from bot.reply import Reply
from bot.text import fold, words
from bot.understanding import FOLLOW_UP

TODAY = date(2026, 11, 22)
SPOKEN = languages.languages()
SCRIPTS = {"Latn": "LATIN", "Arab": "ARABIC", "Cyrl": "CYRILLIC", "Deva": "DEVANAGARI", "Beng": "BENGALI", "Guru": "GURMUKHI", "Ethi": "ETHIOPIC"}
SCRIPTS |= {"Hans": "CJK"}
DANGERS = {"emergency_medical", "crisis_suicide", "danger_abuse", "danger_detention", "danger_trafficking"}


@cache
def examples() -> tuple[Example, ...]:
    return tuple(read_examples(house.DATA / "nlu", house.knowledge().topics))


def of_language(language: str) -> list[Example]:
    return [example for example in examples() if example.language == language]


# Topics and answers


def test_there_are_55_topics_and_the_five_dangers_are_critical(knowledge: Knowledge) -> None:
    assert len(knowledge.topics) == 55
    assert knowledge.critical == DANGERS


def test_a_button_has_at_most_20_letters(knowledge: Knowledge) -> None:
    long = {f"data/answers/{name}.yml": answer.button for name, answer in knowledge.answers.items() if len(answer.button) > 20}
    assert not long, f"shorten 'button' to 20 letters: {long}"


def test_no_two_topics_have_one_title_or_one_button(knowledge: Knowledge) -> None:
    for what in ("title", "button"):
        texts = Counter(getattr(knowledge.answers[topic], what) for topic in knowledge.topics)
        assert max(texts.values()) == 1, f"two answers have one {what}: {texts.most_common(2)}"


def test_every_topic_offers_what_to_ask_next_and_never_itself(knowledge: Knowledge) -> None:
    for topic in knowledge.topics:
        then = knowledge.answers[topic].then
        assert then, f"add 'then: [...]' to data/answers/{topic}.yml"
        assert topic not in then, f"data/answers/{topic}.yml offers itself"
        assert set(then) <= set(knowledge.topics), f"data/answers/{topic}.yml offers what cannot be asked"


def test_every_topic_can_be_reached_from_another(knowledge: Knowledge) -> None:
    offered = {topic for answer in knowledge.answers.values() for topic in answer.then}
    small_talk = {"affirm", "deny", "greet", "thank", "goodbye", "stop", "out_of_scope", "repeat_simpler"}
    unreachable = set(knowledge.topics) - offered - small_talk - DANGERS
    # What is asked in a person's own words only: a question about an ill body, an adult's vaccines and the like are offered by none.
    assert len(unreachable) <= 14, f"few answers offer these under 'then': {sorted(unreachable)}"


@pytest.mark.parametrize("topic", sorted(DANGERS))
def test_a_danger_answer_gives_a_number_to_call_now(knowledge: Knowledge, topic: str) -> None:
    reply = compose(knowledge, topic, TODAY, "en")
    assert "999" in reply.paragraphs[0] + reply.text
    assert reply.people


def test_every_answer_about_safety_says_whose_data_it_speaks_of(knowledge: Knowledge) -> None:
    holders = re.compile(r"surgery|GP|national NHS|hospital|police|court|doctor", re.IGNORECASE)
    for topic in ("ask_gp_safe", "ask_hospital_safe", "ask_address_safe", "ask_data_shared", "ask_police_access", "ask_mou_now"):
        for nation in NATIONS:
            assert holders.search(" ".join(compose(knowledge, topic, TODAY, "en", nation).paragraphs)), f"{topic} in {nation}"


def test_a_number_in_a_text_is_a_placeholder_so_that_it_is_mended_in_one_place(knowledge: Knowledge) -> None:
    # 999 and 111 never change, and are also what a source speaks of.
    numbers = {service.phone for service in knowledge.services.values() if service.phone and len(service.phone) > 3}
    for name, answer in knowledge.answers.items():
        for passage in answer.passages:
            typed = [number for number in numbers if number in passage.text]
            assert not typed, f"data/answers/{name}.yml types {typed}; write the service's placeholder, such as {{dotw_advice_line}}"


def test_no_street_address_of_a_clinic_is_said(knowledge: Knowledge) -> None:
    street = re.compile(r"\b\d+[a-z]? [A-Z]\w+ (?:Street|Road|Lane|Avenue|Square)\b")
    postcode = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b")
    for name, answer in knowledge.answers.items():
        for passage in answer.passages:
            assert not street.search(passage.text) and not postcode.search(passage.text), f"data/answers/{name}.yml"


# Events, facts and services


def test_every_event_of_the_timeline_can_be_looked_up(knowledge: Knowledge) -> None:
    for event in timeline(knowledge):
        assert event.sources, f"add 'sources' to data/policy/events/{event.name}.yml"
        for source in event.sources:
            assert source.title and source.publisher and source.read <= TODAY, event.name
        own = event.name == "2026-11-22-position" or event.name.endswith("-read")
        found = any(source.url or source.quote for source in event.sources)
        assert own or found, f"add a 'url' or at least a 'quote' to a source of data/policy/events/{event.name}.yml"


def test_every_fact_that_is_said_has_a_source_and_a_review_day_after_it_was_read(knowledge: Knowledge) -> None:
    for fact in knowledge.facts.values():
        assert fact.review_by > fact.read, f"data/facts/{fact.name}.yml"
        assert fact.confidence == "unverified" or fact.sources, f"data/facts/{fact.name}.yml"


def test_a_quotation_has_at_most_25_words(knowledge: Knowledge) -> None:
    for thing in (*knowledge.events.values(), *knowledge.facts.values(), *knowledge.services.values()):
        for source in thing.sources:
            assert len((source.quote or "").split()) <= 25, thing.name


def test_the_unverified_has_no_source_and_is_named_so(knowledge: Knowledge) -> None:
    for fact in knowledge.facts.values():
        assert (fact.confidence == "unverified") == fact.name.endswith("-unverified"), f"data/facts/{fact.name}.yml"


def test_nothing_is_past_its_review_on_the_day_of_the_dossier(knowledge: Knowledge) -> None:
    assert not [thing.name for thing in (*knowledge.facts.values(), *knowledge.services.values()) if thing.review_by < TODAY]


def test_every_event_file_begins_with_the_day_it_is_told_under(knowledge: Knowledge) -> None:
    for event in knowledge.events.values():
        assert event.name.startswith(str(event.period.first.year)), event.name
        assert event.period.first <= event.earliest <= event.period.last, event.name


def test_a_title_on_the_timeline_reads_after_its_date(knowledge: Knowledge) -> None:
    for event in timeline(knowledge):
        assert not event.title.endswith("."), f"take the full stop off the title of data/policy/events/{event.name}.yml"
        assert len(event.title) <= 100, f"shorten the title of data/policy/events/{event.name}.yml"


# The assistant's own sentences


def test_every_sentence_that_the_code_names_is_in_the_messages(knowledge: Knowledge) -> None:
    missing = []
    for path in sorted((house.ROOT / "bot").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            named: list[ast.expr] = []
            if name == "message" and node.args:
                named = [node.args[0]]
            elif name == "say" and len(node.args) > 1 and isinstance(node.args[1], ast.List):
                named = list(node.args[1].elts)
            elif name == "knowledge_message" and len(node.args) > 1:
                named = [node.args[1]]
            texts = [item.value for item in named if isinstance(item, ast.Constant) and isinstance(item.value, str)]
            missing += [f"{path.name}:{node.lineno}: {text}" for text in texts if text not in knowledge.messages]
    assert not missing, f"add to data/messages.yml: {missing}"


def test_the_four_apologies_are_four_sentences(knowledge: Knowledge) -> None:
    assert len({knowledge.messages[f"not_understood_{number}"] for number in range(1, 5)}) == 4


# Plain English


def syllables(word: str) -> int:
    """About as many as the CMU dictionary counts: with it, the median of our answers is 4.4 and the highest grade 7.1; with this, 4.2 and 6.7.

    textstat would download that dictionary while the tests run.
    """
    word = word.lower()
    count = len(re.findall("[aeiouy]+", word))
    silent = (word.endswith("e") and not word.endswith(("le", "ee"))) or (word.endswith("ed") and not word.endswith(("ted", "ded")))
    silent = silent or (word.endswith("es") and not word.endswith(("ses", "zes", "ces", "ges", "xes", "ches", "shes")))
    return max(1, count - silent)


def grade(text: str) -> float:
    """Flesch and Kincaid's grade: 4 is read at about the age of 9, 8 at about 13."""
    sentences = [part for part in re.split(r"(?<=[.?!:])\s+", text) if re.search("[A-Za-z]", part)]
    read = re.findall(r"[A-Za-z]+(?:['’-][A-Za-z]+)*", text)
    return 0.39 * len(read) / len(sentences) + 11.8 * sum(map(syllables, read)) / len(read) - 15.59


def answers_today(knowledge: Knowledge) -> dict[str, Reply]:
    return {
        f"{topic} in {nation}": compose(knowledge, topic, TODAY, "en", nation)
        for topic in knowledge.topics
        for nation in (NATIONS if knowledge.answers[topic].differs_by_nation else (None,))
    }


def test_the_grade_of_a_text_is_about_right() -> None:
    assert grade("The cat sat on the mat.") < 1
    assert grade("Notwithstanding administrative considerations, individuals requiring authorisation must communicate immediately.") > 15


def test_answers_are_plain_english(knowledge: Knowledge) -> None:
    grades = {what: grade(" ".join(reply.paragraphs)) for what, reply in answers_today(knowledge).items()}
    hard = {what: round(value, 1) for what, value in grades.items() if value > 8}
    assert not hard, f"shorter sentences, please: {hard}"
    assert statistics.median(grades.values()) <= 6


def test_no_sentence_of_an_answer_is_longer_than_35_words(knowledge: Knowledge) -> None:
    long = {
        sentence: what
        for what, reply in answers_today(knowledge).items()
        for paragraph in reply.paragraphs
        for sentence in re.split(r"(?<=[.?!:])\s+", paragraph)
        if len(sentence.split()) > 35
    }
    assert not long, f"make two sentences of each: {long}"


# What people say


@pytest.mark.parametrize("language", SPOKEN)
def test_every_topic_has_at_least_15_examples_in_the_language(knowledge: Knowledge, language: str) -> None:
    count = Counter(example.topic for example in of_language(language))
    few = {topic: count[topic] for topic in knowledge.topics if count[topic] < 15}
    assert not few, f"write more under these intents in data/nlu/{language}.yml: {few}"


@pytest.mark.parametrize("language", SPOKEN)
def test_every_danger_has_at_least_30_examples_in_the_language(language: str) -> None:
    count = Counter(example.topic for example in of_language(language))
    few = {topic: count[topic] for topic in DANGERS if count[topic] < 30}
    assert not few, f"write more under these intents in data/nlu/{language}.yml: {few}"


@pytest.mark.parametrize("language", SPOKEN)
def test_every_follow_up_has_examples_in_the_language(language: str) -> None:
    wanted = {example.topic for example in examples() if example.topic.startswith(FOLLOW_UP)}
    held = {example.topic for example in of_language(language)}
    assert wanted <= held, f"data/nlu/{language}.yml lacks {wanted - held}"


def test_no_example_stands_under_two_topics_however_it_is_typed() -> None:
    under: dict[tuple[str, str], set[str]] = defaultdict(set)
    for example in examples():
        under[example.language, fold(example.text)].add(example.topic)
    both = {key: topics for key, topics in under.items() if len(topics) > 1}
    assert not both, f"keep each under one of its topics: {both}"


def test_no_example_is_another_with_its_words_moved_or_one_of_seven_and_more_changed() -> None:
    """Between two topics such a pair is a contrast, and welcome."""
    seen: dict[tuple[object, ...], str] = {}
    near = []
    for example in examples():
        typed = words(example.text)
        moved = [("moved", *sorted(typed))]
        changed = [("changed", *typed[:at], None, *typed[at + 1 :]) for at in range(len(typed))] if len(typed) >= 7 else []
        keys = [(example.language, example.topic, *key) for key in moved + changed]
        near += [f"{example.language} {example.topic}: {example.text} | {seen[key]}" for key in keys if key in seen][:1]
        seen.update(dict.fromkeys(keys, example.text))
    assert not near, f"of {len(near)} pairs keep one sentence each: {near[:5]}"


@pytest.mark.parametrize("language", SPOKEN)
def test_the_examples_are_in_the_script_of_the_language(language: str) -> None:
    name = SCRIPTS[languages.script(language)]
    other = [
        example.text
        for example in of_language(language)
        if (letters := [letter for letter in example.text if letter.isalpha()])
        and sum(name in unicodedata.name(letter, "") for letter in letters) / len(letters) < 0.2
    ]
    assert len(other) <= 0.05 * len(of_language(language)), f"data/nlu/{language}.yml holds {len(other)} in another script: {other[:5]}"


def test_no_held_out_question_is_learned_from() -> None:
    """Of one to three words ("hello", "Menu", "STOP") there are too few ways to ask; longer ones are written twice only by copying."""
    learned = {(example.language, fold(example.text)) for example in examples()}
    leaked = []
    for path in sorted((house.ROOT / "tests" / "understanding").glob("*.tsv")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            language, _, text = line.split("\t")
            if len(words(text)) > 3 and (language, fold(text)) in learned:
                leaked.append(f"{path.name}:{number}: {text}")
    assert not leaked, f"a measure of understanding that was learned by heart measures nothing; {len(leaked)} are: {leaked[:5]}"


def test_held_out_questions_name_topics_of_ours(knowledge: Knowledge) -> None:
    for path in sorted((house.ROOT / "tests" / "understanding").glob("*.tsv")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert line.count("\t") == 2, f"{path.name}:{number}: write LANGUAGE<TAB>TOPIC<TAB>TEXT"
            assert line.split("\t")[1] in knowledge.topics, f"{path.name}:{number}"


def test_a_recognised_language_offers_languages_that_we_speak_and_is_none_of_them(knowledge: Knowledge) -> None:
    for name, language in knowledge.recognised.items():
        assert name not in languages.languages(), f"data/identify/recognised/{name}.yml: it is spoken now; delete the file"
        assert set(language.offers) <= set(languages.languages())
        assert len(language.sentences) >= 100
        assert "{dotw_advice_line}" in language.says and "{emergency_999}" in language.says


def test_sentences_of_other_languages_are_of_languages_that_we_do_not_speak() -> None:
    others = read_other_languages(house.DATA / "identify" / "other.yml")
    learnt = {path.stem for path in (house.DATA / "nlu").glob("*.yml")}
    assert others and not set(others) & (set(languages.languages()) | learnt)
    assert all(len(sentences) >= 4 for sentences in others.values())
