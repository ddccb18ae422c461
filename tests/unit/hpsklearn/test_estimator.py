"""HyperoptEstimator: what a fit does, what it gives, and what it answers."""

import numpy as np
import pytest
from estimators import DIABETES, IRIS, TEXTS, lines, quick, trees
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, SGDRegressor
from sklearn.metrics import f1_score, log_loss, make_scorer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sparktune import AllTrialsFailed, Status, Trials, hp, rand, tpe
from sparktune import hpsklearn as ours
from sparktune.hpsklearn.components import COMPONENTS
from sparktune.hpsklearn.travels.fitting import Recipe

X, Y = IRIS


def losses(estimator):
    """The losses of all candidates, in their order."""
    return [trial.loss for trial in estimator.trials_.history]


def learners(estimator):
    """The class of each candidate's learner."""
    return [trial.outcome.info["parts"][-1][0] for trial in estimator.trials_.history]


# What the pages of hyperopt-sklearn show.


@pytest.mark.full
def test_a_regressor_and_preprocessing_of_any_kind():
    """Any regressor with any preprocessing does better than the mean, with the seed as it is."""
    train, test, y_train, y_test = train_test_split(*load_diabetes(return_X_y=True), random_state=0)
    estimator = ours.HyperoptEstimator(
        regressor=ours.any_regressor("r"), preprocessing=ours.any_preprocessing("p"),
        algo=tpe.suggest, max_evals=6,
    )  # fmt: skip
    assert estimator.fit(train, y_train) is estimator
    assert estimator.score(test, y_test) > 0
    assert len(estimator.trials_) == 6
    assert set(estimator.best_model()) == {"learner", "preprocs", "ex_preprocs"}


def test_one_component_alone():
    """A component alone is a space, and [] is no preprocessing."""
    estimator = ours.HyperoptEstimator(regressor=ours.svr("s"), preprocessing=[], max_evals=5)
    estimator.fit(*DIABETES)
    assert type(estimator.best_model()["learner"]).__name__ == "SVR"
    assert estimator.best_model()["preprocs"] == ()
    assert [name for name, _ in estimator.best_pipeline_.steps] == ["svr"]


def test_overrides():
    """Nodes in place of ranges are what is searched."""
    space = ours.svr("s", C=hp.loguniform("C", -2, 5), gamma=hp.loguniform("g", -4, 1))
    estimator = quick(regressor=space, max_evals=6).fit(*DIABETES, n_folds=3, cv_shuffle=True)
    assert "C" in estimator.trials_.vals
    assert {label for label in estimator.trials_.vals if label.startswith("s.")}.isdisjoint(
        {"s.C", "s.gamma"}
    )
    assert np.exp(-2) <= estimator.best_model()["learner"].C <= np.exp(5)


def test_texts():
    """Texts go through a vectorizer, which is taken by itself where none is given."""
    for settings in (
        {
            "classifier": ours.any_sparse_classifier("c"),
            "preprocessing": ours.any_text_preprocessing("p"),
        },
        {"classifier": ours.multinomial_nb("m")},
        {"classifier": ours.linear_svc("l"), "preprocessing": [ours.tfidf_vectorizer("t")]},
    ):
        estimator = ours.HyperoptEstimator(**settings, max_evals=3).fit(*TEXTS)
        assert estimator.score(*TEXTS) > 0.9
        assert "vectorizer" in estimator.best_pipeline_.steps[0][0]
        assert not hasattr(estimator, "n_features_in_")
        with pytest.raises(ValueError, match="X must be texts, as in the fit, but got array"):
            estimator.predict(X)
    with pytest.raises(
        ValueError, match="X holds texts, which `preprocessing` makes no numbers of"
    ):
        quick().fit(*TEXTS)


def test_a_space_of_ones_own():
    """A space may be a dict of parts, or a choice of such as `model`."""
    plain = quick(space={"classifier": trees(), "preprocessing": [ours.min_max_scaler("m")]})
    assert plain.fit(X, Y).best_pipeline_.steps[0][0] == "minmaxscaler"
    either = hp.choice(
        "which",
        [
            {"classifier": ours.gaussian_nb("b"), "regressor": None, "preprocessing": [],
             "ex_preprocs": []},
            {"classifier": ours.decision_tree_classifier("t"), "preprocessing": []},
        ],
    )  # fmt: skip
    estimator = quick(space={"model": either}, max_evals=8, algo=rand.suggest).fit(X, Y)
    assert len(set(learners(estimator))) == 2
    assert estimator.classifies
    assert not quick(space={"regressor": lines()}).classifies
    assert (
        quick(space={"model": {"regressor": lines()}}, max_evals=2).fit(*DIABETES).score(*DIABETES)
        > 0
    )


