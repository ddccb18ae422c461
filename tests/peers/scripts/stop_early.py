import json

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, rand, tpe
from hyperopt.early_stop import no_progress_loss

space = [hp.uniform("x", -3, 3), hp.uniform("y", -3, 3)]


def himmelblau_like(args):
    x, y = args
    return {"loss": (x * x + y - 2) ** 2 + (x + y * y - 2) ** 2, "status": STATUS_OK}


# stop after ten trials without progress
trials = Trials()
fmin(
    himmelblau_like, space, algo=rand.suggest, max_evals=500, trials=trials,
    early_stop_fn=no_progress_loss(10), rstate=np.random.default_rng(3),
)  # fmt: skip
losses = trials.losses()
stopped_after = len(losses)
last_progress = min(i for i in range(stopped_after) if losses[i] == min(losses))
print("stopped after", stopped_after, "trials; last progress at", last_progress)


# my own rule: stop as soon as three of the last five are below 4
def mostly_good(trials, asked=0, *history):
    recent = [loss for loss in trials.losses()[-5:] if loss is not None]
    return sum(loss < 4 for loss in recent) >= 3, [asked + 1, *history, len(recent)]


own = Trials()
fmin(
    himmelblau_like, space, algo=tpe.suggest, max_evals=200, trials=own,
    early_stop_fn=mostly_good, rstate=np.random.default_rng(3), show_progressbar=False,
)  # fmt: skip
print("my rule stopped after", len(own))
recent = own.losses()[-5:]


# a rule that keeps its state outside
class Budget:
    def __init__(self, total):
        self.left = total

    def __call__(self, trials, *args):
        self.left -= trials.trials[-1]["result"]["loss"]
        return self.left < 0, args


budget = Budget(100)
spent = Trials()
fmin(
    himmelblau_like, space, algo=rand.suggest, max_evals=500, trials=spent,
    early_stop_fn=budget, rstate=np.random.default_rng(0), show_progressbar=False,
)  # fmt: skip
print("spent", sum(spent.losses()), "on", len(spent), "trials")

print(
    json.dumps(
        {
            "waited": stopped_after - last_progress,
            "states": sorted({t["state"] for t in trials.trials}),
            "own_ended_by_rule": sum(loss < 4 for loss in recent) >= 3,
            "budget_is_spent": budget.left < 0 <= budget.left + spent.losses()[-1],
            "found": {"first": stopped_after, "own": len(own), "left": budget.left},
            "good": min(own.losses()) < 4,
        }
    )
)
