"""Trials evaluated by workers that pull them from a store."""

from __future__ import annotations

import importlib
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from ..checks import advise
from ..history.results import Answer
from ..history.trial import Outcome, Status
from ..space.described import NotPlain, in_full
from ..storage.stores.queued import QueuedRecord
from ..storage.stores.signing import VARIABLE
from ..storage.stores.store import Entry
from .answers import cancelled
from .base import OnReport, Option, RunSpec, Task
from .culprits import unpicklable

__all__ = ["Workers", "name_of", "refuse_objects"]

_LOOK = 2.0  # seconds between two looks at how many workers there are
_PATIENCE = 10.0  # seconds without a worker after which that is said


class Workers:
    """Trials in processes of other programs, which pull them from a store: ``sparktune worker``.

    The history puts a trial into the store when it begins; here it is only waited for.

    Args:
        record: of the search, in the store.
        slots: how many trials to keep in the queue or under way; None for one more than there are
            live workers.
    """

    blocking = False
    raises = False
    hears_reports = True

    def __init__(self, record: QueuedRecord, slots: int | None) -> None:
        self._record, self._slots = record, slots
        self._waiting: dict[tuple[int, int], Future[Answer]] = {}
        self._lock = threading.Lock()
        self._count, self._looked, self._since, self._said = 0, 0.0, time.monotonic(), False

    @property
    def slots(self) -> int:
        """How many trials to keep under way."""
        live = self._live_workers()
        return live + 1 if self._slots is None else self._slots

    def _live_workers(self) -> int:
        now = time.monotonic()
        if self._record.store is not None and now - self._looked > _LOOK:
            self._looked, self._count = now, self._record.store.workers()
            self._since = now if self._count else self._since
            if now - self._since > _PATIENCE and not self._said:
                self._said = True
                advise(
                    f"no worker evaluates the trials of {self._record.name}: start some with "
                    f"`sparktune worker --exp-key {self._record.exp_key} --store ...`, or on Spark "
                    "with sparktune.store.start_workers",
                    raises=False,
                )
        return self._count

    def open(self, spec: RunSpec, on_report: OnReport | None = None) -> None:
        """Tell workers what all trials of the run have in common.

        Raises:
            UnpicklableObjective: with a key, what cannot be pickled of the objective.
            ValueError: without a key, an objective that no worker can import, or a space of more
                than plain data.
        """
        settings = spec.settings
        told = {
            "timeout": settings.timeout, "grace": settings.grace,
            "max_retries": settings.max_retries, "retry_crashes": settings.retry_crashes,
            "run_id": spec.run_id, "seed": self._record.seed,
            "tracking": None if spec.tracked is None else _for_workers(spec.tracked.of_run()),
        }  # fmt: skip
        name = name_of(spec.objective)
        if self._record.trust.key is None:
            if name is None:
                raise _nameless(spec.objective)
            refuse_objects(Option(*each) for each in self._record.space.constants)
            payload = b""
        else:
            payload = _pickled(spec, self._record.space)
        self._record.begin_job(name or "", payload, told)
        self._record.serve(self._arrive, on_report)

    def submit(self, task: Task) -> Future[Answer]:
        """Wait for a task."""
        future: Future[Answer] = Future()
        with self._lock:
            self._waiting[task.number, task.attempt] = future
        self._record.look_at(task.number)
        return future

    def _arrive(self, entry: Entry, attempt: int, outcome: Outcome | None) -> bool:
        """Take what became of an attempt; False where nobody waits for it yet."""
        with self._lock:
            future = self._waiting.pop((entry.number, attempt), None)
        if future is None:
            return False
        if outcome is None:
            outcome = Outcome(Status.LOST, error="its worker gave no sign of life")
        future.set_result(Answer(outcome))
        return True

    def stop(self, number: int, attempt: int) -> None:
        """Let a task end at its next report."""
        if self._record.store is not None:
            self._record.store.stop(number, attempt)

    def cancel(self, number: int, attempt: int) -> None:
        """End the task's future; its worker is told at its next sign of life."""
        with self._lock:
            future = self._waiting.pop((number, attempt), None)
        if future is not None:
            future.set_result(cancelled())

    def close(self) -> None:
        """Wait for nothing any more."""
        for number, attempt in list(self._waiting):
            self.cancel(number, attempt)


def name_of(objective: Callable[..., Any]) -> str | None:
    """An objective as "pkg.mod:fn", by which another program can import it; None without."""
    module, name = getattr(objective, "__module__", None), getattr(objective, "__qualname__", "")
    if not module or module == "__main__" or "<" in name:
        return None
    try:
        found: Any = importlib.import_module(module)
    except Exception:  # whatever its module does where it is imported anew
        return None
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is objective else None


def _for_workers(told: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What workers are told of MLflow: no password, since it lies in the database."""
    if told is None:
        return None
    has_secret = "@" in urllib.parse.urlsplit(told["uri"]).netloc
    return {**told, "uri": None if has_secret else told["uri"]}


def _nameless(objective: Any) -> ValueError:
    return ValueError(
        f"without {VARIABLE} workers take an objective by its name alone, and {objective!r:.100} "
        "is none that another program could import: put it into a module of its own (not "
        f"`__main__`), or set {VARIABLE} to the same secret for this program and the workers"
    )


def refuse_objects(options: Iterable[Option]) -> None:
    """Refuse what of a space is no plain data, for who has no key; ValueError names the label."""
    for option in options:
        try:
            in_full(option.value)
        except NotPlain:
            where = "the space" if option.label is None else f"the choice {option.label!r}"
            raise ValueError(
                f"without {VARIABLE} a space for workers holds plain data alone, but {where} holds "
                f"a {type(option.value).__name__}: write an option by its name, and make the "
                f"object in the objective; or set {VARIABLE} to the same secret for this program "
                "and the workers"
            ) from None


def _pickled(spec: RunSpec, space: Any) -> bytes:
    """The objective and the space, for a worker that has the key."""
    import cloudpickle

    def fails(part: Any) -> bool:
        try:
            cloudpickle.dumps(part)
        except Exception:
            return True
        return False

    try:
        blob: bytes = cloudpickle.dumps((spec.objective, space))
    except Exception as error:
        raise unpicklable("the objective", spec.objective, error, fails, False) from error
    return blob
