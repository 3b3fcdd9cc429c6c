"""What a server does once before its channels take messages: Rasa's slow paths replaced, each language's words loaded."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from sanic import Sanic
from sanic.exceptions import InvalidUsage
from sanic.http import Http

from .. import dates, house, languages
from ..in_order import InOrder
from ..local_actions import LocalActions
from ..replies import compose

_Result = TypeVar("_Result")


async def connect(app: Sanic) -> None:
    """Make a server ready; each channel asks, the first is heard."""
    agent = app.ctx.agent
    processor = agent.processor
    if isinstance(processor.graph_runner, InOrder):
        return
    app.ctx.handoffs = app.ctx.switches = None  # the desk sets them, where there is one
    app.ctx.givers = {}  # how channels send somebody an answer that a volunteer looked up
    app.ctx.carriers = {}  # how channels without a page bring people what a volunteer says
    processor.action_endpoint = LocalActions()
    processor.graph_runner = InOrder.of(processor.graph_runner)
    processor.domain.is_empty = lambda: False  # Rasa asks at each turn, and makes another domain to compare with
    # Rasa wraps the store in one that keeps conversations without end when a save fails, and that cannot erase.
    store = agent.tracker_store
    agent.tracker_store = processor.tracker_store = getattr(store, "_tracker_store", store)
    await agent.parse_message("hello")
    _warm_up()
    # What was loaded at the start stays: looking through it again and again for rubbish would make turns wait.
    gc.collect()
    gc.freeze()


def starting(app: Sanic) -> set[str]:
    """The channels that do not take messages yet; a server that still has some is not ready."""
    if not hasattr(app.ctx, "starting"):
        app.ctx.starting = set()
    found: set[str] = app.ctx.starting
    return found


def _warm_up() -> None:
    """Load what each language's first replies need (its words, its dates): else the first person to write in it waits a tenth of a second."""
    for language in languages.languages():
        for topic in house.knowledge().topics:
            compose(house.knowledge(), topic, house.today(), language)
        with suppress(Exception):  # a language that dateparser cannot read is read without it, then as now
            dates.find("9.5.2018", house.today(), language)


def as_function(method: Callable[..., Awaitable[Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """A method as a plain function: Sanic 21.12 sets attributes on its handlers, which bound methods do not take."""

    async def handler(*arguments: Any, **named: Any) -> Any:
        return await method(*arguments, **named)

    return handler


_under_way: set[asyncio.Task[Any]] = set()


async def to_the_end(work: Awaitable[_Result]) -> _Result:
    """Do something that changes what is kept, to its end: Sanic cancels a handler when its connection breaks, which must not leave half of it."""
    task = asyncio.ensure_future(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    return await asyncio.shield(task)


def refuse_negative_lengths() -> None:
    """Answer a request whose Content-Length is below zero with 400: Sanic 21.12 would read its body for ever, and answer nobody else."""
    read = Http.read

    async def read_if_any(http: Http) -> bytes | None:
        if (http.request_bytes or 0) < 0:
            http.keep_alive, http.request_body = False, None
            raise InvalidUsage("Content-Length is below zero")
        return await read(http)  # type: ignore[call-arg]

    if read.__name__ != read_if_any.__name__:
        Http.read = read_if_any  # type: ignore[assignment, method-assign]
