"""Our server and a stock Rasa bot, measured one after the other in the same run: `make bench`.

The stock bot has the pipeline and the policies that `rasa init` writes, our intents and examples, and one response and
one rule for each topic. It lies in build/peer. The figures are printed side by side and kept in build/bench.json.
"""

from __future__ import annotations

import os

os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import argparse
import asyncio
import hashlib
import json
import math
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from itertools import cycle, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import aiohttp
import yaml

from bot import house
from bot.evaluation import read_questions
from bot.examples import Example, read_examples

ROOT = house.ROOT
BUILD = ROOT / "build"
PEER = BUILD / "peer"
WARM_UP, ALONE, TOGETHER = 50, 300, 2000  # turns
CLIENTS = 8
A_CONVERSATION = 5  # turns, then the client is a new person
START_LIMIT, WARM_LIMIT, ALONE_LIMIT, TOGETHER_LIMIT, TURN_LIMIT = 110, 10, 30, 80, 30  # seconds; both bots together stay under 8 minutes
BUSY = 0.2  # from this share of the processors taken by others on, timings are not to be relied on
Train = Callable[[Path, Path], None]


class Stop(Exception):
    """The measurement cannot go on: the message says why and what to do."""


# --- the stock bot -------------------------------------------------------------------------------------------------


def stock_config(epochs: int, core: bool = True) -> dict[str, Any]:
    """The pipeline and policies that `rasa init` leaves to Rasa's own default file, with other epochs; no policies unless `core`."""
    default = files("rasa.engine.recipes.config_files").joinpath("default_config.yml").read_text(encoding="utf-8")
    config: dict[str, Any] = {**yaml.safe_load(default), "assistant_id": "peer"}
    for part in [*config["pipeline"], *config["policies"]]:
        if "epochs" in part:
            part["epochs"] = epochs
    if not core:
        del config["policies"]
    return config


def stock_nlu(examples: Sequence[Example]) -> dict[str, Any]:
    """The examples in Rasa's NLU format, every language together; brackets would be read as entities and are left out."""
    by_topic: dict[str, list[str]] = {}
    for example in examples:
        text = " ".join(example.text.translate({ord(mark): None for mark in "[](){}"}).split())
        by_topic.setdefault(example.topic, []).append(f"- {text}\n")
    return {"version": "3.1", "nlu": [{"intent": topic, "examples": "".join(lines)} for topic, lines in sorted(by_topic.items())]}


def stock_files(examples: Sequence[Example], epochs: int) -> dict[str, dict[str, Any]]:
    """What a stock bot is trained from: file name to content. Each topic has a response, a rule, and a story after a greeting."""
    topics = sorted({example.topic for example in examples})
    titles = {name: answer.title for name, answer in house.knowledge().answers.items()}
    responses = {f"utter_{topic}": [{"text": titles.get(topic, topic)}] for topic in topics}
    responses["utter_please_rephrase"] = [{"text": "Sorry, I did not understand. Please say it in other words."}]
    steps = {topic: [{"intent": topic}, {"action": f"utter_{topic}"}] for topic in topics}
    rules = [{"rule": topic, "steps": steps[topic]} for topic in topics]
    rules.append({"rule": "not understood", "steps": [{"intent": "nlu_fallback"}, {"action": "utter_please_rephrase"}]})
    stories = [{"story": topic, "steps": [*steps["greet"], *steps[topic]]} for topic in topics if topic != "greet"]
    return {
        "config.yml": stock_config(epochs),
        "domain.yml": {"version": "3.1", "intents": topics, "responses": responses},
        "data/nlu.yml": stock_nlu(examples),
        "data/rules.yml": {"version": "3.1", "rules": rules},
        "data/stories.yml": {"version": "3.1", "stories": stories},
        "credentials.yml": {"rest": None},
        "endpoints.yml": {},
    }


def written(folder: Path, contents: Mapping[str, dict[str, Any]]) -> str:
    """Write YAML files into a folder; gives the fingerprint of what they say."""
    digest = hashlib.sha256(version("rasa").encode())
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=10_000)
        path.write_text(text, encoding="utf-8")
        digest.update(f"{name}\0{text}".encode())
    return digest.hexdigest()[:16]


