"""Objectives that train models of scikit-learn, as people tune them: the suite *training*.

    python benchmarks/problems_training.py [--half dev] [--evaluations 40]

Each problem is a family of models with a data set, small enough for an evaluation in 50 ms, and
a metric that is smooth (log loss, squared error) or goes in steps (the error on few rows). What is
not seeded where people work is not fixed here either: a model with chance in it and, in two of
three problems, the split of the rows are drawn anew in each evaluation, from the number of the
trial, alike for all contenders. So a loss is a draw, and what a configuration is worth is the mean
over 40 draws that no contender has seen. The halves "dev" and "test" share no pair of family and
data set. What the lowest such mean is, and what random search finds: see make_training.py.

Run as a script, this prints of each problem its labels, the milliseconds of an evaluation (median
and most), the deviation between evaluations of one configuration, that between configurations, and
how many different losses random search has met.
"""

import argparse
import functools
import json
import math
import time
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from landscapes import HALVES, Fork, Knob, Task, gather, plain

TRAINING = {}
REFERENCES = Path(__file__).parent / "tables" / "training.json"  # made by make_training.py
VERSION = 1  # of the data sets and families below
FRESH = 40  # evaluations whose mean a configuration is worth


@dataclass(frozen=True, eq=False)
class Training(Task):
    """A family of models with a data set and a metric.

    Attributes:
        name: family, data set and metric.
        half: "dev" or "test".
        group, data, metric: family, data set and metric by name.
        items: knobs and forks.
        make: of kinds, values and a seed the model.
        noisy: whether the split of the rows is drawn anew in each evaluation.
    """

    costly = True
    least = 1e-2

    name: str
    half: str
    group: str
    data: str
    metric: str
    items: list
    make: Callable
    noisy: bool

    def loss(self, config, seed):
        """The loss of a configuration in the evaluation of this seed."""
        kinds, values = {}, {}
        gather(config, kinds, values)
        X, y, classes = data_of(self.data)
        rows = np.random.default_rng([7, seed if self.noisy else 0])
        train, test = split(y, classes, rows)
        model = self.make(kinds, values, seed % 2**32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X[train], y[train])
            return METRICS[self.metric](model, X[test], y[test], classes)

    def observed(self, config, seed, number):
        """What a contender sees of a run's trial: the same for all contenders."""
        return self.loss(config, zlib.crc32(f"{self.name} {seed} {number}".encode()))

    def signature(self, configs):  # noqa: ARG002 (of the protocol)
        """A text that changes with what is evaluated: not its losses, which differ by machine."""
        return f"{self.name} {self.noisy} {FRESH} {VERSION}"

    def worth(self, config):
        """What a configuration is worth: the mean over evaluations that no contender sees."""
        return float(np.mean([self.loss(config, 2**40 + draw) for draw in range(FRESH)]))

    @property
    def optimum(self):
        """The lowest worth that long searches have found."""
        return references()[self.name]["optimum"]

    @property
    def lowest(self):
        """The lowest loss of a single evaluation that they have found."""
        return references()[self.name]["lowest"]

    def usual(self, n):
        """What random search's best of 128 is worth, the median over many runs."""
        assert n == 128, n
        return references()[self.name]["usual"]

    def usually_observed(self, n):
        """The lowest of n losses that random search observes, the median over many runs."""
        return references()[self.name]["observed"][n - 1]


@functools.cache
def references():
    """What is known of each problem, by name."""
    return json.loads(REFERENCES.read_text())


# Data.


