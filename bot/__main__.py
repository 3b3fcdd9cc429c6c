"""Confide from the command line: `python -m bot COMMAND`; `python -m bot COMMAND --help` says what each takes."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from pathlib import Path

from . import languages
from .knowledge import NATIONS, BadData


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write 2018-05-09") from error


def _language(text: str) -> str:
    language = languages.supported(text)
    if language is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no language of ours; we speak {', '.join(languages.languages())}")
    return language


def parser() -> argparse.ArgumentParser:
    """The commands and what they take."""
    commands = argparse.ArgumentParser(prog="python -m bot", description=__doc__)
    add = commands.add_subparsers(dest="command", required=True, metavar="COMMAND")
    ask = add.add_parser("ask", help="compose one reply, without a server")
    ask.add_argument("text")
    ask.add_argument("--language", type=_language)
    ask.add_argument("--nation", choices=NATIONS)
    ask.add_argument("--as-of", type=_day, metavar="YYYY-MM-DD", help="the day to speak for; today when left out")
    ask.add_argument("--json", action="store_true", help="the whole reply, its English included")
    evaluate = add.add_parser("evaluate", help="measure understanding on lines LANGUAGE<TAB>TOPIC<TAB>TEXT")
    evaluate.add_argument("file", type=Path)
    evaluate.add_argument("--json", type=Path, metavar="OUT")
    identify = add.add_parser("identify", help="measure language identification on lines LANGUAGE<TAB>TEXT")
    identify.add_argument("file", type=Path)
    identify.add_argument("--json", type=Path, metavar="OUT")
    train = add.add_parser("train", help="train what changed")
    train.add_argument("--force", action="store_true", help="train even if nothing changed")
    serve = add.add_parser("serve", help="serve the chat page and the channels")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=int(os.environ.get("PORT", "5005")))
    add.add_parser("check", help="check the data; list what is due for review and what a person must check before launch")
    channels = add.add_parser("channels", help="check how SMS and WhatsApp are set up, or list what answers cost to send")
    channels.add_argument("action", choices=["check", "costs"])
    channels.add_argument("--price", type=float, default=0.04, help="of a segment, in pounds (default: %(default)s)")
    desk = add.add_parser("desk", help="who may use the volunteers' desk, and what was done there")
    actions = desk.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, what in (
        ("add", "add an account"),
        ("reset", "give an account a new password and a new code, and lift its lock"),
        ("remove", "remove an account"),
    ):
        account = actions.add_parser(action, help=what)
        account.add_argument("name")
        if action == "add":
            account.add_argument("--role", choices=["volunteer", "editor"], default="volunteer", help="(default: %(default)s)")
    actions.add_parser("list", help="list the accounts")
    audit = actions.add_parser("audit", help="list what was done: who came and went, and what they did, without content")
    audit.add_argument("--newest", type=int, default=200, help="how many entries (default: %(default)s)")
    catalogues = add.add_parser(
        "catalogues", help="translations: compile, bring up to date with the English, report, or list those that may say something else"
    )
    catalogues.add_argument("action", choices=["compile", "update", "report", "similar"])
    review = add.add_parser("review", help="take in the marks that a reviewer of a translation saved from its sheet (build/review)")
    review.add_argument("language", type=_language)
    review.add_argument("marks", type=Path, metavar="MARKS.csv")
    review.add_argument("--by", required=True, help="the reviewer, as the catalogue is to name them")
    return commands


def main(arguments: list[str] | None = None) -> int:
    """Run a command; its exit status. A fault in the data is said in one line, with file and line."""
    options = parser().parse_args(arguments)
    from . import commands

    try:
        status: int = getattr(commands, options.command)(options)
        return status
    except BadData as error:
        print(f"A data file cannot be used. {error}", file=sys.stderr)
    except commands.Stop as error:
        print(error, file=sys.stderr)
    except BrokenPipeError:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
