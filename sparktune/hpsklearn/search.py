"""A search for one set of data: its space, its objective, its trials, and the best of them."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_regressor

from .. import hp
from ..algo import auto
from ..exceptions import AllTrialsFailed
from ..fmin import fmin
from ..history import Trial
from ..history.failures import failure_text
from ..prune import wilcoxon
from ..space.expressions import Node
from ..space.nodes import Walk
from ..space.tree import Choice, Space
from ..trials.record import Trials
from .component import CLASSIFIER, OTHER, REGRESSOR, STEP, TEXT
from .components import (
    any_classifier,
    any_preprocessing,
    any_sparse_preprocessing,
    any_text_preprocessing,
)
from .data import Data, Folds
from .making import has_method, path_in
from .narrowing import choice_of, narrowed
from .standings import Again, Standing, standings
from .starts import starts_of
from .suits import BY_PATH, for_probabilities, why_not
from .travels.evaluation import Evaluation, candidate_in
from .travels.fitting import Fitted, Recipe, learner_of, steps_of
from .travels.limits import Size

__all__ = [
    "Search",
    "all_have",
    "kind_of_space",
    "learners_for",
    "recipe_for",
    "refuse_other_data",
    "space_for",
    "whole_space",
]

_MOMENT = 1e-3  # seconds that a run has at least
_SHARE_OF_TIME = 0.8  # until which candidates are tried, where the best are to be judged again
_FOLDS_TO_STOP_EARLY = 4  # fewer cannot tell a hopeless candidate; see prune.Wilcoxon


def kind_of_space(space: Any) -> bool:
    """Whether a space of the user's own is of classifiers; else it is of regressors.

    Raises:
        ValueError: it holds neither, or both.
    """
    found = {
        name
        for candidate in _candidates(space)
        for name in ("classifier", "regressor")
        if candidate.get(name) is not None
    }
    if len(found) != 1:
        raise ValueError(
            "`space` must be a dict with a `classifier` or a `regressor`, and with "
            "`preprocessing`, or a choice of such; it has "
            f"{' and '.join(sorted(found)) or 'neither'}"
        )
    return found == {"classifier"}


def learners_for(classifier: Any, regressor: Any) -> dict[str, Any]:
    """The learners of a space: those that are given, or any classifier."""
    if classifier is None and regressor is None:
        classifier = any_classifier("classifier")
    return {"classifier": classifier, "regressor": regressor}


def space_for(
    data: Data, *, preprocessing: Any, ex_preprocs: Any, classifier: Any, regressor: Any,
    space: Any, probabilities: bool,
) -> Any:  # fmt: skip
    """The space that is searched for some data; arguments as of HyperoptEstimator.

    ``probabilities`` says whether the loss is of probabilities, which not all classifiers give.
    """
    if space is None:
        if preprocessing is None:
            preprocessing = _usual_preprocessing(data)("preprocessing")
        space = {
            "preprocessing": preprocessing,
            "ex_preprocs": [] if ex_preprocs is None else list(ex_preprocs),
            **learners_for(classifier, regressor),
        }
    _check_parts(space, max(0, len(data.widths) - 1))
    targets = data.y.shape[1] if data.y.ndim > 1 else 1
    size = None if data.is_text else Size(data.learnt, data.columns, targets)
    only = {"only": for_probabilities} if probabilities else {}
    found = narrowed(space, size, why_not(data, probabilities), **only)
    if data.is_text:
        found = _for_texts(found)
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


def _leaves(thing: Any) -> Iterator[Any]:
    """What may stand in a place of a space: components, other nodes and constants."""
    if isinstance(thing, Choice):
        thing = list(thing.options)
    if isinstance(thing, (list, tuple)):
        for each in thing:
            yield from _leaves(each)
    else:
        yield thing


def _candidates(space: Any) -> Iterator[Mapping[str, Any]]:
    """The dicts of parts in a space; one, unless there is a choice of them."""
    for each in _leaves(space):
        if isinstance(each, Mapping) and "model" in each:
            if len(each) > 1:
                others = ", ".join(repr(name) for name in each if name != "model")
                raise ValueError(
                    "`space` with a `model` holds no more than that, for the parts of a candidate "
                    f"stand within it, but there is also {others}"
                )
            yield from _candidates(each["model"])
        elif isinstance(each, Mapping):
            yield each


_PLACES = {
    "preprocessing": (STEP, TEXT), "ex_preprocs": (STEP, TEXT),
    "classifier": (CLASSIFIER, OTHER), "regressor": (REGRESSOR, OTHER),
}  # fmt: skip


_OTHER_KIND = {"classifier": is_regressor, "regressor": is_classifier}


def _check_parts(space: Any, beside: int) -> None:
    """Refuse what can be no part of a candidate.

    Args:
        space: of candidates.
        beside: how many exogenous data sets there are.

    Raises:
        TypeError: a constant is no estimator, or a part stands in the place of another kind.
        ValueError: a dict of parts has a further one, or steps for data that are not there.
    """
    for candidate in _candidates(space):
        for place in candidate:
            if place not in _PLACES:
                raise ValueError(
                    f"a candidate in `space` has {', '.join(map(repr, _PLACES))}, but no {place!r}"
                )
        for place, allowed in _PLACES.items():
            part = candidate.get(place)
            if place in ("classifier", "regressor") and isinstance(part, (list, tuple)):
                raise TypeError(f"`{place}` must be one space, not a list: hp.choice takes several")
            for leaf in _leaves(part):
                _check_part(place, leaf, allowed)
        others = candidate.get("ex_preprocs")
        if isinstance(others, (list, tuple)) and len(others) > beside:
            raise ValueError(
                f"`ex_preprocs` is for {len(others)} exogenous data sets, and `EX_list` has "
                f"{beside or 'none'}"
            )


def _check_part(place: str, leaf: Any, allowed: tuple[str, ...]) -> None:
    method = "transform" if place in ("preprocessing", "ex_preprocs") else "predict"
    path = path_in(leaf)
    if path is not None:
        component = BY_PATH.get(path)
        if component is not None and component.role not in allowed:
            raise TypeError(f"`{place}` holds {component.name}, which is a {component.role}")
    elif isinstance(leaf, Node) or leaf is None:
        return
    elif isinstance(leaf, type) or not (hasattr(leaf, "fit") and hasattr(leaf, method)):
        raise TypeError(
            f"`{place}` must be a space of estimators with fit and {method}, but holds "
            f"{leaf!r:.200}"
        )
    elif isinstance(leaf, BaseEstimator) and place in _OTHER_KIND and _OTHER_KIND[place](leaf):
        other = "regressor" if place == "classifier" else "classifier"
        raise TypeError(f"`{place}` holds {leaf!r:.200}, which is a {other}")


def all_have(space: Any, method: str) -> bool:
    """Whether every learner in a space is known to have a method, whatever its settings."""
    found = []
    for candidate in _candidates(space):
        learner = candidate.get("classifier")
        for leaf in _leaves(candidate.get("regressor") if learner is None else learner):
            path = path_in(leaf)
            found.append(hasattr(leaf, method) if path is None else has_method(path, method))
    return all(found)


def _reads_texts(space: Any) -> bool:
    """Whether the preprocessing of a space holds a vectorizer, or something that may be one."""
    return any(_may_read_texts(each.get("preprocessing")) for each in _candidates(space))


def _may_read_texts(steps: Any) -> bool:
    for leaf in _leaves(steps):
        component = BY_PATH.get(path_in(leaf) or "")
        if leaf is not None and (component is None or component.role == TEXT):
            return True
    return False


def _for_texts(space: Any) -> Any:
    """A space whose choices of preprocessing have only options with a vectorizer."""
    if isinstance(space, Mapping):
        place, change = ("model", _for_texts) if "model" in space else ("preprocessing", _reading)
        return {**space, place: change(space[place])} if place in space else space
    if isinstance(space, Choice):
        pairs = zip(space.distribution.p, map(_for_texts, space.options), strict=True)
        return hp.pchoice(space.label, list(pairs))
    return space


def _reading(steps: Any) -> Any:
    """Preprocessing without the options of a choice that have no vectorizer."""
    if not isinstance(steps, Choice):
        return steps
    pairs = zip(steps.distribution.p, steps.options, strict=True)
    kept = [(p, _reading(option)) for p, option in pairs if _may_read_texts(option)]
    return choice_of(steps.label, kept) if any(p for p, _ in kept) else steps


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


def whole_space(space: Any, evaluation: Evaluation) -> Any:
    """The space of a run: candidates, and the digest of the data that they are judged by.

    One that holds nothing to search becomes a choice of itself alone.
    """
    walk = Walk()
    walk.into(space, None)
    candidate = space if walk.found else hp.choice("candidate", [space])
    return {"candidate": candidate, "data": evaluation.fingerprint()}


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
        deadline: by time.monotonic(), when it ends; None for no limit.
        trial_timeout: seconds a trial may take; None for as many as ``trials`` say.
        verbose: whether there is a progress bar.
        starts: how many learners are tried first as their classes come.
        finalists: how many of the best are judged again, on splits of their own.
        further: these splits.
    """

    space: Any
    evaluation: Evaluation
    trials: Trials
    algo: Any
    seed: int
    deadline: float | None
    trial_timeout: float | None
    verbose: bool
    starts: int = 0
    finalists: int = 0
    further: Folds = ()

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
        first = starts_of(Space.of(self.space))[: self.starts] if self.starts else None
        try:
            self._fmin(
                self.evaluation, auto.suggest if self.algo is None else self.algo, max_evals,
                self._left(_SHARE_OF_TIME if self.finalists else 1.0),
                points_to_evaluate=first,
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
        if self.deadline is None and self.trials.fmin_cancelled_reason is not None:
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
        """Seconds until the deadline, or a share of them; and a moment after it."""
        if self.deadline is None:
            return None
        return max(_MOMENT, share * (self.deadline - time.monotonic()))

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

    def candidate_of(self, trial: Trial) -> Any:
        """The candidate of a trial: a dict of its learner and preprocessing."""
        history = self.trials.history
        return None if history is None else candidate_in(history.space.build(trial.values))

    def _parts_of(self, trial: Trial) -> str:
        """The parts of a trial's candidate; its labels, where that cannot be built."""
        try:
            candidate = self.candidate_of(trial)
        except Exception:  # whatever an expression of the space raises
            return f"with {dict(trial.values)!r}"
        steps = [*steps_of(candidate.get("preprocessing")), learner_of(candidate)]
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
                self.candidate_of(trial), X, y, weights, rounds=rounds
            )

    def dump(self, path: str | os.PathLike[str]) -> None:
        """Pickle the trials to a file, which is there whole or not at all."""
        beside = f"{os.fspath(path)}.part"
        with open(beside, "wb") as file:  # noqa: PTH123
            pickle.dump(self.trials, file)
        os.replace(beside, path)  # noqa: PTH105
