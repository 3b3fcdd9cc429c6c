"""The SMS channel under a flood: `python tools/webhooks.py`. A provider on loopback sends 10,000 webhooks at a steady rate.

A fifth of them come twice (half of those in the same moment), one in twenty has a wrong signature, one send in ten is refused
once, and the server is killed twice in the middle and started again. Then every accepted message is accounted for.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import aiohttp
from aiohttp import web
from bench import BUILD, ROOT, Stop, free_port, percentile, tail
from twilio.request_validator import RequestValidator

from bot.house import knowledge
from bot.languages import SOURCE, languages, translate

SITE, ACCOUNT, TOKEN, NUMBER = "https://chat.example.org", "AC00000000000000000000000000000000", "a-token", "+441134960000"
PATH = "/webhooks/sms/webhook"
KILLS = 2
SETTLED = 5  # seconds


class Provider:
    """Takes messages; refuses one in ten once."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()  # by person, the first message of each answer
        self._refused: set[tuple[str, str]] = set()
        self._numbers = itertools.count(1)
        self._chance = random.Random(1)

    async def take(self, request: web.Request) -> web.Response:
        """Twilio's Messages resource."""
        form = await request.post()
        key = (str(form["To"]), str(form["Body"]))
        if key not in self._refused and self._chance.random() < 0.1:
            self._refused.add(key)
            return web.json_response({"code": 20503}, status=503)
        self.taken[key[0]] += "Confide" in key[1].split("\n")[0]
        return web.json_response({"sid": f"SM{next(self._numbers):032x}"}, status=201)


class Server:
    """Ours, with SMS switched on; it can be killed and started again."""

    def __init__(self, state: Path, provider: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = BUILD / "bench" / "webhooks.log"
        self._environment = {
            **os.environ,
            "CONFIDE_TWILIO_ACCOUNT_SID": ACCOUNT,
            "CONFIDE_TWILIO_AUTH_TOKEN": TOKEN,
            "CONFIDE_TWILIO_URL": provider,
            "CONFIDE_SMS_FROM": NUMBER,
            "CONFIDE_PUBLIC_URL": SITE,
            "CONFIDE_KEY": "a key of this trial",
            "CONFIDE_STATE": str(state),
            "CONFIDE_SMS_SEGMENTS_A_DAY": "1000000",
        }

    async def start(self, session: aiohttp.ClientSession) -> None:
        """Until it is ready."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as out:
            command = [sys.executable, "-W", "ignore", "-m", "bot", "serve", "--port", str(self.port)]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=out, stderr=out)
        for _ in range(600):
            try:
                async with session.get(f"{self.url}/health") as answer:
                    if answer.status == 200:
                        self.ready_at = time.perf_counter()
                        return
            except aiohttp.ClientError:
                pass
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.1)
        raise Stop(f"The server did not start:\n{tail(self._log)}")

    def end(self, how: signal.Signals) -> None:
        """Stop it."""
        self.process.send_signal(how)
        self.process.wait(30)


async def trial(webhooks: int, rate: float) -> None:
    """Run it and print what came of it."""
    provider, chance = Provider(), random.Random(2)
    app = web.Application()
    app.router.add_post(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", provider.take)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    validator = RequestValidator(TOKEN)
    questions = [translate(knowledge().answers[topic].title, language) for topic in ("ask_gp_safe", "ask_hospital_cost") for language in languages()]
    texts = [question or SOURCE for question in questions]
    statuses: Counter[int] = Counter()
    times: list[float] = []
    times_after_start: list[float] = []
    accepted: set[str] = set()

    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        server = Server(state, f"http://127.0.0.1:{port}")
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
            await server.start(session)

            async def post(number: int, bad: bool) -> None:
                person = f"+4477{number:08d}"
                form = {"MessageSid": f"SM-in-{number}", "From": person, "To": NUMBER, "Body": texts[number % len(texts)]}
                signature = "wrong" if bad else validator.compute_signature(f"{SITE}{PATH}", form)
                for _ in range(60):  # the provider's own retries, while the server is down
                    began = time.perf_counter()
                    try:
                        async with session.post(f"{server.url}{PATH}", data=form, headers={"X-Twilio-Signature": signature}) as answer:
                            statuses[answer.status] += 1
                            (times if began - server.ready_at > SETTLED else times_after_start).append((time.perf_counter() - began) * 1000)
                            if answer.status == 200:
                                accepted.add(person)
                            return
                    except aiohttp.ClientError:
                        await asyncio.sleep(1)

            began = time.monotonic()
            posting: list[asyncio.Task[None]] = []
            later: list[tuple[int, bool]] = []
            sent = number = 0
            kills = [round(webhooks * (kill + 1) / (KILLS + 1)) for kill in range(KILLS)]
            while sent < webhooks:
                if kills and sent >= kills[0]:
                    kills.pop(0)
                    await asyncio.to_thread(server.end, signal.SIGKILL)
                    await server.start(session)
                number, bad, twice = number + 1, chance.random() < 0.05, chance.random() < 0.25
                copies = 2 if twice and chance.random() < 0.5 else 1
                if twice and copies == 1:
                    later.append((number, bad))
                batch = [(number, bad)] * copies + ([later.pop(0)] if len(later) > 50 else [])
                for item in batch:
                    posting.append(asyncio.create_task(post(*item)))
                    sent += 1
                await asyncio.sleep(max(0, began + sent / rate - time.monotonic()) if not kills else len(batch) / rate)
            await asyncio.gather(*posting)
            posted = time.monotonic() - began
            states = await _until_done(state / "sms.sqlite")
            done = time.monotonic() - began
        await asyncio.to_thread(server.end, signal.SIGTERM)
    await runner.cleanup()
    answered = {person for person, count in provider.taken.items() if count}
    doubled = {person for person, count in provider.taken.items() if count > 1}
    print(f"{sent} webhooks in {posted:.0f} s; statuses {dict(statuses)}; {len(accepted)} messages accepted")
    for when, some in (("", times), (f" in the first {SETTLED} s after each start, when providers send all that they kept", times_after_start)):
        print(f"acknowledged after p50 {percentile(some, 50)} ms, p99 {percentile(some, 99)} ms{when} ({len(some)} webhooks)")
    print(f"all done after {done:.0f} s: {len(accepted) / done:.0f} messages a second; sends by state {dict(states)}")
    missing = accepted - answered
    print(f"answered {len(answered & accepted)}, doubled {len(doubled)}, not surely answered {len(missing)} (unknown sends: {states['unknown']})")
    if doubled or len(missing) > states["unknown"] + states["failed"]:
        raise Stop("A message was lost or doubled.")


async def _until_done(path: Path) -> Counter[str]:
    for _ in range(3000):
        with closing(sqlite3.connect(path)) as base:
            waiting = base.execute("SELECT COUNT(*) FROM accepted WHERE state = 'waiting'").fetchone()[0]
            states: Counter[str] = Counter(dict(base.execute("SELECT state, COUNT(*) FROM sends GROUP BY state").fetchall()))
        if not waiting and not states["due"] and not states["sending"]:
            return states
        await asyncio.sleep(0.2)
    raise Stop(f"{waiting} messages wait still; of the sends {dict(states)}")


def main() -> int:
    """Run the trial."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--webhooks", type=int, default=10_000)
    options.add_argument("--rate", type=float, default=200, help="webhooks a second (default 200)")
    given = options.parse_args()
    asyncio.run(trial(given.webhooks, given.rate))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Stop as stop:
        print(stop, file=sys.stderr)
        sys.exit(1)
