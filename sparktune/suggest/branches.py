"""Branches of a space, which are tuned before they are given up."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..space.distributions import Array
from ..space.tree import Space

__all__ = ["FEW", "Branch", "branch_of", "branch_probability", "sample_of", "within"]

Branch = tuple[tuple[int, float], ...]  # columns of choices and the options they take

FEW = 4  # trials of a branch, below which it is explored at random


def branch_probability(share: float, spent: int, budget: int | None) -> float:
    """Probability that a candidate is drawn in a single branch.

    It falls from twice the share (at most 1) to 0 in the course of the budget, and stays the share
    where the budget is open.
    """
    left = 0.5 if budget is None else max(0.0, 1 - spent / budget)
    return min(1.0, 2 * share * left)


def branch_of(space: Space, X: Array, rng: Generator) -> Branch:
    """Draw a branch, each option of each fork on its way with the same probability.

    It ends where fewer than 4 trials went.
    """
    row = np.full((1, len(space)), np.nan)
    branch: Branch = ()
    for j in space.forks:
        if space.active(j, row)[0] and len(within(X, branch)) >= FEW:
            options = list(space.distributions[j].values())
            row[0, j] = option = float(options[rng.integers(len(options))])
            branch += ((j, option),)
    return branch


def within(X: Array, branch: Branch) -> NDArray[np.intp]:
    """Numbers of the rows that took a branch."""
    within = np.ones(len(X), bool)
    for j, option in branch:
        within &= X[:, j] == option
    return np.flatnonzero(within)


def sample_of(space: Space, branch: Branch, rng: Generator, m: int) -> Array:
    """Draw candidates of a branch from the prior: (m, d) latents."""
    options = dict(branch)

    def pick(j: int, rows: NDArray[np.intp]) -> Array:
        if j in options:
            return np.full(len(rows), options[j])
        return space.distributions[j].sample(rng, len(rows))

    return space.draw(pick, m)
