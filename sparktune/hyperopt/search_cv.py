"""A search estimator of scikit-learn whose candidates come from fmin; see ``sklearn``."""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import copy
import math
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import indexable
from sklearn.utils.metadata_routing import UNUSED, get_routing_for_object, process_routing

from ..checks import advise, flag, whole
from ..exceptions import AllTrialsFailed
from ..history.holders import trials_in_words
from ..plurals import plural
from .base import JOB_STATE_DONE, JOB_STATE_ERROR, Trials
from .cv_results import failed_row, metrics, table_of
from .documents import documents_in
from .fmin import fmin
from .randomness import generator_of

__all__ = ["HyperoptSearchCV"]


class HyperoptSearchCV(BaseSearchCV):  # type: ignore[misc]
    """Searches an estimator's parameters by cross-validation, with candidates from ``fmin``.

    All candidates are scored on the same splits. A candidate's cross-validation is the objective of
    one trial, whose result holds its scores as ``cv_results`` beside ``params`` and the loss, which
    is ``-mean_test_score``. With ``SparkTrials`` it runs as a Spark task; the data travel once a
    run, and executors need scikit-learn, but nothing of sparktune. Callbacks of scikit-learn are
    for the estimator inside alone.

    Args:
        estimator: what is tuned; is left as it is.
        space: a dict of parameters by name, or another space whose configurations are such dicts.
        max_evals: candidates that ``trials_`` are to hold in the end.
        trials: a Trials or SparkTrials of this package: where the candidates run. With
            ``warm_start`` it takes the documents itself, and those that it holds count; without,
            ``trials_`` is an empty one like it.
        algo: a suggest function; ``tpe.suggest`` unless given.
        warm_start: whether ``fit`` goes on with the trials of the last fit.
        scoring: as in GridSearchCV. Of several metrics that which ``refit`` names is searched by,
            else the first.
        n_jobs: how many splits of a candidate are fitted at a time.
        refit: as in GridSearchCV.
        cv: as in GridSearchCV.
        verbose: above 0 with a progress bar, above 1 with the lines of the fits.
        pre_dispatch: as in GridSearchCV.
        random_state: a seed, a RandomState, a Generator or None; see ``fmin``.
        error_score: "raise", or the score of a fit that failed. A candidate all of whose fits
            failed is of no use to the search unless this is a finite number.
        return_train_score: whether ``cv_results_`` has scores on the training data.

    Attributes:
        trials_: the documents of all candidates.
        cv_results_: as of GridSearchCV, in the order of ``trials_``; a trial that ended without a
            cross-validation, such as one that was lost or cancelled, is not among them.
        best_estimator_, best_index_, best_params_, best_score_: as of GridSearchCV.
        classes_, feature_names_in_, n_features_in_, n_splits_: likewise.
        multimetric_, refit_time_, scorer_: likewise.
    """

    __module__ = __package__ + ".sklearn"  # where pickles look for it
    __metadata_request__fit = {"groups": UNUSED}  # noqa: RUF012 (the splitter's)
    _required_parameters = ("estimator", "space")  # before scikit-learn 1.6

    def __init__(
        self,
        estimator: Any,
        space: Any,
        max_evals: int = 10,
        trials: Any = None,
        algo: Any = None,
        warm_start: bool = False,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator=estimator, scoring=scoring, n_jobs=n_jobs, refit=refit, cv=cv,
            verbose=verbose, pre_dispatch=pre_dispatch, error_score=error_score,
            return_train_score=return_train_score,
        )  # fmt: skip
        self.space = space
        self.max_evals = max_evals
        self.trials = trials
        self.algo = algo
        self.warm_start = warm_start
        self.random_state = random_state

    def set_callbacks(self, *callbacks: Any) -> HyperoptSearchCV:
        """Refuse callbacks of scikit-learn: the fits may run in other processes."""
        if callbacks:
            raise NotImplementedError(
                "HyperoptSearchCV calls no callbacks: set them on its estimator"
            )
        return self

    def fit(self, X: Any, y: Any = None, groups: Any = None, **params: Any) -> HyperoptSearchCV:
        """Search, and fit the best candidate to all data, where ``refit`` says so.

        Args:
            X: the data, one sample a row.
            y: what to learn, one item a sample; None without.
            groups: for splitters that ask for them, one item a sample.
            **params: for the estimator's ``fit``, as in GridSearchCV.

        Raises:
            ValueError: all fits failed; the message has the first failure.
            TypeError: the space holds a distribution of scipy.
            AllTrialsFailed: no trial came to the end of a cross-validation.
            Exception: what a fit raised, where ``error_score`` is "raise"; from a trial of
                SparkTrials as a RuntimeError with its text.
        """
        self._validate_params()
        max_evals = whole("max_evals", self.max_evals)
        goes_on = flag("warm_start", self.warm_start)
        generator, scorer = self._generator(), self._scorer_asked_for()
        self._refuse_distributions()
        X, y = indexable(X, y)
        if groups is not None:
            params["groups"] = groups
        of_split, of_fit, of_search = self._routed(params, scorer)
        splitter = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        splits = list(splitter.split(X, y, **of_split))
        self.n_splits_ = len(splits)
        self.trials_ = self._trials_to_fill(goes_on)
        objective = _objective_of(
            self.estimator, X, y, of_search, self.refit,
            {
                "cv": splits, "scoring": self.scoring, "n_jobs": self.n_jobs,
                "pre_dispatch": self.pre_dispatch, "verbose": max(0, int(self.verbose) - 1),
                "error_score": self.error_score, "return_train_score": self.return_train_score,
            },
        )  # fmt: skip
        self._search(objective, max_evals, generator)
        results = self._results()
        self._note_best(results)
        if self.refit:
            self._refit(X, y, of_fit)
        self.scorer_, self.cv_results_ = scorer, results
        return self

    # What was set.

    def _generator(self) -> Any:
        try:
            return generator_of(self.random_state)
        except TypeError as error:
            raise ValueError(f"`random_state`: {error}") from None

    def _refuse_distributions(self) -> None:
        """Refuse what RandomizedSearchCV draws from: a node draws here, and all else is a value."""
        for name, value in self._parameters():
            if hasattr(value, "rvs"):
                raise TypeError(
                    f"`space`: {name!r} is a distribution of scipy; a parameter that is searched "
                    f"is a node, such as hp.uniform({name!r}, 0, 1)"
                )

    def _parameters(self) -> Iterable[tuple[Any, Any]]:
        """The names and values of a space that is a dict."""
        return self.space.items() if isinstance(self.space, Mapping) else ()

    def _scorer_asked_for(self) -> Any:
        """A scorer, or a dict of them by the names of several metrics."""
        scoring = self.scoring
        if callable(scoring):
            return scoring
        if scoring is None or isinstance(scoring, str):
            return check_scoring(self.estimator, scoring=scoring)
        names = list(scoring)
        if not names or len(set(names)) < len(names) or not all(isinstance(n, str) for n in names):
            raise ValueError(
                f"`scoring` must name at least one metric, and each once, but got {scoring!r}"
            )
        of = scoring if isinstance(scoring, Mapping) else dict(zip(names, names, strict=True))
        scorers = {name: check_scoring(self.estimator, scoring=of[name]) for name in names}
        self._check_refit_for_multimetric(scorers)
        return scorers

    def _routed(self, params: dict[str, Any], scorer: Any) -> tuple[dict[str, Any], ...]:
        """Of the parameters of ``fit``: the splitter's, the refit's, a candidate's search's."""
        if not get_config()["enable_metadata_routing"]:
            rest = {name: value for name, value in params.items() if name != "groups"}
            return {"groups": params.get("groups")}, rest, rest
        routed = process_routing(self, "fit", **params)
        scorers = scorer.values() if isinstance(scorer, dict) else [scorer]
        takers = [(self.estimator, "fit"), *((each, "score") for each in scorers)]
        taken = [get_routing_for_object(each).consumes(method, params) for each, method in takers]
        rest = {name: params[name] for name in params if any(name in each for each in taken)}
        return routed.splitter.split, routed.estimator.fit, rest

    def _trials_to_fill(self, goes_on: bool) -> Trials:
        given = self.trials
        if given is not None and not isinstance(given, Trials):
            raise TypeError(
                "`trials` must be Trials() or SparkTrials() of sparktune.hyperopt, or None, but "
                f"got {trials_in_words(given)}"
            )
        if goes_on:
            kept: Trials | None = getattr(self, "trials_", given)
            return Trials() if kept is None else kept
        fresh = Trials() if given is None else copy.copy(given)
        fresh.delete_all()
        return fresh

    # The search.

    def _search(self, objective: Any, max_evals: int, generator: Any) -> None:
        """Run trials; raises where none of ``trials_`` holds a cross-validation then."""
        before = len(self._errors())

        def ends(_: Trials, *__: Any) -> tuple[bool, list[Any]]:
            return len(self._errors()) > before, []

        raises = isinstance(self.error_score, str)
        nothing = None
        try:
            fmin(
                objective, self.space, algo=self.algo, max_evals=max_evals, trials=self.trials_,
                rstate=generator, verbose=self.verbose > 0, early_stop_fn=ends if raises else None,
            )  # fmt: skip
        except AllTrialsFailed as error:  # some may hold scores that are no numbers
            nothing = error
        errors = self._errors()[before:]
        if errors and raises:
            raise RuntimeError(f"a trial failed, and `error_score` is 'raise': {errors[0]}")
        if not self._records():
            raise nothing or AllTrialsFailed(
                "no trial holds a cross-validation; set `max_evals` up"
            )
        if errors:
            failed = plural(len(errors), "trial")
            advise(f"{failed} failed beside the fits; the first: {errors[0]}")

    def _errors(self) -> list[str]:
        """Why trials failed that have no result."""
        failed = documents_in(self.trials_.documents, JOB_STATE_ERROR)
        return [": ".join(map(str, each["misc"].get("error", ("no reason",)))) for each in failed]

    def _records(self) -> list[dict[str, Any]]:
        """The results of trials that hold a cross-validation."""
        return [
            document["result"]
            for document in self.trials_.trials
            if document["state"] == JOB_STATE_DONE and "cv_results" in document["result"]
        ]

    # The answer.

    def _results(self) -> dict[str, Any]:
        """What ``cv_results_`` is to be."""
        records = self._records()
        rows: list[dict[str, float]] = [each["cv_results"] for each in records]
        scored = [row for row in rows if row]
        failures = [each["error"] for each in records if not each["cv_results"]]
        if not scored:
            lists = [name for name, value in self._parameters() if isinstance(value, list)]
            hints = [
                f"\nA list is one value; one of its items is hp.choice({name!r}, [...])"
                for name in lists[:1]
            ]
            which = f"all {len(rows)} candidates" if len(rows) > 1 else "the only candidate"
            raise ValueError("".join((f"{which} failed; the first: {failures[0]}", *hints)))
        if any(row.keys() != scored[0].keys() for row in scored):
            raise ValueError(
                "with `warm_start`, `cv`, `scoring` and `return_train_score` must make the scores "
                "that the earlier trials have"
            )
        if failures:
            warnings.warn(
                f"{len(failures)} of {len(rows)} candidates failed; the first: {failures[0]}",
                FitFailedWarning, stacklevel=3,
            )  # fmt: skip
        self.multimetric_ = next(each["multimetric"] for each in records if each["cv_results"])
        return table_of(
            [each["params"] for each in records],
            [row or failed_row(scored[0], self.error_score) for row in rows],
        )

    def _note_best(self, results: dict[str, Any]) -> None:
        metric = "score"
        if self.multimetric_:
            self._check_refit_for_multimetric(metrics(results))
            metric = self.refit
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, metric, results)
            if not callable(self.refit):
                self.best_score_ = results[f"mean_test_{metric}"][self.best_index_]
            self.best_params_ = results["params"][self.best_index_]

    def _refit(self, X: Any, y: Any, params: dict[str, Any]) -> None:
        best = clone(self.estimator).set_params(**clone(self.best_params_, safe=False))
        began = time.perf_counter()
        self.best_estimator_ = best.fit(X, *(() if y is None else (y,)), **params)
        self.refit_time_ = time.perf_counter() - began
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_


