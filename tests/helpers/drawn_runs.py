"""Histories that pictures are drawn of, made without an engine."""

import math

import numpy as np

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space

SPACE = {
    "lr": hp.loguniform("lr", math.log(1e-4), 0),
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.lognormal("C", 0, 2)},
            {"kind": "tree", "q": hp.quniform("q", 0, 1, 0.25), "d": hp.uniformint("depth", 1, 9)},
            {"kind": "none", "deep": hp.choice("deep", ["a", hp.normal("shift", 0, 1)])},
        ],
    ),
    "one": hp.choice("one", ["only"]),
}  # fmt: skip


def begun(space=SPACE, n=0, seed=0, now=0.0):
    """A history of n trials that run."""
    history = History(Space.of(space))
    rng = np.random.default_rng(seed)
    for row in history.space.sample(rng, n):
        history.start([history.space.decode(row)], now)
    return history


def ended(*losses, space=SPACE, seed=0, **more):
    """A history of trials with these losses; None has failed."""
    history = begun(space, len(losses), seed)
    for number, loss in enumerate(losses):
        status = Status.FAILED if loss is None else Status.OK
        history.finish(number, 0, Outcome(status, loss=loss, **more))
    return history


def mixed(n=60, space=SPACE, seed=0):
    """A history with all that can become of a trial: times, hosts, reports and results."""
    history, rng = begun(space, 0), np.random.default_rng(seed)
    statuses = [Status.OK] * 6 + [Status.FAILED, Status.TIMED_OUT, Status.PRUNED, Status.CANCELLED]
    for number in range(n):
        row = history.space.sample(rng, 1)[0]
        history.start([history.space.decode(row)], 1e9 + number // 4)
        for step in range(int(rng.integers(0, 5))):
            history.report(number, 0, step + 1, float(rng.normal()))
        if number % 11 == 5:
            history.requeue(number, "cut" if number % 2 else "lost")
            if number % 2:
                continue
        if number >= n - 2:
            continue
        status = statuses[int(rng.integers(len(statuses)))]
        loss = float(rng.normal()) if status is Status.OK else None
        info = {"accuracy": 0.5, "text": "x"} if loss is not None else {}
        host = f"host-{number % 2}"
        seconds = float(rng.gamma(2, 2))
        outcome = Outcome(status, loss=loss, info=info, seconds=seconds, host=host)
        history.finish(number, history[number].attempt, outcome)
    return history
