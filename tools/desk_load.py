"""The desk under load: `python tools/desk_load.py`. 20 volunteers write with 200 patients on the web, and 20 others ask the assistant.

First the others ask an idle server, at the rate at which they ask later. Then everybody is there for a minute: each volunteer sends a
line every two seconds and now and then puts a conversation back and takes it again; each patient writes now and then. Every line that
was acknowledged must arrive exactly once; the exit status is 1 when one did not.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import aiohttp
import pyotp
from bench import A_CONVERSATION, BUILD, BUSY, ROOT, Bot, Stop, Turn, busy_share, free_port, percentile, resident, running, started, take_turn

from bot.evaluation import read_questions
from bot.handoff import SHARE

PASSWORD, COOKIE = "four words make it", "__Host-confide-desk"
CLAIM_P95, TIMES_IDLE = 300, 1.5  # what is asked: ms, and how many times an idle server's
OTHERS_EACH, PATIENTS_EACH, TAKEN_EACH, TAKEN_AGAIN_EACH, AWAY = 4.0, 30.0, 0.5, 10.0, 1.0  # seconds
SETTLE = 15.0  # seconds in which what is under way arrives
SAMPLE = 2.0
TEXT = "Please bring the letter from the hospital with you when you come to see us. "
ANSWER = "Thank you, I have the letter here and my daughter can come with me. "


@dataclass
class Ledger:
    """What was sent and when, and when it arrived, by a token that stands in it."""

    sent: dict[str, float] = field(default_factory=dict)
    acknowledged: dict[str, float] = field(default_factory=dict)
    arrived: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def lost(self) -> list[str]:
        """What was acknowledged and did not arrive."""
        return [token for token in self.acknowledged if token not in self.arrived]

    def doubled(self) -> list[str]:
        """What arrived more than once."""
        return [token for token, times in self.arrived.items() if len(times) > 1]

    def ways(self) -> list[float]:
        """Milliseconds from sending to arriving."""
        return [(self.arrived[token][0] - began) * 1000 for token, began in self.sent.items() if token in self.arrived]

    def waits(self) -> list[float]:
        """Milliseconds from sending to the acknowledgement."""
        return [(at - self.sent[token]) * 1000 for token, at in self.acknowledged.items() if token in self.sent]


@dataclass
class Trial:
    """The server's address, who talks to it, and what was measured."""

    url: str
    session: aiohttp.ClientSession
    claims: dict[str, Ledger] = field(default_factory=lambda: defaultdict(Ledger))  # "filling" and "load"
    lines: Ledger = field(default_factory=Ledger)  # of volunteers
    answers: Ledger = field(default_factory=Ledger)  # of patients
    refused: int = 0
    queue: list[str] = field(default_factory=list)  # as a volunteer sees it
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def token(self) -> str:
        """One that no other line has; of letters, for figures may be masked as somebody's number."""
        return "z" + "".join(chr(ord("a") + int(figure)) for figure in f"{next(self._numbers):06d}") + "z"


_TOKEN = re.compile(r"\bz[a-j]{6}z\b")


