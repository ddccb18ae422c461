"""What is known of the training objectives: tables/training.json, made by long searches.

    python benchmarks/make_training.py [--jobs 2] [--problems svr-curve-squares,...]

Of each problem of problems_training.py:

    usual       what random search's best of 128 is worth: the median of 400 runs, each of them 128
                of 512 random configurations that were evaluated once
    observed    the lowest of the first n losses of these runs, for each n: medians
    optimum     the lowest worth of all configurations that were looked at closely: the best of the
                random ones, and the best of a run of TPE and one of the Gaussian process, of 256
                evaluations each, by their losses and by what the process believes
    lowest      the lowest loss of a single evaluation

Problems that are not asked for keep what the file has of them.
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed

import numpy as np
from contenders import Evaluations, searched
from problems_training import REFERENCES, TRAINING

from sparktune import hp
from sparktune.space.tree import Space
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.tpe import TPE

RANDOM, RUN, RUNS = 512, 128, 400
SEARCH, BATCH, LOOKED_AT = 256, 8, 5
SEED = 900_000  # of evaluations that no contender sees


def known_of(name):
    """What the file says of a problem."""
    problem = TRAINING[name]
    space = Space(problem.space(hp))
    rng = np.random.default_rng(SEED)
    rows = space.sample(rng, RANDOM)
    observe = Evaluations(problem, SEED)
    losses = np.array([observe(space.build(space.decode(row))) for row in rows])
    orders = np.array([rng.permutation(RANDOM)[:RUN] for _ in range(RUNS)])
    lowest = np.minimum.accumulate(losses[orders], axis=1)
    best = orders[np.arange(RUNS), losses[orders].argmin(1)]
    worth = {int(i): worth_of(problem, space, rows[i]) for i in np.unique(best)}
    looked_at, seen = list(worth.values()), [losses.min()]
    for seed, method in enumerate((TPE(), Bayes()), 1):
        evaluate = Evaluations(problem, SEED + seed)
        history, _ = searched(evaluate, method, BATCH, SEARCH // BATCH, [SEED, seed])
        chosen = set(np.argsort(history.y, kind="stable")[:LOOKED_AT].tolist())
        believed = Bayes().fit(space, history, rng).predict(history.X)[0][0]
        chosen |= set(np.argsort(believed, kind="stable")[:LOOKED_AT].tolist())
        looked_at += [worth_of(problem, space, history.X[i]) for i in chosen]
        seen.append(history.y.min())
    return {
        "usual": rounded(np.median([worth[int(i)] for i in best])),
        "optimum": rounded(min(looked_at)),
        "lowest": rounded(min(seen)),
        "observed": [rounded(each) for each in np.median(lowest, axis=0)],
    }


def worth_of(problem, space, row):
    return problem.worth(space.build(space.decode(row)))


def rounded(number):
    return float(f"{number:.6g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--problems", default=",".join(TRAINING))
    args = parser.parse_args()
    with ProcessPoolExecutor(args.jobs) as pool:
        futures = {pool.submit(known_of, name): name for name in args.problems.split(",")}
        for done, future in enumerate(as_completed(futures), 1):
            known = json.loads(REFERENCES.read_text()) if REFERENCES.exists() else {}
            known[futures[future]] = future.result()
            ordered = {name: known[name] for name in TRAINING if name in known}
            lines = ",\n".join(f'"{name}": {json.dumps(each)}' for name, each in ordered.items())
            REFERENCES.write_text(f"{{\n{lines}\n}}\n")
            print(f"{done}/{len(futures)} {futures[future]}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
