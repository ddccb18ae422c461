"""How many trials a second do stores take, what does one add to a suggestion, and do they hold?

    python benchmarks/stores.py [--trials 1000] [--workers 8] [--rounds 3] [--peers PYTHON]
    python benchmarks/stores.py --chaos [--trials 2000] [--workers 8] [--databases sqlite]

PostgreSQL is a server of its own on this machine, SQLite a file; both sync what is committed to the
disk. Random search over ten parameters, an objective that returns at once.

- Trials a second: sparktune's are those of one driver, from the beginning of `fmin` to its end, and
  of workers that are there already; Optuna's those of as many processes of `study.optimize` with
  its RDBStorage, from the beginning of the first trial to the end of the last. Optuna runs in the
  interpreter ``--peers``, in turn with sparktune. With SQLite both wait a minute for a lock.
- Suggestion: milliseconds that a driver takes for one suggestion of TPE with 10,000 trials: what
  others have recorded since the one before (a trial each time), a number of its own, and the
  suggestion; and the same with a history in memory.
- Chaos: workers are killed at random and replaced, one of two drivers is killed and run again, and
  PostgreSQL is restarted. Then what is recorded is checked, and the exit code is 1 if it is wrong.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from databases import Postgres, sqlite_url, why_no_postgres
from measuring import machine

KEY = "benchmark"
OBJECTIVE = """
import os, time

def at_once(config):
    return config["x0"]

def told(config, trial):
    with open(os.environ["CHAOS_LOG"], "a") as log:
        log.write(f"{trial.number} {trial.attempt}\\n")
    time.sleep(float(os.environ["CHAOS_SECONDS"]))
    return config["x0"]
"""
ALL_AT_ONCE = 500
SUGGESTIONS, WARM = 40, 5
WORDS = [
    sys.executable, "-m", "sparktune", "worker", "--quiet", "--exp-key", KEY,
    "--objective", "benchmark_objective:at_once", "--objective", "benchmark_objective:told",
]  # fmt: skip


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--trials", type=int)
    words.add_argument("--workers", type=int, default=8)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--databases", default="postgresql,sqlite")
    words.add_argument("--history", type=int, default=10_000)
    words.add_argument("--peers", default=None, help="a Python with Optuna, SQLAlchemy, psycopg")
    words.add_argument("--chaos", action="store_true")
    words.add_argument("--kill-every", type=float, default=15, help="trials, on average")
    words.add_argument("--seconds", type=float, default=0.05, help="that a trial of chaos takes")
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--child", help=argparse.SUPPRESS)
    args = words.parse_args()
    if args.child:
        named, *given = json.loads(args.child)
        CHILDREN[named](*given)
        return 0
    peers = args.peers and str(Path(args.peers).absolute())  # children run in folders of their own
    names = [name for name in args.databases.split(",") if name]
    if "postgresql" in names and why_no_postgres():
        print(f"without PostgreSQL: {why_no_postgres()}")
        names.remove("postgresql")
    print(machine("sqlalchemy", "psycopg", "optuna"), flush=True)
    if args.chaos:
        return int(sum(chaos(name, args) for name in names) > 0)
    measure(names, args, peers)
    return 0


class Place:
    """A database that is new, and a folder; as a context they are there, and gone after it."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sparktune-stores-"))
        (self.folder / "benchmark_objective.py").write_text(OBJECTIVE)
        self.server = Postgres(durable=True) if self.name == "postgresql" else None
        self.url = self.server.url() if self.server else sqlite_url(self.folder)
        self.processes = []
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        if self.server is not None:
            self.server.close()
        shutil.rmtree(self.folder)

    def popen(self, command, **environment):
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        process = subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, "SPARKTUNE_STORE": self.url, "PYTHONPATH": path, **environment},
        )  # fmt: skip
        self.processes.append(process)
        return process

    def child(self, *words, python=sys.executable, **environment):
        return self.popen(
            [python, str(Path(__file__).resolve()), "--child", json.dumps(words)], **environment
        )

    def answer(self, *words, python=sys.executable):
        return answer_of(self.child(*words, python=python))


