"""What is asked of MLflow; each method is a request or few, and raises Refused where it says no."""

from __future__ import annotations

import functools
import os
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from ..engines.travels.tracked import why_unreachable
from .sender import Refused
from .words import SEARCH, STATUS, TRIAL

__all__ = ["Found", "Server", "Unreachable", "for_others"]

_PARAMS, _TAGS, _METRICS = 100, 100, 600  # of one request; MLflow's own limits, and 1,000 in all
_PAGE = 1000
_ENDED = ("FINISHED", "FAILED", "KILLED")
_MAY_PASS = (408, 429, 500, 502, 503, 504)
_FRESH = 2.0  # seconds after an answer in which the server is believed to be there

F = TypeVar("F", bound=Callable[..., Any])


class Unreachable(Exception):  # noqa: N818 (what the server is)
    """Nobody listens where the server should be."""


@dataclass(frozen=True)
class Found:
    """A run of a trial that the server has already.

    Attributes:
        run_id: of the run.
        state: how the trial stood when all of it was logged; None where it was not.
        is_new: whether it was made just now.
    """

    run_id: str
    state: str | None
    is_new: bool = False


def _asks(method: F) -> F:
    """A method that first looks whether the server is there, and sorts what went wrong."""

    @functools.wraps(method)
    def asking(self: Any, *args: Any, **options: Any) -> Any:
        from mlflow.exceptions import MlflowException

        self.look()
        try:
            answer = method(self, *args, **options)
        except MlflowException as error:
            self.answered = 0.0
            if error.get_http_status_code() in _MAY_PASS:
                raise
            raise Refused(str(error).partition("\n")[0][:500]) from error
        self.answered = time.monotonic()
        return answer

    return asking  # type: ignore[return-value]


class Server:
    """MLflow at a tracking URI.

    Args:
        uri: as ``mlflow.set_tracking_uri`` takes it.
    """

    def __init__(self, uri: str) -> None:
        from mlflow.tracking import MlflowClient

        self.uri = uri
        self._client = MlflowClient(tracking_uri=uri)
        self.answered = 0.0

    def look(self) -> None:
        """Make sure that somebody listens, before MLflow tries it for minutes.

        Raises:
            Unreachable: nobody does.
        """
        if time.monotonic() - self.answered < _FRESH:
            return
        if urllib.parse.urlsplit(self.uri).scheme in ("http", "https"):
            why = why_unreachable(self.uri)
            if why is not None:
                raise Unreachable(why)

    @_asks
    def run(self, run_id: str) -> Any:
        """A run, with its tags and parameters."""
        return self._client.get_run(run_id)

    @_asks
    def begin(self, run_id: str | None, tags: Mapping[str, str]) -> Any:
        """A run that is active in this thread from now on: one that goes on, or a new one."""
        import mlflow

        run = mlflow.active_run()  # of an earlier try
        return run or mlflow.start_run(run_id=run_id, tags=None if run_id else dict(tags))

    @_asks
    def end_active(self, status: str) -> None:
        """Let the run end that ``begin`` began in this thread."""
        import mlflow

        mlflow.end_run(status)

    @_asks
    def new_run(self, experiment: str, name: str, tags: Mapping[str, str], started: float) -> str:
        """A run that has begun at a time, in seconds since the epoch; its id."""
        made = self._client.create_run(
            experiment, start_time=_milliseconds(started), tags=dict(tags), run_name=name
        )
        return str(made.info.run_id)

    @_asks
    def last_step(self, run_id: str, name: str) -> int:
        """The largest step at which a run has a metric, 0 without one."""
        history = self._client.get_metric_history(run_id, name)
        return max((int(metric.step) for metric in history), default=0)

    @_asks
    def end(self, run_id: str, status: str, ended: float) -> None:
        """Let a run end at a time, in seconds since the epoch."""
        from mlflow.entities import RunStatus

        # the public way, set_terminated, asks for the run again, and prints a line for each
        self._client._tracking_client.store.update_run_info(
            run_id, RunStatus.from_string(status), _milliseconds(ended), None
        )

    @_asks
    def log(
        self,
        run_id: str,
        params: Mapping[str, str],
        metrics: Sequence[tuple[str, float, float, int]],
        tags: Mapping[str, str],
    ) -> None:
        """Add to a run.

        Args:
            run_id: of the run.
            params: text by name.
            metrics: each with name, value, time in seconds since the epoch, and step.
            tags: text by name; written last, so that who sees them sees all the rest.
        """
        from mlflow.entities import Metric, Param, RunTag

        each_param = iter([Param(*pair) for pair in params.items()])
        each_metric = iter([Metric(n, v, _milliseconds(t), s) for n, v, t, s in metrics])
        each_tag = [RunTag(*pair) for pair in tags.items()]
        while True:
            some = list(islice(each_param, _PARAMS)), list(islice(each_metric, _METRICS))
            is_last = len(some[0]) < _PARAMS and len(some[1]) < _METRICS
            self._client.log_batch(
                run_id, params=some[0], metrics=some[1], tags=each_tag[:_TAGS] if is_last else ()
            )
            if is_last:
                return

    @_asks
    def parent_of(self, key: str) -> str | None:
        """The id of the newest run of the present experiment that has a tag; None without one."""
        import mlflow

        found: Any = mlflow.search_runs(
            filter_string=f"tags.`{key}` LIKE '%'", max_results=1, output_format="list",
            order_by=["attributes.start_time DESC"],
        )  # fmt: skip
        return str(found[0].info.run_id) if found else None

    @_asks
    def trials_of(
        self, experiment: str, search: str, number: int | None = None
    ) -> dict[int, Found]:
        """The runs of a search's trials, or of one of them, by number of the trial."""
        wanted = f"tags.`{SEARCH}` = '{search}'"
        if number is not None:
            wanted += f" AND tags.`{TRIAL}` = '{number}'"
        found: dict[int, Found] = {}
        for run in self._pages([experiment], wanted):
            text = run.data.tags.get(TRIAL, "")
            if not (text.isascii() and text.isdigit()):
                continue
            is_whole = run.info.status in _ENDED
            one = Found(str(run.info.run_id), run.data.tags.get(STATUS) if is_whole else None)
            if found.get(int(text), one).state is None or one.state is not None:
                found[int(text)] = one
        return found

    def _pages(self, experiments: list[str], wanted: str) -> Iterable[Any]:
        token = None
        while True:
            page = self._client.search_runs(
                experiments, wanted, max_results=_PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def for_others(uri: str) -> str:
    """A tracking URI as processes with other working directories understand it."""
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme == "sqlite" and not parts.path.startswith("//"):
        return f"sqlite:///{os.path.abspath(parts.path[1:])}"  # noqa: PTH100 (may be quoted)
    if not parts.scheme and uri and not uri.startswith("databricks"):
        return f"file://{os.path.abspath(uri)}"  # noqa: PTH100
    return uri
