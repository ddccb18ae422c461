"""What a failed trial says as its loss, which means nothing."""

import functools

import numpy as np
import pytest

from sparktune import (
    STATUS_FAIL,
    STATUS_OK,
    Trials,
    Tuner,
    anneal,
    atpe,
    auto,
    bayes,
    cma,
    fmin,
    hp,
    rand,
    tpe,
)
from sparktune.early_stop import no_progress_loss

quiet = functools.partial(fmin, show_progressbar=False)


@pytest.mark.parametrize("filler", [0, -1.0, float("-inf"), float("nan"), "none"])
def test_the_loss_of_a_failed_trial_counts_for_nothing(filler):
    """What a failed trial says as its loss stops nothing, is no best, and stands in no column."""
    trials, shown = Trials(), []

    def objective(x):
        if len(trials) % 3 == 0:
            return {"loss": filler, "status": STATUS_FAIL, "why": "so"}
        return {"loss": 100.0 - len(trials), "status": STATUS_OK}

    def stop(trials, *arguments):
        shown.append(trials.losses()[-1])
        return no_progress_loss(5)(trials, *arguments)

    best = quiet(
        objective, hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=30, trials=trials, rstate=0,
        loss_threshold=50.0, early_stop_fn=stop,
    )  # fmt: skip
    expected = [None if n % 3 == 0 else 100.0 - n for n in range(30)]
    assert trials.losses() == shown == expected
    assert trials.fmin_cancelled_reason is None
    assert best == trials.argmin
    assert (trials.best_loss, trials.best_trial["tid"]) == (71.0, 29)
    assert [document["result"]["status"] for document in trials] == trials.statuses()
    assert trials.statuses().count(STATUS_FAIL) == 10
    assert [None if np.isnan(loss) else loss for loss in trials.to_pandas()["loss"]] == expected
    tuner = Tuner(hp.uniform("x", 0, 1), trials=trials)
    failed = tuner.add({"x": 0.5}, {"loss": filler, "status": STATUS_FAIL})
    assert failed.loss is None
    assert tuner.best == best


@pytest.mark.parametrize("algo", [tpe, bayes, anneal, atpe, auto, cma])
def test_no_method_learns_from_the_loss_of_a_failed_trial(algo):
    """Candidates are the same with and without a loss in the result of failed trials."""
    found = []
    for more in ({}, {"loss": -1e9}):

        def objective(x, more=more):
            return x if x > 0.3 else {"status": STATUS_FAIL, **more}

        trials = Trials()
        quiet(objective, hp.uniform("x", 0, 1), algo=algo, max_evals=30, trials=trials, rstate=0)
        found.append(trials.vals)
    assert found[0] == found[1]
