"""The doctor for programs and notebooks: its checks as one object."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, overload

from .. import markup
from ..checks import real
from ..engines.spark.session import active_session, is_stopped
from ..plurals import plural
from .check import Check
from .doctor import examine

__all__ = ["Report", "doctor", "lines_of"]

_SIGNS = {"ok": "\N{CHECK MARK}", "warning": "!", "problem": "\N{MULTIPLICATION SIGN}"}


class Report(Sequence[Check]):
    """What the doctor found, one Check after the other; shows itself as a table.

    Args:
        checks: in the order in which they were made.
    """

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks = tuple(checks)

    @property
    def ok(self) -> bool:
        """Whether nothing found is a problem."""
        return all(check.status != "problem" for check in self)

    @overload
    def __getitem__(self, place: int | str) -> Check: ...
    @overload
    def __getitem__(self, place: slice) -> Report: ...
    def __getitem__(self, place: int | str | slice) -> Check | Report:
        """A check by its place or its name, or several by a slice."""
        if isinstance(place, str):
            for check in self:
                if check.name == place:
                    return check
            names = ", ".join(check.name for check in self)
            raise KeyError(f"there is no check {place!r}; there are {names}")
        found = self._checks[place]
        return found if isinstance(found, Check) else Report(found)

    def __len__(self) -> int:
        return len(self._checks)

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks)

    def _ipython_key_completions_(self) -> list[str]:
        return [check.name for check in self]

    def __repr__(self) -> str:
        return "\n".join(line for check in self for line in lines_of(check))

    def _repr_html_(self) -> str:
        rows = []
        for check in self:
            rows.append((f"{_SIGNS.get(check.status, '')} {check.status}", check.name, check.found))
            rows += [("", "", f"\N{RIGHTWARDS ARROW} {check.advice}")] if check.advice else []
        return markup.block(
            markup.bold("sparktune doctor: " + self._verdict),
            markup.table(("", "check", "found"), rows, {"", "check", "found"}, wraps=True),
        )

    @property
    def _verdict(self) -> str:
        told = [check.status for check in self]
        parts = [plural(told.count(word), word) for word in ("problem", "warning") if word in told]
        return ", ".join(parts) or "all is well"


def doctor(
    spark_session: Any = None,
    *,
    master: str = "",
    remote: str = "",
    limit: float = 120.0,
    folder: str | os.PathLike[str] | None = None,
) -> Report:
    """Check this setup for SparkTrials, as ``sparktune doctor`` does, and say what to do.

    Where this process has a Spark session already, as a notebook has, that one is asked; else one
    is started in a process of its own and ended again.

    Args:
        spark_session: that is asked; None for the active one, where there is one.
        master: ``spark://host:7077``, ``local[4]``, ``yarn`` or ``k8s://...``, tried in place of
            that.
        remote: a Spark Connect server, such as ``sc://host:15002``, tried in place of that.
        limit: seconds that a new session and its tasks may take, above 0.
        folder: of the cluster on this machine, whose web UI is asked; None for the user's.

    Returns:
        A Report: a sequence of what was found, with ``ok``.

    Raises:
        ValueError: more than one of ``spark_session``, ``master`` and ``remote``, or a ``limit``
            that is none.
    """
    given = {"spark_session": spark_session, "master": master, "remote": remote}
    named = [name for name, value in given.items() if value is not None and value != ""]
    if len(named) > 1:
        raise ValueError(f"the doctor looks at one place, but got {' and '.join(named)}")
    seconds = real("limit", limit, "a number of seconds", above=0, finite=True)
    if spark_session is None and not named:
        spark_session = active_session()
        if spark_session is not None and is_stopped(spark_session):
            spark_session = None
    return Report(list(examine(master, remote, seconds, folder, spark_session)))


def lines_of(check: Check) -> list[str]:
    """A check as a line, and one for its advice where it has some."""
    lines = [f"{check.status:<8} {check.name:<16} {check.found}"]
    return [*lines, f"{'':<8} {'':<16} -> {check.advice}"] if check.advice else lines
