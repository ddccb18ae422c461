"""Drivers whose trials are in a store: what they share, what they leave, and what they refuse."""

import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import store_objectives
from store_objectives import saddle
from stores import KEY, NAME, SPACE, Driving, Rows, Working, opened, searched

from sparktune import (
    BadSearchSpace,
    InvalidTrial,
    SparkTrials,
    Status,
    StoreError,
    StoreTrials,
    Trials,
    Tuner,
    fmin,
    hp,
    rand,
)
from sparktune.exceptions import AllTrialsFailed, TakenElsewhere
from sparktune.history import History
from sparktune.history.records import Requeued
from sparktune.space.tree import Space
from sparktune.storage.stores.queued import QueuedRecord
from sparktune.storage.stores.signing import VARIABLE, key_of_environment
from sparktune.storage.stores.store import Entry
from sparktune.storage.stores.trust import Trust

HELPERS = str(Path(__file__).parents[1] / "helpers")

URL = "sqlite:///{}/store.db"
NOW = "((julianday('now') - 2440587.5) * 86400.0)"
VALUES = {"a": 0.5, "kind": 0}


def test_trials_in_a_pickle(url, key):
    """A pickle of trials goes on in their database, and has no key."""
    with Working(url):
        trials = searched(url, 2)
        blob = pickle.dumps(trials)
        assert KEY.encode() not in blob
        again = pickle.loads(blob)
        assert again.losses() == trials.losses()
        searched(url, 3, trials=again)
    assert len(StoreTrials.load(url, "k")) == 3


def test_trials_in_a_pickle_have_no_url_with_a_password(postgres, monkeypatch):
    """A URL with a password stays out of a pickle, which goes on with that of SPARKTUNE_STORE."""
    url = postgres.new_database()
    with Working(url):
        trials = searched(url, 2)
        again = pickle.loads(pickle.dumps(trials))
        monkeypatch.delenv("SPARKTUNE_STORE", raising=False)
        with pytest.raises(
            StoreError, match=r"these trials are of postgresql.*\(k\).*set SPARKTUNE_"
        ):
            searched(url, 3, trials=again)
        monkeypatch.setenv("SPARKTUNE_STORE", postgres.new_database())
        with pytest.raises(StoreError, match="but SPARKTUNE_STORE is of postgresql"):
            searched(url, 3, trials=again)
        monkeypatch.setenv("SPARKTUNE_STORE", url)
        searched(url, 3, trials=again)
    assert len(StoreTrials.load(url, "k")) == 3


@pytest.mark.parametrize(("given", "count"), [(3, 3), (None, 2)])
def test_parallelism_is_what_is_in_the_queue(url, key, gate, wait_for, given, count):
    """As many trials wait or run as parallelism says, or one more than there are workers."""
    door = gate.door()

    def waiting(config):
        door()
        return config["a"]

    trials = StoreTrials(url, "k", parallelism=given)
    with (
        Working(url),
        opened(url) as store,
        Driving(url, 5, trials, objective=waiting) as driving,
    ):
        gate.reached_by(1)
        assert wait_for(lambda: len(store.under_way()) == count)
        gate.open()
        driving.wait()


def test_no_worker(url, monkeypatch):
    """A driver that waits for workers in vain says which command starts one."""
    monkeypatch.setattr("sparktune.engines.workers._PATIENCE", 0.0)
    monkeypatch.setattr("sparktune.engines.workers._LOOK", 0.0)
    trials = StoreTrials(url, "k", parallelism=1)
    with (
        pytest.warns(UserWarning, match=r"no worker evaluates .*`sparktune worker --exp-key k"),
        pytest.raises(AllTrialsFailed),
    ):
        searched(url, 1, trials=trials, timeout=0.1)


def test_workers_that_do_not_take_the_objective(url, monkeypatch):
    """A driver whose trials no worker takes says which objective they should have."""
    monkeypatch.setattr("sparktune.worker.refusals._AGAIN", 0.02)
    trials = StoreTrials(url, "k", parallelism=1)
    with (
        Working(url, objectives={"store_objectives:echo": store_objectives.echo}),
        pytest.warns(UserWarning, match=f"workers leave the trials .*--objective {NAME}"),
        pytest.raises(AllTrialsFailed),
    ):
        searched(url, 1, trials=trials, timeout=2)


