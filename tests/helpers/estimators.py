"""What tests of HyperoptEstimator search, and on what: small data, and spaces of quick models."""

import numpy as np
from sklearn import datasets

from sparktune import hp
from sparktune import hpsklearn as ours
from sparktune.hpsklearn.component import CLASSIFIER, OTHER, REGRESSOR, STEP, TEXT
from sparktune.space.tree import Space

IRIS = tuple(part[::2] for part in datasets.load_iris(return_X_y=True))
DIABETES = tuple(part[:90] for part in datasets.load_diabetes(return_X_y=True))
_WORDS = {
    0: "cold grey rain wind storm",
    1: "warm blue sun light summer",
    2: "snow ice frost white",
}
TEXTS = (
    [" ".join([*np.roll(_WORDS[n % 3].split(), n)[:3], "day", str(n % 7)]) for n in range(60)],
    np.arange(60) % 3,
)


def trees(label="c", **more):
    """A choice of two quick classifiers, with ``more`` for the tree."""
    return hp.choice(
        label,
        [
            ours.decision_tree_classifier(f"{label}.tree", **more),
            ours.gaussian_nb(f"{label}.bayes"),
        ],
    )


def lines(label="r"):
    """A choice of two quick regressors."""
    return hp.choice(
        label, [ours.ridge(f"{label}.ridge"), ours.decision_tree_regressor(f"{label}.tree")]
    )


def quick(**settings):
    """An estimator with quick classifiers, or the regressor or space that is given."""
    if not settings.keys() & {"classifier", "regressor", "space"}:
        settings["classifier"] = trees()
    if "space" not in settings:
        settings.setdefault("preprocessing", [])
    return ours.HyperoptEstimator(**{"max_evals": 3, **settings})


_DEAR = {"n_estimators": 20, "max_iter": 20, "iterations": 20, "Cs": 3, "max_subpopulation": 100}


def around(component, cheap=True):
    """Settings of an estimator that searches a component, and data for it: X and y.

    Where ``cheap``, ensembles are small, and iterations few.
    """
    dear = component.settings.keys() & _DEAR.keys() if cheap else ()
    space = getattr(ours, component.name)("it", **{name: _DEAR[name] for name in dear})
    options = {"preprocessing": []}
    if component.role == CLASSIFIER:
        return {**options, "classifier": space}, IRIS
    if component.role == REGRESSOR:
        X, y = DIABETES
        several = "several targets" in component.needs
        return {**options, "regressor": space}, (X, np.c_[y, -y] if several else y)
    if component.role == OTHER:  # what it predicts is no class
        return {**options, "classifier": space, "loss_fn": same_length}, IRIS
    if component.role == TEXT:
        learner = ours.multinomial_nb("learner", alpha=1.0)
        return {"classifier": learner, "preprocessing": [space]}, TEXTS
    assert component.role == STEP
    learner = ours.decision_tree_classifier("learner", max_depth=3)
    return {"classifier": learner, "preprocessing": [space]}, IRIS


def same_length(y, predicted):
    """A loss for predictions that are no classes."""
    return float(len(y) != len(predicted))


def draw(template, seed):
    """One configuration of a space at random; itself where nothing in it is searched."""
    space = Space({"it": template, "besides": hp.choice("besides", [0])})
    (row,) = space.sample(np.random.default_rng(seed), 1)
    return space.build(space.decode(row))["it"]
