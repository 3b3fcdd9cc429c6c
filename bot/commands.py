"""What each command of `python -m bot` does."""

from __future__ import annotations

import argparse
import asyncio
import errno
import hashlib
import json
import logging
import os
import socket
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

from . import catalogues as catalogue_tools
from . import evaluation, house, languages, mind
from . import review as reviewing
from .dialogue import Context, respond
from .knowledge import Fact, Service, before_launch, due
from .privacy import log_without_words
from .reading import read
from .storage import InUse
from .without_tensorflow import import_rasa_without_tensorflow

MODELS = house.ROOT / "models"
# What a trained model depends on. The answers are not among it: they are read at start.
_TRAINED_FROM = ("data/nlu/*.yml", "data/identify/*.yml", "data/dialogue/*.yml", "config.yml", "domain.yml", "requirements.lock")
_TRAINED_BY = (
    "understanding.py",
    "orthography.py",
    "identify.py",
    "embeddings.py",
    "encoder.py",
    "grams.py",
    "linear.py",
    "text.py",
    "importer.py",
    "nlu.py",
    "policy.py",
    "mind.py",
    "examples.py",
)


class Stop(Exception):
    """A command cannot go on: the message says why and what to do."""


def _fingerprint() -> str:
    digest = hashlib.sha256()
    paths = [path for pattern in _TRAINED_FROM for path in sorted(house.ROOT.glob(pattern))]
    paths += [house.ROOT / "bot" / name for name in _TRAINED_BY]
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for topic in house.knowledge().topics:
        digest.update(f"{topic} {house.knowledge().answers[topic].action} {house.knowledge().answers[topic].critical}\n".encode())
    return digest.hexdigest()[:16]


def model_path() -> Path:
    """The model for the data as it is now; it need not be there yet."""
    return MODELS / f"confide-{_fingerprint()}.tar.gz"


def _model() -> Path:
    path = model_path()
    if not path.is_file():
        raise Stop("There is no model for this data yet; run 'make train'.")
    return path


def _quieten() -> None:
    """Keep other packages' notes to their developers, and Rasa's account of every message, out of what is printed."""
    log_without_words()
    # Some packages reset the filters as they are imported; none replaces this.
    warnings.showwarning = lambda *_arguments, **_named: None


def train(options: argparse.Namespace) -> int:
    """Compile the catalogues and train, each only if something changed."""
    for language in catalogue_tools.compile_all():
        print(f"Compiled the catalogue of {languages.own_name(language)} ({language}).")
    languages.languages.cache_clear()
    path = model_path()
    if path.is_file() and not options.force:
        print("The model is up to date; nothing to train.")
        return 0
    began = time.monotonic()
    print("Training: reading the examples, learning topics and languages. This takes a few minutes.", flush=True)
    _quieten()
    logging.disable(logging.WARNING)
    os.environ["LOG_LEVEL"] = "WARNING"  # Rasa then draws no progress bars of its own
    import_rasa_without_tensorflow()
    from rasa.model_training import train as train_model

    result = train_model(
        domain=str(house.ROOT / "domain.yml"),
        config=str(house.ROOT / "config.yml"),
        training_files=[str(house.DATA / "dialogue")],
        output=str(MODELS),
        fixed_model_name=path.name.removesuffix(".tar.gz"),
        force_training=True,
    )
    logging.disable(logging.NOTSET)
    if result.code or not path.is_file():
        raise Stop("Training failed; the lines above say where. Correct the data and run 'make train' again.")
    for old in MODELS.glob("confide-*.tar.gz"):
        if old != path:
            old.unlink()
    print(f"Trained in {time.monotonic() - began:.0f} s.")
    return 0


def serve(options: argparse.Namespace) -> int:
    """Serve until stopped."""
    path = _model()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Stop(f"Port {options.port} is in use. Stop the other program, or choose a port: PORT=5006 make run.") from error
            raise Stop(f"{options.host}:{options.port} cannot be used ({error.strerror}). Choose another: PORT=5006 make run.") from error
        except OverflowError as error:
            raise Stop(f"{options.port} is no port; choose one from 1024 to 65535: PORT=5006 make run.") from error
    _quieten()
    for name in ("rasa", "sanic.access", "sanic.root", "asyncio", "apscheduler", "matplotlib"):
        logging.getLogger(name).setLevel(logging.WARNING)
    os.chdir(house.ROOT)
    sys.path.insert(0, str(house.ROOT))
    import_rasa_without_tensorflow()
    from rasa.core.run import serve_application
    from rasa.core.utils import AvailableEndpoints

    from .channels.messaging import NotSetUp

    print(f"Confide is starting. The chat will be at http://{options.host}:{options.port}/chat", flush=True)
    try:
        serve_application(
            str(path),
            interface=options.host,
            port=options.port,
            credentials=str(house.ROOT / "credentials.yml"),
            endpoints=AvailableEndpoints.read_endpoints(str(house.ROOT / "endpoints.yml")),
            enable_api=False,
        )
    except (InUse, NotSetUp) as error:
        raise Stop(str(error)) from error
    return 0


