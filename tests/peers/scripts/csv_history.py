# Every evaluation goes to a CSV file as soon as it is there.
import csv
import json
from timeit import default_timer as timer

import lightgbm as lgb
import numpy as np
import pandas as pd
from hyperopt import STATUS_OK, Trials, fmin, hp, tpe
from hyperopt.pyll.stochastic import sample
from sklearn.datasets import make_regression

MAX_EVALS = 8
N_FOLDS = 3
OUT_FILE = "gbm_trials.csv"

features, labels = make_regression(200, 8, n_informative=4, noise=5.0, random_state=2)


def train_set():
    return lgb.Dataset(features, label=labels / labels.std())


space = {
    "num_leaves": hp.quniform("num_leaves", 4, 40, 1),
    "learning_rate": hp.loguniform("learning_rate", np.log(0.05), np.log(0.5)),
    "min_child_samples": hp.quniform("min_child_samples", 5, 40, 5),
    "reg_alpha": hp.uniform("reg_alpha", 0.0, 1.0),
    "colsample_bytree": hp.uniform("colsample_by_tree", 0.6, 1.0),
}
print(sorted(sample(space)))


def objective(params, n_folds=N_FOLDS):
    global ITERATION
    ITERATION += 1
    for name in ["num_leaves", "min_child_samples"]:
        params[name] = int(params[name])
    params["verbosity"] = -1
    params["num_threads"] = 1
    start = timer()
    cv_results = lgb.cv(
        {**params, "objective": "regression", "metric": "l2"}, train_set(), num_boost_round=40,
        nfold=n_folds, stratified=False, seed=50, callbacks=[lgb.early_stopping(5, verbose=False)],
    )  # fmt: skip
    run_time = timer() - start
    means = cv_results["valid l2-mean"]
    loss = float(np.min(means))
    n_estimators = int(np.argmin(means) + 1)
    with open(OUT_FILE, "a", newline="") as of_connection:
        row = [loss, json.dumps(params), ITERATION, n_estimators, run_time]
        csv.writer(of_connection).writerow(row)
    return {
        "loss": loss,
        "params": params,
        "iteration": ITERATION,
        "estimators": n_estimators,
        "train_time": run_time,
        "status": STATUS_OK,
    }


with open(OUT_FILE, "w", newline="") as of_connection:
    csv.writer(of_connection).writerow(["loss", "params", "iteration", "estimators", "train_time"])
bayes_trials = Trials()
ITERATION = 0
best = fmin(
    fn=objective,
    space=space,
    algo=tpe.suggest,
    max_evals=MAX_EVALS,
    trials=bayes_trials,
    rstate=np.random.default_rng(50),
    verbose=1,
)

bayes_trials_results = sorted(bayes_trials.results, key=lambda x: x["loss"])
print("best of", len(bayes_trials_results), "has loss", bayes_trials_results[0]["loss"])
table = pd.read_csv(OUT_FILE)
params = json.loads(table.sort_values("loss")["params"].iloc[0])
print(
    json.dumps(
        {
            "rows": len(table),
            "columns": table.columns.tolist(),
            "dtypes": [str(d) for d in table.dtypes],
            "iterations": table["iteration"].tolist(),
            "params": {k: type(v).__name__ for k, v in params.items()},
            "losses_agree": bool(np.allclose(table["loss"], bayes_trials.losses())),
            "found": {"params": params, "best": best},
            "good": bayes_trials_results[0]["loss"] < 0.8,
        }
    )
)
