"""A translation is a draft until a person has reviewed it, and again when it or its English changes."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from bot import catalogues, house, languages, review
from bot.catalogues import read
from bot.knowledge import BadData, Knowledge

DAY = date(2026, 11, 22)


@pytest.fixture
def french(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the French catalogue, to write into."""
    shutil.copytree(house.ROOT / "locales" / "fr", tmp_path / "fr")
    monkeypatch.setattr(catalogues, "LOCALES", tmp_path)
    monkeypatch.setattr(review, "LOCALES", tmp_path)
    return tmp_path / "fr"


def first_messages(count: int) -> list[tuple[str, str]]:
    return [(review.fingerprint(message.id, message.string), message.id) for message in read("fr") if message.id][:count]


def marks(path: Path, *lines: str) -> Path:
    file = path / "marks.csv"
    file.write_text("\r\n".join(["id,mark,words", *lines]), encoding="utf-8")
    return file


def test_every_translation_is_a_draft_before_anybody_has_reviewed_it(knowledge: Knowledge) -> None:
    for language in languages.languages()[1:]:
        assert set(review.states(read(language), knowledge)) == {"drafted"}, language


def test_marks_make_a_translation_reviewed_and_keep_better_words(knowledge: Knowledge, french: Path) -> None:
    (good, english), (wrong, other) = first_messages(2)
    taken = review.take_in(
        knowledge, "fr", marks(french, f'{good},good,""', f'{wrong},wrong,"Mieux, ainsi"', '000000000000,good,""'), "A. Reviewer", DAY
    )
    assert (taken.reviewed, taken.suggestions, taken.outdated) == (1, ((other, "Mieux, ainsi"),), 1)
    catalog = read("fr")
    assert review.state(catalog[english]) == "reviewed"
    assert review.state(catalog[other]) == "drafted"
    assert (french / "suggestions.csv").read_text(encoding="utf-8").strip().endswith('"Mieux, ainsi"')
    assert not catalog.language_team.startswith("Reviewed"), "the rest is still a draft"
    assert f'<article id="{good}"' not in review.sheet(knowledge, "fr") and f'<article id="{wrong}"' in review.sheet(knowledge, "fr")


def test_a_changed_translation_is_a_draft_again_and_a_changed_english_is_stale(knowledge: Knowledge, french: Path) -> None:
    ((good, english),) = first_messages(1)
    review.take_in(knowledge, "fr", marks(french, f'{good},good,""'), "A. Reviewer", DAY)
    catalog = read("fr")
    catalog[english].string += " !"
    assert review.state(catalog[english]) == "drafted"
    catalog[english].flags.add("fuzzy")
    assert review.state(catalog[english]) == "stale"
    assert review.state(None) == "stale"


def test_a_catalogue_that_is_reviewed_whole_says_so_itself(knowledge: Knowledge, french: Path) -> None:
    lines = [f'{name},good,""' for name, _ in first_messages(10_000)]
    review.take_in(knowledge, "fr", marks(french, *lines), "A. Reviewer", DAY)
    assert read("fr").language_team == "Reviewed by A. Reviewer, 2026-11-22"


def test_a_catalogue_is_a_draft_again_once_a_sentence_of_it_has_changed(knowledge: Knowledge, french: Path) -> None:
    lines = [f'{name},good,""' for name, _ in first_messages(10_000)]
    review.take_in(knowledge, "fr", marks(french, *lines), "A. Reviewer", DAY)
    compiled = french / "LC_MESSAGES" / "messages.mo"
    for changed, team in ((False, b"Reviewed by A. Reviewer"), (True, b"")):
        if changed:
            catalog = read("fr")
            next(message for message in catalog if message.id).string += " !"
            catalogues.write("fr", catalog)
        compiled.unlink(missing_ok=True)
        catalogues.compile_all()
        header = compiled.read_bytes()
        assert (b"Reviewed by A. Reviewer" in header) == bool(team)


@pytest.mark.parametrize("line", ["abc,good,", "000000000000,perhaps,", "000000000000,good"])
def test_a_line_that_is_no_mark_is_refused_with_its_number_and_nothing_is_written(knowledge: Knowledge, french: Path, line: str) -> None:
    before = catalogues.po_path("fr").read_bytes()
    ((good, _),) = first_messages(1)
    with pytest.raises(BadData, match=r"marks.csv:3"):
        review.take_in(knowledge, "fr", marks(french, f'{good},good,""', line), "A. Reviewer", DAY)
    assert catalogues.po_path("fr").read_bytes() == before
    with pytest.raises(BadData, match="not there"):
        review.take_in(knowledge, "fr", french / "none.csv", "A. Reviewer", DAY)


def test_a_translation_that_stands_under_another_sentence_is_found(knowledge: Knowledge, french: Path) -> None:
    catalog = read("fr")
    first, second = [message for message in catalog if message.id and len(str(message.id)) > 80][10:12]
    for message in [message for message in catalog if message.id][60:]:
        if message.id not in (first.id, second.id):
            catalog.delete(message.id)
    catalog[first.id].string, catalog[second.id].string = second.string, first.string
    catalogues.write("fr", catalog)
    found = review.least_similar("fr", 2)
    assert {english for _, english, _ in found} == {first.id, second.id}
    assert all(margin < review.LIKELY_WRONG for margin, _, _ in found), [margin for margin, _, _ in found]


def test_the_sheet_shows_each_draft_beside_its_english_in_its_own_direction(knowledge: Knowledge) -> None:
    sheet = review.sheet(knowledge, "ar")
    assert sheet.count("<article") == len([message for message in read("ar") if message.id])
    assert 'lang="ar" dir="rtl"' in sheet
