"""Bounds that are allowed, and that hardly anybody means: a warning with what they give."""

import math
import warnings

import numpy as np
import pytest

from sparktune import hp

DOUBTFUL = [
    ("quniform", (16, 512, 64), "values from 0 to 512.*low=64 and high=512"),
    ("quniform", (0, 11, 3), "values from 0 to 12.*low=0 and high=9"),
    ("quniform", (0, 1, 5), "one value between low=0 and high=1, 0"),
    ("quniform", (-3, -1, 10), "one value .* 0"),
    ("qloguniform", (math.log(16), math.log(512), 64), r"from 0 to 512.*low=log\(64\)"),
    ("qloguniform", (0, 5, 10), "values from 0 to 150"),
    ("qnormal", (0, 1, 100), "makes 0 of nearly every draw"),
    ("qlognormal", (0, 1, 1000), "makes 0 of nearly every draw"),
    ("loguniform", (1e-5, 1e-1), r"from 1.00001 to 1.10517; .*log\(1e-05\) and log\(0.1\)"),
    ("loguniform", (0.001, 1), "from 1.001 to 2.71828"),
    ("loguniform", (1e-4, 10), r"log\(0.0001\) and log\(10\)"),
    ("loguniform", (1, 100), r"log\(1\) and log\(100\)"),
    ("loguniform", (-3, 64), r"up to 64 give low and log\(64\)"),
    ("lognormal", (0.01, 0.005), r"around 1.01005, .*mu=log\(0.01\)"),
    ("lognormal", (50, 1), r"mu=log\(50\)"),
]

FINE = [
    ("quniform", (1, 10, 1)),
    ("quniform", (0, 1, 0.1)),
    ("quniform", (0.1, 0.9, 0.1)),
    ("quniform", (1, 9, 2)),
    ("quniform", (0, 10, 10)),
    ("quniform", (0, 10, 4)),
    ("quniform", (-2, 2, 0.5)),
    ("quniform", (1e-3, 1, 1e-3)),
    ("quniform", (1e6, 2e6, 1e5)),
    ("qloguniform", (0, 4, 1)),
    ("qloguniform", (-2, 3, 1)),
    ("qloguniform", (math.log(10), math.log(1000), 10)),
    ("qloguniform", (math.log(64), math.log(4096), 64)),
    ("qnormal", (0, 3, 1)),
    ("qlognormal", (0, 1, 1)),
    ("loguniform", (-9, 0)),
    ("loguniform", (-5, -1)),
    ("loguniform", (0, 1)),
    ("loguniform", (0, 5)),
    ("loguniform", (math.log(1.01), math.log(2))),
    ("loguniform", (math.log(1e-20), math.log(1e20))),
    ("loguniform", (2, 10)),
    ("loguniform", (-60, -40)),
    ("lognormal", (0, 1)),
    ("lognormal", (0, 0.1)),
    ("lognormal", (math.log(0.01), 1.5)),
    ("uniform", (1e-5, 1e-1)),
    ("normal", (0.01, 0.001)),
]


@pytest.mark.parametrize(("word", "arguments", "sentence"), DOUBTFUL)
def test_doubtful_bounds_draw_a_warning_at_the_users_line(word, arguments, sentence):
    """The warning names the label, what the bounds give and what was probably meant."""
    with pytest.warns(UserWarning, match=f"'size': .*({sentence})") as caught:
        node = getattr(hp, word)("size", *arguments)
    assert caught[0].filename == __file__
    assert node.label == "size"


@pytest.mark.parametrize(("word", "arguments"), FINE)
def test_bounds_that_somebody_means_draw_none(word, arguments):
    """What people write on purpose draws no warning, whatever the program set for numpy."""
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        getattr(hp, word)("x", *arguments)