def answer_of(process):
    """The JSON that a process printed last."""
    out, err = process.communicate()
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}:\n{err[-3000:]}")
    return json.loads(out.splitlines()[-1])


# -- trials a second, and suggestions


def measure(names, args, peers):
    count = args.trials or 1000
    rates = {}
    for _ in range(args.rounds):
        for name in names:
            with Place(name) as place:
                rates.setdefault((name, "sparktune"), []).append(rate(place, count, args.workers))
            if peers:
                with Place(name) as place:
                    found = optuna_rate(place, count, args.workers, peers)
                rates.setdefault((name, "optuna"), []).append(found)
    print("\n| database | | trials a second | least | most | times Optuna |")
    print("|---|---|---|---|---|---|")
    for (name, who), found in sorted(rates.items()):
        middle = statistics.median(found)
        peer = rates.get((name, "optuna"))
        times = f"{middle / statistics.median(peer):.1f}" if peer and who != "optuna" else ""
        print(f"| {name} | {who} | {middle:.1f} | {min(found):.1f} | {max(found):.1f} | {times} |")
    if not args.history:
        return
    costs = {}
    for _ in range(args.rounds):
        for name in ("memory", *names):
            with Place(name) as place:
                url = None if name == "memory" else place.url
                costs.setdefault(name, []).append(place.answer("suggest", url, args.history))
    print(f"\n| TPE with {args.history:,} trials in | ms a suggestion | times memory |")
    print("|---|---|---|")
    memory = statistics.median(costs["memory"])
    for name, found in costs.items():
        middle = statistics.median(found)
        print(f"| {name} | {1e3 * middle:.1f} | {middle / memory:.2f} |")


def rate(place, count, workers):
    for _ in range(workers):
        place.popen(WORDS)
    return place.answer("drive", count, workers)


