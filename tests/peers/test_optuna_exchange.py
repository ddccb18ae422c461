"""Runs in Optuna's studies, and studies as trials: both ways, with what Optuna does on them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import InvalidTrial, Status, TrialPruned, Trials, Tuner, fmin, hp, rand, scope

optuna = pytest.importorskip("optuna")
optuna.logging.set_verbosity(optuna.logging.WARNING)


class Net:
    """An option that shows its address."""


SPACE = {
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.loguniform("C", -3, 3)},
            {"kind": "tree", "depth": hp.choice("depth", [None, 3, 5])},
            (math.sin, Net()),
        ],
    ),
    "u": hp.uniform("u", -1, 1),
    "q": hp.quniform("q", 0, 1, 0.1),
    "r": hp.randint("r", 3, 9),
    "n": scope.int(hp.quniform("n", 1, 6, 1)),
    "norm": hp.normal("norm", 5, 2),
    "lnorm": hp.lognormal("lnorm", 0, 1),
    "qnorm": hp.qnormal("qnorm", 0, 3, 0.5),
    "qlnorm": hp.qlognormal("qlnorm", 1, 1, 1),
    "qlu": hp.qloguniform("qlu", 1, 5, 0.25),
    "mixed": hp.choice("mixed", ["a", 1, True, 1.5]),
}


def objective(config, trial):
    trial.report(0, config["u"])
    trial.report(2, config["u"] / 2)
    if config["n"] == 1:
        raise ValueError("one is too few")
    if config["n"] == 2:
        raise TrialPruned
    return {
        "loss": config["u"] ** 2 + 0.01 * config["r"], "accuracy": np.float64(0.5), "net": Net()
    }  # fmt: skip


def run(max_evals=40, trials=None):
    trials = Trials() if trials is None else trials
    fmin(
        objective, SPACE, rand.suggest, max_evals, trials=trials, rstate=0, show_progressbar=False,
        catch_eval_exceptions=True,
    )  # fmt: skip
    return trials


@pytest.fixture(scope="module")
def trials():
    return run()


def assert_same(one, other):
    """Two records have the same trials, values up to the last digits."""
    assert len(one.history) == len(other.history)
    for old, new in zip(one.history, other.history, strict=True):
        assert list(old.values) == list(new.values)
        assert all(math.isclose(old.values[k], new.values[k], abs_tol=1e-12) for k in old.values)
        assert (old.status, old.loss) == (new.status, new.loss)
        assert new.started == pytest.approx(old.started, abs=1e-5)
        assert new.outcome.seconds == pytest.approx(old.outcome.seconds, abs=1e-5)
        assert old.outcome.host == new.outcome.host
        assert old.outcome.error_type == new.outcome.error_type
        assert one.reports(old.number) == other.reports(new.number)


def test_a_run_as_a_study(trials):
    """A study has the run's states, values, parameters, reports, times and notes."""
    study = trials.to_optuna()
    assert study.best_value == trials.best_loss
    best = study.best_params
    assert best["u"] == trials.best_params["u"]
    assert set(best) == set(trials.argmin)
    states = {"OK": "COMPLETE", "FAILED": "FAIL", "PRUNED": "PRUNED"}
    for trial, theirs in zip(trials.history, study.trials, strict=True):
        assert theirs.state.name == states[trial.status.name]
        assert theirs.value == (
            trials.reports(trial.number)[-1][1] if trial.status is Status.PRUNED else trial.loss
        )
        assert theirs.intermediate_values == dict(trials.reports(trial.number))
        assert theirs.datetime_start.timestamp() == pytest.approx(trial.started, abs=1e-5)
        assert theirs.user_attrs["sparktune_number"] == trial.number
        if trial.status is Status.OK:
            assert theirs.user_attrs["accuracy"] == 0.5
            assert theirs.user_attrs["sparktune_left_out"] == ["net"]
        if trial.status is Status.FAILED:
            assert "ValueError: one is too few" in theirs.user_attrs["sparktune_error"]
    found = {name: d for trial in study.trials for name, d in trial.distributions.items()}
    assert found["C"] == optuna.distributions.FloatDistribution(math.exp(-3), math.exp(3), log=True)
    assert found["q"] == optuna.distributions.FloatDistribution(0, 1, step=0.1)
    assert found["r"] == optuna.distributions.IntDistribution(3, 8)
    assert found["depth"].choices == (None, 3, 5)
    assert found["mixed"].choices == ("a", 1, "True", 1.5)
    assert found["model"].choices == ("{kind: svm, C: <C>}", "{kind: tree, depth: <depth>}",
                                      f"(sin, <{__name__}.Net object>)")  # fmt: skip
    notes = study.user_attrs["sparktune_distributions"]
    assert set(notes) == {"norm", "lnorm", "qnorm", "qlnorm", "qlu"}
    assert notes["norm"] == ("normal(5, 2): has no bounds, written as its observed range, widened")
    values = trials.vals["norm"]
    assert found["norm"].low < min(values) < max(values) < found["norm"].high
    assert found["norm"].high - found["norm"].low == pytest.approx(1.2 * np.ptp(values))
    assert found["lnorm"].log
    assert (found["qnorm"].step, found["qlu"].log) == (0.5, True)


