# Does it matter how TPE is set up?  A little benchmark, with hyperopt.partial and functools.partial
import functools
import json

import hyperopt
import numpy as np
from hyperopt import anneal, fmin, hp, mix, rand, tpe

SPACE = {"x": hp.uniform("x", -5, 10), "y": hp.uniform("y", 0, 15)}


def branin(p):
    x, y = p["x"], p["y"]
    a = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return a**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10


algos = {
    "default": tpe.suggest,
    "few at random": functools.partial(tpe.suggest, n_startup_jobs=5),
    "many candidates": functools.partial(tpe.suggest, n_startup_jobs=8, n_EI_candidates=100),
    "greedy": hyperopt.partial(tpe.suggest, gamma=0.1, prior_weight=0.5, verbose=False),
    "mix": functools.partial(
        mix.suggest,
        p_suggest=[(0.2, rand.suggest), (0.6, tpe.suggest), (0.2, anneal.suggest)],
    ),
    "annealing": functools.partial(anneal.suggest, avg_best_idx=1.0, shrink_coef=0.2),
}

scores = {}
for name, algo in algos.items():
    lows = []
    for seed in (1, 2):
        trials = hyperopt.Trials()
        fmin(
            branin,
            SPACE,
            algo,
            35,
            trials=trials,
            rstate=np.random.default_rng(seed),
            show_progressbar=False,
        )
        lows.append(min(trials.losses()))
        assert len(trials) == 35, "%s: %d" % (name, len(trials))
    scores[name] = float(np.mean(lows))
    print("{:>16}: {:.3f}".format(name, scores[name]))

# one trials object whose seeds repeat gives the same answers
same = [
    fmin(branin, SPACE, algos["mix"], 12, rstate=np.random.default_rng(9), show_progressbar=False)
    for _ in range(2)
]
print("repeats:", same[0] == same[1])
print(
    json.dumps(
        {
            "names": list(scores),
            "repeats": same[0] == same[1],
            "found": scores,
            "good": {name: score < 8 for name, score in scores.items()},
        }
    )
)
