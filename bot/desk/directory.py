"""The directory for volunteers: clinics and services by place and need, with what is known of each and what is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sanic.request import Request
from sanic.response import BaseHTTPResponse

from .. import house, places
from ..knowledge import NATIONS, Knowledge, Service
from ..text import fold, words
from .accounts import Session
from .views import Desk, NotPossible, Route, shown

HERE = "/desk/directory"
LONGEST = 200  # letters of what is looked for
# What people need, in the volunteer's words, by the `kind` of data/services and data/clinics.
NEEDS: Mapping[str, str] = {
    "emergency": "Life in danger",
    "urgent": "Urgent medical help",
    "crisis": "Wanting to die, or to talk at night",
    "safety": "Violence, trafficking, abuse",
    "clinic": "A clinic without papers",
    "advice": "Advice on care",
    "maternity": "Pregnancy and birth",
    "costs": "Bills and costs",
    "asylum": "Asylum support",
    "legal": "Immigration advice and lawyers",
    "complaints": "Complaints and refusals",
    "office": "Offices that hold or protect data",
    "closed": "Closed, no longer to be named",
}


@dataclass(frozen=True)
class Entry:
    """A clinic or service as the directory shows it: whether it is a clinic where the person lives, or lies somewhere else, as far as we know."""

    service: Service
    is_near: bool
    is_elsewhere: bool
    doubts: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What was looked for and found. `place` is in words; None where no place was named. `left_out`: words that fitted nothing there."""

    entries: tuple[Entry, ...]
    place: str | None
    left_out: tuple[str, ...] = ()


def looked_for(knowledge: Knowledge, text: str, need: str, today: date) -> Found:
    """The services for a place, a need and words, near ones first. Where a place is named and nothing there has the words, the place counts alone.

    Raises:
        NotPossible: for a need that is none, or a text that is too long.
    """
    if need and need not in NEEDS:
        raise NotPossible("Choose a need from the list.")
    if len(text) > LONGEST:
        raise NotPossible(f"Look for at most {LONGEST} letters: a town, a postcode, or a word.")
    place = places.find(text, knowledge, asked=True) if text.strip() else None
    named = {fold(word) for word in place.words} if place else set()
    wanted = [word for word in words(text) if word not in named]
    found = []
    for service in knowledge.services.values():
        if need and service.kind != need:
            continue
        if place and place.nation and place.nation not in service.nations:
            continue
        in_london = service.place.get("region") == "london"
        is_near = bool(place and place.london and in_london and service.kind == "clinic")
        is_elsewhere = bool(place and not place.london and in_london)
        found.append(Entry(service, is_near, is_elsewhere, tuple(_doubts(service, today))))
    fitting = [entry for entry in found if all(word in _told(entry.service) for word in wanted)]
    left_out = tuple(wanted) if place and not fitting else ()
    if not left_out:
        found = fitting
    order = list(NEEDS)
    found.sort(key=lambda entry: (not entry.is_near, order.index(entry.service.kind), entry.service.title))
    return Found(tuple(found), _in_words(knowledge, place) if place else None, left_out)


def _told(service: Service) -> str:
    return fold(" ".join((service.title, service.does, " ".join(service.place.values()))))


def _in_words(knowledge: Knowledge, place: places.Place) -> str:
    nation = knowledge.messages[f"nation_{place.nation}"] if place.nation else "a place near a border, so its nation is not known"
    return f"London, {nation}" if place.london else nation


def _doubts(service: Service, today: date) -> list[str]:
    doubts = list(service.unverified)
    if service.confidence == "unverified":
        doubts.insert(0, "No source was seen for this. It is not told to patients.")
    if service.review_by < today:
        doubts.append("It is past the day on which it should have been checked again.")
    if service.before_launch:
        doubts.append("Nobody has called or visited it to check.")
    return doubts


async def _page(request: Request, desk: Desk, session: Session) -> BaseHTTPResponse:
    given = {name: (request.args.get(name) or "").strip() for name in ("q", "need")}
    found = looked_for(desk.mind.knowledge, given["q"], given["need"], house.today())
    names = {nation: desk.mind.knowledge.messages[f"nation_{nation}"] for nation in NATIONS}
    return shown("directory.html", session, here=HERE, given=given, found=found, needs=NEEDS, nations=names)


ROUTES = (Route("/directory", _page),)
