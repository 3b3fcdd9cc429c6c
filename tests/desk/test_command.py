"""Who may use the desk, from the command line."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT
from pyotp import TOTP, parse_uri

from bot.__main__ import main
from bot.desk import command
from bot.desk.accounts import Accounts, NotEntered
from bot.storage import sealing_key

from .conftest import PASSWORD

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `desk` in this process, with a state folder of its own and its first argument on standard input."""
    monkeypatch.setenv("CONFIDE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CONFIDE_KEY", "a key of this test")
    monkeypatch.delenv("CONFIDE_PUBLIC_URL", raising=False)

    def desk(typed: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        status = main(["desk", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return desk


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Answers to the questions at a terminal."""

    def answers(*given: str | BaseException) -> None:
        left = iter(given)

        def ask(_: str) -> str:
            answer = next(left)
            if isinstance(answer, BaseException):
                raise answer
            return answer

        monkeypatch.setattr(command.sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
        monkeypatch.setattr(command, "getpass", ask)

    return answers


async def enters(state: Path, name: str, password: str, said: str) -> bool:
    """Whether somebody who read what the command said gets in."""
    (address,) = [line for line in said.splitlines() if line.startswith("otpauth://")]
    app = parse_uri(address)
    assert isinstance(app, TOTP)
    accounts = Accounts(state / "desk.sqlite", sealing_key("a key of this test"))
    try:
        return await accounts.session(await accounts.enter(name, password, app.now())) is not None
    except NotEntered:
        return False
    finally:
        await accounts.close()


def one_sentence(error: str) -> None:
    assert len(error.strip().splitlines()) == 1, error
    assert "Traceback" not in error


def test_an_account_is_added_with_a_code_to_scan_and_the_way_to_the_desk(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIDE_PUBLIC_URL", "https://chat.example.org/")
    status, said, errors = run(f"{PASSWORD}\n", "add", "Anna", "--role", "editor")
    assert (status, errors) == (0, "")
    assert "█" in said
    assert "otpauth://totp/Confide%20desk:Anna?secret=" in said
    assert "https://chat.example.org/desk/sign-in" in said
    assert PASSWORD not in said
    status, said, _ = run("", "list")
    assert status == 0
    assert said.startswith("Anna: editor, added ")
    assert "never here yet" in said


async def test_who_was_added_gets_in_and_after_a_reset_only_anew(tmp_path: Path) -> None:
    def desk(typed: str, *arguments: str) -> str:
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "bot", "desk", *arguments], input=typed, cwd=ROOT, capture_output=True, text=True, timeout=60,
            env={**os.environ, "CONFIDE_STATE": str(tmp_path), "CONFIDE_KEY": "a key of this test", "PYTHONUTF8": "1"}, check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        return result.stdout

    first = desk(f"{PASSWORD}\n", "add", "Anna")
    assert await enters(tmp_path, "Anna", PASSWORD, first)
    second = desk("another four words\n", "reset", "anna")
    assert not await enters(tmp_path, "Anna", PASSWORD, first)
    assert await enters(tmp_path, "Anna", "another four words", second)
    assert "Anna is removed" in desk("", "remove", "ANNA")
    assert not await enters(tmp_path, "Anna", "another four words", second)
    assert [line.split("  ")[1:] for line in desk("", "audit").splitlines()] == [
        ["Anna", "account added", "volunteer"],
        ["Anna", "signed in"],
        ["Anna", "account reset"],
        ["Anna", "sign-in refused"],
        ["Anna", "signed in"],
        ["Anna", "account removed"],
        ["-", "sign-in refused", "no such account"],
    ]
    assert len(desk("", "audit", "--newest", "2").splitlines()) == 2


def test_at_a_terminal_the_password_is_asked_for_twice(run: Run, at_a_terminal: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    run("", "list")
    at_a_terminal(PASSWORD, PASSWORD)
    assert main(["desk", "add", "Anna"]) == 0
    assert "otpauth://" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((PASSWORD, "four words make in"), "differ"),
        (("short",), "at least 12"),
        ((KeyboardInterrupt(),), "No password"),
        ((EOFError(),), "No password"),
    ],
    ids=["they differ", "too short", "interrupted", "nothing"],
)
def test_a_password_that_cannot_be_used_is_said_in_one_sentence_and_changes_nothing(
    given: tuple[str | BaseException, ...], says: str, run: Run, at_a_terminal: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    run("", "list")
    at_a_terminal(*given)
    assert main(["desk", "add", "Anna"]) == 1
    error = capsys.readouterr().err
    one_sentence(error)
    assert says in error
    assert "There are no accounts" in run("", "list")[1]


@pytest.mark.parametrize(
    ("typed", "arguments", "says"),
    [
        ("", ("add", "Bo"), "at least 12"),
        (f"{PASSWORD}\n", ("add", "Bo:"), "no name for an account"),
        (f"{PASSWORD}\n", ("add", "anna"), "already"),
        (f"{PASSWORD}\n", ("reset", "Bo"), "no account named 'Bo'"),
        ("", ("remove", "Bo"), "no account named 'Bo'"),
    ],
    ids=["no password", "malformed", "taken", "reset of nobody", "removal of nobody"],
)
def test_what_cannot_be_done_is_said_in_one_sentence(typed: str, arguments: tuple[str, ...], says: str, run: Run) -> None:
    run(f"{PASSWORD}\n", "add", "Anna")
    status, said, error = run(typed, *arguments)
    assert (status, said) == (1, "")
    one_sentence(error)
    assert says in error


def test_a_state_folder_that_cannot_be_used_is_said_with_what_to_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIDE_STATE", "/dev/null/state")
    status, _, error = run("", "list")
    assert status == 1
    one_sentence(error)
    assert "CONFIDE_STATE" in error


def test_without_accounts_the_list_says_how_to_add_one(run: Run) -> None:
    assert "desk add NAME" in run("", "list")[1]
