"""Documents: the dicts that trials are, their states, and columns of their values."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..checks import real
from ..history.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    STATUS_NEW,
)

__all__ = [
    "JOB_STATES", "JOB_VALID_STATES", "TRIAL_KEYS", "TRIAL_MISC_KEYS", "Attachments", "Document",
    "Measures", "SONify", "are_valid", "documents_in", "miscs_to_idxs_vals",
    "miscs_update_idxs_vals", "new_document", "spec_from_misc", "states_of",
    "validate_loss_threshold", "validate_timeout",
]  # fmt: skip

JOB_STATES = [
    JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL,
]  # fmt: skip
JOB_VALID_STATES = {JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE}
TRIAL_KEYS = [
    "tid", "spec", "result", "misc", "state", "owner", "book_time", "refresh_time", "exp_key",
]  # fmt: skip
TRIAL_MISC_KEYS = ["tid", "cmd", "idxs", "vals"]

Document = dict[str, Any]

_STATE = operator.itemgetter("state")
_IS_VALID = bytes(state in JOB_VALID_STATES for state in range(256))


def new_document(
    tid: Any, spec: Any, result: Any, misc: Any, exp_key: str | None = None, **more: Any
) -> Document:
    """A document of a trial that is to run; ``more`` takes the place of what it says else."""
    return {
        "state": JOB_STATE_NEW,
        "tid": tid,
        "spec": spec,
        "result": result,
        "misc": misc,
        "exp_key": exp_key,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
        **more,
    }


def states_of(documents: Iterable[Document]) -> bytes:
    """The state of each document."""
    return bytes(map(_STATE, documents))


def are_valid(documents: Iterable[Document]) -> bytes:
    """Whether each document is new, running or done: a byte of 1 or 0 for each."""
    return states_of(documents).translate(_IS_VALID)


def documents_in(documents: Sequence[Document], state: int) -> list[Document]:
    """The documents that are in a state."""
    states, found = states_of(documents), []
    place = states.find(state)
    while place >= 0:
        found.append(documents[place])
        place = states.find(state, place + 1)
    return found


def SONify(arg: Any, memo: Any = None) -> Any:  # noqa: ARG001, N802 (Hyperopt's)
    """A document as it is stored, which is as it is."""
    return arg


def miscs_update_idxs_vals(
    miscs: Sequence[Document],
    idxs: Mapping[str, Sequence[int]],
    vals: Mapping[str, Sequence[Any]],
    assert_all_vals_used: bool = True,
    idxs_map: Mapping[int, int] | None = None,
) -> Sequence[Document]:
    """Put columns into documents' ``misc``: lists of one value, empty where there is none.

    Args:
        miscs: are changed, and given back.
        idxs: label to the tids that have a value.
        vals: label to these values.
        assert_all_vals_used: whether a tid that none of ``miscs`` has is refused.
        idxs_map: from tids in ``idxs`` to those in ``miscs``, where they differ.

    Raises:
        ValueError: columns that do not fit together.
    """
    if idxs.keys() != vals.keys():
        raise ValueError(f"idxs and vals must have the same labels: {list(idxs)}, {list(vals)}")
    by_tid = {misc["tid"]: misc for misc in miscs}
    for misc in miscs:
        misc["idxs"] = {label: [] for label in idxs}
        misc["vals"] = {label: [] for label in idxs}
    for label, tids in idxs.items():
        if len(tids) != len(vals[label]):
            raise ValueError(f"{label!r}: {len(tids)} idxs go with {len(vals[label])} vals")
        for given, value in zip(tids, vals[label], strict=True):
            tid = (idxs_map or {}).get(given, given)
            if tid in by_tid:
                by_tid[tid]["idxs"][label] = [tid]
                by_tid[tid]["vals"][label] = [value]
            elif assert_all_vals_used:
                raise ValueError(f"{label!r} has a value for {tid!r}, which no misc is of")
    return miscs


def miscs_to_idxs_vals(
    miscs: Sequence[Document], keys: Iterable[str] | None = None
) -> tuple[dict[str, list[int]], dict[str, list[Any]]]:
    """Columns of documents' ``misc``: by label the tids that have a value, and the values.

    Raises:
        ValueError: no ``keys``, and no document to take them from.
    """
    if keys is None:
        if not len(miscs):
            raise ValueError("cannot infer keys from empty miscs: there are no trials")
        keys = miscs[0]["idxs"]
    idxs: dict[str, list[int]] = {label: [] for label in keys}
    vals: dict[str, list[Any]] = {label: [] for label in idxs}
    for misc in miscs:
        for label in idxs:
            idxs[label] += misc["idxs"][label]
            vals[label] += misc["vals"][label]
    return idxs, vals


def spec_from_misc(misc: Document) -> dict[str, Any]:
    """Label to value of a document's ``misc``, active labels only."""
    for label, values in misc["vals"].items():
        if len(values) > 1:
            raise NotImplementedError(f"{label!r} has several values: {values!r}")
    return {label: values[0] for label, values in misc["vals"].items() if len(values)}


def validate_timeout(timeout: Any) -> None:
    """Refuse what is no number of seconds, nor None."""
    real("timeout", timeout, "a number of seconds", above=0, none=True)


def validate_loss_threshold(loss_threshold: Any) -> None:
    """Refuse what is no number, nor None."""
    real("loss_threshold", loss_threshold, "a real number", none=True)


class Measures:
    """What the results of trials say of their losses."""

    def loss(self, result: Mapping[str, Any], config: Any = None) -> Any:  # noqa: ARG002
        """The loss of a result, None without one."""
        return result.get("loss")

    def loss_variance(self, result: Mapping[str, Any], config: Any = None) -> Any:  # noqa: ARG002
        """The variance of a result's loss, 0 where it says none."""
        return result.get("loss_variance", 0.0)

    def true_loss(self, result: Mapping[str, Any], config: Any = None) -> Any:
        """The loss that matters, where the one that is minimised stands for it."""
        return result["true_loss"] if "true_loss" in result else self.loss(result, config)

    def true_loss_variance(self, config: Any = None) -> Any:
        """Not known."""
        raise NotImplementedError("a domain does not know the variance of the true loss")

    def status(self, result: Mapping[str, Any], config: Any = None) -> Any:  # noqa: ARG002
        """The status of a result."""
        return result["status"]

    def new_result(self) -> dict[str, Any]:
        """The result of a trial that has not run."""
        return {"status": STATUS_NEW}


class Attachments:
    """What is attached to one trial, by name."""

    def __init__(self, trials: Any, trial: Document) -> None:
        self._trials, self._trial = trials, trial

    def _name(self, name: str) -> str:
        key: str = self._trials.aname(self._trial, name)
        return key

    def _ipython_key_completions_(self) -> list[str]:
        begin = self._name("")
        return [key[len(begin) :] for key in self._trials.attachments if key.startswith(begin)]

    def __contains__(self, name: str) -> bool:
        return self._name(name) in self._trials.attachments

    def __getitem__(self, name: str) -> Any:
        return self._trials.attachments[self._name(name)]

    def __setitem__(self, name: str, value: Any) -> None:
        self._trials.attachments[self._name(name)] = value

    def __delitem__(self, name: str) -> None:
        del self._trials.attachments[self._name(name)]
