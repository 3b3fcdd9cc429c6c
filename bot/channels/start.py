"""What a server does once before its channels take messages: Rasa's slow paths replaced, each language's words loaded."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from sanic import Sanic

from .. import dates, house, languages
from ..in_order import InOrder
from ..local_actions import LocalActions
from ..replies import compose


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
