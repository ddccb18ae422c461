"""Why trials failed, in words."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..plurals import plural
from ..space.texts import shown_option
from ..space.tree import Space
from .history import History
from .trial import Outcome, Status, Trial

__all__ = ["error_of", "failure_text", "reason_in", "reason_of", "why_failed", "with_parameters"]

_NO_REASON = "no reason was given"
_HEADER = re.compile(r"(?:Exception Group )?Traceback\b.*")
_NAME = r"[A-Za-z_][\w.<>]*"  # with <locals> of a class that a function made


def error_of(trial: Trial) -> str:
    """Why a trial failed, and the last that it printed."""
    return why_failed(trial.outcome)


def why_failed(outcome: Outcome | None) -> str:
    """Why an attempt at a trial failed, and the last that it printed."""
    text = (outcome.error if outcome is not None else None) or _NO_REASON
    if outcome is None or not outcome.log_tail:
        return text
    return f"{text.rstrip()}\nthe last it printed:\n{outcome.log_tail.rstrip()}"


def reason_of(outcome: Outcome | None) -> str:
    """Why a trial failed, in one line: of a traceback the exception."""
    text = (outcome.error if outcome is not None else None) or _NO_REASON
    kind = (outcome.error_type if outcome is not None else None) or ""
    of_hyperopt = re.fullmatch(r"<class '(?:\w+\.)*(\w+)'>", kind)
    return f"{of_hyperopt[1]}: {reason_in(text)}" if of_hyperopt else reason_in(text, kind)


def reason_in(text: str, kind: str = "") -> str:
    """The line of an error that says why: of a traceback the exception, else the first.

    The message of an exception may go on for several lines after it, as do those of SQLAlchemy.

    Args:
        text: of the error.
        kind: name of the exception's type, where it is known.
    """
    lines = [re.sub(r"^  [|+] ", "", line) for line in text.strip("\n").splitlines()] or [""]
    if not _HEADER.match(lines[0]):
        first = lines[0].strip()
        rest = "\n".join(lines[1:])
        return f"{first} {reason_in(rest, kind)}" if first.endswith(":") and rest else first
    raised = []
    for index, line in enumerate(lines):
        if _HEADER.fullmatch(line):
            after = (each for each in lines[index + 1 :] if each[:1].strip())
            raised.append(next(after, ""))
    names = [rf"[\w.<>]*{re.escape(kind)}", _NAME] if kind else [_NAME]
    for name in names:
        for among in (raised, lines):
            found = [each for each in among if re.fullmatch(rf"{name}(?::.*)?", each)]
            if found:
                return found[-1].rstrip()
    return lines[-1].strip()


def with_parameters(trial: Trial, space: Space) -> str:
    """The values of a trial, for a message: of a choice what its option is called."""
    space, shown = trial.space_in(space), {}
    for label, value in trial.values.items():
        options = getattr(space.params[space.column[label]], "options", None)
        shown[label] = value if options is None else shown_option(options, int(value))
    return f"with {shown!r}"


def failure_text(history: History | None, described: Callable[[Trial], str] | None = None) -> str:
    """Why there is no best trial: how many failed, and the first of them.

    Args:
        history: of the trials; None where none was begun.
        described: what a trial is, in words that go after "trial 0"; None for its parameters.
    """
    trials = () if history is None else tuple(history)
    failed = [trial for trial in trials if trial.status in (Status.FAILED, Status.TIMED_OUT)]
    pruned = sum(trial.status is Status.PRUNED for trial in trials)
    were = "was" if pruned == 1 else "were"
    if not failed and pruned:
        return (
            f"no trial has a loss, as {pruned} of {len(trials)} {were} pruned, so there is no best"
        )
    if not failed or history is None:
        apart = sum(trial.status is Status.APART for trial in trials)
        words = [
            plural(count, one, several)
            for count, one, several in (
                (
                    len(trials) - apart,
                    "was cancelled or is running",
                    "were cancelled or are running",
                ),
                (apart, "is of an earlier space", "are of an earlier space"),
            )
            if count
        ]
        others = f" ({', '.join(words)})" if words else ""
        return f"no trial has ended{others}, so there is no best one"
    first, beside = failed[0], f" and {pruned} {were} pruned" if pruned else ""
    how_many = f"all {len(failed)} trials" if len(failed) > 1 else "the only trial"
    which = with_parameters(first, history.space) if described is None else described(first)
    return (
        f"{how_many} failed{beside}, so there is no best one; the first failure, "
        f"trial {first.number} {which}:\n{error_of(first)}"
    )
