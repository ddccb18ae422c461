"""hyperopt-sklearn on the room under Hyperopt's name: what its pages show, and what else it can."""

import functools
import importlib.metadata
import importlib.util
import inspect
import pickle
import time

import numpy as np
import pytest
from installed import under_hyperopts_name
from sklearn import datasets, svm
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import f1_score

if importlib.util.find_spec("hpsklearn") is None:
    pytest.skip("no hyperopt-sklearn here", allow_module_level=True)
# the others are of hyperopt-sklearn and of the estimators that it tries
pytestmark = pytest.mark.filterwarnings("ignore", "error:::sparktune")


@pytest.fixture(scope="module")
def hyperopt():
    """The room, as hyperopt-sklearn imports it."""
    with under_hyperopts_name() as room:
        yield room


@pytest.fixture(scope="module")
def hpsklearn(hyperopt):
    """hyperopt-sklearn, imported after install()."""
    import hpsklearn

    return hpsklearn


@pytest.fixture(autouse=True)
def seed(monkeypatch):
    """hyperopt-sklearn hands no generator to fmin, whatever its argument seed is."""
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "6")


def split(data):
    """Data in another order: four fifths to learn, one to test."""
    X, y = data
    order = np.random.default_rng(13).permutation(len(X))
    last = len(X) // 5
    return X[order[:-last]], y[order[:-last]], X[order[-last:]], y[order[-last:]]


IRIS = split(datasets.load_iris(return_X_y=True))
DIGITS = split(datasets.load_digits(return_X_y=True))
DIABETES = split(datasets.load_diabetes(return_X_y=True))
# two classes, for some of its components know no more, and as many columns as its PCA asks for
WIDE = split(
    datasets.make_classification(300, 130, n_informative=12, class_sep=2, random_state=1)
)  # fmt: skip


def scored(estimator, data, **options):
    """The score of a fitted estimator on what it has not seen."""
    X, y, X_test, y_test = data
    estimator.fit(X, y, **options)
    return estimator.score(X_test, y_test)


def test_hyperopt_is_not_installed(hyperopt, hpsklearn):
    """What is imported as hyperopt here is the room, as there is no other."""
    from hpsklearn.estimator import estimator

    assert estimator.hyperopt is hyperopt
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("hyperopt")


# Its pages.


def test_one_classifier(hpsklearn):
    """A support vector machine with the default space, and preprocessing of any kind that fits."""
    estimator = hpsklearn.HyperoptEstimator(
        classifier=hpsklearn.svc("mySVC"), preprocessing=[], max_evals=10
    )
    assert scored(estimator, IRIS) > 0.8
    assert isinstance(estimator.best_model()["learner"], svm.SVC)
    assert len(estimator.trials) == 10
    assert all(label.startswith("mySVC.") for label in estimator.trials.vals)


def test_a_space_of_ones_own(hpsklearn, hyperopt):
    """Parts of a component's space are constant or replaced, the others are searched."""
    loss = hyperopt.hp.pchoice(
        "loss", [(0.50, "hinge"), (0.25, "log_loss"), (0.25, "modified_huber")]
    )
    alpha = hyperopt.hp.loguniform("alpha", low=np.log(1e-5), high=np.log(1))
    estimator = hpsklearn.HyperoptEstimator(
        classifier=hpsklearn.sgd_classifier("my_sgd", penalty="l2", loss=loss, alpha=alpha),
        preprocessing=[hpsklearn.standard_scaler("scale")],
        algo=hyperopt.tpe.suggest,
        max_evals=12,
    )
    assert scored(estimator, DIGITS) > 0.85
    learner = estimator.best_model()["learner"]
    assert learner.penalty == "l2"
    assert learner.loss in ("hinge", "log_loss", "modified_huber")
    assert 1e-5 <= learner.alpha <= 1
    assert {"loss", "alpha"} <= estimator.trials.vals.keys()
    assert learner.alpha == estimator.trials.argmin["alpha"]


