"""SparkTrials on a real session: failures, cancelling, going on, and what travels."""

import functools
import os
import pickle
import re
import signal
import subprocess
import threading
import time
import zipfile
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import pytest

from sparktune import (
    STATUS_FAIL,
    AllTrialsFailed,
    EngineStopped,
    SparkTrials,
    Trials,
    UnpicklableObjective,
    early_stop,
    fmin,
    hp,
    tpe,
)
from sparktune.spark import (
    FMIN_CANCELLED_REASON_EARLY_STOPPING,
    FMIN_CANCELLED_REASON_TIMEOUT,
    FMIN_CANCELLED_REASON_USER,
    _is_connect,
)

quiet = functools.partial(fmin, show_progressbar=False)


@pytest.fixture
def trials(spark):
    return SparkTrials(parallelism=4, spark_session=spark)


def saddle_loss(config):
    return config["a"] ** 2 - config["b"] ** 2


def alive(pids):
    """The processes among ``pids`` that exist."""
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_the_saddle_on_spark(trials, saddle):
    """Fmin with SparkTrials finds the minimum; the result is a plain dict of native values."""
    best = quiet(saddle_loss, saddle, algo=tpe.suggest, max_evals=80, trials=trials, rstate=0)
    assert saddle_loss(best) < -3.8
    assert trials.count_total_trials() == len(trials) == 80
    assert trials.fmin_cancelled_reason is None
    assert {type(value) for value in best.values()} == {float}


def test_every_kind_of_failure_fails_its_trial_alone(trials):
    """Exceptions, NaN, declared failures, exits and kills fail their trials; the rest go on."""
    kinds = ["ok", "raise", "nan", "fail", "exit", "kill", "lock", "sysexit", "none"]

    def objective(kind):
        if kind == "raise":
            raise ValueError("raised on purpose")
        if kind == "nan":
            return float("nan")
        if kind == "fail":
            return {"status": STATUS_FAIL}
        if kind == "exit":
            os._exit(1)
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "lock":
            return {"loss": 1.0, "lock": threading.Lock()}
        if kind == "sysexit":
            raise SystemExit(2)
        return 1.0 if kind == "ok" else None

    points = [{"kind": i} for i in range(len(kinds))]
    quiet(
        objective, hp.choice("kind", kinds), max_evals=12, trials=trials, points_to_evaluate=points
    )
    frame = trials.to_pandas().sort_index()
    assert len(frame) == 12
    errors = dict(zip(frame["params_kind"][:9], frame["error"][:9], strict=True))
    assert frame["status"][0] == "ok"
    assert set(frame["status"][1:9]) == {"failed"}
    assert "ValueError: raised on purpose" in errors["raise"]
    assert "NaN" in errors["nan"]
    assert "STATUS_FAIL" in errors["fail"]
    for kind in ("exit", "kill"):
        assert "the trial's process died under the objective" in errors[kind]
    assert "exited with code 1" in errors["exit"]
    assert "killed by SIGKILL (9)" in errors["kill"]
    assert "'lock' (lock)" in errors["lock"]
    assert "SystemExit: 2" in errors["sysexit"]
    assert "returns a number or a dict with a loss, but got None" in errors["none"]
    assert trials.best_params == {"kind": "ok"}


def test_all_trials_failing_says_why(trials, saddle):
    """If all trials fail on Spark, the error counts them and shows the first traceback."""

    def objective(config):
        import package_that_is_nowhere  # noqa: F401

    with pytest.raises(RuntimeError, match=r"(?s)all 5 trials failed.*package_that_is_nowhere"):
        quiet(objective, saddle, max_evals=5, trials=trials)


def test_what_cannot_be_pickled_is_refused_before_anything_runs(trials, saddle):
    """An objective that cannot travel is refused, by the name of what cannot."""
    handle = threading.Lock()
    with pytest.raises(UnpicklableObjective, match="'handle' of type lock"):
        quiet(lambda config: handle and 0.0, saddle, max_evals=3, trials=trials)
    assert len(trials) == 0
    with pytest.raises(UnpicklableObjective, match=r"the configuration of trial 0 .* item 'h'"):
        quiet(
            lambda c: 0.0, {"h": hp.choice("h", [handle])}, max_evals=3,
            trials=SparkTrials(2, spark_session=trials._session),
        )  # fmt: skip


