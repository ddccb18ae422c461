"""Do two checkouts of sparktune propose the same candidates?

    git worktree add /tmp/old COMMIT
    python benchmarks/same_candidates.py /tmp/old . [--spark]

Each checkout runs in a process of its own on this machine: every suggester on every space, with
histories of several lengths (failed, pending and cancelled trials among them) and budgets, then
whole runs of ``fmin``: serial, with batch=8 serially and in processes, and with --spark on local
Spark. Every value and loss is compared exactly. Exits with 1 where one differs. A restructuring has
to keep all of them on one machine; on two machines linear algebra may differ in the last digits.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

LENGTHS = (0, 7, 30, 64, 150)
BUDGETS = (None, 60, 400)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--spark", action="store_true", help="whole runs on local Spark, too")
    args = parser.parse_args()
    found = [answers_of(checkout.resolve(), args.spark) for checkout in (args.old, args.new)]
    differing = sorted(name for name in {*found[0], *found[1]} if not same(name, *found))
    for name in differing:
        print(f"differs: {name}")
    print(f"{len(found[0])} comparisons, {len(differing)} differ")
    sys.exit(bool(differing) or not found[0])


def same(name, old, new):
    return name in old and name in new and old[name] == new[name]


def answers_of(checkout, spark):
    """What a checkout answers: name to candidates, as JSON gives them back."""
    command = [sys.executable, __file__, "--answers", *(["--spark"] if spark else [])]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def answers(spark):
    """What the sparktune on the path answers."""
    import numpy as np

    from sparktune.space.tree import Space

    found = {}
    for space_name, template in spaces().items():
        space = Space(template)
        for n in LENGTHS:
            history = history_of(space, n)
            for budget in BUDGETS:
                for name, suggester in suggesters().items():
                    rng = np.random.default_rng([n, budget or 0])
                    drawn = suggester.suggest(space, history, rng, 5, budget)
                    key = f"{name} on {space_name}, {n} trials, budget {budget}"
                    found[key] = [dict(values) for values in drawn]
    return {**found, **runs(spark)}


def spaces():
    from sparktune import hp, scope

    return {
        "flat": [hp.uniform("x", -1, 1), hp.loguniform("lr", -9, 0), hp.normal("z", 1, 2)],
        "mixed": {
            "n": scope.int(hp.quniform("n", 1, 9, 2)),
            "c": hp.choice("c", ["a", "b", "c"]),
            "r": hp.randint("r", 5),
            "q": hp.qlognormal("q", 0, 1, 0.5),
            "w": hp.qloguniform("w", -2, 3, 1),
            "l": hp.lognormal("l", 0, 1),
        },
        "tree": hp.choice(
            "m",
            [
                {"k": hp.uniformint("k", 1, 3), "s": hp.uniform("s", 0, 1)},
                {"x": hp.normal("x", 0, 1), "d": hp.choice("d", [1, hp.uniform("u", 0, 1)])},
                "plain",
            ],
        ),
        "prior": [
            hp.pchoice("p", [(0.7, "a"), (0.3, hp.uniform("y", 0, 1))]),
            hp.randint("i", 2, 9),
        ],
    }


def suggesters():
    from sparktune.suggest.adaptive import AdaptiveTPE
    from sparktune.suggest.anneal import Anneal
    from sparktune.suggest.auto import Auto
    from sparktune.suggest.bayes import Bayes
    from sparktune.suggest.mix import Mix
    from sparktune.suggest.random import Random
    from sparktune.suggest.tpe import TPE

    kinds = [(s, a) for s in ("gp", "forest") for a in ("ei", "pi", "lcb", "mes")]
    return {
        "random": Random(),
        "anneal": Anneal(),
        "tpe": TPE(),
        "tpe with settings": TPE(gamma=0.25, n_EI_candidates=7, n_startup_jobs=5, branch_share=0.5),
        "adaptive": AdaptiveTPE(),
        "auto": Auto(),
        "mix": Mix([(0.4, Random()), (0.6, TPE())]),
        **{f"{s} {a}": Bayes(s, a, n_startup_jobs=5, n_candidates=300) for s, a in kinds},
    }


def history_of(space, n):
    """N trials, of which some failed, were cancelled or are under way."""
    import numpy as np

    from sparktune.history import History, Outcome, Status

    rng = np.random.default_rng(n)
    history = History(space)
    in_batches = hasattr(history, "report")  # of checkouts that start a whole batch at once
    for i, row in enumerate(space.sample(rng, n)):
        values = space.decode(row)
        trial = history.start([values], 0.0)[0] if in_batches else history.start(values, 0.0)
        loss = float(np.nansum(np.tanh(row) ** 2) + 0.1 * rng.random())
        if i % 11 == 5:
            history.finish(trial.number, 0, Outcome(Status.FAILED))
        elif i % 13 == 6:
            history.finish(trial.number, 0, Outcome(Status.CANCELLED))
        elif i < n - 3:
            history.finish(trial.number, 0, Outcome(Status.OK, loss=loss))
    return history


def runs(spark):
    """Values and losses of whole runs."""
    from sparktune import SparkTrials, Trials, anneal, auto, bayes, fmin, rand, tpe

    made = {
        "serial": (Trials, {}),
        "serial, batch=8": (Trials, {"batch": 8}),
        "processes, batch=8": (lambda: Trials(parallelism=2), {"batch": 8}),
    }
    if spark:
        made["Spark, batch=8"] = (lambda: SparkTrials(parallelism=4), {"batch": 8})
    found = {}
    for space_name, template in spaces().items():
        for algo in (tpe, rand, anneal, bayes, auto):
            for name, (make, options) in made.items():
                trials = make()
                fmin(
                    objective, template, algo=algo.suggest, max_evals=40, trials=trials, rstate=1,
                    show_progressbar=False, **options,
                )  # fmt: skip
                method = getattr(algo, "__name__", repr(algo)).rpartition(".")[2]
                kept = [trials.idxs_vals[1], trials.losses()]
                found[f"fmin: {method} on {space_name}, {name}"] = json.loads(json.dumps(kept))
    return found


def objective(config):
    """A loss of any configuration."""
    numbers = []

    def collect(part):
        if isinstance(part, dict):
            part = list(part.values())
        if isinstance(part, (list, tuple)):
            for each in part:
                collect(each)
        else:
            numbers.append(part if isinstance(part, (int, float)) else len(part))

    collect(config)
    return sum((number / (1 + abs(number)) - 0.3) ** 2 for number in numbers)


if __name__ == "__main__":
    if "--answers" in sys.argv:
        # prints of Spark and of progress bars come before the last line
        print(json.dumps(answers("--spark" in sys.argv)))
    else:
        main()
