"""Trained models of the best trials, on disk."""

from __future__ import annotations

import heapq
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..checks import advise
from ..history.trial import Outcome, Status
from .records import Ended
from .travels.saving import is_name, put, taken

__all__ = ["Kept"]

_NOT_KEPT = (
    "its model cannot be kept ({}); its loss counts. Return as 'model' what can be, such as the "
    "weights or the settings that it is made of again"
)
_EARLIER = (
    "the best trial, {}, is of an earlier call, which kept no file of its model: a journal, a "
    "store in SQLite with a key, or `model_folder` does"
)


class Kept:
    """Takes the models of trials out of their results, and keeps files of the best.

    A model that arrives in this process is in a file before its trial is recorded, if it is good
    enough; where trials have a folder of their own, the record names the file. Those that are worse
    than others by now are removed after each trial.

    Args:
        most: how many are kept.
        folder: where the files stay; None for a temporary one.
        ended: gives the trials that have ended so far.
        then: the user's own function of the trials after each trial, None for none.
    """

    def __init__(
        self,
        most: int,
        folder: Path | None,
        ended: Callable[[], Iterable[Ended]],
        then: Callable[..., Any] | None = None,
    ) -> None:
        self._most, self._ended, self._then = most, ended, then
        self._stays, self._folder = folder is not None, folder
        self._files: dict[int, Mapping[str, str]] = {}  # by trial: of this run
        self._seen: set[int] = set()
        self._best: list[tuple[float, int]] = []  # a heap of (-loss, -number)
        self._received: set[int] = set()
        self._said = False

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="sparktune-models-"))
        return self._folder

    @property
    def lasting(self) -> str | None:
        """The folder where the files stay; None where they do not."""
        return str(self.folder) if self._stays else None

    def receive(self, number: int, outcome: Outcome) -> Outcome:
        """The outcome as it is recorded: a file's name, or nothing, in place of the model."""
        if "model" not in outcome.attachments:
            return outcome
        self._received.add(number)
        rest = dict(outcome.attachments)
        found = rest.pop("model")
        loss = outcome.loss if outcome.status is Status.OK else None
        told = self._stored(number, loss, found)
        if told is not None and (self._stays or not isinstance(told, Mapping)):
            rest["model"] = told
        return replace(outcome, attachments=rest)

    def _stored(self, number: int, loss: float | None, found: Any) -> Any:
        """What stands in a record for the model of a trial; None where it is not kept."""
        if not isinstance(found, (tuple, list)):  # its process has put it into the folder
            return found
        kind, content = found
        if kind != "lost":
            if loss is None or (len(self._best) >= self._most and -loss < self._best[0][0]):
                return None
            try:
                self._files[number] = put(self.folder, kind, content)
                return self._files[number]
            except OSError as error:
                content = f"{self.folder} cannot be written: {error.strerror or error}"
        self._say(number, content)
        return f"a model that could not be kept: {content}"

    def __call__(self, trials: Any, *arguments: Any) -> Any:
        """Take note of the trials that ended; called after each."""
        self.take()
        return (False, ()) if self._then is None else self._then(trials, *arguments)

    def take(self) -> None:
        """Take note of all trials that ended since the last time."""
        for trial in self._ended():
            if trial.number not in self._seen:
                self._seen.add(trial.number)
                self._take(trial)

    def _take(self, trial: Ended) -> None:
        attached = trial.attachments
        found = attached["model"] if "model" in attached else None  # noqa: SIM401 (no dict)
        if isinstance(found, (tuple, list)):  # of documents, which no search has received
            found = self._stored(trial.number, trial.loss, found)
            if isinstance(found, str):
                attached["model"] = found
            else:
                del attached["model"]
        told = self._files.get(trial.number, found)
        name = told.get("file") if isinstance(told, Mapping) else None
        if told is None or not is_name(name):
            return
        self._files[trial.number] = told
        loss = float("inf") if trial.loss is None else trial.loss
        heapq.heappush(self._best, (-loss, -trial.number))
        if len(self._best) > self._most or trial.loss is None:
            out = heapq.heappop(self._best)
            self._remove(-out[1])

    def _remove(self, number: int) -> None:
        (self.folder / self._files.pop(number)["file"]).unlink(missing_ok=True)

    def _say(self, number: int, why: str) -> None:
        if not self._said:
            self._said = True
            advise(f"trial {number}: {_NOT_KEPT.format(why)}", raises=False)

    def load(self, trial: Ended) -> Any:
        """The model of a trial; None where there is none, or it cannot be loaded here."""
        told = self._files.get(trial.number)
        if told is None:
            if self._received and trial.number not in self._received:
                advise(_EARLIER.format(trial.number), raises=False)
            return None
        try:
            return taken(self.folder, told)
        except (
            Exception
        ) as error:  # whatever its framework raises: there is a best run all the same
            self._stays = True
            advise(
                f"trial {trial.number}: its model cannot be loaded here ({type(error).__name__}: "
                f"{error}), so None comes back in its place; it is in {self.folder / told['file']}",
                raises=False,
            )
            return None

    def close(self) -> None:
        """Remove the files, unless they stay."""
        if self._folder is not None and not self._stays:
            shutil.rmtree(self._folder, ignore_errors=True)
