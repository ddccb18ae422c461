"""What a Spark session can be asked, as far as that needs no Spark."""

import pytest

from sparktune.engines.spark.session import is_stopped, slots_of_settings


@pytest.mark.parametrize(
    ("slots", "settings"),
    [
        (4, {"spark.master": "local[4]"}),
        (4, {"spark.master": "local[4, 2]"}),
        (2, {"spark.master": "local[4]", "spark.task.cpus": "2"}),
        (1, {"spark.master": "local[4]", "spark.task.cpus": "8"}),
        (1, {"spark.master": "local"}),
        (1, {"spark.master": "local[*]"}),  # the server's cores are not among its settings
        (4, {"spark.master": "local-cluster[2, 2, 1024]"}),
        (6, {"spark.master": "spark://host:7077", "spark.cores.max": "6"}),
        (6, {"spark.executor.cores": "3", "spark.executor.instances": "2"}),
        (3, {"spark.executor.cores": "3"}),
        (9, {"spark.master": "yarn", "spark.default.parallelism": "9"}),
        (1, {"spark.default.parallelism": "many"}),
        (1, {}),
    ],
)
def test_slots_that_settings_show(slots, settings):
    """Settings say how many tasks run at a time, where they say so; there is always one."""
    assert slots_of_settings(settings) == slots


class Session:
    """A classic session.

    Args:
        stopped: what the JVM says of its context; an exception where the JVM is gone.
    """

    def __init__(self, stopped):
        self.sparkContext = self
        self._stopped = stopped

    @property
    def _jsc(self):
        return None if self._stopped is None else self

    def sc(self):
        return self

    def isStopped(self):
        if isinstance(self._stopped, Exception):
            raise self._stopped
        return self._stopped


def test_a_session_is_stopped_however_that_came():
    """A context stopped from Python or from the JVM, or one without its JVM, can run nothing."""
    assert not is_stopped(Session(False))
    assert is_stopped(Session(True))
    assert is_stopped(Session(None))
    assert is_stopped(Session(ConnectionError("the JVM is gone")))
