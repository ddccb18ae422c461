"""Workers of a store, and what becomes of the trials that they evaluate."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import store_objectives
from store_objectives import saddle
from stores import KEY, NAME, Driving, Rows, Working, opened, searched

from sparktune import (
    Status,
    StoreError,
    StoreTrials,
    hp,
)
from sparktune.exceptions import AllTrialsFailed
from sparktune.prune import Median
from sparktune.storage.stores.signing import VARIABLE, Key
from sparktune.worker import Worker, objectives_of

HELPERS = str(Path(__file__).parents[1] / "helpers")


# -- limits of a worker


def test_a_worker_ends_after_its_jobs(url):
    """A worker with max_jobs ends after so many trials, and says how each ended."""
    with Driving(url, 3) as driving:
        with Working(url, max_jobs=2) as one:
            one.wait()
        assert one.done == 2
        assert len(one.said(": ok, loss ")) == 2
        with Working(url):
            driving.wait()


@pytest.mark.parametrize("limit", ["reserve_timeout", "last_job_timeout"])
def test_a_worker_ends_without_trials(url, limit):
    """A worker ends after so many seconds without a trial, or after so many in all."""
    with Working(url, **{limit: 0.05}) as working:
        working.wait()
    assert working.done == 0
    assert working.error is None


def test_a_worker_ends_after_many_failures(url):
    """A worker ends after so many failed trials in a row, with the reason of the last one."""
    with Driving(url, 5, objective=store_objectives.failing) as driving:
        with Working(url, max_consecutive_failures=3) as working:
            working.wait()
        assert isinstance(working.error, StoreError)
        assert "3 trials failed in a row, the last with" in str(working.error)
        assert "as always" in str(working.error)
        with pytest.raises(AllTrialsFailed), Working(url, max_consecutive_failures=None):
            driving.wait()
        driving.error = None
    assert driving.trials.statuses() == ["fail"] * 5


BAD = {
    "poll_interval": (0, -1, "x", float("nan"), float("inf")),
    "max_jobs": (0, 1.5, "x"),
    "reserve_timeout": (0, "x"),
    "last_job_timeout": (-1, "x"),
    "max_consecutive_failures": (0, "x"),
}


@pytest.mark.parametrize(("name", "value"), [(name, v) for name, vs in BAD.items() for v in vs])
def test_limits_that_are_none(url, name, value):
    """A limit out of its range is refused by its name, before the database is looked for."""
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        Worker("sqlite:///no/such/folder/x.db", "k", {NAME: saddle}, **{name: value})


def test_a_worker_that_would_take_nothing(url):
    """A worker with neither a key nor an objective is refused."""
    with pytest.raises(ValueError, match="would take no trial: name objectives"):
        Worker(url, "k", {})


OBJECTIVES = {
    "saddle": "is named as 'pkg.mod:fn', by a module rather than a file, but got 'saddle'",
    ":saddle": "is named as",
    "store_objectives:": "is named as",
    "no_such_module:f": "'no_such_module:f' cannot be imported: ModuleNotFoundError",
    "store_objectives:nothing": "cannot be imported: AttributeError",
    "store_objectives:__doc__": "is no function, but 'Objectives",
    ".x:f": "by a module rather than a file",
    "./x.py:f": "by a module rather than a file",
    "broken_module:f": "cannot be imported: ZeroDivisionError: division by zero",
    "ending_module:f": "cannot be imported: SystemExit: 3",
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_objectives_that_are_none(name, tmp_path, monkeypatch):
    """A name that is no function's is refused with what is wrong with it."""
    (tmp_path / "broken_module.py").write_text("1 / 0")
    (tmp_path / "ending_module.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=OBJECTIVES[name]):
        objectives_of([name])


def test_a_worker_that_stops_at_once(url, key, gate, monkeypatch):
    """A worker that stops at once gives its trial back; one with a key of its own takes it."""
    door = gate.door()

    def objective(x):
        door()
        return x

    with Driving(url, 1, objective=objective, space=hp.uniform("x", 0, 1)) as driving:
        with Working(url) as one:
            gate.reached_by(1)
            one.worker.stop(at_once=True)
            one.wait()
        gate.left_by(1)
        assert (one.done, one.error) == (0, None)
        gate.open()
        monkeypatch.delenv(VARIABLE)
        with Working(url, objectives={}, key=Key(KEY), max_jobs=1) as other:
            driving.wait()
        assert other.worker.done == 1
    assert [trial.attempt for trial in driving.trials.history] == [0]


# -- the command


def command(*words):
    return [sys.executable, "-m", "sparktune", "worker", *words]


@pytest.fixture
def worker(tmp_path, begin):
    """Starts `sparktune worker` as a process of its own; killed at the end."""

    def start(url, *words, **env):
        return begin(
            command("--store", url, "--exp-key", "k", *words), cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([HELPERS, *sys.path]), **env},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start


def test_the_command_works(url, worker):
    """`sparktune worker` evaluates trials of its store, and ends well after its jobs."""
    process = worker(url, "--objective", NAME, "--max-jobs", "2")
    trials = searched(url, 2)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert not out
    assert "waits for trials of sqlite" in said
    assert said.count(": ok, loss ") == 2
    assert trials.statuses() == ["ok", "ok"]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 2, "would take no trial"),
        (["--objective", "x"], 2, "is named as 'pkg.mod:fn'"),
        (["--objective", "no.such:f"], 2, "cannot be imported"),
        (["--max-jobs", "0"], 2, "must be a whole number from 1"),
        (["--poll-interval", "nan"], 2, "must be a number of seconds above 0"),
        (["--exp-key", ""], 2, "`exp_key` must be a name"),
        (["--store", "mysql://me:hush@h/d"], 2, "a store is in PostgreSQL or SQLite"),
        (["--store", "sqlite:///no/such/folder/x.db"], 1, "unable to open database file"),
    ],
)
def test_a_command_that_is_wrong(url, capsys, words, code, sentence):
    """Words that make no worker end with a sentence and the exit code that commands have."""
    from sparktune.cli.commands import main

    objective = [] if not words or "--objective" in words else ["--objective", NAME]
    assert main(["worker", "--store", url, *objective, *words]) == code
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert "hush" not in said


