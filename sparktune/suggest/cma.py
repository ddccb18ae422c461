"""CMA-ES: a normal distribution that adapts its covariance, with probabilities for categories.

Hansen (2016), "The CMA evolution strategy: a tutorial", in this notation:

    p           numeric labels, in units (see Axes)
    population  candidates of a generation, of which the better half have weights w > 0
    m, s, C     mean, step size and covariance: candidates are N(m, s² C)
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtri

from ..arithmetic import own_arithmetic
from ..history import ENDED, History, Status
from ..space.distributions import Array
from ..space.tree import Space, Values
from .axes import Axes
from .candidates import believed_of_pruned, best_of_pools, decode, project
from .design import initial_design
from .settings import check_number, check_whole

__all__ = ["CMA"]

_LIKELY = 0.73  # probability that a candidate has in every category the option in favour
_LARGEST = 1e12  # ratio of the largest variance to the least
_SMALLEST = 1e-4  # deviation, in units, below which the search begins anew
_ANEW = 0.25  # deviation with which it does
_DRAWS = 100  # until one lies within the bounds
_CAUTION = 10.0  # weight of the probabilities so far, in candidates
_POOL = 4  # draws for each candidate, of which one that was not tried is taken
_EVERY = 32  # trials after which a search is kept, to go on from there
_KEPT = 16  # searches that are kept, the latest
_LAST: WeakKeyDictionary[Space, _Followed] = WeakKeyDictionary()  # by what was asked last


@dataclass(frozen=True)
class CMA:
    """Adapt a normal distribution to the better half of each generation of candidates.

    For long searches: it learns less from a trial than a surrogate does, but costs a millisecond
    and, where it is asked of a history for the first time, 40 ms for each 1,000 trials: later it
    goes on from what it last knew. The distribution follows from the history alone: every
    ``population`` ended trials after the first ones are a generation, whoever proposed them; how
    far any of them moves the distribution is limited (Hansen, 2011, "Injecting external solutions
    into CMA-ES").

    - It begins at the best of the first trials. When it has shrunk to a point, or has not improved
      for long, it begins anew somewhere else, with a population twice as large.
    - Quantised labels keep a deviation that leaves their cell once in a generation (after Hamano et
      al., 2022, "CMA-ES with margin").
    - Categories are independent of all else: their probabilities move towards the options of the
      better half, and none vanishes (after Hamano et al., 2024, "CatCMA").
    - In a space with branches all labels are drawn, and those of other branches left out: trials
      teach what they have. Branches are better told apart by TPE.

    Failed trials count as worse than all others, pruned ones by their last report. The method is
    that of Hansen (2016), "The CMA evolution strategy: a tutorial".

    Args:
        n_startup_jobs: trials of the initial design, at least 1; fewer where they would use more
            than a third of the budget.
        sigma: the first deviation of each label, in shares of its range, above 0 and at most 1.
        population: candidates of a generation, at least 4; None: 4 + 3 ln d.
        after: ended trials that say where to begin and are no generations, as those of another
            method, at least 0; the trials of the initial design never are.

    Raises:
        ValueError: a setting out of its range.
    """

    n_startup_jobs: int = 20
    sigma: float = 0.25
    population: int | None = None
    after: int = 0

    def __post_init__(self) -> None:
        check_whole("cma", self, "n_startup_jobs")
        check_whole("cma", self, "after", least=0)
        check_number("cma", self, "sigma", over=True)
        if self.population is not None:
            check_whole("cma", self, "population", least=4)

    @own_arithmetic
    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Draw k candidates; see Suggester."""
        first = initial_design(space, history, rng, k, self.n_startup_jobs, budget)
        if first:
            return first
        X, y = _ended(history)
        begun = min(max(self.n_startup_jobs, self.after), len(y))
        population = self.population or 4 + int(3 * math.log(max(1, len(space))))
        search = _followed(space, self.sigma, population, begun, X, y)
        order = -np.tile(np.arange(float(_POOL)), k)  # the first of a pool, unless it was tried
        drawn = search.draw(rng, _POOL * k)
        return decode(space, best_of_pools(space, history, rng, drawn, order, k))


def _ended(history: History) -> tuple[Array, Array]:
    """Latents and losses of the ended trials in order, with what is believed of those without."""
    y = np.where(history.status == Status.OK, history.y, np.inf)
    pruned, believed = believed_of_pruned(history)
    y[pruned] = believed
    rows = np.isin(history.status, ENDED)
    return history.X[rows], y[rows]


@dataclass(frozen=True)
class _Followed:
    """A search as it was after some trials, and after fewer of them.

    Attributes:
        settings: with which it began.
        told: (n, d + 1) latents and losses of the trials, as the bits they are of.
        searches: by how many of the trials each was told, the fewest first.
    """

    settings: tuple[float, int, int]
    told: NDArray[np.int64]
    searches: dict[int, _Search]


def _followed(
    space: Space, sigma: float, population: int, begun: int, X: Array, y: Array
) -> _Search:
    """The search after (n, d) latents and (n,) losses, the first ``begun`` of which it begins with.

    It goes on from the last search of the space that was told the same as far as it went: trials
    that ended late come in between.
    """
    settings, told = (sigma, population, begun), np.column_stack([X, y]).view(np.int64)
    searches: dict[int, _Search] = {}
    last = _LAST.get(space)
    if last is not None and last.settings == settings:
        both = min(len(told), len(last.told))
        other = (told[:both] != last.told[:both]).any(1)
        same = int(other.argmax()) if other.any() else both
        searches = {count: search for count, search in last.searches.items() if count <= same}
    if not searches:
        searches = {begun: _Search(space, sigma, population, X[:begun], y[:begun])}
    known = max(searches)
    search = searches[known].copy()
    for count in range(known, len(y)):
        if count % _EVERY == 0:
            searches[count] = search.copy()
        search.tell(X[count], float(y[count]))
    kept = [count for count in searches if count % _EVERY == 0][-_KEPT:]
    searches = {count: searches[count] for count in kept} | {len(y): search}
    _LAST[space] = _Followed(settings, told, searches)
    return search


class _Search:
    """The distribution after what it was told.

    Attributes:
        mean, step, C: of the numeric labels.
        odds: the probabilities of the options of each categorical label.
    """

    def __init__(self, space: Space, sigma: float, population: int, X: Array, y: Array) -> None:
        self.space, self.axes = space, Axes.of(space)
        self.best, self.restarts = math.inf, 0
        order = np.argsort(y, kind="stable")
        centre = self.axes.units(X[order[:1]])[0]
        self._begin(np.where(np.isnan(centre), 0.5, centre), sigma, population)
        # half of what is probable is what the best had
        few = order[: max(1, len(y) // 10)]
        self._favour(X[few], np.full(len(few), 1 / len(few)), 0.5)

    def _begin(self, mean: Array, sigma: float, population: int) -> None:
        """Begin at a mean with a deviation, and with the rates and weights for a population."""
        p = max(1, len(mean))
        self.mean, self.step, self.C = mean, sigma, np.eye(len(mean))
        self.odds = [options / options.sum() for options in self.axes.options]
        self.path, self.step_path = np.zeros(len(mean)), np.zeros(len(mean))
        self.generations, self.idle, self.population = 0, 0, population
        self.told: list[tuple[Array, float]] = []
        w = math.log((population + 1) / 2) - np.log(np.arange(1, population + 1))
        better, worse = w[: population // 2], w[population // 2 :]
        self.better = better / better.sum()
        self.mass = mass = 1 / float((self.better**2).sum())
        self.by_path = (4 + mass / p) / (p + 4 + 2 * mass / p)
        self.by_step = (mass + 2) / (p + mass + 5)
        self.damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (p + 1)) - 1) + self.by_step
        self.rank_one = one = 2 / ((p + 1.3) ** 2 + mass)
        self.rank_many = many = min(1 - one, 2 * (mass - 2 + 1 / mass) / ((p + 2) ** 2 + mass))
        against = float(worse.sum() ** 2 / (worse**2).sum())
        most = min(1 + one / many, 1 + 2 * against / (mass + 2), (1 - one - many) / (p * many))
        self.worse = worse * (most / -worse.sum())
        self.length = math.sqrt(p) * (1 - 1 / (4 * p) + 1 / (21 * p**2))
        self._decompose()

    def _decompose(self) -> None:
        """Find the axes B of the covariance, and the deviations D along them."""
        variance, self.B = np.linalg.eigh(self.C)
        self.D = np.sqrt(np.maximum(variance, float(variance.max(initial=1.0)) / _LARGEST))

    def copy(self) -> _Search:
        """The same search, which being told more leaves as it is."""
        other = copy(self)
        other.told, other.odds = self.told.copy(), [odds.copy() for odds in self.odds]
        return other

    def draw(self, rng: Generator, m: int) -> Array:
        """Draw m candidates: (m, d) latents."""
        X, U, axes = np.empty((m, len(self.space))), self._normal(rng, m), self.axes
        for at, j in enumerate(axes.numeric):
            X[:, j] = project(axes.priors[at], axes.latents(U[:, at], at))
        for j, odds in zip(axes.categorical, self.odds, strict=True):
            X[:, j] = rng.choice(len(odds), m, p=odds)
        return self.space.mask(X)

    def _normal(self, rng: Generator, m: int) -> Array:
        """Draw (m, p) units within the bounds, or beyond where hardly any draw is within."""
        U, left = np.empty((m, len(self.mean))), np.arange(m)
        for _ in range(_DRAWS):
            z = rng.normal(size=(len(left), len(self.mean))) * self.D
            U[left] = self.mean + self.step * z @ self.B.T
            outside = (U[left] < self.axes.low) | (U[left] > self.axes.high)
            left = left[outside.any(1)]
            if not len(left):
                break
        return U

    def tell(self, row: Array, loss: float) -> None:
        """Add an ended trial; adapt when a generation is complete."""
        self.told.append((row, loss))
        if len(self.told) < self.population:
            return
        losses = np.array([loss for _, loss in self.told])
        X = np.array([row for row, _ in self.told])[np.argsort(losses, kind="stable")]
        self.told, lowest = [], float(losses.min())
        self.idle = 0 if lowest < self.best else self.idle + 1
        self.best = min(self.best, lowest)
        self.generations += 1
        p = len(self.mean)
        if p:
            self._adapt(self.axes.units(X))
        self._favour(X[: len(self.better)], self.better, self.mass / (self.mass + _CAUTION))
        widest = self.step * math.sqrt(float(self.C.diagonal().max(initial=0.0)))
        if (p and widest < _SMALLEST) or self.idle > 20 + 60 * p // self.population:
            self.restarts += 1
            anew = np.random.default_rng(self.restarts).random(p)
            self._begin(anew, _ANEW, 2 * self.population)

    def _adapt(self, U: Array) -> None:
        """Move and shape the distribution by a generation of (population, p), the best first."""
        p = len(self.mean)
        Z = (U - self.mean) / self.step
        absent, w = np.isnan(Z), self.better
        lacking = w @ absent[: len(w)]  # share of the better that do not have a label
        absent[len(w) :] |= lacking > 0.5  # then the worse say nothing of it either
        Z[absent] = 0.0
        # lengths in deviations, which are limited for what was not drawn from here
        white = (Z @ self.B) / self.D
        far = np.maximum(np.sqrt((white**2).sum(1)), 1e-9)
        shorter = np.minimum(1.0, (math.sqrt(p) + 2 * p / (p + 2)) / far)[:, None]
        Z, white, far = Z * shorter, white * shorter, far * shorter[:, 0]
        shift = w @ Z[: len(w)]
        self.mean = self.mean + self.step * shift
        c, there = self.by_step, (~absent).sum(1) / p
        seen = np.sqrt(1 / np.maximum(there[: len(w)], 1 / p))  # as long as if nothing was absent
        toward = self.B @ ((w * seen) @ white[: len(w)])
        self.step_path = (1 - c) * self.step_path + math.sqrt(c * (2 - c) * self.mass) * toward
        length = float(np.linalg.norm(self.step_path))
        usual = self.length * math.sqrt(1 - (1 - c) ** (2 * self.generations))
        on_course = length < (1.4 + 2 / (p + 1)) * usual
        self.step *= math.exp(min(1.0, c / self.damping * (length / self.length - 1)))
        c = self.by_path
        self.path = (1 - c) * self.path
        if on_course:
            self.path += math.sqrt(c * (2 - c) * self.mass) * shift
        every = np.concatenate([w, self.worse * p / far[len(w) :] ** 2])
        kept = 1 - self.rank_many * float(w.sum() + self.worse.sum())
        kept -= self.rank_one * (1.0 if on_course else 1 - c * (2 - c))
        unknown = self.rank_many * (np.concatenate([w, self.worse]) @ absent)
        unknown += self.rank_one * lacking
        self.C = (
            kept * self.C
            + self.rank_one * np.outer(self.path, self.path)
            + self.rank_many * (Z.T * every) @ Z
            + np.diag(self.C.diagonal() * unknown)
        )
        self._limit()
        self._decompose()

    def _limit(self) -> None:
        """Keep deviations within the range, and of quantised labels at what leaves their cell."""
        wide, leaving = np.ones(len(self.mean)), -float(ndtri(0.5 / self.population))
        for at in self.axes.quantised.tolist():
            middle = np.clip(self.mean[[at]], self.axes.low[at], self.axes.high[at])
            low, high = self.axes.cells(at, middle)
            least = min(float(high[0] - low[0]), 1.0) / 2 / leaving
            own = self.step * math.sqrt(max(float(self.C[at, at]), 1e-300))
            wide[at] = max(1.0, least / own)
        self.C *= np.outer(wide, wide)
        self.step = min(self.step, 1 / math.sqrt(float(self.C.diagonal().max())))

    def _favour(self, X: Array, weights: Array, rate: float) -> None:
        """Move the probabilities of options towards those of (m, d) latents with weights."""
        for at, j in enumerate(self.axes.categorical):
            odds, has = self.odds[at], ~np.isnan(X[:, j])
            share = float(weights[has].sum())
            own = np.bincount(X[has, j].astype(np.intp), weights[has], len(odds))
            odds += rate * (own - share * odds)
            _keep_likely(odds, self.axes.possible[at], len(self.odds))


def _keep_likely(odds: Array, possible: NDArray[np.bool_], labels: int) -> None:
    """Keep each possible option at least as probable as favourites of all labels leave it."""
    count = int(possible.sum())
    least = np.where(possible, (1 - _LIKELY ** (1 / labels)) / max(1, count - 1), 0.0)
    least = np.minimum(least, 1 / count)
    above = np.maximum(odds * possible - least, 0.0)
    odds[:] = least + above * ((1 - least.sum()) / max(float(above.sum()), 1e-300))
    odds /= odds.sum()
