"""Trials from tables and from documents."""

import io
import json
import math
import sys
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    InvalidLoss,
    InvalidTrial,
    SparkTrials,
    Status,
    TrialPruned,
    Trials,
    Tuner,
    fmin,
    hp,
    rand,
    scope,
)

SPACE = {
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.loguniform("C", -3, 3)},
            {"kind": "tree", "d": hp.randint("d", 9)},
        ],
    ),
    "x": hp.uniform("x", -1, 1),
    "size": hp.choice("size", [2, 1, 4]),
    "shape": hp.choice("shape", [True, False]),
    "word": hp.choice("word", ["a", "b"]),
    "n": scope.int(hp.quniform("n", 1, 6, 1)),
}


def objective(config, trial):
    trial.report(0, config["x"])
    trial.report(3, config["x"] / 2)
    if config["n"] == 1:
        raise ValueError("one is\ntoo few")
    if config["n"] == 2:
        return {"status": "fail", "why": "two"}
    if config["n"] == 3:
        return math.nan
    if config["n"] == 4:
        raise TrialPruned
    return {"loss": config["x"], "accuracy": 0.5}


@pytest.fixture(scope="module")
def trials():
    trials = Trials()
    fmin(
        objective, SPACE, rand.suggest, 60, trials=trials, rstate=0, show_progressbar=False,
        catch_eval_exceptions=True,
    )  # fmt: skip
    return trials


def assert_same(one, other, rest=("host", "error", "error_type")):
    """Two records have the same trials: values, outcomes, times and what else is named."""
    assert len(one.history) == len(other.history)
    for old, new in zip(one.history, other.history, strict=True):
        assert dict(old.values) == dict(new.values)
        assert (old.status, old.loss, old.attempt) == (new.status, new.loss, new.attempt)
        assert new.started == pytest.approx(old.started, abs=1e-5)
        if old.outcome is not None:
            assert new.outcome.seconds == pytest.approx(old.outcome.seconds, abs=1e-5)
        for name in rest:
            assert getattr(old.outcome, name, None) == getattr(new.outcome, name, None)
    assert np.array_equal(one.history.X, other.history.X, equal_nan=True)


def test_a_table_comes_back_as_it_went(trials):
    """from_pandas reads what to_pandas wrote: values, losses, statuses, errors, times."""
    again = Trials.from_pandas(trials.to_pandas(), SPACE)
    assert_same(trials, again)
    assert trials.errors() == again.errors()
    assert again.best_params == trials.best_params
    assert again.reports(0) == ((3, trials.reports(0)[1][1]),)
    pd.testing.assert_frame_equal(again.to_pandas(), trials.to_pandas())


def test_a_table_comes_back_through_a_csv_file(trials):
    """A table that was written to CSV and read again gives the same trials."""
    text = trials.to_pandas().to_csv()
    again = Trials.from_pandas(pd.read_csv(io.StringIO(text), float_precision="round_trip"), SPACE)
    assert_same(trials, again)


def test_what_has_not_ended_goes_on():
    """A trial that was pending or cut off is begun again; a cancelled one stays cancelled."""
    tuner = Tuner(hp.uniform("x", 0, 1), rstate=0)
    asked = tuner.ask(3)
    tuner.tell(0, 0.5)
    tuner.cancel(1)
    again = Trials.from_pandas(tuner.trials.to_pandas(), hp.uniform("x", 0, 1))
    assert [t.status for t in again.history] == [Status.OK, Status.CANCELLED, Status.CUT]
    third = Trials.from_pandas(again.to_pandas(), hp.uniform("x", 0, 1))
    assert [t.attempt for t in third.history] == [0, 0, 1]
    seen = []
    fmin(
        lambda x, trial: seen.append((x, trial.number, trial.attempt)) or x,
        hp.uniform("x", 0, 1), rand.suggest, 2, trials=third, show_progressbar=False,
    )  # fmt: skip
    assert seen == [(asked[2].config, 2, 1)]


