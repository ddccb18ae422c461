"""What a Spark session can be asked, as far as that needs no Spark."""

from sparktune.engines.spark.session import is_stopped


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
