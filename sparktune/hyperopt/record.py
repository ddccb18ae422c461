"""A record of trials as live documents, which anybody may change."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..exceptions import AllTrialsFailed, InvalidTrial
from ..history import STATUS_FAIL, STATUS_OK
from ..plurals import plural
from .documents import (
    JOB_STATES,
    TRIAL_KEYS,
    TRIAL_MISC_KEYS,
    Attachments,
    Document,
    Measures,
    SONify,
    are_valid,
    miscs_to_idxs_vals,
    new_document,
    spec_from_misc,
    states_of,
)
from .randomness import seed_from, source_of
from .shown import page_of, text_of
from .utils import pmin_sampled

__all__ = ["Record"]


class Record:
    """What ``Trials`` is but for its runs; arguments and attributes are those of Trials."""

    asynchronous = False
    _shown: list[Document] | None = None  # as of the last look; None without a refresh
    _seen: tuple[Any, bytes] = (None, b"")  # at the last look: the list, and who was valid
    _due: int | None = None  # documents to look at, as of a refresh that nobody has asked about
    _named: tuple[Any, int] = (None, 0)  # the list, and how many of its documents' ids are known
    _drawn = 0  # batches for which a generator drew seeds here, at least
    _surplus = 0  # how many more documents than batches these are
    _drawn_by: Any = None  # that generator

    def __init__(self, exp_key: str | None = None, refresh: bool = True) -> None:
        self._ids: set[Any] = set()
        self._dynamic_trials: list[Document] = []
        self._exp_key = exp_key
        self.attachments: dict[str, Any] = {}
        if refresh:
            self.refresh()

    def __getstate__(self) -> dict[str, Any]:
        own = ("_shown", "_seen", "_due", "_named", "_drawn_by")
        state = {name: value for name, value in self.__dict__.items() if name not in own}
        if self._is_refreshed:
            state["_trials"] = self._trials
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        shown = state.pop("_trials", None)
        self.__dict__.update(state, _shown=shown)

    def view(self, exp_key: str | None = None, refresh: bool = True) -> Record:
        """The same documents, of which one ``exp_key`` is shown."""
        other: Record = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._exp_key, other._seen = exp_key, (None, b"")
        if refresh:
            other.refresh()
        return other

    def refresh(self) -> None:
        """Take note of documents that were added or changed.

        Costs what was added; who asks for the trials next has them looked at, one by one.
        """
        documents = self._dynamic_trials
        known = self._named[1] if self._named[0] is documents else 0
        self._ids.update(document["tid"] for document in documents[known:])
        self._named = documents, len(documents)
        self._due = len(documents)

    @property
    def _is_refreshed(self) -> bool:
        return self._due is not None or self._shown is not None

    @property
    def _trials(self) -> list[Document]:
        if self._due is not None:
            self._look(self._due)
            self._due = None
        if self._shown is None:
            raise AttributeError("made without a refresh: call refresh()")
        return self._shown

    def _look(self, count: int) -> None:
        """Find which of the first documents are to be seen."""
        documents = self._dynamic_trials
        is_valid = are_valid(documents[:count])
        of, known = self._seen
        earlier = self._shown
        if (
            earlier is None
            or of is not documents
            or self._exp_key is not None
            or not is_valid.startswith(known)
        ):
            earlier, known = [], b""
        fresh = zip(documents[len(known) : count], is_valid[len(known) :], strict=True)
        self._shown = [*earlier, *(each for each, valid in fresh if valid and self._is_mine(each))]
        self._seen = documents, is_valid

    def _is_mine(self, document: Document) -> bool:
        return self._exp_key is None or bool(document["exp_key"] == self._exp_key)

    @property
    def documents(self) -> list[Document]:
        """All documents of the ``exp_key``, in whatever state."""
        if self._exp_key is None:
            return self._dynamic_trials
        return [document for document in self._dynamic_trials if self._is_mine(document)]

    # Columns.

    @property
    def trials(self) -> list[Document]:
        """The documents that are new, running or done, as of the last refresh."""
        return self._trials

    def __repr__(self) -> str:
        return text_of(type(self).__name__, self._dynamic_trials)

    def _repr_html_(self) -> str:
        return page_of(type(self).__name__, self._dynamic_trials)

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Document]:
        return iter(self._trials)

    def __getitem__(self, index: Any) -> Any:
        """The document at a position of ``trials``, or a list of them for a slice."""
        return self._trials[index]

    @property
    def tids(self) -> list[Any]:
        """The trials' ids."""
        return [document["tid"] for document in self.trials]

    @property
    def specs(self) -> list[Any]:
        """The documents' specs."""
        return [document["spec"] for document in self.trials]

    @property
    def results(self) -> list[Document]:
        """What the objective returned for each trial."""
        return [document["result"] for document in self.trials]

    @property
    def miscs(self) -> list[Document]:
        """What each trial is of: values and more."""
        return [document["misc"] for document in self.trials]

    @property
    def idxs_vals(self) -> tuple[dict[str, list[int]], dict[str, list[Any]]]:
        """Label to tids, and label to values; see ``miscs_to_idxs_vals``."""
        return miscs_to_idxs_vals(self.miscs)

    @property
    def idxs(self) -> dict[str, list[int]]:
        """Label to the tids that have a value."""
        return self.idxs_vals[0]

    @property
    def vals(self) -> dict[str, list[Any]]:
        """Label to values; indices for choices."""
        return self.idxs_vals[1]

    def losses(self, bandit: Any = None) -> list[Any]:
        """The loss of each trial, None without one; as a Domain says it where one is given."""
        if bandit is None:
            return [result.get("loss") for result in self.results]
        return [bandit.loss(*each) for each in zip(self.results, self.specs, strict=True)]

    def statuses(self, bandit: Any = None) -> list[Any]:
        """The status of each trial's result."""
        if bandit is None:
            return [result.get("status") for result in self.results]
        return [bandit.status(*each) for each in zip(self.results, self.specs, strict=True)]

    # Documents.

    def assert_valid_trial(self, trial: Any) -> Document:
        """A document as it is, if it can be one of these.

        Raises:
            InvalidTrial: something is missing, or it is of another ``exp_key``.
        """
        if not (hasattr(trial, "keys") and hasattr(trial, "values")):
            raise InvalidTrial(f"a trial must be a dict, but got {trial!r:.200}")
        _assert_keys("trial", trial, TRIAL_KEYS)
        _assert_keys("misc", trial["misc"], TRIAL_MISC_KEYS)
        if trial["tid"] != trial["misc"]["tid"]:
            raise InvalidTrial(f"tid {trial['tid']!r} has a misc of tid {trial['misc']['tid']!r}")
        if trial["exp_key"] != self._exp_key:
            raise InvalidTrial(f"exp_key is {trial['exp_key']!r}, here it is {self._exp_key!r}")
        document: Document = trial
        return document

    def _insert_trial_docs(self, docs: Iterable[Document]) -> list[Any]:
        documents = list(docs)
        self._dynamic_trials.extend(documents)
        return [document["tid"] for document in documents]

    def insert_trial_doc(self, doc: Document) -> Any:
        """Add a document, after a look at it; ``refresh()`` shows it. Its tid."""
        return self._insert_trial_docs([self.assert_valid_trial(SONify(doc))])[0]

    def insert_trial_docs(self, docs: Iterable[Document]) -> list[Any]:
        """Add documents, after a look at each; ``refresh()`` shows them. Their tids."""
        return self._insert_trial_docs([self.assert_valid_trial(SONify(doc)) for doc in docs])

    def new_trial_ids(self, n: int) -> list[int]:
        """So many ids that nothing has yet."""
        first = len(self._ids)
        if first and any(i in self._ids for i in range(first, first + n)):
            first = 1 + max(i for i in self._ids if isinstance(i, (int, np.integer)))
        ids = list(range(first, first + n))
        self._ids.update(ids)
        return ids

    def new_trial_docs(
        self,
        tids: Sequence[Any],
        specs: Sequence[Any],
        results: Sequence[Any],
        miscs: Sequence[Any],
    ) -> list[Document]:
        """Documents of trials that are to run, from their parts."""
        parts = zip(tids, specs, results, miscs, strict=True)
        return [new_document(*part, exp_key=self._exp_key) for part in parts]

    def source_trial_docs(
        self,
        tids: Sequence[Any],
        specs: Sequence[Any],
        results: Sequence[Any],
        miscs: Sequence[Any],
        sources: Sequence[Document],
    ) -> list[Document]:
        """Documents of trials that come from other ones, from their parts."""
        documents = []
        keys = ("state", "exp_key", "owner", "book_time", "refresh_time")
        for tid, spec, result, misc, source in zip(
            tids, specs, results, miscs, sources, strict=True
        ):
            for key, value in (("tid", tid), ("cmd", None), ("from_tid", source["tid"])):
                if misc.setdefault(key, value) != value:
                    raise InvalidTrial(f"misc has the {key} {misc[key]!r} rather than {value!r}")
            taken = {key: source[key] for key in keys}
            documents.append(new_document(tid, spec, result, misc, **taken))
        return documents

    def delete_all(self) -> None:
        """Forget all documents and attachments, but not the ids that were given out."""
        self._dynamic_trials = []
        self.attachments = {}
        self._drawn, self._surplus, self._drawn_by = 0, 0, None
        self.refresh()

    def count_by_state_synced(self, arg: Any, trials: Iterable[Document] | None = None) -> int:
        """How many of ``trials`` are in a state, or in one of several."""
        states = set(arg) if hasattr(arg, "__iter__") else {arg}
        for state in states:
            if state not in JOB_STATES:
                raise TypeError(f"a state is one of {JOB_STATES}, but got {state!r}")
        return sum(map(states_of(self.trials if trials is None else trials).count, states))

    def count_by_state_unsynced(self, arg: Any) -> int:
        """How many documents are in a state, or in one of several, changes included."""
        return self.count_by_state_synced(arg, trials=self.documents)

    @property
    def exp_key(self) -> str | None:
        """What documents carry to be shown."""
        return self._exp_key

    # Seeds: one was drawn for each batch.

    @property
    def batches(self) -> int:
        """How many batches these documents were drawn in; one each, unless more is known."""
        return max(self._drawn, len(self._dynamic_trials) - self._surplus)

    def note_batch(self, size: int) -> None:
        """Take note that a batch of so many documents was drawn, before they are inserted."""
        self._drawn = self.batches + 1
        self._surplus += size - 1

    def insert_given(self, docs: Iterable[Document]) -> None:
        """Add documents that nobody drew, such as points to evaluate."""
        self._surplus += len(self.insert_trial_docs(docs))

    def extend(self, docs: Iterable[Document]) -> None:
        """Add documents without a look at them."""
        self._insert_trial_docs(docs)

    def pass_over_drawn(self, generator: Any) -> None:
        """Draw and drop the seeds of the batches that are here, unless this generator drew them."""
        source = source_of(generator)
        if self._drawn_by is not source:
            for _ in range(self.batches):
                seed_from(generator)
            self._drawn_by = source

    # Attachments.

    def aname(self, trial: Document, name: str) -> str:
        """The name under which ``attachments`` keeps an attachment of a trial."""
        return f"ATTACH::{trial['tid']}::{name}"

    def trial_attachments(self, trial: Document) -> Attachments:
        """What is attached to a trial, by name: to read, to set and to delete."""
        return Attachments(self, trial)

    # The answer.

    @property
    def best_trial(self) -> Document:
        """The document with the lowest loss; AllTrialsFailed without one."""
        best, lowest = None, math.inf
        for document in self.trials:
            result = document["result"]
            if result["status"] == STATUS_OK:
                loss = float(result["loss"])
                if not math.isnan(loss) and (best is None or loss < lowest):
                    best, lowest = document, loss
        if best is None:
            raise AllTrialsFailed(_why_none(self.trials, self.documents))
        return best

    @property
    def argmin(self) -> dict[str, Any]:
        """Label to value of the best trial; a choice holds the index of its option."""
        return spec_from_misc(self.best_trial["misc"])

    def average_best_error(self, bandit: Any = None) -> float:
        """The true loss of the best trial, a mean where losses are uncertain.

        Where results have a ``loss_variance``, the true losses of all that may be the best are
        averaged, weighted by how often each is the lowest of draws from normal distributions.

        Raises:
            ValueError: no trial has a loss.
        """
        bandit = Measures() if bandit is None else bandit
        rows = [
            (bandit.loss(*each), bandit.loss_variance(*each), bandit.true_loss(*each))
            for each in zip(self.results, self.specs, strict=True)
            if bandit.status(*each) == STATUS_OK
        ]
        rows = [row for row in rows if not np.isnan(np.array(row, float)).any()]
        if not rows:
            raise ValueError("no trial has a loss, so there is no best error")
        loss, variance, true = np.array(sorted(rows), float).T
        if not variance.any():
            return float(true[0])
        near = loss < loss[0] + 3 * math.sqrt(variance[0])
        near[0] = True
        return float(pmin_sampled(loss[near], variance[near]) @ true[near])


def _assert_keys(part: str, given: Mapping[str, Any], keys: Iterable[str]) -> None:
    missing = [repr(key) for key in keys if key not in given]
    if missing:
        raise InvalidTrial(f"the {part} has no {', '.join(missing)}")


def _why_none(shown: Sequence[Document], known: Sequence[Document]) -> str:
    errors = [(d["tid"], d["misc"]["error"]) for d in known if d["misc"].get("error")]
    if errors:
        number, error = errors[0]
        first = f"trial {number}: {': '.join(map(str, error))}"
        return f"{len(errors)} of {plural(len(known), 'trial')} failed; the first was {first}"
    results = [d["result"] for d in shown]
    nan = sum(r.get("status") == STATUS_OK and r.get("loss") != r.get("loss") for r in results)
    failed = sum(r.get("status") == STATUS_FAIL for r in results)
    why = [f"{nan} returned NaN"] if nan else []
    why += [f"{failed} returned STATUS_FAIL"] if failed else []
    none = (
        f"none of {len(shown)} trials has a loss"
        if len(shown) != 1
        else "the only trial has no loss"
    )
    return none + (f": {', '.join(why)}" if why else "")
