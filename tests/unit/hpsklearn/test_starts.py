"""What a search begins with: learners as their classes come."""

import inspect

import numpy as np
import pytest
from estimators import DIABETES, IRIS, quick
from sklearn.svm import SVR

from sparktune import Space, hp, rand
from sparktune import hpsklearn as ours
from sparktune.hpsklearn.starts import starts_of

X, Y = IRIS


def starts(candidate):
    """The candidates that a search over a space of candidates begins with."""
    space = Space({"candidate": candidate, "data": "digest"})
    return [space.build(values)["candidate"] for values in starts_of(space)]


def test_each_learner_once():
    """Each learner has one start, with its class' own settings where the space has them."""
    forest, boosting, knn = starts(
        {
            "preprocessing": ours.any_preprocessing("p"),
            "classifier": hp.choice(
                "c",
                [
                    ours.random_forest_classifier("f"),
                    hp.choice("more", [ours.gradient_boosting_classifier("b"),
                                       ours.k_neighbors_classifier("k")]),
                ],
            ),
        }
    )  # fmt: skip
    assert repr(forest["classifier"]) == "RandomForestClassifier()"
    assert repr(knn["classifier"]) == "KNeighborsClassifier()"
    learner = boosting["classifier"]
    assert learner.learning_rate == pytest.approx(0.1)
    assert (learner.n_estimators, learner.max_depth, learner.subsample) == (100, 3, 1.0)
    assert repr(forest["preprocessing"]) == "[StandardScaler()]"


@pytest.mark.parametrize("name", ["any_classifier", "all_classifiers", "all_regressors"])
def test_all_of_them(name):
    """Every learner of a choice has a start, whose settings its class takes."""
    space = getattr(ours, name)("c")
    place = "regressor" if name.endswith("regressors") else "classifier"
    found = starts({"preprocessing": [], place: space})
    assert len(found) == len(space.options)
    assert len({type(each[place]) for each in found}) > 0.9 * len(found)


def test_settings_that_decide_others():
    """Of a choice of cases the one that the class has is taken, with what belongs to it."""
    (start,) = starts({"regressor": ours.svr("s"), "preprocessing": []})
    usual = inspect.signature(SVR).parameters
    assert start["regressor"].kernel == usual["kernel"].default == "rbf"
    assert start["regressor"].gamma == "scale"
    assert pytest.approx(1.0) == start["regressor"].C


def test_ranges_of_ones_own():
    """A default beyond the range gives its nearest end, and where there is none the middle."""
    (start,) = starts(
        {
            "regressor": ours.svr("s", C=hp.uniform("C", 5, 9), kernel=hp.choice("k", ["poly"]),
                                  degree=hp.uniformint("d", 4, 5)),
            "preprocessing": [],
            "more": hp.normal("anything", 3.0, 1.0),
        }
    )  # fmt: skip
    assert start["regressor"].C == 5.0
    assert (start["regressor"].kernel, start["regressor"].degree) == ("poly", 4)
    assert start["more"] == 3.0


def test_whole_candidates():
    """A choice of whole candidates has a start for each learner in each of them."""
    model = [
        {"regressor": ours.ridge("ridge"), "preprocessing": []},
        {"regressor": hp.choice("r", [ours.svr("s"), ours.lasso("l")]), "preprocessing": []},
    ]
    found = starts({"model": hp.choice("model", model)})
    kinds = [type(each["model"]["regressor"]).__name__ for each in found]
    assert kinds == ["Ridge", "SVR", "Lasso"]
    assert len(starts(hp.choice("candidate", [model[0]]))) == 1


def test_options_that_are_never_drawn():
    """What a choice draws with the probability 0 is no start."""
    kinds = hp.pchoice("c", [(0.0, ours.gaussian_nb("b")), (1.0, ours.k_neighbors_classifier("k"))])
    (start,) = starts({"classifier": kinds, "preprocessing": []})
    assert type(start["classifier"]).__name__ == "KNeighborsClassifier"


def test_a_fit_begins_with_them():
    """The first candidates of a fit are starts, a fifth of all at most, whatever the algorithm."""
    estimator = quick(algo=rand.suggest, max_evals=11).fit(X, Y, n_folds=3)
    parts = [trial.outcome.info["parts"][0][0] for trial in estimator.trials_.history]
    assert parts[0].endswith("DecisionTreeClassifier")
    assert parts[1].endswith("GaussianNB")
    first, second, *_ = estimator.trials_.history
    assert first.values["c.tree.min_samples_leaf"] == 1
    assert second.values["c.bayes.var_smoothing"] == pytest.approx(1e-9)
    one = quick(algo=rand.suggest, max_evals=5).fit(X, Y, n_folds=3)
    assert one.trials_.history[0].values == first.values
    assert one.trials_.history[1].values != second.values


def test_a_fit_without_them():
    """Without `defaults_first` every candidate is the algorithm's."""
    estimator = quick(algo=rand.suggest, max_evals=5, defaults_first=False).fit(X, Y, n_folds=3)
    begun = quick(algo=rand.suggest, max_evals=5).fit(X, Y, n_folds=3)
    first, usual = estimator.trials_.history[0].values, begun.trials_.history[0].values
    assert first != usual
    assert all(trial.values != usual for trial in estimator.trials_.history)
    with pytest.raises(ValueError, match="`defaults_first` must be True or False, but got 'no'"):
        quick(defaults_first="no").fit(X, Y)


def test_starts_of_narrowed_spaces():
    """Starts are of the space as the data have narrowed it."""
    estimator = quick(
        regressor=ours.k_neighbors_regressor("k"), max_evals=5, algo=rand.suggest
    ).fit(DIABETES[0][:6], DIABETES[1][:6])
    assert estimator.trials_.history[0].values["k.n_neighbors"] <= 4
    assert np.isfinite(estimator.best_loss_)


def test_a_constant_has_one():
    """A space that holds nothing to search has itself as its start."""
    estimator = quick(classifier=ours.gaussian_nb("b", var_smoothing=0.5), max_evals=5)
    estimator.fit(X, Y, n_folds=3)
    assert estimator.best_model()["learner"].var_smoothing == 0.5
