"""The engine of a deployment keeps what every engine promises."""

import pytest
from engine_suite import *  # noqa: F403
from engine_suite import Kind

from sparktune import SparkTrials

pytestmark = pytest.mark.filterwarnings("ignore:.*scheduler.mode=FAIR")
ENGINES = {
    "spark": Kind(
        lambda request: SparkTrials(4, spark_session=request.getfixturevalue("spark")).engine(),
        frozenset({"side_by_side", "travels", "own_process", "limits", "small_results"}),
    ),
    "driver": Kind(
        lambda request: SparkTrials(
            4, spark_session=request.getfixturevalue("spark"), mode="driver"
        ).engine(),
        frozenset({"here", "side_by_side", "limits", "hears"}),
    ),
}
