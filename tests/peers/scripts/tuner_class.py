"""A small package's tuner: a class around fmin whose objective is a method."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, space_eval, tpe
from hyperopt.pyll import scope
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import make_friedman1
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold


@dataclass
class Tuner:
    """Finds the parameters of an estimator by cross-validation."""

    estimator: BaseEstimator
    space: dict[str, Any]
    folds: int = 3
    max_evals: int = 8
    seed: int = 0
    trials: Trials = field(default_factory=Trials)
    history: list[dict[str, Any]] = field(default_factory=list)

    def _score(self, model: BaseEstimator, train: np.ndarray, valid: np.ndarray) -> float:
        model = clone(model).fit(self.X_[train], self.y_[train])
        return r2_score(self.y_[valid], model.predict(self.X_[valid]))

    def cross_validate(self, model: BaseEstimator) -> list[float]:
        split = KFold(self.folds, shuffle=True, random_state=self.seed).split(self.X_)
        return [self._score(model, train, valid) for train, valid in split]

    def objective(self, params: dict[str, Any]) -> dict[str, Any]:
        scores = self.cross_validate(clone(self.estimator).set_params(**params))
        self.history.append({"params": params, "score": float(np.mean(scores))})
        return {"loss": 1 - np.mean(scores), "status": STATUS_OK, "scores": scores}

    def fit(self, X: np.ndarray, y: np.ndarray) -> Tuner:
        self.X_, self.y_ = X, y
        argmin = fmin(
            self.objective,
            self.space,
            algo=tpe.suggest,
            max_evals=self.max_evals,
            trials=self.trials,
            rstate=np.random.default_rng(self.seed),
            show_progressbar=False,
        )
        self.best_params_ = space_eval(self.space, argmin)
        self.best_estimator_ = clone(self.estimator).set_params(**self.best_params_).fit(X, y)
        return self


if __name__ == "__main__":
    X, y = make_friedman1(120, noise=0.5, random_state=0)
    tuner = Tuner(
        GradientBoostingRegressor(random_state=0),
        {
            "n_estimators": scope.int(hp.quniform("n_estimators", 5, 25, 5)),
            "learning_rate": hp.loguniform("learning_rate", -3, 0),
            "max_depth": hp.uniformint("max_depth", 1, 4),
            "loss": hp.choice("loss", ["squared_error", "huber"]),
        },
    ).fit(X, y)
    print("best params:", tuner.best_params_)
    order = sorted(tuner.history, key=lambda each: -each["score"])
    summary = {
        "evaluations": len(tuner.history),
        "params": {k: type(v).__name__ for k, v in sorted(order[0]["params"].items())},
        "agrees": order[0]["params"] == tuner.best_params_,
        "found": {"best": tuner.best_params_, "scores": tuner.trials.results[0]["scores"]},
        "good": order[0]["score"] > 0.4,
    }
    # once more: the same object goes on
    tuner.max_evals = 10
    tuner.fit(X, y)
    summary["evaluations_later"] = len(tuner.history)
    print(json.dumps(summary))