def test_iris_with_many_classifiers(hpsklearn, hyperopt):
    """TPE over seven kinds of classifiers and three of preprocessing, within what iris has."""
    from hpsklearn import components

    kinds = [
        components.svc("clf.svc"),
        components.k_neighbors_classifier("clf.knn"),
        components.random_forest_classifier("clf.forest", n_estimators=20),
        components.extra_tree_classifier("clf.tree"),
        components.ada_boost_classifier("clf.ada", n_estimators=20),
        components.gradient_boosting_classifier("clf.boost", loss="log_loss", n_estimators=20),
        components.sgd_classifier("clf.sgd"),
    ]
    estimator = hpsklearn.HyperoptEstimator(
        classifier=hyperopt.hp.choice("clf", kinds),
        preprocessing=hyperopt.hp.choice(
            "pre",
            [
                [components.pca("pre.pca", n_components=hyperopt.hp.uniformint("pre.n", 1, 4))],
                [components.standard_scaler("pre.standard")],
                [],
            ],
        ),
        algo=hyperopt.tpe.suggest,
        max_evals=30,
        trial_timeout=60,
    )
    assert scored(estimator, IRIS) > 0.9
    assert len(estimator.trials) == 30
    assert len(set(estimator.trials.vals["clf"])) >= 5
    best = estimator.best_model()
    assert set(best) == {"learner", "preprocs", "ex_preprocs"}
    config = hyperopt.space_eval(estimator.space, estimator.trials.argmin)
    assert type(config["classifier"]) is type(best["learner"])
    assert config["classifier"].get_params() == best["learner"].get_params()


def test_digits_with_trees(hpsklearn, hyperopt):
    """A kind of tree without preprocessing, and a limit that no trial comes near to."""
    estimator = hpsklearn.HyperoptEstimator(
        classifier=hpsklearn.extra_tree_classifier("my_clf"),
        preprocessing=[],
        algo=hyperopt.tpe.suggest,
        max_evals=10,
        trial_timeout=300,
    )
    assert scored(estimator, DIGITS) > 0.5
    assert estimator.best_model()["preprocs"] == ()
    assert estimator.best_model()["ex_preprocs"] == ()


ALGOS = {
    "default": lambda hyperopt: None,
    "tpe": lambda hyperopt: functools.partial(hyperopt.tpe.suggest, n_startup_jobs=5),
    "anneal": lambda hyperopt: hyperopt.anneal.suggest,
    "mix": lambda hyperopt: functools.partial(
        hyperopt.mix.suggest,
        p_suggest=[(0.1, hyperopt.rand.suggest), (0.9, hyperopt.tpe.suggest)],
    ),
    "atpe": lambda hyperopt: hyperopt.atpe.suggest,
}


@pytest.mark.parametrize("algo", ALGOS)
def test_any_classifier_and_any_preprocessing(hpsklearn, hyperopt, algo):
    """The large spaces, searched by each method; xgboost is among the classifiers."""
    estimator = hpsklearn.HyperoptEstimator(
        classifier=hpsklearn.any_classifier("my_clf"),
        preprocessing=hpsklearn.any_preprocessing("my_pre"),
        algo=ALGOS[algo](hyperopt),
        max_evals=10,
        trial_timeout=30,
    )
    assert scored(estimator, WIDE) > 0.6
    assert len(estimator.trials) == 10
    assert "my_clf.xgboost.xgboost_clf_max_depth" in labels_of(estimator)


def labels_of(estimator):
    """The hyperparameters of an estimator's space."""
    import hyperopt

    return hyperopt.Domain(None, estimator.space).params


def test_a_search_without_arguments(hpsklearn):
    """Nothing but data: any classifier, any preprocessing, random search."""
    assert scored(hpsklearn.HyperoptEstimator(max_evals=6, trial_timeout=30), WIDE) > 0.6


@pytest.mark.parametrize("kind", ["any_regressor", "random_forest_regressor", "linear_regression"])
def test_regressors(hpsklearn, hyperopt, kind):
    """A regressor, and any; the score is R² and the loss one less it."""
    estimator = hpsklearn.HyperoptEstimator(
        regressor=getattr(hpsklearn, kind)("my_reg"),
        preprocessing=[hpsklearn.standard_scaler("scale")],
        algo=hyperopt.tpe.suggest,
        max_evals=10,
        trial_timeout=30,
    )
    assert scored(estimator, DIABETES) > 0.1
    assert estimator.trials.best_trial["result"]["loss"] == min(estimator.trials.losses())
    assert estimator.trials.best_trial["result"]["loss_variance"] is None


