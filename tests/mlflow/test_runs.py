"""What a real MLflow server has of a search; the part ``mlflow`` of the tests."""

import contextlib
import os
import re
import sys
import threading
import time
import urllib.request
import warnings
from pathlib import Path

import pytest

mlflow = pytest.importorskip("mlflow")

from mlflow_server import Front, MlflowServer, runs_of  # noqa: E402

from sparktune import TrackingError, Trials, Tuner, fmin, hp, rand  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow", "ignore::ResourceWarning")
SPACE = {
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.loguniform("C", -3, 3)},
            {"kind": "forest", "trees": hp.uniformint("trees", 1, 9)},
        ],
    ),
    "scale": hp.choice("scale", ["none", "minmax"]),
}
QUIET = {"algo": rand.suggest, "rstate": 1, "show_progressbar": False}


def objective(config, trial):
    """Ends in every way that a trial can end by itself, by its number."""
    trial.report(1, 9.0)
    trial.report(2, 8.0)
    if trial.number == 1:
        raise ValueError("too large")
    return {"loss": float(trial.number), "status": "ok", "accuracy": 0.5, "name": "x"}


def test_a_run_and_its_trials(client, runs):
    """The active run has what the search was called with, its children what became of trials."""
    trials = Trials()
    with mlflow.start_run() as active:
        fmin(
            objective, SPACE, max_evals=6, trials=trials, catch_eval_exceptions=True, **QUIET
        )  # fmt: skip
        assert mlflow.active_run().info.run_id == active.info.run_id
    parents, children = runs()
    assert [run.info.run_id for run in parents] == [active.info.run_id]
    parent = parents[0]
    assert parent.info.status == "FINISHED"
    assert parent.data.params["max_evals"] == "6"
    assert parent.data.params["algorithm"] == "rand.suggest"
    assert parent.data.params["parallelism"] == "1"
    assert parent.data.metrics["best_loss"] == 0.0
    assert parent.data.metrics["trials_ok"] == 5
    assert parent.data.metrics["trials_failed"] == 1
    steps = [m.step for m in client.get_metric_history(parent.info.run_id, "best_loss")]
    assert sorted(steps) == [1, 2, 3, 4, 5, 6]
    assert sorted(children) == list(range(6))
    for number, [run] in children.items():
        values = trials.history[number].values
        kind = ("svm", "forest")[values["model"]]
        wanted = {"model": kind, "scale": ("none", "minmax")[values["scale"]]}
        wanted["C" if kind == "svm" else "trees"] = str(values["C" if kind == "svm" else "trees"])
        assert run.data.params == wanted
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.data.tags["sparktune.host"] == trials.history[number].outcome.host
        reports = client.get_metric_history(run.info.run_id, "report")
        assert [(m.step, m.value) for m in reports] == [(1, 9.0), (2, 8.0)]
        seconds = (run.info.end_time - run.info.start_time) / 1000
        assert seconds == pytest.approx(trials.history[number].outcome.seconds, abs=0.05)
    assert children[1][0].info.status == "FAILED"
    assert "too large" in children[1][0].data.tags["sparktune.error"]
    assert "loss" not in children[1][0].data.metrics
    assert children[2][0].info.status == "FINISHED"
    assert {"loss": 2.0, "accuracy": 0.5}.items() <= children[2][0].data.metrics.items()
    assert "name" not in children[2][0].data.metrics


def test_a_second_search_in_one_run_has_names_of_its_own(client, runs):
    """Two searches in one run share it, and what the second is called with ends in its suffix."""
    with mlflow.start_run():
        for most in (2, 3):
            fmin(lambda c: 1.0, SPACE, max_evals=most, **QUIET)
    [parent], children = runs()
    named = {name: value for name, value in parent.data.params.items() if "max_evals" in name}
    assert named.pop("max_evals") == "2"
    [(name, value)] = named.items()
    assert value == "3"
    suffix = name.removeprefix("max_evals")
    assert f"best_loss{suffix}" in parent.data.metrics
    assert {number: len(runs) for number, runs in children.items()} == {0: 2, 1: 2, 2: 1}
    assert children[2][0].info.run_name.endswith(suffix)


