"""Do thousands of trials on Spark, some of which fail in every way there is, leave all as it was?

    python benchmarks/soak.py [--trials 5000] [--algo tpe|rand] [--rate 0.05] 2>soak.err

Runs fmin on local[8], 8 trials at a time with a time limit of 1 s and 0.5 s of grace. By each
trial's seed, the share ``rate`` of them misbehaves: raises, returns NaN, STATUS_FAIL or a lock,
exits, is killed, crashes in native code, sleeps over its limit, swallows the limit, leaves a child
process behind, or kills Spark's own Python worker.

Prints every 1,000 trials what the driver takes (memory of Python and of the JVM, threads of Python,
processes below it), and at the end whether every trial was called once and ended as its kind has
to, and which threads and processes are left. Exits with 1 where something does not hold. Needs
Linux and pandas; Spark and the trials write to standard error.
"""

import argparse
import collections
import contextlib
import ctypes
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

from sessions import classic_session

PARALLELISM = 8
LIMIT, GRACE = 1.0, 0.5
LEAVE_SECONDS = 10.0  # that threads and processes may take to end
MARK = "SPARKTUNE_SOAK"  # an environment variable that all processes of this run inherit


# What trials do; it travels to the executors by value.


def good(x):
    return x * x


def raises(x):
    raise ValueError(f"raised on purpose at {x}")


def returns_nan(_):
    return float("nan")


def returns_fail(_):
    return {"status": "fail", "why": "on purpose"}


def returns_lock(x):
    return {"loss": x * x, "lock": threading.Lock()}


def exits(_):
    os._exit(1)


def is_killed(_):
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(30)


def segfaults(_):
    ctypes.string_at(0)


def sleeps(x):
    time.sleep(30)
    return x * x


def swallows(x):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(BaseException):
            time.sleep(5)
    return x * x


def leaves_child(x):
    subprocess.Popen(["sleep", "300"])
    return x * x


def stat_of(pid):
    """State and parent of a process."""
    state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    return state, int(parent)


def kills_worker(_):
    watchdog = os.getppid()
    worker = stat_of(watchdog)[1]
    for pid in (worker, stat_of(worker)[1]):  # nothing else may be hit where trials run otherwise
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if b"pyspark" not in command or b"daemon" not in command:
            raise RuntimeError(f"process {pid} is not of Spark's Python: {command!r}")
    os.kill(worker, signal.SIGKILL)
    time.sleep(30)


KINDS = {
    "raises": raises,
    "returns NaN": returns_nan,
    "returns fail": returns_fail,
    "returns lock": returns_lock,
    "exits": exits,
    "is killed": is_killed,
    "segfaults": segfaults,
    "sleeps": sleeps,
    "swallows": swallows,
    "leaves child": leaves_child,
    "kills worker": kills_worker,
}

# The status that each kind has to end with, and words of its error.
EXPECTED = {
    "good": ("ok", None),
    "raises": ("failed", "ValueError: raised on purpose"),
    "returns NaN": ("failed", "returned NaN"),
    "returns fail": ("failed", "returned STATUS_FAIL"),
    "returns lock": ("failed", "cannot be pickled: 'lock'"),
    "exits": ("failed", "exited with code 1"),
    "is killed": ("failed", "killed by SIGKILL"),
    "segfaults": ("failed", "killed by SIGSEGV"),
    "sleeps": ("timed_out", "stopped at its time limit"),
    "swallows": ("timed_out", "it did not react"),
    "leaves child": ("ok", None),
    "kills worker": ("failed", "Spark's Python worker died"),
}


def kind_of(seed, rate):
    rng = random.Random(seed)
    return rng.choice(list(KINDS)) if rng.random() < rate else "good"


def objective_with(rate, log):
    def objective(x, *, trial):
        kind = kind_of(trial.seed, rate)
        line = f"{trial.number},{trial.attempt},{kind}\n"
        with open(log, "ab", buffering=0) as file:  # noqa: PTH123
            file.write(line.encode())  # one write, so lines of trials do not mix
        return KINDS.get(kind, good)(x)

    return objective


# What the driver sees of itself.


def processes():
    """Process id to parent, of all that live."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = stat_of(entry.name)
                if state not in "ZX":
                    found[int(entry.name)] = parent
    return found


def below_driver():
    """Process ids below this one, wherever their parents are by now."""
    parents = processes()
    below = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    mark = f"{MARK}={os.environ[MARK]}".encode()
    for pid in parents.keys() - below:
        with contextlib.suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                below.add(pid)
    return below - {os.getpid()}


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:100].strip()
    except OSError:
        return ""


def rss_of(pid):
    """Resident memory in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Samples:
    """A line on the driver every so many trials; also an ``early_stop_fn`` that never stops."""

    def __init__(self, every, jvm):
        self.every, self.jvm, self.next = every, jvm, every
        self.began = time.monotonic()
        print(
            f"{'trials':>8}{'seconds':>9}{'Python MB':>11}{'JVM MB':>8}{'threads':>9}{'below':>7}"
        )

    def __call__(self, trials):
        done = trials.count_total_trials()
        if done >= self.next:
            self.line(done)
            self.next = done - done % self.every + self.every
        return False, []

    def line(self, done):
        print(
            f"{done:8}{time.monotonic() - self.began:9.1f}{rss_of(os.getpid()):11.0f}"
            f"{rss_of(self.jvm):8.0f}{threading.active_count():9}{len(below_driver()):7}",
            flush=True,
        )


