"""HyperoptEstimator beside its peers: the score on rows that nobody learnt from.

    python benchmarks/estimator.py run CONTENDER --out FILE    in the contender's environment
    python benchmarks/estimator.py report FILE [--of sparktune]

12 data sets that scikit-learn ships or makes, three of them with categories and missing values, 5
seeds. Every contender chooses between the same families (random forest, extra trees, nearest
neighbours, logistic regression or a linear regression, boosted trees) in its own ranges, with its
own preprocessing, on one thread, for as many rows as 50 fits to four fifths of the data learn from.

    sparktune     HyperoptEstimator, as it comes: 38 candidates, the 4 best on 3 splits more
    random        random search over the same space, 50 candidates on one split
    hpsklearn     hyperopt-sklearn 1.1.1 with TPE    bash conf/environment.sh hyperopt-sklearn
    flaml         FLAML 2.7                          bash conf/environment.sh flaml
    halving       scikit-learn's HalvingRandomSearchCV over sparktune's ranges

What cannot take categories or missing values gets them encoded beforehand. Rows that are there in
FILE already are not made again. The report has mean ranks, and intervals of the differences in rank
by a paired bootstrap over data sets and seeds.
"""

import argparse
import contextlib
import csv
import os
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402 (it reads the variables)
from sklearn import datasets, metrics  # noqa: E402
from sklearn.model_selection import train_test_split  # noqa: E402

FITS, SEEDS, HELD = 50, 5, 0.2
FIELDS = ["data", "seed", "contender", "score", "validation", "seconds", "chosen"]


def with_gaps(X, seed):
    """A DataFrame: some columns as texts of a few or many values, one cell in twelve missing."""
    import pandas

    rng = np.random.default_rng(seed)
    frame = pandas.DataFrame(X, columns=[f"x{place}" for place in range(X.shape[1])])
    for place, (name, bins) in enumerate(zip(frame.columns[:4], (3, 6, 12, 30), strict=False)):
        codes = pandas.qcut(frame[name], bins, labels=False, duplicates="drop")
        shuffled = rng.permutation(bins)
        frame[name] = [f"{'abcd'[place]}{shuffled[int(code)]}" for code in codes]
    gaps = rng.random(frame.shape) < 1 / 12
    return frame.mask(gaps)


def made(kind, seed, **options):
    """Rows and targets of a maker of scikit-learn."""
    return getattr(datasets, f"make_{kind}")(random_state=seed, **options)


DATA = {
    "breast cancer": (True, lambda: datasets.load_breast_cancer(return_X_y=True)),
    "wine": (True, lambda: datasets.load_wine(return_X_y=True)),
    "digits": (True, lambda: datasets.load_digits(return_X_y=True)),
    "classes": (True, lambda: made("classification", 1, n_samples=900, n_features=20,
                                   n_informative=8, n_redundant=4, n_classes=3,
                                   n_clusters_per_class=2, flip_y=0.05)),
    "hastie": (True, lambda: made("hastie_10_2", 2, n_samples=1000)),
    "rings": (True, lambda: made("gaussian_quantiles", 3, n_samples=900, n_features=6,
                                 n_classes=4)),
    "classes with gaps": (True, lambda: gaps("classification", 4, n_samples=900, n_features=10,
                                             n_informative=6, n_classes=2, flip_y=0.05)),
    "diabetes": (False, lambda: datasets.load_diabetes(return_X_y=True)),
    "friedman 1": (False, lambda: made("friedman1", 5, n_samples=700, noise=1.0)),
    "friedman 2": (False, lambda: made("friedman2", 6, n_samples=700, noise=100.0)),
    "friedman 1 with gaps": (False, lambda: gaps("friedman1", 7, n_samples=800, noise=1.0)),
    "sums with gaps": (False, lambda: gaps("regression", 8, n_samples=800, n_features=12,
                                           n_informative=8, noise=20.0)),
}  # fmt: skip


def gaps(kind, seed, **options):
    X, y = made(kind, seed, **options)
    return with_gaps(X, seed), y


def encoded(train, test):
    """Frames as arrays for what takes no others: values as numbers, gaps filled in."""
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    if not hasattr(train, "iloc"):
        return train, test
    texts = make_column_selector(dtype_exclude="number")
    numbers = make_column_selector(dtype_include="number")
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder = ColumnTransformer(
        [("texts", make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), one_hot),
          texts),
         ("numbers", SimpleImputer(strategy="median"), numbers)]
    )  # fmt: skip
    return encoder.fit_transform(train), encoder.transform(test)