def test_what_it_is():
    """With a regressor it is one; with neither it is a classifier."""
    from sklearn.base import is_classifier, is_regressor

    assert is_classifier(ours.HyperoptEstimator())
    assert is_regressor(ours.HyperoptEstimator(regressor=lines()))
    assert not is_classifier(ours.HyperoptEstimator(regressor=lines()))
    estimator = ours.HyperoptEstimator(max_evals=1).fit(X, Y)
    assert {"classifier", "preprocessing"} <= estimator.trials_.vals.keys()


def test_constants():
    """Plain estimators may stand in the places of components; they are copied."""
    scaler, model = StandardScaler(), LogisticRegression(C=0.5)
    estimator = quick(classifier=model, preprocessing=[scaler], max_evals=2).fit(X, Y)
    assert len(estimator.trials_) == 2
    assert estimator.best_model()["learner"].C == 0.5
    assert not hasattr(scaler, "mean_")
    assert not hasattr(model, "coef_")


# Losses.


def test_the_default_losses():
    """Without a loss it is one less accuracy or R2, on the rows that are held out."""
    data = IRIS, DIABETES
    for settings, (rows, targets) in zip(({}, {"regressor": lines()}), data, strict=True):
        estimator = quick(**settings).fit(rows, targets, cv_shuffle=False)
        at = len(targets) - len(targets) // 5
        again = quick(space={"classifier" if not settings else "regressor":
                             estimator.best_model()["learner"]}, max_evals=1)  # fmt: skip
        again.fit(rows[:at], targets[:at])
        assert estimator.best_loss_ == pytest.approx(1 - again.score(rows[at:], targets[at:]))


def test_a_loss_of_ones_own():
    """loss_fn gets targets and predictions of the rows that were held out."""
    seen = []

    def loss(y, predicted):
        seen.append((len(y), predicted.shape))
        return 1 - f1_score(y, predicted, average="macro")

    estimator = quick(loss_fn=loss, max_evals=2).fit(X, Y)
    assert seen == [(15, (15,))] * 2
    assert 0 <= estimator.best_loss_ < 0.5


def test_a_loss_of_probabilities():
    """With continuous_loss_fn it gets probabilities, with a column for each class."""

    def loss(y, probabilities):
        assert probabilities.shape == (len(y), 3)
        return log_loss(y, probabilities, labels=[0, 1, 2])

    estimator = quick(loss_fn=loss, continuous_loss_fn=True, max_evals=2).fit(X, Y)
    assert 0 < estimator.best_loss_ < 5


@pytest.mark.parametrize(
    "settings",
    [{"scoring": "neg_log_loss"}, {"loss_fn": log_loss, "continuous_loss_fn": True}],
    ids=["scorer", "loss"],
)
def test_what_gives_no_probabilities_is_left_out(settings):
    """A loss of probabilities leaves out classifiers, and settings of them, that give none."""
    few = [ours.svc("c.svc"), ours.ridge_classifier("c.ridge"), ours.sgd_classifier("c.sgd")]
    estimator = quick(classifier=hp.choice("c", few), algo=rand.suggest, max_evals=8, **settings)
    estimator.fit(X, Y, n_folds=2)
    assert set(learners(estimator)) == {"sklearn.linear_model.SGDClassifier"}
    assert not [trial for trial in estimator.trials_.history if trial.status is not Status.OK]
    with pytest.raises(ValueError, match="SVC does not suit: it gives no probabilities"):
        quick(classifier=ours.svc("c"), **settings).fit(X, Y)
    hinge = ours.sgd_classifier("c", loss="hinge")
    none = ours.sgd_classifier("c", loss=hp.choice("l", ["hinge", "squared_hinge"]))
    with pytest.raises(ValueError, match=r"loss=.* does not suit: it gives no probabilities"):
        quick(classifier=none, **settings).fit(X, Y)
    with pytest.raises(ValueError, match="loss='hinge' does not suit"):
        quick(classifier=hinge, **settings).fit(X, Y)


@pytest.mark.parametrize("scoring", ["f1_macro", make_scorer(f1_score, average="macro"), "own"])
def test_scoring(scoring):
    """A scorer's score with the other sign is the loss, and what score() gives."""
    if scoring == "own":

        def scoring(model, X, y):
            return float(np.mean(model.predict(X) == y))

    estimator = quick(scoring=scoring).fit(X, Y, n_folds=2)
    assert -1 <= estimator.best_loss_ < -0.5
    assert 0.5 < estimator.score(X, Y) <= 1


