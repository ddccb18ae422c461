"""LightGBM: the number of trees comes from early stopping, the rest from the search."""

import json

import lightgbm as lgb
import numpy as np
from hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, tpe
from hyperopt.early_stop import no_progress_loss
from hyperopt.pyll import scope
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold

X, y = load_breast_cancer(return_X_y=True)
FOLDS = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
FIXED = {"objective": "binary", "num_threads": 1, "verbosity": -1}

SPACE = {
    "learning_rate": hp.loguniform("learning_rate", np.log(0.05), np.log(0.5)),
    "num_leaves": scope.int(hp.quniform("num_leaves", 4, 32, 1)),
    "min_child_samples": scope.int(hp.quniform("min_child_samples", 5, 50, 5)),
    "reg_lambda": hp.choice("reg_lambda", [0.0, hp.loguniform("lambda", -4, 2)]),
    "sampling": hp.choice(
        "sampling",
        [
            {"bagging_fraction": hp.uniform("bag", 0.5, 1), "bagging_freq": 1},
            {"data_sample_strategy": "goss"},
        ],
    ),
}


def objective(config):
    config = dict(config)
    config.update(config.pop("sampling"))
    losses, rounds = [], []
    for train, valid in FOLDS:
        train_set = lgb.Dataset(X[train], y[train])
        booster = lgb.train(
            {**FIXED, **config},
            train_set,
            num_boost_round=60,
            valid_sets=[train_set.create_valid(X[valid], y[valid])],
            callbacks=[lgb.early_stopping(5, verbose=False), lgb.log_evaluation(period=0)],
        )
        losses.append(booster.best_score["valid_0"]["binary_logloss"])
        rounds.append(booster.best_iteration)
    if not np.isfinite(losses).all():
        return {"status": STATUS_FAIL, "reason": "diverged"}
    return {
        "loss": np.mean(losses),
        "loss_variance": np.var(losses, ddof=1),
        "status": STATUS_OK,
        "n_estimators": int(np.mean(rounds)),
        "config": config,
    }


trials = Trials()
best = fmin(
    objective,
    SPACE,
    algo=tpe.suggest,
    max_evals=10,
    trials=trials,
    early_stop_fn=no_progress_loss(30),
    rstate=np.random.default_rng(2024),
    verbose=False,
)
winner = trials.best_trial["result"]
print("log loss", winner["loss"], "with", winner["n_estimators"], "trees and", winner["config"])
conditional = {label: set(trials.idxs[label]) for label in ("lambda", "bag")}
chosen = dict(zip(trials.idxs["sampling"], trials.vals["sampling"]))
print(
    json.dumps(
        {
            "trials": len(trials),
            "winner": list(winner),
            "found": {key: winner[key] for key in ("loss", "loss_variance", "n_estimators")},
            "labels": sorted(trials.vals),
            "bag_only_where_chosen": conditional["bag"]
            == {tid for tid, index in chosen.items() if index == 0},
            "lambda_only_sometimes": len(conditional["lambda"]) < len(trials),
            "good": bool(winner["loss"] < 0.2),
        }
    )
)
