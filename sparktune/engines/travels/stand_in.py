"""What stands in for sparktune where it is not installed: what objectives take from it.

Executors need nothing of sparktune, also where an objective returns ``sparktune.STATUS_OK`` or
imports it itself; nor of hyperopt, whose names sparktune.hyperopt has taken over. A module of the
user's whose functions hold templates may import their distributions, too.
"""

from __future__ import annotations

import enum
import functools
import importlib.util
import sys
from collections.abc import Collection, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .trial import TrialContext, TrialPruned

WORDS = (
    "choice", "conditional", "lognormal", "loguniform", "normal", "qlognormal", "qloguniform",
    "qnormal", "quniform", "randint", "uniform", "uniformint", "tune",
)  # fmt: skip
"""The names of templates' distributions, which a module may import, and only a driver reads."""

names: Mapping[str, Mapping[str, Any]] = {}
"""Module to name to value, for an enum the arguments of _enum; set by sources."""


def install() -> None:
    """Let this process find the stand-ins of packages that it does not find itself."""
    packages = {name.partition(".")[0] for name in names}
    missing = {each for each in packages if importlib.util.find_spec(each) is None}
    if missing:
        sys.meta_path.append(_Finder(missing))


class _Finder:
    """Finds modules of stand-ins for some packages, as the last of all finders."""

    def __init__(self, packages: Collection[str]) -> None:
        self._packages = packages

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        """What to import a module with, None where it is none of ours."""
        if name.partition(".")[0] not in self._packages:
            return None
        # any of them: cloudpickle sends along submodules whose names an objective's code has, too
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module."""
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Fill a module."""
        for name, value in names.get(module.__name__, {}).items():
            is_enum = isinstance(value, dict)
            setattr(module, name, _enum(name, **value) if is_enum else value)
        if module.__name__.rpartition(".")[2] in ("hyperas", "distributions"):
            vars(module).update(dict.fromkeys(WORDS, _unread))
        if module.__name__ in ("sparktune", "sparktune.engines.travels.trial"):
            vars(module).update(TrialContext=TrialContext, TrialPruned=TrialPruned)


class _StandIn(ModuleType):
    """A module that says what it is to whoever asks for more than it has."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(_sentence(f"{self.__name__}.{name}"))

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(_sentence(self.__name__))


def _unread(*_: Any, **__: Any) -> Any:
    """What stands for a distribution outside of all templates, which are written over."""
    return _unread


def _sentence(name: str) -> str:
    package = name.partition(".")[0]
    return (
        f"{name} is not known here, as {package} is not installed for {sys.executable} on this "
        "machine: objectives find only its statuses, TrialContext and TrialPruned"
    )


@functools.cache
def _enum(name: str, home: str, members: tuple[tuple[str, int], ...]) -> Any:
    """The one enum of a name; its members are those of the driver where they come back."""
    return enum.IntEnum(name, members, module=home)
