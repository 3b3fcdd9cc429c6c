"""Reads a message in its conversation: its language, its topic or topics, the place and the dates it names. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from . import dates, languages, places
from .dialogue import FALLBACK, INFORM, Context, Reading
from .knowledge import Knowledge
from .mind import Mind
from .text import western_digits, words
from .understanding import FOLLOW_UP, Ranked

_COMMAND = re.compile(r"/(\w+)\s*(\{.*\})?\s*", re.DOTALL)
_MASKED = re.compile(r"\[[a-z ]+\]")
_SENTENCE = re.compile(r"[.?!؟。۔।።\n;]+")
_CLAUSE = re.compile(r"[.?!؟。۔।።\n;,،]+|\b(?:and|but|also|et|mais|aussi|y|pero|también)\b", re.IGNORECASE)
# Beside a place or a date, these words make no question of their own.
_FEW_WORDS = 3
_SHORT_FOLLOW_UP = 8
_SURE_OF_A_FOLLOW_UP = 0.6  # "again", "and now?": after an answer, little else is meant
_SURE_OF_LANGUAGE_TO_SWITCH = 0.9
_SURE_OF_A_SENTENCE = 0.95
_MOST_SENTENCES = 8  # are read one by one; a longer story is read as a whole
_NEVER_AFTER_DANGER = {"ask_symptom"}  # it would play the danger down
_NEAR = 0.15  # a second danger as likely as this is answered too: a boss who hits and keeps the passport
_SMALL_TALK = frozenset({"greet", "thank", "goodbye", "affirm", "deny", "help_menu", "out_of_scope", "repeat_simpler", "stop", "change_language"})


def command(text: str) -> tuple[str, dict[str, Any]] | None:
    """The intent and entities of a message in Rasa's `/intent{"entity": "value"}` form, which buttons send; None for any other text.

    >>> command('/inform{"nation": "scotland"}')
    ('inform', {'nation': 'scotland'})
    """
    match = _COMMAND.fullmatch(text.strip())
    if not match:
        return None
    try:
        entities = json.loads(match[2]) if match[2] else {}
    except ValueError:
        return None
    return (match[1], entities) if isinstance(entities, dict) else None


def expanded(given: tuple[str, dict[str, Any]], context: Context, knowledge: Knowledge) -> str | None:
    """A button's command as Rasa takes it: a nation told after an answer asks that answer again. None for an intent that is not ours."""
    intent, entities = given
    if intent not in knowledge.topics and intent != INFORM:
        return None
    reading = _of_command(intent, entities, context, knowledge)
    # "Another language", without naming one, must not arrive as the wish for the present one.
    language = reading.language or (None if intent == "change_language" else context.language)
    found = {"language": language, "nation": reading.nation, "region": reading.region}
    return f"/{reading.intent}{json.dumps({key: value for key, value in found.items() if value})}"


def chosen(text: str, context: Context) -> str | None:
    """The choice that a number picks, in any script's digits; None when the message is no number of a choice."""
    figure = western_digits(text.strip().rstrip(".)"))
    if figure.isdecimal() and len(figure) <= 2 and 1 <= int(figure) <= len(context.choices):
        return context.choices[int(figure) - 1]
    return None


def read(text: str, context: Context, mind: Mind, today: date, place: places.Place | None = None) -> Reading:
    """What a message means in its conversation. `place` is given when the channel has read it already and masked the words."""
    picked = chosen(text, context) or text
    given = command(picked)
    if given and (given[0] in mind.knowledge.topics or given[0] == INFORM):
        return _of_command(given[0], given[1], context, mind.knowledge)
    if not any(letter.isalpha() for letter in text):
        return Reading(FALLBACK, language=context.language)  # a figure that picks nothing, an emoji
    titled = _titles(tuple((name, mind.knowledge.answers[name].title) for name in mind.knowledge.topics)).get(" ".join(words(text)))
    language, foreign = _language(text, context, mind)
    if titled:
        return Reading(titled, language=language)
    if len(words(text)) == 1 and (named := languages.named_in(text)):
        return Reading("change_language", language=named)
    place = place or places.find(text, mind.knowledge, asked=context.topic == "find_clinic" and context.status == "choose")
    left = len(words(text)) - (len(place.words) if place else 0)
    if left == 0:
        language, foreign = context.language, None  # a place is called the same in every language
    spoken = language or context.language or languages.SOURCE
    try:
        periods = tuple(dates.find(text, today, spoken))
    except Exception:
        periods = ()
    reading = Reading(
        intent=FALLBACK,
        language=language,
        foreign=foreign,
        nation=place.nation if place else None,
        region=_region(place) if place else None,
        periods=periods,
    )
    return _topic(text, reading, context, mind, left, today)


