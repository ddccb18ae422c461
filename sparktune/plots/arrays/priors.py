"""How the values of a space are distributed before anything is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...arithmetic import own_arithmetic
from ...checks import whole
from ...history import History
from ...history.holders import history_of
from ...space.distributions import Array, Distribution, Normal, Uniform
from ...space.tree import Space
from .axis import Axis, axis_of
from .door import MANY, chosen

__all__ = ["Prior", "density", "priors", "space_of"]

_GRID = 400  # points of a curve
_BINS = 40
_LISTED = 200  # values of a discrete label that are shown one by one


@dataclass(frozen=True)
class Prior:
    """The prior of one label where it is active.

    Attributes:
        axis: of the label.
        x: (m,) values, evenly spaced on the axis; of a discrete label each of its values, or, of
            more than 200, some of them.
        p: (m,) of a discrete label the probability of each value; else the density, by the value
            or, on a logarithmic axis, by its natural logarithm.
        discrete: whether these are probabilities.
        edges: (b + 1,) ends of the bins of a histogram of samples; (1,) where none were drawn.
        heights: (b,) of that histogram, in the units of ``p``.
        active: share of the candidates in which the label is active, 0 to 1.
    """

    axis: Axis
    x: Array
    p: Array
    discrete: bool
    edges: Array
    heights: Array
    active: float


def space_of(thing: Any) -> Space:
    """The space of a Space, of trials, or of what ``fmin`` takes as one.

    Raises:
        BadSearchSpace, DuplicateLabel: it is none.
        ValueError: trials that belong to no search yet.
    """
    if isinstance(thing, History) or hasattr(thing, "history"):
        return history_of(thing).space
    return Space.of(thing)


@own_arithmetic
def priors(
    space: Any, labels: Any = None, samples: int = 1000, log: bool = True, seed: int = 0
) -> tuple[Prior, ...]:
    """The distributions of a space's labels.

    Args:
        space: a space as ``fmin`` takes it, a Space, or trials.
        labels: a list of labels; None for the first 20.
        samples: candidates that are drawn for the histograms, 0 for none.
        log: whether labels with a logarithm have a logarithmic axis.
        seed: of these draws.

    Raises:
        BadSearchSpace, ValueError: no space, a label that it does not have, or a wrong setting.
    """
    space = space_of(space)
    samples, seed = whole("samples", samples, 0), whole("seed", seed, 0)
    names = chosen(labels, space) or space.labels[:MANY]
    X = space.sample(np.random.default_rng(seed), max(samples, 1000))
    shares = (~np.isnan(X)).mean(0)
    X = X[:samples]
    found = []
    for name in names:
        j = space.column[name]
        z = X[~np.isnan(X[:, j]), j]
        active = 1.0 if not space.parents[j] else float(shares[j])
        found.append(_prior(space, j, z, log, active))
    return tuple(found)


def _prior(space: Space, j: int, z: Array, log: bool, active: float) -> Prior:
    distribution = space.distributions[j]
    sample = np.array([distribution.value(each) for each in z.tolist()])
    axis = axis_of(space.params[j], np.empty(0))
    if not log and axis.scale in ("log", "symlog"):
        end = distribution.value(float(distribution.quantile(np.array([0.95]))[0]))
        axis = replace(axis, scale="linear", low=min(0.0, axis.low), high=float(end), threshold=0.0)
    elif len(sample) and axis.scale != "options":
        middle = sample[np.isfinite(sample)]
        low, high = float(middle.min()), float(middle.max())
        axis = replace(axis, low=min(axis.low, low), high=max(axis.high, high))
    x, p = density(distribution, axis)
    edges, heights = _histogram(distribution, axis, x, sample)
    return Prior(axis, x, p, distribution.discrete, edges, heights, active)


def density(distribution: Distribution, axis: Axis) -> tuple[Array, Array]:
    """Values on an axis, and the prior there: see Prior."""
    if distribution.discrete:
        x = listed(distribution, axis)
        return x, np.exp(distribution.log_prior(latents(distribution, x)))
    x = axis.grid(_GRID)
    if axis.scale == "linear" and isinstance(distribution, (Normal, Uniform)):
        return x, np.exp(distribution.log_prob(x))
    return x, np.exp(distribution.log_prior(latents(distribution, x)))


def latents(distribution: Distribution, values: Array) -> Array:
    """The latents of values."""
    return np.array([distribution.latent(each) for each in values.tolist()])


def listed(distribution: Distribution, axis: Axis) -> Array:
    """Values of a discrete label on an axis: all of them, or some of many."""
    if axis.scale == "options":
        return np.arange(len(axis.options), dtype=float)
    places = np.unique(latents(distribution, axis.grid(4 * _LISTED)))
    values = np.array([distribution.value(z) for z in places.tolist()], float)
    values = np.unique(values[(values >= axis.low) & (values <= axis.high)])
    if len(values) > _LISTED:
        values = values[np.linspace(0, len(values) - 1, _LISTED).astype(int)]
    return values


def _histogram(
    distribution: Distribution, axis: Axis, x: Array, sample: Array
) -> tuple[Array, Array]:
    """Edges of bins and heights of a sample in the units of the density; nothing of no sample."""
    if not len(sample) or not len(x):
        return np.empty(1), np.empty(0)
    if distribution.discrete:
        places = np.searchsorted(x, sample - 1e-9 * np.maximum(np.abs(sample), 1.0))
        known = (places < len(x)) & np.isclose(x[np.minimum(places, len(x) - 1)], sample)
        heights = np.bincount(places[known], minlength=len(x)) / len(sample)
        middle = (x[1:] + x[:-1]) / 2
        edges = np.concatenate([[axis.low], middle, [axis.high]]) if len(x) > 1 else x[[0, 0]]
        return edges, heights
    edges = axis.at(np.linspace(0, 1, _BINS + 1))
    counts, _ = np.histogram(sample, edges)
    widths = np.diff(np.log(edges) if axis.scale == "log" else edges)
    return edges, counts / len(sample) / np.maximum(widths, np.finfo(float).tiny)
