"""How much trial time do pruning rules save, beside Optuna's pruners and Ray Tune's ASHA rule?

    pip install optuna==5.0.0 "ray[tune]"        # what is missing is left out
    python benchmarks/pruning.py [--half dev] [--seeds 20] [--jobs 2] [--only none,asha] \
        [--out runs.jsonl]

Learning curves of real training (curve_tables.py, made by make_curves.py) are played back: eight
slots, every trial takes the seconds that its configuration really took, reports after each step,
and is stopped at once where the rule says so; a free slot is given the next candidate. The time of
proposing is not counted. Optuna's pruners run with its own TPE, all else with sparktune's.

The *target* of a table is the median final loss of sparktune's own search without pruning after
``--trials`` trials. A run's *cost* is the trial-seconds of all trials, those under way too, until a
trial that ran to its end has a loss at or below the target; a run that does not get there within
three times the trial-seconds of a mean run without pruning costs that much. The *ratio* of a rule
is the geometric mean over seeds of its cost over that of the search without pruning from the same
seed; intervals hold 95 % of bootstrap samples of seeds. Below 1 is better.
"""
# ruff: noqa: E402 (threads are limited before numpy is imported)

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import dataclasses
import heapq
import importlib.util
import json
import math
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np
from curve_tables import HALVES, space_of, suggested, table

from sparktune import TPE, Bayes, History, Outcome, Status, TrialPruned, Tuner, prune

SLOTS = 8


class Ours:
    """sparktune's search, with a rule of its own or of somebody else.

    ``of_length`` makes the rule from the steps of a whole trial, where it needs that.
    """

    def __init__(self, rule=None, algo=None, of_folds=False, of_length=None):
        self.rule, self.algo, self.of_folds = rule, algo, of_folds
        self.of_length = of_length or (lambda _: rule)

    def start(self, name, seed):
        rule = self.of_length(table(name).curves.shape[1])
        self.tuner = Tuner(space_of(name), self.algo or TPE(), rstate=seed, pruner=rule)
        return self

    def ask(self):
        candidate = self.tuner.ask()
        return candidate, candidate.config

    def report(self, candidate, step, value):
        return self.tuner.report(candidate, step, value)

    def end(self, candidate, loss):
        self.tuner.tell(candidate, TrialPruned() if loss is None else loss)


class Optunas:
    """Optuna's TPE with one of its pruners, by name."""

    def __init__(self, pruner):
        self.pruner = pruner

    def start(self, name, seed):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        limits = {}
        if self.pruner == "HyperbandPruner":
            limits = {"min_resource": 1, "max_resource": table(name).curves.shape[1]}
        self.name = name
        self.study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=seed),
            pruner=getattr(optuna.pruners, self.pruner)(**limits),
        )
        return self

    def ask(self):
        trial = self.study.ask()
        return trial, suggested(self.name, trial)

    def report(self, trial, step, value):
        trial.report(value, step)
        return trial.should_prune()

    def end(self, trial, loss):
        import optuna

        if loss is None:
            self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            self.study.tell(trial, loss)


class RaysAsha:
    """The decision of Ray Tune's AsyncHyperBandScheduler, as a rule for sparktune."""

    def __init__(self, steps):
        from ray.tune.schedulers.async_hyperband import _Bracket

        self.bracket = _Bracket(min_t=1, max_t=steps, reduction_factor=4, s=0)

    def stops(self, history, number):
        step, value = history.last_report(number)
        trial = type("Trial", (), {"trial_id": number})()
        return self.bracket.on_result(trial, step, -value) == "STOP"


class LeavingOut:
    """A suggester that is shown pruned trials as if they had been cancelled."""

    def __init__(self, inner):
        self.inner = inner

    def suggest(self, space, history, rng, k, budget=None):
        left_out, shown = Outcome(Status.CANCELLED), History(space)
        shown.extend(
            dataclasses.replace(trial, outcome=left_out) if trial.status is Status.PRUNED else trial
            for trial in history
        )
        return self.inner.suggest(space, shown, rng, k, budget)


def asha(share, algo=None, **settings):
    """ASHA with its first rung at 1/share of a trial's steps."""
    return Ours(
        algo=algo,
        of_length=lambda steps: prune.asha(min_steps=math.ceil(steps / share), **settings),
    )


CONTENDERS = {
    "none": Ours(None),
    "asha": Ours(prune.asha()),
    "asha eta=2": Ours(prune.asha(eta=2)),
    "asha 1/9": asha(9),
    "asha 1/9 eta=2": asha(9, eta=2),
    "asha 1/6": asha(6),
    "asha 1/3": asha(3),
    "hyperband": Ours(of_length=lambda steps: prune.hyperband(max_steps=steps)),
    "median": Ours(prune.median()),
    "percentile 25": Ours(prune.percentile(25)),
    "patient median": Ours(prune.patient(3, rule=prune.median())),
    "wilcoxon": Ours(prune.wilcoxon(), of_folds=True),
    "Ray's ASHA rule": Ours(of_length=RaysAsha),
    "Optuna none": Optunas("NopPruner"),
    "Optuna SuccessiveHalving": Optunas("SuccessiveHalvingPruner"),
    "Optuna Hyperband": Optunas("HyperbandPruner"),
    "Optuna Median": Optunas("MedianPruner"),
    "asha 1/9 left out": asha(9, LeavingOut(TPE())),
    "gp none": Ours(None, Bayes()),
    "gp asha 1/9": asha(9, Bayes()),
    "gp asha 1/9 left out": asha(9, LeavingOut(Bayes())),
}
DEFAULT = [name for name in CONTENDERS if not name.startswith("gp")]


