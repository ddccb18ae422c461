"""HyperoptSearchCV is a search estimator of scikit-learn whose candidates come from fmin."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

import cloudpickle
import joblib
import sklearn
from elsewhere import Elsewhere
from pickling_engine import Pickling
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import sparktune as core
import sparktune.hyperopt as hyperopt
from sparktune.exceptions import AllTrialsFailed
from sparktune.hyperopt import STATUS_FAIL, Trials, hp, rand
from sparktune.hyperopt.fmin import generate_trial, generate_trials_to_calculate
from sparktune.hyperopt.sklearn import HyperoptSearchCV

X, Y = make_classification(60, 4, random_state=0)
SPACE = {"C": hp.loguniform("C", -3, 3), "fit_intercept": hp.choice("intercept", [True, False])}
TIMES = ("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time")


def search(estimator=None, space=None, **options):
    """A search of four candidates on three splits."""
    given = {"max_evals": 4, "cv": 3, "random_state": 0, "algo": rand.suggest, **options}
    return HyperoptSearchCV(estimator or LogisticRegression(), space or SPACE, **given)


def scores(fitted):
    return fitted.cv_results_["mean_test_score"]


def by_numbers(estimator, X, y):
    """A scorer of two metrics."""
    found = accuracy_score(y, estimator.predict(X))
    return {"right": found, "wrong": -(1 - found)}


class Picky(ClassifierMixin, BaseEstimator):
    """Scores ``level``; fails above 2, and above 1 where the first sample is not among its own."""

    def __init__(self, level=0.0):
        self.level = level

    def fit(self, X, y, sample_weight=None):
        if self.level > 2 or (self.level > 1 and not (X[0] == self.first).all()):
            raise self.error("too high a level")
        self.classes_, self.weight_ = np.unique(y), sample_weight
        return self

    def score(self, X, y, sample_weight=None):
        return self.level

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))

    first, error = X[0], ValueError


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_it_passes_the_checks_of_scikit_learn():
    """Its only skipped checks are those that its estimator skips here, and none fails."""
    skipped = {}
    for each in (LogisticRegression(), search(max_evals=2, cv=2)):
        found = check_estimator(each, on_skip=None, on_fail=None)
        skipped[type(each)] = {c["check_name"] for c in found if c["status"] == "skipped"}
        wrong = [c for c in found if c["status"] not in ("passed", "skipped")]
        assert type(each) is LogisticRegression or not wrong, wrong
    assert skipped[HyperoptSearchCV] == skipped[LogisticRegression]


@pytest.mark.parametrize("trials", [None, Elsewhere()], ids=["here", "elsewhere"])
@pytest.mark.parametrize("scoring", [None, "roc_auc", ["accuracy", "f1"], by_numbers])
def test_results_are_those_of_a_grid_search(scoring, trials):
    """cv_results_ has the keys and scores that GridSearchCV has for the same candidates."""
    given = {"scoring": scoring, "refit": False, "return_train_score": True}
    found = search(trials=trials, **given).fit(X, Y).cv_results_
    grid = [{name: [value] for name, value in each.items()} for each in found["params"]]
    expected = GridSearchCV(LogisticRegression(), grid, cv=3, **given).fit(X, Y).cv_results_
    assert set(found) == set(expected)
    assert len(found["params"]) == 4
    for name in expected:
        if name not in TIMES:
            assert list(found[name]) == list(expected[name]), name
            assert getattr(found[name], "dtype", None) == getattr(expected[name], "dtype", None)


def test_candidates_come_from_fmin():
    """Candidates are those of fmin with the same seed, and their losses the scores with a minus."""
    fitted = search(algo=None, max_evals=5).fit(X, Y)
    trials = Trials()
    hyperopt.fmin(
        lambda params: fitted.trials_.losses()[len(trials) - 1], SPACE, max_evals=5,
        trials=trials, rstate=np.random.default_rng(0), verbose=False,
    )  # fmt: skip
    assert fitted.trials_.vals == trials.vals
    assert fitted.trials_.losses() == list(-scores(fitted))
    assert [each["params"] for each in fitted.trials_.results] == fitted.cv_results_["params"]


def test_the_best_candidate_is_fitted_to_all_data():
    """The attributes of the best candidate fit together, and predict with all data seen."""
    fitted = search().fit(X, Y)
    best = int(scores(fitted).argmax())
    assert fitted.best_index_ == best
    assert fitted.best_score_ == scores(fitted)[best]
    assert fitted.best_params_ == hyperopt.space_eval(SPACE, fitted.trials_.argmin)
    again = LogisticRegression(**fitted.best_params_).fit(X, Y)
    assert (fitted.predict_proba(X) == again.predict_proba(X)).all()
    assert fitted.score(X, Y) == again.score(X, Y)
    assert (fitted.n_splits_, fitted.n_features_in_, fitted.multimetric_) == (3, 4, False)
    assert fitted.refit_time_ > 0


@pytest.mark.parametrize(
    ("scoring", "refit", "first"),
    [
        (["accuracy", "f1"], "f1", "f1"),
        (["accuracy", "f1"], "accuracy", "accuracy"),
        ({"right": "accuracy", "play_time": make_scorer(accuracy_score)}, "play_time", "play_time"),
        (["f1", "accuracy"], False, "f1"),
        (by_numbers, "wrong", "wrong"),
        (by_numbers, lambda results: 2, "right"),
    ],
)
def test_of_several_metrics_one_is_searched_by(scoring, refit, first):
    """The search goes by the metric that refit names, else by the first."""
    fitted = search(scoring=scoring, refit=refit).fit(X, Y)
    assert fitted.multimetric_
    assert callable(scoring) or list(fitted.scorer_) == list(scoring)
    assert fitted.trials_.losses() == list(-fitted.cv_results_[f"mean_test_{first}"])
    assert hasattr(fitted, "best_index_") == hasattr(fitted, "best_estimator_") == bool(refit)
    if isinstance(refit, str):
        column = fitted.cv_results_[f"mean_test_{refit}"]
        assert fitted.best_score_ == column.max() == column[fitted.best_index_]
        assert -1 <= fitted.score(X, Y) <= 1
    elif refit:
        assert fitted.best_index_ == 2


@pytest.mark.parametrize("scoring", [["accuracy", "f1"], by_numbers])
def test_several_metrics_need_a_named_one_to_refit_by(scoring):
    """With several metrics refit=True is refused, as GridSearchCV does."""
    with pytest.raises(ValueError, match="refit"):
        search(scoring=scoring).fit(X, Y)


LEVELS = {"level": hp.choice("level", [0.5, 1.5, 3.0])}
AT = [{"level": place} for place in (2, 1, 0, 0)]


def at_levels(given, **options):
    """A search of Picky at the levels 3, 1.5, 0.5 and 0.5, of which two fail."""
    trials = given()
    trials.insert_trial_docs(generate_trial(tid, point) for tid, point in enumerate(AT))
    trials.refresh()
    return search(Picky(), LEVELS, trials=trials, warm_start=True, **options)


@pytest.mark.filterwarnings("ignore:(?s).*fits failed out of a total:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
@pytest.mark.parametrize("trials", [Trials, Elsewhere])
def test_fits_that_fail_have_the_error_score(trials):
    """A number counts as the score of each failed fit; NaN comes last and is no loss."""
    with pytest.warns(FitFailedWarning, match="(?s)1 of 4 candidates failed.*too high a level"):
        fitted = at_levels(trials).fit(X, Y)
    assert np.array_equal(scores(fitted), [np.nan, np.nan, 0.5, 0.5], equal_nan=True)
    assert list(fitted.cv_results_["rank_test_score"]) == [3, 3, 1, 1]
    assert fitted.trials_.statuses() == [STATUS_FAIL, STATUS_FAIL, "ok", "ok"]
    assert fitted.best_params_ == {"level": 0.5}
    with pytest.warns(FitFailedWarning, match="(?s)1 of 4 candidates failed"):
        fitted = at_levels(trials, error_score=-3.0).fit(X, Y)
    assert list(scores(fitted)) == [-3.0, 0.0, 0.5, 0.5]
    assert fitted.cv_results_["std_test_score"][0] == 0
    assert fitted.trials_.losses() == [3.0, 0.0, -0.5, -0.5]


def test_a_search_whose_fits_all_fail_says_why():
    """Where no fit succeeds, it is a ValueError with what the first said."""
    for trials in (None, Elsewhere()):
        with pytest.raises(ValueError, match=r"(?s)all 4 candidates.*too high a level"):
            search(Picky(), {"level": hp.uniform("level", 3, 4)}, trials=trials).fit(X, Y)


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError])
def test_errors_are_raised_where_that_is_asked_for(error, monkeypatch):
    """With error_score="raise" the fit's own error comes out, from elsewhere as its text."""
    monkeypatch.setattr(Picky, "error", error)
    with pytest.raises(error, match=r"^too high a level$"):
        at_levels(Trials, error_score="raise").fit(X, Y)
    remote = at_levels(Elsewhere, error_score="raise", max_evals=40)
    with pytest.raises(RuntimeError, match=f"(?s)error_score.*{error.__name__}.*too high"):
        remote.fit(X, Y)
    assert len(remote.trials_) < 40


