"""An answer that a volunteer looked up, sent to the caller's phone. The number is typed for this and not kept."""

from __future__ import annotations

import re

from sanic.request import Request
from sanic.response import BaseHTTPResponse, json

from .. import house, languages
from ..channels.limits import Limits
from ..handoff import suggestion
from ..privacy import pseudonym
from ..replies import UnknownTopic
from ..text import western_digits
from .accounts import Session
from .views import HEADERS, Desk, NotPossible, Route, shown

CHANNEL = "sms"
_A_MINUTE = 6
_LIMITS = Limits(_A_MINUTE, _A_MINUTE)
# Mobile numbers of the UK: 07 and nine digits (Ofcom, National Telephone Numbering Plan, A1.4).
_MOBILE = re.compile(r"(?:\+44\(?0?\)?|0044|0)(7[0-9]{9})")


def mobile(text: str) -> str:
    """A UK mobile number as it is dialled from anywhere (ITU-T E.164).

    Raises:
        NotPossible: for anything else.

    >>> mobile("07700 900123")
    '+447700900123'
    """
    found = _MOBILE.fullmatch(re.sub(r"[\s.()-]+", "", western_digits(text)))
    if not found:
        raise NotPossible("That is no UK mobile number. Write it as 07700 900123.")
    return f"+44{found[1]}"


async def _text(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    form = request.form or {}
    give = request.app.ctx.givers.get(CHANNEL)
    if give is None:
        raise NotPossible("SMS is not set up here, so nothing can be sent.", 404)
    number = mobile(form.get("number") or "")
    language = languages.supported(form.get("language")) or languages.SOURCE
    nation = form.get("nation") if f"nation_{form.get('nation')}" in house.knowledge().messages else None
    try:
        reply = suggestion(house.knowledge(), form.get("topic") or "", language, nation, house.today())
    except UnknownTopic as error:
        raise NotPossible(str(error)) from error
    if desk.switches.forbids(reply.topic, language, CHANNEL):
        raise NotPossible("An editor has switched this answer off for patients. Ask why before you give it.", 409)
    if seconds := _LIMITS.wait(pseudonym("desk", session.name), pseudonym("desk", session.name)):
        raise NotPossible(f"At most {_A_MINUTE} messages a minute can be sent. Wait {seconds} seconds.", 429)
    if not await give(number, {**reply.for_patients(), "choices": []}):
        raise NotPossible("This number has asked for no more messages (STOP). Its owner can send START to undo that.", 409)
    await desk.accounts.note(session.name, "sent an answer by SMS", f"{reply.topic}, {language}")
    if "json" in (request.headers.get("accept") or ""):
        return json({"done": "It is on its way. The number is not kept."}, headers=HEADERS)
    return shown("given.html", session, here="/desk")


ROUTES = (Route("/give/text", _text, ("POST",)),)