def test_batches_are_the_same_as_in_one_thread(trials, saddle):
    """batch=k gives the same trials on Spark as in this process."""
    plain = Trials()
    for each in (trials, plain):
        quiet(saddle_loss, saddle, max_evals=30, trials=each, batch=6, rstate=5)
    assert trials.losses() == plain.losses()


def test_python_workers_are_used_again(trials):
    """Trials run in few processes, although some of them raise."""

    def objective(x):
        if x > 0.8:
            raise ValueError(os.getpid())
        return {"loss": x, "pid": os.getpid()}

    quiet(objective, hp.uniform("x", 0, 1), max_evals=40, trials=trials, rstate=0)
    pids = {result["pid"] for result in trials.results}
    assert trials.count_failed_trials() > 0
    assert len(pids) <= 8


def test_the_objective_travels_once(trials):
    """The objective is pickled once a run, and unpickled once a worker."""
    pickled = []

    class Data:
        def __getstate__(self):
            pickled.append(1)
            return {"n": 3}

        def __setstate__(self, state):
            self.n = state["n"]
            self.fresh = True

    data = Data()

    def objective(x):
        first, data.fresh = data.__dict__.get("fresh", False), False
        return {"loss": x * data.n, "pid": os.getpid(), "first": first}

    quiet(objective, hp.uniform("x", 0, 1), max_evals=30, trials=trials)
    assert len(pickled) == 1
    firsts = [result["pid"] for result in trials.results if result["first"]]
    assert len(firsts) == len(set(firsts)) <= 8


@pytest.mark.parametrize("how", ["timeout", "loss_threshold", "early_stop", "cancel", "interrupt"])
def test_ending_early_cancels_the_tasks(trials, how, tmp_path, capsys, wait_for):
    """Every way to end early comes back at once, keeps what ended and kills what runs."""

    def objective(x):
        if x >= 0.5:
            children = [subprocess.Popen(["sleep", "120"]).pid, os.fork()]
            if not children[1]:
                time.sleep(120)
                os._exit(0)
            for pid in (os.getpid(), *children):
                (tmp_path / str(pid)).touch()
            time.sleep(120)
        return x

    points = [{"x": x} for x in (0.1, 0.2, 0.9, 0.8, 0.3)]
    options = {"points_to_evaluate": points, "max_evals": 50, "trials": trials}
    began = []

    def first_has_ended():
        return bool(trials._rows()) and trials._rows()[0].outcome is not None

    def two_run():
        return len(list(tmp_path.iterdir())) >= 6

    def stop(trials):
        over = how == "early_stop" and first_has_ended() and wait_for(two_run)
        began[:] = [time.monotonic()]
        return over, []

    def interrupt():
        wait_for(lambda: first_has_ended() and two_run(), 60)
        began[:] = [time.monotonic()]
        if how == "cancel":
            trials.cancel()
        else:
            os.kill(os.getpid(), signal.SIGINT)

    space = hp.uniform("x", 0.1, 1)
    if how == "timeout":
        quiet(objective, space, timeout=8, **options)
        assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_TIMEOUT
    elif how == "loss_threshold":
        quiet(objective, space, loss_threshold=0.1, early_stop_fn=stop, **options)
    elif how == "early_stop":
        quiet(objective, space, early_stop_fn=stop, **options)
        assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_EARLY_STOPPING
    elif how == "cancel":
        threading.Thread(target=interrupt, daemon=True).start()
        quiet(objective, space, **options)
        assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_USER
    else:
        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            quiet(objective, space, **options)
        assert "finished trials are kept; best loss 0.1" in capsys.readouterr().err
    if began:
        assert time.monotonic() - began[0] < 10
    assert trials.argmin == {"x": 0.1}
    assert trials.count_successful_trials() >= 1
    assert trials.count_cancelled_trials() >= 1
    assert trials.count_successful_trials() + trials.count_cancelled_trials() == len(
        trials._dynamic_trials
    )
    assert wait_for(lambda: not alive(p.name for p in tmp_path.iterdir()))
    if not _is_connect(trials._session):
        tracker = trials._session.sparkContext.statusTracker()
        assert wait_for(lambda: not tracker.getActiveJobsIds())


