"""A record on disk of trials that run as tasks of the deployment's session."""

import os
import sys
import threading

import pytest

from sparktune import SparkTrials, StoreTrials, Trials, fmin, hp

SPACE = {"x": hp.uniform("x", -3, 3), "kind": hp.choice("kind", ["a", "b"])}


def search(trials, objective=lambda config: config["x"] ** 2):
    fmin(
        objective, SPACE, max_evals=6, trials=trials, batch=2, rstate=3, show_progressbar=False
    )  # fmt: skip
    return trials


def test_a_run_that_is_cancelled_goes_on_from_its_journal(spark, gate, tmp_path):
    """Other trials go on with the candidates of an unbroken run, and finish what was cut off."""
    door = gate.door()

    def waiting(config, trial):
        if trial.number > 1:
            door(trial.number)
        return config["x"] ** 2

    first = SparkTrials(2, spark_session=spark, journal=tmp_path)
    run = threading.Thread(target=search, args=(first, waiting))
    run.start()
    assert sorted(gate.reached_by(2)) == ["2", "3"]
    first.cancel()
    run.join()
    assert (len(Trials.load(tmp_path)), len(Trials.load(tmp_path).history.cut)) == (2, 2)
    second = search(SparkTrials(2, spark_session=spark, journal=tmp_path))
    assert second.vals == search(Trials()).vals
    assert [trial.attempt for trial in second.history] == [0, 0, 1, 1, 0, 0]
    assert Trials.load(tmp_path).losses() == second.losses()


@pytest.mark.deployments("local")
def test_a_run_that_is_cancelled_goes_on_from_its_store(spark, gate, tmp_path):
    """Other trials go on from a database as from a journal, and finish what was cut off."""
    pytest.importorskip("sqlalchemy")
    door, url = gate.door(), f"sqlite:///{tmp_path / 'store.db'}"

    def waiting(config, trial):
        if trial.number > 1:
            door(trial.number)
        return config["x"] ** 2

    first = SparkTrials(2, spark_session=spark, store=url, exp_key="k")
    run = threading.Thread(target=search, args=(first, waiting))
    run.start()
    assert sorted(gate.reached_by(2)) == ["2", "3"]
    first.cancel()
    run.join()
    assert len(StoreTrials.load(url, "k").history.cut) == 2
    second = search(SparkTrials(2, spark_session=spark, store=url, exp_key="k"))
    assert second.vals == search(Trials()).vals
    assert [trial.attempt for trial in second.history] == [0, 0, 1, 1, 0, 0]
    assert StoreTrials.load(url, "k").losses() == second.losses()


KILLED = """
import os, sys
from pyspark.sql import SparkSession
from sparktune import SparkTrials, fmin, hp

builder = SparkSession.builder
address, kills = sys.argv[1], sys.argv[2] == "kills"
spark = (builder.remote if address.startswith("sc:") else builder.master)(address).getOrCreate()
driver = os.getpid()


def objective(config, trial):
    import os
    import time

    if kills and trial.number == 3:
        os.kill(driver, 9)
        time.sleep(60)
    return config["x"] ** 2


space = {"x": hp.uniform("x", -3, 3), "kind": hp.choice("kind", ["a", "b"])}
trials = SparkTrials(2, spark_session=spark, journal="run")
fmin(objective, space, max_evals=6, trials=trials, batch=2, rstate=3, show_progressbar=False)
print(trials.vals == eval(sys.argv[3]), [trial.attempt for trial in trials.history][3])
"""


@pytest.mark.full
@pytest.mark.deployments("local", "connect", "client")
def test_a_killed_driver_goes_on_from_its_journal(request, address, run_python, tmp_path):
    """After kill -9 of the driver inside a trial, the next process ends as an unbroken run."""
    where = "local[2]" if request.config.option.spark == "local" else address
    env = {"PYSPARK_PYTHON": os.environ.get("PYSPARK_PYTHON", sys.executable)}
    expected = repr(search(Trials()).vals)
    died = run_python(KILLED, where, "kills", expected, env=env, check=False)
    assert died.returncode == -9, died.stderr
    left = Trials.load(tmp_path / "run")
    assert len(left) in (2, 3)
    assert len(left.history) == 4
    done = run_python(KILLED, where, "goes on", expected, env=env)
    assert done.stdout.splitlines()[-1] == "True 1"
