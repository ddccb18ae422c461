"""One set of trials, begun at random, continued by TPE, finished by annealing."""

import json
from functools import partial

import numpy as np
from hyperopt import Trials, anneal, fmin, hp, rand, tpe

space = {
    "lr": hp.loguniform("lr", np.log(1e-4), np.log(1)),
    "layers": hp.quniform("layers", 1, 6, 1),
    "act": hp.choice("act", ["relu", "tanh", "gelu"]),
    "reg": hp.choice("reg", [{"l2": hp.lognormal("l2", -3, 1)}, {"l1": hp.lognormal("l1", -3, 1)}]),
}


def pretend_to_train(cfg):
    penalty = {"relu": 0.0, "tanh": 0.3, "gelu": 0.1}[cfg["act"]]
    reg = sum(cfg["reg"].values())
    return (np.log10(cfg["lr"]) + 2) ** 2 + 0.2 * abs(cfg["layers"] - 3) + penalty + reg


trials = Trials()
stages = [
    ("random", rand.suggest, 15),
    ("tpe", partial(tpe.suggest, n_startup_jobs=5, gamma=0.3), 15),
    ("anneal", anneal.suggest, 15),
]
table = []
for name, algo, more in stages:
    best = fmin(
        pretend_to_train,
        space,
        algo=algo,
        max_evals=len(trials) + more,
        trials=trials,
        rstate=np.random.default_rng(len(trials)),
        show_progressbar=False,
    )
    table.append((name, len(trials), trials.best_trial["result"]["loss"]))
    print("%-8s %3d trials, best loss %.4f" % table[-1])

by_stage = [trials.losses()[i : i + 15] for i in (0, 15, 30)]
medians = [float(np.median(losses)) for losses in by_stage]
print("medians:", medians)
misc = trials.trials[-1]["misc"]
summary = {
    "stages": [row[:2] for row in table],
    "never_worse": table[0][2] >= table[1][2] >= table[2][2],
    "learns": medians[2] < medians[0],
    "tids": trials.tids == list(range(45)),
    "one_of_l1_l2": sorted(trials.idxs["l1"] + trials.idxs["l2"]) == trials.tids,
    "misc": list(misc),
    "vals": sorted(misc["vals"]),
    "best_has": sorted(set(best) - {"l1", "l2"}),
    "found": {"losses": trials.losses(), "lr": best["lr"]},
    "good": trials.best_trial["result"]["loss"] < 1,
}
print(json.dumps(summary))