# Answers.


def test_probabilities_and_decisions():
    """predict_proba and decision_function are there where the best pipeline has them."""
    bayes = quick(classifier=ours.gaussian_nb("b")).fit(X, Y)
    assert bayes.predict_proba(X).shape == (75, 3)
    assert not hasattr(bayes, "decision_function")
    svm = quick(classifier=ours.linear_svc("s")).fit(X, Y)
    assert svm.decision_function(X).shape == (75, 3)
    assert not hasattr(svm, "predict_proba")
    assert hasattr(quick(), "predict_proba")  # nobody knows yet
    assert not hasattr(quick(regressor=lines()), "predict_proba")


def test_score():
    """Score is the accuracy or R2 of the best pipeline, of weights where such are given."""
    estimator = quick(classifier=DummyClassifier(), max_evals=1).fit(X, np.repeat([0, 1], [50, 25]))
    assert estimator.score(X, np.repeat([0, 1], [50, 25])) == pytest.approx(2 / 3)
    weights = np.repeat([0.0, 1.0], [50, 25])
    assert estimator.score(X, np.repeat([0, 1], [50, 25]), sample_weight=weights) == 0


def test_the_best_is_fitted_to_all_data():
    """After a fit the best candidate has learnt from all rows; with refit=False from none."""
    space = {"classifier": DecisionTreeClassifier(random_state=0)}
    estimator = quick(space=space, max_evals=1).fit(X, Y)
    assert estimator.best_pipeline_[-1].tree_.n_node_samples[0] == 75
    estimator.set_params(refit=False).fit(X, Y)
    with pytest.raises(NotFittedError, match=r"call retrain_best_model_on_full_data\(X, y\)"):
        estimator.predict(X)
    for call in (estimator.best_model, estimator.to_script):
        with pytest.raises(NotFittedError, match="call retrain_best_model_on_full_data"):
            call()
    assert len(estimator.leaderboard()) == 1
    assert estimator.retrain_best_model_on_full_data(X[:60], Y[:60]) is estimator
    assert estimator.best_pipeline_[-1].tree_.n_node_samples[0] == 60


def test_a_refused_fit_changes_nothing():
    """Where data or settings are refused, what was found before answers as before."""
    estimator = quick(max_evals=1).fit(X, Y)
    before = dict(vars(estimator))
    for rows, targets, given in (
        (X[:, :2], Y > 0, {"n_folds": 1}), (TEXTS[0], TEXTS[1], {}), (X + 1, Y, {"warm_start": 1}),
        (X + 1, Y, {"warm_start": True}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"n_folds|texts|warm_start|of other data"):
            estimator.fit(rows, targets, **given)
        assert vars(estimator) == before
    assert estimator.score(X, Y) > 0.6


def test_before_a_fit():
    """What needs a fit says so."""
    estimator = quick()
    for call in (
        lambda: estimator.predict(X),
        lambda: estimator.predict_proba(X),
        lambda: estimator.score(X, Y),
        estimator.best_model,
        estimator.leaderboard,
        estimator.to_script,
        lambda: estimator.retrain_best_model_on_full_data(X, Y),
    ):
        with pytest.raises(NotFittedError):
            call()


# Chance.

REPEATED = """
from sklearn.datasets import load_iris
from sparktune.hpsklearn import HyperoptEstimator, any_preprocessing, extra_trees_classifier
estimator = HyperoptEstimator(classifier=extra_trees_classifier("e", n_estimators=5),
                              preprocessing=any_preprocessing("p"), max_evals=6, seed=3)
estimator.fit(*load_iris(return_X_y=True))
print([round(trial.loss, 12) for trial in estimator.trials_.history])
print(sorted(estimator.trials_.argmin.items()))
print(estimator.predict_proba(load_iris().data).sum(axis=0).round(9).tolist())
"""


def test_a_seed_repeats_a_fit(capsys):
    """The same seed gives the same candidates, losses and model."""
    exec(REPEATED, {})
    first = capsys.readouterr().out
    exec(REPEATED, {})
    assert capsys.readouterr().out == first


@pytest.mark.full
def test_a_seed_repeats_a_fit_in_another_process(run_python, capsys):
    """The same seed gives them in another process, too, whose strings have other hashes."""
    exec(REPEATED, {})
    assert run_python(REPEATED).stdout == capsys.readouterr().out


def test_seeds_of_any_kind(monkeypatch):
    """Without a seed it is 0, or that of the environment; generators go on with each fit."""

    def found(seed):
        return losses(quick(seed=seed, max_evals=3).fit(X, Y, n_folds=3))

    assert found(None) == found(0) != found(1)
    generator = np.random.default_rng(5)
    assert found(generator) != found(generator)
    assert found(np.random.RandomState(5)) == found(np.random.RandomState(5))
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "1")
    assert found(None) == found(1)


