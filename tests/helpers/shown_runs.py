"""Runs for pages to show: one that looks like work, and one of texts that pages might run."""

import numpy as np

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space

__all__ = ["EVIL", "hostile", "work"]

BEGUN = 1_790_000_000.0
SPACE = {
    "model": hp.choice(
        "model",
        [
            {
                "kind": "svm",
                "C": hp.loguniform("C", -7, 7),
                "kernel": hp.choice("kernel", ["linear", "rbf", {"poly": hp.randint("degree", 6)}]),
            },
            {
                "kind": "forest",
                "depth": hp.uniformint("depth", 2, 20),
                "trees": hp.qloguniform("trees", 3, 7, 10),
                "features": hp.uniform("features", 0.1, 1),
            },
            {
                "kind": "boost",
                "rounds": hp.uniformint("rounds", 10, 500),
                "rate": hp.loguniform("rate", -7, 0),
            },
        ],
    ),
    "scale": hp.choice("scale", ["none", "standard", "robust"]),
    "l2": hp.loguniform("l2", -12, 0),
    "dropout": hp.uniform("dropout", 0, 0.6),
    "leaf": hp.qlognormal("leaf", 2, 1, 1),
}
ERRORS = (
    "Traceback (most recent call last):\n"
    '  File "train.py", line 41, in objective\n    model.fit(X, y)\n'
    '  File "svm/_base.py", line 190, in fit\n    raise ValueError(\n'
    "ValueError: Input X contains NaN.",
    "Traceback (most recent call last):\n"
    '  File "train.py", line 57, in objective\n    out = layer(batch)\n'
    "RuntimeError: out of memory: tried to allocate 2.50 GiB",
)


def loss_of(values, rng):
    """A loss in which the model matters most, then its own settings."""
    model = values["model"]
    base = (0.32, 0.24, 0.2)[model] + 0.02 * (values["scale"] == 0)
    if model == 0:
        base += 0.0025 * (np.log(values["C"]) - 1) ** 2
    if model == 1:
        base += 0.0006 * (values["depth"] - 12) ** 2
    if model == 2:
        base += 0.012 * (np.log(values["rate"]) + 2.5) ** 2
    base += 0.001 * (np.log(values["l2"]) + 6) ** 2 + 0.1 * (values["dropout"] - 0.2) ** 2
    return float(base * np.exp(rng.normal(0, 0.04)))


def work(count, seed=0, slots=6):
    """So many trials on three hosts: failures, pruned and timed out ones, and three that run."""
    rng, space = np.random.default_rng(seed), Space(SPACE)
    history, free = History(space), np.full(slots, BEGUN)
    for number, row in enumerate(space.sample(rng, count)):
        values, slot = space.decode(row), int(np.argmin(free))
        start, seconds = free[slot] + rng.exponential(0.3), float(rng.lognormal(2.2, 0.5))
        history.start([values], start)
        loss, chance = loss_of(values, rng), rng.random()
        if count > 50 and number >= count - 3:
            free[slot] = np.inf
            continue
        steps = int(rng.integers(2, 8)) if chance > 0.7 else 12
        for step in range(1, steps + 1):
            value = loss + (1 - loss) * 0.6 * np.exp(-step / 3) + rng.normal(0, 0.006)
            history.report(number, 0, step, float(value))
        seconds *= steps / 12
        at = {"seconds": seconds, "host": f"10.0.0.{11 + slot // 2}"}
        if chance < 0.06:
            kind = int(rng.integers(2))
            error = {"error": ERRORS[kind], "error_type": ("ValueError", "RuntimeError")[kind]}
            outcome = Outcome(Status.FAILED, **error, **at)
        elif chance < 0.08:
            outcome = Outcome(Status.TIMED_OUT, error="the trial took longer than 60 s", **at)
        elif chance > 0.7:
            outcome = Outcome(Status.PRUNED, **at)
        else:
            info = {"accuracy": 1 - loss, "fold": f"fold {number % 5}"}
            outcome = Outcome(Status.OK, loss=loss, info=info, **at)
        history.finish(number, 0, outcome)
        free[slot] = start + seconds
    return history


EVIL = (
    "</script><script>window.ran=1</script>",
    "<!--<script>window.ran=2",
    "<img src=http://evil.test/x onerror=window.ran=3>",
    "\"'`'\" onload=window.ran=4",
    "a\0b\x1b[31m",
    "line\u2028and\u2029paragraph",
    "javascript:window.ran=5",
    "\u202eright to left\u202c \u200f",
    "lone \ud800 surrogate",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "{{tail}}",
    "&lt;b&gt; ]]> ${window.ran=6}",
    "url(http://evil.test/y); color: red",
)


def hostile():
    """A run in which every text that a trial can bring is one of EVIL."""
    space = Space(
        {
            **{text: hp.uniform(text, 0, 1) for text in EVIL},
            "options": hp.choice("options", list(EVIL)),
            "branch": hp.choice("branch", [{EVIL[0]: hp.normal("below", 0, 1)}, list(EVIL)]),
        }
    )
    history, rng = History(space), np.random.default_rng(0)
    for number, row in enumerate(space.sample(rng, 60)):
        text = EVIL[number % len(EVIL)]
        history.start([space.decode(row)], BEGUN + number)
        history.report(number, 0, 1, (float("nan"), float("inf"), 0.5)[number % 3])
        brought = {"host": text, "log_tail": text, "note": text, "seconds": 1.0}
        if number % 4 == 1:
            kind = {"error": f"Traceback (most recent call last):\n{text}", "error_type": text}
            outcome = Outcome(Status.FAILED, **kind, **brought)
        else:
            info = {text: text, "deep": {text: [text]}, "all": list(EVIL)}
            loss = float("inf") if number == 8 else float(rng.random())
            outcome = Outcome(Status.OK, loss=loss, info=info, **brought)
        history.finish(number, 0, outcome)
    return history