@lru_cache(maxsize=4)
def _titles(english: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Every answer's title, in each language, to its topic: people type what they read on a button."""
    return {" ".join(words(languages.translate(title, language) or title)): name for name, title in english for language in languages.languages()}


def _region(place: places.Place) -> str | None:
    """Where in the country a place is, for who looks for a clinic; None for a whole nation."""
    is_nation = place.nation is not None and " ".join(place.words) in ("england", "scotland", "wales", "northern ireland")
    return "london" if place.london else None if is_nation else "elsewhere"


def _of_command(intent: str, entities: Mapping[str, Any], context: Context, knowledge: Knowledge) -> Reading:
    nation = entities.get("nation") if entities.get("nation") in ("england", "scotland", "wales", "northern_ireland") else None
    reading = Reading(intent, language=languages.supported(entities.get("language")), nation=nation)
    if place := places.find(str(entities.get("place") or ""), knowledge, asked=True):
        reading = replace(reading, nation=place.nation, region=_region(place))
    if intent == INFORM:
        return _informed(reading, context, knowledge)
    return reading


def _informed(reading: Reading, context: Context, knowledge: Knowledge) -> Reading:
    """A place or a nation on its own belongs to the question before it."""
    if context.topic == "find_clinic" or context.topic in ("clinic_london", "clinic_elsewhere"):
        region = reading.region or ("elsewhere" if reading.nation and reading.nation != "england" else None)
        return replace(reading, intent="find_clinic", region=region)
    last = knowledge.answers.get(context.topic or "")
    if last and last.group and last.differs_by_nation:
        return replace(reading, intent=last.name)
    return replace(reading, intent=INFORM)


def _language(text: str, context: Context, mind: Mind) -> tuple[str | None, str | None]:
    """The language to answer in (None: as before, or not known), and the one that the text is in when that is surely none that we speak."""
    guess = mind.identifier.guess(text)
    if guess is None:
        return None, None
    length = len(words(text))
    if guess.language not in languages.languages():
        clear = guess.probability >= (_SURE_OF_LANGUAGE_TO_SWITCH if context.language else 0.6)
        return None, guess.language if clear and length >= (3 if context.language else 1) else None
    if context.language is None:
        return (guess.language, None) if guess.sure else (None, None)
    if guess.language == context.language:
        return context.language, None
    # In Latin letters, one short word may be of any language.
    in_latin = all(unicodedata.name(letter, "").startswith("LATIN") for letter in text if letter.isalpha())
    typed = "Latn" if in_latin else languages.script(guess.language)
    other_script = typed != languages.script(context.language)
    # People of every language write a few words of English ("sources", "delete my chat", "GP appointment") and go on in their own.
    enough = length > 3 if guess.language == languages.SOURCE else length >= 3 or other_script
    clear = guess.probability >= _SURE_OF_LANGUAGE_TO_SWITCH and enough
    return (guess.language, None) if clear else (context.language, None)


def to_embed(text: str, context: Context, mind: Mind) -> list[str]:
    """The texts whose sentence vectors `read` will need, so that they can be made beside other conversations."""
    language = written_in(text, context, mind)
    return [mind.topics.orthography.restore(part, language) for part in asked_in(text)]


def written_in(text: str, context: Context, mind: Mind) -> str | None:
    """The language that a text's words are looked up in."""
    guess = mind.identifier.guess(text)
    return guess.language if guess and (guess.sure or context.language is None) else context.language


def asked_in(text: str) -> list[str]:
    """The texts that a message is understood by: what it asks as a whole, then its sentences when it has several."""
    sentences = [part.strip() for part in _SENTENCE.split(text) if len(words(part)) >= 2]
    # A sentence that only told a number or an address, now masked, asks nothing.
    asking = [part for part in sentences if not _MASKED.search(part)]
    if asking and len(asking) < len(sentences):
        sentences, text = asking, ". ".join(asking)
    return [text, *(sentences[:_MOST_SENTENCES] if len(sentences) > 1 else [])]


def _topic(text: str, reading: Reading, context: Context, mind: Mind, left: int, today: date) -> Reading:
    knowledge = mind.knowledge
    follows = _follows(text, context, knowledge)
    language = written_in(text, context, mind)
    text, *sentences = asked_in(text)
    whole, *parts = mind.topics.rank([text, *sentences], language, follow_ups=follows)
    reading = replace(reading, ranking=whole.topics[:5], confidence=whole.confidence)
    danger, sure = _danger(whole, parts, mind)
    if danger and sure:
        near = [topic for topic, probability in whole.of(knowledge.critical) if topic != danger and probability >= _NEAR]
        return replace(reading, intent=danger, also=near[0] if near else _second([danger], parts or _clauses(text, language, mind), mind))
    if danger:
        own = _own_topic(text, reading, context, mind, left, whole, parts, today)
        calm = set(knowledge.topics) - knowledge.critical - _NEVER_AFTER_DANGER
        after = own.intent if own.intent in calm else _second([danger], parts, mind)
        return replace(own, intent=danger, also=after or FALLBACK, precaution=True)
    return _own_topic(text, reading, context, mind, left, whole, parts, today)


def _follows(text: str, context: Context, knowledge: Knowledge) -> bool:
    return context.topic in knowledge.answers and len(words(text)) <= _SHORT_FOLLOW_UP


def _own_topic(text: str, reading: Reading, context: Context, mind: Mind, left: int, whole: Ranked, parts: list[Ranked], today: date) -> Reading:
    """The topic of a message, danger apart."""
    knowledge = mind.knowledge
    sure = min(mind.topics.answer_from, _SURE_OF_A_FOLLOW_UP if _follows(text, context, knowledge) else 1.0)
    if context.status == "not_understood" and context.choices and whole.best == "affirm":
        return _of_command(*(command(context.choices[0]) or (FALLBACK, {})), context, knowledge)
    wanted = context.topic == "find_clinic" and context.status == "choose"
    if wanted and whole.best == "ask_nation" and left <= _FEW_WORDS and not (reading.nation or reading.region):
        return replace(reading, intent=FALLBACK)  # a place, but none that we know
    if reading.nation or reading.region:
        vague = whole.confidence < 0.8 or whole.best in ("ask_nation", "greet", "affirm", "find_clinic", "help_menu")
        small = left == 0 or (left <= _FEW_WORDS and (vague or wanted))
        if small and (left == 0 or context.topic or whole.confidence < mind.topics.answer_from):
            return _informed(reading, context, knowledge)
    unwell = whole.best in knowledge.answers and knowledge.answers[whole.best].group == "care"
    if reading.periods and not unwell and left <= 2 * _FEW_WORDS and context.topic and whole.confidence < 0.8:
        last = knowledge.answers.get(context.topic)
        ruled = last is not None and last.group is not None and any("mou_status" in passage.when for passage in last.paragraphs)
        return replace(reading, intent=context.topic if ruled else "ask_mou_history")
    if whole.best.startswith(FOLLOW_UP):
        return _followed(whole.best, reading, context, knowledge)
    if whole.best == "change_language" and (named := languages.named_in(text)):
        return Reading("change_language", language=named)
    if whole.best == "ask_mou_now" and reading.periods and reading.periods[0].last.year < today.year:
        return replace(reading, intent="ask_mou_history")
    asked = [part for part in parts if part.best not in _SMALL_TALK and part.confidence >= mind.topics.answer_from]
    if whole.best in _SMALL_TALK and asked:
        first = max(asked, key=lambda part: part.confidence)
        return replace(reading, intent=first.best, confidence=first.confidence, also=_second([first.best], parts, mind))
    if whole.confidence < mind.topics.answer_from and len(asked) > 1 and len(asked) == len(parts) and asked[0].best != asked[1].best:
        return replace(reading, intent=asked[0].best, confidence=asked[0].confidence, also=asked[1].best)
    if whole.confidence < sure:
        return replace(reading, intent=FALLBACK)
    return replace(reading, intent=whole.best, also=_second([whole.best], parts, mind))


def _followed(follow_up: str, reading: Reading, context: Context, knowledge: Knowledge) -> Reading:
    """ "And the hospital?" after an answer is the topic that the answer's `follow` names."""
    what = follow_up.removeprefix(FOLLOW_UP)
    answer = knowledge.answers.get(context.topic or "")
    if what in ("hospital", "gp"):
        default = f"ask_{what}_cost" if answer and answer.group == "cost" else f"ask_{what}_safe"
        return replace(reading, intent=answer.follow.get(what, default) if answer else default)
    return replace(reading, intent=follow_up)


def _danger(whole: Ranked, parts: list[Ranked], mind: Mind) -> tuple[str | None, bool]:
    """The danger topic of a message, if it may be about one, and whether that is sure. The tie goes to danger.

    A sentence of it alone counts only when it is all but certain: sentences out of their message look alarming too often.
    """
    topic, danger = _of_danger(whole, mind)
    if danger >= mind.topics.precaution_from:
        return topic, danger >= mind.topics.danger_from and whole.best == topic
    for part in parts:
        if part.best in mind.knowledge.critical and part.confidence >= _SURE_OF_A_SENTENCE:
            return part.best, False
    return None, False


def _of_danger(ranked: Ranked, mind: Mind) -> tuple[str | None, float]:
    dangers = ranked.of(mind.knowledge.critical)
    return (dangers[0][0] if dangers else None), sum(probability for _, probability in dangers)


def _clauses(text: str, language: str | None, mind: Mind) -> list[Ranked]:
    clauses = [part.strip() for part in _CLAUSE.split(text) if part and len(words(part)) >= 3][:_MOST_SENTENCES]
    return mind.topics.rank(clauses, language) if len(clauses) > 1 else []


def _second(known: list[str], parts: list[Ranked], mind: Mind) -> str | None:
    """Another question in the same message, if one of its parts surely asks it."""
    for part in parts:
        sure = part.confidence >= max(mind.topics.answer_from, 0.6)
        barred = _SMALL_TALK | mind.knowledge.critical | (_NEVER_AFTER_DANGER if mind.knowledge.critical.intersection(known) else set())
        if sure and part.best not in known and part.best not in barred and not part.best.startswith(FOLLOW_UP):
            return part.best
    return None
