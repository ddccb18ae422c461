"""A network in numpy alone, its training tuned with trials.fmin."""

import json
from itertools import pairwise

import hyperopt as ho
import numpy as np
from hyperopt import hp
from hyperopt.pyll.base import scope as hs


def spiral(n, rng):
    t = np.linspace(0.3, 2, n)
    angles = np.concatenate([t * 3, t * 3 + np.pi])
    radius = np.concatenate([t, t])
    X = np.stack([radius * np.cos(angles), radius * np.sin(angles)], 1)
    return X + rng.normal(0, 0.03, X.shape), np.repeat([0.0, 1.0], n)


class Network:
    def __init__(self, units, activation, seed):
        rng = np.random.default_rng(seed)
        sizes = [2, *units, 1]
        self.weights = [rng.normal(0, 1 / np.sqrt(a), (a, b)) for a, b in pairwise(sizes)]
        self.biases = [np.zeros(b) for b in sizes[1:]]
        self.f, self.df = {
            "tanh": (np.tanh, lambda a: 1 - a**2),
            "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
        }[activation]

    def forward(self, X):
        layers = [X]
        for W, b in zip(self.weights[:-1], self.biases[:-1]):
            layers.append(self.f(layers[-1] @ W + b))
        z = layers[-1] @ self.weights[-1] + self.biases[-1]
        return [*layers, 1 / (1 + np.exp(-np.clip(z, -30, 30)))]

    def step(self, X, y, rate, decay):
        layers = self.forward(X)
        delta = (layers[-1] - y[:, None]) / len(X)
        for i in reversed(range(len(self.weights))):
            gradient = layers[i].T @ delta + decay * self.weights[i]
            bias = delta.sum(0)
            if i:
                delta = (delta @ self.weights[i].T) * self.df(layers[i])
            self.weights[i] -= rate * gradient
            self.biases[i] -= rate * bias


X, y = spiral(60, np.random.default_rng(0))


def objective(cfg):
    net = Network(cfg["units"], cfg["activation"], seed=1)
    for _ in range(200):
        net.step(X, y, cfg["rate"], cfg["decay"])
    p = net.forward(X)[-1].ravel()
    return {"loss": float(np.mean((p > 0.5) != y)), "status": ho.STATUS_OK, "units": cfg["units"]}


space = {
    "rate": hp.loguniform("rate", -3, 1.5),
    "decay": hp.choice("decay", [0, hp.loguniform("l2", -12, -5)]),
    "activation": hp.choice("activation", ["tanh", "relu"]),
    "units": hp.choice(
        "depth",
        [
            [hs.int(hp.quniform("u1", 8, 32, 8))],
            [hs.int(hp.quniform("u21", 8, 32, 8)), hs.int(hp.quniform("u22", 4, 16, 4))],
        ],
    ),
}
trials = ho.Trials()
best = trials.fmin(
    objective,
    space,
    algo=ho.tpe.suggest,
    max_evals=20,
    rstate=np.random.default_rng(10),
    show_progressbar=False,
)
config = ho.space_eval(space, best)
print("units", config["units"], "error", trials.best_trial["result"]["loss"])
print(
    json.dumps(
        {
            "units": sorted({type(r["units"]).__name__ for r in trials.results}),
            "depths": sorted({len(r["units"]) for r in trials.results}),
            "inner": sorted({type(u).__name__ for r in trials.results for u in r["units"]}),
            "units_of_best": list(config["units"]) == list(trials.best_trial["result"]["units"]),
            "config": sorted(config),
            "n": len(trials),
            "found": {"rate": best["rate"]},
            "good": trials.best_trial["result"]["loss"] < 0.3,
        }
    )
)