# Contenders: rows, targets, whether these are classes, a seed -> a fitted model, its loss on the
# rows that it was chosen by, and what it chose.


NAMES = {
    True: ["random_forest_classifier", "extra_trees_classifier", "k_neighbors_classifier",
           "logistic_regression", "gradient_boosting_classifier"],
    False: ["random_forest_regressor", "extra_trees_regressor", "k_neighbors_regressor", "ridge",
            "gradient_boosting_regressor"],
}  # fmt: skip


def families(classifies):
    """The choice of sparktune's families."""
    from sparktune import hp, hpsklearn

    names = NAMES[classifies]
    return hp.choice("model", [getattr(hpsklearn, each)(f"model.{each}") for each in names])


def ours(X, y, classifies, seed, algo=None, **options):
    from sparktune import hpsklearn

    model = hpsklearn.HyperoptEstimator(
        **{"classifier" if classifies else "regressor": families(classifies)}, algo=algo, seed=seed,
        **{"max_evals": FITS, **options},
    )  # fmt: skip
    model.fit(X, y)
    return model, model.best_loss_, str(model.best_pipeline_.steps[-1][1])


def sparktune(X, y, classifies, seed):
    return ours(X, y, classifies, seed, max_evals=FITS - 12, finalists=4)


def random(X, y, classifies, seed):
    from sparktune import rand

    return ours(X, y, classifies, seed, rand.suggest, defaults_first=False, finalists=0)


def hpsklearn(X, y, classifies, seed):
    import hpsklearn as peer
    from hyperopt import hp, tpe

    # of several classes its boosted trees may draw a loss for two, which ends the whole fit
    settings = {"gradient_boosting_classifier": {"loss": "log_loss"}}
    spaces = [getattr(peer, each)(f"model.{each}", **settings.get(each, {}))
              for each in NAMES[classifies]]  # fmt: skip
    space = hp.choice("model", spaces)
    os.environ["HYPEROPT_FMIN_SEED"] = str(seed)  # its own argument is not handed on
    model = peer.HyperoptEstimator(
        **{"classifier" if classifies else "regressor": space}, algo=tpe.suggest, max_evals=FITS
    )
    try:
        model.fit(X, y, cv_shuffle=True, random_state=np.random.default_rng(seed))
    except ValueError:  # some failures of a trial end its fit: then the best so far
        model._retrain_best_model_on_full_data(X, y)
    return model, model.trials.best_trial["result"]["loss"], str(model.best_model()["learner"])


def flaml(X, y, classifies, seed):
    from flaml import AutoML

    model = AutoML()
    names = ["rf", "extra_tree", "kneighbor", "lgbm", "lrl2" if classifies else "enet"]
    model.fit(
        X, y, task="classification" if classifies else "regression", max_iter=FITS,
        time_budget=-1, n_jobs=1, estimator_list=names, eval_method="holdout",
        split_ratio=HELD, sample=False, seed=seed, verbose=0,
        metric="accuracy" if classifies else "r2",
    )  # fmt: skip
    return model, model.best_loss, str(model.model.estimator)


def halving(X, y, classifies, seed):
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV, ShuffleSplit, StratifiedShuffleSplit
    from sklearn.pipeline import Pipeline

    split = (StratifiedShuffleSplit if classifies else ShuffleSplit)(
        1, test_size=HELD, random_state=seed
    )
    rungs, factor = 3, 3  # which learn from as many rows each: c candidates from n / 9, c / 3 ...
    count = FITS * factor ** (rungs - 1) // rungs
    search = HalvingRandomSearchCV(
        Pipeline([("candidate", None)]), {"candidate": drawn(classifies, seed, count)},
        factor=factor, n_candidates=count, min_resources=len(y) // factor ** (rungs - 1), cv=split,
        random_state=seed, scoring="accuracy" if classifies else "r2", n_jobs=1,
    )  # fmt: skip
    search.fit(X, y)
    return search, -search.best_score_, str(search.best_params_["candidate"].steps[-1][1])


