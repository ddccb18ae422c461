"""Gaussian process over a tree of hyperparameters: the default of Bayes.

The kernel and the search of its hyperparameters are in gp_kernel.py. Rasmussen and Williams (2006),
"Gaussian processes for machine learning", algorithm 2.1; a pending trial is one more row of L.

Notation
    n       observations, with pending trials among them once they are fantasized
    d, p    labels; numeric labels
    m       candidates
    e       columns of features: see gp_kernel.py
    S       fantasies
    L       Cholesky factor of K + noise; R = L^-1
    b       (n, S) R y; a = R' b
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ...blas import on_one_thread
from ...space.distributions import Array
from ...space.tree import Space
from ..settings import check_whole
from .gp_kernel import Features, Kernel, Likelihood, Points, quotient
from .outputs import Warped, power

__all__ = ["GP", "GPLocal", "GPPosterior", "GPPredictions", "fit_warped"]

_JITTER = 1e-6  # of the signal's variance, at fantasies
_SAME = 1e-3  # what warping may change without being tried
_LEAST = 1e-10  # variance, of the signal's
_LAST: WeakKeyDictionary[Space, tuple[Any, GPPosterior]] = WeakKeyDictionary()  # what was fitted


@dataclass(frozen=True)
class GP:
    """Gaussian process with a Matern 5/2 kernel whose hyperparameters are fitted by their prior.

    They are those of the largest posterior density, found by L-BFGS-B with analytic gradients.
    Costs O(n³ + n² d) for each of some 40 steps: 0.05 s at n = 128, d = 10. Of more than
    ``most_fitted`` observations these steps see a part: the best half and others at random. Of
    more than ``most`` only those are conditioned on that are best, or else latest. Asked again for
    a space with the same observations, as for candidates one by one of which none has ended, the
    last posterior is given again.

    Args:
        most: observations conditioned on, at most, from 2 on.
        most_fitted: observations that hyperparameters are fitted to, at most, from 2 on.
        warp: whether to apply a Yeo-Johnson transform to the losses when that raises the marginal
            likelihood; costs a second search of hyperparameters.

    Raises:
        ValueError: a setting out of its range.
    """

    most: int = 400
    most_fitted: int = 192
    warp: bool = True

    def __post_init__(self) -> None:
        check_whole("gp", self, "most", "most_fitted", least=2)

    def fit(
        self, space: Space, X: Array, y: Array, rng: Generator, variance: Array | None = None
    ) -> GPPosterior:
        """Fit hyperparameters and condition on observations; see Surrogate."""
        known = np.zeros(len(y)) if variance is None else variance
        if len(y) > self.most:
            best, others = _best_half(y, self.most)
            rows = np.sort(np.concatenate([best, others[len(best) - self.most :]]))
            X, y, known = X[rows], y[rows], known[rows]
        rows = np.arange(len(y))
        if len(y) > self.most_fitted:
            best, others = _best_half(y, self.most_fitted)
            rows = np.concatenate([best, rng.permutation(others)[: self.most_fitted - len(best)]])
        asked = (self, *(part.tobytes() for part in (X, y, known, rows)))
        last = _LAST.get(space)
        if last is None or last[0] != asked:
            _LAST[space] = last = asked, self._fitted(space, X, y, known, rows)
        return last[1]

    def _fitted(
        self, space: Space, X: Array, y: Array, known: Array, rows: NDArray[np.intp]
    ) -> GPPosterior:
        """Fit hyperparameters to some rows, and condition on all of them."""
        features = Features.of(space)
        stated = known.any()
        likelihood = Likelihood(features, X[rows])
        found, value = likelihood.likeliest(y[rows], known[rows] if stated else None)
        if self.warp:
            warped, log_slope = power(y)
            if np.abs(warped - y).max() > _SAME:
                as_warped = known * np.exp(2 * log_slope)
                other, its = likelihood.likeliest(
                    warped[rows], as_warped[rows] if stated else None, found
                )
                if its - float(log_slope[rows].sum()) < value:
                    found, y, known = other, warped, as_warped
        return GPPosterior.of(Kernel(features, found), X, y, found.stated * known)


_OF_WARPED = GP(warp=False)


@on_one_thread
def fit_warped(
    space: Space, X: Array, y: Array, variance: Array, rng: Generator, gp: GP = _OF_WARPED
) -> tuple[GPPosterior, Warped]:
    """Fit a GP to (n,) losses, warped, with the (n,) variances stated of them."""
    warped = Warped.of(y)
    return gp.fit(space, X, warped.values, rng, warped.variance(variance)), warped


def _best_half(y: Array, most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Numbers of the ``most // 2`` best observations, best first, and of the others in order."""
    best = np.argsort(y, kind="stable")[: most // 2]
    return best, np.setdiff1d(np.arange(len(y)), best)


@dataclass(frozen=True)
class GPPosterior:
    """The GP given observations, and fantasies of pending trials."""

    kernel: Kernel  # with the hyperparameters found
    seen: Points  # the n observations
    R: Array  # (n, n)
    b: Array  # (n, S)
    last: Array  # (n - 1,) the last row of L before its diagonal, where that is a pending trial

    has_gradients: ClassVar[bool] = True

    @classmethod
    def of(cls, kernel: Kernel, X: Array, y: Array, more_noise: Array | float = 0.0) -> GPPosterior:
        """Condition on observations, with as much more noise as the arithmetic needs.

        ``more_noise`` is the variance of each trial's, (n,), beside that of all.
        """
        from scipy.linalg import lapack

        seen, signal, noise = kernel.points(X), kernel.h.signal, kernel.h.noise
        K = kernel.covariance(seen, seen)
        while True:
            A = K.copy()
            A.flat[:: len(A) + 1] = signal + noise + more_noise
            L, failed = lapack.dpotrf(A, lower=1, clean=1)
            if not failed:
                break
            noise = max(10 * noise, 1e-8 * signal)
        R, _ = lapack.dtrtri(L, lower=1)
        return cls(kernel, seen, np.ascontiguousarray(R), (R @ y)[:, None], L[-1, :-1])

    @property
    def noise(self) -> float:
        """The learnt variance of the noise: losses have a variance of 1."""
        return self.kernel.h.noise

    def predict(self, X: Array) -> tuple[Array, Array]:
        """(S, m) means and (m,) deviations of the signal at (m, d) latents."""
        view = self.view(X)
        return view.mean, view.std

    def mean(self, X: Array) -> Array:
        """(m,) means of the first fantasy at (m, d) latents; O(m n), without the deviations."""
        covariance = self.kernel.covariance(self.kernel.points(X), self.seen)
        mean: Array = covariance @ (self.b[:, 0] @ self.R)
        return mean

    def view(self, X: Array, room: int = 0) -> GPPredictions:
        """Predictions at (m, d) latents that can follow up to ``room`` more pending trials."""
        points, signal = self.kernel.points(X), self.kernel.h.signal
        K = self.kernel.covariance(self.seen, points)
        n, m = K.shape
        V = np.empty((n + room, m))
        np.matmul(self.R, K, out=V[:n])
        variance = signal - np.einsum("nm,nm->m", V[:n], V[:n])
        return GPPredictions(points, V, self.b.T @ V[:n], variance, signal)

    def with_pending(self, x: Array, normals: Array) -> tuple[GPPosterior, Array]:
        """Add a pending trial, whose fantasies are draws of the signal there; costs O(n²)."""
        view, signal, n = self.view(x[None]), self.kernel.h.signal, len(self.R)
        value = view.mean[:, 0] + view.std[0] * normals
        v = view.V[:, 0]
        own = math.sqrt(max(view.variance[0], 0.0) + _JITTER * signal)
        R = np.zeros((n + 1, n + 1))
        R[:n, :n] = self.R
        R[n, :n] = -(v @ self.R) / own
        R[n, n] = 1 / own
        b = np.broadcast_to(self.b, (n, len(normals)))
        b = np.concatenate([b, ((value - v @ b) / own)[None]])
        seen = Points(
            np.concatenate([self.seen.F, view.points.F]),
            np.concatenate([self.seen.active, view.points.active], 1),
        )
        return GPPosterior(self.kernel, seen, R, b, v), value

    def follow(self, view: GPPredictions) -> GPPredictions:
        """Update a view made before the last ``with_pending`` to include that trial; O(m n)."""
        n = len(self.R) - 1
        pending = Points(self.seen.F[-1:], self.seen.active[:, -1:])
        k = self.kernel.covariance(pending, view.points)[0]
        v = (k - self.last @ view.V[:n]) * self.R[n, n]
        view.V[n] = v
        mean = view.mean + self.b[n][:, None] * v
        return replace(view, mean=mean, variance=view.variance - v**2)

    def slopes(self, X: Array) -> Callable[[Array], GPLocal]:
        """Make a predictor at candidates whose numeric labels vary; see Posterior."""
        points, scale = self.kernel.points(X), self.kernel.scale

        def local(U: Array) -> GPLocal:
            F, p = points.F.copy(), U.shape[1]
            F[:, :p] = U * scale[:p]
            return GPLocal(self, Points(F, points.active))

        return local


@dataclass(frozen=True)
class GPPredictions:
    """Means and deviations of the signal at candidates.

    V is R times the covariances with the observations; its rows that are still to be fantasized are
    not set, and are shared with the predictions that follow.
    """

    points: Points  # the m candidates
    V: Array  # (n + room, m)
    mean: Array  # (S, m)
    variance: Array  # (m,)
    signal: float  # prior variance

    @property
    def std(self) -> Array:
        """(m,) deviations, above 0."""
        return np.sqrt(np.maximum(self.variance, _LEAST * self.signal))


class GPLocal:
    """Means, deviations and gradients at a few candidates."""

    def __init__(self, posterior: GPPosterior, points: Points) -> None:
        self.posterior, self.points = posterior, points
        kernel, seen, signal = posterior.kernel, posterior.seen, posterior.kernel.h.signal
        groups = range(len(kernel.features.groups))
        self.factors = [kernel.factor(g, points, seen, slopes=True) for g in groups]
        self.K = np.full((len(points.F), len(seen.F)), signal)
        for f, _ in self.factors:
            self.K *= f
        self.V = self.K @ posterior.R.T
        self.mean = (self.V @ posterior.b).T
        variance = signal - np.einsum("mn,mn->m", self.V, self.V)
        self.std = np.sqrt(np.maximum(variance, _LEAST * signal))

    def gradient(self, by_mean: Array, by_std: Array) -> Array:
        """(m, p) derivatives, by numeric labels in units, of a function of mean and std."""
        posterior, F, seen = self.posterior, self.points.F, self.posterior.seen
        features, h = posterior.kernel.features, posterior.kernel.h
        # by log K, where means are K a and variances s² - |R k|²
        by_k = by_mean.T @ posterior.b.T - (by_std / self.std)[:, None] * self.V
        by_k = by_k @ posterior.R
        by_k *= self.K
        # by r_g², then by units
        p = len(features.axes.numeric)
        out = np.zeros((len(F), p))
        for g, group in enumerate(features.groups):
            labels = group.labels[group.labels < p]
            if len(labels):
                f, slope = self.factors[g]
                G = quotient(by_k, f) * slope
                near = F[:, labels] * G.sum(1)[:, None] - G @ seen.F[:, labels]
                out[:, labels] = 2 * np.sqrt(h.theta[labels]) * near
        return out
