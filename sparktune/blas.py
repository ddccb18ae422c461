"""The package's own linear algebra, which keeps to one thread.

Its matrices are small, and the other cores are busy with trials: threads of a BLAS that wait for
cores which they do not get made a fit up to twenty times as slow.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

__all__ = ["on_one_thread"]

P = ParamSpec("P")
R = TypeVar("R")


def on_one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function's linear algebra run on one thread.

    The program's own setting is back when the function ends. Costs some 50 microseconds a call, and
    next to nothing within another such function. Of several threads in such functions the first one
    has the limit, since most libraries have one setting for all.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not _held.acquire(blocking=False):
            return function(*args, **kwargs)
        try:
            with _libraries().limit(limits=1, user_api="blas"):
                return function(*args, **kwargs)
        finally:
            _held.release()

    return call


_held = threading.Lock()


@functools.cache
def _libraries() -> Any:
    """Those of numpy and scipy, which are loaded by the time of the first fit."""
    from threadpoolctl import ThreadpoolController  # here: workers, which fit nothing, need it not

    return ThreadpoolController()
