"""The companies that carry messages, Twilio (SMS, WhatsApp) and Meta (WhatsApp Cloud API): how to send, and how to know a webhook is theirs."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import aiohttp
from twilio.request_validator import RequestValidator

from .segments import size

TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)
# Twilio's error codes (https://www.twilio.com/docs/api/errors): the person has told Twilio itself to stop.
_OPTED_OUT = 21610


class Retry(Exception):
    """The provider did not take the message, and may take it later; `after` is in seconds when it said so."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Refusal(Exception):
    """The provider will not take the message; `silenced` when the person told the provider to stop."""

    def __init__(self, reason: str, silenced: bool = False) -> None:
        super().__init__(reason)
        self.silenced = silenced


class Unknown(Exception):
    """The connection broke after the message went out: the provider may have taken it."""


class Provider(Protocol):
    """What sends a message."""

    async def send(self, content: Mapping[str, Any], token: str) -> str:
        """The provider's id of a message that it took; Retry, Refusal or Unknown when it did not surely take it."""
        ...


@dataclass
class Printed:
    """For a dry run (CONFIDE_DRY_RUN): shows what would be sent and its segments, and sends nothing."""

    printed: int = 0

    async def send(self, content: Mapping[str, Any], token: str) -> str:
        """Print a message."""
        self.printed += 1
        if "body" in content:
            cost, body = size(content["body"]), content["body"]
            priced = f"{cost.segments} segments of {cost.alphabet}, {cost.units} letters"
        else:
            priced, body = "one message", json.dumps(content["message"], ensure_ascii=False)
        print(f"[dry run {self.printed}] {priced}:\n{body}\n", flush=True)
        return f"dry-run-{token}"


async def _post(session: aiohttp.ClientSession, address: str, **request: Any) -> tuple[int, Mapping[str, str], Any]:
    try:
        async with session.post(address, timeout=TIMEOUT, **request) as response:
            try:
                body = await response.json(content_type=None)
            except ValueError:
                body = None
            return response.status, response.headers, body
    except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError) as error:  # the latter: not connected within sock_connect
        raise Retry(f"no connection: {type(error).__name__}") from error
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise Unknown(type(error).__name__) from error


def _retry(status: int, headers: Mapping[str, str]) -> Retry | None:
    """Whether to try again: too many requests, or the provider's own trouble (RFC 9110, 10.2.3 and 15.6; RFC 6585, 4)."""
    if status != 429 and status < 500:
        return None
    return Retry(f"status {status}", _seconds(headers.get("Retry-After", "")))


def _seconds(after: str) -> float | None:
    """A Retry-After header, seconds or a date (RFC 9110, 10.2.3), in seconds from now."""
    if after.isdecimal():
        return float(after)
    try:
        return max(0.0, parsedate_to_datetime(after).timestamp() - time.time())
    except ValueError:
        return None


def _id(find: Callable[[], object]) -> str:
    """The id of a message that was taken; Unknown when the provider took it, as it seems, and does not say so as it should."""
    try:
        found = find()
    except (IndexError, KeyError, TypeError):
        found = None
    if not isinstance(found, str) or not found:
        raise Unknown("taken without an id")
    return found


@dataclass(frozen=True)
class Twilio:
    """Twilio's Messages resource (https://www.twilio.com/docs/messaging/api/message-resource)."""

    session: aiohttp.ClientSession
    base: str
    account: str
    auth_token: str
    sender: str
    status_url: str

    async def send(self, content: Mapping[str, Any], token: str) -> str:
        """Send `body` to `to`."""
        form = {"To": content["to"], "Body": content["body"], "StatusCallback": f"{self.status_url}?send={token}"}
        form["MessagingServiceSid" if self.sender.startswith("MG") else "From"] = self.sender
        address = f"{self.base}/2010-04-01/Accounts/{self.account}/Messages.json"
        status, headers, body = await _post(self.session, address, data=form, auth=aiohttp.BasicAuth(self.account, self.auth_token))
        if status in (200, 201):
            return _id(lambda: body["sid"])
        if retry := _retry(status, headers):
            raise retry
        code = body.get("code") if isinstance(body, Mapping) else None
        raise Refusal(f"status {status}, code {code}", silenced=code == _OPTED_OUT)


def twilio_signed(auth_token: str, url: str, form: Mapping[str, Any], signature: str) -> bool:
    """Whether Twilio signed a webhook (https://www.twilio.com/docs/usage/security), by its own validator, which compares in constant time."""
    return bool(signature) and bool(RequestValidator(auth_token).validate(url, dict(form), signature))


@dataclass(frozen=True)
class Cloud:
    """WhatsApp's Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages)."""

    session: aiohttp.ClientSession
    base: str
    phone_number_id: str
    access_token: str

    async def send(self, content: Mapping[str, Any], token: str) -> str:
        """Send the payload `message` to `to`."""
        message = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": content["to"], "biz_opaque_callback_data": token}
        status, headers, body = await self._call({**message, **content["message"]})
        if status == 200:
            return _id(lambda: body["messages"][0]["id"])
        if retry := _retry(status, headers):
            raise retry
        error = body.get("error") if isinstance(body, Mapping) else None
        raise Refusal(f"status {status}, code {error.get('code') if isinstance(error, Mapping) else None}")

    async def read(self, message: str) -> None:
        """Show the person that a message was read and is being answered; nothing follows from its failing."""
        await self._call({"messaging_product": "whatsapp", "status": "read", "message_id": message, "typing_indicator": {"type": "text"}})

    async def _call(self, payload: Mapping[str, Any]) -> tuple[int, Mapping[str, str], Any]:
        address = f"{self.base}/{self.phone_number_id}/messages"
        return await _post(self.session, address, json=payload, headers={"Authorization": f"Bearer {self.access_token}"})


def meta_signed(app_secret: str, body: bytes, signature: str) -> bool:
    """Whether Meta signed a webhook: X-Hub-Signature-256 over the raw body (https://developers.facebook.com/docs/graph-api/webhooks/getting-started)."""
    return hmac.compare_digest(meta_signature(app_secret, body).encode(), signature.encode(errors="replace"))


def meta_signature(app_secret: str, body: bytes) -> str:
    """What Meta writes as X-Hub-Signature-256 for a body."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
