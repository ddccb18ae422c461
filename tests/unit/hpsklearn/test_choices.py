"""Choices between components, and which of them a search on some data keeps."""

import numpy as np
import pytest
import scipy.sparse
from estimators import DIABETES, IRIS, TEXTS, draw, quick
from sklearn.base import is_classifier, is_regressor

from sparktune import hpsklearn as ours
from sparktune import rand
from sparktune.hpsklearn.components import COMPONENTS
from sparktune.hpsklearn.data import Data
from sparktune.hpsklearn.narrowing import narrowed
from sparktune.hpsklearn.suits import why_not
from sparktune.space.tree import Space

CHOICES = [
    "any_classifier", "any_regressor", "any_preprocessing", "any_text_preprocessing",
    "any_sparse_classifier", "any_sparse_regressor", "any_sparse_preprocessing",
    "all_classifiers", "all_regressors", "all_preprocessing",
]  # fmt: skip


def classes(choice, draws=600):
    """The names of the classes that a choice draws; of lists those of all steps."""
    found = set()
    for seed in range(draws):
        made = draw(choice, seed)
        found |= {type(each).__name__ for each in (made if isinstance(made, list) else [made])}
    return found


def kept(choice, data):
    """What is left of a choice for some data: the paths of its options' components."""
    left = narrowed(choice, None, why_not(data))
    steps = [option if isinstance(option, list) else [option] for option in left.options]
    return [[step.args[0].rpartition(".")[2] for step in option] for option in steps]


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_is_a_space(name):
    """A choice can be searched, under labels that begin with its own, and says what it is."""
    function = getattr(ours, name)
    space = Space(function("mine"))
    assert "mine" in space.labels
    assert all(label == "mine" or label.startswith("mine.") for label in space.labels)
    assert name in ours.__all__
    assert function.__doc__.startswith("A choice of ")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("any_classifier", is_classifier), ("any_sparse_classifier", is_classifier),
        ("all_classifiers", is_classifier), ("any_regressor", is_regressor),
        ("any_sparse_regressor", is_regressor), ("all_regressors", is_regressor),
    ],
)  # fmt: skip
def test_kinds(name, kind):
    """What a choice of classifiers draws is one, and so with regressors."""
    choice = getattr(ours, name)("c")
    assert all(kind(draw(choice, seed)) for seed in range(60))


def test_all_there_is():
    """all_... have every component of their kind that is installed, but for wrappers."""
    here = [each for each in COMPONENTS.values() if each.is_here]
    wrappers = {"one_vs_rest_classifier", "one_vs_one_classifier", "output_code_classifier"}
    for choice, role in (("all_classifiers", "classifier"), ("all_regressors", "regressor")):
        options = getattr(ours, choice)("c").options
        names = [each.name for each in here if each.role == role and each.name not in wrappers]
        assert len(options) == len(names)
    steps = [each for each in here if each.role in ("preprocessing step", "vectorizer of texts")]
    assert len(ours.all_preprocessing("p").options) == len(steps) + 1


def test_packages_that_are_missing():
    """any_... have XGBoost and LightGBM where they are installed, and do without else."""
    drawn = classes(ours.any_classifier("c"), 200)
    for name, made in (("xgboost", "XGBClassifier"), ("lightgbm", "LGBMClassifier")):
        assert (made in drawn) == COMPONENTS[f"{name}_classification"].is_here


def test_steps_for_texts_and_for_numbers():
    """Of all steps a search on texts keeps vectorizers, and one on numbers all others."""
    choice = ours.all_preprocessing("p")
    on_texts = kept(choice, Data(np.array(TEXTS[0], object), TEXTS[1]))
    assert ["TfidfVectorizer"] in on_texts
    assert ["HashingVectorizer"] in on_texts
    on_numbers = kept(choice, Data(*IRIS))
    assert ["PCA"] in on_numbers
    assert not [each for each in on_numbers if each and each[0].endswith("Vectorizer")]


SPARSE = scipy.sparse.csr_matrix(np.maximum(IRIS[0] - 3, 0))


def test_sparse_matrices():
    """On a sparse matrix only what takes such is kept."""
    data = Data(SPARSE, IRIS[1])
    left = kept(ours.all_classifiers("c"), data)
    assert ["LogisticRegression"] in left
    assert ["MultinomialNB"] in left
    assert not {"GaussianNB", "LinearDiscriminantAnalysis"} & {each[0] for each in left}
    steps = kept(ours.all_preprocessing("p"), data)
    assert ["StandardScaler"] in steps
    assert ["PCA"] not in steps