def drawn(classifies, seed, count):
    """Pipelines drawn at random from sparktune's ranges."""
    from sklearn.pipeline import make_pipeline

    from sparktune import Space, hpsklearn

    space = Space.of({"steps": hpsklearn.any_preprocessing("p"), "model": families(classifies)})
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        config = space.build(space.decode(space.sample(rng, 1)[0]))
        found.append(make_pipeline(*config["steps"], config["model"]))
    return found


CONTENDERS = {each.__name__: each for each in (sparktune, random, hpsklearn, flaml, halving)}


def run(names, out, only):
    """Fit and score contenders, and add a row for each to a file."""
    warnings.simplefilter("ignore")
    known = set()
    if out.exists():
        with out.open() as file:
            known = {(r["data"], r["seed"], r["contender"]) for r in csv.DictReader(file)}
    for seed in range(SEEDS):
        for data, (classifies, load) in DATA.items():
            if only and data not in only:
                continue
            X, y = load()
            train, test, y_train, y_test = train_test_split(
                X, y, test_size=0.4, random_state=seed, stratify=y if classifies else None
            )
            for name in names:
                if (data, str(seed), name) in known:
                    continue
                rows = (train, test)
                if name in ("hpsklearn", "halving"):
                    rows = encoded(train, test)
                began = time.perf_counter()
                with open(os.devnull, "w") as null, contextlib.redirect_stdout(null):  # noqa: PTH123
                    model, validation, chosen = CONTENDERS[name](rows[0], y_train, classifies, seed)
                seconds = time.perf_counter() - began
                score = metrics.accuracy_score if classifies else metrics.r2_score
                found = score(y_test, model.predict(rows[1]))
                row = [data, seed, name, f"{found:.6f}", f"{validation:.6f}", f"{seconds:.2f}",
                       chosen.split("(")[0]]  # fmt: skip
                begins = not out.exists()
                with out.open("a", newline="") as file:
                    csv.writer(file).writerows([FIELDS, row] if begins else [row])
                print(*row, flush=True)


def report(files, of):
    """Mean ranks, and the differences to one contender with their intervals."""
    from scipy.stats import rankdata

    scores = defaultdict(dict)
    seconds = defaultdict(list)
    for path in files:
        with path.open() as file:
            for row in csv.DictReader(file):
                scores[row["data"], int(row["seed"])][row["contender"]] = float(row["score"])
                seconds[row["contender"]].append(float(row["seconds"]))
    names = sorted({name for each in scores.values() for name in each})
    whole = {cell: each for cell, each in scores.items() if len(each) == len(names)}
    cells = sorted(whole)
    table = np.array([[whole[cell][name] for name in names] for cell in cells])
    ranks = np.array([rankdata(-np.round(row, 4)) for row in table])
    print(f"{len(cells)} of {len(scores)} cells have all of {', '.join(names)}")
    for place in np.argsort(ranks.mean(0)):
        print(f"{names[place]:24} mean rank {ranks[:, place].mean():.3f}   median seconds "
              f"{np.median(seconds[names[place]]):.1f}")  # fmt: skip
    rng = np.random.default_rng(0)
    data = sorted({cell[0] for cell in cells})
    rows_of = {each: [i for i, cell in enumerate(cells) if cell[0] == each] for each in data}
    for name in names:
        if name == of:
            continue
        difference = ranks[:, names.index(of)] - ranks[:, names.index(name)]
        means = []
        for _ in range(4000):
            picked = rng.choice(len(data), len(data))
            places = [rng.choice(rows_of[data[each]], len(rows_of[data[each]])) for each in picked]
            means.append(difference[np.concatenate(places)].mean())
        low, high = np.quantile(means, [0.025, 0.975])
        print(f"{of} - {name}: {difference.mean():+.3f} [{low:+.3f}, {high:+.3f}]")
    print("\nmean scores")
    for each in data:
        rows = table[rows_of[each]].mean(0)
        print(
            f"{each:22}", *(f"{name} {value:.4f}" for name, value in zip(names, rows, strict=True))
        )


def main():
    """Run contenders, or report on what they did."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("contenders", nargs="+", choices=list(CONTENDERS))
    running.add_argument("--out", type=Path, required=True)
    running.add_argument("--only", nargs="*")
    reporting = commands.add_parser("report")
    reporting.add_argument("files", nargs="+", type=Path)
    reporting.add_argument("--of", default="sparktune")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments.contenders, arguments.out, arguments.only)
    else:
        report(arguments.files, arguments.of)


if __name__ == "__main__":
    sys.exit(main())
