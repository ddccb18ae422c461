"""Why trials failed, in words: the line of an error that says the reason, and what a run says."""

import math
import traceback

import numpy as np
import pytest

from sparktune import AllTrialsFailed, Outcome, Status, fmin, hp
from sparktune.history.failures import reason_in, reason_of

SQL = """Traceback (most recent call last):
  File "engine/base.py", line 1936, in _exec_single_context
    self.dialect.do_execute(
sqlite3.OperationalError: no such table: nothing

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "objective.py", line 7, in objective
    connection.execute(text("select * from nothing"))
sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: nothing
[SQL: select * from nothing]
(Background on this error at: https://sqlalche.me/e/20/e3q8)
"""


def traceback_of(error):
    """The traceback of an exception that a function raised."""
    try:
        raise error
    except type(error) as raised:
        return "".join(traceback.format_exception(raised))


def why(error, kind=""):
    """The reason in the traceback of an exception."""
    return reason_in(traceback_of(error), kind)


class LocalError(Exception):
    """An exception whose module is part of its name."""


def of_a_function():
    """An exception of a class that a function made."""

    class InnerError(Exception):
        pass

    return InnerError("why")


@pytest.mark.parametrize("kind", ["OperationalError", "", "another"])
def test_the_exception_says_why_and_not_the_last_line(kind):
    """Of an error of SQLAlchemy's it is the line of the exception, its type known or not."""
    told = "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) no such table: nothing"
    assert reason_in(SQL, kind) == told


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("first\nsecond: third\nlast"), "ValueError: first"),
        (ValueError("first\nValueError: second"), "ValueError: first"),
        (ValueError("  \nonly"), "ValueError:"),
        (AssertionError(), "AssertionError"),
        (LocalError("why\nmore"), f"{__name__}.LocalError: why"),
        (of_a_function(), f"{__name__}.of_a_function.<locals>.InnerError: why"),
        (SyntaxError("invalid", ("x.py", 1, 2, "a b")), "SyntaxError: invalid"),
    ],
)
def test_messages_of_several_lines_have_their_reason_first(error, reason):
    """It is the first line of the exception's message, whatever the others look like."""
    assert why(error) == why(error, type(error).__name__) == reason


def test_notes_and_groups_are_no_reasons():
    """A note below an exception is passed over, and of a group it is the group's own line."""
    noted = "Traceback (most recent call last):\n  f()\nValueError: why\na note\nTip: another one"
    assert reason_in(noted, "ValueError") == "ValueError: why"
    group = """  + Exception Group Traceback (most recent call last):
  |   File "x.py", line 3, in f
  |     raise ExceptionGroup("several", errors)
  | ExceptionGroup: several (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "x.py", line 1, in g
    |     raise ValueError("a")
    | ValueError: a
    +---------------- 2 ----------------
    | TypeError: b
    +------------------------------------
"""
    assert reason_in(group, "ExceptionGroup") == "ExceptionGroup: several (2 sub-exceptions)"


def test_an_exception_with_a_traceback_in_its_message_is_the_last_of_its_type():
    """One that carries the traceback of another process is told by its own type, where known."""
    error = RuntimeError("in a worker:\n\n" + traceback_of(ValueError("why")))
    assert why(error, "RuntimeError") == "RuntimeError: in a worker:"
    assert why(error) == "ValueError: why"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("killed after 2 s", "killed after 2 s"),
        ("stopped at its limit\n  ...\nTrialTimeout: x", "stopped at its limit"),
        ("not unpickled on vm:\n" + SQL, "not unpickled on vm: " + reason_in(SQL)),
        ("no columns:", "no columns:"),
        ("\n  \n", ""),
        ("Traceback (most recent call last):", "Traceback (most recent call last):"),
    ],
)
def test_what_is_no_traceback_says_why_at_once(text, reason):
    """It is the first line, and one that ends with a colon has the reason of what is below it."""
    assert reason_in(text) == reason


def test_the_first_failure_has_its_options_by_name():
    """The message of a run in which all failed shows options as they are called, no indices."""
    kinds = [{"kind": "svm", "C": hp.uniform("C", 0, 1)}, {"kind": "forest"}]
    space = {
        "model": hp.choice("model", kinds),
        "penalty": hp.choice("penalty", ["l1", None]),
        "rows": hp.choice("rows", [np.int64(8), 0.5]),
        "text": hp.choice("text", ["long" * 99, True]),
    }
    points = [{"model": 0, "C": 0.5, "penalty": 1, "rows": 0, "text": 0}]
    with pytest.raises(AllTrialsFailed) as raised:
        fmin(
            lambda config: math.nan, space, max_evals=1, points_to_evaluate=points,
            show_progressbar=False,
        )  # fmt: skip
    values = {"model": "svm", "C": 0.5, "penalty": None, "rows": 8, "text": f"{'long' * 99:.59}…"}
    assert f"trial 0 with {values!r}:\n" in str(raised.value)


def test_a_trial_without_an_error_says_so():
    """A trial that gave no reason has words for that; one of Hyperopt's has its type before it."""
    assert reason_of(Outcome(Status.FAILED)) == reason_of(None) == "no reason was given"
    of_hyperopt = Outcome(Status.FAILED, error="why", error_type="<class 'shop.errors.NoStock'>")
    assert reason_of(of_hyperopt) == "NoStock: why"