def trained(folder: Path, contents: Mapping[str, dict[str, Any]], train: Train, message: str) -> tuple[Path, float]:
    """The model for a folder's files, trained unless it is there, and the seconds that its training took. `train` gets model and log."""
    mark = written(folder, contents)
    model, record = folder / "models" / f"{mark}.tar.gz", folder / "models" / f"{mark}.json"
    if not (model.is_file() and record.is_file()):
        log = folder / "train.log"
        print(f"{message} Its lines go to {log.relative_to(ROOT)}.", flush=True)
        began = time.monotonic()
        train(model, log)
        if not model.is_file():
            raise Stop(f"The training failed; {log} says where:\n{tail(log)}")
        record.write_text(json.dumps({"seconds": round(time.monotonic() - began, 1)}) + "\n")
        for old in {*model.parent.iterdir()} - {model, record}:
            old.unlink()
    return model, float(json.loads(record.read_text())["seconds"])


def trained_last(folder: Path) -> tuple[Path, float]:
    """The model that was trained last in a folder, and the seconds that its training took."""
    record = next((folder / "models").glob("*.json"), None)
    if record is None:
        raise Stop("No stock bot was trained yet; leave --peer-as-it-is out.")
    return record.with_suffix(".tar.gz"), float(json.loads(record.read_text())["seconds"])


def train_by_command(*arguments: str) -> Train:
    """A training by `rasa train`, in a process of its own."""

    def train(model: Path, log: Path) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "rasa", "train", *arguments, "--out", str(model.parent)]
        command += ["--fixed-model-name", model.name.removesuffix(".tar.gz")]
        with log.open("w") as out:
            subprocess.run(command, cwd=model.parent.parent, env={**os.environ, "RASA_MAX_CACHE_SIZE": "0"}, stdout=out, stderr=out, check=False)

    return train


# --- running a bot -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bot:
    """A bot to measure: how it is started on a port, and where it takes messages."""

    name: str
    command: tuple[str, ...]
    folder: Path
    path: str


def free_port() -> int:
    """A port on loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(line[:200] for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


@contextmanager
def running(bot: Bot, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The bot's process; ended with the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CONFIDE_MESSAGES_A_MINUTE": "1000000"}
    with log.open("wb") as out:
        process = subprocess.Popen([*bot.command, "--port", str(port)], cwd=bot.folder, env=environment, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def resident(pid: int) -> float:
    """MB of memory that a process and its children hold (VmRSS of /proc)."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
        except OSError:  # it ended meanwhile
            continue
        child = int(path.parent.name)
        parents[child], sizes[child] = int(lines["PPid"]), int(lines.get("VmRSS", "0 kB").split()[0])
    family = {pid}
    while more := {child for child, parent in parents.items() if parent in family} - family:
        family |= more
    return sum(sizes.get(member, 0) for member in family) / 1024


def busy_share(seconds: float = 2.0) -> float:
    """The share of the processors' time that others take while we wait."""

    def ticks() -> tuple[int, int]:
        figures = [int(figure) for figure in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return sum(figures), figures[3] + figures[4]  # idle, waiting for the disk

    total, idle = ticks()
    time.sleep(seconds)
    total_after, idle_after = ticks()
    return 1 - (idle_after - idle) / max(1, total_after - total)


# --- turns ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Turn:
    """One message: the milliseconds until it was answered, and whether it was."""

    milliseconds: float
    answered: bool


def is_answer(status: int, replies: object) -> bool:
    """Whether a response is an answer: HTTP 200 and replies with words, none of which says that something broke.

    >>> is_answer(200, [{"text": "Yes.", "status": "answered"}]), is_answer(200, [])
    (True, False)
    """
    if status != 200 or not isinstance(replies, list) or not replies:
        return False
    return all(reply.get("text") and reply.get("status") != "failed" for reply in replies)


async def take_turn(session: aiohttp.ClientSession, url: str, sender: str, text: str) -> Turn:
    """Send one message and wait for its answer."""
    began = time.perf_counter()
    try:
        async with session.post(url, json={"sender": sender, "message": text}) as response:
            answered = is_answer(response.status, await response.json(content_type=None))
    except (aiohttp.ClientError, TimeoutError, ValueError):
        answered = False
    return Turn((time.perf_counter() - began) * 1000, answered)


async def converse(session: aiohttp.ClientSession, url: str, client: str, texts: Sequence[str], deadline: float) -> list[Turn]:
    """One client's turns, one after the other; every few turns it is a new person."""
    turns: list[Turn] = []
    for number, text in enumerate(texts):
        if time.monotonic() > deadline:
            break
        turns.append(await take_turn(session, url, f"{client}-{number // A_CONVERSATION}", text))
    return turns


async def load(url: str, name: str, texts: Sequence[str], clients: int, limit: float) -> dict[str, Any]:
    """Figures for clients that share the texts among them and talk at once."""
    began = time.monotonic()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TURN_LIMIT)) as session:
        talks = [converse(session, url, f"{name}-{number}", texts[number::clients], began + limit) for number in range(clients)]
        turns = [turn for talk in await asyncio.gather(*talks) for turn in talk]
    seconds = time.monotonic() - began
    times = [turn.milliseconds for turn in turns]
    return {
        "clients": clients,
        "turns": len(turns),
        "p50_ms": percentile(times, 50),
        "p95_ms": percentile(times, 95),
        "p99_ms": percentile(times, 99),
        "failed": sum(not turn.answered for turn in turns),
        "turns_a_second": round(sum(turn.answered for turn in turns) / seconds, 1),
        "seconds": round(seconds, 1),
    }


