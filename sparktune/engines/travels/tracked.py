"""What MLflow is told where a trial runs: whose the runs are that its objective begins or logs to.

``told`` is a dict:

    tags        of every run that the objective begins; None where it shares its process with others
    uri         of the server for these runs where a trial's process knows none; None for no server
    experiment  id of their experiment, likewise
    live        None, or where the run of the trial itself is, active while the trial lasts:

        uri         of the server; None where none is known
        experiment  id of the run's experiment
        run         id of the run; None where it could not be made
        why         why it could not; None where it was

A trial whose run cannot be active runs all the same. What it logs then goes nowhere, unless it runs
in the driver's process.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

_CONTEXT = "MLFLOW_RUN_CONTEXT"  # of MLflow: tags of each run that is begun here, as JSON
_EXPERIMENT = ("MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")
_HASTY = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}  # of MLflow, while a trial waits for it rather than for its objective
_SECONDS_TO_CONNECT = 3.0
_SECONDS_OF_OUTAGE = 60.0  # until a server that did not answer is asked again
_MOST_LEFT_OPEN = 1000
_STATUS = {"returned": "FINISHED", "pruned": "KILLED"}

_lock = threading.Lock()
_in_haste: list[dict[str, str | None]] = []
_silent: dict[str, float] = {}  # since when, by uri


class Beside:
    """MLflow beside one trial.

    Attributes:
        note: why the trial's run was not active, as a sentence; None where it was, or was not to.
        status: of the trial's run where it is closed; the driver says the last word.
    """

    note: str | None = None
    status: str = "FINISHED"

    def ended(self, status: str) -> None:
        """Take the status of the trial's answer; see the trial module."""
        self.status = _STATUS.get(status, "FAILED")


@contextlib.contextmanager
def tracked(told: Mapping[str, Any] | None, is_own: bool = True) -> Iterator[Beside]:
    """Let the runs of MLflow that are begun meanwhile have the tags of their trial.

    Where the trial's own run is told, too, it is active in this thread meanwhile. What the
    objective left open is closed, but by default not in the driver's process.

    Args:
        told: see above; None where nothing is tracked.
        is_own: whether this process is there for trials alone, and not the driver's.
    """
    beside = Beside()
    with contextlib.ExitStack() as stack:
        if told and told["tags"]:
            text = json.dumps({**_tags_in(os.environ.get(_CONTEXT)), **told["tags"]})
            more = _way_to(told["uri"], told["experiment"]) if is_own and not told["live"] else {}
            stack.enter_context(_variables({_CONTEXT: text, **more}))
        if told and told["live"]:
            stack.enter_context(_active(told["live"], beside, is_own))
        elif told and is_own:
            stack.callback(_close_in_haste, _active_run(), beside)
        yield beside


def why_unreachable(uri: str | None) -> str | None:
    """Why nothing can be logged at a server from here, as far as that is seen at once."""
    if uri is None:
        return "MLFLOW_TRACKING_URI is not set here"
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme in ("file", "sqlite"):
        path = urllib.parse.unquote(parts.path)
        path = path[1:] if parts.scheme == "sqlite" else path
        return None if os.path.exists(path) else f"{uri} is not on this machine"  # noqa: PTH110
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return None
    proxied = parts.scheme in urllib.request.getproxies()
    if proxied and not urllib.request.proxy_bypass(parts.hostname):
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), _SECONDS_TO_CONNECT).close()
    except (OSError, UnicodeError) as error:
        return silence_in_words(parts.hostname, port, error)
    return None


def is_unknown_host(error: Exception) -> bool:
    """Whether a connection failed because its host's name is not known, or is no name at all."""
    return isinstance(error, (socket.gaierror, UnicodeError))


def silence_in_words(host: str, port: int, error: Exception) -> str:
    """Why nobody is heard at an address, by what a connection to it has raised."""
    if is_unknown_host(error):
        return f"the host name {host!r} is not known here ({getattr(error, 'strerror', error)})"
    return f"{host}:{port} cannot be reached: {error}"


def _way_to(uri: str | None, experiment: str) -> dict[str, str]:
    """The variables by which MLflow here finds a server that it can reach and knows nothing of."""
    if uri is None or os.environ.get("MLFLOW_TRACKING_URI") or not _is_there(uri):
        return {}
    found = {"MLFLOW_TRACKING_URI": uri}
    if experiment and not any(map(os.environ.get, _EXPERIMENT)):
        found["MLFLOW_EXPERIMENT_ID"] = experiment
    return found


