"""A candidate fitted: its steps in a row, within the limits of the data, to a plain Pipeline."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse

from .limits import keep_within

__all__ = ["Fitted", "Recipe", "learner_of", "steps_of", "whole_weights"]

_MOST_REPEATED = 20  # times that a row is repeated on average, where it stands for its weight
_IDLE = {("LogisticRegression", "n_jobs")}  # which it warns of since scikit-learn 1.8
_ROUNDS, _PATIENCE = 200, 10  # of partial_fit; and how many without a gain end it


def steps_of(preprocessing: Any) -> list[Any]:
    """Preprocessing as a space gives it, nested lists and None, as a list of steps."""
    if preprocessing is None:
        return []
    if isinstance(preprocessing, (list, tuple)):
        return [step for part in preprocessing for step in steps_of(part)]
    return [preprocessing]


@dataclass(frozen=True)
class Fitted:
    """A fitted candidate.

    Attributes:
        pipeline: fitted, of scikit-learn's own kind.
        rounds: of partial_fit; None where the learner was fitted at once.
    """

    pipeline: Any
    rounds: int | None = None


@dataclass(frozen=True)
class Recipe:
    """How candidates become pipelines: what all of them share.

    Attributes:
        encoder: an unfitted step before all others, None for none.
        widths: columns of X and of each exogenous data set beside it; empty without such.
        seed: for each step that has a random_state and none of its own.
        n_jobs: for each step that has an n_jobs and none of its own.
        needs: class name to what it needs of data.
        limits: class name to parameters and the names of their limits.
        for_sparse: class name to settings that it takes where the data are sparse.
        by_rounds: whether learners that can are fitted by partial_fit, until a loss stops falling.
        classes: of a classification, None else.
    """

    encoder: Any = None
    widths: tuple[int, ...] = ()
    seed: int | None = None
    n_jobs: int | None = None
    needs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    for_sparse: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    by_rounds: bool = False
    classes: Any = None

    def fit(
        self, config: Mapping[str, Any], X: Any, y: Any, weights: Any = None, *,
        judge: Any = None, rounds: int | None = None,
    ) -> Fitted:  # fmt: skip
        """Fit a candidate.

        Args:
            config: ``classifier`` or ``regressor``, ``preprocessing`` and ``ex_preprocs``.
            X: rows.
            y: their targets.
            weights: of the rows; None for all the same.
            judge: the loss of a pipeline, by which partial_fit is ended.
            rounds: of partial_fit, where nobody judges.
        """
        from sklearn.base import clone
        from sklearn.pipeline import Pipeline

        steps: list[tuple[str, Any]] = []
        if self.encoder is not None:
            steps.append(("encoder", clone(self.encoder)))
            X = steps[0][1].fit_transform(X, y)
        for step in self._before(config, X, y):
            X = self._through(step, X, y, weights)
            steps.append((_name(step, steps), step))
        learner = self._prepared(learner_of(config))
        for step in self._adapters(learner, X):
            X = self._through(step, X, y, weights)
            steps.append((_name(step, steps), step))
        self._suit_sparse(learner, X)
        counts = None if takes_weights(learner) else whole_weights(weights)
        if counts is not None:
            X, y, weights = *_repeated(X, y, counts), None
        keep_within(learner, self.limits.get(type(learner).__name__, {}), X, y, weights)
        if weights is not None:
            _count_weights(learner, weights)
        learner = self._for_labels(learner, y)
        if self.by_rounds and hasattr(learner, "partial_fit"):
            head = list(steps)

            def joined(fitted: Any) -> Any:
                return Pipeline([*head, (_name(fitted, head), fitted)])

            learner, rounds = self._by_rounds(learner, X, y, weights, judge, rounds, joined)
        else:
            learner.fit(X, y, **_weights(learner, weights))
            rounds = None
        return Fitted(Pipeline([*steps, (_name(learner, steps), learner)]), rounds)

    def _before(self, config: Mapping[str, Any], X: Any, y: Any) -> list[Any]:
        """The steps before the learner, not fitted."""
        own = [self._prepared(step) for step in steps_of(config.get("preprocessing"))]
        if not self.widths:
            return own
        return [self._side_by_side(own, config.get("ex_preprocs"), X, y)]

    def _side_by_side(self, own: list[Any], others: Any, X: Any, y: Any) -> Any:
        """Steps for X and for each exogenous data set, which stand beside each other in X."""
        from sklearn.compose import ColumnTransformer
        from sklearn.pipeline import Pipeline

        blocks = [own, *([self._prepared(s) for s in steps_of(each)] for each in others or ())]
        if len(blocks) > len(self.widths):
            raise ValueError(
                f"`ex_preprocs` has {len(blocks) - 1} and `EX_list` {len(self.widths) - 1}"
            )
        blocks += [[] for _ in range(len(self.widths) - len(blocks))]
        parts, start = [], 0
        for number, (block, width) in enumerate(zip(blocks, self.widths, strict=True)):
            columns = slice(start, start + width)
            start += width
            named: list[tuple[str, Any]] = []
            Z = X[:, columns]
            for step in block:
                Z = self._through(step, Z, y, None)  # for its limits
                named.append((_name(step, named), step))
            name = f"ex{number}" if number else "x"
            parts.append((name, Pipeline(named) if named else "passthrough", columns))
        return ColumnTransformer(parts, sparse_threshold=1.0 if scipy.sparse.issparse(X) else 0.3)

    def _prepared(self, step: Any) -> Any:
        """A copy of an estimator with the seed and the number of jobs, where it has none."""
        from sklearn.base import clone

        step = clone(step)
        jobs = self.n_jobs
        if jobs == 1 and type(step).__module__.startswith("sklearn."):
            jobs = None  # is one there, and all cores elsewhere
        ours = {"random_state": self.seed, "n_jobs": jobs, "thread_count": jobs}
        given, known = {}, {**_unset(step), **step.get_params()}
        for name, value in known.items():
            *owner, last = name.rsplit("__", 1)
            of = known[owner[0]] if owner else step
            value_of_ours = None if (type(of).__name__, last) in _IDLE else ours.get(last)
            if value is None and value_of_ours is not None:
                given[name] = value_of_ours
        return step.set_params(**given) if given else step

    def _through(self, step: Any, X: Any, y: Any, weights: Any) -> Any:
        """Fit a step, and the rows as they come out of it."""
        name = type(step).__name__
        self._suit_sparse(step, X)
        taken = _weights(step, weights)
        counts = None if taken else whole_weights(weights)
        if counts is None:
            keep_within(step, self.limits.get(name, {}), X, y)
            return step.fit_transform(X, y, **taken)
        rows, targets = _repeated(X, y, counts)
        keep_within(step, self.limits.get(name, {}), rows, targets)
        return step.fit(rows, targets).transform(X)

    def _suit_sparse(self, step: Any, X: Any) -> None:
        """Change what a step cannot do with sparse matrices, where it gets one."""
        settings = self.for_sparse.get(type(step).__name__)
        if settings and scipy.sparse.issparse(X):
            step.set_params(**settings)

    def _adapters(self, learner: Any, X: Any) -> list[Any]:
        """Steps that make of the rows what the learner needs."""
        from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler

        needs = self.needs.get(type(learner).__name__, frozenset())
        if "categories" in needs:
            return [KBinsDiscretizer(10, encode="ordinal", strategy="uniform")]
        if "numbers >= 0" not in needs or scipy.sparse.issparse(X) or np.min(X) >= 0:
            return []
        return [MinMaxScaler(clip=True)]

    def _for_labels(self, learner: Any, y: Any) -> Any:
        """A learner that takes such labels: within one that numbers them, where it needs that."""
        from sklearn.ensemble import VotingClassifier

        needs = self.needs.get(type(learner).__name__, frozenset())
        found = np.unique(y) if needs else ()
        from_0 = np.array_equal(found, range(len(found)))
        are_numbers = np.asarray(y).dtype.kind in "iu"
        if "labels from 0" in needs and not from_0:
            return VotingClassifier([("model", learner)], voting="soft")
        if "labels as numbers" in needs and not are_numbers:
            return VotingClassifier([("model", learner)], voting="soft")
        return learner

    def _by_rounds(
        self, learner: Any, X: Any, y: Any, weights: Any, judge: Any, rounds: int | None,
        joined: Any,
    ) -> tuple[Any, int]:  # fmt: skip
        """Fit by partial_fit: for some rounds, or until the loss has not fallen for ten."""
        more = _weights(learner, weights, "partial_fit")
        first = {} if self.classes is None else {"classes": self.classes}
        best, best_loss, best_round = learner, np.inf, rounds or 1
        for number in range(1, (rounds or _ROUNDS) + 1):
            learner.partial_fit(X, y, **more, **(first if number == 1 else {}))
            if rounds is not None or judge is None:
                continue
            loss = judge(joined(learner))
            if number == 1 or loss < best_loss:
                best, best_round = copy.deepcopy(learner), number
                best_loss = np.inf if np.isnan(loss) else loss
            elif number - best_round >= _PATIENCE:
                break
        return (learner if rounds is not None or judge is None else best), best_round


def whole_weights(weights: Any) -> Any:
    """Weights as whole numbers, for rows may then be repeated; None where they are not, or many."""
    if weights is None or not np.array_equal(weights, np.round(weights)):
        return None
    most = _MOST_REPEATED * len(weights)
    few = np.minimum(weights, most + 1).sum() <= most  # none is too large for a whole number
    return np.asarray(weights, np.intp) if few else None


def _repeated(X: Any, y: Any, counts: Any) -> tuple[Any, Any]:
    """Rows and targets, each as often as it counts."""
    rows = np.repeat(np.arange(len(counts)), counts)
    return X[rows], y[rows]


def _unset(step: Any) -> dict[str, None]:
    """Parameters that an estimator does not show while they are None, as those of CatBoost."""
    takes = inspect.signature(type(step)).parameters.values()
    return {each.name: None for each in takes if each.default is None}


def _count_weights(learner: Any, weights: Any) -> None:
    """Let numbers of rows be weights, as if rows of weight 2 were there twice.

    They are the least in a tree's leaf, and those that a member of a bagging ensemble gets, which
    without replacement cannot be more than there are.
    """
    share = getattr(learner, "max_samples", None)
    if isinstance(share, float):
        counts, there = whole_weights(weights), np.count_nonzero(weights)
        most = len(weights) if getattr(learner, "bootstrap", True) else there
        drawn = int(share * (there if counts is None else counts.sum()))
        learner.set_params(max_samples=max(1, min(drawn, most)))
    least = getattr(learner, "min_samples_leaf", None)
    if hasattr(learner, "min_weight_fraction_leaf") and isinstance(least, int) and least > 1:
        share = (least - 0.5) / max(float(np.sum(weights)), len(weights))
        if share > 0.5:  # a leaf is more than half, so there is nothing to split
            learner.set_params(min_samples_leaf=len(weights))
        else:
            learner.set_params(min_samples_leaf=1, min_weight_fraction_leaf=share)


def learner_of(config: Mapping[str, Any]) -> Any:
    """The classifier or regressor of a candidate."""
    learner = config.get("classifier")
    return config["regressor"] if learner is None else learner


def takes_weights(step: Any, method: str = "fit") -> bool:
    """Whether a method takes weights: of an estimator, or of that within that numbers labels."""
    if type(step).__name__ == "KBinsDiscretizer" and step.strategy == "uniform":
        return False  # they are idle there, and refused before scikit-learn 1.6
    within = getattr(step, "estimators", None)
    taker = within[0][1] if method == "fit" and within else step
    return "sample_weight" in inspect.signature(getattr(taker, method)).parameters


def _weights(step: Any, weights: Any, method: str = "fit") -> dict[str, Any]:
    """Weights as arguments of a method, where it takes them."""
    taken = weights is not None and takes_weights(step, method)
    return {"sample_weight": weights} if taken else {}


def _name(step: Any, steps: list[tuple[str, Any]]) -> str:
    """A name for a step, as make_pipeline gives."""
    name = type(step).__name__.lower()
    taken = {each for each, _ in steps}
    return next(n for n in (name, *(f"{name}-{k}" for k in range(2, 99))) if n not in taken)
