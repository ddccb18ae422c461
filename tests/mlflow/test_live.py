"""Runs that are active while their trials last, on a real MLflow server."""

import os
import sys
import warnings
from pathlib import Path

import pytest

mlflow = pytest.importorskip("mlflow")

from databases import sqlite_url  # noqa: E402
from mlflow_server import Front, MlflowServer, runs_of  # noqa: E402
from stores import KEY, Working  # noqa: E402

from sparktune import SparkTrials, Status, StoreTrials, Trials, fmin, hp, rand  # noqa: E402
from sparktune.storage.stores.signing import VARIABLE  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow", "ignore::ResourceWarning")
SPACE = {"x": hp.uniform("x", 0, 1), "kind": hp.choice("kind", ["a", "b"])}
QUIET = {"algo": rand.suggest, "rstate": 1, "show_progressbar": False}
LOCAL = [
    {},
    {"parallelism": 2},
    {"parallelism": 2, "executor": "threads"},
]


def logs(config, trial):
    """Logs to the active run, with names that the search has, too; leaves runs open; may fail."""
    import mlflow

    mlflow.log_metric("mine", trial.number)
    mlflow.log_metric("loss", 7.0, step=3)
    mlflow.log_params({"kind": "mine", "x": config["x"]})
    mlflow.set_tag("active", mlflow.active_run().info.run_id)
    with mlflow.start_run(nested=True):
        mlflow.log_param("below", trial.number)
    mlflow.start_run(nested=True)
    if trial.number == 1:
        raise ValueError("too large")
    return {"loss": config["x"], "status": "ok"}


@pytest.mark.parametrize("options", LOCAL, ids=["serial", "processes", "threads"])
def test_what_an_objective_logs_is_in_its_trials_run(client, runs, options):
    """Its logs are in the child run beside all that the search logs, and what it left is closed."""
    trials = Trials(tracking="live", **options)
    with mlflow.start_run() as parent:
        fmin(logs, SPACE, max_evals=3, trials=trials, catch_eval_exceptions=True, **QUIET)
        assert mlflow.active_run().info.run_id == parent.info.run_id
    others, children = runs()
    assert sorted(children) == [0, 1, 2]
    for number, [run] in children.items():
        trial = trials.history[number]
        assert run.data.tags["active"] == run.info.run_id
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.status == ("FAILED" if number == 1 else "FINISHED")
        assert run.data.params == {
            "kind": "mine", "kind_2": "ab"[trial.values["kind"]], "x": str(trial.values["x"]),
        }  # fmt: skip
        assert run.data.metrics["mine"] == number
        assert run.data.metrics["loss"] == (7.0 if number == 1 else trial.outcome.loss)
        assert run.data.tags["sparktune.status"] == trial.status.name.lower()
        below = [r for r in others if r.data.tags.get("mlflow.parentRunId") == run.info.run_id]
        assert len(below) == 2
        assert {r.info.status for r in below} <= {"FINISHED", "FAILED"}
    assert len(others) == 7


def plain(config):
    """Knows nothing of MLflow."""
    return {"loss": config["x"], "status": "ok", "accuracy": 0.5}


def test_a_search_that_logs_nothing_itself_leaves_what_it_does_by_default(client, runs):
    """Parameters, metrics, tags and status of children are those of a run with tracking=True."""
    found = []
    for tracking in (True, "live"):
        with mlflow.start_run() as parent:
            fmin(plain, SPACE, max_evals=2, tracking=tracking, **QUIET)
        _, children = runs()
        of_this = [
            run for each in children.values() for run in each
            if run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        ]  # fmt: skip
        own = ("sparktune.search", "sparktune.seconds", "mlflow.parentRunId")
        found.append(
            sorted(
                (
                    run.info.run_name, run.info.status, run.data.params, run.data.metrics,
                    {k: v for k, v in run.data.tags.items() if k not in own},
                )
                for run in of_this
            )
        )  # fmt: skip
    assert len(found[0]) == 2
    assert found[0] == found[1]


def test_attempts_at_a_trial_share_its_run(client, runs, tmp_path):
    """A trial whose process died goes on in the run that it had."""
    marks = str(tmp_path)

    def dies_once(config, trial):
        import mlflow

        mlflow.log_metric("attempt", trial.attempt)
        if trial.attempt == 0:
            Path(marks, str(trial.number)).touch()
            os._exit(1)
        return 1.0

    trials = Trials(parallelism=2, tracking="live", retry_crashes=True)
    fmin(dies_once, SPACE, max_evals=2, trials=trials, **QUIET)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]
    _, children = runs()
    assert {n: len(each) for n, each in children.items()} == {0: 1, 1: 1}
    for [run] in children.values():
        assert run.data.tags["sparktune.attempt"] == "1"
        history = client.get_metric_history(run.info.run_id, "attempt")
        assert sorted(metric.value for metric in history) == [0.0, 1.0]
        assert run.info.status == "FINISHED"


