import json
from math import exp, sin

import numpy as np
from hyperopt import fmin, hp, tpe
from hyperopt.fmin import generate_trials_to_calculate

calls = []


def valley(args):
    x, kind = args["x"], args["kind"]
    calls.append((float(x), kind))
    return sin(3 * x) * exp(-abs(x)) + x * x / 50 + (0.2 if kind == "steep" else 0.0)


space = {"x": hp.uniform("x", -10, 10), "kind": hp.choice("kind", ["flat", "steep"])}
known = [{"kind": 0, "x": 0.0}, {"kind": 0, "x": -0.4}, {"kind": 1, "x": 9.0}]

# 1. points by argument
best = fmin(
    valley,
    space,
    algo=tpe.suggest,
    max_evals=12,
    points_to_evaluate=known,
    rstate=np.random.default_rng(0),
    show_progressbar=False,
)
print("with points_to_evaluate:", best)
first, head_of_first, calls_of_first = best, calls[:3], len(calls)
lowest_of_first = valley({"x": first["x"], "kind": ["flat", "steep"][first["kind"]]})

# 2. points as trials
calls = []
trials = generate_trials_to_calculate(known)
print(len(trials), "trials before the search, states", [t["state"] for t in trials._dynamic_trials])
best = fmin(
    valley,
    space,
    algo=tpe.suggest,
    max_evals=20,
    trials=trials,
    rstate=np.random.default_rng(0),
    show_progressbar=False,
)
print("with trials of points:", best)
print("argmin:", trials.argmin)

summary = {
    "calls_of_first": calls_of_first,
    "head_of_first": head_of_first,
    "good_first": lowest_of_first < -0.5,
    "calls_of_trials": len(calls),
    "head_of_trials": calls[:3],
    "tids": trials.tids[:5],
    "states": [t["state"] for t in trials.trials],
    "losses_of_points": trials.losses()[:3],
    "vals_of_points": [trials.trials[i]["misc"]["vals"] for i in range(3)],
    "cmd": [trials.miscs[0]["cmd"], trials.miscs[-1]["cmd"]],
    "found": {"first": first, "second": best},
    "good": min(trials.losses()) < -0.5,
}
print(json.dumps(summary, default=int))
