"""What is true, since when, and who says so. Standard library and YAML only; knows of no chat framework."""

from .checks import before_launch, due, placeholder
from .loader import load
from .model import (
    NATIONS,
    Answer,
    Disagreement,
    Event,
    Fact,
    Knowledge,
    Passage,
    Period,
    RecognisedLanguage,
    Rule,
    Ruling,
    Service,
    Source,
)
from .rulings import NotYetRuled, as_of, timeline
from .source_text import BadData

__all__ = [
    "NATIONS", "Answer", "BadData", "Disagreement", "Event", "Fact", "Knowledge", "NotYetRuled", "Passage", "Period",
    "RecognisedLanguage", "Rule", "Ruling", "Service", "Source", "as_of", "before_launch", "due", "load", "placeholder", "timeline",
]  # fmt: skip
