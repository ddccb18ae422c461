"""Stores for tests: workers in a thread, objectives that they import, and rows written by hand."""

import contextlib
import json
import pickle
import sqlite3
import threading
import warnings
from pathlib import Path

import store_objectives
from store_objectives import saddle

from sparktune import StoreTrials, fmin, hp, rand
from sparktune.storage.stores.opening import open_store
from sparktune.worker import Worker

SPACE = {"a": hp.uniform("a", -2, 3), "kind": hp.choice("kind", ["x", {"b": hp.randint("b", 9)}])}
KEY = "a secret of these tests alone"


NAME = "store_objectives:saddle"
NAMES = {f"store_objectives:{name}": getattr(store_objectives, name) for name in
         ("saddle", "echo", "failing", "dying", "modelling", "large", "logging")}  # fmt: skip


class Working:
    """A worker in a thread, from ``with`` to its end; ``lines`` are what it said."""

    def __init__(self, url, exp_key="k", objectives=NAMES, **options):
        self.lines, self.error, self.done = [], None, None
        options = {"poll_interval": 0.02, **options}
        self.worker = Worker(url, exp_key, objectives, say=self.lines.append, **options)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            self.done = self.worker.run()
        except BaseException as error:
            self.error = error

    def wait(self):
        self._thread.join(60)
        assert not self._thread.is_alive(), self.lines[-5:]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.worker.stop()
        self.wait()

    def said(self, text):
        return [line for line in self.lines if text in line]


def searched(url, count, exp_key="k", objective=saddle, trials=None, space=SPACE, **options):
    """The trials of an fmin on a store."""
    if trials is None:
        trials = StoreTrials(url, exp_key, parallelism=2, lost_after=5)
    options = {"algo": rand.suggest, "rstate": 1, "show_progressbar": False, **options}
    fmin(objective, space, max_evals=count, trials=trials, **options)
    return trials


class Driving:
    """A search in a thread, from ``with`` to its end; ``said`` has its warnings."""

    def __init__(self, url, count, trials=None, exp_key="k", **options):
        if trials is None:
            trials = StoreTrials(url, exp_key, parallelism=2, lost_after=5)
        self.trials = trials
        self.said, self.error = [], None
        self._search = lambda: searched(url, count, trials=self.trials, **options)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            self._search()
        except BaseException as error:
            self.error = error

    def wait(self):
        self._thread.join(60)
        assert not self._thread.is_alive(), self.said[-5:]
        if self.error is not None:
            raise self.error

    def __enter__(self):
        self._caught = warnings.catch_warnings(record=True)
        self._told = self._caught.__enter__()
        warnings.simplefilter("always")
        self._thread.start()
        return self

    def __exit__(self, *failed):
        if failed[0] is not None:
            self.trials.cancel()
        try:
            self.wait()
        finally:
            self.said += [str(each.message) for each in self._told]
            self._caught.__exit__(*failed)


def touching(path):
    """A pickle that makes a file when it is opened."""

    class Touch:
        def __reduce__(self):
            return Path.touch, (Path(path),)

    return pickle.dumps(Touch())


class Rows:
    """The tables of a store by hand, as somebody who may write them has them."""

    def __init__(self, url):
        self._url = url
        if url.startswith("sqlite"):
            self._connection = sqlite3.connect(
                url.removeprefix("sqlite:///"), isolation_level=None, timeout=60
            )
            self._mark = "?"
        else:
            import psycopg

            self._connection = psycopg.connect(url, autocommit=True)
            self._mark = "%s"

    def __call__(self, statement, *values):
        """What a statement gives, with ``?`` for values."""
        found = self._connection.execute(statement.replace("?", self._mark), values)
        return found.fetchall() if found.description else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def add(self, table, **values):
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        self(f"INSERT INTO sparktune_{table} ({names}) VALUES ({marks})", *values.values())

    def add_trial(self, number, revised=True, **values):
        """A row as that of a trial in the queue, but for what is given."""
        row = {
            "exp_key": "k", "number": number, "attempt": 0, "state": "queued",
            "candidate": json.dumps({"a": 0.5, "kind": 0}), "config": "", "started": 1e9,
            "job": "", "proof": "", "lost": 0, "outcome": None, "outcome_proof": "",
            "worker": "", "driver": "nobody", "status": None, "counts": False, "beat": 0.0,
            "stopping": False,
        }  # fmt: skip
        with self.at_once():
            row["revision"] = self.revision() if revised else 0
            self.add("trials", **{**row, **values})

    def add_job(self, job, exp_key="k", **values):
        row = {"objective": job.objective, "payload": job.payload, "space": job.space}
        row |= {"exp_key": exp_key, "id": job.id, "settings": job.settings, **values}
        self.add("jobs", **row)

    def revision(self, exp_key="k"):
        """The next revision."""
        self("UPDATE sparktune_searches SET revision = revision + 1 WHERE exp_key = ?", exp_key)
        return self("SELECT revision FROM sparktune_searches WHERE exp_key = ?", exp_key)[0][0]

    @contextlib.contextmanager
    def at_once(self):
        """Statements that others see together."""
        self("BEGIN" if self._mark == "%s" else "BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self("ROLLBACK")
            raise
        self("COMMIT")

    def trial(self, number, *columns, exp_key="k"):
        names = ", ".join(columns)
        where = "WHERE exp_key = ? AND number = ?"
        (row,) = self(f"SELECT {names} FROM sparktune_trials {where}", exp_key, number)
        return row[0] if len(columns) == 1 else row

    def change(self, number, /, exp_key="k", revised=True, **values):
        """Change a trial's row; drivers are told where it is ``revised``."""
        with self.at_once():
            if revised:
                values["revision"] = self.revision(exp_key)
            told = ", ".join(f"{name} = ?" for name in values)
            where = "WHERE exp_key = ? AND number = ?"
            self(f"UPDATE sparktune_trials SET {told} {where}", *values.values(), exp_key, number)


@contextlib.contextmanager
def opened(url, exp_key="k", lost_after=5.0):
    """A store, closed at the end."""
    store = open_store(url, exp_key, lost_after)
    try:
        yield store
    finally:
        store.close()
