"""What running trials report: recorded as it comes, in any thread, and shown to the pruner."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from .history import History, Status, Trial
from .history.records import Reported
from .prune import Pruner, asked

__all__ = ["Heard"]

_SECONDS_BETWEEN = 0.1  # two reasons to hand out what was reported


class Heard:
    """The reports of one search.

    Args:
        history: of the search.
        pruner: is asked at each report; None for none.
        in_batches: whether a pruner sees nothing of what others of a trial's own batch have done,
            which makes its answers the same on every engine.
        wake: called, not too often, where there is something to take.

    Attributes:
        error: what the pruner raised, after which every trial is to stop.
    """

    def __init__(
        self,
        history: History,
        pruner: Pruner | None,
        in_batches: bool,
        wake: Callable[[], None],
    ) -> None:
        self._history, self._pruner, self._in_batches = history, pruner, in_batches
        self._wake, self._woken = wake, 0.0
        self._reports: deque[Reported] = deque()
        self._judged: set[tuple[int, int]] = set()
        self._shown: dict[int, tuple[Trial, History]] = {}
        self.error: BaseException | None = None

    def report(self, number: int, attempt: int, step: int, value: float) -> bool:
        """Record an intermediate value, in the thread of an engine; whether its trial is to stop.

        A trial that is over for the search, but runs on, is.
        """
        key, history = (number, attempt), self._history
        with history.lock:
            trial = history[number]
            if trial.status is not Status.PENDING or trial.attempt != attempt:
                return True
            history.report(number, attempt, step, value)
            self._reports.append(Reported(number, attempt, step, value))
            if self._pruner is not None and self.error is None and key not in self._judged:
                try:
                    if asked(self._pruner, self._shown_to_pruner(trial), number):
                        self._judged.add(key)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    self.error = error
        now = time.monotonic()
        if self.error is not None or now - self._woken > _SECONDS_BETWEEN:
            self._woken = now
            self._wake()
        return self.error is not None or key in self._judged

    def ends_without_judgement(self, number: int, attempt: int) -> bool:
        """Whether a trial was told to stop for no other reason than the pruner's error."""
        return self.error is not None and (number, attempt) not in self._judged

    def _shown_to_pruner(self, trial: Trial) -> History:
        if not self._in_batches:
            return self._history
        known, shown = self._shown.get(trial.number, (None, self._history))
        if known is not trial:
            end = trial.batch
            while end < len(self._history) and self._history[end].batch == trial.batch:
                end += 1
            shown = self._history.hiding({*range(trial.batch, end)} - {trial.number})
            self._shown[trial.number] = trial, shown
        return shown

    def forget(self, number: int) -> None:
        """Let go of what the pruner was shown for a trial that has ended."""
        self._shown.pop(number, None)

    def take(self) -> list[Reported]:
        """The reports that were recorded since they were last taken."""
        taken = []
        while self._reports:
            taken.append(self._reports.popleft())
        return taken