def test_an_objective_without_a_name(url):
    """Without a key an objective that no other program can import is refused."""
    with pytest.raises(
        ValueError, match=r"by its name alone, and .* is none .*put it into a module"
    ):
        searched(url, 1, objective=lambda config: 0.0)


def test_an_objective_of_a_script(url, run_python):
    """Without a key an objective in `__main__` is refused with what to do."""
    script = (
        "from sparktune import StoreTrials, fmin, hp\n"
        "def objective(config): return config\n"
        f"fmin(objective, hp.uniform('x', 0, 1), max_evals=1, trials=StoreTrials({url!r}))\n"
    )
    done = run_python(script, check=False)
    assert done.returncode == 1
    assert (
        "put it into a module of its own (not `__main__`), or set SPARKTUNE_STORE_KEY"
        in done.stderr
    )


def test_a_space_of_more_than_plain_data(url):
    """Without a key a space with an object is refused by the label of its choice."""
    space = {"a": hp.uniform("a", 0, 1), "model": hp.choice("model", [saddle, object()])}
    with pytest.raises(ValueError, match=r"SPARKTUNE_STORE_KEY a space .* 'model' holds a f"):
        searched(url, 1, space=space)
    assert Trials(store=url, exp_key="k").history is None  # nothing was recorded


def test_tell_without_ask_and_ask_without_end(url):
    """What a Tuner asks of a store is nobody else's, and others see what it told."""
    tuner = Tuner(SPACE, rand, trials=Trials(store=url, exp_key="k"), rstate=1)
    first, second = tuner.ask(2)
    other = Tuner(SPACE, rand, trials=Trials(store=url, exp_key="k"), rstate=1)
    assert other.ask().number == 2
    assert tuner.tell(first, 0.5).loss == 0.5
    assert tuner.tell(second, {"loss": 1.5, "n": 3}).number == 1
    assert tuner.ask().number == 3
    assert StoreTrials.load(url, "k").losses() == [0.5, 1.5]
    with pytest.raises(InvalidTrial):
        tuner.tell(2, 0.5)


def test_a_tuner_in_a_pickle(url, monkeypatch):
    """A Tuner that was unpickled tells what it asked before."""
    monkeypatch.setenv("SPARKTUNE_STORE", url)
    tuner = Tuner(SPACE, rand, trials=Trials(store=url, exp_key="k"), rstate=1)
    asked = tuner.ask(2)
    again = pickle.loads(pickle.dumps(tuner))
    assert [again.tell(candidate, 0.5).status for candidate in asked] == [Status.OK] * 2


def test_a_tuner_on_a_queue(url):
    """What a Tuner asks of StoreTrials is its own: no worker sees it."""
    with Working(url):
        tuner = Tuner(SPACE, rand, trials=StoreTrials(url, "k"), rstate=1)
        candidate = tuner.ask()
        with Rows(url) as rows:
            assert rows.trial(0, "state") == "own"
        tuner.tell(candidate, 0.5)
        searched(url, 2)
    assert len(StoreTrials.load(url, "k")) == 2


@pytest.mark.parametrize("with_key", [False, True])
def test_known_trials_are_put_into_a_store(url, monkeypatch, with_key):
    """Documents and tables fill a store, and a search goes on with them."""
    if with_key:
        monkeypatch.setenv(VARIABLE, KEY)
    known = Trials()
    fmin(saddle, SPACE, rand, 5, trials=known, rstate=1, show_progressbar=False)
    made = Trials.from_documents(known.trials, SPACE, store=url, exp_key="documents")
    assert made.losses() == known.losses()
    assert StoreTrials.load(url, "documents").losses() == known.losses()
    made = Trials.from_pandas(known.to_pandas(), SPACE, store=url, exp_key="table")
    assert StoreTrials.load(url, "table").losses() == known.losses()
    with Working(url, "table"):
        trials = searched(url, 7, exp_key="table")
    assert trials.losses()[:5] == known.losses()
    queue = StoreTrials.from_documents(known.trials, SPACE, url=url, exp_key="queue")
    assert queue.losses() == known.losses()


def test_points_with_known_results(url):
    """Points whose results are known are recorded, and evaluated by nobody."""
    points = [({"a": 0.5, "kind": 0}, -7.0), {"a": 0.25, "kind": 0}]
    with Working(url) as working:
        trials = searched(url, 3, points_to_evaluate=points)
    assert trials.losses()[:2] == [-7.0, 0.0625]
    assert not working.said("trial 0")