def percentile(times: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, to a tenth.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 50)
    2.0
    """
    return round(sorted(times)[max(0, math.ceil(len(times) * share / 100) - 1)], 1) if times else math.nan


async def started(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until a message is answered."""
    deadline = time.monotonic() + START_LIMIT
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TURN_LIMIT)) as session:
        while not (await take_turn(session, url, "start", "hello")).answered:
            if process.poll() is not None:
                raise Stop(f"The bot ended while it started; {log} ends with:\n{tail(log)}")
            if time.monotonic() > deadline:
                raise Stop(f"The bot answered nothing within {START_LIMIT} s; {log} ends with:\n{tail(log)}")
            await asyncio.sleep(0.1)


async def measured(bot: Bot, texts: Sequence[str], turns: tuple[int, int]) -> dict[str, Any]:
    """A bot's figures."""
    port, log = free_port(), BUILD / "bench" / f"{bot.name}.log"
    url = f"http://127.0.0.1:{port}{bot.path}"
    began = time.monotonic()
    print(f"Measuring {bot.name}.", flush=True)
    with running(bot, port, log) as process:
        await started(process, url, log)
        start = time.monotonic() - began
        await load(url, "warm", texts[-WARM_UP:], 1, WARM_LIMIT)
        warm = resident(process.pid)
        alone = await load(url, "alone", list(islice(cycle(texts), turns[0])), 1, ALONE_LIMIT)
        together = await load(url, "together", list(islice(cycle(texts), turns[1])), CLIENTS, TOGETHER_LIMIT)
        after = resident(process.pid)
    return {"start_s": round(start, 1), "resident_mb": round(warm), "resident_after_mb": round(after), "alone": alone, "together": together}


# --- the table -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A line of the table: its title, where its figure is, and what was asked of ours ("at most" a figure)."""

    title: str
    keys: tuple[str, ...]
    at_most: float | None = None

    def of(self, figures: Mapping[str, Any]) -> Any:
        """The line's figure."""
        value: Any = figures
        for key in self.keys:
            value = value[key]
        return value


TIMES_THE_STOCK_BOT = 3.0  # turns per second, at least
ROWS = (
    Row("seconds to the first answer", ("start_s",), 15),
    Row("MB resident, warm", ("resident_mb",), 700),
    Row("MB resident, after the load", ("resident_after_mb",), 700),
    Row("1 client: turns", ("alone", "turns")),
    Row("  p50, ms", ("alone", "p50_ms"), 25),
    Row("  p95, ms", ("alone", "p95_ms")),
    Row("  p99, ms", ("alone", "p99_ms")),
    Row("  failed turns", ("alone", "failed"), 0),
    Row(f"{CLIENTS} clients: turns", ("together", "turns")),
    Row("  p50, ms", ("together", "p50_ms")),
    Row("  p99, ms", ("together", "p99_ms"), 400),
    Row("  failed turns", ("together", "failed"), 0),
    Row("  turns per second", ("together", "turns_a_second")),
)


