"""What tests of several processes share."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def quick_disk(no_waiting_for_the_disk):
    """Every test here runs without waiting for the disk."""
