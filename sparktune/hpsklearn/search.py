"""A search for one set of data: its space, its objective, its trials, and the best of them."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..algo import auto
from ..exceptions import AllTrialsFailed
from ..fmin import fmin
from ..history import Trial
from ..history.failures import failure_text, with_parameters
from ..prune import wilcoxon
from ..space.tree import Values
from ..storage.whole import write_whole
from ..trials.record import Trials
from .data import Data, Folds
from .standings import Again, Standing, candidate_of, drawn_steps, standings
from .suits import BY_PATH
from .travels.evaluation import Evaluation
from .travels.fitting import Fitted, Recipe

__all__ = ["Search", "recipe_for", "refuse_other_data"]

_MOMENT = 1e-3  # seconds that a run has at least
_SHARE_OF_TIME = 0.8  # until which candidates are tried, where the best are to be judged again
_FOLDS_TO_STOP_EARLY = 4  # fewer cannot tell a hopeless candidate; see prune.Wilcoxon


def recipe_for(data: Data, **settings: Any) -> Recipe:
    """A Recipe that knows what the components need; ``settings`` are its other attributes."""
    by_class = {path.rpartition(".")[2]: each for path, each in BY_PATH.items()}
    return Recipe(
        widths=data.widths,
        needs={name: each.needs for name, each in by_class.items() if each.needs},
        limits={name: each.limits for name, each in by_class.items() if each.limits},
        for_sparse={name: each.for_sparse for name, each in by_class.items() if each.for_sparse},
        **settings,
    )


def refuse_other_data(trials: Trials, space: Any) -> None:
    """Raise ValueError where trials were judged by other data than those of a space."""
    history = trials.history
    known = None if history is None or not len(history) else history.space.template
    if isinstance(known, Mapping) and known.get("data", space["data"]) != space["data"]:
        raise ValueError(
            "the trials that were to be gone on with are of other data, folds or losses, and "
            "cannot be compared with these: take new trials, or another journal or exp_key"
        )


@dataclass
class Search:
    """A search: what its trials share, and what they found.

    Attributes:
        space: of candidates.
        evaluation: the objective.
        trials: where they run and are recorded.
        algo: as of fmin; None for ``auto``.
        seed: of the search.
        timeout: seconds after which it ends, counted from when this object is made; None for no
            limit.
        trial_timeout: seconds a trial may take; None for as many as ``trials`` say.
        verbose: whether there is a progress bar.
        starts: the candidates that it begins with.
        finalists: how many of the best are judged again, on splits of their own.
        further: these splits.
    """

    space: Any
    evaluation: Evaluation
    trials: Trials
    algo: Any
    seed: int
    timeout: float | None
    trial_timeout: float | None
    verbose: bool
    starts: Sequence[Values] = ()
    finalists: int = 0
    further: Folds = ()
    _began: float = field(default_factory=lambda: time.monotonic())

    def run(self, max_evals: int, *, last: bool = True) -> bool:
        """Evaluate candidates until there are so many trials.

        Args:
            max_evals: how many.
            last: whether this is the last run, at whose end some trial has to have a loss.

        Returns:
            Whether a further run may follow; False where ``trials`` ended this one before, by a
            limit of their own.

        Raises:
            AllTrialsFailed: none of them has a loss; shows the first traceback.
        """
        try:
            self._fmin(
                self.evaluation, auto.suggest if self.algo is None else self.algo, max_evals,
                self._left(_SHARE_OF_TIME if self.finalists else 1.0),
                points_to_evaluate=self.starts,
            )  # fmt: skip
        except AllTrialsFailed:
            why = self.trials.fmin_cancelled_reason
            if last or why is not None:
                text = failure_text(self.trials.history, self._parts_of)
                raise AllTrialsFailed(text if why is None else f"{why}: {text}") from None
        return self.trials.fmin_cancelled_reason is None

    def judge_again(self) -> None:
        """Judge the best candidates on further splits, those that were not yet.

        Which costs as many fits as there are of both. The data travel once more. Where ``trials``
        ended the search by a limit of their own, none is left for this.
        """
        if self.timeout is None and self.trials.fmin_cancelled_reason is not None:
            return
        tried = [(each.trial.loss, each) for each in self.standings if each.trial.loss is not None]
        best = [each for _, each in sorted(tried, key=lambda pair: pair[0])[: self.finalists]]
        points = tuple(each.trial.values for each in best if each.again is None)
        left = self._left()
        if len(best) > 1 and points and (left is None or left > _MOMENT):
            again = replace(self.evaluation, folds=self.further, again=True)
            self._fmin(again, Again(points, len(self.trials)), self.ended + len(points), left)

    def _fmin(
        self, evaluation: Evaluation, algo: Any, max_evals: int, timeout: float | None, **more: Any
    ) -> None:
        """Evaluate until so many candidates were tried, besides those that were judged again."""
        stops_early = evaluation.reports and len(evaluation.folds) >= _FOLDS_TO_STOP_EARLY
        fmin(
            evaluation, self.space, algo=algo, max_evals=max_evals + len(self.trials) - self.ended,
            trials=self.trials, rstate=self.seed, catch_eval_exceptions=True, verbose=self.verbose,
            timeout=timeout, trial_timeout=self.trial_timeout,
            pruner=wilcoxon() if stops_early and self.trials.engine().hears_reports else None,
            **more,
        )  # fmt: skip

    def _left(self, share: float = 1.0) -> float | None:
        """Seconds until a share of the time is over; and a moment after it."""
        if self.timeout is None:
            return None
        return max(_MOMENT, self._began + share * self.timeout - time.monotonic())

    @property
    def standings(self) -> list[Standing]:
        """The candidates so far, the best first."""
        return standings(self.trials.history)

    @property
    def best(self) -> Standing:
        """The candidate with the lowest loss; of those that were judged again, if any were.

        Raises:
            AllTrialsFailed: there is none.
        """
        best = next(iter(self.standings), None)
        if best is None or best.loss is None:
            raise AllTrialsFailed("no trial has a loss")
        return best

    @property
    def ended(self) -> int:
        """How many candidates were tried so far."""
        return len(self.trials) - sum(each.again is not None for each in self.standings)

    def _parts_of(self, trial: Trial) -> str:
        """The parts of a trial's candidate; its labels, where that cannot be built."""
        history = self.trials.history
        steps = drawn_steps(history, trial)
        if not steps and history is not None:
            return with_parameters(trial, history.space)
        return f"of {' > '.join(type(step).__name__ for step in steps)}"

    def without_data(self) -> Search:
        """This search, with what it takes to fit its best candidate again, and no more."""
        light = replace(self.evaluation, X=None, y=None, weights=None, folds=())
        return replace(self, evaluation=light)

    def with_recipe(self, **changes: Any) -> Search:
        """This search, whose candidates are fitted by a recipe with other attributes."""
        recipe = replace(self.evaluation.recipe, **changes)
        return replace(self, evaluation=replace(self.evaluation, recipe=recipe))

    def fitted(self, trial: Trial, X: Any, y: Any, weights: Any) -> Fitted:
        """The candidate of a trial, fitted to data."""
        outcome = trial.outcome
        rounds = None if outcome is None else outcome.info.get("rounds")
        with self.evaluation.surroundings():
            return self.evaluation.recipe.fit(
                candidate_of(self.trials.history, trial), X, y, weights, rounds=rounds
            )

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Pickle the trials to a file, which is there whole or not at all."""
        write_whole(Path(path), pickle.dumps(self.trials))
