# The model itself goes into the result, and the best one comes out of the trials.
import json
import pickle
from functools import partial

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, tpe
from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import MinMaxScaler, StandardScaler, normalize

data, target = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(
    data[:600], target[:600], test_size=0.25, random_state=0
)


def identity(x):
    return x


space = {
    # classes, instances and functions as options
    "model": hp.choice("model", [ExtraTreesClassifier, KNeighborsClassifier, SGDClassifier]),
    "scaler": hp.choice("scaler", [StandardScaler(), MinMaxScaler(), None]),
    "after": hp.choice("after", [identity, normalize, np.sqrt, lambda x: x**2]),
}
SETTINGS = {
    ExtraTreesClassifier: {"n_estimators": 10, "random_state": 0},
    SGDClassifier: {"max_iter": 30, "tol": None, "random_state": 0},
}


def fit_and_score(config, x, y, x_val, y_val):
    scale = config["scaler"]
    if scale is not None:
        scale.fit(x)
        x, x_val = scale.transform(x), scale.transform(x_val)
    after = config["after"]
    model = config["model"](**SETTINGS.get(config["model"], {}))
    model.fit(after(np.abs(x)), y)
    accuracy = model.score(after(np.abs(x_val)), y_val)
    return {"loss": -accuracy, "status": STATUS_OK, "Trained_Model": model, "scaler": scale}


def best_model(trials):
    valid = [t for t in trials if t["result"]["status"] == STATUS_OK]
    losses = [float(t["result"]["loss"]) for t in valid]
    return valid[np.argmin(losses)]["result"]["Trained_Model"]


trials = Trials()
objective = partial(fit_and_score, x=x_train, y=y_train, x_val=x_val, y_val=y_val)
best = fmin(
    objective,
    space,
    algo=tpe.suggest,
    max_evals=25,
    trials=trials,
    rstate=np.random.default_rng(0),
    verbose=False,
)
model = best_model(trials)
print("best model:", repr(str(model)), "accuracy", -min(trials.losses()))
models = {type(r["Trained_Model"]).__name__ for r in trials.results}
sizes = len(pickle.dumps(trials.results)) > 10_000
ordered = sorted(trials.results, key=lambda r: r["loss"])
print(
    json.dumps(
        {
            "models": sorted(models),
            "scalers": sorted({type(r["scaler"]).__name__ for r in trials.results}),
            "best_is_first": ordered[0]["Trained_Model"].get_params() == model.get_params(),
            "same_scaler_again": len({id(r["scaler"]) for r in trials.results if r["scaler"]}) == 2,
            "pickled": sizes,
            "keys": list(best),
            "found": {"loss": ordered[0]["loss"], "indices": [int(i) for i in best.values()]},
            "good": ordered[0]["loss"] < -0.9,
        }
    )
)
