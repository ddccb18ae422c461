"""Algorithms of one's own: a grid, and hill climbing that asks random search for its start."""

import itertools
import json

import numpy as np
from hyperopt import Trials, fmin, hp, rand, tpe
from hyperopt.base import miscs_update_idxs_vals

SIDES = {"a": [0.0, 0.5, 1.0], "b": [-1.0, 1.0]}


def grid(new_ids, domain, trials, seed):
    points = list(itertools.product(*SIDES.values()))
    docs = []
    for new_id in new_ids:
        if new_id >= len(points):
            return docs  # no more: fmin ends
        vals = {label: [value] for label, value in zip(SIDES, points[new_id])}
        idxs = {label: [new_id] for label in SIDES}
        misc = {"tid": new_id, "cmd": domain.cmd, "workdir": domain.workdir}
        miscs_update_idxs_vals([misc], idxs, vals)
        docs.extend(trials.new_trial_docs([new_id], [None], [domain.new_result()], [misc]))
    return docs


def climb(new_ids, domain, trials, seed, step=0.3):
    if len(trials.trials) < 5:
        return rand.suggest(new_ids, domain, trials, seed)
    rng = np.random.default_rng(seed)
    best = trials.best_trial["misc"]["vals"]
    docs = []
    for new_id in new_ids:
        idxs = {label: [new_id] for label in best}
        vals = {label: [float(v[0] + step * rng.normal())] for label, v in best.items()}
        misc = {"tid": new_id, "cmd": domain.cmd, "idxs": idxs, "vals": vals}
        docs += trials.new_trial_docs([new_id], [None], [domain.new_result()], [misc])
    return docs


def every_third_random(new_ids, domain, trials, seed):
    algo = rand if new_ids[0] % 3 == 0 else tpe
    return algo.suggest(new_ids, domain, trials, seed)


space = {"a": hp.uniform("a", 0, 1), "b": hp.uniform("b", -1, 1)}


def loss(cfg):
    return (cfg["a"] - 0.6) ** 2 + (cfg["b"] + 0.8) ** 2


runs = {}
for name, algo, evals in [
    ("grid", grid, 100),
    ("climb", climb, 30),
    ("thirds", every_third_random, 25),
]:
    runs[name] = Trials()
    best = fmin(
        loss,
        space,
        algo=algo,
        max_evals=evals,
        trials=runs[name],
        max_queue_len=1,
        rstate=np.random.default_rng(6),
        show_progressbar=False,
    )
    print(name, len(runs[name]), min(runs[name].losses()), best)

print(
    json.dumps(
        {
            "lengths": {name: len(trials) for name, trials in runs.items()},
            "grid": runs["grid"].vals,
            "grid_losses": [round(x, 6) for x in runs["grid"].losses()],
            "grid_best": runs["grid"].argmin,
            "owner": [t["owner"] for t in runs["climb"].trials[:2]],
            "climbs": min(runs["climb"].losses()[5:]) <= min(runs["climb"].losses()[:5]),
            "found": {name: min(trials.losses()) for name, trials in runs.items()},
            "good": {name: min(trials.losses()) < 0.4 for name, trials in runs.items()},
        }
    )
)
