"""Where an acquisition function is highest: pools of candidates, and local ascent from their best.

Of a space with d labels, p of which are numeric, a pool holds m candidates. For units see Axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..history import History
from ..space.distributions import Array
from ..space.tree import Space
from .acquisition import Acquisition
from .axes import Axes, OfSpace
from .candidates import observations, project
from .regions import TrustRegion, moved_by, moving_labels
from .surrogates import Posterior

__all__ = ["Surface", "local_ascent", "pool_of"]

_MANY = 16  # values of a discrete label from which on it ascends like a continuous one
_OPTIONS = 12  # of a category that are tried in one step
_PARENTS = 10  # best trials around which half of a pool lies
_STARTS = 10
_STEPS = 4  # of discrete labels between two ascents by gradients
_AT_BOUND = 1e-6  # of a bound, in units, that counts as the bound itself
_NEAR_BOUND = 0.03  # of a bound, in units, where the incumbent has come near it
_ENDS = (-0.25, 1.25)  # in units, of unbounded labels, where the trust region does not lie beyond

Change = tuple[NDArray[np.intp], int, Array]  # rows, the column that changes, its latents there


def pool_of(space: Space, history: History, rng: Generator, m: int) -> Array:
    """Draw candidates from the whole space: half from the prior, half around the best trials.

    The latter keep about half of their parent's labels, or all but one, and move the others by
    scales from a thousandth to a third of the range. In a tree the best trial of each option of
    each fork is a parent too.
    """
    X, y = observations(history)
    order = np.argsort(y, kind="stable")
    parents = list(order[:_PARENTS])
    for j in space.forks:
        for option in np.unique(X[:, j]):
            inside = order[X[order, j] == option]
            parents += list(inside[:2])
    anew = space.sample(rng, m)
    half = m // 2
    near = X[np.array(parents)[np.arange(half) % len(parents)]]
    moving = moving_labels(rng, (half, len(space)), [0.1, 0.5])
    scale = 10 ** rng.uniform(-3, -0.5, size=(half, 1))
    axes = Axes.of(space)
    step = rng.normal(size=(half, len(axes.numeric))) * axes.scale * scale
    # what the parent does not have comes from the prior
    lost, other = np.isnan(near), anew[:half].copy()
    for j, distribution in enumerate(space.distributions):
        if j in axes.categorical:
            drawn = distribution.sample(rng, half)
            other[:, j] = np.where(np.isnan(other[:, j]), drawn, other[:, j])
        else:
            other[lost[:, j], j] = distribution.sample(rng, int(lost[:, j].sum()))
    near = moved_by(space, np.where(lost, other, near), moving & ~lost, step, other)
    return np.concatenate([space.mask(near), anew[half:]])


@dataclass(frozen=True)
class Surface:
    """What is maximised over a space: an acquisition function of a posterior, for a target."""

    space: Space
    posterior: Posterior[Any]
    acquisition: Acquisition
    target: Array

    def at(self, X: Array) -> Array:
        """(m,) values of the acquisition function at (m, d) candidates."""
        return self.acquisition(*self.posterior.predict(X), self.target).value


class Moves(OfSpace):
    """Which labels of a space ascend by gradients and which by steps.

    Attributes:
        smooth: positions among the numeric labels.
        stepped: columns of quantised labels.
        categorical: columns of categories on which no other label depends, and their options.
    """

    def __init__(self, space: Space) -> None:
        axes = Axes.of(space)
        self.smooth = np.flatnonzero(
            [not p.discrete or len(list(islice(p.values(), _MANY))) == _MANY for p in axes.priors]
        )
        self.stepped = [int(j) for j in axes.numeric[axes.quantised]]
        self.categorical = {
            int(j): np.array(list(space.distributions[j].values()))
            for j in axes.categorical
            if j not in space.forks
        }


def local_ascent(
    surface: Surface,
    pool: Array,
    score: Array,
    rng: Generator,
    region: TrustRegion,
    bound: bool = False,
) -> tuple[Array, Array]:
    """Find local maxima of a surface from the best of a pool; return them and their values.

    The pool is (m, d) candidates, with (m,) values ``score`` of the surface. Ascent by gradients
    goes as far as the prior or the trust region does; where it is ``bound``, as the latter alone.
    """
    starts = _starts(score, rng)
    X, value = pool[starts], score[starts]
    moves, by_gradients = Moves.of(surface.space), surface.posterior.has_gradients
    smooth = by_gradients and len(moves.smooth)
    if smooth:
        X, value = _ascend(surface, X, value, region, bound)
    if moves.stepped or moves.categorical or not by_gradients:
        stepped = False
        for _ in range(_STEPS):
            better, X, value = _step(surface, X, value, rng)
            if not better:
                break
            stepped = True
        if stepped and smooth:
            X, value = _ascend(surface, X, value, region, bound)
    return X, value


def _starts(score: Array, rng: Generator) -> NDArray[np.intp]:
    """Choose where to start in a pool: at the best, and in proportion to exp(score) at others."""
    order = np.argsort(-score, kind="stable")
    best = order[: _STARTS // 2]
    others = order[_STARTS // 2 :]
    # the highest of these keys are draws without replacement
    keys = score[others] - score[best[0]] + rng.gumbel(size=len(others))
    more = others[np.argsort(-keys, kind="stable")[: _STARTS - len(best)]]
    return np.concatenate([best, more])


def _ascend(
    surface: Surface, X: Array, value: Array, region: TrustRegion, bound: bool
) -> tuple[Array, Array]:
    """Ascend by gradients in all numeric labels that are active and nearly continuous."""
    from scipy.optimize import minimize

    axes, moves = Axes.of(surface.space), Moves.of(surface.space)
    units = axes.units(X)
    free = np.zeros(units.shape, bool)
    free[:, moves.smooth] = True
    free &= ~np.isnan(units)
    if not free.any():
        return X, value
    slopes = surface.posterior.slopes(X)
    U = np.where(np.isnan(units), 0.0, units)
    ends = region.ends
    low = np.maximum(axes.low, np.fmin(_ENDS[0], ends[0]))
    high = np.minimum(axes.high, np.fmax(_ENDS[1], ends[1]))
    if bound:
        low, high = np.fmax(low, ends[0]), np.fmin(high, ends[1])
    at = np.nonzero(free)[1]
    weight = np.where(free.any(1), 1.0, 0.0)

    def descent(u: Array) -> tuple[float, Array]:
        """The sum over all candidates, so that one search moves them all."""
        U[free] = u
        local = slopes(U)
        found = surface.acquisition(local.mean, local.std, surface.target)
        slope = local.gradient(found.by_mean, found.by_std)
        return -float(found.value @ weight), -slope[free]

    U[free] = minimize(
        descent, np.clip(U[free], low[at], high[at]), jac=True, method="L-BFGS-B",
        bounds=list(zip(low[at], high[at], strict=True)),
        options={"maxiter": 30, "ftol": 1e-6, "maxcor": 10},
    ).x  # fmt: skip
    U = _short_of_bounds(axes, U, region)
    moved = X.copy()
    for position in moves.smooth:
        j, distribution = axes.numeric[position], axes.priors[position]
        z = project(distribution, axes.latents(U[:, position], int(position)))
        moved[:, j] = np.where(free[:, position], z, X[:, j])
    new = surface.at(moved)
    better = new > value
    return np.where(better[:, None], moved, X), np.where(better, new, value)


def _short_of_bounds(axes: Axes, U: Array, region: TrustRegion) -> Array:
    """Put labels that ascended to a bound halfway from the region's centre to it.

    Beyond the trials a model only extrapolates, and an ascent along its slope ends at the bound,
    whatever lies between. So a bound is approached by halves, and is taken once the centre is near.
    """
    centre = axes.units(region.centre[None])[0]
    with np.errstate(invalid="ignore"):  # nan where the centre has no such label
        low = (axes.low + _AT_BOUND >= U) & (centre > axes.low + _NEAR_BOUND)
        high = (axes.high - _AT_BOUND <= U) & (centre < axes.high - _NEAR_BOUND)
    moved: Array = np.where(low | high, (U + centre) / 2, U)
    return moved


def _step(surface: Surface, X: Array, value: Array, rng: Generator) -> tuple[bool, Array, Array]:
    """Change the one label of each candidate that raises the surface most, if any does.

    Returns whether any did, the candidates, and their values.
    """
    # try all changes of a single label, of all candidates at once
    changes = list(_discrete_changes(surface.space, X, rng))
    if not surface.posterior.has_gradients:
        changes += _smooth_changes(surface.space, X, rng)
    rows, columns, latents = zip(*changes, strict=True)
    row = np.concatenate(rows)
    if not len(row):
        return False, X, value
    moved = X[row]
    column = np.repeat(columns, [len(each) for each in rows])
    moved[np.arange(len(row)), column] = np.concatenate(latents)
    # keep the best of each candidate: from the worst to the best, so that the last one made stays
    new = surface.at(moved)
    better, X, value = False, X.copy(), value.copy()
    for i in np.argsort(new, kind="stable"):
        if new[i] > value[row[i]]:
            X[row[i]], value[row[i]], better = moved[i], new[i], True
    return better, X, value


def _discrete_changes(space: Space, X: Array, rng: Generator) -> Iterator[Change]:
    """Changes of a category to its other options, and of a quantised label to near values."""
    moves = Moves.of(space)
    for j, options in moves.categorical.items():
        at = np.flatnonzero(~np.isnan(X[:, j]))
        if len(options) > _OPTIONS:
            options = rng.choice(options, _OPTIONS, replace=False)
        for option in options:
            other = at[X[at, j] != option]
            yield other, j, np.full(len(other), float(option))
    for j in moves.stepped:
        distribution = space.distributions[j]
        at = np.flatnonzero(~np.isnan(X[:, j]))
        lo, hi = distribution.cells(X[at, j])
        width = np.minimum(hi - lo, distribution.scale)
        for far in (1e-3, 1.0):  # the next value, and the one after that
            for z in (lo - far * width, hi + far * width):
                yield at, j, project(distribution, z)


def _smooth_changes(space: Space, X: Array, rng: Generator) -> Iterator[Change]:
    """Changes of nearly continuous labels by steps of several sizes."""
    axes = Axes.of(space)
    for position in Moves.of(space).smooth:
        j = int(axes.numeric[position])
        at = np.flatnonzero(~np.isnan(X[:, j]))
        for scale in (0.2, 0.05, 0.0125):
            z = X[at, j] + rng.normal(size=len(at)) * scale * axes.scale[position]
            yield at, j, project(axes.priors[position], z)
