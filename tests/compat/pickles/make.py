"""Pickles as users of Hyperopt have them, beside what Hyperopt itself says of what is in them.

Run it with the Python of an environment that has Hyperopt; a folder of the version's name is made
anew beside this file:

    for name in hyperopt-0.2.7 peers; do "$(bash conf/environment.sh $name)" THIS_FILE; done

No sparktune is used here.
"""

import importlib.metadata
import json
import logging
import math
import operator
import pickle
import platform
import shutil
import sys
import warnings
from pathlib import Path

import cloudpickle
import hyperopt
import numpy as np
from hyperopt import hp, space_eval, tpe
from hyperopt.pyll.base import scope

HOW = {"protocol2": lambda thing: pickle.dumps(thing, protocol=2), "pickle": pickle.dumps}


def mixed_space():
    """Nested choices, whole numbers, logarithms, and a graph computed from draws."""
    return hp.choice(
        "model",
        [
            {
                "kind": "trees",
                "depth": scope.int(hp.quniform("depth", 2, 12, 1)),
                "leaves": hp.uniformint("leaves", 4, 9),
                "shrink": 1 + hp.lognormal("shrink", 0, 0.5),
            },
            {
                "kind": "line",
                "rate": hp.loguniform("rate", -6, 0),
                "penalty": hp.pchoice(
                    "penalty", [(0.3, None), (0.7, {"share": hp.uniform("share", 0, 1)})]
                ),
            },
            ("constant", hp.randint("constant", 5), [hp.normal("shift", 0, 1)]),
        ],
    )


def loss_of_mixed(config):
    """A loss; a failure for some, an exception for others."""
    if isinstance(config, tuple):
        if config[1] == 1:
            raise ArithmeticError(f"no constant {config[1]}")
        return 5.0 + abs(config[2][0])
    if config["kind"] == "trees":
        if config["leaves"] == 8:
            return {"status": "fail", "why": "leaves"}
        return abs(config["depth"] - 7) + abs(config["leaves"] - 6) / 4 + config["shrink"] / 10
    share = 0.5 if config["penalty"] is None else config["penalty"]["share"]
    return (math.log(config["rate"]) + 3) ** 2 / 4 + share


def noted_space():
    """A few numbers, in a dict within a dict."""
    return {
        "x": hp.uniform("x", -3, 3),
        "in": {"n": hp.quniform("n", 0, 8, 2), "m": hp.qloguniform("m", 0, 3, 1)},
    }


def loss_of_noted(config):
    """A result with all that Hyperopt knows of, and some that it does not."""
    loss = config["x"] ** 2 + config["in"]["n"] / 4
    return {
        "status": "ok",
        "loss": np.float64(loss),
        "loss_variance": 0.01 + config["in"]["m"] / 100,
        "true_loss": loss + 0.5,
        "curve": np.linspace(9, loss, 3),
        "note": {"by": "hand", "steps": [1, 2]},
        "attachments": {"model": f"model of {config['x']:.3f}".encode(), "size": config["in"]["n"]},
    }


SEARCHES = {
    "mixed": (loss_of_mixed, mixed_space, 26),
    "noted": (loss_of_noted, noted_space, 8),
}


def searched(name, **options):
    """Trials of a search."""
    objective, space, count = SEARCHES[name]
    trials = hyperopt.Trials()
    hyperopt.fmin(
        objective, space(), tpe.suggest, max_evals=count, trials=trials,
        rstate=np.random.default_rng(8), catch_eval_exceptions=True, show_progressbar=False,
        **options,
    )  # fmt: skip
    return trials


def seen(trials, space):
    """What Hyperopt says of trials."""
    every = trials._dynamic_trials
    text = {key: str(value) for key, value in trials.attachments.items()}
    return {
        "tids": trials.tids,
        "losses": trials.losses(),
        "statuses": trials.statuses(),
        "idxs": trials.idxs,
        "vals": trials.vals,
        "argmin": trials.argmin,
        "best_tid": trials.best_trial["tid"],
        "best_config": space_eval(space, trials.argmin),
        "average_best_error": trials.average_best_error(),
        "results": [sorted(result) for result in trials.results],
        "states": [document["state"] for document in every],
        "errors": [document["misc"].get("error") for document in every],
        "times": [str(document["book_time"]) for document in every],
        "configs": [
            space_eval(space, {k: v[0] for k, v in each["misc"]["vals"].items() if v})
            for each in every
        ],
        "attachments": text,
    }  # fmt: skip


def main():
    """Make the folder of this version."""
    version = importlib.metadata.version("hyperopt")
    folder = Path(__file__).parent / version
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    names = ("numpy", "scipy", "cloudpickle", "networkx")
    facts = {
        "versions": {
            "hyperopt": version,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in names},
        }
    }
    for name, (_, space, _) in SEARCHES.items():
        saved = folder / f"{name}.saved.pkl"
        trials = searched(name, trials_save_file=str(saved))
        facts[name] = seen(trials, space())
        for how, dumps in HOW.items():
            (folder / f"{name}.{how}.pkl").write_bytes(dumps(trials))
        (folder / f"{name}.documents.pkl").write_bytes(pickle.dumps(trials.trials))
    scope.define(math.isqrt)  # as a function of the user's own
    space = {**noted_space(), "model": mixed_space()}
    space["root"] = scope.isqrt(scope.int(hp.qnormal("square", 50, 3, 1)))
    for how, dumps in HOW.items():
        (folder / f"space.{how}.pkl").write_bytes(dumps(hyperopt.pyll.as_apply(space)))
    domain = hyperopt.Domain(operator.itemgetter("x"), noted_space(), name="first", loss_target=-2)
    (folder / "domain.cloudpickle.pkl").write_bytes(cloudpickle.dumps(domain))
    points = [
        {"x": 1.5, "n": 4.0, "m": 3.0, "square": 49.0, "model": 0, "depth": 5.0, "leaves": 6.0,
         "shrink": 0.25},
        {"x": -1.0, "n": 0.0, "m": 1.0, "square": 50.0, "model": 1, "rate": 0.01, "penalty": 1,
         "share": 0.5},
        {"x": 0.0, "n": 2.0, "m": 7.0, "square": 64.0, "model": 2, "constant": 3, "shift": -0.5},
    ]  # fmt: skip
    facts["space"] = [[point, space_eval(space, point)] for point in points]
    ctrl = hyperopt.Ctrl(hyperopt.Trials())
    facts["domain"] = {
        "params": sorted(domain.params),
        "name": domain.name,
        "loss_target": domain.loss_target,
        "evaluated": [
            [point, domain.evaluate(point, ctrl)]
            for point in ({label: each[label] for label in domain.params} for each in points)
        ],
    }
    text = json.dumps(facts, default=lambda value: value.item())
    (folder / "facts.json").write_text(text + "\n")


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.exit(main())
