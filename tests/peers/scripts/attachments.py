"""Keep what is too large for a result beside it."""

import json
import pickle
import time

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, tpe

rng = np.random.RandomState(0)
A = rng.rand(60, 4)
b = A.dot([1.0, -2.0, 0.5, 3.0]) + 0.1 * rng.randn(60)


def objective(ridge):
    weights = np.linalg.solve(A.T.dot(A) + ridge * np.eye(4), A.T.dot(b))
    residuals = b - A.dot(weights)
    return {
        "loss": float(np.mean(residuals**2)),
        "status": STATUS_OK,
        # -- store other results like this
        "eval_time": time.time(),
        "other_stuff": {"type": None, "value": [0, 1, 2]},
        # -- attachments are handled differently
        "attachments": {
            "weights": pickle.dumps(weights),
            "note.txt": b"ridge %f" % ridge,
            "time_module": pickle.dumps(time.time),
        },
    }


trials = Trials()
best = fmin(
    objective,
    space=hp.loguniform("ridge", -7, 3),
    algo=tpe.suggest,
    max_evals=20,
    trials=trials,
    rstate=np.random.default_rng(0),
    show_progressbar=False,
)
print(best)

msg = trials.trial_attachments(trials.trials[5])["time_module"]
time_module = pickle.loads(msg)
first = trials.trial_attachments(trials.best_trial)
weights = pickle.loads(first["weights"])
print("best weights", weights, first["note.txt"])
trials.attachments["readme"] = "of all trials"
first["later"] = b"more"

with open("trials.pkl", "wb") as file:
    pickle.dump(trials, file)
with open("trials.pkl", "rb") as file:
    loaded = pickle.load(file)
kept = loaded.trial_attachments(loaded.trials[0])

summary = {
    "result": list(trials.results[0]),
    "other_stuff": trials.results[3]["other_stuff"],
    "is_time": time_module is time.time,
    "in": ["weights" in kept, "nothing" in kept, "later" in first],
    "kinds": {name: type(kept[name]).__name__ for name in ("weights", "note.txt")},
    "of_the_first": sorted(n for n in trials.attachments if n.startswith("ATTACH::0")),
    "how_many": len(trials.attachments),
    "after_pickle": pickle.loads(kept["weights"]).shape,
    "readme": loaded.attachments["readme"],
    "found": {"weights": weights.tolist(), "ridge": best["ridge"]},
    "good": bool(abs(weights[3] - 3) < 0.3),
}
print(json.dumps(summary))
