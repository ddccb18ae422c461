"""The ablation path: from a default to the best configuration, one change at a time.

Fawcett and Hoos (2016), "Analysing differences between algorithm configurations through ablation",
with a model of the losses in place of most evaluations: Biedenkapp et al. (2017), "Efficient
parameter importance analysis via ablation with surrogates". Each step takes, of all labels that
still differ, the one whose change lowers the loss most. A choice that changes brings the labels
that it makes active, and those that it makes inactive go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..history.results import judged
from ..space.distributions import Array
from ..space.nodes import Choice
from ..space.texts import option_names
from ..space.tree import Space
from .result import Step

__all__ = ["Evaluated", "evaluated_by", "path"]

Loss = Callable[[Array], Array]  # of (m, d) latents


@dataclass(frozen=True)
class Evaluated:
    """A configuration's loss, nan with a reason where the objective failed."""

    loss: float
    error: str | None = None


def path(
    space: Space,
    default: Array,
    best: Array,
    model: Loss,
    evaluate: Callable[[Array], Evaluated] | None = None,
) -> tuple[Evaluated, tuple[Step, ...]]:
    """The loss of the default, and the steps to the best configuration, one a label at most.

    Costs a call of the model a step, with a candidate for each label that differs.

    Args:
        space: of the configurations.
        default: (d,) latents.
        best: (d,) latents.
        model: what decides which label is next.
        evaluate: gives the losses of the steps, for each configuration on the path; None: the model
            does.
    """
    judge = evaluate or (lambda row: Evaluated(float(model(row[None])[0])))
    start = judge(default)
    row, known, steps = default, start.loss, []
    while len(left := _differing(row, best)):
        ways = np.stack([_moved(space, row, best, j) for j in left])
        chosen = int(np.argmin(model(ways)))
        j, after = left[chosen], ways[chosen]
        found = judge(after)
        more = np.flatnonzero(np.isnan(row) & ~np.isnan(after))
        steps.append(
            Step(
                space.labels[j],
                _text(space, j, row[j]),
                _text(space, j, best[j]),
                tuple(space.labels[i] for i in more),
                found.loss,
                known - found.loss if math.isfinite(found.loss) else math.nan,
                found.error,
            )
        )
        known = found.loss if math.isfinite(found.loss) else known
        row = after
    return start, tuple(steps)


def _differing(row: Array, best: Array) -> list[int]:
    """Columns that are active in both rows and differ."""
    differ: list[int] = np.flatnonzero((row != best) & ~np.isnan(row) & ~np.isnan(best)).tolist()
    return differ


def _moved(space: Space, row: Array, best: Array, j: int) -> Array:
    """A row with label j as in the best one, and with what that makes active."""
    moved: Array = row.copy()
    moved[j] = best[j]
    for i in range(j + 1, len(space)):
        if not space.active(i, moved[None])[0]:
            moved[i] = np.nan
        elif np.isnan(moved[i]):
            moved[i] = best[i]
    return moved


def _text(space: Space, j: int, z: float) -> str:
    """A value as people call it."""
    param, value = space.params[j], space.distributions[j].value(z)
    if isinstance(param, Choice):
        return option_names(param.options)[int(value)]
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def evaluated_by(
    objective: Callable[[Any], Any], space: Space, known: Mapping[bytes, float]
) -> Callable[[Array], Evaluated]:
    """What evaluates configurations by an objective, in this thread.

    Args:
        objective: as ``fmin`` takes it.
        space: of the configurations.
        known: losses that are known already, by the bytes of the latents.
    """

    def evaluate(row: Array) -> Evaluated:
        if row.tobytes() in known:
            return Evaluated(known[row.tobytes()])
        try:
            outcome = judged(objective(space.build(space.decode(row)))).outcome
        except Exception as error:  # of the user's objective
            return Evaluated(math.nan, f"{type(error).__name__}: {error}")
        loss = math.nan if outcome.loss is None else outcome.loss
        return Evaluated(loss, outcome.error)

    return evaluate
