"""The Spark session of the benchmarks: on this machine, quiet, with its scratch in one folder."""

from pathlib import Path


def classic_session(master, folder, **settings):
    """A new session.

    Args:
        master: such as "local[8]".
        folder: for what Spark writes.
        settings: further ones, with _ in place of dots.
    """
    from pyspark.sql import SparkSession

    quiet = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(folder),
        "spark.sql.warehouse.dir": str(Path(folder) / "warehouse"),
    }
    quiet |= {name.replace("_", "."): value for name, value in settings.items()}
    return SparkSession.builder.master(master).config(map=quiet).getOrCreate()
