"""A data folder that cannot be used is refused at start, with the file, the line, what is wrong and what to write."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import house
from bot.examples import read_examples, read_other_languages
from bot.knowledge import BadData, load


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(house.DATA, tmp_path / "data"))


@dataclass(frozen=True)
class Break:
    """One thing done to one file, and what the editor must be told."""

    name: str
    file: str
    old: str  # "" adds at the end
    new: str
    line_of: str  # the message names the line on which this stands, "" any line
    wrong: str
    write: str

    def do(self, data: Path) -> None:
        path = data / self.file
        text = path.read_text(encoding="utf-8")
        assert self.old in text, f"{self.file} no longer holds {self.old!r}; mend this test"
        path.write_text(text.replace(self.old, self.new, 1) if self.old else text + self.new, encoding="utf-8")

    def line(self, data: Path) -> int | None:
        lines = (data / self.file).read_text(encoding="utf-8").splitlines()
        return next((number for number, line in enumerate(lines, 1) if self.line_of in line), 1) if self.line_of else None


EVENT = "policy/events/2018-11-09-mou-withdrawn.yml"
RULE = "policy/rules/mou_status.yml"
FACT = "facts/gp-anyone-england.yml"
SERVICE = "services/dotw-advice-line.yml"
ANSWER = "answers/ask_gp_cost.yml"
RULED = "answers/ask_mou_now.yml"
LONG_QUOTE = " ".join(["word"] * 26)

BREAKS = [
    Break(
        "an-unverified-fact-is-used",
        ANSWER,
        "facts: [gp-anyone-england, nhs-debt-report]",
        "facts: [gp-anyone-england, prescriptions-unverified]",
        "prescriptions-unverified",
        "does not hold as seen",
        "did you mean 'prescriptions'?",
    ),
    Break(
        "an-unknown-fact-is-used",
        ANSWER,
        "facts: [gp-anyone-england, nhs-debt-report]",
        "facts: [gp-anyone-englnd]",
        "gp-anyone-englnd",
        "it uses a fact 'gp-anyone-englnd'",
        "did you mean 'gp-anyone-england'?",
    ),
    Break(
        "an-unverified-event-is-used",
        ANSWER,
        "events: [2015-04-06-charging-regulations]",
        "events: [2025-data-use-and-access-act]",
        "2025-data-use-and-access-act",
        "does not hold as seen",
        "another",
    ),
    Break(
        "an-unknown-service-is-named",
        ANSWER,
        "people: [dotw-advice-line, law-centre-ni]",
        "people: [dotw-advice-lines]",
        "dotw-advice-lines",
        "a service or clinic 'dotw-advice-lines'",
        "did you mean 'dotw-advice-line'?",
    ),
    Break(
        "an-unknown-topic-is-offered",
        ANSWER,
        "then: [ask_prescription_cost",
        "then: [ask_prescripton_cost",
        "ask_prescripton_cost",
        "a topic 'ask_prescripton_cost'",
        "did you mean 'ask_prescription_cost'?",
    ),
    Break(
        "an-unknown-rule-is-used", RULED, "when: {mou_status: none}", "when: {mou_statu: none}", "mou_statu:", "a rule 'mou_statu'", "'mou_status'"
    ),
    Break(
        "an-unknown-outcome-is-used",
        RULED,
        "when: {mou_status: none}",
        "when: {mou_status: nothing}",
        "nothing",
        "an outcome of mou_status 'nothing'",
        "mou_status.yml/nothing.yml",
    ),
    Break(
        "an-answer-is-silent-for-an-outcome",
        RULED,
        "when: {mou_status: paused}",
        "when: {mou_status: narrowed}",
        "mou_status",
        "is silent when it is 'paused' in england",
        "add a paragraph with 'when: {mou_status: paused}'",
    ),
    Break(
        "an-answer-is-silent-for-a-nation",
        "answers/ask_prescription_cost.yml",
        "- nations: [wales]",
        "- nations: [scotland]",
        "",
        "it says nothing for wales",
        "add a paragraph with that nation",
    ),
    Break(
        "an-unknown-placeholder-is-used",
        ANSWER,
        "{dotw_advice_line}",
        "{dotw_advice_lin}",
        "dotw_advice_lin}",
        "a placeholder 'dotw_advice_lin'",
        "did you mean 'dotw_advice_line'?",
    ),
    Break("a-brace-is-left-open", ANSWER, "{dotw_advice_line}", "{dotw_advice_line", "", "a brace is not part of a placeholder", "'{since}'"),
    Break("a-placeholder-is-empty", ANSWER, "{dotw_advice_line}", "{}", "", "a brace is not part of a placeholder", "'{since}'"),
    Break(
        "since-is-said-of-no-rule",
        ANSWER,
        "seeing an NHS GP is free",
        "since {since} seeing an NHS GP is free",
        "{since}",
        "a placeholder 'since'",
        "data/services",
    ),
    Break(
        "a-message-has-a-stray-brace",
        "messages.yml",
        "not about today.",
        "not about {today.",
        "",
        "a brace is not part of a placeholder",
        "'{since}'",
    ),
    Break(
        "a-figure-has-no-source",
        ANSWER,
        "is free for everyone, with or without papers. A visit",
        "is free for 987 people. A visit",
        "is free for 987",
        "a paragraph says '987'",
        "name the one that does under 'facts', 'events' or 'services'",
    ),
    Break("a-key-of-an-answer-is-misspelt", ANSWER, "short:", "why2:", "why2:", "'why2' is no key of this file", "did you mean 'why'?"),
    Break("a-key-is-misspelt", FACT, "statement:", "statment:", "", "there is no 'statement'", "add a line 'statement: ...'"),
    Break("a-key-is-unknown", FACT, "", "\ncauton: be careful\n", "cauton:", "'cauton' is no key of this file", "did you mean 'caution'?"),
    Break("a-key-stands-twice", FACT, "", "\nstatement: again\n", "statement: again", "'statement' stands here twice", "keep one of them"),
    Break("a-key-is-a-list", FACT, "", "\n[a, b]: c\n", "[a, b]", "a list or a mapping stands where a key belongs", "write 'key: value'"),
    Break("a-nation-is-unknown", FACT, "nations: [england]", "nations: [englnd]", "englnd", "'nations' has 'englnd'", "did you mean 'england'?"),
    Break("no-nation-is-named", FACT, "nations: [england]", "nations: []", "nations:", "does not say which nations", "add 'nations: [england"),
    Break(
        "a-day-is-not-in-the-calendar", FACT, "review_by: 2027-02-22", "review_by: 2027-02-30", "review_by", "no date of the calendar", "2018-05-09"
    ),
    Break(
        "a-day-is-only-a-month", FACT, "review_by: 2027-02-22", "review_by: 2027-02", "review_by", "'review_by' must be one day", "write 'review_by: "
    ),
    Break("a-day-is-in-words", FACT, "review_by: 2027-02-22", "review_by: next May", "review_by", "'review_by' is 'next May'", "2018-05-09"),
    Break("confidence-is-unknown", FACT, "confidence: seen", "confidence: sure", "confidence:", "'confidence' has 'sure'", "seen, unverified"),
    Break("a-flag-is-no-flag", FACT, "", "\nbefore_launch: yes\n", "before_launch: yes", "'before_launch' is 'yes'", "write true or false"),
    Break("a-text-is-empty", FACT, "", "\ncaution:\n", "", "'caution'", "write its text, or take the line out"),
    Break(
        "a-fact-follows-an-unknown-event",
        FACT,
        "events: [",
        "events: [2018-11-09-mou-withdrwn, ",
        "withdrwn",
        "an event '2018-11-09-mou-withdrwn'",
        "did you mean '2018-11-09-mou-withdrawn'?",
    ),
    Break("an-event-is-of-no-kind", EVENT, "kind: agreement", "kind: agrement", "kind:", "'kind' has 'agrement'", "did you mean 'agreement'?"),
    Break(
        "a-rule-is-keyed-by-no-event",
        RULE,
        "2018-11-09-mou-withdrawn",
        "2018-11-10-mou-withdrawn",
        "2018-11-10",
        "an event '2018-11-10-mou-withdrawn'",
        "did you mean '2018-11-09-mou-withdrawn'?",
    ),
    Break(
        "a-rule-has-an-outcome-outside-its-list",
        RULE,
        "2018-11-09-mou-withdrawn: withdrawn",
        "2018-11-09-mou-withdrawn: gone",
        "gone",
        "has 'gone'",
        "did you mean 'none'?",
    ),
    Break("a-rule-has-no-values", RULE, "values:", "outcome_of:", "", "the rule has no values", "add 'values:'"),
    Break("a-service-is-of-no-kind", SERVICE, "kind: advice", "kind: advise", "kind:", "'kind' has 'advise'", "did you mean 'advice'?"),
    Break("not-yaml", FACT, "", "\n  : - ][\n", "", "this is not YAML", "check indents, quotes and colons here"),
    Break("a-tab-for-an-indent", RULE, "values:\n  ", "values:\n\t", "", "this is not YAML", "check indents"),
]


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.name)
def test_bad_data_is_refused_with_file_line_what_is_wrong_and_what_to_write(data: Path, case: Break) -> None:
    case.do(data)
    with pytest.raises(BadData) as error:
        load(data)
    said = str(error.value)
    place, _, message = said.partition(": ")
    path, _, line = place.rpartition(":")
    assert path == str(data / case.file)
    assert line.isdecimal() and int(line) >= 1
    assert case.line(data) in (None, int(line)), said
    assert case.wrong in message, said
    assert case.write in message, said


def without_sources(text: str) -> str:
    lines = text.splitlines()
    start = lines.index("sources:")
    end = next((number for number in range(start + 1, len(lines)) if lines[number][:1] not in (" ", "-", "#")), len(lines))
    return "\n".join([*lines[:start], *lines[end:]]) + "\n"


def test_what_was_seen_needs_a_source(data: Path) -> None:
    path = data / FACT
    path.write_text(without_sources(path.read_text()))
    with pytest.raises(
        BadData, match=r"gp-anyone-england\.yml:\d+: nothing says where this can be read; add a source with title, publisher, url and read"
    ):
        load(data)


def test_a_quotation_of_more_than_25_words_is_refused(data: Path) -> None:
    path = data / FACT
    text = without_sources(path.read_text())
    path.write_text(text + f"sources:\n  - {{title: T, publisher: P, read: 2026-11-22, quote: {LONG_QUOTE}}}\n")
    with pytest.raises(BadData, match="the quotation has 26 words; quote at most 25"):
        load(data)
    path.write_text(text + f"sources:\n  - {{title: T, publisher: P, read: 2026-11-22, quote: {LONG_QUOTE[5:]}}}\n")
    load(data)


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("{publisher: P, read: 2026-11-22}", "there is no 'title'"),
        ("{title: T, read: 2026-11-22}", "there is no 'publisher'"),
        ("{title: T, publisher: P}", "'read' must be one day"),
        ("{title: T, publisher: P, read: 2026-11-22, url: www.example.org}", "'www.example.org' is no web address; begin it with https://"),
        ("{title: T, publisher: P, read: 2026-11-22, qoute: Q}", "'qoute' is no key of this file; did you mean 'quote'?"),
        ("just a text", "'sources' is not a list of mappings"),
    ],
    ids=["no-title", "no-publisher", "no-read-day", "no-address", "misspelt", "a-text"],
)
def test_a_source_that_cannot_be_looked_up_is_refused(data: Path, source: str, wrong: str) -> None:
    path = data / FACT
    path.write_text(without_sources(path.read_text()) + f"sources:\n  - {source}\n")
    with pytest.raises(BadData, match="gp-anyone-england") as error:
        load(data)
    assert wrong in str(error.value)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("mou-withdrawn.yml", "begin its name with the date"),
        ("2018-13-09-mou.yml", "no date of the calendar"),
        ("2018-02-30-mou.yml", "no date of the calendar"),
        ("2018-11-09-mou.yaml", "this is no .yml file"),
        ("notes.txt", "this is no .yml file"),
    ],
)
def test_a_file_whose_name_says_no_day_is_refused(data: Path, name: str, wrong: str) -> None:
    shutil.copy(data / EVENT, data / "policy/events" / name)
    with pytest.raises(BadData) as error:
        load(data)
    assert name in str(error.value)
    assert wrong in str(error.value)


def test_an_event_cannot_be_earlier_than_its_file_name(data: Path) -> None:
    with (data / "policy/events/2018-11-new-mou-under-discussion.yml").open("a") as file:
        file.write("\nnot_before: 2018-10-31\n")
    with pytest.raises(BadData, match="this day is outside the date in the file's name"):
        load(data)


def test_a_file_that_is_not_utf_8_is_refused(data: Path) -> None:
    (data / FACT).write_bytes("statement: café\n".encode("latin-1"))
    with pytest.raises(BadData, match=r"gp-anyone-england\.yml:1: this is not readable .*; save the file as UTF-8 text"):
        load(data)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- a\n- b\n", "just a text\n", "null\n"])
def test_a_file_that_is_no_mapping_is_refused(data: Path, text: str) -> None:
    (data / FACT).write_text(text)
    with pytest.raises(BadData, match=r"gp-anyone-england\.yml:1: the file is not a list of 'key: value' lines"):
        load(data)


def test_a_folder_named_as_a_file_is_refused(data: Path) -> None:
    (data / "facts" / "folder.yml").mkdir()
    with pytest.raises(BadData, match=r"folder\.yml"):
        load(data)


def test_a_file_nested_beyond_reason_is_refused(data: Path) -> None:
    (data / FACT).write_text("a: " + "[" * 20_000 + "]" * 20_000)
    with pytest.raises(BadData, match="gp-anyone-england"):
        load(data)


@pytest.mark.parametrize("folder", ["facts", "services", "clinics", "answers", "policy/events", "policy/rules"])
def test_a_folder_that_is_missing_is_named(data: Path, folder: str) -> None:
    shutil.rmtree(data / folder)
    with pytest.raises(BadData, match=rf"{folder}:1: the folder is not there; make it"):
        load(data)


def test_missing_messages_are_named(data: Path) -> None:
    (data / "messages.yml").unlink()
    with pytest.raises(BadData, match=r"messages\.yml:1: the file is not there"):
        load(data)


def test_a_clinic_cannot_have_the_name_of_a_service(data: Path) -> None:
    shutil.copy(data / SERVICE, data / "clinics" / "dotw-advice-line.yml")
    with pytest.raises(BadData, match="'dotw-advice-line' is also in services; rename one of them"):
        load(data)


def test_a_topic_without_a_short_form_is_refused(data: Path) -> None:
    path = data / ANSWER
    lines = path.read_text().splitlines(keepends=True)
    start, end = lines.index("short:\n"), next(number for number, line in enumerate(lines) if line.startswith("people:"))
    path.write_text("".join(lines[:start] + lines[end:]))
    with pytest.raises(BadData, match="a topic needs 'means', 'button' and 'short'"):
        load(data)


def test_an_answer_that_says_nothing_is_refused(data: Path) -> None:
    (data / ANSWER).write_text("title: T\nparagraphs: []\n")
    with pytest.raises(BadData, match="the answer says nothing; add 'paragraphs:'"):
        load(data)


def test_words_that_yaml_would_guess_at_are_read_as_they_stand(data: Path) -> None:
    path = data / SERVICE
    path.write_text(path.read_text().replace("name: ", "name: no # ", 1))
    assert load(data).services["dotw-advice-line"].title == "no"


# What people say: data/nlu and data/identify


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("nlu:\n  - intent: ask_gp_saf\n    examples: |\n      - is it safe\n", "'ask_gp_saf' is no topic"),
        ("nlu:\n  - intent: greet\n    examples: |\n      hello\n", "does not begin with '- '"),
        ("nlu:\n  - intent: greet\n    examples: [hello]\n", "'examples' is no block of text"),
        ("nlu:\n  - intent: greet\n", "'examples' is no block of text"),
        ("nlu: hello\n", "'nlu' is not a list of mappings"),
        (
            "nlu:\n  - intent: greet\n    examples: |\n      - Hello\n  - intent: thank\n    examples: |\n      - hello\n",
            "'hello' stands under greet and thank; keep it under one of them",
        ),
    ],
    ids=["unknown-topic", "no-dash", "a-list", "missing", "a-text", "under-two-topics"],
)
def test_examples_that_would_mislead_are_refused(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "en.yml").write_text(text)
    with pytest.raises(BadData, match=r"en\.yml:\d+: ") as error:
        read_examples(tmp_path, {"greet", "thank"})
    assert wrong in str(error.value)


def test_missing_sentences_of_other_languages_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="the file is not there"):
        read_other_languages(tmp_path / "other.yml")


# Any text at all

FILES = [EVENT, RULE, FACT, SERVICE, ANSWER, RULED, "answers/mou_between.yml", "clinics/dotw-office.yml", "messages.yml"]
KEYS = """title button group means not safety paragraphs why short people then follow action text nations when facts events services clinics
sources publisher url read published quote statement confidence true_as_of true_from review_by caution data_of before_launch reported_as says by
we_say matters question outcomes values kind happened not_before decided_by shown_as note name does phone hours languages website free place
ask_first unverified nlu intent examples""".split()  # noqa: SIM905
WORDS = """seen unverified england wales scotland true false undated 2018 2018-05 2018-05-09 2018-02-30 critical policy mou_status none withdrawn
gp-anyone-england dotw-advice-line 2018-11-09-mou-withdrawn ask_gp_safe {since} {until} {} { https://example.org agreement advice surgery""".split()  # noqa: SIM905
scalars = st.one_of(st.sampled_from(WORDS), st.text(max_size=12))
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=6))
structures = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=6)), max_leaves=12)


