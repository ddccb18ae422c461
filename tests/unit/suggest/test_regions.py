"""How wide a trust region is, by the course of the losses."""

import math

import numpy as np
import pytest

from sparktune import hp
from sparktune.space.tree import Space
from sparktune.suggest.regions import apart_from_best, width_after

DESIGN = [5.0, 9.0, 7.0, 8.0]


def width(*losses, patience=8, first=4, design=DESIGN, apart=0.0):
    """Width after these losses, in the region where nothing else is said, and an initial design."""
    every = [*design, *losses]
    return width_after(every, [apart] * len(every), first, patience)


def test_the_initial_design_leaves_it_as_it_is():
    """Losses of the design are neither successes nor failures."""
    assert width() == 1.0
    assert width(design=[3.0, 2.0, 1.0, 0.5], patience=1) == 1.0


def test_three_improvements_double_it_once():
    """A region grows to twice its width, and no further."""
    assert width(4.0, 3.0) == 1.0
    assert width(4.0, 3.0, 2.0) == 2.0
    assert width(*np.linspace(4, 1, 20)) == 2.0


def test_failures_in_a_row_halve_it():
    """As many failures in a row as are borne with halve a region; improvements reset them."""
    assert width(*[6.0] * 7) == 1.0
    assert width(*[6.0] * 8) == 0.5
    assert width(*[6.0] * 8, patience=20) == 1.0
    assert width(*[6.0] * 20, patience=20) == 0.5
    assert width(*[6.0] * 7, 4.0, *[6.0] * 7) == 1.0


def test_it_begins_anew_below_an_eighth():
    """After so many failures that it would be a sixteenth, a region has its first width again."""
    assert width(*[6.0] * 24) == 0.125
    assert width(*[6.0] * 32) == 1.0


def test_it_grows_on_a_plateau():
    """Losses that tie with the best are no failures: six of them double the region."""
    assert width(*[5.0] * 5) == 1.0
    assert width(*[5.0] * 6) == 2.0
    assert width(*[6.0] * 7, 5.0, *[6.0] * 7) == 1.0


def test_improvements_of_next_to_nothing_are_failures():
    """A thousandth of what lies between the median and the best is the least that counts."""
    design = np.linspace(5, 9, 40).tolist()
    for step, expected in ((1e-4, 0.5), (1e-2, 2.0)):
        losses = [5.0 - step * i for i in range(1, 9)]
        assert width(*losses, design=design, first=40) == expected


@pytest.mark.parametrize("loss", [math.inf, -math.inf, 1e308, -1e308])
def test_infinite_losses(loss):
    """Losses may be infinite or huge, anywhere."""
    assert 0.125 <= width(loss, 4.0, loss, *[6.0] * 9) <= 2.0
    assert 0.125 <= width(1.0, 6.0, design=[loss, *DESIGN], patience=1) <= 2.0


def test_only_what_lay_in_the_region_is_a_failure_of_it():
    """Trials further from the best than the region reached leave it as it is."""
    assert width(*[6.0] * 30, apart=1.01) == 1.0
    assert width(*[6.0] * 8, apart=1.0) == 0.5
    assert width(*[6.0] * 30, apart=0.6) == 0.5  # no more in it when it has halved
    assert width(4.0, 3.0, 2.0, apart=5.0) == 2.0  # yet the search is on its way


def test_trials_are_apart_from_the_best_before_them():
    """Distances are in shares of the range, and infinite between branches."""
    space = Space({"x": hp.uniform("x", 0, 10), "c": hp.choice("c", [0, hp.uniform("y", 0, 1)])})
    rows = [
        {"x": 2.0, "c": 0},
        {"x": 5.0, "c": 1, "y": 0.5},
        {"x": 6.0, "c": 1, "y": 0.9},
        {"x": 3.0, "c": 0},
        {"x": 4.0, "c": 0},
    ]
    X = np.array([space.encode(row) for row in rows])
    apart = apart_from_best(space, X, np.array([3.0, 2.0, 4.0, 1.0, math.inf]))
    assert apart == pytest.approx([0.0, math.inf, 0.4, math.inf, 0.1])
    assert list(apart_from_best(space, X[:0], np.zeros(0))) == []