@pytest.mark.parametrize("algo", [None, rand.suggest])
def test_a_warm_start_goes_on_with_the_last_fit(algo):
    """Two fits with a warm start give the candidates and results of one long fit."""
    long = search(max_evals=6, algo=algo).fit(X, Y)
    short = search(max_evals=3, algo=algo, warm_start=True).fit(X, Y)
    first = short.trials_.trials
    short.set_params(max_evals=6).fit(X, Y)
    assert short.trials_.trials[:3] == first
    assert short.cv_results_["params"] == long.cv_results_["params"]
    assert list(scores(short)) == list(scores(long))
    assert short.best_params_ == long.best_params_
    short.set_params(warm_start=False, max_evals=2).fit(X, Y)
    assert short.cv_results_["params"] == long.cv_results_["params"][:2]


@pytest.mark.parametrize("changed", [{"cv": 2}, {"scoring": by_numbers, "refit": "right"}])
def test_a_warm_start_needs_the_scores_of_before(changed):
    """Other splits or metrics than those of the trials to go on with are refused."""
    fitted = search(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="warm_start"):
        fitted.set_params(max_evals=5, **changed).fit(X, Y)


def test_trials_of_the_user():
    """A warm start fills the trials that were given; without, they stay as they are."""
    point = {"C": 0.25, "intercept": 1}
    trials = generate_trials_to_calculate([point])
    trials.refresh()
    cold = search(trials=trials).fit(X, Y)
    assert (len(trials), len(cold.trials_)) == (1, 4)
    warm = search(trials=trials, warm_start=True).fit(X, Y)
    assert warm.trials_ is trials
    assert warm.cv_results_["params"][0] == {"C": 0.25, "fit_intercept": False}
    assert len(trials) == len(warm.cv_results_["params"]) == 4


