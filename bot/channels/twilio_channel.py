"""What SMS and WhatsApp have in common when Twilio carries them: its webhooks, its way to send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, raw, text
from twilio.request_validator import RequestValidator

from .. import places
from ..storage import state_folder
from .messaging import MessagingChannel
from .postman import Body
from .providers import Provider, Twilio, twilio_signed
from .segments import size
from .texts import Texts

NAMES = {
    "CONFIDE_TWILIO_ACCOUNT_SID": None,
    "CONFIDE_TWILIO_AUTH_TOKEN": None,
    "CONFIDE_PUBLIC_URL": None,
    "CONFIDE_KEY": None,
    "CONFIDE_STATE": str(state_folder()),
    "CONFIDE_TWILIO_URL": "https://api.twilio.com",
}
_NO_REPLY = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'  # TwiML: the reply is sent on its own, when it is ready
# Twilio's message statuses (https://www.twilio.com/docs/messaging/api/message-resource), as the outbox names them.
_STATES = {"accepted": "queued", "scheduled": "queued", "sending": "queued", "canceled": "failed", "read": "delivered"}


def _place(latitude: str | None, longitude: str | None) -> str | None:
    """The town nearest to coordinates, if there are any."""
    try:
        return places.nearest(float(latitude or ""), float(longitude or ""))
    except (OverflowError, ValueError):
        return None


class TwilioChannel(MessagingChannel):
    """A channel by Twilio. `sender_setting` names the variable that holds the number (or the messaging service) to send from."""

    sender_setting: str

    def _provider(self, session: aiohttp.ClientSession) -> Provider:
        assert self._settings is not None
        of = self._settings
        status = f"{self.site}{self.url_prefix()}/status"
        return Twilio(
            session, of["CONFIDE_TWILIO_URL"], of["CONFIDE_TWILIO_ACCOUNT_SID"], of["CONFIDE_TWILIO_AUTH_TOKEN"], of[self.sender_setting], status
        )

    async def credentials(self, session: aiohttp.ClientSession) -> list[str]:
        """Whether Twilio knows the account, and sends the number's messages here."""
        assert self._settings is not None
        of, sender = self._settings, self._settings[self.sender_setting]
        account = f"{of['CONFIDE_TWILIO_URL']}/2010-04-01/Accounts/{of['CONFIDE_TWILIO_ACCOUNT_SID']}"
        login = aiohttp.BasicAuth(of["CONFIDE_TWILIO_ACCOUNT_SID"], of["CONFIDE_TWILIO_AUTH_TOKEN"])
        try:
            async with session.get(f"{account}.json", auth=login) as answer:
                if answer.status != 200:
                    return [f"Twilio refuses the account or its token (status {answer.status}); copy both anew from its console"]
            if sender.startswith(("MG", "whatsapp:")):
                return []  # a messaging service, or a WhatsApp sender: where those send messages, this interface does not tell
            if not sender.startswith("+"):
                return [f"{self.sender_setting} is {sender}; write the number as +447700900123 (or a messaging service's id, MG...)"]
            async with session.get(f"{account}/IncomingPhoneNumbers.json", params={"PhoneNumber": sender}, auth=login) as answer:
                numbers = (await answer.json())["incoming_phone_numbers"] if answer.status == 200 else []
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
            return [f"{of['CONFIDE_TWILIO_URL']} could not be asked ({type(error).__name__})"]
        if not numbers:
            return [f"the account has no number {sender}"]
        wanted = f"{self.site}{self.url_prefix()}/webhook"
        return [] if numbers[0].get("sms_url") == wanted else [f"the number sends its messages to {numbers[0].get('sms_url')!r}; set it to {wanted}"]

    def signed_probe(self) -> tuple[bytes, dict[str, str]]:
        """An empty form."""
        assert self._settings is not None
        address = f"{self.site}{self.url_prefix()}/webhook"
        signature = RequestValidator(self._settings["CONFIDE_TWILIO_AUTH_TOKEN"]).compute_signature(address, {})
        return b"", {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}

    def _routes(self, routes: Blueprint) -> None:
        async def webhook(request: Request) -> HTTPResponse:
            return await self._webhook(request)

        async def status(request: Request) -> HTTPResponse:
            return await self._status(request)

        routes.add_route(webhook, "/webhook", methods=["POST"], name="webhook")
        routes.add_route(status, "/status", methods=["POST"], name="status")

    def _signed(self, request: Request) -> dict[str, str] | None:
        """The fields of a webhook that Twilio signed; None for any other request."""
        assert self._settings is not None
        try:
            form = dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(request.body)))
        except (UnicodeDecodeError, ValueError):
            return None
        query = f"?{request.query_string}" if request.query_string else ""
        address = f"{self.site}{request.path}{query}"
        signature = request.headers.get("x-twilio-signature") or ""
        return form if twilio_signed(self._settings["CONFIDE_TWILIO_AUTH_TOKEN"], address, form, signature) else None

    async def _webhook(self, request: Request) -> HTTPResponse:
        form = self._signed(request)
        if form is None:
            return text("the signature is missing or wrong", status=403)
        if not form.get("MessageSid") or not form.get("From"):
            return text("MessageSid and From are missing", status=422)
        # A place that was shared over WhatsApp comes as coordinates.
        place = _place(form.get("Latitude"), form.get("Longitude"))
        content = {"text": place or form.get("Body") or "", "opt_out": (form.get("OptOutType") or "").lower() or None, "place": bool(place)}
        refused = await self._take(form["MessageSid"], form["From"], content)
        return refused or raw(_NO_REPLY, content_type="text/xml; charset=utf-8")

    async def _status(self, request: Request) -> HTTPResponse:
        form = self._signed(request)
        if form is None:
            return text("the signature is missing or wrong", status=403)
        state = form.get("MessageStatus") or ""
        state = _STATES.get(state, state)
        refused = await self._reported(request.args.get("send"), form.get("MessageSid"), state, form.get("ErrorCode") or None)
        return refused or raw(b"", status=204)

    def _bodies(self, content: Mapping[str, Any], texts: Texts, replies: Sequence[Mapping[str, Any]]) -> list[Body]:
        return [({"to": content["to"], "body": message}, size(message).segments) for message in texts.messages]
