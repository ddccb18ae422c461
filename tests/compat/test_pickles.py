"""Pickles that Hyperopt itself wrote; pickles/make.py makes them and tells how."""

import importlib.util
import json
import math
import pickle
import sys

import numpy as np
import pytest
from hyperopts_pickles import FACTS, HOME, SEARCHES, VERSIONS, blob
from installed import take_away, under_hyperopts_name

import sparktune.hyperopt as room
from sparktune.hyperopt import Trials, fmin, plotting, tpe, trials_from_docs
from sparktune.hyperopt.base import spec_from_misc
from sparktune.hyperopt.installing import loads
from sparktune.hyperopt.pyll import scope, stochastic

HOW = ["protocol2", "pickle", "saved"]
pytestmark = pytest.mark.filterwarnings(
    # numpy's own, of arrays and numbers that numpy 1 wrote
    "ignore:numpy.core.* is deprecated and has been renamed:DeprecationWarning"
)


def plain(thing):
    """A thing as JSON gives it back."""
    return json.loads(json.dumps(thing, default=lambda value: value.item()))


def same(seen, wanted):
    """Whether two dicts are the same, and the means of uncertain losses nearly."""
    near = {"average_best_error"} & wanted.keys()
    assert {key: seen[key] for key in near} == pytest.approx({key: wanted[key] for key in near})
    return {**seen, **{key: wanted[key] for key in near}} == wanted


@pytest.fixture
def make():
    """The script that made the pickles, as it sees the room after install()."""
    with under_hyperopts_name():
        spec = importlib.util.spec_from_file_location("make_pickles", HOME / "make.py")
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        yield made


def test_the_pickles_are_of_several_versions_of_numpy():
    """There are pickles of numpy 1 and of numpy 2, of whole searches and not too large."""
    numpys = [facts["versions"]["numpy"].partition(".")[0] for facts in FACTS.values()]
    assert sorted(numpys) == ["1", "2"]
    for version in VERSIONS:
        mixed = FACTS[version]["mixed"]
        assert {"ok", "fail"} == set(mixed["statuses"])
        assert {2, 3} == set(mixed["states"])
        assert FACTS[version]["versions"]["hyperopt"] == version
    assert sum(path.stat().st_size for path in HOME.rglob("*.*")) < 200_000


GO_ON = """
import json, pickle, sys
from pathlib import Path

import numpy as np
import sparktune.hyperopt

sparktune.hyperopt.install()
home, name, path = sys.argv[1:]
sys.path.insert(0, home)

import make
from hyperopt import Trials, fmin, space_eval, tpe, trials_from_docs

objective, space, _ = make.SEARCHES[name]
trials = pickle.loads(Path(path).read_bytes())
if isinstance(trials, list):
    trials = trials_from_docs(trials)
assert type(trials) is Trials
first = make.seen(trials, space())
count = len(trials._dynamic_trials)
fmin(objective, space(), tpe.suggest, max_evals=len(trials) + 9, trials=trials,
     rstate=np.random.default_rng(8), catch_eval_exceptions=True, show_progressbar=False)
then = make.seen(trials, space())
again = pickle.loads(pickle.dumps(trials))
best = fmin(objective, space(), tpe.suggest, max_evals=len(again) + 3, trials=again,
            catch_eval_exceptions=True, show_progressbar=False, rstate=np.random.default_rng(8))
assert best == again.argmin
finally_ = make.seen(again, space())
text = json.dumps([count, first, then, finally_], default=lambda value: value.item())
print(text)
"""


@pytest.mark.parametrize(
    "how",
    [
        "pickle",
        *(pytest.param(h, marks=pytest.mark.full) for h in ("protocol2", "saved", "documents")),
    ],
)
@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("version", VERSIONS)
def test_trials_of_hyperopt_go_on_after_install(run_python, tmp_path, version, name, how):
    """Trials show all that Hyperopt saw of them, go on to new points, and again from a pickle."""
    (tmp_path / "old.pkl").write_bytes(blob(version, f"{name}.{how}"))
    done = run_python(GO_ON, str(HOME), name, str(tmp_path / "old.pkl"))
    count, first, then, last = json.loads(done.stdout)
    wanted = dict(FACTS[version][name])
    if how == "documents":  # of what was shown; attachments stand beside them
        shown = [n for n, state in enumerate(wanted["states"]) if state == 2]
        for key in ("states", "errors", "times", "configs"):
            wanted[key] = [wanted[key][n] for n in shown]
        wanted["attachments"] = {}
    assert same(first, wanted)
    assert count == len(wanted["states"])
    assert len(then["states"]) == count + 9
    assert len(last["states"]) == count + 12
    for key in ("states", "errors", "times", "configs"):
        assert then[key][:count] == wanted[key]
        assert last[key][: count + 9] == then[key]
    points = [json.dumps(config, sort_keys=True) for config in last["configs"]]
    assert len(set(points)) == len(points)
    losses = [loss for loss, s in zip(last["losses"], last["statuses"], strict=True) if s == "ok"]
    assert last["losses"][last["tids"].index(last["best_tid"])] == min(losses)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("version", VERSIONS)