def table(ours: Mapping[str, Any], peer: Mapping[str, Any] | None) -> tuple[str, list[str]]:
    """The figures side by side, and what ours missed of what was asked."""
    lines = [f"{'':30}{'Confide':>10}{'stock Rasa':>12}{'asked':>10}"]
    missed = []
    for row in ROWS:
        figure, other = row.of(ours), row.of(peer) if peer else "-"
        asked = "" if row.at_most is None else f"<= {row.at_most:g}"
        lines.append(f"{row.title:30}{figure:>10}{other:>12}{asked:>10}")
        if row.at_most is not None and not figure <= row.at_most:
            missed.append(f"{row.title.strip()} is {figure}, asked for {asked}")
    if peer:
        times = ours["together"]["turns_a_second"] / max(0.1, peer["together"]["turns_a_second"])
        asked = f">= {TIMES_THE_STOCK_BOT:g}"
        lines.append(f"{'  times the stock bot':30}{times:>10.1f}{1:>12}{asked:>10}")
        if times < TIMES_THE_STOCK_BOT:
            missed.append(f"turns per second are {times:.1f} times the stock bot's, asked for {asked}")
    return "\n".join(lines), missed


def main() -> int:
    """Train the stock bot if need be, measure both, print and keep the table."""
    options = argparse.ArgumentParser(prog="tools/bench.py", description=__doc__)
    options.add_argument("--epochs", type=int, default=2, help="of the stock bot's training (default 2)")
    options.add_argument("--every", type=int, default=1, metavar="N", help="a trial: every Nth example, an Nth of the turns; nothing is kept")
    options.add_argument("--no-peer", action="store_true", help="measure ours alone")
    options.add_argument("--peer-as-it-is", action="store_true", help="measure the stock bot that was trained last, whatever it learnt from")
    given = options.parse_args()
    questions = [question for path in sorted((ROOT / "tests" / "understanding").glob("*.tsv")) for question in read_questions(path)]
    texts = [question.text for question in questions]
    random.Random(0).shuffle(texts)  # languages and topics mixed, the same way in each run
    ours = Bot("confide", (sys.executable, "-W", "ignore", "-m", "bot", "serve"), ROOT, "/webhooks/web/webhook")
    bots = [ours]
    trained_in = None
    if not given.no_peer:
        examples = read_examples(house.DATA / "nlu", house.knowledge().topics)[:: given.every]
        train = train_by_command("--config", "config.yml", "--domain", "domain.yml", "--data", "data")
        message = f"Training the stock bot on {len(examples)} examples for {given.epochs} epochs; it is kept until they change. This takes minutes."
        if given.peer_as_it_is:
            model, trained_in = trained_last(PEER)
        else:
            model, trained_in = trained(PEER, stock_files(examples, given.epochs), train, message)
        command = (sys.executable, "-W", "ignore", "-m", "rasa", "run", "--model", str(model), "--interface", "127.0.0.1")
        bots.append(Bot("stock", (*command, "--credentials", "credentials.yml", "--endpoints", "endpoints.yml"), PEER, "/webhooks/rest/webhook"))
    busy = busy_share()
    began = time.monotonic()
    turns = (ALONE // given.every, TOGETHER // given.every)
    figures: dict[str, Any] = {}
    failures = []
    for bot in bots:
        try:
            figures[bot.name] = asyncio.run(measured(bot, texts, turns))
        except Stop as stop:
            if bot is ours:
                raise
            failures.append(f"The stock bot was not measured. {stop}")
    text, missed = table(figures["confide"], figures.get("stock"))
    seconds = f"{time.monotonic() - began:.0f} s"
    notes = [
        f"{house.today()}, {os.cpu_count()} processors, Python {sys.version.split()[0]}, Rasa {version('rasa')}; measured in {seconds}.",
        f"The messages are the held-out questions of tests/understanding; after {A_CONVERSATION} turns a client is a new person.",
        "The clients ran on the same machine.",
    ]
    notes += failures
    if given.peer_as_it_is:
        notes.append("The stock bot is the one that was trained last, on examples that may have been fewer.")
    if trained_in is not None:
        notes.append(f"The stock bot was trained for {given.epochs} epochs ({trained_in:.0f} s).")
        notes.append("Epochs change what it knows, not how fast it serves.")
    if busy >= BUSY:
        notes.append(f"Others took {busy:.0%} of the processors before the start: these timings are not to be relied on.")
    print("\n".join(["", text, "", *notes, "", f"Missed: {'; '.join(missed)}." if missed else "All that was asked of ours was met."]))
    if given.every == 1:
        record = {"day": str(house.today()), "processors": os.cpu_count(), "busy_before": round(busy, 2), "peer_epochs": given.epochs, "notes": notes}
        BUILD.mkdir(exist_ok=True)
        (BUILD / "bench.json").write_text(json.dumps({**record, **figures, "missed": missed}, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as stop:
        print(stop, file=sys.stderr)
        sys.exit(1)
