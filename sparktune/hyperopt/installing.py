"""This package under the name ``hyperopt``."""

from __future__ import annotations

import importlib
import io
import pickle
import sys
from types import ModuleType
from typing import Any

__all__ = ["install", "loads"]

_MODULES = (
    "anneal", "atpe", "base", "criteria", "early_stop", "exceptions", "fmin", "graph_viz", "hp",
    "ipy", "mix", "mongoexp", "plotting", "progress", "pyll", "pyll.base", "pyll.stochastic",
    "pyll_utils", "rand", "rdists", "sklearn", "spark", "tpe", "utils", "vectorize",
)  # fmt: skip


def install() -> None:
    """Let ``import hyperopt`` give this package, also where Hyperopt is installed.

    Call it before anything imports hyperopt; calling it again does nothing. Pickles of Hyperopt's
    trials then load as trials of this package.

    Raises:
        RuntimeError: Hyperopt itself has been imported already.
    """
    ours = importlib.import_module(__package__)
    known = sys.modules.get("hyperopt")
    if known is ours:
        return
    if known is not None:
        by = ", ".join(_importers(known)) or "nobody who is still there"
        raise RuntimeError(
            f"hyperopt has been imported already, by {by}: call sparktune.hyperopt.install() before"
        )
    sys.modules["hyperopt"] = ours
    for name in _MODULES:
        sys.modules[f"hyperopt.{name}"] = importlib.import_module(f"{__package__}.{name}")


def loads(blob: bytes) -> Any:
    """Unpickle, with this package in place of Hyperopt; errors are those of pickle."""
    return _Unpickler(io.BytesIO(blob)).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        top, dot, below = module.partition(".")
        home = __package__ if top == "hyperopt" else top
        return super().find_class(f"{home}{dot}{below}", name)


def _importers(package: ModuleType) -> list[str]:
    """Names of the modules that hold something of a package."""
    found = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == package.__name__ or module is None:
            continue
        held = list(vars(module).values()) if isinstance(module, ModuleType) else []
        homes = {str(getattr(each, "__module__", None) or "").partition(".")[0] for each in held}
        if package.__name__ in homes or any(each is package for each in held):
            found.append(name)
    return found
