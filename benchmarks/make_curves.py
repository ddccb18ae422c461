"""Train models on small data and keep their learning curves: the tables of curve_tables.py.

    python benchmarks/make_curves.py [--jobs 2] [--only sgd_digits,mlp_digits] [--count 2048]

Each row is one configuration trained to its end, with the loss on held-out rows and the processor
time after each step. A table takes from one to seventeen minutes on one core:

    sgd_digits      linear classifier of digits by SGD, 30 epochs, log loss
    sgd_made        the same of made data with wrong labels, 30 epochs, share of errors
    mlp_friedman    network on Friedman's first function, 30 epochs, root mean squared error
    mlp_digits      network on digits, 30 epochs, log loss
    boost_diabetes  gradient boosting of diabetes, 60 stages, root mean squared error
    boost_hastie    gradient boosting of Hastie's ten dimensions, 50 stages, log loss
    forest_digits   forests on digits, 30 trees one after the other, Brier score
    folds_cancer    support vector classifiers of breast cancer, 30 folds, hinge loss of each
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import argparse
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
from curve_tables import FOLDER, LABELS, drawn

EPOCHS, TREES, FOLDS = 30, 30, 30
WORST = 10.0  # losses are cut off here: of a diverged model they mean nothing


def split(X, y, rows, held_out):
    """Rows to learn from and rows to judge by, with scaled columns."""
    order = np.random.default_rng(1).permutation(len(X))[:rows]
    X, y = X[order].astype(float), y[order]
    X = (X - X.mean(0)) / np.maximum(X.std(0), 1e-9)
    return X[held_out:], y[held_out:], X[:held_out], y[:held_out]


def log_loss(probability, y, classes):
    of_truth = probability[np.arange(len(y)), np.searchsorted(classes, y)]
    return float(np.mean(-np.log(np.clip(of_truth, 1e-15, 1))))


def brier_score(probability, y, classes):
    return float(np.mean(((probability - (y[:, None] == classes)) ** 2).sum(1)))


class Clock:
    """Loss and processor time of each step; the time of judging is left out."""

    def __init__(self):
        self.losses, self.seconds, self._since = [], [], time.process_time()

    def step(self, judge):
        self.seconds.append(time.process_time() - self._since)
        loss = judge()
        self.losses.append(min(loss, WORST) if np.isfinite(loss) else WORST)
        self._since = time.process_time()


def sgd(data, values, of_errors):
    from sklearn.linear_model import SGDClassifier

    X, y, X_test, y_test = data
    schedule = ("constant", "invscaling", "adaptive")[int(values["schedule"])]
    model = SGDClassifier(
        "log_loss", alpha=values["alpha"], eta0=values["eta0"], power_t=values["power_t"],
        learning_rate=schedule, penalty=("l2", "l1", "elasticnet")[int(values["penalty"])],
        random_state=0,
    )  # fmt: skip
    classes, clock = np.unique(y), Clock()
    rng = np.random.default_rng(0)

    def judge():
        if of_errors:
            return float(np.mean(model.predict(X_test) != y_test))
        return log_loss(model.predict_proba(X_test), y_test, classes)

    for _ in range(EPOCHS):
        order = rng.permutation(len(X))
        model.partial_fit(X[order], y[order], classes)
        clock.step(judge)
    return clock


def mlp(data, values, of_classes):
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    X, y, X_test, y_test = data
    model = (MLPClassifier if of_classes else MLPRegressor)(
        hidden_layer_sizes=(int(values["units"]),),
        activation=("relu", "tanh", "logistic")[int(values["activation"])],
        learning_rate_init=values["learning_rate"], alpha=values["alpha"],
        batch_size=int(values["batch"]), random_state=0,
    )  # fmt: skip
    classes, clock = np.unique(y), Clock()

    def judge():
        if of_classes:
            return log_loss(model.predict_proba(X_test), y_test, classes)
        return float(np.sqrt(np.mean((model.predict(X_test) - y_test) ** 2)))

    for _ in range(EPOCHS):
        model.partial_fit(X, y, classes=classes) if of_classes else model.partial_fit(X, y)
        clock.step(judge)
    return clock


def boost(data, values, of_classes, stages):
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    X, y, X_test, y_test = data
    model = (GradientBoostingClassifier if of_classes else GradientBoostingRegressor)(
        learning_rate=values["learning_rate"], n_estimators=stages, max_depth=int(values["depth"]),
        subsample=values["subsample"], min_samples_leaf=int(values["leaf"]),
        max_features=values["features"], random_state=0,
    )  # fmt: skip
    clock, ends, began = Clock(), [], time.process_time()
    model.fit(X, y, monitor=lambda *_: ends.append(time.process_time()))
    if of_classes:
        staged = model.staged_predict_proba(X_test)
        clock.losses = [log_loss(each, y_test, model.classes_) for each in staged]
    else:
        staged = model.staged_predict(X_test)
        clock.losses = [float(np.sqrt(np.mean((each - y_test) ** 2))) for each in staged]
    clock.losses = [min(loss, WORST) for loss in clock.losses]
    clock.seconds = list(np.diff([began, *ends]))
    return clock


def forest(data, values):
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

    X, y, X_test, y_test = data
    model = (RandomForestClassifier, ExtraTreesClassifier)[int(values["kind"])](
        1, max_depth=int(values["depth"]), max_features=values["features"],
        min_samples_leaf=int(values["leaf"]), random_state=0, warm_start=True,
        criterion=("gini", "entropy")[int(values["criterion"])],
    )  # fmt: skip
    clock = Clock()
    for trees in range(1, TREES + 1):
        model.n_estimators = trees
        model.fit(X, y)
        clock.step(lambda: brier_score(model.predict_proba(X_test), y_test, model.classes_))
    return clock


def folds(data, values):
    from sklearn.model_selection import RepeatedStratifiedKFold
    from sklearn.svm import SVC

    X, y = data
    kernel = ("rbf", "sigmoid")[int(values["kernel"])]
    clock = Clock()
    for train, test in RepeatedStratifiedKFold(n_splits=10, n_repeats=3, random_state=0).split(
        X, y
    ):
        model = SVC(C=values["C"], gamma=values["gamma"], kernel=kernel, max_iter=20_000)
        model.fit(X[train], y[train])
        signs = np.where(y[test] == model.classes_[1], 1.0, -1.0)
        judged = np.maximum(0.0, 1 - signs * model.decision_function(X[test]))
        clock.step(lambda judged=judged: float(np.mean(np.minimum(judged, 5.0))))
    return clock


def curve(name, values):
    """Train one configuration of a table: its Clock."""
    from sklearn import datasets

    values = dict(zip(LABELS[name], values, strict=True))
    if name.endswith("digits"):
        data = split(*datasets.load_digits(return_X_y=True), 1400, 500)
    elif name == "sgd_made":
        made = datasets.make_classification(
            4000, 40, n_informative=12, n_redundant=10, n_classes=4, flip_y=0.1, random_state=2
        )
        data = split(*made, 4000, 2000)
    elif name == "mlp_friedman":
        data = split(*datasets.make_friedman1(1600, noise=1.0, random_state=3), 1600, 800)
    elif name == "boost_diabetes":
        X, y = datasets.load_diabetes(return_X_y=True)
        data = split(X, y / y.std(), None, 200)
    elif name == "boost_hastie":
        data = split(*datasets.make_hastie_10_2(3000, random_state=4), 3000, 1500)
    else:
        X, y = datasets.load_breast_cancer(return_X_y=True)
        data = ((X - X.mean(0)) / X.std(0), y)
    kind = name.partition("_")[0]
    if kind == "sgd":
        return sgd(data, values, name == "sgd_made")
    if kind == "mlp":
        return mlp(data, values, name == "mlp_digits")
    if kind == "boost":
        hastie = name == "boost_hastie"
        return boost(data, values, hastie, 50 if hastie else 60)
    return forest(data, values) if kind == "forest" else folds(data, values)


def make(name, count, folder):
    began, values = time.perf_counter(), drawn(name, count, seed=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of models that do not converge
        clocks = [curve(name, row) for row in values]
    curves = np.array([clock.losses for clock in clocks], np.float32)
    seconds = np.array([clock.seconds for clock in clocks], np.float16)  # to a thousandth
    path = Path(folder) / f"{name}.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, values=values, curves=curves, seconds=seconds)
    took = time.perf_counter() - began
    return f"{name}: {curves.shape}, {path.stat().st_size / 1e3:.0f} kB, {took:.0f} s"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="", help="names of tables, with commas")
    parser.add_argument("--count", type=int, default=2048, help="configurations in each")
    parser.add_argument("--folder", default=FOLDER)
    args = parser.parse_args()
    names = [name for name in LABELS if not args.only or name in args.only.split(",")]
    with ProcessPoolExecutor(args.jobs) as pool:
        for line in pool.map(make, names, [args.count] * len(names), [args.folder] * len(names)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
