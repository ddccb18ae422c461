"""What of the rows of a search is taken for true, by a key or without one."""

from __future__ import annotations

from dataclasses import replace

from ...exceptions import JournalError
from ...history import ENDED as COUNT
from ...history import Outcome, Status
from .outcomes import outcome_of
from .rows import fault_of_space
from .signing import VARIABLE, Key, same
from .store import Entry, SpaceEntry

__all__ = ["Trust"]


class Trust:
    """Signs what one search keeps in a store, and judges what is found there.

    Args:
        key: by which things are signed; None without one: then nothing is signed, and nothing is
            unpickled.
        exp_key: the name of the search.
    """

    def __init__(self, key: Key | None, exp_key: str) -> None:
        self.key, self._exp_key = key, exp_key

    def signed(self, entry: Entry) -> Entry:
        """An entry with its signature."""
        if self.key is None:
            return entry
        return replace(entry, proof=self.key.of_entry(self._exp_key, entry))

    def has_signed(self, entry: Entry) -> bool:
        """Whether what a worker is told of an entry is signed with the key."""
        return self.key is not None and self.key.has_signed(self._exp_key, entry)

    def again(self, entry: Entry) -> Entry:
        """An entry at its next attempt; it is signed only if it was: a stranger's row stays one."""
        again = replace(entry, attempt=entry.attempt + 1, proof="")
        return self.signed(again) if self.has_signed(entry) else again

    def with_outcome(self, entry: Entry, text: str) -> Entry:
        """An entry with its outcome, and the signature of that."""
        proof = "" if self.key is None else self.key.of_outcome(self._exp_key, entry, text)
        return replace(entry, outcome=text, outcome_proof=proof)

    def signed_space(self, entry: SpaceEntry) -> SpaceEntry:
        """A space with its signature."""
        if self.key is None:
            return entry
        return SpaceEntry(*entry[:-1], proof=self.key.of_space(self._exp_key, entry))

    def fault_of_space(self, space: SpaceEntry) -> str | None:
        """Why the row of a space is not to be believed; None if it is."""
        fault = fault_of_space(space)
        if fault is not None or self.key is None:
            return fault
        if same(self.key.of_space(self._exp_key, space), space.proof):
            return None
        return f"it is not signed with this {VARIABLE}"

    def fault_of_candidate(self, entry: Entry) -> str | None:
        """Why nobody of this search would evaluate an entry; None if somebody would."""
        if self.key is not None and not self.has_signed(entry):
            return f"it is not signed with this {VARIABLE}"
        if self.key is None and entry.proof:
            return "it is signed, as nothing of this search is"
        return None

    def judged(self, entry: Entry) -> tuple[Outcome | None, str]:
        """The outcome of an entry; or None, and why it is not to be believed."""
        text, key = entry.outcome or "", self.key
        if key is not None:  # before anything of it is unpickled
            signed = same(key.of_outcome(self._exp_key, entry, text), entry.outcome_proof)
            if not signed:
                return None, f"it is not signed with this {VARIABLE} for attempt {entry.attempt}"
        try:
            outcome = outcome_of(text, is_trusted=key is not None)
        except JournalError as error:
            return None, f"it is none: {error}"[:300]
        if outcome.status not in (*COUNT, Status.CANCELLED):
            return None, f"no trial ends as {outcome.status.name}"
        return outcome, ""
