"""Random forest regression over a tree of hyperparameters: mean and deviation of the loss.

Trees that are grown at random from all observations (Geurts, Ernst & Wehenkel, 2006, "Extremely
randomized trees") or, by the settings, the best ones for bootstrap samples (Breiman, 2001, "Random
forests"), as a surrogate like SMAC's (Hutter, Hoos & Leyton-Brown, 2011): how much the trees
disagree, with how much losses differ within their leaves, is how little is known of a candidate.

All trees grow at once, level by level. The nodes of a level are segments of one array of draws, for
each column in that column's order, so sums below a threshold are sums along an axis, and children
follow from a stable partition that keeps them in order. Grown trees are in forest_posterior.py.

Notation
    n        observations that the forest is fitted to
    columns  (f,) what nodes split on; see Columns
    draws    (N,) observations that the trees hold, tree after tree: each once a tree, weighted by
             how often the tree's sample holds it; M of them are in nodes that are still to be split
    nodes    of all trees; s of a level
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...space.distributions import Array
from ...space.tree import Space
from ..settings import check_number, check_one_of, check_whole
from .forest_posterior import Bools, Columns, ForestPosterior, Ints, Nodes
from .outputs import power

__all__ = ["Forest"]

_GROUP = 1 << 20  # draws times columns of the trees that grow at once
_TIE = 1e-10  # share of a node's variance up to which what two columns explain is the same
_SPLITS = ("random", "best")


@dataclass(frozen=True)
class Forest:
    """Random forest whose trees split at random, and by the settings at the best thresholds.

    A candidate's mean is the mean of its leaves. Its variance is, by the law of total variance, the
    variance of the leaves' means plus the mean of the variances within leaves. Conditional labels
    that are inactive count as missing values, which go to either side of a threshold. Costs
    O(trees n d log n).

    Args:
        trees: how many, at least 1.
        splits: "random": thresholds are drawn, one for each label, and the best label is taken; or
            "best": the best threshold of all, drawn between two observations.
        features: share of the labels that a split chooses from, above 0 and at most 1.
        min_samples_split: observations below which a node is not split, at least 2.
        min_samples_leaf: observations of a leaf, at least 1.
        bootstrap: whether each tree sees a bootstrap sample instead of all observations.
        noise: variance that is added, as a share of the losses', above 0.
        warp: whether to apply the Yeo-Johnson transform that makes losses most like normal ones.

    Raises:
        ValueError: a setting out of its range.
    """

    trees: int = 30
    splits: str = "random"
    features: float = 1.0
    min_samples_split: int = 2
    min_samples_leaf: int = 1
    bootstrap: bool = False
    noise: float = 1e-4
    warp: bool = True

    def __post_init__(self) -> None:
        check_whole("forest", self, "trees", "min_samples_leaf")
        check_whole("forest", self, "min_samples_split", least=2)
        check_one_of("forest", self, "splits", _SPLITS)
        check_number("forest", self, "features", "noise", over=True)

    def fit(
        self, space: Space, X: Array, y: Array, rng: Generator, variance: Array | None = None
    ) -> ForestPosterior:
        """Grow trees from observations; see Surrogate."""
        n = len(y)
        if self.warp:
            y, _ = power(y)
        columns = Columns.of(space, X)
        E = columns.encode(X)
        at_once = max(1, _GROUP // max(1, n * E.shape[1]))
        groups = []
        for first in range(0, self.trees, at_once):
            trees = min(at_once, self.trees - first)
            if self.bootstrap:
                picked = rng.integers(n, size=(trees, n)) + n * np.arange(trees)[:, None]
                times = np.bincount(picked.ravel(), minlength=trees * n).reshape(trees, n)
            else:
                times = np.ones((trees, n), np.intp)
            groups.append(_grow(self, columns, E, y, times, rng))
        spread = float(np.var(y))
        floor = self.noise * (spread if spread > 0 else 1.0)
        return ForestPosterior(columns, Nodes.joined(groups), floor)


class _Segments:
    """Consecutive stretches of an array's last axis."""

    def __init__(self, sizes: Ints) -> None:
        self.sizes = sizes  # (s,)
        self.ends = np.cumsum(sizes)  # (s,) the first place behind each
        self.starts = self.ends - sizes
        self.of = np.repeat(np.arange(len(sizes)), sizes)  # (M,) the segment of each place

    def total(self, a: NDArray[Any]) -> Array:
        """Sum of each segment."""
        return np.add.reduceat(a, self.starts, axis=-1)

    def repeat(self, a: NDArray[Any]) -> NDArray[Any]:
        """Repeat a number of each segment at all its places."""
        return a.take(self.of, axis=-1)

    def places(self, kept: Ints) -> Ints:
        """The places of some of the segments."""
        is_kept = np.zeros(len(self.sizes), bool)
        is_kept[kept] = True
        return np.flatnonzero(self.repeat(is_kept))

    def cumulated(self, a: Array) -> Array:
        """Sums from a segment's start up to and with each place."""
        out = np.cumsum(a, axis=-1)
        before = out[..., self.starts - 1]
        before[..., 0] = 0.0
        out -= self.repeat(before)
        return out


