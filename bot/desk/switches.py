"""Where an editor switches off a topic, a language or a channel, with a reason, and on again."""

from __future__ import annotations

from typing import cast

from sanic.request import Request
from sanic.response import BaseHTTPResponse, redirect

from .. import house, languages
from ..switches import DONE, KINDS, Kind
from .accounts import Session
from .views import HEADERS, Desk, NotPossible, Route, shown

CHANNELS = {"web": "The web page", "sms": "SMS", "whatsapp": "WhatsApp by Meta", "whatsapp_twilio": "WhatsApp by Twilio"}
_SHORTEST, _LONGEST = 10, 300  # letters of a reason


def choices() -> dict[str, dict[str, str]]:
    """What can be switched off, by kind: name to what the desk calls it."""
    knowledge = house.knowledge()
    spoken = {name: languages.english_name(name) for name in languages.languages() if name != languages.SOURCE}
    return {"topic": {name: knowledge.answers[name].title for name in knowledge.topics if name not in DONE}, "language": spoken, "channel": CHANNELS}


async def _page(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    names = choices()
    off = [(one, names[one.kind].get(one.name, one.name)) for one in desk.switches.all()]
    return shown("switches.html", session, here="/desk/switches", off=off, choices=names)


async def _off(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    kind, name = _asked(request)
    reason = " ".join(((request.form or {}).get("reason") or "").split())
    if not _SHORTEST <= len(reason) <= _LONGEST:
        raise NotPossible(f"Write the reason in {_SHORTEST} to {_LONGEST} letters: your colleagues must know why, and when it can be undone.")
    await desk.switches.switch_off(kind, name, reason, session.name)
    await desk.accounts.note(session.name, f"switched off {kind}: {reason}", name)
    return redirect("/desk/switches", headers={**HEADERS}, status=303)


async def _on(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    kind, name = _asked(request)
    if await desk.switches.switch_on(kind, name):
        await desk.accounts.note(session.name, f"switched on {kind}", name)
    return redirect("/desk/switches", headers={**HEADERS}, status=303)


def _asked(request: Request) -> tuple[Kind, str]:
    kind, _, name = ((request.form or {}).get("what") or "").partition(":")
    if kind not in KINDS or name not in choices()[kind]:
        raise NotPossible("Choose a topic, a language or a channel from the list.")
    return cast(Kind, kind), name


ROUTES = (
    Route("/switches", _page, role="editor"),
    Route("/switches/off", _off, ("POST",), role="editor"),
    Route("/switches/on", _on, ("POST",), role="editor"),
)
