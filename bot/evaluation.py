"""How well messages are understood, and languages told apart: figures on questions that nothing was trained on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sklearn.metrics import f1_score

from . import house, languages
from .dialogue import FALLBACK, Context
from .identify import OTHER, base
from .knowledge import BadData
from .mind import Mind
from .reading import read


@dataclass(frozen=True)
class Question:
    """A held-out question: its language, the topic it is about, its text."""

    language: str
    topic: str
    text: str


@dataclass(frozen=True)
class Report:
    """Figures as JSON's types, and the same as a table to read."""

    figures: dict[str, Any]
    text: str


def _rows(path: Path, columns: int) -> list[list[str]]:
    if not path.is_file():
        raise BadData(path, 1, "the file is not there", "give a file of tab-separated lines")
    rows = []
    for number, content in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            line = content.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r")
        except UnicodeDecodeError as error:
            raise BadData(path, number, "the line is not UTF-8", "save the file as UTF-8") from error
        if not line.strip() or line.startswith("#"):
            continue
        row = line.split("\t")
        if len(row) != columns:
            raise BadData(path, number, f"the line has {len(row)} columns", f"write {columns}, with one tab between them")
        if not all(cell.strip() for cell in row):
            raise BadData(path, number, "a column is empty", f"write {columns}, with one tab between them")
        if columns == 3 and row[1] not in house.knowledge().topics:
            raise BadData(path, number, f"{row[1]!r} is no topic", "write the name of a file in data/answers, such as ask_gp_safe")
        rows.append(row)
    if not rows:
        raise BadData(path, 1, "the file has no lines", "write one question a line")
    return rows


def read_questions(path: Path) -> list[Question]:
    """The lines LANGUAGE<TAB>TOPIC<TAB>TEXT of a file; BadData for a line that is not so."""
    return [Question(*row) for row in _rows(path, 3)]


def read_sentences(path: Path) -> list[tuple[str, str]]:
    """The lines LANGUAGE<TAB>TEXT of a file; BadData for a line that is not so."""
    return [(language, text) for language, text in _rows(path, 2)]


def evaluate(questions: Sequence[Question], mind: Mind) -> Report:
    """Accuracy, macro-F1, danger recall, and what is answered, asked back and wrong, for each language.

    `top-1` is the best topic whether or not it is sure; `answered` is what a person would be told at the start of a
    conversation, so `wrong` is the share that would get the answer to another question.
    """
    began = time.perf_counter()
    readings = [read(question.text, Context(language=languages.supported(question.language)), mind, house.today()) for question in questions]
    milliseconds = (time.perf_counter() - began) * 1000 / len(questions)
    figures: dict[str, Any] = {"languages": {}, "milliseconds_a_line": round(milliseconds, 2), "questions": len(questions)}
    lines = [f"{'':8}{'lines':>6}{'top-1':>8}{'top-3':>8}{'macroF1':>9}{'danger':>8}{'alarms':>8}{'answered':>10}{'asked back':>12}{'wrong':>7}"]
    names = sorted({question.language for question in questions})
    for language in (*names, "all"):
        chosen = [(q, r) for q, r in zip(questions, readings) if language in ("all", q.language)]
        row = _row(chosen, mind)
        figures["languages"][language] = row
        lines.append(
            f"{language:8}{row['lines']:>6}{row['top_1']:>8.1%}{row['top_3']:>8.1%}{row['macro_f1']:>9.3f}"
            f"{_percent(row['danger_recall']):>8}{_percent(row['false_alarms']):>8}{row['answered']:>10.1%}{row['asked_back']:>12.1%}{row['wrong']:>7.1%}"
        )
    per_language = [row for name, row in figures["languages"].items() if name != "all"]
    figures["macro_top_1"] = sum(row["top_1"] for row in per_language) / len(per_language)
    confusions = Counter((q.topic, _best(r)) for q, r in zip(questions, readings) if _best(r) != q.topic)
    figures["confusions"] = [{"asked": asked, "read_as": got, "times": times} for (asked, got), times in confusions.most_common(15)]
    lines += ["", f"macro top-1 over languages: {figures['macro_top_1']:.1%}; {milliseconds:.1f} ms a line", "", "Most confused:"]
    lines += [f"  {item['times']:>3} x {item['asked']} read as {item['read_as']}" for item in figures["confusions"]]
    return Report(figures, "\n".join(lines))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _best(reading: Any) -> str:
    """The best topic, whether it was sure enough to be answered or not."""
    if reading.precaution or (reading.intent == FALLBACK and reading.ranking):
        return str(reading.ranking[0][0])
    return str(reading.intent)


def _row(chosen: Sequence[tuple[Question, Any]], mind: Mind) -> dict[str, Any]:
    truth = [question.topic for question, _ in chosen]
    best = [_best(reading) for _, reading in chosen]
    right = [want == got for want, got in zip(truth, best)]
    answered = [FALLBACK not in (reading.intent, reading.also) for _, reading in chosen]
    told = [question.topic in (reading.intent, reading.also) for question, reading in chosen]
    danger = [(question, reading) for question, reading in chosen if question.topic in mind.knowledge.critical]
    calm = [(question, reading) for question, reading in chosen if question.topic not in mind.knowledge.critical]
    top_3 = [question.topic in {_best(reading), *(name for name, _ in reading.ranking[:3])} for question, reading in chosen]
    count = len(chosen)
    return {
        "lines": count,
        "top_1": sum(right) / count,
        "top_3": sum(top_3) / count,
        "macro_f1": float(f1_score(truth, best, average="macro", labels=sorted(set(truth)))),
        "danger_recall": sum(reading.intent in mind.knowledge.critical for _, reading in danger) / len(danger) if danger else None,
        "false_alarms": sum(reading.intent in mind.knowledge.critical for _, reading in calm) / len(calm) if calm else None,
        "answered": sum(answered) / count,
        "asked_back": 1 - sum(answered) / count,
        "wrong": sum(yes and not ok for yes, ok in zip(answered, told)) / count,
    }


def _ours(language: str, ours: Collection[str]) -> str:
    return language if language in ours else OTHER


def identify(sentences: Sequence[tuple[str, str]], mind: Mind) -> Report:
    """Accuracy of language identification and the share of "unsure", for each language."""
    began = time.perf_counter()
    guesses = [mind.identifier.guess(text) for _, text in sentences]
    milliseconds = (time.perf_counter() - began) * 1000 / len(sentences)
    ours = set(languages.languages())
    figures: dict[str, Any] = {"languages": {}, "milliseconds_a_line": round(milliseconds, 3)}
    lines = [f"{'':8}{'lines':>6}{'right':>8}{'unsure':>8}{'wrong':>8}"]
    for language in (*sorted({language for language, _ in sentences}), "all"):
        chosen = [(want, guess) for (want, _), guess in zip(sentences, guesses) if language in ("all", want)]
        right = sum(guess is not None and guess.sure and _ours(guess.language, ours) == _ours(base(want), ours) for want, guess in chosen)
        unsure = sum(guess is None or not guess.sure for _, guess in chosen)
        row = {"lines": len(chosen), "right": right / len(chosen), "unsure": unsure / len(chosen)}
        row["wrong"] = 1 - row["right"] - row["unsure"]
        figures["languages"][language] = row
        lines.append(f"{language:8}{row['lines']:>6}{row['right']:>8.1%}{row['unsure']:>8.1%}{row['wrong']:>8.1%}")
    return Report(figures, "\n".join(lines))