def split(y, classes, rng):
    """Rows to train on and to test on, three to one; of classes as many in both as there are."""
    if not classes:
        order = rng.permutation(len(y))
        return order[len(y) // 4 :], order[: len(y) // 4]
    test = []
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        test.append(rows[: max(1, len(rows) // 4)])
    test = np.concatenate(test)
    return np.setdiff1d(np.arange(len(y)), test), test


@functools.cache
def data_of(name):
    """Rows that are scaled, targets, and whether these are classes."""
    from sklearn import datasets as d
    from sklearn.preprocessing import StandardScaler

    loaded = {
        "iris": lambda: d.load_iris(return_X_y=True),
        "wine": lambda: d.load_wine(return_X_y=True),
        "cancer": lambda: _some(d.load_breast_cancer(return_X_y=True), 300),
        "digits": lambda: _some(d.load_digits(return_X_y=True), 400),
        "diabetes": lambda: d.load_diabetes(return_X_y=True),
        "moons": lambda: d.make_moons(300, noise=0.3, random_state=1),
        "circles": lambda: d.make_circles(300, noise=0.15, factor=0.6, random_state=2),
        "blobs": lambda: d.make_blobs(300, 6, centers=5, cluster_std=4.5, random_state=3),
        "quantiles": lambda: d.make_gaussian_quantiles(
            n_samples=300, n_features=6, n_classes=3, random_state=4
        ),
        "wide": lambda: d.make_classification(
            200, 60, n_informative=8, n_redundant=10, flip_y=0.08, random_state=5
        ),
        "clusters": lambda: d.make_classification(
            400, 12, n_informative=7, n_classes=3, n_clusters_per_class=3, random_state=6
        ),
        "friedman": lambda: d.make_friedman1(300, 10, noise=1.0, random_state=7),
        "friedman2": lambda: d.make_friedman2(300, noise=80.0, random_state=8),
        "sparse": lambda: d.make_regression(200, 80, n_informative=8, noise=20.0, random_state=9),
        "curve": lambda: _curve(300, np.random.default_rng(10)),
    }
    X, y = loaded[name]()
    classes = name not in ("diabetes", "friedman", "friedman2", "sparse", "curve")
    if not classes:
        y = (y - y.mean()) / y.std()
    return StandardScaler().fit_transform(X), y, classes


def _some(both, count):
    rows = np.random.default_rng(0).permutation(len(both[1]))[:count]
    return both[0][rows], both[1][rows]


def _curve(count, rng):
    X = rng.uniform(-3, 3, (count, 3))
    return X, np.sin(2 * X[:, 0]) * X[:, 1] + 0.3 * X[:, 2] ** 2 + 0.3 * rng.normal(size=count)


def _error(model, X, y, _):
    return float(np.mean(model.predict(X) != y))


def _log_loss(model, X, y, _):
    p = np.clip(model.predict_proba(X), 1e-4, 1)
    places = np.searchsorted(model.classes_, y)
    return float(-np.mean(np.log(p[np.arange(len(y)), places] / p.sum(1))))


def _squares(model, X, y, _):
    return float(min(1e3, np.mean((model.predict(X) - y) ** 2)))


METRICS = {"error": _error, "log-loss": _log_loss, "squares": _squares}


# Families.


def _logistic(_, v, seed):
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(
        loss="log_loss", penalty="elasticnet", alpha=v["alpha"], l1_ratio=v["l1_ratio"],
        eta0=v["eta0"], power_t=v["power_t"], learning_rate="invscaling",
        max_iter=int(v["epochs"]), tol=None, random_state=seed,
    )  # fmt: skip


LOGISTIC = [
    Knob("loguniform", "alpha", math.log(1e-6), math.log(1.0)),
    Knob("uniform", "l1_ratio", 0, 1),
    Knob("loguniform", "eta0", math.log(1e-4), math.log(10.0)),
    Knob("uniform", "power_t", 0.05, 0.9),
    Knob("uniformint", "epochs", 2, 40),
]


def _ridge(_, v, _seed):
    from sklearn.linear_model import ElasticNet
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    return make_pipeline(
        PolynomialFeatures(2, interaction_only=True, include_bias=False),
        ElasticNet(alpha=v["alpha"], l1_ratio=v["l1_ratio"], max_iter=200),
    )


RIDGE = [
    Knob("loguniform", "alpha", math.log(1e-4), math.log(10.0)),
    Knob("uniform", "l1_ratio", 0.01, 1),
]


def _svc(kinds, v, _seed):
    from sklearn.svm import SVC

    kind = kinds["kernel"]
    more = {name: v[name] for name in ("gamma", "coef0") if name in v}
    if "degree" in v:
        more["degree"] = int(v["degree"])
    return SVC(C=v["C"], kernel=kind, tol=v["tol"], max_iter=3000, **more)


_GAMMA = Knob("loguniform", "gamma", math.log(1e-4), math.log(10.0))
_COEF = Knob("uniform", "coef0", -1, 1)
SVM = [
    Knob("loguniform", "C", math.log(1e-3), math.log(1e3)),
    Knob("loguniform", "tol", math.log(1e-5), math.log(1e-1)),
    Fork(
        "kernel",
        {
            "linear": [],
            "rbf": [_GAMMA],
            "poly": [_GAMMA, _COEF, Knob("uniformint", "degree", 2, 5)],
            "sigmoid": [_GAMMA, _COEF],
        },
    ),
]


def _svr(_, v, _seed):
    from sklearn.svm import SVR

    return SVR(C=v["C"], gamma=v["gamma"], epsilon=v["epsilon"], max_iter=3000)


SVR_ = [
    Knob("loguniform", "C", math.log(1e-3), math.log(1e3)),
    Knob("loguniform", "gamma", math.log(1e-4), math.log(10.0)),
    Knob("loguniform", "epsilon", math.log(1e-3), math.log(1.0)),
]


def _knn(kinds, v, seed):
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    return make_pipeline(
        PCA(v["kept"], random_state=seed),
        KNeighborsClassifier(
            int(v["neighbors"]), weights=kinds["weights"], metric=kinds["distance"]
        ),
    )


KNN = [
    Knob("uniform", "kept", 0.3, 0.999),
    Knob("uniformint", "neighbors", 1, 40),
    plain("weights", ["uniform", "distance"]),
    plain("distance", ["euclidean", "manhattan", "chebyshev"]),
]


def _forest(regresses):
    def make(kinds, v, seed):
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        kind = ExtraTreesRegressor if regresses else ExtraTreesClassifier
        return kind(
            int(v["trees"]), max_depth=int(v["depth"]), min_samples_split=int(v["split"]),
            max_features=v["features"], bootstrap=kinds["bootstrap"] == "yes", random_state=seed,
        )  # fmt: skip

    return make


FOREST = [
    Knob("uniformint", "trees", 3, 25),
    Knob("uniformint", "depth", 1, 16),
    Knob("uniformint", "split", 2, 30),
    Knob("uniform", "features", 0.05, 1),
    plain("bootstrap", ["yes", "no"]),
]


def _boosting(regresses):
    def make(_, v, seed):
        from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

        kind = GradientBoostingRegressor if regresses else GradientBoostingClassifier
        return kind(
            learning_rate=v["rate"], n_estimators=int(v["rounds"]), max_depth=int(v["depth"]),
            subsample=v["rows"], max_features=v["features"], min_samples_leaf=int(v["leaf"]),
            random_state=seed,
        )  # fmt: skip

    return make


BOOSTING = [
    Knob("loguniform", "rate", math.log(5e-3), math.log(1.0)),
    Knob("uniformint", "rounds", 5, 30),
    Knob("uniformint", "depth", 1, 6),
    Knob("uniform", "rows", 0.2, 1),
    Knob("uniform", "features", 0.05, 1),
    Knob("uniformint", "leaf", 1, 30),
]


def _network(regresses):
    def make(kinds, v, seed):
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        deeper = [int(v["units2"])] if kinds["layers"] == "two" else []
        kind = MLPRegressor if regresses else MLPClassifier
        return kind(
            hidden_layer_sizes=[int(v["units1"]), *deeper], activation=kinds["activation"],
            alpha=v["alpha"], batch_size=int(v["batch"]), learning_rate_init=v["rate"],
            max_iter=int(v["epochs"]), beta_1=v["beta"], tol=0.0, n_iter_no_change=99,
            random_state=seed,
        )  # fmt: skip

    return make


NETWORK = [
    Knob("qloguniform", "units1", math.log(2), math.log(48), 1),
    Fork(
        "layers", {"one": [], "two": [Knob("qloguniform", "units2", math.log(2), math.log(32), 1)]}
    ),
    plain("activation", ["relu", "tanh", "logistic"]),
    Knob("loguniform", "alpha", math.log(1e-6), math.log(10.0)),
    Knob("qloguniform", "batch", math.log(16), math.log(128), 1),
    Knob("loguniform", "rate", math.log(1e-4), math.log(0.5)),
    Knob("uniform", "beta", 0.5, 0.99),
    Knob("uniformint", "epochs", 2, 12),
]


def _choice(kinds, v, seed):
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, QuantileTransformer
    from sklearn.tree import DecisionTreeClassifier

    steps = {
        "none": lambda: FunctionTransformer(),
        "bins": lambda: KBinsDiscretizer(
            int(v["bins"]), encode="onehot-dense", strategy="uniform", subsample=None
        ),
        "ranks": lambda: QuantileTransformer(n_quantiles=int(v["ranks"]), random_state=seed),
    }
    models = {
        "logistic": lambda: LogisticRegression(C=v["C"], max_iter=60),
        "bayes": lambda: GaussianNB(var_smoothing=v["smoothing"]),
        "tree": lambda: DecisionTreeClassifier(
            max_depth=int(v["depth"]),
            ccp_alpha=v["pruning"],
            max_features=v["features"],
            random_state=seed,
        ),
    }
    return make_pipeline(steps[kinds["step"]](), models[kinds["model"]]())


CHOICE = [
    Fork(
        "step",
        {
            "none": [],
            "bins": [Knob("uniformint", "bins", 2, 10)],
            "ranks": [Knob("uniformint", "ranks", 5, 100)],
        },
    ),
    Fork(
        "model",
        {
            "logistic": [Knob("loguniform", "C", math.log(1e-4), math.log(1e3))],
            "bayes": [Knob("loguniform", "smoothing", math.log(1e-9), math.log(1.0))],
            "tree": [
                Knob("uniformint", "depth", 1, 15),
                Knob("loguniform", "pruning", math.log(1e-5), math.log(0.1)),
                Knob("uniform", "features", 0.1, 1),
            ],
        },
    ),
]


def _tree(regresses):
    def make(_, v, seed):
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        kind = DecisionTreeRegressor if regresses else DecisionTreeClassifier
        return kind(
            max_depth=int(v["depth"]), min_samples_leaf=int(v["leaf"]), ccp_alpha=v["pruning"],
            max_features=v["features"], random_state=seed,
        )  # fmt: skip

    return make


TREE = [
    Knob("uniformint", "depth", 1, 15),
    Knob("uniformint", "leaf", 1, 40),
    Knob("loguniform", "pruning", math.log(1e-5), math.log(0.2)),
    Knob("uniform", "features", 0.05, 1),
]


# Which data sets a family is trained on: development first, then test, with the metric of each.

_TABLE = [
    (
        "logistic",
        LOGISTIC,
        _logistic,
        "cancer:log-loss wide:error iris:log-loss",
        "wine:log-loss clusters:error digits:error",
    ),
    ("elastic-net", RIDGE, _ridge, "diabetes:squares", "friedman:squares"),
    ("svm", SVM, _svc, "blobs:error quantiles:error moons:error", "cancer:error clusters:error"),
    ("svr", SVR_, _svr, "friedman:squares curve:squares", "diabetes:squares friedman2:squares"),
    ("knn", KNN, _knn, "digits:error blobs:log-loss", "wine:error quantiles:log-loss"),
    (
        "forest",
        FOREST,
        _forest(False),
        "clusters:log-loss wine:error",
        "digits:error wide:log-loss",
    ),
    ("forest-r", FOREST, _forest(True), "friedman2:squares", "diabetes:squares"),
    (
        "boosting",
        BOOSTING,
        _boosting(False),
        "moons:log-loss cancer:error",
        "circles:error wide:error",
    ),
    ("boosting-r", BOOSTING, _boosting(True), "diabetes:squares sparse:squares", "curve:squares"),
    (
        "network",
        NETWORK,
        _network(False),
        "circles:log-loss digits:error",
        "moons:error quantiles:log-loss",
    ),
    ("network-r", NETWORK, _network(True), "curve:squares", "friedman:squares"),
    ("choice", CHOICE, _choice, "cancer:log-loss clusters:error", "iris:error blobs:log-loss"),
    ("tree", TREE, _tree(False), "blobs:error", "cancer:log-loss"),
    ("tree-r", TREE, _tree(True), "curve:squares", "sparse:squares"),
]


def _register():
    count = 0
    for family, items, make, *halves in _TABLE:
        for half, words in zip(HALVES, halves, strict=True):
            for word in words.split():
                data, metric = word.split(":")
                name, count = f"{family}-{data}-{metric}", count + 1
                noisy = count % 3 != 0  # of each third problem the split is fixed
                # "tree" is what scoring.py calls all spaces that have conditions
                group = "decision-tree" if family == "tree" else family
                TRAINING[name] = Training(name, half, group, data, metric, items, make, noisy)


_register()


def main():
    from sparktune import hp
    from sparktune.space.tree import Space

    parser = argparse.ArgumentParser()
    parser.add_argument("--half", choices=HALVES)
    parser.add_argument("--evaluations", type=int, default=40)
    args = parser.parse_args()
    print("| problem | half | labels | ms | most | within | between | different |\n|" + "---|" * 8)
    for problem in TRAINING.values():
        if args.half not in (None, problem.half):
            continue
        space = Space(problem.space(hp))
        rows = space.sample(np.random.default_rng(0), args.evaluations)
        losses, times = [], []
        for number, row in enumerate(rows):
            began = time.perf_counter()
            losses.append(problem.observed(space.build(space.decode(row)), 0, number))
            times.append(1000 * (time.perf_counter() - began))
        best = space.build(space.decode(rows[int(np.argmin(losses))]))
        within = np.std([problem.loss(best, 2**41 + draw) for draw in range(8)])
        print(
            f"| {problem.name} | {problem.half} | {len(space)}{' tree' if problem.tree else ''} | "
            f"{np.median(times):.0f} | {max(times[1:]):.0f} | {within:.4f} | {np.std(losses):.3f} "
            f"| {len(set(losses))} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
