"""What SMS and WhatsApp have in common: a message is accepted at once and answered afterwards, keywords come first, silence is kept."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import secrets
import time
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp
from rasa.core.channels.channel import InputChannel
from sanic import Blueprint, Sanic
from sanic.response import HTTPResponse, text

from .. import house, languages
from ..dialogue import failed
from ..handoff import OFFER, told
from ..handoffs import Handoff, Line
from ..privacy import pseudonym
from ..storage import sealing_key
from ..text import western_digits
from .keywords import keyword, keywords
from .limits import Limits
from .measures import of_this_process
from .outbox import Accepted, Outbox
from .postman import Answer, Body, Postman
from .providers import Printed, Provider
from .start import as_function, connect, starting, to_the_end
from .texts import MENU, MORE, VOLUNTEER, Offered, Texts, picked, sentence
from .turns import Handle, Replies, Turns

logger = logging.getLogger(__name__)

MOST_WAITING = 5000  # messages; then the provider is told to come again
MOST_WAITING_OF_ONE = 100  # of one person's; a flood from one number must leave room for others
SWEEP_SECONDS = 600
_AROUND_A_FIGURE = re.compile(r"[\s.()\ufe0f\u20e3]")  # "(3)", "3.", and the keycap of a phone's emoji
_MOST_REMEMBERED = 5000  # people to whom something was offered by number


class NotSetUp(ValueError):
    """A channel lacks settings; the message names them."""


def settings(channel: str, names: Mapping[str, str | None]) -> dict[str, str]:
    """A channel's settings from the environment: variable to default, None where there is none.

    Raises:
        NotSetUp: for a missing one.
    """
    found = {name: os.environ.get(name) or default for name, default in names.items()}
    missing = sorted(name for name, value in found.items() if value is None)
    if missing:
        raise NotSetUp(f"{channel} is half set up: also set {', '.join(missing)} (docs/channels.md), or unset its others to leave it off.")
    return {name: str(value) for name, value in found.items()}


class MessagingChannel(InputChannel):  # type: ignore[misc]
    """A channel whose replies are sent by a provider. `settings` are None when it is off."""

    is_brief = False  # whether each letter costs, so that a volunteer's suggested answer goes in its short form

    def __init__(self, settings: Mapping[str, str] | None, messages_a_minute: int, daily_segments: int, busy: int) -> None:
        self._settings = settings
        self._limits = Limits(messages_a_minute, messages_a_minute)
        self._told_to_wait = Limits(1, 1)
        self._daily_segments, self._busy = daily_segments, busy
        self._offered: OrderedDict[str, tuple[float, Offered]] = OrderedDict()  # the oldest first, each with when it was offered
        self._postman: Postman | None = None
        self._measures = of_this_process()

    @classmethod
    def limited(cls, settings: Mapping[str, str] | None, credentials: Mapping[str, Any] | None, a_day: str) -> Self:
        """The channel with the limits of credentials.yml; `a_day` names the one on what a day may cost."""
        given = credentials or {}
        return cls(settings, int(given.get("messages_a_minute") or 20), int(given.get(a_day) or 5000), int(given.get("busy") or 16))

    @classmethod
    def url_prefix(cls) -> str:
        """Where the channel's webhooks are."""
        return f"/webhooks/{cls.name()}"

    @property
    def site(self) -> str:
        """Where the world finds the chat page and the webhooks."""
        assert self._settings is not None
        return self._settings["CONFIDE_PUBLIC_URL"].rstrip("/")

    @property
    def settings(self) -> Mapping[str, str] | None:
        """The channel's settings; None when it is off."""
        return self._settings

    @abstractmethod
    async def credentials(self, session: aiohttp.ClientSession) -> list[str]:
        """What the provider says is wrong with the credentials, and with where it sends messages."""

    @abstractmethod
    def signed_probe(self) -> tuple[bytes, dict[str, str]]:
        """A webhook that says nothing and is signed with this channel's secret, its body and headers: a server that has the secret takes it."""

    @abstractmethod
    def _routes(self, routes: Blueprint) -> None:
        """Add the provider's webhooks."""

    @abstractmethod
    def _provider(self, session: aiohttp.ClientSession) -> Provider:
        """Who sends."""

    @abstractmethod
    def _bodies(self, content: Mapping[str, Any], texts: Texts, replies: Sequence[Mapping[str, Any]]) -> list[Body]:
        """What the provider is to send, of texts (and of the replies that they tell, if there are any)."""

    def blueprint(self, on_new_message: Handle) -> Blueprint:
        """The channel's webhooks; none when it is off."""
        self._on_new_message = on_new_message
        routes = Blueprint(f"confide_{self.name()}")
        if self._settings is not None:
            self._routes(routes)
            routes.listener("before_server_start")(as_function(self._announce))
            routes.listener("after_server_start")(as_function(self._connect))
            routes.listener("before_server_stop")(as_function(self._disconnect))
        return routes

    async def _announce(self, app: Sanic, _: object) -> None:
        starting(app).add(self.name())

    async def _connect(self, app: Sanic, _: object) -> None:
        assert self._settings is not None
        await connect(app)
        keywords()
        self._turns = Turns.of(self.name(), self._on_new_message, app, self._measures)
        self._outbox = Outbox(Path(self._settings["CONFIDE_STATE"]) / f"{self.name()}.sqlite", sealing_key(self._settings["CONFIDE_KEY"]))
        self._session = aiohttp.ClientSession()
        provider = Printed() if os.environ.get("CONFIDE_DRY_RUN") else self._provider(self._session)
        self._postman = Postman(self._outbox, provider, self._answer, self._measures, self.name(), self._busy, self._daily_segments)
        waiting, due = await self._outbox.left_over()
        for send in due:
            self._postman.add(send)
        for message in waiting:
            self._postman.add(message)
        app.ctx.givers[self.name()] = self._give
        app.ctx.carriers[self.name()] = self._carry
        if app.ctx.handoffs:
            await app.ctx.handoffs.carry_by(self.name(), self._carry)
        self._sweeping = asyncio.ensure_future(self._sweep())
        starting(app).discard(self.name())

    async def _disconnect(self, app: Sanic, _: object) -> None:
        self._sweeping.cancel()
        if self._postman:
            await self._postman.close()
        await self._session.close()
        await self._outbox.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._outbox.expire()
            except Exception:
                logger.exception("what is old on %s could not be forgotten; it is tried again", self.name())
            while self._offered and next(iter(self._offered.values()))[0] < time.time() - self._turns.store.hours * 3600:
                self._offered.popitem(last=False)

    async def _take(self, message_id: str, address: str, content: Mapping[str, Any]) -> HTTPResponse | None:
        """Accept a message, once; a refusal while the server starts, and when too many wait."""
        if self._postman is None:
            return _starts()
        person = pseudonym(self.name(), address)
        if self._postman.waiting >= MOST_WAITING or self._postman.waiting_for(person) >= MOST_WAITING_OF_ONE:
            return text("too many messages are waiting; send it again later", status=503, headers={"Retry-After": "60"})
        content = {"to": address, **content}
        await to_the_end(self._accept(self._postman, message_id, person, content))
        return None

    async def _accept(self, postman: Postman, message_id: str, person: str, content: Mapping[str, Any]) -> None:
        with postman.arriving():
            number = await self._outbox.accept(self.name(), message_id, person, content)
        if number is not None:
            postman.add(Accepted(number, self.name(), person, content))

    async def _reported(self, token: str | None, provider_id: str | None, state: str, error: str | None) -> HTTPResponse | None:
        """Note what a provider reports of a send; a refusal while the server starts."""
        if self._postman is None:
            return _starts()
        if await self._outbox.report(token, provider_id, state, error):
            self._measures.sent(self.name(), state, 0)
        return None

    async def _answer(self, message: Accepted) -> Answer:
        """What an accepted message is answered with. Whatever breaks, the person gets a number to call."""
        try:
            return await self._answer_of(message)
        except Exception:
            logger.exception("a message on %s could not be answered", self.name())
            reply = failed(house.knowledge(), None, house.today()).for_patients()
            return Answer(self._bodies(message.content, self._told([reply], False), [reply]), state="failed")

    async def _answer_of(self, message: Accepted) -> Answer:
        content, person = message.content, message.person
        if "bodies" in content:  # ours already: what a volunteer says
            bodies = [] if self._outbox.is_silenced(person) else [(body, segments) for body, segments in content["bodies"]]
            return Answer(bodies, urgent=True)
        said = str(content.get("text") or "").strip()
        known = keyword(said)
        asked = content.get("opt_out") or (known.kind if known else None)
        context = await self._turns.context(person, None)
        language = context.language or (known.language if known else None) or self._outbox.language_of(person) or languages.SOURCE
        held = self._turns.is_held(person)
        if held and asked in ("start", "help", "language") and not content.get("opt_out"):
            if asked == "help" and known and known.language is None:  # a carrier's word, which must be answered
                await self._turns.show_volunteer(person, said)
            else:
                asked = None  # a volunteer reads it
        if asked == "start":
            return Answer([] if content.get("opt_out") else self._sentence(content, "text_started", language), silences=False)
        if asked == "stop":
            await self._forget(person)
            return Answer([] if content.get("opt_out") else self._sentence(content, "text_stopped", language), silences=True, language=language)
        if self._outbox.is_silenced(person):
            return Answer(state="silenced")
        if not held and (seconds := self._limits.wait(person, person)):
            # Once a minute it is said: who writes in a panic must not meet silence, and a flood must not cost a reply each.
            if self._told_to_wait.wait(person, person):
                return Answer(state="limited")
            return Answer(self._sentence(content, "limit_rate", language, seconds=str(seconds)), state="limited")
        if asked == "help":
            return Answer([] if content.get("opt_out") else self._sentence(content, "text_help", language))
        await self._under_way(content)
        if not said:
            await self._turns.show_volunteer(person, "(something that is not written words: it was not taken)")
            bodies = self._sentence(content, "text_words_only", language)
            return Answer([*bodies, *self._sentence(content, "text_help", language)] if context.topic is None else bodies)
        if content.get("place") and not held:
            # A place that was shared asks for the clinic near it.
            return await self._turn(message, f"/find_clinic{json.dumps({'place': said})}")
        # While a volunteer answers, a figure is for them.
        figure = "" if held else western_digits(_AROUND_A_FIGURE.sub("", said))
        if figure.isdecimal() and person in self._offered:
            at, offered = self._offered[person]
            if int(figure) == VOLUNTEER and offered.volunteer:
                return await self._turn(message, f"/{OFFER}")
            if int(figure) != MENU and len(figure) < 3:
                # One that means nothing here brings what the numbers mean: the answer's own choices were not shown.
                texts = picked(int(figure), offered)
                self._offered[person] = (at, texts.offered or offered)
                return Answer(self._bodies(content, texts, ()))
        if figure.isdecimal():
            said = "/help_menu" if int(figure) == MENU else figure
        if asked == "delete":
            # In some language: what is asked before a language is known must be done all the same.
            said = f"/delete_my_chat{json.dumps({'language': language})}"
        return await self._turn(message, "/change_language" if asked == "language" else said)

    async def _turn(self, message: Accepted, said: str) -> Answer:
        person = message.person
        first = (await self._turns.context(person, None)).topic is None
        address = {name: message.content[name] for name in ("to", "at") if name in message.content}
        replies = await self._turns.answer(person, said, None, address, f"{self.name()} {message.id}")
        if not replies:  # a volunteer reads it
            self._offered.pop(person, None)
            return Answer()
        (_, offered) = self._offered.pop(person, (0, None))
        # "Say it in simpler words", after the short form: the rest of it.
        shorter = offered is not None and bool(offered.rest) and replies[0].get("view") == "short"
        texts = picked(MORE, offered) if shorter and offered else self._told(replies, first)
        # Who asks in their own words for no more messages gets none: we only ever answer. The keyword STOP silences for good.
        if any(reply.get("topic") in ("delete_my_chat", "stop") for reply in replies):
            await self._forget(person)
        elif texts.offered:
            self._offered[person] = (time.time(), texts.offered)
            while len(self._offered) > _MOST_REMEMBERED:
                self._offered.popitem(last=False)
        danger = any(reply.get("topic") in house.knowledge().critical for reply in replies)
        return Answer(self._bodies(message.content, texts, replies), urgent=danger)

    async def _under_way(self, content: Mapping[str, Any]) -> None:
        """Show the person that an answer is being made, where a channel can."""

    @abstractmethod
    def _told(self, replies: Replies, first: bool) -> Texts:
        """Replies as the channel's texts."""

    async def _carry(self, handoff: Handoff, line: Line) -> None:
        """Bring a person what is said to them in a handoff; once, by the line's number."""
        # Numbers and buttons are for the assistant, which is silent: a "1" that comes back now is for the volunteer.
        self._offered.pop(handoff.person, None)
        reply = {"language": handoff.language, **told(house.knowledge(), line.content, handoff.language, house.today()), "choices": ()}
        if self.is_brief and reply.get("short"):
            warnings = reply["notes"] if reply.get("status") == "needs_check" else ()
            reply = {"language": reply["language"], "text": " ".join([*reply["short"], *warnings])}
        bodies = self._bodies(handoff.address, self._told([{**reply, "short": ()}], False), ())
        content = {"to": handoff.address["to"], "bodies": bodies}
        number = await self._outbox.accept(self.name(), f"handoff {handoff.id} {line.id}", handoff.person, content)
        if number is not None and self._postman:
            self._postman.add(Accepted(number, self.name(), handoff.person, content))

    async def _give(self, address: str, reply: dict[str, Any]) -> bool:
        """Send somebody an answer that a volunteer looked up for them; False when they asked for silence. The address is not kept."""
        person = pseudonym(self.name(), address)
        if self._outbox.is_silenced(person):
            return False
        bodies = self._bodies({"to": address, "at": time.time()}, self._told([reply], True), ())
        content = {"to": address, "bodies": bodies}
        number = await self._outbox.accept(self.name(), f"given {secrets.token_urlsafe(9)}", person, content)
        assert number is not None and self._postman
        self._postman.add(Accepted(number, self.name(), person, content))
        return True

    def _sentence(self, content: Mapping[str, Any], name: str, language: str, **values: str) -> list[Body]:
        return self._bodies(content, Texts(tuple(sentence(name, language, self.is_brief, **values))), ())

    async def _forget(self, person: str) -> None:
        self._offered.pop(person, None)
        await self._turns.erase(person)
        await self._outbox.forget(person)


def _starts() -> HTTPResponse:
    return text("the server starts; send it again in a moment", status=503, headers={"Retry-After": "10"})
