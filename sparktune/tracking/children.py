"""The runs of a search's trials: each made once, whoever makes it, and brought up to date."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..history import History, Trial
from . import words
from .place import Place
from .server import Found, Server

__all__ = ["Child", "Children", "find_or_make", "free_names", "within"]

_SECONDS = 5.0  # that a trial waits for its run


@dataclass
class Child:
    """The run of a trial, as far as it is known.

    Attributes:
        run_id: None until the server has told it.
        state: how the trial stood when all of it was logged last; None before.
        wanted: how it stands as of the last job; None before.
        is_unclear: whether a run may have been made without our hearing of it.
        ended: seconds since the epoch.
    """

    run_id: str | None = None
    state: str | None = None
    wanted: str | None = None
    is_unclear: bool = False
    ended: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def adopt(self, found: Found) -> None:
        """Take over a run that the server has."""
        self.run_id, self.state = found.run_id, found.state


class Children:
    """The runs of one search's trials.

    Args:
        server: that has them.
        place: where they are.
        history: of the search.

    Attributes:
        tags: of each; set once the parent is known.
        suffix: of each name; likewise.
        made_elsewhere: whether others make the runs before their trials begin.
    """

    def __init__(self, server: Server, place: Place, history: History) -> None:
        self._server, self._place, self._history = server, place, history
        self._of: dict[int, Child] = {}
        self._lock = threading.Lock()
        self.tags: dict[str, str] = {}
        self.suffix = ""
        self.made_elsewhere = False

    def get(self, number: int) -> Child:
        """The run of a trial, which need not be on the server yet."""
        with self._lock:
            return self._of.setdefault(number, Child(is_unclear=self.made_elsewhere))

    def find(self, number: int) -> Child | None:
        """The run of a trial, None where nobody wanted one yet."""
        with self._lock:
            return self._of.get(number)

    def begin(self, number: int) -> str:
        """Make the run of a trial that is about to be sent; its id.

        Raises:
            TimeoutError: the server takes long; the run may be made yet.
            Exception: what it said.
        """
        child = self.get(number)

        def make() -> None:
            with child.lock:
                self._make(number, child, time.time())

        within(_SECONDS, make)
        if child.run_id is None:
            raise TimeoutError(f"no answer within {_SECONDS:g} s")
        return child.run_id

    def _make(self, number: int, child: Child, began: float) -> tuple[str, bool]:
        """Have the run of a trial on the server; its id, and whether it was not there before."""
        if child.run_id is not None:
            return child.run_id, False
        is_unclear, child.is_unclear = child.is_unclear, True
        found = find_or_make(
            self._server, self._place, number, self.tags, self.suffix, began, looks=is_unclear
        )  # fmt: skip
        child.adopt(found)
        return found.run_id, found.is_new

    def write(self, trial: Trial, child: Child) -> bool:
        """Bring the run of a trial up to date; whether there was anything to do."""
        server, state = self._server, words.state_of(trial)
        with child.lock:
            if child.state == state:
                return False
            began, ended = _times(trial, child.ended)
            run_id, is_new = self._make(trial.number, child, began)
            params = words.params_of(trial, self._history.space)
            found = words.metrics_of(trial)
            metrics = [(name, value, ended, 0) for name, value in found.items()]
            if not is_new:
                there = server.run(run_id).data
                params = free_names(there.params, params)
                metrics = self._after(run_id, found, there.metrics, ended)
            reports = self._history.reports(trial.number)
            metrics += [(words.REPORT, value, ended, step) for step, value in reports]
            server.log(run_id, params, metrics, words.tags_of(trial))
            server.end(run_id, words.run_status(trial.status), ended)
            child.state = state
            return True

    def _after(
        self, run_id: str, wanted: Mapping[str, float], there: Mapping[str, float], ended: float
    ) -> list[tuple[str, float, float, int]]:
        """Metrics that are the last of their names, also where the objective logged such ones."""
        metrics = []
        for name, value in wanted.items():
            step = 0
            if name in there:
                if _same(there[name], value):
                    continue
                step = 1 + self._server.last_step(run_id, name)
            metrics.append((name, value, ended, step))
        return metrics


def find_or_make(
    server: Server,
    place: Place,
    number: int,
    tags: Mapping[str, str],
    suffix: str,
    began: float,
    looks: bool,
) -> Found:
    """The run of a trial: made unless it is there.

    Args:
        server: that has it, or is to.
        place: of the search.
        number: of the trial.
        tags: further ones.
        suffix: of its name.
        began: seconds since the epoch.
        looks: whether it may be there.
    """
    if looks:
        found = server.trials_of(place.experiment, place.search, number)
        if number in found:
            return found[number]
    told = {"mlflow.parentRunId": place.parent, words.SEARCH: place.search}
    told |= {words.TRIAL: str(number), **tags}
    run_id = server.new_run(place.experiment, f"trial {number}{suffix}", told, began)
    return Found(run_id, None, is_new=True)


def within(seconds: float, work: Callable[[], None]) -> None:
    """Do something in a thread, and wait at most so long; raises what it raised meanwhile."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="sparktune-tracking-live", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]


def free_names(
    taken: Mapping[str, str], params: Mapping[str, str], suffix: str = ""
) -> dict[str, str]:
    """Parameters by names under which a run has no other value, since none can be changed.

    What the run has already, or as another text of the same number, is left out.
    """
    found: dict[str, str] = {}
    for name, value in params.items():
        tried, count = f"{name}{suffix}", 1
        while tried in taken and not _same_text(taken[tried], value):
            count += 1
            tried = f"{name}{suffix}_{count}"
        if tried not in taken:
            found[tried] = value
    return found


def _same_text(one: str, other: str) -> bool:
    try:
        return one == other or float(one) == float(other)
    except ValueError:
        return False


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _times(trial: Trial, ended: float | None) -> tuple[float, float]:
    """When a trial began and ended, in seconds since the epoch; on Spark it may have waited."""
    seconds = None if trial.outcome is None else trial.outcome.seconds
    if ended is None:
        return trial.started, trial.started + (seconds or 0.0)
    began = trial.started if seconds is None else max(trial.started, ended - seconds)
    return began, max(began, ended)
