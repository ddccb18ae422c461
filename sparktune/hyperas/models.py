"""Trained models of the best trials, on disk."""

from __future__ import annotations

import heapq
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..checks import advise
from .records import Ended, ended
from .travels.saving import loaded

__all__ = ["Kept", "model_of"]


class Kept:
    """Takes the models of trials out of their results as they end, and keeps those of the best.

    Args:
        most: how many are kept.
        then: the user's own function of the trials after each trial, None for none.
    """

    def __init__(self, most: int, then: Callable[..., Any] | None = None) -> None:
        self._most, self._then = most, then
        self._folder: Path | None = None
        self._seen: set[int] = set()
        self._best: list[tuple[float, int]] = []  # a heap of (-loss, number)
        self._said = False

    def __call__(self, trials: Any, *arguments: Any) -> Any:
        """Take note of the trials that ended; called after each."""
        self.take(trials)
        return (False, ()) if self._then is None else self._then(trials, *arguments)

    def take(self, trials: Any) -> None:
        """Take the models of all trials that ended since the last time."""
        for trial in ended(trials):
            if trial.number not in self._seen:
                self._seen.add(trial.number)
                self._take(trial)

    def _take(self, trial: Ended) -> None:
        attached = trial.attachments
        found = attached["model"] if "model" in attached else None  # noqa: SIM401 (no dict)
        if not isinstance(found, tuple):
            return
        kind, content = found
        if kind == "lost":
            attached["model"] = f"a model that could not be kept: {content}"
            self._say(trial, content)
            return
        del attached["model"]
        if trial.loss is None:
            return
        heapq.heappush(self._best, (-trial.loss, -trial.number))
        out = heapq.heappop(self._best) if len(self._best) > self._most else None
        if out != (-trial.loss, -trial.number):
            self._path(trial.number, kind).write_bytes(content)
        if out is not None:
            for path in self.folder.glob(f"{-out[1]}.*"):
                path.unlink()

    def _say(self, trial: Ended, why: str) -> None:
        if not self._said:
            self._said = True
            advise(f"trial {trial.number}: its model cannot be kept ({why})", raises=False)

    @property
    def folder(self) -> Path:
        """Where the models lie, made when there is a first one."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="sparktune-models-"))
        return self._folder

    def _path(self, number: int, kind: str) -> Path:
        return self.folder / f"{number}.{kind}"

    def load(self, trial: Ended) -> Any:
        """The model of a trial; None where there is none."""
        for path in self.folder.glob(f"{trial.number}.*") if self._folder else ():
            return loaded(path.suffix[1:], path.read_bytes())
        return model_of(trial)

    def close(self) -> None:
        """Remove the files."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def model_of(trial: Ended) -> Any:
    """The model in a trial's record; None where there is none."""
    found: Any = None
    if "model" in trial.attachments:
        found = trial.attachments["model"]
    if hasattr(found, "load"):  # a file of a journal
        found = found.load()
    return loaded(*found) if isinstance(found, tuple) and found[0] != "lost" else None