def ask(options: argparse.Namespace) -> int:
    """Compose one reply and print it."""
    knowledge = house.knowledge()
    today = house.today()
    day = options.as_of or today
    context = Context(language=options.language, nation=options.nation)
    reading = read(options.text, context, mind.of_model(_model()), today)
    if options.language:
        reading = replace(reading, language=options.language, foreign=None)
    replies = respond(knowledge, reading, context, max(today, day), as_of=day)
    if options.json:
        whole = [reply.as_json() for reply in replies]
        print(json.dumps(whole[0] if len(whole) == 1 else whole, ensure_ascii=False, indent=2))
    else:
        print("\n\n".join(reply.text for reply in replies))
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Measure understanding on a file and print the table."""
    report = evaluation.evaluate(evaluation.read_questions(options.file), mind.of_model(_model()))
    return _report(report, options.json)


def identify(options: argparse.Namespace) -> int:
    """Measure language identification on a file and print the table."""
    report = evaluation.identify(evaluation.read_sentences(options.file), mind.of_model(_model()))
    return _report(report, options.json)


def _report(report: evaluation.Report, out: Path | None) -> int:
    print(report.text)
    if out:
        try:
            out.write_text(json.dumps(report.figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise Stop(f"The figures could not be written to {out} ({error.strerror}). Give a file in a folder that is there.") from error
    return 0


def check(options: argparse.Namespace) -> int:
    """Check the data and list what needs a person's eyes."""
    knowledge = house.knowledge()
    told = sum(event.confidence == "seen" for event in knowledge.events.values())
    print(f"The data holds together: {told} events, {len(knowledge.rules)} rules, {len(knowledge.facts)} facts, "
          f"{len(knowledge.services)} services and clinics, {len(knowledge.topics)} topics.")  # fmt: skip
    overdue = due(knowledge, house.today())
    print(f"\nPast their review day ({len(overdue)}): replies that rest on them say so.")
    for thing in overdue:
        print(f"  {_where(thing)}: due {thing.review_by}")
    waiting = before_launch(knowledge)
    print(f"\nTo be checked by a person before launch ({len(waiting)}):")
    for thing in waiting:
        print(f"  {_where(thing)}")
    unverified = [event.name for event in knowledge.events.values() if event.confidence == "unverified"]
    unverified += [fact.name for fact in knowledge.facts.values() if fact.confidence == "unverified"]
    unverified += [service.name for service in knowledge.services.values() if service.confidence == "unverified"]
    print(f"\nHeld but never said, because no source was seen ({len(unverified)}): {', '.join(unverified)}")
    return 0


def _where(thing: Fact | Service) -> str:
    folder = "facts" if isinstance(thing, Fact) else "services or clinics"
    return f"data/{folder}: {thing.name}"


def catalogues(options: argparse.Namespace) -> int:
    """Compile the catalogues, bring them up to date with the English, or say what they lack."""
    if options.action == "compile":
        compiled = catalogue_tools.compile_all()
        print(f"Compiled: {', '.join(compiled) or 'nothing had changed'}.")
        return 0
    if options.action == "similar":
        return _similar()
    knowledge = house.knowledge()
    lacking_anywhere = False
    for language in languages.languages()[1:]:
        catalogue = catalogue_tools.update(knowledge, language) if options.action == "update" else catalogue_tools.read(language)
        lacking = catalogue_tools.missing(catalogue, knowledge)
        lacking_anywhere = lacking_anywhere or bool(lacking)
        counts = reviewing.states(catalogue, knowledge)
        print(f"{language}: {counts['reviewed']} reviewed, {counts['drafted']} drafted, {counts['stale']} to translate or to look at again.")
        for message in lacking[:10]:
            print(f"  {message.locations[0][0]}: {str(message.id)[:70]}")
        if options.action == "update" and counts["drafted"]:
            path = house.ROOT / "build" / "review" / f"{language}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(reviewing.sheet(knowledge, language), encoding="utf-8")
    if options.action == "update":
        print("\nTranslate what is empty or fuzzy in locales/<language>/LC_MESSAGES/messages.po, in any PO editor; until then it is withheld.")
        print("Give reviewers build/review/<language>.html; take in what they save: python -m bot review <language> marks.csv --by NAME.")
    return int(lacking_anywhere and options.action == "report")


def channels(options: argparse.Namespace) -> int:
    """Check how the channels are set up, or list what answers cost to send."""
    import_rasa_without_tensorflow()
    from .channels import check as channel_check

    if options.action == "costs":
        rows = list(channel_check.costs(house.knowledge(), house.today()))
        for topic, language, messages, segments in rows:
            print(f"{topic:24}{language:9}{messages:>3} messages{segments:>4} segments  £{segments * options.price:.2f}")
        mean = sum(segments for *_, segments in rows) / len(rows)
        print(
            f"\nA first answer costs {mean:.1f} segments on average, £{mean * options.price:.3f}; the most is {max(row[3] for row in rows)} segments."
        )
        return 0
    wrong = False
    for name, problems in asyncio.run(channel_check.problems()).items():
        print(f"{name}: {'off' if problems is None else 'ready' if not problems else 'not ready'}")
        for problem in problems or ():
            wrong = True
            print(f"  {problem}")
    return int(wrong)


def desk(options: argparse.Namespace) -> int:
    """Add, remove, renew or list the accounts of the desk, or list what was done there."""
    from .desk import command
    from .desk.accounts import BadAccount

    try:
        return command.run(options)
    except BadAccount as error:
        raise Stop(str(error)) from error


def _similar() -> int:
    found = False
    for language in languages.languages()[1:]:
        print(f"{language}:")
        for margin, english, translation in reviewing.least_similar(language, 5):
            wrong = margin < reviewing.LIKELY_WRONG
            found = found or wrong
            print(f"  {margin:+.2f}{' likely wrong' if wrong else ''}: {english[:60]} | {translation[:60]}")
    return int(found)


def review(options: argparse.Namespace) -> int:
    """Take in a reviewer's marks."""
    taken = reviewing.take_in(house.knowledge(), options.language, options.marks, options.by, house.today())
    print(f"{taken.reviewed} translations are reviewed now. {taken.outdated} marks are of sentences that have changed since.")
    for english, words in taken.suggestions:
        print(f"  {english[:70]}\n    {words}")
    return 0
