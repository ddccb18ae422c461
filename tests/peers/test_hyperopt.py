"""What Hyperopt's users bring along, and whether the room in its style does what it does."""

import inspect
import json
import logging
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import sparktune
import sparktune.hyperopt
from sparktune import Trials, fmin, hp, rand
from tests.helpers.hyperopt_words import OF_HYPEROPT
from tests.peers.hyperopt_cases import CASES

hyperopt = pytest.importorskip("hyperopt")

WORDS = {
    "uniform": (-1, 2),
    "loguniform": (-3, 1),
    "normal": (1, 2),
    "lognormal": (0, 1),
    "quniform": (0, 5, 0.5),
    "qloguniform": (0, 3, 1),
    "qnormal": (0, 3, 1),
    "qlognormal": (0, 1, 0.5),
    "randint": (5,),
}


def drawn_by_hyperopt(word, *arguments):
    """What Hyperopt draws for a word, 800 times."""
    from hyperopt.pyll.stochastic import sample

    rng = np.random.default_rng(0)
    node = getattr(hyperopt.hp, word)("x", *arguments)
    return np.array([float(sample(node, rng=rng)) for _ in range(800)])


def drawn_by_us(word, *arguments):
    """What random search draws for a word, 800 times."""
    trials = Trials()
    fmin(
        lambda x: 0.0, getattr(hp, word)("x", *arguments), algo=rand.suggest, max_evals=800,
        trials=trials, rstate=0, show_progressbar=False,
    )  # fmt: skip
    return np.array(trials.vals["x"], float)


def names(function):
    """The parameters that a caller may give, in their order."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind in kinds]


@pytest.mark.parametrize("name", ["fmin", "space_eval"])
def test_functions_take_hyperopts_parameters_in_its_order(name):
    """What is called by position or by keyword in Hyperopt can be called so here."""
    theirs, ours = names(getattr(hyperopt, name)), names(getattr(sparktune, name))
    assert ours[: len(theirs)] == theirs


@pytest.mark.parametrize("word", WORDS)
def test_words_draw_from_hyperopts_distributions(word):
    """Random search draws each word's values from the distribution that Hyperopt has for it."""
    theirs, ours = drawn_by_hyperopt(word, *WORDS[word]), drawn_by_us(word, *WORDS[word])
    if len(set(theirs)) > 100:
        assert stats.ks_2samp(theirs, ours).pvalue > 1e-3
    else:
        values = sorted({*theirs, *ours})
        counts = np.array([[np.sum(each == v) for v in values] for each in (theirs, ours)])
        common = counts.sum(0) >= 10
        assert stats.chi2_contingency(counts[:, common]).pvalue > 1e-3


def test_uniformint_is_uniform():
    """Every whole number is equally likely, where Hyperopt gives the two ends half of that."""
    theirs, ours = drawn_by_hyperopt("uniformint", 1, 6), drawn_by_us("uniformint", 1, 6)
    assert set(theirs) == set(ours) == {1, 2, 3, 4, 5, 6}
    assert stats.chisquare(np.unique(ours, return_counts=True)[1]).pvalue > 1e-3
    assert stats.chisquare(np.unique(theirs, return_counts=True)[1]).pvalue < 1e-3


def test_a_script_runs_with_another_import():
    """A script that names one space in both libraries' words gets the same kind of answers."""

    def script(library):
        space = library.hp.choice(
            "kind",
            [
                {"kind": "a", "x": library.hp.uniform("x", -5, 5)},
                {"kind": "b", "n": library.hp.quniform("n", 0, 10, 1)},
            ],
        )
        trials = library.Trials()
        best = library.fmin(
            lambda c: c["x"] ** 2 if c["kind"] == "a" else c["n"] + 1, space,
            algo=library.tpe.suggest, max_evals=60, trials=trials,
            rstate=np.random.default_rng(0), show_progressbar=False,
        )  # fmt: skip
        return best, library.space_eval(space, best), trials

    for library in (hyperopt, sparktune):
        best, config, trials = script(library)
        assert set(best) == {"kind", "x"}
        assert best["kind"] == 0
        assert config == {"kind": "a", "x": best["x"]}
        assert len(trials.losses()) == 60
        assert trials.argmin == best
        assert min(trials.losses()) == pytest.approx(best["x"] ** 2)


def test_words_take_hyperopts_arguments_in_its_order():
    """Each word takes what Hyperopt's does, but for the generator and size that its graph sets."""
    from hyperopt.pyll import stochastic

    for word, known in OF_HYPEROPT.items():
        theirs = names(getattr(hyperopt.hp, word))
        behind = {"uniformint": "quniform"}.get(word, word)
        if "choice" not in word:
            theirs += [n for n in names(getattr(stochastic, behind)) if n not in ("rng", "size")]
        assert theirs == known.split()
        assert names(getattr(hp, word))[: len(theirs)] == theirs


@pytest.mark.parametrize(
    ("word", "given", "named"),
    [
        ("randint", (5,), {}),
        ("randint", (), {"low": 5}),
        ("randint", (1, 5), {}),
        ("randint", (1,), {"high": 5}),
        ("randint", (), {"low": 1, "high": 5}),
        ("uniformint", (1,), {"high": 5, "q": 1}),
        ("uniform", (0,), {"high": 1}),
        ("quniform", (0,), {"q": 1, "high": 5}),
        ("normal", (), {"sigma": 1, "mu": 0}),
        ("qlognormal", (0,), {"sigma": 1, "q": 1}),
        ("choice", (), {"options": [1, 2]}),
        ("pchoice", (), {"p_options": [(0.5, 1), (0.5, 2)]}),
    ],
)
def test_calls_that_hyperopt_takes_are_taken(word, given, named):
    """A call of Hyperopt's, arguments by name or position, is one of ours with the same values."""
    from hyperopt.pyll.stochastic import sample

    rng = np.random.default_rng(0)
    theirs = getattr(hyperopt.hp, word)("x", *given, **named)
    drawn = {float(sample(theirs, rng=rng)) for _ in range(200)}
    ours = getattr(hp, word)("x", *given, **named)
    if ours.distribution.discrete:
        values = ours.options if "choice" in word else list(ours.distribution.values())
        assert drawn <= set(values)


PAGE = Path(__file__).parents[2] / "docs" / "migrating.md"


def deviations():
    """Case to what its row says, of the table of what differs."""
    _, _, section = PAGE.read_text().partition("\n## Where sparktune.hyperopt differs\n")
    found = {}
    for line in section.partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if not line.startswith("| `") or len(cells) != 3:
            continue
        for name in re.match(r"(`\w+` )*", cells[0])[0].replace("`", "").split():
            found[name] = f"{cells[1]} / {cells[2]}"
    return found


DEVIATIONS = deviations()


def seen(case, library):
    """What a case gives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return json.loads(json.dumps(case(library)))


@pytest.fixture
def quiet():
    """Nothing is logged, which Hyperopt does much."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", CASES)
def test_the_room_shows_what_hyperopt_shows(name, quiet):
    """A case gives the same with both libraries, unless the page on moving says otherwise."""
    theirs = seen(CASES[name], hyperopt)
    ours = seen(CASES[name], sparktune.hyperopt)
    if name in DEVIATIONS:
        assert ours != theirs, f"no longer differs, but {PAGE.name} says: {DEVIATIONS[name]}"
    else:
        assert ours == theirs


def test_the_table_of_what_differs_names_cases():
    """Every name in the table is a case, and the table is read at all."""
    assert len(DEVIATIONS) > 20
    assert DEVIATIONS.keys() <= CASES.keys()
