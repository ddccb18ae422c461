"""What the tests of the journal's files share."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def no_waiting_for_the_disk():
    """Nothing waits until bytes are on the disk: no test here cuts the power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda fd: None)
        yield