def _objective_of(
    estimator: Any, X: Any, y: Any, fit_params: dict[str, Any], refit: Any, options: dict[str, Any]
) -> Callable[[Any], dict[str, Any]]:
    """The objective whose trials cross-validate a candidate.

    It is a function within this one, and imports what it needs, so that it runs where sparktune is
    not installed.

    Args:
        estimator: what is tuned.
        X: the data.
        y: what to learn, or None.
        fit_params: further arguments of the candidate's search.
        refit: names the metric to search by, where there are several.
        options: settings of a GridSearchCV, whose only candidate it will be.
    """
    config = get_config()

    def objective(params: Any) -> dict[str, Any]:

        from sklearn import config_context
        from sklearn.base import clone
        from sklearn.model_selection import GridSearchCV

        if not hasattr(params, "keys"):
            raise TypeError(
                "a configuration of `space` must be a dict of parameters by name, but is "
                f"{params!r:.200}"
            )
        row: dict[str, float] = {}
        result: dict[str, Any] = {"params": dict(params), "cv_results": row, "status": "fail"}
        with config_context(**config):
            # what this raises is no fault of a fit
            clone(estimator).set_params(**clone(dict(params), safe=False))
            grid = {name: [value] for name, value in params.items()}
            search = GridSearchCV(estimator, grid, refit=False, **options)
            loss = -math.nan
            try:
                search.fit(X, y, **fit_params)
            except ValueError as error:  # all fits failed
                if options["error_score"] == "raise":
                    raise
                result["error"] = str(error).strip()
                loss = -options["error_score"]
            else:
                means = {}
                for name, (value,) in search.cv_results_.items():
                    if name.startswith(("mean_", "std_", "split")):
                        row[name] = float(value)
                    if name.startswith("mean_test_"):
                        means[name[len("mean_test_") :]] = float(value)
                result["multimetric"] = search.multimetric_
                by = refit if isinstance(refit, str) and refit in means else next(iter(means))
                loss = -means[by]
        if math.isfinite(loss):
            result.update(loss=float(loss), status="ok")
        return result

    return objective
