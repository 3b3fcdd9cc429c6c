"""What is new for a volunteer since they last read this page: events, facts, services and answers that came, changed or went."""

from __future__ import annotations

from sanic.request import Request
from sanic.response import BaseHTTPResponse, redirect

from .accounts import Session
from .changes import changes, fingerprints
from .views import HEADERS, Desk, Route, shown

HERE = "/desk/news"


async def _page(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    before = await desk.read_news.of(session.name)
    found = changes(before[1], desk.mind.knowledge) if before else []
    return shown("news.html", session, here=HERE, since=before[0] if before else None, changes=found)


async def _read(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    await desk.read_news.note(session.name, fingerprints(desk.mind.knowledge))
    return redirect(HERE, headers={**HEADERS}, status=303)


ROUTES = (Route("/news", _page), Route("/news/read", _read, ("POST",)))
