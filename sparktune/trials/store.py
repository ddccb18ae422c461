"""StoreTrials: trials that wait in a database for workers of any machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..checks import real, whole
from ..engines.base import Engine, Option
from ..engines.settings import settings_of
from ..engines.workers import Workers, refuse_objects
from ..exceptions import StoreError
from ..history import History
from ..space.tree import Space
from ..storage.stores.queued import QueuedRecord
from ..storage.stores.reader import StoredSearch
from ..tracebacks import Short
from .record import Trials

__all__ = ["StoreTrials"]


class StoreTrials(Trials):
    """The trials of a search that workers evaluate, which pull them from a database.

    ``fmin`` puts candidates into the store and waits; ``sparktune worker --store URL --exp-key
    KEY`` evaluates them, any number of workers on any machine that reaches the database. Several
    programs may call ``fmin`` with the same store and ``exp_key`` at the same time: they share what
    is known, and ``max_evals`` is the number of all their trials. See docs/workers.md.

    Workers take an objective by its name, such as ``pkg.mod:fn``, which they have to be started
    with (``--objective``), and a space of plain data. With the same secret in SPARKTUNE_STORE_KEY
    for this program and the workers, the objective may be any that cloudpickle can pickle.

    Args:
        url: of the database, as SQLAlchemy has it: ``"sqlite:///runs.db"`` for workers of this
            machine, ``"postgresql://user:password@host/database"``; None for that of
            SPARKTUNE_STORE.
        exp_key: the name of the search.
        parallelism: how many trials to keep in the queue or under way, at least 1; None for one
            more than there are live workers.
        trial_timeout, trial_grace, max_retries, retry_crashes: as in ``SparkTrials``; for what
            workers do with the trials.
        lost_after: seconds without a sign of life after which a driver or worker is taken for dead
            and its trials begun again, by the clock of the database; at least 5. It is kept with
            the search, for workers and other drivers; None for what is kept, 30 in a new search.
        on_space_change, defaults, tracking: as in ``Trials``.

    Raises:
        ImportError: SQLAlchemy is not installed.
        StoreError: the database cannot be reached.
        ValueError: an argument out of its range, or no URL. A run raises it, too, for an objective
            or a space that workers cannot take without SPARKTUNE_STORE_KEY.
    """

    asynchronous = True
    workers_record = True

    def __init__(
        self,
        url: str | None = None,
        exp_key: str = "default",
        *,
        parallelism: int | None = None,
        trial_timeout: float | None = None,
        trial_grace: float = 5.0,
        max_retries: int = 1,
        retry_crashes: bool = False,
        lost_after: float | None = None,
        on_space_change: str = "error",
        defaults: Mapping[str, Any] | None = None,
        tracking: Any = None,
    ) -> None:
        super().__init__(
            exp_key, on_space_change=on_space_change, defaults=defaults, tracking=tracking
        )
        self._given: int | None = whole("parallelism", parallelism, none=True)
        self.settings = settings_of(
            trial_timeout=trial_timeout, trial_grace=trial_grace, max_retries=max_retries,
            retry_crashes=retry_crashes,
        )  # fmt: skip
        seconds: float | None = real(
            "lost_after", lost_after, "a number of seconds", least=5, finite=True, none=True
        )
        with Short():
            self._queue = QueuedRecord(url, exp_key, seconds)
            self._source = self._queue
            self._adopt(self._queue)

    @property
    def parallelism_given(self) -> int | None:
        """How many trials at a time the user asked for; None where nobody did."""
        return self._given

    @contextmanager
    def run(self, space: Space) -> Iterator[History]:
        """The history, for a run; raises what ``step`` does.

        Raises:
            ValueError: without a key, a space of more than plain data; nothing is recorded.
        """
        if self._queue.trust.key is None:
            refuse_objects(Option(*each) for each in space.constants)
        with super().run(space) as history:
            yield history

    def engine(self) -> Engine:
        """A new engine for one run."""
        return Workers(self._queue, self._given)

    @classmethod
    def load(cls, url: Any = None, exp_key: str = "default") -> Trials:
        """The trials of a store, to read: needs neither space nor objective.

        They stay as they are until ``refresh()``.

        Raises:
            StoreError: there are none, or the database cannot be reached.
        """
        with Short():
            found = StoredSearch(url, exp_key)
            recorded = found.replay()
            if recorded.history is None:
                raise StoreError(f"there are no trials in {found.name}")
            return Trials.to_read(recorded, found.name, exp_key, found)
