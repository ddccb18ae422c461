"""The command line: clusters that really run, and a doctor who is content with them."""

import os
import signal
import subprocess
import sys

import pytest
from clusters import checks, dead_process, write_state

import sparktune
from sparktune.cluster.doctor import examine
from sparktune.cluster.local import LocalCluster
from sparktune.cluster.state import ClusterError, marked, read_state

JOB = """
import sys
from pyspark.sql import SparkSession
options = {"spark.driver.host": "127.0.0.1", "spark.executor.memory": "512m",
           "spark.ui.enabled": "false"}
session = SparkSession.builder.master(sys.argv[1]).config(map=options).getOrCreate()
numbers = session.sparkContext.parallelize(range(4), 4)
print(numbers.map(lambda x: x * x).sum(), flush=True)
numbers.foreach(lambda x: __import__("time").sleep(600))
"""


@pytest.fixture
def job(tmp_path):
    """Starts a Spark application that prints a result and then keeps executors busy."""
    drivers = []

    def start(master):
        with (tmp_path / "driver.log").open("w") as log:
            driver = subprocess.Popen(
                [sys.executable, "-c", JOB, master],
                env={**os.environ, "PYSPARK_PYTHON": sys.executable},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        drivers.append(driver)
        return driver.stdout.readline().strip()

    yield start
    for driver in drivers:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.communicate()


@pytest.mark.full
@pytest.mark.deployments("standalone")
def test_a_cluster_starts_runs_a_job_and_is_gone_after_stop(cli, job, tmp_path):
    """One starts where a dead one was, runs Spark jobs, refuses a second, and leaves nothing."""
    folder = tmp_path / "cluster"
    write_state(folder, dead_process())
    small = ("--workers", 2, "--cores", 1, "--memory", "512m", "--port", 0, "--dir", folder)
    started = cli("cluster", "start", *small)
    try:
        assert started.returncode == 0, started.stderr
        state = read_state(folder)
        assert [each.name for each in state.alive] == ["master", "worker-1", "worker-2"]
        for line in (state.master, "SparkSession.builder.master", "sparktune cluster stop --dir"):
            assert line in started.stdout

        second = cli("cluster", "start", *small)
        assert second.returncode == 1
        assert "a cluster runs already" in second.stderr
        assert read_state(folder) == state

        status = cli("cluster", "status", "--dir", folder)
        assert status.returncode == 0
        assert "2 workers, 0 of 2 cores" in status.stdout

        doctor = cli("doctor", "--master", state.master, "--dir", folder, "--json")
        assert doctor.returncode == 0, doctor.stdout
        found = checks(doctor)
        assert found["task slots"]["status"] == "warning"  # workers smaller than Spark's default
        assert "2 of 2 free" in found["task slots"]["found"]
        assert found["worker Python"]["status"] == "ok"

        assert job(state.master) == "14"
        # master, workers, an executor at least, its daemon, and a Python worker that sleeps
        assert len(marked(state.mark)) >= 6

        os.kill(state.alive[1].pid, signal.SIGKILL)
        status = cli("cluster", "status", "--dir", folder)
        assert status.returncode == 1
        assert "worker-1   dead" in status.stdout
    finally:
        stopped = cli("cluster", "stop", "--dir", folder)
    assert stopped.stdout.strip() == "stopped: master, worker-2"
    assert not marked(state.mark)
    assert not [each for each in state.processes if each.alive]
    assert cli("cluster", "status", "--dir", folder).returncode == 1


@pytest.mark.full
@pytest.mark.deployments("connect")
def test_a_connect_server_alone_restarts_under_its_address(cli, tmp_path):
    """With no workers there is a Connect server by itself, which can be started anew."""
    pytest.importorskip("grpc")
    conf = {"spark.log.level": "WARN"}
    with LocalCluster(
        workers=0, cores=1, memory="512m", connect=True, folder=tmp_path, conf=conf
    ) as cluster:
        old, remote = cluster.connect_pid, cluster.remote
        assert cluster.master == "local[1]"
        assert cluster.restart_connect() == cluster.connect_pid != old
        assert cluster.remote == remote
        doctor = cli("doctor", "--remote", remote, "--json")
        assert doctor.returncode == 0, doctor.stdout
        assert checks(doctor)["worker pyarrow"]["status"] == "ok"
        with pytest.raises(ClusterError, match="no master"):
            cluster.start_worker()


@pytest.mark.full
@pytest.mark.deployments("local")
def test_doctor_is_content_with_this_machine(cli):
    """With neither master nor server, it looks at a local session."""
    pytest.importorskip("pyspark")
    done = cli("doctor")
    assert done.returncode == 0, done.stdout
    assert "one task" in done.stdout
    assert "WARN" not in done.stdout + done.stderr
    assert "can fork" in done.stdout


def test_the_doctor_asks_a_session_that_is_there(spark, deployment):
    """A notebook's session is asked itself; workers need nothing of sparktune for it."""
    found = {check.name: check for check in examine(session=spark)}
    assert found["worker Python"].status == "ok"
    assert "one task" in found["Spark job"].found
    assert "access mode" not in found
    assert ("worker pyarrow" in found) == (deployment in ("connect", "client"))


def test_the_doctor_of_a_notebook_asks_the_active_session(spark):
    """sparktune.doctor() finds the session by itself, and makes no other."""
    report, given = sparktune.doctor(), sparktune.doctor(spark)
    assert report.ok
    names = [check.name for check in report]
    assert names == [check.name for check in given]
    assert {"Python", "pyspark", "packages", "worker Python", "Spark job"} <= set(names)
    assert "session that runs" in report["pyspark"].found
    assert "one task" in repr(report)
    assert "worker Python" in report._repr_html_()
