"""Arguments of fmin that cannot be meant get one sentence, before anything runs."""

import functools
import types

import pytest

import sparktune
from sparktune import hyperopt
from sparktune.hyperopt import Trials, fmin, hp, rand, space_eval, tpe
from sparktune.hyperopt.early_stop import no_progress_loss
from sparktune.hyperopt.exceptions import AllTrialsFailed

SPACE = {"x": hp.uniform("x", -1, 1), "c": hp.choice("c", ["a", "b"])}
quiet = functools.partial(fmin, algo=rand.suggest, max_evals=2, verbose=False, rstate=0)


def loss(config):
    return config["x"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"max_evals": "10"}, "`max_evals` must be a whole number >= 0"),
        ({"max_evals": 2.5}, "`max_evals` must be a whole number >= 0"),
        ({"max_evals": -1}, "`max_evals` must be a whole number >= 0"),
        ({"max_queue_len": 0}, "`max_queue_len` must be a whole number >= 1"),
        ({"points_to_evaluate": [[1, 2]]}, "points, label to value, but one is"),
        ({"points_to_evaluate": {"x": 1}}, "`points_to_evaluate` must be a list of points"),
        ({"points_to_evaluate": [{"c": 0}]}, "the point has no value for 'x'"),
        ({"points_to_evaluate": [{"x": 0.0, "c": "a"}]}, "'c': switch takes the number"),
        ({"trials": []}, r"`trials` must be Trials\(\) or SparkTrials\(\) of sparktune.hyperopt"),
        ({"trials": Trials}, r"the class Trials: write Trials\(\)"),
        ({"trials": sparktune.Trials()}, r"Trials\(\) of sparktune, which has its own fmin"),
        ({"early_stop_fn": 3}, "`early_stop_fn` must be a function"),
        ({"early_stop_fn": lambda *_: True}, "`early_stop_fn` must return whether to stop"),
        ({"early_stop_fn": no_progress_loss}, r"to be called first, as in no_progress_loss\(20\)"),
        ({"show_progressbar": "yes"}, "`show_progressbar` must be"),
        ({"trials_save_file": 5}, "`trials_save_file` must be a path"),
        ({"trials_save_file": "no/such/folder/x.pkl"}, "no/such/folder, which is no folder"),
        ({"trials_save_file": __file__}, "holds no trials that can be loaded"),
        ({"algo": lambda *_: 3}, "`algo` must give a list of documents"),
    ],
)
@pytest.mark.filterwarnings("ignore:loading")
def test_arguments_that_cannot_be_meant(options, sentence):
    """Each is refused with a sentence that has the argument and the rule."""
    with pytest.raises((TypeError, ValueError, FileNotFoundError), match=sentence):
        quiet(loss, SPACE, **options)


@pytest.mark.parametrize("fn", [3, "f", SPACE])
def test_an_objective_is_a_function(fn):
    """What cannot be called is no objective."""
    with pytest.raises(TypeError, match="`fn` must be a function"):
        quiet(fn, SPACE)


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ({"x": sparktune.hp.uniform("x", 0, 1)}, "is of sparktune.hp"),
        ([hp.choice, 1], r"hp.choice\(label, ...\)"),
        ({"x": hp.uniform}, r"the space holds hp.uniform itself"),
        (types, "holds a module"),
        (loss, "a space is made of nodes of hp"),
    ],
)
def test_spaces_that_cannot_be_meant(space, sentence):
    """A node of the other surface, a word that was not called, a module or function is refused."""
    with pytest.raises((TypeError, ValueError), match=sentence):
        quiet(lambda _: 1.0, space)


def test_nodes_of_this_surface_are_refused_by_the_other():
    """The core's fmin says which fmin searches a node of this surface."""
    with pytest.raises(ValueError, match=r"fmin from sparktune\.hyperopt"):
        sparktune.fmin(loss, SPACE, max_evals=1, show_progressbar=False)


def test_methods_of_either_surface_serve_both():
    """An algo of sparktune runs over live documents, and one of this surface in sparktune."""
    trials = Trials()
    quiet(loss, SPACE, algo=sparktune.auto.suggest, max_evals=3, trials=trials)
    quiet(
        loss, SPACE, algo=functools.partial(sparktune.tpe.suggest, gamma=0.3), max_evals=5,
        trials=trials,
    )  # fmt: skip
    assert len(trials) == 5
    space = {"x": sparktune.hp.uniform("x", 0, 1)}
    theirs = sparktune.fmin(
        loss, space, algo=tpe.suggest, max_evals=3, rstate=1, show_progressbar=False
    )
    assert theirs == sparktune.fmin(loss, space, max_evals=3, rstate=1, show_progressbar=False)


def test_space_eval_names_what_is_missing():
    """A label without a value, and a point that is none, are said."""
    with pytest.raises(ValueError, match="no value for 'x'"):
        space_eval(SPACE, {"c": 0})
    with pytest.raises(TypeError, match="a point maps labels to values"):
        space_eval(SPACE, None)


def test_why_no_trial_has_a_loss():
    """The error counts NaN and declared failures, and shows the first exception with its trial."""
    with pytest.raises(AllTrialsFailed, match="2 returned NaN"):
        quiet(lambda _: float("nan"), SPACE)
    with pytest.raises(AllTrialsFailed, match="2 returned STATUS_FAIL"):
        quiet(lambda _: {"status": "fail"}, SPACE)
    with pytest.raises(AllTrialsFailed, match=r"the first was trial 0: .*division by zero"):
        quiet(lambda _: 1 / 0, SPACE, catch_eval_exceptions=True)


def test_no_progress_is_counted_by_the_best_loss():
    """The latest trial may still run, as on Spark: the best of those that have a loss counts."""
    stop = no_progress_loss(2)
    trials = hyperopt.trials_from_docs([])
    fmin(loss, SPACE, algo=rand.suggest, max_evals=3, trials=trials, rstate=0, verbose=False)
    running = {**trials.trials[-1], "tid": 3, "state": 1, "result": {"status": "new"}}
    running["misc"] = {**running["misc"], "tid": 3}
    trials.insert_trial_doc(running)
    trials.refresh()
    best = min(trials.losses()[:3])
    _, told = stop(trials)
    assert told == [best, 1]
    assert stop(trials, *told) == (True, [best, 2])
