"""Segments are counted as providers bill them, and a long text is parted where it can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.segments import parts, plain, size


@pytest.mark.parametrize(
    ("text", "alphabet", "units", "segments"),
    [
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("£1,000 ñ ä", "GSM-7", 10, 1),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("س" * 70, "UCS-2", 70, 1),
        ("س" * 71, "UCS-2", 71, 2),
        ("س" * 134, "UCS-2", 134, 2),
        ("س" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        ("", "GSM-7", 0, 1),
    ],
)
def test_a_text_costs_what_providers_bill(text: str, alphabet: str, units: int, segments: int) -> None:
    assert (size(text).alphabet, size(text).units, size(text).segments) == (alphabet, units, segments)


def test_a_letter_of_two_units_is_not_parted_between_two_segments() -> None:
    """Each segment of 67 units holds 33 such letters, and one unit stays empty."""
    assert size("😀" * 66).segments == 2
    assert size("😀" * 67).segments == 3
    assert size("a" * 152 + "€" + "b" * 152).segments == 3


def test_typographic_characters_do_not_make_a_message_dearer() -> None:
    assert plain("It’s “free” – ask…") == 'It\'s "free" - ask...'
    assert plain("«وقت» – ٣") == "«وقت» – ٣"


def test_a_long_text_is_parted_between_its_sentences() -> None:
    text = "Call 999 now. " + "Stay with the person, and keep them warm and calm. " * 20
    messages = parts(text, 3)
    assert len(messages) > 1
    assert all(message.endswith(".") and size(message).segments <= 3 for message in messages)


@pytest.mark.parametrize("kept", ["0808 1647 686", "https://www.doctorsoftheworld.org.uk/what-we-stand-for/access", "£1,500.50"])
def test_a_number_or_a_link_is_never_parted(kept: str) -> None:
    for length in range(100, 160):
        messages = parts("word " * (length // 5) + "x" * (length % 5) + f" {kept} " + "word " * 60, 1)
        assert any(kept in message for message in messages), messages


def test_chinese_is_parted_though_it_has_no_spaces() -> None:
    messages = parts("看医生是安全的吗" * 60, 3)
    assert "".join(messages) == "看医生是安全的吗" * 60
    assert all(size(message).segments <= 3 for message in messages)


@given(st.text(min_size=1, max_size=600), st.integers(1, 3))
def test_any_text_is_parted_into_messages_that_fit_and_loses_no_letter(text: str, most: int) -> None:
    messages = parts(text, most)
    assert all(size(message).segments <= most for message in messages)
    assert "".join("".join(messages).split()) == "".join(text.split())
