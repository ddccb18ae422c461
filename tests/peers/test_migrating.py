"""The tables of docs/migrating.md: what is written in another library's place draws the same."""

from math import log
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from sparktune import Trials, fmin, hp, rand, scope

optuna = pytest.importorskip("optuna")

PAGE = (Path(__file__).parents[2] / "docs" / "migrating.md").read_text()
BOUNDS = {
    'trial.suggest_float("x", a, b)': (-1, 2),
    'trial.suggest_float("x", a, b, log=True)': (0.01, 10),
    'trial.suggest_float("x", a, b, step=q)': (0.5, 2.5),
    'trial.suggest_int("n", a, b)': (2, 9),
    'trial.suggest_int("n", a, b, step=q)': (1, 13),
    'trial.suggest_int("n", a, b, log=True)': (1, 20),
    'trial.suggest_categorical("c", options)': (0, 0),
}
NAMES = {"hp": hp, "scope": scope, "log": log, "options": ["a", "b", "c"]}


def ours_for(theirs):
    """What the page says to write instead."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{theirs}` |")]
    return line.split("|")[2].split("`")[1]


@pytest.mark.parametrize("theirs", BOUNDS)
def test_words_in_the_place_of_optunas(theirs):
    """Random search draws from the same distribution with both, and values of the same type."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    low, high = BOUNDS[theirs]
    names = {**NAMES, "a": low, "b": high, "q": 0.25 if "float" in theirs else 3}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(0))
    drawn = [eval(theirs, {**names, "trial": study.ask()}) for _ in range(600)]
    trials, found = Trials(), []
    fmin(
        lambda value: found.append(value) or 0.0, eval(ours_for(theirs), names),
        algo=rand.suggest, max_evals=600, trials=trials, rstate=0, show_progressbar=False,
    )  # fmt: skip
    assert {type(value) for value in found} == {type(value) for value in drawn}
    if len(set(drawn)) > 100:
        assert stats.ks_2samp(drawn, found).pvalue > 1e-3
    else:
        values = sorted(set(drawn))
        close = np.isclose if isinstance(drawn[0], float) else np.equal
        counts = [[np.sum(close(v, each)) for v in values] for each in (drawn, found)]
        assert np.sum(counts) == 1200
        assert stats.chi2_contingency(counts).pvalue > 1e-3
