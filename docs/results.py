"""Draws the pictures of docs/results.md into docs/pictures: python docs/results.py [FOLDER]."""

import math
import random
import sys
import time
import warnings
from pathlib import Path

import matplotlib

from sparktune import Trials, fmin, hp, plots, prune, rand, tpe

SPACE = {
    "lr": hp.loguniform("learning_rate", math.log(1e-5), 0),
    "batch": hp.choice("batch_size", [16, 32, 64, 128]),
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.loguniform("C", math.log(1e-2), math.log(1e4))},
            {"kind": "forest", "depth": hp.uniformint("max_depth", 2, 20)},
            {"kind": "net", "units": hp.quniform("units", 16, 512, 16)},
        ],
    ),
}
FOUR = [
    hp.uniform("uniform", -1, 1), hp.loguniform("loguniform", -3, 4),
    hp.normal("normal", 1, 0.5), hp.lognormal("lognormal", 1, 1),
]  # fmt: skip


def objective(config, trial):
    """A loss with a valley in the learning rate and a best model; some fail, all report."""
    model, noise = config["model"], random.Random(repr(config)).gauss(0, 0.01)
    loss = 0.08 + noise + 0.1 * (math.log10(config["lr"]) + 2.5) ** 2
    loss += {16: 0.06, 32: 0.0, 64: 0.03, 128: 0.09}[config["batch"]]
    if model["kind"] == "svm":
        loss += 0.03 * (math.log10(model["C"]) - 1) ** 2
    elif model["kind"] == "forest":
        loss += 0.03 + 0.002 * (model["depth"] - 12) ** 2
    else:
        loss += 0.02 + ((model["units"] - 200) / 500) ** 2
    if config["lr"] > 0.3:
        raise ValueError("the loss is no number")
    for step in range(1, 9):
        trial.report(step, loss + 0.8 * math.exp(-step / 3))
    return {"loss": loss, "accuracy": 1 - loss / 2}


def waits(config, trial):
    """The same in lognormal times, which a wait stands for: most below 0.1 s, a few far above."""
    time.sleep(min(0.3, random.Random(repr(config)).lognormvariate(-2.8, 0.6)))
    return objective(config, trial)


def search(algo, space=SPACE, function=objective, evals=120, seed=3, parallelism=1, **more):
    """The trials of a search with a fixed seed."""
    trials = Trials(parallelism=parallelism)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fmin(
            function, space, algo=algo, max_evals=evals, trials=trials, rstate=seed,
            catch_eval_exceptions=True, show_progressbar=False, **more,
        )  # fmt: skip
    return trials


def saddle(config):
    """The chapter's function, whose lowest value is -4."""
    return config["a"] ** 2 - config["b"] ** 2


def pictures():
    """Name of a picture to what draws it."""
    trials = search(tpe.suggest, pruner=prune.percentile(50))
    drawn = search(rand.suggest)
    space = {"a": hp.uniform("a", -2, 3), "b": hp.uniform("b", -1, 2)}
    bowl = search(tpe.suggest, space, saddle, 300)
    four = search(rand.suggest, function=waits, evals=120, parallelism=4)
    runs = {
        name: [search(algo, space, saddle, 60, seed=seed) for seed in range(8)]
        for name, algo in (("TPE", tpe.suggest), ("random search", rand.suggest))
    }
    return {
        "history": lambda: plots.plot_optimization_history(trials),
        "runs": lambda: plots.plot_optimization_history(runs, error_bar=True),
        "slice": lambda: plots.plot_slice(trials),
        "contour": lambda: plots.plot_contour(trials, ["learning_rate", "model"]),
        "parallel": lambda: plots.plot_parallel_coordinate(trials),
        "over_trials": lambda: plots.plot_over_trials(bowl, ["loss", "a", "b"]),
        "edf": lambda: plots.plot_edf({"TPE": trials, "random search": drawn}),
        "reports": lambda: plots.plot_intermediate_values(trials),
        "space": lambda: plots.plot_space(FOUR, log=False),
        "densities": lambda: plots.plot_densities(trials, "learning_rate"),
        "surrogate": lambda: plots.plot_surrogate(drawn, "learning_rate"),
        "importances": lambda: plots.plot_param_importances(drawn),
        "timeline": lambda: plots.plot_timeline(four),
    }


def main(folder):
    """Write each picture as a PNG of at most 60 kB."""
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from PIL import Image  # as matplotlib needs it

    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in pictures().items():
        draw()
        path = folder / f"{name}.png"
        pyplot.savefig(path, dpi=80)
        pyplot.close("all")
        picture = Image.open(path).convert("RGB")
        picture.save(path, optimize=True)
        if path.stat().st_size > 60_000:
            picture.quantize(256, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "pictures")
