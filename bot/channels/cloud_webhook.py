"""What a webhook of WhatsApp's Cloud API tells (https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples). Pure.

Meta sends a webhook again for days when it is not accepted, so what is odd in one is left out, and the rest of it is read.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .. import places

logger = logging.getLogger(__name__)

_Read = TypeVar("_Read")
_ODD = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)


class NotAWebhook(ValueError):
    """The body is no webhook of the Cloud API at all."""


@dataclass(frozen=True)
class Incoming:
    """A message: `content` is what is kept of it until it is answered."""

    id: str
    sender: str
    content: Mapping[str, Any]


@dataclass(frozen=True)
class Report:
    """What became of a message that we sent: `token` is ours, `id` Meta's."""

    token: str | None
    id: str | None
    state: str
    error: str | None


def read_webhook(body: bytes) -> tuple[list[Incoming], list[Report]]:
    """The messages and the status reports in a webhook.

    Raises:
        NotAWebhook: when it is none.
    """
    try:
        changes = [change["value"] for entry in json.loads(body)["entry"] for change in entry["changes"]]
    except (*_ODD, RecursionError) as error:
        raise NotAWebhook("the body is not a webhook of the Cloud API") from error
    return list(_each(changes, "messages", _incoming)), list(_each(changes, "statuses", _report))


def _each(changes: list[Any], name: str, read: Callable[[Mapping[str, Any]], _Read]) -> Iterator[_Read]:
    for change in changes:
        items = change.get(name) if isinstance(change, Mapping) else None
        for item in items if isinstance(items, list) else ():
            try:
                yield read(item)
            except _ODD as error:
                logger.warning("one of the %s of a WhatsApp webhook was left out: %s", name, type(error).__name__)


def _incoming(message: Mapping[str, Any]) -> Incoming:
    try:
        at = float(message["timestamp"])
    except _ODD:
        at = time.time()
    kind = message.get("type")
    try:
        said = _words(str(kind), message)
    except _ODD:
        said = ""  # whoever sent something that cannot be read is told what can
    content = {"id": _id(message["id"]), "text": said, "at": at if math.isfinite(at) else time.time(), "place": kind == "location" and bool(said)}
    return Incoming(_id(message["id"]), _id(message["from"]), content)


def _words(kind: str, message: Mapping[str, Any]) -> str:
    """A message's words, or the choice that it makes. Pictures and the like are never fetched."""
    said: object = ""
    if kind == "text":
        said = message["text"]["body"]
    elif kind == "interactive":
        said = (message["interactive"].get("button_reply") or message["interactive"].get("list_reply") or {}).get("id")
    elif kind == "button":
        said = message["button"].get("text")
    elif kind == "location":
        said = places.nearest(float(message["location"]["latitude"]), float(message["location"]["longitude"]))
    return said.encode("utf-8", "replace").decode() if isinstance(said, str) else ""


def _report(status: Mapping[str, Any]) -> Report:
    state = {"read": "delivered"}.get(status["status"], status["status"])
    errors = status.get("errors")
    error = str(errors[0].get("code")) if isinstance(errors, list) and errors and isinstance(errors[0], Mapping) else None
    token, id = (_id(status[name]) if status.get(name) is not None else None for name in ("biz_opaque_callback_data", "id"))
    return Report(token, id, str(state), error)


def _id(value: object) -> str:
    """A name that can be stored; TypeError or ValueError when it is none."""
    if not isinstance(value, str) or not value:
        raise TypeError("an id is a text")
    value.encode()
    return value
