"""The kernel of the GP over a tree of hyperparameters, and how it is fitted to losses.

Labels that are active under the same condition form a group; group 0 is active always. With s² the
signal's variance, k(x, x') = s² prod_g f_g, each factor positive definite and 1 where x = x':

    f_0 = m(r_0)
    f_g = kappa_g + (1 - kappa_g) m(r_g)   both active: only what is active in both is compared
          kappa_g                          one of them active
          1                                neither
    r_g² = sum over g's labels of theta_j (u_j - u'_j)², or theta_j 1[differs] for categories
    m(r) = (1 + √5 r + 5 r² / 3) exp(-√5 r)                                         (Matern, 5/2)

kappa_g is the share of the signal that a group's labels leave alone, so that a branch learns from
the others by it. The likelihood is that of Rasmussen and Williams (2006), "Gaussian processes for
machine learning", equations 5.8 and 5.9, times a prior of the hyperparameters.

Notation
    p, c    numeric and categorical labels; d = p + c, in that order
    m, n    candidates
    e       columns of features: numeric labels in units (see Axes), one for each option of a
            category, and for a category of many options one that holds the option's index
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...space.distributions import Array
from ...space.tree import Space
from ..axes import Axes, OfSpace

__all__ = ["Features", "Hyperparameters", "Kernel", "Likelihood", "Points", "log_prior", "quotient"]

_LEAST_NOISE = 1e-6  # variance
_MANY = 100  # options of a category, above which they have no columns of their own
_ALIKE = 0.75  # share of the variance of log lengthscales that all of them have in common
_KAPPA = (-1.0, 1.5)  # mean and deviation of the logits of kappa
_STATED = (2.0, 2.0)  # and of the logit of the share of stated variances

Bools = NDArray[np.bool_]


class Group(NamedTuple):
    """Labels that are active under the same condition."""

    column: int  # of the space, one of the group's
    labels: NDArray[np.intp]  # (l,) positions among the d labels
    features: NDArray[np.intp]  # (f,) columns of features, of which distances are sums
    coded: list[tuple[int, int]]  # label and column of each category of many options


class Features(OfSpace):
    """The numbers that the kernel compares candidates by.

    Attributes:
        axes: the space's labels by kind.
        groups: the groups; the first is active always.
        owner: (e,) the label of each column of features.
        first: (c,) column of the first option of each categorical label, or of its index.
        coded: (c,) whether a categorical label has many options.
        log_length: (d,) log of the lengthscale that each label has by the prior.
    """

    def __init__(self, space: Space) -> None:
        self.axes = axes = Axes.of(space)
        p, sizes = len(axes.numeric), np.array([len(each) for each in axes.options], np.intp)
        self.coded = sizes > _MANY
        sizes[self.coded] = 1
        self.first = p + np.cumsum(sizes) - sizes
        self.owner = np.repeat(np.arange(p + len(sizes)), [1] * p + sizes.tolist())
        self.columns = np.concatenate([axes.numeric, axes.categorical])  # of each label
        by_condition: dict[Any, list[int]] = {(): []}
        for label, j in enumerate(self.columns):
            by_condition.setdefault(space.parents[j], []).append(label)
        coded = {p + int(k): int(self.first[k]) for k in np.flatnonzero(self.coded)}
        summed = ~np.isin(self.owner, list(coded))
        self.groups = [
            Group(
                int(self.columns[at[0]]),
                np.array(at),
                np.flatnonzero(np.isin(self.owner, at) & summed),
                [(label, coded[label]) for label in at if label in coded],
            )
            for at in by_condition.values()
        ]
        self.log_length = np.zeros(len(self.columns))
        for group in self.groups:
            self.log_length[group.labels] = 0.5 * math.log(max(1, len(group.labels)))

    def active(self, X: Array) -> Bools:
        """(groups, m) which groups are active in (m, d) latents."""
        return np.array([~np.isnan(X[:, group.column]) for group in self.groups])

    def encode(self, X: Array) -> Array:
        """(m, e) features of (m, d) latents: differing options 1 apart, inactive labels 0."""
        F = np.zeros((len(X), len(self.owner)))
        units = self.axes.units(X)
        F[:, : units.shape[1]] = np.where(np.isnan(units), 0.0, units)
        codes = X[:, self.axes.categorical]
        rows, at = np.nonzero(~np.isnan(codes))
        code, coded = codes[rows, at], self.coded[at]
        column = self.first[at] + np.where(coded, 0, code).astype(np.intp)
        F[rows, column] = np.where(coded, code, math.sqrt(0.5))
        return F


@dataclass(frozen=True)
class Hyperparameters:
    """What is learnt from the losses."""

    theta: Array  # (d,) inverse squared lengthscales
    signal: float  # s², the signal's variance
    noise: float  # the noise's variance, beside what trials state
    kappa: Array  # (groups - 1,) constant shares of the conditional groups' factors
    stated: float = 1.0  # share of the stated variances that is noise

    @classmethod
    def unpack(cls, z: Array, features: Features) -> Hyperparameters:
        """Hyperparameters of a vector of logarithms and logits, with or without that of stated."""
        d = len(features.columns)
        values, shares = np.exp(z[: d + 2]), 1 / (1 + np.exp(-z[d + 2 :]))
        kappa, stated = np.split(shares, [len(features.groups) - 1])
        return cls(
            values[:d], float(values[d]), float(values[d + 1]) + _LEAST_NOISE, kappa,
            float(stated[0]) if len(stated) else 1.0,
        )  # fmt: skip

    def pack(self, with_stated: bool = False) -> Array:
        """The vector that ``unpack`` takes."""
        noise = max(self.noise - _LEAST_NOISE, 1e-7)
        shares = np.append(self.kappa, self.stated) if with_stated else self.kappa
        logits = np.log(shares / (1 - shares))
        return np.concatenate([np.log([*self.theta, self.signal, noise]), logits])


class Points(NamedTuple):
    """Candidates as the kernel sees them."""

    F: Array  # (m, e) features times the roots of theta
    active: Bools  # (groups, m) which groups are active


@dataclass(frozen=True)
class Kernel:
    """The covariance k(x, x') of the signal at two candidates, with hyperparameters h."""

    features: Features
    h: Hyperparameters

    @property
    def scale(self) -> Array:
        """(e,) roots of theta, by which features are multiplied; 1 for indices of options."""
        scale = np.sqrt(self.h.theta)[self.features.owner]
        scale[self.features.first[self.features.coded]] = 1.0
        return scale

    def points(self, X: Array) -> Points:
        """The points of (m, d) latents."""
        return Points(self.features.encode(X) * self.scale, self.features.active(X))

    def covariance(self, a: Points, b: Points) -> Array:
        """(m, n) covariances of the signal at m and n points."""
        K = np.full((len(a.F), len(b.F)), self.h.signal)
        for g in range(len(self.features.groups)):
            K *= self.factor(g, a, b)[0]
        return K

    def factor(self, g: int, a: Points, b: Points, slopes: bool = False) -> tuple[Array, Array]:
        """(m, n) factors f_g and, where asked for, their derivatives by r_g²."""
        group = self.features.groups[g]
        A, B = a.F[:, group.features], b.F[:, group.features]
        r2 = (A**2).sum(1)[:, None] + (B**2).sum(1) - 2 * (A @ B.T)
        np.maximum(r2, 0.0, out=r2)
        for label, column in group.coded:
            r2 += self.h.theta[label] * (a.F[:, column, None] != b.F[:, column])
        m, slope = _matern(r2)
        if not g:
            return m, slope
        kappa = self.h.kappa[g - 1]
        i, j = a.active[g][:, None], b.active[g][None]
        both = i & j
        f = np.where(both, kappa + (1 - kappa) * m, np.where(i | j, kappa, 1.0))
        return f, np.where(both, (1 - kappa) * slope, 0.0) if slopes else slope


def quotient(a: Array, f: Array) -> Array:
    """What a product has without one of its factors; 0 where that is 0, as its slope is then."""
    return np.divide(a, f, out=np.zeros(a.shape), where=f > 0)


def _matern(r2: Array) -> tuple[Array, Array]:
    """The Matern 5/2 function m of squared distances, and its derivative by them."""
    r = np.sqrt(5 * r2)
    e = np.exp(-r)
    slope = (1 + r) * e
    return slope + (5 / 3) * r2 * e, (-5 / 6) * slope


class Likelihood:
    """Negative log posterior density of hyperparameters, with its gradient, for (n, d) latents X.

    Losses may come with (n,) stated variances of their noise, 0 where unknown, of which a share is
    learnt: the variance of a mean over folds, say, is that of single folds over their number, but
    little of it distinguishes trials that share their folds.

    Attributes:
        rows, columns: observations of each of the n (n - 1) / 2 pairs; flat: its place in K.
        both, one: for each group the pairs in which both observations have it, or one of them.
        D: for each group (l, pairs) the squared distances in each label of the former pairs.
    """

    def __init__(self, features: Features, X: Array) -> None:
        self.features, self.n = features, (n := len(X))
        self.rows, self.columns = np.tril_indices(n, -1)
        self.flat = self.rows * n + self.columns
        self.both: list[NDArray[np.intp] | slice] = [slice(None)]  # group 0 is active always
        self.one = [np.empty(0, np.intp)]
        for active in features.active(X)[1:]:
            i, j = active[self.rows], active[self.columns]
            self.both.append(np.flatnonzero(i & j))
            self.one.append(np.flatnonzero(i != j))
        units, codes = features.axes.units(X), X[:, features.axes.categorical]
        p = units.shape[1]
        self.D: list[Array] = []
        for group, both in zip(features.groups, self.both, strict=True):
            rows, columns = self.rows[both], self.columns[both]
            D = np.empty((len(group.labels), len(rows)))
            for k, label in enumerate(group.labels):
                z = units[:, label] if label < p else codes[:, label - p]
                apart = z[rows] - z[columns]
                D[k] = apart**2 if label < p else apart != 0
            self.D.append(D)

    def likeliest(
        self, y: Array, variance: Array | None = None, start: Hyperparameters | None = None
    ) -> tuple[Hyperparameters, float]:
        """Find the hyperparameters of the largest posterior density, given losses and variances.

        The search begins at ``start``, by default at usual values of the prior. Also returns minus
        the logarithm of the density.
        """
        from scipy.optimize import minimize

        d, groups = len(self.features.columns), len(self.features.groups)
        shares = groups - 1 + (variance is not None)
        z = np.zeros(d + 2 + shares)
        z[:d] = -2 * self.features.log_length
        z[d + 1] = math.log(1e-2)
        z[d + 2 :] = _KAPPA[0]
        z[d + groups + 1 :] = _STATED[0]
        if start is not None:
            z = start.pack(variance is not None)
        bounds = [(-9.0, 9.0)] * d + [(-7.0, 5.0), (-16.0, 2.0)] + [(-6.0, 6.0)] * shares
        found = minimize(
            self, z, args=(y, variance), jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": 60, "ftol": 1e-6, "gtol": 1e-2},
        )  # fmt: skip
        if np.isfinite(found.x).all():
            z = found.x
        return Hyperparameters.unpack(z, self.features), float(found.fun)

    def __call__(self, z: Array, y: Array, variance: Array | None = None) -> tuple[float, Array]:
        """Value and gradient at a vector as Hyperparameters.unpack takes it, for losses y."""
        from scipy.linalg import lapack

        d, n = len(self.features.columns), self.n
        h = Hyperparameters.unpack(z, self.features)
        # k = s² prod_g f_g of all pairs
        factors, slopes, materns = [], [], []
        k = np.full(len(self.rows), h.signal)
        for g, group in enumerate(self.features.groups):
            f, slope = _matern(h.theta[group.labels] @ self.D[g])
            materns.append(f)
            slopes.append(slope)
            if g:
                kappa = h.kappa[g - 1]
                f = np.ones(len(k))
                f[self.both[g]] = kappa + (1 - kappa) * materns[g]
                f[self.one[g]] = kappa
            factors.append(f)
            k = k * f
        # K + noise = L L', its inverse, and a = (K + noise)^-1 y
        K = np.zeros((n, n))
        K.flat[self.flat] = k
        K.flat[:: n + 1] = h.signal + h.noise
        if variance is not None:
            K.flat[:: n + 1] += h.stated * variance
        L, failed = lapack.dpotrf(K, lower=1)
        if failed:
            return 1e25, np.zeros(len(z))
        inverse, _ = lapack.dpotri(L, lower=1)
        low = inverse.flat[self.flat]
        diagonal = inverse.flat[:: n + 1].copy()
        inverse.T.flat[self.flat] = low
        a = inverse @ y
        # value y' a / 2 + log det L; its derivative by K is half of (K + noise)^-1 - a a'
        value = 0.5 * float(y @ a) + float(np.log(L.flat[:: n + 1]).sum())
        W = low - a[self.rows] * a[self.columns]  # of a pair: both of its entries
        by_variance = 0.5 * (diagonal - a**2)
        on_diagonal = float(by_variance.sum())
        # by log signal, log noise, then for each group by the logit of kappa and by log theta
        gradient = np.zeros(len(z))
        Wk = W * k
        gradient[d] = float(Wk.sum()) + h.signal * on_diagonal
        gradient[d + 1] = (h.noise - _LEAST_NOISE) * on_diagonal
        for g, group in enumerate(self.features.groups):
            both = self.both[g]
            by_factor = quotient(Wk[both], factors[g][both])
            if g:
                kappa = h.kappa[g - 1]
                by_kappa = float(by_factor @ (1 - materns[g]))
                by_kappa += float(Wk[self.one[g]].sum()) / kappa
                gradient[d + 1 + g] = by_kappa * kappa * (1 - kappa)
                by_factor = by_factor * (1 - kappa)
            by_r2 = by_factor * slopes[g]
            gradient[group.labels] = h.theta[group.labels] * (self.D[g] @ by_r2)
        if variance is not None:
            gradient[-1] = float(by_variance @ variance) * h.stated * (1 - h.stated)
        prior, by_z = log_prior(self.features, h, z)
        return value - prior, gradient - by_z


def log_prior(features: Features, h: Hyperparameters, z: Array) -> tuple[float, Array]:
    """Log density of hyperparameters up to a constant, and its gradient by their logarithms.

    Lengthscales are lognormal, of deviation 1 of the logarithm, their median the root of the number
    of labels in the group (longer in more dimensions: Hvarfner, Hellsten and Nardi, 2024, "Vanilla
    Bayesian optimization performs great in high dimensions"). Their logarithms are correlated by
    0.75, so that few losses tell how long all of them are, and many how they differ. The signal is
    Gamma(2, 1); the noise Gamma(1.1, 30); logits of kappa normal of mean -1 and deviation 1.5, that
    of the stated share, where there is one, of mean 2 and deviation 2.
    """
    by_z = np.zeros(len(z))
    d = len(features.columns)
    short = 0.5 * z[:d] + features.log_length
    value, by_short = _log_prior_of_lengths(short)
    by_z[:d] = 0.5 * by_short
    value += math.log(h.signal) - h.signal
    by_z[d] = 1 - h.signal
    value += 0.1 * math.log(h.noise) - 30 * h.noise
    by_z[d + 1] = (h.noise - _LEAST_NOISE) * (0.1 / h.noise - 30)
    shares, groups = z[d + 2 :], len(features.groups)
    mean, sd = (np.full(len(shares), each) for each in _KAPPA)
    mean[groups - 1 :], sd[groups - 1 :] = _STATED
    value -= 0.5 * float((((shares - mean) / sd) ** 2).sum())
    by_z[d + 2 :] = -(shares - mean) / sd**2
    return value, by_z


def _log_prior_of_lengths(short: Array) -> tuple[float, Array]:
    """Log density of (d,) logarithms of median over lengthscale, and its gradient.

    They are normal of variance 1, correlated; their covariance is inverted by Sherman and Morrison.
    """
    own = 1 - _ALIKE
    slope = (_ALIKE / (own + _ALIKE * len(short)) * short.sum() - short) / own
    return 0.5 * float(short @ slope), slope