def test_a_table_of_ones_own():
    """Values and options by label, another name for the loss; other columns are kept as info."""
    frame = pd.DataFrame(
        {
            "model": ["svm", "tree", "tree", 0],
            "C": [1.0, None, None, 2.0],
            "d": [None, 3, 4, None],
            "x": [0.5, -0.5, 0, 1],
            "size": [1, 2, 4, 4],
            "shape": [True, False, True, True],
            "params_word": ["a", "b", "b", "a"],
            "n": [1, 2, 3, 4],
            "error_rate": [0.25, 0.125, None, math.inf],
            "accuracy": [0.75, None, 0.5, 0.5],
            "loss": [9, 9, 9, 9],
        }
    )
    trials = Trials.from_pandas(frame, SPACE, loss="error_rate", parallelism=2, exp_key="mine")
    assert (trials.parallelism, trials.exp_key) == (2, "mine")
    assert [dict(trial.values) for trial in trials.history] == [
        {"model": 0, "C": 1.0, "x": 0.5, "size": 1, "shape": 0, "word": 0, "n": 1.0},
        {"model": 1, "d": 3, "x": -0.5, "size": 0, "shape": 1, "word": 1, "n": 2.0},
        {"model": 1, "d": 4, "x": 0.0, "size": 2, "shape": 0, "word": 1, "n": 3.0},
        {"model": 0, "C": 2.0, "x": 1.0, "size": 2, "shape": 0, "word": 0, "n": 4.0},
    ]
    assert trials.losses() == [0.25, 0.125, None, math.inf]
    assert trials.errors() == {2: "the table has no loss for this trial"}
    assert trials.results[0] == {"loss": 0.25, "accuracy": 0.75, "status": "ok"}
    assert trials.results[1] == {"loss": 0.125, "status": "ok"}
    fmin(lambda config: config["x"], SPACE, max_evals=6, trials=trials, show_progressbar=False)
    assert len(trials) == 6


def test_a_missing_cell_may_be_an_option():
    """Where None is an option, a missing cell of an active label is that."""
    space = {"depth": hp.choice("depth", [5, None, 7]), "x": hp.uniform("x", 0, 1)}
    frame = pd.DataFrame({"depth": [5, None, 7], "x": [0.5] * 3, "loss": [1.0, 2.0, 3.0]})
    assert Trials.from_pandas(frame, space).vals["depth"] == [0, 1, 2]


def test_none_as_an_option_comes_back():
    """Tables with None among the options give the same trials, through a CSV file as well."""
    below = hp.choice("below", [None, "a", True])
    space = {
        "word": hp.choice("word", ["l1", None, "l2"]),
        "number": hp.choice("number", [5, None, 0.5]),
        "deep": hp.choice("deep", [{"of": "x"}, {"of": "y", "below": below}]),
    }
    trials = Trials()
    fmin(
        lambda config: 0.0, space, rand.suggest, 30, trials=trials, rstate=0,
        show_progressbar=False,
    )  # fmt: skip
    frame = trials.to_pandas()
    inactive = [cell != cell for cell in frame["params_below"]]
    assert inactive == [index == 0 for index in trials.vals["deep"]]
    assert None in frame["params_below"].tolist()
    for table in (frame, pd.read_csv(io.StringIO(frame.to_csv()))):
        assert_same(trials, Trials.from_pandas(table, space))


def test_a_number_that_is_only_reserved_is_no_trial():
    """A row of a number that another driver had not begun is left out, and takes no values."""
    rows = [{"status": "reserved"}, {"status": "ok", "params_x": 0.5, "loss": 1.0}]
    trials = Trials.from_pandas(pd.DataFrame(rows), {"x": hp.uniform("x", 0, 1)})
    assert [dict(trial.values) for trial in trials.history] == [{"x": 0.5}]


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"x": 5.0}, InvalidTrial, "row 1 of the table: 'x' takes a number from 0 to 1, but got 5"),
        ({"x": None}, InvalidTrial, "row 1 of the table: the point has no value for 'x'"),
        ({"c": "z"}, InvalidTrial, "row 1 of the table: 'c' has no option like 'z'"),
        ({"loss": "low"}, InvalidLoss, "row 1 of the table: 'loss' is no real number: 'low'"),
        ({"status": "great"}, InvalidTrial, "row 1 of .*: the status 'great' is none of apart"),
        (
            {"loss": None},
            InvalidTrial,
            "row 1 of the table: the status is ok, but there is no loss",
        ),
        (
            {"attempt": 1.5},
            InvalidTrial,
            "row 1 of .*: an attempt is a whole number from 0 to 1000",
        ),
        ({"attempt": 1e300}, InvalidTrial, "row 1 of .*: an attempt is a whole number"),
        ({"last_step": "a"}, InvalidTrial, "row 1 of .*: a report is a whole number and a value"),
        ({"seconds": -1}, InvalidTrial, "row 1 of .*: `seconds` is a number from 0 to 1e"),
        ({"submitted": "noon"}, InvalidTrial, "row 1 of .*: a time is written as 2024-12-31"),
        ({"submitted": 3}, InvalidTrial, "row 1 of .*: a time is a datetime or a text, but got 3"),
    ],
)
def test_wrong_rows(change, error, sentence):
    """A row that is wrong is refused with its number, the label and the value."""
    space = {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", ["a", "b"])}
    row = {"x": 0.5, "c": "a", "loss": 1.0, "status": "ok"}
    frame = pd.DataFrame([row, {**row, **change}], dtype=object)
    with pytest.raises(error, match=sentence):
        Trials.from_pandas(frame, space)


@pytest.mark.parametrize(
    ("frame", "error", "sentence"),
    [
        ([{"x": 1}], TypeError, "takes a pandas DataFrame, but got a list"),
        (pd.DataFrame({"x": [1], "y": [2]}), ValueError, "no column 'loss' .* it has 'x', 'y'"),
        (pd.DataFrame({"y": [1], "loss": [2]}), ValueError, "no column for the label 'x', neither"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), ValueError, "the table has two columns 'x'"),
    ],
)
def test_wrong_tables(frame, error, sentence):
    """What is no table, or one without a loss or a label, is refused by name."""
    with pytest.raises(error, match=sentence):
        Trials.from_pandas(frame, hp.uniform("x", 0, 1))


