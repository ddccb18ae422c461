"""What HyperoptEstimator refuses at the door, in which words."""

import datetime

import numpy as np
import pytest
from estimators import DIABETES, IRIS, TEXTS, lines, quick, trees
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold

from sparktune import hp
from sparktune import hpsklearn as ours

X, Y = IRIS


class Plain:
    """A learner that is none of scikit-learn."""

    def fit(self, X, y):
        """Learn nothing."""
        return self

    def predict(self, X):
        """Nothing for each row."""
        return [0] * len(X)


def never(y, predicted):
    """A loss that no candidate gets to."""
    raise AssertionError("a candidate was judged")


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        ({"classifier": 3}, TypeError, "`classifier` must be a space of estimators .* holds 3"),
        ({"classifier": "svc"}, TypeError, "with fit and predict, but holds 'svc'"),
        ({"classifier": LogisticRegression}, TypeError, "but holds <class .*LogisticRegression'>"),
        ({"classifier": Plain()}, TypeError, "has no get_params, .* sklearn.base.BaseEstimator"),
        ({"classifier": []}, TypeError, "`classifier` must be one space, not a list: hp.choice"),
        ({"classifier": [ours.svc("s")]}, TypeError, "`classifier` must be one space, not a list"),
        ({"classifier": ours.svr("s")}, TypeError, "`classifier` holds svr, which is a regressor"),
        ({"classifier": Ridge()}, TypeError, r"holds Ridge\(\), which is a regressor"),
        ({"regressor": LogisticRegression()}, TypeError, "which is a classifier"),
        ({"regressor": ours.svc("s")}, TypeError, "`regressor` holds svc, which is a classifier"),
        (
            {"classifier": hp.choice("c", [ours.svc("s"), ours.pca("p")])},
            TypeError,
            "`classifier` holds pca, which is a preprocessing step",
        ),
        ({"classifier": trees(), "regressor": lines()}, ValueError, "exclude each other: give one"),
        ({"preprocessing": "pca"}, TypeError, "with fit and transform, but holds 'pca'"),
        (
            {"preprocessing": [ours.svc("s")]},
            TypeError,
            "`preprocessing` holds svc, which is a cla",
        ),
        (
            {"preprocessing": ours.tfidf_vectorizer("t")},
            ValueError,
            "reads texts, and X is no sequence of texts",
        ),
        (
            {"ex_preprocs": ours.pca("p")},
            TypeError,
            "`ex_preprocs` must be a list with a space for",
        ),
        ({"ex_preprocs": [[ours.pca("p")]]}, ValueError, "are for exogenous data: give `EX_list`"),
        (
            {"space": ours.svc("s")},
            ValueError,
            "`space` must be a dict with a `classifier` or a `r",
        ),
        ({"space": {}}, ValueError, "or a choice of such; it has neither"),
        (
            {"space": {"classifier": trees(), "regressor": lines()}},
            ValueError,
            "it has classifier and regressor",
        ),
        ({"space": {"classifier": trees(), "preproc": []}}, ValueError, "but no 'preproc'"),
        (
            {"space": {"model": {"classifier": trees()}, "preprocessing": []}},
            ValueError,
            "`space` with a `model` holds no more than that.* also 'preprocessing'",
        ),
        (
            {"space": {"classifier": trees(), "ex_preprocs": [[]]}},
            ValueError,
            "`ex_preprocs` is for 1 exogenous data set, and `EX_list` has none",
        ),
        (
            {"space": {"classifier": trees()}, "preprocessing": []},
            ValueError,
            "`space` stands in place of `preprocessing`: give one of them",
        ),
        ({"algo": "tpe"}, TypeError, "`algo` must be a suggest function .* but got 'tpe'"),
        ({"max_evals": 0}, ValueError, "`max_evals` must be a whole number >= 1, but got 0"),
        ({"max_evals": "9"}, ValueError, "`max_evals` must be a whole number >= 1, but got '9'"),
        ({"loss_fn": 3}, TypeError, "`loss_fn` must be a function of targets and predictions, but"),
        ({"scoring": "accuracy"}, ValueError, "`loss_fn` and `scoring` exclude each other"),
        (
            {"scoring": "no", "loss_fn": None},
            ValueError,
            "`scoring` must be a name of .* got 'no'$",
        ),
        ({"scoring": "f1macro", "loss_fn": None}, ValueError, "'f1macro'; near it: 'f1_macro'"),
        ({"scoring": ["f1"], "loss_fn": None}, TypeError, "the name of a scorer, a scorer or None"),
        ({"continuous_loss_fn": 1}, ValueError, "`continuous_loss_fn` must be True or False, but"),
        (
            {"continuous_loss_fn": True, "loss_fn": None},
            ValueError,
            "`continuous_loss_fn` needs a `loss_fn`, and classifiers",
        ),
        (
            {"continuous_loss_fn": True, "regressor": lines()},
            ValueError,
            "`continuous_loss_fn` needs a `loss_fn`, and classifiers",
        ),
        ({"verbose": "loud"}, ValueError, "`verbose` must be a whole number >= 0, but got 'loud'"),
        ({"timeout": 0}, ValueError, "`timeout` must be a number of seconds > 0"),
        ({"trial_timeout": 0}, ValueError, "`trial_timeout` must be a number of seconds > 0"),
        (
            {"fit_increment": 0},
            ValueError,
            "`fit_increment` must be a whole number >= 1, but got 0",
        ),
        (
            {"fit_increment_dump_filename": "/nowhere/at/all.pkl"},
            ValueError,
            "`fit_increment_dump_filename` is in /nowhere/at, and there is no such folder",
        ),
        ({"fit_increment_dump_filename": 3}, TypeError, "must be the path of a file, but got 3"),
        ({"fit_increment_dump_filename": ""}, TypeError, "must be the path of a file, but got ''"),
        ({"fit_increment_dump_filename": b"a"}, TypeError, "the path of a file, but got b'a'"),
        ({"fit_increment_dump_filename": "/"}, ValueError, "path of a file, but / is a folder"),
        ({"seed": "a"}, TypeError, "`seed` must be a whole number >= 0, a numpy Generator or Rand"),
        ({"seed": 2**32}, ValueError, "`seed` must be below 2[*][*]32, as .* but got 4294967296"),
        ({"seed": -1}, TypeError, "`seed` must be a whole number >= 0, .* but got -1"),
        (
            {"use_partial_fit": "yes"},
            ValueError,
            "`use_partial_fit` must be True or False, but got",
        ),
        ({"refit": None}, ValueError, "`refit` must be True or False, but got None"),
        ({"n_jobs": 0}, ValueError, "`n_jobs` must be a whole number >= 1, but got 0"),
        ({"n_jobs": -2}, ValueError, "`n_jobs` must be a whole number >= 1, but got -2"),
        ({"trials": 3}, TypeError, r"`trials` must be .*StoreTrials\(\) of sparktune, but got 3"),
        ({"journal": 3}, TypeError, "`journal` must be the path of a folder, but got 3"),
        ({"cv": 1}, ValueError, "`cv` must be a whole number >= 2, but got 1"),
        ({"cv": 76}, ValueError, "`cv` must be at most the 75 rows, but got 76"),
        ({"cv": KFold}, TypeError, r"`cv` must be a splitter, but got its class: KFold\(...\)"),
        ({"cv": [1, 2]}, ValueError, "`cv` must give pairs of the rows.* but gave 1"),
        ({"cv": [(Y, Y, Y)]}, ValueError, "`cv` must give pairs of the rows.* but gave"),
        ({"cv": ["ab"]}, ValueError, "`cv` must give rows by their numbers.* but gave 'a'"),
        ({"cv": [([[0]], [1])]}, ValueError, r"rows by their numbers.* but gave \[\[0\]\]"),
        ({"cv": iter(())}, ValueError, "but gave none, as a generator does the second time"),
    ],
)
def test_settings(settings, error, sentence):
    """A setting that makes no sense is refused before anything is fitted."""
    estimator = quick(**{"loss_fn": never, **settings})
    data = DIABETES if "regressor" in settings else IRIS
    with pytest.raises(error, match=sentence):
        estimator.fit(*data)
    assert not hasattr(estimator, "trials_")


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        ({"warm_start": "a"}, ValueError, "`warm_start` must be True or False, but got 'a'"),
        ({"random_state": 2**70}, ValueError, "`random_state` must be below 2[*][*]32"),
        ({"random_state": "a"}, TypeError, "`random_state` must be a whole number >= 0, a numpy G"),
        ({"valid_size": 0}, ValueError, "`valid_size` must be a share above 0 and at most 1"),
        ({"n_folds": 1}, ValueError, "`n_folds` must be a whole number >= 2, but got 1"),
        ({"cv_shuffle": 3}, ValueError, "`cv_shuffle` must be True, False or None, but got 3"),
        (
            {"groups": [1]},
            ValueError,
            r"`groups` must have one for each of 75 rows, but has the shape \(1,\)",
        ),
        ({"groups": [None] * 75}, ValueError, "`groups` must be all texts or all numbers.*NoneTy"),
        (
            {"groups": np.array(["a", 1, "b"] * 25, object)},
            ValueError,
            "all texts or all numbers.* holds int, str",
        ),
        ({"groups": Y * np.nan, "n_folds": 2}, ValueError, "`groups`.* with none missing"),
        ({"groups": Y, "kfolds_group": Y}, ValueError, "`groups` and `kfolds_group` are one"),
        ({"sample_weight": 2.0}, ValueError, "one for each row, got 2.0"),
        ({"sample_weight": np.ones((75, 1))}, ValueError, "Sample weights must be 1D array"),
        ({"sample_weight": ["a"] * 75}, ValueError, "`sample_weight` must be numbers, but got"),
        ({"sample_weight": ["1"] * 75}, ValueError, "`sample_weight` must be numbers, but got"),
        ({"sample_weight": np.full(75, "2020", "M8[D]")}, ValueError, "must be numbers, but got"),
        ({"sample_weight": [1.0]}, ValueError, "must have one for each of 75 rows, but has 1"),
        ({"sample_weight": Y - 1}, ValueError, "must be at least 0, but the least is -1"),
        (
            {"sample_weight": Y * 0},
            ValueError,
            "must be above 0 for some row|at least one non-zero",
        ),
        ({"sample_weight": Y * np.nan}, ValueError, "contains NaN"),
        ({"EX_list": X}, TypeError, "`EX_list` must be a list of data sets, but is of ndarray"),
        ({"EX_list": [X[:9]]}, ValueError, r"`EX_list\[0\]` must have a row for each of 75 in X"),
        ({"EX_list": [Y]}, ValueError, "Expected 2D array, got 1D array"),
        (
            {"EX_list": [["a"] * 75]},
            ValueError,
            r"`EX_list\[0\]` must be rows of numbers, but holds",
        ),
        (
            {"EX_list": [np.full((75, 1), "2020-01-01", "M8[D]")]},
            ValueError,
            r"`EX_list\[0\]` holds dates",
        ),
    ],
)
def test_arguments_of_a_fit(given, error, sentence):
    """An argument of a fit that makes no sense is refused before anything is fitted."""
    with pytest.raises(error, match=sentence):
        quick(loss_fn=never).fit(X, Y, **given)
    with pytest.raises(error, match=sentence):
        next(quick(loss_fn=never).fit_iter(X, Y, **given))


