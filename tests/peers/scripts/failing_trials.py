"""Some configurations do not work, some are refused: the search goes on."""

import json
import math

import numpy as np
from hyperopt import JOB_STATE_ERROR, STATUS_FAIL, STATUS_OK, Trials, fmin, hp, tpe
from hyperopt.exceptions import AllTrialsFailed

trials_seen = 0


def fragile(config):
    global trials_seen
    trials_seen += 1
    x, size = config["x"], config["size"]
    if trials_seen % 7 == 0:
        raise MemoryError("no room for a model of size %d" % size)
    if trials_seen % 11 == 0:
        return {"status": STATUS_OK, "loss": float("nan")}
    if x < 0:
        return {"status": STATUS_FAIL, "why": "negative"}
    return {"status": STATUS_OK, "loss": math.sqrt(x) + 1 / size, "x": x}


space = {"x": hp.uniform("x", -1, 4), "size": hp.randint("size", 1, 10)}
trials = Trials()
best = fmin(
    fragile, space, algo=tpe.suggest, max_evals=40, trials=trials, catch_eval_exceptions=True,
    rstate=np.random.default_rng(12), show_progressbar=False,
)  # fmt: skip
print("best:", {k: round(float(v), 3) for k, v in best.items()})
errors = [t for t in trials._dynamic_trials if t["state"] == JOB_STATE_ERROR]
for trial in errors[:2]:
    print("trial", trial["tid"], "failed:", trial["misc"]["error"])
failed = [r for r in trials.results if r["status"] == STATUS_FAIL]
nans = [r for r in trials.results if r.get("loss") is not None and math.isnan(r["loss"])]
print(len(errors), "errors", len(failed), "failures", len(nans), "not a number")

# without the option the exception comes out, and the trials know
trials_seen = 5
strict = Trials()
try:
    fmin(
        fragile,
        space,
        algo=tpe.suggest,
        max_evals=10,
        trials=strict,
        rstate=np.random.default_rng(1),
        show_progressbar=False,
    )
    raised = None
except MemoryError as error:
    raised = str(error).rstrip("0123456789")
print("raised:", raised)

nothing = Trials()
try:
    fmin(
        lambda c: {"status": STATUS_FAIL},
        space,
        algo=tpe.suggest,
        max_evals=4,
        trials=nothing,
        rstate=np.random.default_rng(1),
        show_progressbar=False,
    )
    all_failed = None
except AllTrialsFailed:
    all_failed = "AllTrialsFailed"

strict.refresh()
print(
    json.dumps(
        {
            "seen": trials_seen,
            "errors": len(errors),
            "error": [len(errors[0]["misc"]["error"]), errors[0]["misc"]["error"][0]],
            "shown": len(trials),
            "kept": len(trials._dynamic_trials),
            "same_length": len(trials.losses()) == len(trials.statuses()) == len(trials.trials),
            "losses_of_failures": sorted({str(r.get("loss")) for r in failed}),
            "some": [len(failed) > 0, len(nans) > 0],
            "raised": raised,
            "strict": [[t["state"], t["result"]["status"]] for t in strict._dynamic_trials][-1],
            "all_failed": all_failed,
            "statuses": nothing.statuses(),
            "found": {"loss": trials.best_trial["result"]["loss"]},
            "good": trials.best_trial["result"]["loss"] < 1,
        }
    )
)
