"""Documents that somebody changes while a run goes on."""

import copy
import sys

import numpy as np
import pytest

from sparktune.hyperopt import JOB_STATE_DONE, JOB_STATE_NEW, Trials, fmin, hp, rand, tpe


@pytest.mark.parametrize("algo", [rand.suggest, tpe.suggest])
def test_a_document_set_back_to_new_is_evaluated_again(algo):
    """Who sets the state of an old document to new during a run has it evaluated in that run."""
    trials, seen = Trials(), []

    def objective(x):
        seen.append(x)
        if len(seen) == 30:
            trials.trials[2]["state"] = JOB_STATE_NEW
        return x

    fmin(
        objective, hp.uniform("x", 0, 1), algo=algo, max_evals=40, trials=trials, rstate=1,
        verbose=False,
    )  # fmt: skip
    assert seen.count(seen[2]) == 2
    assert [d["state"] for d in trials.trials] == [JOB_STATE_DONE] * 40


def test_a_list_of_trials_stays_what_it_was():
    """The list that ``trials`` gave before a refresh does not grow by it."""
    trials = Trials()
    held = []
    fmin(
        lambda x: held.append(trials.trials) or x, hp.uniform("x", 0, 1), algo=rand.suggest,
        max_evals=5, trials=trials, rstate=1, verbose=False,
    )  # fmt: skip
    assert [len(each) for each in held] == [1, 2, 3, 4, 5]
    assert [d["tid"] for d in held[1]] == [0, 1]


def test_documents_of_a_longer_run_count_in_a_resumed_run():
    """Trials that hold a run of their own and documents of a longer one repeat no point."""

    def run(trials, most):
        fmin(
            lambda x: x, hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=most, trials=trials,
            rstate=np.random.default_rng(7), verbose=False,
        )  # fmt: skip
        return trials

    longer, trials = run(Trials(), 6), run(Trials(), 2)
    for document in copy.deepcopy(longer.trials[2:]):
        trials.insert_trial_doc(document)
    trials.refresh()
    run(trials, 10)
    points = trials.vals["x"]
    assert len(set(points)) == len(points) == 10


def test_a_fmin_method_of_ones_own_gets_a_number_of_trials():
    """Without max_evals, ``trials.fmin`` receives sys.maxsize, with which it may compute."""
    told = {}

    class Mine(Trials):
        def fmin(self, fn, space, **options):
            told.update(options)
            return super().fmin(fn, space, **{**options, "max_evals": 2})

    fmin(lambda x: x, hp.uniform("x", 0, 1), algo=rand.suggest, trials=Mine(), verbose=False)
    assert told["max_evals"] == sys.maxsize
