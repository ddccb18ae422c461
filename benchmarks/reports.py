"""What do reports of running trials cost, and how soon is a pruned trial's slot free?

    python benchmarks/reports.py [--processes 2] [--seconds 5] [--rates 500,2000,5000]

Trials run in processes of this machine. *To the free slot*: from the pruner's decision to the end
of the trial, where an objective reports every 0.1 s, and where it never reports again. *A report*:
processor time of this program for each report, and its share of a core at so many reports a second
in all, with the rule ``asha()``, less what the same run costs without reports.
"""

import argparse
import statistics
import time
from contextlib import closing

from sparktune import Budget, History, Space, Status, hp, prune, search
from sparktune.engines.processes import Processes
from sparktune.engines.settings import Settings
from sparktune.events import Finished
from sparktune.suggest.random import Random

SPACE = Space.of({"x": hp.uniform("x", 0, 1)})


class Timed:
    """Stops every trial at its third report, and knows when."""

    def __init__(self):
        self.at = {}

    def stops(self, history, number):
        if history.report_count(number) < 3:
            return False
        self.at[number] = time.monotonic()
        return True


def every_tenth(_, trial):
    for step in range(600):
        trial.report(step, 1.0)
        time.sleep(0.1)


def never_again(_, trial):
    for step in range(3):
        trial.report(step, 1.0, raises=False)
    time.sleep(60)


def freed(objective, slots, count, **settings):
    """Seconds from decision to end of each of so many pruned trials."""
    rule, history, seconds = Timed(), History(SPACE), []
    events = search(
        objective, SPACE, Random(), Processes(slots), history, Budget(max_evals=count), 0,
        pruner=rule, settings=Settings(**settings),
    )  # fmt: skip
    with closing(events):
        for event in events:
            if isinstance(event, Finished) and event.trial.status is Status.PRUNED:
                seconds.append(time.monotonic() - rule.at[event.trial.number])
    return seconds


def reporting(config, trial, rate=0, seconds=5.0):
    """Report so many times a second."""
    end = time.monotonic() + seconds
    step, next_at = 0, time.monotonic()
    while time.monotonic() < end:
        if rate:
            trial.report(step, config["x"])
            step += 1
            next_at += 1 / rate
            time.sleep(max(0.0, next_at - time.monotonic()))
        else:
            time.sleep(0.01)
    return config["x"]


def load(rate, slots, seconds):
    """Reports, wall seconds and processor seconds of a run."""

    def objective(config, trial):
        return reporting(config, trial, rate / slots, seconds)

    history = History(SPACE)
    events = search(
        objective, SPACE, Random(), Processes(slots), history, Budget(max_evals=slots), 0,
        pruner=prune.asha(min_steps=10**9),
    )  # fmt: skip
    wall, used = time.monotonic(), time.process_time()
    with closing(events):
        for _ in events:
            pass
    used, wall = time.process_time() - used, time.monotonic() - wall
    return sum(history.report_count(n) for n in range(len(history))), wall, used


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rates", default="500,2000,5000")
    args = parser.parse_args()
    print("| to the free slot | median | most |\n|---|---|---|")
    for what, objective, grace in [
        ("reports every 0.1 s", every_tenth, 5.0),
        ("never reports again, trial_grace=1", never_again, 1.0),
    ]:
        seconds = freed(objective, args.processes, 10, grace=grace)
        print(f"| {what} | {statistics.median(seconds):.3f} s | {max(seconds):.3f} s |")
    _, _, idle = load(0, args.processes, args.seconds)
    print("\n| reports a second | processor time of each | share of a core |\n|---|---|---|")
    for rate in map(int, args.rates.split(",")):
        count, wall, used = load(rate, args.processes, args.seconds)
        used -= idle
        per_report = 1e6 * used / max(1, count)
        print(f"| {count / args.seconds:.0f} | {per_report:.0f} us | {used / wall:.1%} |")


if __name__ == "__main__":
    main()
