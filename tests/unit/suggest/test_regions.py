"""How wide a trust region is, by the course of the losses."""

import math

import numpy as np
import pytest

from sparktune.suggest.regions import width_after

DESIGN = [5.0, 9.0, 7.0, 8.0]


def width(*losses, patience=8):
    """Width after these losses and an initial design of four."""
    return width_after([*DESIGN, *losses], len(DESIGN), patience)


def test_the_initial_design_leaves_it_as_it_is():
    """Losses of the design are neither successes nor failures."""
    assert width() == 1.0
    assert width_after([3.0, 2.0, 1.0, 0.5], 4, 1) == 1.0


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
        assert width_after(design + losses, len(design), 8) == expected


@pytest.mark.parametrize("loss", [math.inf, -math.inf, 1e308, -1e308])
def test_infinite_losses(loss):
    """Losses may be infinite or huge, anywhere."""
    assert 0.125 <= width(loss, 4.0, loss, *[6.0] * 9) <= 2.0
    assert 0.125 <= width_after([loss, *DESIGN, 1.0, 6.0], 4, 1) <= 2.0
