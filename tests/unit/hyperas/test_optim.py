"""minimize, best_models, best_ensemble: what runs, what travels, and what comes back."""

import pickle
import re
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from stores import KEY, Working
from templated import function_of, module_of

from sparktune import (
    STATUS_FAIL,
    STATUS_OK,
    AllTrialsFailed,
    StoreTrials,
    Trials,
    fmin,
    rand,
    space_eval,
    tpe,
)
from sparktune.hyperas import optim
from sparktune.hyperas.distributions import choice, uniform
from sparktune.storage.stores.signing import VARIABLE

pytestmark = pytest.mark.usefixtures("sent_by_value")

CALLS = []


def data(*args, **kwargs):
    CALLS.append((args, kwargs))
    if kwargs:
        return None
    return np.arange(3), (args or (10,))[0]


class Net:
    """A model that can be pickled."""

    def __init__(self, units):
        self.units = units


def model(x, y):
    units = {{choice([8, 16, 32])}}
    rate = {{uniform(0, 1)}}
    kind = {{choice(["one", Net])}}
    loss = units * rate + x.sum() + y
    return {"loss": loss, "status": STATUS_OK, "model": Net(units), "rate": rate, "kind": str(kind)}


def quiet(which=model, of=data, **settings):
    settings = {"algo": rand.suggest, "max_evals": 5, "verbose": False, **settings}
    return optim.minimize(which, of, **settings)


def test_the_best_run_and_its_model():
    """The best trial's real values and its own trained model come back."""
    trials = Trials()
    CALLS.clear()
    run, net = quiet(trials=trials, max_evals=8)
    best = trials.history.best
    assert run["units"] == (8, 16, 32)[best.values["units"]] == net.units
    assert run["rate"] == best.values["rate"] == best.outcome.info["rate"]
    assert run["kind"] in ("one", Net)
    assert CALLS == [((), {})]
    assert len(trials) == 8


def test_indices_and_space():
    """eval_space=False gives indices as Hyperas does, and the space turns them into values."""
    trials = Trials()
    indices, _, space = quiet(trials=trials, eval_space=False, return_space=True)
    assert indices == dict(trials.history.best.values) == trials.argmin
    real, _ = quiet(eval_space=True)
    assert space.real(indices) == real == space_eval(space, indices)
    assert repr(pickle.loads(pickle.dumps(space))) == repr(space)
    assert pickle.loads(pickle.dumps(space)).labels == space.labels


def test_the_seed():
    """The seed decides what is drawn; without one, chance does."""
    runs = [quiet(rseed=seed)[0] for seed in (1337, None, 1337, 5)]
    assert runs[0] == runs[2] == quiet()[0] != runs[3]
    assert runs[1] != runs[0]


def test_the_same_search_as_by_hand():
    """What minimize tries is what fmin tries on the space of the function."""
    trials, other = Trials(), Trials()
    quiet(algo=tpe.suggest, trials=trials, max_evals=12)
    space = optim.space_of(model)

    def objective(config):
        return (8, 16, 32)[(8, 16, 32).index(config["units"])] * config["rate"] + 13

    fmin(objective, space, tpe.suggest, 12, trials=other, rstate=1337, verbose=False)
    assert [t.values for t in trials.history] == [t.values for t in other.history]
    assert [t.loss for t in trials.history] == [t.loss for t in other.history]


@pytest.mark.parametrize(
    ("given", "expected"),
    [((5,), ((5,), {})), ([6], ((6,), {})), ({"n": 1}, ((), {"n": 1})), (None, ((), {}))],
)
def test_data_args(given, expected):
    """data_args are the arguments of data, by position or by name."""
    CALLS.clear()
    which = (
        model if expected[1] == {} else function_of("def model():\n    return {{uniform(0, 1)}}\n")
    )
    quiet(which, data_args=given, max_evals=1)
    assert [expected] == CALLS


@pytest.mark.parametrize(
    ("returned", "signature"),
    [
        ((1, 2), "a, b"), (1, "a"), ([1, 2], "a"), (None, ""), (None, "a"), ((), ""),
        ((1, 2, 3), "*rest"), ((1,), "a, b=2, *, c=3"),
    ],
)  # fmt: skip
def test_what_data_return(returned, signature):
    """A tuple is several arguments, anything else one, and None none where none is taken."""
    text = f"def model({signature}):\n    return {{{{uniform(0, 1)}}}}\n"
    run, net = quiet(function_of(text), lambda: returned, max_evals=1)
    assert list(run) == ["return"]
    assert net is None


