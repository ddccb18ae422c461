"""An environment with the wheel and pyspark-client alone."""

import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

import sparktune

pytestmark = pytest.mark.deployments("client")


def test_it_has_neither_pyspark_nor_this_checkout():
    """What is tested is the installed wheel, on the client's package alone."""
    installed = {each.name for each in distributions()}
    assert "pyspark-client" in installed
    assert "pyspark" not in installed
    assert Path(sparktune.__file__).is_relative_to(sys.prefix)
    assert not list(Path(sys.prefix).rglob("spark-core*.jar"))
