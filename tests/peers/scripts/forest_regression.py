"""Tune a random forest for the diabetes data; whole numbers by scope.int."""

import json
import time

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, space_eval, tpe
from hyperopt.pyll.base import scope
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

SEED = 7

search_space = {
    "n_estimators": scope.int(hp.quniform("n_estimators", 5, 25, 5)),
    "max_depth": scope.int(hp.quniform("max_depth", 2, 12, 1)),
    "min_samples_leaf": scope.int(hp.qloguniform("min_samples_leaf", 0, np.log(20), 1)),
    "max_features": hp.uniform("max_features", 0.2, 1.0),
    "bootstrap": hp.choice("bootstrap", [True, False]),
    "random_state": SEED,
}


def main():
    X, y = load_diabetes(return_X_y=True)
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.3, random_state=SEED)
    baseline = float(np.sqrt(np.mean((y_valid - y_train.mean()) ** 2)))
    print(f"RMSE of the mean: {baseline:.2f}")

    def rmse(params):
        began = time.time()
        model = RandomForestRegressor(**params).fit(X_train, y_train)
        error = np.sqrt(mean_squared_error(y_valid, model.predict(X_valid)))
        seconds = time.time() - began
        return {"loss": error, "status": STATUS_OK, "seconds": seconds, "params": params}

    trials = Trials()
    argmin = fmin(
        rmse, search_space, algo=tpe.suggest, max_evals=25, trials=trials,
        rstate=np.random.default_rng(SEED), show_progressbar=False,
    )  # fmt: skip
    for i, result in enumerate(trials.results[:3]):
        print("trial", i, "rmse", round(result["loss"], 2), "with", result["params"])

    best = space_eval(search_space, argmin)
    best_result = trials.best_trial["result"]
    model = RandomForestRegressor(**best).fit(X_train, y_train)
    again = np.sqrt(mean_squared_error(y_valid, model.predict(X_valid)))
    print("best:", best, "rmse:", round(again, 2))
    summary = {
        "best_is_the_best_trials": best == best_result["params"],
        "found": {"argmin": argmin, "best": best, "result": best_result},
        "repeats": bool(np.isclose(again, best_result["loss"])),
        "estimators": sorted({result["params"]["n_estimators"] for result in trials.results}),
        "good": bool(again < 0.9 * baseline),
    }
    print(json.dumps(summary, default=int))


if __name__ == "__main__":
    main()
