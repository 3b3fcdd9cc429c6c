"""The WhatsApp channels: by Meta's Cloud API, with buttons and lists, and by Twilio's WhatsApp senders, with numbered text."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import aiohttp
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, raw, text

from .. import languages
from ..storage import state_folder
from .cloud_webhook import NotAWebhook, read_webhook
from .messaging import MessagingChannel, settings
from .postman import Body
from .providers import Cloud, Provider, Retry, Unknown, meta_signature, meta_signed
from .texts import Texts, as_texts, in_full, sentence
from .turns import Replies
from .twilio_channel import NAMES, TwilioChannel

# What the Cloud API takes (https://developers.facebook.com/docs/whatsapp/cloud-api/messages: reply buttons, list messages, text messages).
_BODY, _INTERACTIVE_BODY = 4096, 1024
_BUTTONS, _BUTTON = 3, 20
_ROWS, _ROW_TITLE, _ROW_DESCRIPTION = 10, 24, 72
WINDOW = 24 * 3600  # seconds after a person's last message in which they may be written to freely


class WhatsAppByTwilio(TwilioChannel):
    """Answers WhatsApp messages by a Twilio sender."""

    sender_setting = "CONFIDE_WHATSAPP_FROM"

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa."""
        return "whatsapp_twilio"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> WhatsAppByTwilio:
        """The channel as the environment and credentials.yml set it; off without CONFIDE_WHATSAPP_FROM.

        Raises:
            NotSetUp: when only some of its variables are set.
        """
        on = bool(os.environ.get(cls.sender_setting))
        return cls.limited(settings("WhatsApp by Twilio", {**NAMES, cls.sender_setting: None}) if on else None, credentials, "daily_messages")

    def _told(self, replies: Replies, first: bool) -> Texts:
        return as_texts(replies, first, self.site, "whatsapp_records")


