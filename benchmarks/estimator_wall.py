"""How much sooner is a fit of HyperoptEstimator done on Spark with two slots?

    python benchmarks/estimator_wall.py [--candidates 50] [--rows 3000] [--rounds 3]

The same candidates, drawn beforehand by their numbers, are evaluated one after another in this
process and through SparkTrials(parallelism=2) on local[2], on one thread each, in turn; Spark is up
before the clock starts. Prints the wall times of each round, their ratio, the median of the ratios
and the median time of a trial, which should be 2 s at least for the figure to mean something.
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import time
from dataclasses import dataclass
from statistics import median

import numpy as np
from measuring import machine
from sklearn.datasets import make_classification

from sparktune import SparkTrials, Trials, hp, hpsklearn


@dataclass(frozen=True)
class Drawn:
    """A suggester whose candidates are random, but the same for a number whatever happened."""

    seed: int = 0

    def suggest(self, space, history, rng, k, budget):  # noqa: ARG002
        """The candidates of the next numbers."""
        numbers = range(len(history), len(history) + k)
        return [
            space.decode(space.sample(np.random.default_rng([self.seed, number]), 1)[0])
            for number in numbers
        ]


def fitted(trials, rows, candidates):
    """Seconds that a fit took, and the estimator."""
    X, y = make_classification(rows, 30, n_informative=10, n_classes=3, random_state=0)
    space = hp.choice(
        "model",
        [
            hpsklearn.gradient_boosting_classifier(
                "model.boosting", n_estimators=hp.uniformint("model.rounds", 60, 120)
            ),
            hpsklearn.random_forest_classifier(
                "model.forest", n_estimators=hp.uniformint("model.trees", 300, 600)
            ),
        ],
    )
    estimator = hpsklearn.HyperoptEstimator(
        classifier=space, preprocessing=[], algo=Drawn(), max_evals=candidates, trials=trials,
        refit=False, defaults_first=False, finalists=0,
    )  # fmt: skip
    began = time.perf_counter()
    estimator.fit(X, y)
    return time.perf_counter() - began, estimator


def outcomes(estimator):
    """The losses of an estimator's trials, and their seconds."""
    trials = list(estimator.trials_.history)
    return [trial.loss for trial in trials], [trial.outcome.seconds for trial in trials]


def main():
    """Run the rounds and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = spark.getOrCreate()
    session.range(2).collect()
    print(machine("pyspark", "scikit-learn", "numpy"))
    ratios = []
    for _ in range(arguments.rounds):
        alone, serial = fitted(Trials(), arguments.rows, arguments.candidates)
        there, parallel = fitted(
            SparkTrials(parallelism=2), arguments.rows, arguments.candidates
        )  # fmt: skip
        losses, seconds = outcomes(serial)
        if losses != outcomes(parallel)[0]:
            raise SystemExit("the candidates were not the same")
        ratios.append(there / alone)
        print(
            f"serial {alone:.1f} s, Spark {there:.1f} s, ratio {ratios[-1]:.3f}, median trial "
            f"{median(seconds):.2f} s alone"
        )
    print(f"median ratio {median(ratios):.3f}")
    session.stop()


if __name__ == "__main__":
    main()
