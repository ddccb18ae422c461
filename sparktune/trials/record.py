"""Trials: the record of a search as its user sees it, and where its trials run.

The file is long because Trials describes each of its settings, and is the way into every room.
"""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from ..checks import advise, one_of, whole
from ..engines.base import Engine
from ..engines.local import Serial, Threads
from ..engines.processes import Processes
from ..engines.settings import environment_of, settings_of
from ..events import Budget, CancelToken, StopReason
from ..exceptions import JournalError, SpaceElsewhere
from ..history import History
from ..history.changed import ON_CHANGE, checked_defaults, go_on
from ..history.holders import trials_in_words
from ..known import Known, record
from ..plurals import plural
from ..run import run
from ..space.tree import Space
from ..storage.journal import Journal, folder_of
from ..storage.lock import writer_of
from ..storage.replaying import Recorded, replay, torn_words
from ..storage.stores.reader import StoredSearch
from ..storage.stores.shared import SharedRecord
from ..tracebacks import Short
from ..views.standing import Standing
from .exchange import known_of_documents, known_of_frame
from .optuna import known_of_study
from .tracked import Tracked

__all__ = ["Trials", "checked_trials"]

_DEFAULT_KEY = "default"  # of a search in a store that has no name

_OF_HOSTS = {
    "agree",
    "asynchronous",
    "ended",
    "engine",
    "limits",
    "parallelism_given",
    "place",
    "run",
}
_OF_HOSTS |= {"settings", "step", "to_read", "token"}

T = TypeVar("T", bound="Trials")


