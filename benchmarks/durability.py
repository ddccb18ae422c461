"""Is anything lost when the driver of a search is killed, or its disk fails?

    python benchmarks/durability.py [--kills 170] [--spark-kills 30] [--mount-kills 20] [--seed 0]
        [--only kills,spark,mount,disks]

Runs searches with a journal in processes of their own and kills each with SIGKILL at random moments
up to three times; then the same call goes on until it ends by itself. Kills are shared out over
serial runs, batches, processes, threads, and trials that report and return what JSON cannot hold;
on Spark over local[2] and a Spark Connect server; and on a file system whose files are written once
(write_once.py). Each call of the objective and each loss that the program has seen leave a line in
a file of their own, so that they can be compared with what is recorded:

    lost      trials with a loss that the program has seen, which are not recorded with that loss
    twice     trials with two recorded outcomes
    needless  calls for trials whose outcome was recorded when the run went on
    again     further calls for trials that were called before, all of them unrecorded but for those
    wrong     runs that did not end with exactly max_evals trials, or, where an unbroken run is
              reproducible (serial, batches), not with its candidates

Then disks: a full one (a small tmpfs), a folder that is mounted to be read, a torn record, two
writers at once, a clock that is moved back. Exits with 1 where something is not as it should be.
Needs Linux; tmpfs and the mount need root, the mount fusepy and libfuse 2 besides. What cannot be
run here is said.
"""

import argparse
import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from sessions import classic_session

from sparktune import Trials, fmin, hp
from sparktune.exceptions import JournalError
from sparktune.storage.segments import read

LOCAL = {
    # mode: (settings of Trials, settings of fmin, trials, seconds a trial)
    "serial": ({}, {}, 40, 0.01),
    "serial, batch=3": ({}, {"batch": 3}, 40, 0.01),
    "processes, batch=4": ({"parallelism": 2}, {"batch": 4}, 40, 0.02),
    "threads": ({"parallelism": 2, "executor": "threads"}, {}, 40, 0.02),
    "reports and arrays": ({}, {}, 40, 0.01),
}
SPARK = {
    "local[2], batch=4": ({"parallelism": 2}, {"batch": 4}, 24, 0.2),
    "local[2]": ({"parallelism": 2}, {}, 24, 0.2),
    "Connect": ({"parallelism": 2}, {}, 24, 0.2),
}
MOUNT = {"files written once": ({}, {}, 40, 0.01)}
MOST_KILLS = 3  # of one run
SPACE = {
    "x": hp.uniform("x", -3, 3),
    "n": hp.quniform("n", 1, 9, 1),
    "kind": hp.choice("kind", ["a", {"y": hp.lognormal("y", 0, 1)}]),
}


# The process that is killed.


def objective_of(log, seconds, extras):
    def objective(config, trial):
        import os
        import random
        import time

        line = f"call {trial.number} {trial.attempt} {time.time()}\n"
        fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(fd, line.encode())
        os.close(fd)
        time.sleep(seconds * random.Random(trial.seed).uniform(0.2, 1.8))
        if trial.number % 7 == 3:
            raise ValueError("on purpose")
        loss = config["x"] ** 2 + config["n"]
        if not extras:
            return loss
        import numpy as np

        for step in range(3):
            trial.report(step, loss + 3 - step)
        return {"loss": loss, "status": "ok", "curve": np.full(10_000, loss), "thing": objective}

    return objective


