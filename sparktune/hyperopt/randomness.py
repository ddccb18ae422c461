"""Generators of random numbers, as old scripts and new ones give them."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

__all__ = ["generator_of", "seed_from", "seed_in", "source_of"]


class _OfOldKind:
    """A numpy RandomState that draws as a Generator does.

    Everything that it does not have itself is asked of the RandomState.
    """

    def __init__(self, state: Any) -> None:
        self.state = state

    def integers(self, low: Any, high: Any = None, size: Any = None, **options: Any) -> Any:
        """Whole numbers; see numpy.random.Generator.integers."""
        return self.state.randint(low, high, size if size != () else None, **options)

    def __getattr__(self, name: str) -> Any:
        if name == "state" or name.startswith("__"):  # what pickle and copy ask for is not its own
            raise AttributeError(name)
        return getattr(self.state, name)


def generator_of(rstate: Any) -> Any:
    """What draws random numbers as a numpy Generator does.

    Args:
        rstate: a Generator, a RandomState, a seed, or None, for the seed that the environment
            variable HYPEROPT_FMIN_SEED gives, or any.

    Raises:
        TypeError: it is none of these.
    """
    if hasattr(rstate, "integers"):
        return rstate
    if hasattr(rstate, "randint"):
        return _OfOldKind(rstate)
    if rstate is None:
        rstate = seed_in(rstate)
    elif isinstance(rstate, bool) or not isinstance(rstate, (int, np.integer)):
        raise TypeError(
            "a generator must be a numpy Generator or RandomState, or a whole number as its seed, "
            f"but got {rstate!r}"
        )
    return np.random.default_rng(rstate)


def seed_in(rstate: Any) -> int | None:
    """The seed that an argument of ``generator_of`` says; None where it says none."""
    if rstate is None:
        given = os.environ.get("HYPEROPT_FMIN_SEED", "")
        return int(given) if given else None
    return int(rstate) if isinstance(rstate, (int, np.integer)) else None


def seed_from(generator: Any) -> int:
    """The seed of a batch: one draw."""
    return int(generator.integers(2**31 - 1))


def source_of(generator: Any) -> Any:
    """The user's own object behind a generator."""
    return getattr(generator, "state", generator)
