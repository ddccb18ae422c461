"""What the tests of the command line share."""

import pytest
from recorded_runs import searched


@pytest.fixture
def run(tmp_path):
    """The folder of a run of 20 trials, and its trials as they were in memory."""
    return tmp_path / "run", searched(tmp_path / "run")


@pytest.fixture(scope="module", autouse=True)
def quick_disk(no_waiting_for_the_disk):
    """Every test here runs without waiting for the disk."""