def test_a_run_goes_on_after_a_timeout(trials):
    """After a timeout a larger budget goes on with the same trials."""

    def objective(x, trial):
        if trial.number >= 4:
            time.sleep(60)
        return x

    warm = SparkTrials(4, spark_session=trials._session)
    quiet(lambda x: x, hp.uniform("x", 0, 1), max_evals=4, trials=warm)
    quiet(objective, hp.uniform("x", 0, 1), max_evals=30, timeout=6, trials=trials)
    assert trials.count_successful_trials() == 4
    quiet(lambda x: x, hp.uniform("x", 0, 1), max_evals=12, trials=trials)
    assert trials.count_successful_trials() == 12
    assert trials.fmin_cancelled_reason is None


def test_the_constructors_budget_counts(spark):
    """Timeout and loss_threshold of the constructor hold unless fmin gives its own."""
    trials = SparkTrials(4, loss_threshold=0.5, spark_session=spark)
    quiet(lambda x: x, hp.uniform("x", 0, 1), max_evals=500, trials=trials)
    assert trials.count_total_trials() < 100
    trials = SparkTrials(4, timeout=3, spark_session=spark)
    quiet(
        lambda x: time.sleep(60 * (x != 0.01)) or x, hp.uniform("x", 0, 1), trials=trials,
        points_to_evaluate=[{"x": 0.01}],
    )  # fmt: skip
    assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_TIMEOUT
    assert trials.argmin == {"x": 0.01}


def test_early_stopping_on_spark(trials, saddle):
    """no_progress_loss ends a run on Spark."""
    quiet(
        lambda c: 1.0, saddle, max_evals=500, trials=trials,
        early_stop_fn=early_stop.no_progress_loss(5),
    )  # fmt: skip
    assert 6 <= trials.count_total_trials() < 20


def test_spark_trials_pickle_and_go_on(trials, saddle):
    """Pickled SparkTrials take the active session and go on."""
    quiet(saddle_loss, saddle, max_evals=10, trials=trials, rstate=0)
    copy = pickle.loads(pickle.dumps(trials))
    assert copy.losses() == trials.losses()
    quiet(saddle_loss, saddle, max_evals=15, trials=copy)
    assert len(copy) == 15


def test_parallelism_defaults_to_the_cluster(spark):
    """Without parallelism the session's task slots are used."""
    trials = SparkTrials(spark_session=spark)
    assert trials.parallelism == 4  # see the fixture
    assert trials.user_specified_parallelism is None


def test_queueing_ahead_on_spark(trials, saddle):
    """max_queue_len draws trials ahead of the slots, and all of them run."""
    quiet(saddle_loss, saddle, max_evals=20, trials=trials, max_queue_len=5)
    assert len(trials) == 20