# Weights and further data.


def test_weights_are_repeated_rows():
    """Whole weights give the losses and the model that repeated rows would give."""
    weights = np.random.default_rng(0).integers(0, 4, 75)
    rows = np.repeat(np.arange(75), weights)
    check = np.arange(75) % 4 == 0
    settings = {"regressor": ours.ridge("r"), "preprocessing": [ours.quantile_transformer("q")]}
    one = quick(**settings, cv=[(~check, check)]).fit(X, X[:, 0], sample_weight=weights)
    two = quick(**settings, cv=[(~check[rows], check[rows])]).fit(X[rows], X[rows, 0])
    assert losses(one) == pytest.approx(losses(two))
    assert one.predict(X) == pytest.approx(two.predict(X))


def test_leaves_of_weights():
    """The least rows of a tree's leaf are a weight where rows have weights."""
    weights = np.where(np.arange(75) % 2, 2.0, 1.0)
    rows = np.repeat(np.arange(75), weights.astype(int))
    space = {"classifier": ours.decision_tree_classifier("t", min_samples_leaf=7, ccp_alpha=0.0)}
    one = quick(space=space, max_evals=1).fit(X, Y, sample_weight=weights)
    two = quick(space=space, max_evals=1).fit(X[rows], Y[rows])
    assert (one.predict(X) == two.predict(X)).all()


def test_weights_of_one():
    """Weights of 1 are as none: all learners take part."""
    space = ours.k_neighbors_classifier("k")
    assert losses(quick(classifier=space).fit(X, Y, sample_weight=np.ones(75))) == losses(
        quick(classifier=space).fit(X, Y)
    )


def test_exogenous_data():
    """Exogenous data have preprocessing of their own, and stand beside X for the learner."""
    extra = [np.c_[Y, Y] * 100.0, X[:, :1]]
    estimator = quick(
        classifier=LogisticRegression(), preprocessing=[ours.pca("p", n_components=2)],
        ex_preprocs=[[ours.standard_scaler("s")], []], max_evals=2,
    ).fit(X, Y, EX_list=extra)  # fmt: skip
    best = estimator.best_model()
    assert best["learner"].n_features_in_ == 2 + 2 + 1
    assert [type(step).__name__ for step in best["preprocs"]] == ["PCA"]
    assert [len(steps) for steps in best["ex_preprocs"]] == [1, 0]
    assert estimator.score(X, Y, EX_list=extra) > 0.9
    assert estimator.predict_proba(X, EX_list=extra).shape == (75, 3)
    with pytest.raises(ValueError, match="must be 4, 2, 1 as in the fit, but are 4, 1"):
        quick(classifier=LogisticRegression(), max_evals=1).fit(X, Y, EX_list=extra).predict(
            X, EX_list=extra[1:]
        )


def test_sparse_exogenous_data():
    """Beside sparse data everything is sparse."""
    import scipy.sparse

    extra = [scipy.sparse.random(75, 5, 0.5, random_state=0)]
    estimator = quick(classifier=ours.linear_svc("s"), ex_preprocs=[[ours.standard_scaler("x")]])
    estimator.fit(scipy.sparse.coo_matrix(X), Y, EX_list=extra)
    assert estimator.score(scipy.sparse.csc_matrix(X), Y, EX_list=extra) > 0.7


def test_several_targets():
    """A regressor of several targets predicts a column for each."""
    estimator = quick(regressor=lines()).fit(DIABETES[0], np.c_[DIABETES[1], -DIABETES[1]])
    assert estimator.predict(DIABETES[0]).shape == (90, 2)


# Partial fits.


def test_partial_fit():
    """Learners that have partial_fit are fitted by rounds, which are kept for the last fit."""
    kinds = [ours.sgd_classifier("s"), ours.decision_tree_classifier("t")]
    estimator = quick(classifier=hp.choice("c", kinds), use_partial_fit=True, max_evals=8,
                      algo=rand.suggest)  # fmt: skip
    estimator.fit(X, Y)
    rounds = {trial.values["c"]: trial.outcome.info.get("rounds")
              for trial in estimator.trials_.history}  # fmt: skip
    assert 1 <= rounds[0] <= 200
    assert rounds[1] is None
    alone = quick(classifier=kinds[0], use_partial_fit=True, max_evals=2).fit(X, Y)
    best = alone.trials_.history.best.outcome.info["rounds"]
    assert alone.best_pipeline_[-1].t_ == 1 + best * 75


