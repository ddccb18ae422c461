"""How long does importance take, and do its answers have the known order, beside Optuna's?

    pip install optuna==5.0.0
    python benchmarks/importance.py [--trials 10000] [--labels 32] [--repeats 5] [--runs 20]

The trials are flat and drawn at random, and the loss is a sum of squares of which each has half the
weight of the one before. *Time*: PED-ANOVA of these trials, one thread, median over repeats, by
sparktune and by Optuna's PedAnovaImportanceEvaluator on the same trials in turn; and our three
methods on 1,000 trials of 10 labels. *Order*: over runs of 200 trials of 8 labels, by other seeds,
drawn at random and by TPE in batches of 4, the rank correlation (Kendall's tau) of the shares with
the known ones, how often the first label is first, and the share that labels get which the loss
does not depend on: the last 4 of the 8. Prints Markdown.
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import statistics
import time
import warnings
from functools import partial

import numpy as np
from measuring import machine
from scipy.stats import kendalltau

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.importance import importance
from sparktune.space.tree import Space
from sparktune.suggest.random import Random
from sparktune.suggest.tpe import TPE


def trials_of(n, d, seed, active, searched=False):
    """Ours and Optuna's record of the same n trials, of which the loss depends on some labels."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    rng = np.random.default_rng(seed)
    names = [f"x{j}" for j in range(d)]
    space = Space({name: hp.uniform(name, 0, 1) for name in names})
    history = History(space)
    while len(history) < n:
        suggester = TPE() if searched else Random()
        for trial in history.start(suggester.suggest(space, history, rng, 4, n), 0.0):
            row = np.array([trial.values[name] for name in names])
            loss = float(((row - 0.4) ** 2)[:active] @ 0.5 ** np.arange(active))
            history.finish(trial.number, 0, Outcome(Status.OK, loss=loss))
    X, y = history.X, history.y
    study = optuna.create_study()
    scale = {name: optuna.distributions.FloatDistribution(0, 1) for name in names}
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=dict(zip(names, row, strict=True)), distributions=scale, value=loss
            )
            for row, loss in zip(X.tolist(), y.tolist(), strict=True)
        ]
    )
    return history, study


def optunas(study):
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    return get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())


def seconds(task):
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def times(n, d, repeats):
    history, study = trials_of(n, d, 0, d)
    pairs = [
        (seconds(lambda: importance(history, "ped-anova")), seconds(lambda: optunas(study)))
        for _ in range(repeats)
    ]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(
        f"| PED-ANOVA, {n:,} trials of {d} labels | {ours:.3f} s | {theirs:.3f} s | {ratio:.1f} |"
    )


def times_of_methods(repeats):
    history, _ = trials_of(1000, 10, 0, 5)
    for method in ("sobol", "ped-anova", "ablation"):
        more = {"default": dict.fromkeys(history.space.labels, 0.9)} if method == "ablation" else {}
        asked = partial(importance, history, method, **more)
        took = statistics.median(seconds(asked) for _ in range(repeats))
        print(f"| {method}, 1,000 trials of 10 labels | {took:.3f} s | | |")


def orders(runs):
    d, active = 8, 4
    known = np.concatenate([0.25 ** np.arange(active), np.zeros(d - active)])
    print("\n| trials | | tau with the known shares | first is first | share without effect |")
    print("|---|---|---|---|---|")
    for searched, words in ((False, "at random"), (True, "of a search")):
        answers = {"sobol": [], "ped-anova": [], "Optuna's PED-ANOVA": []}
        for seed in range(runs):
            history, study = trials_of(200, d, seed, active, searched)
            for name, found in (
                ("sobol", importance(history, "sobol")),
                ("ped-anova", importance(history, "ped-anova")),
                ("Optuna's PED-ANOVA", optunas(study)),
            ):
                shares = np.array([found[f"x{j}"] for j in range(d)])
                tau = kendalltau(known, shares).statistic if shares.std() else 0.0
                answers[name].append((tau, shares.argmax() == 0, shares[active:].sum()))
        for name, rows in answers.items():
            tau, first, without = np.mean(rows, axis=0)
            print(f"| {words} | {name} | {tau:.2f} | {first:.0%} | {without:.1%} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--labels", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--runs", type=int, default=20)
    args = parser.parse_args()
    print("| | sparktune | Optuna | times faster |\n|---|---|---|---|")
    times(args.trials, args.labels, args.repeats)
    times_of_methods(args.repeats)
    orders(args.runs)
    print(f"\n{machine('numpy', 'scipy', 'optuna')}")


if __name__ == "__main__":
    main()
