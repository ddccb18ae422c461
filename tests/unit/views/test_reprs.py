"""What trials, tuners and spaces show of themselves, as text and in a notebook."""

from html.parser import HTMLParser

import numpy as np
import pytest

import sparktune
from sparktune import (
    STATUS_FAIL,
    Space,
    Status,
    Trials,
    Tuner,
    early_stop,
    fmin,
    hp,
    prune,
    rand,
    scope,
)
from sparktune.cli import main
from sparktune.cluster.check import Check
from sparktune.cluster.report import Report

EVIL = "</script><img src=x onerror=alert(1)>\"'&\0\u2028\ud800 $x$"

SPACE = {
    "model": hp.choice(
        "model",
        [
            {
                "kind": "svm",
                "C": hp.loguniform("C", -5, 5),
                "kernel": hp.choice("kernel", ["rbf", "poly"]),
            },
            {"kind": "forest", "trees": scope.int(hp.quniform("trees", 10, 500, 5))},
        ],
    ),
    "scale": hp.pchoice("scale", [(0.25, None), (0.75, "minmax")]),
    "depth": hp.uniformint("depth", 1, 9),
    "shift": hp.normal("shift", 0, 2),
}


def loss_of(config):
    if config["scale"] is None:
        raise ValueError("no scale")
    return abs(config["shift"])


@pytest.fixture(scope="module")
def trials():
    """Twenty trials, some of which failed."""
    made = Trials()
    fmin(
        loss_of, SPACE, rand.suggest, 20, trials=made, rstate=0, catch_eval_exceptions=True,
        show_progressbar=False,
    )  # fmt: skip
    assert 0 < made.count_failed_trials() < 19
    return made


def pretty(thing):
    """What IPython shows of a thing as text."""
    return pytest.importorskip("IPython.lib.pretty").pretty(thing)


class Reader(HTMLParser):
    """The texts of a page; refuses what a notebook's frontend might run or fetch."""

    def __init__(self):
        super().__init__()
        self.texts, self.open = [], []

    def handle_starttag(self, tag, attrs):
        allowed = {"div", "table", "tbody", "tr", "td", "th", "span", "details", "summary"}
        assert tag in allowed
        assert {name for name, _ in attrs} <= {"style", "class", "open"}
        assert not any("url" in (value or "") for _, value in attrs)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def texts_of(thing):
    """What a notebook shows of a thing, piece by piece."""
    page = thing._repr_html_()
    page.encode()  # which a message to a notebook needs
    assert "\0" not in page
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader.texts


def test_the_tree_of_a_space():
    """A line for each label and each option that leads to others, with what is drawn there."""
    assert repr(Space(SPACE)).splitlines() == [
        "Space of 7 labels",
        "├─ model: one of 2",
        "│  ├─ svm",
        "│  │  ├─ C: loguniform, 0.006738 to 148.4",
        "│  │  └─ kernel: one of 2: rbf, poly",
        "│  └─ forest",
        "│     └─ trees: quniform, 10 to 500, in steps of 5",
        "├─ scale: one of 2: None (0.25), minmax (0.75)",
        "├─ depth: whole number, 1 to 9",
        "└─ shift: normal, mu 0, sigma 2",
    ]


def test_a_space_in_a_notebook_has_the_words_of_its_tree():
    """Each label and its range stand in the page as in the text, in the same order."""
    texts = [text.strip() for text in texts_of(Space(SPACE)) if text.strip()]
    lines = repr(Space(SPACE)).splitlines()
    words = [lines[0], *(line.lstrip("│├└─ ") for line in lines[1:])]
    assert texts == [part for word in words for part in word.split(": ", 1)]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (hp.uniform("x", -1, 2), "uniform, -1 to 2"),
        (hp.quniform("x", 0, 1, 0.25), "quniform, 0 to 1, in steps of 0.25"),
        (hp.qloguniform("x", 0, 5, 2), "qloguniform, 0 to 148, in steps of 2"),
        (hp.lognormal("x", 1, 0.5), "lognormal, mu 1, sigma 0.5"),
        (hp.randint("x", 2000), "whole number, 0 to 1,999"),
        (hp.choice("x", range(10**5)), "one of 100,000: 0, 1, 2"),
    ],
)
def test_a_node_says_what_it_draws(node, words):
    """Alone in a cell, and in a dict of nodes, a node shows its label and its range in words."""
    assert f"<'x': {words}" in pretty({"here": node})
    assert words in "".join(texts_of(node))
    assert words in repr(Space(node))
    assert len(repr(Space(node))) < 500


