"""What does an objective cost that captures a large array?

    python benchmarks/big_objective.py [--mb 100] [--trials 40] [--parallelism 2]

Compares, on local Spark in one process: an objective that captures nothing, one that captures the
array and runs under sparktune, and the same array shipped with each job, as tuners do that pickle
the objective anew for every trial. Counts how often the array is pickled and unpickled, and the
bytes that the array's pickles add up to.
"""

import argparse
import os
import statistics
import time

import numpy as np

from sparktune import SparkTrials, fmin, hp, rand


class Array:
    """A large array that counts how often it is pickled; its copies know where they were made."""

    def __init__(self, mb):
        self.data = np.random.default_rng(0).random(int(mb * 2**20 / 8))
        self.pickles = 0
        self.loads = 0

    def __getstate__(self):
        self.pickles += 1
        return {"data": self.data}

    def __setstate__(self, state):
        self.data, self.loads = state["data"], 1


def nothing_captured(x):
    return {"loss": x, "pid": os.getpid()}


def objective_with(array):
    def objective(x):
        fresh, array.loads = array.loads, 0
        return {"loss": x + float(array.data[0]), "pid": os.getpid(), "fresh": fresh}

    return objective


def tuned(objective, n, parallelism):
    """Seconds a trial, with all that the run ships and loads, and the results."""
    trials = SparkTrials(parallelism)
    began = time.perf_counter()
    fmin(
        objective, hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=n, trials=trials,
        show_progressbar=False,
    )  # fmt: skip
    return (time.perf_counter() - began) / n, trials.results


def in_each_job(objective, n):
    """Median seconds of a job that ships the objective with its closure."""
    context = SparkTrials(1).session.sparkContext
    seconds = []
    for i in range(n):
        began = time.perf_counter()
        context.parallelize([i / n], 1).map(objective).collect()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=100)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--parallelism", type=int, default=2)
    args = parser.parse_args()

    tuned(nothing_captured, 20, args.parallelism)  # warms the JVM
    plain, _ = tuned(nothing_captured, args.trials, args.parallelism)
    array = Array(args.mb)
    seconds, results = tuned(objective_with(array), args.trials, args.parallelism)
    loads = sum(result["fresh"] for result in results)
    workers = len({result["pid"] for result in results})
    print(f"array of {args.mb:g} MB, {args.trials} trials, parallelism {args.parallelism}")
    print(f"nothing captured:       {1000 * plain:7.0f} ms a trial")
    print(f"array captured:         {1000 * seconds:7.0f} ms a trial, all shipping included")
    print(f"  pickled {array.pickles} times a run = {array.pickles * args.mb:g} MB sent")
    print(f"  unpickled {loads} times by {workers} worker processes in {args.trials} trials")
    each = in_each_job(objective_with(array), max(3, args.trials // 8))
    print(f"shipped with each job:  {1000 * each:7.0f} ms a trial, {args.mb:g} MB each")


if __name__ == "__main__":
    main()
