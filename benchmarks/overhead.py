"""What does the tuner itself cost a trial, beside Hyperopt's?

    python benchmarks/overhead.py [--trials 1000] [--repeats 7] [--long 2500,5000]

Needs Hyperopt, which the extra `peers` brings. Each round runs every contender once, so that a
ratio compares what ran side by side; shown are medians over rounds, and the median of a round's
ratios to Hyperopt. One thread, no Spark. Three parts:

- fmin with random search and an objective of no time, in this process, in microseconds a trial:
  `sparktune`, and `sparktune.hyperopt` with its live documents;
- a search space built and sampled once (`pyll.stochastic.sample`), in microseconds;
- fmin of `sparktune.hyperopt` with more and more trials: where a trial costs the same however many
  there are, twice the trials take twice as long.

Prints Markdown.
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import importlib
import time
from statistics import median

import numpy as np
from measuring import machine

LIBRARIES = ("hyperopt", "sparktune.hyperopt", "sparktune")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--long", default="2500,5000")
    args = parser.parse_args()
    print(machine("numpy", "hyperopt"))
    libraries = {name: importlib.import_module(name) for name in LIBRARIES}
    runs = {
        name: (lambda each=each: fmin_of(each, args.trials) / args.trials)
        for name, each in libraries.items()
    }
    show(f"fmin, {args.trials:,} trials", rounds(runs, args.repeats))
    for space in (four, nested, twenty):
        runs = {
            name: (lambda name=name, space=space: sampling(name, space)) for name in LIBRARIES[:2]
        }
        show(f"Build and sample: {space.__doc__}", rounds(runs, args.repeats))
    for number in map(int, args.long.split(",")):
        run = {LIBRARIES[1]: lambda n=number: fmin_of(libraries[LIBRARIES[1]], n) / n}
        show(f"fmin, {number:,} trials", rounds(run, args.repeats))


def rounds(runs, repeats):
    """Name to seconds of each round; one round before the first warms up."""
    found = {name: [] for name in runs}
    for number in range(repeats + 1):
        for name, run in runs.items():
            seconds = run()
            if number:
                found[name].append(seconds)
    return found


def show(title, found):
    """Print the table of a part."""
    print(f"\n| {title} | microseconds | times as fast as Hyperopt |\n|---|---:|---:|")
    for name, seconds in found.items():
        ratio = ""
        if "hyperopt" in found:
            ratios = [a / b for a, b in zip(found["hyperopt"], seconds, strict=True)]
            ratio = f"{median(ratios):.1f}"
        print(f"| `{name}` | {1e6 * median(seconds):,.0f} | {ratio} |", flush=True)


def fmin_of(library, trials):
    """Seconds of a run."""
    space = four(library.hp, scope_of(library))
    began = time.perf_counter()
    library.fmin(
        lambda config: config["x"] ** 2, space, algo=library.rand.suggest, max_evals=trials,
        trials=library.Trials(), rstate=np.random.default_rng(0), show_progressbar=False,
        verbose=False,
    )  # fmt: skip
    return time.perf_counter() - began


def scope_of(library):
    """Where a library has its functions of expressions."""
    return library.scope if hasattr(library, "scope") else library.pyll.scope


def sampling(name, space, times=200):
    """Seconds to build a space and draw from it."""
    library = importlib.import_module(name)
    sample = importlib.import_module(f"{name}.pyll.stochastic").sample
    hp, scope, rng = library.hp, scope_of(library), np.random.default_rng(0)
    began = time.perf_counter()
    for _ in range(times):
        sample(space(hp, scope), rng=rng)
    return (time.perf_counter() - began) / times


def four(hp, scope):
    """Four labels."""
    return {
        "x": hp.uniform("x", -3, 3),
        "rate": hp.loguniform("rate", -7, 0),
        "layers": scope.int(hp.quniform("layers", 1, 10, 1)),
        "kind": hp.choice("kind", ["a", "b", "c"]),
    }


def nested(hp, scope):
    """A choice of three models, 14 labels."""
    svm = {
        "type": "svm",
        "C": hp.lognormal("C", 0, 1),
        "kernel": hp.choice("kernel", ["linear", {"width": hp.lognormal("width", 0, 1)}]),
    }
    forest = {
        "type": "forest",
        "trees": scope.int(hp.quniform("trees", 10, 500, 10)),
        "depth": hp.randint("depth", 10),
        "criterion": hp.choice("criterion", ["gini", "entropy"]),
    }
    network = {
        "type": "network",
        "rate": hp.loguniform("rate", -9, 0),
        "layers": hp.choice("layers", [1, 2, 3]),
        "drop": hp.uniform("drop", 0, 0.5),
        "decay": hp.loguniform("decay", -12, -2),
        "batch": hp.quniform("batch", 16, 256, 16),
        "momentum": hp.uniform("momentum", 0, 1),
    }
    return hp.choice("model", [svm, forest, network])


def twenty(hp, _scope):
    """20 real numbers."""
    return {f"x{i}": hp.uniform(f"x{i}", 0, 1) for i in range(20)}


if __name__ == "__main__":
    main()
