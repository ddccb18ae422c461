"""The space as annotations of the objective's parameters."""

import json

import numpy as np
from hyperopt import Trials, fmin, hp, rand, tpe
from hyperopt.exceptions import InvalidAnnotatedParameter


def objective(
    x: hp.uniform("x", -10, 10),
    y: hp.uniform("y", -10, 10),
    slope: hp.choice("slope", [1, 2, 4]) = None,
):
    return slope * abs(x) + (y - 2) ** 2


def without(x, y: int = 3):
    return x


if __name__ == "__main__":
    trials = Trials()
    best = fmin(
        objective,
        space="annotated",
        algo=tpe.suggest,
        max_evals=50,
        trials=trials,
        rstate=np.random.default_rng(4),
        show_progressbar=False,
    )
    print("best", best)
    try:
        fmin(without, space="annotated", algo=rand.suggest, max_evals=2, show_progressbar=False)
        refused = "no"
    except InvalidAnnotatedParameter:
        refused = "InvalidAnnotatedParameter"
    except Exception as error:
        refused = type(error).__name__
    print("without annotations:", refused)
    values = fmin(
        objective, "annotated", tpe.suggest, 5, return_argmin=False,
        rstate=np.random.default_rng(4), show_progressbar=False,
    )  # fmt: skip
    print("values:", values)
    summary = {
        "labels": sorted(best),
        "refused": refused,
        "values": {key: type(value).__name__ for key, value in sorted(values.items())},
        "supports": sorted({[1, 2, 4][int(i)] for i in trials.vals["slope"]}),
        "found": {"best": {key: float(value) for key, value in best.items()}},
        "good": trials.best_trial["result"]["loss"] < 6,
    }
    print(json.dumps(summary))
