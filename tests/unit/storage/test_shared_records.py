"""What a driver knows of trials that others change in the same store."""

import math

import pytest
from databases import sqlite_url

pytest.importorskip("sqlalchemy")

from stores import SPACE, Working, saddle

from sparktune import JOB_STATE_ERROR, JOB_STATE_NEW, Random, StoreTrials, Trials, Tuner, fmin, rand
from sparktune.exceptions import TakenElsewhere
from sparktune.history import Outcome, Status
from sparktune.space.tree import Space
from sparktune.storage.stores.shared import SharedRecord
from sparktune.storage.stores.sql import SqlStore

pytestmark = pytest.mark.usefixtures("sent_by_value")

VALUES = {"a": 0.5, "kind": 0}


@pytest.fixture
def url(tmp_path):
    """The URL of a database that is new."""
    return sqlite_url(tmp_path)


@pytest.fixture
def store(url):
    """A store of the search `k` beside that of the trials under test."""
    made = SqlStore(url, "k")
    yield made
    made.close()


def test_an_outcome_that_is_seen_twice_is_recorded_once(url, monkeypatch):
    """A run ends that sees each outcome as a change and as a row of its own at the same time."""
    original = SharedRecord.refresh

    def look_twice(self, history):
        self._looked = -math.inf
        return original(self, history)

    monkeypatch.setattr(SharedRecord, "refresh", look_twice)
    trials = StoreTrials(url, "k", parallelism=3)
    with Working(url):
        fmin(
            saddle, SPACE, rand.suggest, 15, trials=trials, rstate=0, show_progressbar=False
        )  # fmt: skip
    assert [trial.status for trial in trials.history] == [Status.OK] * 15


def test_what_others_ended_is_known_after_a_refusal(url, store):
    """A trial that another has ended is known by its outcome once one's own is refused."""
    trials = Trials(store=url, exp_key="k")
    with trials.step(Space(SPACE)) as history:
        history.start([VALUES], 1.0)
        (entry,) = store.read(0).entries
        assert history.refresh() == []
        text = '{"status":"ok","loss":2.5}'
        assert store.finish(entry.driver, 0, 0, "ok", True, text)
        trials._journal._revision = store.read(0).revision  # as if it had been read before
        with pytest.raises(TakenElsewhere):
            history.finish(0, 0, Outcome(Status.OK, loss=7.0))
        history.refresh()
        assert history[0].loss == 2.5


def test_a_number_that_another_driver_reserved_is_new(url):
    """Until its driver has begun it, it is no error in the documents of the others."""
    seen = []

    class Asks(Random):
        def suggest(self, space, history, rng, k, budget):
            other.ask()
            seen.append(other.trials.document(0)["state"])
            seen.append(other.trials.count_by_state_unsynced(JOB_STATE_ERROR))
            return super().suggest(space, history, rng, k, budget)

    first = Tuner(SPACE, trials=StoreTrials(url, "k"), algo=Asks())
    other = Tuner(SPACE, trials=StoreTrials(url, "k"), algo=Random())
    assert first.ask().number == 0
    assert seen == [JOB_STATE_NEW, 0]
