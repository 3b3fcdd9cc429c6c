"""What is due for review, with the page to check, and a check recorded as a patch that an editor applies: never a silent edit."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import yaml
from sanic.request import Request
from sanic.response import BaseHTTPResponse, raw

from .. import house
from ..knowledge import Fact, Knowledge, Service
from .accounts import Session
from .views import HEADERS, Desk, NotPossible, Route, shown

HERE = "/desk/due"
AHEAD = 30  # days in which something falls due
_FOLDERS = ("facts", "services", "clinics")


@dataclass(frozen=True)
class Due:
    """A fact or a service to check again; `days` until its day, negative when that is past. `why_not`: why no patch can record a check of it."""

    thing: Fact | Service
    says: str
    days: int
    why_not: str | None


def to_check(knowledge: Knowledge, today: date, ahead: int = AHEAD) -> list[Due]:
    """What is past its `review_by` or will be within some days, the longest due first."""
    things: list[Fact | Service] = [*knowledge.facts.values(), *knowledge.services.values()]
    found = [Due(thing, _says(thing), (thing.review_by - today).days, why_not(thing, today)) for thing in things]
    return sorted((one for one in found if one.days <= ahead), key=lambda one: (one.days, one.thing.name))


def _says(thing: Fact | Service) -> str:
    if isinstance(thing, Fact):
        return thing.statement
    return " ".join(filter(None, (f"{thing.title}.", f"{thing.phone}." if thing.phone else "", f"{thing.hours}." if thing.hours else "", thing.does)))


def why_not(thing: Fact | Service, today: date) -> str | None:
    """Why a check of it today cannot be recorded by moving days alone, for a volunteer to read; None when it can."""
    if thing.confidence != "seen":
        return "No source was seen that says this, so it is never said. If you find one, write to an editor."
    if not any(source.url for source in thing.sources):
        return "No link to any of its sources was kept. If you find one, write to an editor."
    if thing.read >= today:
        return "It was read today, so there is nothing to record."
    return None


def file_of(name: str, data: Path) -> Path:
    """The data file of a fact, service or clinic.

    Raises:
        NotPossible: where there is none of that name.
    """
    found = [path for folder in _FOLDERS if re.fullmatch(r"[\w-]+", name) and (path := data / folder / f"{name}.yml").is_file()]
    if not found:
        raise NotPossible(f"There is no fact, service or clinic {name!r}.", 404)
    return found[0]


def checked(text: str, path: str, by: str, today: date) -> str:
    """A patch (for `git apply`) of a data file that was checked today and still says what its sources say.

    The days on which its sources were read become today, but for a source without a link, which nobody can have opened; `review_by` is moved
    on by as long as it was from the last reading. No other letter changes.

    >>> print(checked("read: 2026-01-01\\nreview_by: 2026-07-01\\n", "data/facts/x.yml", "ana", date(2026, 6, 30)))
    data/facts/x.yml was checked on 2026-06-30 by ana: its sources still say what it says.
    <BLANKLINE>
    --- a/data/facts/x.yml
    +++ b/data/facts/x.yml
    @@ -1,2 +1,2 @@
    -read: 2026-01-01
    -review_by: 2026-07-01
    +read: 2026-06-30
    +review_by: 2026-12-28
    <BLANKLINE>
    """
    top = _values(yaml.compose(text, Loader=yaml.SafeLoader))
    sources = [_values(source) for source in top["sources"].value] if "sources" in top else []
    reads = [top["read"], *(source["read"] for source in sources if "url" in source)]
    interval = date.fromisoformat(top["review_by"].value) - max(date.fromisoformat(node.value) for node in reads)
    after = text
    days = [(node, today) for node in reads] + [(top["review_by"], today + max(interval, timedelta(days=1)))]
    # From the end, so that the places of those before stay true.
    for node, day in sorted(days, key=lambda one: one[0].start_mark.index, reverse=True):
        start, end = node.start_mark.index, node.end_mark.index
        after = after[:start] + after[start:end].replace(node.value, day.isoformat()) + after[end:]
    diff = difflib.unified_diff(_lines(text), _lines(after), f"a/{path}", f"b/{path}")
    head = f"{path} was checked on {today} by {by}: its sources still say what it says.\n\n"
    return head + "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in diff)


def _values(node: yaml.Node | None) -> dict[str, yaml.Node]:
    assert isinstance(node, yaml.MappingNode)
    return {key.value: value for key, value in node.value}


def _lines(text: str) -> list[str]:
    """The lines as git counts them: only a line feed ends one."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


async def _page(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    return shown("due.html", session, here=HERE, things=to_check(desk.mind.knowledge, house.today()), ahead=AHEAD)


async def _patch(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    name = request.args.get("name") or ""
    path = file_of(name, house.DATA)
    known: dict[str, Fact | Service] = {**desk.mind.knowledge.facts, **desk.mind.knowledge.services}
    if name in known and (reason := why_not(known[name], house.today())):
        raise NotPossible(reason)
    patch = checked(path.read_bytes().decode(), path.relative_to(house.ROOT).as_posix(), session.name, house.today())
    await desk.accounts.note(session.name, "checked", name)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="checked-{name}.patch"'}
    return raw(patch.encode(), content_type="text/x-patch; charset=utf-8", headers=headers)


ROUTES = (Route("/due", _page), Route("/due/patch", _patch))
