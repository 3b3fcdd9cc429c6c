"""The desk as a Rasa channel: its routes, who may use them, and what is checked before any of them runs. Off until an account exists."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from functools import partial
from http.cookies import CookieError
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic
from sanic.exceptions import NotFound, ServiceUnavailable
from sanic.request import Request
from sanic.response import BaseHTTPResponse, json, raw, redirect

from ..channels.measures import of_this_process
from ..channels.start import as_function, connect, to_the_end
from ..handoffs import Handoffs
from ..nlu import Reader
from ..storage import installation_key, sealing_key, state_folder
from ..switches import Switches
from . import chats, directory, due, entry, give, lookup, news, switches, timeline
from .accounts import FILE, Accounts, Session
from .changes import ReadNews
from .entry import COOKIE
from .views import HEADERS, HERE, Desk, NotPossible, Route, shown

logger = logging.getLogger(__name__)

_LAST_WORDS = 0.2  # seconds that streams have to end in, before what they read from is closed
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
ROUTES: tuple[Route, ...] = (
    *lookup.ROUTES, *give.ROUTES, *chats.ROUTES, *timeline.ROUTES, *directory.ROUTES, *news.ROUTES, *due.ROUTES, *switches.ROUTES, *entry.ROUTES,
)  # fmt: skip


class DeskChannel(InputChannel):  # type: ignore[misc]
    """Serves volunteers and editors at /desk."""

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa."""
        return "desk"

    @classmethod
    def url_prefix(cls) -> str:
        """Where the desk is."""
        return "/desk"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> DeskChannel:
        """The desk; it takes no settings."""
        return cls()

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[None]]) -> Blueprint:
        """The desk's routes."""
        routes = Blueprint("confide_desk")
        self._accounts: Accounts | None = None
        self._desk: Desk | None = None
        self._has_started = False
        for number, route in enumerate(ROUTES):
            routes.add_route(self._guarded(route), route.path, methods=[*route.methods], name=f"route_{number}")
        routes.add_route(as_function(self._sign_in), "/sign-in", methods=["GET", "POST"], name="sign_in")
        routes.add_route(as_function(self._static), "/static/<name:str>", methods=["GET"], name="static")
        routes.listener("after_server_start")(as_function(self._connect))
        routes.listener("before_server_stop")(as_function(self._disconnect))
        return routes

    async def _connect(self, app: Sanic, _: object) -> None:
        await connect(app)
        self._app, self._opening, self._measures = app, asyncio.Lock(), of_this_process()
        self._has_started = True
        with suppress(NotFound):
            await self._open()
        self._sweeping = [asyncio.ensure_future(self._sweep()), asyncio.ensure_future(self._tick())]

    async def _disconnect(self, app: Sanic, _: object) -> None:
        for task in self._sweeping:
            task.cancel()
        if self._desk:
            self._desk.handoffs.end_streams()
            await asyncio.sleep(_LAST_WORDS)
            await self._desk.handoffs.close()
            await self._desk.switches.close()
            await self._desk.read_news.close()
        if self._accounts:
            await self._accounts.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(60)
            try:
                if self._accounts:
                    await self._accounts.expire()
            except Exception:
                logger.exception("what is old at the desk could not be forgotten; it is tried again")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1)
            try:
                if self._desk:
                    await self._desk.handoffs.tick(partial(chats.emergency, self._desk))
                    self._measures.desk(len(self._desk.handoffs.waiting()), len(self._desk.handoffs.presence.on_duty()))
            except Exception:
                logger.exception("the desk's handoffs could not be looked after")

    async def _open(self) -> Desk:
        """The desk; without any account there is nothing here. The first account may come while the server runs."""
        if not self._has_started or (self._desk and self._desk.handoffs.is_ending):
            raise ServiceUnavailable("the server starts or stops")
        file = state_folder() / FILE
        if self._accounts is None and file.exists():
            self._accounts = Accounts(file, sealing_key(installation_key()))
        if self._accounts is None or not await self._accounts.exist():
            raise NotFound("no desk")
        async with self._opening:
            if self._desk is None:
                handoffs = Handoffs(state_folder() / "handoffs.sqlite", sealing_key(installation_key()), count=self._measures.handoff)
                switched, read_news = Switches(file, sealing_key(installation_key())), ReadNews(file, sealing_key(installation_key()))
                mind = self._app.ctx.agent.processor.graph_runner.component(Reader).mind
                self._desk = Desk(self._accounts, handoffs, switched, read_news, mind)
                self._app.ctx.handoffs, self._app.ctx.switches = handoffs, switched
                for name, carry in self._app.ctx.carriers.items():
                    await handoffs.carry_by(name, carry)
        return self._desk

    def _guarded(self, route: Route) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def handler(request: Request, **values: Any) -> BaseHTTPResponse | None:
            desk = await self._open()
            session = await self._session(request, desk)
            if session is None:
                wants_page = request.method == "GET" and "text/html" in (request.headers.get("accept") or "")
                return redirect("/desk/sign-in", headers={**HEADERS}) if wants_page else json({"error": "sign in"}, status=401, headers=HEADERS)
            if route.role == "editor" and session.role != "editor":
                return shown("refused.html", session, status=403, here=None, reason="This page is for editors.")
            if request.method != "GET" and not _is_ours(request, session):
                return shown(
                    "refused.html", session, status=403, here=None, reason="This form is out of date. Go back, reload the page, and try again."
                )
            try:
                work = route.handler(request, desk, session)
                return await (work if request.method == "GET" else to_the_end(work))
            except NotPossible as error:
                if "json" in (request.headers.get("accept") or ""):
                    return json({"error": str(error)}, status=error.status, headers=HEADERS)
                return shown("refused.html", session, status=error.status, here=None, reason=str(error))

        return handler

    async def _session(self, request: Request, desk: Desk) -> Session | None:
        try:
            token = request.cookies.get(COOKIE)
        except CookieError:  # another site's, which Python's parser does not read
            return None
        return await desk.accounts.session(token) if token else None

    async def _sign_in(self, request: Request) -> BaseHTTPResponse:
        desk = await self._open()
        return await entry.sign_in(request, desk, COOKIE)

    async def _static(self, request: Request, name: str) -> BaseHTTPResponse:
        await self._open()
        path = HERE / "static" / name
        if path.suffix not in _TYPES or path.name != name or not path.is_file():
            raise NotFound("no such file")
        return raw(path.read_bytes(), content_type=_TYPES[path.suffix], headers={**HEADERS, "Cache-Control": "private, max-age=3600"})


def _is_ours(request: Request, session: Session) -> bool:
    """Whether a change was asked for by one of our own pages: the session's token, and no other site's origin."""
    given = request.headers.get("x-csrf") or (request.form or {}).get("csrf") or ""
    return entry.from_our_page(request) and hmac.compare_digest(str(given).encode(), session.csrf.encode())