def test_a_dict_of_nodes_shows_what_its_choices_hold():
    """What people hold before a search is a dict; IPython shows the options of its choices."""
    shown = pretty(SPACE)
    assert "'C': <'C': loguniform, 0.006738 to 148.4>" in shown
    assert "<'kernel': one of 2: rbf, poly>" in shown


def test_a_label_under_several_options_is_drawn_once():
    """Where a node stands under two options it is described at the first."""
    shared = hp.uniform("x", 0, 1)
    text = repr(Space(hp.choice("c", [{"a": shared}, {"b": [shared]}])))
    assert text.count("uniform, 0 to 1") == 1
    assert "x: as above" in text


def test_a_large_space_is_shown_in_part():
    """A tree of thousands of lines ends with how many there are more."""
    options = [{"n": i, "x": hp.uniform(f"x{i}", 0, 1)} for i in range(300)]
    text = repr(Space(hp.choice("c", options)))
    assert len(text.splitlines()) == 401
    assert text.endswith("… and 202 more lines")


def test_the_words_of_trials_are_those_of_the_command_line(trials, tmp_path, capsys):
    """Counts, best loss, parameters, table and errors stand in a repr as `show` prints them."""
    kept = Trials.from_documents(trials.trials, SPACE, journal=tmp_path / "run")
    main(["show", str(tmp_path / "run")])
    printed = capsys.readouterr().out.splitlines()
    shown = repr(kept).splitlines()
    assert shown[0] == f"Trials, recorded in the journal {tmp_path / 'run'}"
    assert shown[1:] == printed[4:]
    assert "  trials        20: " in shown[1]
    assert any("ValueError: no scale" in line for line in shown)


def test_trials_in_a_notebook(trials):
    """The page has counts, the best loss, a row for each of the best trials, and the errors."""
    texts = texts_of(trials)
    assert texts[0] == "Trials"
    losses = sorted(loss for loss in trials.losses() if loss is not None)
    for loss in losses[:10]:
        assert f"{loss:.6g}" in texts
    assert any("x ValueError: no scale" in text for text in texts)
    assert "svm" in "".join(texts)


def test_trials_without_any_say_so():
    """Before the first run there is nothing to show, and the repr says so."""
    assert repr(Trials()).split() == ["Trials", "trials", "none", "yet"]
    assert "none yet" in texts_of(Trials())


def test_read_trials_say_where_from(trials, tmp_path):
    """Trials of a journal name it, and what they show needs neither space nor objective."""
    Trials.from_documents(trials.trials, SPACE, journal=tmp_path / "run")
    found = Trials.load(tmp_path / "run")
    assert repr(found).startswith(f"Trials, as read from {tmp_path / 'run'}\n")
    assert texts_of(found)[1:] == texts_of(Trials.from_documents(trials.trials, SPACE))[1:]
    assert repr(found.history.space) == repr(Space(SPACE))


def test_a_tuner_shows_how_it_stands(saddle):
    """The repr of a Tuner has its labels, its seed, what is pending and what was told."""
    tuner = Tuner(saddle, rstate=3)
    tuner.tell(tuner.ask(), 2.5)
    asked = tuner.ask()
    assert repr(tuner).startswith("Tuner of 2 labels, seed 3\n")
    assert "2: 1 ok, 1 running" in repr(tuner)
    assert "2.5 (trial 0)" in texts_of(tuner)
    trial = tuner.tell(asked, ValueError("gone"))
    assert {"trial 1", "failed", "a"} <= set(texts_of(trial))
    assert repr(tuner.trials.history) == "<History of 2 trials: 1 ok, 1 failed>"


def test_what_came_from_a_run_is_data():
    """Labels, options, errors and values never become part of the page."""
    space = {
        "a": hp.choice(EVIL, [EVIL, {EVIL: hp.uniform(f"{EVIL}2", 0, 1)}]),
        "b": hp.uniform("b", 0, 1),
    }

    def objective(config):
        if config["b"] < 0.5:
            raise ValueError(EVIL)
        return config["b"]

    made = Trials()
    fmin(
        objective, space, rand.suggest, 12, trials=made, rstate=0, catch_eval_exceptions=True,
        show_progressbar=False,
    )  # fmt: skip
    assert made.count_failed_trials()
    failed = next(each for each in made.history if each.status is Status.FAILED)
    report = Report([Check(EVIL, "problem", EVIL, EVIL)])
    for thing in (made, made.history.space, space["a"], failed, report):
        shown = "".join(texts_of(thing))
        assert "<img src=x onerror=alert(1)>" in shown
        assert "�" in shown
    repr(made).encode()
    repr(made.history.space).encode()


