"""Executors with 1 GB and no network, as some hosted clusters have them."""

import json
import os
import subprocess
import sys

import pytest
from limits import Allowance, offline

pytestmark = [pytest.mark.full, pytest.mark.deployments("local", "connect")]

SCRIPT = """
import json, os, socket, sys, time
from pathlib import Path
from pyspark.sql import SparkSession
from sparktune import SparkTrials, fmin, hp, rand
builder = SparkSession.builder
if sys.argv[1] == "connect":
    session = builder.remote("local[1]").getOrCreate()
else:
    quiet = {"spark.ui.enabled": "false", "spark.log.level": "OFF"}
    session = builder.config(map={"spark.master": "local[1]", **quiet}).getOrCreate()

def objective(n, trial):
    def mb(pid):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        (size,) = [line.split()[1] for line in lines if line.startswith("Pss:")]
        return int(size) / 1024
    try:
        socket.create_connection(("192.0.2.1", 80), timeout=5)
        network = "reached"
    except OSError as error:
        network = str(error)
    watchdog = os.getppid()
    parents = [int(Path(f"/proc/{watchdog}/stat").read_text().rpartition(")")[2].split()[1])]
    sizes = {"trials": mb(os.getpid()), "watchdog": mb(watchdog), "worker": mb(parents[0])}
    filled = [os.urandom(1 << 20) * 64 for _ in range(18)] if trial.number == 3 else []
    return {"loss": n, "network": network, "mb": sizes, "filled": len(filled)}

trials = SparkTrials(1)
fmin(objective, hp.randint("n", 8), algo=rand.suggest, max_evals=8, trials=trials,
     show_progressbar=False)
frame = trials.to_pandas()
good = [result for result in trials.results if result["status"] == "ok"]
print(json.dumps({"status": list(frame["status"]), "errors": list(frame["error"].dropna()),
                  "results": good}))
"""


def test_with_1_gb_and_no_network(deployment, tmp_path):
    """Trials run, ours is little of it, and a trial that takes more fails with that reason."""
    words = offline()
    if words is None:
        pytest.skip("a namespace without network cannot be made here (unshare, ip)")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with Allowance(1024, tmp_path) as allowance:
        done = subprocess.run(
            [*words, sys.executable, str(script), deployment], cwd=tmp_path,
            env={**os.environ, "PYSPARK_PYTHON": allowance.python, "SPARK_LOCAL_IP": "127.0.0.1"},
            capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["status"] == ["ok", "ok", "ok", "failed", "ok", "ok", "ok", "ok"], found
    (error,) = found["errors"]
    assert "killed by SIGKILL (9), sent by somebody, or by the system because memory ran" in error
    assert {result["network"] for result in found["results"]} == {
        "[Errno 101] Network is unreachable"
    }
    sizes = [result["mb"] for result in found["results"]]
    print(allowance.kept_by, sizes[0], sizes[-1])
    assert max(each["trials"] + each["watchdog"] for each in sizes) < 100
