"""The one door: what every argument takes and refuses, wherever it is given."""

import math
import re
from decimal import Decimal

import numpy as np
import pytest

from sparktune import (
    TPE,
    AdaptiveTPE,
    Anneal,
    Auto,
    Bayes,
    SparkTrials,
    Trials,
    Tuner,
    early_stop,
    fmin,
    hp,
)
from sparktune.checks import flag, number, one_of, real, whole
from sparktune.cluster.local import LocalCluster
from sparktune.suggest.surrogates.forest import Forest
from sparktune.suggest.surrogates.gp import GP

SPACE = hp.uniform("x", 0, 1)


def of_fmin(name):
    return lambda value: fmin(
        lambda x: x, SPACE, **{"max_evals": 24, "show_progressbar": False, name: value}
    )


COUNTS = {
    **{f"fmin {name}": of_fmin(name) for name in ("max_evals", "batch", "max_queue_len")},
    "fmin rstate": of_fmin("rstate"),
    "Trials parallelism": lambda value: Trials(parallelism=value),
    "Trials trial_cpus": lambda value: Trials(executor="processes", trial_cpus=value),
    "Tuner max_evals": lambda value: Tuner(SPACE, max_evals=value),
    "Tuner.ask": lambda value: Tuner(SPACE).ask(value),
    "no_progress_loss": early_stop.no_progress_loss,
    "TPE n_startup_jobs": lambda value: TPE(n_startup_jobs=value),
    "TPE n_EI_candidates": lambda value: TPE(n_EI_candidates=value),
    "Bayes n_startup_jobs": lambda value: Bayes(n_startup_jobs=value),
    "Bayes fantasies": lambda value: Bayes(fantasies=value),
    "Auto n_startup_jobs": lambda value: Auto(n_startup_jobs=value),
    "AdaptiveTPE n_startup_jobs": lambda value: AdaptiveTPE(n_startup_jobs=value),
    "GP most": lambda value: GP(most=value),
    "Forest trees": lambda value: Forest(trees=value),
    "LocalCluster workers": lambda value: LocalCluster(workers=value),
    "LocalCluster cores": lambda value: LocalCluster(cores=value),
}
OF_SPARK = ("parallelism", "trial_cpus", "max_retries")
NUMBERS = {
    **{f"fmin {name}": of_fmin(name) for name in ("timeout", "loss_threshold", "trial_timeout")},
    "Trials trial_timeout": lambda value: Trials(trial_timeout=value),
    "Trials trial_grace": lambda value: Trials(trial_grace=value),
    "percent_increase": lambda value: early_stop.no_progress_loss(5, value),
    "Anneal avg_best_idx": lambda value: Anneal(avg_best_idx=value),
    "Anneal shrink_coef": lambda value: Anneal(shrink_coef=value),
    "TPE prior_weight": lambda value: TPE(prior_weight=value),
    "LocalCluster limit": lambda value: LocalCluster(limit=value),
}
FIVE = [5, 5.0, np.int64(5), np.int8(5), np.float32(5), np.array(5), np.array(5.0)]
NO_COUNTS = [5.5, -1, True, np.bool_(True), "5", "x", b"5", math.nan, math.inf, 5j, [5], (), {}]
NO_NUMBERS = [True, np.bool_(True), "5", b"5", math.nan, 5j, [5], {}]


@pytest.mark.parametrize("value", FIVE, ids=repr)
@pytest.mark.parametrize("name", COUNTS)
def test_counts_take_whole_numbers_of_any_type(name, value):
    """Every count takes ints, whole floats and numpy scalars alike."""
    COUNTS[name](value)


@pytest.mark.parametrize("value", NO_COUNTS, ids=repr)
@pytest.mark.parametrize("name", COUNTS)
def test_counts_take_nothing_else(name, value):
    """No count takes fractions, bools, strings or what else is no number, and each says so."""
    shown = re.escape(repr(value))
    with pytest.raises((ValueError, TypeError), match=f"whole number.*but got {shown}"):
        COUNTS[name](value)


@pytest.mark.parametrize("value", [*FIVE, 5.5, Decimal("5.5")], ids=repr)
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_any_type(name, value):
    """Every real number may come as any real type."""
    NUMBERS[name](value)


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_take_nothing_else(name, value):
    """No number may be a bool, a string or NaN, and each message has the value."""
    shown = re.escape(repr(value))
    with pytest.raises(ValueError, match=f"must be a .*number.*but got {shown}"):
        NUMBERS[name](value)


@pytest.mark.parametrize("value", NO_COUNTS, ids=repr)
@pytest.mark.parametrize("name", OF_SPARK)
def test_spark_trials_refuse_the_same(name, value):
    """SparkTrials has the same door as Trials, before it looks for a session."""
    with pytest.raises(ValueError, match=rf"`{name}` must be a whole number"):
        SparkTrials(**{name: value})


def test_rules_are_said_as_they_are():
    """A message has the name, the limits, whether None is allowed, and the value."""
    for call, sentence in (
        (lambda: whole("n", 0), "`n` must be a whole number >= 1, but got 0"),
        (lambda: whole("n", "", 2, 4, none=True), "a whole number from 2 to 4 or None, but got ''"),
        (lambda: whole("n", 10**400, most=9), "a whole number from 1 to 9, but got 1000"),
        (lambda: real("t", -1, "a time", above=0), "`t` must be a time > 0, but got -1"),
        (lambda: real("t", 2, above=0, most=1), "`t` must be a number above 0 and at most 1"),
        (lambda: real("t", 2, least=0, most=1), "`t` must be a number from 0 to 1, but got 2"),
        (lambda: real("t", math.inf, least=0, finite=True), "`t` must be a number >= 0"),
        (lambda: whole("n", 0, of="tpe"), "tpe: `n` must be"),
        (lambda: one_of("o", "c", ("a", "b")), "`o` must be 'a' or 'b', but got 'c'"),
        (lambda: one_of("o", 1, ("a", "b"), none=True), "`o` must be 'a', 'b' or None, but got 1"),
        (lambda: flag("f", 1), "`f` must be True or False, but got 1"),
    ):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            call()


def test_values_come_back_in_their_plain_type():
    """What passes is an int, a float, a bool, or None where that is allowed."""
    assert [whole("n", each) for each in FIVE] == [5] * len(FIVE)
    assert {type(whole("n", each)) for each in FIVE} == {int}
    assert {type(real("n", each)) for each in FIVE} == {float}
    assert whole("n", None, none=True) is real("n", None, none=True) is None
    assert whole("n", 10**400) == 10**400
    assert real("n", -math.inf) == -math.inf
    assert number(10**400) == math.inf
    assert number(-(10**400)) == -math.inf
    assert flag("f", np.bool_(False)) is False
