"""What pruning saved: an estimate from the trials that ran to their end."""

from __future__ import annotations

from ..plurals import plural
from .history import History
from .trial import Status, Trial

__all__ = ["Savings", "summary_of"]


class Savings:
    """Adds up seconds, trial by trial as they end.

    A pruned trial that made r reports in s seconds would have taken s * R / r seconds, with R the
    mean number of reports of the trials that gave a loss.

    Args:
        history: its trials that have ended are taken first.

    Attributes:
        pruned: how many trials were pruned.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._spent = 0.0  # seconds of all trials
        self._whole = self._reports = 0  # trials with a loss that reported, and their reports
        self._seconds = self._seconds_a_report = 0.0  # of pruned trials
        self.pruned = 0
        for number in history.ended.tolist():
            self.add(history[number])

    def add(self, trial: Trial) -> None:
        """Take a trial that has ended."""
        seconds = (trial.outcome and trial.outcome.seconds) or 0.0
        reports = self._history.report_count(trial.number)
        self._spent += seconds
        if trial.status is Status.OK and reports:
            self._whole += 1
            self._reports += reports
        elif trial.status is Status.PRUNED:
            self.pruned += 1
            self._seconds += seconds
            self._seconds_a_report += seconds / max(1, reports)

    @property
    def share(self) -> float | None:
        """The estimated share of all trial-seconds that was saved, 0 to 1; None without any."""
        if not self._whole or not self._seconds:
            return None
        saved = max(0.0, self._seconds_a_report * self._reports / self._whole - self._seconds)
        return saved / (saved + self._spent)


def summary_of(history: History) -> str:
    """How many trials there are of each kind, what pruning saved, and the best loss."""
    kinds = {
        "ok": (Status.OK,),
        "failed": (Status.FAILED, Status.TIMED_OUT),
        "pruned": (Status.PRUNED,),
        "cut off or cancelled": (Status.CUT, Status.CANCELLED),
        "running": (Status.PENDING,),
        "of an earlier space": (Status.APART,),
    }
    counts = {name: history.count(*statuses) for name, statuses in kinds.items()}
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    share = Savings(history).share
    if share is not None:
        parts.append(f"{share:.0%} of the trial-seconds saved by pruning")
    best = history.best
    if best is not None:
        parts.append(f"best loss {best.loss:.6g} of trial {best.number}")
    return f"{plural(len(history), 'trial')}: {', '.join(parts)}" if parts else "no trials"