def sentences():
    """Texts of two kinds."""
    rng = np.random.default_rng(0)
    words = (["ball", "goal", "team", "race", "match"], ["stock", "bond", "bank", "price", "trade"])
    common = ["the", "today", "again", "about", "report", "after", "news"]
    kinds = rng.integers(2, size=240)
    texts = [
        " ".join([*rng.choice(words[kind], 2), *rng.choice(common, 5), rng.choice(words[1 - kind])])
        for kind in kinds
    ]
    return np.array(texts), kinds


@pytest.mark.parametrize("vectorizer", ["tfidf_vectorizer", "any_text_preprocessing"])
def test_text_in_sparse_matrices(hpsklearn, hyperopt, vectorizer):
    """Texts become sparse matrices, which the classifiers for these take."""
    if vectorizer == "tfidf_vectorizer":
        classifier = hpsklearn.any_sparse_classifier("my_clf")
        made = [hpsklearn.tfidf_vectorizer("my_text")]
    else:  # the vectors of hashing have negative numbers, which naive Bayes does not take
        classifier = hpsklearn.linear_svc("my_clf")
        made = hpsklearn.any_text_preprocessing("my_text")
    estimator = hpsklearn.HyperoptEstimator(
        classifier=classifier, preprocessing=made, algo=hyperopt.tpe.suggest, max_evals=10,
        trial_timeout=30,
    )  # fmt: skip
    assert scored(estimator, split(sentences())) > 0.8
    (fitted,) = estimator.best_model()["preprocs"]
    assert fitted.ngram_range[0] == 1
    assert fitted.ngram_range[1] in (1, 2, 3, 4)


@pytest.mark.parametrize("kind", ["xgboost_classification", "lightgbm_classification"])
def test_gradient_boosting_of_other_packages(hpsklearn, kind):
    """The components of xgboost and lightgbm are searched as any other."""
    pytest.importorskip(kind.partition("_")[0])
    estimator = hpsklearn.HyperoptEstimator(
        classifier=getattr(hpsklearn, kind)("boost", n_estimators=20),
        preprocessing=[],
        max_evals=12,
        trial_timeout=60,
    )
    assert 0 <= scored(estimator, WIDE) <= 1
    assert min(estimator.trials.losses()) < 0.4
    assert estimator.best_model()["learner"].n_estimators == 20


def test_boosting_of_ten_classes(hpsklearn, hyperopt):
    """A component of xgboost with expressions and choices of one's own for its parameters."""
    estimator = hpsklearn.HyperoptEstimator(
        classifier=hpsklearn.xgboost_classification(
            "boost",
            n_estimators=hyperopt.pyll.scope.int(hyperopt.hp.quniform("trees", 5, 25, 5)),
            max_depth=hyperopt.hp.choice("depth", [2, 4]),
        ),
        preprocessing=[],
        algo=hyperopt.tpe.suggest,
        max_evals=5,
    )
    assert scored(estimator, DIGITS) > 0.6
    assert estimator.best_model()["learner"].n_estimators in (5, 10, 15, 20, 25)


# The rest of its arguments and methods.


def quick(hpsklearn, **options):
    """An estimator whose trials take no time."""
    return hpsklearn.HyperoptEstimator(
        **{
            "classifier": hpsklearn.k_neighbors_classifier("knn"),
            "preprocessing": [],
            "max_evals": 6,
            **options,
        }
    )


def test_a_space_in_one_piece(hpsklearn, hyperopt):
    """The space as a dict, with a choice of whole pipelines in it."""
    space = {
        "classifier": hyperopt.hp.choice(
            "c", [hpsklearn.svc("svc"), hpsklearn.k_neighbors_classifier("knn")]
        ),
        "regressor": None,
        "preprocessing": hyperopt.hp.choice("p", [[hpsklearn.min_max_scaler("scale")], []]),
    }
    estimator = hpsklearn.HyperoptEstimator(space=space, max_evals=12)
    assert scored(estimator, IRIS) > 0.8
    assert set(estimator.trials.vals["c"]) == {0, 1}


def test_other_data_beside(hpsklearn, hyperopt):
    """Data from elsewhere, each with preprocessing of its own, stands beside the first."""
    X, y, X_test, y_test = IRIS
    beside = [hyperopt.hp.choice("ex", [[hpsklearn.standard_scaler("ex.s")], []])]
    estimator = quick(hpsklearn, ex_preprocs=beside)
    estimator.fit(X[:, :2], y, EX_list=[X[:, 2:]])
    assert estimator.score(X_test[:, :2], y_test, EX_list=[X_test[:, 2:]]) > 0.8
    assert len(estimator.best_model()["ex_preprocs"]) == 1
    assert "ex" in estimator.trials.vals
    assert len(estimator.predict(X_test[:, :2], EX_list=[X_test[:, 2:]])) == len(y_test)


