"""The document of a run: plain JSON that holds what the trials hold."""

import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples
from shown_runs import EVIL, hostile, work

from sparktune import Trials, fmin, hp, rand, scope
from sparktune.history import History, Outcome, Status
from sparktune.history.changed import adapted
from sparktune.report import document_of
from sparktune.report.literals import python_of
from sparktune.space.tree import Space


def back(value):
    """A number as the document has it, as the number."""
    return None if value is None else float(value)


NOT_ASKED = {"shares": None, "why": "not asked"}  # which takes a GP


def same(one, other):
    """Whether two numbers are the same, nan included; None is None alone."""
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def agrees(document, history):
    """Compare every column with the trials."""
    columns = document["trials"]
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert columns["statuses"] == [status.name.lower() for status in Status]
    for trial in history:
        number, outcome = trial.number, trial.outcome
        assert columns["statuses"][columns["status"][number]] == trial.status.name.lower()
        assert same(back(columns["loss"][number]), trial.loss)
        begun = columns["begun"] + columns["started"][number]
        assert begun == pytest.approx(trial.started, rel=1e-12, abs=1e-5)
        seconds = None if outcome is None else outcome.seconds
        assert columns["seconds"][number] == (None if seconds is None else round(seconds, 6))
        for param in document["params"]:
            value = param["values"][number]
            assert (value is None) == (param["label"] not in trial.values)
            if value is not None:
                assert float(value) == trial.values[param["label"]]
    reports = {number: (steps, values) for number, steps, values in columns["reports"]}
    for trial in history:
        steps, values = reports.get(trial.number, ((), ()))
        pairs = history.reports(trial.number)
        assert [int(step) for step in steps] == [step for step, _ in pairs]
        assert all(map(same, map(back, values), [value for _, value in pairs]))


