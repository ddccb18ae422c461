"""HyperoptEstimator: preprocessing and model chosen for data, as an estimator of scikit-learn.

The file is long because it describes its settings and the arguments of a fit.
"""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
from sklearn import config_context, get_config
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, check_scoring, r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from ..checks import advise, flag, whole
from ..exceptions import AllTrialsFailed
from ..space.expressions import Node
from ..space.tree import Space
from ..trials.record import Trials, checked_trials
from .data import Data, Folds, encoder_of, is_text
from .door import check_settings, sklearn_seed
from .reading import Reader
from .results import leaderboard, parts_of, script_of
from .search import Search, recipe_for, refuse_other_data
from .spaces import all_have, kind_of_space, learners_for, space_for, whole_space
from .starts import starts_of
from .travels.evaluation import Evaluation, Judge, flat
from .validation import folds_of

__all__ = ["HyperoptEstimator"]

_CANDIDATES_A_START = 5
_CANDIDATES_A_FINALIST, _FINALISTS, _FURTHER = 8, 4, 3  # the most of them; splits for each


def _has(method: str) -> Any:
    """A check that the best pipeline has a method; before a fit that every candidate has it."""

    def check(self: HyperoptEstimator) -> bool:
        if not hasattr(self, "best_pipeline_"):
            space = self.space
            if space is None:
                space = learners_for(self.classifier, self.regressor)
            return all_have(space, method)
        getattr(self.best_pipeline_, method)
        return True

    return check


class _Text:
    """What a table shows of an object."""

    def __init__(self, thing: object) -> None:
        self.text = repr(thing)

    def __repr__(self) -> str:
        return self.text