def test_a_search_that_goes_on_finds_its_runs_again(client, runs, tmp_path):
    """What a journal goes on with has the parent that it had, and one child for each trial."""
    for most in (2, 4):
        trials = Trials(journal=tmp_path / "journal")
        fmin(lambda c: 1.0, SPACE, max_evals=most, trials=trials, tracking=True, **QUIET)
    [parent], children = runs()
    assert {number: len(runs) for number, runs in children.items()} == dict.fromkeys(range(4), 1)
    assert parent.info.status == "FINISHED"
    assert parent.data.params["max_evals"] == "2"
    assert parent.data.params["max_evals_2"] == "4"
    assert parent.data.metrics["trials_ok"] == 4


def test_a_trial_that_was_cut_off_has_one_run(client, runs):
    """A trial that an interrupt cut off is KILLED, and after its resume FINISHED in that run."""
    trials, raised = Trials(), []

    def interrupted(config):
        if not raised:
            raised.append(True)
            raise KeyboardInterrupt
        return 1.0

    with mlflow.start_run():
        with pytest.raises(KeyboardInterrupt):
            fmin(interrupted, SPACE, max_evals=2, trials=trials, **QUIET)
        trials.log_to_mlflow()
        _, children = runs()
        assert [run.info.status for run in children[0]] == ["KILLED"]
        assert children[0][0].data.tags["sparktune.status"] == "cut"
        fmin(interrupted, SPACE, max_evals=2, trials=trials, **QUIET)
    _, children = runs()
    assert [run.info.status for run in children[0]] == ["FINISHED"]
    assert children[0][0].data.tags["sparktune.attempt"] == "1"
    assert sorted(children) == [0, 1]


@pytest.mark.parametrize("options", [{}, {"parallelism": 2}])
def test_runs_that_an_objective_begins_know_their_trial(client, runs, request, options, server):
    """A run that the objective begins has the search's run as parent, and its trial's number."""
    uri, name = server.uri, request.node.name

    def begins_a_run(config, trial):
        import mlflow

        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment(name)
        with mlflow.start_run(nested=True):
            mlflow.log_param("mine", trial.number)
        return 1.0

    with mlflow.start_run() as active:
        fmin(begins_a_run, SPACE, max_evals=2, trials=Trials(**options), **QUIET)
    parents, _ = runs(name)
    own = [run for run in parents if "mine" in run.data.params]
    assert sorted(run.data.params["mine"] for run in own) == ["0", "1"]
    for run in own:
        assert run.data.tags["sparktune.of_trial"] == run.data.params["mine"]
        assert run.data.tags["mlflow.parentRunId"] == active.info.run_id


def test_what_an_objective_logs_without_a_run_is_at_the_drivers_server(client, runs):
    """A process for trials that was told of no server logs to the search's, under its parent."""

    def logs(config):
        import mlflow

        mlflow.log_metric("mine", 2.0)
        return 1.0

    trials = Trials(parallelism=2, env={"MLFLOW_TRACKING_URI": ""})
    with mlflow.start_run() as active:
        fmin(logs, SPACE, max_evals=2, trials=trials, **QUIET)
    own = [run for run in runs()[0] if "mine" in run.data.metrics]
    assert sorted(run.data.tags["sparktune.of_trial"] for run in own) == ["0", "1"]
    assert {run.data.tags["mlflow.parentRunId"] for run in own} == {active.info.run_id}
    assert {run.info.status for run in own} == {"FINISHED"}


def test_when_runs_are_tracked(client, runs, monkeypatch):
    """Nothing is logged with tracking=False, nor without a run or a server that somebody named."""
    with mlflow.start_run():
        fmin(lambda c: 1.0, SPACE, max_evals=1, tracking=False, **QUIET)
        fmin(lambda c: 1.0, SPACE, max_evals=1, trials=Trials(tracking=False), **QUIET)
    mlflow.set_tracking_uri(None)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    fmin(lambda c: 1.0, SPACE, max_evals=1, **QUIET)
    [parent], children = runs()
    assert children == {}
    assert parent.data.params == {}


def test_a_search_of_ones_own_is_logged_afterwards(client, runs):
    """log_to_mlflow logs what a Tuner was told, once."""
    tuner = Tuner(SPACE, rand.suggest, rstate=0)
    for candidate in tuner.ask(3):
        tuner.tell(candidate, 1.0)
    assert tuner.trials.log_to_mlflow() == 3
    assert tuner.trials.log_to_mlflow() == 0
    _, children = runs()
    assert sorted(children) == [0, 1, 2]


