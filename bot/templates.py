"""Jinja environments for our pages: everything escaped, nothing undefined, and what every page needs of a language."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import languages


def templates_in(folder: Path) -> Environment:
    """An environment for the templates in a folder, with the filters `tag` (BCP 47) and `direction` for a language's name."""
    made = Environment(
        loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False
    )
    made.filters.update(tag=languages.tag, direction=languages.direction)
    return made
