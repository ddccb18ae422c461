"""Progress bars: contexts of ``initial`` and ``total``, with ``update(n)`` and ``postfix``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..views.progress import standard_bar as tqdm_progress_callback

__all__ = ["default_callback", "no_progress_callback", "tqdm_progress_callback"]


class _Nothing:
    """A bar that shows nothing."""

    postfix = ""

    def update(self, n: int) -> None:
        """Do nothing."""


@contextmanager
def no_progress_callback(initial: int, total: int | None) -> Iterator[Any]:  # noqa: ARG001
    """No bar."""
    yield _Nothing()


default_callback = tqdm_progress_callback