def test_sparse_whole_numbers():
    """Sparse whole numbers become real ones, for some learners take no others."""
    estimator = quick(classifier=ours.linear_svc("s")).fit(SPARSE.astype(np.int32), IRIS[1])
    assert estimator.best_pipeline_[-1].coef_.shape == (3, 4)
    if COMPONENTS["lightgbm_classification"].is_here:
        quick(classifier=ours.lightgbm_classification("l")).fit(SPARSE.astype(int), IRIS[1])


def test_negative_numbers_in_sparse_matrices():
    """A model of counts is left out where a sparse matrix has numbers below 0."""
    left = kept(ours.any_sparse_classifier("c"), Data(-SPARSE, IRIS[1]))
    assert ["LinearSVC"] in left
    assert not {"MultinomialNB", "ComplementNB"} & {each[0] for each in left}
    with pytest.raises(ValueError, match="MultinomialNB does not suit: it needs numbers of at lea"):
        quick(classifier=ours.multinomial_nb("c")).fit(-SPARSE, IRIS[1])
    quick(classifier=ours.multinomial_nb("c")).fit(-SPARSE.toarray(), IRIS[1])  # are shifted


@pytest.mark.parametrize(
    ("component", "target", "reason"),
    [
        (ours.gamma_regressor, np.arange(90.0), "it needs targets above 0"),
        (ours.poisson_regressor, np.arange(90.0) - 1, "it needs targets of at least 0"),
        (
            ours.multi_task_lasso,
            np.arange(90.0),
            "it is for several targets at once, and y has one",
        ),
        (ours.svr, np.ones((90, 2)), "it learns one target, and y has several"),
    ],
)
def test_targets(component, target, reason):
    """A regressor is left out of choices, and refused alone, where the targets do not suit it."""
    with pytest.raises(ValueError, match=reason):
        quick(regressor=component("r")).fit(DIABETES[0], target)


def test_more_columns_than_rows():
    """What needs more rows than columns is left out on wide data, as rows of the largest fold."""
    wide = np.random.default_rng(0).normal(size=(12, 10))
    regressor = ours.lasso_lars_ic("r")
    with pytest.raises(ValueError, match="it needs more rows than columns"):
        quick(regressor=regressor).fit(wide, np.arange(12.0))
    quick(regressor=regressor).fit(wide[:, :8], np.arange(12.0))


def test_rare_classes():
    """What models each class by itself is left out where one would have a single row."""
    X, y = IRIS[0][:30], np.array([0] * 28 + [1] * 2)
    with pytest.raises(ValueError, match="it needs two rows of each class to learn from"):
        quick(classifier=ours.quadratic_discriminant_analysis("q")).fit(X, y)
    assert ["QuadraticDiscriminantAnalysis"] in kept(
        ours.all_classifiers("c"), Data(*IRIS, learnt=60)
    )


def test_weights():
    """Learners that take no weights are left out, unless rows can be repeated in their place."""
    takes_none = {"KNeighborsClassifier", "GaussianProcessClassifier"}
    left = kept(ours.all_classifiers("c"), Data(*IRIS, weights=np.full(75, 0.5)))
    assert ["SVC"] in left
    assert not takes_none & {each[0] for each in left}
    left = kept(ours.all_classifiers("c"), Data(*IRIS, weights=np.full(75, 2.0)))
    assert takes_none <= {each[0] for each in left}
    with pytest.raises(
        ValueError, match="KNeighborsClassifier does not suit: it takes no sample_w"
    ):
        quick(classifier=ours.k_neighbors_classifier("k")).fit(*IRIS, sample_weight=IRIS[1] + 0.5)


@pytest.mark.parametrize("count", [4, pytest.param(60, marks=pytest.mark.full)])
@pytest.mark.parametrize("kind", ["sparse", "weights", "several targets", "tiny", "texts"])
def test_everything_that_is_kept_works(kind, count):
    """No candidate of all components fails on data of some kind."""
    settings = {
        "classifier": ours.all_classifiers("c"),
        "preprocessing": ours.all_preprocessing("p"),
    }
    (X, y), more = IRIS, {}
    if kind == "sparse":
        X = SPARSE
    elif kind == "weights":
        more["sample_weight"] = np.arange(75) % 3 / 2
    elif kind == "texts":
        X, y = TEXTS
    elif kind == "tiny":
        X, y = X[::11], y[::11]
    else:
        X, y = DIABETES[0], np.c_[DIABETES[1], DIABETES[1] ** 2]
        settings["regressor"] = ours.all_regressors("r")
        del settings["classifier"]
    estimator = ours.HyperoptEstimator(**settings, algo=rand.suggest, max_evals=count, seed=2)
    estimator.fit(X, y, **more)
    board = estimator.leaderboard()
    assert set(board.status) == {"ok"}, [t.outcome.error for t in estimator.trials_.history]
    assert len(estimator.predict(X)) == len(y)
