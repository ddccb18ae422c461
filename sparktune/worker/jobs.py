"""Jobs as a worker takes them: what it believes of them, and what it calls."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..engines.base import Option, RunSpec
from ..engines.processes import Processes
from ..engines.settings import Settings, settings_of
from ..space.reading import value_from
from ..space.tree import Space
from ..storage.lines import parsed
from ..storage.stores.signing import VARIABLE
from ..storage.stores.store import Entry, Job, Store
from ..storage.stores.trust import Trust
from ..tracking.contexts import OfWorker
from ..unpickling import loads
from .refusals import Refused

__all__ = ["Jobs", "LoadedJob", "objectives_of"]

_NO_DATA = (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)


def objectives_of(names: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """Functions by their names, such as "pkg.mod:fn", imported.

    Raises:
        ValueError: one is no such name, or there is no such function; the message has it.
    """
    found = {}
    for name in names:
        module, colon, path = name.partition(":")
        if not (colon and path and all(part.isidentifier() for part in module.split("."))):
            raise ValueError(
                "an objective is named as 'pkg.mod:fn', by a module rather than a file, but got "
                f"{name!r}"
            )
        try:
            thing: Any = importlib.import_module(module)
            for part in path.split("."):
                thing = getattr(thing, part)
        except (Exception, SystemExit) as error:  # of a module that is somebody's program
            text = f"{type(error).__name__}: {error}"
            raise ValueError(f"the objective {name!r} cannot be imported: {text}") from None
        if not callable(thing):
            raise ValueError(f"the objective {name!r} is no function, but {thing!r:.60}")
        found[name] = thing
    return found


class LoadedJob(NamedTuple):
    """A job, ready to be evaluated.

    Attributes:
        id: of the job.
        space: that makes configurations; None where they come ready-made.
        engine: that evaluates its trials, open.
        seed: of the driver.
        run_id: of the driver's run.
        retries: how often a trial whose process died is tried again.
    """

    id: str
    space: Space | None
    engine: Processes
    seed: int
    run_id: str
    retries: int

    def config(self, entry: Entry) -> Any:
        """What the objective receives for a trial.

        Raises:
            Refused: its candidate is none.
        """
        try:
            if self.space is None:
                return value_from(parsed(entry.config.encode()), plain=True)
            text = entry.config or entry.candidate
            ((values, _),) = self.space.encoder.pairs([parsed(text.encode())])
        except _NO_DATA as error:
            raise Refused(f"its candidate is none: {error}"[:300], whole_job=False) from None
        return self.space.build(values)


class Jobs:
    """The jobs of a store that a worker takes; one is loaded at a time.

    Args:
        store: that holds them.
        trust: by which they are judged.
        objectives: functions by the names under which drivers may ask for them.
        on_report: is told of reports; see engines.base.OnReport.
    """

    def __init__(
        self,
        store: Store,
        trust: Trust,
        objectives: Mapping[str, Callable[..., Any]],
        on_report: Callable[[int, int, int, float], bool],
    ) -> None:
        self._store, self._trust, self._objectives = store, trust, dict(objectives)
        self._on_report = on_report
        self._job: LoadedJob | None = None

    def load(self, entry: Entry) -> LoadedJob:
        """The job of a trial; the one before is let go.

        Raises:
            Refused: it is not to be believed, or its objective is none of this worker's.
        """
        if self._trust.key is not None and not self._trust.has_signed(entry):
            text = f"it is not signed with this {VARIABLE}, for this search, number and attempt"
            raise Refused(text, whole_job=False)
        if self._job is not None and self._job.id == entry.job:
            return self._job
        job = self._store.job(entry.job)
        if job is None or job.id != entry.job:
            raise Refused("its job is not there, or was changed", whole_job=False)
        self.close()
        objective, space = self._objective(job)
        settings = _settings_of(job.settings)
        options = () if space is None else tuple(Option(*each) for each in space.constants)
        engine = Processes(1)
        spec = RunSpec(
            objective, settings.run_id, options, settings.of_trials,
            tracked=self._tracked(settings.tracking),
        )  # fmt: skip
        engine.open(spec, self._on_report)
        self._job = LoadedJob(
            job.id, space, engine, settings.seed, settings.run_id, settings.retries_of_crashes
        )
        return self._job

    def _objective(self, job: Job) -> tuple[Callable[..., Any], Space | None]:
        """What is called, and the space where configurations are made here."""
        if job.payload:
            if self._trust.key is None:
                raise Refused(f"its objective is pickled, and this worker has no {VARIABLE}")
            objective, space = loads(job.payload)  # signed: the entry's proof covers the job's id
            return objective, space
        if job.objective not in self._objectives:
            raise Refused(
                f"its objective {job.objective!r:.100} is none of this worker's (--objective)"
            )
        return self._objectives[job.objective], None

    def _tracked(self, told: Mapping[str, Any] | None) -> OfWorker | None:
        """What trials of a job are told of MLflow.

        This worker's own server comes first, and without a key it is the only one: who can write
        into the database is not to say where the worker sends something.
        """
        if told is None:
            return None
        named = told["uri"] if self._trust.key is not None else None
        return OfWorker(told, os.environ.get("MLFLOW_TRACKING_URI") or named)

    def close(self) -> None:
        """Let go of the job that is loaded."""
        if self._job is not None:
            self._job.engine.close()
            self._job = None


class _JobSettings(NamedTuple):
    """How the trials of a job are treated.

    Attributes:
        of_trials: as engines have it.
        seed: of the driver.
        run_id: of the driver's run.
        retries_of_crashes: how often a trial whose process died is tried again.
        tracking: what OfWorker is told; None where nothing is tracked.
    """

    of_trials: Settings
    seed: int
    run_id: str
    retries_of_crashes: int
    tracking: Mapping[str, Any] | None


def _settings_of(text: str) -> _JobSettings:
    """The settings of a job; nothing in the text is trusted.

    Raises:
        Refused: they are none.
    """
    try:
        found = parsed(text.encode())
        seed, run_id, retries = found["seed"], found["run_id"], found["max_retries"]
        if type(seed) is not int or seed < 0 or type(run_id) is not str:
            raise ValueError("no seed")
        settings = settings_of(
            trial_timeout=found["timeout"], trial_grace=found["grace"], max_retries=retries,
            retry_crashes=found["retry_crashes"],
        )  # fmt: skip
        tracking = found.get("tracking")
        if tracking is not None:
            OfWorker(tracking, None)
            if not (tracking["uri"] is None or type(tracking["uri"]) is str):
                raise ValueError("its server of MLflow is none")
    except _NO_DATA as error:
        raise Refused(f"the settings of its job are none: {error}"[:300]) from None
    crashes = settings.max_retries if settings.retry_crashes else 0
    return _JobSettings(settings, seed, run_id[:40], crashes, tracking)
