"""The one copy of the knowledge that a process holds, and today's date: what the edges hand to the core."""

from __future__ import annotations

import os
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from .knowledge import Knowledge, load

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"


@lru_cache(maxsize=1)
def knowledge() -> Knowledge:
    """The knowledge in `data/`, read and checked once a process; BadData when it cannot be used."""
    return load(DATA)


def today() -> date:
    """The day in the UK. CONFIDE_TODAY=2026-11-22 sets it, so that a deployment can be tried as of another day."""
    fixed = os.environ.get("CONFIDE_TODAY")
    return date.fromisoformat(fixed) if fixed else datetime.now(ZoneInfo("Europe/London")).date()
