"""Trials, the search problem, and the words that documents are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..exceptions import (
    AllTrialsFailed,
    DuplicateLabel,
    InvalidLoss,
    InvalidResultStatus,
    InvalidTrial,
)
from ..history import STATUS_FAIL, STATUS_OK
from ..history.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    STATUS_NEW,
    STATUS_RUNNING,
    STATUS_STRINGS,
    STATUS_SUSPENDED,
)
from . import pyll
from .documents import (
    JOB_STATES,
    JOB_VALID_STATES,
    TRIAL_KEYS,
    TRIAL_MISC_KEYS,
    Document,
    SONify,
    miscs_to_idxs_vals,
    miscs_update_idxs_vals,
    spec_from_misc,
    validate_loss_threshold,
    validate_timeout,
)
from .domain import Ctrl, Domain
from .loop import minimise
from .pyll.stochastic import recursive_set_rng_kwarg
from .record import Record
from .utils import pmin_sampled, use_obj_for_literal_in_memo

__all__ = [
    "JOB_STATES", "JOB_STATE_CANCEL", "JOB_STATE_DONE", "JOB_STATE_ERROR", "JOB_STATE_NEW",
    "JOB_STATE_RUNNING", "JOB_VALID_STATES", "STATUS_FAIL", "STATUS_NEW", "STATUS_OK",
    "STATUS_RUNNING", "STATUS_STRINGS", "STATUS_SUSPENDED", "TRIAL_KEYS", "TRIAL_MISC_KEYS",
    "AllTrialsFailed", "Ctrl", "Domain", "DuplicateLabel", "InvalidLoss", "InvalidResultStatus",
    "InvalidTrial", "SONify", "Trials", "miscs_to_idxs_vals", "miscs_update_idxs_vals",
    "pmin_sampled", "pyll", "recursive_set_rng_kwarg", "spec_from_misc", "trials_from_docs",
    "use_obj_for_literal_in_memo", "validate_loss_threshold", "validate_timeout",
]  # fmt: skip


class Trials(Record):
    """The trials of a search in this process, as a list of documents that anybody may change.

    A document is a dict with ``tid``, ``state``, ``spec``, ``result``, ``misc`` (where the values
    are), ``exp_key``, ``owner``, ``version``, ``book_time`` and ``refresh_time``. After
    ``refresh()`` the properties show those that are new, running or done; ``_dynamic_trials`` has
    all.

    Args:
        exp_key: show only documents that carry it; None shows all.
        refresh: whether to refresh at once.

    Attributes:
        attachments: things by name, kept beside the documents.
    """

    def fmin(
        self,
        fn: Any,
        space: Any,
        algo: Any = None,
        max_evals: Any = None,
        timeout: Any = None,
        loss_threshold: Any = None,
        max_queue_len: int = 1,
        rstate: Any = None,
        verbose: Any = False,
        pass_expr_memo_ctrl: bool | None = None,
        catch_eval_exceptions: bool = False,
        return_argmin: bool = True,
        show_progressbar: Any = True,
        early_stop_fn: Any = None,
        trials_save_file: Any = "",
        points_to_evaluate: Any = None,
    ) -> Any:
        """``fmin`` with these trials; see there."""
        return minimise(
            self, fn, space, algo=algo, max_evals=max_evals, timeout=timeout,
            loss_threshold=loss_threshold, rstate=rstate, verbose=verbose,
            max_queue_len=max_queue_len, pass_expr_memo_ctrl=pass_expr_memo_ctrl,
            catch_eval_exceptions=catch_eval_exceptions, return_argmin=return_argmin,
            show_progressbar=show_progressbar, early_stop_fn=early_stop_fn,
            trials_save_file=trials_save_file, points_to_evaluate=points_to_evaluate,
        )  # fmt: skip


def trials_from_docs(docs: Iterable[Document], validate: bool = True, **kwargs: Any) -> Trials:
    """Trials of documents.

    Args:
        docs: the documents, which stay the same objects.
        validate: whether each is looked at.
        **kwargs: for ``Trials``.
    """
    trials = Trials(**kwargs)
    (trials.insert_trial_docs if validate else trials.extend)(docs)
    trials.refresh()
    return trials