def test_columns_hold_what_the_trials_hold():
    """Status, loss, times, values and reports are those of each trial, and the counts add up."""
    history = work(120)
    document = document_of(history, "night", now=1.0)
    agrees(document, history)
    assert (document["name"], document["made"], document["state"]) == ("night", 1.0, "3 running")
    assert sum(document["counts"].values()) == 120
    assert document["counts"]["pending"] == 3
    assert document["best"]["number"] == history.best.number
    assert back(document["best"]["loss"]) == history.best.loss
    accuracy, fold = document["trials"]["results"]
    assert (accuracy["key"], accuracy["numeric"]) == ("accuracy", True)
    assert (fold["key"], fold["numeric"]) == ("fold", False)
    shares = [share for _, share, _, _ in document["importance"]["shares"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)


def test_the_space_is_told_with_its_bounds_and_conditions():
    """Each label has its kind, its bounds as the objective sees them, and what activates it."""
    params = {each["label"]: each for each in document_of(work(3))["params"]}
    told = params["C"]
    assert (told["kind"], told["log"], told["whole"]) == ("loguniform", True, False)
    assert [told["low"], told["high"]] == pytest.approx([math.exp(-7), math.exp(7)])
    assert told["when"] == [["model", "svm"]]
    assert params["degree"]["when"] == [["kernel", "{poly: <degree>}"]]
    assert (params["degree"]["low"], params["degree"]["high"]) == (0, 5)
    assert (params["depth"]["kind"], params["depth"]["high"]) == ("whole number", 20)
    assert params["scale"]["options"] == ["none", "standard", "robust"]
    assert (params["leaf"]["low"], params["leaf"]["log"]) == (None, True)


def test_errors_stand_once_with_their_tracebacks():
    """Trials that failed alike share an entry, with the exception as its line."""
    history = work(120)
    columns = document_of(history)["trials"]
    failed = [trial for trial in history if trial.status is Status.FAILED]
    assert len(failed) > 2
    for trial in failed:
        entry = columns["errors"][columns["error"][trial.number]]
        assert entry["text"] == trial.outcome.error
        assert entry["line"].startswith(f"{trial.outcome.error_type}: ")
    assert len(columns["errors"]) <= 3
    assert [columns["hosts"][place] for place in columns["host"][:2]] == [
        history[0].outcome.host, history[1].outcome.host,
    ]  # fmt: skip


def test_no_trials_and_no_history_are_documents_too():
    """A run that has not begun says so, and importances say why there are none."""
    for history in (None, History(Space({"x": hp.uniform("x", 0, 1)}))):
        document = document_of(history)
        assert document["state"] == "no trials yet"
        assert document["best"] is None
        assert document["counts"] == {}
        assert document["importance"]["shares"] is None
        assert document["importance"]["why"]
        assert document["trials"]["begun"] is None


def test_long_texts_are_cut_and_say_so(monkeypatch):
    """A page of huge errors, results and reports stays small, and says what is left out."""
    monkeypatch.setattr("sparktune.report.columns.REPORTS", 1000)
    history = History(Space({"x" * 5000: hp.uniform("x" * 5000, 0, 1)}))
    for number in range(40):
        history.start([{"x" * 5000: 0.5}], 0.0)
        error = f"{number} " + "e" * 500_000 + " the end"
        history.finish(number, 0, Outcome(Status.FAILED, error=error, host="h" * 10_000))
    history.start([{"x" * 5000: 0.5}], 0.0)
    info = {f"k{key}": list(range(10_000)) if key < 3 else "t" * 100_000 for key in range(30)}
    for step in range(1500):
        history.report(40, 0, step, 1.0)
    history.finish(40, 0, Outcome(Status.OK, loss=1.0, info=info, note="n" * 100_000))
    document = document_of(history)
    text = json.dumps(document)
    assert len(text) < 1_200_000
    first = document["trials"]["errors"][0]["text"]
    assert "characters are left out here" in first
    assert first.endswith(" the end")
    assert document["params"][0]["label"].endswith("…")
    assert any("30 keys" in note for note in document["notes"])
    assert any("1,500 reports" in note for note in document["notes"])
    number, steps, values = document["trials"]["reports"][0]
    assert (number, steps[0], steps[-1]) == (40, 0, 1499)
    assert len(steps) == len(values) == 1000


def test_many_errors_keep_a_line_each():
    """Where whole texts would be too many, those that come later have one line."""
    history = History(Space(hp.uniform("x", 0, 1)))
    for number in range(400):
        history.start([{"x": 0.5}], 0.0)
        history.finish(number, 0, Outcome(Status.FAILED, error=f"{number}\n" + "e" * 7000))
    errors = document_of(history)["trials"]["errors"]
    assert len(errors[0]["text"]) > 7000
    assert errors[-1]["text"] == errors[-1]["line"] == "399"
    assert sum(len(each["text"]) for each in errors) < 1_100_000


def test_numbers_that_json_has_not():
    """Infinite losses, reports that are nan and huge whole numbers come as texts for Number."""
    history = History(Space({"n": hp.uniformint("n", 0, 9), "x": hp.uniform("x", 0, 1)}))
    history.start([{"n": 9, "x": 0.25}], 0.0)
    history.report(0, 0, 1, math.nan)
    history.report(0, 0, 2**60, -math.inf)
    history.finish(0, 0, Outcome(Status.OK, loss=math.inf, info={"big": 10**400, "y": np.nan}))
    document = document_of(history)
    columns = document["trials"]
    assert columns["loss"] == ["Infinity"]
    assert columns["reports"] == [[0, [1, str(2**60)], ["NaN", "-Infinity"]]]
    assert document["trials"]["results"][1]["values"] == ["NaN"]
    json.dumps(document, allow_nan=False)


def test_a_choice_of_very_many_options_names_those_that_were_taken():
    """Not a million names, but those of the trials, and how many there are."""
    space = Space(hp.choice("c", [f"option {place}" for place in range(5000)]))
    history = History(space)
    history.start([{"c": 4321}, {"c": 7}, {"c": 4321}], 0.0)
    (param,) = document_of(history)["params"]
    assert param["of"] == 5000
    assert [param["options"][place] for place in param["values"]] == [
        "option 4321", "option 7", "option 4321",
    ]  # fmt: skip


def test_trials_of_an_earlier_space_are_told_apart():
    """They have no values in the columns, and their own in words."""
    old = History(Space({"x": hp.uniform("x", 0, 1), "m": hp.choice("m", ["a", "b"])}))
    for number in range(3):
        old.start([{"x": 0.25 * number, "m": 0}], float(number))
        old.finish(number, 0, Outcome(Status.OK, loss=1.0))
    new = Space({"x": hp.uniform("x", 0.2, 1), "m": hp.choice("m", ["a", "b"])})
    with pytest.warns(UserWarning, match="does not fit"):
        history = adapted(old, new, None)
    document = document_of(history)
    assert document["counts"] == {"ok": 2, "apart": 1}
    assert document["trials"]["loss"] == [None, 1.0, 1.0]
    assert document["trials"]["apart"] == [[0, [["x", "0"], ["m", "a"]]]]
    assert document["params"][document["params"][0]["label"] != "x"]["values"][0] is None


def test_the_best_configuration_is_python_that_runs():
    """What the page offers to copy gives the configuration that the objective received."""
    trials = Trials()
    seen = []
    space = {
        "lr": hp.loguniform("lr", -9, 0),
        "net": hp.choice("net", [{"deep": (1, [2, "x"])}, ("a", None, True), float("inf")]),
        "n": hp.qnormal("n", 0, 5, 1),
    }
    fmin(
        lambda config: seen.append(config) or config["lr"],
        space, rand.suggest, 12, trials=trials, rstate=3, show_progressbar=False,
    )  # fmt: skip
    best = document_of(trials.history)["best"]
    names = {}
    exec(best["python"], names)
    exec(best["point"], names)
    assert names["config"] == seen[best["number"]]
    assert names["point"] == trials.argmin
    assert best["notes"] == []


class Odd:
    """Something whose repr fails."""

    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "thing",
    [
        {"a": [1, 2.5, "x" * 50, None], "b": ("y" * 60, {"c": True})},
        [[]] * 3, (), (1,), {}, "quote ' and \" \u2028 \n \0 \ud800 </script>", b"bytes", -0.0,
        {1: "x", (1, 2): "y", None: 2.0}, 10**50, [list(range(100))],
    ],
)  # fmt: skip
def test_literals_come_back_as_they_were(thing):
    """Whatever Python has a literal for is written so that it runs and gives the same."""
    text, notes = python_of("it", thing)
    names = {}
    exec(text, names)
    assert names["it"] == thing
    assert notes == []
    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize("thing", [len, Odd, Odd(), {1, 2}, 1j, range(3), "z" * 5000, np.ones(3)])
