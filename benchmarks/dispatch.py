"""What does a trial cost beside its objective, and how well are the slots used?

    python benchmarks/dispatch.py [--quick] [--only bare,joblib] [--no-connect] 2>spark.err

Three parts, each with 8 trials at a time on Spark with local[8]:

    rate      trials per second of x**2. After a warm-up, measured in turns, a few times each:
              medians, least and most. Whoever is slow gets fewer trials, for the same time.
    slots     seconds that 80 trials take whose objectives sleep, lognormally distributed
              (sigma 1, mean 0.5 s); the same list of durations for everybody.
    connect   the rate through a Spark Connect server, which this script starts and stops.

All of the first two parts run in one JVM. Compared are ``bare`` (one-task jobs from a thread pool:
what it costs to give each trial a job of its own), sparktune, and of its peers those that are
installed (pip install hyperopt==0.3.0 joblibspark mlflow "optuna>=4"): Hyperopt's SparkTrials,
joblib-spark and MLflow's MlflowSparkStudy. Spark writes to standard error.
"""

import argparse
import contextlib
import fcntl
import functools
import heapq
import importlib.util
import json
import logging
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from measuring import machine, time_limit
from sessions import classic_session

from sparktune.cluster.local import LocalCluster

P = 8
WARM_JOBS = 100
WARM_TRIALS = 16
SLOTS_TRIALS = 80
MEAN_SECONDS = 0.5
LEAST_TRIALS = 16
SLOW = 2.0  # trials per second


# Contenders: each evaluates n times x**2, or sleeps for each of the durations, and returns how many
# trials have a result.


def square(x):
    return x**2


def bare(spark, n, durations):
    def one(i):
        return context.parallelize([i], 1).map(task).collect()

    context = spark.sparkContext
    task = square if durations is None else functools.partial(nap, durations)
    with ThreadPoolExecutor(P) as pool:
        return len(list(pool.map(one, range(n))))


def nap(durations, i):
    time.sleep(durations[i])
    return durations[i]


def bare_connect(spark, n, durations):  # noqa: ARG001
    import pyarrow

    def task(batches):
        for _ in batches:
            pass
        yield pyarrow.RecordBatch.from_pydict({"answer": [0.5**2]})

    def one(_):
        return spark.range(0, 1, 1, 1).mapInArrow(task, "answer double").collect()

    with ThreadPoolExecutor(P) as pool:
        return len(list(pool.map(one, range(n))))


def sparktune_with(algo):
    def run(spark, n, durations):
        import sparktune

        def napping(_, *, trial):
            return nap(durations, trial.number)

        trials = sparktune.SparkTrials(P, spark_session=spark)
        sparktune.fmin(
            square if durations is None else napping, sparktune.hp.uniform("x", -1, 1),
            algo=getattr(sparktune, algo).suggest, max_evals=n, trials=trials, rstate=0,
            show_progressbar=False,
        )  # fmt: skip
        return trials.count_successful_trials()

    return run


def hyperopt_spark(spark, n, durations):
    import hyperopt

    trials = hyperopt.SparkTrials(parallelism=P, spark_session=spark)
    hyperopt.fmin(
        square if durations is None else counting_nap(durations),
        hyperopt.hp.uniform("x", -1, 1), algo=hyperopt.rand.suggest, max_evals=n, trials=trials,
        rstate=np.random.default_rng(0), show_progressbar=False, verbose=False,
    )  # fmt: skip
    return trials.count_successful_trials()


def counting_nap(durations):
    """An objective that sleeps for the next of the durations, in the order in which trials start.

    For peers whose trials have no number (Hyperopt), or one that several may share (MLflow).
    """
    counter = f"{Path.cwd()}/counter-{uuid.uuid4().hex}"
    Path(counter).write_text("0")

    def objective(_):
        with open(counter, "r+") as file:  # noqa: PTH123
            fcntl.flock(file, fcntl.LOCK_EX)
            i = int(file.read())
            file.seek(0)
            file.write(str(i + 1))
        return nap(durations, i)

    return objective


def joblib_with(batch_size):
    def run(spark, n, durations):  # noqa: ARG001 (it takes the active session)
        from joblib import Parallel, delayed, parallel_config
        from joblibspark import register_spark

        register_spark()
        task = square if durations is None else functools.partial(nap, durations)
        with parallel_config("spark", n_jobs=P):
            return len(Parallel(batch_size=batch_size)(delayed(task)(i) for i in range(n)))

    return run