async def events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The events of a stream, as they come."""
    name = ""
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, json.loads(line[6:])


@dataclass
class Patient:
    """Somebody on the chat page who writes with a volunteer; `mark` is in their first words, by which the volunteer's stream finds them."""

    trial: Trial
    number: int
    mark: str
    chat: str = ""
    claims: list[tuple[str, str]] = field(default_factory=list)  # the ledger and the token of each claim of the conversation, in their order
    joined: list[float] = field(default_factory=list)  # when they were told of a volunteer

    @property
    def sender(self) -> str:
        """The name that their page made up."""
        return f"patient-{self.number}-of-the-trial"

    async def posts(self, message: str) -> list[dict[str, Any]]:
        """The replies to a message."""
        body = {"sender": self.sender, "message": message, "language": "en"}
        async with self.trial.session.post(f"{self.trial.url}/webhooks/web/webhook", json=body) as response:
            if response.status != 200:
                raise Stop(f"A patient was refused with status {response.status}.")
            return list(await response.json())

    async def asks(self) -> str:
        """Ask a question and for a volunteer; the ticket."""
        await self.posts(f"{ANSWER}{self.mark}")
        (reply,) = await self.posts(f'/{SHARE}{{"share": true}}')
        return str(reply["ticket"])

    async def listens(self, ticket: str) -> None:
        """Note what comes on the page's stream."""
        async with self.trial.session.get(f"{self.trial.url}/webhooks/web/events/{ticket}") as response:
            async for name, data in events(response):
                now = time.perf_counter()
                if name == "volunteer" and (found := _TOKEN.search(data["text"])):
                    self.trial.lines.arrived[found[0]].append(now)
                elif name == "notice" and "is here now" in data["text"]:
                    self.joined.append(now)

    def settles(self) -> None:
        """Note when each claim arrived; what arrived more often than it was claimed counts for the last."""
        for number, at in enumerate(self.joined):
            ledger, token = self.claims[min(number, len(self.claims) - 1)]
            self.trial.claims[ledger].arrived[token].append(at)

    async def writes(self) -> None:
        """Write something to the volunteer."""
        token = self.trial.token()
        ledger = self.trial.answers
        ledger.sent[token] = time.perf_counter()
        replies = await self.posts(f"{ANSWER}{token}")
        ledger.acknowledged[token] = time.perf_counter()
        if replies:  # the conversation was just put back: the assistant answers, and the volunteer reads it only once they take it again
            del ledger.sent[token]


@dataclass
class Volunteer:
    """Somebody at the desk."""

    trial: Trial
    name: str
    headers: dict[str, str] = field(default_factory=dict)
    mine: list[str] = field(default_factory=list)
    _turn: int = 0
    _seen: set[int] = field(default_factory=set)

    async def enters(self, code: str) -> None:
        """Sign in."""
        session, url = self.trial.session, self.trial.url
        form = {"name": self.name, "password": PASSWORD, "code": code}
        async with session.post(f"{url}/desk/sign-in", data=form, allow_redirects=False) as response:
            cookie = response.headers.get("Set-Cookie", "").split(";")[0]
            if response.status != 303 or not cookie.startswith(COOKIE):
                raise Stop(f"{self.name} could not sign in: status {response.status}.")
        self.headers = {"Cookie": cookie, "Accept": "application/json"}
        async with session.get(f"{url}/desk/chats", headers=self.headers) as response:
            found = re.search(r'data-csrf="([^"]+)"', await response.text())
        if not found:
            raise Stop("The page of conversations has no token for its forms.")
        self.headers["X-CSRF"] = found[1]

    async def listens(self, patients: dict[str, Patient]) -> None:
        """Note what comes on the desk's stream; `patients` by their marks."""
        async with self.trial.session.get(f"{self.trial.url}/desk/chats/events?on_duty=1", headers=self.headers) as response:
            async for name, data in events(response):
                if name == "state":
                    self.trial.queue = [chat["id"] for chat in data["waiting"]]
                elif name == "line" and data["who"] == "patient" and (found := _TOKEN.search(data["text"])):
                    if found[0] in patients:
                        patients[found[0]].chat = data["chat"]
                    # A conversation that is taken again is told again from its beginning; the page knows lines by their number.
                    elif data["id"] not in self._seen:
                        self._seen.add(data["id"])
                        self.trial.answers.arrived[found[0]].append(time.perf_counter())

    async def does(self, chat: str, act: str, **form: str) -> bool:
        """Whether an act in a conversation was done."""
        async with self.trial.session.post(f"{self.trial.url}/desk/chats/{chat}/{act}", data=form, headers=self.headers) as response:
            done = response.status == 200 and (await response.json()).get("sent" if act == "say" else "done") is True
        self.trial.refused += not done
        return done

    async def claims(self, chat: str, ledger: str) -> tuple[str, str]:
        """Take a conversation; the ledger and the token under which it is noted."""
        noted, token = self.trial.claims[ledger], self.trial.token()
        noted.sent[token] = time.perf_counter()
        if await self.does(chat, "claim"):
            noted.acknowledged[token] = time.perf_counter()
            self.mine.append(chat)
        return ledger, token

    async def says(self) -> None:
        """Send a line to the next of the volunteer's patients."""
        token, self._turn = self.trial.token(), self._turn + 1
        chat = self.mine[self._turn % len(self.mine)]
        self.trial.lines.sent[token] = time.perf_counter()
        if await self.does(chat, "say", key=token, text=f"{TEXT}{token}"):
            self.trial.lines.acknowledged[token] = time.perf_counter()

    async def puts_back_and_takes_again(self, by_chat: dict[str, Patient]) -> None:
        """What a break in the work looks like to a patient."""
        chat = self.mine.pop(0)
        if not await self.does(chat, "put-back"):
            return
        await asyncio.sleep(AWAY)
        by_chat[chat].claims.append(await self.claims(chat, "load"))


