"""The objective of HyperoptEstimator: a candidate fitted and judged on each fold."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import math
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .fitting import Recipe

__all__ = [
    "Evaluation",
    "Judge",
    "candidate_in",
    "described",
    "flat",
    "path_of",
    "steps_in",
    "unusual",
]


@dataclass(frozen=True)
class Judge:
    """How a fitted pipeline is judged: by a loss of its predictions, or by a scorer.

    Attributes:
        loss: a function of targets and predictions; None for one less accuracy, or less R2.
        scorer: of scikit-learn, whose score with the other sign is the loss; None for none.
        classifies: whether targets are classes.
        by_probabilities: whether the loss is of ``predict_proba`` rather than ``predict``.
    """

    loss: Callable[[Any, Any], float] | None = None
    scorer: Any = None
    classifies: bool = True
    by_probabilities: bool = False

    @property
    def scores_probabilities(self) -> bool:
        """Whether the scorer is of probabilities."""
        return getattr(self.scorer, "_response_method", None) == "predict_proba"

    def predictions(self, pipeline: Any, X: Any) -> Any:
        """What the loss is a function of, beside the targets."""
        return pipeline.predict_proba(X) if self.by_probabilities else flat(pipeline.predict(X))

    def of_predictions(self, y: Any, predicted: Any, weights: Any = None) -> float:
        """The loss of predictions."""
        from sklearn.metrics import accuracy_score, r2_score

        if self.loss is not None:
            return float(self.loss(y, predicted))
        score = accuracy_score if self.classifies else r2_score
        return 1.0 - float(score(y, predicted, sample_weight=weights))

    def of(self, pipeline: Any, X: Any, y: Any, weights: Any = None) -> float:
        """The loss of a fitted pipeline on rows that it has not seen."""
        if self.scorer is None:
            return self.of_predictions(y, self.predictions(pipeline, X), weights)
        more = {} if weights is None else {"sample_weight": weights}
        return -float(self.scorer(pipeline, X, y, **more))


@dataclass(frozen=True)
class Evaluation:
    """An objective that cross-validates candidates on the same folds.

    Attributes:
        recipe: how candidates become pipelines.
        judge: of each fold's pipeline.
        X, y, weights: all data; weights None for none.
        folds: of each fold the rows to learn from and those to judge by.
        config: settings of scikit-learn where the search was begun.
        quiet: whether warnings of the fits are left out.
        again: whether candidates are judged that were tried before, on other rows; results say so.
    """

    recipe: Recipe
    judge: Judge
    X: Any
    y: Any
    weights: Any
    folds: tuple[tuple[Any, Any], ...]
    config: Mapping[str, Any]
    quiet: bool = True
    again: bool = False

    def __call__(self, config: Mapping[str, Any], trial: Any = None) -> dict[str, Any]:
        """The result of a trial: the mean loss of the folds, and what it was made of.

        Raises:
            ValueError: the loss is not finite.
        """
        with self.surroundings():
            losses, pooled, rounds, pipeline = self._judged(candidate_in(config), trial)
        loss = pooled if pooled is not None else float(np.mean(losses))
        if not math.isfinite(loss):
            alone = ", which judge by one row each" if not self._several_rows else ""
            of_folds = f"; of the folds{alone}, {losses[:9]}" if len(losses) > 1 else ""
            one = " by the one row that is held out; R2, for one, needs two" if alone else ""
            raise ValueError(f"the loss is {loss}{of_folds or one}")
        result: dict[str, Any] = {"losses": losses, "parts": described(steps_in(pipeline))}
        if self.again:
            result["again"] = True
        if rounds:
            result["rounds"] = max(rounds)
        variance = self._variance(losses, loss)
        if variance is not None:
            result["loss_variance"] = variance
        return {**result, "status": "ok", "loss": loss}

    @property
    def reports(self) -> bool:
        """Whether each fold has a loss of its own; else predictions are judged all together."""
        return self.judge.scorer is not None or self._several_rows

    @property
    def _several_rows(self) -> bool:
        """Whether each fold has several rows to judge by."""
        return all(len(rows) > 1 for _, rows in self.folds)

    def fingerprint(self) -> str:
        """A digest of the data, the folds and the loss: losses of others cannot be compared."""
        import joblib

        judge = self.judge
        names = (_named(judge.loss), _named(judge.scorer), judge.by_probabilities)
        return str(joblib.hash((self.X, self.y, self.weights, self.folds, names)))

    def _judged(self, config: Any, trial: Any) -> tuple[list[float], float | None, list[int], Any]:
        """Fit and judge a candidate on each fold.

        Returns:
            The losses of the folds; that of all predictions together, where folds are too small
            to be judged alone; the rounds of partial_fit; and the last pipeline.
        """
        from sklearn.utils import _safe_indexing

        together = not self.reports
        losses: list[float] = []
        rounds: list[int] = []
        seen: list[tuple[Any, Any, Any]] = []
        pipeline = None
        for number, (learn, check) in enumerate(self.folds):
            X, y = _safe_indexing(self.X, check), self.y[check]
            weights = None if self.weights is None else self.weights[check]

            def judged(pipeline: Any, X: Any = X, y: Any = y, weights: Any = weights) -> float:
                return self.judge.of(pipeline, X, y, weights)

            fitted = self.recipe.fit(
                config, _safe_indexing(self.X, learn), self.y[learn],
                None if self.weights is None else self.weights[learn], judge=judged,
            )  # fmt: skip
            pipeline = fitted.pipeline
            if fitted.rounds is not None:
                rounds.append(fitted.rounds)
            if together:
                seen.append((y, self.judge.predictions(pipeline, X), weights))
                continue
            losses.append(judged(pipeline))
            if trial is not None and math.isfinite(losses[-1]):
                trial.report(number, losses[-1])
        if not together:
            return losses, None, rounds, pipeline
        y, predicted, weights = zip(*seen, strict=True)
        pooled = self.judge.of_predictions(
            np.concatenate(y), np.concatenate(predicted),
            None if self.weights is None else np.concatenate(weights),
        )  # fmt: skip
        return losses, pooled, rounds, pipeline

    def _variance(self, losses: list[float], loss: float) -> float | None:
        """The variance of the loss: of the mean of folds, or of a share of wrong predictions."""
        if len(losses) > 1:
            return float(np.var(losses, ddof=1)) / len(losses)
        plain = self.judge.loss is None and self.judge.scorer is None and self.judge.classifies
        count = sum(len(rows) for _, rows in self.folds)
        return loss * (1 - loss) / (count - 1) if plain and count > 1 else None

    @contextlib.contextmanager
    def surroundings(self) -> Any:
        """What fits run in: the settings of scikit-learn, the threads, and whether they warn."""
        from sklearn import config_context

        threads = _threads(self.recipe.n_jobs)
        config = {**self.config, "transform_output": "default"}  # steps pass arrays on
        with config_context(**config), threads, warnings.catch_warnings():
            if self.quiet:
                warnings.simplefilter("ignore")
            yield


def flat(predicted: Any) -> Any:
    """Predictions of one target in a row, which some models give as a column."""
    shape = np.shape(predicted)
    return np.ravel(predicted) if len(shape) == 2 and shape[1] == 1 else predicted


def candidate_in(config: Mapping[str, Any]) -> Any:
    """The candidate in a configuration of a search: a dict of its learner and preprocessing."""
    candidate = config["candidate"]
    return candidate.get("model", candidate)


def _threads(n_jobs: int | None) -> Any:
    """A context in which numerical libraries use so many threads; None and -1 leave them alone."""
    if n_jobs is None or n_jobs < 1:
        return contextlib.nullcontext()
    return _libraries(len(sys.modules)).limit(limits=n_jobs)


@functools.lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:  # noqa: ARG001, the key of the cache
    """Those that are loaded by so many modules; to look through them takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _named(function: Any) -> str:
    """A loss or a scorer by its name, which is the same in every process."""
    return str(getattr(function, "__qualname__", re.sub(r" at 0x[0-9a-f]+", "", repr(function))))


