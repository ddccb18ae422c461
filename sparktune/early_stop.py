"""Functions for fmin's ``early_stop_fn``: ends a search when more trials bring nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["no_progress_loss"]


def no_progress_loss(
    iteration_stop_count: int = 20, percent_increase: float = 0.0
) -> Callable[..., tuple[bool, list[Any]]]:
    """Stop when the best loss has not improved over a number of trials.

    Args:
        iteration_stop_count: how many finished trials in a row without progress, at least 1.
        percent_increase: by how many per cent of its size the best loss has to fall to count as
            progress, at least 0.

    Returns:
        A function for ``fmin(early_stop_fn=...)``.

    Raises:
        ValueError: an argument out of its range.
    """
    count: Any = iteration_stop_count
    least: Any = percent_increase
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise ValueError(f"`iteration_stop_count` must be a whole number >= 1, but got {count!r}")
    if not isinstance(least, (int, float, np.number)) or not 0 <= least < math.inf:
        raise ValueError(f"`percent_increase` must be a number >= 0, but got {least!r}")

    def stop(
        trials: Any, best_loss: float | None = None, finished_at_best: int = 0
    ) -> tuple[bool, list[Any]]:
        losses = [loss for loss in trials.losses() if loss is not None and not math.isnan(loss)]
        finished = trials.count_total_trials()
        if not losses:
            return finished - finished_at_best >= iteration_stop_count, [None, finished_at_best]
        best = min(losses)
        if best_loss is None or best < best_loss - abs(best_loss) * percent_increase / 100:
            best_loss, finished_at_best = best, finished
        return finished - finished_at_best >= iteration_stop_count, [best_loss, finished_at_best]

    return stop
