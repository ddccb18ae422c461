"""What ``tracking=`` may be, and whether a run is tracked."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

import numpy as np

from ..extras import lacking

__all__ = ["LIVE", "checked_tracking", "is_installed", "is_wanted"]

LIVE = "live"

_SWITCHES = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "DATABRICKS_RUNTIME_VERSION")


def checked_tracking(value: Any) -> bool | str | None:
    """What a user gave as ``tracking``: None, True, False or "live".

    Raises:
        ValueError: it is none of these.
        ImportError: it asks for MLflow, which is not installed.
    """
    if value is None:
        return None
    wanted: bool | str
    if isinstance(value, str) and value == LIVE:
        wanted = LIVE
    elif isinstance(value, (bool, np.bool_)):
        wanted = bool(value)
    else:
        raise ValueError(f'`tracking` must be True, False, None or "live", but got {value!r}')
    if wanted and not is_installed():
        raise lacking(f"`tracking={wanted!r}`", "MLflow", "mlflow", name="mlflow")
    return wanted


def is_wanted(tracking: Any) -> bool:
    """Whether a run that begins now, in this thread, is tracked.

    With None it is where MLflow is installed, and either a run of it is active, somebody has said
    where its server is, or this is Databricks.
    """
    if tracking is not None:
        return bool(tracking)
    if any(os.environ.get(name) for name in _SWITCHES):
        return is_installed()
    if "mlflow" not in sys.modules:  # so that no run is active, and nobody has named a server
        return False
    import mlflow

    return hasattr(mlflow, "active_run") and (
        mlflow.active_run() is not None or bool(mlflow.is_tracking_uri_set())
    )


def is_installed() -> bool:
    """Whether MLflow can be imported here."""
    try:
        return importlib.util.find_spec("mlflow") is not None
    except ValueError:  # a module that somebody has put there by hand
        return "mlflow" in sys.modules
