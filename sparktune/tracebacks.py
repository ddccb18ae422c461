"""Tracebacks in which people see their own code, and not the way through this package."""

from __future__ import annotations

import linecache
import os
import sysconfig
from collections.abc import Iterator
from types import TracebackType

__all__ = ["Short"]

VARIABLE = "SPARKTUNE_TRACEBACK"

_CUT = "_sparktune_cut"  # in an exception's __dict__: its frames of ours were taken out below here
_OURS = os.path.join(os.path.dirname(__file__), "")  # noqa: PTH118, PTH120 (a prefix of texts)
_PATHS = sysconfig.get_paths()
_LIBRARIES = tuple(
    os.path.join(_PATHS[name], "")  # noqa: PTH118
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


class Short:
    """A context that takes the frames of this package out of what leaves it.

    An exception of the user's own function keeps that function's frames, one that we raise on
    purpose keeps none below the ``with``, and its cause only where code of the user's was part of
    that. Where something else went wrong inside, which nobody
    could mend without all of it, everything stays; so does it with ``SPARKTUNE_TRACEBACK=full`` in
    the environment. Where one stands within another, the outer one takes the inner one's end on.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        first: TracebackType | None,
    ) -> None:
        if error is None or first is None or os.environ.get(VARIABLE) == "full":
            return
        below = list(_entries(first.tb_next))
        ours = [place for place, each in enumerate(below) if _is_ours(each)]
        if not ours:
            return
        before, called = below[: ours[-1]], below[ours[-1] + 1 :]
        theirs = [each for each in before if _is_theirs(each)]
        if called and not _file(called[0]).startswith(_LIBRARIES):
            kept = [*theirs, *called]
        elif isinstance(error, KeyboardInterrupt) or (not called and _is_end(below[-1], error)):
            kept = theirs
            error.__dict__[_CUT] = True
            cause = error.__cause__
            if cause is not None and not any(map(_is_theirs, _entries(cause.__traceback__))):
                error.__cause__ = None
        else:
            return
        for above, each in zip([first, *kept], [*kept, None], strict=True):
            above.tb_next = each


def _entries(entry: TracebackType | None) -> Iterator[TracebackType]:
    while entry is not None:
        yield entry
        entry = entry.tb_next


def _file(entry: TracebackType) -> str:
    return entry.tb_frame.f_code.co_filename


def _is_ours(entry: TracebackType) -> bool:
    home = entry.tb_frame.f_globals.get("__name__")  # of what has no file, as a dataclass' methods
    return _file(entry).startswith(_OURS) or (
        _file(entry).startswith("<") and str(home).startswith(f"{__package__}.")
    )


def _is_theirs(entry: TracebackType) -> bool:
    return not _is_ours(entry) and not _file(entry).startswith(_LIBRARIES)


def _is_end(entry: TracebackType, error: BaseException) -> bool:
    """Whether an entry, the last, raises or called what did, rather than that something failed."""
    if _CUT in error.__dict__:
        return True
    line = linecache.getline(_file(entry), entry.tb_lineno)
    return line.lstrip().startswith("raise ")
