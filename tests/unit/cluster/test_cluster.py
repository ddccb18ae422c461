"""The command line: clusters that really run, and what the doctor finds."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sparktune.cli import main
from sparktune.cluster import local
from sparktune.cluster.local import LocalCluster
from sparktune.cluster.state import (
    ClusterError,
    Process,
    State,
    began_at,
    marked,
    read_state,
)

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
WITHOUT_PYSPARK = """
import sys
sys.modules["pyspark"] = None
from sparktune.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def cli(tmp_path):
    """Runs `python -m sparktune ...` as a process of its own."""

    def run(*words, **env):
        return subprocess.run(
            [sys.executable, "-m", "sparktune", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "PYSPARK_PYTHON": sys.executable, **env},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run


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


def write_state(folder, *processes, **fields):
    """As if a cluster had been started in the folder."""
    cluster = LocalCluster(folder=folder)
    folder.mkdir(exist_ok=True)
    fields = {"mark": "m", "boot": cluster.state.boot, "master": "spark://127.0.0.1:1", **fields}
    cluster.state = State(**fields, processes=processes)
    cluster._save()
    return cluster


def dead_process():
    """A process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return Process("master", child.pid, 1, "master.log")


def checks(done):
    """What `doctor --json` found, by name."""
    return {each["name"]: each for each in json.loads(done.stdout)["checks"]}


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_stop_leaves_a_foreign_process_of_the_same_pid_alone(tmp_path, capsys):
    """A pid that belongs to another process by now is not touched."""
    folder = tmp_path / "cluster"
    write_state(folder, Process("master", os.getpid(), 1, "master.log"))
    assert main(["cluster", "status", "--dir", str(folder)]) == 1
    assert "dead" in capsys.readouterr().out
    assert main(["cluster", "stop", "--dir", str(folder)]) == 0
    assert "nothing was running" in capsys.readouterr().out
    assert read_state(folder) is None


def test_a_state_from_before_a_reboot_is_stale(tmp_path):
    """After a reboot, pids and times of processes mean nothing."""
    me = Process("master", os.getpid(), began_at(os.getpid()), "master.log")
    assert write_state(tmp_path, me).state.alive == (me,)
    assert write_state(tmp_path, me, boot="another").state.alive == ()


def test_a_port_that_is_taken_is_named(tmp_path, capsys):
    """The error says which port it is and how to choose another."""
    pytest.importorskip("pyspark")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["cluster", "start", "--port", port, "--dir", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert f"port {port} of 127.0.0.1" in error
    assert "--port" in error


def test_a_master_that_does_not_start_shows_its_log(tmp_path, capsys, monkeypatch):
    """The log's reason is in the error, and nothing is left behind."""
    home = tmp_path / "spark"
    (home / "bin").mkdir(parents=True)
    (home / "jars").mkdir()
    program = home / "bin" / "spark-class"
    program.write_text("#!/bin/sh\necho Exception: the disk is full\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("SPARK_HOME", str(home))
    monkeypatch.setattr(local, "find_java", lambda: Path("java"))
    folder = tmp_path / "cluster"
    assert main(["cluster", "start", "--port", "0", "--dir", str(folder)]) == 1
    assert "Exception: the disk is full" in capsys.readouterr().err
    assert read_state(folder) is None


def test_no_cluster_without_java(cli, tmp_path):
    """Java that is missing is said before anything is started."""
    pytest.importorskip("pyspark")
    done = cli("cluster", "start", "--dir", tmp_path / "c", PATH="/nonexistent", JAVA_HOME="")
    assert done.returncode == 1
    assert "Java" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("cluster start --workers -1", "whole number from 0"),
        ("cluster start --workers 0", "only with a Connect server"),
        ("cluster start --memory 3x", "must be such as 512m or 2g"),
        ("cluster start --memory 100m", "at least 450m"),
        ("cluster start --conf x", "must be such as spark.name=value"),
        ("cluster start --python /nonexistent", "must be a program"),
        ("doctor --master here", "must be such as local[4]"),
        ("doctor --remote here", "must be such as sc://"),
        ("doctor --master local --remote sc://x", "not allowed with"),
        ("", "required"),
    ],
)
def test_bad_words_are_refused_with_the_rule(capsys, words, rule):
    """The exit code is 2, and the message says what is allowed."""
    assert main(words.split()) == 2
    assert rule in capsys.readouterr().err


@pytest.mark.slow
def test_doctor_is_content_with_this_machine(cli):
    """With neither master nor server, it looks at a local session."""
    pytest.importorskip("pyspark")
    done = cli("doctor")
    assert done.returncode == 0, done.stdout
    assert "one task" in done.stdout
    assert "WARN" not in done.stdout + done.stderr
    assert "can fork" in done.stdout


@pytest.mark.parametrize("where", ["--master spark://127.0.0.1:1", "--remote sc://127.0.0.1:1"])
def test_doctor_says_soon_what_cannot_be_reached(cli, where):
    """An address where nobody listens is reported without waiting for Spark's retries."""
    began = time.monotonic()
    done = cli("doctor", *where.split(), "--json")
    assert time.monotonic() - began < 20
    assert done.returncode == 1
    found = checks(done)[where[2:8]]
    assert found["status"] == "problem"
    assert "127.0.0.1:1 cannot be reached" in found["found"]


@pytest.mark.parametrize("home", ["", "/nonexistent"])
def test_doctor_without_java(cli, home):
    """It names the lack of Java, and does not start a session."""
    done = cli("doctor", "--json", PATH="/nonexistent", JAVA_HOME=home)
    assert done.returncode == 1
    found = checks(done)
    assert found["Java"]["status"] == "problem"
    assert found["workers"]["found"] == "not looked at"
    assert done.stderr == ""


def test_doctor_without_pyspark(run_python):
    """It names the lack of pyspark, and what to install."""
    done = run_python(WITHOUT_PYSPARK, "doctor", check=False)
    assert done.returncode == 1
    assert "problem  pyspark          not installed" in done.stdout
    assert "pip install" in done.stdout
    done = run_python(WITHOUT_PYSPARK, "cluster", "start", check=False, env={"SPARK_HOME": ""})
    assert done.returncode == 1
    assert done.stderr.startswith("sparktune: pyspark is not installed")
