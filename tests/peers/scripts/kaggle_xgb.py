# Kernel: XGBoost by Bayesian optimisation. Upvote if it helped you :)
import json
import warnings

warnings.filterwarnings("ignore")

import numpy as np
import pandas as pd
import xgboost as xgb
from hyperopt import STATUS_OK, Trials, fmin, hp, tpe
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

features, target = make_classification(
    n_samples=400, n_features=12, n_informative=5, flip_y=0.05, random_state=3
)
train = pd.DataFrame(features, columns=["var_%d" % i for i in range(12)])
train["TARGET"] = target
print("train shape: {}".format(train.shape))
print(train[["var_0", "TARGET"]].isnull().sum().tolist())

y = train.pop("TARGET")
X_train, X_valid, y_train, y_valid = train_test_split(train, y, test_size=0.3, random_state=1)
dtrain = xgb.DMatrix(X_train, label=y_train)
dvalid = xgb.DMatrix(X_valid, label=y_valid)


def score(params):
    print("Training with params:")
    print(params)
    num_round = int(params["n_estimators"])
    del params["n_estimators"]
    params["max_depth"] = int(params["max_depth"])
    gbm = xgb.train(
        params, dtrain, num_round, evals=[(dvalid, "eval")], early_stopping_rounds=5,
        verbose_eval=False,
    )  # fmt: skip
    predictions = gbm.predict(dvalid, iteration_range=(0, gbm.best_iteration + 1))
    loss = log_loss(y_valid, predictions)
    auc = roc_auc_score(y_valid, predictions)
    print("\tScore {0}\n\n".format(loss))
    return {"loss": loss, "status": STATUS_OK, "auc": auc, "rounds": gbm.best_iteration + 1}


space = {
    "n_estimators": hp.quniform("n_estimators", 10, 60, 10),
    "eta": hp.quniform("eta", 0.025, 0.5, 0.025),
    "max_depth": hp.choice("max_depth", np.arange(1, 7, dtype=int)),
    "min_child_weight": hp.quniform("min_child_weight", 1, 6, 1),
    "subsample": hp.quniform("subsample", 0.5, 1, 0.05),
    "gamma": hp.quniform("gamma", 0.5, 1, 0.05),
    "colsample_bytree": hp.quniform("colsample_bytree", 0.5, 1, 0.05),
    "eval_metric": "logloss",
    "objective": "binary:logistic",
    "nthread": 1,
    "seed": 314,
}

trials = Trials()
best = fmin(score, space, algo=tpe.suggest, trials=trials, max_evals=15)
print("The best hyperparameters are:", "\n")
print(best)

on_the_grid = all(abs(v / 0.05 - round(v / 0.05)) < 1e-6 for v in trials.vals["subsample"])
submission = pd.DataFrame({"ID": X_valid.index[:5], "TARGET": [0.5] * 5})
submission.to_csv("submission.csv", index=False)
summary = {
    "trials": len(trials.trials),
    "keys": sorted(trials.best_trial["result"]),
    "best": sorted(best),
    "found": {"best": {k: float(v) for k, v in best.items()}, "auc": trials.results[0]["auc"]},
    "index_of_depth": all(int(i) in range(6) for i in trials.vals["max_depth"]),
    "on_the_grid": on_the_grid,
    "good": trials.best_trial["result"]["loss"] < 0.5,
}
print(json.dumps(summary))
