"""What does a journal cost, and how fast is it read again?

    python benchmarks/journal.py [--trials 10000] [--records 100000] [--rounds 3]

The space has ten parameters, one of them below a choice; algorithms are random and the objective
returns at once, so that a trial takes no more than its bookkeeping. Each measurement has a process
of its own.

- Cost: milliseconds that a trial takes longer with a journal than without, beyond the time in the
  operating system's sync, which is measured beside it. The same for Optuna's JournalStorage, where
  Optuna is installed.
- Replay: seconds of wall time and of CPU that Trials.load takes for a long journal, and the memory
  that the process has more of then, in MB. That journal is written without syncs.
"""

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from measuring import machine

from sparktune import Trials, fmin, hp, rand

SPACE = {
    **{f"x{i}": hp.uniform(f"x{i}", 0, 1) for i in range(6)},
    "n": hp.uniformint("n", 1, 9),
    "rate": hp.loguniform("rate", -3, 3),
    "kind": hp.choice("kind", ["a", {"y": hp.normal("y", 0, 1)}]),
}


def search(count, **options):
    trials = Trials(**options)
    fmin(
        lambda config: config["x0"], SPACE, rand.suggest, count, trials=trials, rstate=0,
        show_progressbar=False,
    )  # fmt: skip


def optuna_search(count, path):
    import optuna
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = JournalStorage(JournalFileBackend(path)) if path else InMemoryStorage()

    def objective(trial):
        for i in range(6):
            trial.suggest_float(f"x{i}", 0, 1)
        trial.suggest_int("n", 1, 9)
        trial.suggest_float("rate", 0.05, 20, log=True)
        if trial.suggest_categorical("kind", ["a", "b"]) == "b":
            trial.suggest_float("y", -3, 3)
        return trial.params["x0"]

    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, count)


class Syncs:
    """Counts the seconds in os.fsync from now on."""

    def __init__(self):
        self.seconds, self._sync = 0.0, os.fsync
        os.fsync = self

    def __call__(self, fd):
        began = time.perf_counter()
        self._sync(fd)
        self.seconds += time.perf_counter() - began


def timed(call, *arguments, **more):
    syncs = Syncs()
    began = time.perf_counter()
    call(*arguments, **more)
    return {"seconds": time.perf_counter() - began, "sync": syncs.seconds}


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def loaded(path):
    gc.collect()
    before, began, cpu = resident(), time.perf_counter(), time.process_time()
    trials = Trials.load(path)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    gc.collect()
    return {
        "seconds": seconds, "cpu": cpu, "memory": resident() - before,
        "trials": len(trials.history),
    }  # fmt: skip


def made(count, path):
    os.fsync = lambda _: None
    search(count, journal=path)
    return {}


PARTS = {
    "search": lambda count, path: timed(search, count, **({"journal": path} if path else {})),
    "optuna": lambda count, path: timed(optuna_search, count, path),
    "load": lambda _, path: loaded(path),
    "make": made,
}


def part(name, count, path=""):
    command = [sys.executable, __file__, "--part", name, "--trials", str(count), "--path", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def cost(name, count, rounds, scratch):
    rows = []
    for number in range(rounds):
        without = part(name, count)
        with_one = part(name, count, str(Path(scratch) / f"{name}-{number}"))
        beyond = with_one["seconds"] - with_one["sync"] - without["seconds"]
        rows.append(
            [1000 * each / count for each in (without["seconds"], beyond, with_one["sync"])]
        )
    without, beyond, sync = (statistics.median(column) for column in zip(*rows, strict=True))
    print(f"{name:10} {without:9.2f} {beyond:9.2f} {sync:9.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=100_000, help="trials to read again")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--path", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        print(json.dumps(PARTS[args.part](args.trials, args.path)))
        return
    print(machine("sparktune", "numpy", "optuna"))
    with tempfile.TemporaryDirectory() as scratch:
        print(f"milliseconds a trial, {args.trials:,} trials, medians of {args.rounds}")
        print(f"{'':10} {'without':>9} {'journal':>9} {'sync':>9}")
        cost("search", args.trials, args.rounds, scratch)
        if find_spec("optuna"):
            cost("optuna", args.trials // 10, args.rounds, scratch)
        path = str(Path(scratch) / "long")
        part("make", args.records, path)
        rows = [part("load", 0, path) for _ in range(args.rounds)]
        seconds, cpu, memory = (
            statistics.median(row[name] for row in rows) for name in ("seconds", "cpu", "memory")
        )
        print(
            f"Trials.load of {rows[0]['trials']:,} trials: {seconds:.2f} s ({cpu:.2f} s of CPU), "
            f"{memory:.0f} MB more"
        )


if __name__ == "__main__":
    main()