def optuna_rate(place, count, workers, python):
    url = place.url.replace("postgresql:", "postgresql+psycopg:")
    place.answer("optuna-create", url, python=python)
    each = -(-count // workers)
    go = place.folder / "go"
    running = [
        place.child("optuna-work", url, each, str(go), python=python) for _ in range(workers)
    ]
    while not all((place.folder / f"ready-{process.pid}").exists() for process in running):
        time.sleep(0.05)
    go.touch()
    for process in running:
        answer_of(process)
    return place.answer("optuna-rate", url, python=python)


def space_of_ten():
    from sparktune import hp

    return {f"x{i}": hp.uniform(f"x{i}", 0, 1) for i in range(10)}


def drive(count, workers):
    """Run fmin once that many workers are there."""
    from benchmark_objective import at_once

    from sparktune import StoreTrials, fmin, rand
    from sparktune.storage.stores.reader import StoredSearch

    trials, record = StoreTrials(None, KEY), StoredSearch(None, KEY)
    while record.alive().workers < workers:
        time.sleep(0.05)
    began = time.perf_counter()
    fmin(
        at_once,
        space_of_ten(),
        rand.suggest,
        count,
        trials=trials,
        rstate=0,
        show_progressbar=False,
    )
    seconds = time.perf_counter() - began
    if len(trials) != count:
        raise RuntimeError(f"{len(trials)} trials instead of {count}")
    print(json.dumps(count / seconds))


def optuna_create(url):
    import optuna

    optuna.create_study(study_name=KEY, storage=url)
    print("null")


def optuna_work(url, count, go):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # without that, processes end with "database is locked" after five seconds
    options = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    study = optuna.load_study(
        study_name=KEY, storage=optuna.storages.RDBStorage(url, engine_kwargs=options),
        sampler=optuna.samplers.RandomSampler(),
    )  # fmt: skip

    def objective(trial):
        values = [trial.suggest_float(f"x{i}", 0, 1) for i in range(10)]
        return values[0]

    Path(f"ready-{os.getpid()}").touch()
    while not Path(go).exists():
        time.sleep(0.01)
    study.optimize(objective, n_trials=count)
    print("null")


def optuna_rate_of(url):
    import optuna

    trials = optuna.load_study(study_name=KEY, storage=url).trials
    first = min(trial.datetime_start for trial in trials)
    last = max(trial.datetime_complete for trial in trials)
    print(json.dumps(len(trials) / (last - first).total_seconds()))


def suggest(url, size):
    """Prints the median seconds of a suggestion with a history of that size."""
    import numpy as np

    from sparktune import TPE, Trials
    from sparktune.history import Outcome, Status
    from sparktune.search import propose
    from sparktune.space.tree import Space

    space, rng, seconds = Space(space_of_ten()), np.random.default_rng(0), []
    trials = Trials() if url is None else Trials(store=url, exp_key=KEY)
    with trials.step(space) as history:
        other = None if url is None else Other(url)
        for _ in range(0, size, ALL_AT_ONCE):
            batch = [some_values(rng) for _ in range(ALL_AT_ONCE)]
            if other is not None:
                other.record(batch)
                continue
            for trial in history.start(batch, time.time()):
                history.finish(trial.number, 0, Outcome(Status.OK, loss=loss_of(trial.values)))
        history.refresh()
        if len(history) != size:
            raise RuntimeError(f"{len(history)} trials instead of {size}")
        for _ in range(SUGGESTIONS):
            if other is not None:
                other.record([some_values(rng)])
            began = time.perf_counter()
            history.refresh()
            numbers = history.reserve(1)
            values = propose(space, TPE(), history, None, 0, numbers)
            seconds.append(time.perf_counter() - began)
            (trial,) = history.start(values, time.time(), numbers)
            history.finish(trial.number, 0, Outcome(Status.OK, loss=loss_of(trial.values)))
    print(json.dumps(statistics.median(seconds[WARM:])))


def some_values(rng):
    return {f"x{i}": float(value) for i, value in enumerate(rng.random(10))}


def loss_of(values):
    return sum((value - 0.3) ** 2 for value in values.values())


class Other:
    """Another driver, which records trials that have ended."""

    def __init__(self, url):
        from sparktune.storage.stores.sql import SqlStore

        self.store = SqlStore(url, KEY)
        self.store.join("other", None)

    def record(self, batch):
        from sparktune.storage.stores.store import ENDED, Entry

        numbers = self.store.open_batch("other", len(batch), None)
        entries = [
            Entry(
                number, 0, ENDED, json.dumps(values), "", time.time(),
                outcome=json.dumps({"status": "ok", "loss": loss_of(values)}),
            )
            for number, values in zip(numbers, batch, strict=True)
        ]  # fmt: skip
        self.store.put("other", entries, [("ok", True)] * len(entries))


# -- chaos


def chaos(name, args):
    """Run a search with everything that can go wrong; gives whether it went wrong."""
    count, chance = args.trials or 2000, random.Random(args.seed)
    with Place(name) as place:
        log = place.folder / "log"
        log.touch()
        environment = {"CHAOS_LOG": str(log), "CHAOS_SECONDS": str(args.seconds)}

        def driver(seed):
            return place.child("chaos-drive", count, seed)

        def worker():
            return place.popen(WORDS, **environment)

        began = time.perf_counter()
        drivers, workers = [driver(0), driver(1)], [worker() for _ in range(args.workers)]
        killed, ended_themselves, is_restarted, is_replaced = 0, [], not place.server, False
        next_kill = args.kill_every
        while any(process.poll() is None for process in drivers):
            time.sleep(0.05)
            done = log.read_text().count("\n")
            if done > count * 0.3 and not is_replaced:
                is_replaced = True
                drivers[1].kill()
                drivers[1].communicate()
                drivers[1] = driver(1)
            if done > count * 0.5 and not is_restarted:
                is_restarted = True
                place.server.stop(at_once=chance.random() < 0.5)
                time.sleep(1)
                place.server.start()
            if done > next_kill:
                next_kill += chance.expovariate(1 / args.kill_every)
                victim = chance.choice(workers)
                if victim.poll() is None:
                    victim.kill()
                    victim.communicate()
                    killed += 1
                    workers[workers.index(victim)] = worker()
            for each in list(workers):
                if each.poll() is not None:
                    ended_themselves.append(each.communicate()[1])
                    workers[workers.index(each)] = worker()
        seconds = time.perf_counter() - began
        told = [process.communicate() for process in drivers]
        wrong = [
            f"a driver ended with {p.returncode}: {err[-2000:]}"
            for p, (_, err) in zip(drivers, told, strict=True)
            if p.returncode
        ]
        wrong += [
            f"a worker ended: {text[-1000:]}"
            for text in ended_themselves
            if "failed: Connection refused" not in text
        ]
        if not wrong:
            wrong = wrongs(
                place, count, killed, log, [json.loads(out.splitlines()[-1]) for out, _ in told]
            )
        tries = len(log.read_text().splitlines())
        print(
            f"{name}: {count} trials, {args.workers} workers, {killed} of them killed, "
            f"{tries - count} trials begun again, {seconds:.0f} s: "
            + ("as it should be" if not wrong else "WRONG"),
            *wrong, sep="\n  ", flush=True,
        )  # fmt: skip
        for _, err in told:
            lines = [line for line in err.splitlines() if "the store" in line]
            print("  a driver said:", *lines, sep="\n    ")
        return bool(wrong)


def wrongs(place, count, killed, log, views):
    """What is wrong with what was recorded, as sentences."""
    from sparktune.storage.stores.sql import SqlStore

    store = SqlStore(place.url, KEY)
    entries = store.read(0).entries
    left = store.overdue()
    store.close()
    found = []
    numbers = [entry.number for entry in entries]
    if sorted(numbers) != list(range(count)):
        found.append(f"numbers with holes or doubles, {len(numbers)} of {count}")
    states = Counter(entry.state for entry in entries)
    if set(states) != {"ended"} or left:
        found.append(f"states {dict(states)}, {len(left)} overdue")
    bad = [entry for entry in entries if '"ok"' not in (entry.outcome or "")]
    if bad:
        found.append(f"{len(bad)} outcomes that are not ok, such as {bad[0]}")
    tries = Counter(tuple(map(int, line.split())) for line in log.read_text().splitlines())
    recorded = {entry.number: entry.attempt for entry in entries}
    again = [key for key, times in tries.items() if times > 1]
    if again:
        found.append(f"attempts that were evaluated more than once: {again[:5]}")
    late = [key for key in tries if key[1] > recorded.get(key[0], -1)]
    if late:
        found.append(f"attempts after the recorded one: {late[:5]}")
    if len(tries) - count > killed:
        found.append(f"{len(tries) - count} trials begun again, but {killed} workers killed")
    losses = {entry.number: json.loads(entry.outcome)["loss"] for entry in entries if entry.outcome}
    for view in views:
        if {int(number): loss for number, loss in view.items()} != losses:
            found.append(f"a driver knows other trials: {len(view)} of {len(losses)}")
    return found


def chaos_drive(count, seed):
    """One of the drivers; prints what it knows at the end."""
    from benchmark_objective import told

    from sparktune import StoreTrials, fmin, rand

    trials = StoreTrials(None, KEY, lost_after=5, max_retries=20)
    fmin(
        told,
        space_of_ten(),
        rand.suggest,
        count,
        trials=trials,
        rstate=seed,
        show_progressbar=False,
    )
    print(json.dumps({trial.number: trial.loss for trial in trials.history}))


CHILDREN = {
    "drive": drive,
    "suggest": suggest,
    "optuna-create": optuna_create,
    "optuna-work": optuna_work,
    "optuna-rate": optuna_rate_of,
    "chaos-drive": chaos_drive,
}

if __name__ == "__main__":
    sys.exit(main())
