"""Annealing: candidates gather around good trials as these become many."""

import numpy as np
from searches import run

from sparktune import hp
from sparktune.space.tree import Space
from sparktune.suggest.anneal import Anneal
from sparktune.suggest.random import Random


def test_annealing_shrinks_around_the_best():
    """The more trials, the nearer candidates are to good ones; without shrinking they stay far."""
    nodes = {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", [0, 1, 2])}
    space = Space(nodes)

    def spread(n, **settings):
        history = run(nodes, lambda c: abs(c["x"] - 0.7) + (c["c"] != 1), n, 1, 0, Random())
        found = Anneal(avg_best_idx=1.0, **settings).suggest(
            space, history, np.random.default_rng(0), 300
        )
        far = [abs(values["x"] - history.best.values["x"]) for values in found]
        kept = [values["c"] == history.best.values["c"] for values in found]
        return np.mean(far), np.mean(kept)

    assert spread(100)[0] < 0.5 * spread(10)[0]
    assert spread(100)[1] > spread(10)[1]
    assert spread(100, shrink_coef=0.0)[0] > 4 * spread(100)[0]