@functools.cache
def mlflow_experiment():
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    mlflow.set_tracking_uri(f"sqlite:///{Path('mlflow.db').absolute()}")
    return mlflow.create_experiment("dispatch", artifact_location=str(Path("mlruns").absolute()))


def mlflow_spark(spark, n, durations):  # noqa: ARG001 (it takes the active session)
    experiment = mlflow_experiment()
    import optuna
    from mlflow.optuna.storage import MlflowStorage
    from mlflow.pyspark.optuna.study import MlflowSparkStudy

    def objective(trial):
        x = trial.suggest_float("x", -1, 1)
        return task(x)

    task = square if durations is None else counting_nap(durations)
    study = MlflowSparkStudy(
        uuid.uuid4().hex, MlflowStorage(experiment), sampler=optuna.samplers.RandomSampler(0)
    )
    study.optimize(objective, n_trials=n, n_jobs=P)
    return study.completed_trials_count


CONTENDERS = {  # name: what runs it, packages that it needs, what it is
    "bare": (bare, (), "one-task jobs from a pool of 8 threads"),
    "sparktune-rand": (sparktune_with("rand"), (), "fmin, rand.suggest, SparkTrials(8)"),
    "sparktune-tpe": (sparktune_with("tpe"), (), "the same with tpe.suggest"),
    "joblib": (joblib_with(1), ("joblibspark",), "Parallel(batch_size=1), one job a call"),
    "joblib-auto": (joblib_with("auto"), ("joblibspark",), "Parallel, joins short calls in a job"),
    "mlflow": (
        mlflow_spark,
        ("mlflow", "optuna"),
        "MlflowSparkStudy, n_jobs=8, random, SQLite; one job, n/8 trials a task",
    ),
    "hyperopt": (hyperopt_spark, ("hyperopt",), "its SparkTrials(8), rand.suggest"),
}
CONNECT_CONTENDERS = {
    "bare": (bare_connect, (), "one-row mapInArrow queries from a pool of 8 threads"),
    **{name: CONTENDERS[name] for name in ("sparktune-rand", "sparktune-tpe")},
}
HOW_NUMBERED = (
    "All sleep for the same list of durations: sparktune by trial number, bare and joblib by "
    "index,\nhyperopt and mlflow by a counter in a file, in the order in which trials start."
)


# Measuring.


class Bench:
    """Measures contenders, and remembers who is out and why."""

    def __init__(self, contenders, spark, args):
        self.contenders, self.spark, self.args = contenders, spark, args
        self.out = {}
        self.slow = set()  # those that start new processes all the time
        for name, (_, packages, _) in contenders.items():
            missing = [each for each in packages if importlib.util.find_spec(each) is None]
            if missing:
                self.out[name] = f"not installed: pip install {' '.join(missing)}"

    @property
    def names(self):
        """Contenders that are still in."""
        return [name for name in self.contenders if name not in self.out]

    def seconds(self, name, n, durations=None):
        """Seconds for n trials; None where the contender fails, which puts it out."""
        run = self.contenders[name][0]
        try:
            with time_limit(self.args.limit), contextlib.redirect_stdout(sys.stderr):
                began = time.perf_counter()
                done = run(self.spark, n, durations)
                seconds = time.perf_counter() - began
            if done != n:
                raise RuntimeError(f"{done} of {n} trials have a result")
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            self.out[name] = f"failed: {type(error).__name__}: {text}"
            self.cancel()
            return None
        return seconds

    def cancel(self):
        with contextlib.suppress(Exception):  # Spark Connect
            self.spark.interruptAll()
        with contextlib.suppress(Exception):
            self.spark.sparkContext.cancelAllJobs()

    def warm_up(self):
        """Run everybody once; trials that each is to get in a measurement, by its speed."""
        counts = {}
        for name in self.names:
            n = WARM_JOBS if name == "bare" else WARM_TRIALS
            seconds = self.seconds(name, n)
            if seconds is not None and n / seconds > SLOW:  # it was cold
                seconds = self.seconds(name, n)
            if seconds is None:
                continue
            if n / seconds <= SLOW:
                self.slow.add(name)
            n = min(self.args.trials, int(n / seconds * self.args.seconds))
            counts[name] = max(LEAST_TRIALS, n - n % P)
        return counts

    def settle(self, name):
        """Give a contender warm worker processes: the one before it may have left none."""
        if name not in self.slow:
            self.seconds(name, WARM_TRIALS)

    def rates(self, counts):
        """Trials per second of each measurement, by contender."""
        rates = {name: [] for name in counts}
        for turn in range(self.args.repeats):
            names = [name for name in counts if name in self.names]
            for name in names if turn % 2 == 0 else reversed(names):
                self.settle(name)
                seconds = self.seconds(name, counts[name]) if name in self.names else None
                if seconds is not None:
                    rates[name].append(counts[name] / seconds)
        return {
            name: {"trials": counts[name], "rates": rates[name]}
            for name in self.names
            if rates.get(name)
        }

    def slots(self, durations):
        """Seconds that the list of durations takes, by contender."""
        walls = {}
        for name in self.names:
            if name == "hyperopt" and self.args.quick:
                continue
            self.settle(name)
            seconds = self.seconds(name, len(durations), durations) if name in self.names else None
            if seconds is not None:
                walls[name] = seconds
        return walls


