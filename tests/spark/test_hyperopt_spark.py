"""SparkTrials of Hyperopt's surface: documents of trials that run as Spark tasks."""

import contextlib
import functools
import os
import pickle
import signal
import threading
import types

import numpy as np
import pytest

from sparktune import hyperopt
from sparktune.hyperopt import (
    JOB_STATE_DONE,
    SparkTrials,
    fmin,
    hp,
    rand,
    space_eval,
    tpe,
)
from sparktune.hyperopt.base import JOB_STATE_CANCEL
from sparktune.hyperopt.exceptions import AllTrialsFailed
from sparktune.hyperopt.spark import FMIN_CANCELLED_REASON_USER

SPACE = {
    "x": hp.uniform("x", -5, 5),
    "pair": [1, hp.choice("c", ["a", {"y": hp.normal("y", 0, 1)}])],
}
quiet = functools.partial(fmin, show_progressbar=False)


def objective(config):
    if config["x"] > 4:
        raise ValueError("too large")
    kind = type(config["pair"]).__name__
    return {"loss": config["x"] ** 2, "status": hyperopt.STATUS_OK, "kind": kind}


def test_documents_of_trials_on_spark(spark):
    """They have Hyperopt's shape, points come first, and an exception fails its trial alone."""
    trials = SparkTrials(parallelism=2, spark_session=spark)
    points = [{"x": 4.5, "c": 0}, {"x": 1.0, "c": 1, "y": 0.5}]
    best = quiet(
        objective, SPACE, tpe.suggest, 4, trials=trials, rstate=3, points_to_evaluate=points
    )
    assert [d["state"] for d in trials._dynamic_trials] == [3, 2, 2, 2, 2, 2]
    failed, first, *_ = trials._dynamic_trials
    assert failed["misc"]["error"][0] == "ValueError"
    assert first["result"] == {"loss": 1.0, "kind": "tuple", "status": "ok"}
    assert first["misc"]["vals"] == {"c": [1], "x": [1.0], "y": [0.5]}
    assert first["book_time"] <= first["refresh_time"]
    assert len(trials) == trials.count_successful_trials() == 5
    assert (trials.count_failed_trials(), trials.count_total_trials()) == (1, 6)
    assert trials.fmin_cancelled_reason is None
    assert best == trials.argmin
    assert space_eval(SPACE, best)["pair"][0] == 1
    again = pickle.loads(pickle.dumps(trials))
    assert again.trials == trials.trials


def test_a_run_on_spark_goes_on(spark):
    """max_evals counts the documents that are shown; a loss threshold ends a run and says so."""
    trials = SparkTrials(parallelism=2, spark_session=spark)
    seeds = []

    def algo(new_ids, domain, trials, seed):
        seeds.append(seed)
        return rand.suggest(new_ids, domain, trials, seed)

    def run(n, **more):
        options = {"show_progressbar": False, **more}
        return fmin(lambda x: abs(x), hp.uniform("x", -1, 1), algo, n, trials=trials, **options)

    run(3, rstate=np.random.default_rng(0))
    run(5, rstate=np.random.default_rng(0))
    assert len(trials) == 5
    assert len(set(seeds)) == len(seeds) >= 3
    bars = []

    @contextlib.contextmanager
    def bar(initial, total):
        bars.append(types.SimpleNamespace(initial=initial, total=total, postfix=""))
        bars[-1].update = lambda n: True
        yield bars[-1]

    run(6, rstate=1, show_progressbar=bar, verbose=True)
    assert (bars[0].initial, bars[0].total) == (5, 6)
    assert f"best loss: {min(trials.losses()):.6g}" in bars[0].postfix
    run(50, loss_threshold=2.0)
    assert trials.fmin_cancelled_reason == "fmin run cancelled because of loss threshold"
    assert len(trials) < 50


def test_what_spark_trials_refuse(spark):
    """A space without hyperparameters, objects of this process, and a run without a loss."""
    trials = SparkTrials(parallelism=1, spark_session=spark)
    with pytest.raises(ValueError, match="no hyperparameter"):
        quiet(objective, {"x": 1}, rand.suggest, 1, trials=trials)
    with pytest.raises(ValueError, match="`pass_expr_memo_ctrl`"):
        quiet(objective, SPACE, rand.suggest, 1, trials=trials, pass_expr_memo_ctrl=True)
    with pytest.raises(AllTrialsFailed, match="division by zero"):
        quiet(lambda config: 1 / 0, SPACE, rand.suggest, 1, trials=trials)


def test_a_subclass_with_a_fmin_of_its_own(spark):
    """SparkTrials whose fmin is overridden are asked as Hyperopt asks them, and go on to Spark."""

    class Logged(SparkTrials):
        def fmin(self, fn, space, algo, max_evals, **options):
            self.asked = max_evals
            return super().fmin(fn, space, algo, max_evals, **options)

    trials = Logged(parallelism=2, spark_session=spark)
    best = quiet(lambda x: x**2, hp.uniform("x", -1, 1), rand.suggest, 3, trials=trials, rstate=1)
    assert trials.asked == len(trials) == 3
    assert best == trials.argmin


def test_objectives_import_hyperopt_where_it_is_not(spark):
    """An objective may import hyperopt by name and by module in its task, where nobody has it."""
    program = """
def objective(x):
    import hyperopt
    from hyperopt import STATUS_OK
    assert STATUS_OK == hyperopt.STATUS_OK
    file = getattr(hyperopt, "__file__", "")
    return {"loss": x**2, "status": hyperopt.STATUS_OK, "file": file}
"""
    names = {}
    exec(program, names)
    trials = SparkTrials(parallelism=1, spark_session=spark)
    quiet(names["objective"], hp.uniform("x", -1, 1), rand.suggest, 2, trials=trials)
    assert [d["result"]["status"] for d in trials.trials] == ["ok", "ok"]
    assert {d["result"]["file"] for d in trials.trials} == {""}


def test_an_interrupted_run_keeps_what_has_ended(spark, gate, caplog, wait_for):
    """Ctrl-C leaves fmin with a line about what is kept; what was under way is cancelled."""
    trials = SparkTrials(parallelism=2, spark_session=spark)
    door = gate.door()
    points = [{"x": 0.5}, {"x": 2.0}]

    def objective(x):
        if x != 0.5:
            door()
        return x

    def interrupt():
        wait_for(trials.count_successful_trials)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        quiet(
            objective, hp.uniform("x", 0, 3), rand.suggest, 9, trials=trials,
            points_to_evaluate=points,
        )  # fmt: skip
    assert "1 finished trial is kept; best loss 0.5" in caplog.text
    assert {d["state"] for d in trials._dynamic_trials} == {JOB_STATE_DONE, JOB_STATE_CANCEL}
    assert trials.argmin == {"x": 0.5}
    assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_USER
