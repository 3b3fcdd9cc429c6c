"""What the commands of `python -m bot` print, and what they say when they cannot go on."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, TODAY

from bot import commands
from bot.__main__ import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, mind: Any) -> Run:
    """Runs a command in this process, on the tests' day, with the model read once."""
    monkeypatch.setenv("CONFIDE_TODAY", TODAY.isoformat())
    monkeypatch.setattr(commands.mind, "of_model", lambda path: mind)

    def command(*arguments: object) -> tuple[int, str, str]:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return command


def one_sentence(error: str) -> None:
    assert error.strip()
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1, error


# --- ask ---


def test_a_question_is_answered_on_the_command_line_as_a_process_of_its_own() -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bot", "ask", "--json", "Is it safe to see a GP?"],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "CONFIDE_TODAY": TODAY.isoformat()}, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    reply = json.loads(result.stdout)
    assert (reply["topic"], reply["status"], reply["language"], reply["as_of"]) == ("ask_gp_safe", "answered", "en", "2026-11-22")


def test_an_answer_as_text_is_what_a_person_reads(run: Run) -> None:
    status, out, _ = run("ask", "--language", "en", "Is it safe to see a GP?")
    assert status == 0
    assert "GP care is free" in out
    assert "This is for England" in out
    assert "{" not in out


def test_an_answer_as_json_is_the_whole_reply_with_its_english(run: Run) -> None:
    _, out, _ = run("ask", "--json", "--language", "ar", "هل من الآمن زيارة الطبيب؟")
    reply = json.loads(out)
    assert (reply["language"], reply["direction"]) == ("ar", "rtl")
    assert "GP care is free" in " ".join(reply["english"])
    assert "GP care is free" not in " ".join(reply["paragraphs"])
    assert reply["sources"] and reply["people"]


def test_two_questions_give_a_list_of_two_replies(run: Run) -> None:
    _, out, _ = run("ask", "--json", "--language", "en", "my husband beats me and is it safe to see a GP?")
    assert [reply["topic"] for reply in json.loads(out)] == ["danger_abuse", "ask_gp_safe"]


@pytest.mark.parametrize(
    ("day", "outcome"),
    [("2016-12-31", "there was no agreement"), ("2017-01-01", "was in force"), ("2018-11-08", "still existed"), ("2018-11-09", "was withdrawn")],
)
def test_an_answer_can_be_asked_for_as_of_a_day(day: str, outcome: str, run: Run) -> None:
    _, out, _ = run("ask", "--json", "--language", "en", "--as-of", day, "what was the rule on data sharing then?")
    reply = json.loads(out)
    assert reply["as_of"] == day
    assert outcome in " ".join(reply["paragraphs"])


def test_an_answer_can_be_asked_for_a_nation(run: Run) -> None:
    _, out, _ = run("ask", "--json", "--language", "en", "--nation", "scotland", "Is it safe to see a GP?")
    reply = json.loads(out)
    assert reply["nation"] == "scotland"
    assert "This is for England" not in " ".join(reply["notes"])


def test_a_question_in_one_language_can_be_answered_in_another(run: Run) -> None:
    _, out, _ = run("ask", "--json", "--language", "fr", "Is it safe to see a GP?")
    reply = json.loads(out)
    assert reply["topic"] == "ask_gp_safe"
    assert reply["language"] == "fr" or reply["status"] == "not_translated"


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--as-of", "9 May 2018", "write 2018-05-09"),
        ("--as-of", "2018-02-30", "is no day"),
        ("--nation", "france", "invalid choice"),
        ("--language", "tlh", "is no language of ours; we speak en, am, ar"),
    ],
)
def test_an_option_that_cannot_be_used_is_said_with_what_to_write(option: str, value: str, says: str, run: Run) -> None:
    status, _, error = run("ask", option, value, "hello")
    assert status == 2
    assert says in error
    assert "Traceback" not in error


