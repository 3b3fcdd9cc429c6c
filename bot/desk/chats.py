"""Conversations at the desk: who waits, what a volunteer holds, what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any

from sanic.request import Request
from sanic.response import BaseHTTPResponse, json

from .. import house, languages, places
from ..channels.events import STILL_HERE, event, stream
from ..dialogue import FALLBACK, Context
from ..embeddings import prepare
from ..handoff import reviewed, told
from ..handoffs import ALERT, Handoff, Line
from ..reading import read, to_embed
from ..replies import UnknownTopic
from ..switches import heeded
from .accounts import Session
from .english import english
from .views import HEADERS, Desk, NotPossible, Route, shown

LONGEST = 1000  # letters of what a volunteer types
_TOGETHER = 0.1  # seconds: changes that come so close are told at once
_BEAT = 10.0  # seconds between two signs that the stream lives
_SUGGESTED = 3


async def _page(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    return shown("chats.html", session, here="/desk/chats")


async def _events(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse | None:
    """The queue, and every line of the volunteer's conversations, as they come; `in_brief=1`, how many there are, for the other pages.

    `on_duty=1` says that the volunteer took conversations before the server was started again.
    """
    response = await stream(request, HEADERS)
    with desk.handoffs.presence.present(session.name, request.args.get("on_duty") == "1"):
        async for sent in _news(desk, session, request.args.get("in_brief") == "1"):
            await response.send(sent)
    if not desk.handoffs.is_ending:
        await response.send(event("signed_out", {}))
    await response.eof()
    return None


async def _news(desk: Desk, session: Session, in_brief: bool) -> AsyncIterator[str]:
    """What a volunteer's page is told, while they are signed in."""
    handoffs, last_of, before = desk.handoffs, dict[str, int](), ""
    while not handoffs.is_ending and await desk.accounts.is_valid(session):
        rung = asyncio.ensure_future(handoffs.bell.wait(_BEAT))
        mine = handoffs.held_by(session.name)
        for handoff in () if in_brief else mine:
            lines = await handoffs.lines(handoff.id, last_of.get(handoff.id, 0))
            for line in lines:
                last_of[handoff.id] = line.id
                yield event("line", {"chat": handoff.id, **_line(handoff, line)})
            asked = next((line for line in reversed(lines) if line.who == "patient"), None)
            if asked:
                yield event("suggestions", {"chat": handoff.id, "suggestions": await _suggestions(desk, handoff, str(asked.content["text"]))})
        last_of = {handoff.id: last_of.get(handoff.id, 0) for handoff in mine}
        state = event("state", _counts(desk, session) if in_brief else _state(desk, session))
        if state != before:
            yield state
            before = state
        else:
            yield STILL_HERE
        await rung
        await asyncio.sleep(_TOGETHER)


def _state(desk: Desk, session: Session) -> dict[str, Any]:
    """The queue and the volunteer's conversations: nothing in it says who a person is."""
    handoffs = desk.handoffs
    return {
        "waiting": [_about(handoff) for handoff in handoffs.waiting()],
        "mine": [{**_about(handoff), "alert": _alert(handoff), "unanswered": handoff.unanswered} for handoff in handoffs.held_by(session.name)],
        "on_duty": session.name in handoffs.presence.on_duty(),
        "colleagues": [name for name in handoffs.presence.on_duty() if name != session.name],
    }


def _counts(desk: Desk, session: Session) -> dict[str, Any]:
    """How many wait, for anybody and for this volunteer's answer."""
    mine = desk.handoffs.held_by(session.name)
    return {
        "waiting": len(desk.handoffs.waiting()),
        "unanswered": sum(handoff.unanswered for handoff in mine),
        "danger": any(handoff.alert_at is not None for handoff in mine),
        "on_duty": session.name in desk.handoffs.presence.on_duty(),
    }


