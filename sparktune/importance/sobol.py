"""Total-order Sobol indices of a function of a tree of labels.

Saltelli et al. (2010), "Variance based sensitivity analysis of model output", table 2 (f), which is
Jansen's (1999) estimator: with A and B two independent samples, and A_j the first with column j of
the second,

    S_j = E (f(A) - f(A_j))² / 2 Var f

is the share of the variance that goes away once all labels but j vary no more: j's own part and all
of its interactions. Here every label has a draw of its own in every candidate, and a candidate is
masked before f sees it: inputs are independent then whatever the tree, an inactive label changes
nothing, and a choice has to its account what it makes active.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ..space.distributions import Array
from ..space.tree import Space

__all__ = ["TotalOrder", "total_order"]


@dataclass(frozen=True)
class TotalOrder:
    """Indices of d labels.

    Attributes:
        index: (d,) S_j, from 0 to 1 (few draws may err above it, and are cut off); they sum to 1
            where labels do not interact, and to more else.
        active: (d,) share of the candidates in which each is active.
        where_active: (d,) S_j among the candidates in which the label is active in both.
    """

    index: Array
    active: Array
    where_active: Array


def total_order(f: Callable[[Array], Array], space: Space, rng: Generator, n: int) -> TotalOrder:
    """Estimate the indices from n (d + 1) evaluations of f at (m, d) latents.

    All are 0 where f is the same everywhere.
    """
    A, B = _draws(space, rng, n), _draws(space, rng, n)
    masked = space.mask(A.copy())
    at = f(masked)
    index, active, within = (np.zeros(len(space)) for _ in range(3))
    variance = float(at.var())
    for j in range(len(space)):
        on = ~np.isnan(masked[:, j])
        active[j] = on.mean()
        if not variance > 0 or not on.any():
            continue
        changed = A[on]
        changed[:, j] = B[on, j]
        squares = (at[on] - f(space.mask(changed))) ** 2
        index[j] = min(1.0, squares.sum() / n / (2 * variance))
        own = float(at[on].var())
        within[j] = min(1.0, squares.mean() / (2 * own)) if own > 0 else 0.0
    return TotalOrder(index, active, within)


def _draws(space: Space, rng: Generator, n: int) -> Array:
    """A Latin hypercube sample of the prior in which every label is drawn: (n, d) latents."""
    X = np.empty((n, len(space)))
    for j, distribution in enumerate(space.distributions):
        X[:, j] = distribution.quantile((rng.permutation(n) + rng.random(n)) / n)
    return X