def test_without_a_model_the_command_says_how_to_get_one(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(commands, "MODELS", tmp_path)
    status, _, error = run("ask", "hello")
    assert status == 1
    assert "run 'make train'" in error
    one_sentence(error)


# --- evaluate and identify ---


def test_evaluate_counts_what_was_read_right_and_writes_the_figures(run: Run, tmp_path: Path) -> None:
    questions, out = tmp_path / "questions.tsv", tmp_path / "out.json"
    questions.write_text(
        "# a comment\n\nen\task_gp_safe\tIs it safe to see a GP?\nen\tcrisis_suicide\tI want to kill myself\r\nen\tthank\tI want to kill myself\n",
        encoding="utf-8",
    )
    status, table, _ = run("evaluate", questions, "--json", out)
    assert status == 0
    row = json.loads(out.read_text(encoding="utf-8"))["languages"]["en"]
    assert row["lines"] == 3
    assert row["top_1"] == pytest.approx(2 / 3)
    assert row["danger_recall"] == 1
    assert row["wrong"] == pytest.approx(1 / 3)
    assert row["answered"] + row["asked_back"] == pytest.approx(1)
    assert re.search(r"^en +3 +66\.7%", table, re.MULTILINE)
    assert "thank read as crisis_suicide" in table
    assert "ms a line" in table


def test_identify_counts_right_unsure_and_wrong(run: Run, tmp_path: Path) -> None:
    sentences, out = tmp_path / "sentences.tsv", tmp_path / "out.json"
    sentences.write_text(
        "ar\tهل من الآمن زيارة الطبيب؟\nes\t¿Es seguro ir al médico sin papeles?\nde\tDarf ich ohne Ausweis zum Arzt gehen?\nfr\t123\n",
        encoding="utf-8",
    )
    status, table, _ = run("identify", sentences, "--json", out)
    figures = json.loads(out.read_text(encoding="utf-8"))["languages"]
    assert status == 0
    assert figures["ar"]["right"] == figures["es"]["right"] == 1
    assert figures["fr"]["unsure"] == 1, "a text without letters is in no language"
    assert figures["de"]["right"] == 1, "a language that is not ours is told to be none of ours"
    for row in figures.values():
        assert row["right"] + row["unsure"] + row["wrong"] == pytest.approx(1)
    assert table.splitlines()[0].split() == ["lines", "right", "unsure", "wrong"]


GOOD = b"en\task_gp_safe\tIs it safe?\n"
BAD_FILES = {
    "spaces for tabs": (GOOD + b"en ask_gp_safe Is it safe?\n", 2, "write 3, with one tab between them"),
    "a tab too many": (GOOD + GOOD + b"en\task_gp_safe\tIs it\tsafe?\n", 3, "4 columns"),
    "no such topic": (GOOD + b"\n# a comment\nen\task_gp_saef\tIs it safe?\n", 4, "'ask_gp_saef' is no topic"),
    "an empty text": (GOOD + b"en\task_gp_safe\t \n", 2, "a column is empty"),
    "not UTF-8": (GOOD + b"fr\task_gp_safe\tm\xe9decin\n", 2, "save the file as UTF-8"),
    "nothing": (b"# only a comment\n", 1, "has no lines"),
}


@pytest.mark.parametrize(("content", "line", "says"), BAD_FILES.values(), ids=list(BAD_FILES))
def test_a_file_of_questions_that_cannot_be_used_is_refused_with_its_line(content: bytes, line: int, says: str, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.tsv"
    path.write_bytes(content)
    status, out, error = run("evaluate", path)
    assert (status, out) == (1, "")
    assert says in error
    assert re.search(rf"bad\.tsv\D+{line}\b", error), f"the line {line} is not named: {error}"
    one_sentence(error)


@pytest.mark.parametrize("content", [b"ar hello\n", b"ar\task_gp_safe\thello\n", b""], ids=["no tab", "three columns", "empty"])
def test_a_file_of_sentences_that_cannot_be_used_is_refused_with_its_line(content: bytes, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.tsv"
    path.write_bytes(content)
    status, _, error = run("identify", path)
    assert status == 1
    assert re.search(r"bad\.tsv\D+1\b", error)
    one_sentence(error)


@pytest.mark.parametrize("command", ["evaluate", "identify"])
def test_a_file_that_is_not_there_is_said_to_be_not_there(command: str, run: Run, tmp_path: Path) -> None:
    status, _, error = run(command, tmp_path / "none.tsv")
    assert status == 1
    assert "none.tsv" in error and "not there" in error
    one_sentence(error)


def test_figures_that_cannot_be_written_are_said_to_be_so(run: Run, tmp_path: Path) -> None:
    questions = tmp_path / "questions.tsv"
    questions.write_bytes(GOOD)
    status, _, error = run("evaluate", questions, "--json", tmp_path / "no folder" / "out.json")
    assert status == 1
    assert "could not be written" in error
    one_sentence(error)


# --- check and serve ---


def test_check_lists_what_a_person_must_look_at(run: Run) -> None:
    status, out, _ = run("check")
    assert status == 0
    assert re.match(r"The data holds together: \d+ events, \d+ rules, \d+ facts, \d+ services and clinics, 55 topics\.", out)
    assert "Past their review day" in out
    assert "To be checked by a person before launch" in out
    assert "Held but never said" in out


def test_what_is_past_its_review_day_is_listed_on_that_day(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIDE_TODAY", "2036-01-01")
    _, out, _ = run("check")
    overdue = re.search(r"Past their review day \((\d+)\)", out)
    assert overdue and int(overdue[1]) > 10
    assert re.search(r"data/facts: gp-anyone-england: due 20\d\d-\d\d-\d\d", out)


def test_a_port_in_use_is_said_in_one_sentence_with_what_to_do(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, _, error = run("serve", "--port", port)
    assert status == 1
    assert f"Port {port} is in use" in error and "PORT=5006 make run" in error
    one_sentence(error)


@pytest.mark.parametrize(("options", "says"), [(("--port", 70000), "is no port"), (("--host", "203.0.113.7", "--port", 5999), "cannot be used")])
def test_an_address_that_cannot_be_used_is_said_in_one_sentence(options: tuple[object, ...], says: str, run: Run) -> None:
    status, _, error = run("serve", *options)
    assert status == 1
    assert says in error
    one_sentence(error)


def test_a_command_that_is_none_is_refused_with_the_commands(run: Run) -> None:
    status, _, error = run("answer")
    assert status == 2
    assert "ask" in error and "serve" in error
