"""What becomes of trials whose worker or driver is dead; any of the living does it."""

from __future__ import annotations

from ...history.trial import Outcome, Status
from ..lines import parsed
from ..owner import Owner
from .outcomes import text_of_outcome
from .rows import fault_of
from .store import CUT, OWN, QUEUED, Entry, Store
from .trust import Trust

__all__ = ["bury", "reap"]


def bury(store: Store, trust: Trust) -> None:
    """Sign drivers out of whose processes this machine knows that they have ended.

    A serial search was in the first of the trials that it had begun: that was lost with it.
    """
    for driver, text in store.owners():
        owner = Owner.of(text.encode())
        if owner is None or not _has_ended(owner, driver, store):
            continue
        if owner.serial:
            _blame_first(store, trust, driver)
        store.leave(driver)


def _blame_first(store: Store, trust: Trust, driver: str) -> None:
    begun = sorted(
        (
            entry
            for entry in store.under_way()
            if (entry.driver, entry.state) == (driver, OWN) and fault_of(entry) is None
        ),
        key=lambda entry: entry.number,
    )
    for entry in reversed(begun):  # or who buries at the same time would find another one first
        proof, is_first = trust.again(entry).proof, entry is begun[0]
        store.requeue(entry.number, entry.attempt, CUT, proof, lost=is_first)


def _has_ended(owner: Owner, driver: str, store: Store) -> bool:
    """Whether a driver's process has ended by itself, rather than with its machine."""
    if owner.here:
        return not owner.lives
    return owner.is_of_this_boot and not store.lives(driver)  # in another container


def reap(store: Store, trust: Trust) -> int:
    """Queue trials again whose worker gives no sign of life, and cut off those of dead drivers.

    A trial that was lost once more than its run allows ends as failed. What is signed is signed
    anew for its next attempt; who does not have the key leaves it to others, and who has it leaves
    what is not signed alone: to sign that would make a stranger's row one of ours.

    Returns:
        How many trials went on.
    """
    return sum(
        _went_on(store, trust, entry) for entry in store.overdue() if fault_of(entry) is None
    )


def _went_on(store: Store, trust: Trust, entry: Entry) -> bool:
    number, attempt = entry.number, entry.attempt
    if entry.state in (OWN, QUEUED):
        return store.requeue(number, attempt, CUT, trust.again(entry).proof, overdue=True)
    if trust.fault_of_candidate(entry) is not None:
        return False
    if entry.lost >= _retries(store, entry):
        lost = Outcome(Status.FAILED, error=_lost(entry), error_type="lost")
        text, _ = text_of_outcome(lost, trust.key is not None)
        proof = trust.with_outcome(entry, text).outcome_proof
        told = ("failed", True, text, proof)
        return store.finish(entry.worker, number, attempt, *told, overdue=True)
    return store.requeue(number, attempt, QUEUED, trust.again(entry).proof, lost=True, overdue=True)


def _lost(entry: Entry) -> str:
    times = "once" if not entry.lost else f"{entry.lost + 1} times"
    return f"lost {times} with its worker, the last time with {entry.worker}"


def _retries(store: Store, entry: Entry) -> int:
    """How often a trial may be lost."""
    job = store.job(entry.job)
    try:
        found = parsed(job.settings.encode())["max_retries"] if job is not None else 1
    except (ValueError, KeyError, TypeError):
        found = 1
    return found if type(found) is int and found >= 0 else 1