@pytest.mark.parametrize(
    ("returned", "signature", "got"),
    [
        ((1, 2), "a", "2 arguments: int, int"),
        ((1,), "a, b", "1 argument: int"),
        (None, "a, b", "1 argument: NoneType"),
        ((), "a", "0 arguments: none"),
        ([1, 2], "a, b", r"1 argument: list; a tuple is several arguments.*return tuple\(...\)"),
    ],
)
def test_data_that_do_not_fit(returned, signature, got):
    """Data that the model does not take are refused before the first trial, with both named."""
    made = function_of(f"def model({signature}):\n    return {{{{uniform(0, 1)}}}}\n")
    with pytest.raises(TypeError, match=rf"<cell \d+>:1: model\({signature}\) must take.*{got}"):
        quiet(made, lambda: returned)


def test_no_data():
    """A model without data needs no function for them."""
    run, _ = quiet(function_of("def model():\n    return {{uniform(0, 1)}}\n"), None)
    assert 0 <= run["return"] <= 1


def helped():
    x = {{uniform(0, 1)}}
    return CONSTANT + helper(x)


CONSTANT = 7


def helper(x):
    return x if x > 0.5 else -x


def test_helpers_and_globals():
    """Functions and variables of the module are found; `functions` need not name them."""
    trials = Trials()
    quiet(helped, None, trials=trials, functions=[helper], keep_temp=True, notebook_name="nb")
    for trial in trials.history:
        assert trial.loss == 7 + helper(trial.values["x"])


@pytest.mark.parametrize(
    "settings", [{"parallelism": 2}, {"parallelism": 2, "executor": "threads"}]
)
def test_parallel_trials(settings):
    """Processes and threads give the losses of one trial at a time, and a model."""
    here, there = Trials(), Trials(**settings)
    run, net = quiet(trials=here, max_evals=6, batch=2)
    again, other = quiet(trials=there, max_evals=6, batch=2)
    assert [t.loss for t in here.history] == [t.loss for t in there.history]
    assert run == again
    assert type(other) is Net
    assert net.units == other.units