def test_rounds_without_a_loss():
    """Where a loss is no number, rounds end, and the first of them counts."""
    fitted = Recipe(by_rounds=True, seed=0).fit(
        {"regressor": SGDRegressor()}, X, X[:, 0], judge=lambda pipeline: float("nan")
    )
    assert fitted.rounds == 1
    assert fitted.pipeline[-1].t_ == 76


# Failures.


def test_one_that_fails_does_not_end_a_fit():
    """Candidates that fail are recorded, and the best of the others is taken."""
    bad = ours.logistic_regression("l", C=-1.0)
    estimator = quick(
        classifier=hp.choice("c", [bad, ours.gaussian_nb("b")]), algo=rand.suggest, max_evals=10
    ).fit(X, Y)
    assert {trial.status.name for trial in estimator.trials_.history} == {"OK", "FAILED"}
    assert estimator.score(X, Y) > 0.8


def test_all_fail():
    """Where all candidates fail, the first traceback is shown."""

    def loss(y, predicted):
        raise RuntimeError("no loss today")

    with pytest.raises(
        AllTrialsFailed, match=r"(?s)all 2 trials failed.* trial 0 of \w+:\n.*no loss today"
    ) as caught:
        quick(loss_fn=loss, max_evals=2).fit(X, Y)
    assert "in loss" in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_losses_that_are_no_numbers(value):
    """A loss that is infinite or none fails a candidate, with its value."""
    with pytest.raises(AllTrialsFailed, match=f"the loss is {value}"):
        quick(loss_fn=lambda y, predicted: value, max_evals=1).fit(X, Y)


# What fits run in.


def test_settings_of_scikit_learn():
    """Fits run with the settings of the caller, but for what steps pass on."""
    from sklearn import config_context, get_config

    seen = []

    def loss(y, predicted):
        seen.append(get_config())
        return 0.0

    with config_context(assume_finite=True, transform_output="pandas"):
        estimator = quick(loss_fn=loss, max_evals=1, preprocessing=[ours.standard_scaler("s")])
        estimator.fit(X, Y, sample_weight=np.arange(75.0))
        assert len(estimator.predict(X)) == 75
    assert seen[0]["assume_finite"] is True
    assert seen[0]["transform_output"] == "default"


def test_warnings_of_fits():
    """Warnings of fits are left out, unless it is verbose."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    hasty = MLPClassifier((2,), max_iter=1)
    quick(classifier=hasty, max_evals=1).fit(X, Y)
    with pytest.warns(ConvergenceWarning):
        quick(classifier=hasty, max_evals=1, verbose=True).fit(X, Y)


def test_seeds_and_cores_of_learners():
    """Each step that has no seed or number of jobs gets the estimator's own."""
    forest = ours.random_forest_classifier

    def learner(n_jobs=2, **more):
        space = forest("f", n_estimators=3, **more)
        estimator = quick(classifier=space, seed=7, n_jobs=n_jobs, max_evals=1)
        return estimator.fit(X, Y).best_model()["learner"]

    made = learner()
    assert (made.random_state, made.n_jobs) == (7, 2)
    made = learner(random_state=1, n_jobs=1)
    assert (made.random_state, made.n_jobs) == (1, None)  # which is one
    assert learner(n_jobs=None).n_jobs is None


def test_seeds_and_cores_of_boosting():
    """So do the learners of other packages that are here, which would else take all cores."""
    cores = {"xgboost": "n_jobs", "lightgbm": "n_jobs", "catboost": "thread_count"}
    for name in cores:
        if not COMPONENTS[f"{name}_classification"].is_here:
            continue
        space = getattr(ours, f"{name}_classification")("b")
        estimator = quick(classifier=space, seed=7, n_jobs=2, max_evals=1).fit(X, Y)
        settings = estimator.best_model()["learner"].get_params()
        assert (settings["random_state"], settings[cores[name]]) == (7, 2)


def test_trials_in_memory_stay_as_they_are():
    """The trials of a fit are new ones like those that were given."""
    trials = Trials(exp_key="mine")
    estimator = quick(trials=trials)
    assert len(estimator.fit(X, Y).trials_) == len(estimator.fit(X, Y).trials_) == 3
    assert len(trials) == 0
    assert estimator.trials_.exp_key == "mine"
    assert estimator.trials is trials
