"""What the desk's pages have in common: what they work with, how they are routed, how they are shown."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse
from sanic.response import html as html_response

from .. import house, languages
from ..handoffs import Handoffs
from ..mind import Mind
from ..switches import Switches
from ..templates import templates_in
from .accounts import Accounts, Session, in_words
from .changes import ReadNews

HERE = Path(__file__).resolve().parent
HEADERS = {
    # Nothing from elsewhere, nothing inline, shown in no frame (Content Security Policy Level 3).
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Desk:
    """What the pages work with."""

    accounts: Accounts
    handoffs: Handoffs
    switches: Switches
    read_news: ReadNews
    mind: Mind


Handler = Callable[[Request, Desk, Session], Awaitable[BaseHTTPResponse | None]]


@dataclass(frozen=True)
class Route:
    """A page or an action of the desk, under /desk. `role` is the least that may use it; a POST is checked for its CSRF token before."""

    path: str
    handler: Handler
    methods: tuple[str, ...] = ("GET",)
    role: str = "volunteer"


class NotPossible(Exception):
    """What was asked cannot be done; the reason is for the volunteer to read."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The desk's templates: everything escaped, nothing undefined."""
    made = templates_in(HERE / "templates")
    made.filters["day"] = lambda day: languages.in_words(day, languages.SOURCE)
    made.filters["moment"] = in_words
    made.globals["version"] = lambda name: hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return made


def shown(template: str, session: Session | None, status: int = 200, **values: Any) -> HTTPResponse:
    """A page of the desk."""
    text = templates().get_template(template).render(session=session, today=house.today(), **values)
    return html_response(text, status=status, headers=HEADERS)
