"""Hyperopt's surface on sparktune: ``import sparktune.hyperopt as hyperopt`` and scripts run on.

The modules have Hyperopt's names and hold no search of their own: they translate documents and
graphs for the core.
"""

from . import (
    anneal,
    atpe,
    base,
    criteria,
    early_stop,
    exceptions,
    hp,
    mix,
    plotting,
    progress,
    pyll,
    rand,
    spark,
    tpe,
    utils,
)
from .base import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    STATUS_FAIL,
    STATUS_NEW,
    STATUS_OK,
    STATUS_RUNNING,
    STATUS_STRINGS,
    STATUS_SUSPENDED,
    Ctrl,
    Domain,
    Trials,
    trials_from_docs,
)
from .fmin import FMinIter, fmin, fmin_pass_expr_memo_ctrl, partial, space_eval
from .installing import install
from .spark import SparkTrials

__version__ = "0.3.0"

__all__ = [
    "JOB_STATES",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "Ctrl",
    "Domain",
    "FMinIter",
    "SparkTrials",
    "Trials",
    "__version__",
    "anneal",
    "atpe",
    "base",
    "criteria",
    "early_stop",
    "exceptions",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "hp",
    "install",
    "mix",
    "partial",
    "plotting",
    "progress",
    "pyll",
    "rand",
    "space_eval",
    "spark",
    "tpe",
    "trials_from_docs",
    "utils",
]
