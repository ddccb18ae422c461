"""What happens to a search when things break?

    python benchmarks/faults.py [--only local,standalone,connect] [--faults NAME,NAME]

Runs a search of 12 trials at parallelism 4 for each fault, on three real deployments that it
starts and stops on this machine: local[4], a standalone cluster of two workers, and a Spark Connect
server.
The fault strikes at trial 3. Every call of the objective leaves a line in a file, so that calls and
records can be compared:

    lost      trials without an outcome of their own at the end (none may be)
    twice     trials that were recorded more than once, or called again after they were recorded
    again     calls beyond the first of a trial (only where its result was not recorded)
    seconds   from the fault to the record of the trial that it struck, its own run included

Exits with 1 where something is not as sparktune promises.
"""

import argparse
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from sessions import classic_session

from sparktune import EngineStopped, SparkTrials, Status, fmin, hp, rand
from sparktune.cluster.local import LocalCluster

N, STRUCK = 12, 3
EVERYWHERE = {
    # fault: (status of the trial that it strikes, its last attempt, words in its error)
    "objective raises": ("failed", 0, "ValueError: on purpose"),
    "exception cannot be pickled": ("failed", 0, "Sticky"),
    "result cannot be pickled": ("failed", 0, "result cannot be pickled: 'lock'"),
    "os._exit": ("failed", 0, "exited with code 5"),
    "segmentation fault": ("failed", 0, "SIGSEGV"),
    "kill -9 of the trial": ("failed", 0, "SIGKILL"),
    "out of memory (rlimit)": ("failed", 0, "MemoryError"),
    "missing package": ("failed", 0, "the module 'package_of_nobody' is not installed"),
    "out of time": ("timed_out", 0, "stopped at its time limit"),
    "out of time, swallowed": ("timed_out", 0, "did not react"),
    "leaves children, killed": ("failed", 0, "SIGKILL"),
}
CLASSIC = {
    "kill -9 of Spark's worker": ("failed", 0, "Python worker died"),
    "job cancelled in Spark": ("cancelled", 0, "cancelled from outside"),
}
STANDALONE = {
    "kill -9 of the executor": ("ok", 1, ""),
    "loss of a worker machine": ("ok", 1, ""),
    "retry_crashes: os._exit once": ("ok", 1, ""),
}
CONNECT = {
    "kill -9 of Spark's worker": ("failed", 0, "Python worker died"),
    "query interrupted": ("cancelled", 0, "cancelled from outside"),
    "server killed and restarted": ("ok", 1, ""),
    "server gone for good": ("cut", 1, ""),
}
FAULTS = {
    "local": {**EVERYWHERE, **CLASSIC},
    "standalone": {**EVERYWHERE, **CLASSIC, **STANDALONE},
    "connect": {**EVERYWHERE, **CONNECT},
}


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def ancestor(generations):
    """1: the watchdog, 2: Spark's Python worker, 3: its daemon, 4: the executor's JVM."""
    pid = os.getpid()
    for _ in range(generations):
        pid = parent(pid)
    return pid


def strike(fault, note):
    """What a fault does inside the objective."""
    if fault == "objective raises":
        raise ValueError("on purpose")
    if fault == "exception cannot be pickled":

        class Sticky(Exception):  # noqa: N818
            def __init__(self):
                self.lock = threading.Lock()

        raise Sticky
    if fault == "result cannot be pickled":
        return {"loss": 1.0, "lock": threading.Lock()}
    if fault in ("os._exit", "retry_crashes: os._exit once"):
        os._exit(5)
    if fault == "segmentation fault":
        ctypes.string_at(0)
    if fault == "kill -9 of the trial":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "out of memory (rlimit)":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (2**33, resource.RLIM_INFINITY))
        bytearray(2**34)
    if fault == "missing package":
        import package_of_nobody  # noqa: F401
    if fault == "leaves children, killed":
        child = subprocess.Popen(["sleep", "300"])
        note(f"child {child.pid}")
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "kill -9 of Spark's worker":
        os.kill(ancestor(2), signal.SIGKILL)
    if fault == "kill -9 of the executor":
        os.kill(ancestor(4), signal.SIGKILL)
    if fault == "loss of a worker machine":
        note(f"executor {ancestor(4)}")
    if fault == "out of time, swallowed":
        while True:
            try:
                time.sleep(0.1)
            except BaseException:
                continue
    time.sleep(60)
    return None


