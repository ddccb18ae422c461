"""What `sparktune show` says of a run, to people and to programs."""

import csv
import io
import json
import math
import pickle
import shutil

import numpy as np
import pytest
from journals import read_all, written
from recorded_runs import torn

from sparktune import Space, Trials, fmin, hp, rand, scope
from sparktune.cli import main
from sparktune.storage.lock import WriterLock
from sparktune.storage.segments import Segments
from sparktune.views.values import one_line, plain


def shown(capsys, *words):
    """What `show` prints."""
    assert main(["show", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_the_summary_of_a_run(run, capsys):
    """It has folder, seed, counts, the best trial with its parameters, and why others failed."""
    folder, trials = run
    text = shown(capsys, folder)
    lines = text.splitlines()
    assert lines[0] == str(folder)
    assert ", 1 run, seed 0" in lines[1]
    assert "nobody" in lines[3]
    failed = trials.count_failed_trials()
    assert f"20: {20 - failed} ok, {failed} failed" in lines[4]
    assert f"best loss     {trials.best_loss!r} (trial" in text
    assert "scale       minmax" in text or "scale       none" in text
    last = max(trials.errors())
    assert f"{failed} x ValueError: no scale (last: trial {last})" in text


def test_the_best_trials_are_a_table(run, capsys):
    """So many as were asked for, the lowest loss first, options by what is constant in them."""
    folder, trials = run
    lines = shown(capsys, folder, "--top", "3").splitlines()
    head = next(i for i, line in enumerate(lines) if line.split()[:2] == ["trial", "loss"])
    rows = [line.split() for line in lines[head + 1 : head + 4]]
    losses = sorted(loss for loss in trials.losses() if loss is not None)
    assert [float(row[1]) for row in rows] == pytest.approx(losses[:3], rel=1e-5)
    assert lines[head + 4] == ""
    assert "{kind: " in lines[head + 1]
    assert "trial  " not in shown(capsys, folder, "--top", "0")


def test_on_a_narrow_terminal_lines_are_cut(run, capsys, monkeypatch):
    """Labels share a column where theirs do not fit, and no line is longer than the terminal."""
    folder, _ = run
    monkeypatch.setattr("sparktune.cli.journals._width", lambda: 50)
    lines = shown(capsys, folder).splitlines()
    assert max(map(len, lines)) == 50
    assert any(line.rstrip().endswith("parameters") for line in lines)
    assert any("model={kind: " in line for line in lines)


def test_it_says_who_writes(tmp_path, capsys):
    """While a run goes on its process and host are named, and its trials are running."""
    seen = []

    def objective(config):
        seen.append(shown(capsys, tmp_path))
        return config["x"]

    space = {"x": hp.uniform("x", 0, 1)}
    fmin(objective, space, max_evals=2, trials=Trials(journal=tmp_path), show_progressbar=False)
    assert "(this one) on" in seen[1]
    assert "2: 1 ok, 1 running" in seen[1]
    assert "writer        nobody" in shown(capsys, tmp_path)


def test_trials_have_the_words_of_show(tmp_path, capsys):
    """Trials without an outcome are running while somebody writes the journal, else not ended."""
    folder, left = tmp_path / "run", tmp_path / "left"
    trials, told = Trials(journal=folder), []

    def objective(config):
        told.extend([shown(capsys, folder), repr(Trials.load(folder)), repr(trials)])
        shutil.copytree(folder, left)
        return 1.0

    space = {"x": hp.uniform("x", 0, 1)}
    fmin(objective, space, max_evals=1, trials=trials, show_progressbar=False)
    assert ["1: 1 running" in each for each in told] == [True] * 3
    (left / "lock").unlink()
    views = [Trials.load(left), Trials(journal=left)]
    told = [shown(capsys, left), *map(repr, views), *(each._repr_html_() for each in views)]
    assert ["1: 1 not ended" in each for each in told] == [True] * 5
    assert "1 not ended" in views[0].report(tmp_path / "left.html").read_text()


@pytest.mark.parametrize("words", [[], ["--csv"], ["--json"]])
def test_a_torn_record_is_said_beside_what_is_shown(run, capsys, words):
    """A word on stderr names the place and how many trials remain, in whatever form it prints."""
    folder = torn(run[0])
    assert main(["show", str(folder), *words]) == 0
    out, error = capsys.readouterr()
    assert error.count("\n") == 1
    assert error.startswith("sparktune: the journal's last record is torn, and is left out (")
    assert error.endswith(": the line is cut off): 19 ended trials remain\n")
    assert "is torn" not in out


def test_a_journal_without_trials_or_losses(tmp_path, capsys):
    """A run that has just begun, and one in which all failed, are shown as they are."""
    space = {"x": hp.uniform("x", 0, 1)}
    with Trials(journal=tmp_path / "a").step(Space(space)):
        assert "trials        none yet" in shown(capsys, tmp_path / "a")
    with Segments(tmp_path / "b"):
        assert "trials        none yet" in shown(capsys, tmp_path / "b")
        assert json.loads(shown(capsys, tmp_path / "b", "--json"))["trials"] == []
        assert shown(capsys, tmp_path / "b", "--csv").startswith("number,status,loss")


def test_what_a_record_has_by_name_alone_is_shown(tmp_path, capsys):
    """Expressions, functions and objects of a space are texts; nothing of it is called."""
    space = hp.choice(
        "m",
        [
            {"f": math.sqrt, "n": scope.int(hp.quniform("n", 1, 3, 1)), "o": object()},
            {"f": json.JSONDecoder, "n": 1 + hp.randint("k", 3)},
        ],
    )
    points = [{"m": 0, "n": 2.0}, {"m": 1, "k": 2}]
    trials = Trials(journal=tmp_path)
    with pytest.warns(UserWarning, match="by type and position"):
        fmin(
            lambda c: c["n"], space, max_evals=2, trials=trials, points_to_evaluate=points,
            show_progressbar=False,
        )  # fmt: skip
    assert "<function math.sqrt>" in shown(capsys, tmp_path)
    told = json.loads(shown(capsys, tmp_path, "--json"))["trials"]
    assert told[0]["params"]["m"]["n"] == "int(2.0)"
    assert told[1]["params"]["m"] == {"f": "<class json.decoder.JSONDecoder>", "n": "add(1, 2)"}
    assert shown(capsys, tmp_path, "--csv").count("\n") == 3


def test_csv_is_what_pandas_would_write(run, capsys):
    """The columns and cells are those of to_pandas, whether pandas is installed or not."""
    pandas = pytest.importorskip("pandas")
    folder, trials = run
    text = shown(capsys, folder, "--csv")
    ours, theirs = (
        pandas.read_csv(io.StringIO(each), float_precision="round_trip")
        for each in (text, trials.to_pandas().to_csv())
    )
    pandas.testing.assert_frame_equal(ours, theirs)
    again = Trials.from_pandas(ours, trials.history.space)
    assert again.losses() == trials.losses()


def test_csv_shows_options_where_one_is_none(tmp_path, capsys):
    """None among the options is an empty field, and the others stand as they are."""
    options = ["l1", None, "l2"]
    trials = Trials(journal=tmp_path)
    fmin(
        lambda c: 0.0, {"c": hp.choice("c", options)}, rand.suggest, 12, trials=trials, rstate=0,
        show_progressbar=False,
    )  # fmt: skip
    rows = csv.DictReader(io.StringIO(shown(capsys, tmp_path, "--csv")))
    told = [row["params_c"] for row in rows]
    assert told == [options[index] or "" for index in trials.vals["c"]]
    assert set(told) == {"l1", "", "l2"}


def test_csv_of_a_changed_space_has_all_labels(tmp_path, capsys):
    """Trials of an earlier space keep the columns of its labels."""
    old, new = {"x": hp.uniform("x", 0, 1)}, {"y": hp.uniform("y", 0, 1)}
    fmin(lambda c: 1, old, max_evals=2, trials=Trials(journal=tmp_path), show_progressbar=False)
    trials = Trials(journal=tmp_path, on_space_change="adapt", defaults={"y": 0.5})
    fmin(lambda c: 1, {**old, **new}, max_evals=3, trials=trials, show_progressbar=False)
    narrow = {"x": hp.uniform("x", 2, 3)}
    trials = Trials(journal=tmp_path, on_space_change="adapt")
    with pytest.warns(UserWarning, match="do not fit"):
        fmin(lambda c: 1, narrow, max_evals=1, trials=trials, show_progressbar=False)
    rows = list(csv.DictReader(io.StringIO(shown(capsys, tmp_path, "--csv"))))
    assert [row["status"] for row in rows] == ["apart"] * 3 + ["ok"]
    assert rows[0]["params_y"] == "0.5"
    assert rows[3]["params_y"] == ""
    assert "3 of an earlier space" in shown(capsys, tmp_path)


def refuse(name):
    raise AssertionError(f"{name} is no JSON")


def test_json_is_strict_and_has_everything(tmp_path, capsys):
    """NaN and infinities are texts, and each trial has real values, times, reports and errors."""

    def objective(config, trial):
        trial.report(1, math.inf)
        if config["x"] > 0.5:
            raise ValueError("\x1b[31mtoo large")
        return {"loss": -math.inf, "array": np.array([math.nan, 1.0]), "deep": {1: {2.5}}}

    trials = Trials(journal=tmp_path)
    points = [{"x": 0.25, "c": 1}, {"x": 0.75, "c": 0}]
    fmin(
        objective, {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", ["a", None])}, max_evals=2,
        trials=trials, points_to_evaluate=points, catch_eval_exceptions=True,
        show_progressbar=False,
    )  # fmt: skip
    told = json.loads(shown(capsys, tmp_path, "--json"), parse_constant=refuse)
    first, second = told["trials"]
    assert first["params"] == {"x": 0.25, "c": None}
    assert first["values"] == {"x": 0.25, "c": 1}
    assert (first["loss"], first["reports"]) == ("-Infinity", [[1, "Infinity"]])
    assert first["info"]["deep"] == {"1": [2.5]}
    assert (second["status"], second["error_type"]) == ("failed", "ValueError")
    assert told["summary"]["best"] == {
        "number": 0, "loss": "-Infinity", "params": first["params"],
    }  # fmt: skip
    assert told["summary"]["counts"]["failed"] == 1
    assert told["summary"]["errors"][0]["trials"] == [1]
    assert "\x1b" not in shown(capsys, tmp_path)
    assert first["started"].endswith("Z")


@pytest.mark.parametrize(
    ("thing", "wanted"),
    [
        (math.nan, "NaN"),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        ((1, {2}), [1, [2]]),
        (b"x", "b'x'"),
        ({(1, 2): 3}, {"(1, 2)": 3}),
        ("a\nb", "a\nb"),
    ],
)
def test_values_as_json(thing, wanted):
    """Whatever a value is, JSON has something for it."""
    assert plain(thing) == wanted
    json.dumps(plain(thing), allow_nan=False)


def test_a_text_in_one_line():
    """Control characters and new lines never reach a terminal, and long texts are cut."""
    assert one_line("a\n b\x07\x1b[0m") == "a b��[0m"
    assert one_line("x" * 300, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("command", ["show", "compact"])
@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("missing", "there is no journal at"),
        ("empty", "holds no journal"),
        ("file", "a journal is a folder"),
        ("pickle", "`sparktune import-hyperopt"),
    ],
)
def test_what_is_no_journal_is_said_in_a_sentence(tmp_path, capsys, command, what, sentence):
    """The exit code is 1, and stderr has one line that says what is wrong."""
    path = tmp_path / what
    if what == "empty":
        path.mkdir()
    elif what == "file":
        path.write_text("hello")
    elif what == "pickle":
        path.write_bytes(pickle.dumps({}))
    assert main([command, str(path)]) == 1
    out, error = capsys.readouterr()
    assert out == ""
    assert sentence in error
    assert error.count("\n") == 1
    assert what == "missing" or sorted(tmp_path.rglob("*")) == [path]


def test_a_damaged_journal_names_the_line(run, capsys):
    """The sentence has the file and the line."""
    folder, _ = run
    file = folder / "000001.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:4], lines[4].replace("kind", "kimd"), *lines[5:]]))
    assert main(["show", str(folder)]) == 1
    assert "000001.jsonl, line 5: the checksum does not fit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("show", "name a journal's folder or a store's URL"),
        ("show x --top -1", "whole number from 0"),
        ("show x --csv --json", "not allowed with"),
        ("show x --csv --top 3", "--top is of the table"),
        ("show x --follow --json", "not allowed with"),
        ("compact", "required: PATH"),
        ("import-hyperopt a", "required: NEW"),
        ("import-hyperopt a b --space x", "must be such as train:space"),
    ],
)
def test_wrong_words(capsys, words, rule):
    """The exit code is 2, and the message has the rule."""
    assert main(words.split()) == 2
    assert rule in capsys.readouterr().err


