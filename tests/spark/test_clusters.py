"""What only clusters have, each test on one of its own."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sparktune.cluster.local import LocalCluster

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.full, pytest.mark.deployments("standalone")]


def script_on(master, folder, settings, body):
    """What a script prints that runs on a session of its own."""
    path = Path(folder) / "script.py"
    kind = "remote" if master.startswith("sc:") else "master"
    path.write_text(
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from pyspark.sql import SparkSession\n"
        "from sparktune import SparkTrials, fmin, hp, rand\n"
        f"builder = SparkSession.builder.{kind}({master!r}).config(map={settings!r})\n"
        "session = builder.getOrCreate()\n"
        "run = lambda objective, n, trials: fmin(objective, hp.uniform('x', 0, 1), max_evals=n,\n"
        "    algo=rand.suggest, trials=trials, show_progressbar=False)\n" + body
    )
    environment = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, str(path)], cwd=folder, env={**os.environ, **environment},
        capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout.split("\n")


QUIET = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.log.level": "OFF",
    "spark.ui.showConsoleProgress": "false",
}


def test_gpus_of_the_task(tmp_path):
    """A trial learns its task's GPU addresses, and CUDA sees these alone, in any order of tasks."""
    found = tmp_path / "gpus.sh"
    found.write_text('#!/bin/sh\necho \'{"name": "gpu", "addresses": ["4", "7"]}\'\n')
    found.chmod(0o755)
    amounts = {"spark.worker.resource.gpu.amount": "2", "spark.executor.resource.gpu.amount": "2"}
    amounts["spark.task.resource.gpu.amount"] = "1"
    scripts = [f"spark.{who}.resource.gpu.discoveryScript" for who in ("worker", "executor")]
    settings = {**QUIET, **amounts, **dict.fromkeys(scripts, str(found))}
    body = """
def objective(x, trial):
    time.sleep(0.2)
    return {"loss": x, "is": (trial.gpus, os.environ["CUDA_VISIBLE_DEVICES"])}
trials = SparkTrials(2)
run(objective, 10, trials)
print(sorted({result["is"] for result in trials.results}))
"""
    out = script_on("local-cluster[1,2,1024]", tmp_path, settings, body)
    assert out[0] == "[(('4',), '4'), (('7',), '7')]"


AT_A_TIME = """
def objective(x):
    began = time.time()
    time.sleep(0.5)
    return {"loss": x, "span": (began, time.time())}
run(objective, 12, trials)
spans = [result["span"] for result in trials.results]
print(max(sum(a <= moment < b for a, b in spans) for moment, _ in spans))
"""
WITH_A_PROFILE = """
from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests
profile = ResourceProfileBuilder().require(TaskResourceRequests().cpus(2)).build
trials = SparkTrials(4, resource_profile=profile)
"""


def test_a_resource_profile(tmp_path):
    """A profile that asks for two cores a trial halves how many run at a time."""
    body = WITH_A_PROFILE + AT_A_TIME
    assert script_on("local-cluster[1,4,1024]", tmp_path, QUIET, body)[0] == "2"


RESTARTED = """
Path("restart").touch()
while not Path("restarted").exists():
    time.sleep(0.1)
trials = SparkTrials(4, spark_session=session, resource_profile=profile)
"""


LEAVE = "sys.stdout.flush(); os._exit(0)"  # a client whose server is gone waits for it at its end


def test_a_resource_profile_on_connect(tmp_path):
    """A Connect server takes a profile, and so does the next one; without one all cores run."""
    with LocalCluster(workers=1, cores=4, connect=True, folder=tmp_path / "cluster") as cluster:

        def restart():
            while not (tmp_path / "restart").exists():
                time.sleep(0.1)
            cluster.restart_connect()
            (tmp_path / "restarted").touch()

        body = "trials = SparkTrials(4)" + AT_A_TIME
        assert script_on(cluster.remote, tmp_path, {}, body)[0] == "4"
        threading.Thread(target=restart, daemon=True).start()
        body = WITH_A_PROFILE + AT_A_TIME + RESTARTED + AT_A_TIME + LEAVE
        assert script_on(cluster.remote, tmp_path, {}, body)[:2] == ["2", "2"]


def test_half_a_core_a_task(tmp_path):
    """Where Spark takes spark.task.cpus of a half, twice as many trials as cores run at a time."""
    pytest.importorskip("pyspark", minversion="4.3")
    settings = {**QUIET, "spark.task.cpus": "0.5"}
    body = "trials = SparkTrials(4)" + AT_A_TIME
    assert script_on("local-cluster[1,2,1024]", tmp_path, settings, body)[0] == "4"


def test_speculative_copies_never_win(tmp_path):
    """A slow trial outlives its copy; one whose executor dies while a copy waits runs again."""
    speculation = {
        "spark.speculation": "true",
        "spark.speculation.task.duration.threshold": "2s",
        "spark.speculation.interval": "200ms",
    }
    body = """
log = Path.cwd() / "log"
def slow(x, trial):
    with log.open("a") as file:
        file.write(f"slow.{trial.attempt} ")
    time.sleep(5)
    return x
def struck(x, trial):
    with log.open("a") as file:
        file.write(f"struck.{trial.attempt} ")
    if trial.attempt == 0:
        time.sleep(3)  # a copy waits by now
        pid = os.getpid()
        for _ in range(4):  # the watchdog, Spark's worker, its daemon, the executor
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(pid, 9)
        time.sleep(60)
    return x
for objective in (slow, struck):
    trials = SparkTrials(1)
    run(objective, 1, trials)
    print(list(trials.to_pandas()["status"]), list(trials.to_pandas()["attempt"]))
print(log.read_text())
"""
    out = script_on("local-cluster[2,2,1024]", tmp_path, {**QUIET, **speculation}, body)
    assert out[:3] == ["['ok'] [0]", "['ok'] [1]", "slow.0 struck.0 struck.1 "]


def test_a_cluster_that_grows(tmp_path):
    """Trials beyond the task slots wait in Spark, and a worker that joins takes them up."""
    with LocalCluster(workers=1, cores=1, folder=tmp_path / "cluster") as cluster:
        body = """
import subprocess, threading
def grow(trials):
    if trials.count_total_trials() >= 2:
        Path("grow").touch()
        while not Path("grown").exists():
            time.sleep(0.1)
    return False, []
def objective(x):
    time.sleep(0.5)
    return {"loss": x, "executor": os.environ["SPARK_EXECUTOR_DIRS"]}
trials = SparkTrials(4)
fmin(objective, hp.uniform("x", 0, 1), max_evals=24, trials=trials, algo=rand.suggest,
     early_stop_fn=grow, show_progressbar=False)
print(len(trials), len({result["executor"] for result in trials.results}))
"""

        def join():
            while not (tmp_path / "grow").exists():
                time.sleep(0.1)
            cluster.start_worker()
            (tmp_path / "grown").touch()

        threading.Thread(target=join, daemon=True).start()
        assert script_on(cluster.master, tmp_path, QUIET, body)[0] == "24 2"