def test_what_is_no_literal_is_a_text_that_says_so(thing):
    """It stands as a text with a comment, the line still runs, and a note says so."""
    text, notes = python_of("it", {"f": thing, "g": 1})
    names = {}
    exec(text, names)
    assert isinstance(names["it"]["f"], str)
    assert names["it"]["g"] == 1
    assert "  # " in text
    assert len(notes) == 1


def test_nested_too_deeply_or_too_long_is_no_error():
    """A configuration that cannot be written is still a page."""
    deep = []
    for _ in range(sys.getrecursionlimit()):
        deep = [deep]
    assert "nested too deeply" in python_of("it", deep)[0]
    text, notes = python_of("it", [f"number {n} of them" for n in range(5000)])
    assert len(text) < 21_000
    assert any("too long" in note for note in notes)


def test_an_expression_that_fails_now_leaves_the_values():
    """Where the configuration cannot be built again, its values stand in its place, said so."""
    calls = []

    def once(x):
        calls.append(x)
        if len(calls) > 1:
            raise RuntimeError("gone")
        return x

    scope.define(once)
    history = History(Space({"x": scope.once(hp.uniform("x", 0, 1))}))
    history.start([{"x": 0.5}], 0.0)
    history.finish(0, 0, Outcome(Status.OK, loss=1.0))
    calls.append(0)
    best = document_of(history)["best"]
    assert "'x': 0.5" in best["python"]
    assert any("cannot be computed here" in note for note in best["notes"])


def test_texts_of_a_hostile_run_stay_what_they_are():
    """Labels, options and keys are in the document character by character."""
    document = document_of(hostile())
    assert {param["label"] for param in document["params"]} >= set(EVIL)
    (options,) = [param for param in document["params"] if param["label"] == "options"]
    assert options["options"] == list(EVIL)
    json.loads(json.dumps(document, allow_nan=False))


@st.composite
def histories(draw):
    """Histories of a tree with every kind of label, and whatever can become of a trial."""
    size = draw(st.integers(0, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    space = work(0).space
    history = History(space)
    losses = st.floats(allow_nan=False, width=64)
    for number, row in enumerate(space.sample(rng, size)):
        history.start([space.decode(row)], draw(st.floats(-1e9, 1e12)))
        for step in draw(st.lists(st.integers(-5, 2**55), max_size=3)):
            history.report(number, 0, step, draw(st.floats()))
        kind = draw(st.sampled_from(["ok", "failed", "pruned", "cancelled", "cut", "pending"]))
        seconds = draw(st.none() | st.floats(0, 1e9))
        if kind == "ok":
            outcome = Outcome(Status.OK, loss=draw(losses), seconds=seconds)
        elif kind in ("failed", "pruned", "cancelled"):
            error = draw(st.none() | st.text(max_size=20))
            outcome = Outcome(Status[kind.upper()], error=error, seconds=seconds)
        if kind == "cut":
            history.requeue(number, "cut")
        elif kind != "pending":
            history.finish(number, 0, outcome)
    return history


@examples(100, quick=5)
@given(histories())
def test_any_history_has_a_document_that_agrees(history):
    """Whatever became of trials, and whatever their losses are, the columns hold it."""
    agrees(document_of(history, now=0.0, importance=NOT_ASKED), history)
