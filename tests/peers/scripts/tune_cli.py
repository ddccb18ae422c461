#!/usr/bin/env python
"""usage: tune_cli.py [-n 10] [--algo tpe] [--out results.json] [--quiet] low high."""

import argparse
import json
import logging
import os
import sys

import numpy as np
from hyperopt import Trials, anneal, fmin, hp, rand, tpe

log = logging.getLogger("tune")
ALGOS = {"tpe": tpe.suggest, "random": rand.suggest, "anneal": anneal.suggest}


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("low", type=float)
    parser.add_argument("high", type=float)
    parser.add_argument("-n", "--max-evals", type=int, default=10)
    parser.add_argument("--algo", choices=sorted(ALGOS), default="tpe")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--out", default="results.json")
    parser.add_argument("--quiet", action="store_true")
    return parser.parse_args(argv)


def rosenbrock(point):
    values = np.array([point["x%d" % i] for i in range(len(point))])
    return float(np.sum(100 * (values[1:] - values[:-1] ** 2) ** 2 + (1 - values[:-1]) ** 2))


def main():
    args = parse()
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.WARNING if args.quiet else logging.INFO,
        format="%(levelname)s %(message)s",
    )
    logging.getLogger("hyperopt").setLevel(logging.ERROR)
    space = {"x%d" % i: hp.uniform("x%d" % i, args.low, args.high) for i in range(3)}
    trials = Trials()
    log.info("searching between %g and %g", args.low, args.high)
    best = fmin(
        rosenbrock, space, algo=ALGOS[args.algo], max_evals=args.max_evals, trials=trials,
        rstate=np.random.default_rng(args.seed), show_progressbar=not args.quiet,
    )  # fmt: skip
    log.info("best: %s", json.dumps(best))
    os.makedirs("out", exist_ok=True)
    with open(os.path.join("out", args.out), "w") as file:
        json.dump({"best": best, "losses": trials.losses(), "args": vars(args)}, file)
    print(
        json.dumps(
            {
                "argv": sys.argv[1:],
                "program": os.path.basename(sys.argv[0]),
                "name": __name__,
                "module": rosenbrock.__module__,
                "n": len(trials),
                "inside": all(
                    args.low <= v <= args.high for vs in trials.vals.values() for v in vs
                ),
                "keys": list(best),
                "found": {"best": best, "loss": rosenbrock(best)},
                "good": min(trials.losses()) < 150,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
