"""The GP of a search's losses, as it is asked about importance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ..history import History, Status
from ..space.distributions import Array
from ..suggest.candidates import observations
from ..suggest.surrogates.gp import GPPosterior, fit_warped

__all__ = ["MOST", "Fitted"]

MOST = 400  # observations
_BLOCK = 1 << 21  # pairs of candidates and observations at a time


@dataclass(frozen=True)
class Fitted:
    """A GP of warped losses, and the way back to losses.

    Attributes:
        posterior: of the warped losses.
        losses, warped: (n,) both ascending, one for the other.
        accuracy: share of the warped losses' variance that is predicted when each observation is
            left out; of the observations that the GP is conditioned on. At most 1; 0 or less where
            it predicts nothing.
    """

    posterior: GPPosterior
    losses: Array
    warped: Array
    accuracy: float

    @classmethod
    def to(cls, history: History, rng: Generator) -> Fitted:
        """Fit a GP to a history's losses, with their stated variances as known noise.

        Of many it takes 400, evenly from the best to the worst. Infinite losses count as the worst
        or best of the others.
        """
        X, y = observations(history)
        stated = history.variance[history.status == Status.OK]
        if len(y) > MOST:
            evenly = np.linspace(0, len(y) - 1, MOST).astype(int)
            rows = np.sort(np.argsort(y, kind="stable")[evenly])
            X, y, stated = X[rows], y[rows], stated[rows]
        posterior, warped = fit_warped(history.space, X, y, stated, rng)
        finite = np.isfinite(y)
        order = np.argsort(y[finite], kind="stable")
        return cls(posterior, y[finite][order], warped.values[finite][order], _accuracy(posterior))

    def mean(self, X: Array) -> Array:
        """(m,) means of the warped losses at (m, d) latents."""
        step = max(1, _BLOCK // len(self.losses))
        parts = [self.posterior.mean(X[at : at + step]) for at in range(0, len(X), step)]
        return np.concatenate(parts)

    def loss(self, X: Array) -> Array:
        """(m,) losses that the means stand for, within the range of those that were observed."""
        return np.interp(self.mean(X), self.warped, self.losses)


def _accuracy(posterior: GPPosterior) -> float:
    """Rasmussen and Williams (2006), equation 5.12: predictions without each observation."""
    R, b = posterior.R, posterior.b[:, 0]
    wrong = (b @ R) / np.einsum("ki,ki->i", R, R)
    seen = np.linalg.solve(R, b)
    variance = float(seen.var())
    return 1 - float((wrong**2).mean()) / variance if variance > 0 else 0.0
