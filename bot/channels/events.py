"""Server-sent events (HTML Living Standard, 9.2): one response that goes on as long as there is something to tell."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sanic.request import Request
from sanic.response import HTTPResponse

STILL_HERE = ": still here\n\n"
# Proxies such as nginx would keep events back to send many at once.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
_RETRY = "retry: 2000\n\n"  # milliseconds until a page that was cut off comes back


def event(name: str, data: object, id: int | None = None) -> str:
    r"""One event as it is sent.

    >>> event("line", {"text": "Hello."}, 7)
    'id: 7\nevent: line\ndata: {"text": "Hello."}\n\n'
    """
    number = f"id: {id}\n" if id is not None else ""
    return f"{number}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def last_id(request: Request) -> int:
    """The last event that a page has seen; 0 at its first visit, or where it sends none of ours."""
    given = request.headers.get("last-event-id") or ""
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 16 else 0


async def stream(request: Request, headers: Mapping[str, str] | None = None) -> HTTPResponse:
    """Begin a stream of events; end it with its `eof`."""
    # The connection ends with the stream: kept for another request, it would hold up a server that stops.
    request.stream.keep_alive = False  # type: ignore[union-attr]
    response: HTTPResponse = await request.respond(content_type="text/event-stream; charset=utf-8", headers={**HEADERS, **(headers or {})})
    await response.send(_RETRY)
    return response
