"""sparktune: hyperparameter tuning in parallel on Spark.

>>> from sparktune import SparkTrials, fmin, hp, tpe
>>> best = fmin(objective, space, algo=tpe.suggest, max_evals=200,
...             trials=SparkTrials(parallelism=8))  # doctest: +SKIP
"""

from . import anneal, atpe, auto, bayes, early_stop, exceptions, hp, mix, rand, tpe
from .engines.shipping import broadcast
from .exceptions import (
    AllTrialsFailed,
    BadSearchSpace,
    DuplicateLabel,
    EngineStopped,
    InvalidLoss,
    InvalidResultStatus,
    InvalidTrial,
    RunCancelled,
    UnpicklableObjective,
)
from .fmin import fmin, fmin_pass_expr_memo_ctrl, space_eval
from .history import (
    STATUS_FAIL,
    STATUS_NEW,
    STATUS_OK,
    STATUS_RUNNING,
    STATUS_STRINGS,
    STATUS_SUSPENDED,
    History,
    Outcome,
    Status,
    Trial,
)
from .search import Budget, CancelToken, search
from .space.expressions import scope
from .space.tree import Space
from .spark import SparkTrials
from .trials import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATES,
    Trials,
)
from .tuner import Candidate, Tuner

__version__ = "0.1.0"

__all__ = [
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
    "AllTrialsFailed",
    "BadSearchSpace",
    "Budget",
    "CancelToken",
    "Candidate",
    "DuplicateLabel",
    "EngineStopped",
    "History",
    "InvalidLoss",
    "InvalidResultStatus",
    "InvalidTrial",
    "Outcome",
    "RunCancelled",
    "Space",
    "SparkTrials",
    "Status",
    "Trial",
    "Trials",
    "Tuner",
    "UnpicklableObjective",
    "__version__",
    "anneal",
    "atpe",
    "auto",
    "bayes",
    "broadcast",
    "early_stop",
    "exceptions",
    "fmin",
    "fmin_pass_expr_memo_ctrl",
    "hp",
    "mix",
    "rand",
    "scope",
    "search",
    "space_eval",
    "tpe",
]