@pytest.mark.parametrize(
    ("rows", "targets", "sentence"),
    [
        (X, None, "requires y to be passed, but the target y is None"),
        (X, Y[:9], "inconsistent numbers of samples"),
        (X[:1], Y[:1], "n_samples=1: a search needs 2 rows at least, to judge by one"),
        (X[:0], Y[:0], "0 sample"),
        (X[:, 0], Y, "Expected 2D array, got 1D array"),
        (X[:, :, None], Y, "dim 3"),
        (np.where(X > 7, np.inf, X), Y, "contains infinity"),
        (np.full((75, 1), "2020-01-01", "M8[D]"), Y, "X holds dates: give what is to be learnt"),
        (np.c_[X.astype(object), ["a"] * 75], Y, "could not convert string to float"),
        (X + 1j, Y, "Complex data not supported"),
        (X, np.zeros(75), "needs 2 classes at least, but the only class of y is 0.0"),
        (X, np.linspace(0, 1, 75), "Unknown label type: continuous"),
        (X, np.where(Y > 0, np.nan, 1.0), "Input y contains NaN"),
        (
            X,
            np.array(["a", None, "b"] * 25, object),
            "`y` must be all texts or all numbers.*NoneType",
        ),
        (X, np.array(["a", 1, "b"] * 25, object), "`y` must be all texts or all numbers.*int, str"),
        (X, Y.astype(object), r"Unknown label type: y is an array of objects \(int\): make it one"),
        (X, np.where(Y > 0, None, 1), r"an array of objects \(NoneType, int\).* none missing"),
        ("a" * 75, Y, "X must have a text for each row, but is one text: 'aaa"),
        ({"a": Y}, Y, "Expected 2D array, got scalar array"),
        (["a", None, "b"] * 25, Y, "texts as X are one for each row, but X holds NoneType beside"),
        (TEXTS[0], TEXTS[1], "X holds texts, which `preprocessing` makes no numbers of"),
    ],
)
def test_data(rows, targets, sentence):
    """Data that cannot be learnt from are refused before anything is fitted."""
    with pytest.raises(ValueError, match=sentence):
        quick(loss_fn=never).fit(rows, targets)


