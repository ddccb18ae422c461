"""Ray Tune's HyperOptSearch on the room under Hyperopt's name."""

import importlib.metadata
import json
import math
import shutil
import sys
import tempfile

import pytest
from installed import under_hyperopts_name

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore", "error:::sparktune")  # the others are Ray's

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}


@pytest.fixture(scope="module")
def hyperopt():
    """The room, as Ray imports it."""
    with under_hyperopts_name() as room:
        from ray.tune.search.hyperopt import hyperopt_search

        assert hyperopt_search.hpo is room
        yield room


@pytest.fixture(scope="module")
def cluster(hyperopt):
    """Ray, on two processors of this machine."""
    folder = tempfile.mkdtemp(prefix="ray-")  # a short path, for sockets
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # trainables travel
        ray.init(
            address="local", num_cpus=2, include_dashboard=False, logging_level="error",
            log_to_driver=False, _temp_dir=folder,
        )  # fmt: skip
        yield
        ray.shutdown()
        ray.cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tuned(cluster, tmp_path):
    """Runs an experiment; gives its results."""
    from ray import tune

    def run(trainable, searcher, count, space=None, scheduler=None):
        tuner = tune.Tuner(
            trainable,
            param_space=space,
            tune_config=tune.TuneConfig(
                search_alg=searcher, num_samples=count, scheduler=scheduler, reuse_actors=True
            ),
            run_config=tune.RunConfig(storage_path=str(tmp_path), name="run", verbose=0),
        )
        return tuner.fit()

    return run


def searcher_of(space=None, concurrent=None, mode="min", seed=3, **options):
    """A HyperOptSearch, and the same under a limit where one is given."""
    from ray.tune.search import ConcurrencyLimiter
    from ray.tune.search.hyperopt import HyperOptSearch

    made = HyperOptSearch(space, metric="loss", mode=mode, random_state_seed=seed, **options)
    return made, made if concurrent is None else ConcurrencyLimiter(made, max_concurrent=concurrent)


def nested_space(hp):
    """Trees of a depth, with another choice below, or a line."""
    return {
        "model": hp.choice(
            "model",
            [
                {
                    "kind": "trees",
                    "depth": hp.uniformint("depth", 2, 12),
                    "bins": hp.choice("bins", [None, {"count": hp.quniform("count", 8, 64, 8)}]),
                },
                {"kind": "line", "rate": hp.loguniform("rate", -9, 0)},
            ],
        ),
        "shift": hp.normal("shift", 0, 1),
        "fixed": "as it is",
    }


def nested_loss(config):
    """Lowest, 0, at trees of depth 7 with 32 bins and no shift."""
    model = config["model"]
    if model["kind"] == "line":
        return 3 + abs(math.log(model["rate"]) + 4) + abs(config["shift"])
    bins = model["bins"]
    return (
        abs(model["depth"] - 7) / 2
        + (1 if bins is None else abs(bins["count"] - 32) / 32)
        + abs(config["shift"])
    )


def train_nested(config):
    """A trainable."""
    from ray import tune

    tune.report({"loss": nested_loss(config)})


def configs_of(results):
    """The configurations of results, each as a text."""
    return [json.dumps(result.config, sort_keys=True) for result in results]


def is_nested(config):
    """Whether a configuration is one of the nested space, with values of the right kinds."""
    model = config["model"]
    fits = {*config} == {"model", "shift", "fixed"} and config["fixed"] == "as it is"
    if model["kind"] == "line":
        return fits and {*model} == {"kind", "rate"} and math.exp(-9) <= model["rate"] <= 1
    count = (model["bins"] or {"count": 8})["count"]
    whole = isinstance(model["depth"], int) and 2 <= model["depth"] <= 12
    return fits and whole and {*model} == {"kind", "depth", "bins"} and count in range(8, 65, 8)


def test_hyperopt_is_not_installed():
    """What is imported as hyperopt here is the room, as there is no other."""
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("hyperopt")


@pytest.mark.parametrize("concurrent", [2, 4])
def test_fifty_trials_of_nested_choices(hyperopt, tuned, concurrent):
    """A run finds the optimum, and its best result is the best of all, with the real values."""
    searcher, limited = searcher_of(nested_space(hyperopt.hp), concurrent)
    results = tuned(train_nested, limited, 50)
    losses = [result.metrics["loss"] for result in results]
    best = results.get_best_result("loss", "min")
    assert len(losses) == 50
    assert best.metrics["loss"] == min(losses) < 0.75
    assert nested_loss(best.config) == min(losses)
    assert best.config["model"]["kind"] == "trees"
    assert abs(best.config["model"]["depth"] - 7) <= 1
    assert all(is_nested(result.config) for result in results)
    assert len(set(configs_of(results))) == 50
    trials = searcher._hpopt_trials
    assert sorted(trials.losses()) == sorted(losses)
    assert hyperopt.space_eval(nested_space(hyperopt.hp), trials.argmin) == best.config
    early, late = losses[:20], losses[20:]
    assert sum(late) / 30 < sum(early) / 20


