"""Rasa without TensorFlow.

Rasa imports TensorFlow for classifiers and policies of its own (DIET, TED), which Confide does not use: 275 MB of memory
and 3 s of each start for nothing. A stand-in takes its place, from which those modules can be imported but not used.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn

_PACKAGES = ("tensorflow", "keras")


class _Anything(type):
    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent

    def __call__(cls, *_arguments: Any, **_named: Any) -> NoReturn:
        raise RuntimeError("Confide runs without TensorFlow: a pipeline or policy that needs it (DIET, TED) cannot be used here")


class Absent(metaclass=_Anything):
    """Stands for everything in TensorFlow: it may be named, and be a base class, but not be called."""


class _Module(ModuleType):
    __path__: list[str] = []  # noqa: RUF012 - as Python has it for a package

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        if fullname.split(".")[0] in _PACKAGES:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run: the module answers for itself."""


def import_rasa_without_tensorflow() -> None:
    """From now on `import tensorflow` gives the stand-in, in this process. To be called before Rasa is imported; harmless twice."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
