"""What does a choice of many options cost, to declare and in each method?

    python benchmarks/many_options.py [--options 10,10000,100000] [--trials 200] [--repeats 5]

The space is one choice and three numbers, and all trials are finished. Times are medians over
repeats, in milliseconds, on one thread: to declare the choice, to make the space of it, to draw a
candidate and encode it, and for each method to propose a batch of 8. The last column is the largest
memory of the process in MB, so far. Prints Markdown.
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import resource
import time

import numpy as np

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.anneal import Anneal
from sparktune.suggest.auto import Auto
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.random import Random
from sparktune.suggest.tpe import TPE

K = 8
METHODS = {
    "random": Random(),
    "anneal": Anneal(),
    "tpe": TPE(),
    "forest": Bayes("forest"),
    "gp": Bayes(),
    "auto": Auto(),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--options", default="10,10000,100000")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    columns = ["options", "declare", "space", "draw", *METHODS, "MB"]
    print("|", " | ".join(columns), "|")
    print("|", " | ".join("---:" for _ in columns), "|")
    for number in map(int, args.options.split(",")):
        rows = [times(number, args.trials, seed) for seed in range(args.repeats + 1)]
        shown = [f"{1000 * each:,.1f}" for each in np.median(rows[1:], axis=0)]  # one to warm up
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print("|", " | ".join([f"{number:,}", *shown, f"{most:.0f}"]), "|", flush=True)


def times(number, trials, seed):
    """Seconds of each column."""
    found = []

    def timed(call):
        began = time.perf_counter()
        result = call()
        found.append(time.perf_counter() - began)
        return result

    choice = timed(lambda: hp.choice("c", range(number)))
    numbers = [hp.uniform("u", 0, 1), hp.lognormal("l", 0, 1), hp.uniformint("i", 1, 9)]
    space = timed(lambda: Space([choice, *numbers]))
    rng = np.random.default_rng(seed)
    timed(lambda: space.encode(space.decode(space.sample(rng, 1)[0])))
    history = History(space)
    for row in space.sample(rng, trials):
        (trial,) = history.start([space.decode(row)], 0.0)
        loss = np.sin(row[0]) + row[1] ** 2 + 0.1 * row[2]
        history.finish(trial.number, 0, Outcome(Status.OK, loss=float(loss)))
    for method in METHODS.values():
        timed(lambda method=method: method.suggest(space, history, rng, K, None))
    return found


if __name__ == "__main__":
    main()
