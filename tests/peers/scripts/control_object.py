"""An objective that evaluates its space itself, and talks to the trials while it runs."""

import json

import hyperopt
import numpy as np
from hyperopt import STATUS_OK, STATUS_RUNNING, Ctrl, fmin, fmin_pass_expr_memo_ctrl, hp, pyll, rand
from hyperopt.pyll import rec_eval

seen = []


@fmin_pass_expr_memo_ctrl
def realtime(expr, memo, ctrl):
    config = rec_eval(expr, memo=memo, print_node_on_error=False)
    trial = ctrl.current_trial
    for epoch in range(3):
        error = (config["x"] - 1) ** 2 + 1 / (epoch + 1)
        ctrl.checkpoint({"loss": error, "status": STATUS_RUNNING, "epoch": epoch})
        seen.append((trial["tid"], trial["result"]["epoch"], trial["state"]))
    ctrl.attachments["curve"] = repr([trial["tid"], len(memo)])
    return {"loss": error, "status": STATUS_OK, "epochs": 3, "kind": config["kind"]}


space = {"x": hp.uniform("x", -2, 2), "kind": hp.choice("kind", ["p", "q"])}
trials = hyperopt.Trials()
best = fmin(
    realtime,
    space,
    rand.suggest,
    20,
    trials=trials,
    rstate=np.random.default_rng(0),
    show_progressbar=False,
)
print("best", best)


# the same with the argument of fmin, and a Ctrl as part of the space
def plain(expr, memo, ctrl):
    x = pyll.rec_eval(expr, memo=memo)["x"]
    return {"loss": abs(x), "status": STATUS_OK, "others": len(ctrl.trials)}


more = hyperopt.Trials()
fmin(
    plain,
    {"x": hp.normal("x", 0, 1)},
    rand.suggest,
    6,
    trials=more,
    pass_expr_memo_ctrl=True,
    rstate=np.random.default_rng(0),
    show_progressbar=False,
)


def with_ctrl(args):
    x, ctrl = args
    tid = ctrl.current_trial["tid"]
    return {"loss": x, "status": STATUS_OK, "is_ctrl": isinstance(ctrl, Ctrl), "tid": tid}


third = hyperopt.Trials()
fmin(
    with_ctrl,
    [hp.uniform("x", 0, 1), hyperopt.Domain.pyll_ctrl],
    rand.suggest,
    4,
    trials=third,
    rstate=np.random.default_rng(0),
    show_progressbar=False,
)
curves = [trials.trial_attachments(t)["curve"] for t in trials.trials]
print("curves", curves)
print(
    json.dumps(
        {
            "seen": seen,
            "curves": curves,
            "kinds": sorted({r["kind"] for r in trials.results}),
            "results": [list(r) for r in trials.results[:1]],
            "versions": [t["version"] for t in trials.trials],
            "others": [r["others"] for r in more.results],
            "ctrl": [[r["is_ctrl"], r["tid"]] for r in third.results],
            "found": {"losses": trials.losses()},
            "good": min(trials.losses()) < 1.0,
        }
    )
)
