"""Hyperopt's own plots, saved instead of shown."""

import json
import os

import matplotlib as mpl

mpl.use("Agg")

import hyperopt
import hyperopt.plotting
import matplotlib.pyplot as plt
import numpy as np
from hyperopt import STATUS_FAIL, STATUS_OK, hp

space = {
    "width": hp.uniform("width", 0, 4),
    "depth": hp.quniform("depth", 1, 9, 2),
    "kind": hp.choice("kind", ["a", "b"]),
    "scale": hp.loguniform("scale", -3, 2),
}


def fn(cfg):
    if cfg["width"] > 3:
        return {"status": STATUS_FAIL}
    loss = (cfg["width"] - 1) ** 2 + cfg["depth"] / 9 + abs(np.log(cfg["scale"]))
    return {"loss": loss + (cfg["kind"] == "b"), "status": STATUS_OK}


trials = hyperopt.Trials()
best = hyperopt.fmin(
    fn, space, algo=hyperopt.tpe.suggest, max_evals=40, trials=trials,
    rstate=np.random.default_rng(8), verbose=False,
)  # fmt: skip
drawn = {}
for name, plot, options in [
    ("history", hyperopt.plotting.main_plot_history, {"title": "how it went"}),
    ("histogram", hyperopt.plotting.main_plot_histogram, {}),
    ("vars", hyperopt.plotting.main_plot_vars, {"colorize_best": 5, "columns": 2}),
]:
    plt.figure()
    plot(trials, do_show=False, **options)
    figure = plt.gcf()
    figure.savefig(name + ".png", dpi=50)
    drawn[name] = {
        "axes": len(figure.axes),
        "titles": [axes.get_title() for axes in figure.axes],
        "labels": [[axes.get_xlabel(), axes.get_ylabel()] for axes in figure.axes],
    }
    plt.close("all")

summary = {
    "drawn": drawn,
    "files": sorted(os.listdir(".")),
    "statuses": sorted(set(trials.statuses())),
    "found": {"loss": trials.best_trial["result"]["loss"]},
    "good": trials.best_trial["result"]["loss"] < 1.5,
}
print(json.dumps(summary))
