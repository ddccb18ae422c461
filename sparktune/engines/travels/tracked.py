"""What MLflow is told in the process of a trial: whose the runs are that its objective begins.

``told`` is a dict; its ``tags`` are those of every run that the objective begins.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

_VARIABLE = "MLFLOW_RUN_CONTEXT"  # of MLflow: tags of each run that is begun here, as JSON


@contextlib.contextmanager
def tracked(told: Mapping[str, Any] | None) -> Iterator[None]:
    """Let the runs of MLflow that are begun meanwhile have the tags of their trial.

    Args:
        told: see above; None where nothing is tracked.
    """
    if not told:
        yield
        return
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = json.dumps({**_tags_in(before), **told["tags"]})
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = before


def _tags_in(text: str | None) -> dict[str, Any]:
    """The tags that are set already."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
