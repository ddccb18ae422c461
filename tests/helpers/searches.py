"""Searches without an engine, and what they search."""

import numpy as np

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.tpe import TPE

BOWL = {f"x{i}": hp.uniform(f"x{i}", 0, 1) for i in range(4)}
TREE = hp.choice(
    "kind",
    [
        {"kind": "a", "x": hp.uniform("x", 0, 1)},
        {"kind": "b", "n": hp.randint("n", 20), "c": hp.choice("c", [0, 1, 2])},
        {"kind": "c", "y": hp.normal("y", 0, 1), "deep": hp.choice("d", [{"z": 1}, {"z": 2}])},
    ],
)


def bowl(config):
    return sum((x - 0.3 - 0.1 * i) ** 2 for i, x in enumerate(config.values()))


def tree(config):
    if config["kind"] == "a":
        return 0.5 + config["x"]
    if config["kind"] == "b":
        return abs(config["n"] - 13) / 10 + (config["c"] != 2)
    return 0.3 + abs(config["y"] - 1) + config["deep"]["z"]


def run(space, loss, n, k, seed, suggester=None):
    """N trials in batches of k, without an engine."""
    space = Space(space)
    history = History(space)
    while len(history) < n:
        rng = np.random.default_rng([seed, len(history)])
        for values in (suggester or TPE()).suggest(space, history, rng, k, n):
            (trial,) = history.start([values], 0.0)
            value = loss(space.build(values))
            outcome = Outcome(Status.FAILED) if value is None else Outcome(Status.OK, loss=value)
            history.finish(trial.number, 0, outcome)
    return history
