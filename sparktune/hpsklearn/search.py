"""A search for one set of data: its space, its objective, its trials, and the best of them."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .. import hp
from ..algo import tpe
from ..exceptions import AllTrialsFailed
from ..fmin import fmin
from ..history import Trial
from ..prune import wilcoxon
from ..space.expressions import Call, Node
from ..space.tree import Choice
from ..trials.record import Trials
from .components import (
    any_classifier,
    any_preprocessing,
    any_sparse_preprocessing,
    any_text_preprocessing,
)
from .data import Data
from .making import make
from .narrowing import narrowed
from .suits import BY_PATH, why_not
from .travels.evaluation import Evaluation, candidate_in
from .travels.fitting import Fitted, Recipe
from .travels.limits import Size

__all__ = ["FOLDS_TO_STOP_EARLY", "Search", "kind_of_space", "space_for"]

FOLDS_TO_STOP_EARLY = 4  # fewer cannot tell a hopeless candidate; see prune.Wilcoxon


def kind_of_space(space: Any) -> bool:
    """Whether a space of the user's own is of classifiers; else it is of regressors.

    Raises:
        ValueError: it holds neither, or both.
    """
    found: set[str] = set()

    def look(thing: Any) -> None:
        if isinstance(thing, Choice):
            for option in thing.options:
                look(option)
        elif isinstance(thing, Mapping):
            here = {name for name in ("classifier", "regressor") if thing.get(name) is not None}
            found.update(here)
            if not here and "model" in thing:
                look(thing["model"])

    look(space)
    if len(found) != 1:
        raise ValueError(
            "`space` must be a dict with a `classifier` or a `regressor`, and with `preprocessing`, "
            f"or a choice of such; it has {' and '.join(sorted(found)) or 'neither'}"
        )
    return found == {"classifier"}


def space_for(
    data: Data, *, preprocessing: Any, ex_preprocs: Any, classifier: Any, regressor: Any, space: Any
) -> Any:
    """The space that is searched for some data; arguments as of HyperoptEstimator."""
    if space is None:
        if preprocessing is None:
            preprocessing = _usual_preprocessing(data)("preprocessing")
        space = {
            "preprocessing": preprocessing,
            "ex_preprocs": [] if ex_preprocs is None else list(ex_preprocs),
            "classifier": classifier,
            "regressor": regressor,
        }
        if classifier is None and regressor is None:
            space["classifier"] = any_classifier("classifier")
    targets = data.y.shape[1] if data.y.ndim > 1 else 1
    size = None if data.is_text else Size(data.learnt, data.columns, targets)
    found = narrowed(space, size, why_not(data))
    if data.is_text and not _reads_texts(found):
        raise ValueError(
            "X holds texts, which `preprocessing` makes no numbers of: give "
            "any_text_preprocessing(...) or a vectorizer"
        )
    return found


def _usual_preprocessing(data: Data) -> Any:
    if data.is_text:
        return any_text_preprocessing
    if data.is_sparse:
        return any_sparse_preprocessing
    return any_preprocessing


def _reads_texts(thing: Any) -> bool:
    """Whether a space holds a vectorizer, or an object that may be one."""
    if isinstance(thing, Choice):
        return any(map(_reads_texts, thing.options))
    if isinstance(thing, Call) and thing.function is make:
        return BY_PATH[thing.args[0]].role == "text" if thing.args[0] in BY_PATH else True
    if isinstance(thing, Mapping):
        return any(map(_reads_texts, thing.values()))
    if isinstance(thing, (list, tuple)):
        return any(map(_reads_texts, thing))
    return isinstance(thing, Node) or hasattr(thing, "transform")


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


@dataclass
class Search:
    """A search: what its trials share, and what they found.

    Attributes:
        space: of candidates.
        evaluation: the objective.
        trials: where they run and are recorded.
        algo: as of fmin; None for TPE.
        seed: of the search.
        trial_timeout: seconds a trial may take; None for as many as ``trials`` say.
        verbose: whether there is a progress bar.
    """

    space: Any
    evaluation: Evaluation
    trials: Trials
    algo: Any
    seed: int
    trial_timeout: float | None
    verbose: bool

    def run(self, max_evals: int) -> None:
        """Evaluate candidates until there are so many trials.

        Raises:
            AllTrialsFailed: none of them has a loss; shows the first traceback.
        """
        stops_early = len(self.evaluation.folds) >= FOLDS_TO_STOP_EARLY
        fmin(
            self.evaluation, self.space, algo=tpe.suggest if self.algo is None else self.algo,
            max_evals=max_evals, trials=self.trials, rstate=self.seed,
            catch_eval_exceptions=True, verbose=self.verbose, trial_timeout=self.trial_timeout,
            pruner=wilcoxon() if stops_early and self.trials.engine().hears_reports else None,
        )  # fmt: skip

    @property
    def best(self) -> Trial:
        """The trial with the lowest loss.

        Raises:
            AllTrialsFailed: there is none.
        """
        history = self.trials.history
        best = None if history is None else history.best
        if best is None:
            raise AllTrialsFailed("no trial has a loss")
        return best

    @property
    def ended(self) -> int:
        """How many trials count so far."""
        return len(self.trials)

    def candidate_of(self, trial: Trial) -> Any:
        """The candidate of a trial: a dict of its learner and preprocessing."""
        history = self.trials.history
        return None if history is None else candidate_in(history.space.build(trial.values))

    def without_data(self) -> Search:
        """This search, with what it takes to fit its best candidate again, and no more."""
        light = replace(self.evaluation, X=None, y=None, weights=None, folds=())
        return replace(self, evaluation=light)

    def fitted(self, trial: Trial, X: Any, y: Any, weights: Any) -> Fitted:
        """The candidate of a trial, fitted to data."""
        outcome = trial.outcome
        rounds = None if outcome is None else outcome.info.get("rounds")
        with self.evaluation.surroundings():
            return self.evaluation.recipe.fit(
                self.candidate_of(trial), X, y, weights, rounds=rounds
            )

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Pickle the trials to a file, which is there whole or not at all."""
        beside = f"{os.fspath(path)}.part"
        with open(beside, "wb") as file:  # noqa: PTH123
            pickle.dump(self.trials, file)
        os.replace(beside, path)  # noqa: PTH105
