"""The stop button of a notebook, pressed on a real kernel while trials run."""

import os
from pathlib import Path

import pytest

pytest.importorskip("ipykernel")
from kernels import Kernel

pytestmark = [
    pytest.mark.full,
    pytest.mark.deployments("local"),
    pytest.mark.filterwarnings("ignore"),  # of the client's sockets
]

SPARK = """
from pyspark.sql import SparkSession
spark = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
         .config("spark.log.level", "ERROR").getOrCreate())
spark.range(1).count()
from sparktune import SparkTrials
trials = SparkTrials(parallelism=2)
"""
PROCESSES = """
from sparktune import Trials
trials = Trials(parallelism=2)
"""
SEARCH = """
import os, pathlib, time
from sparktune import fmin, hp, rand
folder = pathlib.Path({folder!r})

def objective(x, trial):
    if trial.number > 2 and not (folder / "open").exists():
        (folder / f"{{trial.number}}-{{os.getpid()}}").touch()
        time.sleep(600)
    return x

space = hp.uniform("x", 0, 1)
"""
FMIN = "fmin(objective, space, rand.suggest, max_evals=8, trials=trials, rstate=0)"


def lives(pid):
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.parametrize("where", ["spark", "processes"])
def test_the_stop_button_ends_what_runs_and_keeps_what_has_ended(where, tmp_path, wait_for):
    """Tasks are cancelled, their processes end, and the next cell goes on with what is kept."""
    kernel = Kernel(tmp_path)
    marks = tmp_path / "marks"
    marks.mkdir()
    try:
        kernel.run(SPARK if where == "spark" else PROCESSES)
        kernel.run(SEARCH.format(folder=str(marks)))
        request = kernel.begin(FMIN)
        assert wait_for(lambda: len(list(marks.iterdir())) == 2, 120)
        pids = [int(each.name.partition("-")[2]) for each in marks.iterdir()]
        assert all(map(lives, pids))
        kernel.press_stop()
        shown, reply = kernel.messages(request)
        assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
        text = "".join(content["text"] for kind, content in shown if kind == "stream")
        assert "fmin was interrupted: 3 finished trials are kept; best loss" in text
        assert not [each for each in ("run.py", "search.py") if each in "".join(reply["traceback"])]
        assert wait_for(lambda: not any(map(lives, pids)))
        if where == "spark":
            jobs = "print(list(spark.sparkContext.statusTracker().getActiveJobsIds()))"
            assert wait_for(lambda: kernel.run(jobs) == "[]\n")
        counts = "print(len(trials), trials.count_cancelled_trials(), trials.best_loss < 1)"
        assert kernel.run(counts) == "3 2 True\n"
        (marks / "open").touch()
        kernel.run(FMIN)
        assert kernel.run(counts) == "8 0 True\n"
    finally:
        kernel.close()
