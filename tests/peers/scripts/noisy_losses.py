"""Losses of cross-validation have a variance, and the lowest mean need not be the best choice."""

import json

import numpy as np
from hyperopt import STATUS_OK, Trials, anneal, fmin, hp
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_score

X, y = load_diabetes(return_X_y=True)


def cv_loss(alpha):
    scores = -cross_val_score(
        Ridge(alpha=alpha), X, y, cv=KFold(5, shuffle=True, random_state=1),
        scoring="neg_mean_absolute_error",
    )  # fmt: skip
    return {
        "loss": scores.mean(),
        "loss_variance": scores.var(ddof=1) / len(scores),
        "true_loss": scores.mean() + 0.1,
        "true_loss_variance": 0.0,
        "status": STATUS_OK,
        "folds": scores.tolist(),
    }


trials = Trials()
best = fmin(
    cv_loss,
    hp.loguniform("alpha", np.log(1e-3), np.log(1e3)),
    algo=anneal.suggest,
    max_evals=20,
    trials=trials,
    rstate=np.random.default_rng(11),
    verbose=0,
)
print("alpha = {alpha:.4f}".format(**best))

losses = np.array(trials.losses(), dtype=float)
spread = np.sqrt([r["loss_variance"] for r in trials.results])
lowest = losses.argmin()
within = np.flatnonzero(losses <= losses[lowest] + spread[lowest])
simplest = max(within, key=lambda i: trials.vals["alpha"][i])
print("within a standard error of the best:", len(within), "trials")
print("the simplest of them: alpha =", trials.vals["alpha"][simplest])

average = trials.average_best_error()
from_results = np.mean([r["true_loss"] for r in trials.results])
print("average best error", average)
summary = {
    "result": {k: type(v).__name__ for k, v in trials.best_trial["result"].items()},
    "folds": [len(r["folds"]) for r in trials.results],
    "argmin_is_lowest": bool(best["alpha"] == trials.vals["alpha"][lowest]),
    "average_is_of_true_losses": bool(average >= losses.min() + 0.1 - 1e-9),
    "average_is_below_the_mean": bool(average <= from_results),
    "dtype": str(np.asarray(trials.vals["alpha"]).dtype),
    "found": {"average": average, "loss": losses[lowest], "alpha": best["alpha"]},
    "good": bool(losses.min() < 46),
}
print(json.dumps(summary))
