"""A Spark Connect session, as a run of trials uses it; no SparkContext, no JVM on this side."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ...checks import advise
from ...exceptions import EngineStopped
from ..base import RunSpec
from ..shipping import Shipment, stand_in_names
from ..travels import sources
from . import internals
from .session import (
    Jobs,
    Link,
    LostSession,
    idle_limit,
    is_local,
    is_on_one_machine,
    is_stopped,
    may_copy,
    refused_profile,
    too_large,
    without_stack,
)
from .slots import task_slots

__all__ = ["ConnectJobs", "ConnectLink"]

_WORKER_SETTINGS = ("spark.sql.execution.pyspark.udf", "spark.python.worker")
_INLINE_BYTES = 100_000
_RENEWAL = {"max_retries": 7, "max_backoff": 5000}  # about 20 seconds; see pyspark's DefaultPolicy
_STARTING = "AssertionError"  # from a server that listens already and is not up yet
_STARTING_SECONDS = (0.5, 1, 2, 4, 8)

_UNREACHABLE = ("UNAVAILABLE", "failed to connect", "Connection refused", "RetriesExceeded")
_SESSION_GONE = (
    "SESSION_CLOSED",
    "SESSION_NOT_FOUND",
    "SESSION_CHANGED",
    "incorrect server side session",
    "OPERATION_NOT_FOUND",
    "OPERATION_ABANDONED",
    "SparkContext was shut down",
    "SparkContext has been shutdown",
    "stopped SparkContext",
)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


class ConnectJobs(Jobs):
    """Queries of one task in a Spark Connect session.

    Executors need Python (the client's minor version) and pyarrow. Where the session went down with
    an earlier server, they run in one of their own, with the settings of the server.

    Args:
        session: the session.
        resource_profile: a pyspark ResourceProfile for the tasks, or None.
        tag: that all queries carry.
    """

    name = "Spark Connect session"
    needs = "with pyarrow and what the objective imports"
    when_set = "where the Spark Connect server is started"
    thread = threading.Thread
    words = staticmethod(_words)

    def __init__(self, session: Any, resource_profile: Any, tag: str) -> None:
        from pyspark import cloudpickle

        if is_stopped(session):
            raise EngineStopped("the Spark Connect session was stopped; create a new one first")
        cloudpickle.register_pickle_by_value(sources)
        self._session = _living(session)
        master = str(self._session.conf.get("spark.master", ""))
        self.is_here = is_on_one_machine(master) and internals.is_on_this_machine(self._session)
        self._run = tag
        self._profile = resource_profile
        self._options = self._options_in(self._session)
        self._user_tags = set(self._session.getTags())
        if limit := idle_limit(self._session.conf, *_WORKER_SETTINGS):
            advise(limit)

    def _options_in(self, session: Any) -> dict[str, Any]:
        """What mapInArrow takes beside the function, on the server of a session."""
        if self._profile is None:
            return {}
        master = "of the server"
        with contextlib.suppress(Exception):  # a server that does not tell
            master = str(session.conf.get("spark.master", master))
        if is_local(master):
            raise refused_profile(master)
        try:
            return {"profile": internals.ServersProfile(session, self._profile)}
        except Exception as error:  # AttributeError: the client is older than Spark 4
            why = "refused it, as Spark Connect does before Spark 4"
            if not isinstance(error, AttributeError):
                why = f"refused it: {without_stack(_words(error))[:500]}"
            raise refused_profile(master, why) from error

    def slots(self) -> int:
        return task_slots(self._session)

    def code(self, blob: bytes) -> Any:
        return blob

    def run_task(self, tag: str, title: str, answer: Callable[..., bytes], *args: Any) -> bytes:
        return self._asked(self._session, tag, title, answer, *args)

    def _asked(
        self, session: Any, tag: str, title: str, answer: Callable[..., bytes], *args: Any
    ) -> bytes:
        """What a query in a session gives."""
        function, options = sources.arrow_function(answer, *args), self._options
        tags = {self._run, tag, title.replace(",", ";"), *self._user_tags} - {""}
        try:
            for each in tags:
                session.addTag(each)
            rows = session.range(0, 1, 1, 1).mapInArrow(function, "answer binary", **options)
            (row,) = rows.collect()
            return bytes(row.answer)
        finally:
            for each in tags:
                session.removeTag(each)

    def python_of_workers(self) -> str | None:
        return internals.python_of_connect_workers(self._session)

    def cancel(self, tag: str) -> None:
        with contextlib.suppress(Exception):  # a server that is gone runs nothing
            self._session.interruptTag(tag)


class ConnectLink(ConnectJobs, Link):
    """A Spark Connect session, as a run uses it: a query for each task, about 130 ms a trial.

    Large pickles are added to the session as artifacts. Where the server was started anew, trials
    that were under way are lost and may be submitted again: the run goes on in a session of its
    own, with the settings of the server.

    Args:
        session: the session.
        resource_profile: a pyspark ResourceProfile for the tasks, or None.
        spec: of the run.
    """

    def __init__(self, session: Any, resource_profile: Any, spec: RunSpec) -> None:
        super().__init__(session, resource_profile, spec.tag)
        from pyspark import cloudpickle

        self._code = sources.texts(stand_in_names())
        self._earlier: list[Any] = []
        self._renewing = threading.Lock()
        self._on_retry = "run" if may_copy(self._session.conf) else "lost"
        self._artifacts: dict[str, bytes] = {}  # sent again to the session of a restarted server
        self._keeps_time = spec.settings.hard is not None
        self._here = threading.local()
        self._running: dict[str, float] = {}
        self.shipment = Shipment(spec, cloudpickle)
        self._listen()

    def _listen(self) -> None:
        if self._keeps_time:
            with contextlib.suppress(AttributeError):  # before Spark 4
                self._session.registerProgressHandler(self._note_progress)

    def send(self, digest: str, blob: bytes, lasting: bool) -> tuple[str, Any]:  # noqa: ARG002
        """Send a large pickle as an artifact, a small one with each task."""
        if len(blob) <= _INLINE_BYTES:
            return ("bytes", blob)
        name = f"sparktune-{digest[:32]}.pickle"
        with self._renewing:
            self._artifacts[name] = blob
            _add_artifact(self._session, name, blob)
        return ("artifact", name)

    def run_one(
        self, tag: str, title: str, message: Mapping[str, Any], wanted: Callable[[], bool]
    ) -> bytes:
        session = self._session
        self._here.tag = tag
        args = (self._code, message, self._on_retry)
        try:
            return self._asked(session, tag, title, sources.answer_once, *args)
        except Exception as error:
            self._renew_if_gone(session, error, wanted)
            raise
        finally:
            self._running.pop(tag, None)

    def _note_progress(self, *, inflight_tasks: int = 0, **_: Any) -> None:
        """Note when a query's task began; called by the client in the thread of the query."""
        tag = getattr(self._here, "tag", None)
        if tag is not None and inflight_tasks > 0:
            self._running.setdefault(tag, time.monotonic())

    def seconds_running(self, tag: str) -> float | None:
        began = self._running.get(tag)
        return None if began is None else time.monotonic() - began

    def _renew_if_gone(self, session: Any, error: Exception, wanted: Callable[[], bool]) -> None:
        """Where a session is gone, go on in a new one, once for all threads."""
        text = _words(error)
        gone = any(sign in text for sign in (*_SESSION_GONE, *_UNREACHABLE))
        with self._renewing:
            # once the server is another, some queries end with errors that do not say so
            if self._session is session and not (gone or is_stopped(session)):
                return
            if _stopped_by_user(session):
                return
            if self._session is session and wanted():
                try:
                    fresh = _new_session(session)
                    for name, blob in self._artifacts.items():
                        _add_artifact(fresh, name, blob)
                    self._options = self._options_in(fresh)
                except Exception as failure:
                    raise EngineStopped(
                        "the Spark Connect server cannot be reached any more; finished trials are "
                        f"kept: {without_stack(_words(failure))[:500]}"
                    ) from error
                self._earlier.append(session)
                self._session = fresh
                self._listen()
        raise LostSession(f"the Spark Connect session went down: {text[:500]}") from error

    def cancel(self, tag: str) -> None:
        for session in (self._session, *self._earlier):
            with contextlib.suppress(Exception):  # a server that is gone runs nothing
                session.interruptTag(tag)

    def close(self) -> None:
        """Listen no more; artifacts stay with their session."""
        with contextlib.suppress(Exception):  # was never registered, or the session is gone
            self._session.removeProgressHandler(self._note_progress)


def _living(session: Any) -> Any:
    """A session, or one of one's own where it went down with an earlier server."""
    try:
        session.conf.get("spark.app.name", "")  # the client would not ask for its version twice
    except Exception as error:
        # a client that meets another server than before stops, and says nothing of it
        if is_stopped(session) or any(sign in _words(error) for sign in _SESSION_GONE):
            return _new_session(session)
        if any(sign in _words(error) for sign in _UNREACHABLE):
            raise
    return session


def _new_session(session: Any) -> Any:
    """A new session on the server of a given one; asks the server for a moment only."""
    fresh = internals.another_connect_session(session)
    with contextlib.suppress(AttributeError):  # before Spark 4
        # the query that failed has been patient already
        (policy,) = fresh.client.get_retry_policies()
        fresh.client.set_retry_policies([type(policy)(**_RENEWAL)])
    for seconds in _STARTING_SECONDS:
        try:
            _ = fresh.version  # asks the server
            break
        except Exception as error:
            if _STARTING not in _words(error):
                raise
            time.sleep(seconds)
    _ = fresh.version
    with contextlib.suppress(AttributeError):
        fresh.client.set_retry_policies(session.client.get_retry_policies())
    return fresh


def _add_artifact(session: Any, name: str, blob: bytes) -> None:
    """Add a file to a session, unless it has it."""
    sent = vars(session).setdefault("_sparktune_artifacts", set())
    if name in sent:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)  # noqa: PTH118
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(blob)
        try:
            session.addArtifacts(path, file=True)
        except Exception as error:
            raise too_large(blob, "as an artifact of the session", error) from error
    sent.add(name)


def _stopped_by_user(session: Any) -> bool:
    """Whether a session's channel is closed; a client also stops where the server is another."""
    if not is_stopped(session):
        return False
    try:
        session.conf.get("spark.app.name")
    except Exception as error:
        return "NO_ACTIVE_SESSION" in _words(error)
    return False
