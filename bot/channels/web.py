"""The web channel: the chat page, the widget, the JSON interface and the public timeline, as one Rasa input channel."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.shared.core.events import BotUttered, UserUttered
from sanic import Blueprint, Sanic
from sanic.exceptions import MethodNotSupported, NotFound, PayloadTooLarge, SanicException
from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse, empty, raw, redirect
from sanic.response import html as html_response
from sanic.response import json as json_response

from .. import house, languages, reading
from ..handoff import button as handoff_button
from ..handoff import told as told_to_patient
from ..privacy import log_sanic_without_words, pseudonym
from ..replies import compose
from ..words import knowledge_message
from . import feeds, page
from .events import STILL_HERE, event, last_id, stream
from .limits import Limits, Once
from .measures import of_this_process
from .start import as_function, connect, refuse_negative_lengths, starting, to_the_end
from .turns import Replies, Turns

logger = logging.getLogger(__name__)

MESSAGE_LIMIT = 1000  # letters
BODY_LIMIT = 16 * 1024  # bytes
# Of a provider's webhook: Meta sends up to 3 MB (https://developers.facebook.com/docs/graph-api/webhooks/getting-started).
LARGEST_WEBHOOK = 3 * 1024 * 1024
SENDER_LIMIT = 128
SWEEP_SECONDS = 60


class Refused(Exception):
    """A request that is answered with a status and a reason, and changes nothing."""

    def __init__(self, status: int, code: str, reason: str, retry_after: int | None = None) -> None:
        super().__init__(reason)
        self.status, self.code, self.reason, self.retry_after = status, code, reason, retry_after

    def response(self) -> HTTPResponse:
        """The refusal as JSON: {"error": {"code", "reason"}}."""
        headers = {"Cache-Control": "no-store", **({"Retry-After": str(self.retry_after)} if self.retry_after else {})}
        return json_response({"error": {"code": self.code, "reason": self.reason}}, status=self.status, headers=headers)


@dataclass(frozen=True)
class Incoming:
    """A message as a person sent it, checked."""

    sender: str
    message: str
    language: str | None
    message_id: str | None


def checked(body: object) -> Incoming:
    """The message in a request's JSON; Refused (422) with a reason when a field is missing or of the wrong type."""
    if not isinstance(body, Mapping):
        raise Refused(422, "wrong_type", "Send a JSON object with 'sender' and 'message'.")
    for key, required in (("sender", True), ("message", True), ("language", False), ("message_id", False)):
        value = body.get(key)
        if value is None and not required:
            continue
        if not isinstance(value, str):
            raise Refused(422, "wrong_type", f"{key!r} must be a text.")
    sender, message = body["sender"].strip(), body["message"].strip()
    if not sender or len(sender) > SENDER_LIMIT:
        raise Refused(422, "bad_sender", f"'sender' must have 1 to {SENDER_LIMIT} letters; make up a random one for each conversation.")
    language = languages.supported(body.get("language"))
    if body.get("language") and not language:
        raise Refused(422, "unknown_language", f"'language' must be one of {', '.join(languages.languages())}.")
    words = language or languages.SOURCE
    knowledge = house.knowledge()
    if not message:
        raise Refused(422, "empty_message", knowledge_message(knowledge, "empty", words))
    if len(message) > MESSAGE_LIMIT:
        reason = knowledge_message(knowledge, "too_long", words).replace("{limit}", str(MESSAGE_LIMIT))
        raise Refused(413, "message_too_long", reason)
    _as_utf8(message + sender + (body.get("message_id") or ""))
    message_id = body.get("message_id") or None
    if message_id and len(message_id) > SENDER_LIMIT:
        raise Refused(422, "bad_message_id", f"'message_id' must have at most {SENDER_LIMIT} letters.")
    return Incoming(sender, message, language, message_id)


