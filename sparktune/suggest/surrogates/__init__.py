"""Models that are fitted to a history: what is likely where."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from numpy.random import Generator

from ...space.distributions import Array
from ...space.tree import Space

__all__ = ["Posterior", "Surrogate", "View"]


class View(Protocol):
    """Means and deviations at many candidates."""

    @property
    def mean(self) -> Array:
        """(S, m) means."""

    @property
    def std(self) -> Array:
        """(m,) deviations, above 0."""


class Posterior(Protocol):
    """What a surrogate believes after observations, for S fantasies of pending trials.

    Attributes:
        has_gradients: whether there is ``slopes``, as GPPosterior has it.
    """

    has_gradients: ClassVar[bool]

    def predict(self, X: Array) -> tuple[Array, Array]:
        """(S, m) means and (m,) deviations at (m, d) latents."""

    def view(self, X: Array, room: int = 0) -> Any:
        """Means and deviations at many candidates, to be followed through ``room`` fantasies."""

    def follow(self, view: Any) -> Any:
        """A view of the posterior before its last pending trial, brought up to it."""

    def with_pending(self, x: Array, normals: Array) -> tuple[Posterior, Array]:
        """The posterior with a pending trial at (d,) latents, and its (S,) fantasies.

        Args:
            x: where.
            normals: (S,) normal draws, one for each fantasy.
        """


class Surrogate(Protocol):
    """A model of losses; frozen settings without state."""

    def fit(self, space: Space, X: Array, y: Array, rng: Generator) -> Posterior:
        """The posterior given observations.

        Args:
            space: the space of the observations.
            X: (n, d) latents, nan where a label is inactive; n >= 1.
            y: (n,) losses, finite, of about mean 0 and deviation 1.
            rng: the source of randomness.
        """