class Sleeper(ClassifierMixin, BaseEstimator):
    """A classifier that takes its time."""

    def fit(self, X, y):
        time.sleep(600)


@pytest.fixture
def sleeper(hyperopt):
    """A function of scope that makes one."""
    scope = hyperopt.pyll.scope

    def sleeping_classifier():
        return Sleeper()

    scope.define(sleeping_classifier)
    yield scope.sleeping_classifier
    scope.undefine(sleeping_classifier)


def test_trials_that_take_too_long(hpsklearn, hyperopt, sleeper):
    """A trial is killed after trial_timeout and is a failure that says so; the others count."""
    kinds = [hpsklearn.k_neighbors_classifier("knn"), sleeper()]
    estimator = quick(
        hpsklearn,
        classifier=hyperopt.hp.choice("kind", kinds),
        trial_timeout=3,
        max_evals=8,
        algo=first_of_kind(hyperopt),
    )
    assert scored(estimator, IRIS) > 0.8
    failed = [one for one in estimator.trials.trials if one["result"]["status"] == "fail"]
    assert 0 < len(failed) < 8
    assert {one["result"]["failure"] for one in failed} == {"TimeOut"}
    assert {one["misc"]["vals"]["kind"][0] for one in failed} == {1}
    assert all(one["state"] == hyperopt.JOB_STATE_DONE for one in failed)
    assert not isinstance(estimator.best_model()["learner"], Sleeper)


def first_of_kind(hyperopt):
    """Random search whose first trial is of the first kind, as one without any loss is an end."""

    def suggest(new_ids, domain, trials, seed):
        for attempt in range(seed, seed + 1000):
            found = hyperopt.rand.suggest(new_ids, domain, trials, attempt)
            if len(trials.trials) or found[0]["misc"]["vals"]["kind"] == [0]:
                return found
        raise AssertionError

    return suggest


def test_all_trials_that_take_too_long(hpsklearn, hyperopt, sleeper):
    """A search whose first trial has no loss ends as with Hyperopt."""
    estimator = quick(hpsklearn, classifier=sleeper(), trial_timeout=0.2, max_evals=2)
    with pytest.raises(hyperopt.exceptions.AllTrialsFailed):
        estimator.fit(*IRIS[:2])
    assert [result["failure"] for result in estimator.trials.results] == ["TimeOut"]


def test_an_exception_of_a_component(hpsklearn, hyperopt):
    """What a learner raises leaves fit, and stands in the document of its trial."""
    classifier = hpsklearn.gradient_boosting_classifier("boost", loss="exponential")
    estimator = quick(hpsklearn, classifier=classifier)
    with pytest.raises(ValueError, match="n_classes=3"):
        estimator.fit(*IRIS[:2])
    (document,) = estimator.trials._dynamic_trials
    assert document["state"] == hyperopt.JOB_STATE_ERROR
    assert "n_classes=3" in document["misc"]["error"][1]


def test_fitting_step_by_step(hpsklearn):
    """fit_iter gives the trials, and goes on by as many as it is sent."""
    X, y, X_test, y_test = IRIS
    estimator = quick(hpsklearn)
    steps = estimator.fit_iter(X, y)
    assert len(next(steps)) == 0
    for more, count in ((2, 2), (3, 5), (1, 6)):
        trials = steps.send(more)
        assert len(trials) == count
    assert trials is estimator.trials
    points = [str(misc["vals"]) for misc in trials.miscs]
    assert len(set(points)) == 6
    estimator._retrain_best_model_on_full_data(X, y)
    assert estimator.score(X_test, y_test) > 0.8


def test_without_fitting_the_best_again(hpsklearn):
    """With refit=False the best learner is not fitted until somebody does."""
    from sklearn.exceptions import NotFittedError

    X, y, X_test, y_test = IRIS
    estimator = quick(hpsklearn, refit=False)
    estimator.fit(X, y)
    with pytest.raises(NotFittedError):
        estimator.score(X_test, y_test)
    estimator._retrain_best_model_on_full_data(X, y)
    assert estimator.score(X_test, y_test) > 0.8