def test_trials_without_a_cross_validation_are_no_candidates():
    """Foreign trials count in max_evals, stay out of cv_results_, and do not do alone."""
    trials = Trials()
    hyperopt.fmin(lambda _: 0.0, SPACE, rand.suggest, 3, trials=trials, rstate=0, verbose=False)
    fitted = search(trials=trials, warm_start=True).fit(X, Y)
    assert (len(trials), len(fitted.cv_results_["params"])) == (4, 1)
    with pytest.raises(AllTrialsFailed, match="max_evals"):
        search(
            trials=hyperopt.trials_from_docs(trials.trials[:3]), warm_start=True, max_evals=3
        ).fit(X, Y)


@pytest.mark.parametrize("trials", [None, Trials("mine"), Elsewhere(1)])
def test_clones_and_pickles(trials):
    """A clone has the settings alone and fits alike; a pickle of what was fitted predicts alike."""
    one = search(trials=trials)
    fitted = clone(one).fit(X, Y)
    assert not hasattr(one, "trials_")
    other = clone(fitted)
    assert not hasattr(other, "trials_")
    assert other.fit(X, Y).cv_results_["params"] == fitted.cv_results_["params"]
    assert getattr(trials, "_exp_key", None) == fitted.trials_._exp_key
    loaded = pickle.loads(pickle.dumps(fitted))
    assert (loaded.predict(X) == fitted.predict(X)).all()
    assert loaded.trials_.losses() == fitted.trials_.losses()
    assert HyperoptSearchCV.__module__ == "sparktune.hyperopt.sklearn"