def wait_for_none(look):
    """What ``look()`` still finds after a while, and the seconds until it found nothing."""
    began = time.monotonic()
    while (left := look()) and time.monotonic() - began < LEAVE_SECONDS:
        time.sleep(0.1)
    return left, time.monotonic() - began


# What has to hold.


def mismatches(frame, log, trials):
    """What of the record is not as it has to be, in words; and the kind of each trial."""
    called = collections.defaultdict(list)
    for line in Path(log).read_text().splitlines():
        number, attempt, kind = line.split(",")
        called[int(number)].append((int(attempt), kind))
    wrong = []
    if list(frame.index) != list(range(trials)):
        wrong.append(f"{len(frame)} trials in the record, not 0 to {trials - 1} once each")
    for number in sorted({*called} - {*frame.index}):
        wrong.append(f"trial {number} was called, but is not in the record")
    kinds = {}
    for number, row in frame.iterrows():
        calls = called.get(number, [])
        if len(calls) != 1 or row.attempt != 0:
            wrong.append(f"trial {number}: called as {calls}, recorded as attempt {row.attempt}")
        kind = kinds[number] = calls[0][1] if calls else "not called"
        status, words = EXPECTED.get(kind, ("no status", None))
        error = row.error if isinstance(row.error, str) else ""
        if row.status != status or (words or "") not in error or bool(words) != bool(error):
            said = " | ".join(error.strip().splitlines())
            wrong.append(f"trial {number} ({kind}): {row.status}, not {status}: {said[:300]!r}")
        elif status == "ok" and not math.isclose(row.loss, row.params_x**2):
            wrong.append(f"trial {number} ({kind}): loss {row.loss}, not {row.params_x**2}")
    return wrong, kinds


def check(holds, sentence):
    print(f"{'yes' if holds else 'NO':>4}  {sentence}", flush=True)
    return bool(holds)


def soak(args, folder):
    from sparktune import SparkTrials, fmin, hp, rand, tpe

    session = classic_session(f"local[{PARALLELISM}]", folder)
    session.sparkContext.parallelize(range(8), 8).map(good).collect()
    jvm = next(pid for pid in below_driver() if "java" in command_of(pid).split()[0])
    threads_before = set(threading.enumerate())

    trials = SparkTrials(PARALLELISM, spark_session=session, trial_timeout=LIMIT, trial_grace=GRACE)
    log = f"{folder}/called"
    samples = Samples(args.every, jvm)
    samples.line(0)
    began = time.monotonic()
    fmin(
        objective_with(args.rate, log), hp.uniform("x", -1, 1),
        algo={"tpe": tpe, "rand": rand}[args.algo].suggest, max_evals=args.trials, trials=trials,
        rstate=args.seed, show_progressbar=False, early_stop_fn=samples,
    )  # fmt: skip
    seconds = time.monotonic() - began
    samples.line(trials.count_total_trials())

    frame = trials.to_pandas()
    wrong, kinds = mismatches(frame, log, args.trials)
    print(f"\n{'kind':<14}{'trials':>7}  ended as")
    for kind in EXPECTED:
        numbers = [number for number, its in kinds.items() if its == kind]
        ends = collections.Counter(frame.status[number] for number in numbers)
        print(f"{kind:<14}{len(numbers):7}  {', '.join(f'{n} {s}' for s, n in ends.items())}")
    counts = ", ".join(f"{n} {status}" for status, n in frame.status.value_counts().items())
    print(f"\n{args.trials} trials ({args.algo}) in {seconds:.1f} s, of which {counts}")

    def new_threads():
        return [thread.name for thread in threading.enumerate() if thread not in threads_before]

    threads, thread_seconds = wait_for_none(new_threads)
    commands = collections.Counter(command_of(pid) for pid in below_driver() - {jvm})
    print("below the driver before the session is stopped, beside its JVM:")
    for command, n in commands.most_common():
        print(f"{n:6}  {command or 'ended meanwhile'}")
    session.stop()
    left, left_seconds = wait_for_none(lambda: below_driver() - {jvm})
    ours = "processes of trials and of Spark's Python"
    holds = [
        check(not wrong, f"every trial called once and ended as it has to ({len(wrong)} did not)"),
        check(not threads, f"no threads left {thread_seconds:.1f} s after the run {threads or ''}"),
        check(not left, f"no {ours} left {left_seconds:.1f} s after the session ({len(left)} are)"),
    ]
    for sentence in wrong[:50]:
        print(f"      {sentence}")
    for pid in left:
        print(f"      process {pid}: {command_of(pid)}")
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return all(holds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--algo", choices=["tpe", "rand"], default="tpe")
    parser.add_argument("--rate", type=float, default=0.05, help="share that misbehaves")
    parser.add_argument("--every", type=int, default=1000, help="trials between two samples")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    os.environ[MARK] = uuid.uuid4().hex
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        sys.exit(0 if soak(args, folder) else 1)


if __name__ == "__main__":
    main()