def test_rays_own_space_is_converted(hyperopt, tuned):
    """Ray's words become nodes, nested ones too, and the values have Ray's kinds; max is max."""
    from ray import tune

    space = {
        "a": tune.uniform(0, 1),
        "log": tune.loguniform(1e-4, 1e-1),
        "q": tune.quniform(0, 8, 2),
        "n": tune.randint(1, 5),
        "big": tune.lograndint(10, 1000),
        "z": tune.qrandint(0, 11, 5),
        "normal": tune.randn(0, 1),
        "deep": {"c": tune.choice([1, 2])},
        "k": tune.choice([{"m": tune.randint(1, 5), "s": "one"}, "plain", tune.uniform(5, 6)]),
        "constant": 3,
    }

    def train(config):
        from ray import tune

        part = config["k"]["m"] if isinstance(config["k"], dict) else 0
        tune.report({"loss": config["a"] + part + config["deep"]["c"]})

    searcher, limited = searcher_of(None, 2, mode="max")
    results = tuned(train, limited, 40, space)
    for result in results:
        config = result.config
        assert {*config} == {*space}
        assert 0 <= config["a"] <= 1
        assert 1e-4 <= config["log"] <= 1e-1
        assert config["q"] in (0, 2, 4, 6, 8)
        assert config["n"] in (1, 2, 3, 4)
        assert isinstance(config["n"], int)
        assert 10 <= config["big"] <= 1000
        assert isinstance(config["big"], int)
        assert config["z"] in (0, 5, 10)
        assert config["deep"]["c"] in (1, 2)
        k = config["k"]
        assert k == "plain" or (k["m"] in (1, 2, 3, 4) if isinstance(k, dict) else 5 <= k <= 6)
        assert config["constant"] == 3
    best = results.get_best_result("loss", "max")
    assert best.metrics["loss"] == max(result.metrics["loss"] for result in results)
    assert (best.config["k"]["m"], best.config["deep"]["c"]) == (4, 2)
    assert -searcher._hpopt_trials.best_trial["result"]["loss"] == best.metrics["loss"]


def test_points_to_evaluate_go_first(hyperopt, tuned):
    """Points, given by values, are the first trials in their order, and not repeated."""
    space = {
        "x": hyperopt.hp.uniform("x", -1, 1),
        "kind": hyperopt.hp.choice("kind", ["a", "b", "c"]),
    }
    points = [{"x": 0.5, "kind": "c"}, {"x": -0.25, "kind": "a"}, {"x": 0.0, "kind": "b"}]

    def train(config):
        from ray import tune

        tune.report({"loss": abs(config["x"]) + (config["kind"] != "b")})

    searcher, _ = searcher_of(space, points_to_evaluate=points)
    results = tuned(train, searcher, 8)
    assert [result.config for result in results][:3] == points
    assert len(set(configs_of(results))) == 8
    assert results.get_best_result("loss", "min").config == points[2]
    assert len(searcher._hpopt_trials) == 8
    wrong, _ = searcher_of(space, points_to_evaluate=[{"x": 0.5}])
    with pytest.raises(ValueError, match="value"):
        wrong.suggest("one")


def test_trials_that_fail(hyperopt, tuned):
    """Trials that raise are failures for Ray and for the searcher, which goes on and learns."""
    space = {"x": hyperopt.hp.uniform("x", -2, 2), "n": hyperopt.hp.randint("n", 3)}

    def train(config):
        from ray import tune

        if config["n"] == 1:
            raise ArithmeticError("no n of 1")
        tune.report({"loss": config["x"] ** 2 + config["n"]})

    searcher, limited = searcher_of(space, 3)
    results = tuned(train, limited, 30)
    failed = [result for result in results if result.error is not None]
    assert 0 < len(failed) == results.num_errors < 15
    assert {result.config["n"] for result in failed} == {1}
    trials = searcher._hpopt_trials
    assert len(trials) == 30 - len(failed)
    states = [document["state"] for document in trials._dynamic_trials]
    assert states.count(hyperopt.JOB_STATE_ERROR) == len(failed)
    best = results.get_best_result("loss", "min")
    assert best.metrics["loss"] == trials.best_trial["result"]["loss"] < 0.3
    assert best.config["n"] == 0


def test_a_scheduler_that_stops_trials_early(hyperopt, tuned):
    """Under ASHA bad trials end early, and each is learnt from by its last result."""
    from ray.tune.schedulers import ASHAScheduler

    space = {"kind": hyperopt.hp.choice("kind", [{"x": hyperopt.hp.uniform("x", 0, 4)}, {"y": 9}])}

    def train(config):
        from ray import tune

        for step in range(1, 10):
            tune.report({"loss": (config["kind"].get("x", 9) - 3) ** 2 + 1 / step})

    scheduler = ASHAScheduler(
        metric="loss", mode="min", max_t=9, grace_period=1, reduction_factor=3
    )
    searcher, limited = searcher_of(space, 2)
    results = tuned(train, limited, 30, scheduler=scheduler)
    steps = [result.metrics["training_iteration"] for result in results]
    assert min(steps) < 9 == max(steps)
    losses = {result.metrics["loss"] for result in results}
    assert set(searcher._hpopt_trials.losses()) == losses
    best = results.get_best_result("loss", "min")
    assert best.metrics["training_iteration"] == 9
    assert best.config["kind"]["x"] == pytest.approx(3, abs=0.3)


