"""Where an acquisition function is highest: a pool of candidates, and climbing from its best."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..history import History
from ..space.distributions import Array, Categorical
from ..space.tree import Space
from .acquisition import Acquisition
from .axes import Axes, OfSpace
from .candidates import finished, settled
from .surrogates import Posterior
from .surrogates.gp import Features

__all__ = ["box_of", "box_pool", "climb", "in_box", "pool_of"]

_MANY = 16  # values of a discrete label from which on it is climbed like a continuous one
_OPTIONS = 12  # of a category that are tried in one step
_PARENTS = 10  # best trials around which half of a pool lies
_STARTS = 10
_STEPS = 4  # of discrete labels between two climbs
_ENDS = (-0.25, 1.25)  # in units, of unbounded labels


class Moves(OfSpace):
    """Which labels of a space climb by gradients and which by steps.

    Attributes:
        smooth: positions among the numeric labels.
        stepped: columns of quantised labels.
        categorical: columns of categories on which no other label depends.
    """

    def __init__(self, space: Space) -> None:
        axes = Axes.of(space)
        quantised = set(axes.quantised.tolist())
        many = [len(list(islice(axes.priors[at].values(), _MANY))) == _MANY for at in quantised]
        wide = {at for at, is_wide in zip(quantised, many, strict=True) if is_wide}
        self.smooth = np.array(
            [at for at in range(len(axes.numeric)) if at not in quantised or at in wide], np.intp
        )
        self.stepped = [int(axes.numeric[at]) for at in sorted(quantised)]
        self.categorical = [int(j) for j in axes.categorical if j not in space.forks]


def pool_of(space: Space, history: History, rng: Generator, m: int) -> Array:
    """Candidates to choose starts from: half of the prior, half around the best trials.

    The latter keep about half of their parent's labels, or all but one, and move the others by
    scales from a thousandth to a third of the range. In a tree the best trial of each option of
    each fork is a parent too.
    """
    X, y = finished(history)
    order = np.argsort(y, kind="stable")
    parents = list(order[:_PARENTS])
    for j in space.forks:
        for option in space.distributions[j].values():
            inside = order[X[order, j] == option]
            parents += list(inside[:2])
    anew = space.sample(rng, m)
    half = m // 2
    near = X[np.array(parents)[np.arange(half) % len(parents)]].copy()
    d = len(space)
    moved = rng.random((half, d)) < rng.choice([0.1, 0.5], size=(half, 1))
    moved[np.arange(half), rng.integers(d, size=half)] = True
    scale = 10 ** rng.uniform(-3, -0.5, size=(half, 1))
    axes = Axes.of(space)
    step = np.zeros((half, d))
    step[:, axes.numeric] = rng.normal(size=(half, len(axes.numeric))) * axes.scale * scale
    for j, distribution in enumerate(space.distributions):
        if isinstance(distribution, Categorical):
            other = anew[:half, j]
            other = np.where(np.isnan(other), distribution.sample(rng, half), other)
            near[:, j] = np.where(moved[:, j] | np.isnan(near[:, j]), other, near[:, j])
        else:
            z = np.where(moved[:, j], near[:, j] + step[:, j], near[:, j])
            lost = np.isnan(z)
            z[lost] = distribution.sample(rng, int(lost.sum()))
            near[:, j] = settled(distribution, z)
    return np.concatenate([space.mask(near), anew[half:]])


def box_of(space: Space, row: Array, reach: float) -> tuple[Array, Array]:
    """Ends in units of the box around a candidate; nan where it has no such label."""
    u = Axes.of(space).units(row[None])[0]
    return u - reach, u + reach


def box_pool(space: Space, row: Array, reach: float, rng: Generator, m: int) -> Array:
    """Candidates within a box around one of them; a label keeps its value with probability 1/2."""
    anew, d = space.sample(rng, m), len(space)
    moved = rng.random((m, d)) < rng.choice([0.2, 0.5, 1.0], size=(m, 1))
    moved[np.arange(m), rng.integers(d, size=m)] = True
    near = np.tile(row, (m, 1))
    axes = Axes.of(space)
    step = np.zeros((m, d))
    step[:, axes.numeric] = axes.scale * rng.uniform(-reach, reach, size=(m, len(axes.numeric)))
    for j, distribution in enumerate(space.distributions):
        if isinstance(distribution, Categorical):
            if j not in space.forks and not np.isnan(row[j]):
                change = moved[:, j] & (rng.random(m) < 0.5) & ~np.isnan(anew[:, j])
                near[:, j] = np.where(change, anew[:, j], near[:, j])
        elif not np.isnan(row[j]):
            z = np.where(moved[:, j], near[:, j] + step[:, j], near[:, j])
            near[:, j] = settled(distribution, z)
    return near


def in_box(space: Space, X: Array, box: tuple[Array, Array], row: Array) -> NDArray[np.bool_]:
    """Which candidates lie in a box around one of them, in its branch."""
    U = Axes.of(space).units(X)
    with np.errstate(invalid="ignore"):
        apart = (box[0] - 1e-9 > U) | (box[1] + 1e-9 < U)
    apart |= np.isnan(U) != np.isnan(box[0])
    outside = [apart.any(1)]
    for j in space.forks:
        outside.append((X[:, j] != row[j]) & ~(np.isnan(X[:, j]) & np.isnan(row[j])))
    inside: NDArray[np.bool_] = ~np.logical_or.reduce(outside)
    return inside


def climb(
    space: Space,
    posterior: Posterior,
    acquisition: Acquisition,
    target: Array,
    pool: Array,
    score: Array,
    rng: Generator,
    box: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """The tops that climbing from the best of a pool leads to, and their values."""
    starts = _starts(score, rng)
    X, value = pool[starts].copy(), score[starts].copy()
    moves = Moves.of(space)
    discrete = len(moves.stepped) or len(moves.categorical)
    if posterior.has_gradients and len(moves.smooth):
        X, value = _ascend(space, posterior, acquisition, target, X, value, box)
    if discrete or not posterior.has_gradients:
        changed = False
        for _ in range(_STEPS):
            better, X, value = _step(space, posterior, acquisition, target, X, value, rng)
            changed |= better
            if not better:
                break
        if changed and posterior.has_gradients and len(moves.smooth):
            X, value = _ascend(space, posterior, acquisition, target, X, value, box)
    return X, value


def _starts(score: Array, rng: Generator) -> NDArray[np.intp]:
    """The best of a pool, and others by roulette."""
    order = np.argsort(-score, kind="stable")
    best = order[: _STARTS // 2]
    others = order[_STARTS // 2 :]
    weight = score[others] - score[best[0]]
    keys = weight + rng.gumbel(size=len(others))  # draws without replacement by exp(score)
    more = others[np.argsort(-keys, kind="stable")[: _STARTS - len(best)]]
    return np.concatenate([best, more])


def _ascend(
    space: Space,
    posterior: Any,
    acquisition: Acquisition,
    target: Array,
    X: Array,
    value: Array,
    box: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """Climb by gradients in all numeric labels that are active and nearly continuous."""
    from scipy.optimize import minimize

    axes, features, moves = Axes.of(space), Features.of(space), Moves.of(space)
    F, active = features.encode(X)
    units = axes.units(X)
    free = np.zeros(units.shape, bool)
    free[:, moves.smooth] = True
    free &= ~np.isnan(units)
    if not free.any():
        return X, value
    U = np.where(np.isnan(units), 0.0, units)
    low, high = np.maximum(axes.low, _ENDS[0]), np.minimum(axes.high, _ENDS[1])
    if box is not None:
        low, high = np.fmax(low, box[0]), np.fmin(high, box[1])
    at = np.nonzero(free)[1]
    weight = np.where(free.any(1), 1.0, 0.0)

    def descent(u: Array) -> tuple[float, Array]:
        U[free] = u
        local = posterior.slopes(U, F, active)
        found = acquisition(local.mean, local.std, target)
        slope = local.gradient(found.by_mean, found.by_std)
        return -float(found.value @ weight), -slope[free]

    found = minimize(
        descent, np.clip(U[free], low[at], high[at]), jac=True, method="L-BFGS-B",
        bounds=list(zip(low[at], high[at], strict=True)),
        options={"maxiter": 30, "ftol": 1e-6, "maxcor": 10},
    ).x  # fmt: skip
    U[free] = found
    moved = X.copy()
    for position in moves.smooth:
        j, distribution = axes.numeric[position], axes.priors[position]
        z = axes.origin[position] + axes.scale[position] * U[:, position]
        moved[:, j] = np.where(free[:, position], settled(distribution, z), X[:, j])
    return _better(posterior, acquisition, target, X, value, moved)


def _better(
    posterior: Posterior,
    acquisition: Acquisition,
    target: Array,
    X: Array,
    value: Array,
    moved: Array,
) -> tuple[Array, Array]:
    """Of each candidate and what it moved to, the better one."""
    new = acquisition(*posterior.predict(moved), target).value
    better = new > value
    return np.where(better[:, None], moved, X), np.where(better, new, value)


def _step(
    space: Space,
    posterior: Posterior,
    acquisition: Acquisition,
    target: Array,
    X: Array,
    value: Array,
    rng: Generator,
) -> tuple[bool, Array, Array]:
    """Change the one discrete label of each candidate whose change is worth most."""
    moves = Moves.of(space)
    rows, columns, latents = [], [], []

    def propose(at: NDArray[np.intp], j: int, z: Array) -> None:
        rows.append(at)
        columns.append(np.full(len(at), j))
        latents.append(z)

    for j in moves.categorical:
        at = np.flatnonzero(~np.isnan(X[:, j]))
        options = list(space.distributions[j].values())
        if len(options) > _OPTIONS:
            options = list(rng.choice(options, _OPTIONS, replace=False))
        for option in options:
            other = at[X[at, j] != option]
            propose(other, j, np.full(len(other), float(option)))
    for j in moves.stepped:
        distribution = space.distributions[j]
        at = np.flatnonzero(~np.isnan(X[:, j]))
        lo, hi = distribution.cells(X[at, j])
        width = np.minimum(hi - lo, distribution.scale)
        for far in (1e-3, 1.0):
            for z in (lo - far * width, hi + far * width):
                propose(at, j, settled(distribution, z))
    if not posterior.has_gradients:
        _propose_smooth(space, X, rng, propose)
    row = np.concatenate(rows)
    if not len(row):
        return False, X, value
    moved = X[row]
    moved[np.arange(len(row)), np.concatenate(columns)] = np.concatenate(latents)
    new = acquisition(*posterior.predict(moved), target).value
    better, X, value = False, X.copy(), value.copy()
    for i in np.argsort(new, kind="stable"):
        if new[i] > value[row[i]]:
            X[row[i]], value[row[i]], better = moved[i], new[i], True
    return better, X, value


def _propose_smooth(space: Space, X: Array, rng: Generator, propose: Any) -> None:
    """Steps of several sizes in numeric labels, for surrogates without gradients."""
    axes, moves = Axes.of(space), Moves.of(space)
    for position in moves.smooth:
        j, distribution = axes.numeric[position], axes.priors[position]
        at = np.flatnonzero(~np.isnan(X[:, j]))
        for scale in (0.2, 0.05, 0.0125):
            z = X[at, j] + rng.normal(size=len(at)) * scale * axes.scale[position]
            propose(at, j, settled(distribution, z))
