"""rand.suggest as a sampler: many configurations at once, evaluated in a pool, then told."""

import json
from collections import OrderedDict
from multiprocessing import Pool

import hyperopt
import numpy as np
from hyperopt import Trials, fmin, hp, rand, space_eval, tpe
from hyperopt.base import JOB_STATE_DONE, STATUS_OK, Domain
from hyperopt.pyll_utils import expr_to_config

space = OrderedDict(
    [
        ("depth", hp.uniformint("depth", 2, 6)),
        ("rate", hp.loguniform("rate", np.log(0.01), np.log(1))),
        ("booster", hp.choice("booster", ["tree", hp.choice("linear", ["l1", "l2"])])),
    ]
)


def evaluate(config):
    penalty = {"tree": 0.0, "l1": 0.5, "l2": 0.4}[config["booster"]]
    return float((config["depth"] - 4) ** 2 / 4 + (np.log10(config["rate"]) + 1) ** 2 + penalty)


if __name__ == "__main__":
    domain, trials = Domain(evaluate, space), Trials()
    ids = trials.new_trial_ids(16)
    documents = rand.suggest(ids, domain, trials, seed=1)
    points = [{k: v[0] for k, v in d["misc"]["vals"].items() if v} for d in documents]
    configs = [space_eval(space, point) for point in points]
    with Pool(2) as pool:
        losses = pool.map(evaluate, [dict(c) for c in configs])
    for document, loss in zip(documents, losses):
        document["state"] = JOB_STATE_DONE
        document["result"] = {"loss": loss, "status": STATUS_OK}
    trials.insert_trial_docs(documents)
    trials.refresh()
    print("random designs:", len(trials), "lowest", min(trials.losses()))

    again = [domain.evaluate(point, hyperopt.Ctrl(trials))["loss"] for point in points]
    best = fmin(
        evaluate,
        space,
        algo=tpe.suggest,
        max_evals=32,
        trials=trials,
        rstate=np.random.default_rng(1),
        show_progressbar=False,
        max_queue_len=4,
    )
    print("then", len(trials), "lowest", min(trials.losses()), space_eval(space, best))
    conditions = {}
    expr_to_config(domain.expr, (True,), conditions)
    print(
        json.dumps(
            {
                "ids": ids,
                "configs": [list(c) for c in configs[:2]],
                "container": type(configs[0]).__name__,
                "kinds": sorted({type(c["depth"]).__name__ for c in configs}),
                "boosters": sorted({c["booster"] for c in configs}),
                "agree": losses == again,
                "conditions": {k: len(v["conditions"]) for k, v in sorted(conditions.items())},
                "tids": [trials.tids[:16] == ids, len(set(trials.tids))],
                "best": sorted(set(best) - {"linear"}),
                "found": {"loss": min(trials.losses())},
                "good": min(trials.losses()) < 1,
            }
        )
    )