def test_no_page_takes_a_text_for_a_formula(trials):
    """What stands between dollar signs is left alone: the page says so to MathJax."""
    for thing in (trials, Space(SPACE), Report([])):
        assert 'class="tex2jax_ignore mathjax_ignore"' in thing._repr_html_()


def test_a_space_that_cannot_be_searched_shows_itself():
    """A node with two hyperparameters of one label is shown all the same."""
    node = hp.choice("c", [hp.uniform("x", 0, 1), hp.uniform("x", 0, 2)])
    assert "choice of 2" in "".join(texts_of(node))
    loop = []
    loop.append(loop)
    assert texts_of(hp.choice("c", [loop]))


@pytest.mark.parametrize("thing", [sparktune, hp, prune, early_stop], ids=lambda m: m.__name__)
def test_completion_of_a_module_offers_what_is_public(thing):
    """dir() of what people import has its public names, and no import of its own."""
    offered = {name for name in dir(thing) if not name.startswith("__")}
    extra = {"hyperas", "hyperopt", "hpsklearn"} if thing is sparktune else set()
    assert offered == {name for name in thing.__all__ if not name.startswith("__")} | extra


def test_completion_of_trials_offers_what_people_call():
    """What a run asks of its host is not offered, and is there."""
    offered = set(dir(Trials()))
    assert {"best_loss", "to_pandas", "losses", "cancel"} <= offered
    assert not {"step", "run", "engine", "agree", "place", "ended", "to_read"} & offered
    assert Trials().engine()


@pytest.mark.full
def test_ipython_completes_keys_and_names():
    """In a shell, the checks of a report and the public names are what the tab key gives."""
    completer = pytest.importorskip("IPython.core.completer")
    shell = pytest.importorskip("IPython.core.interactiveshell").InteractiveShell()
    hyperopts = sparktune.hyperopt.Trials()
    hyperopts.attachments["ATTACH::3::curve"] = 1
    shell.user_ns.update(
        report=Report([Check("Spark job", "ok", "5 ms")]),
        trials=Trials(),
        env=Trials(executor="processes", env={"TOKEN": "s3cret"}).env,
        attached=hyperopts.trial_attachments({"tid": 3}),
    )

    def completed(text):
        with completer.provisionalcompleter():
            found = shell.Completer.completions(text, len(text))
            return {each.text for each in found}

    assert any("Spark job" in each for each in completed('report["'))
    assert any("curve" in each for each in completed('attached["'))
    assert any("TOKEN" in each for each in completed('env["'))
    names = {each.strip(".") for each in completed("trials.c")}
    assert "cancel" in names


def test_the_report_of_the_doctor():
    """A sequence of checks: by place, by name, with `ok`, and lines as the command prints them."""
    checks = [Check("Python", "ok", "3.11"), Check("Java", "problem", "not found", "Install it.")]
    report = Report(checks)
    assert list(report) == checks
    assert (report[0], report["Java"], list(report[1:])) == (checks[0], checks[1], checks[1:])
    assert not report.ok
    assert Report(checks[:1]).ok
    assert repr(report).splitlines() == [
        "ok       Python           3.11",
        "problem  Java             not found",
        "                          -> Install it.",
    ]
    with pytest.raises(KeyError, match="there is no check 'x'; there are Python, Java"):
        report["x"]
    assert "sparktune doctor: 1 problem" in texts_of(report)


def test_the_doctor_looks_at_one_place():
    """Two places, or a limit that is none, are refused in a sentence."""
    with pytest.raises(ValueError, match="looks at one place, but got master and remote"):
        sparktune.doctor(master="local[2]", remote="sc://host")
    with pytest.raises(ValueError, match="`limit` must be a number of seconds > 0"):
        sparktune.doctor(limit=0)


def test_a_failure_that_the_objective_declared_is_shown():
    """A failed trial without an exception, and numbers of numpy, are shown like others."""
    made = Trials()
    results = iter([{"status": STATUS_FAIL}, np.float32(0.5), 1.0])
    fmin(
        lambda c: next(results), hp.uniform("x", 0, 1), rand.suggest, 3, trials=made, rstate=0,
        show_progressbar=False,
    )  # fmt: skip
    assert "0.5 (trial 1)" in texts_of(made)
    assert "1 x the objective returned STATUS_FAIL (trial 0)" in repr(made)
