"""Small helpers that scripts take from ``hyperopt.utils``."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from .pyll.base import Literal, dfs
from .randomness import generator_of

__all__ = [
    "coarse_utcnow", "fast_isin", "get_most_recent_inds", "pmin_sampled", "temp_dir",
    "use_obj_for_literal_in_memo", "working_dir",
]  # fmt: skip


def coarse_utcnow() -> datetime:
    """The time in UTC, to the millisecond, without a time zone."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def fast_isin(X: Any, Y: Any) -> Any:
    """Which items of X are in Y: an array of booleans."""
    return np.isin(X, Y)


def get_most_recent_inds(obj: Any) -> Any:
    """Positions of the documents that are the latest version of their ``_id``, in its order."""
    latest: dict[Any, int] = {}
    for place, document in enumerate(obj):
        known = latest.get(document["_id"])
        if known is None or document["version"] >= obj[known]["version"]:
            latest[document["_id"]] = place
    return np.array([latest[each] for each in sorted(latest)], int)


def pmin_sampled(mean: Any, var: Any, n_samples: int = 1000, rng: Any = None) -> Any:
    """How often each of several normal variables is the lowest, by drawing them.

    Args:
        mean: (n,) means.
        var: (n,) variances.
        n_samples: how many draws.
        rng: a seed, a Generator or a RandomState; None for one that is always the same.
    """
    generator = generator_of(232342 if rng is None else rng)
    draws = generator.normal(mean, np.sqrt(var), size=(n_samples, len(mean)))
    return np.bincount(draws.argmin(axis=1), minlength=len(mean)) / n_samples


def use_obj_for_literal_in_memo(expr: Any, obj: Any, lit: Any, memo: dict[Any, Any]) -> Any:
    """Let an object stand for all Literals of a graph that hold ``lit``; changes the memo."""
    for node in dfs(expr):
        if isinstance(node, Literal) and node.obj is lit:
            memo[node] = obj
    return memo


@contextlib.contextmanager
def working_dir(dir: str) -> Iterator[None]:
    """Work in another folder for a while."""
    before = Path.cwd()
    os.chdir(dir)
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def temp_dir(dir: str, erase_after: bool = False, with_sentinel: bool = True) -> Iterator[None]:
    """Have a folder, made if need be, and remove what was made again where that is asked for.

    Args:
        dir: the folder.
        erase_after: whether to remove the folder, if it was made here.
        with_sentinel: whether a file marks it as made here.
    """
    folder = Path(dir)
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    if made and with_sentinel:
        (folder / "sparktune.made").touch()
    try:
        yield
    finally:
        if made and erase_after:
            shutil.rmtree(folder)