def test_a_worker_without_sqlalchemy(url, capsys, monkeypatch):
    """Where SQLAlchemy is missing, the command names the extra that brings it."""
    from sparktune.cli.commands import main

    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    monkeypatch.delitem(sys.modules, "sparktune.storage.stores.sql", raising=False)
    assert main(["worker", "--store", url, "--objective", NAME]) == 1
    assert "pip install 'sparktune[sql]'" in capsys.readouterr().err


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT"])
def test_a_worker_is_told_to_end(url, worker, gate, wait_for, how, monkeypatch):
    """SIGTERM lets the trial end; Ctrl-C gives it back to the queue at once, and exits with 130."""
    monkeypatch.setenv(VARIABLE, KEY)
    door = gate.door()

    def waiting(config):
        door()
        return config["a"]

    process = worker(url)
    with Driving(url, 1, objective=waiting) as driving:
        gate.reached_by(1)
        process.send_signal(getattr(signal, how))
        if how == "SIGTERM":
            gate.open()
            driving.wait()
        said = process.communicate(timeout=60)[1]
        assert process.returncode == (0 if how == "SIGTERM" else 130), said
        assert "Traceback" not in said
        if how == "SIGINT":
            gate.left_by(1)
            with Rows(url) as rows:
                assert rows.trial(0, "state", "attempt", "lost", "worker") == ("queued", 0, 0, "")
            gate.open()
            with Working(url, objectives={}):
                driving.wait()
    assert driving.trials.statuses() == ["ok"]
    assert driving.trials.history[0].attempt == 0


# -- trials


