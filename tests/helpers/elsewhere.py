"""SparkTrials of the room without Spark."""

from pickling_engine import Pickling

import sparktune
from sparktune.hyperopt import SparkTrials, Trials


class Host(sparktune.Trials):
    """What runs the trials of Elsewhere."""

    timeout = loss_threshold = fmin_cancelled_reason = None
    at_a_time = 2

    @property
    def parallelism_given(self):
        return self.at_a_time

    def engine(self):
        return Pickling(self.at_a_time)


class Elsewhere(SparkTrials):
    """SparkTrials without Spark: all that would leave the process is pickled."""

    def __init__(self, at_a_time=2):
        Trials.__init__(self)
        self._host = Host()
        self._host.at_a_time = at_a_time
