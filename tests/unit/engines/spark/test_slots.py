"""How many tasks run at a time, as far as that needs no Spark."""

import pytest

from sparktune.engines.spark.slots import slots_of_settings, slots_told


@pytest.mark.parametrize(
    ("slots", "settings"),
    [
        (4, {"spark.master": "local[4]"}),
        (4, {"spark.master": "local[4, 2]"}),
        (4, {"spark.master": "local[4]", "spark.default.parallelism": "64"}),
        (2, {"spark.master": "local[4]", "spark.task.cpus": "2"}),
        (8, {"spark.master": "local[4]", "spark.task.cpus": "0.5"}),
        (1, {"spark.master": "local[4]", "spark.task.cpus": "8"}),
        (4, {"spark.master": "local[4]", "spark.task.cpus": "many"}),
        (1, {"spark.master": "local"}),
        (None, {"spark.master": "local[*]"}),  # the server's cores are not among its settings
        (4, {"spark.master": "local-cluster[2, 2, 1024]"}),
        (None, {"spark.master": "spark://host:7077", "spark.cores.max": "6"}),
        (None, {"spark.default.parallelism": "9"}),
        (None, {}),
    ],
)
def test_slots_that_settings_show(slots, settings):
    """A master with a number of cores says how many tasks run at a time; other settings do not."""
    assert slots_of_settings(settings) == slots


def test_a_session_that_does_not_tell_shows_no_slots():
    """A server that refuses to tell its settings is asked in other ways."""

    class Silent:
        def get(self, key, default):
            raise RuntimeError(key)

    assert slots_of_settings(Silent()) is None


@pytest.mark.parametrize(
    ("slots", "settings"),
    [
        (4, {"spark.master": "local[4]"}),
        (6, {"spark.master": "spark://host:7077", "spark.cores.max": "6"}),
        (8, {"spark.executor.instances": "4", "spark.executor.cores": "2"}),
        (4, {"spark.cores.max": "8", "spark.task.cpus": "2"}),
        (9, {"spark.default.parallelism": "9"}),
        (1, {"spark.master": "local[*]"}),
        (1, {"spark.cores.max": "all"}),
        (1, {}),
    ],
)
def test_slots_that_a_server_tells_without_a_job(slots, settings):
    """A Spark Connect session tells its room by its settings alone; 1 where they say nothing."""

    class Session:  # whatever else of it is touched raises
        __module__ = "pyspark.sql.connect.session"
        conf = settings

    assert slots_told(Session()) == slots
