"""A History of the documents that trials hold, kept up to date with whatever changes in them."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

from ..checks import advise
from ..checks import number as as_number
from ..exceptions import InvalidTrial
from ..history import STATUS_OK, History, Outcome, Status
from ..history.documents import JOB_STATE_DONE, JOB_STATE_ERROR
from ..space.tree import Space

__all__ = ["Mirror"]


class Mirror:
    """A History that follows documents; ``of`` looks at each of them, and records what is new.

    Costs less than half a microsecond a document that is as it was. Where the values of an earlier
    one, or its outcome, are others now, or it is gone, all are recorded anew.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._advised = False
        self._forget()

    def _forget(self) -> None:
        self.history = History(self._space)
        self._vals: list[dict[str, list[Any]]] = []  # of each document: its values, copied
        self._ends: list[Any] = []  # and its outcome as it says it
        self._numbers: list[int | None] = []  # and its trial, None where it is left out

    def of(self, documents: Sequence[Mapping[str, Any]]) -> History:
        """The history of documents, in their order; with numbers of its own from 0.

        A document whose values do not fit the space is left out, with a warning.
        """
        vals = list(map(_VALS, map(_MISC, documents)))
        ends = list(map(_end, documents))
        known = len(self._vals)
        changed = () if ends[:known] == self._ends else self._changed(ends)
        ended_once = all(self._ends[place] is None for place in changed)
        if len(documents) < known or vals[:known] != self._vals or not ended_once:
            self._forget()
            known, changed = 0, ()
        for place in range(known, len(documents)):
            self._vals.append({label: list(each or ()) for label, each in vals[place].items()})
            self._numbers.append(self._start(documents[place]["tid"], vals[place]))
        for place in (*changed, *range(known, len(documents))):
            trial, end = self._numbers[place], ends[place]
            if trial is not None and end is not None:
                self.history.finish(trial, 0, _outcome(*end))
        self._ends = ends
        return self.history

    def _changed(self, ends: Sequence[Any]) -> list[int]:
        pairs = zip(ends, self._ends, strict=False)
        return [place for place, (new, old) in enumerate(pairs) if new != old]

    def _start(self, tid: Any, vals: Mapping[str, Any]) -> int | None:
        point = {
            label: each[0]
            for label, each in vals.items()
            if each is not None and len(each) and each[0] is not None
        }
        try:
            (trial,) = self.history.start([self._space.check(point)], 0.0)
        except InvalidTrial as error:
            if not self._advised:
                self._advised = True
                advise(f"the search learns nothing from trial {tid}: {error}")
            return None
        return trial.number


_MISC, _VALS = operator.itemgetter("misc"), operator.itemgetter("vals")


def _end(document: Mapping[str, Any]) -> Any:
    """Status, loss and variance of a document that is done; None where it is under way."""
    state = document["state"]
    if state == JOB_STATE_DONE:
        result = document["result"]
        return result.get("status"), result.get("loss"), result.get("loss_variance")
    return (None, None, None) if state == JOB_STATE_ERROR else None


def _outcome(status: Any, loss: Any, variance: Any) -> Outcome:
    real = as_number(loss) if status == STATUS_OK else None
    if real is None or math.isnan(real):
        return Outcome(Status.FAILED)
    return Outcome(Status.OK, loss=real, variance=as_number(variance))
