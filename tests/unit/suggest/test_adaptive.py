"""Adaptive TPE: its rule, and the labels that it holds."""

import numpy as np
from searches import run

from sparktune import hp
from sparktune.space.tree import Space
from sparktune.suggest.adaptive import AdaptiveTPE, importance
from sparktune.suggest.random import Random


def test_adaptive_settings_follow_the_run():
    """After an improvement it is greedy; the longer without one, the more it looks about."""
    better, worse = np.linspace(1, 0, 50), np.linspace(0, 1, 50)
    greedy, looking = AdaptiveTPE().settings(better), AdaptiveTPE().settings(worse)
    assert (greedy.prior_weight, greedy.n_EI_candidates, greedy.gamma(60)) == (0.5, 48, 9)
    assert looking.prior_weight > 1.9
    assert looking.n_EI_candidates < 13
    assert looking.gamma(60) > 20
    assert looking.gamma(1000) == 25


def test_importance_of_labels():
    """What explains the losses is found important, what does not hardly so."""
    space = Space(
        {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", [0, 1, 2]), "z": hp.normal("z", 0, 1)}
    )
    X = space.sample(np.random.default_rng(0), 200)
    y = (X[:, space.column["x"]] - 0.5) ** 2 + 0.1 * (X[:, space.column["c"]] == 1)
    found = dict(zip(space.labels, importance(space, X, y), strict=True))
    assert found["x"] > 0.3
    assert found["c"] > 0.2
    assert found["z"] < 0.05


def test_labels_that_do_not_matter_are_held():
    """Some candidates have the best trial's very value of a label that does not matter."""
    space = {"x": hp.uniform("x", 0, 1), "z": hp.uniform("z", 0, 1)}
    history = run(space, lambda c: abs(c["x"] - 0.6), 60, 4, 0, Random())
    found = AdaptiveTPE(hold=1.0).suggest(Space(space), history, np.random.default_rng(0), 60)
    held = np.mean([values["z"] == history.best.values["z"] for values in found])
    assert 0.25 < held < 0.75
    assert np.mean([values["x"] == history.best.values["x"] for values in found]) < 0.1
