"""How volunteers come in and go out, and the page about their account."""

from __future__ import annotations

import os
from functools import partial

from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse, redirect

from .accounts import NotEntered, Session, in_words
from .chats import emergency
from .views import HEADERS, Desk, Route, shown

COOKIE = "__Host-confide-desk"  # the prefix makes browsers insist on Secure and on this host alone (RFC 6265bis, 4.1.3.2)
_LARGEST_FORM = 10_000  # bytes


async def sign_in(request: Request, desk: Desk, cookie_name: str) -> BaseHTTPResponse:
    """The form, or for who fills it in rightly a session and the way to the desk."""
    if request.method == "GET":
        return await _greet(request, desk, cookie_name)
    if not from_our_page(request):
        return _form("This form was sent from another site. Sign in here.", status=403)
    if len(request.body) > _LARGEST_FORM:
        return _form("That is too long.", status=413)
    given = {field: str((request.form or {}).get(field) or "") for field in ("name", "password", "code")}
    try:
        token = await desk.accounts.enter(given["name"], given["password"], given["code"])
    except NotEntered as error:
        return _form(str(error), status=429 if error.wait_seconds else 401, name=given["name"], wait=error.wait_seconds)
    return _entered(token, cookie_name)


async def _greet(request: Request, desk: Desk, cookie_name: str) -> BaseHTTPResponse:
    token, left = request.cookies.get(cookie_name), "left" in request.args
    if token and not left and await desk.accounts.session(token):
        return redirect("/desk", headers={**HEADERS}, status=303)
    identity = trusted_identity(request)
    # Who has just signed out would be back in at once.
    if identity and not left:
        try:
            return _entered(await desk.accounts.enter_trusted(identity), cookie_name)
        except NotEntered:
            return _form("You have no account at this desk yet. Ask whoever runs it to add one.", status=403)
    return _form(left=left, again=bool(identity))


def trusted_identity(request: Request) -> str | None:
    """Who the reverse proxy says it is: only with both settings made, only from the proxy's own address, and only said once."""
    header, proxy = os.environ.get("CONFIDE_DESK_IDENTITY_HEADER"), os.environ.get("CONFIDE_DESK_IDENTITY_PROXY")
    if not header or not proxy or request.ip != proxy:
        return None
    said = request.headers.getall(header, [])
    # Said twice, one may be what the browser sent and the proxy let through.
    return (said[0].strip() or None) if len(said) == 1 else None


def from_our_page(request: Request) -> bool:
    """Whether a form was sent from a page of this host: before there is a session, there is no token that could show it."""
    if site := request.headers.get("sec-fetch-site"):
        return str(site) in ("same-origin", "none")  # no page can set it (Fetch Metadata Request Headers, 2.3)
    origin = request.headers.get("origin")
    return origin is None or str(origin).split("://")[-1] == request.host


def _entered(token: str, cookie_name: str) -> HTTPResponse:
    return redirect("/desk", headers={**HEADERS, "Set-Cookie": f"{cookie_name}={token}; {_FOR_US}"}, status=303)


_FOR_US = "Path=/; Secure; HttpOnly; SameSite=Strict"


def _form(problem: str = "", status: int = 200, name: str = "", wait: int = 0, left: bool = False, again: bool = False) -> HTTPResponse:
    response = shown("sign-in.html", None, status=status, here=None, problem=problem, name=name, wait=_duration(wait), left=left, again=again)
    if wait:
        response.headers["Retry-After"] = str(wait)
    return response


def _duration(seconds: int) -> str:
    """A wait in words, none for none.

    >>> _duration(30), _duration(120), _duration(0)
    ('30 seconds', '2 minutes', '')
    """
    if seconds > 90:
        return f"{-(-seconds // 60)} minutes"
    return f"{seconds} second{'s' * (seconds != 1)}" if seconds else ""


async def account(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    """The page about somebody's account; editors see what was done at the desk."""
    audit = await desk.accounts.audit() if session.role == "editor" else []
    return shown("account.html", session, here="/desk/account", since=in_words(session.began), audit=[(in_words(noted.at), noted) for noted in audit])


async def sign_out(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    """End this session."""
    await desk.accounts.leave(request.cookies.get(COOKIE) or "")
    await _let_go(desk, session.name)
    return _gone()


async def sign_out_everywhere(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    """End every session of this person, on every device."""
    await desk.accounts.leave_everywhere(session.name)
    await _let_go(desk, session.name)
    return _gone()


async def _let_go(desk: Desk, name: str) -> None:
    """Who leaves takes no conversations any more; the ones they held go back at once, not when their page is missed."""
    desk.handoffs.presence.set_duty(name, False)
    for held in desk.handoffs.held_by(name):
        await desk.handoffs.give_back(held.id, name, partial(emergency, desk))


def _gone() -> HTTPResponse:
    return redirect("/desk/sign-in?left=1", headers={**HEADERS, "Set-Cookie": f"{COOKIE}=; Max-Age=0; {_FOR_US}"}, status=303)


ROUTES: tuple[Route, ...] = (
    Route("/account", account),
    Route("/sign-out", sign_out, methods=("POST",)),
    Route("/sign-out-everywhere", sign_out_everywhere, methods=("POST",)),
)