def available(name):
    needs = {"Opt": "optuna", "Ray": "ray"}.get(name[:3])
    return needs is None or importlib.util.find_spec(needs) is not None


def play(name, contender, seed, most_seconds, most_trials=10**9, target=-np.inf):
    """Play one run back: (trial-seconds so far, best final loss) after each trial that ended ok.

    The run ends at the target, after so many trial-seconds, or when so many trials have ended.
    """
    of, run = table(name), contender.start(name, seed)
    reported = of.folds if getattr(contender, "of_folds", False) and of.folds is not None else None
    reported = of.curves if reported is None else reported
    steps, events, found, best, taken = of.curves.shape[1], [], [], np.inf, set()

    def begin(now):
        if len(taken) < min(most_trials, len(of.final)):
            handle, values = run.ask()
            row = of.row(values, taken)
            taken.add(row)
            heapq.heappush(events, (now + of.seconds[row, 0], len(taken), handle, row, 1))

    for _ in range(SLOTS):
        begin(0.0)
    while events:
        now, order, handle, row, step = heapq.heappop(events)
        if now * SLOTS > most_seconds:
            break
        stop = run.report(handle, step, float(reported[row, step - 1]))
        if step == steps:
            run.end(handle, float(of.final[row]))
            best = min(best, float(of.final[row]))
            found.append((now * SLOTS, best))
            if best <= target:
                break
        elif stop:
            run.end(handle, None)
        else:
            heapq.heappush(events, (now + of.seconds[row, step], order, handle, row, step + 1))
            continue
        begin(now)
    return found, len(taken)


def run_one(name, contender, seed, *limits):
    np.random.seed(seed)  # noqa: NPY002 (of other libraries)
    found, begun = play(name, CONTENDERS[contender], seed, *limits)
    return {"table": name, "contender": contender, "seed": seed, "found": found, "begun": begun}


def cost(found, target, most):
    return next((seconds for seconds, best in found if best <= target), most)


def perform(pool, tasks, known, out):
    """Run what is not known yet, and keep it."""
    todo = [task for task in tasks if str(task) not in known]
    futures = {pool.submit(run_one, *task): task for task in todo}
    for count, future in enumerate(as_completed(futures), 1):
        known[str(futures[future])] = future.result()
        if out:
            with Path(out).open("a") as file:
                line = {"task": str(futures[future]), "run": future.result()}
                file.write(json.dumps(line) + "\n")
        print(f"\r{count} of {len(todo)} runs", end="", file=sys.stderr)
    return [known[str(task)] for task in tasks]


def interval(logs, rng):
    means = rng.choice(logs, (2000, len(logs))).mean(1)
    return [float(np.exp(x)) for x in (logs.mean(), *np.quantile(means, [0.025, 0.975]))]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=HALVES, default="dev")
    parser.add_argument("--tables", default="", help="names with commas, instead of a half")
    parser.add_argument("--only", default="", help="names of contenders, with commas")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=30, help="of a run that sets the target")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", help="a file of JSON lines that keeps runs")
    args = parser.parse_args()
    names = args.tables.split(",") if args.tables else HALVES[args.half]
    contenders = [
        name
        for name in (args.only.split(",") if args.only else DEFAULT)
        if available(name) and name != "none"
    ]
    known = {}
    if args.out and Path(args.out).exists():
        lines = map(json.loads, Path(args.out).read_text().splitlines())
        known = {line["task"]: line["run"] for line in lines}
    seeds, ratios, rng = range(args.seeds), {}, np.random.default_rng(0)
    shares = {}
    with ProcessPoolExecutor(args.jobs) as pool:
        whole = perform(
            pool, [(n, "none", s, 1e9, args.trials) for n in names for s in seeds], known, args.out
        )
        target, most = {}, {}
        for name in names:
            runs = [run["found"] for run in whole if run["table"] == name]
            target[name] = float(np.median([found[-1][1] for found in runs]))
            most[name] = 3 * float(np.mean([found[-1][0] for found in runs]))
        tasks = [
            (n, c, s, most[n], 10**9, target[n])
            for n in names
            for c in ["none", *contenders]
            for s in seeds
        ]
        for run in perform(pool, tasks, known, args.out):
            key = run["table"], run["contender"]
            spent = cost(run["found"], target[run["table"]], most[run["table"]])
            ratios.setdefault(key, []).append(np.log(spent))
            shares.setdefault(key, []).append(spent < most[run["table"]])
    print(f"\n{args.seeds} seeds; ratios of trial-seconds to the target, and their intervals\n")
    print("| contender | " + " | ".join(names) + " | all |")
    print("|---|" + "---|" * (len(names) + 1))
    for contender in contenders:
        cells, logs = [], []
        for name in names:
            each = np.subtract(ratios[name, contender], ratios[name, "none"])
            logs.append(each)
            missed = args.seeds - sum(shares[name, contender])
            cells.append(
                "{:.2f} ({:.2f} to {:.2f})".format(*interval(each, rng))
                + (f", {missed} missed" if missed else "")
            )
        cells.append("**{:.2f}** ({:.2f} to {:.2f})".format(*interval(np.mean(logs, 0), rng)))
        print(f"| {contender} | " + " | ".join(cells) + " |")
    for name in names:
        missed = args.seeds - sum(shares[name, "none"])
        print(f"\n{name}: target {target[name]:.4g}, {missed} of none missed it", end="")
    print()


if __name__ == "__main__":
    main()