def _grow(
    settings: Forest, columns: Columns, E: Array, y: Array, times: Ints, rng: Generator
) -> Nodes:
    """Grow trees from (n, f) encoded observations E and (n,) losses.

    ``times`` says how often each tree's sample holds each observation: (trees, n).
    """
    f, leaf = E.shape[1], settings.min_samples_leaf
    # draws: their observations, weights, losses and values
    drawn = times > 0
    row = np.nonzero(drawn)[1]
    w, y = times[drawn].astype(float), y[row]
    values = np.ascontiguousarray(E[row].T)
    # (f, M) draws of the open nodes in each column's order, node after node; at first of the roots
    by_value = np.argsort(E, axis=0, kind="stable").T
    number = np.cumsum(drawn).reshape(drawn.shape) - 1
    drawn = drawn[:, by_value].swapaxes(0, 1)
    order = number[:, by_value].swapaxes(0, 1)[drawn].reshape(f, len(row))
    members, segments = np.arange(len(y)), _Segments((times > 0).sum(1))
    levels: list[dict[str, NDArray[Any]]] = []
    sides = [np.zeros((0, columns.width), bool)]
    q = rows = 0  # nodes and tables of codes so far
    while True:
        # a level begins as leaves, with the mean and variance of what they hold
        s = len(segments.sizes)
        level: dict[str, NDArray[Any]] = {
            "column": np.zeros(s, np.intp),
            "threshold": np.full(s, np.nan),
            "children": np.repeat(q + np.arange(s), 2).reshape(s, 2),
            "row": np.full(s, -1, np.intp),
        }
        levels.append(level)
        q += s
        mine, weights = y.take(members), w.take(members)
        lowest = np.minimum.reduceat(mine, segments.starts)
        span = np.maximum.reduceat(mine, segments.starts) - lowest
        total = segments.total(weights)
        mean = lowest + segments.total(weights * (mine - segments.repeat(lowest))) / total
        far = mine - segments.repeat(mean)
        variance = segments.total(weights * far**2) / total
        level |= {"weight": total, "mean": mean, "variance": variance}
        # nodes that may be split; the draws of others are dropped
        nodes = np.flatnonzero(
            (span > 0) & (segments.sizes >= max(settings.min_samples_split, 2 * leaf))
        )
        if not f or not len(nodes):
            break
        if len(nodes) < s:
            kept = segments.places(nodes)
            order, members, far = order.take(kept, axis=1), members.take(kept), far.take(kept)
            segments = _Segments(segments.sizes[nodes])
        # residuals, and the values in order; codes are put in the order of their mean residual
        residual = np.empty(len(y))
        residual[members] = w.take(members) * (far / segments.repeat(span[nodes]))
        ranked, V = order, values.ravel().take(order + len(y) * np.arange(f)[:, None])
        if columns.codes:
            ranked = order.copy()
            for k in columns.codes:
                by_mean, V[k] = _by_mean(V[k], w.take(order[k]), residual.take(order[k]), segments)
                ranked[k] = order[k].take(by_mean)
        # of each node the column whose cut explains most, one of them at random where several do
        cut = _random_cuts if settings.splits == "random" else _best_cuts
        gain, last = cut(V, w.take(ranked), residual.take(ranked), segments, leaf, rng)
        possible = gain >= 0
        square = span[nodes] ** 2  # 0 where losses are all but the same
        tie = np.divide(_TIE * variance[nodes], square, out=np.zeros(len(nodes)), where=square > 0)
        tie /= total[nodes]
        score = np.where(possible, gain + tie * rng.random(gain.shape), -1.0)
        if settings.features < 1:
            score[~_looked_at(possible, columns, settings.features, rng)] = -1.0
        column = np.argmax(score, axis=0)
        split = np.flatnonzero(possible[column, np.arange(len(nodes))])
        if not len(split):
            break
        # draws up to the cut's last place go left; nodes without a cut stay leaves
        last = last[column, np.arange(len(nodes))]
        goes_left = np.zeros(len(y), bool)
        place = np.arange(len(segments.of))
        in_order = ranked[segments.repeat(column), place]
        goes_left[in_order] = place <= segments.repeat(last)
        if len(split) < len(nodes):
            kept = segments.places(split)
            order, in_order = order.take(kept, axis=1), in_order.take(kept)
        nodes, column, last = nodes[split], column[split], last[split]
        sizes = segments.sizes[split]
        left_sizes = last + 1 - segments.starts[split]
        # thresholds between the draws on either side
        a, b = V[column, last], V[column, last + 1]
        between = a + (b - a) * rng.random(len(a))
        level["threshold"][nodes] = np.where(between < b, between, a)
        level["column"][nodes] = column
        level["children"][nodes] = q + np.arange(len(nodes))[:, None] + [len(nodes), 0]
        # of categorical columns a table instead; codes that the node does not hold go anywhere
        codes = np.flatnonzero(np.isin(column, list(columns.codes)))
        if len(codes):
            level["threshold"][nodes[codes]] = np.nan
            level["row"][nodes[codes]] = rows + np.arange(len(codes))
            row_of = np.full(len(nodes), -1)
            row_of[codes] = np.arange(len(codes))
            row_of = np.repeat(row_of, sizes)
            inside = np.flatnonzero(row_of >= 0)
            draws = in_order.take(inside)
            table = rng.random((len(codes), columns.width)) < 0.5
            code = values[np.repeat(column, sizes)[inside], draws].astype(np.intp)
            table[row_of[inside], code] = goes_left[draws]
            sides.append(table)
            rows += len(codes)
        # the next level: all left children, then all right ones, still in each column's order
        left = goes_left.take(order)
        order = np.concatenate([order[left].reshape(f, -1), order[~left].reshape(f, -1)], axis=1)
        members, segments = order[0], _Segments(np.concatenate([left_sizes, sizes - left_sizes]))
    joined = {name: np.concatenate([level[name] for level in levels]) for name in levels[0]}
    return Nodes(sides=np.concatenate(sides), roots=np.arange(len(times)), **joined)


