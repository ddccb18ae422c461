"""What fmin's arguments must be, each with a sentence that says so."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..checks import whole
from ..history.holders import trials_in_words
from ..trials.view import View

__all__ = ["answer_to", "check_options", "check_trials"]


def check_options(
    fn: Any,
    max_evals: Any,
    max_queue_len: Any,
    early_stop_fn: Any,
    show_progressbar: Any,
    trials_save_file: Any,
    points: Any,
) -> None:
    """Refuse arguments of fmin that cannot be meant.

    Raises:
        TypeError, ValueError: the message has the argument, the rule and the value.
    """
    if not callable(fn):
        raise TypeError(f"`fn` must be a function of a configuration, but got {fn!r:.200}")
    whole("max_evals", max_evals, 0, none=True)
    whole("max_queue_len", max_queue_len)
    if early_stop_fn is not None and not callable(early_stop_fn):
        raise TypeError(f"`early_stop_fn` must be a function of trials, but got {early_stop_fn!r}")
    if isinstance(show_progressbar, str) or not (
        callable(show_progressbar) or isinstance(show_progressbar, (bool, int, type(None)))
    ):
        raise TypeError(
            "`show_progressbar` must be True, False, or a function that gives a bar, but got "
            f"{show_progressbar!r}"
        )
    _check_file(trials_save_file)
    if isinstance(points, (str, Mapping)) or not isinstance(points, Iterable):
        raise TypeError(f"`points_to_evaluate` must be a list of points, but got {points!r:.200}")
    for point in points:
        if not isinstance(point, Mapping):
            raise TypeError(
                f"`points_to_evaluate` has points, label to value, but one is {point!r:.200}"
            )


def _check_file(file: Any) -> None:
    if not file:
        return
    if not isinstance(file, (str, os.PathLike)):
        raise TypeError(f"`trials_save_file` must be a path, but got {file!r:.200}")
    folder = Path(os.fspath(file)).absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"`trials_save_file` is to be in {folder}, which is no folder")


def check_trials(trials: Any) -> None:
    """Refuse what are no trials of this surface."""
    wanted = "`trials` must be Trials() or SparkTrials() of sparktune.hyperopt, but got "
    if isinstance(trials, View) or isinstance(getattr(trials, "trials", None), View):
        raise TypeError(f"{wanted}{trials_in_words(trials)}, which has its own fmin")
    if isinstance(trials, type) or not hasattr(trials, "trials"):
        raise TypeError(f"{wanted}{trials_in_words(trials)}")


def answer_to(answer: Any) -> tuple[bool, Any]:
    """What ``early_stop_fn`` returned: whether to stop, and arguments for its next call."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise TypeError(
            "`early_stop_fn` must return whether to stop and a list of arguments for its next "
            f"call, but gave {answer!r:.200}" + _uncalled(answer)
        )
    return bool(answer[0]), answer[1] or []


def _uncalled(answer: Any) -> str:
    return ": it was to be called first, as in no_progress_loss(20)" if callable(answer) else ""
