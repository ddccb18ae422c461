"""A worker that is started anew for each evaluation: all it knows is in a pickle."""

import json
import pickle
from pathlib import Path

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, tpe

STORE = Path("state") / "trials.pkl"
STORE.parent.mkdir(exist_ok=True)

space = {
    "temperature": hp.uniform("temperature", 150, 250),
    "minutes": hp.quniform("minutes", 5, 60, 5),
    "oven": hp.choice("oven", ("gas", "electric")),
}


def bake(recipe):
    burnt = (recipe["temperature"] - 190) ** 2 / 500 + (recipe["minutes"] - 30) ** 2 / 200
    return {"loss": burnt + 0.5 * (recipe["oven"] == "gas"), "status": STATUS_OK, "eaten": True}


def load():
    if STORE.exists():
        return pickle.loads(STORE.read_bytes())
    return Trials()


history = []
for turn in range(30):
    trials = load()
    best = fmin(
        fn=bake,
        space=space,
        algo=tpe.suggest,
        max_evals=len(trials) + 1,
        trials=trials,
        rstate=np.random.default_rng(100 + turn),
        verbose=False,
        show_progressbar=False,
    )
    STORE.write_bytes(pickle.dumps(trials))
    history.append(len(trials.trials))
    if turn % 10 == 0:
        print("turn", turn, "best so far", trials.best_trial["result"]["loss"], best)

trials = load()
documents = trials.trials
lowest = np.minimum.accumulate(trials.losses())
summary = {
    "history": history,
    "tids": [d["tid"] for d in documents],
    "misc_tids": [d["misc"]["tid"] for d in documents] == trials.tids,
    "idxs": all(d["misc"]["idxs"]["oven"] == [d["tid"]] for d in documents),
    "versions": sorted({d["version"] for d in documents}),
    "times": all(d["book_time"] <= d["refresh_time"] for d in documents),
    "spec": [documents[0]["spec"], documents[0]["owner"], documents[0]["exp_key"]],
    "different": len(set(trials.vals["temperature"])),
    "found": {"lowest": lowest.tolist()},
    "good": bool(lowest[-1] < 2),
}
print(json.dumps(summary))
