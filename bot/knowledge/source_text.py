"""YAML that remembers its lines, so that a bad data file can be named with file and line.

Every scalar is read as text: a date, a phone number or `no` means what the schema says, not what YAML guesses.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from .model import Period

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class BadData(ValueError):
    """A data file that cannot be used: says the file, the line, what is wrong and what to write.

    >>> str(BadData(Path("a.yml"), 3, "there is no 'title'", "add a line such as 'title: ...'"))
    "a.yml:3: there is no 'title'; add a line such as 'title: ...'"
    """

    def __init__(self, path: Path, line: int, wrong: str, write: str) -> None:
        super().__init__(f"{path}:{line}: {wrong}; {write}")


class Entry:
    """A YAML mapping that is asked for its keys one by one and then refuses what nobody asked for."""

    def __init__(self, path: Path, node: yaml.MappingNode) -> None:
        self.path = path
        self.line: int = node.start_mark.line + 1
        self._nodes: dict[str, yaml.Node] = {}
        self._lines: dict[str, int] = {}
        self._asked: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise BadData(path, key.start_mark.line + 1, "a list or a mapping stands where a key belongs", "write 'key: value'")
            if key.value in self._nodes:
                raise BadData(path, key.start_mark.line + 1, f"{key.value!r} stands here twice", "keep one of them")
            self._nodes[key.value] = value
            self._lines[key.value] = key.start_mark.line + 1

    @classmethod
    def of_file(cls, path: Path) -> Entry:
        """The mapping that a file holds; BadData when it is not readable YAML or holds something else."""
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise BadData(path, line, f"this is not YAML ({error.problem})", "check indents, quotes and colons here") from error
        except RecursionError as error:
            raise BadData(path, 1, "it is nested too deeply", "write it flatter") from error
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
            raise BadData(path, 1, f"this is not readable ({error})", "save the file as UTF-8 text") from error
        if not isinstance(node, yaml.MappingNode):
            raise BadData(path, 1, "the file is not a list of 'key: value' lines", "write one 'key: value' a line")
        return cls(path, node)

    def __contains__(self, key: str) -> bool:
        return key in self._nodes

    def __iter__(self) -> Iterator[str]:
        """The keys, in the file's order."""
        return iter(self._nodes)

    def bad(self, key: str | None, wrong: str, write: str) -> BadData:
        """The error for a key of this entry, to be raised by the caller."""
        return BadData(self.path, self._lines.get(key or "", self.line), wrong, write)

    def _node(self, key: str) -> yaml.Node | None:
        self._asked.add(key)
        return self._nodes.get(key)

    def text(self, key: str) -> str:
        """The text of a key that must be there and not be empty."""
        value = self.optional(key)
        if value is None:
            raise self.bad(None, f"there is no {key!r}", f"add a line '{key}: ...'")
        return value

    def optional(self, key: str) -> str | None:
        """The text of a key, or None when the key is not there."""
        node = self._node(key)
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode):
            raise self.bad(key, f"{key!r} is a list or a mapping", "write one text")
        value = " ".join(str(node.value).split())
        if not value:
            raise self.bad(key, f"{key!r} is empty", "write its text, or take the line out")
        return value

    def flag(self, key: str) -> bool:
        """Whether a key says `true`; not there means false."""
        value = self.optional(key)
        if value not in (None, "true", "false"):
            raise self.bad(key, f"{key!r} is {value!r}", "write true or false")
        return value == "true"

    def one_of(self, key: str, allowed: Iterable[str]) -> str:
        """A text that must be one of the allowed words."""
        value = self.text(key)
        self._among(key, value, tuple(allowed))
        return value

    def day(self, key: str) -> date:
        """A single day, 2018-05-09."""
        period = self.period(key)
        if period is None or period.precision != "day":
            raise self.bad(key, f"{key!r} must be one day", f"write '{key}: 2026-11-22'")
        return period.first

    def period(self, key: str) -> Period | None:
        """A day, a month or a year; None when the key is not there."""
        value = self.optional(key)
        if value is None:
            return None
        try:
            return Period.parse(value)
        except ValueError as error:
            raise self.bad(key, f"{key!r} is {value!r}, which is no date of the calendar", "write 2018, 2018-05 or 2018-05-09") from error

    def texts(self, key: str, allowed: Iterable[str] | None = None) -> tuple[str, ...]:
        """A list of texts, or one text; empty when the key is not there."""
        node = self._node(key)
        if node is None:
            return ()
        if isinstance(node, yaml.ScalarNode):
            values: tuple[str, ...] = (self.text(key),)
        elif isinstance(node, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in node.value):
            values = tuple(" ".join(item.value.split()) for item in node.value)
        else:
            raise self.bad(key, f"{key!r} is not a list of texts", f"write '{key}: [one, two]'")
        if allowed is not None:
            known = tuple(allowed)
            for value in values:
                self._among(key, value, known)
        return values

    def lines(self, key: str) -> list[str]:
        """The lines of a block of text that begin with "- ", as Rasa writes training examples."""
        node = self._node(key)
        if not isinstance(node, yaml.ScalarNode):
            raise self.bad(key, f"{key!r} is no block of text", f"write '{key}: |' and under it lines that begin with '- '")
        lines = [line.strip() for line in str(node.value).splitlines() if line.strip()]
        for line in lines:
            if not line.startswith("- "):
                raise self.bad(key, f"the line {line!r} does not begin with '- '", "begin each example with '- '")
        return [line[2:].strip() for line in lines]

    def entries(self, key: str) -> tuple[Entry, ...]:
        """A list of mappings; empty when the key is not there."""
        node = self._node(key)
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode) or not all(isinstance(item, yaml.MappingNode) for item in node.value):
            raise self.bad(key, f"{key!r} is not a list of mappings", f"write '{key}:' and under it lines that begin with '- '")
        return tuple(Entry(self.path, item) for item in node.value)

    def entry(self, key: str) -> Entry | None:
        """A mapping; None when the key is not there."""
        node = self._node(key)
        if node is None:
            return None
        if not isinstance(node, yaml.MappingNode):
            raise self.bad(key, f"{key!r} is not a mapping", f"write '{key}: {{name: value}}'")
        return Entry(self.path, node)

    def done(self) -> None:
        """Refuse keys that nobody asked for: they are misspelt, or stand in the wrong file."""
        for key in self._nodes:
            if key not in self._asked:
                raise self.bad(key, f"{key!r} is no key of this file", self._nearest(key, self._asked))

    def _among(self, key: str, value: str, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            raise self.bad(key, f"{key!r} has {value!r}", self._nearest(value, allowed))

    @staticmethod
    def _nearest(value: str, allowed: Iterable[str]) -> str:
        names = sorted(allowed)
        near = difflib.get_close_matches(value, names, 1)
        return f"did you mean {near[0]!r}?" if near else f"write one of {', '.join(names[:20])}"