def objective_of(fault, log):
    def note(text):
        with Path(log).open("a") as file:
            file.write(text + "\n")

    def objective(x, trial):
        note(f"call {trial.number} {trial.attempt} {time.time()}")
        if trial.number == STRUCK and trial.attempt == 0:
            return strike(fault, note) or x
        time.sleep(0.3)
        return x

    return objective


def lines(log, kind):
    text = Path(log).read_text() if Path(log).exists() else ""
    return [line.split()[1:] for line in text.splitlines() if line.startswith(kind + " ")]


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def from_outside(fault, log, session, cluster):
    """What is done to Spark while the struck trial runs."""
    struck = lambda: any(int(n) == STRUCK for n, _, _ in lines(log, "call"))  # noqa: E731
    if not wait_for(struck):
        return
    time.sleep(0.5)
    if fault == "loss of a worker machine":
        executor = int(lines(log, "executor")[0][0])
        machine = parent(executor)
        os.kill(machine, signal.SIGKILL)
        os.kill(executor, signal.SIGKILL)
    elif fault == "job cancelled in Spark":
        store = session.sparkContext._jsc.sc().statusStore()
        for number in session.sparkContext.statusTracker().getActiveJobsIds():
            if store.job(number).description().get().startswith(f"trial {STRUCK}:"):
                session.sparkContext._jsc.sc().cancelJob(number)
    elif fault == "query interrupted":
        session.interruptTag("strike-me")
    elif fault.startswith("server"):
        os.kill(cluster.connect_pid, signal.SIGKILL)
        if fault == "server killed and restarted":
            cluster.restart_connect()


class TagTheStruck:
    """Gives the struck trial's query a tag of its own, by which it can be interrupted."""

    def __init__(self, session):
        self.session, self.add = session, session.addTag
        session.addTag = self.tag

    def tag(self, tag):
        self.add(tag)
        if tag.startswith(f"trial {STRUCK}:"):
            self.add("strike-me")


def run(deployment, fault, session, cluster, folder):
    expected, attempt, words = FAULTS[deployment][fault]
    log = Path(folder) / f"{len(list(Path(folder).iterdir()))}.log"
    limited = fault.startswith("out of time")
    trials = SparkTrials(
        4, spark_session=session, trial_timeout=1.0 if limited else None, trial_grace=1.0,
        retry_crashes=fault.startswith("retry_crashes"),
    )  # fmt: skip
    recorded = {}

    def record(trials):
        now = time.time()
        for row in trials.history:
            if row.outcome is not None:
                recorded.setdefault(row.number, now)
        return False, []

    outside = threading.Thread(target=from_outside, args=(fault, log, session, cluster))
    outside.start()
    ended = ""
    try:
        fmin(
            objective_of(fault, str(log)), hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=N,
            trials=trials, early_stop_fn=record, show_progressbar=False, rstate=0,
        )  # fmt: skip
    except EngineStopped as error:
        ended = str(error)
    over = time.time()
    record(trials)
    outside.join()
    rows = list(trials.history)
    calls = [(int(n), int(a), float(when)) for n, a, when in lines(log, "call")]
    began = min(when for n, _, when in calls if n == STRUCK)
    struck = rows[STRUCK]
    done = [row for row in rows if row.outcome is not None and row.status is not Status.CANCELLED]
    late = [n for n, a, when in calls if a > 0 and when > recorded.get(n, over) + 0.1]
    twice = [n for n, count in Counter(row.number for row in rows).items() if count > 1] + late
    again = len(calls) - len({n for n, _, _ in calls})
    gone = fault == "server gone for good"
    lost = 0 if gone else N - len(done)
    error = (struck.outcome.error or "") if struck.outcome is not None else "no outcome"
    problems = []
    if struck.status.name.lower() != expected or struck.attempt != attempt:
        problems.append(f"the trial ended as {struck.status.name} at attempt {struck.attempt}")
    if words not in error:
        problems.append(f"its error says {error[:300]!r}")
    if lost or twice or any(row.status is Status.PENDING for row in rows):
        problems.append(f"lost {lost}, twice {twice}")
    if again and attempt == 0:
        problems.append(f"{again} calls too many")
    if gone != ("cannot be reached" in ended) or bool(ended) != gone:
        problems.append(f"the run ended with {ended!r}")
    for pid in (int(pid) for (pid,) in lines(log, "child")):
        if not wait_for(lambda pid=pid: not Path(f"/proc/{pid}").exists(), 10):
            problems.append("a child lives on")
    told = error.splitlines()
    told = told[-1] if error.startswith("Traceback") else "".join(told[:1])
    what = f"{struck.status.name.lower()}: {told}" if error else "ok, second try"
    return {
        "deployment": deployment, "fault": fault, "what": f"run ends: {ended}" if gone else what,
        "lost": lost, "twice": len(twice), "again": again,
        "seconds": (over if gone else recorded.get(STRUCK, over)) - began, "problems": problems,
    }  # fmt: skip