# The searcher by itself, as Ray calls it.


def driven(searcher, count, found=()):
    """Suggestions after those that were found, each told its loss when the next one is there."""
    found = list(found)
    for number in range(len(found), len(found) + count):
        found.append(searcher.suggest(str(number)))
        if number:
            searcher.on_trial_complete(str(number - 1), {"loss": nested_loss(found[-2])})
    return found


def test_the_seed_decides(hyperopt):
    """The same random_state_seed gives the same suggestions, another one others."""
    runs = [driven(searcher_of(nested_space(hyperopt.hp), seed=seed)[0], 30) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_a_searcher_that_is_saved_goes_on(hyperopt, tmp_path):
    """A searcher restored goes on as the one that was saved would have, and repeats nothing."""
    whole = driven(searcher_of(nested_space(hyperopt.hp))[0], 36)
    searcher, limited = searcher_of(nested_space(hyperopt.hp), 2)
    begun = driven(searcher, 24)
    limited.save(str(tmp_path / "state.pkl"))
    for made in (searcher_of()[1], searcher_of(None, 2)[1]):
        made.restore(str(tmp_path / "state.pkl"))
        assert driven(getattr(made, "searcher", made), 12, begun) == whole
    assert len({json.dumps(config, sort_keys=True) for config in whole}) == 36


def test_states_are_handed_on(hyperopt):
    """What get_state gives, set_state takes."""
    searcher, _ = searcher_of(nested_space(hyperopt.hp))
    driven(searcher, 22)
    other, _ = searcher_of(nested_space(hyperopt.hp), seed=77)
    other.set_state(searcher.get_state())
    assert other.suggest("a") == searcher.suggest("a")


EXPERIMENT = """
import json, os, sys
from pathlib import Path
import sparktune.hyperopt

sparktune.hyperopt.install()
import ray
from hyperopt import hp
from ray import tune
from ray.tune.search import ConcurrencyLimiter
from ray.tune.search.hyperopt import HyperOptSearch

folder, what = sys.argv[1:]


def saved():
    # how many trials the newest state has that Ray's thread has brought into the folder
    try:
        states = sorted(Path(folder, "run").glob("experiment_state-*.json"))
        return len(json.loads(states[-1].read_text())["trial_data"])
    except (IndexError, ValueError):  # there is none yet, or it is being written
        return 0


class Killed(tune.Callback):
    ended = 0

    def on_trial_complete(self, iteration, trials, trial, **info):
        self.ended += 1
        if sys.argv[2] == "begin" and self.ended >= 13 and saved() >= 8:
            ray.shutdown()
            os._exit(9)


def train(config):
    kind = config["kind"]
    tune.report({"loss": abs(kind["x"] - 1) if "x" in kind else 2 + kind["n"]})


space = {"kind": hp.choice("kind", [{"x": hp.uniform("x", -5, 5)}, {"n": hp.normal("n", 3, 1)}])}
ray.init(address="local", num_cpus=2, include_dashboard=False, logging_level="error",
         log_to_driver=False, _temp_dir=folder + "/ray")
if what == "begin":
    searcher = HyperOptSearch(space, metric="loss", mode="min", random_state_seed=5)
    tuner = tune.Tuner(
        train,
        tune_config=tune.TuneConfig(
            search_alg=ConcurrencyLimiter(searcher, max_concurrent=2), num_samples=30,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            storage_path=folder, name="run", verbose=0, callbacks=[Killed()]
        ),
    )
else:
    tuner = tune.Tuner.restore(folder + "/run", trainable=train)
results = tuner.fit()
print("RESULTS", json.dumps([[result.config, result.metrics["loss"]] for result in results]))
ray.shutdown()
"""


def test_an_experiment_that_was_killed_is_restored(run_python):
    """Tuner.restore in another process goes on with what the searcher knew, and repeats nothing."""
    folder = tempfile.mkdtemp(prefix="ray-")
    env = {**QUIET, "TUNE_GLOBAL_CHECKPOINT_S": "0"}
    try:
        begun = run_python(EXPERIMENT, folder, "begin", env=env, check=False)
        assert begun.returncode == 9, begun.stderr
        done = run_python(EXPERIMENT, folder, "go on", env=env)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    (line,) = [each for each in done.stdout.splitlines() if each.startswith("RESULTS ")]
    results = json.loads(line.partition(" ")[2])
    assert len(results) == 30
    assert len({json.dumps(config, sort_keys=True) for config, _ in results}) == 30
    config, loss = min(results, key=lambda each: each[1])
    assert loss < 0.5
    assert config["kind"]["x"] == pytest.approx(1, abs=0.5)
