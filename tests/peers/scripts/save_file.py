"""Let fmin keep the trials in a file: a run that was cut short goes on."""

import json
import os
import pickle

import numpy as np
from hyperopt import fmin, hp, tpe

FILE = "trials.hyperopt"
calls = 0


class CutError(Exception):
    pass


def loss(x):
    global calls
    calls += 1
    if calls == 7:
        raise CutError("the power is gone")
    return (x - 3) ** 2


def go(max_evals):
    return fmin(
        loss,
        hp.uniform("x", -10, 10),
        algo=tpe.suggest,
        max_evals=max_evals,
        trials_save_file=FILE,
        rstate=np.random.default_rng(max_evals),
        show_progressbar=False,
    )


def saved():
    with open(FILE, "rb") as file:
        return pickle.load(file)


try:
    go(15)
    cut = False
except CutError as error:
    print("cut:", error)
    cut = True

before = saved()
print("saved:", len(before), "trials, best", min(before.losses()))
best = go(15)
middle = saved()
print("saved:", len(middle), "trials, best", min(middle.losses()))
best = go(30)
after = saved()
print("saved:", len(after), "trials, best", min(after.losses()))

print(
    json.dumps(
        {
            "cut": cut,
            "calls": calls,
            "lengths": [len(before), len(middle), len(after)],
            "kept": after.losses()[: len(before)] == before.losses(),
            "states": [t["state"] for t in after.trials],
            "tids_rise": after.tids == sorted(set(after.tids)),
            "argmin": after.argmin == best,
            "size": os.path.getsize(FILE) > 100,
            "found": {"best": best},
            "good": min(after.losses()) < 1,
        }
    )
)
