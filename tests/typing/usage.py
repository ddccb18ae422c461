"""Programs that use the public names, with the types that a checker has to see; never run."""

from functools import partial
from pathlib import Path
from typing import Any

from typing_extensions import assert_type

from sparktune import (
    STATUS_OK,
    TPE,
    AllTrialsFailed,
    Auto,
    Budget,
    Candidate,
    History,
    Space,
    SparkTrials,
    Status,
    StoreTrials,
    Trial,
    TrialContext,
    TrialPruned,
    Trials,
    Tuner,
    auto,
    bayes,
    early_stop,
    fmin,
    hp,
    prune,
    space_eval,
    tpe,
)
from sparktune.hpsklearn import HyperoptEstimator, any_classifier
from sparktune.importance import Importance
from sparktune.suggest.recommended import Recommended

space = {
    "rate": hp.loguniform("rate", -9, 0),
    "layers": hp.uniformint("layers", 1, 4),
    "model": hp.choice("model", ["linear", {"depth": hp.randint("depth", 2, 9)}]),
    "rare": hp.pchoice("rare", [(0.1, "yes"), (0.9, "no")]),
}


def objective(config: dict[str, Any], trial: TrialContext) -> dict[str, Any]:
    assert_type(trial.number, int)
    assert_type(trial.seed, int)
    assert_type(trial.gpus, tuple[str, ...])
    for epoch in range(3):
        assert_type(trial.report(epoch, config["rate"]), bool)
    if config["layers"] > 3:
        raise TrialPruned
    return {"loss": config["rate"], "status": STATUS_OK}


def a_search() -> None:
    trials = Trials(parallelism=2, journal="run", trial_timeout=60.0, env={"A": "1"})
    best = fmin(
        objective,
        space,
        algo=partial(tpe.suggest, gamma=0.2),
        max_evals=20,
        trials=trials,
        rstate=3,
        pruner=prune.asha(eta=2),
        early_stop_fn=early_stop.no_progress_loss(10),
        points_to_evaluate=[{"rate": 0.1, "layers": 2}],
        batch=4,
        recommend="model",
        return_argmin=True,
    )
    space_eval(space, best)
    fmin(fn=lambda x: x**2, space=hp.uniform("x", -1, 1), algo=auto.suggest, max_evals=9)
    fmin(fn=lambda x: x**2, space=hp.uniform("x", -1, 1), algo=TPE(), max_evals=9)


def on_spark() -> None:
    trials = SparkTrials(parallelism=4, trial_timeout=60, mode="driver")
    fmin(objective, space, algo=bayes.suggest, max_evals=20, trials=trials, verbose=False)
    shared = StoreTrials("sqlite:///runs.db", exp_key="a")
    fmin(objective, space, max_evals=20, trials=shared)


def results(trials: Trials) -> None:
    assert_type(trials.best_loss, float)
    assert_type(trials.argmin, dict[str, int | float])
    assert_type(trials.best_params, dict[str, Any])
    assert_type(trials.losses(), list[float | None])
    assert_type(trials.statuses(), list[str])
    assert_type(trials.errors(), dict[int, str])
    assert_type(trials.recommended, Recommended)
    assert_type(trials.recommended.low, float)
    assert_type(trials.importance(), Importance)
    assert_type(trials.report("run.html"), Path)
    assert_type(trials.summary(), str)
    assert_type(len(trials), int)
    assert_type(trials.history, History | None)
    assert_type(Trials.load("run"), Trials)


def by_hand() -> None:
    tuner = Tuner(space, algo=Auto(), rstate=0)
    candidate = tuner.ask()
    assert_type(candidate, Candidate)
    assert_type(tuner.ask(4), list[Candidate])
    assert_type(candidate.number, int)
    told = tuner.tell(candidate, 0.3)
    assert_type(told, Trial)
    assert_type(told.status, Status)
    assert_type(tuner.best, dict[str, int | float])


def a_run_that_may_fail() -> float | None:
    assert_type(Budget(max_evals=3, timeout=9.0), Budget)
    assert_type(Space.of(space).labels, tuple[str, ...])
    trials = Trials(executor="threads", parallelism=2)
    try:
        fmin(objective, space, max_evals=3, trials=trials, catch_eval_exceptions=True)
    except AllTrialsFailed:
        return None
    return trials.best_loss


def an_estimator(X: Any, y: Any) -> None:
    model = HyperoptEstimator(classifier=any_classifier("c"), max_evals=5)
    assert_type(model.fit(X, y), HyperoptEstimator)
    model.predict(X)
