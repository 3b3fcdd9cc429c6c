"""Conversations that pass to a volunteer and back: who waits, who holds which, what was said meanwhile.

A handoff lies encrypted on disk until it ends, so that a restart loses nothing that was acknowledged; after 24 hours it is gone in any case.
States: waiting (the assistant still answers) -> held (a volunteer answers, the assistant is silent) -> waiting again, or ended.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from .presence import Bell, Presence
from .storage import Storage

logger = logging.getLogger(__name__)

State = Literal["waiting", "held", "ended"]
# Seconds that a handoff is kept at most: a little less than a day, for that long WhatsApp lets us tell somebody that it has ended.
HELD_FOR = 24 * 3600 - 600
IDLE = 300  # seconds without any act of the volunteer
ALERT = 30  # seconds that a volunteer has to react to words of danger
NOBODY = 120  # seconds that people wait while no volunteer is on duty; then they are told
ENDED_FOR = 900  # seconds in which a page that was offline can still learn how its handoff ended, and what it had not got
RECENT = 60  # seconds in which a page that seems connected may have lost its network
_TABLES = """
CREATE TABLE IF NOT EXISTS handoffs (
    id TEXT PRIMARY KEY, ticket TEXT NOT NULL UNIQUE, person TEXT NOT NULL, state TEXT NOT NULL, at REAL NOT NULL, sealed BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS one_for_each ON handoffs (person) WHERE state != 'ended';
CREATE TABLE IF NOT EXISTS lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT, handoff TEXT NOT NULL, at REAL NOT NULL, who TEXT NOT NULL, key TEXT UNIQUE,
    carried INTEGER NOT NULL, sealed BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS lines_of ON lines (handoff, id);
"""
TO_PATIENTS = ("volunteer", "notice", "assistant")  # whose lines are brought to the patient; "reply" is what their own message was answered with


@dataclass(frozen=True)
class Handoff:
    """A conversation that a person asked a volunteer for. `person` is a pseudonym; `address` is empty for a page. Times: seconds since 1970."""

    id: str
    channel: str
    person: str
    language: str
    topic: str
    danger: bool
    shared: bool
    asked_at: float
    state: State = "waiting"
    volunteer: str | None = None
    acted_at: float = 0  # the volunteer's last act
    alert_at: float | None = None  # words of danger came, and the volunteer has not reacted
    alert: str | None = None  # the topic of that danger
    unanswered: bool = False  # the patient's words are the last
    address: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One thing said: `who` is patient, reply, volunteer, notice or assistant. `content` has a `text`, a `notice`, or a `topic` to compose."""

    id: int
    handoff: str
    at: float
    who: str
    content: Mapping[str, Any]


Carry = Callable[[Handoff, Line], Awaitable[None]]


class Handoffs(Storage):
    """All handoffs of one process. What is open is held in memory too, for each turn asks whether the assistant is silent."""

    def __init__(self, path: Path, key: bytes, clock: Callable[[], float] = time.time, count: Callable[[str], None] = lambda event: None) -> None:
        """`count` is told what happens: asked, and the names of the notices that patients get."""
        self._count = count
        super().__init__(path, key, _TABLES, clock, alone=True)
        self.bell = Bell()
        self.presence = Presence(clock, self.bell)
        self.is_ending = False
        self._carriers: dict[str, Carry] = {}
        self._shown: dict[str, int] = {}  # the last line that each patient's page was sent
        rows = self.base.execute("SELECT id, sealed FROM handoffs WHERE state != 'ended' ORDER BY at").fetchall()
        self._open = {id: Handoff(**content) for id, content in self.readable(rows)}
        for id in {id for id, _ in rows} - set(self._open):
            self.base.execute("DELETE FROM lines WHERE handoff = ?", (id,))
            self.base.execute("DELETE FROM handoffs WHERE id = ?", (id,))
        self._by_person = {handoff.person: handoff.id for handoff in self._open.values()}
        for handoff in self._open.values():
            if handoff.volunteer:
                self.presence.expect(handoff.volunteer)

    def of(self, person: str) -> Handoff | None:
        """A person's open handoff."""
        return self._open.get(self._by_person.get(person, ""))

    def get(self, id: str) -> Handoff | None:
        """An open handoff."""
        return self._open.get(id)

    def waiting(self) -> list[Handoff]:
        """Who waits: danger first, then who has waited longest."""
        return sorted((one for one in self._open.values() if one.state == "waiting"), key=lambda one: (not one.danger, one.asked_at))

    def held_by(self, volunteer: str) -> list[Handoff]:
        """What a volunteer holds, oldest first."""
        return sorted((one for one in self._open.values() if one.volunteer == volunteer), key=lambda one: one.asked_at)

    def end_streams(self) -> None:
        """The server stops: whoever follows a conversation is let go, and comes back to the next one."""
        self.is_ending = True
        self.bell.ring()

    # What a patient does

    async def ask(
        self,
        channel: str,
        person: str,
        language: str,
        topic: str,
        danger: bool,
        before: Iterable[tuple[str, Mapping[str, Any]]] | None,
        address: Mapping[str, Any],
    ) -> tuple[Handoff, str]:
        """Put a person in the queue: the handoff, and the ticket with which their page follows it. `before` is what was said, if they share it."""
        if existing := self.of(person):
            await self.end(existing.id, None, "handoff_cancelled")
        ticket = secrets.token_urlsafe(24)
        made = Handoff(secrets.token_urlsafe(9), channel, person, language, topic, danger, before is not None, self.now(), address=dict(address))

        def work() -> None:
            row = (made.id, self.hidden(ticket), person, made.state, made.asked_at, self._sealed(made))
            self.base.execute("INSERT INTO handoffs VALUES (?, ?, ?, ?, ?, ?)", row)
            for who, content in before or ():
                self._insert(made.id, who, content, None, True)

        await self.run(work)
        self._keep(made)
        self._count("asked")
        return made, ticket

    async def followed(self, ticket: str) -> Handoff | None:
        """The handoff that a page follows by its ticket, also for a while after it ended."""
        row = await self.run(lambda: self.base.execute("SELECT sealed FROM handoffs WHERE ticket = ?", (self.hidden(ticket),)).fetchone())
        return self._handoff(row[0]) if row else None

    async def said(
        self,
        handoff: Handoff,
        text: str,
        danger: str | None,
        only_held: bool = False,
        key: str | None = None,
        address: Mapping[str, Any] | None = None,
        language: str | None = None,
    ) -> bool:
        """Keep what a patient wrote (`danger`: the topic of a danger in it); whether a volunteer holds the conversation.

        `only_held`: keep it only then; else the assistant answers, and it is kept with that. A `key` is kept once.
        `address` is the newest one: how long a channel may write to somebody begins anew with each message of theirs.
        `language` is what they have chosen since.
        """

        def heard(now: Handoff) -> Handoff | None:
            if only_held and now.state != "held":
                return None
            now = replace(now, unanswered=now.state == "held", address=dict(address) if address else now.address, language=language or now.language)
            if not danger:
                return now
            if now.state == "held" and now.alert_at is None:
                return replace(now, danger=True, alert_at=self.now(), alert=danger)
            return replace(now, danger=True)

        content = {"text": text, **({"danger": danger} if danger else {})}
        changed = await self._change(handoff.id, heard, [("patient", content)], f"{handoff.id} patient {key}" if key else None)
        return bool(changed and changed.state == "held")

    async def replied(self, handoff: Handoff, replies: Iterable[Mapping[str, Any]]) -> None:
        """Keep what the assistant answered while a person waits."""
        await self._change(handoff.id, lambda now: now, [("reply", content) for content in replies])

    # What a volunteer does

    async def claim(self, id: str, volunteer: str) -> bool:
        """Take a conversation; False when somebody else was sooner, or it is gone."""

        def taken(now: Handoff) -> Handoff | None:
            return replace(now, state="held", volunteer=volunteer, acted_at=self.now()) if now.state == "waiting" else None

        return await self._change(id, taken, [("notice", {"notice": "handoff_joined"})]) is not None

    async def say(self, id: str, volunteer: str, key: str, content: Mapping[str, Any], heeds_alert: bool = False) -> bool:
        """Send something to the patient, once for each `key`; False when the volunteer does not hold the conversation (any more).

        `heeds_alert`: it answers the danger that there is an alert for.
        """

        def said(now: Handoff) -> Handoff | None:
            if now.volunteer != volunteer:
                return None
            now = replace(now, acted_at=self.now(), unanswered=False)
            return replace(now, alert_at=None, alert=None) if heeds_alert else now

        return await self._change(id, said, [("volunteer", content)], f"{id} {key}") is not None

    async def acted(self, volunteer: str) -> None:
        """The volunteer is at work: their conversations stay with them."""
        for one in self.held_by(volunteer):
            await self._change(one.id, lambda now: replace(now, acted_at=self.now()) if now.volunteer == volunteer else None)

    async def seen_alert(self, id: str, volunteer: str) -> bool:
        """The volunteer has seen words of danger and acts on them."""

        def seen(now: Handoff) -> Handoff | None:
            return replace(now, acted_at=self.now(), alert_at=None, alert=None) if now.volunteer == volunteer else None

        return await self._change(id, seen) is not None

    async def give_back(
        self, id: str, volunteer: str | None, emergency: Callable[[Handoff], Mapping[str, Any]], notice: str = "handoff_lost"
    ) -> bool:
        """Put a conversation back in the queue, its place kept; the patient is told. A danger that nobody answered is answered now."""
        unanswered = self._open.get(id)
        lines: list[tuple[str, Mapping[str, Any]]] = [("notice", {"notice": notice})]
        if unanswered and unanswered.alert_at is not None:
            lines.insert(0, ("assistant", emergency(unanswered)))

        def freed(now: Handoff) -> Handoff | None:
            held = now.state == "held" and volunteer in (None, now.volunteer)
            return replace(now, state="waiting", volunteer=None, alert_at=None, alert=None, unanswered=False) if held else None

        return await self._change(id, freed, lines) is not None

    async def transfer(self, id: str, volunteer: str, to: str) -> bool:
        """Pass a conversation to a colleague who is on duty."""

        def passed(now: Handoff) -> Handoff | None:
            return replace(now, volunteer=to, acted_at=self.now(), unanswered=True) if now.volunteer == volunteer else None

        return to in self.presence.on_duty() and await self._change(id, passed, [("notice", {"notice": "handoff_passed"})]) is not None

    async def end(self, id: str, volunteer: str | None, notice: str | None) -> bool:
        """End a handoff and delete what was said in it; `volunteer` when one ends it, `notice` what the patient is told.

        What was promised to the volunteer as sent, and may not have reached the patient's page yet, stays for it a little longer; not
        where the patient deletes the conversation (no `notice`).
        """
        final: list[Line] = []
        handoff = self._open.get(id)

        def work() -> Handoff | None:
            now = self._read(id)
            if now is None or now.state == "ended" or volunteer not in (None, now.volunteer):
                return None
            shown, recent = self._shown.get(id, 0), self.now() - RECENT
            keeps = notice is not None and not now.address
            query = "DELETE FROM lines WHERE handoff = ? AND NOT (? AND who = 'volunteer' AND (id > ? OR at >= ?))"
            self.base.execute(query, (id, keeps, shown, recent))
            ended = replace(now, state="ended", volunteer=None, topic="", person="", address=now.address if notice else {})
            self.base.execute(
                "UPDATE handoffs SET state = 'ended', person = ?, at = ?, sealed = ? WHERE id = ?", (id, self.now(), self._sealed(ended), id)
            )
            if notice:
                line = self._insert(id, "notice", {"notice": notice}, None, not now.address)
                assert line is not None
                final.append(line)
            return ended

        ended = await self.run(work)
        if ended is None or handoff is None:
            return False
        del self._open[id]
        self._shown.pop(id, None)
        if self._by_person.get(handoff.person) == id:
            del self._by_person[handoff.person]
        self.bell.ring()
        for line in final:
            await self._carry(handoff, line)
        return True

    # What is read

    async def lines(self, id: str, after: int = 0, who: Iterable[str] | None = None) -> list[Line]:
        """What was said in a handoff, after a line."""
        rows = await self.run(
            lambda: self.base.execute(
                "SELECT id, handoff, at, who, sealed FROM lines WHERE handoff = ? AND id > ? ORDER BY id", (id, after)
            ).fetchall()
        )
        found = [Line(row[0], row[1], row[2], row[3], self.open(row[4])) for row in rows]
        return [line for line in found if who is None or line.who in who]

    async def follow(self, id: str, after: int) -> AsyncIterator[Line | None]:
        """The lines for a patient's page as they come; None each 15 seconds without one. It ends with the handoff."""
        while True:
            # Asked before reading: what comes between reading and waiting rings for it already.
            is_open, waiting = id in self._open and not self.is_ending, asyncio.ensure_future(self.bell.wait(15))
            lines = await self.lines(id, after, TO_PATIENTS)
            for line in lines:
                after = line.id
                yield line
                if is_open:
                    self._shown[id] = after
            if not is_open:
                waiting.cancel()
                return
            if lines:
                waiting.cancel()
                continue
            await waiting
            yield None

    # What time does

    async def tick(self, emergency: Callable[[Handoff], Mapping[str, Any]]) -> None:
        """What follows from time: call it each second. `emergency` is the content of the line that a danger is answered with."""
        now = self.now()
        nobody_for = self.presence.nobody_for()
        for one in list(self._open.values()):
            try:
                await self._tick_one(one, now, nobody_for, emergency)
            except Exception:
                logger.exception("a handoff could not be looked after")
        await self.run(lambda: self._drop(now))

    async def _tick_one(self, one: Handoff, now: float, nobody_for: float, emergency: Callable[[Handoff], Mapping[str, Any]]) -> None:
        if now - one.asked_at > HELD_FOR:
            await self.end(one.id, None, "handoff_ended" if one.state == "held" else "handoff_expired")
        elif one.state == "waiting":
            # Who asked later has not waited for so long.
            if min(nobody_for, now - one.asked_at) > NOBODY:
                await self.end(one.id, None, "handoff_expired")
        else:
            if one.alert_at is not None and now - one.alert_at >= ALERT:
                unseen = one.alert_at

                def answered(then: Handoff) -> Handoff | None:
                    return replace(then, alert_at=None, alert=None) if then.alert_at == unseen else None

                await self._change(one.id, answered, [("assistant", emergency(one))])
            if self.presence.is_gone(one.volunteer) or now - one.acted_at > IDLE:
                await self.give_back(one.id, one.volunteer, emergency)

    def _drop(self, now: float) -> None:
        self.base.execute("DELETE FROM lines WHERE handoff IN (SELECT id FROM handoffs WHERE state = 'ended' AND at < ?)", (now - ENDED_FOR,))
        self.base.execute("DELETE FROM handoffs WHERE state = 'ended' AND at < ?", (now - ENDED_FOR,))

    # The way to patients who have no page

    async def carry_by(self, channel: str, carry: Carry) -> None:
        """Bring a channel's patients what is said to them, first what was left over. `carry` must bring a line once, however often it is given."""
        self._carriers[channel] = carry
        rows = await self.run(lambda: self.base.execute("SELECT id, handoff, at, who, sealed FROM lines WHERE NOT carried ORDER BY id").fetchall())
        for row in rows:
            handoff = await self.run(partial(self._read, row[1]))
            if handoff and handoff.channel == channel:
                await self._carry(handoff, Line(row[0], row[1], row[2], row[3], self.open(row[4])))

    async def _carry(self, handoff: Handoff, line: Line) -> None:
        if "notice" in line.content:
            self._count(line.content["notice"].removeprefix("handoff_"))
        carry = self._carriers.get(handoff.channel)
        if carry is None or line.who not in TO_PATIENTS:
            return
        try:
            await carry(handoff, line)
            await self.run(lambda: self.base.execute("UPDATE lines SET carried = 1 WHERE id = ?", (line.id,)))
        except Exception:
            logger.exception("a line of a handoff was not carried on %s; it stays for the next start", handoff.channel)

    # Rows

    async def _change(
        self, id: str, change: Callable[[Handoff], Handoff | None], lines: Iterable[tuple[str, Mapping[str, Any]]] = (), key: str | None = None
    ) -> Handoff | None:
        """Change a handoff and add lines at one go, if it is open and `change` gives what it becomes; the handoff as it is then."""
        made: list[Line] = []

        def work() -> Handoff | None:
            now = self._read(id)
            then = None if now is None or now.state == "ended" else change(now)
            if then is None:
                return None
            self.base.execute("UPDATE handoffs SET state = ?, sealed = ? WHERE id = ?", (then.state, self._sealed(then), id))
            for who, content in lines:
                if line := self._insert(id, who, content, key, who not in TO_PATIENTS or not then.address):
                    made.append(line)
            return then

        then = await self.run(work)
        if then is not None:
            self._keep(then)
            for line in made:
                await self._carry(then, line)
        return then

    def _keep(self, handoff: Handoff) -> None:
        self._open[handoff.id] = handoff
        self._by_person[handoff.person] = handoff.id
        self.bell.ring()

    def _insert(self, id: str, who: str, content: Mapping[str, Any], key: str | None, carried: bool) -> Line | None:
        at = self.now()
        query = "INSERT OR IGNORE INTO lines (handoff, at, who, key, carried, sealed) VALUES (?, ?, ?, ?, ?, ?)"
        done = self.base.execute(query, (id, at, who, key, carried, self.seal(content)))
        return Line(done.lastrowid or 0, id, at, who, content) if done.rowcount else None

    def _read(self, id: str) -> Handoff | None:
        row = self.base.execute("SELECT sealed FROM handoffs WHERE id = ?", (id,)).fetchone()
        return self._handoff(row[0]) if row else None

    def _sealed(self, handoff: Handoff) -> bytes:
        return self.seal(asdict(handoff))

    def _handoff(self, sealed: bytes) -> Handoff:
        return Handoff(**self.open(sealed))