def test_empty_tables_and_documents():
    """Nothing gives no trials, with which a search begins."""
    for trials in (
        Trials.from_pandas(Trials().to_pandas(), SPACE),
        Trials.from_documents([], SPACE),
    ):
        assert len(trials) == 0
        fmin(lambda c: c["x"], SPACE, rand.suggest, 2, trials=trials, show_progressbar=False)
        assert len(trials) == 2


def test_labels_named_as_columns_of_ours():
    """A label may have the name of a column that to_pandas writes."""
    space = {name: hp.uniform(name, 0, 1) for name in ("status", "seconds", "loss", "error")}
    trials = Trials()
    fmin(lambda c: c["loss"], space, rand.suggest, 3, trials=trials, show_progressbar=False)
    assert_same(trials, Trials.from_pandas(trials.to_pandas(), space))


def test_documents_come_back_as_they_went(trials):
    """from_documents reads what trials.trials has: values, results, failures, times."""
    again = Trials.from_documents(trials.trials, SPACE)
    assert_same(trials, again)
    assert again.errors() == trials.errors()
    assert str(again.results) == str(trials.results)  # a text, for NaN is not itself
    for old, new in zip(trials.trials, again.trials, strict=True):
        assert (old["state"], old["misc"]) == (new["state"], new["misc"])


def test_documents_of_hyperopt():
    """Documents as Hyperopt makes them: NaN, declared failures, errors, unfinished ones."""
    when = datetime(2024, 5, 1, 12, 0, 0, 250000)

    def document(state, result, **more):
        vals = {"model": [np.int64(0)], "C": [np.float64(2.0)], "d": [], "x": [0.5]}
        vals |= {"size": [1], "shape": [0], "word": [1], "n": [3.0]}
        misc = {"tid": 7, "cmd": ("domain_attachment", "FMinIter_Domain"), "vals": vals, **more}
        return {
            "state": state, "tid": 7, "spec": None, "result": result, "misc": misc, "exp_key": None,
            "owner": None, "version": 0, "book_time": when,
            "refresh_time": when + timedelta(seconds=2),
        }  # fmt: skip

    documents = [
        document(JOB_STATE_DONE, {"loss": 0.5, "status": "ok", "eval_time": 3}),
        document(JOB_STATE_DONE, {"loss": math.nan, "status": "ok"}),
        document(JOB_STATE_DONE, {"status": "fail", "why": "so"}),
        document(JOB_STATE_ERROR, {"status": "new"}, error=("<class 'ValueError'>", "no")),
        document(JOB_STATE_DONE, {"status": "ok", "loss": None}),
        document(JOB_STATE_NEW, {"status": "new"}),
        document(JOB_STATE_RUNNING, {"status": "new"}),
        document(JOB_STATE_CANCEL, {"status": "new"}),
        document(JOB_STATE_CANCEL, {"status": "fail"}),
    ]
    trials = Trials.from_documents(iter(documents), SPACE)
    assert [trial.status.name for trial in trials.history] == [
        "OK", "FAILED", "FAILED", "FAILED", "FAILED", "CUT", "CUT", "CUT", "CANCELLED",
    ]  # fmt: skip
    first = trials.history[0]
    assert first.values["C"] == 2.0
    assert first.started == when.replace(tzinfo=timezone.utc).timestamp()
    assert first.outcome.seconds == 2.0
    assert trials.results[0] == {"loss": 0.5, "status": "ok", "eval_time": 3}
    assert trials.errors()[3] == "no"
    assert trials.trials[3]["misc"]["error"] == ("<class 'ValueError'>", "no")
    assert "must hold a real number as 'loss'" in trials.errors()[4]
    texts = json.loads(
        json.dumps(documents[:2], default=lambda each: getattr(each, "item", each.__str__)())
    )
    assert Trials.from_documents(texts, SPACE).history[0].started == first.started


