"""What surrogates have in common: models of the losses, given the space's observations.

There are m candidates, d labels of which p are numeric, and S fantasies of the pending trials, 1
where none is pending.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, TypeVar

from numpy.random import Generator

from ...space.distributions import Array
from ...space.tree import Space

__all__ = ["Local", "Posterior", "Predictions", "Surrogate"]


class Predictions(Protocol):
    """Means and deviations at m candidates."""

    @property
    def mean(self) -> Array:
        """(S, m) means."""

    @property
    def std(self) -> Array:
        """(m,) deviations, above 0, the same for all fantasies."""


class Local(Predictions, Protocol):
    """Means and deviations at m candidates, with their slopes."""

    def gradient(self, by_mean: Array, by_std: Array) -> Array:
        """(m, p) derivatives, by numeric labels in units, of a function of mean and std.

        The function's own derivatives are (S, m) by the means and (m,) by the deviations.
        """


Seen = TypeVar("Seen", bound=Predictions)


class Posterior(Protocol[Seen]):
    """What a surrogate believes after observations, and in each of S fantasies of pending trials.

    Attributes:
        has_gradients: whether ``slopes`` may be asked for.
    """

    has_gradients: ClassVar[bool]

    @property
    def noise(self) -> float:
        """Share of the losses' variance that is taken for noise, 0 where that is not learnt."""

    def predict(self, X: Array) -> tuple[Array, Array]:
        """(S, m) means and (m,) deviations at (m, d) latents."""

    def view(self, X: Array, room: int = 0) -> Seen:
        """Predictions at (m, d) latents that can follow up to ``room`` more pending trials."""

    def follow(self, view: Seen) -> Seen:
        """Update a view made before the last ``with_pending`` to include that trial."""

    def with_pending(self, x: Array, normals: Array) -> tuple[Posterior[Seen], Array]:
        """Add a pending trial; return the posterior with it, and the fantasies of its loss.

        Args:
            x: (d,) its latents.
            normals: (S,) normal draws, one for each fantasy.
        """

    def slopes(self, X: Array) -> Callable[[Array], Local]:
        """Make a predictor at candidates whose numeric labels vary, all else as in (m, d) latents.

        It takes the numeric labels in units, (m, p), with any number where one is inactive.
        """


class Surrogate(Protocol):
    """A model of losses; frozen settings without state."""

    def fit(
        self, space: Space, X: Array, y: Array, rng: Generator, variance: Array | None = None
    ) -> Posterior[Any]:
        """Fit the model to observations.

        Args:
            space: the space of the observations.
            X: (n, d) latents, nan where a label is inactive; n >= 1.
            y: (n,) losses, finite, of about mean 0 and deviation 1.
            rng: the source of randomness.
            variance: (n,) what the objective stated of each loss's variance, in the units of y²;
                0 where it did not; None as if all were 0. A model without noise ignores it.
        """
