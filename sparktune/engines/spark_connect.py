"""Trials as Spark tasks through a Spark Connect session; no SparkContext, no JVM on this side.

Executors need Python (the client's minor version), pyarrow and what the objective imports.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
from collections.abc import Mapping
from typing import Any

from ..exceptions import EngineStopped
from . import remote
from .base import RunSpec
from .shipping import Shipment
from .spark_base import JobPerTrial, LostSession, too_large, without_stack

__all__ = ["SparkConnect"]

_INLINE_BYTES = 100_000
_RENEWAL = {"max_retries": 7, "max_backoff": 5000}  # about 20 seconds; see pyspark's DefaultPolicy

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


class SparkConnect(JobPerTrial):
    """Evaluates each task in a query of its own through a Spark Connect session; about 130 ms each.

    Large pickles are added to the session as artifacts. Where the server was started anew, trials
    that were under way are lost and may be submitted again: the engine goes on in a session of its
    own, with the settings of the server.

    Args:
        session: the session.
        slots: how many queries to keep under way; None asks the server when a run begins.
    """

    _sends_again = True  # to the session of a server that was started anew

    def __init__(self, session: Any, slots: int | None = None) -> None:
        super().__init__(slots)
        self._session = session
        self._renewing = threading.Lock()
        self._here = threading.local()
        self._running: dict[str, float] = {}

    def _cluster_slots(self) -> int:
        from pyspark.sql.functions import spark_partition_id

        # a range has as many partitions as the server sees task slots
        return int(self._session.range(100_000).groupBy(spark_partition_id()).count().count())

    def _prepare(self, spec: RunSpec) -> Shipment:
        from pyspark import cloudpickle

        if self._session.is_stopped:
            raise EngineStopped("the Spark Connect session was stopped; create a new one first")
        cloudpickle.register_pickle_by_value(remote)
        self._earlier: list[Any] = []
        self._check_server()
        self._on_retry = "run" if self._may_copy() else "lost"
        self._user_tags = set(self._session.getTags())
        return Shipment(spec, cloudpickle)

    def _check_server(self) -> None:
        """Go on in a session of one's own where the given one went down with an earlier server."""
        try:
            _ = self._session.version
        except Exception as error:
            if not any(sign in _words(error) for sign in _SESSION_GONE):
                raise
            self._session = self._new_session()
        self._listen()

    def _listen(self) -> None:
        if self._spec.settings.hard is None:
            return
        with contextlib.suppress(AttributeError):  # before Spark 4
            self._session.registerProgressHandler(self._note_progress)

    def _may_copy(self) -> bool:
        """Whether Spark starts copies of slow tasks of one-task jobs."""
        conf = self._session.conf
        try:
            return bool(
                conf.get("spark.speculation", "false") == "true"
                and conf.get("spark.speculation.task.duration.threshold", "") != ""
            )
        except Exception:  # a server that does not tell
            return False

    def _send(self, digest: str, blob: bytes, lasting: bool) -> tuple[str, Any]:  # noqa: ARG002
        return self._send_to(self._session, digest, blob)

    def _send_to(self, session: Any, digest: str, blob: bytes) -> tuple[str, Any]:
        if len(blob) <= _INLINE_BYTES:
            return ("bytes", blob)
        name = f"sparktune-{digest[:32]}.pickle"
        sent = vars(session).setdefault("_sparktune_artifacts", set())
        if name not in sent:
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, name)  # noqa: PTH118
                with open(path, "wb") as file:  # noqa: PTH123
                    file.write(blob)
                try:
                    session.addArtifacts(path, file=True)
                except Exception as error:
                    raise too_large(blob, "as an artifact of the session", error) from error
            sent.add(name)
        return ("artifact", name)

    def _collect(self, tag: str, title: str, message: Mapping[str, Any]) -> bytes:
        session = self._session
        function = remote.arrow_function(remote.sources(), message, {}, self._on_retry)
        tags = {self._spec.tag, tag, title.replace(",", ";"), *self._user_tags} - {""}
        self._here.tag = tag
        try:
            for each in tags:
                session.addTag(each)
            (row,) = session.range(0, 1, 1, 1).mapInArrow(function, "answer binary").collect()
            return bytes(row.answer)
        except Exception as error:
            self._renew_if_gone(session, error)
            raise
        finally:
            self._running.pop(tag, None)
            for each in tags:
                session.removeTag(each)

    def _note_progress(self, *, inflight_tasks: int = 0, **_: Any) -> None:
        """Note when a query's task began; called by the client in the thread of the query."""
        tag = getattr(self._here, "tag", None)
        if tag is not None and inflight_tasks > 0:
            self._running.setdefault(tag, time.monotonic())

    def _seconds_running(self, tag: str) -> float | None:
        began = self._running.get(tag)
        return None if began is None else time.monotonic() - began

    def _renew_if_gone(self, session: Any, error: Exception) -> None:
        """Where a session is gone, go on in a new one, once for all threads."""
        text = _words(error)
        gone = any(sign in text for sign in (*_SESSION_GONE, *_UNREACHABLE))
        with self._renewing:
            # once the server is another, some queries end with errors that do not say so
            if self._session is session and not (gone or session.is_stopped):
                return
            if _stopped_by_user(session):
                return
            if self._session is session and not self._closed:
                try:
                    fresh = self._new_session()
                    places = {
                        digest: self._send_to(fresh, digest, blob)
                        for digest, blob in self._shipment.blobs.items()
                    }
                except Exception as failure:
                    raise EngineStopped(
                        "the Spark Connect server cannot be reached any more; finished trials are "
                        f"kept: {without_stack(_words(failure))[:500]}"
                    ) from error
                self._earlier.append(session)
                self._places, self._session = places, fresh
                self._listen()
        raise LostSession(f"the Spark Connect session went down: {text[:500]}") from error

    def _new_session(self) -> Any:
        from pyspark.sql.connect.session import SparkSession

        client = self._session.client
        session = SparkSession(connection=client._builder)
        with contextlib.suppress(AttributeError):  # before Spark 4
            # the query that failed has been patient already
            (policy,) = session.client.get_retry_policies()
            session.client.set_retry_policies([type(policy)(**_RENEWAL)])
        _ = session.version  # asks the server
        with contextlib.suppress(AttributeError):
            session.client.set_retry_policies(client.get_retry_policies())
        return session

    def _cancel_jobs(self, tag: str) -> None:
        for session in (self._session, *self._earlier):
            with contextlib.suppress(Exception):  # a server that is gone runs nothing
                session.interruptTag(tag)

    def _message_of(self, error: Exception) -> str:
        if isinstance(error, EngineStopped):
            raise error
        if self._session.is_stopped:
            raise EngineStopped(
                "the Spark Connect session was stopped while trials were running; finished trials "
                "are kept"
            ) from error
        return _words(error)

    def _free(self) -> None:
        with contextlib.suppress(Exception):  # was never registered, or the session is gone
            self._session.removeProgressHandler(self._note_progress)

    def _thread(self, **kwargs: Any) -> threading.Thread:
        return threading.Thread(**kwargs)


def _stopped_by_user(session: Any) -> bool:
    """Whether a session's channel is closed; a client also stops where the server is another."""
    if not session.is_stopped:
        return False
    try:
        session.conf.get("spark.app.name")
    except Exception as error:
        return "NO_ACTIVE_SESSION" in _words(error)
    return False


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
