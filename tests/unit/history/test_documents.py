"""Trials in the shape of Hyperopt's documents: states by what became of them."""

import pytest

from sparktune import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    Outcome,
    Space,
    Status,
    Trial,
    hp,
)
from sparktune.history.documents import document_of

SPACE = Space({"x": hp.uniform("x", 0, 1)})
ENDS = {
    Status.OK: ({"loss": 0.5}, JOB_STATE_DONE, "ok"),
    Status.FAILED: ({"error": "no", "error_type": "ValueError"}, JOB_STATE_ERROR, "fail"),
    Status.TIMED_OUT: ({"error": "slow"}, JOB_STATE_ERROR, "fail"),
    Status.PRUNED: ({}, JOB_STATE_DONE, "fail"),
    Status.CANCELLED: ({}, JOB_STATE_CANCEL, "fail"),
}
OTHERS = {
    Status.PENDING: ({}, JOB_STATE_RUNNING),
    Status.CUT: ({"cut": True}, JOB_STATE_CANCEL),
    Status.APART: ({"apart": SPACE}, JOB_STATE_CANCEL),
    Status.RESERVED: ({"reserved": True}, JOB_STATE_NEW),
}


def test_every_status_of_a_record_is_known():
    """What an engine alone answers is no status of a trial; all others have a state here."""
    assert {*ENDS, *OTHERS} == set(Status) - {Status.LOST, Status.CRASHED}


@pytest.mark.parametrize("status", ENDS)
def test_states_of_what_has_ended(status):
    """Losses, pruned trials and declared failures are done, other failures are errors."""
    more, state, word = ENDS[status]
    document = document_of(Trial(0, 0, {"x": 0.5}, 1.0, Outcome(status, **more)), SPACE, None)
    assert (document["state"], document["result"]["status"]) == (state, word)


@pytest.mark.parametrize("status", OTHERS)
def test_states_of_what_has_no_outcome(status):
    """What is under way is running, what was cut off is cancelled, a reserved number is new."""
    more, state = OTHERS[status]
    trial = Trial(0, 0, {"x": 0.5}, 1.0, **more)
    assert trial.status is status
    document = document_of(trial, SPACE, None)
    assert (document["state"], document["result"]["status"]) == (state, "new")


def test_a_reserved_number_has_neither_values_nor_times():
    """The document of a number that nobody has begun is as that of a new trial."""
    document = document_of(Trial(3, 0, {}, 1.0, reserved=True), SPACE, "key")
    assert document["misc"]["vals"] == document["misc"]["idxs"] == {"x": []}
    assert (document["book_time"], document["refresh_time"], document["owner"]) == (None,) * 3
