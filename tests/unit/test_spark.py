"""SparkTrials, as far as it needs no session."""

import functools

import pytest

from sparktune import EngineStopped, SparkTrials


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"parallelism": 0}, ValueError, "`parallelism`.*0"),
        ({"parallelism": -1}, ValueError, "`parallelism`.*-1"),
        ({"timeout": -1}, ValueError, "`timeout`.*-1"),
        ({"loss_threshold": "x"}, ValueError, "`loss_threshold`.*'x'"),
        ({"mode": "cloud"}, ValueError, "`mode` must be 'cluster' or 'driver', but got 'cloud'"),
        ({"mode": "driver", "trial_cpus": 2}, ValueError, "`trial_cpus` is for trials that are"),
        (
            {"mode": "driver", "trials_per_process": 1},
            ValueError,
            "`trials_per_process` is for trials that are Spark tasks",
        ),
        ({"mode": "driver", "env": {"A": "1"}}, ValueError, "`env` is for trials that are Spark"),
        ({"env": {"A": 1}}, ValueError, "the value of 'A' is of type int"),
        ({"max_retries": -1}, ValueError, "`max_retries` must be a whole number >= 0, but got -1"),
        ({"max_result_mb": 0}, ValueError, "`max_result_mb`.*megabytes > 0, but got 0"),
        ({"artifact_dir": 3}, ValueError, "`artifact_dir` must be a path or None, but got 3"),
        ({"artifact_dir": "s3://b/c"}, ValueError, "`artifact_dir` must be a folder .*'s3://b/c'"),
        ({"spark_session": 5}, ValueError, "`spark_session` must be a SparkSession, but got 5"),
    ],
)
def test_wrong_arguments(options, error, sentence):
    """Wrong arguments of SparkTrials are refused with a sentence."""
    with pytest.raises(error, match=sentence):
        SparkTrials(**options)


def test_an_engine_on_a_stopped_context_is_refused():
    """A run on a context that was stopped is refused before anything starts."""
    pytest.importorskip("pyspark")
    from sparktune.engines.base import RunSpec
    from sparktune.engines.spark.classic import ClassicLink
    from sparktune.engines.spark.job_per_trial import JobPerTrial

    class Stopped:
        _jsc = None

        @property
        def sparkContext(self):
            return self

    with pytest.raises(EngineStopped, match="was stopped; create a new session"):
        JobPerTrial(functools.partial(ClassicLink, Stopped(), None), 2).open(RunSpec(len, "r"))
