"""The package's linear algebra keeps to one thread, and gives the program's setting back."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from sparktune import Tuner, bayes, hp
from sparktune.blas import on_one_thread
from sparktune.suggest.surrogates import gp


def threads():
    """The numbers of threads that BLAS libraries have now."""
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.fixture
def three():
    """A program that has set three threads."""
    with threadpool_limits(3, user_api="blas"):
        yield


def test_a_fit_has_one_thread(three, monkeypatch):
    """A suggestion of the GP is computed on one thread, and the setting is back after it."""
    seen = []
    fit = gp.GP.fit
    monkeypatch.setattr(gp.GP, "fit", lambda *a, **k: (seen.append(threads()), fit(*a, **k))[1])
    tuner = Tuner({"x": hp.uniform("x", 0, 1)}, algo=bayes.suggest, rstate=0)
    for candidate in tuner.ask(20):
        tuner.tell(candidate, candidate.config["x"])
    tuner.ask(2)
    assert set(map(frozenset, seen)) == {frozenset({1})}
    assert threads() == {3}


def test_a_call_within_another_and_one_beside_it(three):
    """The outermost call of the first thread sets and gives back; others leave that alone."""
    begun, end = threading.Event(), threading.Event()
    seen = []

    @on_one_thread
    def inner():
        seen.append(threads())

    @on_one_thread
    def outer():
        inner()
        begun.set()
        assert end.wait(60)
        seen.append(threads())

    def beside():
        assert begun.wait(60)
        inner()
        end.set()

    other = threading.Thread(target=beside)
    other.start()
    outer()
    other.join()
    assert seen == [{1}, {1}, {1}]
    assert threads() == {3}


def test_an_error_gives_the_setting_back(three):
    """The program's setting is back after an exception, too."""

    @on_one_thread
    def fails():
        return np.linalg.cholesky(-np.eye(2))

    with pytest.raises(np.linalg.LinAlgError):
        fails()
    assert threads() == {3}


def test_what_fits_nothing_does_without_it(run_python):
    """Workers, and every method but the GP, run where threadpoolctl is not installed."""
    script = """
import sys
sys.modules["threadpoolctl"] = None  # as if it were not installed
import sparktune.worker
from sparktune import fmin, hp
fmin(abs, hp.uniform("x", -1, 1), max_evals=25, show_progressbar=False)
print("ran")
"""
    assert run_python(script).stdout == "ran\n"