@pytest.mark.parametrize(
    "make",
    [
        lambda: 3,
        lambda: np.int64(3),
        lambda: np.random.RandomState(3),
        lambda: np.random.default_rng(3),
    ],
)
def test_kinds_of_random_state(make):
    """A seed, a RandomState and a Generator each repeat a search when they are made anew."""
    first, second = (search(random_state=make()).fit(X, Y).trials_.vals for _ in range(2))
    assert first == second


def test_no_random_state():
    """Without a random state every fit draws other candidates."""
    first, second = (search(random_state=None).fit(X, Y).trials_.vals for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"max_evals": 0}, ValueError, "max_evals"),
        ({"warm_start": "yes"}, ValueError, "warm_start"),
        ({"random_state": "any"}, ValueError, "random_state"),
        ({"trials": []}, TypeError, "trials"),
        (
            {"trials": core.Trials()},
            TypeError,
            r"SparkTrials\(\) of sparktune.hyperopt, .* got Trials\(\) of sparktune$",
        ),
        ({"scoring": []}, ValueError, "scoring"),
        ({"scoring": ["f1", "f1"]}, ValueError, "scoring"),
        ({"n_jobs": "all"}, ValueError, "n_jobs"),
        ({"space": [hp.uniform("C", 1, 2)]}, TypeError, "dict of parameters by name"),
        ({"space": {"c": hp.uniform("C", 1, 2)}}, ValueError, "Invalid parameter 'c'"),
        ({"estimator": object()}, ValueError, "estimator"),
    ],
)
def test_wrong_arguments(options, error, sentence):
    """What cannot be is refused when it is fitted, with a sentence that names it."""
    with pytest.raises(error, match=sentence):
        search(**options).fit(X, Y)


def test_mistakes_that_show_elsewhere():
    """A space with a wrong name fails trials that run elsewhere, and the error says why."""
    with pytest.raises(AllTrialsFailed, match="Invalid parameter 'c'"):
        search(space={"c": hp.uniform("C", 1, 2)}, trials=Elsewhere()).fit(X, Y)


def test_trials_that_fail_beside_their_fits_are_told():
    """Where some trials elsewhere never came to a fit, a warning has their number and a reason."""
    space = hp.choice("kind", [{"C": 1.0}, {"c": 1.0}])
    trials = Elsewhere(1)
    trials.insert_trial_docs(generate_trial(t, {"kind": k}) for t, k in enumerate((1, 0, 1)))
    trials.refresh()
    one = search(space=space, trials=trials, warm_start=True, max_evals=3)
    with pytest.warns(UserWarning, match="(?s)^2 trials failed beside .*Invalid par"):
        fitted = one.fit(X, Y)
    assert fitted.cv_results_["params"] == [{"C": 1.0}]
    assert fitted.best_params_ == {"C": 1.0}


def test_an_objective_needs_nothing_of_sparktune(run_python, tmp_path):
    """What travels runs where sparktune cannot be imported."""

    class Watched(Trials):
        def fmin(self, fn, space, **options):
            (tmp_path / "objective").write_bytes(cloudpickle.dumps(fn))
            return super().fmin(fn, space, **options)

    fitted = search(trials=Watched(), max_evals=1).fit(X, Y)
    script = """
import pickle, sys
from pathlib import Path
sys.modules["sparktune"] = None
objective = pickle.loads(Path("objective").read_bytes())
print(objective({"C": 1.0, "fit_intercept": True})["status"])
"""
    assert fitted.best_params_
    assert run_python(script).stdout == "ok\n"


def test_data_travel_once():
    """Trials that run elsewhere are sent their parameters alone."""
    sizes = []

    class Weighed(Pickling):
        def _answer(self, blob):
            sizes.append(len(blob))
            return super()._answer(blob)

    trials = Elsewhere()
    trials._host.engine = lambda: Weighed(2)
    search(trials=trials).fit(X, Y)
    assert len(sizes) == 4
    assert max(sizes) < X.nbytes / 2


def test_all_candidates_have_the_same_splits():
    """A splitter that draws anew each time is asked once a fit."""
    fitted = search(
        GaussianNB(), {"var_smoothing": hp.uniform("v", 1e-12, 1e-11)},
        cv=ShuffleSplit(3, test_size=0.3, random_state=np.random.RandomState(0)),
    ).fit(X, Y)  # fmt: skip
    assert len(set(scores(fitted))) == 1
    assert len({fitted.cv_results_[f"split{split}_test_score"][0] for split in range(3)}) > 1