class WhatsApp(MessagingChannel):
    """Answers WhatsApp messages by Meta's Cloud API."""

    _cloud: Cloud | None = None  # who sends; nobody in a dry run

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._marking: set[asyncio.Task[None]] = set()

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa."""
        return "whatsapp"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> WhatsApp:
        """The channel as the environment and credentials.yml set it; off without variables of its own.

        Raises:
            NotSetUp: when only some of its variables are set.
        """
        own = ("CONFIDE_WHATSAPP_NUMBER_ID", "CONFIDE_WHATSAPP_TOKEN", "CONFIDE_WHATSAPP_APP_SECRET", "CONFIDE_WHATSAPP_VERIFY_TOKEN")
        names = {
            **dict.fromkeys(own),
            "CONFIDE_PUBLIC_URL": None,
            "CONFIDE_KEY": None,
            "CONFIDE_STATE": str(state_folder()),
            "CONFIDE_WHATSAPP_URL": "https://graph.facebook.com/v21.0",
        }
        return cls.limited(settings("WhatsApp", names) if any(name in os.environ for name in own) else None, credentials, "daily_messages")

    async def credentials(self, session: aiohttp.ClientSession) -> list[str]:
        """Whether Meta knows the number by this token."""
        assert self._settings is not None
        address = f"{self._settings['CONFIDE_WHATSAPP_URL']}/{self._settings['CONFIDE_WHATSAPP_NUMBER_ID']}"
        try:
            token = self._settings["CONFIDE_WHATSAPP_TOKEN"]
            headers = {"Authorization": f"Bearer {token}"}
            async with session.get(address, headers=headers) as answer:
                status = answer.status
            # Meta takes a token with its proof only where the app's secret is right (https://developers.facebook.com/docs/graph-api/guides/secure-requests).
            proof = meta_signature(self._settings["CONFIDE_WHATSAPP_APP_SECRET"], token.encode()).removeprefix("sha256=")
            async with session.get(address, headers=headers, params={"appsecret_proof": proof}) as answer:
                proved = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            return [f"{self._settings['CONFIDE_WHATSAPP_URL']} could not be asked ({type(error).__name__})"]
        if status != 200:
            return [f"Meta refuses the number's id or the token (status {status}); copy both anew from the app's WhatsApp page"]
        return [] if proved == 200 else [f"Meta refuses the app's secret (status {proved}); copy CONFIDE_WHATSAPP_APP_SECRET anew from its settings"]

    def signed_probe(self) -> tuple[bytes, dict[str, str]]:
        """A notification without entries."""
        assert self._settings is not None
        body = b'{"object": "whatsapp_business_account", "entry": []}'
        return body, {"X-Hub-Signature-256": meta_signature(self._settings["CONFIDE_WHATSAPP_APP_SECRET"], body)}

    def _provider(self, session: aiohttp.ClientSession) -> Provider:
        assert self._settings is not None
        of = self._settings
        self._cloud = Cloud(session, of["CONFIDE_WHATSAPP_URL"], of["CONFIDE_WHATSAPP_NUMBER_ID"], of["CONFIDE_WHATSAPP_TOKEN"])
        return self._cloud

    def _routes(self, routes: Blueprint) -> None:
        async def verify(request: Request) -> HTTPResponse:
            return self._verify(request)

        async def webhook(request: Request) -> HTTPResponse:
            return await self._webhook(request)

        routes.add_route(verify, "/webhook", methods=["GET"], name="verify")
        routes.add_route(webhook, "/webhook", methods=["POST"], name="webhook")

    def _verify(self, request: Request) -> HTTPResponse:
        """Meta asks once whether the webhook is ours."""
        assert self._settings is not None
        given = (request.args.get("hub.verify_token") or "").encode()
        if request.args.get("hub.mode") == "subscribe" and hmac.compare_digest(given, self._settings["CONFIDE_WHATSAPP_VERIFY_TOKEN"].encode()):
            return text(request.args.get("hub.challenge") or "")
        return text("the verify token is wrong", status=403)

    async def _webhook(self, request: Request) -> HTTPResponse:
        assert self._settings is not None
        if not meta_signed(self._settings["CONFIDE_WHATSAPP_APP_SECRET"], request.body, request.headers.get("x-hub-signature-256") or ""):
            return text("the signature is missing or wrong", status=403)
        try:
            messages, reports = read_webhook(request.body)
        except NotAWebhook as error:
            return text(str(error), status=422)
        for message in messages:
            if refused := await self._take(message.id, message.sender, message.content):
                return refused
        for report in reports:
            if refused := await self._reported(report.token, report.id, report.state, report.error):
                return refused
        return raw(b"", status=200)

    async def _under_way(self, content: Mapping[str, Any]) -> None:
        if self._cloud is None:  # a dry run
            return
        # Not waited for: a slow sign of life must not hold up anybody's answer.
        marking = asyncio.create_task(self._mark_as_read(str(content["id"])))
        self._marking.add(marking)
        marking.add_done_callback(self._marking.discard)

    async def _mark_as_read(self, message_id: str) -> None:
        with suppress(Retry, Unknown):
            if self._cloud:
                await self._cloud.read(message_id)

    def _told(self, replies: Replies, first: bool) -> Texts:
        return in_full(replies, first, self.site, "whatsapp_records", _BODY)

    def _bodies(self, content: Mapping[str, Any], texts: Texts, replies: Sequence[Mapping[str, Any]]) -> list[Body]:
        messages = [_text(message) for message in texts.messages]
        if replies and (choices := replies[-1].get("choices")):
            language = str(replies[-1].get("language") or languages.SOURCE)
            said = texts.messages[texts.choosing]
            if len(said) > _INTERACTIVE_BODY:  # more than a message with choices holds, so they come after it
                messages.insert(texts.choosing + 1, _choosing(sentence("noted_place", language, False)[0], choices, language))
            else:
                messages[texts.choosing] = _choosing(said, choices, language)
        return [({"to": content["to"], "message": message, "until": content["at"] + WINDOW}, 1) for message in messages]


def _text(body: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": body, "preview_url": False}}


def _choosing(body: str, choices: Sequence[Mapping[str, str]], language: str) -> dict[str, Any]:
    """A message with its choices: as buttons where they fit, else as a list, else numbered in the text."""
    titles = [choice["title"] for choice in choices]
    if len(choices) > _ROWS:
        return _text("\n".join([body, *(f"{number} {title}" for number, title in enumerate(titles, 1))])[:_BODY])
    if len(choices) <= _BUTTONS and all(len(title) <= _BUTTON for title in titles):
        buttons = [{"type": "reply", "reply": {"id": choice["message"], "title": choice["title"]}} for choice in choices]
        action: dict[str, Any] = {"buttons": buttons}
        kind = "button"
    else:
        rows = [_row(choice) for choice in choices]
        action = {"button": sentence("text_choose", language, False)[0][:_BUTTON], "sections": [{"rows": rows}]}
        kind = "list"
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": body}, "action": action}}


def _row(choice: Mapping[str, str]) -> dict[str, str]:
    title = choice["title"]
    if len(title) <= _ROW_TITLE:
        return {"id": choice["message"], "title": title}
    start = title[: _ROW_TITLE - 1].rsplit(" ", 1)[0]
    return {"id": choice["message"], "title": f"{start}…", "description": title[:_ROW_DESCRIPTION]}