def test_files_are_merged(tmp_path, capsys):
    """It says how many files became how many, and the journal is as it was."""
    folder = written(tmp_path / "run", *[4] * 6)
    assert main(["compact", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder}: 6 files became 2\n"
    assert read_all(folder)[0] == list(range(24))
    assert main(["compact", str(folder)]) == 0
    assert "none to merge" in capsys.readouterr().out


def test_a_journal_in_use_is_not_merged(run, capsys):
    """The sentence says who writes it."""
    folder, _ = run
    with WriterLock(folder):
        assert main(["compact", str(folder)]) == 1
    assert "is being written by process" in capsys.readouterr().err


def test_help_lists_the_commands(capsys):
    """Each command is there with what it does."""
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for command in ("show", "compact", "import-hyperopt", "cluster", "doctor"):
        assert f"    {command} " in text.replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (["show"], "A run's summary"), (["report"], "A run as one page"), (["compact"], "Merge "),
        (["dashboard"], "Runs as a page"), (["worker"], "Evaluate trials"),
        (["import-hyperopt"], "Make a journal"), (["doctor"], "Check this setup"),
        (["cluster"], "A standalone"), (["cluster", "start"], "Start a master"),
        (["cluster", "stop"], "Stop the cluster"), (["cluster", "status"], "What of the cluster"),
    ],
)  # fmt: skip
def test_the_help_of_a_command_says_what_it_does(words, about, capsys):
    """The help of each command begins with its line in the list of commands."""
    assert main([*words, "--help"]) == 0
    assert f"\n\n{about}" in capsys.readouterr().out


@pytest.mark.parametrize("width", [60, 80, 140])
def test_rich_draws_the_same_facts(run, width):
    """What rich draws fits the width, has no markup of others, and says what the text says."""
    console = pytest.importorskip("rich.console")
    from sparktune.cli.journals import summary_in
    from sparktune.cli.pretty import live, show
    from sparktune.cli.sources import JournalSource

    folder, trials = run
    file = io.StringIO()
    terminal = console.Console(file=file, width=width, height=30, force_terminal=True)
    summary = summary_in(JournalSource(folder))
    show(summary, 5, terminal)
    with live(50, terminal) as draw:
        draw(summary, ["one line"])
    plain_text = console.Console(file=io.StringIO(), width=width, record=True)
    show(summary, 5, plain_text)
    lines = plain_text.export_text().splitlines()
    assert max(map(len, lines)) <= width
    assert any(repr(trials.best_loss) in line for line in lines)
    assert any(f" {trials.best_loss:.6g} " in line for line in lines)  # whole, in the table
    assert any("x ValueError: no scale" in line for line in lines)
    assert "one line" in file.getvalue()
