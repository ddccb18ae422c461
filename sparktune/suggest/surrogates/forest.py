"""Random forest regression over a tree of hyperparameters: mean and deviation of the loss.

Trees that are grown at random from all observations (Geurts, Ernst & Wehenkel, 2006, "Extremely
randomized trees") or, by the settings, the best ones for bootstrap samples (Breiman, 2001, "Random
forests"), as a surrogate like SMAC's (Hutter, Hoos & Leyton-Brown, 2011): how much the trees
disagree, with how much losses differ within their leaves, is how little is known of a candidate.

All trees grow at once, level by level. The nodes of a level are segments of one array of draws, for
each column in that column's order, so sums below a threshold are sums along an axis, and children
follow from a stable partition that keeps them in order.

Notation
    n        observations that the forest is fitted to
    d        labels of the space
    m        candidates
    columns  (f,) what nodes split on; see _Columns
    draws    (N,) observations that the trees hold, tree after tree: each once a tree, weighted by
             how often the tree's sample holds it; M of them are in nodes that are still to be split
    nodes    of all trees; s of a level
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...space.distributions import Array, Categorical
from ...space.tree import Space
from ..settings import check_number, check_one_of, check_whole
from .outputs import power

__all__ = ["Forest", "ForestPosterior", "ForestView"]

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

_BLOCK = 1 << 18  # candidates times trees that are looked up at a time
_GROUP = 1 << 20  # draws times columns of the trees that grow at once
_TIE = 1e-10  # share of a node's variance up to which what two columns explain is the same
_OUTSIDE = 1.0  # distance of missing values from all others, in ranges of these
_SPLITS = ("random", "best")


@dataclass(frozen=True)
class Forest:
    """Random forest whose trees split at random, and by the settings at the best thresholds.

    A candidate's mean is that of its leaves, its variance by the law of total variance how much
    these differ plus what they hold themselves, on average. Conditional labels that are inactive
    count as missing values, which go to either side of a threshold. Costs O(trees n d log n).

    Args:
        trees: how many, at least 1.
        splits: "random": thresholds are drawn, one for each label, and the best label is taken; or
            "best": the best threshold of all, drawn between two observations.
        features: share of the labels that a split chooses from, above 0 and at most 1.
        min_samples_split: observations below which a node is not split, at least 2.
        min_samples_leaf: observations of a leaf, at least 1.
        bootstrap: whether each tree sees a bootstrap sample instead of all observations.
        noise: variance that is added, as a share of the losses', above 0.
        warp: whether the losses' power is taken that makes them most like normal ones.

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
        check_number("forest", self, "features", "noise", above=True)

    def fit(self, space: Space, X: Array, y: Array, rng: Generator) -> ForestPosterior:
        """The posterior given observations; see Surrogate."""
        n = len(y)
        if self.warp:
            y, _ = power(y)
        columns = _Columns.of(space, X)
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
        return ForestPosterior(columns, _Nodes.joined(groups), floor)


