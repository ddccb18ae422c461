"""What is worked out once for each space: its labels by kind, and the units of numeric ones."""

from __future__ import annotations

import copy
from typing import Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..space.discrete import Categorical
from ..space.distributions import Array, Normal
from ..space.tree import Space

__all__ = ["Axes", "OfSpace"]

_FAR = 1000.0  # units beyond which a point given by hand counts as being there

Made = TypeVar("Made", bound="OfSpace")


class OfSpace:
    """A class whose ``of`` gives the same object for the same space, as long as the space lives.

    Objects hold no reference to their space, which would keep it alive.
    """

    _known: ClassVar[WeakKeyDictionary[Space, Any]]

    def __init_subclass__(cls) -> None:
        cls._known = WeakKeyDictionary()

    def __init__(self, space: Space) -> None:
        raise NotImplementedError

    @classmethod
    def of(cls: type[Made], space: Space) -> Made:
        """The object of a space, made when it is first asked for."""
        if space not in cls._known:
            cls._known[space] = cls(space)
        made: Made = cls._known[space]
        return made


class Axes(OfSpace):
    """The labels of a space by kind, with what brings numeric ones into units.

    In units a label's prior has the range 0 .. 1; a normal prior has its mean at 0.5 and a
    deviation of 0.25.

    Attributes:
        numeric: (p,) columns.
        categorical: (c,) columns.
        priors: distributions of the numeric labels.
        origin, scale: (p,) such that latent = origin + scale * unit.
        normal: (p,) whether the prior is normal.
        low, high: (p,) ends of the support in units.
        quantised: positions among the numeric ones whose values have cells.
        always, sometimes: positions of the others, active in every candidate or in some.
        gated: (c,) whether a categorical label is active in some candidates only.
        options: probabilities of the options of each categorical label, at least 1e-12.
        possible: which of these options the prior allows.
        edges: cumulative sums of these probabilities.
    """

    def __init__(self, space: Space) -> None:
        kinds = [isinstance(each, Categorical) for each in space.distributions]
        self.numeric = np.flatnonzero(~np.asarray(kinds))
        self.categorical = np.flatnonzero(kinds)
        self.priors = priors = [space.distributions[j] for j in self.numeric]
        self.scale = np.array([each.scale for each in priors])
        self.origin = np.array([each.middle for each in priors]) - self.scale / 2
        self.normal = np.array([isinstance(each, Normal) for each in priors], bool)
        self.low = np.where(self.normal, -np.inf, 0.0)
        self.high = np.where(self.normal, np.inf, 1.0)
        self.quantised = np.flatnonzero([each.discrete for each in priors])
        smooth = np.array([not each.discrete for each in priors], bool)
        conditional = np.array([bool(parents) for parents in space.parents])
        self.always = np.flatnonzero(smooth & ~conditional[self.numeric])
        self.sometimes = np.flatnonzero(smooth & conditional[self.numeric])
        self.gated = conditional[self.categorical]
        p = [np.asarray(d.p) for d in space.distributions if isinstance(d, Categorical)]
        self.edges = [np.cumsum(each) for each in p]
        self.options = [np.maximum(each, 1e-12) for each in p]
        self.possible = [each > 0 for each in p]

    def part(self, numeric: NDArray[np.intp], categorical: NDArray[np.intp]) -> Axes:
        """Axes of some of the numeric and categorical labels, by their positions among them."""
        part = copy.copy(self)
        for name in ("numeric", "scale", "origin", "normal", "low", "high"):
            setattr(part, name, getattr(self, name)[numeric])
        part.categorical, part.gated = self.categorical[categorical], self.gated[categorical]
        part.priors = [self.priors[at] for at in numeric]
        part.edges = [self.edges[at] for at in categorical]
        part.options = [self.options[at] for at in categorical]
        part.possible = [self.possible[at] for at in categorical]
        for name in ("quantised", "always", "sometimes"):
            of_kind = np.zeros(len(self.numeric), bool)
            of_kind[getattr(self, name)] = True
            setattr(part, name, np.flatnonzero(of_kind[numeric]))
        return part

    def units(self, X: Array) -> Array:
        """(n, p) numeric labels of (n, d) latents in units, of 4,000 deviations at most."""
        units: Array = (X[:, self.numeric] - self.origin) / self.scale
        return np.clip(units, -_FAR, _FAR)

    def latents(self, units: Array, at: int | slice = slice(None)) -> Array:
        """Latents of units: of all numeric labels, (n, p), or of the one at a position."""
        latents: Array = self.origin[at] + self.scale[at] * units
        return latents

    def cells(self, at: int, unit: Array) -> tuple[Array, Array]:
        """Ends, in units, of the cells of a quantised label's values."""
        lo, hi = self.priors[at].cells(self.latents(unit, at))
        return (lo - self.origin[at]) / self.scale[at], (hi - self.origin[at]) / self.scale[at]