def steps_in(pipeline: Any) -> list[Any]:
    """The steps of a pipeline, without their names."""
    return [step for _, step in pipeline.steps]


def described(steps: Iterable[Any]) -> list[list[Any]]:
    """Steps as plain data: path of the class, and what is not as by default."""
    return [
        [path_of(type(step)), {name: _plain(value) for name, value in unusual(step).items()}]
        for step in steps
    ]


def path_of(thing: Any) -> str:
    """Where a class or a function is imported from: the public module that has it, if one does."""
    parts = thing.__module__.split(".")
    public = ".".join(itertools.takewhile(lambda part: not part.startswith("_"), parts))
    top = thing.__qualname__.partition(".")[0]
    is_there = hasattr(sys.modules.get(public), top)
    return f"{public if is_there else thing.__module__}.{thing.__qualname__}"


def unusual(step: Any) -> dict[str, Any]:
    """The parameters of an object that are not as by default."""
    takes = inspect.signature(type(step)).parameters.values()
    standard = {each.name: each.default for each in takes}
    if any(each.kind is each.VAR_KEYWORD for each in takes):
        standard.update(type(step)().get_params(deep=False))
    return {
        name: value
        for name, value in step.get_params(deep=False).items()
        if name not in standard or not _equal(value, standard[name])
    }


def _equal(a: Any, b: Any) -> bool:
    try:
        return bool(a is b or (type(a) is type(b) and np.all(a == b)) or (a != a and b != b))
    except Exception:  # whatever a comparison of strange objects raises, they are not equal
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return " ".join(repr(value).split())[:200]
