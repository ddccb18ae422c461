"""Fixtures that several rooms share: one Spark session a run, and small search problems."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sparktune import hp

ROOT = Path(__file__).parents[1]


def spark_conf():
    """The settings of conf/local.conf."""
    lines = (ROOT / "conf" / "local.conf").read_text().splitlines()
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="session")
def spark():
    """A classic session with four task slots, for the whole run."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("sparktune-tests")
    # workers look for the modules of the tests where the driver found them
    session = builder.config(map={**spark_conf(), "spark.master": "local[4]"}).getOrCreate()
    yield session
    session.stop()


@pytest.fixture
def run_python(tmp_path):
    """Runs a script in a process of its own, in an empty folder; gives what it printed."""

    def run(script, *args, env=None, check=True, timeout=240):
        path = tmp_path / "script.py"
        path.write_text(script)
        done = subprocess.run(
            [sys.executable, str(path), *args],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def saddle():
    """The space of a² - b², whose minimum is -4 at a = 0, b = 2."""
    return {"a": hp.uniform("a", -2, 3), "b": hp.uniform("b", -1, 2)}
