"""Whether losses have noise, as far as a history tells, and when a candidate is evaluated again.

A model cannot tell noise from a surface that is rougher than it can follow. Replicates can: trials
of a candidate that was evaluated before.
"""

from __future__ import annotations

import numpy as np

from ..history import ENDED, History, Status
from .candidates import key_of, observations

__all__ = ["NOISY", "is_exact", "may_be_noisy", "replicate_probability"]

NOISY = 0.01  # variance of the noise that counts as such, of the losses' own

_ENOUGH = 40  # trials with a loss from which on a learnt noise is believed
_PROOF = 2  # replicates, all the same, after which losses are believed to be exact
_SAME = 1e-4  # of the losses' deviation, by which replicates may differ all the same


def may_be_noisy(history: History, noise: float) -> bool:
    """Whether a learnt variance of the noise, of the losses' own, is to be taken as such."""
    return noise > NOISY and history.count(Status.OK) >= _ENOUGH


def is_exact(history: History) -> bool:
    """Whether all replicates had the same loss as their candidate had before, two at least."""
    X, y = observations(history)
    if len(y) <= _PROOF:
        return False
    finite = y[np.isfinite(y)]
    apart = _SAME * float(finite.std()) if len(finite) else 0.0
    first: dict[bytes, float] = {}
    for row, loss in zip(X, y.tolist(), strict=True):
        before = first.setdefault(key_of(row), loss)
        if not (loss == before or abs(loss - before) <= apart):
            return False
    return len(y) - len(first) >= _PROOF


def replicate_probability(share: float, history: History, budget: int | None) -> float:
    """Probability that a candidate is one of those evaluated, where losses have noise.

    The share in the second half of the budget, half of it where that is open, and 0 before, while
    the best candidate is still to be found.
    """
    if budget is None:
        return share / 2
    return share if 2 * history.count(*ENDED) >= budget else 0.0
