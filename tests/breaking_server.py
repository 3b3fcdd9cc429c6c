"""A server that breaks where it is told to: `python tests/breaking_server.py serve --port 5005`. What a message says decides where.

The errors quote the message, as a library's might, so that the log can be searched for it.
"""

import logging
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import structlog
from sanic.log import error_logger

from bot import __main__, nlg, places
from bot.conversation import reading_of
from bot.tracker_store import ExpiringTrackerStore

respond, find, save = nlg.respond, places.find, ExpiringTrackerStore.save


def reading_and_quoting(tracker: Any, intent: str) -> Any:
    text = tracker.latest_message.text
    if "break the answer" in text:
        raise ValueError(f"cannot answer {text!r}")
    return reading_of(tracker, intent)


def finding(text: str, *arguments: Any, **named: Any) -> Any:
    if "break the channel" in text:
        try:
            raise KeyError(text)
        except KeyError as error:
            raise RuntimeError(f"no place in {text!r}") from error
    if "warn" in text:
        warnings.warn(f"odd text {text!r}", stacklevel=1)
        logging.getLogger("rasa.anything").info("read %s", text)
        structlog.get_logger("rasa.core.processor").warning("processor.odd", text=text, sender_id=text)
        structlog.get_logger("rasa.core.processor").exception("processor.broke", text=text)
        error_logger.error("a message was odd")
    return find(text, *arguments, **named)


async def saving(self: ExpiringTrackerStore, tracker: Any) -> None:
    if "break the store" in (tracker.latest_message.text or ""):
        raise OSError(f"cannot keep {tracker.latest_message.text!r}")
    await save(self, tracker)


if __name__ == "__main__":
    nlg.reading_of, places.find, ExpiringTrackerStore.save = reading_and_quoting, finding, saving  # type: ignore[assignment,method-assign]
    sys.exit(__main__.main())
