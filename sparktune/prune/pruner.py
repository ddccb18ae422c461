"""The protocol of pruners, and what ``pruner=`` may be."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..history import History

__all__ = ["Pruner", "asked", "pruner_of"]


class Pruner(Protocol):
    """A rule that ends running trials; frozen settings without state."""

    def stops(self, history: History, number: int) -> bool:
        """Whether a trial is to stop, asked after each of its reports.

        Args:
            history: everything known, the report included; not changed. It is locked meanwhile, so
                the answer should take microseconds rather than milliseconds.
            number: of the trial.
        """


@dataclass(frozen=True)
class _Function:
    """A pruner that a user wrote as a function (history, number) -> bool."""

    function: Callable[[History, int], bool]

    def stops(self, history: History, number: int) -> bool:
        """Ask the function; see Pruner."""
        return self.function(history, number)


def pruner_of(pruner: Any, name: str = "pruner") -> Pruner | None:
    """The pruner that was given as an argument ``name``, also as a function; None for None.

    Raises:
        TypeError: it is none.
    """
    made = pruner.func if isinstance(pruner, functools.partial) else pruner
    if inspect.isclass(made):
        raise TypeError(f"`{name}` takes a rule, not its class: {made.__name__.lower()}(...)")
    if pruner is None or callable(getattr(pruner, "stops", None)):
        known: Pruner | None = pruner
        return known
    if callable(pruner) and _takes_two(pruner):
        return _Function(pruner)
    raise TypeError(
        f"`{name}` must be a rule of sparktune.prune, such as asha(), or a function "
        f"(history, number) -> bool, but got {pruner!r}"
    )


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None, 0)
    except TypeError:
        return False
    except ValueError:  # a function of C code, which tells nothing of its arguments
        return True
    return True


def asked(pruner: Pruner, history: History, number: int) -> bool:
    """What a pruner says of a trial.

    Raises:
        TypeError: it says neither True nor False.
    """
    answer: object = pruner.stops(history, number)
    if not isinstance(answer, (bool, np.bool_)):
        raise TypeError(
            f"`pruner` must answer True or False for trial {number}, but got {answer!r}"
        )
    return bool(answer)