def _about(handoff: Handoff) -> dict[str, Any]:
    knowledge = house.knowledge()
    return {
        "id": handoff.id,
        "since": handoff.asked_at,
        "danger": handoff.danger,
        "language": languages.english_name(handoff.language),
        "tag": languages.tag(handoff.language),
        "direction": languages.direction(handoff.language),
        "channel": handoff.channel,
        "topic": knowledge.answers[handoff.topic].title if handoff.topic in knowledge.answers else "",
        "shared": handoff.shared,
    }


def _alert(handoff: Handoff) -> dict[str, Any] | None:
    if handoff.alert_at is None:
        return None
    return {"topic": house.knowledge().answers[str(handoff.alert)].title, "answers_at": handoff.alert_at + ALERT}


def _line(handoff: Handoff, line: Line) -> dict[str, Any]:
    """A line as the desk shows it: as it was said, and in English where we wrote it."""
    content = told(house.knowledge(), line.content, handoff.language, house.today())
    return {
        "id": line.id,
        "who": line.who,
        "at": line.at,
        "text": content["text"],
        "english": english(handoff.language, line.content),
        "danger": bool(line.content.get("danger")),
    }


async def _suggestions(desk: Desk, handoff: Handoff, text: str) -> list[dict[str, Any]]:
    """The answers nearest to what the patient wrote, in their language and in English, the likeliest first."""
    knowledge, today = house.knowledge(), house.today()
    context = Context(language=handoff.language)
    await prepare(to_embed(text, context, desk.mind))
    found = read(text, context, desk.mind, today)
    near = [found.intent, found.also, *(topic for topic, _ in found.ranking)]
    topics = [topic for topic in dict.fromkeys(near) if topic in knowledge.topics and topic != FALLBACK and knowledge.answers[topic].group != "bot"]
    said = [str(line.content.get("text") or "") for line in await desk.handoffs.lines(handoff.id) if line.who == "patient"]
    nation = next((place.nation for text in reversed(said) if (place := places.find(text, knowledge)) and place.nation), None)
    allowed = [topic for topic in topics if not desk.switches.forbids(topic, handoff.language, handoff.channel)]
    contents = {topic: reviewed(knowledge, topic, handoff.language, nation, today) for topic in allowed[:_SUGGESTED]}
    return [
        {
            "topic": topic,
            "nation": nation or "",
            "title": knowledge.answers[topic].title,
            "text": content["reply"]["text"],
            "english": english(handoff.language, content),
        }
        for topic, content in contents.items()
    ]