@pytest.mark.parametrize(
    ("documents", "error", "sentence"),
    [
        ({"misc": {}}, TypeError, "from_documents takes a list of documents"),
        ([3], InvalidTrial, r"documents\[0\]: a document is a dict with `misc`, .* but got 3"),
        ([{"misc": {"vals": {"y": [1]}}}], InvalidTrial, r"documents\[0\]: the space has no label"),
        ([{"misc": {"vals": {"x": [7]}}}], InvalidTrial, r"documents\[0\]: 'x' takes a number"),
        (
            [{"misc": {"vals": {"x": [1]}}, "book_time": 5}], InvalidTrial,
            r"documents\[0\]: a time is a datetime or a text, but got 5",
        ),
    ],
)  # fmt: skip
def test_wrong_documents(documents, error, sentence):
    """What is no document is refused with its place."""
    with pytest.raises(error, match=sentence):
        Trials.from_documents(documents, hp.uniform("x", 0, 1))


def test_timeouts_stay_timeouts():
    """A trial that ran out of time is one in tables and documents as well."""
    tuner = Tuner(hp.uniform("x", 0, 1))
    tuner.ask()
    frame = tuner.trials.to_pandas().assign(status="timed_out", error="too slow")
    trials = Trials.from_pandas(frame, hp.uniform("x", 0, 1))
    assert trials.history[0].status is Status.TIMED_OUT
    again = Trials.from_documents(trials.trials, hp.uniform("x", 0, 1))
    assert again.history[0].status is Status.TIMED_OUT
    assert again.errors() == {0: "too slow"}


@pytest.mark.parametrize(
    ("call", "package"),
    [
        (lambda trials: Trials.from_pandas([], SPACE), "pandas"),
        (lambda trials: Trials.from_optuna(None, SPACE), "optuna"),
        (lambda trials: trials.to_optuna(), "optuna"),
    ],
)
def test_a_package_that_is_missing(call, package, trials, monkeypatch):
    """Without pandas or Optuna, the error names the extra that brings it."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"pip install 'sparktune\[{package}\]'"):
        call(trials)


def test_spark_trials_have_them_too(trials):
    """The class that is asked is the one that comes back, with its options."""
    session = SimpleNamespace(sparkContext=None)
    again = SparkTrials.from_pandas(
        trials.to_pandas(), SPACE, parallelism=3, timeout=9, spark_session=session
    )
    assert type(again) is SparkTrials
    assert (again.parallelism, again.timeout) == (3, 9)
    assert_same(trials, again)
    with pytest.raises(ValueError, match="`parallelism` must be a whole number"):
        SparkTrials.from_documents(trials.trials, SPACE, parallelism=0)


@examples(30)
@given(seed=st.integers(0, 2**32), losses=st.lists(st.floats(allow_nan=True), max_size=12))
def test_tables_and_documents_hold_any_losses(seed, losses):
    """Any losses of any points go into a table and documents and come back."""
    trials, tuner = Trials(), Tuner(SPACE, rand.suggest, rstate=seed % 2**31)
    for loss in losses:
        tuner.tell(tuner.ask(), loss)
    trials = tuner.trials
    for again in (
        Trials.from_pandas(trials.to_pandas(), SPACE),
        Trials.from_documents(trials.trials, SPACE),
    ):
        assert again.losses() == trials.losses()
        assert again.vals == trials.vals if losses else not len(again)


def test_rows_that_are_apart_are_left_out_with_a_warning():
    """Trials of an earlier space do not come back from a table, which says how many they are."""
    trials = Trials(on_space_change="adapt")
    options = {"algo": rand.suggest, "trials": trials, "rstate": 0, "show_progressbar": False}
    fmin(lambda c: c["x"], {"x": hp.uniform("x", 0, 1), "old": hp.randint("old", 3)}, max_evals=6,
         **options)  # fmt: skip
    space = {"x": hp.uniform("x", 0.5, 2), "status": hp.choice("status", ["apart", "ok"])}
    trials.defaults["status"] = "apart"
    with pytest.warns(UserWarning, match="do not fit the space"):
        fmin(lambda c: c["x"], space, max_evals=8, **options)
    table = trials.to_pandas()
    apart = sum(table["status"] == "apart")
    assert apart
    with pytest.warns(UserWarning, match=f"^{apart} of the table's {len(table)} rows .* left out"):
        back = Trials.from_pandas(table, space)
    assert back.losses() == trials.losses()
    assert back.vals == trials.vals
    assert len(back.history) == len(table) - apart
