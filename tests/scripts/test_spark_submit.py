"""Scripts, under python and under spark-submit."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sparktune.cluster.local import LocalCluster

ROOT = Path(__file__).parents[2]


def run(command, cwd):
    """What a command prints, with the environment's own programs first, as after activating it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # spark-submit puts a script's standard error into its own output
    told = done.stdout + done.stderr
    ours = [line for line in told.split("\n") if line.startswith("sparktune: ")]
    assert ours[0].startswith("sparktune: the search begins: 0 of ")
    assert ours[-1].startswith("sparktune: the search ended: ")
    assert not [line for line in ours if "\r" in line]
    return done.stdout


@pytest.mark.parametrize("launcher", ["python", "spark-submit"])
def test_tune_digits(launcher, tmp_path):
    """The digits script reaches an accuracy of 0.985 with all 100 trials accounted for."""
    script = str(ROOT / "notebooks" / "tune_digits.py")
    submit = ["spark-submit", "--properties-file", str(ROOT / "conf" / "local.conf")]
    out = run([*(submit if launcher == "spark-submit" else [sys.executable]), script], tmp_path)
    ok, failed = map(int, re.search(r"trials: (\d+) ok, (\d+) failed", out).groups())
    assert ok + failed == 100
    assert failed < 10
    assert re.search(r"best configuration: \{'kind': '(svc|knn)'", out)
    assert float(re.search(r"accuracy: (\d\.\d+)", out).group(1)) >= 0.985


@pytest.mark.full
def test_spark_submit_to_the_cluster_of_the_command_line(tmp_path):
    """The settings in conf/standalone.conf run a script on a cluster of the command line."""
    with LocalCluster(workers=2, cores=1, folder=tmp_path / "cluster") as cluster:
        script = tmp_path / "script.py"
        script.write_text(
            "from sparktune import SparkTrials, fmin, hp\n"
            "trials = SparkTrials(2)\n"
            "fmin(lambda x: x, hp.uniform('x', 0, 1), max_evals=6, trials=trials)\n"
            "print(len(trials), trials.session.sparkContext.master)\n"
        )
        conf = str(ROOT / "conf" / "standalone.conf")
        command = ["spark-submit", "--properties-file", conf, "--master", cluster.master]
        assert f"6 {cluster.master}" in run([*command, str(script)], tmp_path)
