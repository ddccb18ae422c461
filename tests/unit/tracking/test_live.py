"""What trials are told of their own runs, where MLflow is not asked for anything."""

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from sparktune.engines.travels.tracked import tracked, why_unreachable
from sparktune.tracking.children import free_names, within
from sparktune.tracking.contexts import OfWorker, context_for
from sparktune.tracking.place import Place
from sparktune.tracking.server import for_others

TOLD = {"search": "s", "experiment": "1", "parent": "p", "suffix": "", "tags": {"mlflow.user": "u"},
        "live": False, "uri": None}  # fmt: skip


def test_where_nobody_listens_is_seen_at_once(tmp_path):
    """An address, a database and a folder are looked for; what is not there is said by name."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert why_unreachable(f"http://127.0.0.1:{port}") is None
    assert f"127.0.0.1:{port} cannot be reached" in why_unreachable(f"http://127.0.0.1:{port}")
    assert "is not on this machine" in why_unreachable(f"sqlite:///{tmp_path}/runs.db")
    (tmp_path / "runs.db").touch()
    assert why_unreachable(f"sqlite:///{tmp_path}/runs.db") is None
    assert why_unreachable(f"file://{tmp_path}") is None
    assert why_unreachable("databricks") is None
    assert "MLFLOW_TRACKING_URI" in why_unreachable(None)


@pytest.mark.parametrize("port", ["", ":5000"])
def test_a_host_name_that_nobody_knows_is_said(nowhere, port):
    """A server whose name is not known is said by that name, and not by what a socket answers."""
    told = f"the host name 'nowhere.example' is not known here ({nowhere})"
    assert why_unreachable(f"http://nowhere.example{port}/mlflow") == told
    assert "is not known here" in why_unreachable(f"http://{'a' * 70}.example")


@pytest.mark.parametrize("uri", ["http://here:5000", "databricks", "databricks://me", "file:///a"])
def test_addresses_travel_as_they_are(uri):
    """What means the same everywhere is not changed."""
    assert for_others(uri) == uri


def test_relative_places_become_absolute(tmp_path, monkeypatch):
    """A database or folder beside the driver is where it is, whoever looks for it."""
    monkeypatch.chdir(tmp_path)
    assert for_others("sqlite:///runs.db") == f"sqlite:///{tmp_path}/runs.db"
    assert for_others(f"sqlite:///{tmp_path}/runs.db") == f"sqlite:///{tmp_path}/runs.db"
    assert for_others("mlruns") == f"file://{tmp_path}/mlruns"


def test_a_name_that_is_taken_has_a_number():
    """What a run has under a name stays; the same number in another text is the same."""
    taken = {"x": "0.50", "kind": "mine", "kind_2": "a"}
    assert free_names(taken, {"x": "0.5", "kind": "b", "n": "3"}) == {"kind_3": "b", "n": "3"}
    assert free_names(taken, {"kind": "a"}) == {}
    assert free_names(taken, {"kind": "b"}, "_s") == {"kind_s": "b"}


def test_nobody_waits_longer_than_said():
    """Work that takes long is left alone, and what it raises in time is raised."""
    hang = threading.Event()
    within(0.0, lambda: hang.wait(60))
    hang.set()

    def fails():
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        within(60, fails)


def test_a_process_that_knows_no_server_has_the_driver_s(monkeypatch, tmp_path):
    """MLflow finds the search's server and experiment, unless it has its own or cannot reach it."""
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID")
    for name in (*names, "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.setenv(name, "")
    (tmp_path / "mlflow.py").write_text("def active_run():\n    return None\n")
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "runs.db").touch()
    there, away = (f"sqlite:///{tmp_path}/{name}" for name in ("runs.db", "gone.db"))

    def found(uri, **options):
        told = context_for(Place("s", experiment="7"), "parent", 0, 0, uri)
        with tracked(told, **options):
            return [os.environ.get(name) for name in names]

    assert found(there) == [there, "7"]
    assert found(there, is_own=False) == ["", ""]
    assert found(away) == found("databricks") == found(None) == ["", ""]
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    assert found(there) == [there, ""]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mine")
    assert found(there) == ["http://mine", ""]


def test_a_trial_without_its_run_logs_nowhere(monkeypatch):
    """In a process for trials MLflow is turned to a folder, which is gone afterwards."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    for name in ("MLFLOW_ALLOW_FILE_STORE", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv(name, "")
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    live = {"uri": "http://127.0.0.1:9", "experiment": "1", "run": None, "why": "it is away"}
    with tracked({"tags": {"a": "b"}, "live": live}) as beside:
        folder = os.environ["MLFLOW_TRACKING_URI"].removeprefix("file://").removesuffix("/runs")
        assert Path(folder).is_dir()
        assert os.environ["MLFLOW_RUN_CONTEXT"] == '{"a": "b"}'
        assert "MLFLOW_EXPERIMENT_NAME" not in os.environ
    assert beside.note == "its run of MLflow was not active: it is away"
    assert not Path(folder).exists()
    assert "MLFLOW_RUN_CONTEXT" not in os.environ


def test_a_worker_tells_trials_whose_their_runs_are():
    """By default a worker's trials are told tags alone."""
    told = OfWorker(TOLD, None).context_of(4, 1)
    assert told["live"] is None
    assert told["tags"]["mlflow.parentRunId"] == "p"
    assert told["tags"]["sparktune.of_trial"] == "4"


def test_a_worker_without_a_server_asks_nobody():
    """Live trials of a worker that knows no server are told why they have no run."""
    told = OfWorker({**TOLD, "live": True}, None).context_of(4, 1)
    assert told["live"]["run"] is None
    assert "MLFLOW_TRACKING_URI is not set here" in told["live"]["why"]


@pytest.mark.parametrize(
    "change", [{"search": 5}, {"tags": [1]}, {"tags": {"a": 1}}, {"live": "yes"}, {"suffix": None}]
)
def test_what_a_database_says_of_mlflow_is_looked_at(change):
    """A worker takes texts alone from a job."""
    with pytest.raises((ValueError, TypeError)):
        OfWorker({**TOLD, **change}, None)