def test_a_run_comes_back_from_a_study(trials):
    """Trials -> study -> trials gives the same trials, and those -> study the same study."""
    study = trials.to_optuna()
    again = Trials.from_optuna(study, SPACE, parallelism=2)
    assert again.parallelism == 2
    assert_same(trials, again)
    assert again.errors() == trials.errors()
    assert again.results[-1].get("accuracy") == trials.results[-1].get("accuracy")
    twice = again.to_optuna()
    assert [t.params for t in twice.trials] == [t.params for t in study.trials]
    assert [t.distributions for t in twice.trials] == [t.distributions for t in study.trials]


@pytest.mark.parametrize("kind", ["sqlite", "journal", "path", "storage"])
def test_a_second_call_adds_what_is_new(kind, tmp_path):
    """In any storage, a study holds each trial once, also those it was read from itself."""
    storage = {
        "sqlite": f"sqlite:///{tmp_path}/runs.db", "journal": str(tmp_path / "runs.log"),
        "path": tmp_path / "runs.log", "storage": optuna.storages.InMemoryStorage(),
    }[kind]  # fmt: skip
    trials = run(4)
    assert len(trials.to_optuna(storage, "run").trials) == 4
    study = trials.to_optuna(storage, "run")
    assert len(study.trials) == 4
    assert len(run(6, trials).to_optuna(storage, "run").trials) == 6
    again = Trials.from_optuna(study, SPACE)
    assert_same(trials, again)
    assert len(again.to_optuna(storage, "run").trials) == 6
    assert len(run(8, again).to_optuna(storage, "run").trials) == 8
    assert len(trials.to_optuna(storage, "another").trials) == 6
    if kind in ("sqlite", "storage"):
        loaded = optuna.load_study(study_name="run", storage=storage)
        assert loaded.best_value == again.best_loss


def test_what_optuna_does_with_a_study(trials):
    """Importance, the table and the plots work on a run's study, and its samplers go on with it."""
    study = trials.to_optuna()
    importance = optuna.importance.get_param_importances(study, params=["u", "r", "norm"])
    assert max(importance, key=importance.get) == "u"
    frame = study.trials_dataframe()
    assert len(frame) == 40
    assert frame["value"][frame["state"] == "COMPLETE"].min() == trials.best_loss
    study.enqueue_trial({"u": 0.0})
    study.optimize(lambda trial: trial.suggest_float("u", -1, 1) ** 2, n_trials=2)
    assert study.best_value == 0.0


def test_the_plots(trials):
    """Optuna's plots open a run."""
    pytest.importorskip("plotly")
    study = trials.to_optuna()
    plots = optuna.visualization
    for plot in (
        plots.plot_optimization_history, plots.plot_parallel_coordinate, plots.plot_slice,
        plots.plot_intermediate_values, plots.plot_edf, plots.plot_timeline, plots.plot_rank,
        plots.plot_contour, plots.plot_param_importances,
    ):  # fmt: skip
        params = {"params": ["u", "model", "norm"]}
        takes = plot.__name__.rpartition("_")[2] in ("slice", "contour", "rank", "coordinate")
        assert plot(study, **(params if takes else {})).to_dict()["data"], plot.__name__