@pytest.mark.parametrize("routed", [False, True])
def test_groups_and_weights_arrive(routed):
    """Groups reach the splitter and weights the fits, with metadata routing and without."""
    groups, weights = np.arange(60) % 4, np.linspace(0, 1, 60)
    with sklearn.config_context(enable_metadata_routing=routed):
        estimator = Picky()
        if routed:
            estimator.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        one = search(estimator, {"level": hp.uniform("level", 0, 1)}, cv=GroupKFold(4))
        fitted = one.fit(X, Y, groups, sample_weight=weights)
    assert fitted.n_splits_ == 4
    assert fitted.best_estimator_.weight_ is weights
    assert not hasattr(one, "set_fit_request")


def test_without_anything_to_learn():
    """Estimators that need no y are tuned by their own score."""
    space = {"n_clusters": hp.choice("n", [2, 3, 4]), "n_init": 1, "random_state": 0}
    fitted = search(KMeans(), space).fit(X)
    assert fitted.predict(X).max() < fitted.best_params_["n_clusters"]


def test_choices_of_steps_and_their_parameters():
    """Steps of a pipeline can be options, and parameters that depend on them are masked."""
    space = hp.choice(
        "kind",
        [
            {"logisticregression": GaussianNB()},
            {
                "logisticregression": LogisticRegression(),
                "logisticregression__C": hp.uniform("C", 1, 2),
            },
        ],
    )
    fitted = search(make_pipeline(StandardScaler(), LogisticRegression()), space, max_evals=6)
    masked = fitted.fit(X, Y).cv_results_["param_logisticregression__C"].mask
    steps = fitted.cv_results_["param_logisticregression"]
    assert [isinstance(step, GaussianNB) for step in steps] == list(masked)
    assert len(set(masked)) == 2


def test_splits_at_a_time():
    """n_jobs fits several splits of a candidate at a time, with the same results."""
    with joblib.parallel_config(backend="threading"):
        both = search(n_jobs=2).fit(X, Y)
    assert list(scores(both)) == list(scores(search().fit(X, Y)))


def test_frames_keep_their_names():
    """Names of columns are known afterwards."""
    pandas = pytest.importorskip("pandas")
    fitted = search().fit(pandas.DataFrame(X, columns=list("abcd")), Y)
    assert list(fitted.feature_names_in_) == list("abcd")


def test_a_distribution_of_scipy_is_refused():
    """A distribution in the space, which nobody would draw from, is refused by name."""
    with pytest.raises(TypeError, match="`space`: 'C' is a distribution of scipy"):
        search(space={"C": stats.loguniform(0.1, 10)}).fit(X, Y)


def test_a_list_of_values_is_explained():
    """Where all fits fail and a parameter is a list, the error says how one of its items is had."""
    with pytest.raises(ValueError, match=r"one of its items is hp.choice\('C', \[...\]\)$"):
        search(space={"C": [1.0, 10.0]}).fit(X, Y)


def test_a_bar_is_shown_on_request(capsys):
    """Nothing is printed unless verbose asks for it."""
    search().fit(X, Y)
    assert capsys.readouterr() == ("", "")
    search(verbose=1).fit(X, Y)
    assert "4 of 4 trials" in "".join(capsys.readouterr())


def test_callbacks_are_refused():
    """Callbacks of scikit-learn, which no fit of a search would call, are refused."""
    assert search().set_callbacks().fit(X, Y)
    with pytest.raises(NotImplementedError, match="estimator"):
        search().set_callbacks(print)


def test_scikit_learn_is_imported_late_and_missed_with_a_sentence(run_python):
    """The module is there without scikit-learn, and says what to install when it is needed."""
    script = """
import sys
sys.modules["sklearn"] = None
import sparktune.hyperopt
sparktune.hyperopt.install()
import hyperopt.sklearn
assert not hasattr(hyperopt.sklearn, "another")
try:
    from hyperopt.sklearn import HyperoptSearchCV
except ImportError as error:
    print(error)
"""
    assert "pip install 'sparktune[sklearn]'" in run_python(script).stdout
