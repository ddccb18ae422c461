"""Functions for fmin's ``early_stop_fn``: ends a search when more trials bring nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .checks import real, whole

__all__ = ["no_progress_loss"]


def __dir__() -> list[str]:
    return sorted(__all__)


def no_progress_loss(
    iteration_stop_count: int = 20, percent_increase: float = 0.0
) -> Callable[..., tuple[bool, list[Any]]]:
    """Stop when the best loss has not improved over a number of trials; the same cost each time.

    Args:
        iteration_stop_count: how many finished trials in a row without progress, at least 1.
        percent_increase: by how many per cent of its size the best loss has to fall to count as
            progress, at least 0.

    Returns:
        A function for ``fmin(early_stop_fn=...)``.

    Raises:
        ValueError: an argument out of its range.
    """
    patience = whole("iteration_stop_count", iteration_stop_count)
    share = real("percent_increase", percent_increase, least=0, finite=True) / 100

    def stop(
        trials: Any, best_loss: float | None = None, finished_at_best: int = 0
    ) -> tuple[bool, list[Any]]:
        best, finished = trials.history.best, trials.count_total_trials()
        loss = None if best is None else best.loss
        wanted = best_loss
        if best_loss is not None and math.isfinite(best_loss):
            wanted = best_loss - abs(best_loss) * share
        if loss is not None and (wanted is None or loss < wanted):
            best_loss, finished_at_best = loss, finished
        return finished - finished_at_best >= patience, [best_loss, finished_at_best]

    return stop