def test_a_function_of_a_module_in_processes(tmp_path, monkeypatch):
    """A model of an imported module runs in processes with its helpers and its decorators."""
    (tmp_path / "my_models.py").write_text(
        "import functools\nfrom sparktune.hyperas.distributions import *\nBASE = 3\n"
        "def helper(x):\n    return x + BASE\n"
        "def noted(f):\n    @functools.wraps(f)\n    def call(*a):\n"
        "        return {**f(*a), 'noted': True}\n    return call\n"
        "class Models:\n    __scale = 2\n    def __init__(self, offset):\n"
        "        self.offset = offset\n    @noted\n    def build(self, x):\n"
        "        y = helper({{uniform(0, 1)}}) * self.__scale\n"
        "        return {'loss': y + x + self.offset}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import my_models

    trials = Trials(parallelism=1, executor="processes")
    run, _ = quiet(my_models.Models(100).build, lambda: 10, trials=trials, max_evals=4)
    best = trials.history.best
    assert best.loss == pytest.approx((run["helper"] + 3) * 2 + 110)
    assert all(trial.outcome.info["noted"] for trial in trials.history)


def test_data_travel_once(tmp_path):
    """What data return is pickled once for all trials in processes."""
    pickled = []

    class Rows:
        def __reduce__(self):
            pickled.append(1)
            return list, ([1, 2, 3],)

    text = "def model(rows):\n    return sum(rows) + {{uniform(0, 1)}}\n"
    trials = Trials(parallelism=2)
    quiet(function_of(text), Rows, trials=trials, max_evals=6)
    assert [trial.loss > 6 for trial in trials.history] == [True] * 6
    assert len(pickled) == 1


@pytest.mark.parametrize("place", ["journal", "store"])
def test_going_on(tmp_path, monkeypatch, place):
    """A journal and a store go on with what was tried, also in the files of another cell."""
    monkeypatch.setenv(VARIABLE, KEY)
    where = str(tmp_path / "journal") if place == "journal" else f"sqlite:///{tmp_path}/runs.db"
    text = (
        "def model():\n    units = {{choice([8, 16])}}\n"
        "    layer = {{choice([Net(1), Net(units)])}}\n"
        "    return {'loss': units * {{uniform(0, 1)}}, 'model': layer}\n"
    )
    first = Trials(**{place: where})
    quiet(function_of(text, Net=Net), None, trials=first, max_evals=3)
    again = Trials(**{place: where})
    run, net = quiet(function_of("\n\n" + text, Net=Net), None, trials=again, max_evals=5)
    assert [t.values for t in again.history][:3] == [t.values for t in first.history]
    assert len(again) == 5
    assert isinstance(net, Net)
    assert set(run) == {"units", "layer", "loss"}


def test_models_do_not_travel_into_the_record():
    """No record holds a model, and no file of one is left."""
    trials = Trials()
    quiet(trials=trials)
    for trial in trials.history:
        assert trial.outcome.info.keys() == {"rate", "kind"}
        assert not trial.outcome.attachments
    assert all("model" not in result for result in trials.results)


def test_best_models_are_the_best(tmp_path, monkeypatch):
    """best_models gives as many as are asked for, the lowest loss first, and leaves no files."""
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    trials = Trials()
    found = optim.best_models(
        3, model, data, rand.suggest, 9, trials, verbose=False, rseed=2, data_args=(1,)
    )
    best = sorted(trials.history, key=lambda trial: trial.loss)[:3]
    assert [net.units for net in found] == [(8, 16, 32)[t.values["units"]] for t in best]
    assert len(optim.best_models(30, model, data, rand.suggest, 4, verbose=False)) == 4
    assert list(Path(tmp_path).iterdir()) == []


def test_an_ensemble():
    """best_ensemble is a vote of the best models."""
    text = (
        "def model(Voter):\n    x = {{choice([0, 1, 2])}}\n"
        "    return {'loss': x, 'model': Voter(min(x, 1))}\n"
    )
    ensemble = optim.best_ensemble(
        3, function_of(text), lambda: Voter, rand.suggest, 12, verbose=False, nb_classes=2
    )
    assert [each.answer for each in ensemble.model_list] == [0, 0, 0]
    assert ensemble.predict(np.zeros((4, 1))).tolist() == [0] * 4


class Voter:
    """Predicts one class."""

    def __init__(self, answer):
        self.answer = answer

    def predict(self, X):
        return np.full(len(X), self.answer)


def test_models_that_cannot_be_kept():
    """A model that cannot be pickled costs no trial; a warning says so, once."""
    text = "def model():\n    return {'loss': {{uniform(0, 1)}}, 'model': lock()}\n"
    with pytest.warns(UserWarning, match=r"trial 0: its model cannot be kept \(TypeError") as said:
        run, net = quiet(function_of(text, lock=threading.Lock), None)
    assert len(said) == 1
    assert net is None
    assert run.keys() == {"loss"}


def test_no_models():
    """best_models of a function that returns none says what to return."""
    made = function_of("def model():\n    return {{uniform(0, 1)}}\n")
    with pytest.raises(ValueError, match=r"<cell \d+>:1: model returned no model: return a dict"):
        optim.best_models(2, made, None, verbose=False, max_evals=2)


def test_failed_trials():
    """STATUS_FAIL needs no loss, and the best of the others wins."""
    text = (
        "def model():\n    x = {{choice([0, 1])}}\n"
        "    return {'status': FAIL} if x == 0 else {'loss': x, 'status': OK}\n"
    )
    made = function_of(text, FAIL=STATUS_FAIL, OK=STATUS_OK)
    trials = Trials()
    run, _ = quiet(made, None, trials=trials, max_evals=12)
    assert run == {"x": 1}
    assert trials.count_successful_trials() < 12


@pytest.mark.parametrize(
    ("returns", "got"),
    [("", "nothing"), ("{'acc': 1}", "a dict with 'acc'"), ("{}", "a dict with nothing"),
     ("{'loss': None, 'status': 'ok'}", "a dict with 'loss', 'status'")],
)  # fmt: skip
def test_a_result_without_a_loss(returns, got):
    """A result without a loss raises, with file and line of the function, and what to return."""
    made = function_of(f"def model():\n    x = {{{{uniform(0, 1)}}}}\n    return {returns}\n")
    where = rf"<cell \d+>:1: model must return its loss.*but returned {got}"
    with pytest.raises(ValueError, match=where):
        quiet(made, None)
    with pytest.raises(AllTrialsFailed, match=where):
        quiet(made, None, catch_eval_exceptions=True)


def test_errors_of_the_model_are_its_own():
    """What the function raises leaves minimize as it is, once, a TypeError too."""
    calls = []
    text = "def model():\n    calls.append({{uniform(0, 1)}})\n    raise TypeError('mine')\n"
    with pytest.raises(TypeError, match=r"^mine$"):
        quiet(function_of(text, calls=calls), None)
    assert len(calls) == 1


def test_settings_of_fmin():
    """Further settings are handed on to fmin, and unknown ones refused by name."""
    trials = Trials()
    seen = []

    def stop(trials, *args):
        seen.append(len(trials))
        return len(trials) == 3, [1]

    quiet(trials=trials, max_evals=None, early_stop_fn=stop)
    assert seen == [1, 2, 3]
    quiet(trials=(points := Trials()), points_to_evaluate=[{"units": 2, "rate": 0.5, "kind": 0}])
    assert points.history[0].values == {"units": 2, "rate": 0.5, "kind": 0}
    with pytest.raises(TypeError, match=r"unknown: 'max_eval'; beside their own arguments"):
        quiet(max_eval=3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"verbose": "no"}, "`verbose` must be True or False, but got 'no'"),
        ({"eval_space": 1}, "`eval_space` must be True or False, but got 1"),
        ({"return_space": None}, "`return_space` must be True or False, but got None"),
        ({"data_args": 3}, "`data_args` must be a list or tuple of arguments, or a dict"),
        ({"functions": helper}, "`functions` must be a list of functions, but got <function"),
        ({"max_evals": 0.5}, "`max_evals` must be a whole number"),
        ({"of": (1, 2)}, "`data` must be a function that returns what model takes, but got tuple"),
        ({"which": 3}, "`model` must be a function that holds templates, but got 3"),
        ({"which": Net}, "`model` must be a function that holds templates, but got <class"),
    ],
)
def test_settings_that_are_refused(settings, said):
    """Each wrong argument gets one sentence with its rule and the value."""
    with pytest.raises((TypeError, ValueError), match=re.escape(said)):
        quiet(**settings)


