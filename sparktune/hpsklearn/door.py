"""The door of HyperoptEstimator: its settings, refused in a sentence where they are none."""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from ..checks import flag, real, whole
from ..run import seed_of

__all__ = ["check_settings", "sklearn_seed"]


def check_settings(given: Any) -> None:
    """Refuse settings of a HyperoptEstimator that are none; see there.

    Args:
        given: the estimator.

    Raises:
        ValueError, TypeError: one of them, or two together; with the rule and the value.
    """
    if given.classifier is not None and given.regressor is not None:
        raise ValueError("`classifier` and `regressor` exclude each other: give one")
    parts = {
        name: getattr(given, name)
        for name in ("preprocessing", "ex_preprocs", "classifier", "regressor")
    }
    named = [name for name, value in parts.items() if value is not None]
    if given.space is not None and named:
        raise ValueError(f"`space` stands in place of `{named[0]}`: give one of them")
    if given.ex_preprocs is not None and not isinstance(given.ex_preprocs, (list, tuple)):
        raise TypeError(
            "`ex_preprocs` must be a list with a space for each exogenous data set, but got "
            f"{given.ex_preprocs!r:.200}"
        )
    if given.loss_fn is not None and not callable(given.loss_fn):
        raise TypeError(
            f"`loss_fn` must be a function of targets and predictions, but got {given.loss_fn!r}"
        )
    if given.loss_fn is not None and given.scoring is not None:
        raise ValueError("`loss_fn` and `scoring` exclude each other: give one")
    for name in ("continuous_loss_fn", "use_partial_fit", "refit", "defaults_first"):
        flag(name, getattr(given, name))
    if given.continuous_loss_fn and (given.loss_fn is None or not given.classifies):
        raise ValueError("`continuous_loss_fn` needs a `loss_fn`, and classifiers")
    if given.scoring is not None and not (
        isinstance(given.scoring, str) or callable(given.scoring)
    ):
        raise TypeError(
            "`scoring` must be the name of a scorer, a scorer or None, but got "
            f"{given.scoring!r:.200}"
        )
    if isinstance(given.scoring, str):
        _check_scorer(given.scoring)
    if not isinstance(given.verbose, (bool, np.bool_)):
        whole("verbose", given.verbose, 0)
    if given.fit_increment_dump_filename is not None:
        _check_file("fit_increment_dump_filename", given.fit_increment_dump_filename)
    if given.n_jobs is not None and given.n_jobs != -1:
        whole("n_jobs", given.n_jobs)
    real("timeout", given.timeout, "a number of seconds", above=0, none=True)
    whole("max_evals", given.max_evals)
    whole("fit_increment", given.fit_increment)
    whole("finalists", given.finalists, 0, none=True)


def sklearn_seed(given: Any, name: str) -> int:
    """A seed that scikit-learn takes, too; None is 0, so that a fit repeats."""
    seed = seed_of(given, 0, name)
    if seed >= 2**32:
        raise ValueError(f"`{name}` must be below 2**32, as scikit-learn has it, but got {seed}")
    return seed


def _check_file(name: str, given: Any) -> None:
    """Refuse what can be no file to write."""
    if not isinstance(given, (str, os.PathLike)) or not os.fspath(given):
        raise TypeError(f"`{name}` must be the path of a file, but got {given!r}")
    path = Path(given).absolute()
    if path.is_dir():
        raise ValueError(f"`{name}` must be the path of a file, but {path} is a folder")
    if not path.parent.is_dir():
        raise ValueError(f"`{name}` is in {path.parent}, and there is no such folder")


def _check_scorer(name: str) -> None:
    """Refuse a name that no scorer of scikit-learn has."""
    known = get_scorer_names()
    if name not in known:
        near = ", ".join(map(repr, difflib.get_close_matches(name, known)))
        raise ValueError(
            f"`scoring` must be a name of sklearn.metrics.get_scorer_names(), but got {name!r}"
            f"{f'; near it: {near}' if near else ''}"
        )
