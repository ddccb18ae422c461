"""Mixtures of methods: their shares, and what they know of each other."""

import numpy as np
import pytest
from searches import BOWL, bowl, run

from sparktune import tpe
from sparktune.history import Status
from sparktune.space.tree import Space
from sparktune.suggest.mix import Mix
from sparktune.suggest.random import Random
from sparktune.suggest.tpe import TPE


def test_a_mixture_takes_its_shares():
    """Candidates come from the methods by their probabilities."""
    space = Space(BOWL)
    history = run(BOWL, bowl, 30, 5, 0, Random())

    class Marked:
        def __init__(self, value):
            self.value = value

        def suggest(self, space, history, rng, k, budget):
            return [dict.fromkeys(space.labels, self.value) for _ in range(k)]

    found = Mix([(0.2, Marked(0.25)), (0.8, Marked(0.75))]).suggest(
        space, history, np.random.default_rng(0), 500
    )
    assert np.mean([values["x0"] == 0.25 for values in found]) == pytest.approx(0.2, abs=0.06)


def test_methods_of_a_batch_know_each_other():
    """The second method of a batch sees the first one's candidates as pending."""
    space = Space(BOWL)
    history = run(BOWL, bowl, 10, 5, 0, Random())
    seen = []

    class Watching:
        def suggest(self, space, history, rng, k, budget):
            seen.append(history.count(Status.PENDING))
            return Random().suggest(space, history, rng, k, budget)

    for seed in range(5):
        Mix([(0.5, Watching()), (0.5, Watching())]).suggest(
            space, history, np.random.default_rng(seed), 6
        )
    assert max(seen) > 0
    assert history.count(Status.PENDING) == 0


@pytest.mark.parametrize("method", [tpe.suggest, tpe, TPE, None])
def test_what_is_no_suggester_is_refused_at_once(method):
    """A function of Hyperopt's signature, or a class, does not wait for a run to fail in."""
    with pytest.raises(TypeError, match=r"must be a suggester such as TPE\(\), but got"):
        Mix([(0.5, TPE()), (0.5, method)])
