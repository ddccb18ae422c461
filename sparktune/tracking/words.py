"""What MLflow is told about a trial: functions of the trial and its space.

MLflow takes names of letters, digits and ``_-. /`` with at most 250 characters, and cuts or refuses
values beyond a length that differs between servers; what is written here suits all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..checks import number
from ..cutting import cut
from ..events import Budget
from ..history import Status, Trial
from ..history.failures import error_of, reason_of
from ..space.nodes import Choice
from ..space.texts import option_names
from ..space.tree import Space

__all__ = [
    "LOSS", "REPORT", "SEARCH", "STATUS", "TRIAL", "metrics_of", "params_of", "params_of_run",
    "run_status", "state_of", "tags_of", "unique",
]  # fmt: skip

SEARCH, TRIAL, STATUS = "sparktune.search", "sparktune.trial", "sparktune.status"
LOSS, REPORT = "loss", "report"
_LONGEST_NAME = 250
_LONGEST_VALUE = 500
_LONGEST_TAG = 5000
_RUN_STATUS = {Status.PENDING: "RUNNING", Status.OK: "FINISHED", Status.FAILED: "FAILED"}
_RUN_STATUS |= {Status.TIMED_OUT: "FAILED"}


def run_status(status: Status) -> str:
    """The status of a trial's run: what was ended before its end is KILLED."""
    return _RUN_STATUS.get(status, "KILLED")


def state_of(trial: Trial) -> str:
    """How a trial stands, as a tag: the name of its status."""
    return trial.status.name.lower()


def params_of_run(
    algo: Any, seed: int | None, budget: Budget, parallelism: int | None
) -> dict[str, str]:
    """Name to text of what a run was called with; limits that it does not have are left out."""
    found = {
        "algorithm": _name_of(algo), "max_evals": budget.max_evals, "timeout": budget.timeout,
        "loss_threshold": budget.loss_threshold, "parallelism": parallelism or "auto",
        "seed": seed,
    }  # fmt: skip
    return {name: str(value) for name, value in found.items() if value is not None}


def params_of(trial: Trial, space: Space) -> dict[str, str]:
    """Name to text of the values that a trial has: as drawn, options by their names."""
    space = trial.space_in(space)
    found: dict[str, str] = {}
    for label in space.labels:
        if label not in trial.values:
            continue
        param, value = space.params[space.column[label]], trial.values[label]
        text = _option_text(param, int(value)) if isinstance(param, Choice) else str(value)
        found[unique(label, found)] = cut(text, _LONGEST_VALUE)
    return found


def _option_text(choice: Choice, index: int) -> str:
    option = choice.options[index]
    if type(option) in (str, int, float, bool):  # there may be thousands, which nobody has to name
        return str(option)
    return option_names(choice.options)[index]


def metrics_of(trial: Trial) -> dict[str, float]:
    """Name to number: the loss, and what else the objective returned that is a number."""
    outcome = trial.outcome
    if outcome is None:
        return {}
    found = {} if outcome.loss is None else {LOSS: float(outcome.loss)}
    if outcome.variance is not None:
        found["loss_variance"] = float(outcome.variance)
    for name, value in outcome.info.items():
        if name == "loss_variance":
            continue
        result = number(value) if isinstance(value, (int, float, np.number)) else None
        if isinstance(name, str) and result is not None:
            found[unique(name, {*found, REPORT})] = result
    return found


def tags_of(trial: Trial) -> dict[str, str]:
    """Name to text of what else is known of a trial: how it stands, where it ran, why it failed."""
    found = {STATUS: state_of(trial), "sparktune.attempt": str(trial.attempt)}
    outcome = trial.outcome
    if outcome is None:
        return found
    if outcome.host:
        found["sparktune.host"] = outcome.host
    if outcome.seconds is not None:
        found["sparktune.seconds"] = f"{outcome.seconds:.6g}"
    if outcome.status in (Status.FAILED, Status.TIMED_OUT):
        text = error_of(trial)
        found["sparktune.error"] = cut(reason_of(outcome), _LONGEST_VALUE)
        if len(text.strip().splitlines()) > 1:
            is_long = len(text) > _LONGEST_TAG
            found["sparktune.traceback"] = f"…{text[1 - _LONGEST_TAG :]}" if is_long else text
    if outcome.note:
        found["sparktune.note"] = cut(outcome.note, _LONGEST_TAG)
    return found


def unique(name: str, taken: Iterable[str]) -> str:
    """A name that MLflow takes and that none of ``taken`` is, as near as can be to a name."""
    clean = re.sub(r"[^\w\-. /]", "_", name, flags=re.ASCII)
    clean = "/".join(part for part in clean.split("/") if part.strip(". ")) or "_"
    clean = clean[:_LONGEST_NAME]
    others, tried, count = set(taken), clean, 1
    while tried in others:
        count += 1
        tried = f"{clean[: _LONGEST_NAME - 1 - len(str(count))]}_{count}"
    return tried


def _name_of(algo: Any) -> str:
    """What people call a method: the name of a suggester's class, or of a suggest function."""
    while hasattr(algo, "func"):  # a functools.partial
        algo = algo.func
    name = getattr(algo, "__qualname__", None)
    if not isinstance(name, str):
        return type(algo).__name__
    module = str(getattr(algo, "__module__", "")).rpartition(".")[2]
    return name if "." in name or module in ("", "__main__") else f"{module}.{name}"