async def steadily(act: Callable[[], Awaitable[object]], every: float, seconds: float, first: float) -> None:
    """Do something again and again at fixed moments, however long it takes each time."""
    began, doing = time.monotonic(), list[asyncio.Future[object]]()
    for number in itertools.count():
        due = first + number * every
        if due >= seconds:
            break
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        doing.append(asyncio.ensure_future(act()))
    await asyncio.gather(*doing)


async def others(trial: Trial, name: str, count: int, texts: Sequence[str], seconds: float) -> list[Turn]:
    """The turns of people who have no volunteer and ask the assistant."""
    turns: list[Turn] = []

    async def of(client: int) -> None:
        numbers, mine = itertools.count(), texts[client::count]

        async def asks() -> None:
            number = next(numbers)
            sender = f"{name}-{client}-{number // A_CONVERSATION}"
            turns.append(await take_turn(trial.session, f"{trial.url}/webhooks/web/webhook", sender, mine[number % len(mine)]))

        await steadily(asks, OTHERS_EACH, seconds, client * OTHERS_EACH / count)

    await asyncio.gather(*(of(client) for client in range(count)))
    return turns


def add_account(name: str) -> pyotp.TOTP:
    """The authenticator app of an account that is made by the command line."""
    command = [sys.executable, "-W", "ignore", "-m", "bot", "desk", "add", name, "--role", "volunteer"]
    made = subprocess.run(command, input=f"{PASSWORD}\n", text=True, capture_output=True, cwd=ROOT, check=False)
    address = re.search(r"otpauth://\S+", made.stdout)
    app = pyotp.parse_uri(address[0]) if address else None
    if not isinstance(app, pyotp.TOTP):
        raise Stop(f"No account was made:\n{made.stderr[-1000:]}")
    return app