OPTUNAS = {
    "model": hp.choice("model", [{"kind": "rf", "n": hp.randint("n", 9)}, {"kind": "svm"}]),
    "lr": hp.loguniform("lr", math.log(1e-5), 0),
    "layers": hp.choice("layers", [1, 2, 4]),
}


def theirs(trial):
    trial.set_user_attr("seen", [1])
    if trial.suggest_categorical("model", ["svm", "rf"]) == "rf":
        trial.suggest_int("n", 0, 8)
    lr = trial.suggest_float("lr", 1e-5, 1, log=True)
    trial.report(lr, 5)
    layers = trial.suggest_categorical("layers", [4, 2, 1])
    if trial.number == 3:
        raise optuna.TrialPruned
    return math.nan if trial.number == 4 else lr + layers


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_study_of_optunas(direction):
    """A study goes on as trials: parameters by name, options by value, the sign as it has to be."""
    storage = optuna.storages.InMemoryStorage()
    study = optuna.create_study(
        storage=storage, direction=direction, sampler=optuna.samplers.RandomSampler(0)
    )
    study.optimize(theirs, n_trials=12)
    study.enqueue_trial({"lr": 0.5})
    failed = optuna.trial.create_trial(state=optuna.trial.TrialState.FAIL)
    study.add_trial(failed)  # before it drew anything
    if direction == "maximize":
        with pytest.warns(UserWarning, match="maximises, and trials minimise: .* sign turned"):
            trials = Trials.from_optuna(study, OPTUNAS)
    else:
        trials = Trials.from_optuna(study, OPTUNAS)
    sign = -1 if direction == "maximize" else 1
    assert len(trials) == 12
    for trial, other in zip(trials.history, study.trials, strict=False):
        config = trials.history.space.build(trial.values)
        assert config["model"]["kind"] == other.params["model"]
        assert config["model"].get("n") == other.params.get("n")
        assert config["layers"] == other.params["layers"]
        assert config["lr"] == other.params["lr"]
        assert trials.reports(trial.number) == ((5, sign * other.params["lr"]),)
        assert trial.outcome.info == {"seen": [1]}
    assert trials.history[3].status is Status.PRUNED
    assert trials.errors() == {4: "the trial failed in Optuna"}
    assert trials.best_loss == sign * study.best_value
    fmin(
        lambda c: c["lr"], OPTUNAS, max_evals=14, trials=trials, show_progressbar=False, rstate=0
    )  # fmt: skip
    assert len(trials) == 14
    there = len(study.trials)
    if direction == "minimize":
        with pytest.raises(ValueError, match="another space, which differs in 'model': there it"):
            trials.to_optuna(storage, study.study_name)
        assert len(study.trials) == there


def test_a_study_that_maximises_gets_losses_turned():
    """to_optuna into a study that maximises turns the sign, and from_optuna turns it back."""
    storage = optuna.storages.InMemoryStorage()
    optuna.create_study(storage=storage, study_name="up", direction="maximize")
    tuner = Tuner(hp.uniform("x", 0, 1), rstate=0)
    for loss in (3.0, 1.0, 2.0):
        tuner.tell(tuner.ask(), loss)
    study = tuner.trials.to_optuna(storage, "up")
    assert study.best_value == -1.0
    with pytest.warns(UserWarning, match="maximises"):
        assert Trials.from_optuna(study, tuner.space).losses() == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda: [1], TypeError, "from_optuna takes an optuna.Study, but got"),
        (
            lambda: optuna.create_study(directions=["minimize", "maximize"]), ValueError,
            "has 2 objectives, and trials have one loss",
        ),
        (
            lambda: one_trial(x=2.0), InvalidTrial,
            "trial 0 of the study: 'x' takes a number from 0 to 1, but got 2",
        ),
        (
            lambda: one_trial(x=0.5, y=1.0), InvalidTrial,
            "trial 0 of the study: it has the parameter 'y', which the space does not have: .*'x'",
        ),
        (lambda: one_trial(), InvalidTrial, "trial 0 of the study: the point has no value for 'x'"),
    ],
)  # fmt: skip
def test_studies_that_are_no_trials(make, error, sentence):
    """What does not fit is refused, with the trial, the parameter and the value."""
    with pytest.raises(error, match=sentence):
        Trials.from_optuna(make(), hp.uniform("x", 0, 1))


