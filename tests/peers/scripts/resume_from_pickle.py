# Run me again and I go on where I stopped. (Python 2 heritage, sorry.)
import json
import os
import pickle
import sys

from hyperopt import STATUS_OK, Trials, fmin, hp, tpe

PATH = "results.pkl"


def objective(params):
    x, y = float(params["x"]), int(params["y"])
    return {"loss": (x - 1) ** 2 + abs(y - 4), "status": STATUS_OK, "y": y}


space = {"x": hp.normal("x", 0, 2), "y": hp.quniform("y", 0, 10, 1)}


def run_trials(step, initial):
    max_trials = initial
    try:
        trials = pickle.load(open(PATH, "rb"))
        print("Found saved Trials! Loading...")
        max_trials = len(trials.trials) + step
        print(
            "Rerunning from {} trials to {} (+{}) trials".format(
                len(trials.trials), max_trials, step
            )
        )
    except IOError:
        trials = Trials()
        print("No saved trials at %s" % os.path.basename(PATH))

    best = fmin(
        fn=objective,
        space=space,
        algo=tpe.suggest,
        max_evals=max_trials,
        trials=trials,
        show_progressbar=False,
    )
    print("Best:", best)
    with open(PATH, "wb") as f:
        pickle.dump(trials, f)
    return trials, best


lengths, lowest, first_tids = [], [], []
for _ in range(4):
    trials, best = run_trials(step=8, initial=10)
    lengths.append(len(trials))
    lowest.append(min(trials.losses()))
    first_tids.append(trials.trials[0]["tid"])

again = pickle.loads(pickle.dumps(trials, protocol=2))
summary = {
    "lengths": lengths,
    "tids": trials.tids,
    "first": first_tids,
    "never_worse": lowest == sorted(lowest, reverse=True),
    "argmin_agrees": trials.argmin == best == again.argmin,
    "results_agree": again.results == trials.results,
    "documents": [sorted(t) for t in trials.trials[:1]],
    "python": sys.version_info[0],
    "found": {"best": best, "loss": lowest[-1]},
    "good": lowest[-1] < 1.5,
}
print(json.dumps(summary))
