import json
import logging
import sys

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, tpe

logging.basicConfig(
    filename="run.log", filemode="w", level=logging.INFO,
    format="%(asctime)s %(name)-20s %(levelname)-8s %(message)s",
)  # fmt: skip
console = logging.StreamHandler(sys.stdout)
console.setLevel(logging.INFO)
console.addFilter(lambda record: record.name.startswith("experiment"))
logging.getLogger("").addHandler(console)
for noisy in ("hyperopt.tpe", "hyperopt.fmin", "hyperopt.pyll.base"):
    logging.getLogger(noisy).setLevel(logging.WARNING)
logger = logging.getLogger("experiment.sizes")


def knapsack(pack):
    weights = {"tent": 4, "stove": 2, "rope": 3, "books": 6}
    worth = {"tent": 9, "stove": 5, "rope": 4, "books": 3}
    weight = sum(weights[k] * int(v) for k, v in pack.items())
    value = sum(worth[k] * int(v) for k, v in pack.items())
    if weight > 12:
        logger.info("weight %s worth %s", weight, 0)
        return {"loss": float(weight), "status": STATUS_OK, "value": 0}
    logger.info("weight %s worth %s", weight, value)
    return {"loss": float(-value), "status": STATUS_OK, "value": value}


space = {name: hp.randint(name, 3) for name in ("tent", "stove", "rope", "books")}
trials = Trials()
best = fmin(
    knapsack,
    space,
    algo=tpe.suggest,
    max_evals=50,
    trials=trials,
    rstate=np.random.default_rng(3),
    show_progressbar=False,
)
logger.info("best %s", {k: int(v) for k, v in best.items()})
with open("best.json", "w") as f:
    json.dump({k: int(v) for k, v in best.items()}, f, indent=1, sort_keys=True)
logging.shutdown()
with open("run.log") as f:
    lines = f.read().splitlines()
mine = [line for line in lines if "experiment.sizes" in line]
others = [line for line in lines if "experiment.sizes" not in line]
print(
    json.dumps(
        {
            "mine": len(mine),
            "others": len(others),
            "supports": {k: sorted({int(v) for v in vs}) for k, vs in sorted(trials.vals.items())},
            "received": sorted({type(r["value"]).__name__ for r in trials.results}),
            "found": {"best": {k: int(v) for k, v in best.items()}},
            "good": min(trials.losses()) <= -23,
        }
    )
)