def test_trials_of_hyperopt_load_without_install(version, name, how):
    """The room's own reading takes what Hyperopt wrote, also where nothing has its name."""
    trials = loads(blob(version, f"{name}.{how}"))
    assert type(trials) is Trials
    wanted = FACTS[version][name]
    assert trials.losses() == wanted["losses"]
    assert trials.statuses() == wanted["statuses"]
    assert plain(trials.vals) == wanted["vals"]
    assert plain(trials.argmin) == wanted["argmin"]
    assert "hyperopt" not in sys.modules


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("installed", [False, True])
def test_a_file_that_hyperopt_saved_goes_on(make, tmp_path, version, name, installed):
    """Where trials_save_file is of Hyperopt, fmin goes on from it, and again from its own."""
    file = tmp_path / "trials.pkl"
    file.write_bytes(blob(version, f"{name}.saved"))
    if not installed:
        take_away()
    objective, space, _ = make.SEARCHES[name]
    count = len(FACTS[version][name]["tids"])

    def go_on(n):
        with pytest.warns(UserWarning, match="runs what is in it"):
            return fmin(
                objective, space(), tpe.suggest, n, trials_save_file=str(file), rstate=8,
                catch_eval_exceptions=True, show_progressbar=False,
            )  # fmt: skip

    go_on(count + 4)
    best = go_on(count + 8)
    trials = loads(file.read_bytes())
    assert best == trials.argmin
    assert len(trials._dynamic_trials) >= len(FACTS[version][name]["states"]) + 8
    points = [str(spec_from_misc(each["misc"])) for each in trials._dynamic_trials]
    assert len(set(points)) == len(points)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("version", VERSIONS)
def test_documents_of_hyperopt_are_trials(make, version, name):
    """Documents stay the objects that they are, fit each other, and may be merged."""
    documents = pickle.loads(blob(version, f"{name}.documents"))
    trials = trials_from_docs(documents)
    assert all(mine is theirs for mine, theirs in zip(trials.trials, documents, strict=True))
    objective, space, _ = make.SEARCHES[name]
    assert plain(room.space_eval(space(), trials.argmin)) == FACTS[version][name]["best_config"]
    merged = Trials()
    merged.insert_trial_docs(documents[:5])
    merged.insert_trial_docs(documents[5:])
    merged.refresh()
    assert plain(merged.vals) == FACTS[version][name]["vals"]
    domain = room.Domain(objective, space())
    assert len(domain.history(merged)) == len(documents)
    assert tpe.suggest([99], domain, merged, 3) == tpe.suggest([99], domain, trials, 3)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_trials_have_beside_their_losses(version):
    """Attachments, variances, arrays and whatever else a result holds come along."""
    trials = loads(blob(version, "noted.pickle"))
    for document in trials.trials:
        x, n, m = (document["misc"]["vals"][label][0] for label in "xnm")
        assert trials.trial_attachments(document)["model"] == f"model of {x:.3f}".encode()
        assert trials.trial_attachments(document)["size"] == n
        result = document["result"]
        assert result["loss_variance"] == 0.01 + m / 100
        assert np.array_equal(result["curve"], np.linspace(9, result["loss"], 3))
        assert result["note"] == {"by": "hand", "steps": [1, 2]}
        assert document["book_time"] <= document["refresh_time"]


@pytest.mark.parametrize("version", VERSIONS)
def test_pictures_of_hyperopts_trials(version):
    """The pictures have a dot for each loss and a panel for each hyperparameter."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    trials = loads(blob(version, "mixed.pickle"))
    ok = [loss for loss in trials.losses() if loss is not None]
    pyplot.close("all")
    plotting.main_plot_history(trials, do_show=False)
    offsets = np.asarray(pyplot.gca().collections[0].get_offsets())
    assert offsets[:, 1].tolist() == ok
    pyplot.close("all")
    plotting.main_plot_histogram(trials, do_show=False)
    assert sum(bar.get_height() for bar in pyplot.gca().patches) == len(ok)
    pyplot.close("all")
    plotting.main_plot_vars(trials, do_show=False)
    titles = {axes.get_title() for axes in pyplot.gcf().axes}
    assert set(trials.vals) <= {word for title in titles for word in title.split()}
    pyplot.close("all")


@pytest.fixture
def isqrt():
    """The function of the user's own that stands in a graph: a pickle has its name alone."""
    yield lambda: scope.define(math.isqrt)
    if hasattr(scope, "isqrt"):
        scope.undefine("isqrt")


@pytest.mark.parametrize("how", ["protocol2", "pickle"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_space_of_hyperopts(version, how, isqrt):
    """A graph is evaluated, sampled and searched, once the functions of its user are defined."""
    space = loads(blob(version, f"space.{how}"))
    isqrt()
    for point, wanted in FACTS[version]["space"]:
        assert plain(room.space_eval(space, point)) == wanted
    assert isinstance(stochastic.sample(space, rng=1)["root"], int)
    trials = Trials()
    fmin(
        lambda c: c["x"] ** 2 + abs(c["root"] - 7), space, tpe.suggest, 30, trials=trials,
        rstate=0, show_progressbar=False,
    )  # fmt: skip
    assert trials.best_trial["result"]["loss"] < 1
    assert set(trials.vals) >= {"x", "n", "m", "square", "model"}
    again = pickle.loads(pickle.dumps(space))
    point, wanted = FACTS[version]["space"][0]
    assert plain(room.space_eval(again, point)) == wanted


@pytest.mark.parametrize("version", VERSIONS)
def test_a_domain_of_hyperopts(version):
    """A Domain evaluates points, and draws candidates as one that was made here."""
    domain = loads(blob(version, "domain.cloudpickle"))
    wanted = FACTS[version]["domain"]
    assert type(domain) is room.Domain
    assert sorted(domain.params) == wanted["params"]
    assert (domain.name, domain.loss_target) == (wanted["name"], wanted["loss_target"])
    ctrl = room.Ctrl(Trials())
    for point, result in wanted["evaluated"]:
        assert domain.evaluate(point, ctrl) == result
    trials = loads(blob(version, "noted.pickle"))
    made = room.Domain(None, domain.expr)
    for each in (domain, pickle.loads(pickle.dumps(domain))):
        drawn = tpe.suggest([99], each, trials, 3)
        assert drawn == tpe.suggest([99], made, trials, 3)
