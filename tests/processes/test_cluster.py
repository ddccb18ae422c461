"""The command line and its clusters, as far as nothing of Spark is started."""

import os
import socket
from pathlib import Path

import pytest
from clusters import checks, write_state

from sparktune.cli import main
from sparktune.cluster import local
from sparktune.cluster.state import (
    Process,
    began_at,
    read_state,
)

WITHOUT_PYSPARK = """
import sys
sys.modules["pyspark"] = None
from sparktune.cli import main
sys.exit(main(sys.argv[1:]))
"""


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


@pytest.mark.parametrize("where", ["--master spark://127.0.0.1:1", "--remote sc://127.0.0.1:1"])
def test_doctor_says_soon_what_cannot_be_reached(cli, where, tmp_path):
    """An address where nobody listens is reported without waiting for Spark's retries."""
    called = tmp_path / "called"
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f'#!/bin/sh\necho "$@" >> {called}\necho \'openjdk version "17.0.1"\' >&2\n')
    java.chmod(0o755)
    path = f"{java.parent}{os.pathsep}{os.environ['PATH']}"
    done = cli("doctor", *where.split(), "--json", PATH=path, JAVA_HOME="")
    calls = called.read_text().splitlines() if called.exists() else []
    assert set(calls) <= {"-version"}  # Spark itself was never started
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