async def until(found: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until something is so; Stop when it does not come."""
    deadline = time.monotonic() + seconds
    while not found():
        if time.monotonic() > deadline:
            raise Stop(f"Not within {seconds:g} s: {what}.")
        await asyncio.sleep(0.02)


def processor_seconds(pid: int) -> float:
    """How long a process has used a processor so far."""
    figures = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(figures[11]) + int(figures[12])) / os.sysconf("SC_CLK_TCK")


async def is_open(trial: Trial) -> None:
    """Wait until the desk is there."""
    for _ in range(300):
        async with trial.session.get(f"{trial.url}/desk/sign-in") as response:
            if response.status == 200:
                return
        await asyncio.sleep(0.1)
    raise Stop("The desk did not open.")


@dataclass
class Figures:
    """What the table shows besides the trial's ledgers."""

    idle: list[Turn] = field(default_factory=list)
    loaded: list[Turn] = field(default_factory=list)
    idle_mb: float = 0
    filled_mb: float = 0
    most_mb: float = 0
    idle_share: float = 0
    loaded_share: float = 0


async def run(trial: Trial, pid: int, apps: dict[str, pyotp.TOTP], given: argparse.Namespace, texts: Sequence[str]) -> Figures:
    """Do all of it."""
    figures = Figures()
    await is_open(trial)
    await others(trial, "warm", given.others, texts, 2 * OTHERS_EACH)
    figures.idle_mb, used = resident(pid), processor_seconds(pid)
    print(f"{given.others} others ask an idle server for {given.idle:g} s.", flush=True)
    figures.idle = await others(trial, "idle", given.others, texts, given.idle)
    figures.idle_share = (processor_seconds(pid) - used) / given.idle

    print(f"{given.volunteers} volunteers sign in, {given.patients} patients ask for one.", flush=True)
    volunteers = [Volunteer(trial, name) for name in apps]
    for volunteer in volunteers:
        await volunteer.enters(apps[volunteer.name].now())
    patients = [Patient(trial, number, trial.token()) for number in range(given.patients)]
    by_mark = {patient.mark: patient for patient in patients}
    listening = [asyncio.create_task(volunteer.listens(by_mark)) for volunteer in volunteers]
    await asyncio.sleep(1)
    for patient in patients:
        ticket = await patient.asks()
        listening.append(asyncio.create_task(patient.listens(ticket)))
    await until(lambda: len(trial.queue) == len(patients), "everybody waits")
    await _fill(trial, volunteers, patients)
    figures.filled_mb = resident(pid)

    print(f"Everybody writes for {given.seconds:g} s.", flush=True)
    by_chat, chance = {patient.chat: patient for patient in patients}, random.Random(1)
    work = [steadily(one.says, given.every, given.seconds, chance.uniform(0, given.every)) for one in volunteers]
    work += [
        steadily(lambda one=one: one.puts_back_and_takes_again(by_chat), TAKEN_AGAIN_EACH, given.seconds - AWAY, chance.uniform(0, TAKEN_AGAIN_EACH))  # type: ignore[misc]
        for one in volunteers
    ]
    work += [steadily(one.writes, PATIENTS_EACH, given.seconds, chance.uniform(0, PATIENTS_EACH)) for one in patients]
    used, began = processor_seconds(pid), time.monotonic()
    asking = asyncio.create_task(others(trial, "loaded", given.others, texts, given.seconds))
    doing: asyncio.Future[Any] = asyncio.gather(asking, *work)
    while not doing.done():
        figures.most_mb = max(figures.most_mb, await asyncio.to_thread(resident, pid))
        await asyncio.wait([doing], timeout=SAMPLE)
    await doing
    figures.loaded = asking.result()
    figures.loaded_share = (processor_seconds(pid) - used) / (time.monotonic() - began)
    for _ in range(round(SETTLE / 0.1)):
        if not trial.lines.lost() and not trial.answers.lost():
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # what comes twice would come now
    for patient in patients:
        patient.settles()
    for task in listening:
        if task.done():
            raise Stop(f"A stream ended by itself: {task.exception()!r}")
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    return figures


async def _fill(trial: Trial, volunteers: Sequence[Volunteer], patients: Sequence[Patient]) -> None:
    """Each volunteer takes their part of the queue, one conversation after the other, side by side with the others."""
    claimed: dict[str, tuple[str, str]] = {}

    async def takes(volunteer: Volunteer, chats: Sequence[str]) -> None:
        for chat in chats:
            claimed[chat] = await volunteer.claims(chat, "filling")
            await asyncio.sleep(TAKEN_EACH)

    waiting = list(trial.queue)
    await asyncio.gather(*(takes(volunteer, waiting[number :: len(volunteers)]) for number, volunteer in enumerate(volunteers)))
    await until(lambda: all(patient.chat and patient.joined for patient in patients), "each patient is known at the desk, and told of it")
    for patient in patients:
        patient.claims.append(claimed[patient.chat])


def table(trial: Trial, figures: Figures) -> str:
    """What was measured, in lines."""
    lines = [f"{'milliseconds':44}{'p50':>9}{'p95':>9}{'p99':>9}{'number':>9}{'asked':>14}"]

    def row(title: str, times: Sequence[float], asked: str = "") -> None:
        lines.append(f"{title:44}{percentile(times, 50):>9}{percentile(times, 95):>9}{percentile(times, 99):>9}{len(times):>9}{asked:>14}")

    idle, loaded = ([turn.milliseconds for turn in turns] for turns in (figures.idle, figures.loaded))
    row("claim to patient, while the queue is taken", trial.claims["filling"].ways(), f"p95 <= {CLAIM_P95}")
    row("claim to patient, while everybody writes", trial.claims["load"].ways(), f"p95 <= {CLAIM_P95}")
    row("volunteer's line to patient", trial.lines.ways())
    row("volunteer's line acknowledged", trial.lines.waits())
    row("patient's line to volunteer", trial.answers.ways())
    row("patient's line acknowledged", trial.answers.waits())
    row("turn of another, idle server", idle)
    row("turn of another, while everybody writes", loaded)
    times = [percentile(loaded, share) / percentile(idle, share) for share in (50, 95, 99)]
    lines.append(f"{'  times the idle one':44}" + "".join(f"{ratio:>9.2f}" for ratio in times) + f"{'':>9}{f'<= {TIMES_IDLE:g}':>14}")
    lines += [
        f"{'MB of the server: idle, filled, at most':44}{figures.idle_mb:>9.0f}{figures.filled_mb:>9.0f}{figures.most_mb:>9.0f}",
        f"{'processors taken by the server: idle, loaded':44}{figures.idle_share:>9.2f}{figures.loaded_share:>9.2f}",
        "",
        f"{'':44}{'acknowledged':>14}{'arrived':>9}{'lost':>9}{'doubled':>9}",
    ]
    for title, ledger in ledgers(trial).items():
        counts = (len(ledger.acknowledged), len(ledger.arrived), len(ledger.lost()), len(ledger.doubled()))
        lines.append(f"{title:44}{counts[0]:>14}{counts[1]:>9}{counts[2]:>9}{counts[3]:>9}")
    failed = sum(not turn.answered for turn in [*figures.idle, *figures.loaded])
    return "\n".join([*lines, f"{'turns of others that failed':44}{failed:>14}", f"{'acts of volunteers that were refused':44}{trial.refused:>14}"])


def ledgers(trial: Trial) -> dict[str, Ledger]:
    """Everything that must have arrived once."""
    return {
        "claims": Ledger(
            **{
                part: {token: value for of in trial.claims.values() for token, value in getattr(of, part).items()}
                for part in ("sent", "acknowledged", "arrived")
            }
        ),
        "volunteers' lines": trial.lines,
        "patients' lines": trial.answers,
    }


async def trial_of(url: str, pid: int, apps: dict[str, pyotp.TOTP], given: argparse.Namespace, texts: Sequence[str]) -> bool:
    """Run it and print what came of it; whether all arrived once."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    # The queue of 200 stands in one line of a stream.
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0), read_bufsize=2**20) as session:
        trial = Trial(url, session)
        figures = await run(trial, pid, apps, given, texts)
    print(f"\n{table(trial, figures)}\n")
    return not any(ledger.lost() or ledger.doubled() for ledger in ledgers(trial).values())


def main() -> int:
    """Run the trial."""
    options = argparse.ArgumentParser(prog="tools/desk_load.py", description=__doc__)
    options.add_argument("--volunteers", type=int, default=20)
    options.add_argument("--patients", type=int, default=200)
    options.add_argument("--others", type=int, default=20, help="who ask the assistant, each every 4 seconds (default 20)")
    options.add_argument("--every", type=float, default=2, help="seconds between two lines of a volunteer (default 2)")
    options.add_argument("--seconds", type=float, default=60, help="how long everybody writes (default 60)")
    options.add_argument("--idle", type=float, default=30, help="how long the others ask an idle server before (default 30)")
    given = options.parse_args()
    questions = [question for path in sorted((ROOT / "tests" / "understanding").glob("*.tsv")) for question in read_questions(path)]
    texts = [question.text for question in questions]
    random.Random(0).shuffle(texts)
    busy = busy_share()
    port, log = free_port(), BUILD / "bench" / "desk_load.log"
    with tempfile.TemporaryDirectory() as state:
        os.environ.update({"CONFIDE_STATE": state, "CONFIDE_KEY": "a key of this trial"})
        print(f"Making {given.volunteers} accounts.", flush=True)
        apps = {name: add_account(name) for name in (f"volunteer{number}" for number in range(given.volunteers))}
        bot = Bot("confide", (sys.executable, "-W", "ignore", "-m", "bot", "serve"), ROOT, "/webhooks/web/webhook")
        with running(bot, port, log) as process:
            url = f"http://127.0.0.1:{port}"
            asyncio.run(started(process, f"{url}{bot.path}", log))
            whole = asyncio.run(trial_of(url, process.pid, apps, given, texts))
    print(f"{given.volunteers} volunteers, each a line every {given.every:g} s; {given.patients} patients, each a line every {PATIENTS_EACH:g} s;")
    print(f"{given.others} others, each a question every {OTHERS_EACH:g} s. {os.cpu_count()} processors; the clients ran on the same machine.")
    if busy >= BUSY:
        print(f"Others took {busy:.0%} of the processors before the start: these timings are not to be relied on.")
    print("Every line arrived once." if whole else "A line was lost or doubled.")
    return 0 if whole else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as stop:
        print(stop, file=sys.stderr)
        sys.exit(1)