def test_a_server_that_is_away_holds_no_trial_up(client, runs, server):
    """Trials run all the same, what they log goes nowhere, and the rest is logged afterwards."""
    front = Front(server.port)
    mlflow.set_tracking_uri(front.uri)
    trials = Trials(parallelism=2, tracking="live")
    front.close()

    def asks(config, trial):
        import mlflow

        mlflow.log_metric("mine", trial.number)
        return {"loss": 1.0, "status": "ok", "uri": mlflow.get_tracking_uri()}

    said = pytest.warns(UserWarning, match="log_to_mlflow")
    with said, pytest.warns(UserWarning, match="was not active"):
        fmin(asks, SPACE, max_evals=3, trials=trials, **QUIET)
    assert [trial.status for trial in trials.history] == [Status.OK] * 3
    folders = [result["uri"].removeprefix("file://") for result in trials.results]
    assert not any(Path(folder).exists() for folder in folders)
    mlflow.set_tracking_uri(server.uri)
    assert trials.log_to_mlflow() == 3
    _, children = runs()
    assert all("mine" not in run.data.metrics for [run] in children.values())
    assert "was not active" in children[0][0].data.tags["sparktune.note"]


def test_a_server_that_dies_and_comes_back(request):
    """Trials of an outage have no active run, those after it have; each is logged once."""
    server, active = MlflowServer(), {}
    try:
        mlflow.set_tracking_uri(server.uri)
        mlflow.set_experiment(request.node.name)

        def looks(config, trial):
            active[trial.number] = mlflow.active_run() is not None
            if trial.number == 2:
                server.kill()
            if trial.number == 5:
                server.start()
            return 1.0

        trials = Trials(tracking="live")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fmin(looks, SPACE, max_evals=12, trials=trials, **QUIET)
        assert [trial.status for trial in trials.history] == [Status.OK] * 12
        assert [active[number] for number in (0, 1, 2, 3, 4, 5)] == [True] * 3 + [False] * 3
        trials.log_to_mlflow()
        _, children = runs_of(mlflow.MlflowClient(server.uri), request.node.name)
        assert {n: len(each) for n, each in children.items()} == dict.fromkeys(range(12), 1)
        assert all(run.info.status == "FINISHED" for [run] in children.values())
    finally:
        while mlflow.active_run() is not None:
            mlflow.end_run()
        mlflow.set_tracking_uri(None)
        server.close()


def test_trials_without_mlflow(client, runs, tmp_path):
    """Where trials run without MLflow they run all the same, and the record says why it lacks."""
    (tmp_path / "mlflow.py").write_text("raise ImportError('there is none here')")
    trials = Trials(parallelism=2, tracking="live", env={"PYTHONPATH": str(tmp_path)})
    with pytest.warns(UserWarning, match="was not active: MLflow cannot be imported here"):
        fmin(lambda c: c["x"], SPACE, max_evals=2, trials=trials, **QUIET)
    _, children = runs()
    for [run] in children.values():
        assert run.info.status == "FINISHED"
        assert "there is none here" in run.data.tags["sparktune.note"]


@pytest.mark.parametrize("secret", [KEY, None], ids=["key", "no key"])
def test_workers_of_a_store_make_the_runs_of_their_trials(
    client, runs, server, tmp_path, monkeypatch, secret
):
    """A worker's trials log to their runs, of which each has one; without a key its own server."""
    import store_objectives

    url = sqlite_url(tmp_path)
    if secret:
        monkeypatch.setenv(VARIABLE, secret)
        mlflow.set_tracking_uri(server.uri)
        os.environ.pop("MLFLOW_TRACKING_URI", None)  # which that has set; the job says it
    else:
        monkeypatch.delenv(VARIABLE, raising=False)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    trials = StoreTrials(url, "k", parallelism=2, lost_after=5, tracking="live")
    with mlflow.start_run() as parent, Working(url):
        fmin(store_objectives.logging, SPACE, max_evals=3, trials=trials, **QUIET)
    _, children = runs()
    assert {n: len(each) for n, each in children.items()} == dict.fromkeys(range(3), 1)
    for number, [run] in children.items():
        assert run.data.metrics["mine"] == trials.history[number].values["x"]
        assert run.data.metrics["loss"] == trials.history[number].outcome.loss
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.info.status == "FINISHED"


