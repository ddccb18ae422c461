"""Quiet runs in Hyperopt's words, and what is seen of them."""

import functools

import numpy as np

import sparktune.hyperopt as hyperopt
from sparktune.hyperopt import Trials, fmin, hp
from sparktune.hyperopt.base import spec_from_misc

ALGOS = {
    "rand": hyperopt.rand.suggest,
    "tpe": functools.partial(hyperopt.tpe.suggest, n_startup_jobs=4),
    "anneal": hyperopt.anneal.suggest,
    "mix": functools.partial(
        hyperopt.mix.suggest,
        p_suggest=[(0.5, hyperopt.rand.suggest), (0.5, hyperopt.tpe.suggest)],
    ),
}
SPACE = {
    "x": hp.uniform("x", -5, 5),
    "kind": hp.choice("kind", [{"n": hp.randint("n", 1, 9)}, {"q": hp.quniform("q", 0, 8, 2)}]),
}


def loss_of(config):
    """What searches here minimise."""
    return config["x"] ** 2 + sum(config["kind"].values())


def square(x):
    """The plainest objective."""
    return x**2


def run(n, fn=loss_of, space=SPACE, **options):
    """A quiet run; its trials."""
    options = {"algo": hyperopt.rand.suggest, "rstate": 7, "trials": Trials(), **options}
    fmin(fn, space, max_evals=n, show_progressbar=False, **options)
    return options["trials"]


def points_of(trials):
    """The points of trials, each as label to value."""
    return [spec_from_misc(misc) for misc in trials.miscs]


def document(tid, x, loss=None, state=hyperopt.JOB_STATE_DONE, exp_key=None):
    """A document by hand, of a space with x alone."""
    return {
        "state": state,
        "tid": tid,
        "spec": None,
        "result": {"status": "new"} if loss is None else {"status": "ok", "loss": loss},
        "misc": {"tid": tid, "cmd": None, "idxs": {"x": [tid]}, "vals": {"x": [x]}},
        "exp_key": exp_key,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def listened(algo=hyperopt.rand.suggest):
    """A suggest function, and a list of the ids and the seeds that it is given."""
    heard = []

    def suggest(new_ids, domain, trials, seed):
        heard.append((list(new_ids), seed))
        return algo(new_ids, domain, trials, seed)

    return suggest, heard


def seeds_of(generator, count):
    """The seeds of batches that a generator draws."""
    return [int(generator.integers(2**31 - 1)) for _ in range(count)]


def trials_with_best_at(x, n=40):
    """Trials of points all over -10 to 10, best at x."""
    points = np.linspace(-10, 10, n)
    return hyperopt.trials_from_docs(
        [document(tid, float(p), loss=abs(float(p) - x)) for tid, p in enumerate(points)]
    )
