"""Fixtures that several rooms share: one Spark session a run, and small search problems."""

import os
import subprocess
import sys
import time
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
    """A session for the whole run: local, unless the environment names a cluster or a server.

    SPARKTUNE_TEST_MASTER is the master of a classic session, SPARKTUNE_TEST_REMOTE the address of a
    Spark Connect server; both are expected to have four task slots.
    """
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("sparktune-tests")
    if remote := os.environ.get("SPARKTUNE_TEST_REMOTE"):
        session = builder.remote(remote).getOrCreate()
    else:
        master = os.environ.get("SPARKTUNE_TEST_MASTER", "local[4]")
        session = builder.config(map={**spark_conf(), "spark.master": master}).getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def wait_for():
    """A function that waits until a condition holds, and says whether it did."""

    def wait(condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.05)
        return condition()

    return wait


@pytest.fixture(autouse=True)
def _only_classic(request):
    """Tests of what Spark Connect lacks are for classic sessions."""
    if request.node.get_closest_marker("classic") and "SPARKTUNE_TEST_REMOTE" in os.environ:
        pytest.skip("needs a SparkContext")


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