def as_yaml(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)  # JSON is YAML too


@pytest.fixture(scope="module")
def shared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(house.DATA, tmp_path_factory.mktemp("any") / "data"))


def loads_or_is_refused(data: Path, file: str, change: Callable[[Path], object]) -> None:
    path = data / file
    before = path.read_bytes()
    try:
        change(path)
        load(data)
    except BadData as error:
        assert ".yml:" in str(error)
    finally:
        path.write_bytes(before)


slow = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@slow
@given(file=st.sampled_from(FILES), content=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_in_any_file_are_read_or_refused(shared_data: Path, file: str, content: bytes) -> None:
    loads_or_is_refused(shared_data, file, lambda path: path.write_bytes(content))


@settings(slow, max_examples=60)
@given(file=st.sampled_from(FILES), structure=structures)
def test_any_structure_in_any_file_is_read_or_refused(shared_data: Path, file: str, structure: object) -> None:
    loads_or_is_refused(shared_data, file, lambda path: path.write_text(as_yaml(structure), encoding="utf-8", errors="replace"))


@settings(slow, max_examples=100)
@given(file=st.sampled_from(FILES), data=st.data())
def test_a_real_file_with_one_line_changed_is_read_or_refused(shared_data: Path, file: str, data: st.DataObject) -> None:
    lines = (shared_data / file).read_text(encoding="utf-8").splitlines()
    number = data.draw(st.integers(0, len(lines) - 1), label="line")
    line = lines[number]
    indent = line[: len(line) - len(line.lstrip())]
    lines[number] = data.draw(
        st.one_of(
            st.text(max_size=20),
            st.builds(lambda key, value: f"{indent}{key}: {as_yaml(value)}", keys, structures),
            st.integers(0, len(line)).map(lambda cut: line[:cut]),
            st.just(f"{line}\n{line}"),
        ),
        label="instead",
    )
    loads_or_is_refused(shared_data, file, lambda path: path.write_text("\n".join(lines), encoding="utf-8", errors="replace"))