def one_trial(**params):
    study = optuna.create_study()
    ranges = {name: optuna.distributions.FloatDistribution(0, 9) for name in params}
    study.add_trial(optuna.trial.create_trial(value=1.0, params=params, distributions=ranges))
    return study


def test_no_trials_yet():
    """Trials of no search are refused, and those of a search without trials are an empty study."""
    with pytest.raises(ValueError, match="belong to no search yet"):
        Trials().to_optuna()
    assert Tuner(hp.uniform("x", 0, 1)).trials.to_optuna().trials == []


def test_options_that_look_alike_stay_apart():
    """Options of one text, of one value for Optuna, and long ones have categories of their own."""
    options = [
        1,
        True,
        1.0,
        "1",
        "True",
        "x" * 70,
        ["x" * 70],
        ["x" * 70, 1],
        np.int64(7),
        Net,
        Net,
    ]
    space = hp.choice("c", options)
    tuner = Tuner(space)
    for index in range(len(options)):
        tuner.add({"c": index}, float(index))
    study = tuner.trials.to_optuna()
    written = [trial.params["c"] for trial in study.trials]
    assert len(set(written)) == len(options)
    assert written[8] == 7
    assert max(len(str(each)) for each in written) <= 70
    assert Trials.from_optuna(study, space).vals["c"] == list(range(len(options)))


def distributions(label):
    """A hyperparameter of any distribution, with odd numbers."""
    low = st.floats(-50, 50)
    width, q = st.floats(1e-3, 30), st.sampled_from([1, 0.1, 1 / 3, 0.7, 2.5, 1e-3, 17])
    log_low, whole = st.floats(-20, 10), st.integers(-99, 99)
    return st.one_of(
        st.builds(lambda a, w: hp.uniform(label, a, a + w), low, width),
        st.builds(lambda a, w: hp.loguniform(label, a, a + w), log_low, width),
        st.builds(lambda a, w, q: hp.quniform(label, a, a + w + q, q), low, width, q),
        st.builds(lambda a, w, q: hp.qloguniform(label, a, a + w, q), log_low, st.floats(1, 8), q),
        st.builds(lambda a, w: hp.normal(label, a, w), low, width),
        st.builds(lambda a: hp.lognormal(label, a, 2), log_low),
        st.builds(lambda a, w, q: hp.qnormal(label, a, w, q), low, width, q),
        st.builds(lambda a, q: hp.qlognormal(label, a, 1, q), st.floats(-3, 6), q),
        st.builds(lambda a, n: hp.uniformint(label, a, a + n), whole, st.integers(1, 99)),
        st.builds(lambda n: hp.choice(label, list(range(n))), st.integers(1, 5)),
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning:sparktune", "ignore:'[ab]':UserWarning")
@examples(60)
@given(
    a=distributions("a"), b=distributions("b"), seed=st.integers(0, 2**31 - 1),
    size=st.integers(1, 12), top=st.booleans(),
)  # fmt: skip
def test_any_run_becomes_a_study_and_comes_back(a, b, seed, size, top):
    """Of any distributions, nested or not, each trial comes back with its values."""
    space = [a, b] if top else hp.choice("c", [{"a": a}, {"b": b}, "neither"])
    tuner = Tuner(space, rand, rstate=seed)
    for candidate in tuner.ask(size):
        tuner.tell(candidate, float(candidate.number))
    study = tuner.trials.to_optuna()
    again = Trials.from_optuna(study, space)
    assert len(again) == size
    for old, new in zip(tuner.trials.history, again.history, strict=True):
        assert list(old.values) == list(new.values)
        assert all(
            math.isclose(old.values[k], new.values[k], rel_tol=1e-9, abs_tol=1e-9)
            for k in old.values
        )
    assert study.best_params.keys() == tuner.best.keys()
