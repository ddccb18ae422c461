"""This package under the name ``hyperas``."""

from __future__ import annotations

import importlib
import sys

__all__ = ["install"]

_MODULES = {"distributions": "distributions", "optim": "optim", "utils": "utils"}
_MODULES |= {"ensemble": "voting"}


def install() -> None:
    """Let ``import hyperas`` give this package, also where Hyperas is installed.

    Call it before anything imports hyperas; calling it again does nothing.

    Raises:
        RuntimeError: Hyperas itself has been imported already.
    """
    ours = importlib.import_module(__package__)
    known = sys.modules.setdefault("hyperas", ours)
    if known is not ours:
        raise RuntimeError(
            "hyperas has been imported already: call sparktune.hyperas.install() before"
        )
    for name, home in _MODULES.items():
        sys.modules[f"hyperas.{name}"] = importlib.import_module(f"{__package__}.{home}")
