"""HyperoptEstimator among the estimators of scikit-learn."""

import inspect
import warnings

import numpy as np
import pytest
import sklearn
from estimators import DIABETES, IRIS, lines, quick, trees
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from sparktune import Trials, hp
from sparktune import hpsklearn as ours
from sparktune.space.tree import Space

X, Y = IRIS


def test_parameters():
    """Parameters can be read and set, and have the names and the order of hyperopt-sklearn."""
    estimator = ours.HyperoptEstimator()
    names = list(inspect.signature(ours.HyperoptEstimator).parameters)
    assert names[:17] == [
        "preprocessing", "ex_preprocs", "classifier", "regressor", "space", "algo", "max_evals",
        "loss_fn", "continuous_loss_fn", "verbose", "trial_timeout", "fit_increment",
        "fit_increment_dump_filename", "seed", "use_partial_fit", "refit", "n_jobs",
    ]  # fmt: skip
    assert set(estimator.get_params()) == set(names)
    assert estimator.set_params(max_evals=7).max_evals == 7
    with pytest.raises(ValueError, match="Invalid parameter"):
        estimator.set_params(evals=7)
    nested = quick(classifier=LogisticRegression()).set_params(classifier__C=3.0)
    assert nested.classifier.C == 3.0


def test_clones():
    """A clone has no fit, and its own spaces and trials, in which shared nodes are shared still."""
    shared = hp.loguniform("shared", -3, 0)
    estimator = quick(
        classifier=ours.sgd_classifier("s", alpha=shared, eta0=shared, learning_rate="constant"),
        trials=Trials(exp_key="mine"),
    ).fit(X, Y)
    copy = clone(estimator)
    assert not hasattr(copy, "trials_")
    assert copy.classifier is not estimator.classifier
    assert copy.trials is not estimator.trials
    assert copy.trials.exp_key == "mine"
    assert set(Space(copy.classifier).labels) == set(Space(estimator.classifier).labels)
    copy.fit(X, Y)
    learner = copy.best_model()["learner"]
    assert learner.alpha == learner.eta0
    losses = [[trial.loss for trial in each.trials_.history] for each in (estimator, copy)]
    assert losses[0] == losses[1]


def test_pipelines_and_grids():
    """It stands in pipelines, cross-validations and searches over its own settings."""
    pipeline = make_pipeline(StandardScaler(), quick(max_evals=2))
    assert cross_val_score(pipeline, X, Y, cv=3).mean() > 0.8
    grid = GridSearchCV(
        quick(max_evals=2), {"max_evals": [1, 2], "classifier": [ours.gaussian_nb("b"), trees()]},
        cv=2,
    ).fit(X, Y)  # fmt: skip
    assert grid.score(X, Y) > 0.8
    assert len(grid.cv_results_["params"]) == 4
    assert cross_val_score(quick(regressor=lines()), *DIABETES, cv=2).shape == (2,)


def test_what_it_shows():
    """Its repr shows what is not as by default, and a notebook gets a diagram."""
    assert repr(ours.HyperoptEstimator(max_evals=3)) == "HyperoptEstimator(max_evals=3)"
    estimator = quick(preprocessing=[ours.pca("p")])
    assert "choice of 2" in estimator._repr_html_() or sklearn.__version__ < "1.7"
    assert "HyperoptEstimator" in make_pipeline(estimator)._repr_html_()
    assert "HyperoptEstimator" in estimator.fit(X, Y)._repr_html_()
    assert "PCA" in estimator.best_pipeline_._repr_html_()


KINDS = {
    "classifier": lambda: quick(
        preprocessing=None,
        classifier=hp.choice(
            "c",
            [
                ours.logistic_regression("c.lr", solver="lbfgs"),
                ours.decision_tree_classifier("c.dt"),
            ],
        ),
        max_evals=10,
    ),
    "regressor": lambda: quick(
        preprocessing=None,
        regressor=hp.choice("r", [ours.ridge("r.r"), ours.decision_tree_regressor("r.dt")]),
        max_evals=10,
    ),
}


def checked(estimator):
    """The checks of scikit-learn by name: passed, failed, skipped or xfail."""
    if sklearn.__version__ < "1.6":
        return _checked_before_1_6(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {each["check_name"]: each["exception"] for each in results
              if each["status"] not in ("passed", "skipped")}  # fmt: skip
    assert not failed, failed
    return {each["check_name"] for each in results if each["status"] == "skipped"}


def _checked_before_1_6(estimator):
    from unittest import SkipTest

    skipped, failed = set(), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each, check in check_estimator(estimator, generate_only=True):
            try:
                check(each)
            except SkipTest:
                skipped.add(_name(check))
            except Exception as error:
                failed[_name(check)] = error
    assert not failed, failed
    return skipped


def _name(check):
    return getattr(check, "func", check).__name__


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_checks_of_scikit_learn(kind):
    """scikit-learn's own checks of an estimator pass; those that it skips it skips everywhere."""
    assert checked(KINDS[kind]()) <= checked(LogisticRegression())


QUICK_CHECKS = [
    "check_no_attributes_set_in_init", "check_parameters_default_constructible",
    "check_get_params_invariance", "check_set_params", "check_dict_unchanged",
    "check_fit_score_takes_y", "check_estimators_overwrite_params", "check_n_features_in",
    "check_fit1d", "check_fit2d_predict1d", "check_estimators_empty_data_messages",
    "check_estimators_pickle", "check_fit_idempotent",
    "check_requires_y_none", "check_complex_data",
]  # fmt: skip


@pytest.mark.parametrize("name", QUICK_CHECKS)
@pytest.mark.parametrize("kind", KINDS)
def test_some_checks_of_scikit_learn(kind, name):
    """The quick ones of these checks pass."""
    import sklearn.utils.estimator_checks as checks

    estimator = KINDS[kind]().set_params(max_evals=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(checks, name)("HyperoptEstimator", estimator)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_zero_are_no_rows(kind):
    """Rows of no weight are as if they were not there, in the search as in the model."""
    estimator = KINDS[kind]().set_params(max_evals=4)
    X, y = (IRIS, DIABETES)[kind == "regressor"]
    weights = np.arange(len(y)) % 4 > 0
    check = np.arange(len(y)) % 3 == 0
    one = clone(estimator).set_params(cv=[(~check, check)]).fit(X, y, sample_weight=weights)
    kept = clone(estimator).set_params(cv=[(~check[weights], check[weights])])
    kept.fit(X[weights], y[weights])
    assert one.best_loss_ == pytest.approx(kept.best_loss_)
    assert one.predict(X) == pytest.approx(kept.predict(X))
