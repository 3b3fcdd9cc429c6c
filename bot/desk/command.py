"""The accounts of the desk from the command line: `python -m bot desk ACTION`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from getpass import getpass
from typing import TypeVar

import segno

from ..storage import installation_key, sealing_key, state_folder
from .accounts import FILE, SHORTEST_PASSWORD, Accounts, BadAccount, in_words

_Result = TypeVar("_Result")


def run(options: argparse.Namespace) -> int:
    """Do what was asked, and say what was done; BadAccount says what cannot be done."""
    _ACTIONS[options.action](options)
    return 0


def _with(work: Callable[[Accounts], Awaitable[_Result]]) -> _Result:
    """What work on the accounts gives. Nothing is asked of a person in it: an event loop keeps Ctrl+C from who is at a prompt."""
    path = state_folder() / FILE

    async def do() -> _Result:
        accounts = Accounts(path, sealing_key(installation_key()))
        try:
            return await work(accounts)
        finally:
            await accounts.close()

    try:
        return asyncio.run(do())
    except (OSError, sqlite3.Error) as error:
        raise BadAccount(f"{path} cannot be used ({error}); set CONFIDE_STATE to the folder in which the server keeps its state.") from error


def _add(options: argparse.Namespace) -> None:
    password = _password()
    _show(_with(lambda accounts: accounts.add(options.name, password, options.role)), options.name)


def _reset(options: argparse.Namespace) -> None:
    name = _with(lambda accounts: accounts.named(options.name))
    password = _password()
    _show(_with(lambda accounts: accounts.reset(name, password)), name)


def _remove(options: argparse.Namespace) -> None:
    name = _with(lambda accounts: accounts.named(options.name))
    _with(lambda accounts: accounts.remove(name))
    print(f"{name} is removed, and signed out everywhere.")


def _list(options: argparse.Namespace) -> None:
    found = _with(lambda accounts: accounts.accounts())
    if not found:
        print("There are no accounts, so there is no desk. Add the first: python -m bot desk add NAME --role editor")
    for account in found:
        seen = f"last here {in_words(account.seen)}" if account.seen else "never here yet"
        locked = f"; locked until {in_words(account.locked_until)}" if account.locked_until else ""
        print(f"{account.name}: {account.role}, added {in_words(account.made)}, {seen}{locked}")


def _audit(options: argparse.Namespace) -> None:
    for noted in reversed(_with(lambda accounts: accounts.audit(options.newest))):
        print("  ".join(filter(None, (in_words(noted.at), noted.name or "-", noted.what, noted.which))))


_ACTIONS: dict[str, Callable[[argparse.Namespace], None]] = {"add": _add, "reset": _reset, "remove": _remove, "list": _list, "audit": _audit}


def _password() -> str:
    """A password, asked for twice; from a pipe, its first line."""
    if not sys.stdin.isatty():
        try:
            return sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise BadAccount("The password is not UTF-8 text; give it as such.") from error
    try:
        password = getpass(f"Password (at least {SHORTEST_PASSWORD} letters): ")
        if len(password) >= SHORTEST_PASSWORD and getpass("The same again: ") != password:
            raise BadAccount("The two passwords differ; nothing was changed.")
    except (EOFError, KeyboardInterrupt) as error:
        print(file=sys.stderr)
        raise BadAccount("No password was given; nothing was changed.") from error
    return password


def _show(address: str, name: str) -> None:
    """The way into an authenticator app, and what to do next."""
    site = os.environ.get("CONFIDE_PUBLIC_URL") or f"http://127.0.0.1:{os.environ.get('PORT', '5005')}"
    with suppress(UnicodeEncodeError):  # a terminal without block letters still gets the address
        segno.make(address).terminal(compact=True)
    print(f"\n{address}\n")
    print(f"{name}: scan this with an authenticator app, or type its secret in. It is shown this once; who has it can make the codes.")
    print(f"Then sign in at {site.rstrip('/')}/desk/sign-in with the name, the password and the app's code.")