def test_an_unreachable_server_only_warns(client, runs, server):
    """Without a server the search ends as ever, says what is not logged, and logs it later."""
    port = server.port
    with contextlib.closing(Front(port)) as front:
        mlflow.set_tracking_uri(front.uri)
        trials = Trials(tracking=True)
        front.close()  # nobody listens there
        with pytest.warns(UserWarning, match=r"2 trials are not in MLflow.*log_to_mlflow"):
            fmin(lambda c: 1.0, SPACE, max_evals=2, trials=trials, **QUIET)
        assert trials.best_loss == 1.0
        with pytest.raises(TrackingError, match="cannot be reached"):
            trials.log_to_mlflow(timeout=1)
    mlflow.set_tracking_uri(server.uri)
    assert trials.log_to_mlflow() == 2
    _, children = runs()
    assert sorted(children) == [0, 1]


def test_a_server_that_asks_to_wait_is_obeyed(client, runs, server):
    """After "too many requests" nothing is asked until the time that the server said is over."""
    with contextlib.closing(Front(server.port)) as front:
        mlflow.set_tracking_uri(front.uri)
        front.many = 3
        fmin(lambda c: 1.0, SPACE, max_evals=3, tracking=True, **QUIET)
    mlflow.set_tracking_uri(server.uri)
    _, children = runs()
    assert sorted(children) == [0, 1, 2]
    assert front.turned_away == 3
    assert front.too_early == 0


def test_a_server_that_dies_in_mid_run(request):
    """While the server is gone the search goes on, and in the end every trial has its run."""
    server, after = MlflowServer(), []
    try:
        mlflow.set_tracking_uri(server.uri)
        mlflow.set_experiment(request.node.name)

        def dies(config, trial):
            if trial.number == 5:
                server.kill()
            if trial.number == 15:
                threading.Thread(target=server.start).start()
            after.append(trial.number)
            return 1.0

        trials = Trials(tracking=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fmin(dies, SPACE, max_evals=20, trials=trials, **QUIET)
        assert len(after) == 20
        deadline = time.monotonic() + 120
        while not _is_up(server) and time.monotonic() < deadline:
            time.sleep(0.1)
        trials.log_to_mlflow()
        _, children = runs_of(mlflow.MlflowClient(server.uri), request.node.name)
        assert {n: len(runs) for n, runs in children.items()} == dict.fromkeys(range(20), 1)
        assert all(run.info.status == "FINISHED" for [run] in children.values())
    finally:
        mlflow.set_tracking_uri(None)
        server.close()


def _is_up(server):
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{server.uri}/health", timeout=2):
        return True
    return False


SCRIPT = """
import sys
import mlflow
from hyperopt import STATUS_OK, SparkTrials, fmin, hp, tpe

def train(config):
    loss = (config["C"] - 2) ** 2 + config["depth"] / 100
    return {"loss": loss, "status": STATUS_OK, "kernel": config["kernel"]}

space = {
    "C": hp.lognormal("C", 0, 1.0),
    "depth": hp.quniform("depth", 1, 9, 1),
    "kernel": hp.choice("kernel", ["linear", "rbf"]),
}
spark_trials = SparkTrials(parallelism=2)
with mlflow.start_run() as run:
    best = fmin(fn=train, space=space, algo=tpe.suggest, max_evals=40, trials=spark_trials)
print("parent", run.info.run_id)
"""


@pytest.mark.full
def test_an_unedited_script_on_spark(client, runs, server, run_python):
    """A script for Databricks' Hyperopt has a parent and 40 children, through install()."""
    done = run_python(
        "import sparktune.hyperopt\nsparktune.hyperopt.install()\n" + SCRIPT,
        env={
            "MLFLOW_TRACKING_URI": server.uri, "PYSPARK_PYTHON": sys.executable,
            "MLFLOW_EXPERIMENT_NAME": "unedited", "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        },
    )  # fmt: skip
    [parent], children = runs("unedited")
    assert f"parent {parent.info.run_id}" in done.stdout
    assert {n: len(runs) for n, runs in children.items()} == dict.fromkeys(range(40), 1)
    for [run] in children.values():
        assert run.info.status == "FINISHED"
        assert set(run.data.params) == {"C", "depth", "kernel"}
        assert run.data.params["kernel"] in ("linear", "rbf")
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert parent.data.params["algorithm"] == "tpe.suggest"
    assert parent.data.params["parallelism"] == "2"


def test_the_examples_of_the_page(run_python):
    """The examples of docs/mlflow.md run one after the other, with a database and no server."""
    page = (Path(__file__).parents[2] / "docs" / "mlflow.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    assert blocks
    done = run_python("\n".join(blocks))
    assert "'max_evals': '10'" in done.stdout
    assert done.stdout.count("FINISHED") == 10