def test_a_worker_without_a_key_logs_nowhere_by_itself(client, runs, tmp_path, monkeypatch):
    """Who can write into the database does not say where a worker sends something."""
    import store_objectives

    monkeypatch.delenv(VARIABLE, raising=False)
    url = sqlite_url(tmp_path)
    trials = StoreTrials(url, "k", parallelism=2, lost_after=5, tracking="live")
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with Working(url), pytest.warns(UserWarning, match="MLFLOW_TRACKING_URI is not set here"):
        fmin(store_objectives.logging, SPACE, max_evals=2, trials=trials, **QUIET)
    _, children = runs()
    assert {n: len(each) for n, each in children.items()} == {0: 1, 1: 1}
    for [run] in children.values():
        assert "mine" not in run.data.metrics
        assert run.data.metrics["loss"] >= 0


def test_runs_that_a_workers_objective_begins_know_their_trial(
    client, runs, server, request, tmp_path, monkeypatch
):
    """By default, too, a store's trials have runs, and those of their objectives name them."""
    import store_objectives

    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    url = sqlite_url(tmp_path)
    trials = StoreTrials(url, "k", parallelism=2, lost_after=5)
    with mlflow.start_run() as parent, Working(url):
        fmin(store_objectives.logging, SPACE, max_evals=2, trials=trials, **QUIET)
    others, children = runs()
    assert {n: len(each) for n, each in children.items()} == {0: 1, 1: 1}
    own = [run for run in others if "mine" in run.data.metrics]
    assert sorted(run.data.tags["sparktune.of_trial"] for run in own) == ["0", "1"]
    assert {run.data.tags["mlflow.parentRunId"] for run in own} == {parent.info.run_id}


@pytest.mark.full
def test_autolog_of_scikit_learn_on_spark(client, runs):
    """On Spark, what autolog logs of a model is in the run of the trial that fitted it."""
    pytest.importorskip("sklearn")
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", False)
    spark = session.getOrCreate()

    def fits(config):
        import mlflow
        import numpy as np
        from sklearn.linear_model import Ridge

        mlflow.sklearn.autolog(log_models=False, silent=True)
        X = np.arange(20.0).reshape(10, 2)
        model = Ridge(alpha=config["alpha"]).fit(X, X.sum(axis=1))
        return {"loss": 1 - model.score(X, X.sum(axis=1)), "status": "ok"}

    trials = SparkTrials(2, spark_session=spark, tracking="live")
    try:
        with mlflow.start_run() as parent:
            fmin(fits, {"alpha": hp.uniform("alpha", 1, 9)}, max_evals=3, trials=trials, **QUIET)
    finally:
        spark.stop()
    others, children = runs()
    assert [run.info.run_id for run in others] == [parent.info.run_id]
    for number, [run] in children.items():
        assert float(run.data.params["alpha"]) == trials.history[number].values["alpha"]
        assert run.data.params["fit_intercept"] == "True"
        assert "training_score" in run.data.metrics
        assert run.data.metrics["loss"] == trials.history[number].outcome.loss
        assert run.info.status == "FINISHED"
    assert sorted(children) == [0, 1, 2]


CONNECT = """
import sys
import mlflow
from pyspark.sql import SparkSession
from sparktune import SparkTrials, fmin, hp, rand

def logs(config, trial):
    import os
    if "MLFLOW_EXPERIMENT_ID" in os.environ:
        import mlflow
        mlflow.log_metric("mine", trial.number)
    return config["x"]

spark = SparkSession.builder.remote(sys.argv[1]).getOrCreate()
for tracking in (True, "live"):
    mlflow.set_experiment(f"connect {tracking}")
    trials = SparkTrials(2, spark_session=spark, tracking=tracking)
    fmin(logs, {"x": hp.uniform("x", 0, 1)}, rand.suggest, 3, trials=trials, rstate=0,
         show_progressbar=False)
spark.stop()
"""


@pytest.mark.full
def test_trials_of_spark_connect(client, runs, server, run_python, tmp_path):
    """Through a Spark Connect server trials have their runs, and with "live" log to them."""
    pytest.importorskip("grpc")
    from sparktune.cluster.local import LocalCluster

    with LocalCluster(workers=0, cores=2, connect=True, folder=tmp_path / "cluster") as cluster:
        run_python(
            CONNECT, cluster.remote,
            env={"MLFLOW_TRACKING_URI": server.uri, "PYSPARK_PYTHON": sys.executable},
        )  # fmt: skip
    for tracking, logged in ((True, False), ("live", True)):
        [parent], children = runs(f"connect {tracking}")
        assert sorted(children) == [0, 1, 2]
        for number, [run] in children.items():
            assert run.info.status == "FINISHED"
            assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
            assert (run.data.metrics.get("mine") == number) is logged