def test_targets_of_a_regressor():
    """Targets of a regressor are numbers, none missing."""
    for targets, sentence in (
        (np.array(["a", "b", "c"])[Y], "a regressor learns numbers, and y holds texts"),
        (Y * np.nan, "contains NaN"),
        (np.full(75, "2020-01-01", "M8[D]"), "a regressor learns numbers, and y holds dates"),
        (np.full(75, datetime.date(2020, 1, 1)), "a regressor learns numbers, and y holds dates"),
    ):
        with pytest.raises(ValueError, match=sentence):
            quick(regressor=lines(), loss_fn=never).fit(X, targets)


def test_exogenous_data_that_do_not_fit():
    """Exogenous data need as many preprocessings, and arrays beside them."""
    with pytest.raises(ValueError, match="a data set for each of 1 in `ex_preprocs`, but holds 2"):
        quick(ex_preprocs=[[]], loss_fn=never).fit(X, Y, EX_list=[X, X])
    with pytest.raises(ValueError, match="`EX_list` goes with rows of numbers as X, but X holds t"):
        quick(loss_fn=never).fit(*TEXTS, EX_list=[np.zeros((60, 1))])
    assert len(quick(max_evals=1).fit(X, Y, EX_list=[]).predict(X)) == len(Y)


def test_rows_to_predict():
    """Rows of other columns than those of the fit are refused."""
    estimator = quick().fit(X, Y)
    with pytest.raises(ValueError, match="X has 2 features, but HyperoptEstimator is expecting 4"):
        estimator.predict(X[:, :2])
    with pytest.raises(ValueError, match="columns of X and of each in `EX_list`"):
        estimator.predict(X, EX_list=[X])


@pytest.mark.parametrize("rows", [["a", None], "a text", []])
def test_texts_to_predict(rows):
    """What is no sequence of texts is refused after a fit to texts."""
    estimator = quick(classifier=ours.multinomial_nb("m"), preprocessing=None, max_evals=1)
    estimator.fit(*TEXTS)
    with pytest.raises(ValueError, match="X must be texts, as in the fit, but got"):
        estimator.predict(rows)
