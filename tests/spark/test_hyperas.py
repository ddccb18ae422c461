"""Templates with SparkTrials on the deployment."""

import numpy as np
import pytest

from sparktune import STATUS_OK, AllTrialsFailed, SparkTrials, Status, Trials, rand
from sparktune.hyperas import optim, tune
from sparktune.hyperas.distributions import choice, uniform

CALLS = []
OFFSET = 100


@pytest.fixture
def trials(spark):
    return SparkTrials(parallelism=2, spark_session=spark)


class Counted:
    """Data that know how often they were pickled, and in which processes they are fresh."""

    pickled = 0

    def __init__(self):
        self.rows = np.arange(4.0)

    def __getstate__(self):
        Counted.pickled += 1
        return {"rows": self.rows, "fresh": True}

    def first(self):
        fresh, self.fresh = self.__dict__.get("fresh", False), False
        return fresh


def data(rows):
    CALLS.append(rows)
    return Counted(), rows


def helper(x):
    return x + OFFSET


class Net:
    def __init__(self, units):
        self.units = units


def create_model(counted, rows):
    """A model of every kind of template."""
    units = {{choice([8, 16])}}
    net = {{choice([Net(1), Net(units)])}}
    loss = helper(tune(uniform(0, 1)))
    if {{choice(["one", "two"])}} == "two":
        loss += {{uniform(1, 2)}}
    for i in range({{choice([1, 2])}}):
        loss += {{choice([0, 1], i)}}
    assert counted.rows.sum() == 6
    result = {"loss": loss, "status": STATUS_OK, "model": net, "fresh": counted.first()}
    return {**result, "rows": rows}


def losses(trials):
    return [trial.loss for trial in trials.history]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_the_same_as_here(spark, parallelism):
    """On Spark the same draws give the same losses as in this process, and the same best model."""
    settings = {"algo": rand.suggest, "max_evals": 6, "data_args": (3,), "verbose": False}
    here, there = Trials(), SparkTrials(parallelism, spark_session=spark)
    run, net = optim.minimize(create_model, data, trials=here, batch=2, **settings)
    again, other = optim.minimize(create_model, data, trials=there, batch=2, **settings)
    assert losses(here) == losses(there)
    assert {k: v for k, v in run.items() if k != "net"} == {
        k: v for k, v in again.items() if k != "net"
    }
    assert type(other) is Net
    assert other.units == net.units
    assert all(not trial.outcome.attachments for trial in there.history)
    assert {trial.outcome.info["rows"] for trial in there.history} == {3}
    assert all("model" not in trial.outcome.info for trial in there.history)


def test_data_travel_once(trials):
    """`data` is called once, pickled once a run, and unpickled once a worker."""
    CALLS.clear()
    Counted.pickled = 0
    optim.minimize(
        create_model, data, max_evals=12, trials=trials, data_args={"rows": 7}, verbose=False
    )
    assert CALLS == [7]
    assert Counted.pickled == 1
    fresh = [trial.outcome.info["fresh"] for trial in trials.history]
    assert 1 <= sum(fresh) <= 4


def test_failures_name_the_line(trials):
    """An exception in the model of a task is recorded with the lines of the user's file."""

    def failing(x):
        units = {{choice([8, 16])}}
        raise RuntimeError(f"no model with {units} and {x}")

    with pytest.raises(AllTrialsFailed, match=r"(?s)test_hyperas\.py.*no model with \d+ and 1"):
        optim.minimize(failing, lambda: 1, max_evals=2, trials=trials, verbose=False)


def test_no_loss(trials):
    """A result without a loss fails its trial, with the file and line of the function."""

    def lossless():
        return {"acc": {{uniform(0, 1)}}, "status": STATUS_OK}

    with pytest.raises(AllTrialsFailed, match=r"test_hyperas\.py:\d+: lossless must return its l"):
        optim.minimize(lossless, None, max_evals=2, trials=trials, verbose=False)


def test_best_models(trials):
    """The models of the best trials come back from tasks, the best first."""

    def model():
        x = {{uniform(0, 1)}}
        return {"loss": x, "model": Net(x)}

    found = optim.best_models(3, model, None, max_evals=8, trials=trials, verbose=False)
    assert [net.units for net in found] == sorted(losses(trials))[:3]
    assert {trial.status for trial in trials.history} == {Status.OK}


SCRIPT = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
from sparktune import STATUS_OK, SparkTrials
from sparktune.hyperas import optim, tune
from sparktune.hyperas.distributions import *

class Net:
    def __init__(self, units):
        self.units = units

Path("shipped.py").write_text('''
from sparktune.hyperas import tune
from sparktune.hyperas.distributions import *
RATE = uniform(0, 1)
def helper(x):
    return 2 * x
def other(x):
    return helper(x) + tune(RATE)
''')
import shipped

def data():
    import numpy
    return numpy.ones(3), 1

def create_model(x, y):
    import sparktune
    assert getattr(sparktune, "__file__", None) is None, sparktune.__file__  # none but a stand-in
    loss = shipped.helper({{shipped.RATE}}) + float(x.sum())
    if conditional({{choice(["one", "two"])}}) == "two":
        loss += tune(choice([1, 2]))
    net = {{choice([Net(y), Net(2)])}}
    return {"loss": loss, "status": STATUS_OK, "model": net}

if sys.argv[1] == "connect":
    session = SparkSession.builder.remote("local[2]").getOrCreate()
    session.addArtifact("shipped.py", pyfile=True)
else:
    quiet = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
    session = SparkSession.builder.master("local[2]").config(map=quiet).getOrCreate()
    session.sparkContext.addPyFile("shipped.py")
trials = SparkTrials(2, spark_session=session)
best, net = optim.minimize(create_model, data, max_evals=4, trials=trials)
print(trials.count_successful_trials(), "good", type(net).__name__)
optim.minimize(shipped.other, lambda: 1, max_evals=2, trials=SparkTrials(2, spark_session=session))
print("shipped")
"""


@pytest.mark.full
@pytest.mark.deployments("local", "connect")
def test_executors_without_sparktune(run_with_bare_executors, deployment):
    """Executors need what the model imports, and nothing of sparktune."""
    said = run_with_bare_executors(SCRIPT, deployment).stdout
    assert said.endswith("4 good Net\nshipped\n")