def _by_mean(
    codes: Array, weights: Array, residual: Array, segments: _Segments
) -> tuple[Ints, Array]:
    """Put codes in the order of their mean loss within segments.

    A cut in that order is the best split into two sets of codes: Breiman et al. (1984),
    "Classification and regression trees", theorem 4.5. Returns (M,) places in the new order, and
    (M,) the rank of the code at each.
    """
    new = np.ones(len(codes), bool)
    new[1:] = (codes[1:] != codes[:-1]) | (segments.of[1:] != segments.of[:-1])
    begin = np.flatnonzero(new)
    mean = np.add.reduceat(residual, begin) / np.add.reduceat(weights, begin)
    run = np.cumsum(new) - 1
    by_mean = np.argsort(4.0 * segments.of + mean.take(run), kind="stable")
    run = run.take(by_mean)
    rank = np.zeros(len(codes))
    rank[1:] = np.cumsum(run[1:] != run[:-1])
    return by_mean, rank


def _best_cuts(
    V: Array, weights: Array, residual: Array, segments: _Segments, leaf: int, _: Generator
) -> tuple[Array, Ints]:
    """Find the cut of each column and segment that explains most of the variance.

    Args:
        V: (f, M) values, in order within segments.
        weights: (f, M) of the draws in that order.
        residual: (f, M) weight times the loss less the segment's mean, in ranges of the losses.
        segments: of the M places.
        leaf: draws on either side, at least.

    Returns:
        (f, s) what is explained, -1 where no cut is possible, and the last place below the cut.
    """
    f, M = V.shape
    s = len(segments.sizes)
    left = segments.cumulated(weights)
    right = segments.repeat(segments.total(weights[0])) - left
    moved = segments.cumulated(residual)
    place = np.arange(M)
    count = place - segments.starts[segments.of] + 1
    possible = np.zeros((f, M), bool)
    np.less(V[:, :-1], V[:, 1:], out=possible[:, :-1])
    possible &= (count >= leaf) & (segments.sizes[segments.of] - count >= leaf)
    gain = np.full((f, M), -1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain[possible] = (moved**2 / (left * right))[possible]
    most = np.maximum.reduceat(gain, segments.starts, axis=1)
    hits = np.flatnonzero((gain == segments.repeat(most)).ravel())
    begin = (segments.starts + M * np.arange(f)[:, None]).ravel()
    last = hits[np.searchsorted(hits, begin)].reshape(f, s) % M
    return most, last


def _random_cuts(
    V: Array, weights: Array, residual: Array, segments: _Segments, leaf: int, rng: Generator
) -> tuple[Array, Ints]:
    """Draw the cut of each column and segment between its least and its largest value.

    Takes and returns what ``_best_cuts`` does.
    """
    low, high = V[:, segments.starts + leaf - 1], V[:, segments.ends - leaf]
    t = low + (high - low) * rng.random(low.shape)
    t = np.where(t < high, t, low)
    below = segments.repeat(t) >= V
    left = segments.total(weights * below)
    moved = segments.total(residual * below)
    last = segments.starts + np.add.reduceat(below, segments.starts, axis=1, dtype=np.intp) - 1
    total = segments.total(weights[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(low < high, moved**2 / (left * (total - left)), -1.0)
    return gain, last


def _looked_at(possible: Bools, columns: Columns, share: float, rng: Generator) -> Bools:
    """Draw the columns that a node looks at: those of a share of the labels with a possible cut."""
    useful = np.logical_or.reduceat(possible, columns.first, axis=0)
    number = max(1, math.ceil(share * len(useful) - 1e-9))
    key = np.where(useful, rng.random(useful.shape), 2.0)
    drawn: Bools = key <= np.partition(key, number - 1, axis=0)[number - 1]
    return drawn.repeat(np.diff([*columns.first, len(possible)]), axis=0)
