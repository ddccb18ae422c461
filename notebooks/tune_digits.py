"""Choose and tune a classifier for scikit-learn's handwritten digits on Spark.

    python notebooks/tune_digits.py
    spark-submit --properties-file conf/local.conf notebooks/tune_digits.py

Each trial is a Spark task that cross-validates one configuration: k nearest neighbours or a support
vector machine, each with hyperparameters of its own.
"""

import argparse

from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from sparktune import STATUS_OK, SparkTrials, fmin, hp, space_eval, tpe

X, y = load_digits(return_X_y=True)
FOLDS = StratifiedKFold(n_splits=3, shuffle=True, random_state=0)

SPACE = hp.choice(
    "classifier",
    [
        {
            "kind": "knn",
            "n_neighbors": hp.uniformint("n_neighbors", 3, 10),
            "algorithm": hp.choice("algorithm", ["ball_tree", "kd_tree"]),
            "leaf_size": hp.uniformint("leaf_size", 1, 49),
            "metric": hp.choice("metric", ["euclidean", "manhattan", "chebyshev", "minkowski"]),
        },
        {
            "kind": "svc",
            "C": hp.loguniform("C", -4.6, 25.3),  # 1e-2 to 1e11
            "kernel": hp.choice("kernel", ["rbf", "poly", "sigmoid"]),
            "degree": hp.uniformint("degree", 1, 14),
            "gamma": hp.loguniform("gamma", -20.7, 6.9),  # 1e-9 to 1e3
        },
    ],
)


def classifier(config):
    """The classifier of a configuration."""
    settings = {key: value for key, value in config.items() if key != "kind"}
    if config["kind"] == "knn":
        return KNeighborsClassifier(**settings)
    return SVC(**settings, max_iter=100_000)


def objective(config):
    """One minus the accuracy in cross-validation."""
    accuracy = cross_val_score(classifier(config), X, y, cv=FOLDS).mean()
    return {"loss": 1 - accuracy, "status": STATUS_OK, "accuracy": accuracy}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-evals", type=int, default=100)
    parser.add_argument("--parallelism", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    trials = SparkTrials(parallelism=args.parallelism)
    best = fmin(
        objective,
        SPACE,
        algo=tpe.suggest,
        max_evals=args.max_evals,
        trials=trials,
        rstate=args.seed,
    )
    print(f"trials: {trials.count_successful_trials()} ok, {trials.count_failed_trials()} failed")
    for number, error in list(trials.errors().items())[:3]:
        print(f"  trial {number}: {error.strip().splitlines()[-1]}")
    print(f"best configuration: {space_eval(SPACE, best)}")
    print(f"cross-validated accuracy: {trials.best_trial['result']['accuracy']:.4f}")


if __name__ == "__main__":
    main()