class Trials(Tracked):
    """The trials of a search that runs in this process.

    One trial runs at a time in the caller's thread unless ``parallelism`` or ``executor`` say
    otherwise. A second ``fmin`` with the same Trials and a larger ``max_evals`` goes on where the
    first ended. Trials can be pickled.

    The documents (``trials``, ``results``, ``miscs``, ...) are a view in Hyperopt's shape: changing
    one does not change the record. ``len``, iteration and ``trials`` show the trials that count
    for ``max_evals``: those that ended with a loss, failed, ran out of time or were pruned. Those
    that were cancelled or cut off, or are under way, are left out; ``_dynamic_trials`` has all.

    Args:
        exp_key: a name that the documents carry.
        refresh: accepted for Hyperopt's sake: there is nothing to read when they are made.
        parallelism: how many trials at a time, at least 1.
        executor: where trials run if not in the caller's thread: ``"processes"``, the default with
            ``parallelism`` above 1, which uses all cores for objectives in Python and survives
            their crashes; or ``"threads"`` of this process, which suits objectives that wait or
            share what cannot be pickled.
        trial_timeout: seconds, above 0, that a trial may take; None for no limit. Then an exception
            that ``except Exception`` does not catch is raised inside the objective. A process that
            has not reacted ``trial_grace`` seconds later is killed. A thread that has not is given
            up and runs on unheard; for a trial in the caller's thread nothing more can be done.
        trial_grace: seconds, above 0, that a trial has to react to that exception.
        trial_cpus: threads that numerical libraries use in each process (OpenMP, OpenBLAS, MKL,
            numexpr, torch), at least 1. None shares the cores out among ``parallelism`` processes,
            unless OMP_NUM_THREADS or the like is set, and leaves a single one alone. For trials in
            processes only.
        retry_crashes: whether a trial whose process died is tried once more.
        trials_per_process: how many trials a process evaluates before a fresh one takes its place,
            1 for a process for each trial, None for no limit; for objectives that leak memory. For
            trials in processes only.
        env: environment variables that trials in processes of their own find in ``os.environ``,
            values by name, such as tokens. Nothing here shows, logs, records or pickles the values:
            trials that were unpickled say which they lost.
        journal: a folder in which everything is recorded before anybody sees it; ``~`` in its path
            is the user's home. What it holds already is in these trials, and a run goes on with it.
            A trial in the caller's thread under which the process has ended twice is counted as
            failed then; see docs/resume.md.
        store: in place of a journal the URL of a database, such as ``"sqlite:///runs.db"``, which
            further runs with the same ``exp_key`` may share; see docs/workers.md.
        on_space_change: what happens where a run is given another space than that of the trials:
            "error" refuses it with what differs, "adapt" goes on in the new one, with all trials
            that still fit, "keep" in the old one.
        defaults: for "adapt", by label: what earlier trials count as having been run with, of
            labels that they do not have.
        tracking: whether runs are logged to MLflow; see ``fmin``.

    Attributes:
        workers_record: whether workers record what they evaluated, and it does not pass here.
        parallelism: as given.
        history: the record itself, None before the first run.
        seed: the whole number from which all randomness of the search comes, once it has begun.
        attachments: a dict for the user's own use, kept with the trials.
        fmin_cancelled_reason: why the last run stopped before ``max_evals``, None where it did not.

    Raises:
        ValueError: an argument out of its range; ``trial_cpus``, ``trials_per_process`` or ``env``
            without processes; both ``journal`` and ``store``; ``defaults`` without "adapt".
        TypeError: ``journal`` is no path, or ``defaults`` are no dict.
        JournalError: the journal is damaged, or none.
        StoreError: the database cannot be reached.
        ImportError: ``store`` needs SQLAlchemy, or ``tracking`` MLflow, which is not installed.
    """

    asynchronous = False
    workers_record = False
    _was_written = True  # by whoever goes on with it, when it was read

    def __init__(
        self,
        exp_key: str | None = None,
        refresh: bool = True,  # noqa: ARG002
        *,
        parallelism: int = 1,
        executor: str | None = None,
        trial_timeout: float | None = None,
        trial_grace: float = 5.0,
        trial_cpus: int | None = None,
        retry_crashes: bool = False,
        trials_per_process: int | None = None,
        env: Mapping[str, str] | None = None,
        journal: str | os.PathLike[str] | None = None,
        store: str | None = None,
        on_space_change: str = "error",
        defaults: Mapping[str, Any] | None = None,
        tracking: Any = None,
    ) -> None:
        super().__init__(exp_key)
        self.tracking = tracking
        self.parallelism: int = whole("parallelism", parallelism)
        one_of("executor", executor, ("processes", "threads"), none=True)
        self._executor = executor
        for name, value in (("trial_cpus", trial_cpus), ("trials_per_process", trials_per_process)):
            if value is not None and not self._own_processes:
                raise ValueError(
                    f"`{name}` needs processes of their own for the trials: add "
                    f"executor='processes'; got {name}={value!r} without it"
                )
        self.settings = settings_of(
            trial_timeout=trial_timeout,
            trial_grace=trial_grace,
            trial_cpus=trial_cpus,
            retry_crashes=retry_crashes,
            trials_per_process=trials_per_process,
            env=self._checked_env(env),
        )
        self.token = CancelToken()
        self._lock = threading.RLock()
        self._history: History | None = None
        self._in_use = False
        self.seed: int | None = None
        self.on_space_change: str = one_of("on_space_change", on_space_change, ON_CHANGE)
        self.defaults = self._checked_defaults(defaults)
        self._journal: Journal | SharedRecord | None = None
        self._read_only: str | None = None
        self._read_id: str | None = None
        self._source: StoredSearch | None = None
        if journal is not None and store is not None:
            raise ValueError("trials have a `journal` or a `store`, but not both")
        with Short():
            if journal is not None:
                self.attach(journal)
            elif store is not None:
                self._adopt(self._record_in(store))
        self.fmin_cancelled_reason: str | None = None
        self.attachments: dict[str, Any] = {}

    @property
    def _heading(self) -> str:
        if self._read_only is not None:
            return f"{super()._heading}, as read from {self._read_only}"
        kept = "" if self._journal is None else f", recorded in {self._journal.name}"
        return f"{super()._heading}{kept}"

    @property
    def _standing(self) -> Standing:
        """How these trials stand; those of a journal that nobody writes do not run."""
        is_running = self._was_written if self._journal is None else self._journal.is_written
        return Standing(self._history, is_running=is_running)

    def __dir__(self) -> list[str]:
        """What its users call; what a run asks of its host is there all the same."""
        return sorted(set(super().__dir__()) - _OF_HOSTS)

    @property
    def _own_processes(self) -> bool:
        """Whether trials run in processes of their own."""
        return self._executor == "processes" or (self._executor is None and self.parallelism > 1)

    def _checked_defaults(self, defaults: Any) -> dict[str, Any]:
        if defaults is None:
            return {}
        if not isinstance(defaults, Mapping):
            raise TypeError(
                f"`defaults` must be a dict of values by label, but got {defaults!r:.100}"
            )
        if defaults and self.on_space_change != "adapt":
            raise ValueError(
                "`defaults` are what trials of an earlier space count as having been run with: "
                f"add on_space_change='adapt'; it is {self.on_space_change!r}"
            )
        return dict(defaults)

    @property
    def env(self) -> Mapping[str, str]:
        """The environment variables that trials find; set it again where a pickle lost them."""
        return self.settings.env

    @env.setter
    def env(self, env: Mapping[str, str] | None) -> None:
        checked = environment_of(self._checked_env(env), self.settings.cpus)
        self.settings = replace(self.settings, env=checked)

    def _checked_env(self, env: Any) -> Any:
        """Variables as given, where trials have an environment of their own."""
        if env and not self._own_processes:
            raise ValueError(
                "`env` needs processes of their own for the trials, which it is set in: add "
                "executor='processes', or set os.environ for trials in this process"
            )
        return env

    def _advise_lost_env(self) -> None:
        """Warn, once, where these trials were pickled and are to go on without variables."""
        if lost := self.settings.env.lost:
            advise(
                "these trials were pickled, and the values of `env` never are: set trials.env "
                f"again, or go on without {', '.join(lost)}"
            )
            self.env = {}

    # What a run asks of its host; see run.Host.

    @property
    def history(self) -> History | None:
        """The record itself: every trial, and numpy columns; None before the first run."""
        return self._history

    @property
    def folder(self) -> Path | None:
        """Where files of these trials belong: in their journal, or beside a store in SQLite.

        None where there is neither, and for a store without a key, whose records may be anybody's.
        """
        return None if self._journal is None else self._journal.folder

    @property
    def parallelism_given(self) -> int | None:
        """How many trials at a time the user asked for."""
        return self.parallelism

    @property
    def limits(self) -> Budget:
        """When a run ends, unless fmin says otherwise: at its ``max_evals``."""
        return Budget()

    @contextmanager
    def step(self, space: Space) -> Iterator[History]:
        """The history, for one step by hand; steps wait for each other.

        Raises:
            RuntimeError: a run with these trials has not ended.
            BadSearchSpace: the trials were made in another space.
        """
        with self._lock:
            self._refuse_in_use()
            with self._kept(space) as history:
                yield history

    @contextmanager
    def run(self, space: Space) -> Iterator[History]:
        """The history, for a run; raises what ``step`` does."""
        with self._lock:
            self._refuse_in_use()
            self._in_use = True
        self.token = CancelToken()
        try:
            with self._kept(space) as history:
                yield history
        finally:
            self._in_use = False

    def engine(self) -> Engine:
        """A new engine for one run."""
        self._advise_lost_env()
        if self._own_processes:
            return Processes(self.parallelism)
        return Serial() if self._executor is None else Threads(self.parallelism)

    def ended(self, reason: StopReason | None) -> None:
        """Take note of why a run ended; None while it lasts."""
        early = reason not in (None, StopReason.MAX_EVALS)
        self.fmin_cancelled_reason = reason.value if reason is not None and early else None

    @classmethod
    def load(cls, journal: Any) -> Trials:
        """The trials of a journal, to read: needs neither space nor objective, and takes no lock.

        Whoever writes it may go on meanwhile; these trials stay as they were when they were read.

        Raises:
            JournalError: there is none, or it is damaged.
        """
        with Short():
            folder = folder_of(journal)
            recorded = replay(folder)
            if recorded.history is None:
                raise JournalError(_no_trials(folder, recorded.count))
            if torn := torn_words(folder, recorded):
                advise(torn, raises=False)
            trials = Trials.to_read(recorded, str(folder))
            trials._was_written = writer_of(folder) is not None
            return trials

    @classmethod
    def to_read(
        cls,
        recorded: Recorded,
        name: str,
        exp_key: str | None = None,
        source: StoredSearch | None = None,
    ) -> Trials:
        """Trials of what was recorded, which refuse to go on.

        Args:
            recorded: what was read.
            name: of where that was.
            exp_key: a name that the documents carry.
            source: that ``refresh`` reads again; None for one that does not change.
        """
        trials = Trials(exp_key)
        trials._source = source
        trials._history, trials.seed, trials._read_only = recorded.history, recorded.seed, name
        trials._read_id = recorded.id
        return trials

    def _refuse_in_use(self) -> None:
        if self._read_only is not None:
            is_store = "://" in self._read_only
            raise RuntimeError(
                f"these trials are read from {self._read_only}: to go on with them take "
                + ("StoreTrials(...) or Trials(store=...)" if is_store else "Trials(journal=...)")
            )
        if self._in_use:
            raise RuntimeError(
                "these trials are in use by an fmin that has not ended: wait for it, or take other "
                "trials"
            )

    @contextmanager
    def _kept(self, space: Space) -> Iterator[History]:
        """The history that a search of ``space`` goes on with, kept in the journal."""
        if self._journal is None:
            yield self._open(space)
            return
        is_same = self._history is not None and self._history.space is space
        # options are matched as whoever replays it will
        anew = self.on_space_change == "adapt" and not is_same
        while True:
            with self._journal.writing(self._history, anew) as recorded:
                if recorded.history is not self._history:
                    self._history, self._documents = recorded.history, {}
                self.seed = self.seed if recorded.seed is None else recorded.seed
                history = self._open(space)
                try:
                    self._journal.begin(history, history is not recorded.history, self.defaults)
                except SpaceElsewhere:  # which is read now, and may be the same one
                    if recorded.history is None or not len(recorded.history):
                        continue
                    raise
                try:
                    yield history
                finally:
                    history.sink = None
                return

    def agree(self, seed: int, given: bool, serial: bool = False) -> int:
        """The seed that a run takes, which is recorded; call it while a run or a step goes on.

        Args:
            seed: that the run would take.
            given: whether the user asked for it.
            serial: whether one trial after the other is evaluated in this process.
        """
        if self._journal is not None:
            recorded = self._journal.seed
            if recorded is not None and seed != recorded:
                if given:
                    advise(
                        f"{self._journal.name} was begun with the seed {recorded}, which counts: a "
                        f"run that goes on proposes what it would have; rstate gave {seed}"
                    )
                seed = recorded
            self._journal.note_run(seed, serial)
        self.seed = seed
        return seed

    def _recorded_id(self) -> tuple[str, bool] | None:
        if self._source is not None:
            return self._source.search_id, True
        if self._journal is not None:
            self._read_id = self._journal.search_id or None
        return None if self._read_id is None else (self._read_id, False)

    def attach(self, journal: Any) -> None:
        """Record everything in a folder from now on; what it holds already is in these trials then.

        Raises:
            RuntimeError: a run with these trials has not ended, or they are there to be read.
            ValueError: both these trials and the folder hold some, or there is another journal.
            JournalError: the journal is damaged, or none.
        """
        with Short():
            new = Journal(journal)
            self._refuse_in_use()
            if self._journal is not None and self._journal.name != new.name:
                raise ValueError(f"these trials have {self._journal.name} already")
            if self._journal is None:
                self._adopt(new)

    def _record_in(self, store: str) -> SharedRecord:
        record = SharedRecord(store, self.exp_key or _DEFAULT_KEY)
        self._source = record
        return record

    def _adopt(self, new: Journal | SharedRecord) -> None:
        """Take what is recorded over, and record there from now on."""
        recorded = new.replay()
        if recorded.history is None and self._history is not None and len(self._history.apart):
            raise ValueError(
                f"{plural(len(self._history.apart), 'of these trials is', 'of these trials are')} "
                "of an earlier space, which a record that begins now would not know: give trials a "
                "journal before their space changes"
            )
        if recorded.history is not None:
            if self._history is not None and len(self._history):
                raise ValueError(
                    f"these trials hold {len(self._history)} and {new.name} "
                    f"{len(recorded.history)}: take new trials for what is there, or another place"
                )
            self._history, self.seed = recorded.history, recorded.seed
        self._journal = new

    def _open(self, space: Space) -> History:
        """The history that a search of ``space`` goes on with."""
        checked_defaults(self.defaults, space)
        history = self._history
        if history is None or (not len(history) and history.space is not space):
            history = self._history = History(space)
            return history
        going_on = go_on(history, space, self.on_space_change, self.defaults)
        if going_on is not history:
            self._history, self._documents = going_on, {}
        return going_on

    def cancel(self) -> None:
        """End the run that these trials are in, from another thread; does nothing without one.

        What has ended is kept, what runs is cut off, and ``fmin`` returns the best so far. A trial
        that runs in the thread of ``fmin`` itself ends first.
        """
        self.token.request()

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_in_use": False}
        del state["token"], state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.token = CancelToken()
        self._lock = threading.RLock()

    def refresh(self) -> None:
        """Read what others have recorded in the store; without a store there is nothing to read.

        It does nothing while a run with these trials goes on, which reads by itself. It costs as
        much as loading the trials anew; of trials that ``StoreTrials.load`` gave, only what came
        since is read.

        Raises:
            StoreError: the database cannot be reached.
        """
        if self._source is None or not self._lock.acquire(blocking=False):
            return
        try:
            if self._in_use:
                return
            known = None if self._history is None else Recorded(self._history, self.seed, 0)
            recorded = self._source.replay(known)
            if recorded.history is not None:
                self._history, self._documents = recorded.history, {}
                self.seed = recorded.seed
        finally:
            self._lock.release()

    def delete_all(self) -> None:
        """Forget all trials and attachments.

        Raises:
            RuntimeError: they are in a journal, which forgets nothing.
        """
        if self._journal is not None:
            raise RuntimeError(
                f"these trials are in {self._journal.name}, which forgets nothing: take new trials "
                "with another one"
            )
        self._history = None
        self._documents = {}
        self._place = None
        self.seed = None
        self.attachments = {}

    def fresh(self: T) -> T:
        """Trials like these that hold none yet; these themselves where they are recorded.

        What is recorded in a journal or a store is gone on with, for there it is kept for that.
        """
        if self._journal is not None or self._read_only is not None:
            return self
        new = copy.copy(self)
        new.delete_all()
        return new

    @classmethod
    def from_pandas(
        cls: type[T], frame: Any, space: Any, *, loss: str = "loss", **options: Any
    ) -> T:
        """Trials from a table: that of ``to_pandas``, or one of your own; a row each.

        A search goes on with them as with its own: they teach ``algo``, count for ``max_evals``.
        Each label has a column, by its name or as ``params_<label>``; in the place of a choice
        stands its option, or else its index; an option that is a number comes before an index.
        A missing cell is None where that is an option, and of no account where the label is
        inactive. The columns
        ``status``, ``seconds``, ``host``, ``attempt``, ``submitted`` (UTC), ``error``,
        ``last_step`` and ``last_value`` are read as ``to_pandas`` writes them, and may be missing.
        All other columns go to the trial's ``info``, as if the objective had returned them.

        Without a status, a row with a loss is ok, one without is a failed trial. What was pending
        or cut off is begun again by the next run. Rows of the status "apart", which are of an
        earlier space, are left out with a warning. Trials are numbered in the order of the rows.
        Costs about 0.5 ms for each row of 10 labels.

        Args:
            frame: a pandas DataFrame.
            space: as for ``fmin``.
            loss: the name of the column with the losses.
            options: of the class, such as ``parallelism``.

        Raises:
            ImportError: pandas is not installed.
            InvalidTrial, InvalidLoss: a row does not fit the space, or has no number as its loss;
                the message has its number, from 0.
            TypeError, ValueError: no DataFrame, or no column for the loss or for a label.
        """
        with Short():
            space = Space.of(space)
            return cls._of(known_of_frame(frame, space, loss), space, options)

    @classmethod
    def from_documents(cls: type[T], documents: Any, space: Any, **options: Any) -> T:
        """Trials from documents in Hyperopt's shape, such as ``trials.trials`` of either library.

        A search goes on with them as with its own. Losses, failures (with ``misc["error"]``) and
        times are taken over; a loss of NaN is a failed trial, as in a run. Documents of trials that
        were new or running when they were taken are cut off trials, which the next run begins with.
        Attachments are not in documents. Trials are numbered in the order of the documents.

        Args:
            documents: an iterable of dicts with ``misc``, ``result`` and ``state``; also Trials of
                Hyperopt themselves.
            space: as for ``fmin``, with the labels that the documents have.
            options: of the class, such as ``parallelism``.

        Raises:
            InvalidTrial: a document does not fit the space, or is none; the message has its place.
            TypeError: no documents.
        """
        with Short():
            space = Space.of(space)
            return cls._of(known_of_documents(documents, space), space, options)

    @classmethod
    def from_optuna(cls: type[T], study: Any, space: Any, **options: Any) -> T:
        """Trials from a study of Optuna: those that are complete, pruned or failed.

        A search goes on with them as with its own. Parameters are matched with labels by name, and
        categories with options by value, or by a text that stands in one option alone, as "svm"
        does in ``{"kind": "svm", ...}``. Intermediate values are reports, user attributes the
        trial's ``info``. Where the study maximises, losses and reports have the other sign, which
        a warning says. Trials that are under way or waiting are left out, as are those that failed
        or were pruned before they drew a parameter that every candidate has.

        Args:
            study: an ``optuna.Study`` of one objective.
            space: as for ``fmin``, with the study's parameters as labels.
            options: of the class, such as ``parallelism``.

        Raises:
            ImportError: Optuna is not installed.
            InvalidTrial: a trial does not fit the space; the message has its number and the label.
            TypeError: no study.
            ValueError: the study has several objectives.
        """
        with Short():
            space = Space.of(space)
            return cls._of(known_of_study(study, space), space, options)

    @classmethod
    def _of(cls: type[T], evaluations: list[Known], space: Space, options: dict[str, Any]) -> T:
        """New trials that hold what is known, and a journal that gets all of it at once."""
        journal, store = options.pop("journal", None), options.pop("store", None)
        trials = cls(**options)
        with trials.step(space) as history:
            for known in evaluations:
                record(history, known)
        if journal is not None:
            trials.attach(journal)
        elif store is not None:
            trials._adopt(trials._record_in(store))
        if trials._journal is not None:
            with trials.step(space):
                pass
        return trials

    def fmin(
        self, fn: Any, space: Any, algo: Any = None, max_evals: Any = None, **options: Any
    ) -> Any:
        """``sparktune.fmin(fn, space, algo, max_evals, trials=self, **options)``."""
        options.pop("allow_trials_fmin", None)
        with Short():
            return run(self, fn, space, algo, max_evals, **options)


def _no_trials(folder: Path, count: int) -> str:
    """Why there is nothing to load."""
    if count:
        records = plural(count, "record")
        return f"the journal {folder} has {records}, but no space yet, and so no trials"
    if folder.is_dir():
        return f"there is no journal in {folder}, or one without a record yet"
    return f"there is no journal {folder}"


def checked_trials(trials: Any) -> Trials:
    """The Trials that were given, new ones for None, or an error that says what was given."""
    if trials is None:
        return Trials()
    if not isinstance(trials, Trials):
        raise TypeError(
            "`trials` must be Trials(), SparkTrials() or StoreTrials() of sparktune, but got "
            f"{trials_in_words(trials)}"
        )
    return trials
