# %% [markdown]
# # Which support vector machine for iris?

# %%
import json

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, space_eval, tpe
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
print(X.shape, np.bincount(y))

# %% the space: every kernel has parameters of its own
space = {
    "C": hp.lognormal("C", 0, 1),
    "scale": hp.choice("scale", [True, False]),
    "kernel": hp.choice(
        "kernel",
        [
            {"kernel": "linear"},
            {"kernel": "rbf", "gamma": hp.loguniform("gamma", np.log(1e-3), np.log(10))},
            {"kernel": "poly", "degree": 2 + hp.randint("degree", 3)},
        ],
    ),
}
seen = []


# %%
def objective(params):
    svc = SVC(C=params["C"], **params["kernel"])
    model = make_pipeline(StandardScaler(), svc) if params["scale"] else svc
    seen.append((params["kernel"]["kernel"], sorted(params["kernel"])))
    accuracy = cross_val_score(model, X, y, cv=3).mean()
    return {"loss": -accuracy, "status": STATUS_OK}


# %%
trials = Trials()
best = fmin(
    fn=objective,
    space=space,
    algo=tpe.suggest,
    max_evals=40,
    trials=trials,
    rstate=np.random.default_rng(42),
)
print("best:", best)
params = space_eval(space, best)
print("which means:", params)

# %%
with open("best_params.json", "w") as file:
    json.dump({"C": params["C"], "accuracy": -trials.best_trial["result"]["loss"]}, file, indent=2)

# %%
summary = {
    "kernels": sorted(dict(seen).items()),
    "n": len(trials),
    "labels": sorted(trials.vals),
    "labels_once": {label: len(trials.vals[label]) == 40 for label in sorted(trials.vals)},
    "statuses": trials.statuses(),
    "types": {key: type(value).__name__ for key, value in params.items()},
    "found": {"C": best["C"], "loss": min(trials.losses())},
    "good": min(trials.losses()) < -0.95,
}
print(json.dumps(summary, default=float))
