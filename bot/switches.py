"""What an editor has switched off: a topic, a language or a channel that must not answer for now, and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

from . import languages
from .handoff import OFFER
from .knowledge import Knowledge
from .replies import ADVICE_LINE, compose, in_english, say
from .reply import Choice, Reply
from .storage import Storage

Kind = Literal["topic", "language", "channel"]
KINDS: tuple[str, ...] = get_args(Kind)
DONE = frozenset({"delete_my_chat", "stop"})  # topics whose answer says what was done
_TABLES = """
CREATE TABLE IF NOT EXISTS switches (
    kind TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (kind, name));
"""


@dataclass(frozen=True)
class Off:
    """One thing that is switched off: by whom, when (seconds since 1970), and why."""

    kind: str
    name: str
    reason: str
    by: str
    at: float


class Switches(Storage):
    """What is switched off. All of it is held in memory too, for each reply asks."""

    def __init__(self, path: Path, key: bytes, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path, key, _TABLES, clock)
        self._off = self._read()

    def all(self) -> list[Off]:
        """What is switched off, the newest first."""
        return sorted(self._off.values(), key=lambda off: -off.at)

    def is_off(self, kind: Kind, name: str | None) -> bool:
        """Whether something is switched off."""
        return (kind, name) in self._off

    def forbids(self, topic: str | None, language: str | None, channel: str) -> bool:
        """Whether an answer is switched off: its topic, its language, or the channel that it would go by."""
        return self.is_off("topic", topic) or self.is_off("language", language) or self.is_off("channel", channel)

    async def switch_off(self, kind: Kind, name: str, reason: str, by: str) -> None:
        """Switch something off; switched off already, it keeps the newer reason."""
        query = "INSERT OR REPLACE INTO switches VALUES (?, ?, ?, ?, ?)"
        await self.run(lambda: self.base.execute(query, (kind, name, reason, by, self.now())))
        self._off = await self.run(self._read)

    async def switch_on(self, kind: Kind, name: str) -> bool:
        """Undo it; whether it was switched off."""
        done = await self.run(lambda: self.base.execute("DELETE FROM switches WHERE kind = ? AND name = ?", (kind, name)).rowcount)
        self._off = await self.run(self._read)
        return bool(done)

    def _read(self) -> dict[tuple[str, str], Off]:
        return {(row[0], row[1]): Off(*row) for row in self.base.execute("SELECT kind, name, reason, by, at FROM switches")}


def instead(knowledge: Knowledge, language: str | None, today: date, silent: bool = False) -> Reply:
    """What is said instead of what is switched off: whom to call. `silent`: the language is switched off, so English is spoken."""
    spoken = languages.SOURCE if silent or not language else language
    reply = say(knowledge, ["switched_off"], today, spoken, status="failed", people=["emergency-999", ADVICE_LINE])
    return in_english(knowledge, reply, language) if silent and language else reply


def heeded(switches: Switches, knowledge: Knowledge, channel: str, replies: list[dict[str, Any]], today: date) -> list[dict[str, Any]]:
    """Replies (as JSON has them) with those that are switched off taken out."""

    def one(reply: Mapping[str, Any]) -> dict[str, Any]:
        language, topic = reply.get("language"), reply.get("topic")
        is_silent = switches.is_off("language", language)
        # What was done is told as it is, however little else is answered: the chat is deleted, nothing more is sent.
        if topic in DONE or not switches.forbids(topic, language, channel):
            return dict(reply)
        if topic in knowledge.critical and not switches.is_off("topic", topic):
            # Danger is answered whatever else is off; in English, where the language's words are in doubt.
            if not is_silent:
                return dict(reply)
            other = in_english(knowledge, compose(knowledge, str(topic), today, languages.SOURCE), str(language))
        else:
            offers = tuple(Choice(**choice) for choice in reply.get("choices", ()) if choice["message"] == f"/{OFFER}")
            other = replace(instead(knowledge, language, today, is_silent), topic=str(topic or ""), choices=offers)
        return {**other.for_patients(), "text": other.text}

    return [one(reply) for reply in replies]
