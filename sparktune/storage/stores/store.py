"""The protocol of a store: trials in a database, a queue that drivers and workers share.

A trial has a number, and moves through these states:

    reserved   a driver has the number, and nothing more
    queued     waits for a worker
    running    a worker evaluates it
    own        its driver evaluates it itself; no worker sees it
    cut        the end of its run cut it off; any driver may begin it again
    ended      has an outcome

What drivers read has a revision, which grows with every change and is that of the whole search: who
has read up to one asks for what came after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

__all__ = [
    "BEAT", "CUT", "DEFAULT_LOST_AFTER", "ENDED", "FARTHEST", "OWN", "QUEUED", "RESERVED",
    "RUNNING", "Changes", "Entry", "Job", "Report", "SpaceEntry", "Store",
]  # fmt: skip

RESERVED, QUEUED, RUNNING = "reserved", "queued", "running"
OWN, CUT, ENDED = "own", "cut", "ended"
DEFAULT_LOST_AFTER = 30.0  # seconds
BEAT = 1.0  # seconds between two signs of life at most: a fifth of the least lost_after
FARTHEST = 100_000  # how far a number may be beyond those that are known


@dataclass(frozen=True)
class Entry:
    """A trial as a store has it.

    Attributes:
        number: of the trial.
        attempt: how often it was lost or cut off.
        state: one of those above.
        candidate: its values, as JSON.
        config: what the objective receives, as JSON; "" where a worker makes it of the candidate.
            Where a worker makes it of what the candidate has become, since the space was changed,
            these values.
        started: seconds since the epoch, by the clock of its driver.
        job: id of the job that it is a trial of; "" where its driver evaluates it.
        proof: signature of what a worker is told; "" without a key.
        lost: how often it was lost with its worker, or with the process of a serial search.
        outcome: as JSON, where it has ended.
        outcome_proof: signature of that.
        worker: that evaluates it or did; "" for none.
        driver: that began it last.
    """

    number: int
    attempt: int
    state: str
    candidate: str
    config: str
    started: float
    job: str = ""
    proof: str = ""
    lost: int = 0
    outcome: str | None = None
    outcome_proof: str = ""
    worker: str = ""
    driver: str = ""


@dataclass(frozen=True)
class Job:
    """What all trials of a run have in common, for workers.

    Attributes:
        objective: as "pkg.mod:fn", or "" where ``payload`` holds it.
        payload: the pickled (objective, space), b"" where the worker has the objective itself.
        space: as JSON.
        settings: how trials are treated, as JSON.
    """

    objective: str
    payload: bytes = field(repr=False)
    space: str = field(repr=False)
    settings: str

    @property
    def id(self) -> str:
        """The digest of all of it."""
        import hashlib

        digest = hashlib.sha256()
        for part in (self.objective.encode(), self.payload, self.space.encode()):
            digest.update(b"%d:" % len(part) + part)
        digest.update(self.settings.encode())
        return digest.hexdigest()


class Report(NamedTuple):
    """An intermediate value."""

    number: int
    attempt: int
    step: int
    value: float


class SpaceEntry(NamedTuple):
    """The space of trials from some number on.

    Attributes:
        id: 1 for the first of a search.
        first: the number of the first trial of this space.
        space: as JSON.
        defaults: by which earlier trials were adapted to it, as JSON.
        proof: signature of all of it; "" without a key.
    """

    id: int
    first: int
    space: str
    defaults: str
    proof: str = ""


class Changes(NamedTuple):
    """What was changed after some revision.

    Attributes:
        revision: up to which this tells.
        entries: trials as they stand, but for reserved ones.
        reports: intermediate values, in the order in which they came.
        spaces: that were added.
    """

    revision: int
    entries: list[Entry]
    reports: list[Report]
    spaces: list[SpaceEntry]


class Store(Protocol):
    """The trials of one search, by its ``exp_key``.

    Methods raise StoreError where the database cannot be reached or refuses.

    Attributes:
        exp_key: the name of the search.
        name: of the database, for people: without a password.
        tells: whether ``wait`` is told of changes; else it looks for them.
        lost_after: seconds without a sign of life after which a driver or worker is taken for dead,
            by the clock of the database; what the driver that said so last has asked for.
    """

    exp_key: str
    name: str
    tells: bool
    lost_after: float

    def join(self, driver: str, seed: int | None, owner: str = "") -> None:
        """Sign a driver in, or give its sign of life; ``owner`` tells of its process."""

    def stay(self, driver: str, owner: str) -> bool:
        """Give a driver's sign of life, unless another process goes on with it; whether it did."""

    def owners(self) -> list[tuple[str, str]]:
        """The drivers that did not leave, each with its owner."""

    def leave(self, driver: str) -> None:
        """Sign a driver out; numbers that it has and did not begin are free."""

    def first_seed(self) -> int | None:
        """The seed that was recorded first."""

    def next_first(self) -> int:
        """The number of the first trial of a space that is added now."""

    def add_space(self, entry: SpaceEntry) -> bool:
        """Add a space; False where another has its id, or where trials have begun meanwhile."""

    def open_batch(self, driver: str, k: int, max_evals: int | None) -> list[int]:
        """Give numbers to a driver, before anything is suggested.

        Fewer, or none, where ``max_evals`` trials have ended, are under way, or are reserved.
        """

    def put(
        self, driver: str, entries: Sequence[Entry], outcomes: Sequence[tuple[str, bool]] = ()
    ) -> None:
        """Begin trials whose numbers the driver has: queued or own, as the entries say.

        ``outcomes`` are those of trials that are known already: the status by name, and whether it
        counts; the entries hold the rest then.

        Raises:
            TakenElsewhere: others have got one of the numbers, as the driver gave no sign of life;
                nothing is begun.
        """

    def put_job(self, job: Job) -> None:
        """Keep a job, by its id."""

    def job(self, id: str) -> Job | None:
        """A job by its id."""

    def take(
        self, worker: str, jobs_refused: Collection[str], refused: Collection[int] = ()
    ) -> Entry | None:
        """Give a queued trial to a worker, none of the jobs and trials that it has refused."""

    def release(self, worker: str, number: int, attempt: int) -> None:
        """Put a trial back into the queue that a worker has taken and does not evaluate.

        Drivers read it then: the one that began the trial puts right what was changed of it.
        """

    def beat(self, worker: str, number: int, attempt: int, reports: Sequence[Report] = ()) -> str:
        """A worker's sign of life with a trial: "on", "stop" (at its next report) or "lost".

        Reports of a lost attempt are not kept.
        """

    def stop(self, number: int, attempt: int) -> None:
        """Have a running trial stopped at its next report."""

    def report(self, reports: Sequence[Report]) -> None:
        """Keep reports of trials that their driver evaluates."""

    def refuse(self, number: int, attempt: int, proof: str = "") -> None:
        """Cut a trial off that goes on no more in a way that a driver does not trust.

        ``proof`` is the signature of its next attempt.
        """

    def mend(self, driver: str, entry: Entry) -> None:
        """Put a trial back as its driver began it, whatever somebody has made of its row."""

    def set_aside(self, number: int) -> None:
        """Have nobody wait for a row that is no trial; it counts for nothing, and stays."""

    def under_way(self) -> list[Entry]:
        """The trials that are queued, running or evaluated by their driver, as their rows say."""

    def look_up(self, numbers: Collection[int]) -> list[Entry]:
        """Trials by their numbers, whatever their revisions."""

    def lives(self, driver: str) -> bool:
        """Whether a driver gives signs of life."""

    def recount(self) -> None:
        """Count the trials that have ended, where somebody has changed the number."""

    def counted(self) -> list[int]:
        """The numbers of the trials that count for ``max_evals``."""

    def count(self, numbers: Collection[int], counts: bool) -> None:
        """Have trials that have ended count for ``max_evals``, or not."""

    def finish(
        self,
        who: str,
        number: int,
        attempt: int,
        status: str,
        counts: bool,
        outcome: str,
        proof: str = "",
        overdue: bool = False,
    ) -> bool:
        """End a trial; False where the attempt is not current, or not of this driver or worker.

        With ``overdue`` also where the trial is overdue no more.
        """

    def requeue(
        self,
        number: int,
        attempt: int,
        state: str,
        proof: str = "",
        lost: bool = False,
        overdue: bool = False,
    ) -> bool:
        """Give a trial its next attempt; False where this attempt is not under way.

        Args:
            number: of the trial.
            attempt: that was lost or is cut off.
            state: of the next attempt: queued, own or cut.
            proof: signature of what a worker is told of the next attempt.
            lost: whether this counts as a loss.
            overdue: do it only if the trial is overdue still.
        """

    def resume(self, driver: str, entry: Entry, max_evals: int | None) -> bool:
        """Begin a trial that was cut off again.

        False where another driver has, or where there is no room; see ``open_batch``.

        The candidate stays as it was written, in the space that it was written in; it was lost as
        often as ``entry.lost`` says.
        """

    def overdue(self) -> list[Entry]:
        """Trials whose worker is dead, or whose driver, if nobody else evaluates them."""

    def drivers(self) -> int:
        """How many drivers give signs of life."""

    def workers(self) -> int:
        """How many workers give signs of life."""

    def sign_worker(self, worker: str, host: str, pid: int) -> None:
        """A worker's sign of life without a trial."""

    def drop_worker(self, worker: str) -> None:
        """Sign a worker out."""

    def read(self, since: int) -> Changes:
        """What was changed after a revision; 0 for all."""

    def wait(
        self,
        seconds: float,
        until: Callable[[], bool] = lambda: False,
        queue: bool = False,
    ) -> None:
        """Return once something was changed, at the latest after so many seconds.

        The first time it returns at once.

        Args:
            seconds: at most.
            until: asked now and then, twice a second at least; True ends the waiting.
            queue: whether to wait for a trial that waits for a worker; other changes may end the
                waiting all the same.
        """

    def close(self) -> None:
        """Give the connections back."""