def test_the_table_is_shown(capsys):
    """With verbose, minimize shows the space before the run, and the bar; without it nothing."""
    optim.minimize(model, data, max_evals=2)
    shown = capsys.readouterr().err
    assert repr(optim.space_of(model)) in shown
    quiet()
    assert capsys.readouterr() == ("", "")


def test_templates_in_functions():
    """Templates in a function of `functions` are refused by their line."""
    module = module_of(
        "def other():\n    return {{choice([1, 2])}}\ndef model():\n    return {{uniform(0, 1)}}\n"
    )
    with pytest.raises(ValueError, match=r"<cell \d+>:2: \{\{choice\(\[1, 2\]\)\}\} stands in a f"):
        quiet(module["model"], None, functions=[module["other"]])


def test_no_warnings_of_ours():
    """A plain search warns of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet()


def test_workers_of_a_store(tmp_path, monkeypatch):
    """Workers of a store that share a key evaluate a template, and its model comes back."""
    monkeypatch.setenv(VARIABLE, KEY)
    models_come_back(f"sqlite:///{tmp_path}/runs.db")


@pytest.mark.full
def test_workers_of_a_store_on_a_server(tmp_path, monkeypatch, postgres):
    """Workers of a store in PostgreSQL put the models into the folder that is named."""
    monkeypatch.setenv(VARIABLE, KEY)
    models_come_back(postgres.new_database(), model_folder=tmp_path / "models")
    assert len(list((tmp_path / "models").iterdir())) == 1


def models_come_back(url, **settings):
    """The model of the best of four trials that a worker evaluated is that of its values."""
    trials = StoreTrials(url, "k", parallelism=2, lost_after=5)
    with Working(url):
        run, net = quiet(trials=trials, max_evals=4, **settings)
    assert net.units == run["units"]
    assert len(trials) == 4


def test_going_on_with_the_best(tmp_path):
    """The model of a trial of an earlier run comes back from the journal, if that is the best."""
    text = "def model():\n    x = {{uniform(0, 1)}}\n    return {'loss': x, 'model': Net(x)}\n"
    made = function_of(text, Net=Net)
    first = Trials(journal=tmp_path / "journal")
    run, net = quiet(made, None, trials=first)
    space = optim.space_of(made)
    worse = [{"x": 1 - 1e-9}]
    again = Trials(journal=tmp_path / "journal")
    other, kept = quiet(made, None, trials=again, max_evals=6, points_to_evaluate=worse)
    assert space.labels == ("x",)
    assert other == run
    assert kept.units == net.units == run["x"]
