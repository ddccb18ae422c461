import json
import time

import numpy as np
from hyperopt import *


def slow_square(x):
    time.sleep(0.02)
    return (x - 3.3) ** 2


space = hp.uniform("x", -5, 5)


def run(**limits):
    trials = Trials()
    start = time.time()
    best = fmin(
        slow_square,
        space,
        trials=trials,
        rstate=np.random.default_rng(0),
        show_progressbar=False,
        **limits,
    )
    return trials, best, time.time() - start


# half a second and no more
by_time, best, took = run(algo=rand.suggest, timeout=0.5, max_evals=1000)
print("in half a second: %d trials, best %r" % (len(by_time), best))

# good enough
by_loss, _, _ = run(algo=tpe.suggest, loss_threshold=0.02, max_evals=200)
print("good enough after", len(by_loss), "trials:", by_loss.best_trial["result"]["loss"])

# both, and no number of evaluations
by_both, _, _ = run(algo=tpe.suggest, timeout=20, loss_threshold=0.1)
print("after", len(by_both), "trials:", by_both.losses()[-1])

# by number
by_number, _, _ = run(algo=rand.suggest, max_evals=5, timeout=None, loss_threshold=None)

refused = []
for limits in ({"timeout": 0}, {"timeout": "soon"}, {"timeout": -1}, {"loss_threshold": "low"}):
    try:
        run(algo=rand.suggest, max_evals=1, **limits)
        refused.append(None)
    except Exception as error:
        refused.append(str(error))
        print("refused:", sorted(limits))

print(
    json.dumps(
        {
            "in_time": 0.4 < took < 20,
            "several": 2 < len(by_time) <= 26,
            "all_done": sorted({t["state"] for t in by_time.trials}),
            "met": by_loss.losses()[-1] < 0.02,
            "only_the_last": all(loss >= 0.02 for loss in by_loss.losses()[:-1]),
            "both": by_both.losses()[-1] < 0.1,
            "number": len(by_number),
            "refused": [bool(each) for each in refused],
            "found": {"best": best, "losses": by_number.losses()},
            "good": min(by_time.losses()) < 1,
        }
    )
)
