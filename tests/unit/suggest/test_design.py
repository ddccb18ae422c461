"""The initial design: a Latin hypercube sample in batches of any size."""

import numpy as np
import pytest

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.design import initial_design, latin_hypercube

SPACE = Space(
    {
        "x": hp.uniform("x", -1, 3),
        "lr": hp.loguniform("lr", -9, 0),
        "n": hp.normal("n", 2, 3),
        "i": hp.randint("i", 4),
        "m": hp.pchoice("m", [(0.5, {"a": hp.uniform("a", 0, 1)}), (0.25, 1), (0.25, 2)]),
    }
)


def drawn(sizes, n, seed=0):
    """The history of a sample of n drawn in batches."""
    history = History(SPACE)
    rng = np.random.default_rng(seed)
    for k in sizes:
        for row in latin_hypercube(SPACE, history, rng, k, n):
            history.start([SPACE.decode(row)], 0.0)
    return history


@pytest.mark.parametrize("sizes", [[16], [1] * 16, [8, 8], [3, 5, 1, 7]])
@pytest.mark.parametrize("seed", [0, 1])
def test_each_stratum_has_one_point(sizes, seed):
    """Whatever the batches, each of n strata of a label's prior has one of n points."""
    X = drawn(sizes, 16, seed).X
    for label in ("x", "lr", "n"):
        j = SPACE.column[label]
        strata = (SPACE.distributions[j].position(X[:, j]) * 16).astype(int)
        assert sorted(strata) == list(range(16))
    assert list(np.bincount(X[:, SPACE.column["i"]].astype(int))) == [4, 4, 4, 4]
    assert list(np.bincount(X[:, SPACE.column["m"]].astype(int))) == [8, 4, 4]


def test_inactive_labels_are_left_out():
    """A label of a branch has values where the branch is taken alone."""
    X = drawn([16], 16).X
    a, m = X[:, SPACE.column["a"]], X[:, SPACE.column["m"]]
    np.testing.assert_array_equal(np.isnan(a), m != 0)


def test_what_was_tried_counts():
    """Points given by hand and pending ones are part of the sample; cancelled ones are not."""
    space = Space(hp.uniform("x", 0, 1))
    history = History(space)
    for x in (0.05, 0.3, 0.55):
        history.start([{"x": x}], 0.0)
    (cancelled,) = history.start([{"x": 0.8}], 0.0)
    history.finish(cancelled.number, 0, Outcome(Status.CANCELLED))
    x = latin_hypercube(space, history, np.random.default_rng(0), 1, 4)
    assert 0.75 <= x[0, 0] < 1


def test_more_points_than_the_sample_was_to_have():
    """A sample that is full goes on with finer strata."""
    history = drawn([16, 16], 16)
    assert len(history) == 32
    assert np.isfinite(history.X[:, SPACE.column["x"]]).all()


@pytest.mark.parametrize(("budget", "size"), [(None, 16), (100, 16), (30, 10), (2, 1)])
def test_the_design_is_complete(budget, size):
    """It ends when its trials have begun and half have a loss, a third of the budget at most."""
    history, rng = History(SPACE), np.random.default_rng(0)
    for begun in range(size):
        (values,) = initial_design(SPACE, history, rng, 1, 16, budget)
        (trial,) = history.start([values], 0.0)
        if begun % 2 == 0:
            history.finish(trial.number, 0, Outcome(Status.OK, loss=1.0))
    assert initial_design(SPACE, history, rng, 1, 16, budget) == []


def test_the_design_waits_for_losses():
    """Pending and failed trials alone do not complete it."""
    history, rng = History(SPACE), np.random.default_rng(0)
    for trial in history.start(initial_design(SPACE, history, rng, 16, 16, None), 0.0):
        history.finish(trial.number, 0, Outcome(Status.FAILED))
    assert len(initial_design(SPACE, history, rng, 4, 16, None)) == 4
