"""What changed in the knowledge since a volunteer last read of it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import InvalidToken

from ..knowledge import Answer, Knowledge
from ..storage import Storage

TABLES = "CREATE TABLE IF NOT EXISTS read (name TEXT PRIMARY KEY, at REAL NOT NULL, sealed BLOB NOT NULL);"
_OF_CHECKS = ("read", "review_by")  # what was checked again and still says the same is no news
Fingerprints = Mapping[str, Mapping[str, str]]  # kind to name to what stands for the content


@dataclass(frozen=True)
class Change:
    """Something that is `new`, `changed` or `gone`: its kind and name, what it says now, and where to read it."""

    what: str
    kind: str
    name: str
    says: str
    link: str | None


class ReadNews(Storage):
    """What each volunteer has read, as fingerprints."""

    def __init__(self, path: Path, key: bytes, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path, key, TABLES, clock)

    async def of(self, name: str) -> tuple[float, Fingerprints] | None:
        """When somebody last read the news (seconds since 1970) and what there was then; None at their first visit."""
        row = await self.run(lambda: self.base.execute("SELECT at, sealed FROM read WHERE name = ?", (name,)).fetchone())
        try:
            return (row[0], self.open(row[1])) if row else None
        except InvalidToken:  # the installation has another key now: what was noted under the old one is lost, and noted anew
            return None

    async def note(self, name: str, now: Fingerprints) -> None:
        """Somebody has read all that there is now."""
        await self.run(lambda: self.base.execute("INSERT OR REPLACE INTO read VALUES (?, ?, ?)", (name, self.now(), self.seal(now))))


def fingerprints(knowledge: Knowledge) -> dict[str, dict[str, str]]:
    """What stands for the content of each event, fact and service that a source confirms, and of each answer."""
    kinds: dict[str, Mapping[str, Any]] = {
        "event": knowledge.events, "fact": knowledge.facts, "service": knowledge.services, "answer": knowledge.answers,
    }  # fmt: skip
    return {
        kind: {name: _fingerprint(thing) for name, thing in things.items() if getattr(thing, "confidence", "seen") == "seen"}
        for kind, things in kinds.items()
    }


def _fingerprint(thing: object) -> str:
    said = [thing.title, thing.passages, thing.people] if isinstance(thing, Answer) else thing  # the rest is about understanding questions
    return hashlib.sha256(_plain(said).encode()).hexdigest()[:16]


def _plain(value: object) -> str:
    """A value in letters, the same in every process: sets have no order of their own."""
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(_plain(item) for item in value))}}}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(sorted(f'{_plain(key)}: {_plain(item)}' for key, item in value.items()))}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_plain(item) for item in value)}]"
    fields = getattr(value, "__dataclass_fields__", None)
    return repr(value) if fields is None else _plain({name: getattr(value, name) for name in fields if name not in _OF_CHECKS})


def changes(before: Fingerprints, knowledge: Knowledge) -> list[Change]:
    """What came, changed or went, events first."""
    found: list[Change] = []
    for kind, now in fingerprints(knowledge).items():
        old = before.get(kind, {})
        for name in sorted(set(now) | set(old)):
            if now.get(name) != old.get(name):
                what = "gone" if name not in now else "new" if name not in old else "changed"
                says, link = _shown(knowledge, kind, name) if name in now else ("", None)
                found.append(Change(what, kind, name, says, link))
    return found


def _shown(knowledge: Knowledge, kind: str, name: str) -> tuple[str, str | None]:
    if kind == "event":
        return knowledge.events[name].title, f"/desk/timeline#event-{name}"
    if kind == "fact":
        resting = [topic for topic in knowledge.topics if any(name in passage.facts for passage in knowledge.answers[topic].passages)]
        return knowledge.facts[name].statement, f"/desk?topic={resting[0]}" if resting else None
    if kind == "service":
        return knowledge.services[name].title, f"/desk/directory#{name}"
    answer = knowledge.answers[name]
    return answer.title, f"/desk?topic={name}" if name in knowledge.topics else None