def test_a_trial_that_dies_is_a_failed_one(url):
    """A crash fails its trial alone, and what it printed last is kept."""
    with Driving(url, 2, objective=store_objectives.dying) as driving, Working(url) as working:
        with pytest.raises(AllTrialsFailed):
            driving.wait()
        driving.error = None
    assert working.error is None
    for trial in driving.trials.history:
        assert (trial.status, trial.attempt) == (Status.FAILED, 0)
        assert trial.outcome.error_type == "crashed"
        assert "about to die" in trial.outcome.log_tail


def test_a_crash_is_tried_again(url, tmp_path, monkeypatch):
    """With retry_crashes a trial whose process died is begun again, up to max_retries times."""
    monkeypatch.setenv(VARIABLE, KEY)
    marks = tmp_path / "marks"
    marks.mkdir()

    def dying_at_first(config, trial):
        import os

        (marks / f"{trial.number}-{trial.attempt}").touch()
        if trial.attempt < (1 if trial.number == 0 else 9):
            os._exit(3)
        return config["a"]

    trials = StoreTrials(url, "k", parallelism=1, retry_crashes=True, max_retries=2)
    with Working(url):
        searched(url, 2, objective=dying_at_first, trials=trials)
    assert sorted(path.name for path in marks.iterdir()) == ["0-0", "0-1", "1-0", "1-1", "1-2"]
    assert trials.history[0].status is Status.OK
    assert trials.history[0].attempt == 1
    assert trials.history[1].status is Status.FAILED
    assert StoreTrials.load(url, "k").statuses() == ["ok", "fail"]


def test_a_time_limit_holds_on_a_worker(url, key):
    """A trial that takes longer than its limit is over as TIMED_OUT."""

    def endless(config):
        while True:
            pass

    trials = StoreTrials(url, "k", parallelism=1, trial_timeout=0.1, trial_grace=0.1)
    with Working(url), pytest.raises(AllTrialsFailed):
        searched(url, 1, objective=endless, trials=trials)
    assert trials.history[0].status is Status.TIMED_OUT


def test_what_a_failed_trial_printed(url):
    """A failed trial has its traceback, the worker's host and the end of what it printed."""
    with Driving(url, 1, objective=store_objectives.failing) as driving, Working(url):
        with pytest.raises(AllTrialsFailed):
            driving.wait()
        driving.error = None
    outcome = StoreTrials.load(url, "k").history[0].outcome
    assert "ValueError: as always" in outcome.error
    assert "about to fail" in outcome.log_tail
    assert outcome.host


def test_a_pruner_stops_trials_on_workers(url, key):
    """A rule sees what trials on workers report, and stops those that are behind."""

    def curve(config, trial):
        for step in range(200):
            trial.report(step, float(trial.number))
            if trial.number > 4:
                import threading

                threading.Event().wait(0.02)
        return float(trial.number)

    trials = StoreTrials(url, "k", parallelism=1)
    with Working(url):
        searched(url, 8, objective=curve, trials=trials, pruner=Median(startup=4))
    statuses = [trial.status for trial in trials.history]
    assert statuses[:4] == [Status.OK] * 4
    assert Status.PRUNED in statuses[4:]
    loaded = StoreTrials.load(url, "k")
    assert [trial.status for trial in loaded.history] == statuses
    assert loaded.reports(0) == trials.reports(0)
    assert len(loaded.reports(0)) == 200


def test_a_worker_that_is_killed(url, worker, gate, key):
    """The trial of a worker that was killed is begun again, and its late answer is refused."""
    door = gate.door()

    def waiting(config, trial):
        if trial.attempt == 0:
            door()
        return float(trial.attempt)

    process = worker(url)
    with Driving(url, 1, objective=waiting) as driving:
        gate.reached_by(1)
        with Rows(url) as rows:
            name = rows.trial(0, "worker")
            process.kill()
            process.wait()
            rows("UPDATE sparktune_trials SET beat = beat - 100")  # as if time had passed
        with Working(url, objectives={}):
            driving.wait()
    trial = driving.trials.history[0]
    assert (trial.status, trial.attempt, trial.loss) == (Status.OK, 1, 1.0)
    with opened(url) as store:
        assert not store.finish(name, 0, 0, "ok", True, '{"status":"ok","loss":-9.0}')
    assert StoreTrials.load(url, "k").losses() == [1.0]


