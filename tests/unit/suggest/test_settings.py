"""The checks of what users set."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pytest

from sparktune.suggest.settings import as_number, check_number, check_one_of, check_whole


@pytest.mark.parametrize("value", [0, 2.5, "3", True, None, -1])
def test_whole_numbers(value):
    """What is no whole number of at least the least is refused, by method, name and value."""
    message = f"tpe: `n` must be a whole number >= 1, but got {value!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        check_whole("tpe", SimpleNamespace(m=1, n=value), "m", "n")
    made = SimpleNamespace(n=np.int64(1), m=2.0)
    check_whole("tpe", made, "n", "m")
    assert [type(made.n), type(made.m)] == [int, int]  # kept in their plain type


@pytest.mark.parametrize(
    ("limits", "value", "rule"),
    [
        ({}, 1.5, "from 0 to 1"),
        ({}, math.nan, "from 0 to 1"),
        ({}, "x", "from 0 to 1"),
        ({"over": True}, 0, "above 0 and at most 1"),
        ({"least": 1, "most": math.inf}, 0.5, ">= 1"),
        ({"least": 1, "most": math.inf}, math.inf, ">= 1"),
        ({"least": 1e-9, "most": 1e9}, 10**400, "from 1e-09 to 1e+09"),
    ],
)
def test_numbers(limits, value, rule):
    """What is no number within the limits is refused with the rule."""
    with pytest.raises(ValueError, match=re.escape(f"`a` must be a number {rule}, but got")):
        check_number("bayes", SimpleNamespace(a=value), "a", **limits)


def test_limits_are_allowed():
    """Numbers at the limits pass."""
    check_number("bayes", SimpleNamespace(a=0, b=1.0), "a", "b")
    check_number("bayes", SimpleNamespace(a=np.float32(1)), "a", over=True)


def test_names():
    """A name that is not known is refused with those that are, and what else would do."""
    with pytest.raises(ValueError, match=re.escape("one of 'a', 'b', or a thing, but got 'c'")):
        check_one_of("forest", SimpleNamespace(x="c"), "x", ("a", "b"), ", or a thing")


def test_numbers_of_any_kind():
    """Numbers become floats, what is none becomes nan."""
    assert as_number(np.int32(3)) == 3
    assert as_number(10**400) == math.inf
    assert math.isnan(as_number(True))
    assert math.isnan(as_number("1"))
