"""sparktune: hyperparameter tuning in parallel on Spark.

>>> from sparktune import SparkTrials, fmin, hp, tpe
>>> best = fmin(objective, space, algo=tpe.suggest, max_evals=200,
...             trials=SparkTrials(parallelism=8))  # doctest: +SKIP
"""

import importlib
from typing import Any

import scipy.special  # noqa: F401 (first: deep in a chain of imports it loads much slower)

from . import early_stop, exceptions, hp, prune
from .algo import anneal, atpe, auto, bayes, cma, mix, rand, tpe
from .engines.shipping import broadcast
from .engines.travels.trial import TrialContext, TrialPruned
from .events import Budget, CancelToken
from .exceptions import (
    AllTrialsFailed,
    BadSearchSpace,
    DuplicateLabel,
    EngineStopped,
    InvalidLoss,
    InvalidResultStatus,
    InvalidTrial,
    JournalError,
    JournalInUse,
    RunCancelled,
    StoreError,
    TrackingError,
    UnpicklableObjective,
)
from .fmin import fmin, space_eval
from .history import STATUS_FAIL, STATUS_OK, History, Outcome, Status, Trial
from .history.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    STATUS_NEW,
    STATUS_RUNNING,
    STATUS_STRINGS,
    STATUS_SUSPENDED,
)
from .memo import fmin_pass_expr_memo_ctrl
from .search import search
from .space.expressions import scope
from .space.tree import Space
from .suggest.adaptive import AdaptiveTPE
from .suggest.anneal import Anneal
from .suggest.auto import Auto
from .suggest.bayes import Bayes
from .suggest.cma import CMA
from .suggest.mix import Mix
from .suggest.random import Random
from .suggest.tpe import TPE
from .trials.record import Trials
from .trials.spark import SparkTrials
from .trials.store import StoreTrials
from .tuner import Candidate, Tuner

__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    # loaded where they are asked for
    if name in ("hyperas", "hyperopt", "hpsklearn"):
        return importlib.import_module(f".{name}", __name__)
    if name == "doctor":
        return importlib.import_module(".cluster.report", __name__).doctor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "hyperas", "hyperopt", "hpsklearn"])


__all__ = [
    "CMA",
    "JOB_STATES",
    "JOB_STATE_CANCEL",
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
    "TPE",
    "AdaptiveTPE",
    "AllTrialsFailed",
    "Anneal",
    "Auto",
    "BadSearchSpace",
    "Bayes",
    "Budget",
    "CancelToken",
    "Candidate",
    "DuplicateLabel",
    "EngineStopped",
    "History",
    "InvalidLoss",
    "InvalidResultStatus",
    "InvalidTrial",
    "JournalError",
    "JournalInUse",
    "Mix",
    "Outcome",
    "Random",
    "RunCancelled",
    "Space",
    "SparkTrials",
    "Status",
    "StoreError",
    "StoreTrials",
    "TrackingError",
    "Trial",
    "TrialContext",
    "TrialPruned",
    "Trials",
    "Tuner",
    "UnpicklableObjective",
    "__version__",
    "anneal",
    "atpe",
    "auto",
    "bayes",
    "broadcast",
    "cma",
    "doctor",
    "early_stop",
    "exceptions",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "hp",
    "mix",
    "prune",
    "rand",
    "scope",
    "search",
    "space_eval",
    "tpe",
]