async def _claim(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    if not await desk.handoffs.claim(_id(request), session.name):
        raise NotPossible("Somebody else has taken this conversation, or it has ended.", 409)
    return await _done(desk, session, "claimed", request)


async def _say(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    """Send what the volunteer typed (`text`) or a reviewed answer (`topic`), once for each `key`; `anyway`, also in another language than theirs."""
    asked = _form(request)
    handoff = desk.handoffs.get(_id(request))
    if handoff is None or handoff.volunteer != session.name:
        raise NotPossible("You do not hold this conversation any more.", 409)
    key = _text(asked, "key", 80)
    if asked.get("topic"):
        topic = _text(asked, "topic", 80)
        if desk.switches.forbids(topic, handoff.language, handoff.channel):
            raise NotPossible("An editor has switched this answer off. Ask why before you say it in your own words.", 409)
        content = _reviewed(handoff, topic, asked.get("nation"))
    else:
        text = _text(asked, "text", LONGEST)
        if not asked.get("anyway") and (other := _other_language(desk, handoff, text)):
            return json({"warning": other}, headers=HEADERS)
        content = {"text": text}
    # Only the answer to a danger, or "I answer", is an answer to an alert: another line may have been on its way already.
    heeds = content.get("reply", {}).get("topic") in house.knowledge().critical
    if not await desk.handoffs.say(handoff.id, session.name, key, content, heeds):
        raise NotPossible("You do not hold this conversation any more.", 409)
    return json({"sent": True}, headers=HEADERS)


def _reviewed(handoff: Handoff, topic: str, nation: object) -> dict[str, Any]:
    where = nation if isinstance(nation, str) and f"nation_{nation}" in house.knowledge().messages else None
    try:
        return reviewed(house.knowledge(), topic, handoff.language, where, house.today())
    except UnknownTopic as error:
        raise NotPossible(str(error)) from error


def _other_language(desk: Desk, handoff: Handoff, text: str) -> str | None:
    """A warning, where a text is surely not in the patient's language."""
    guess = desk.mind.identifier.guess(text)
    if guess is None or not guess.sure or guess.language == handoff.language:
        return None
    written = languages.english_name(guess.language) if guess.language in languages.languages() else "another language"
    return f"This looks like {written}. The person writes {languages.english_name(handoff.language)}."


def emergency(desk: Desk, handoff: Handoff) -> dict[str, Any]:
    """The answer to a danger that no volunteer reacted to; where it is switched off, whom to call."""
    knowledge, today = house.knowledge(), house.today()
    content = reviewed(knowledge, str(handoff.alert), handoff.language, None, today)
    (told,) = heeded(desk.switches, knowledge, handoff.channel, [content["reply"]], today)
    return content if told["text"] == content["reply"]["text"] else {"reply": {**told, "choices": []}}


async def _seen(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    return _answered(await desk.handoffs.seen_alert(_id(request), session.name))


async def _give_back(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    if not await desk.handoffs.give_back(_id(request), session.name, partial(emergency, desk), "handoff_waiting"):
        raise NotPossible("You do not hold this conversation any more.", 409)
    return await _done(desk, session, "put back", request)


async def _hand_back(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    if not await desk.handoffs.end(_id(request), session.name, "handoff_back"):
        raise NotPossible("You do not hold this conversation any more.", 409)
    return await _done(desk, session, "handed back", request)


async def _end(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    if not await desk.handoffs.end(_id(request), session.name, "handoff_ended"):
        raise NotPossible("You do not hold this conversation any more.", 409)
    return await _done(desk, session, "ended", request)


async def _transfer(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    to = _text(_form(request), "to", 80)
    if not await desk.handoffs.transfer(_id(request), session.name, to):
        raise NotPossible(f"{to} is not on duty, or you do not hold this conversation any more.", 409)
    return await _done(desk, session, f"passed to {to}", request)


async def _here(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    """The volunteer types, reads, moves: their conversations stay with them."""
    await desk.handoffs.acted(session.name)
    return _answered(True)


async def _duty(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    """The volunteer begins (`on=1`) or stops taking conversations."""
    on_duty = _form(request).get("on") == "1"
    desk.handoffs.presence.set_duty(session.name, on_duty)
    await desk.accounts.note(session.name, "on duty" if on_duty else "off duty")
    return _answered(True)


async def _done(desk: Desk, session: Session, what: str, request: Request) -> BaseHTTPResponse:
    await desk.accounts.note(session.name, f"conversation {what}", _id(request))
    return _answered(True)


def _answered(done: bool) -> BaseHTTPResponse:
    return json({"done": done}, headers=HEADERS)


def _id(request: Request) -> str:
    return str(request.match_info["id"])


def _form(request: Request) -> Mapping[str, Any]:
    return {name: values[0] for name, values in (request.form or {}).items()}


def _text(body: Mapping[str, Any], name: str, most: int) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise NotPossible(f"There is nothing in {name!r}.")
    if len(value) > most:
        raise NotPossible(f"{name!r} has {len(value)} letters; at most {most} can be sent.")
    return value.strip()


ROUTES = (
    Route("/chats", _page),
    Route("/chats/events", _events),
    Route("/chats/here", _here, ("POST",)),
    Route("/chats/duty", _duty, ("POST",)),
    Route("/chats/<id:str>/claim", _claim, ("POST",)),
    Route("/chats/<id:str>/say", _say, ("POST",)),
    Route("/chats/<id:str>/seen", _seen, ("POST",)),
    Route("/chats/<id:str>/put-back", _give_back, ("POST",)),
    Route("/chats/<id:str>/hand-back", _hand_back, ("POST",)),
    Route("/chats/<id:str>/end", _end, ("POST",)),
    Route("/chats/<id:str>/transfer", _transfer, ("POST",)),
)