class HyperoptEstimator(Reader):
    """Chooses preprocessing and model for data by a search, and is then that model.

    Each candidate is a pipeline: preprocessing steps and a learner, drawn with their parameters
    from spaces such as ``any_classifier("c")`` or ``svc("s", C=1.0)``. It is fitted and judged on
    rows that are held out, or on folds, as one trial; ``trials`` says where trials run. The best
    one is fitted to all data. Rows may be arrays, sparse matrices, texts, or DataFrames, whose
    columns of text and categories are encoded and whose missing values are filled in, so that
    preprocessing sees arrays of numbers.

    Args:
        preprocessing: a space of steps, lists of steps, or choices of such; [] for none; None for
            any_preprocessing, or what texts, sparse matrices or weights ask for.
        ex_preprocs: the same for each exogenous data set, in a list; None for no preprocessing.
        classifier: a space of classifiers; a constant estimator is one, too.
        regressor: a space of regressors. With neither it is any_classifier.
        space: instead of these four one space: a dict with ``preprocessing`` and ``classifier`` or
            ``regressor``, or a dict with a choice of such as ``model``.
        algo: as of ``fmin``; None for ``auto.suggest``.
        max_evals: candidates that a fit tries, at least 1, each by one fit for each fold. With 4
            folds or more a candidate that is worse than the best one on its first folds is not
            fitted on the others (``prune.wilcoxon()``), where trials can report while they run; it
            counts, and its status is "pruned".
        loss_fn: a function (targets, predictions) -> loss, called for each fold; None for
            1 - accuracy, or 1 - R2 of a regression.
        continuous_loss_fn: whether ``loss_fn`` is given what ``predict_proba`` returns.
        verbose: whether there is a progress bar, and warnings of the fits are shown.
        trial_timeout: seconds that a candidate may take; see Trials.
        fit_increment: candidates after which ``fit_iter`` hands out the trials, and ``fit`` saves
            them where it has a file to.
        fit_increment_dump_filename: a file that the trials are pickled to every ``fit_increment``
            candidates; None for none. Beside a search on a cluster that costs a wait for the
            slowest each time, which ``journal`` does not.
        seed: of the search, the order of rows and the learners: a whole number, a Generator or a
            RandomState. None for the environment's HYPEROPT_FMIN_SEED, else 0, so that a fit can
            be repeated.
        use_partial_fit: whether learners that have ``partial_fit`` are fitted by it, round by
            round until the loss on the held out rows stops falling.
        refit: whether the best candidate is fitted to all data.
        n_jobs: cores that one candidate uses: its learner's n_jobs, and the threads of numerical
            libraries. None or -1 leaves the latter alone.
        trials: where candidates run: Trials, SparkTrials or StoreTrials; None for this process.
            Trials in memory stay as they are: ``trials_`` is new ones like them. Those that are
            recorded in a journal or a store are gone on with.
        scoring: the name of a scorer of scikit-learn, or one; its score with the other sign is the
            loss. None for accuracy or R2.
        cv: a number of folds, a splitter of scikit-learn, or folds; None for what ``fit`` says.
        timeout: seconds after which a fit looks no further, and takes the best so far; None for no
            limit.
        journal: a folder in which trials are recorded, from which the same fit goes on.
        defaults_first: whether the first candidates are the learners with their classes' own
            settings (or the nearest in their ranges) and the first kind of preprocessing; of up to
            ``max_evals // 5`` learners, in the order in which they stand in the space.
        finalists: how many of the best candidates of a held out share are judged again on three
            further splits, before one of them is chosen, since the best of many on one split was
            lucky there. Costs three fits each, beside ``max_evals``. None for an eighth of
            ``max_evals``, at most 4. Fewer than 2 are none. With folds, and where the last rows are
            held out, there are none. With a ``timeout``, a fifth of the time is kept for them.

    Attributes:
        trials_: the trials of the last fit, also those that judged the finalists again.
        best_pipeline_: the best candidate as a Pipeline of scikit-learn, without anything of
            sparktune.
        best_loss_: its mean loss over its folds or splits.
        classes_: of a classification.
        space_: what was searched, narrowed to the data.
        n_splits_: how many folds each candidate was judged on.
        n_features_in_, feature_names_in_: as of every estimator; not for texts.
    """

    def __init__(
        self,
        preprocessing: Any = None,
        ex_preprocs: Any = None,
        classifier: Any = None,
        regressor: Any = None,
        space: Any = None,
        algo: Any = None,
        max_evals: int = 10,
        loss_fn: Any = None,
        continuous_loss_fn: bool = False,
        verbose: bool | int = False,
        trial_timeout: float | None = None,
        fit_increment: int = 1,
        fit_increment_dump_filename: Any = None,
        seed: Any = None,
        use_partial_fit: bool = False,
        refit: bool = True,
        n_jobs: int | None = 1,
        *,
        trials: Any = None,
        scoring: Any = None,
        cv: Any = None,
        journal: Any = None,
        timeout: float | None = None,
        defaults_first: bool = True,
        finalists: int | None = None,
    ) -> None:
        self.preprocessing = preprocessing
        self.ex_preprocs = ex_preprocs
        self.classifier = classifier
        self.regressor = regressor
        self.space = space
        self.algo = algo
        self.max_evals = max_evals
        self.loss_fn = loss_fn
        self.continuous_loss_fn = continuous_loss_fn
        self.verbose = verbose
        self.trial_timeout = trial_timeout
        self.fit_increment = fit_increment
        self.fit_increment_dump_filename = fit_increment_dump_filename
        self.seed = seed
        self.use_partial_fit = use_partial_fit
        self.refit = refit
        self.n_jobs = n_jobs
        self.trials = trials
        self.scoring = scoring
        self.cv = cv
        self.journal = journal
        self.timeout = timeout
        self.defaults_first = defaults_first
        self.finalists = finalists

    # What it is to scikit-learn.

    @property
    def classifies(self) -> bool:
        """Whether this is a classifier; else it is a regressor."""
        if self.space is not None:
            return kind_of_space(self.space)
        return self.regressor is None

    @property
    def _estimator_type(self) -> str:  # for scikit-learn before 1.6
        return "classifier" if self.classifies else "regressor"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags

        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier" if self.classifies else "regressor"
        tags.classifier_tags = ClassifierTags() if self.classifies else None
        tags.regressor_tags = None if self.classifies else RegressorTags()
        tags.target_tags.required = True
        tags.input_tags.sparse = tags.input_tags.allow_nan = True
        return tags

    def _more_tags(self) -> dict[str, Any]:  # for scikit-learn before 1.6
        return {"allow_nan": True, "requires_y": True}

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        """The table of a notebook, in which nodes, which cannot be compared, stand as texts."""
        shown = copy.copy(self)
        for name, value in self.get_params(deep=False).items():
            if isinstance(value, Node):
                setattr(shown, name, _Text(value))
        return super(HyperoptEstimator, shown)._get_params_html(*args, **kwargs)

    def __sklearn_clone__(self) -> HyperoptEstimator:
        """A copy without a fit; nodes that stand in several of its spaces are one node still."""
        return type(self)(**copy.deepcopy(self.get_params(deep=False)))

    # Fits.

    def fit(
        self,
        X: Any,
        y: Any,
        EX_list: Any = None,
        valid_size: float = 0.2,
        n_folds: int | None = None,
        kfolds_group: Any = None,
        cv_shuffle: bool | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        *,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> HyperoptEstimator:
        """Search, and fit the best candidate to all data, unless ``refit`` is False.

        On Ctrl-C the search ends, and the best candidate so far is taken.

        Args:
            X: an array, a sparse matrix, a DataFrame, or a sequence of texts; a row for each y.
            y: targets; labels may be strings.
            EX_list: exogenous data sets: arrays or sparse matrices of as many rows, each with
                preprocessing of its own, whose columns the learner gets beside those of X.
            valid_size: share of the rows that candidates are judged by, where there are no folds;
                above 0 and at most 1. One row at least is left to learn from.
            n_folds: folds of a cross-validation: 2 or more, or -1 for one for each row, or for each
                group. None for ``cv``, else a held out share.
            kfolds_group: another name of ``groups``.
            cv_shuffle: whether rows are split in another order. None: yes, unless ``groups`` or a
                splitter settle it. False: the last rows or groups are held out, and folds are in
                order.
            warm_start: whether ``max_evals`` further candidates are tried after those of the last
                fit, on the same data.
            random_state: of the order of the rows; None for the search's own seed.
            sample_weight: weights of the rows in fits and losses, at least 0. Learners that take
                none learn from repeated rows where all are whole numbers, and are left out else.
            groups: of each row; no group is both learnt from and judged by.

        Returns:
            The estimator itself.

        Raises:
            AllTrialsFailed: no candidate has a loss; shows the first traceback.
            KeyboardInterrupt: on Ctrl-C, while no candidate has a loss.
            ValueError, TypeError: an argument or the data; with the rule and the value.
        """
        search, data = self._begun(
            X, y, EX_list, valid_size, n_folds, kfolds_group, cv_shuffle, warm_start,
            random_state, sample_weight, groups,
        )  # fmt: skip
        search.finalists = self._count_of_finalists() if search.further else 0
        before = search.ended if warm_start else 0
        wanted = before + whole("max_evals", self.max_evals)
        dump = self.fit_increment_dump_filename
        step = wanted if dump is None else whole("fit_increment", self.fit_increment)
        upto = -1
        try:
            while upto < wanted:  # once at least: what was recorded is then of this space
                upto = min(wanted, max(upto, search.ended) + step)
                if not search.run(upto, last=upto == wanted):
                    break
                if dump is not None:
                    search.dump(os.fspath(dump))
            search.judge_again()
        except KeyboardInterrupt:
            if not any(each.loss is not None for each in search.standings):
                raise
            advise("the search was interrupted: the best candidate so far is taken", raises=False)
        self._note(search)
        if self.refit:
            self._fit_best(search, data)
        return self

    def fit_iter(
        self,
        X: Any,
        y: Any,
        EX_list: Any = None,
        valid_size: float = 0.2,
        n_folds: int | None = None,
        kfolds_group: Any = None,
        cv_shuffle: bool | None = None,
        warm_start: bool = False,
        random_state: Any = None,
        *,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> Generator[Trials, int | None, None]:
        """A search in steps, without an end: a generator of the trials so far.

        Before each step it yields the trials; at first they hold what ``warm_start`` or a journal
        brings, else none. A step tries ``fit_increment`` candidates, or as many as ``send`` is
        given. The best candidate is fitted by ``retrain_best_model_on_full_data``. Arguments are
        those of ``fit``, and so are its errors but AllTrialsFailed, of which there is a warning.
        """
        search, _ = self._begun(
            X, y, EX_list, valid_size, n_folds, kfolds_group, cv_shuffle, warm_start,
            random_state, sample_weight, groups,
        )  # fmt: skip
        self.trials_ = search.trials
        while True:
            more = yield search.trials
            step = whole("fit_increment", self.fit_increment if more is None else more)
            try:
                search.run(search.ended + step)
            except AllTrialsFailed as error:
                advise(f"no candidate has a loss yet: {error}", raises=False)
                continue
            self._note(search)

    def retrain_best_model_on_full_data(
        self, X: Any, y: Any, EX_list: Any = None, *, sample_weight: Any = None
    ) -> HyperoptEstimator:
        """Fit the best candidate of the search to data, as ``fit`` does unless ``refit`` is False.

        The data may have columns of another kind than those of the search, missing numbers and
        other classes. If they are refused, what was fitted before stays.

        Raises:
            NotFittedError: there was no search.
            ValueError, TypeError: the data; see ``fit``.
        """
        if not hasattr(self, "_search"):
            raise NotFittedError("there is no best candidate yet: call fit or fit_iter first")
        of_texts = not hasattr(self, "n_features_in_")
        with self._unchanged_if_refused():
            data, _ = self._data(X, y, EX_list, sample_weight, None).weighing(())
            if data.is_text != of_texts:
                kind = "texts" if of_texts else "rows of columns"
                raise ValueError(f"X must be {kind}, as in the search")
            if data.widths != self._widths:
                raise ValueError(
                    f"X and `EX_list` must have {self._widths or 'no'} columns beside each other "
                    f"as in the search, but have {data.widths or 'none'}"
                )
            search = self._search.with_recipe(
                encoder=encoder_of(data.X, data.y, self.classifies, self._search.seed),
                classes=self.classes_ if self.classifies else None,
            )
            self._fit_best(search, data)
        return self

    def _begun(
        self, X: Any, y: Any, EX_list: Any, valid_size: Any, n_folds: Any, kfolds_group: Any,
        cv_shuffle: Any, warm_start: Any, random_state: Any, sample_weight: Any, groups: Any,
    ) -> tuple[Search, Data]:  # fmt: skip
        """A search that has not begun, and the data to fit its best candidate to."""
        with self._unchanged_if_refused():
            return self._prepared(
                X, y, EX_list, valid_size, n_folds, kfolds_group, cv_shuffle, warm_start,
                random_state, sample_weight, groups,
            )  # fmt: skip

    @contextlib.contextmanager
    def _unchanged_if_refused(self) -> Iterator[None]:
        """What a fit before has found stays, where data or settings are refused."""
        before = dict(self.__dict__)
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _prepared(
        self, X: Any, y: Any, EX_list: Any, valid_size: Any, n_folds: Any, kfolds_group: Any,
        cv_shuffle: Any, warm_start: Any, random_state: Any, sample_weight: Any, groups: Any,
    ) -> tuple[Search, Data]:  # fmt: skip
        check_settings(self)
        goes_on = flag("warm_start", warm_start)
        for name in ("best_pipeline_", "best_loss_", "_search"):  # of an earlier fit
            self.__dict__.pop(name, None)
        data = self._data(X, y, EX_list, sample_weight, groups, kfolds_group)
        self._widths = data.widths
        seed = sklearn_seed(self.seed, "seed")
        order = seed if random_state is None else sklearn_seed(random_state, "random_state")

        def split(given: Data, seed: int) -> tuple[Data, Folds]:
            return given.weighing(
                folds_of(
                    given.y, given.groups, classifies=self.classifies, valid_size=valid_size,
                    n_folds=n_folds, cv=self.cv, shuffle=cv_shuffle, seed=seed,
                )
            )  # fmt: skip

        given, (data, folds) = data, split(data, order)
        further: Folds = ()
        if n_folds is None and self.cv is None and cv_shuffle is not False:
            seeds = np.random.SeedSequence(order).generate_state(_FURTHER).tolist()
            further = tuple(fold for each in seeds for fold in split(given, each)[1])
        judge = self._judge()
        self.n_splits_ = len(folds)
        self.space_ = space_for(
            data, preprocessing=self.preprocessing, ex_preprocs=self.ex_preprocs,
            classifier=self.classifier, regressor=self.regressor, space=self.space,
            probabilities=judge.by_probabilities or judge.scores_probabilities,
        )  # fmt: skip
        evaluation = Evaluation(
            recipe_for(
                data, encoder=encoder_of(data.X, data.y, self.classifies, seed), seed=seed,
                n_jobs=self.n_jobs, by_rounds=self.use_partial_fit,
                classes=self.classes_ if self.classifies else None,
            ),
            judge, data.X, data.y, data.weights, folds, get_config(),
            quiet=not self.verbose,
        )  # fmt: skip
        space, trials = whole_space(self.space_, evaluation), self._trials_to_fill(goes_on)
        refuse_other_data(trials, space)
        most = self.max_evals // _CANDIDATES_A_START if self.defaults_first else 0
        starts = starts_of(Space.of(space))[:most] if most else []
        return Search(
            space, evaluation, trials, self.algo, seed,
            self.timeout, self.trial_timeout, bool(self.verbose), starts=starts, further=further,
        ), data  # fmt: skip

    def _count_of_finalists(self) -> int:
        if self.finalists is None:
            return min(_FINALISTS, self.max_evals // _CANDIDATES_A_FINALIST)
        return int(self.finalists)

    def _judge(self) -> Judge:
        scorer = None if self.scoring is None else check_scoring(self, scoring=self.scoring)
        return Judge(self.loss_fn, scorer, self.classifies, self.continuous_loss_fn)

    def _trials_to_fill(self, goes_on: bool) -> Trials:
        if goes_on and hasattr(self, "trials_"):
            kept: Trials = self.trials_
            return kept
        trials = checked_trials(self.trials)
        if not goes_on:
            trials = trials.fresh()
        if self.journal is not None:
            trials.attach(self.journal)
        return trials

    def _note(self, search: Search) -> None:
        """Keep what a search has found so far."""
        self.trials_ = search.trials
        self.best_loss_ = search.best.loss
        self._search = search.without_data()

    def _fit_best(self, search: Search, data: Data) -> None:
        self.best_pipeline_ = search.fitted(
            search.best.trial, data.X, data.y, data.weights
        ).pipeline

    # Answers.

    def _check_best_is_fitted(self) -> None:
        if not hasattr(self, "best_pipeline_") and hasattr(self, "_search"):
            raise NotFittedError(
                "the best candidate is not fitted yet: call retrain_best_model_on_full_data(X, y)"
            )
        check_is_fitted(self, "best_pipeline_")

    def _read(self, X: Any, EX_list: Any) -> Any:
        """Rows to answer for, as the pipeline takes them."""
        self._check_best_is_fitted()
        if not hasattr(self, "n_features_in_"):
            if not is_text(X):
                raise ValueError(f"X must be texts, as in the fit, but got {X!r:.100}")
            return np.asarray(X, object)
        return self._beside_as_fitted(self._rows(X, fitting=False), EX_list)

    def _answer(self, method: str, X: Any, EX_list: Any) -> Any:
        """What a method of the best pipeline gives, whose steps pass arrays on."""
        rows = self._read(X, EX_list)
        with config_context(transform_output="default"):
            return getattr(self.best_pipeline_, method)(rows)

    def predict(self, X: Any, EX_list: Any = None) -> Any:
        """The predictions of the best pipeline, one for each row; arguments as of ``fit``.

        Raises:
            NotFittedError: there was no fit, or the best candidate is not fitted (``refit=False``).
            ValueError: the rows are of another kind than those of the fit.
        """
        return flat(self._answer("predict", X, EX_list))

    @available_if(_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any, EX_list: Any = None) -> Any:
        """The probabilities of ``classes_``, where the best pipeline has them.

        Errors are those of ``predict``; without the method there is an AttributeError.
        """
        return self._answer("predict_proba", X, EX_list)

    @available_if(_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any, EX_list: Any = None) -> Any:
        """The decision function of the best pipeline, where it has one.

        Errors are those of ``predict``; without the method there is an AttributeError.
        """
        return self._answer("decision_function", X, EX_list)

    def score(self, X: Any, y: Any, EX_list: Any = None, sample_weight: Any = None) -> float:
        """The score on data by ``scoring``, else the accuracy or R2; higher is better.

        Errors are those of ``predict``.
        """
        more = {} if sample_weight is None else {"sample_weight": sample_weight}
        if self.scoring is None:
            score = accuracy_score if self.classifies else r2_score
            return float(score(y, self.predict(X, EX_list), **more))
        rows = self._read(X, EX_list)
        scorer = check_scoring(self.best_pipeline_, scoring=self.scoring)
        with config_context(transform_output="default"):
            return float(scorer(self.best_pipeline_, rows, y, **more))

    def best_model(self) -> dict[str, Any]:
        """The parts of the best pipeline, fitted: ``learner``, ``preprocs`` and ``ex_preprocs``.

        Raises:
            NotFittedError: there is no fitted best pipeline.
        """
        self._check_best_is_fitted()
        return parts_of(self.best_pipeline_)

    def leaderboard(self) -> Any:
        """All candidates as a DataFrame, a row for each, the best first.

        The index is the trial's number. Columns: loss (the mean over folds or splits), deviation
        (the standard deviation of that mean), splits, seconds, status, parts and parameters; loss
        and deviation are nan where they are not known. Candidates that were judged again stand
        before all others, whose losses are of one split.

        Raises:
            ImportError: pandas is not installed.
            NotFittedError: there was no search.
        """
        check_is_fitted(self, "trials_")
        return leaderboard(self.trials_)

    def to_script(self) -> str:
        """A short Python script that builds the best pipeline, unfitted and without sparktune.

        It imports scikit-learn and the package of the learner, such as xgboost.

        Raises:
            NotFittedError: there is no fitted best pipeline.
        """
        self._check_best_is_fitted()
        return script_of(self.best_pipeline_)