@dataclass(frozen=True)
class ForestPosterior:
    """Grown trees.

    Attributes:
        columns: what the nodes split on.
        nodes: of all trees.
        floor: variance that is added.
    """

    columns: _Columns
    nodes: _Nodes
    floor: float

    has_gradients: ClassVar[bool] = False

    def predict(self, X: Array) -> tuple[Array, Array]:
        """(1, m) means and (m,) deviations at (m, d) latents."""
        view = self.view(X)
        return view.mean, view.std

    def view(self, X: Array, room: int = 0) -> ForestView:  # noqa: ARG002
        """Means and deviations at many candidates, to be followed through a batch."""
        leaves = self.nodes.leaves(self.columns, X)
        return ForestView(leaves, *self._moments(leaves))

    def follow(self, view: ForestView) -> ForestView:
        """A view of these trees with earlier leaves, brought up to them."""
        return ForestView(view.leaves, *self._moments(view.leaves))

    def with_pending(self, x: Array, normals: Array) -> tuple[ForestPosterior, Array]:  # noqa: ARG002
        """The trees with one more observation in its leaves: the mean believed there, (1,)."""
        nodes = self.nodes
        leaves = nodes.leaves(self.columns, np.reshape(x, (1, -1)))[:, 0]
        weight, mean, variance = nodes.weight.copy(), nodes.mean.copy(), nodes.variance.copy()
        w = weight[leaves]
        believed = _average(mean[leaves])
        off = believed - mean[leaves]
        weight[leaves] = w + 1
        mean[leaves] += off / (w + 1)
        variance[leaves] = (variance[leaves] + off**2 / (w + 1)) * (w / (w + 1))
        nodes = replace(nodes, weight=weight, mean=mean, variance=variance)
        return replace(self, nodes=nodes), np.reshape(believed, 1)

    def _moments(self, leaves: Ints) -> tuple[Array, Array]:
        trees, m = leaves.shape
        mean, variance = np.empty(m), np.empty(m)
        step = max(1, _BLOCK // trees)
        for rows in (slice(at, at + step) for at in range(0, m, step)):
            means = self.nodes.mean.take(leaves[:, rows])
            mean[rows] = _average(means)
            variance[rows] = ((means - mean[rows]) ** 2).mean(0)
            variance[rows] += self.nodes.variance.take(leaves[:, rows]).mean(0)
        return mean[None], np.sqrt(variance + self.floor)


@dataclass(frozen=True)
class ForestView:
    """Candidates seen from a forest.

    Attributes:
        leaves: (trees, m) numbers of their leaves.
        mean: (1, m)
        std: (m,)
    """

    leaves: Ints
    mean: Array
    std: Array


def _average(means: Array) -> Array:
    """Over trees; exact where all are the same."""
    out: Array = means[0] + (means - means[0]).mean(0)
    return out


@dataclass(frozen=True)
class _Columns:
    """What nodes split on.

    A numeric label is a column of its latents. One that may be inactive is two, in which missing
    values stand below and above all others: whichever side of a threshold they are better off on,
    one of the two has it. A categorical label is a column of codes, which have no order, and
    inactive is a code of its own. A label that is the same in all observations has no column.

    Attributes:
        labels: (f,) label of each column.
        first: the first column of each label that has any.
        low, high: (f,) the range of the observations.
        missing: (f,) what stands for a missing value.
        codes: for each categorical column the latents of its codes, sorted, -1 for inactive; what
            was never observed has the code after the last.
    """

    labels: Ints
    low: Array
    high: Array
    missing: Array
    codes: dict[int, Array]
    first: Ints

    @classmethod
    def of(cls, space: Space, X: Array) -> _Columns:
        """The columns that a space's observations need."""
        found: list[tuple[int, float, float, float]] = []
        codes: dict[int, Array] = {}
        for j, distribution in enumerate(space.distributions):
            z = X[:, j]
            known = z[~np.isnan(z)]
            if isinstance(distribution, Categorical):
                seen = np.unique(np.where(np.isnan(z), -1.0, z))
                if len(seen) > 1:
                    codes[len(found)] = seen
                    found.append((j, -1.0, np.inf, -1.0))
            elif len(known):
                low, high = float(known.min()), float(known.max())
                if low < high or len(known) < len(z):
                    reach = _OUTSIDE * (high - low) if low < high else 1.0
                    found.append((j, low, high, low - reach))
                    if space.parents[j]:
                        found.append((j, low, high, high + reach))
        labels = np.array([each[0] for each in found], np.intp)
        low, high, missing = np.array([each[1:] for each in found], float).reshape(-1, 3).T
        return cls(labels, low, high, missing, codes, np.unique(labels, return_index=True)[1])

    @property
    def width(self) -> int:
        """How many codes there are at most, with one for what was never observed."""
        return 1 + max(map(len, self.codes.values()), default=0)

    def encode(self, X: Array) -> Array:
        """(m, f) columns of (m, d) latents."""
        z = X[:, self.labels]
        out: Array = np.where(np.isnan(z), self.missing, np.clip(z, self.low, self.high))
        for k, seen in self.codes.items():
            code = np.minimum(np.searchsorted(seen, out[:, k]), len(seen) - 1)
            out[:, k] = np.where(seen[code] == out[:, k], code, len(seen))
        return out


@dataclass(frozen=True)
class _Nodes:
    """Nodes of grown trees, (q,) of them.

    Attributes:
        column: what a node splits on.
        threshold: up to which a value goes left; nan where the column is categorical.
        children: (q, 2) numbers of the right and the left child; a leaf has itself.
        row: of the codes that go left, -1 where the column is numeric.
        sides: (rows, width) whether a code goes left.
        weight, mean, variance: of the observations in a node.
        roots: (trees,) numbers of the roots.
    """

    column: Ints
    threshold: Array
    children: Ints
    row: Ints
    sides: Bools
    weight: Array
    mean: Array
    variance: Array
    roots: Ints

    @classmethod
    def joined(cls, parts: list[_Nodes]) -> _Nodes:
        """All nodes of several parts, whose numbers start from 0 in each."""
        if len(parts) == 1:
            return parts[0]
        q = np.cumsum([0, *(len(part.mean) for part in parts)])
        rows = np.cumsum([0, *(len(part.sides) for part in parts)])
        moved = [
            replace(
                part,
                children=part.children + q[i],
                roots=part.roots + q[i],
                row=np.where(part.row < 0, -1, part.row + rows[i]),
            )
            for i, part in enumerate(parts)
        ]
        return cls(
            *(np.concatenate([getattr(part, each.name) for part in moved]) for each in fields(cls))
        )

    def leaves(self, columns: _Columns, X: Array) -> Ints:
        """(trees, m) number of the leaf of each candidate in each tree."""
        trees = len(self.roots)
        out = np.empty((trees, len(X)), np.intp)
        inner = self.children[:, 0] != np.arange(len(self.children))
        children = self.children.ravel()
        step = max(1, _BLOCK // trees)
        for begin in range(0, len(X), step):
            E = columns.encode(X[begin : begin + step])
            m, f = E.shape
            values = E.ravel()
            found = np.repeat(self.roots, m)
            at = np.flatnonzero(inner.take(found))
            node, origin = found.take(at), (at % m) * f
            while len(at):
                z = values.take(origin + self.column.take(node))
                left = z <= self.threshold.take(node)
                if len(self.sides):
                    row = self.row.take(node)
                    coded = np.flatnonzero(row >= 0)
                    left[coded] = self.sides[row[coded], z[coded].astype(np.intp)]
                node = children.take(2 * node + left)
                found[at] = node
                on = np.flatnonzero(inner.take(node))
                at, node, origin = at.take(on), node.take(on), origin.take(on)
            out[:, begin : begin + m] = found.reshape(trees, m)
        return out


class _Segments:
    """Consecutive stretches of an array's last axis.

    Attributes:
        sizes, starts, ends: (s,) with ends outside.
        of: (M,) the segment of each place.
    """

    def __init__(self, sizes: Ints) -> None:
        self.sizes = sizes
        self.ends: Ints = np.cumsum(sizes)
        self.starts: Ints = self.ends - sizes
        self.of: Ints = np.repeat(np.arange(len(sizes)), sizes)

    def total(self, a: NDArray[Any]) -> Array:
        """Sum of each segment."""
        out: Array = np.add.reduceat(a, self.starts, axis=-1)
        return out

    def spread(self, a: NDArray[Any]) -> NDArray[Any]:
        """What belongs to a segment, at all its places."""
        return a.take(self.of, axis=-1)

    def cumulated(self, a: Array) -> Array:
        """Sums from a segment's start up to and with each place."""
        out: Array = np.cumsum(a, axis=-1)
        before = out[..., self.starts - 1]
        before[..., 0] = 0.0
        out -= self.spread(before)
        return out


def _grow(
    settings: Forest, columns: _Columns, E: Array, y: Array, times: Ints, rng: Generator
) -> _Nodes:
    """Grow trees.

    Args:
        settings: as given by the user.
        columns: what the columns are.
        E: (n, f) encoded observations.
        y: (n,) losses.
        times: (trees, n) how often each tree's sample holds each observation.
        rng: the source of all randomness.
    """
    drawn = times > 0
    f, leaf = E.shape[1], settings.min_samples_leaf
    by_value = np.argsort(E, axis=0, kind="stable").T
    number = np.cumsum(drawn).reshape(drawn.shape) - 1
    order = (
        number[:, by_value]
        .swapaxes(0, 1)[drawn[:, by_value].swapaxes(0, 1)]
        .reshape(f, drawn.sum())
    )
    row = np.nonzero(drawn)[1]
    w, y = times[drawn].astype(float), y[row]
    values = np.ascontiguousarray(E[row].T)
    members, segments = np.arange(len(y)), _Segments(drawn.sum(1))
    levels: list[dict[str, NDArray[Any]]] = []
    sides = [np.zeros((0, columns.width), bool)]
    q = rows = 0
    while True:
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
        mean = lowest + segments.total(weights * (mine - segments.spread(lowest))) / total
        far = mine - segments.spread(mean)
        variance = segments.total(weights * far**2) / total
        level |= {"weight": total, "mean": mean, "variance": variance}
        nodes = np.flatnonzero(
            (span > 0) & (segments.sizes >= max(settings.min_samples_split, 2 * leaf))
        )
        if not f or not len(nodes):
            break
        if len(nodes) < s:
            is_open = np.zeros(s, bool)
            is_open[nodes] = True
            kept = np.flatnonzero(segments.spread(is_open))
            order, members, far = order.take(kept, axis=1), members.take(kept), far.take(kept)
            segments = _Segments(segments.sizes[nodes])
        pull = np.empty(len(y))
        pull[members] = w.take(members) * (far / segments.spread(span[nodes]))
        ranked, V = order, values.ravel().take(order + len(y) * np.arange(f)[:, None])
        if columns.codes:
            ranked = order.copy()
            for k in columns.codes:
                by_mean, V[k] = _by_mean(V[k], w.take(order[k]), pull.take(order[k]), segments)
                ranked[k] = order[k].take(by_mean)
        cut = _random_cuts if settings.splits == "random" else _best_cuts
        gain, last = cut(V, w.take(ranked), pull.take(ranked), segments, leaf, rng)
        chosen = gain >= 0
        tie = _TIE * variance[nodes] / span[nodes] ** 2 / total[nodes]
        score = np.where(chosen, gain + tie * rng.random(gain.shape), -1.0)
        if settings.features < 1:
            score[~_some(chosen, columns, settings.features, rng)] = -1.0
        column = np.argmax(score, axis=0)
        split = np.flatnonzero(chosen[column, np.arange(len(nodes))])
        if not len(split):
            break
        last = last[column, np.arange(len(nodes))]
        goes_left = np.zeros(len(y), bool)
        place = np.arange(len(segments.of))
        in_order = ranked[segments.spread(column), place]
        goes_left[in_order] = place <= segments.spread(last)
        if len(split) < len(nodes):
            is_open = np.zeros(len(nodes), bool)
            is_open[split] = True
            kept = np.flatnonzero(segments.spread(is_open))
            order, in_order = order.take(kept, axis=1), in_order.take(kept)
        nodes, column, last = nodes[split], column[split], last[split]
        sizes = segments.sizes[split]
        left_sizes = last + 1 - segments.starts[split]
        a, b = V[column, last], V[column, last + 1]
        between = a + (b - a) * rng.random(len(a))
        level["threshold"][nodes] = np.where(between < b, between, a)
        level["column"][nodes] = column
        level["children"][nodes] = q + np.arange(len(nodes))[:, None] + [len(nodes), 0]
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
        left = goes_left.take(order)
        order = np.concatenate([order[left].reshape(f, -1), order[~left].reshape(f, -1)], axis=1)
        members, segments = order[0], _Segments(np.concatenate([left_sizes, sizes - left_sizes]))
    joined = {name: np.concatenate([level[name] for level in levels]) for name in levels[0]}
    return _Nodes(sides=np.concatenate(sides), roots=np.arange(len(times)), **joined)


def _by_mean(codes: Array, weights: Array, pull: Array, segments: _Segments) -> tuple[Ints, Array]:
    """Bring codes in the order of their mean loss within segments.

    A cut in that order is the best split into two sets of codes: Breiman et al. (1984),
    "Classification and regression trees", theorem 4.5.

    Returns:
        (M,) places in the new order, and (M,) the rank of the code at each.
    """
    new = np.ones(len(codes), bool)
    new[1:] = (codes[1:] != codes[:-1]) | (segments.of[1:] != segments.of[:-1])
    begin = np.flatnonzero(new)
    mean = np.add.reduceat(pull, begin) / np.add.reduceat(weights, begin)
    run = np.cumsum(new) - 1
    by_mean = np.argsort(4.0 * segments.of + mean.take(run), kind="stable")
    run = run.take(by_mean)
    rank = np.zeros(len(codes))
    rank[1:] = np.cumsum(run[1:] != run[:-1])
    return by_mean, rank


def _best_cuts(
    V: Array,
    weights: Array,
    pull: Array,
    segments: _Segments,
    leaf: int,
    rng: Generator,  # noqa: ARG001
) -> tuple[Array, Ints]:
    """The cut of each column and segment that explains most of the variance.

    Args:
        V: (f, M) values, in order within segments.
        weights: (f, M) of the draws in that order.
        pull: (f, M) weight times distance from the segment's mean, in ranges of the losses.
        segments: of the M places.
        leaf: draws on either side, at least.
        rng: not used.

    Returns:
        (f, s) what is explained, -1 where no cut is possible, and the last place below the cut.
    """
    f, M = V.shape
    s = len(segments.sizes)
    left = segments.cumulated(weights)
    right = segments.spread(segments.total(weights[0])) - left
    moved = segments.cumulated(pull)
    place = np.arange(M)
    count = place - segments.starts[segments.of] + 1
    possible = np.zeros((f, M), bool)
    np.less(V[:, :-1], V[:, 1:], out=possible[:, :-1])
    possible &= (count >= leaf) & (segments.sizes[segments.of] - count >= leaf)
    gain = np.full((f, M), -1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain[possible] = (moved**2 / (left * right))[possible]
    most = np.maximum.reduceat(gain, segments.starts, axis=1)
    hits = np.flatnonzero((gain == segments.spread(most)).ravel())
    begin = (segments.starts + M * np.arange(f)[:, None]).ravel()
    last = hits[np.searchsorted(hits, begin)].reshape(f, s) % M
    return most, last


def _random_cuts(
    V: Array, weights: Array, pull: Array, segments: _Segments, leaf: int, rng: Generator
) -> tuple[Array, Ints]:
    """The same for thresholds drawn between the least and the largest value of a segment."""
    low, high = V[:, segments.starts + leaf - 1], V[:, segments.ends - leaf]
    t = low + (high - low) * rng.random(low.shape)
    t = np.where(t < high, t, low)
    below = segments.spread(t) >= V
    left = segments.total(weights * below)
    moved = segments.total(pull * below)
    last = segments.starts + np.add.reduceat(below, segments.starts, axis=1, dtype=np.intp) - 1
    total = segments.total(weights[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(low < high, moved**2 / (left * (total - left)), -1.0)
    return gain, last


def _some(chosen: Bools, columns: _Columns, share: float, rng: Generator) -> Bools:
    """Which columns a node looks at: those of a share of the labels that have a possible cut."""
    useful = np.logical_or.reduceat(chosen, columns.first, axis=0)
    number = max(1, math.ceil(share * len(useful) - 1e-9))
    key = np.where(useful, rng.random(useful.shape), 2.0)
    some: Bools = key <= np.partition(key, number - 1, axis=0)[number - 1]
    return some.repeat(np.diff([*columns.first, len(chosen)]), axis=0)