RUN = """
import sys
sys.path.insert(0, {helpers!r})
from stores import *
from sparktune import Trials
import store_objectives
kind, url, count = sys.argv[1:]
def waiting(config):
    print("begun", flush=True)
    sys.stdin.read()
trials = StoreTrials(url, "k", parallelism=2, lost_after=5)
objective = saddle
if kind == "own":
    trials, objective = Trials(store=url, exp_key="k"), waiting
searched(url, int(count), trials=trials, objective=objective)
"""


@pytest.fixture
def driver(tmp_path, begin):
    """Starts an fmin on a store as a process of its own; killed at the end."""
    path = tmp_path / "driver.py"
    path.write_text(RUN.format(helpers=HELPERS))

    def start(kind, url, count):
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return begin([sys.executable, str(path), kind, url, str(count)], **pipes)

    return start


def test_a_driver_that_was_killed(url, driver):
    """What a killed driver evaluated itself is begun again with its number and parameters."""
    process = driver("own", url, 3)
    assert process.stdout.readline() == "begun\n"
    process.kill()
    process.wait()
    with Rows(url) as rows:
        assert rows.trial(0, "state") == "own"
        values = json.loads(rows.trial(0, "candidate"))
        rows("UPDATE sparktune_drivers SET beat = beat - 100")
    trials = searched(url, 3, trials=Trials(store=url, exp_key="k"))
    assert trials.tids == [0, 1, 2]
    assert trials.history[0].attempt == 1
    assert dict(trials.history[0].values) == values
    assert [trial.attempt for trial in trials.history][1:] == [0, 0]


def test_the_queue_of_a_driver_that_was_killed(url, driver, wait_for):
    """What a killed driver has queued goes on with the workers, and the next driver takes it."""
    process = driver("queue", url, 3)
    with Rows(url) as rows:
        assert wait_for(Path(url.removeprefix("sqlite:///")).exists)
        assert wait_for(lambda: queued(rows) == 2)
        process.kill()
        process.wait()
        rows("UPDATE sparktune_drivers SET beat = beat - 100")
        with Working(url):
            assert wait_for(lambda: not queued(rows))
            trials = searched(url, 3)
    assert trials.statuses() == ["ok"] * 3
    assert [trial.attempt for trial in trials.history] == [0, 0, 0]


def queued(rows):
    try:
        return rows("SELECT count(*) FROM sparktune_trials WHERE state IN ('queued', 'running')")[
            0
        ][0]
    except Exception:  # before there is a table
        return -1


WIDER = {**SPACE, "a": hp.uniform("a", -2, 4)}


def test_a_changed_space_is_refused(url):
    """Another space than that of the store is refused, unless the user says what to do."""
    with Working(url):
        searched(url, 2)
    with pytest.raises(BadSearchSpace, match="on_space_change"):
        searched(url, 3, space=WIDER)


@pytest.mark.parametrize("with_key", [False, True])
@pytest.mark.parametrize("on_change", ["adapt", "keep"])
def test_a_changed_space(url, monkeypatch, gate, on_change, with_key):
    """A search goes on in another space, or in the old one, with what was cut off there."""
    if with_key:
        monkeypatch.setenv(VARIABLE, KEY)
    with Working(url):
        searched(url, 2)
        with Rows(url) as rows:
            cut = Entry(2, 1, "cut", *rows.trial(0, "candidate", "config"), started=1e9)
            cut = Trust(key_of_environment(), "k").signed(cut)
            row = {name: getattr(cut, name) for name in ("attempt", "state", "candidate", "config")}
            rows.add_trial(2, proof=cut.proof, **row)
        space = {**WIDER, "c": hp.randint("c", 3)}
        defaults = {"c": 2} if on_change == "adapt" else None
        trials = StoreTrials(
            url, "k", parallelism=1, on_space_change=on_change, defaults=defaults
        )  # fmt: skip
        searched(url, 5, trials=trials, space=space, objective=store_objectives.echo)
    assert len(trials) == 5
    config = trials.history[2].outcome.info["config"]
    assert config.get("c") == (2 if on_change == "adapt" else None)
    loaded = StoreTrials.load(url, "k")
    assert loaded.losses() == trials.losses()
    assert ("c" in loaded.history.space.labels) == (on_change == "adapt")
    again = StoreTrials(url, "k", on_space_change="keep")
    assert again.losses() == trials.losses()


