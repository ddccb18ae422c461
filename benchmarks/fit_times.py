"""How long does a batch of 8 candidates take, by surrogate and number of finished trials?

    pip install optuna==5.0.0 torch smac
    python benchmarks/fit_times.py [--dims 10] [--sizes 32,128,512,1000] [--repeats 5] [--peers]

The space has ``dims`` uniform labels, the losses are a smooth function with little noise, and all
trials are finished. A time is the median over repeats, of other trials each, of one suggestion of 8
candidates from a history, in milliseconds, on one thread. With --peers the same is asked of
Optuna's GPSampler (8 times ask, the earlier ones pending) in the same run; the column behind it is
how many times sparktune's GP is faster. Prints Markdown.
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import time
import warnings
from functools import partial

import numpy as np

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.auto import Auto
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.tpe import TPE

K = 8
OURS = {"gp": Bayes(), "forest": Bayes("forest"), "tpe": TPE(), "auto": Auto()}


def losses(X, rng):
    return ((X - 0.4) ** 2).sum(1) + np.sin(5 * X[:, 0]) + 0.01 * rng.normal(size=len(X))


def time_ours(suggester, dims, n, seed):
    space = Space({f"x{j}": hp.uniform(f"x{j}", 0, 1) for j in range(dims)})
    rng = np.random.default_rng(seed)
    X = space.sample(rng, n)
    history = History(space)
    for row, loss in zip(X, losses(X, rng), strict=True):
        (trial,) = history.start([space.decode(row)], 0.0)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=float(loss)))
    began = time.perf_counter()
    suggester.suggest(space, history, rng, K, None)
    return time.perf_counter() - began


def time_optuna(dims, n, seed):
    import optuna
    import torch

    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    scale = {f"x{j}": optuna.distributions.FloatDistribution(0, 1) for j in range(dims)}
    rng = np.random.default_rng(seed)
    X = rng.random((n, dims))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(sampler=optuna.samplers.GPSampler(seed=seed))
        for row, loss in zip(X, losses(X, rng), strict=True):
            params = dict(zip(scale, map(float, row), strict=True))
            study.add_trial(
                optuna.trial.create_trial(params=params, distributions=scale, value=float(loss))
            )
        began = time.perf_counter()
        for _ in range(K):
            trial = study.ask()
            for label in scale:
                trial.suggest_float(label, 0, 1)
        return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dims", type=int, default=10)
    parser.add_argument("--sizes", default="32,64,128,256,512,1000")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    args = parser.parse_args()
    timers = {name: partial(time_ours, suggester) for name, suggester in OURS.items()}
    if args.peers:
        timers["optuna-gp"] = time_optuna
    for timer in timers.values():
        timer(args.dims, 32, 0)  # what is imported and made once
    print("| finished trials | " + " | ".join(timers) + (" | times |" if args.peers else " |"))
    print("|--:|" + "--:|" * (len(timers) + args.peers))
    for n in map(int, args.sizes.split(",")):
        found = {name: [] for name in timers}
        for seed in range(args.repeats):
            for name, timer in timers.items():
                found[name].append(1000 * timer(args.dims, n, seed))
        medians = {name: float(np.median(every)) for name, every in found.items()}
        cells = [f"{value:.1f}" for value in medians.values()]
        if args.peers:
            cells.append(f"{medians['optuna-gp'] / medians['gp']:.1f}")
        print(f"| {n} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
