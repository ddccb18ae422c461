"""The words of the tables, as nodes and as lines of the documentation."""

import pytest
from estimators import draw

from sparktune.hpsklearn.ranges import OneOf, Part, Sizes, node_of, nodes_of, text_of
from sparktune.hpsklearn.words import log, log_whole, one_of, real, since, whole


def drawn(entry, count=80):
    """Many draws of an entry of a table."""
    return [draw(node_of(entry, "x"), seed) for seed in range(count)]


@pytest.mark.parametrize(
    ("entry", "low", "high", "text"),
    [
        (real(-1, 2), -1, 2, "-1 to 2"),
        (log(1e-3, 1e3), 1e-3, 1e3, "1e-3 to 1e3, log"),
        (real(0.25, 1500), 0.25, 1500, "0.25 to 1,500"),
        (log(2e-4, 0.05), 2e-4, 0.05, "2e-4 to 0.05, log"),
        (log(1e-3, 0.003), 1e-3, 0.003, "1e-3 to 0.003, log"),
        (whole(2, 5), 2, 5, "whole numbers 2 to 5"),
        (whole(1, 3, "rows"), 1, 3, "whole numbers 1 to 3, at most the number of rows"),
        (log_whole(1, 5000), 1, 5000, "whole numbers 1 to 5,000, log"),
        (
            log_whole(1, 50, "columns"),
            1,
            50,
            "whole numbers 1 to 50, log, at most the number of columns",
        ),
    ],
)
def test_numbers(entry, low, high, text):
    """A range draws numbers from its lower to its upper end, whole ones as int."""
    values = drawn(entry)
    assert all(low <= value <= high for value in values)
    assert {type(value) for value in values} == {int if "whole" in repr(entry).lower() else float}
    assert min(values) < max(values)
    assert text_of(entry) == text


def test_logarithms_are_uniform():
    """Half of the draws of a logarithmic range are below its geometric mean."""
    for entry in (log(1, 10_000), log_whole(1, 10_000)):
        assert 25 < sum(value < 100 for value in drawn(entry)) < 55


def test_one_of_values_and_ranges():
    """One of several things is a value, or drawn from the range that stands there."""
    entry = one_of("auto", None, real(0, 1), whole(5, 9))
    values = drawn(entry)
    assert {"auto", None} < {value for value in values if not isinstance(value, (int, float))} | {1}
    assert any(isinstance(value, float) and 0 <= value <= 1 for value in values)
    assert any(isinstance(value, int) and 5 <= value <= 9 for value in values)
    assert text_of(entry) == '"auto", None, 0 to 1, or whole numbers 5 to 9'
    assert text_of(one_of("a", "b", "c")) == '"a", "b" or "c"'
    assert text_of(one_of(True)) == "True"


def test_sizes_of_layers():
    """Sizes are tuples of one to so many numbers."""
    entry = Sizes(3, log_whole(16, 256))
    values = drawn(entry)
    assert {len(value) for value in values} == {1, 2, 3}
    assert all(16 <= size <= 256 for value in values for size in value)
    assert all(isinstance(value, tuple) for value in values)
    assert text_of(entry) == "1 to 3 layers, each of 16 to 256, log"


def test_parts():
    """A part is an object with ranges of its own."""
    entry = Part("sklearn.linear_model.Ridge", {"alpha": log(0.1, 10), "solver": "svd"})
    values = drawn(entry, 9)
    assert len({value.alpha for value in values}) == 9
    assert {value.solver for value in values} == {"svd"}
    assert text_of(entry) == 'Ridge(alpha: 0.1 to 10, log; solver: "svd")'
    assert text_of(Part("sklearn.linear_model.Ridge")) == "Ridge()"


def test_values_stay_as_they_are():
    """What is no range is the value itself, in a space as in the documentation."""
    assert node_of((1, 2), "x") == (1, 2)
    assert text_of("auto") == '"auto"'
    assert text_of((0.0, 1e-4)) == "(0, 1e-4)"
    assert text_of((1,)) == "(1,)"
    assert nodes_of({"a": 1, "b": None}, "x") == {"a": 1, "b": None}
    assert draw(node_of(OneOf(((1, 2),)), "x"), 0) == (1, 2)


def test_releases():
    """Releases are compared as numbers."""
    assert since("1.5")
    assert since("0.24")
    assert not since("99.0")
