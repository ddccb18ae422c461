"""HyperoptEstimator with SparkTrials on the deployment."""

import sys

import cloudpickle
import numpy as np
import pytest

pytest.importorskip("sklearn")

from estimators import DIABETES, IRIS, TEXTS, lines, quick, trees
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

from sparktune import AllTrialsFailed, SparkTrials, Status, hp, rand
from sparktune import hpsklearn as ours

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # executors lack what it imports
pd = pytest.importorskip("pandas")
X, Y = IRIS
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(
    few=[None, *"xy"] * 25, many=[f"k{row % 20}" for row in range(75)]
)


@pytest.fixture
def trials(spark):
    return SparkTrials(parallelism=2, spark_session=spark)


def losses(estimator):
    """The losses of all candidates, in their order."""
    return [trial.loss for trial in estimator.trials_.history]


@pytest.mark.parametrize(
    ("settings", "data"),
    [
        ({"classifier": trees(), "preprocessing": None}, IRIS),
        pytest.param({"regressor": lines()}, DIABETES, marks=pytest.mark.full),
        ({"preprocessing": [ours.ts_lagselector("l")]}, (FRAME, np.array(["a", "b", "c"])[Y])),
        pytest.param(
            {"classifier": ours.multinomial_nb("m"), "preprocessing": None},
            TEXTS,
            marks=pytest.mark.full,
        ),
    ],
    ids=["classifier", "regressor", "frame", "texts"],
)
def test_candidates_run_as_spark_tasks(spark, settings, data):
    """One candidate at a time gives the losses and the model of a search in this process."""
    here = quick(**settings, algo=rand.suggest, max_evals=3)
    there = clone(here).set_params(trials=SparkTrials(1, spark_session=spark))
    here.fit(*data, n_folds=3)
    assert there.fit(*data, n_folds=3) is there
    assert losses(there) == losses(here)
    assert (there.predict(data[0]) == here.predict(data[0])).all()
    assert there.leaderboard().parts.tolist() == here.leaderboard().parts.tolist()
    assert len(there.trials) == 0  # those of the fit are new ones
    assert len(clone(there).fit(*data).trials_) == 3


@pytest.mark.full
def test_finalists_are_judged_as_spark_tasks(spark):
    """Tasks judge the best of one split on further ones, with the losses that they have here."""
    here = quick(regressor=lines(), algo=rand.suggest, max_evals=5, finalists=2)
    there = clone(here).set_params(trials=SparkTrials(1, spark_session=spark))
    assert losses(there.fit(*DIABETES)) == losses(here.fit(*DIABETES))
    assert len(there.trials_) == 7
    assert there.best_loss_ == here.best_loss_


class Counted:
    """A loss that knows how often it was pickled, and in which processes it is fresh."""

    pickled = 0

    def __getstate__(self):
        Counted.pickled += 1
        return {"fresh": True}

    def __call__(self, y, predicted):
        fresh, self.fresh = self.__dict__.get("fresh", False), False
        return float(np.mean(y != predicted)) + (10.0 if fresh else 0.0)


def test_data_travel_once(trials):
    """Rows, targets and loss are pickled once a fit, and unpickled once a worker."""
    Counted.pickled = 0
    estimator = quick(loss_fn=Counted(), trials=trials, max_evals=12).fit(X, Y)
    assert Counted.pickled == 1
    assert 1 <= sum(loss >= 10 for loss in losses(estimator)) <= 4


@pytest.mark.full
def test_candidates_that_fail_or_hang(trials, gate):
    """A candidate that fails, dies or takes too long is that, and the best of the others wins."""
    door = gate.door()

    class Hanging(DummyClassifier):
        def fit(self, X, y, sample_weight=None):
            door()

    class Deadly(DummyClassifier):
        def fit(self, X, y, sample_weight=None):
            import os

            os._exit(1)

    kinds = [Hanging(), Deadly(), ours.logistic_regression("l", C=-1.0), ours.gaussian_nb("b")]
    estimator = quick(
        classifier=hp.choice("c", kinds), algo=rand.suggest, max_evals=12, seed=3, trials=trials,
        trial_timeout=3.0,
    ).fit(X, Y)  # fmt: skip
    found = {trial.values["c"]: trial.status for trial in estimator.trials_.history}
    assert found == {0: Status.TIMED_OUT, 1: Status.FAILED, 2: Status.FAILED, 3: Status.OK}
    assert estimator.score(X, Y) > 0.8


def test_going_on(trials, tmp_path):
    """A warm start and a journal go on with what Spark's tasks have found."""
    estimator = quick(trials=trials, max_evals=2, journal=tmp_path / "journal").fit(X, Y)
    before = losses(estimator)
    assert losses(estimator.fit(X, Y, warm_start=True))[:2] == before
    assert len(estimator.trials_) == 4
    again = quick(max_evals=5, journal=tmp_path / "journal").fit(X, Y)  # in this process
    assert losses(again)[:2] == before
    assert len(again.trials_) == 5


def test_many_folds(trials):
    """Where reports arrive with the result alone, all candidates are judged on all folds."""
    kinds = hp.choice("c", [ours.gaussian_nb("b"), ours.dummy_classifier("d")])
    estimator = quick(classifier=kinds, algo=rand.suggest, max_evals=6, trials=trials)
    estimator.fit(X, Y, n_folds=6)
    assert {trial.status for trial in estimator.trials_.history} == {Status.OK}
    assert {len(trial.outcome.info["losses"]) for trial in estimator.trials_.history} == {6}


def test_all_fail(trials):
    """Where all candidates fail, the first traceback of a task is shown."""

    def loss(y, predicted):
        raise RuntimeError("no loss today")

    with pytest.raises(AllTrialsFailed, match=r"(?s)all 2 trials failed.*no loss today"):
        quick(loss_fn=loss, trials=trials, max_evals=2).fit(X, Y)


SCRIPT = """
import sys
from pyspark.sql import SparkSession
from sklearn.datasets import load_iris
from sparktune import SparkTrials
from sparktune.hpsklearn import HyperoptEstimator, any_classifier, ts_lagselector

def loss(y, predicted):
    import sparktune
    assert getattr(sparktune, "__file__", None) is None, sparktune.__file__  # none but a stand-in
    return float((y != predicted).mean())

if sys.argv[1] == "connect":
    session = SparkSession.builder.remote("local[2]").getOrCreate()
else:
    quiet = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
    session = SparkSession.builder.master("local[2]").config(map=quiet).getOrCreate()
estimator = HyperoptEstimator(
    classifier=any_classifier("c"), preprocessing=[ts_lagselector("l")], loss_fn=loss,
    max_evals=4, trials=SparkTrials(2, spark_session=session))
estimator.fit(*load_iris(return_X_y=True), n_folds=3)
print(estimator.trials_.count_successful_trials(), "good")
"""


@pytest.mark.full
@pytest.mark.deployments("local", "connect")
def test_executors_without_sparktune(run_with_bare_executors, deployment):
    """Executors need scikit-learn, and nothing of sparktune."""
    said = run_with_bare_executors(SCRIPT, deployment).stdout
    assert said.endswith("4 good\n")
