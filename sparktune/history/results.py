"""What an objective returned, judged: the outcome that it stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..arithmetic import own_arithmetic
from ..checks import number
from ..exceptions import InvalidLoss, InvalidResultStatus
from .trial import Outcome, Status

__all__ = ["STATUS_FAIL", "STATUS_OK", "Answer", "failure_of", "judged"]

STATUS_OK = "ok"
STATUS_FAIL = "fail"


class Answer(NamedTuple):
    """An outcome, and beside it what no record keeps.

    Attributes:
        outcome: what became of a trial.
        exception: what the objective raised in this process, alive with its frames, or the error
            that says what was wrong with its result.
        shared_fault: whether the objective did not begin, for a reason that every trial of the
            run shares whatever its candidate.
    """

    outcome: Outcome
    exception: BaseException | None = None
    shared_fault: bool = False


@own_arithmetic
def judged(result: Any, **common: Any) -> Answer:
    """What a result stands for: a number or a dict with a loss is a loss, all else a failure.

    Args:
        result: what an objective returned.
        common: further attributes of the outcome.
    """
    if not isinstance(result, Mapping):
        loss = _loss(result)
        if loss is None:
            sentence = "an objective returns a number or a dict with a loss, but got "
            return failure_of(InvalidLoss(sentence + _shown(result)), **common)
        result = {"loss": loss}
    info = {key: item for key, item in result.items() if key not in ("attachments", "status")}
    attachments = result.get("attachments")
    if attachments is not None and not isinstance(attachments, Mapping):
        sentence = f"'attachments' must be a dict of things by name, but got {_shown(attachments)}"
        return failure_of(InvalidLoss(sentence), info=info, **common)
    common["attachments"] = dict(attachments or {})
    status = result.get("status", STATUS_OK)
    if not isinstance(status, str) or status not in (STATUS_OK, STATUS_FAIL):
        sentence = f"the objective's status must be 'ok' or 'fail', but got {_shown(status)}"
        return failure_of(InvalidResultStatus(sentence), info=info, **common)
    if status == STATUS_FAIL:
        error = "the objective returned STATUS_FAIL"
        return Answer(Outcome(Status.FAILED, info=info, error=error, **common))
    loss = _loss(info.get("loss"))
    if loss is None:
        sentence = "the objective's result must hold a real number as 'loss', but got "
        return failure_of(InvalidLoss(sentence + _shown(dict(result))), info=info, **common)
    if math.isnan(loss):
        error = "the objective returned NaN"
        return Answer(Outcome(Status.FAILED, info=info, error=error, **common))
    del info["loss"]
    stated = info.get("loss_variance")
    variance = number(stated)
    if stated is not None and (variance is None or not 0 <= variance < math.inf):
        rule = "the result's 'loss_variance' must be a number >= 0, or None"
        wrong = f"{rule}, but got {_shown(stated)}: it counts as unknown"
        common["note"] = common.get("note") or wrong
        variance = None
    return Answer(Outcome(Status.OK, loss=loss, variance=variance, info=info, **common))


def failure_of(exception: Exception, **more: Any) -> Answer:
    """What an exception of ours stands for: a failure with its sentence, without a traceback."""
    kind = type(exception).__name__
    return Answer(Outcome(Status.FAILED, error=str(exception), error_type=kind, **more), exception)


def _loss(value: Any) -> float | None:
    """A value as a float, None where it is no real number; True is 1."""
    if isinstance(value, (str, bytes, np.complexfloating)):
        return None
    try:
        return float(value)
    except Exception:  # whatever a strange type raises, it is no real number
        return None


def _shown(value: object) -> str:
    """A value for an error message."""
    try:
        return repr(value)[:300]
    except Exception:
        return f"a {type(value).__name__} that cannot be shown"
