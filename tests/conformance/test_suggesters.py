"""What every suggester promises, whatever its method."""

import numpy as np
import pytest

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.expressions import scope
from sparktune.space.tree import Space
from sparktune.suggest.random import Random
from sparktune.suggest.tpe import TPE

SUGGESTERS = [Random(), TPE(), TPE(n_startup_jobs=1, n_EI_candidates=1)]

SPACES = {
    "flat": {"x": hp.uniform("x", -1, 1), "y": hp.lognormal("y", 0, 1)},
    "mixed": [
        hp.loguniform("lr", -9, 0),
        scope.int(hp.quniform("n", 1, 9, 2)),
        hp.choice("c", ["a", "b", "c"]),
        hp.randint("r", 5),
        hp.qnormal("qn", 0, 3, 0.5),
        hp.qloguniform("ql", -2, 3, 1),
    ],
    "tree": hp.choice(
        "m",
        [
            {"kind": "a", "k": hp.uniformint("k", 1, 3)},
            {
                "kind": "b",
                "x": hp.normal("x", 0, 1),
                "deep": hp.choice("d", [1, hp.uniform("u", 0, 1)]),
            },
            {"kind": "c"},
        ],
    ),
    "discrete": {"i": hp.randint("i", 3), "j": hp.pchoice("j", [(0.9, "x"), (0.1, "y")])},
}


def filled(space, n, rng):
    """A history of n finished trials, with some failed, cancelled and pending ones between."""
    history = History(space)
    for i, row in enumerate(space.sample(rng, n)):
        trial = history.start(space.decode(row), 0.0)
        if i % 7 == 3:
            history.finish(trial.number, 0, Outcome(Status.FAILED, error="no"))
        elif i % 7 == 4:
            history.finish(trial.number, 0, Outcome(Status.CANCELLED))
        elif i % 7 != 5:
            history.finish(trial.number, 0, Outcome(Status.OK, loss=float(np.nansum(row))))
    return history


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("suggester", SUGGESTERS, ids=str)
@pytest.mark.parametrize("n", [0, 1, 2, 40])
def test_k_candidates_of_the_space(suggester, name, n):
    """A suggester gives k candidates that fit the space, whatever the history holds."""
    space = Space(SPACES[name])
    history = filled(space, n, np.random.default_rng(0))
    for k in (1, 3):
        candidates = suggester.suggest(space, history, np.random.default_rng(1), k, 100)
        assert len(candidates) == k
        for values in candidates:
            assert space.check(values) == dict(values)
            assert all(type(value) in (int, float) for value in values.values())
    assert len(history) == n


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("suggester", SUGGESTERS, ids=str)
def test_a_function_of_its_arguments(suggester, name):
    """The same history and generator give the same candidates, another generator gives others."""
    space = Space(SPACES[name])
    history = filled(space, 30, np.random.default_rng(0))
    draws = [
        suggester.suggest(space, history, np.random.default_rng(seed), 20, None)
        for seed in (5, 5, 6)
    ]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


@pytest.mark.parametrize("suggester", SUGGESTERS, ids=str)
def test_odd_losses(suggester):
    """Infinite, huge and equal losses are ranked like any others."""
    space = Space(SPACES["mixed"])
    rng = np.random.default_rng(0)
    for losses in ([np.inf, -np.inf], [1e308, -1e308], [0.0, 0.0]):
        history = History(space)
        for i, row in enumerate(space.sample(rng, 40)):
            trial = history.start(space.decode(row), 0.0)
            history.finish(trial.number, 0, Outcome(Status.OK, loss=losses[i % 2]))
        assert len(suggester.suggest(space, history, rng, 4, None)) == 4
