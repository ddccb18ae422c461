"""What stands in for sparktune where it is not installed: the statuses that objectives return.

Executors need nothing of sparktune, also where an objective returns ``sparktune.STATUS_OK`` or
imports it itself.
"""

from __future__ import annotations

import enum
import functools
import importlib.util
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_NOTE = "a stand-in: sparktune is not installed here"

names: Mapping[str, Mapping[str, Any]] = {}
"""Module to name to value, which for an enum is its module and its members; set by sources."""


def install() -> None:
    """Let this process find the stand-in, unless it finds sparktune."""
    if names and importlib.util.find_spec("sparktune") is None:
        sys.meta_path.append(_Finder())


class _Finder:
    """Finds modules of the stand-in, as the last of all finders."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        """What to import a module with, None where it is none of ours."""
        if name.partition(".")[0] != "sparktune":
            return None
        if name not in names:
            raise ModuleNotFoundError(f"No module named {name!r} ({_NOTE})", name="sparktune")
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill a module."""
        for name, value in names[module.__name__].items():
            is_enum = isinstance(value, tuple)
            setattr(module, name, _enum(name, *value) if is_enum else value)
        module.__file__ = _NOTE  # shown by the error of `from sparktune import fmin`

        def missing(name: str) -> Any:
            raise AttributeError(
                f"{name!r} of sparktune is not known on this machine, where sparktune is not "
                f"installed for {sys.executable}: only its statuses are"
            )

        module.__getattr__ = missing  # type: ignore[method-assign]


@functools.cache
def _enum(name: str, home: str, members: tuple[tuple[str, int], ...]) -> Any:
    """The one enum of a name; its members are those of the driver where they come back."""
    return enum.IntEnum(name, members, module=home)