def test_a_worker_that_is_silent_for_long(url, key, gate, wait_for):
    """A worker that was taken for dead is told that its trial was taken away, and goes on."""
    door = gate.door()

    def waiting(config, trial):
        if trial.attempt == 0:
            door()
        return float(trial.attempt)

    def is_silent_and_lost():
        rows("UPDATE sparktune_trials SET beat = beat - 100")
        return rows.trial(0, "attempt") == 1

    with Working(url) as working, Driving(url, 1, objective=waiting) as driving, Rows(url) as rows:
        gate.reached_by(1)
        assert wait_for(is_silent_and_lost)
        driving.wait()
        gate.open()
    assert driving.trials.losses() == [1.0]
    assert working.said("trial 0 was taken away") or working.said(
        "trial 0 was cut off, or begun again elsewhere"
    )


def test_results_beside_the_loss(url, monkeypatch):
    """A model in a result comes back with a key; who has none sees that it is closed."""
    monkeypatch.setenv(VARIABLE, KEY)

    def with_model(config):
        return {"loss": config["a"], "model": saddle, "n": 3}

    with Working(url):
        trials = searched(url, 1, objective=with_model)
    assert trials.history[0].outcome.info["model"] is saddle
    assert StoreTrials.load(url, "k").history[0].outcome.info["n"] == 3
    monkeypatch.delenv(VARIABLE)
    seen = StoreTrials.load(url, "k").history[0].outcome.info["model"]
    assert f"not opened without {VARIABLE}" in seen


def test_results_without_a_key(url):
    """Without a key what is no plain data is left out of a result, and a text says so."""
    with Working(url), pytest.warns(UserWarning, match="more than plain data"):
        trials = searched(url, 1, objective=store_objectives.modelling)
    info = trials.history[0].outcome.info
    assert "is not kept" in info["model"]
    assert info["n"] == 3


def test_a_busy_worker_is_a_live_one(url, key, gate, wait_for, monkeypatch):
    """A worker gives its own sign of life also while it evaluates a trial."""
    monkeypatch.setattr("sparktune.worker.worker.BEAT", 0.01)
    door = gate.door()

    def waiting(config):
        door()
        return config["a"]

    with Working(url), opened(url) as store, Driving(url, 1, objective=waiting):
        gate.reached_by(1)
        with Rows(url) as rows:
            rows("UPDATE sparktune_workers SET beat = beat - 100")
        assert wait_for(lambda: store.workers() == 1)
        gate.open()


def test_a_result_that_is_too_large(url, monkeypatch):
    """A result that no store takes fails its trial alone, and the worker goes on."""
    monkeypatch.setattr("sparktune.storage.stores.outcomes._LONGEST", 500)
    with Working(url) as working, pytest.raises(AllTrialsFailed):
        trials = StoreTrials(url, "k", parallelism=1)
        searched(url, 2, trials=trials, objective=store_objectives.large)
    assert working.error is None
    assert [trial.status for trial in trials.history] == [Status.FAILED] * 2
    assert "too large for a store, which takes 500" in trials.history[0].outcome.error


def test_a_queue_that_somebody_fills(url, monkeypatch):
    """A worker ends with a sentence where it has refused thousands of trials."""
    monkeypatch.setattr("sparktune.worker.worker._MOST_REFUSED", 3)
    with opened(url), Rows(url) as rows:
        for number in range(5):
            rows.add_trial(number, job=f"job-{number}")
    with Working(url) as working:
        working.wait()
    assert isinstance(working.error, StoreError)
    assert "somebody fills the queue, or it has another key" in str(working.error)