@functools.cache  # a machine without a way to the server waits for that once
def _is_there(uri: str) -> bool:
    """Whether MLflow is installed and its server listens, and is not one that a platform knows."""
    is_known = urllib.parse.urlsplit(uri).scheme in ("http", "https", "sqlite", "file")
    is_installed = "mlflow" in sys.modules or importlib.util.find_spec("mlflow") is not None
    return is_known and is_installed and why_unreachable(uri) is None


@contextlib.contextmanager
def _active(live: Mapping[str, Any], beside: Beside, is_own: bool) -> Iterator[None]:
    """Have a trial's run active; where it cannot be, say why, and let nobody else have its logs."""
    uri, why = live["uri"], live["why"]
    silent_for = time.monotonic() - _silent.get(uri, -_SECONDS_OF_OUTAGE)
    if why is None and is_own and silent_for < _SECONDS_OF_OUTAGE:
        why = f"{uri} did not answer {silent_for:.0f} s ago"
    elif why is None and is_own and (why := why_unreachable(uri)) is not None:
        _silent[uri] = time.monotonic()
    outer = _active_run()
    if why is None:
        with _hasty():
            why = _begin(live, is_own)
    beside.note = None if why is None else f"its run of MLflow was not active: {why}"
    folder = None
    if why is not None and is_own:
        folder = tempfile.mkdtemp(prefix="sparktune-mlflow-")
        _go_to(f"file://{folder}/runs", None)  # MLflow fills a folder that it makes
    try:
        yield
    finally:
        _close_in_haste(outer, beside)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _begin(live: Mapping[str, Any], is_own: bool) -> str | None:
    """Make a run the active one; why it could not be."""
    try:
        import mlflow
    except Exception as error:  # whatever an installation that is broken raises
        return f"MLflow cannot be imported here ({type(error).__name__}: {error})"
    try:
        if is_own:
            _go_to(live["uri"], live["experiment"])
        try:
            mlflow.start_run(run_id=live["run"], nested=True)
        except Exception:
            if not is_own or why_unreachable(live["uri"]) is not None:
                raise
            mlflow.set_experiment(experiment_id=live["experiment"])  # an objective chose another
            mlflow.start_run(run_id=live["run"], nested=True)
    except Exception as error:
        _silent[live["uri"]] = time.monotonic()
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:300]}"
    return None


def _active_run() -> str | None:
    """The id of the run that is active in this thread."""
    mlflow = sys.modules.get("mlflow")
    active = None if mlflow is None else mlflow.active_run()
    return None if active is None else str(active.info.run_id)


def _close_in_haste(outer: str | None, beside: Beside) -> None:
    """End the runs of this thread down to the one that was active before."""
    with _hasty():
        for _ in range(_MOST_LEFT_OPEN):
            if _active_run() in (None, outer):
                return
            with contextlib.suppress(Exception):  # of the server; the run is active no more
                sys.modules["mlflow"].end_run(beside.status)


def _go_to(uri: str, experiment: str | None) -> None:
    """Have this process log to a server from now on; without an experiment, to a new folder."""
    values = {"MLFLOW_TRACKING_URI": uri, "MLFLOW_EXPERIMENT_ID": experiment}
    if experiment is None:
        values["MLFLOW_ALLOW_FILE_STORE"] = "true"
    _set({**values, "MLFLOW_EXPERIMENT_NAME": None, "MLFLOW_RUN_ID": None})
    mlflow = sys.modules.get("mlflow")
    if mlflow is None:
        return
    mlflow.set_tracking_uri(uri)
    if experiment is None:
        with contextlib.suppress(Exception):  # one that was set before is not in the folder
            mlflow.set_experiment("trials without their runs")


@contextlib.contextmanager
def _hasty() -> Iterator[None]:
    """Let MLflow give up soon; threads may be in here together."""
    with _lock:
        before = _in_haste[0] if _in_haste else _set(_HASTY)
        _in_haste.append(before)
    try:
        yield
    finally:
        with _lock:
            before = _in_haste.pop()
            if not _in_haste:
                _set(before)


@contextlib.contextmanager
def _variables(values: Mapping[str, str | None]) -> Iterator[None]:
    before = _set(values)
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Set environment variables, or remove those that are None; what they were."""
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before


def _tags_in(text: str | None) -> dict[str, Any]:
    """The tags that are set already."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
