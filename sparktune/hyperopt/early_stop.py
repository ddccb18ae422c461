"""Functions for ``early_stop_fn``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

__all__ = ["no_progress_loss"]


def no_progress_loss(
    iteration_stop_count: int = 20, percent_increase: float = 0.0
) -> Callable[..., tuple[bool, list[Any]]]:
    """Stop when the best loss has not improved over a number of calls.

    Args:
        iteration_stop_count: how many calls in a row without progress.
        percent_increase: by how many per cent of its size the best loss has to fall to count as
            progress.

    Returns:
        A function of trials and what it returned last.
    """

    def stop(
        trials: Any, best_loss: float | None = None, iteration_no_progress: int = 0
    ) -> tuple[bool, list[Any]]:
        losses = (document["result"].get("loss") for document in trials.trials)
        loss = min((x for x in losses if x is not None and not math.isnan(x)), default=None)
        if best_loss is None:
            return False, [loss, iteration_no_progress + 1]
        if loss is not None and loss < best_loss - abs(best_loss) * percent_increase / 100:
            return False, [loss, 0]
        count = iteration_no_progress + 1
        return count >= iteration_stop_count, [best_loss, count]

    return stop
