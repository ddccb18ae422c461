"""The engines of this machine keep what every engine promises."""

import sys

import pytest
from engine_suite import *  # noqa: F403
from engine_suite import Kind
from pickling_engine import Pickling

from sparktune import EngineStopped, Trials, fmin, hp
from sparktune.engines.local import Serial, Threads
from sparktune.engines.processes import Processes

OF_PROCESSES = frozenset({"side_by_side", "travels", "own_process", "limits"})
ENGINES = {
    "serial": Kind(lambda _: Serial(), frozenset({"here", "limits"})),
    "threads": Kind(lambda _: Threads(4), frozenset({"here", "side_by_side", "limits"})),
    "pickling": Kind(
        lambda _: Pickling(4), frozenset({"side_by_side", "travels", "small_results"})
    ),
    "processes": Kind(lambda _: Processes(4), OF_PROCESSES),
}


@pytest.mark.parametrize("python", ["/nowhere/python", "", "/bin/false"])
def test_an_interpreter_that_cannot_be_started_is_everyones_fault(python, monkeypatch):
    """Where no process for trials can be started, fmin ends with that reason."""
    monkeypatch.setattr(sys, "executable", python)
    trials = Trials(parallelism=2)
    with pytest.raises(EngineStopped, match="before the objective began"):
        fmin(abs, hp.uniform("x", 0, 1), trials=trials, timeout=60, show_progressbar=False)
    assert 3 <= len(trials) <= 4


def test_everything_that_is_printed_arrives(run_python):
    """What trials print reaches a slow reader whole, also where the trial crashes after it."""
    script = """
import os
from sparktune import Trials, fmin, hp
def objective(x, trial):
    print("x" * 30_000)
    if trial.number == 2:
        os._exit(1)
    return x
fmin(objective, hp.uniform("x", 0, 1), max_evals=4, trials=Trials(executor="processes"),
     show_progressbar=False)
"""
    assert run_python(script).stdout.count("x") == 4 * 30_000
