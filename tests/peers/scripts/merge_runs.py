"""Several seeds, as several machines would do them; then one history of all, which goes on."""

import copy
import json
import pickle

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, rand, tpe, trials_from_docs
from hyperopt.base import JOB_STATE_DONE

space = {"x": hp.uniform("x", -4, 4), "c": hp.choice("c", [0.0, 0.5]), "n": hp.randint("n", 3)}


def objective(p):
    return {"loss": (p["x"] - 1) ** 2 + p["c"] + p["n"], "status": STATUS_OK}


for seed in range(3):
    trials = Trials(exp_key="machine-%d" % seed)
    fmin(
        objective,
        space,
        algo=rand.suggest,
        max_evals=8,
        trials=trials,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
    )
    with open("run_%d.pkl" % seed, "wb") as f:
        pickle.dump(trials, f)


def renumbered(document, tid):
    document = copy.deepcopy(document)
    document["tid"] = document["misc"]["tid"] = tid
    document["misc"]["idxs"] = {k: [tid] * len(v) for k, v in document["misc"]["idxs"].items()}
    document["exp_key"] = None
    return document


def merge(paths):
    documents = []
    for path in paths:
        with open(path, "rb") as f:
            for document in pickle.load(f).trials:
                if document["state"] == JOB_STATE_DONE:
                    documents.append(renumbered(document, len(documents)))
    return trials_from_docs(documents)


merged = merge(["run_%d.pkl" % seed for seed in range(3)])
print("merged:", len(merged), "best:", merged.best_trial["result"])
lowest = min(merged.losses())
best = fmin(
    objective,
    space,
    algo=tpe.suggest,
    max_evals=len(merged) + 10,
    trials=merged,
    rstate=np.random.default_rng(99),
    show_progressbar=False,
)
print("after ten more:", merged.best_trial["result"]["loss"], best)

# the old way: one Trials, insert, refresh
by_hand = Trials()
by_hand.insert_trial_docs([renumbered(d, i) for i, d in enumerate(merged.trials[:5])])
before = len(by_hand)
by_hand.refresh()
half = trials_from_docs([t for t in merged if t["result"]["loss"] < np.median(merged.losses())])
print(
    json.dumps(
        {
            "lengths": [len(merged), before, len(by_hand), len(half)],
            "tids": merged.tids,
            "exp_keys": sorted({str(t["exp_key"]) for t in merged.trials}),
            "not_worse": min(merged.losses()) <= lowest,
            "columns": {k: [len(merged.idxs[k]), len(merged.vals[k])] for k in sorted(merged.vals)},
            "same_losses": by_hand.losses() == merged.losses()[:5],
            "half_has_the_best": half.argmin == merged.argmin,
            "found": {"best": best, "losses": merged.losses()},
            "good": min(merged.losses()) < 1.5,
        },
        default=int,
    )
)
