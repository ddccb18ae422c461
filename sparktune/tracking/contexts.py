"""What trials are told of MLflow, by who sends them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..engines.travels.tracked import why_unreachable
from .children import find_or_make, within
from .place import Place
from .server import Server

__all__ = ["OfWorker", "context_for"]

_SECONDS = 10.0  # that a trial waits for its run: a look for it, and a request
_SECONDS_OF_OUTAGE = 60.0  # until a server that did not answer is asked again
_TEXTS = ("search", "experiment", "parent", "suffix")


def context_for(place: Place, above: str, number: int, attempt: int) -> dict[str, Any] | None:
    """Tags of runs that an objective begins, see travels.tracked; None without a run above them.

    Args:
        place: of the search.
        above: the id of the run that is their parent; "" without one.
        number: of the trial.
        attempt: at it.
    """
    if not above:
        return None
    told = {"of_search": place.search, "of_trial": number, "of_attempt": attempt}
    tags = {f"sparktune.{name}": str(value) for name, value in told.items()}
    return {"tags": {"mlflow.parentRunId": above, **tags}, "live": None}


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
        self._away: tuple[float, str] | None = None

    def context_of(self, number: int, attempt: int) -> dict[str, Any] | None:
        """What an attempt at a trial has to know; waits for its run, but not in an outage."""
        if not self.is_live:
            return context_for(self._place, self._place.parent, number, attempt)
        run_id: str | None = None
        why = None
        if self._away is not None and time.monotonic() - self._away[0] < _SECONDS_OF_OUTAGE:
            why = self._away[1]
        else:
            try:
                run_id = self._run_of(number)
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                self._away = time.monotonic(), why
        told = context_for(self._place, run_id or self._place.parent, number, attempt)
        live = {"uri": self._uri, "experiment": self._place.experiment, "run": run_id, "why": why}
        return {"tags": None, **(told or {}), "live": live}

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