def test_a_search_goes_on(hpsklearn, hyperopt, tmp_path):
    """Trials are dumped as the search goes, and another fit goes on from them."""
    file = tmp_path / "trials.pkl"
    estimator = quick(hpsklearn, fit_increment=2, fit_increment_dump_filename=file)
    estimator.fit(*IRIS[:2])
    dumped = pickle.loads(file.read_bytes())
    assert type(dumped) is hyperopt.Trials
    assert dumped.vals == estimator.trials.vals
    estimator.fit(*IRIS[:2], warm_start=True)
    assert len(estimator.trials) == 12
    other = quick(hpsklearn)
    other.trials = dumped
    other.fit(*IRIS[:2], warm_start=True)
    assert len(dumped) == 12
    assert dumped.vals == estimator.trials.vals
    points = [str(misc["vals"]) for misc in dumped.miscs]
    assert len(set(points)) == 12


@pytest.mark.parametrize(
    "options", [{"n_folds": 3, "cv_shuffle": True}, {"cv_shuffle": True}, {"valid_size": 0.4}]
)
def test_ways_to_validate(hpsklearn, options):
    """Folds, shuffles and sizes of what is left out."""
    assert scored(quick(hpsklearn), IRIS, **options) > 0.8


def test_a_loss_of_ones_own(hpsklearn):
    """The loss may be any function, of classes or of probabilities."""

    def loss(y, predicted):
        return 1 - f1_score(y, predicted)

    estimator = quick(hpsklearn, loss_fn=loss)
    assert scored(estimator, WIDE) > 0.6
    assert all(0 <= each <= 1 for each in estimator.trials.losses())

    def likelihood(y, probabilities):
        of_one = np.clip(probabilities.reshape(-1, 2)[:, 1], 0.01, 0.99)
        return -np.mean(np.log(np.where(y == 1, of_one, 1 - of_one)))

    estimator = quick(hpsklearn, loss_fn=likelihood, continuous_loss_fn=True)
    assert scored(estimator, WIDE) > 0.6


def test_learning_in_parts(hpsklearn):
    """Learners that can are fitted in parts until they no longer get better."""
    classifier = hpsklearn.sgd_classifier("sgd", loss="log_loss", penalty="l2")
    estimator = quick(hpsklearn, classifier=classifier, use_partial_fit=True, max_evals=4)
    assert scored(estimator, DIGITS) > 0.8


GROUPS = {
    "all_classifiers": 39,
    "all_regressors": 50,
    "any_preprocessing": 4,
    "any_sparse_preprocessing": 2,
    "any_text_preprocessing": 3,
}


@pytest.mark.parametrize("group", GROUPS)
def test_every_component_is_drawn(hpsklearn, hyperopt, group):
    """Each component of a group is a space that can be read, drawn from, and evaluated."""
    node = getattr(hpsklearn, group)("group")
    options = node.pos_args[1:]
    assert len(options) >= GROUPS[group]
    whole = hyperopt.Domain(None, node)
    for number, option in enumerate(options):
        domain = hyperopt.Domain(lambda made: made, option)
        assert domain.params.keys() <= whole.params.keys()
        documents = hyperopt.tpe.suggest([0, 1], domain, hyperopt.Trials(), number)
        for document in documents:
            point = hyperopt.base.spec_from_misc(document["misc"])
            made = domain.built(point)
            made = made[0] if isinstance(made, tuple) else made
            assert isinstance(made, BaseEstimator)
        drawn = hyperopt.pyll.stochastic.sample(option, np.random.default_rng(number))
        drawn = drawn[0] if isinstance(drawn, tuple) else drawn
        assert type(drawn) is type(made)


def test_sparktune_has_all_its_components(hpsklearn):
    """sparktune.hpsklearn has a component under each name that hyperopt-sklearn has."""
    from hpsklearn import components

    from sparktune import hpsklearn as ours

    theirs = {
        name
        for name, found in vars(components).items()
        if callable(found) and not name.startswith("_") and name != "hp"
    }
    helpers = {"validate", "lightgbm_check", "xg_boost_check"}
    helpers |= {"forest_classifiers", "forest_regressors"}  # which choose two of them
    assert len(theirs) > 100
    assert theirs - helpers <= set(ours.__all__)
    assert list(inspect.signature(ours.HyperoptEstimator).parameters)[:17] == list(
        inspect.signature(hpsklearn.HyperoptEstimator).parameters
    )