def child(plan):
    """One process of a run: begins it, or goes on with it."""
    warnings.simplefilter("ignore")
    settings, options, count, seconds = plan["of"]
    if plan.get("clock"):
        real = time.time
        began = real()
        time.time = lambda: real() - (3600 if real() - began > plan["clock"] else 0)
    if plan["spark"]:
        from sparktune import SparkTrials

        settings = {**settings, "spark_session": session_of(plan)}
        kind = SparkTrials
    else:
        kind = Trials
    seen = set()

    def note(trials):
        for document in trials.trials if len(trials) > len(seen) else ():
            number, loss = document["tid"], document["result"].get("loss")
            if number not in seen:
                seen.add(number)
                with Path(plan["log"]).open("a") as file:
                    file.write(f"seen {number} {loss!r}\n")
        return False, []

    print("ready", flush=True)
    trials = kind(journal=plan["journal"], **settings)
    fmin(
        objective_of(plan["log"], seconds, plan["mode"] == "reports and arrays"), SPACE,
        max_evals=count, trials=trials, rstate=plan["seed"], early_stop_fn=note,
        catch_eval_exceptions=True, show_progressbar=False, **options,
    )  # fmt: skip


def session_of(plan):
    from pyspark.sql import SparkSession

    if plan["remote"]:
        return SparkSession.builder.remote(plan["remote"]).create()
    return classic_session("local[2]", plan["scratch"], spark_log_level="OFF")


# Its parent.


