"""What MLflow beside a search costs it, with a real server on this machine.

    .venvs/mlflow/bin/python benchmarks/tracking.py [--trials 1000] [--rate 50] [--outage 20]

A search of trials that sleep, in threads, with tracking and without, in turn: its time up to the
last trial, how many trials the server had by then, and how long the rest took. With --outage the
server is killed in the middle of the tracked search for so many seconds. The server runs at a
lower priority than the search, as it is on another machine in use.
"""

import argparse
import statistics
import sys
import threading
import time
import warnings
from pathlib import Path

import mlflow

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))
from mlflow_server import MlflowServer

from sparktune import Trials, fmin, hp, rand

SLOTS = 4
SPACE = {"x": hp.uniform("x", 0, 1), "kind": hp.choice("kind", ["a", "b", "c"])}


def searched(trials, count, rate, outage=None):
    """Seconds until the last trial ended, and until fmin returned, from the first on."""
    seconds, ends, began = SLOTS / rate, [], time.monotonic()

    def objective(config):
        time.sleep(seconds)
        ends.append(time.monotonic())
        if outage is not None and len(ends) == count // 2:
            threading.Thread(target=outage).start()
        return config["x"]

    fmin(
        objective, SPACE, rand.suggest, count, trials=trials, rstate=0, show_progressbar=False
    )  # fmt: skip
    return max(ends) - began, time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--outage", type=float, default=0.0)
    parser.add_argument("--repeats", type=int, default=3)
    words = parser.parse_args()
    server = MlflowServer(nice=10)
    mlflow.set_tracking_uri(server.uri)
    warnings.simplefilter("ignore")

    def outage():
        server.kill()
        time.sleep(words.outage)
        server.start()

    try:
        plain, tracked = [], []
        for repeat in range(words.repeats):
            options = {"parallelism": SLOTS, "executor": "threads"}
            plain.append(searched(Trials(tracking=False, **options), words.trials, words.rate)[0])
            trials = Trials(tracking=True, **options)
            away = outage if words.outage and not repeat else None
            last, whole = searched(trials, words.trials, words.rate, away)
            tracked.append(last)
            began = time.monotonic()
            rest = trials.log_to_mlflow(timeout=3600)
            print(
                f"{repeat}: without {plain[-1]:.1f} s, with {last:.1f} s; fmin returned "
                f"{whole - last:.1f} s after the last trial, log_to_mlflow logged {rest} trials "
                f"in {time.monotonic() - began:.1f} s",
                flush=True,
            )
            client, place = mlflow.MlflowClient(), trials.place()
            found, token = 0, None
            while token != "":
                page = client.search_runs(
                    [place.experiment], f"tags.`sparktune.search` = '{place.search}'",
                    max_results=1000, page_token=token,
                )  # fmt: skip
                found, token = found + len(page), page.token or ""
            print(f"   the server has {found} of {words.trials} trials", flush=True)
        slower = statistics.median(b / a for a, b in zip(plain, tracked, strict=True)) - 1
        print(f"the search is slower by {slower:.1%} (median of {words.repeats})")
    finally:
        server.close()


if __name__ == "__main__":
    main()