@pytest.mark.classic
def test_jobs_carry_the_trial(trials):
    """Each Spark job is described by its trial and belongs to the tags of its run."""
    seen = []
    tracker = trials._session.sparkContext.statusTracker()

    def watch():
        store = trials._session.sparkContext._jsc.sc().statusStore()
        while not seen:
            for job in tracker.getActiveJobsIds():
                data = store.job(job)
                if data.description().isDefined():
                    seen.append(data.description().get())
            time.sleep(0.01)

    threading.Thread(target=watch, daemon=True).start()
    quiet(lambda x: time.sleep(0.5) or x, hp.uniform("x", 0, 1), max_evals=8, trials=trials)
    assert seen
    assert re.match(r"trial \d: x=\d", seen[0])


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"parallelism": 0}, ValueError, "`parallelism`.*0"),
        ({"parallelism": -1}, ValueError, "`parallelism`.*-1"),
        ({"timeout": -1}, ValueError, "`timeout`.*-1"),
        ({"loss_threshold": "x"}, ValueError, "`loss_threshold`.*'x'"),
        ({"mode": "cloud"}, ValueError, "`mode` must be 'cluster' or 'driver', but got 'cloud'"),
        ({"mode": "driver", "trial_cpus": 2}, ValueError, "`trial_cpus` is for trials that are"),
        ({"max_retries": -1}, ValueError, "`max_retries` must be a whole number >= 0, but got -1"),
        ({"max_result_mb": 0}, ValueError, "`max_result_mb`.*megabytes > 0, but got 0"),
        ({"artifact_dir": 3}, ValueError, "`artifact_dir` must be a path or None, but got 3"),
        ({"artifact_dir": "s3://b/c"}, ValueError, "`artifact_dir` must be a folder .*'s3://b/c'"),
        ({"spark_session": 5}, ValueError, "`spark_session` must be a SparkSession, but got 5"),
    ],
)
def test_wrong_arguments(options, error, sentence, spark):
    """Wrong arguments of SparkTrials are refused with a sentence."""
    with pytest.raises(error, match=sentence):
        SparkTrials(**options)


def test_memo_and_ctrl_stay_on_the_driver(trials, saddle):
    """pass_expr_memo_ctrl is refused on Spark."""
    with pytest.raises(ValueError, match=r"`pass_expr_memo_ctrl`.* not on Spark"):
        quiet(saddle_loss, saddle, max_evals=2, trials=trials, pass_expr_memo_ctrl=True)


@pytest.mark.classic
def test_profiles_need_a_cluster(trials, saddle):
    """A resource profile on a local master is refused with a sentence."""
    from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests

    if not trials._session.sparkContext.master.startswith("local"):
        pytest.skip("a standalone cluster takes profiles")
    profile = ResourceProfileBuilder().require(TaskResourceRequests().cpus(1)).build
    with_profile = SparkTrials(2, spark_session=trials._session, resource_profile=profile)
    with pytest.raises(ValueError, match=r"resource_profile needs a cluster.*has none"):
        quiet(saddle_loss, saddle, max_evals=2, trials=with_profile)


def test_arrays_come_back(trials):
    """Results with numpy arrays and classes of the script come back whole."""

    class Model:
        def __init__(self, weights):
            self.weights = weights

    def objective(x):
        return {"loss": x, "model": Model(np.full(3, x))}

    quiet(objective, hp.uniform("x", 0, 1), max_evals=4, trials=trials)
    best = trials.best_trial["result"]
    assert isinstance(best["model"], Model)
    assert best["model"].weights.tolist() == [best["loss"]] * 3


