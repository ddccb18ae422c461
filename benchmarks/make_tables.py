"""Train models on scikit-learn's data sets for each point of four grids: tables for problems.py.

    python benchmarks/make_tables.py [--jobs 2] [--only svr,mlp] [--folder benchmarks/tables]

Each table is one compressed npz file with an array per branch of its conditional space (one array
where there are no branches); an axis per hyperparameter, in the order of the grids below. All
losses are means over fixed splits. A table takes one to a few minutes on two cores:

    svr     support vector regression of diabetes, root mean squared error; branches: kernels
    boost   gradient boosting on breast_cancer, log loss
    mlp     networks of one to three layers on a part of digits, log loss; branches: depths
    forest  random forests on wine, log loss
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import argparse
import itertools
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np

FOLDER = Path(__file__).parent / "tables"


def powers(base, first, last, count):
    """``count`` numbers from base**first to base**last, evenly spaced in the exponent."""
    return [float(f"{x:.4g}") for x in np.logspace(first, last, count, base=base)]


# Of each table: for each branch the values along each axis.
GRIDS = {
    "svr": {
        "linear": {"epsilon": [0.02, 0.1, 0.3, 0.6], "C": powers(10, -3, 2, 16)},
        "rbf": {
            "epsilon": [0.02, 0.1, 0.3, 0.6],
            "C": powers(10, -2, 3, 13),
            "gamma": powers(10, -5, 1, 13),
        },
        "poly": {
            "epsilon": [0.02, 0.1, 0.3, 0.6],
            "C": powers(10, -3, 2, 9),
            "gamma": powers(10, -4, 0, 9),
            "degree": [2, 3, 4],
            "coef0": [0.0, 0.3, 1.0, 3.0],
        },
        "sigmoid": {
            "epsilon": [0.02, 0.1, 0.3, 0.6],
            "C": powers(10, -2, 3, 11),
            "gamma": powers(10, -5, 0, 11),
            "coef0": [-1.0, -0.3, 0.0, 0.3, 1.0],
        },
    },
    "boost": {
        "all": {
            "learning_rate": powers(10, -2.5, 0, 9),
            "max_depth": [1, 2, 3, 4, 6],
            "subsample": [0.35, 0.6, 0.8, 1.0],
            "max_features": [0.1, 0.3, 1.0],
            "min_samples_leaf": [1, 5, 20],
            "n_estimators": [8, 12, 18, 27, 40, 60, 90, 135],
        },
    },
    "mlp": {
        str(depth): {
            "activation": ["relu", "tanh"],
            "learning_rate": powers(10, -4, -1, 9),
            "alpha": powers(10, -4, 1, 3),
            **{f"units{i}": units for i in range(1, depth + 1)},
        }
        for depth, units in {
            1: [5, 7, 10, 14, 20, 28, 40, 56, 80, 112, 160, 224],
            2: [8, 18, 40, 90, 200],
            3: [10, 30, 90],
        }.items()
    },
    "forest": {
        "all": {
            "criterion": ["gini", "entropy"],
            "bootstrap": [True, False],
            "max_depth": [1, 2, 3, 4, 6, 9],
            "max_features": [0.08, 0.16, 0.24, 0.4, 0.7, 1.0],
            "min_samples_leaf": [1, 2, 4, 8, 16],
            "ccp_alpha": [0.0, 0.01, 0.03, 0.1],
        },
    },
}


def data_of(table):
    """X, y and the list of (train, test) rows."""
    from sklearn import datasets, model_selection

    load, rows, folds = {
        "svr": (datasets.load_diabetes, None, 3),
        "boost": (datasets.load_breast_cancer, None, 2),
        "mlp": (datasets.load_digits, 500, 2),
        "forest": (datasets.load_wine, None, 3),
    }[table]
    X, y = load(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(X))[:rows]
    X, y = X[order], y[order]
    X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9)
    if table == "svr":
        return X, y / y.std(), list(model_selection.KFold(folds).split(X))
    return X, y, list(model_selection.StratifiedKFold(folds).split(X, y))


def svr(values, X, y, train, test, branch):
    from sklearn.svm import SVR

    model = SVR(kernel=branch, max_iter=20_000, **values).fit(X[train], y[train])
    error = np.sqrt(np.mean((model.predict(X[test]) - y[test]) ** 2))
    return min(error, 3.0)


def boost(values, X, y, train, test, _branch):
    """Losses after each number of trees, from one model."""
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.metrics import log_loss

    stages = GRIDS["boost"]["all"]["n_estimators"]
    model = GradientBoostingClassifier(n_estimators=max(stages), random_state=0, **values)
    model.fit(X[train], y[train])
    staged = list(model.staged_predict_proba(X[test]))
    return [min(log_loss(y[test], staged[n - 1]), 3.0) for n in stages]


def mlp(values, X, y, train, test, branch):
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier

    values = dict(values)
    units = [values.pop(f"units{i}") for i in range(1, int(branch) + 1)]
    model = MLPClassifier(
        units,
        learning_rate_init=values.pop("learning_rate"),
        max_iter=30,
        batch_size=32,
        random_state=0,
        **values,
    )
    model.fit(X[train], y[train])
    return min(log_loss(y[test], model.predict_proba(X[test]), labels=range(10)), 3.0)


def forest(values, X, y, train, test, _branch):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import log_loss

    model = RandomForestClassifier(30, random_state=0, **values).fit(X[train], y[train])
    return log_loss(y[test], model.predict_proba(X[test]))


def train_one(job):
    """The mean loss over the splits of one point of a grid, an array of them for boost."""
    table, branch, values = job
    X, y, splits = data_of(table)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = [globals()[table](values, X, y, *split, branch) for split in splits]
    return np.mean(found, axis=0)


def make(table, jobs, folder):
    began = time.perf_counter()
    arrays = {}
    with ProcessPoolExecutor(jobs) as pool:
        for branch, grid in GRIDS[table].items():
            axes = {name: values for name, values in grid.items() if table != "boost" or
                    name != "n_estimators"}  # fmt: skip
            points = [dict(zip(axes, point, strict=True)) for point in
                      itertools.product(*axes.values())]  # fmt: skip
            losses = list(pool.map(train_one, [(table, branch, p) for p in points], chunksize=8))
            shape = [len(values) for values in grid.values()]
            arrays[branch] = np.round(np.reshape(losses, shape), 5).astype(np.float32)
    folder.mkdir(exist_ok=True)
    np.savez_compressed(folder / f"{table}.npz", **arrays)
    every = np.sort(np.concatenate([array.ravel() for array in arrays.values()]))
    print(
        f"{table}: {len(every)} configurations, {len(np.unique(every))} different losses, "
        f"best {every[:3]}, median {np.median(every):.4f}, "
        f"{(folder / f'{table}.npz').stat().st_size / 1000:.0f} kB, "
        f"{time.perf_counter() - began:.0f} s",
        flush=True,
    )
    for branch, array in arrays.items():
        best = np.unravel_index(array.argmin(), array.shape)
        where = {
            name: values[i] for (name, values), i in zip(GRIDS[table][branch].items(), best,
                                                         strict=True)}  # fmt: skip
        print(f"  {branch}: best {array.min():.4f}, median {np.median(array):.4f} at {where}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default=",".join(GRIDS), help="tables, with commas")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    args = parser.parse_args()
    for table in args.only.split(","):
        make(table, args.jobs, args.folder)


if __name__ == "__main__":
    main()
