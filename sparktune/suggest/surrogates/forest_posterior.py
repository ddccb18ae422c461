"""What a random forest says of d labels at m candidates: grown trees and their leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...space.distributions import Array
from ...space.tree import Space
from ..axes import Axes
from . import Local

__all__ = ["Columns", "ForestPosterior", "ForestPredictions", "Nodes"]

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

_BLOCK = 1 << 18  # candidates times trees that are looked up at a time
_HUGE = 1e300  # latents beyond which the ranges of columns would overflow
_OUTSIDE = 1.0  # distance of missing values from all others, in ranges of these


@dataclass(frozen=True)
class Columns:
    """The columns that nodes split on.

    A numeric label is a column of its latents. One that may be inactive is two, in which missing
    values stand below and above all others: one of the two has them on the better side of a
    threshold. A categorical label is a column of codes, which have no order, and inactive is a code
    of its own. A label that is the same in all observations has no column.

    Codes are given for each categorical column as sorted latents, -1 for inactive; what was never
    observed has the code after the last.
    """

    labels: Ints  # (f,) label of each column
    low: Array  # (f,) least value of the observations
    high: Array  # (f,) largest value of the observations
    missing: Array  # (f,) what stands for a missing value
    codes: dict[int, Array]
    first: Ints  # the first column of each label that has any

    @classmethod
    def of(cls, space: Space, X: Array) -> Columns:
        """The columns that a space's observations need."""
        found: list[tuple[int, float, float, float]] = []
        codes: dict[int, Array] = {}
        categorical = Axes.of(space).categorical
        for j in range(len(space)):
            z = X[:, j]
            known = z[~np.isnan(z)]
            if j in categorical:
                seen = np.unique(np.where(np.isnan(z), -1.0, z))
                if len(seen) > 1:
                    codes[len(found)] = seen
                    found.append((j, -1.0, np.inf, -1.0))
            elif len(known):
                low, high = np.clip([known.min(), known.max()], -_HUGE, _HUGE).tolist()
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
        """The most codes of a column, with one for what was never observed."""
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
class Nodes:
    """Nodes of grown trees, (q,) of them."""

    column: Ints  # that a node splits on
    threshold: Array  # the largest value that goes left; nan where the column is categorical
    children: Ints  # (q, 2) numbers of the right and the left child; a leaf has itself
    row: Ints  # of ``sides``, -1 where the column is numeric
    sides: Bools  # (rows, width) whether a code goes left
    weight: Array  # total weight of the observations in a node
    mean: Array  # of their losses
    variance: Array  # of their losses
    roots: Ints  # (trees,) numbers of the roots

    @classmethod
    def joined(cls, parts: list[Nodes]) -> Nodes:
        """Join the nodes of several parts, whose numbers start from 0 in each."""
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

    def leaves(self, columns: Columns, X: Array) -> Ints:
        """(trees, m) number of the leaf of each of (m, d) latents in each tree."""
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


@dataclass(frozen=True)
class ForestPosterior:
    """The grown trees, with pending trials in their leaves."""

    columns: Columns
    nodes: Nodes  # of all trees
    floor: float  # variance that is added

    has_gradients: ClassVar[bool] = False
    noise: ClassVar[float] = 0.0  # trees do not tell it from what they do not know

    def predict(self, X: Array) -> tuple[Array, Array]:
        """(1, m) means and (m,) deviations at (m, d) latents."""
        view = self.view(X)
        return view.mean, view.std

    def view(self, X: Array, room: int = 0) -> ForestPredictions:
        """Predictions at (m, d) latents that can follow any number of pending trials."""
        return self._predictions(self.nodes.leaves(self.columns, X))

    def follow(self, view: ForestPredictions) -> ForestPredictions:
        """Update a view made before pending trials were added, to include them."""
        return self._predictions(view.leaves)

    def with_pending(self, x: Array, normals: Array) -> tuple[ForestPosterior, Array]:
        """Add a pending trial to its leaves, with its predicted mean for its loss: (1,)."""
        nodes = self.nodes
        leaves = nodes.leaves(self.columns, np.reshape(x, (1, -1)))[:, 0]
        weight, mean, variance = nodes.weight.copy(), nodes.mean.copy(), nodes.variance.copy()
        w = weight[leaves]
        loss = _average(mean[leaves])
        off = loss - mean[leaves]
        weight[leaves] = w + 1
        mean[leaves] += off / (w + 1)
        variance[leaves] = (variance[leaves] + off**2 / (w + 1)) * (w / (w + 1))
        nodes = replace(nodes, weight=weight, mean=mean, variance=variance)
        return replace(self, nodes=nodes), np.reshape(loss, 1)

    def slopes(self, X: Array) -> Callable[[Array], Local]:
        """Refuse: trees are flat between their thresholds, and have no gradients."""
        raise NotImplementedError

    def _predictions(self, leaves: Ints) -> ForestPredictions:
        """Predictions at candidates in (trees, m) leaves."""
        trees, m = leaves.shape
        mean, variance = np.empty(m), np.empty(m)
        step = max(1, _BLOCK // trees)
        for rows in (slice(at, at + step) for at in range(0, m, step)):
            means = self.nodes.mean.take(leaves[:, rows])
            mean[rows] = _average(means)
            variance[rows] = ((means - mean[rows]) ** 2).mean(0)
            variance[rows] += self.nodes.variance.take(leaves[:, rows]).mean(0)
        return ForestPredictions(leaves, mean[None], np.sqrt(variance + self.floor))


@dataclass(frozen=True)
class ForestPredictions:
    """Means and deviations at candidates."""

    leaves: Ints  # (trees, m) numbers of the candidates' leaves
    mean: Array  # (1, m)
    std: Array  # (m,)


def _average(means: Array) -> Array:
    """(m,) averages over trees, exact where all trees say the same."""
    average: Array = means[0] + (means - means[0]).mean(0)
    return average