def test_modules_registered_by_value_travel(trials, tmp_path, monkeypatch):
    """A module that executors lack travels once it is registered with cloudpickle."""
    import importlib

    import cloudpickle

    (tmp_path / "only_on_the_driver.py").write_text("def square(x):\n    return x * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("only_on_the_driver")
    square = module.square
    objective = lambda x: square(x)  # noqa: E731
    space = hp.uniform("x", 0, 1)
    with pytest.raises(AllTrialsFailed, match="No module named 'only_on_the_driver'"):
        quiet(objective, space, max_evals=1, trials=trials)
    cloudpickle.register_pickle_by_value(module)
    quiet(objective, space, max_evals=3, trials=trials)
    assert trials.count_successful_trials() == 2


def test_objectives_that_use_spark(trials):
    """In the driver's mode an objective uses the session, and its trials run side by side."""
    session = trials._session
    began = []

    def objective(x):
        began.append(threading.get_ident())
        return x + session.range(100).selectExpr("sum(id) as total").first().total

    options = {"max_evals": 8, "show_progressbar": False}
    driver = SparkTrials(4, spark_session=session, mode="driver")
    advised = "made with spark.scheduler.mode=FAIR"
    with nullcontext() if _is_connect(session) else pytest.warns(UserWarning, match=advised):
        best = fmin(objective, hp.uniform("x", 0, 1), trials=driver, **options)
    assert driver.best_loss == 4950 + best["x"]
    assert len(set(began)) > 1


@pytest.mark.filterwarnings("ignore:.*scheduler.mode=FAIR")
def test_spark_jobs_of_a_stopped_trial_end(trials, tmp_path, wait_for):
    """In the driver's mode, what a cancelled trial runs on Spark is cancelled with it."""
    session = trials._session

    def objective(x):
        from pyspark.sql.functions import udf

        def sleep(i):
            (tmp_path / str(os.getpid())).touch()
            time.sleep(60)

        session.range(0, 1, 1, 1).select(udf(sleep, useArrow=False)("id")).collect()

    driver = SparkTrials(2, spark_session=session, mode="driver")

    def stop():
        wait_for(lambda: len(list(tmp_path.iterdir())) == 2, 60)
        driver.cancel()

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(AllTrialsFailed, match="cancelled by the user"):
        quiet(objective, hp.uniform("x", 0, 1), max_evals=8, trials=driver)
    assert wait_for(lambda: not alive(path.name for path in tmp_path.iterdir()))


@pytest.mark.classic
def test_broadcast_variables_and_accumulators_of_pyspark(trials):
    """An objective may use pyspark's own broadcast variables and accumulators, run after run."""
    context = trials._session.sparkContext
    table, calls = context.broadcast({"slope": 2.0}), context.accumulator(0)

    def objective(x):
        calls.add(1)
        return table.value["slope"] * x

    for _ in range(2):
        again = SparkTrials(4, spark_session=trials._session)
        quiet(objective, hp.uniform("x", 0, 1), max_evals=10, trials=again)
        assert again.best_loss == 2.0 * again.argmin["x"]
    assert calls.value == 20
    other = context.broadcast("later")
    quiet(lambda x: x if other.value == "later" else 9.0, hp.uniform("x", 0, 1), max_evals=4,
          trials=trials)  # fmt: skip
    assert trials.best_loss < 1


@pytest.mark.classic
def test_jobs_keep_the_cells_group_and_pool(trials, wait_for):
    """Jobs of trials are in the caller's job group and pool, and end with that group."""
    context = trials._session.sparkContext
    tracker, pools = context.statusTracker(), set()

    def cancel():
        wait_for(lambda: len(tracker.getJobIdsForGroup("a cell")) >= 4, 60)
        for stage in tracker.getActiveStageIds():
            pools.add(context._jsc.sc().statusStore().lastStageAttempt(stage).schedulingPool())
        context.cancelJobGroup("a cell")

    context.setJobGroup("a cell", "what the cell does")
    context.setLocalProperty("spark.scheduler.pool", "of the cell")
    try:
        threading.Thread(target=cancel, daemon=True).start()
        with pytest.raises(AllTrialsFailed, match="cancelled by the user"):
            quiet(lambda x: time.sleep(60), hp.uniform("x", 0, 1), max_evals=20, trials=trials)
    finally:
        for name in ("spark.jobGroup.id", "spark.job.description", "spark.scheduler.pool"):
            context.setLocalProperty(name, None)
    assert trials.count_cancelled_trials() == len(trials._dynamic_trials) == 4
    assert pools == {"of the cell"}


@pytest.mark.classic
def test_one_job_cancelled_in_spark_is_one_cancelled_trial(trials, wait_for):
    """A job that is killed from outside is a cancelled trial with a reason; the run goes on."""
    context = trials._session.sparkContext

    def objective(x, trial):
        time.sleep(60 if trial.number == 2 else 0.05)
        return x

    def kill():
        store = context._jsc.sc().statusStore()
        jobs = context.statusTracker().getActiveJobsIds
        title = lambda job: store.job(job).description().get()  # noqa: E731
        wait_for(lambda: any(title(job).startswith("trial 2:") for job in jobs()), 60)
        time.sleep(1)
        for job in jobs():
            if title(job).startswith("trial 2:"):
                context._jsc.sc().cancelJob(job)

    threading.Thread(target=kill, daemon=True).start()
    quiet(objective, hp.uniform("x", 0, 1), max_evals=12, trials=trials)
    frame = trials.to_pandas()
    assert list(frame.index[frame["status"] == "cancelled"]) == [2]
    assert frame["error"][2].startswith("cancelled from outside")
    assert trials.count_successful_trials() == 12


def test_the_drivers_cancel_is_the_last_resort(trials, monkeypatch):
    """Where nothing on the executor keeps a trial's time, the driver cancels its job."""
    from sparktune.engines import spark_base

    monkeypatch.setattr(spark_base, "_OVERDUE_SECONDS", 2.0)
    timed = SparkTrials(4, spark_session=trials._session, trial_timeout=1.0, trial_grace=0.5)

    def objective(x, trial):
        if trial.number == 1:
            parent = os.getpid()
            for _ in range(2):  # the watchdog, Spark's worker
                stat = Path(f"/proc/{parent}/stat").read_text()
                parent = int(stat.rpartition(")")[2].split()[1])
            os.kill(parent, signal.SIGSTOP)
            with suppress(BaseException):
                time.sleep(60)
            time.sleep(60)
        return x

    quiet(objective, hp.uniform("x", 0, 1), max_evals=8, trials=timed)
    assert timed.to_pandas()["status"].value_counts().to_dict() == {"ok": 7, "timed_out": 1}
    assert "cancelled by the driver after" in timed.errors()[1]


def test_retries_of_crashes(trials, tmp_path):
    """A crashed trial runs again where that is asked for, and fails when it does it again."""

    def objective(x, trial):
        if trial.number == 1 or (trial.number == 0 and trial.attempt == 0):
            os._exit(3)
        return {"loss": x, "attempt": trial.attempt}

    again = SparkTrials(4, spark_session=trials._session, retry_crashes=True, max_retries=2)
    quiet(objective, hp.uniform("x", 0, 1), max_evals=6, trials=again)
    frame = again.to_pandas()
    assert list(frame["status"]) == ["ok", "failed", "ok", "ok", "ok", "ok"]
    assert list(frame["attempt"]) == [1, 2, 0, 0, 0, 0]


def test_archives_added_later_reach_warm_processes(trials, tmp_path):
    """A zip of modules that is added to the session is found by processes that run already."""
    archive = tmp_path / "late_modules.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("late_module.py", "half = lambda x: x / 2")

    def objective(x):
        import late_module

        return late_module.half(x)

    space = hp.uniform("x", 0, 1)
    with pytest.raises(AllTrialsFailed, match="the module 'late_module' is not installed"):
        quiet(objective, space, max_evals=4, trials=trials)
    if _is_connect(trials._session):
        trials._session.addArtifacts(str(archive), pyfile=True)
    else:
        trials._session.sparkContext.addPyFile(str(archive))
    quiet(objective, space, max_evals=8, trials=trials)
    assert trials.count_successful_trials() == 4


@pytest.mark.slow
def test_executors_need_nothing_installed(run_python, tmp_path):
    """Trials run on a Python without sparktune, cloudpickle, numpy or anything installed."""
    import venv

    venv.create(tmp_path / "bare", with_pip=False)
    script = """
import sys
from sparktune import STATUS_OK, SparkTrials, fmin, hp
def objective(config, trial):
    missing = []
    for name in ("sparktune", "cloudpickle", "numpy"):
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
    trial.report(0, 1.0)
    return {"loss": config["x"] ** 2, "status": STATUS_OK, "missing": missing,
            "python": sys.executable}
trials = SparkTrials(parallelism=2)
fmin(objective, {"x": hp.uniform("x", -1, 1)}, max_evals=6, trials=trials)
print(trials.count_successful_trials(), trials.best_trial["result"])
"""
    python = str(tmp_path / "bare" / "bin" / "python")
    out = run_python(script, env={"PYSPARK_PYTHON": python}).stdout
    assert out.startswith("6 ")
    assert "'missing': ['sparktune', 'cloudpickle', 'numpy']" in out
    assert repr(python) in out


@pytest.mark.slow
def test_local_workers_run_the_drivers_python(run_python):
    """On a local master without PYSPARK_PYTHON the workers run the driver's own Python."""
    script = """
import os, sys
os.environ.pop("PYSPARK_PYTHON", None)
from pyspark.sql import SparkSession
from sparktune import SparkTrials, fmin, hp
if "first" in sys.argv:
    SparkSession.builder.master("local[2]").getOrCreate()
trials = SparkTrials(parallelism=2)
objective = lambda x: {"loss": x, "python": sys.executable}
fmin(objective, hp.uniform("x", 0, 1), max_evals=2, trials=trials)
print(trials.results[0]["python"] == sys.executable)
"""
    assert run_python(script).stdout.endswith("True\n")
    assert run_python(script, "first").stdout.endswith("True\n")


@pytest.mark.slow
def test_a_stopped_context_ends_the_run(run_python):
    """When the SparkContext is stopped, fmin ends with an error and keeps what has ended."""
    script = """
import threading, time
from sparktune import EngineStopped, SparkTrials, fmin, hp
trials = SparkTrials(parallelism=2)
def stop(trials):
    if trials.count_total_trials() >= 3 and not stopping:
        stopping.append(threading.Thread(target=trials._session.stop))
        stopping[0].start()
    return False, []
stopping = []
try:
    fmin(lambda x, trial: time.sleep(20 * (trial.number > 5)) or x, hp.uniform("x", 0, 1),
         max_evals=50, trials=trials, early_stop_fn=stop, show_progressbar=False)
except EngineStopped as error:
    print(error)
stopping[0].join()
print(trials.count_total_trials() >= 3, trials.count_by_state_synced(1))
fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals=10, trials=trials, show_progressbar=False)
print(trials.count_total_trials())
"""
    out = run_python(script).stdout.splitlines()
    assert "the SparkContext was stopped while trials were running" in out[0]
    assert out[1:] == ["True 0", "10"]


@pytest.mark.slow
def test_on_executors_of_their_own(run_python, tmp_path):
    """A crash runs once though Spark would try again; a lost executor's trial runs once more."""
    script = """
import os, signal, time
from pathlib import Path
from pyspark.sql import SparkSession
from sparktune import SparkTrials, fmin, hp
folder = Path.cwd()
session = SparkSession.builder.master("local-cluster[2,1,1024]").config(
    map={"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}).getOrCreate()
def ancestor(pid, generations):
    for _ in range(generations):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid
def objective(n):
    with open(folder / "log", "a") as log:
        log.write(f"{n}")
    if n == 3:
        os._exit(1)
    if n == 5 and not (folder / "killed").exists():
        (folder / "killed").touch()
        # above the trial: its watchdog, Spark's worker, the daemon of workers, the executor's JVM
        os.kill(ancestor(os.getpid(), 4), signal.SIGKILL)
        time.sleep(60)
    return n
trials = SparkTrials(parallelism=2)
fmin(objective, hp.randint("n", 8), max_evals=8, trials=trials, show_progressbar=False)
frame = trials.to_pandas().sort_values("params_n")
print(list(frame["status"]), list(frame["attempt"]))
print(frame[frame["params_n"] == 3]["error"].iloc[0].splitlines()[0])
print("".join(sorted((folder / "log").read_text())))
"""
    env = {"PYSPARK_PYTHON": os.sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    out = run_python(script, env=env).stdout.splitlines()
    assert out[0] == str(["ok"] * 3 + ["failed"] + ["ok"] * 4) + " " + str([0] * 5 + [1, 0, 0])
    assert out[1].startswith("the trial's process died under the objective: it exited with code 1")
    assert out[2] == "012345567"


def test_an_engine_on_a_stopped_context_is_refused():
    """A run on a context that was stopped is refused before anything starts."""
    from sparktune.engines.base import Job
    from sparktune.engines.spark_classic import SparkClassic

    class Stopped:
        _jsc = None

    with pytest.raises(EngineStopped, match="was stopped; create a new session"):
        SparkClassic(Stopped(), 2).open(Job(len, "r"))
