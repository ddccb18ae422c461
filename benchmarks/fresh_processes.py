"""What does a fresh process for trials cost?

    python benchmarks/fresh_processes.py [--engines processes,classic,connect] [--trials 40]

Milliseconds that a trial takes beside others, with two trials at a time, where a process evaluates
any number of trials, ten, or one (``trials_per_process``). The objective returns at once
(``square``), or also imports numpy and reads a captured list of a million floats (``numpy``). Each
figure is the median of three runs; before them comes a first run, in which everything starts.
"""

import argparse
import os
import statistics
import sys
import time

from measuring import machine

from sparktune import SparkTrials, Trials, fmin, hp, rand

LIMITS = (None, 10, 1)


def square(x):
    return x**2


def with_numpy():
    data = [0.5] * 1_000_000

    def objective(x):
        import numpy as np

        return float(np.square(x)) * len(data)

    return objective


def milliseconds(objective, host, n):
    began = time.perf_counter()
    fmin(
        objective, hp.uniform("x", -1, 1), algo=rand.suggest, max_evals=n, trials=host, rstate=0,
        show_progressbar=False,
    )  # fmt: skip
    if host.count_successful_trials() != n:
        raise RuntimeError(f"only {host.count_successful_trials()} of {n} trials have a result")
    return (time.perf_counter() - began) * 1000 / n


def session_of(engine):
    if engine == "processes":
        return None
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if engine == "connect":
        return SparkSession.builder.remote("local[2]").getOrCreate()
    quiet = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    return SparkSession.builder.master("local[2]").config(map=quiet).getOrCreate()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engines", default="processes,classic")
    parser.add_argument("--trials", type=int, default=40)
    args = parser.parse_args()
    print(machine())
    print(f"{'':24}" + "".join(f"{limit or 'no limit':>10}" for limit in LIMITS))
    for engine in args.engines.split(","):
        session = session_of(engine)

        def host(limit, session=session):
            if session is None:
                return Trials(parallelism=2, trials_per_process=limit)
            return SparkTrials(2, spark_session=session, trials_per_process=limit)

        for name, objective in (("square", square), ("numpy", with_numpy())):
            cold = milliseconds(objective, host(None), args.trials)
            figures = [
                statistics.median(milliseconds(objective, host(limit), args.trials) for _ in "123")
                for limit in LIMITS
            ]
            row = "".join(f"{figure:>10.0f}" for figure in figures)
            print(f"{f'{engine}, {name}':24}{row}   (first run {cold:.0f})", flush=True)
        if session is not None:
            session.stop()


if __name__ == "__main__":
    main()
