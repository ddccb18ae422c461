"""Which features does a linear model need?  A flag for each, made in a loop."""

import json

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, space_eval, tpe
from hyperopt.pyll import scope

np.random.seed(4)
N = 12
X = np.random.randn(120, N)
true = np.zeros(N)
true[[1, 4, 7]] = 3.0, -2.0, 1.5
y = X @ true + np.random.randn(120)

flags = [hp.choice("f%02d" % i, [0, 1]) for i in range(N)]
space = {
    "flags": flags,
    "weights": tuple(hp.normal("w%d" % i, 0, 1) for i in range(2)),
    "ridge": hp.qloguniform("ridge", 0, 4, 0.5),
    "first": scope.int(flags[0]) + 1,
    "kept": sum(flags),
}


def bic(config):
    mask = np.array(config["flags"], dtype=bool)
    assert config["kept"] == mask.sum()
    A = X[:, mask]
    beta = np.linalg.solve(A.T @ A + config["ridge"] * np.eye(A.shape[1]), A.T @ y)
    rss = ((y - A @ beta) ** 2).mean()
    return {
        "loss": np.log(rss) + mask.sum() * np.log(120) / 120,
        "status": STATUS_OK,
        "mask": mask,
        "beta": beta,
        "first": config["first"],
        "weights": config["weights"],
    }


trials = Trials()
best = fmin(
    bic,
    space,
    tpe.suggest,
    80,
    trials=trials,
    rstate=np.random.default_rng(3),
    show_progressbar=False,
)
config = space_eval(space, best)
chosen = np.flatnonzero(config["flags"])
print("features:", chosen, "ridge:", config["ridge"])
frequency = np.mean([r["mask"] for r in trials.results[-20:]], axis=0)
print("how often in the last 20:", frequency)
matrix = np.column_stack([trials.vals[label] for label in sorted(trials.vals)])
print(
    json.dumps(
        {
            "labels": list(trials.vals),
            "matrix": [matrix.shape, matrix.dtype.kind],
            "containers": [type(config[k]).__name__ for k in ("flags", "weights")],
            "weights": [type(trials.results[0]["weights"]).__name__, len(config["weights"])],
            "first": sorted({r["first"] for r in trials.results}),
            "kept": config["kept"] == len(chosen),
            "has": [bool(i in chosen) for i in (1, 4)],
            "mask": trials.best_trial["result"]["mask"].tolist()
            == [bool(f) for f in config["flags"]],
            "found": {"loss": min(trials.losses()), "ridge": config["ridge"]},
            "good": bool(min(trials.losses()) < 1.2),
        }
    )
)