def impatient(session):
    """Try for seconds instead of ten minutes, so that a server that is gone is told soon."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    policy = DefaultPolicy(max_retries=8, initial_backoff=100, max_backoff=5000)
    session.client.set_retry_policies([policy])
    return session


def part(deployment, faults):
    """All faults of one deployment, one JSON line each."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        cluster, session = None, None
        try:
            for fault in faults:
                fresh = fault.startswith(("server", "loss"))
                if cluster is None and deployment != "local":
                    workers = 2 if deployment == "standalone" else 0
                    cluster = LocalCluster(
                        workers=workers, cores=2 if workers else 4, folder=Path(folder) / "cluster",
                        connect=deployment == "connect",
                    )  # fmt: skip
                    cluster.start()
                if deployment == "connect" and (session is None or session.is_stopped or fresh):
                    session = impatient(SparkSession.builder.remote(cluster.remote).create())
                    TagTheStruck(session)
                elif session is None:
                    master = cluster.master if cluster else "local[4]"
                    options = {"spark_log_level": "OFF", "spark_executor_memory": "1g"}
                    session = classic_session(master, folder, **options)
                logs = Path(folder) / "logs"
                logs.mkdir(exist_ok=True)
                print(json.dumps(run(deployment, fault, session, cluster, logs)), flush=True)
        finally:
            if cluster is not None:
                cluster.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(FAULTS))
    parser.add_argument("--faults", default="")
    parser.add_argument("--part", choices=FAULTS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    wanted = [name for name in args.faults.split(",") if name]
    chosen = {
        deployment: [fault for fault in faults if not wanted or fault in wanted]
        for deployment, faults in FAULTS.items()
    }
    if args.part:
        part(args.part, chosen[args.part])
        return
    print(
        f"{'deployment':11} {'fault':30} {'lost':>4} {'twice':>5} {'again':>5} {'seconds':>7}  "
        "what happened to the trial"
    )
    failed = False
    for deployment in args.only.split(","):
        command = [sys.executable, __file__, "--part", deployment, "--faults", args.faults]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
            count = 0
            for line in process.stdout:
                if not line.startswith("{"):
                    continue
                row, count = json.loads(line), count + 1
                print(
                    f"{row['deployment']:11} {row['fault']:30} {row['lost']:4} {row['twice']:5} "
                    f"{row['again']:5} {row['seconds']:7.1f}  {row['what'][:90]}",
                    flush=True,
                )
                for problem in row["problems"]:
                    failed = True
                    print(f"    NOT AS PROMISED: {problem}", flush=True)
            if process.wait() or count < len(chosen[deployment]):
                failed = True
                errors.seek(0)
                print(errors.read().decode(errors="replace")[-3000:])
    sys.exit(failed)


if __name__ == "__main__":
    main()
