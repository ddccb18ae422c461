"""SparkTrials on a deployment keep what every host promises."""

import cloudpickle
import host_suite
from host_suite import *  # noqa: F403
from host_suite import HostKind

from sparktune import SparkTrials

cloudpickle.register_pickle_by_value(host_suite)  # executors do not have it


def of_spark(request):
    return SparkTrials(parallelism=2, spark_session=request.getfixturevalue("spark"))


HOSTS = {"spark": HostKind(of_spark, frozenset({"records", "side_by_side"}))}
