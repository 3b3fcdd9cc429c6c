"""What is due for review, with the page to check, and a check recorded as a patch that an editor applies: never a silent edit."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from sanic.request import Request
from sanic.response import BaseHTTPResponse, raw

from .. import house
from ..knowledge import Fact, Knowledge, Service
from .accounts import Session
from .views import HEADERS, Desk, NotPossible, Route, shown

HERE = "/desk/due"
AHEAD = 30  # days in which something falls due
_FOLDERS = ("facts", "services", "clinics")
_READ = re.compile(r"^(\s*(?:- )?read:\s*)(\d{4}-\d\d-\d\d)(.*)$")
_REVIEW_BY = re.compile(r"^(review_by:\s*)(\d{4}-\d\d-\d\d)(.*)$")


@dataclass(frozen=True)
class Due:
    """A fact or a service to check again; `days` until its day, negative when that is past."""

    thing: Fact | Service
    says: str
    days: int


def to_check(knowledge: Knowledge, today: date, ahead: int = AHEAD) -> list[Due]:
    """What is past its `review_by` or will be within some days, the longest due first."""
    things: list[Fact | Service] = [*knowledge.facts.values(), *knowledge.services.values()]
    found = [Due(thing, _says(thing), (thing.review_by - today).days) for thing in things]
    return sorted((one for one in found if one.days <= ahead), key=lambda one: (one.days, one.thing.name))


def _says(thing: Fact | Service) -> str:
    if isinstance(thing, Fact):
        return thing.statement
    return " ".join(filter(None, (f"{thing.title}.", f"{thing.phone}." if thing.phone else "", f"{thing.hours}." if thing.hours else "", thing.does)))


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

    The days on which its sources were read become today, and `review_by` is moved on by as long as it was from the last reading. No
    other letter changes.

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
    lines = text.splitlines(keepends=True)
    read = max((date.fromisoformat(match[2]) for line in lines if (match := _READ.match(line.rstrip("\n")))), default=today)

    def changed(line: str) -> str:
        ending = "\n" if line.endswith("\n") else ""
        if match := _READ.match(line.rstrip("\n")):
            return f"{match[1]}{today}{match[3]}{ending}"
        if match := _REVIEW_BY.match(line.rstrip("\n")):
            interval = max(date.fromisoformat(match[2]) - read, timedelta(days=1))
            return f"{match[1]}{today + interval}{match[3]}{ending}"
        return line

    diff = difflib.unified_diff(lines, [changed(line) for line in lines], f"a/{path}", f"b/{path}")
    head = f"{path} was checked on {today} by {by}: its sources still say what it says.\n\n"
    return head + "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in diff)


async def _page(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    return shown("due.html", session, here=HERE, things=to_check(desk.mind.knowledge, house.today()), ahead=AHEAD)


async def _patch(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    name = request.args.get("name") or ""
    path = file_of(name, house.DATA)
    patch = checked(path.read_text(encoding="utf-8"), path.relative_to(house.ROOT).as_posix(), session.name, house.today())
    await desk.accounts.note(session.name, "checked", name)
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="checked-{name}.patch"'}
    return raw(patch.encode(), content_type="text/x-patch; charset=utf-8", headers=headers)


ROUTES = (Route("/due", _page), Route("/due/patch", _patch))
