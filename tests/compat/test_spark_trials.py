"""SparkTrials as far as no Spark is needed: a stand-in for its engine, or for its session."""

import types
from functools import partial

import pytest
from elsewhere import Elsewhere
from quiet_runs import document

import sparktune
import sparktune.hyperopt as hyperopt
from sparktune.hyperopt import SparkTrials, base, fmin, hp, rand, tpe
from sparktune.hyperopt.exceptions import AllTrialsFailed, BadSearchSpace
from sparktune.hyperopt.spark import (
    FMIN_CANCELLED_REASON_EARLY_STOPPING,
    FMIN_CANCELLED_REASON_LOSS_THRESHOLD,
)

SESSION = types.SimpleNamespace(sparkContext=None)
SPACE = {"x": hp.uniform("x", 0, 1), "kind": hp.choice("kind", ["a", "b"])}


def run(fn, n, trials, space=SPACE, **options):
    """A run of random search; what fmin gives."""
    options = {"algo": rand.suggest, "rstate": 2, "show_progressbar": False, **options}
    return fmin(fn, space, max_evals=n, trials=trials, **options)


def test_settings_are_kept():
    """What a constructor was given is found on the trials."""
    trials = SparkTrials(3, 20, 0.25, spark_session=SESSION)
    assert (trials.parallelism, trials.user_specified_parallelism) == (3, 3)
    assert (trials.timeout, trials.loss_threshold) == (20, 0.25)
    assert trials.asynchronous
    assert trials.fmin_cancelled_reason is None
    assert SparkTrials(spark_session=SESSION).user_specified_parallelism is None
    with pytest.raises(ValueError, match="`parallelism`"):
        SparkTrials(0, spark_session=SESSION)


def test_more_at_a_time_than_the_search_can_learn_from_draws_a_warning():
    """Parallelism above a third of max_evals is advised against, but not for random search."""
    with pytest.warns(UserWarning, match="parallelism=2 is more than a third of max_evals=3"):
        run(lambda config: config["x"], 3, Elsewhere(), algo=tpe.suggest)
    for method in (rand.suggest, partial(rand.suggest), sparktune.rand.suggest):
        run(lambda config: config["x"], 3, Elsewhere(), algo=method)


def test_trials_are_counted_by_how_they_ended():
    """With a loss a trial succeeded; it failed if it raised or says so; cut off it is cancelled."""

    def objective(config):
        if config["x"] < 0.3:
            raise ValueError("too low")
        return {"status": "fail"} if config["kind"] == "b" else config["x"]

    trials = Elsewhere()
    run(objective, 12, trials)
    points = [d["misc"]["vals"] for d in trials._dynamic_trials]
    raised = sum(vals["x"][0] < 0.3 for vals in points)
    ok = sum(vals["x"][0] >= 0.3 and vals["kind"] == [0] for vals in points)
    assert min(raised, ok, 12 - raised - ok) > 0
    assert trials.count_total_trials() == len(points) == 12
    assert trials.count_successful_trials() == ok
    assert trials.count_failed_trials() == 12 - ok
    assert trials.count_cancelled_trials() == 0
    cut = document(99, 0.5, state=base.JOB_STATE_CANCEL)
    trials.insert_trial_doc(cut)
    assert (trials.count_cancelled_trials(), trials.count_total_trials()) == (1, 13)
    assert (trials.count_successful_trials(), trials.count_failed_trials()) == (ok, 12 - ok)


def test_a_run_gives_the_best_point_or_its_configuration():
    """Fmin gives label to value, or what the objective received where that is asked for."""
    trials = Elsewhere()
    best = run(lambda config: config["x"], 4, trials)
    assert best == trials.argmin
    assert best["x"] == min(trials.vals["x"])
    again = run(lambda config: config["x"], 4, trials, return_argmin=False)
    assert again == hyperopt.space_eval(SPACE, best)
    assert len(trials) == 4


def test_the_reason_of_an_early_end():
    """A run that a threshold or a function ended says so, and the next one says its own."""
    trials = Elsewhere(1)
    run(lambda config: config["x"], 50, trials, loss_threshold=0.9)
    assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_LOSS_THRESHOLD
    assert len(trials) < 50
    run(lambda config: 2.0, 60, trials, early_stop_fn=lambda trials, *_: (True, []))
    assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_EARLY_STOPPING
    assert len(trials) < 60
    run(lambda config: 2.0, len(trials) + 1, trials)
    assert trials.fmin_cancelled_reason is None


def test_documents_that_wait_are_evaluated_first():
    """Points, and documents that somebody inserted, are tried before the algo is asked."""
    trials, seen = Elsewhere(1), []
    trials.insert_trial_doc(document(5, 0.25, state=hyperopt.JOB_STATE_NEW))
    trials.refresh()
    assert [d["tid"] for d in trials.waiting()] == [5]

    def algo(new_ids, domain, trials, seed):
        seen.append([d["state"] for d in trials.trials])
        return rand.suggest(new_ids, domain, trials, seed)

    points = [{"x": 0.75}]
    run(abs, 2, trials, hp.uniform("x", 0, 1), algo=algo, points_to_evaluate=points)
    assert trials.vals["x"][:2] == [0.25, 0.75]
    assert trials.losses() == trials.vals["x"]
    assert len(trials) == 3
    assert trials.waiting() == []
    assert len(seen) == 1


def test_what_an_objective_attaches_is_the_trials():
    """Attachments of a result that comes from elsewhere belong to its trial."""

    def objective(config):
        return {"status": "ok", "loss": config["x"], "attachments": {"model": b"m"}}

    trials = Elsewhere()
    run(objective, 2, trials)
    assert [trials.trial_attachments(d)["model"] for d in trials.trials] == [b"m", b"m"]
    assert all("attachments" not in result for result in trials.results)


def test_what_is_refused_elsewhere():
    """A space of constants, objects of this process, and a run in which all fails are refused."""
    with pytest.raises(BadSearchSpace, match="no hyperparameter"):
        run(lambda config: 0.0, 1, Elsewhere(), {"x": 1})
    with pytest.raises(ValueError, match="`pass_expr_memo_ctrl`"):
        run(lambda config: 0.0, 1, Elsewhere(), pass_expr_memo_ctrl=True)
    trials = Elsewhere()
    with pytest.raises(AllTrialsFailed, match="division by zero"):
        run(lambda config: 1 / 0, 2, trials)
    assert [d["misc"]["error"][0] for d in trials._dynamic_trials] == ["ZeroDivisionError"] * 2
