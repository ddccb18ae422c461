"""Fits on engines other than the serial one: processes, threads, workers of a store."""

import os
import subprocess
import sys

import numpy as np
import pytest
from estimators import IRIS, quick
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from stores import KEY

from sparktune import AllTrialsFailed, Status, StoreTrials, Trials, hp, rand
from sparktune import hpsklearn as ours
from sparktune.hpsklearn.travels.evaluation import Evaluation
from sparktune.storage.stores.signing import VARIABLE

pytestmark = pytest.mark.usefixtures("sent_by_value")

X, Y = IRIS


def losses(estimator):
    """The losses of all candidates, in their order."""
    return [trial.loss for trial in estimator.trials_.history]


def statuses(estimator):
    """How all candidates ended, in their order."""
    return [trial.status for trial in estimator.trials_.history]


class Waiting(ClassifierMixin, BaseEstimator):
    """A classifier whose fit comes to a gate, and notes its process."""

    def __init__(self, door=None):
        self.door = door

    def fit(self, X, y):
        self.door(os.getpid())
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.full
def test_processes():
    """In processes candidates get the losses that they get here, one at a time."""
    here = quick(max_evals=3, algo=rand.suggest).fit(X, Y, n_folds=3)
    there = clone(here).set_params(trials=Trials(parallelism=1, executor="processes"))
    there.fit(X, Y, n_folds=3)
    assert losses(there) == losses(here)
    assert (there.predict(X) == here.predict(X)).all()


@pytest.mark.full
def test_a_time_limit(gate):
    """A candidate that takes longer than trial_timeout ends, and counts as timed out."""
    slow, quickly = Waiting(gate.door()), DummyClassifier()
    estimator = quick(
        classifier=hp.choice("c", [slow, quickly]), algo=rand.suggest, max_evals=2, seed=2,
        trials=Trials(parallelism=1, executor="processes"), trial_timeout=1.0,
    ).fit(X, Y)  # fmt: skip
    assert statuses(estimator) == [Status.TIMED_OUT, Status.OK]
    assert isinstance(estimator.best_model()["learner"], DummyClassifier)
    assert "timed_out" in set(estimator.leaderboard().status)
    assert set(estimator.leaderboard().parts) == {"Waiting", "DummyClassifier"}


@pytest.mark.full
def test_a_process_that_dies():
    """A candidate that takes its process along is a failed one."""

    class Deadly(DummyClassifier):
        def fit(self, X, y, sample_weight=None):
            os._exit(3)

    estimator = quick(
        classifier=hp.choice("c", [Deadly(), DummyClassifier()]), algo=rand.suggest, max_evals=4,
        seed=1, trials=Trials(parallelism=2),
    )  # fmt: skip
    estimator.fit(X, Y)
    assert set(statuses(estimator)) == {Status.FAILED, Status.OK}


def test_threads(gate):
    """Threads fit candidates at the same time."""
    with pytest.raises(AllTrialsFailed):  # predictions of one class only are a loss, but not here
        quick(
            classifier=Waiting(_both(gate)), max_evals=2, loss_fn=lambda y, p: float("nan"),
            trials=Trials(parallelism=2, executor="threads"),
        ).fit(X, Y)  # fmt: skip
    assert gate.reached_by(2) == [str(os.getpid())] * 2


def _both(gate):
    """A door that opens once two are at it."""
    door = gate.door()

    def at(note):
        import threading

        threading.Thread(target=_open_for_two, args=(gate,), daemon=True).start()
        door(note)

    return at


def _open_for_two(gate):
    gate.reached_by(2)
    gate.open()


# Early discarding.

DIGITS = tuple(part[:300] for part in load_digits(return_X_y=True))
MANY = {
    "classifier": hp.choice(
        "c", [ours.k_neighbors_classifier("k"), ours.dummy_classifier("d")]
    ),
    "algo": rand.suggest, "max_evals": 12, "seed": 2,
}  # fmt: skip


def test_hopeless_candidates_are_discarded():
    """From four folds on, one that is clearly worse than the best ends before its last fold."""
    estimator = quick(**MANY).fit(*DIGITS, n_folds=6)
    pruned = [t for t in estimator.trials_.history if t.status is Status.PRUNED]
    assert pruned
    assert all(trial.loss is None for trial in pruned)
    history = estimator.trials_.history
    assert all(4 <= history.report_count(trial.number) < 6 for trial in pruned)
    board = estimator.leaderboard()
    assert set(board[board.status == "pruned"].parts) == {"DummyClassifier"}


def test_few_folds_discard_nothing():
    """With fewer than four folds all are judged by all of them."""
    estimator = quick(**MANY).fit(*DIGITS, n_folds=3)
    assert set(statuses(estimator)) == {Status.OK}


def test_folds_of_one_row_discard_nothing():
    """Where predictions are judged all together, there is nothing to discard by."""
    estimator = quick(**{**MANY, "max_evals": 4}).fit(X[::8], Y[::8], n_folds=-1)
    assert set(statuses(estimator)) == {Status.OK}


# A store.


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A store in SQLite, and the key of its drivers and workers."""
    monkeypatch.setenv(VARIABLE, KEY)
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.mark.full
def test_a_worker_of_a_store(url, tmp_path):
    """A worker of a store, in a process of its own, fits candidates of a driver with its key."""
    trials = StoreTrials(url, "k", parallelism=1)
    here = quick(max_evals=3, algo=rand.suggest).fit(X, Y, n_folds=3)
    command = [sys.executable, "-m", "sparktune", "worker", "--store", url, "--exp-key", "k"]
    with subprocess.Popen(
        [*command, "--max-jobs", "3"], cwd=tmp_path, stderr=subprocess.PIPE
    ) as it:
        there = quick(max_evals=3, algo=rand.suggest, trials=trials).fit(X, Y, n_folds=3)
        assert it.wait(60) == 0, it.stderr.read()
    assert losses(there) == losses(here)
    assert (there.predict(X) == here.predict(X)).all()


def test_a_store(url):
    """A record in a store has the losses of any other, is gone on with, and knows its data."""
    here = quick(max_evals=3, algo=rand.suggest).fit(X, Y, n_folds=3)
    settings = {"max_evals": 3, "algo": rand.suggest}
    there = quick(trials=Trials(store=url, exp_key="k"), **settings).fit(X, Y, n_folds=3)
    again = quick(trials=StoreTrials(url, "k"), **settings).fit(X, Y, n_folds=3)
    assert losses(again) == losses(there) == losses(here)
    with pytest.raises(
        ValueError, match=r"other data, folds or losses.*or another journal or exp_key"
    ):
        quick(max_evals=3, trials=StoreTrials(url, "k")).fit(X[1:], Y[1:], n_folds=3)


def test_what_travels_holds_the_data_once():
    """The objective has each row once, whatever the number of folds, and no copies for them."""
    import cloudpickle

    from sparktune.hpsklearn.travels.evaluation import Judge
    from sparktune.hpsklearn.travels.fitting import Recipe
    from sparktune.hpsklearn.validation import folds_of

    rows = np.random.default_rng(0).normal(size=(2000, 50))
    target = (rows[:, 0] > 0).astype(int)
    folds = folds_of(target, None, classifies=True, valid_size=0.2, n_folds=10, cv=None,
                     shuffle=None, seed=0)  # fmt: skip
    evaluation = Evaluation(Recipe(), Judge(), rows, target, None, folds, {})
    sent = len(cloudpickle.dumps(evaluation))
    assert rows.nbytes < sent < 1.5 * rows.nbytes
