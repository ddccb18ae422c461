"""Who sees a run: somebody at a terminal, in a notebook, or whoever reads a log later."""

from __future__ import annotations

import math
import os
import sys
from typing import Any, NamedTuple

__all__ = ["Audience", "audience"]

VARIABLE = "SPARKTUNE_PROGRESS"
EVERY = 30.0  # seconds between two lines of a log


class Audience(NamedTuple):
    """What is shown, to whom.

    Attributes:
        kind: ``"bar"``; ``"notebook"``, a bar and a table; ``"saved"``, a notebook that nobody
            looks at while it runs; ``"lines"``; ``"own"``, a bar of the user's; or ``"nobody"``.
        every: seconds between two lines.
    """

    kind: str
    every: float = EVERY


def audience() -> Audience:
    """Who sees a run that begins now; SPARKTUNE_PROGRESS of the environment decides, where set.

    Raises:
        ValueError: that is set to what means nothing.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return _as_given(given)
    kernel = _kernel()
    if kernel is not None:
        return Audience("notebook" if _is_attended(kernel) else "saved")
    is_terminal = getattr(sys.stderr, "isatty", None)
    return Audience("bar" if is_terminal is not None and is_terminal() else "lines")


def _as_given(given: str) -> Audience:
    if given in ("bar", "lines"):
        return Audience(given)
    if given == "off":
        return Audience("nobody")
    try:
        every = float(given)
    except ValueError:
        every = math.nan
    if not 0 < every < math.inf:
        raise ValueError(
            f"the environment's {VARIABLE} must be 'bar', 'lines', 'off', or a number of seconds "
            f"between two lines, but is {given!r}"
        )
    return Audience("lines", every)


def _kernel() -> Any:
    """The kernel of a notebook that this process is; None without one."""
    find = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if find is None else getattr(find(), "kernel", None)


def _is_attended(kernel: Any) -> bool:
    """Whether somebody could answer a prompt of this cell; programs that run notebooks refuse."""
    try:
        return bool(kernel.get_parent()["content"].get("allow_stdin", True))
    except Exception:  # a kernel of another kind
        return True
