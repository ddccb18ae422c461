"""How what an objective returned is judged."""

import numpy as np
import pytest

from sparktune.history import STATUS_FAIL, Status
from sparktune.history.results import judged as judge


def judged(result):
    """The outcome of an objective that returned ``result``."""
    return judge(result).outcome


@pytest.mark.parametrize("value", [2, 2.5, np.float32(0.5), np.int64(3), np.array(1.5), True])
def test_a_number_is_a_loss(value):
    """A real number that the objective returns is the loss, whatever its type."""
    outcome = judged(value)
    assert (outcome.status, outcome.loss) == (Status.OK, float(value))
    assert type(outcome.loss) is float


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (None, "returns a number or a dict with a loss, but got None"),
        ("0.5", "returns a number or a dict with a loss, but got '0.5'"),
        (1j, "but got 1j"),
        ([1.0, 2.0], "but got [1.0, 2.0]"),
        ({"status": "ok"}, "must hold a real number as 'loss'"),
        ({"status": "ok", "loss": None}, "must hold a real number as 'loss'"),
        ({"status": "done", "loss": 1.0}, "must be 'ok' or 'fail', but got 'done'"),
        (float("nan"), "returned NaN"),
        ({"loss": np.nan, "status": "ok"}, "returned NaN"),
        ({"status": STATUS_FAIL, "why": "x"}, "returned STATUS_FAIL"),
        pytest.param(10**400, "returns a number or a dict with a loss", id="a huge int"),
        ({"loss": 1.0, "status": np.array(["ok", "ok"])}, "must be 'ok' or 'fail', but got array"),
    ],
)
def test_a_result_without_a_loss_is_a_failure_that_says_so(result, sentence):
    """A result that holds no loss fails the trial with a sentence about what came."""
    outcome = judged(result)
    assert outcome.status is Status.FAILED
    assert sentence in outcome.error
    if isinstance(result, dict) and "why" in result:
        assert outcome.info["why"] == "x"


def test_attachments_are_a_dict():
    """Attachments that are no dict fail the trial with a sentence about what came."""
    outcome = judged({"loss": 1.0, "attachments": [1]})
    assert outcome.status is Status.FAILED
    assert "'attachments' must be a dict of things by name, but got [1]" in outcome.error


def test_a_result_that_cannot_even_be_shown():
    """A result that raises when it is looked at fails its trial with a sentence."""

    class Strange:
        def __float__(self):
            raise RuntimeError("no")

        def __repr__(self):
            raise RuntimeError("no")

    assert "but got a Strange that cannot be shown" in judged(Strange()).error


def test_infinity_is_a_loss():
    """An infinite loss is a loss."""
    assert judged(float("inf")).loss == float("inf")


def test_a_dict_is_judged_by_its_entries():
    """Of a dict, the loss and its variance are known and the rest is kept, attachments apart."""
    result = {"loss": 1, "loss_variance": 0.5, "model": [1.0], "attachments": {"big": b"x"}}
    outcome = judged(result)
    assert (outcome.status, outcome.loss, outcome.variance) == (Status.OK, 1.0, 0.5)
    assert outcome.info == {"loss_variance": 0.5, "model": [1.0]}
    assert outcome.attachments == {"big": b"x"}


@pytest.mark.parametrize("stated", [0, 0.25, np.float32(0.5)])
def test_a_stated_variance_is_kept(stated):
    """A number of at least 0 as loss_variance is the variance of the loss."""
    outcome = judged({"loss": 1.0, "loss_variance": stated})
    assert (outcome.variance, outcome.note) == (float(stated), None)


@pytest.mark.parametrize("stated", [-1, float("nan"), float("inf"), "much"])
def test_a_wrong_variance_is_unknown_and_said(stated):
    """Another loss_variance leaves the trial its loss, and a sentence tells what came."""
    outcome = judged({"loss": 1.0, "loss_variance": stated})
    assert (outcome.status, outcome.loss, outcome.variance) == (Status.OK, 1.0, None)
    assert "'loss_variance' must be a number >= 0, or None, but got" in outcome.note