def test_a_space_that_changes_while_another_driver_runs(url, key, gate):
    """A driver whose space another one changes ends with a sentence, and keeps what has ended."""
    door = gate.door()

    def waiting(config, trial):
        if trial.number == 1:
            door()
        return config["a"]

    trials = StoreTrials(url, "k", parallelism=1)
    with Working(url), Driving(url, 3, trials, objective=waiting) as driving:
        gate.reached_by(1)
        other = Trials(store=url, exp_key="k", on_space_change="adapt")
        searched(url, 2, trials=other, space=WIDER)
        gate.open()
        with pytest.raises(StoreError, match=r"another driver has changed the space .*run this"):
            driving.wait()
        driving.error = None
    assert trials.losses()[0] is not None
    with Working(url):
        again = StoreTrials(url, "k", parallelism=1, on_space_change="keep")
        searched(url, 5, trials=again, objective=waiting)
    assert len(again) == 5


def test_two_drivers_that_begin_at_once(url):
    """Drivers that begin a search in the same moment share it, and overshoot nothing."""
    with Working(url), Driving(url, 10) as one, Driving(url, 10) as two:
        one.wait()
        two.wait()
    assert len(one.trials) == len(two.trials) == 10
    assert one.trials.losses() == two.trials.losses()
    assert StoreTrials.load(url, "k").tids == list(range(10))


def test_a_store_or_a_journal(url, tmp_path):
    """Trials have one record: a journal beside a store, or another place later, is refused."""
    with pytest.raises(ValueError, match="a `journal` or a `store`, but not both"):
        Trials(journal=tmp_path / "j", store=url)
    with pytest.raises(ValueError, match=r"these trials have sqlite.* already"):
        Trials(store=url, exp_key="k").attach(tmp_path / "j")
    with pytest.raises(RuntimeError, match=r"are in sqlite.*which forgets nothing"):
        Trials(store=url).delete_all()


def test_trials_that_are_there_to_be_read(url):
    """Trials that were loaded to be read say how to go on with them."""
    with Working(url):
        searched(url, 1)
    loaded = StoreTrials.load(url, "k")
    with pytest.raises(RuntimeError, match=r"to go on with them take StoreTrials\("):
        searched(url, 2, trials=loaded)
    with pytest.raises(StoreError, match="no search 'other' in the store sqlite"):
        StoreTrials.load(url, "other")


URLS = {
    "": "there is no store",
    "nonsense": "cannot be read",
    "mysql://me:hush@host/d": "is in PostgreSQL or SQLite.*but the URL begins with 'mysql'$",
    "postgres://me:hush@host/d": "begins with 'postgres', which is written postgresql",
    "postgresql+psycopg2://me:hush@host/d": "psycopg2', whose driver is psycopg",
    "postgresql://me:hu@sh@host/d": "has two @.*is written %40",
    "sqlite://runs.db": "with three slashes",
    "sqlite://": "is a file that processes share",
    "sqlite:///:memory:": "is a file that processes share",
    "postgresql://me:hush@host:port/d": "cannot be read",
    7: "cannot be read",
}


@pytest.mark.parametrize("given", URLS)
def test_urls_that_are_none(given, monkeypatch):
    """A URL that is none is refused by a sentence without its password."""
    monkeypatch.delenv("SPARKTUNE_STORE", raising=False)
    with pytest.raises(ValueError, match=URLS[given]) as caught:
        StoreTrials(given, "k")
    assert "hush" not in str(caught.value)


def test_a_database_that_is_not_there(tmp_path, monkeypatch):
    """A database that cannot be reached is named without its password, wherever that stands."""
    monkeypatch.setattr("sparktune.storage.stores.outages.FIRST_PATIENCE", 0.0)
    with pytest.raises(StoreError, match="unable to open database file"):
        StoreTrials(f"sqlite:///{tmp_path / 'no' / 'x.db'}", "k")
    pytest.importorskip("psycopg")
    for url in (
        "postgresql://me:hush@127.0.0.1:9/d",
        "postgresql://127.0.0.1:9/d?password=hush&user=me",
    ):
        with pytest.raises(StoreError) as caught, pytest.warns(UserWarning, match="again") as told:
            StoreTrials(url, "k")
        assert "hush" not in str(caught.value) + str(told[0].message)


