"""A wide search, then narrower ones around the best point; in threads for several functions."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.dummy import Pool

import numpy as np
from hyperopt import Trials, fmin, hp, rand, tpe

FUNCTIONS = {
    "sphere": lambda v: float(np.sum(v**2)),
    "rastrigin": lambda v: float(np.sum(v**2 - 3 * np.cos(2 * np.pi * v)) + 3 * len(v)),
    "steps": lambda v: float(np.sum(np.floor(np.abs(v)))),
}


def box(centre, width):
    return [hp.uniform("v%d" % i, c - width / 2, c + width / 2) for i, c in enumerate(centre)]


def search(name):
    function = FUNCTIONS[name]
    threads = set()

    def objective(point):
        threads.add(threading.get_ident())
        with Pool(2) as pool:
            halves = pool.map(lambda p: np.array(p, float), [point[:1], point[1:]])
        return function(np.concatenate(halves))

    centre, width, history = [1.0, 1.0], 8.0, []
    for stage, algo in enumerate([rand.suggest, tpe.suggest, tpe.suggest]):
        trials = Trials()
        best = fmin(
            objective,
            box(centre, width),
            algo=algo,
            max_evals=15,
            trials=trials,
            rstate=np.random.default_rng(stage),
            show_progressbar=False,
        )
        inside = all(abs(best["v%d" % i] - c) <= width / 2 for i, c in enumerate(centre))
        centre, width = [best["v0"], best["v1"]], width / 3
        history.append((min(trials.losses()), inside))
    return {"history": history, "threads": len(threads), "centre": centre}


start = time.time()
with ThreadPoolExecutor(3) as executor:
    found = dict(zip(FUNCTIONS, executor.map(search, FUNCTIONS)))
for name, each in found.items():
    print(name, "lowest of each stage:", [round(loss, 3) for loss, _ in each["history"]])
again = search("sphere")
print(
    json.dumps(
        {
            "names": list(found),
            "inside": {name: [ok for _, ok in each["history"]] for name, each in found.items()},
            "threads": {name: each["threads"] for name, each in found.items()},
            "repeats": again["history"] == found["sphere"]["history"],
            "in_time": time.time() - start < 30,
            "found": {name: [float(c) for c in each["centre"]] for name, each in found.items()},
            "good": {
                name: min(loss for loss, _ in each["history"]) < 10 for name, each in found.items()
            },
        }
    )
)