class WebChannel(InputChannel):  # type: ignore[misc]
    """Serves patients on the web. Settings come from credentials.yml."""

    def __init__(self, frame_origins: list[str], messages_a_minute: int, messages_a_minute_from_an_address: int) -> None:
        for origin in frame_origins:
            if not origin.startswith(("https://", "http://127.0.0.1", "http://localhost")) or any(mark in origin for mark in "; ,'\""):
                raise ValueError(f"frame_origins in credentials.yml has {origin!r}; write origins such as https://example.org")
        self._headers = page.security_headers(" ".join(["'self'", *frame_origins]))
        self._limits = Limits(messages_a_minute, messages_a_minute_from_an_address)
        self._once: Once[Replies] = Once()
        self._measures = of_this_process()
        self._assets = page.assets()

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa."""
        return "web"

    def url_prefix(self) -> str:
        """The channel's routes begin at the root: /chat, /webhooks/web/webhook, /timeline."""
        return "/"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> WebChannel:
        """The channel as credentials.yml sets it."""
        given = credentials or {}
        by_sender, by_address = int(given.get("messages_a_minute") or 20), int(given.get("messages_a_minute_from_an_address") or 120)
        if "CONFIDE_MESSAGES_A_MINUTE" in os.environ:  # for a load test, and behind a proxy that limits by itself
            by_sender = by_address = int(os.environ["CONFIDE_MESSAGES_A_MINUTE"])
        return cls(list(given.get("frame_origins") or []), by_sender, by_address)

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[None]]) -> Blueprint:
        """The channel's routes."""
        routes = Blueprint("confide_web")
        self._on_new_message = on_new_message

        both = ["GET", "HEAD", "POST"]
        for name, handler, path, methods in (
            ("webhook", self._webhook, "/webhooks/web/webhook", ["POST"]),
            ("erase", self._erase, "/webhooks/web/conversations/<sender:str>", ["DELETE"]),
            ("events", self._events, "/webhooks/web/events/<ticket:str>", ["GET"]),
            ("erase_by_beacon", self._erase_by_beacon, "/webhooks/web/erase", ["POST"]),
            ("chat", self._chat, "/chat", both),
            ("chat_in", self._chat, "/chat/<language:str>", both),
            ("static", self._static, "/static/<name:str>", ["GET"]),
            ("widget", self._widget, "/widget.js", ["GET"]),
            ("privacy", self._privacy, "/privacy", ["GET"]),
            ("privacy_in", self._privacy, "/privacy/<language:str>", ["GET"]),
            ("timeline", self._timeline, "/timeline", ["GET"]),
            ("timeline_in", self._timeline, "/timeline/<language:str>", ["GET"]),
            ("timeline_json", self._timeline_json, "/timeline.json", ["GET"]),
            ("timeline_atom", self._timeline_atom, "/timeline.atom", ["GET"]),
            ("health", self._health, "/health", ["GET"]),
            ("metrics", self._metrics, "/metrics", ["GET"]),
        ):
            routes.add_route(as_function(handler), path, methods=["GET", "HEAD"] if methods == ["GET"] else methods, name=name)
        routes.listener("before_server_start")(as_function(self._prepare))
        routes.listener("after_server_start")(as_function(self._connect))
        routes.listener("before_server_stop")(as_function(self._disconnect))
        return routes

    async def _prepare(self, app: Sanic, _: object) -> None:
        app.config.REQUEST_MAX_SIZE = LARGEST_WEBHOOK
        refuse_negative_lengths()
        log_sanic_without_words()
        app.config.ACCESS_LOG = False
        app.error_handler.add(Exception, self._on_error)
        app.register_middleware(_first, "request")
        app.response_middleware.append(_last)  # after Rasa's, which tells other sites that they may read

    async def _connect(self, app: Sanic, _: object) -> None:
        await connect(app)
        self._app = app
        self._turns = Turns.of(self.name(), self._on_new_message, app, self._measures)
        self._sweeping = asyncio.ensure_future(self._sweep())

    async def _disconnect(self, app: Sanic, _: object) -> None:
        self._sweeping.cancel()

    async def _sweep(self) -> None:
        """Forgets what is past its time also when nobody writes."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._turns.store.expire()
            self._once.expire()

    def _on_error(self, request: Request, error: Exception) -> HTTPResponse:
        if isinstance(error, Refused):
            return error.response()
        if isinstance(error, NotFound):
            return Refused(404, "not_found", "There is nothing at this address. The chat is at /chat.").response()
        if isinstance(error, MethodNotSupported):
            return Refused(405, "method_not_allowed", "This address does not take that method.").response()
        if isinstance(error, PayloadTooLarge):
            return Refused(413, "body_too_large", knowledge_message(house.knowledge(), "limit_body", languages.SOURCE)).response()
        if isinstance(error, SanicException) or request.route is None:
            # Before there is a route, only the request itself has been read.
            return Refused(getattr(error, "status_code", None) or 400, "bad_request", "The request could not be read.").response()
        logger.error("a request failed: %s", type(error).__name__, exc_info=error)
        return Refused(500, "failed", knowledge_message(house.knowledge(), "failed", languages.SOURCE)).response()

    async def _webhook(self, request: Request) -> HTTPResponse:
        return await to_the_end(self._take(request))

    async def _take(self, request: Request) -> HTTPResponse:
        incoming = checked(_json_of(request))
        self._admit(request, incoming.sender, incoming.language)
        replies = await self._answer(incoming)
        return json_response(replies, headers={"Cache-Control": "no-store"}, dumps=_dumps)

    def _admit(self, request: Request, sender: str, language: str | None) -> None:
        seconds = self._limits.wait(pseudonym("web", sender), pseudonym("address", request.remote_addr or request.ip))
        if seconds:
            self._measures.refused()
            reason = knowledge_message(house.knowledge(), "limit_rate", language or languages.SOURCE)
            raise Refused(429, "too_many_messages", reason.replace("{seconds}", str(seconds)), retry_after=seconds)

    async def _answer(self, incoming: Incoming) -> Replies:
        person = pseudonym("web", incoming.sender)
        replies = await self._once.answer(person, incoming.message_id, lambda: self._turn(person, incoming))
        return [{"recipient_id": incoming.sender, **reply} for reply in replies]

    async def _turn(self, person: str, incoming: Incoming) -> Replies:
        replies = await self._turns.answer(person, incoming.message, incoming.language, key=incoming.message_id)
        if any(reply.get("topic") == "delete_my_chat" for reply in replies):
            self._once.forget(person)
        return replies

    async def _events(self, request: Request, ticket: str) -> None:
        """What is said to a person who asked for a volunteer, as it comes; a page that was cut off goes on after the last line it has."""
        handoffs, knowledge = request.app.ctx.handoffs, house.knowledge()
        found = await handoffs.followed(ticket) if handoffs else None
        if found is None:
            raise Refused(404, "no_handoff", "There is no conversation with a volunteer here.")
        response = await stream(request)
        async for line in handoffs.follow(found.id, last_id(request)):
            told = told_to_patient(knowledge, line.content, found.language, house.today()) if line else {}
            await response.send(event(line.who, told, line.id) if line else STILL_HERE)
        if not handoffs.is_ending:
            await response.send(event("end", {}))
        await response.eof()
        return None

    async def _forget(self, sender: str) -> None:
        person = pseudonym("web", sender.strip())
        await self._turns.erase(person)
        self._once.forget(person)

    async def _erase(self, request: Request, sender: str) -> HTTPResponse:
        await to_the_end(self._forget(unquote(sender)))
        return empty()

    async def _erase_by_beacon(self, request: Request) -> HTTPResponse:
        body = _json_of(request)
        if not isinstance(body, Mapping) or not isinstance(body.get("sender"), str):
            raise Refused(422, "wrong_type", "Send a JSON object with 'sender'.")
        await to_the_end(self._forget(_as_utf8(body["sender"])))
        return empty()

    async def _chat(self, request: Request, language: str | None = None) -> HTTPResponse:
        knowledge, today = house.knowledge(), house.today()
        unknown = bool(language) and not languages.supported(language) and "text/html" in (request.headers.get("accept") or "")
        # A person who followed a link to a language that we do not speak gets the page with its picker open, not a line of JSON.
        language = None if unknown else language
        speaks = self._language(request, language)
        if request.method != "POST":
            sender = secrets.token_urlsafe(16)
            topic = request.args.get("topic")
            turns = await self._posted(request, sender, f"/{topic}", speaks) if topic in knowledge.topics else []
        else:
            form = request.form
            sender = (form.get("sender") or "").strip()[:SENDER_LIMIT] or secrets.token_urlsafe(16)
            turns = await self._shown_before(sender)
            turns += await self._posted(request, sender, (form.get("message") or "").strip(), speaks)
        greeting = compose(knowledge, "greet", today, speaks).for_patients()
        embedded = request.args.get("embedded") == "1"
        content = page.chat_page(
            knowledge, speaks, sender=sender, turns=turns, greeting=greeting, embedded=embedded, choose_language=language is None
        )
        return html_response(content, status=404 if unknown else 200, headers=self._headers)

    async def _posted(self, request: Request, sender: str, message: str, language: str) -> list[page.Turn]:
        """What a form brought, and the replies to it; a refusal is said in the conversation, not as an error page."""
        knowledge = house.knowledge()
        shown = message[:MESSAGE_LIMIT]
        given = reading.command(message)
        if given and given[0] in knowledge.topics:
            shown = languages.translate(knowledge.answers[given[0]].title, language) or knowledge.answers[given[0]].title
        elif given and isinstance(given[1].get("nation"), str):
            shown = (
                knowledge_message(knowledge, f"nation_{given[1]['nation']}", language) if f"nation_{given[1]['nation']}" in knowledge.messages else ""
            )
        elif given:
            shown = handoff_button(knowledge, given, language) or shown
        try:
            incoming = checked({"sender": sender, "message": message, "language": language})
            self._admit(request, sender, language)
            replies = await self._answer(incoming)
        except Refused as refused:
            refusal = {"paragraphs": [refused.reason], "status": "failed", "language": language, "direction": languages.direction(language)}
            return [page.Turn("person", shown), page.Turn("assistant", "", refusal)]
        return [page.Turn("person", shown), *(page.Turn("assistant", "", reply) for reply in replies)]

    async def _shown_before(self, sender: str) -> list[page.Turn]:
        """The conversation so far, as the no-JavaScript page shows it again."""
        tracker = await self._turns.store.retrieve(pseudonym("web", sender))
        turns: list[page.Turn] = []
        for said in tracker.events if tracker else ():
            if isinstance(said, UserUttered) and said.text and not said.text.startswith("/"):
                turns.append(page.Turn("person", said.text))
            elif isinstance(said, BotUttered) and said.text:
                language = (tracker.get_slot("language") if tracker else None) or languages.SOURCE
                reply = {"paragraphs": said.text.split("\n\n"), "language": language, "direction": languages.direction(language)}
                turns.append(page.Turn("assistant", "", reply))
        return turns + await self._said_with_volunteer(pseudonym("web", sender))

    async def _said_with_volunteer(self, person: str) -> list[page.Turn]:
        """What was said since a volunteer came, for the page that must be loaded again to see it."""
        handoffs, turns = self._app.ctx.handoffs, list[page.Turn]()
        current = handoffs.of(person) if handoffs else None
        if current is None:
            return turns
        for line in await handoffs.lines(current.id):
            if not turns and line.content.get("notice") != "handoff_joined":
                continue
            if line.who == "patient":
                turns.append(page.Turn("person", line.content["text"]))
            elif line.who != "reply":
                told = told_to_patient(house.knowledge(), line.content, current.language, house.today())
                own = {"paragraphs": [told["text"]], "language": current.language, "direction": languages.direction(current.language)}
                turns.append(page.Turn("assistant", "", {**own, **told}))
        return turns

    def _language(self, request: Request, asked: str | None) -> str:
        if asked:
            language = languages.supported(asked)
            if not language:
                raise Refused(404, "unknown_language", f"We do not speak this language yet. We speak: {', '.join(languages.languages())}.")
            return language
        return next(filter(None, map(languages.supported, _wanted(request.headers.get("accept-language") or ""))), languages.SOURCE)

    async def _static(self, request: Request, name: str) -> HTTPResponse:
        asset = self._assets.get(name)
        if asset is None:
            raise NotFound(name)
        zipped = "gzip" in (request.headers.get("accept-encoding") or "")
        etag = asset.gzip_etag if zipped else asset.etag
        headers = {"ETag": etag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == etag:
            return empty(status=304, headers=headers)
        if zipped:
            return raw(asset.gzip, content_type=asset.content_type, headers={**headers, "Content-Encoding": "gzip"})
        return raw(asset.body, content_type=asset.content_type, headers=headers)

    async def _widget(self, request: Request) -> HTTPResponse:
        response = await self._static(request, "embed.js")
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    async def _privacy(self, request: Request, language: str | None = None) -> HTTPResponse:
        hours = math.ceil(self._turns.store.hours)
        return html_response(page.privacy_page(house.knowledge(), self._language(request, language), hours), headers=self._headers)

    async def _timeline(self, request: Request, language: str | None = None) -> HTTPResponse:
        return html_response(page.timeline_page(house.knowledge(), self._language(request, language)), headers=self._headers)

    async def _timeline_json(self, request: Request) -> HTTPResponse:
        return json_response(feeds.as_json(house.knowledge()), dumps=_dumps)

    async def _timeline_atom(self, request: Request) -> HTTPResponse:
        address = f"{request.scheme}://{request.host}"
        return raw(feeds.as_atom(house.knowledge(), address), content_type="application/atom+xml; charset=utf-8")

    async def _health(self, request: Request) -> HTTPResponse:
        agent = getattr(self._app.ctx, "agent", None)
        ready = bool(agent and agent.is_ready()) and not starting(self._app)
        return json_response({"status": "ok" if ready else "starting", "topics": len(house.knowledge().topics)}, status=200 if ready else 503)

    async def _metrics(self, request: Request) -> HTTPResponse:
        forwarded = any(request.headers.get(name) for name in ("forwarded", "x-forwarded-for", "x-real-ip"))
        if not self._measures.may_read(request.ip, request.headers.get("authorization"), forwarded):
            raise Refused(403, "forbidden", "Measures are for this machine, or for who has the token in CONFIDE_METRICS_TOKEN.")
        return raw(self._measures.text(), content_type="text/plain; version=0.0.4")


def _first(request: Request) -> HTTPResponse | None:
    """Only providers send much at once. Rasa greets at the root with its name and version; a person is led to the chat."""
    is_provider = request.path.startswith("/webhooks/") and not request.path.startswith("/webhooks/web/")
    if len(request.body or b"") > BODY_LIMIT and not is_provider:
        raise PayloadTooLarge("Request body exceeds the size limit")
    return redirect("/chat") if request.path == "/" and request.method in ("GET", "HEAD") else None


def _last(request: Request, response: BaseHTTPResponse) -> None:
    """What every response says; and no word of Rasa's to other sites, which have nothing to read here."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    for name in ("Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"):
        response.headers.pop(name, None)


def _wanted(header: str) -> list[str]:
    """The languages of an Accept-Language header, most wanted first (RFC 9110, 12.5.4).

    >>> _wanted("fr;q=0.5, ar, es;q=0")
    ['ar', 'fr']
    """
    ranked = []
    for part in header.split(","):
        tag, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            quality = 0
        if tag.strip() and quality > 0:
            ranked.append((-quality, tag.strip()))
    return [tag for _, tag in sorted(ranked, key=lambda item: item[0])]


def _as_utf8(text: str) -> str:
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise Refused(422, "not_text", "The text has broken characters; send UTF-8.")
    return text


def _json_of(request: Request) -> object:
    try:
        return json.loads(request.body.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Refused(400, "malformed_json", "The body is not JSON in UTF-8.") from error


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