def test_a_database_on_a_host_that_nobody_knows(nowhere):
    """A host name that is not known is said at once, by a sentence with the name."""
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError) as caught:
        StoreTrials("postgresql://me:hush@nowhere.example/d", "k")
    assert str(caught.value) == (
        "the store postgresql+psycopg://me:***@nowhere.example/d: the host name 'nowhere.example' "
        "is not known here"
    )


def test_settings_out_of_range(url):
    """Settings of StoreTrials are checked at the door."""
    for name, value in {
        "parallelism": 0, "lost_after": 1, "trial_timeout": -1, "max_retries": -1,
        "retry_crashes": "yes", "trial_grace": 0,
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            StoreTrials(url, "k", **{name: value})


def test_spark_trials_name_a_search(url):
    """SparkTrials record in a store as Trials do, and refuse a journal beside it."""
    with pytest.raises(ValueError, match="a `journal` or a `store`, but not both"):
        SparkTrials(store=url, journal="j")


@pytest.mark.parametrize("place", ["journal", "store"])
def test_trials_that_no_longer_fit_leave_room(tmp_path, place):
    """Trials of an earlier space that do not fit today's count for nothing, as in a journal."""

    def ran(width, count):
        where = (
            {"journal": tmp_path / "j"} if place == "journal" else {"store": URL.format(tmp_path)}
        )
        trials = Trials(on_space_change="adapt", **where)
        space = {"x": hp.uniform("x", -width, width)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fmin(
                lambda config: config["x"] ** 2, space, rand.suggest, count, trials=trials,
                rstate=1, show_progressbar=False,
            )  # fmt: skip
        return trials

    ran(1.0, 10)
    left = len(ran(0.1, 12).history.apart)
    assert 0 < left < 10
    trials = ran(0.1, 15)
    assert trials.history.count(Status.OK) == 15
    assert len(trials.history) == 15 + left
    assert trials.fmin_cancelled_reason is None
    assert ran(1.0, 30).history.count(Status.OK) == 30  # they fit again


def test_a_trial_that_no_longer_fits_and_ended_since(url):
    """A trial that ends after the space has left it behind does not use up ``max_evals``."""

    def ran(width, count):
        trials = Trials(store=url, exp_key="k", on_space_change="adapt")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            searched(
                url, count, trials=trials, space={"a": hp.uniform("a", -width, width)},
                objective=losing,
            )  # fmt: skip
        return trials

    ran(1.0, 6)
    left = len(ran(0.1, 8).history.apart)
    assert left
    with Rows(url) as rows:
        rows("UPDATE sparktune_trials SET counts = 1")  # as who ends a trial has it
    assert ran(0.1, 10).history.count(Status.OK) == 10


def test_a_relative_path_is_that_of_the_beginning(tmp_path, monkeypatch):
    """A path of SQLite is taken from the folder in which the trials were made, and shown whole."""
    monkeypatch.chdir(tmp_path)
    trials = Trials(store="sqlite:///rel.db", exp_key="k")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with trials.step(Space(SPACE)) as history:
        history.start([VALUES], 1.0)
    assert [path.name for path in Path.cwd().iterdir()] == []
    with pytest.raises(
        StoreError, match=f"no search 'other' in the store sqlite:///{tmp_path}/rel"
    ):
        StoreTrials.load(URL.format(tmp_path).replace("store.db", "rel.db"), "other")


def test_a_trial_that_ends_while_it_is_cut_off(url, key, gate, monkeypatch):
    """What a worker ends in the moment in which its driver cuts it off is known to that driver."""
    door = gate.door()
    append = QueuedRecord.append

    def waiting(config):
        door()
        return config["a"]

    def append_late(self, record):
        if isinstance(record, Requeued):
            gate.open()
            with opened(url) as store:
                while store.read(0).entries[0].state != "ended":
                    store.wait(0.1)
        append(self, record)

    monkeypatch.setattr(QueuedRecord, "append", append_late)
    with Working(url), Driving(url, 1, objective=waiting) as driving:
        gate.reached_by(1)
        driving.trials.cancel()
        driving.wait()
    assert driving.trials.statuses() == ["ok"]


def test_when_somebody_is_lost_is_kept_with_the_search(url):
    """Workers, readers and other drivers take lost_after of the driver that gave it last."""
    StoreTrials(url, "k", lost_after=120)
    StoreTrials(url, "k")
    with opened(url, lost_after=None) as store:
        assert store.lost_after == 120
        store.take("w", ())
        with Rows(url) as rows:
            rows.add_trial(0, state="running", worker="w")
            for ago, overdue in ((100, 0), (130, 1)):
                rows(f"UPDATE sparktune_trials SET beat = {NOW} - {ago}")
                assert len(store.overdue()) == overdue
    StoreTrials(url, "k", lost_after=5)
    with opened(url, lost_after=None) as store:
        assert store.lost_after == 5


def test_what_workers_leave_out_is_said(url):
    """A driver without a key says that an object in a result is not kept."""
    with Working(url) as working, pytest.warns(UserWarning, match=r"plain data \(function\)"):
        searched(url, 1, objective=store_objectives.modelling)
    assert working.said("its result holds more than plain data (function), which is not kept")


def test_a_search_without_trials_whose_space_cannot_be_read(url, monkeypatch):
    """A run that was refused before its first trial leaves nothing in the way of the next."""
    with pytest.raises(ValueError, match="set SPARKTUNE_STORE_KEY"):
        searched(url, 1, objective=lambda config: config["a"])
    monkeypatch.setenv(VARIABLE, KEY)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with Working(url):
            trials = searched(url, 1, objective=lambda config: config["a"])
        assert len(StoreTrials.load(url, "k")) == len(trials) == 1
    assert all("space 1 is left out" in str(each.message) for each in told)


def test_points_that_another_driver_has_evaluated(url):
    """A point that another driver evaluates is not evaluated again."""
    points = [{"a": float(a), "kind": "x"} for a in (0, 1, 2)]
    first, second = Trials(store=url, exp_key="k"), Trials(store=url, exp_key="k")

    def objective(config):
        if config["a"] == 0.0:
            searched(
                url, 6, trials=second, points_to_evaluate=points, objective=losing,
                loss_threshold=1.0,
            )  # fmt: skip
        return config["a"]

    searched(url, 6, trials=first, points_to_evaluate=points, objective=objective)
    assert [trial.values["a"] for trial in first.history][:3] == [0.0, 1.0, 2.0]
    assert sum(trial.values["a"] in (0.0, 1.0, 2.0) for trial in first.history) == 3
    assert len(first) == 6


def losing(config):
    return config["a"]


def test_a_file_that_is_removed_while_a_search_runs(url):
    """A search whose database file is removed ends with a sentence, rather than into nowhere."""

    def objective(config):
        for path in Path(url.removeprefix("sqlite:///")).parent.glob("store.db*"):
            path.unlink()
        return config["a"]

    with pytest.raises(StoreError, match="its file was removed or replaced while it was in use"):
        searched(url, 3, trials=Trials(store=url, exp_key="k"), objective=objective)


def test_a_file_that_is_removed_between_two_runs(url):
    """Trials whose database is gone say so at the next run, and write nothing into a new one."""
    trials = Trials(store=url, exp_key="k")
    searched(url, 2, trials=trials, objective=losing)
    for path in Path(url.removeprefix("sqlite:///")).parent.glob("store.db*"):
        path.unlink()
    with pytest.raises(StoreError, match="has lost the search 'k', or some of it"):
        searched(url, 3, trials=trials, objective=losing)
    assert len(trials) == 2


@pytest.mark.parametrize("make", [StoreTrials.load, StoreTrials])
def test_trials_are_refreshed(url, make):
    """What others have recorded is seen after ``refresh``."""
    searched(url, 2, trials=Trials(store=url, exp_key="k"), objective=losing)
    trials = make(url, "k")
    searched(url, 5, trials=Trials(store=url, exp_key="k"), objective=losing)
    assert len(trials) == len(trials.trials) == 2
    trials.refresh()
    assert len(trials) == len(trials.trials) == 5
    assert trials.best_loss == min(trials.losses())


def test_a_driver_whose_process_has_ended_is_known_at_once(url):
    """Trials of a driver that was killed on this machine are begun again without waiting."""
    script = f"""
import os, sys
from sparktune import Trials, hp
from sparktune.space.tree import Space
trials = Trials(store={url!r}, exp_key="k")
with trials.step(Space({{"a": hp.uniform("a", -2, 3)}})) as history:
    history.start([{{"a": 0.5}}], 1.0)
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    trials = Trials(store=url, exp_key="k")
    searched(url, 1, trials=trials, space={"a": hp.uniform("a", -2, 3)}, objective=losing)
    assert [(trial.number, trial.attempt, trial.loss) for trial in trials.history] == [(0, 1, 0.5)]


def owners_of(url):
    with Rows(url) as rows:
        return [
            json.loads(owner)["pid"] for (owner,) in rows("SELECT owner FROM sparktune_drivers")
        ]


def test_a_tuner_in_a_pickle_is_of_the_process_that_goes_on_with_it(url):
    """A driver that goes on in another process is that process's, whose end is its end."""
    tuner = Tuner(SPACE, rand.suggest, trials=Trials(store=url, exp_key="k"))
    first = tuner.ask()
    script = """
import pickle, sys
tuner = pickle.load(sys.stdin.buffer)
second = tuner.ask()
print(second.number)
"""
    blob = pickle.dumps(tuner)
    done = subprocess.run(
        [sys.executable, "-c", script], input=blob, stdout=subprocess.PIPE, check=True
    )
    assert (first.number, int(done.stdout)) == (0, 1)
    assert owners_of(url) != [os.getpid()]


def test_a_child_is_a_driver_of_its_own(url):
    """Processes that were forked from one that had made trials are drivers of their own."""
    trials = Trials(store=url, exp_key="k")
    code = multiprocessing.get_context("fork")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forks beside threads
        children = [code.Process(target=evaluate_forked, args=(url, trials, n)) for n in range(2)]
        for child in children:
            child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    found = StoreTrials.load(url, "k").history
    assert [(trial.status, trial.attempt) for trial in found] == [(Status.OK, 0)] * 8


def evaluate_forked(url, trials, n):
    searched(url, 8, trials=trials, objective=losing, rstate=n)


def test_what_a_dead_driver_queued_where_there_are_no_workers(url):
    """A driver without workers evaluates itself what a dead one had put into the queue."""
    script = f"""
import os, sys, threading
sys.path[:0] = [{HELPERS!r}]
from stores import *
trials = StoreTrials({url!r}, "k", parallelism=3)
def die():
    with opened({url!r}) as store:
        while sum(each.state == "queued" for each in store.under_way()) < 3:
            store.wait(0.1)
    os.kill(os.getpid(), 9)
threading.Thread(target=die).start()
searched({url!r}, 3, trials=trials)
"""
    subprocess.run([sys.executable, "-c", script], check=False)
    trials = Trials(store=url, exp_key="k")
    searched(url, 3, trials=trials, objective=losing)
    assert [(trial.number, trial.status) for trial in trials.history] == [
        (number, Status.OK) for number in range(3)
    ]


def test_a_tuner_on_a_queue_resumes_for_itself(url):
    """What a Tuner begins again is its own, and waits for no worker."""
    tuner = Tuner(SPACE, rand.suggest, trials=StoreTrials(url, "k"))
    asked = tuner.ask()
    with tuner.trials.step(tuner.space) as history:
        history.requeue(asked.number, "cut")
    assert tuner.ask().number == asked.number
    with opened(url) as store:
        assert [entry.state for entry in store.under_way()] == ["own"]


def test_a_point_is_not_lost_to_a_trial_that_another_takes(url, monkeypatch):
    """Where another driver begins what was cut off, a Tuner asks for something else."""
    tuner = Tuner(
        SPACE, rand.suggest, trials=Trials(store=url, exp_key="k"),
        points_to_evaluate=[{"a": float(a), "kind": "x"} for a in range(3)],
    )  # fmt: skip
    tuner.ask()
    with tuner.trials.step(tuner.space) as history:
        history.requeue(0, "cut")

    def taken(self, number):
        raise TakenElsewhere("another driver")

    monkeypatch.setattr(History, "resume", taken)
    assert [candidate.values["a"] for candidate in tuner.ask(2)] == [1.0, 2.0]


@pytest.mark.parametrize("load", [True, False])
def test_trials_in_a_pickle_are_refreshed(url, load):
    """Trials of a store that were pickled see what others record."""
    searched(url, 2, trials=Trials(store=url, exp_key="k"), objective=losing)
    trials = StoreTrials.load(url, "k") if load else Trials(store=url, exp_key="k")
    again = pickle.loads(pickle.dumps(trials))
    searched(url, 4, trials=Trials(store=url, exp_key="k"), objective=losing)
    again.refresh()
    assert len(again) == 4


def test_a_url_is_no_journal():
    """The URL of a store in place of a journal's folder is refused by a sentence."""
    for make in (Trials.load, lambda url: Trials(journal=url)):
        with pytest.raises(ValueError, match="but got a URL: that is of a store"):
            make("sqlite:///runs.db")
