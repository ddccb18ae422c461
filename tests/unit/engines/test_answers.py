"""What the answer of whoever ran a trial stands for: advice that fits where it ran."""

import sys

import pytest

from sparktune import Trials, fmin, hp
from sparktune.engines.answers import ADVICE_ON_SPARK, answer_of
from sparktune.engines.settings import Settings
from sparktune.exceptions import AllTrialsFailed

pytestmark = pytest.mark.usefixtures("sent_by_value")

RAISED = {"status": "raised", "error": "Traceback: x", "python": "/bin/python", "host": "vm"}
LACKING = {**RAISED, "missing": "lacking"}


@pytest.mark.parametrize("where", [{}, {"executor": "threads"}, {"executor": "processes"}])
def test_a_module_that_is_missing_here_is_installed_here(where):
    """Without Spark the advice for a missing module is about this Python, and not executors."""

    def objective(config):
        import package_of_nobody  # noqa: F401

    trials = Trials(**where)
    with pytest.raises(AllTrialsFailed):
        fmin(
            objective, {"x": hp.uniform("x", 0, 1)}, max_evals=1, trials=trials,
            catch_eval_exceptions=True, show_progressbar=False,
        )  # fmt: skip
    error = trials.errors()[0]
    assert f"the module 'package_of_nobody' is not installed for {sys.executable} on " in error
    assert error.endswith("install it there, or put the folder of a module of your own on sys.path")


def test_on_spark_modules_are_sent():
    """On Spark the advice has the ways in which a module comes to executors."""
    error = answer_of(LACKING, Settings(), ADVICE_ON_SPARK).outcome.error
    assert "for /bin/python on vm: install it on every executor; or send a module" in error
    assert "sc.addPyFile" in error


def test_what_could_not_be_loaded_has_its_reason_and_the_advice():
    """An objective that could not be unpickled is said with the exception's own line."""
    error = "Traceback (most recent call last):\n  f()\nModuleNotFoundError: why\na note"
    answer = {**LACKING, "status": "unloadable", "what": "objective", "error": error}
    lines = answer_of(answer, Settings()).outcome.error.splitlines()
    told = "the objective could not be unpickled on vm: ModuleNotFoundError: why"
    assert (lines[0], lines[1]) == (told, "Traceback (most recent call last):")
    assert lines[-1].startswith("the module 'lacking' is not installed for /bin/python on vm: ")


def test_a_session_that_is_missing_is_where_threads_and_the_driver_are():
    """A trial that looks for a Spark session is told how to run where the session is."""
    answer = {**RAISED, "no_session": True}
    here, on_spark = (
        answer_of(answer, Settings(), *advice).outcome.error for advice in ((), (ADVICE_ON_SPARK,))
    )
    assert 'Trials(executor="threads") runs trials where the session is; or read what' in here
    assert 'SparkTrials(mode="driver") runs trials where the session is; or read' in on_spark
