"""PED-ANOVA: how much a label says about being among the best trials, by densities alone.

Watanabe, Bansal and Hutter (2023), "PED-ANOVA: efficiently quantifying hyperparameter importance in
arbitrary subspaces"; for labels that are active in some trials only, Baba, Ozaki and Watanabe
(2026), "Conditional PED-ANOVA".

Let b be 1 for the best trials (the *target*) and 0 for the others of a *region*. The share of b's
variance that label j explains by itself is

    V_j = beta q_j² D / (q (1 - q)),    D = sum_x p'(x)² / p(x) - 1          (Pearson divergence)

with q the share of the target in the region, q_j that among the trials in which j is active, beta
the share of these trials, and p' and p the densities of j among the target's and the region's of
them. What separates active from inactive trials belongs to the choice above, whose own densities
hold it. (With alpha the share of the target's trials in which j is active, beta q_j² is q² alpha² /
beta, as in the second paper.)

Densities are over the m bins of equal prior probability, so that the scale of a label is of no
account; p and p' are smoothed by the same kernels, so that p' / p is a kernel regression of b. From
D is subtracted what it would be in the mean if the target were drawn at random from the region: of
t trials out of a, without replacement,

    E D = sum_x Var p'(x) / p(x),   Var p'(x) = (a - t) / (a - 1) / t (sum_y G_xy² p_y - p(x)²)

with p_y the shares of the bins before smoothing, and G_xy what a trial in bin y adds at x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..space.discrete import Categorical
from ..space.distributions import Array, Distribution
from ..space.tree import Space

__all__ = ["LEAST_TOP", "Bins", "Explained", "best_rows", "chance", "divergence", "explained_by"]

Ints = NDArray[np.intp]
Bools = NDArray[np.bool_]

LEAST_TOP = 5  # trials of the target, at least
_BINS = 64
_NARROWEST = 0.3 / _BINS  # bandwidth, in probability of the prior
_OPTIONS = 1 << 16  # of a category, above which only those that were tried are looked at


@dataclass(frozen=True)
class Bins:
    """The bins of one label: at u in probability of the prior, of which each has the mass w.

    Attributes:
        u: (m,) ascending for a number, None for a category.
        w: (m,) that sum to 1.
    """

    u: Array | None
    w: Array

    @classmethod
    def of(cls, distribution: Distribution) -> Bins:
        """Bins of equal probability; of a discrete label, the values that stand for them."""
        if isinstance(distribution, Categorical):
            return cls(None, np.asarray(distribution.p, float))
        u = (np.arange(_BINS) + 0.5) / _BINS
        if not distribution.discrete:
            return cls(u, np.full(_BINS, 1 / _BINS))
        values = np.unique(distribution.quantile(u))
        w = np.exp(distribution.log_prior(values))
        return cls(distribution.position(values), w / w.sum())

    def places(self, distribution: Distribution, z: Array) -> Ints:
        """The bin of each latent, the nearest one."""
        if self.u is None:
            return z.astype(np.intp)
        edges = (self.u[1:] + self.u[:-1]) / 2
        return np.searchsorted(edges, distribution.position(z))

    def kernels(self, counts: Array, t: int) -> Array | None:
        """(m, m) G: what a trial in bin y adds at x, for t trials out of these counts; None is 1.

        Normal kernels of half of Scott's bandwidth, which is one for a single hill, cut off at the
        ends of the prior. Which of the trials the t are plays no part, as ``chance`` needs it.
        """
        if self.u is None or len(self.u) < 2:
            return None
        h = max(_scott(self.u, counts, t) / 2, _NARROWEST)
        G = self.w[:, None] * np.exp(-0.5 * ((self.u[:, None] - self.u) / h) ** 2)
        smoothed: Array = G / G.sum(0)
        return smoothed


def _scott(u: Array, counts: Array, t: int) -> float:
    """Scott's bandwidth for t of the observations at u, by the smaller measure of their spread."""
    n = counts.sum()
    mean = counts @ u / n
    sd = math.sqrt(counts @ (u - mean) ** 2 / max(n - 1, 1))
    reached = np.cumsum(counts)
    low, high = (u[np.searchsorted(reached, share * n)] for share in (0.25, 0.75))
    spread = min(sd, (high - low) / 1.34) if high > low else sd
    return float(1.059 * spread * t**-0.2)


def divergence(top: Array, reference: Array, G: Array | None) -> float:
    """D of a target with (m,) counts, from the (m,) shares of a reference, both smoothed by G."""
    p_top, p = top / top.sum(), reference
    if G is not None:
        p_top, p = G @ p_top, G @ p
    return float(_quotients(p_top**2, p).sum()) - 1


def chance(reference: Array, G: Array | None, t: int, a: float) -> float:
    """E D of a target of t trials, drawn from a reference of a (inf for one that is no sample)."""
    p, squares = reference, reference
    if G is not None:
        p, squares = G @ reference, G**2 @ reference
    left = 1.0 if math.isinf(a) else (a - t) / max(a - 1, 1)
    return left / t * float(_quotients(np.maximum(squares - p**2, 0.0), p).sum())


def _quotients(a: Array, b: Array) -> Array:
    return np.divide(a, b, out=np.zeros(len(a)), where=b > 0)


@dataclass(frozen=True)
class Explained:
    """What each label explains by itself, d labels.

    Attributes:
        of_all: (d,) V_j, not negative.
        active: (d,) beta.
        where_active: (d,) the same share among the trials in which the label is active.
    """

    of_all: Array
    active: Array
    where_active: Array


def best_rows(y: Array, count: int) -> Bools:
    """Which losses are among the lowest ``count``; all that are equal to the last of them, too."""
    rows: Bools = y <= np.partition(y, count - 1)[count - 1]
    return rows


def explained_by(space: Space, X: Array, top: Bools, whole_space: bool = False) -> Explained:
    """What each label explains of being in the target, among the trials of a region.

    Args:
        space: of the trials.
        X: (n, d) latents of the region's trials, nan where a label is inactive.
        top: (n,) which of them are in the target.
        whole_space: whether the target is compared with the prior instead of the region's trials.
    """
    d, q = len(space), float(top.mean())
    of_all, active, within = np.zeros(d), np.zeros(d), np.zeros(d)
    for j, distribution in enumerate(space.distributions):
        z = X[:, j]
        on = ~np.isnan(z)
        active[j] = on.mean()
        its = top[on]
        t, a = int(its.sum()), len(its)
        if not 0 < t < a:
            continue
        excess = max(0.0, _excess(distribution, z[on], its, whole_space))
        of_all[j] = active[j] * (t / a) ** 2 * excess / (q * (1 - q))
        within[j] = t / a * excess / (1 - t / a)
    return Explained(of_all, active, within)


def _excess(distribution: Distribution, z: Array, top: Bools, whole_space: bool) -> float:
    """D less E D of one label, of (a,) latents."""
    bins = Bins.of(distribution)
    places, m = bins.places(distribution, z), len(bins.w)
    if bins.u is None and m > _OPTIONS and not whole_space:
        places = np.unique(places, return_inverse=True)[1]
        m = int(places.max()) + 1
    in_top = np.bincount(places[top], minlength=m).astype(float)
    counts, t = np.bincount(places, minlength=m).astype(float), int(top.sum())
    G = bins.kernels(counts, t)
    if whole_space:
        w = np.maximum(bins.w, 0.5 / len(z)) if G is None else bins.w  # given by hand
        reference, a = w / w.sum(), math.inf
    else:
        reference, a = counts / len(z), float(len(z))
    return divergence(in_top, reference, G) - chance(reference, G, t, a)
