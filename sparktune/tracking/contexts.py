"""What trials are told of MLflow, by who sends them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..engines.travels.tracked import why_unreachable
from .children import find_or_make, within
from .place import Place
from .server import Server

__all__ = ["OfWorker", "Outage", "context_for", "live_context"]

_SECONDS = 10.0  # that a trial waits for its run: a look for it, and a request
_SECONDS_OF_OUTAGE = 60.0  # until a server that did not answer is asked again
_TEXTS = ("search", "experiment", "parent", "suffix")


def context_for(
    place: Place, above: str, number: int, attempt: int, uri: str | None = None
) -> dict[str, Any] | None:
    """Tags of runs that an objective begins, see travels.tracked; None without a run above them.

    Args:
        place: of the search.
        above: the id of the run that is their parent; "" without one.
        number: of the trial.
        attempt: at it.
        uri: of the server, for a process that knows none; None where it is told otherwise.
    """
    if not above:
        return None
    told = {"of_search": place.search, "of_trial": number, "of_attempt": attempt}
    tags = {f"sparktune.{name}": str(value) for name, value in told.items()}
    runs = {"tags": {"mlflow.parentRunId": above, **tags}, "uri": uri}
    return {**runs, "experiment": place.experiment, "live": None}


class Outage:
    """When a server was last asked for a trial's run in vain, and why."""

    def __init__(self) -> None:
        self._since, self._why = -math.inf, ""

    def begin(self, why: str) -> None:
        """Take note that it was asked in vain just now."""
        self._since, self._why = time.monotonic(), why

    def why(self, answered: float = -math.inf) -> str | None:
        """Why nobody is to ask again; None where a minute is over, or the server answered since.

        Args:
            answered: when it last answered, by time.monotonic().
        """
        is_over = answered > self._since or time.monotonic() - self._since > _SECONDS_OF_OUTAGE
        return None if is_over else self._why


def live_context(
    place: Place,
    uri: str | None,
    number: int,
    attempt: int,
    outage: Outage,
    why: str | None,
    make: Callable[[int], str],
) -> dict[str, Any]:
    """What a trial has to know whose run is there before it is; see travels.tracked.

    Args:
        place: of the search.
        uri: of the server, as the trial's process understands it; None where none is known.
        number: of the trial.
        attempt: at it.
        outage: is told where the run could not be made.
        why: why it is not even tried; None to try.
        make: makes the run of a trial, by number; gives its id.
    """
    run_id: str | None = None
    if why is None:
        try:
            run_id = make(number)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            outage.begin(why)
    told = context_for(place, run_id or place.parent, number, attempt)
    live = {"uri": uri, "experiment": place.experiment, "run": run_id, "why": why}
    return {"tags": None, **(told or {}), "live": live}


class OfWorker:
    """What a worker's trials are told; it makes their runs itself.

    Args:
        told: by ``of_run`` of the driver's tracker.
        uri: of the server, None where this worker knows none.

    Raises:
        ValueError: ``told`` is no such thing.
    """

    def __init__(self, told: Mapping[str, Any], uri: str | None) -> None:
        texts = {name: told[name] for name in _TEXTS}
        tags = dict(told["tags"])
        every = [*texts.values(), *tags, *tags.values()]
        if type(told["live"]) is not bool or not all(type(each) is str for each in every):
            raise ValueError("what it says of MLflow is none")
        self.is_live: bool = told["live"]
        self._place = Place(
            texts["search"], experiment=texts["experiment"], parent=texts["parent"]
        )  # fmt: skip
        self._suffix, self._tags, self._uri = texts["suffix"], tags, uri
        self._outage = Outage()

    def context_of(self, number: int, attempt: int) -> dict[str, Any] | None:
        """What an attempt at a trial has to know; waits for its run, but not in an outage."""
        if not self.is_live:
            return context_for(self._place, self._place.parent, number, attempt, self._uri)
        return live_context(
            self._place, self._uri, number, attempt, self._outage, self._outage.why(), self._run_of
        )

    def of_run(self) -> None:
        """Nothing: a worker has no workers."""

    def _run_of(self, number: int) -> str:
        """The id of a trial's run, which another worker may have made."""
        uri, found = self._uri, []
        why = why_unreachable(uri)
        if uri is None or why is not None:
            raise ConnectionError(why)

        def make() -> None:
            run = find_or_make(
                Server(uri), self._place, number, self._tags, self._suffix, time.time(), looks=True
            )  # fmt: skip
            found.append(run.run_id)

        within(_SECONDS, make)
        if not found:
            raise TimeoutError(f"no answer within {_SECONDS:g} s")
        return found[0]