def begin(plan, **more):
    """A process of a run, once it is about to begin; None if it ended before."""
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    process = subprocess.Popen(
        [sys.executable, __file__, "--child", json.dumps({**plan, **more})], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdout.readline()
    return process


def end(process):
    """Wait for a process; an exception with what it wrote, if it failed."""
    _, errors = process.communicate(timeout=600)
    if process.returncode:
        raise RuntimeError(f"a run ended with {process.returncode}:\n{errors[-3000:]}")


def lines(log, kind):
    text = Path(log).read_text() if Path(log).exists() else ""
    return [line.split()[1:] for line in text.splitlines() if line.startswith(kind + " ")]


def outcomes(journal):
    """Losses of the trials that ended by number, None for failed ones."""
    with contextlib.suppress(JournalError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trials = Trials.load(journal)
        return {t.number: t.loss for t in trials.history if t.outcome is not None}
    return {}


def candidates(journal):
    return [dict(trial.values) for trial in Trials.load(journal).history]


class Mode:
    """The runs of one mode, with what an unbroken one takes and gives."""

    def __init__(self, name, of, folder, seed, spark=False, remote=""):
        self.name, self.folder, self.numbers = name, Path(folder), itertools.count()
        self.of, self.random = of, random.Random(f"{seed} {name}")
        self.plan = {
            "mode": name, "of": of, "spark": spark, "remote": remote, "seed": seed,
            "scratch": tempfile.mkdtemp(),
        }  # fmt: skip
        self.counts = Counter()
        first = self._fresh()
        process = begin(first)
        began = time.monotonic()
        end(process)
        self.seconds = time.monotonic() - began
        self.whole = candidates(first["journal"])
        self.problems = []

    def _fresh(self):
        number = next(self.numbers)
        log = Path(self.plan["scratch"]) / f"{number}.log"
        return {**self.plan, "journal": str(self.folder / f"run{number}"), "log": str(log)}

    def run(self):
        """One run: killed up to three times, then left alone."""
        plan, counts = self._fresh(), self.counts
        recorded, known_calls = {}, 0
        counts["runs"] += 1
        for kill in range(MOST_KILLS + 1):
            process = begin(plan)
            if kill < MOST_KILLS:
                try:
                    process.wait(self.random.uniform(0, self.seconds))
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    counts["kills"] += 1
            if process.poll() != 0 and kill < MOST_KILLS:
                process.communicate()
                if process.returncode != -signal.SIGKILL:
                    self.problems.append(f"a run ended with {process.returncode}")
            else:
                end(process)
            calls = lines(plan["log"], "call")
            fresh = [int(number) for number, *_ in calls[known_calls:]]
            counts["needless"] += sum(number in recorded for number in fresh)
            recorded, known_calls = outcomes(plan["journal"]), len(calls)
            for number, loss in lines(plan["log"], "seen"):
                if int(number) not in recorded or repr(recorded[int(number)]) != loss:
                    counts["lost"] += 1
            if process.returncode == 0:
                break
        counts["again"] += len(calls) - len({number for number, *_ in calls})
        found = Counter(r["number"] for r in read(plan["journal"]) if r["kind"] == "ended")
        counts["twice"] += sum(count > 1 for count in found.values())
        exact = len(recorded) == self.of[2]
        repeatable = "batch" in self.of[1] or self.of[0].get("parallelism", 1) == 1
        if not exact or (repeatable and candidates(plan["journal"]) != self.whole):
            counts["wrong"] += 1
            self.problems.append(f"{plan['journal']}: {len(recorded)} trials")


COLUMNS = ("runs", "kills", "lost", "twice", "needless", "again", "wrong")


def killed(modes, kills):
    """Run until there were so many kills; whether all is as it should be."""
    fine = True
    for place, mode in enumerate(modes):
        share = kills // len(modes) + (place < kills % len(modes))
        while mode.counts["kills"] < share:
            mode.run()
        row = [mode.counts[name] for name in COLUMNS]
        print(f"{mode.name:22}" + "".join(f"{count:9}" for count in row), flush=True)
        for problem in mode.problems:
            print(f"    {problem}")
        fine &= not (mode.problems or any(mode.counts[n] for n in ("lost", "twice", "needless")))
    return fine


# Disks.


@contextlib.contextmanager
def mounted(*words, at):
    subprocess.run(["mount", *words, str(at)], check=True, capture_output=True)
    try:
        yield Path(at)
    finally:
        subprocess.run(["umount", str(at)], check=True)


def expect(fact, otherwise):
    if not fact:
        raise RuntimeError(otherwise)


def search(journal, count):
    trials = Trials(journal=journal)
    fmin(
        lambda c: c["x"] ** 2, SPACE, max_evals=count, trials=trials, rstate=0,
        show_progressbar=False,
    )  # fmt: skip


def quiet(journal, count):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search(journal, count)


def refused(call):
    """The sentence that an error of ours has."""
    try:
        call()
    except JournalError as error:
        return str(error)
    raise RuntimeError("nothing was refused")


def a_full_disk(folder):
    with mounted("-t", "tmpfs", "-o", "size=64k", "tmpfs", at=folder) as disk:
        told = refused(lambda: quiet(disk / "run", 400))
        kept = len(outcomes(disk / "run"))
        expect(50 < kept < 400, f"{kept} trials were recorded")
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        quiet(disk / "run", 400)
        quiet(folder.parent / "unbroken", 400)
        same = candidates(disk / "run") == candidates(folder.parent / "unbroken")
        expect(same, "it goes on with other candidates than an unbroken run")
    return f"{told} | with room again: all {kept} trials are there, and the run goes on"


def a_folder_to_be_read(folder):
    quiet(folder / "run", 5)
    with mounted("--bind", str(folder), at=folder):
        subprocess.run(["mount", "-o", "remount,bind,ro", str(folder)], check=True)
        told = refused(lambda: quiet(folder / "run", 6))
        expect(len(Trials.load(folder / "run")) == 5, "Trials.load does not read it")
    return f"{told} | Trials.load reads it"


def a_torn_record(folder):
    quiet(folder / "run", 20)
    last = max((folder / "run").glob("*.jsonl"))
    text = last.read_bytes()
    closing = text.rstrip(b"\n").rfind(b"\n") + 1
    last.write_bytes(text[: closing - 30])  # without the closing line, in the midst of a record
    known = len(Trials.load(folder / "run"))
    expect(known == 19, f"{known} of 20 trials are read")
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        search(folder / "run", 30)
    told = [str(each.message) for each in warned if "torn" in str(each.message)]
    expect(len(told) == 1, f"{len(told)} warnings")
    expect([*outcomes(folder / "run")] == list(range(30)), "trials are missing")
    return f"{told[0]} | goes on with {known} of 20 trials"


def two_writers(folder):
    plan = {
        "mode": "serial", "of": ({}, {}, 30, 0.1), "spark": False, "remote": "", "seed": 0,
        "journal": str(folder / "run"), "log": str(folder / "log"), "scratch": "",
    }  # fmt: skip
    process = begin(plan)
    while len(lines(plan["log"], "call")) < 3:
        time.sleep(0.01)
    told = refused(lambda: quiet(folder / "run", 40))
    end(process)
    expect(len(outcomes(folder / "run")) == 30, "the first one lost trials")
    return told


def a_clock_moved_back(folder):
    plan = {
        "mode": "serial", "of": ({}, {}, 40, 0.05), "spark": False, "remote": "", "seed": 0,
        "journal": str(folder / "run"), "log": str(folder / "log"), "scratch": "", "clock": 0.5,
    }  # fmt: skip
    end(begin(plan))
    quiet(folder / "run", 45)
    trials = Trials.load(folder / "run")
    expect(len(trials) == 45, f"{len(trials)} trials")
    shortest = min(trial.outcome.seconds for trial in trials.history)
    expect(shortest >= 0, f"a trial took {shortest} s")
    return "by an hour in the midst of a run: it ends, and goes on"


DISKS = [a_full_disk, a_folder_to_be_read, a_torn_record, two_writers, a_clock_moved_back]


def on_disks(scratch):
    fine = True
    for number, check in enumerate(DISKS):
        folder = Path(scratch) / f"disk{number}"
        folder.mkdir()
        name = check.__name__.replace("_", " ")
        try:
            told = check(folder)
        except subprocess.CalledProcessError as error:
            told = f"not run: {' '.join(error.cmd)}: {(error.stderr or b'').decode().strip()}"
        except Exception as error:
            told, fine = f"WRONG: {type(error).__name__}: {error}", False
        print(f"{name:22} {told}", flush=True)
    return fine


@contextlib.contextmanager
def write_once(folder):
    """A mount whose files are written once; None where there can be none."""
    source, at = folder / "source", folder / "mount"
    source.mkdir(parents=True)
    at.mkdir()
    server = Path(__file__).with_name("write_once.py")
    process = subprocess.Popen(
        [sys.executable, str(server), str(source), str(at)], stderr=subprocess.PIPE, text=True
    )
    while not at.is_mount() and process.poll() is None:
        time.sleep(0.05)
    if process.poll() is not None:
        print(f"{'files written once':22} not run: {process.stderr.read().splitlines()[-1]}")
        yield None
        return
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=170)
    parser.add_argument("--spark-kills", type=int, default=30)
    parser.add_argument("--mount-kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="kills,spark,mount,disks")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(json.loads(args.child))
        return
    only, fine = args.only.split(","), True
    with tempfile.TemporaryDirectory() as scratch:
        if set(only) - {"disks"}:
            print(f"{'':22}" + "".join(f"{name:>9}" for name in COLUMNS))

        def modes(named, **more):
            for name, of in named.items():
                folder = Path(scratch) / name.replace(" ", "-")
                yield Mode(name, of, more.pop("folder", folder), args.seed, **more)

        if "kills" in only:
            fine &= killed(list(modes(LOCAL)), args.kills)
        if "mount" in only:
            with write_once(Path(scratch) / "once") as mount:
                if mount is not None:
                    fine &= killed(list(modes(MOUNT, folder=mount)), args.mount_kills)
        if "spark" in only:
            from sparktune.cluster.local import LocalCluster

            cluster = LocalCluster(
                workers=0, cores=2, folder=Path(scratch) / "cluster", connect=True
            )
            cluster.start()
            try:
                classic = {name: of for name, of in SPARK.items() if name != "Connect"}
                connect = {"Connect": SPARK["Connect"]}
                each = [*modes(classic, spark=True)]
                each += modes(connect, spark=True, remote=cluster.remote)
                fine &= killed(each, args.spark_kills)
            finally:
                cluster.stop()
        if "disks" in only:
            fine &= on_disks(scratch)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
