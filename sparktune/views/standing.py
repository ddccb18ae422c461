"""How a search stands: facts, the best trials, and why others failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..history import History, Status, Trial
from ..history.failures import reason_of
from ..history.savings import Savings
from ..plurals import plural
from .values import brief_params, digits, one_line

__all__ = ["Failures", "Grid", "Standing", "columns_of", "seconds_of", "word_of"]

_KINDS = 5  # of failures that are shown


@dataclass(frozen=True)
class Failures:
    """Trials that failed for the same reason.

    Attributes:
        text: the reason in one line.
        numbers: of the trials, from the first to the last.
    """

    text: str
    numbers: Sequence[int]


@dataclass(frozen=True)
class Grid:
    """A table of texts.

    Attributes:
        headers: of the columns.
        rows: a text for each column.
        left: headers of the columns that are no numbers.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: frozenset[str]

    @property
    def width(self) -> int:
        """How many characters a line takes, with two spaces between columns."""
        columns = zip(self.headers, *self.rows, strict=True)
        return sum(2 + max(map(len, column)) for column in columns) - 2


@dataclass(frozen=True)
class Standing:
    """How the trials of a search stand.

    Attributes:
        history: the trials; None where none has begun.
        is_running: whether somebody goes on with those that have no outcome, as far as is known.
    """

    history: History | None
    is_running: bool = field(default=True, kw_only=True)

    @property
    def counts(self) -> dict[str, int]:
        """How many trials there are of each status, by its word."""
        history = self.history
        statuses = [each for each in Status if each not in (Status.LOST, Status.CRASHED)]
        return {word_of(s): 0 if history is None else history.count(s) for s in statuses}

    def best(self, most: int) -> list[Trial]:
        """The trials with the lowest losses, the lowest first; the earlier one of two alike."""
        history = self.history
        if history is None:
            return []
        numbers = np.flatnonzero(~np.isnan(history.y))
        order = numbers[np.argsort(history.y[numbers], kind="stable")]
        return [history[number] for number in order[:most].tolist()]

    @property
    def failures(self) -> list[Failures]:
        """Trials that failed or ran out of time, by reason; the reason that came last first."""
        found: dict[str, list[int]] = {}
        for trial in self.history or ():
            if trial.status in (Status.FAILED, Status.TIMED_OUT):
                text = one_line(reason_of(trial.outcome))
                found.setdefault(text, []).append(trial.number)
        kinds = [Failures(text, numbers) for text, numbers in found.items()]
        return sorted(kinds, key=lambda each: -each.numbers[-1])

    # In words.

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What there is to say, as pairs of a name and a text."""
        found = [("trials", self._trials)]
        best = next(iter(self.best(1)), None)
        if best is not None:
            found.append(("best loss", f"{best.loss!r} (trial {best.number})"))
        return found

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """Label and value of the best trial; none without one."""
        best = next(iter(self.best(1)), None)
        if best is None or self.history is None:
            return []
        values = brief_params(best, self.history.space)
        whole = {k: repr(v) for k, v in best.values.items() if isinstance(v, float)}
        return [(one_line(label), whole.get(label, text)) for label, text in values.items()]

    @property
    def under_way(self) -> dict[str, int]:
        """How many pending trials there are, by what becomes of them."""
        return {"running" if self.is_running else "not ended": self.counts["pending"]}

    @property
    def savings(self) -> str:
        """What pruning has saved, an estimate; empty where nothing was pruned or nobody can say."""
        if self.history is None or not self.counts["pruned"]:
            return ""
        share = Savings(self.history).share
        return "" if share is None else f"{share:.0%} of the trial-seconds saved by pruning"

    @property
    def state(self) -> str:
        """How it goes on, in words."""
        if self.history is None or not len(self.history):
            return "no trials yet"
        told = [f"{count:,} {word}" for word, count in self.under_way.items() if count]
        return ", ".join(told) or "nothing is running"

    @property
    def _trials(self) -> str:
        counts = self.counts
        words = {
            "timed_out": "timed out",
            "cut": "cut off",
            "apart": "of an earlier space",
            "reserved": "not begun",
        }
        told: dict[str, int] = {}
        for name, count in counts.items():
            told |= self.under_way if name == "pending" else {words.get(name, name): count}
        parts = [f"{count} {word}" for word, count in told.items() if count]
        end = f"; {self.savings}" if self.savings else ""
        total = sum(counts.values())
        order = sorted(parts, key=lambda part: not part.endswith(" ok"))
        return f"{total}: {', '.join(order)}{end}" if total else "none yet"

    @property
    def failed(self) -> int:
        """How many trials failed or ran out of time."""
        return self.counts["failed"] + self.counts["timed_out"]

    @property
    def brief(self) -> list[str]:
        """What people watch while a search runs: the best loss, and how many trials are how."""
        best = next(iter(self.best(1)), None)
        loss = "" if best is None else f"best loss {digits(best.loss, 6)} (trial {best.number})"
        counts = self.counts
        told = {**self.under_way, "failed": self.failed, "pruned": counts["pruned"]}
        return [
            *filter(None, [loss]),
            *(f"{count} {word}" for word, count in told.items() if count),
        ]

    def table(self, top: int, width: int) -> Grid | None:
        """The best trials; None without any.

        A label has a column of its own where all of these fit, else they share one.

        Args:
            top: how many trials at most.
            width: characters of a line.
        """
        best, history = self.best(top), self.history
        if not best or history is None:
            return None
        hosts = any(trial.outcome is not None and trial.outcome.host for trial in best)
        headers = ["trial", "loss", "seconds", *(["host"] if hosts else [])]
        rows = [_row(trial, hosts) for trial in best]
        return columns_of(best, history, headers, rows, frozenset({"host"}), width)

    @property
    def errors(self) -> list[str]:
        """Why trials failed, a line for each reason, of those that came last."""
        kinds = self.failures
        lines = [
            f"{len(each.numbers)} x {each.text} ({_last(each.numbers)})" for each in kinds[:_KINDS]
        ]
        more = kinds[_KINDS:]
        count = sum(len(each.numbers) for each in more)
        rest = f"and {count} more for {plural(len(more), 'other reason')}: see trials.errors()"
        return [*lines, rest] if more else lines


def columns_of(
    trials: Sequence[Trial],
    history: History,
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    left: frozenset[str],
    width: int,
) -> Grid:
    """A table of trials, with their parameters behind what is there.

    A label has a column of its own where all of these fit, else they share one.

    Args:
        trials: one a row.
        history: that they are of.
        headers: of the columns that are there.
        rows: the texts of these.
        left: headers of those that are no numbers.
        width: characters of a line.
    """
    params = [brief_params(trial, history.space) for trial in trials]
    labels = [x for x in history.space.labels if any(x in each for each in params)]
    columns = Grid(
        [*headers, *map(one_line, labels)],
        [[*row, *(p.get(x, "") for x in labels)] for row, p in zip(rows, params, strict=True)],
        left | {one_line(x) for x in labels if _has_words(x, history)},
    )
    if columns.width <= width:
        return columns
    shared = ["  ".join(f"{one_line(x)}={text}" for x, text in p.items()) for p in params]
    return Grid(
        [*headers, "parameters"],
        [[*row, text] for row, text in zip(rows, shared, strict=True)],
        left | {"parameters"},
    )


def _row(trial: Trial, hosts: bool) -> list[str]:
    outcome = trial.outcome
    seconds = None if outcome is None else outcome.seconds
    host = [one_line((outcome and outcome.host) or "", 40)] if hosts else []
    return [str(trial.number), digits(trial.loss, 6), seconds_of(seconds), *host]


def seconds_of(seconds: float | None) -> str:
    """Seconds with what of them people look at; "" for None."""
    if seconds is None:
        return ""
    return f"{seconds:.0f}" if seconds >= 100 else f"{seconds:.3f}"[:5]


def _has_words(label: str, history: History) -> bool:
    """Whether a label's values are texts rather than numbers."""
    options = getattr(history.space.params[history.space.column[label]], "options", ())
    return any(isinstance(each, bool) or not isinstance(each, (int, float)) for each in options)


def _last(numbers: Sequence[int]) -> str:
    return f"{'last: ' if len(numbers) > 1 else ''}trial {numbers[-1]}"


def word_of(status: Status) -> str:
    """The word of a status, as in the tables."""
    return status.name.lower()
