"""Gaussian process over a tree of hyperparameters.

Labels that are active under the same condition form a group; group 0 is active always. With s² the
signal's variance, k(x, x') = s² prod_g f_g, each factor positive definite and 1 where x = x':

    f_0 = m(r_0)
    f_g = kappa_g + (1 - kappa_g) m(r_g)   both active: only what is active in both is compared
          kappa_g                          one of them active
          1                                neither
    r_g² = sum over g's labels of theta_j (u_j - u'_j)², or theta_j 1[differs] for categories
    m(r) = (1 + √5 r + 5 r² / 3) exp(-√5 r)                                         (Matern, 5/2)

kappa_g is the share of the signal that a group's labels leave alone, so that a branch learns from
the others by it. Rasmussen and Williams (2006), "Gaussian processes for machine learning", for all
equations.

Notation
    n       observations, with pending trials among them once they are fantasized
    p, c    numeric and categorical labels; d = p + c, in that order
    m       candidates
    e       columns of features: numeric labels in units (see Axes) and one for each option
    S       fantasies
    L       Cholesky factor of K + noise; R = L^-1
    b       (n, S) R y; a = R' b
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...space.distributions import Array
from ...space.tree import Space
from ..axes import Axes, OfSpace
from ..settings import check_whole
from .outputs import power

__all__ = ["GP", "Features", "GPPosterior", "Hyperparameters", "View"]

_LEAST_NOISE = 1e-6
_KAPPA = (-1.0, 1.5)  # mean and deviation of the logits of kappa
_JITTER = 1e-6  # of the signal's variance, at fantasies
_SAME = 1e-3  # what warping may change without being tried
_FAR = 8.0  # units beyond which a point given by hand counts as being there


@dataclass(frozen=True)
class Group:
    """Labels active under one condition.

    Attributes:
        column: one of its columns of the space.
        labels: (l,) positions among the d hyperparameters.
        features: (f,) columns of features.
    """

    column: int
    labels: NDArray[np.intp]
    features: NDArray[np.intp]


class Features(OfSpace):
    """What the kernel sees of a candidate.

    Attributes:
        axes: the space's labels by kind.
        groups: the groups; the first is active always.
        owner: (e,) the label of each column of features.
        first: (c,) column of the first option of each categorical label.
        log_length: (d,) log of the lengthscale that each label has by the prior.
    """

    def __init__(self, space: Space) -> None:
        self.axes = axes = Axes.of(space)
        p, sizes = len(axes.numeric), [len(each) for each in axes.options]
        self.first = (p + np.cumsum([0, *sizes]))[:-1].astype(np.intp)
        self.owner = np.repeat(np.arange(p + len(sizes)), [1] * p + sizes)
        self.columns = np.concatenate([axes.numeric, axes.categorical])  # of each label
        by_condition: dict[Any, list[int]] = {(): []}
        for label, j in enumerate(self.columns):
            by_condition.setdefault(space.parents[j], []).append(label)
        self.groups = [
            Group(
                int(self.columns[labels[0]]),
                np.array(labels),
                np.flatnonzero(np.isin(self.owner, labels)),
            )
            for labels in by_condition.values()
        ]
        self.log_length = np.zeros(len(self.columns))
        for group in self.groups:
            self.log_length[group.labels] = 0.5 * math.log(max(1, len(group.labels)))

    def encode(self, X: Array) -> tuple[Array, NDArray[np.bool_]]:
        """(m, e) features of (m, d) latents and (groups, m) what is active.

        Differing options are 1 apart; inactive labels are 0.
        """
        F = np.zeros((len(X), len(self.owner)))
        units = np.clip(self.axes.units(X), -_FAR, _FAR)
        F[:, : units.shape[1]] = np.where(np.isnan(units), 0.0, units)
        codes = X[:, self.axes.categorical]
        rows, at = np.nonzero(~np.isnan(codes))
        F[rows, self.first[at] + codes[rows, at].astype(np.intp)] = math.sqrt(0.5)
        return F, np.array([~np.isnan(X[:, group.column]) for group in self.groups])


@dataclass(frozen=True)
class Hyperparameters:
    """What is learnt of a kernel.

    Attributes:
        theta: (d,) inverse squared lengthscales.
        signal: variance of the signal.
        noise: variance of the noise.
        kappa: (groups - 1,) shares of the conditional groups' factors that are constant.
    """

    theta: Array
    signal: float
    noise: float
    kappa: Array

    @classmethod
    def unpack(cls, z: Array, d: int) -> Hyperparameters:
        """From a vector of logarithms and, for kappa, logits."""
        values = np.exp(z[: d + 2])
        kappa = 1 / (1 + np.exp(-z[d + 2 :]))
        return cls(values[:d], float(values[d]), float(values[d + 1]) + _LEAST_NOISE, kappa)

    def pack(self) -> Array:
        """As unpack takes them."""
        noise = max(self.noise - _LEAST_NOISE, 1e-7)
        logits = np.log(self.kappa / (1 - self.kappa))
        return np.concatenate([np.log([*self.theta, self.signal, noise]), logits])


@dataclass(frozen=True)
class GP:
    """Gaussian process with a Matern 5/2 kernel whose hyperparameters are fitted by their prior.

    They are those of the largest posterior density, found by L-BFGS-B with analytic gradients.
    Costs O(n³ + n² d) for each of some 40 steps: 0.05 s at n = 128, d = 10. Of more than
    ``most_fitted`` observations these steps see a part: the best half and others at random. Of
    more than ``most`` only those are conditioned on that are best, or else latest.

    Args:
        most: observations conditioned on, at most, from 2 on.
        most_fitted: observations that hyperparameters are fitted to, at most.
        warp: whether the losses' power is taken that makes them most like normal ones, where the
            process then is the likelier one; costs a second search of hyperparameters.

    Raises:
        ValueError: a setting out of its range.
    """

    most: int = 1000
    most_fitted: int = 256
    warp: bool = True

    def __post_init__(self) -> None:
        check_whole("gp", self, "most", "most_fitted", least=2)

    def fit(self, space: Space, X: Array, y: Array, rng: Generator) -> GPPosterior:
        """The posterior given observations.

        Args:
            space: the space of the observations.
            X: (n, d) latents, nan where a label is inactive; n >= 1.
            y: (n,) losses, finite, of about mean 0 and deviation 1.
            rng: the source of randomness.
        """
        if len(y) > self.most:
            best = np.argsort(y, kind="stable")[: self.most // 2]
            late = np.setdiff1d(np.arange(len(y)), best)[-(self.most - len(best)) :]
            rows = np.sort(np.concatenate([best, late]))
            X, y = X[rows], y[rows]
        features = Features.of(space)
        F, active = features.encode(X)
        rows = np.arange(len(y))
        if len(y) > self.most_fitted:
            best = np.argsort(y, kind="stable")[: self.most_fitted // 2]
            others = np.setdiff1d(rows, best)
            others = rng.permutation(others)[: self.most_fitted - len(best)]
            rows = np.concatenate([best, others])
        likelihood = Likelihood(features, X[rows])
        found, value = likelihood.likeliest(y[rows])
        if self.warp:
            warped, log_slope = power(y)
            if np.abs(warped - y).max() > _SAME:
                other, its = likelihood.likeliest(warped[rows], found)
                if its - float(log_slope[rows].sum()) < value:
                    found, y = other, warped
        return GPPosterior.of(features, found, F, active, y)


class Likelihood:
    """Negative log posterior density of hyperparameters, with its gradient.

    Args:
        features: of the space.
        X: (n, d) latents.
    """

    def __init__(self, features: Features, X: Array) -> None:
        self.features, n = features, len(X)
        self.y = np.zeros(n)
        self.rows, self.columns = np.tril_indices(n, -1)
        self.flat = self.rows * n + self.columns
        _, active = features.encode(X)
        axes = features.axes
        units = np.clip(axes.units(X), -_FAR, _FAR)
        codes = X[:, axes.categorical]
        p = units.shape[1]
        self.both: list[NDArray[np.intp] | slice] = []
        self.one: list[NDArray[np.intp]] = []
        self.D: list[Array] = []
        for g, group in enumerate(features.groups):
            rows, columns = self.rows, self.columns
            if g:
                i, j = active[g][rows], active[g][columns]
                both = np.flatnonzero(i & j)
                rows, columns = rows[both], columns[both]
                self.both.append(both)
                self.one.append(np.flatnonzero(i != j))
            else:
                self.both.append(slice(None))
                self.one.append(np.empty(0, np.intp))
            D = np.empty((len(group.labels), len(rows)))
            for k, label in enumerate(group.labels):
                z = units[:, label] if label < p else codes[:, label - p]
                apart = z[rows] - z[columns]
                D[k] = apart**2 if label < p else apart != 0
            self.D.append(D)

    def start(self) -> Array:
        """Where the search of hyperparameters begins."""
        d = len(self.features.columns)
        z = np.zeros(d + 2 + len(self.features.groups) - 1)
        z[:d] = -2 * self.features.log_length
        z[d + 2 :] = _KAPPA[0]
        z[d + 1] = math.log(1e-2)
        return z

    def likeliest(
        self, y: Array, start: Hyperparameters | None = None
    ) -> tuple[Hyperparameters, float]:
        """Hyperparameters of the largest posterior density for losses, and minus its logarithm."""
        from scipy.optimize import minimize

        self.y = y
        d = len(self.features.columns)
        z = self.start() if start is None else start.pack()
        bounds = [(-9.0, 9.0)] * d + [(-7.0, 5.0), (-16.0, 2.0)]
        bounds += [(-6.0, 6.0)] * (len(z) - d - 2)
        found = minimize(
            self, z, jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": 60, "ftol": 1e-6, "gtol": 1e-2},
        )  # fmt: skip
        if np.isfinite(found.x).all():
            z = found.x
        return Hyperparameters.unpack(z, d), float(found.fun)

    def __call__(self, z: Array) -> tuple[float, Array]:
        """Value and gradient at a vector as Hyperparameters.unpack takes it."""
        from scipy.linalg import lapack

        d, n = len(self.features.columns), len(self.y)
        h = Hyperparameters.unpack(z, d)
        factors, slopes, matern = [], [], []
        k = np.full(len(self.rows), h.signal)
        for g, group in enumerate(self.features.groups):
            r2 = h.theta[group.labels] @ self.D[g]
            m, slope = _matern(r2)
            matern.append(m)
            slopes.append(slope)
            if g:
                kappa = h.kappa[g - 1]
                f = np.ones(len(k))
                f[self.both[g]] = kappa + (1 - kappa) * m
                f[self.one[g]] = kappa
            else:
                f = m
            factors.append(f)
            k = k * f
        K = np.zeros((n, n))
        K.flat[self.flat] = k
        K.flat[:: n + 1] = h.signal + h.noise
        L, failed = lapack.dpotrf(K, lower=1)
        if failed:
            return 1e25, np.zeros(len(z))
        inverse, _ = lapack.dpotri(L, lower=1)
        low = inverse.flat[self.flat]
        diagonal = inverse.flat[:: n + 1].copy()
        inverse.T.flat[self.flat] = low
        a = inverse @ self.y
        value = 0.5 * float(self.y @ a) + float(np.log(L.flat[:: n + 1]).sum())
        W = low - a[self.rows] * a[self.columns]  # 2 dvalue/dK of a pair, both of its entries
        on_diagonal = 0.5 * float((diagonal - a**2).sum())
        gradient = np.zeros(len(z))
        Wk = W * k
        gradient[d] = float(Wk.sum()) + h.signal * on_diagonal
        gradient[d + 1] = (h.noise - _LEAST_NOISE) * on_diagonal
        for g, group in enumerate(self.features.groups):
            both = self.both[g]
            rest = Wk[both] / factors[g][both]
            if g:
                kappa = h.kappa[g - 1]
                by_kappa = float(rest @ (1 - matern[g])) + float(Wk[self.one[g]].sum()) / kappa
                gradient[d + 1 + g] = by_kappa * kappa * (1 - kappa)
                rest = rest * (1 - kappa)
            gradient[group.labels] = h.theta[group.labels] * (self.D[g] @ (rest * slopes[g]))
        prior, by_z = log_prior(self.features, h, z)
        return value - prior, gradient - by_z


def log_prior(features: Features, h: Hyperparameters, z: Array) -> tuple[float, Array]:
    """Log density of hyperparameters up to a constant, and its gradient by their logarithms.

    Lengthscales are lognormal, of deviation 1 of the logarithm, their median the root of the number
    of labels in the group (longer in more dimensions: Hvarfner, Hellsten and Nardi, 2024, "Vanilla
    Bayesian optimization performs great in high dimensions"); the signal Gamma(2, 1); the noise
    Gamma(1.1, 30); logits of kappa normal of mean -1 and deviation 1.5.
    """
    by_z = np.zeros(len(z))
    d = len(features.columns)
    long = 0.5 * z[:d] + features.log_length
    value = -0.5 * float(long @ long)
    by_z[:d] = -0.5 * long
    value += math.log(h.signal) - h.signal
    by_z[d] = 1 - h.signal
    value += 0.1 * math.log(h.noise) - 30 * h.noise
    by_z[d + 1] = (h.noise - _LEAST_NOISE) * (0.1 / h.noise - 30)
    logits = z[d + 2 :] - _KAPPA[0]
    value -= float(logits @ logits) / (2 * _KAPPA[1] ** 2)
    by_z[d + 2 :] = -logits / _KAPPA[1] ** 2
    return value, by_z


def _matern(r2: Array) -> tuple[Array, Array]:
    """Matern 5/2 at squared distances, and its derivative by them."""
    r = np.sqrt(5 * r2)
    e = np.exp(-r)
    slope = (1 + r) * e
    return slope + (5 / 3) * r2 * e, (-5 / 6) * slope


@dataclass(frozen=True)
class GPPosterior:
    """The process given observations, and fantasies of pending trials.

    Attributes:
        features: of the space.
        h: hyperparameters.
        F: (n, e) features times the roots of theta.
        active: (groups, n)
        R: (n, n) inverse of the Cholesky factor.
        b: (n, S)
        last: (n - 1,) the last row of L before its diagonal, where that is a pending trial.
    """

    features: Features
    h: Hyperparameters
    F: Array
    active: NDArray[np.bool_]
    R: Array
    b: Array
    last: Array

    has_gradients: ClassVar[bool] = True

    @classmethod
    def of(
        cls,
        features: Features,
        h: Hyperparameters,
        F: Array,
        active: NDArray[np.bool_],
        y: Array,
    ) -> GPPosterior:
        """Condition on observations, with as much more noise as the arithmetic needs."""
        from scipy.linalg import lapack

        F = F * np.sqrt(h.theta)[features.owner]
        K = _covariance(features, h, F, active, F, active)
        noise = h.noise
        while True:
            A = K.copy()
            A.flat[:: len(A) + 1] = h.signal + noise
            L, failed = lapack.dpotrf(A, lower=1, clean=1)
            if not failed:
                break
            noise = max(10 * noise, 1e-8 * h.signal)
        R, _ = lapack.dtrtri(L, lower=1)
        return cls(features, h, F, active, np.ascontiguousarray(R), (R @ y)[:, None], L[-1, :-1])

    def predict(self, X: Array) -> tuple[Array, Array]:
        """(S, m) means and (m,) deviations of the signal at (m, d) latents."""
        view = self.view(X)
        return view.mean, view.std

    def view(self, X: Array, room: int = 0) -> View:
        """Means and deviations at many candidates, to be followed through ``room`` fantasies."""
        F, active = self._encode(X)
        K = _covariance(self.features, self.h, self.F, self.active, F, active)
        n, m = K.shape
        V = np.empty((n + room, m))
        np.matmul(self.R, K, out=V[:n])
        variance = self.h.signal - np.einsum("nm,nm->m", V[:n], V[:n])
        return View(F, active, V, self.b.T @ V[:n], variance, self.h.signal)

    def _encode(self, X: Array) -> tuple[Array, NDArray[np.bool_]]:
        F, active = self.features.encode(X)
        return F * np.sqrt(self.h.theta)[self.features.owner], active

    def with_pending(self, x: Array, normals: Array) -> tuple[GPPosterior, Array]:
        """The posterior with a pending trial at (d,) latents; its (S,) fantasies, one a draw.

        A fantasy is a draw of the signal there: costs O(n²).
        """
        view, n = self.view(x[None]), len(self.F)
        value = view.mean[:, 0] + view.std[0] * normals
        v = view.V[:, 0]
        own = math.sqrt(max(view.variance[0], 0.0) + _JITTER * self.h.signal)
        R = np.zeros((n + 1, n + 1))
        R[:n, :n] = self.R
        R[n, :n] = -(v @ self.R) / own
        R[n, n] = 1 / own
        b = np.broadcast_to(self.b, (n, len(normals)))
        last = (value - v @ b) / own
        F, active = np.concatenate([self.F, view.F]), np.concatenate([self.active, view.active], 1)
        b = np.concatenate([b, last[None]])
        return GPPosterior(self.features, self.h, F, active, R, b, v), value

    def follow(self, view: View) -> View:
        """A view of the posterior without its last pending trial, brought up to it; O(m n)."""
        k = _covariance(
            self.features, self.h, self.F[-1:], self.active[:, -1:], view.F, view.active
        )[0]
        n = len(self.F) - 1
        v = (k - self.last @ view.V[:n]) * self.R[n, n]
        view.V[n] = v
        mean = view.mean + self.b[n][:, None] * v
        return replace(view, mean=mean, variance=view.variance - v**2)

    def slopes(self, U: Array, F: Array, active: NDArray[np.bool_]) -> Local:
        """Means and deviations at candidates, with what their gradients by numeric units need.

        Args:
            U: (m, p) numeric labels in units.
            F: (m, e) features, whose numeric columns are not looked at.
            active: (groups, m).
        """
        F = F.copy()
        F[:, : U.shape[1]] = U
        F *= np.sqrt(self.h.theta)[self.features.owner]
        return Local(self, F, active)


@dataclass(frozen=True)
class View:
    """Candidates seen from a posterior.

    Attributes:
        F: (m, e) scaled features.
        active: (groups, m)
        V: (n + room, m) R times the covariances with the observations; rows that are still to be
            fantasized are not set, and are shared with the views that follow.
        mean: (S, m)
        variance: (m,)
        signal: prior variance.
    """

    F: Array
    active: NDArray[np.bool_]
    V: Array
    mean: Array
    variance: Array
    signal: float

    @property
    def std(self) -> Array:
        """(m,) deviations, above 0."""
        out: Array = np.sqrt(np.maximum(self.variance, 1e-10 * self.signal))
        return out


class Local:
    """Means, deviations and gradients at a few candidates."""

    def __init__(self, posterior: GPPosterior, F: Array, active: NDArray[np.bool_]) -> None:
        self.posterior, self.F, self.active = posterior, F, active
        features, h = posterior.features, posterior.h
        self.factors, self.slope = [], []
        K = np.full((len(F), len(posterior.F)), h.signal)
        for g, group in enumerate(features.groups):
            f, slope = _factor(
                g, group, h, F, active[g], posterior.F, posterior.active[g], slopes=True
            )
            self.factors.append(f)
            self.slope.append(slope)
            K *= f
        self.K = K
        self.V = K @ posterior.R.T
        self.mean = (self.V @ posterior.b).T
        variance = h.signal - np.einsum("mn,mn->m", self.V, self.V)
        self.std: Array = np.sqrt(np.maximum(variance, 1e-10 * h.signal))

    def gradient(self, by_mean: Array, by_std: Array) -> Array:
        """(m, p) derivatives by numeric units of a function of mean (S, m) and std (m,)."""
        posterior = self.posterior
        features, h = posterior.features, posterior.h
        by_k = by_mean.T @ posterior.b.T - (by_std / self.std)[:, None] * self.V
        by_k = by_k @ posterior.R
        by_k *= self.K
        p = len(features.axes.numeric)
        out = np.zeros((len(self.F), p))
        for g, group in enumerate(features.groups):
            labels = group.labels[group.labels < p]
            if len(labels):
                G = by_k / self.factors[g] * self.slope[g]
                near = self.F[:, labels] * G.sum(1)[:, None] - G @ posterior.F[:, labels]
                out[:, labels] = 2 * np.sqrt(h.theta[labels]) * near
        return out


def _covariance(
    features: Features,
    h: Hyperparameters,
    F: Array,
    active: NDArray[np.bool_],
    F2: Array,
    active2: NDArray[np.bool_],
) -> Array:
    """(m, n) covariances of the signal between candidates of scaled features."""
    K = np.full((len(F), len(F2)), h.signal)
    for g, group in enumerate(features.groups):
        K *= _factor(g, group, h, F, active[g], F2, active2[g])[0]
    return K


def _factor(
    g: int,
    group: Group,
    h: Hyperparameters,
    F: Array,
    active: NDArray[np.bool_],
    F2: Array,
    active2: NDArray[np.bool_],
    slopes: bool = False,
) -> tuple[Array, Array]:
    """(m, n) factor of a group and, where asked for, its derivatives by the squared distance."""
    A, B = F[:, group.features], F2[:, group.features]
    r2 = (A**2).sum(1)[:, None] + (B**2).sum(1) - 2 * (A @ B.T)
    np.maximum(r2, 0.0, out=r2)
    m, slope = _matern(r2)
    if not g:
        return m, slope
    kappa = h.kappa[g - 1]
    i, j = active[:, None], active2[None]
    both = i & j
    f = np.where(both, kappa + (1 - kappa) * m, np.where(i | j, kappa, 1.0))
    return f, np.where(both, (1 - kappa) * slope, 0.0) if slopes else slope
