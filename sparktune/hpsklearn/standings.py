"""How the candidates of a search stand: each with all of its trials, the best first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ..history import History, Trial
from ..history.trial import ASIDE
from ..space.tree import Space, Values
from .travels.evaluation import candidate_in
from .travels.fitting import learner_of, steps_of

__all__ = ["Again", "Standing", "candidate_of", "drawn_steps", "standings"]


@dataclass(frozen=True)
class Standing:
    """A candidate and what is known of it.

    Attributes:
        trial: the one that tried it first.
        again: the one that judged it on further splits, or failed there; None where there was none.
    """

    trial: Trial
    again: Trial | None = None

    @property
    def info(self) -> Mapping[str, Any]:
        """What the first trial returned beside its loss."""
        return {} if self.trial.outcome is None else self.trial.outcome.info

    @property
    def losses(self) -> tuple[float, ...]:
        """The losses of its folds and splits."""
        return (*_losses(self.trial), *_losses(self.again))

    @property
    def loss(self) -> float | None:
        """The mean loss of all folds and splits; None where the first trial has none."""
        if self.trial.loss is None or self.again is None or self.again.loss is None:
            return self.trial.loss
        first, more = max(1, len(_losses(self.trial))), max(1, len(_losses(self.again)))
        return (first * self.trial.loss + more * self.again.loss) / (first + more)

    @property
    def variance(self) -> float | None:
        """The variance of that mean; None where it is not known."""
        if self.again is None:
            known: float | None = self.info.get("loss_variance")
            return known
        losses = self.losses
        return float(np.var(losses, ddof=1)) / len(losses) if len(losses) > 1 else None

    @property
    def seconds(self) -> float:
        """How long its trials took."""
        outcomes = (each.outcome for each in (self.trial, self.again) if each is not None)
        return sum((each.seconds or 0.0 for each in outcomes if each is not None), 0.0)

    @property
    def rank(self) -> tuple[bool, float, int]:
        """What standings are sorted by: candidates that were judged again come first."""
        loss = math.inf if self.loss is None else self.loss
        is_confirmed = self.again is not None and self.again.loss is not None
        return not is_confirmed, loss, self.trial.number


def standings(history: History | None) -> list[Standing]:
    """All candidates that have ended, the best first.

    Those that were judged on further splits come before all others, whose losses are of one split
    and have not been confirmed. A trial that fails with the values of one that has a loss is taken
    for one that was to judge it again: what fails says no more.
    """
    found: dict[int, Standing] = {}
    first: dict[frozenset[tuple[str, float]], int] = {}
    for trial in history or ():
        if trial.outcome is None or trial.status in ASIDE:
            continue
        key = frozenset(trial.values.items())
        if trial.outcome.info.get("again") or (trial.loss is None and key in first):
            if key in first:
                found[first[key]] = Standing(found[first[key]].trial, trial)
        else:
            found[trial.number] = Standing(trial)
            if trial.loss is not None:
                first.setdefault(key, trial.number)
    return sorted(found.values(), key=lambda each: each.rank)


def candidate_of(history: History | None, trial: Trial) -> Any:
    """The candidate of a trial: a dict of its learner and preprocessing."""
    return None if history is None else candidate_in(history.space.build(trial.values))


def drawn_steps(history: History | None, trial: Trial) -> list[Any]:
    """The steps of a trial's candidate as they were drawn; none where it cannot be built."""
    try:
        candidate = candidate_of(history, trial)
    except Exception:  # whatever an expression of the space raises, as it did in the trial
        return []
    if candidate is None:
        return []
    return [*steps_of(candidate.get("preprocessing")), learner_of(candidate)]


def _losses(trial: Trial | None) -> Sequence[float]:
    if trial is None or trial.outcome is None:
        return ()
    losses: Sequence[float] = trial.outcome.info.get("losses") or ()
    return losses


@dataclass(frozen=True)
class Again:
    """A suggester of candidates that are known: each once more.

    Attributes:
        points: the candidates.
        first: the number of the first trial that it suggests.
    """

    points: tuple[Values, ...]
    first: int

    def suggest(
        self,
        space: Space,  # noqa: ARG002
        history: History,
        rng: Generator,  # noqa: ARG002
        k: int,
        budget: int | None = None,  # noqa: ARG002
    ) -> list[Values]:
        """The next of the candidates; see Suggester."""
        begun = [dict(trial.values) for trial in history if trial.number >= self.first]
        left = [point for point in self.points if dict(point) not in begun]
        return [(left or self.points)[place % len(left or self.points)] for place in range(k)]