def durations_of(n, seed=0):
    drawn = np.random.default_rng(seed).lognormal(0, 1, n)
    return [float(seconds) for seconds in drawn * MEAN_SECONDS / drawn.mean()]


def greedy(durations):
    """Seconds if every trial began, in order, as soon as a slot is free."""
    free = [0.0] * P
    for seconds in durations:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


# The parts.


def chosen(contenders, only):
    return {name: what for name, what in contenders.items() if not only or name in only}


def classic_parts(args, folder):
    spark = classic_session(f"local[{P}]", folder)
    jvm = spark.sparkContext._jvm
    found = {"java": jvm.java.lang.System.getProperty("java.version")}
    try:
        bench = Bench(chosen(CONTENDERS, args.only), spark, args)
        counts = bench.warm_up()
        if args.part in ("all", "rate"):
            found["rate"] = bench.rates(counts)
            found["rate_out"] = dict(bench.out)
        if args.part in ("all", "slots"):
            durations = durations_of(SLOTS_TRIALS)
            found["slots"] = bench.slots(durations)
            found["slots_out"] = dict(bench.out)
            found["work"], found["greedy"] = sum(durations) / P, greedy(durations)
    finally:
        spark.stop()
    return found


def connect_part(args):
    """Measure through the server of ``args.remote``."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.remote(args.remote).getOrCreate()
    try:
        bench = Bench(chosen(CONNECT_CONTENDERS, args.only), spark, args)
        rates = bench.rates(bench.warm_up())
        return {"connect": rates, "connect_out": bench.out}
    finally:
        with time_limit(30):
            spark.stop()


def connect_in_subprocess(args, folder):
    """A Connect session and a classic one do not share a process well."""
    missing = [name for name in ("grpc", "pyarrow", "pandas") if not importlib.util.find_spec(name)]
    if not chosen(CONNECT_CONTENDERS, args.only):
        return {}
    if missing:
        return {"connect_failed": f"not installed: pip install 'pyspark[connect]' ({missing})"}
    command = [
        sys.executable, str(Path(__file__).resolve()), "--part", "connect", "--json",
        f"--trials={args.trials}", f"--repeats={args.repeats}", f"--seconds={args.seconds}",
        f"--limit={args.limit}",
    ]  # fmt: skip
    if args.only:
        command.append(f"--only={','.join(args.only)}")
    try:
        cluster = LocalCluster(workers=0, cores=P, connect=True, folder=f"{folder}/connect")
        with cluster:
            done = subprocess.run(
                [*command, f"--remote={cluster.remote}"],
                stdout=subprocess.PIPE, check=True, text=True,
                timeout=len(CONNECT_CONTENDERS) * args.limit, env={**os.environ, "TMPDIR": folder},
            )  # fmt: skip
        return json.loads(done.stdout)
    except (OSError, RuntimeError, subprocess.SubprocessError, ValueError) as error:
        return {"connect_failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}


# Printing.


def print_machine(about):
    print(
        f"{about['cores']} cores (load {about['load']:.1f} at the start), "
        f"Python {about['python']}, Java {about.get('java', 'unknown')}, "
        + ", ".join(f"{name} {number}" for name, number in about["with"].items())
    )


def print_rates(title, contenders, rates, out):
    medians = {name: statistics.median(found["rates"]) for name, found in rates.items()}
    print(f"\n{title}")
    yardsticks = [name for name in ("bare", "hyperopt") if name in contenders]
    titles = "".join(f"{'/' + name:>11}" for name in yardsticks)
    print(f"{'':<16}{'trials':>7}{'trials/s (least-most)':>27}{titles}")
    for name, (_, _, what) in contenders.items():
        if name in out:
            print(f"{name:<16}{out[name]}")
            continue
        if name not in rates:
            continue
        found, median = rates[name], medians[name]
        span = f"{median:.3g} ({min(found['rates']):.3g}-{max(found['rates']):.3g})"
        ratios = "".join(
            f"{median / medians[other]:11.3g}" if other in medians else f"{'-':>11}"
            for other in yardsticks
        )
        print(f"{name:<16}{found['trials']:>7}{span:>27}{ratios}  {what}")


def print_slots(contenders, found):
    work, bound = found["work"], found["greedy"]
    print(
        f"\n{SLOTS_TRIALS} sleeping trials, {P * work:.1f} s of work: {work:.2f} s on {P} slots at "
        f"the least,\n{bound:.2f} s if each in turn takes the first free slot (greedy)"
    )
    print(f"{'':<16}{'wall s':>8}{'/(work/8)':>11}{'/greedy':>9}")
    for name in contenders:
        if name in found["slots"]:
            wall = found["slots"][name]
            print(f"{name:<16}{wall:8.2f}{wall / work:11.2f}{wall / bound:9.2f}")
        else:
            print(f"{name:<16}{found['slots_out'].get(name, 'left out with --quick')}")
    print(HOW_NUMBERED)


def print_all(found, args):
    print_machine(found)
    if "rate" in found:
        title = f"x**2, local[{P}], {args.repeats} times each in turns"
        print_rates(title, chosen(CONTENDERS, args.only), found["rate"], found["rate_out"])
    if "slots" in found:
        print_slots(chosen(CONTENDERS, args.only), found)
    if "connect" in found:
        title = f"x**2, Spark Connect, server on local[{P}], {args.repeats} times each in turns"
        contenders = chosen(CONNECT_CONTENDERS, args.only)
        print_rates(title, contenders, found["connect"], found["connect_out"])
    if "connect_failed" in found:
        print(f"\nSpark Connect: {found['connect_failed']}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=400, help="the most in a measurement")
    parser.add_argument("--repeats", type=int, default=5, help="measurements for each")
    parser.add_argument(
        "--seconds", type=float, default=20, help="of a measurement: slow ones get fewer trials"
    )
    parser.add_argument("--limit", type=float, default=300, help="seconds until one is given up")
    parser.add_argument("--quick", action="store_true", help="fewer of all; hyperopt only in rate")
    parser.add_argument("--only", default="", help="names, with commas: " + ", ".join(CONTENDERS))
    parser.add_argument("--part", choices=["all", "rate", "slots", "connect"], default="all")
    parser.add_argument("--connect", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--remote", help="a Spark Connect server to use instead of one of its own")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    args = parser.parse_args()
    args.only = [name for name in args.only.split(",") if name]
    unknown = [name for name in args.only if name not in CONTENDERS]
    if unknown:
        parser.error(f"--only: unknown {unknown}; there are {', '.join(CONTENDERS)}")
    if args.quick:
        args.trials, args.repeats = min(args.trials, 80), min(args.repeats, 2)
        args.seconds = min(args.seconds, 8)
    return args


def main():
    args = parse_arguments()
    found = machine("pyspark", "sparktune", "hyperopt", "joblibspark", "mlflow", "optuna")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    with tempfile.TemporaryDirectory(prefix="dispatch-", ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        if args.part != "connect":
            found.update(classic_parts(args, folder))
        if args.remote and args.part == "connect":
            found.update(connect_part(args))
        elif args.connect and args.part in ("all", "connect"):
            through = connect_in_subprocess(args, folder)
            found.update({key: what for key, what in through.items() if key.startswith("connect")})
        if args.json:
            print(json.dumps(found))
        else:
            print_all(found, args)


if __name__ == "__main__":
    main()
