"""SparkTrials on a real session: failures, cancelling, going on, and what travels."""

import contextlib
import functools
import importlib
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import pytest

from sparktune import (
    STATUS_FAIL,
    AllTrialsFailed,
    SparkTrials,
    Trials,
    UnpicklableObjective,
    early_stop,
    fmin,
    hp,
    rand,
    tpe,
)
from sparktune.trials.spark import (
    FMIN_CANCELLED_REASON_EARLY_STOPPING,
    FMIN_CANCELLED_REASON_TIMEOUT,
    FMIN_CANCELLED_REASON_USER,
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


@pytest.mark.deployments("local")
def test_what_cannot_be_pickled_is_refused_before_anything_runs(trials, saddle):
    """An objective that cannot travel is refused, by the name of what cannot."""
    handle = threading.Lock()
    with pytest.raises(UnpicklableObjective, match="'handle' of type lock"):
        quiet(lambda config: handle and 0.0, saddle, max_evals=3, trials=trials)
    assert len(trials) == 0
    with pytest.raises(UnpicklableObjective, match=r"an option of 'h' .* a lock"):
        quiet(
            lambda c: 0.0, {"h": hp.choice("h", [handle])}, max_evals=3,
            trials=SparkTrials(2, spark_session=trials.session),
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
    pids = {result["pid"] for result in trials.results if result["status"] == "ok"}
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


@pytest.mark.parametrize(
    "how",
    [
        "cancel",
        "loss_threshold",
        *(
            pytest.param(how, marks=pytest.mark.full)
            for how in ("timeout", "early_stop", "interrupt")
        ),
    ],
)
def test_ending_early_cancels_the_tasks(
    trials, how, tmp_path, caplog, wait_for, gate, clock, is_connect
):
    """Every way to end early keeps what ended, waits for nothing and kills what runs."""
    door = gate.door()

    def objective(x):
        if x >= 0.5:
            children = [subprocess.Popen(["sleep", "600"]).pid, os.fork()]
            if not children[1]:
                time.sleep(600)
                os._exit(0)
            for pid in (os.getpid(), *children):
                (tmp_path / str(pid)).touch()
            door()
        return x

    points = [{"x": x} for x in (0.1, 0.2, 0.9, 0.8, 0.3)]
    options = {"points_to_evaluate": points, "max_evals": 50, "trials": trials}

    def first_has_ended():
        return bool(trials.history) and trials.history[0].outcome is not None

    def stop(trials):
        return first_has_ended() and bool(gate.reached_by(2)), []

    def interrupt():
        wait_for(first_has_ended)
        gate.reached_by(2)
        if how == "timeout":
            clock.advance(2)
        elif how == "cancel":
            trials.cancel()
        else:
            os.kill(os.getpid(), signal.SIGINT)

    space = hp.uniform("x", 0.1, 1)
    if how in ("timeout", "cancel", "interrupt"):
        threading.Thread(target=interrupt, daemon=True).start()
    if how == "timeout":
        quiet(objective, space, timeout=1, **options)
        assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_TIMEOUT
    elif how == "loss_threshold":
        quiet(objective, space, loss_threshold=0.1, **options)
    elif how == "early_stop":
        quiet(objective, space, early_stop_fn=stop, **options)
        assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_EARLY_STOPPING
    elif how == "cancel":
        quiet(objective, space, **options)
        assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_USER
    else:
        with pytest.raises(KeyboardInterrupt):
            quiet(objective, space, **options)
        assert "finished trials are kept; best loss 0.1" in caplog.text
    assert trials.argmin == {"x": 0.1}
    assert trials.count_successful_trials() >= 1
    assert trials.count_cancelled_trials() >= 1
    assert trials.count_successful_trials() + trials.count_cancelled_trials() == len(
        trials._dynamic_trials
    )
    assert wait_for(lambda: not alive(p.name for p in tmp_path.iterdir()))
    if not is_connect:
        tracker = trials.session.sparkContext.statusTracker()
        assert wait_for(lambda: not tracker.getActiveJobsIds())


def test_a_run_goes_on_after_a_timeout(trials, gate, clock):
    """After a timeout a larger budget goes on with the same trials."""
    door = gate.door()

    def objective(x, trial):
        if trial.number >= 4:
            door()
        return x

    def let_it_be_late():
        gate.reached_by(4)
        clock.advance(2)

    threading.Thread(target=let_it_be_late, daemon=True).start()
    quiet(objective, hp.uniform("x", 0, 1), max_evals=30, timeout=1, trials=trials)
    assert trials.count_successful_trials() == 4
    quiet(lambda x: x, hp.uniform("x", 0, 1), max_evals=12, trials=trials)
    assert trials.count_successful_trials() == 12
    assert trials.fmin_cancelled_reason is None


def test_the_constructors_budget_counts(spark, gate, clock):
    """Timeout and loss_threshold of the constructor hold unless fmin gives its own."""
    trials = SparkTrials(4, loss_threshold=0.5, spark_session=spark)
    quiet(lambda x: x, hp.uniform("x", 0, 1), max_evals=500, trials=trials)
    assert trials.count_total_trials() < 100
    trials, door = SparkTrials(4, timeout=1, spark_session=spark), gate.door()

    def objective(x):
        if x != 0.01:
            door()
        return x

    def let_it_be_late():
        gate.reached_by(4)
        clock.advance(2)

    threading.Thread(target=let_it_be_late, daemon=True).start()
    points = [{"x": 0.01}]
    quiet(objective, hp.uniform("x", 0, 1), trials=trials, points_to_evaluate=points)
    assert trials.fmin_cancelled_reason == FMIN_CANCELLED_REASON_TIMEOUT
    assert trials.argmin == {"x": 0.01}


@pytest.mark.deployments("local")
def test_early_stopping_on_spark(trials, saddle):
    """no_progress_loss ends a run on Spark."""
    quiet(
        lambda c: 1.0, saddle, max_evals=500, trials=trials,
        early_stop_fn=early_stop.no_progress_loss(5),
    )  # fmt: skip
    assert 6 <= trials.count_total_trials() < 20


@pytest.mark.deployments("local", "connect")
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
    with pytest.warns(UserWarning, match="took 4 trials at a time.* tenth of max_evals=8"):
        quiet(abs, hp.uniform("x", 0, 1), max_evals=8, trials=trials)


def test_a_session_is_found_and_left_as_it_is_from_another_thread(spark, is_connect):
    """SparkTrials() in a thread that made no session takes the program's, and changes nothing."""

    def state():
        settings = {} if is_connect else dict(spark.sparkContext._conf.getAll())
        if not is_connect:
            for name in ("spark.jobGroup.id", "spark.scheduler.pool", "spark.job.description"):
                settings[name] = spark.sparkContext.getLocalProperty(name)
        rows = spark.sql("SET").collect()
        return {row.key: row.value for row in rows}, settings, type(spark).getActiveSession()

    def made():
        found.append(SparkTrials(parallelism=2))
        quiet(abs, hp.uniform("x", 0, 1), max_evals=4, trials=found[0])
        found.append(type(spark).getActiveSession())

    state()  # the first statement makes Spark fill in settings of its own
    before, found = state(), []
    thread = threading.Thread(target=made)
    thread.start()
    thread.join()
    assert found[0].session is spark
    assert len(found[0]) == 4
    assert state() == before


def test_queueing_ahead_on_spark(trials, saddle):
    """max_queue_len draws trials ahead of the slots, and all of them run."""
    quiet(saddle_loss, saddle, max_evals=20, trials=trials, max_queue_len=5)
    assert len(trials) == 20


@pytest.mark.deployments("local", "standalone")
def test_jobs_carry_the_trial(trials, gate):
    """Each Spark job is described by its trial and belongs to the tags of its run."""
    seen, door = [], gate.door()

    def watch():
        gate.reached_by(4)
        context = trials.session.sparkContext
        store = context._jsc.sc().statusStore()
        for job in context.statusTracker().getActiveJobsIds():
            data = store.job(job)
            seen.append((data.description().get(), data.jobTags().mkString(" ")))
        gate.open()

    def objective(x):
        door()
        return x

    threading.Thread(target=watch, daemon=True).start()
    quiet(objective, hp.uniform("x", 0, 1), max_evals=8, trials=trials)
    assert sorted(re.match(r"trial (\d): x=\d", title)[1] for title, _ in seen) == list("0123")
    assert all("sparktune-" in tags for _, tags in seen)


@pytest.mark.deployments("local")
def test_memo_and_ctrl_stay_on_the_driver(trials, saddle):
    """pass_expr_memo_ctrl is refused on Spark."""
    with pytest.raises(ValueError, match=r"`pass_expr_memo_ctrl`.* not on Spark"):
        quiet(saddle_loss, saddle, max_evals=2, trials=trials, pass_expr_memo_ctrl=True)


@pytest.mark.deployments("local")
def test_profiles_need_a_cluster(trials, saddle):
    """A resource profile on a local master is refused with a sentence."""
    from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests

    profile = ResourceProfileBuilder().require(TaskResourceRequests().cpus(1)).build
    with_profile = SparkTrials(2, spark_session=trials.session, resource_profile=profile)
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
    import cloudpickle

    (tmp_path / "only_on_the_driver.py").write_text("def square(x):\n    return x * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("only_on_the_driver")
    square = module.square
    objective = lambda x: square(x)  # noqa: E731
    space = hp.uniform("x", 0, 1)
    # found by nobody's path, as on a machine of another kind
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != str(tmp_path)])
    with pytest.raises(AllTrialsFailed, match="No module named 'only_on_the_driver'"):
        quiet(objective, space, max_evals=1, trials=trials)
    cloudpickle.register_pickle_by_value(module)
    quiet(objective, space, max_evals=3, trials=trials)
    assert trials.count_successful_trials() == 2


@pytest.mark.deployments("local", "connect")
def test_trials_of_a_local_master_find_what_the_driver_finds(trials, tmp_path, monkeypatch):
    """Folders that were added to sys.path are found, behind what the worker has of its own."""
    (tmp_path / "beside_the_script.py").write_text("def half(x):\n    return x / 2\n")
    (tmp_path / "colorsys.py").write_text("raise ImportError('Python has one of its own')\n")

    def objective(x):
        import colorsys  # noqa: F401

        import beside_the_script

        return beside_the_script.half(x)

    quiet(lambda x: x, hp.uniform("x", 0, 1), max_evals=4, trials=trials)  # processes are warm
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    quiet(objective, hp.uniform("x", 0, 1), max_evals=8, trials=trials)
    assert trials.count_successful_trials() == 8


@pytest.mark.deployments("local", "connect")
def test_a_module_that_was_edited_and_reloaded_is_what_trials_run(
    trials, tmp_path, monkeypatch, is_connect
):
    """The next run has the edited module, also where a job of Spark imported the old one."""
    name = "edited_between_runs"
    path = tmp_path / f"{name}.py"
    path.write_text("def score(x):\n    return 1.0\n")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module(name)
    if not is_connect:
        folder = str(tmp_path)

        def imported(rows):
            sys.path.append(folder)
            sys.dont_write_bytecode = True
            try:
                yield __import__(name).score(0)
            finally:
                sys.path.remove(folder)

        context = trials.session.sparkContext
        assert context.parallelize(range(8), 8).mapPartitions(imported).collect() == [1.0] * 8
    objective = lambda x: module.score(x)  # noqa: E731
    quiet(objective, hp.uniform("x", 0, 1), max_evals=4, trials=trials)
    path.write_text("def score(x):\n    return 2.25\n")
    importlib.reload(module)
    quiet(objective, hp.uniform("x", 0, 1), max_evals=8, trials=trials)
    assert trials.losses() == [1.0] * 4 + [2.25] * 4


def test_what_belongs_to_the_session_is_refused_before_anything_runs(trials, is_connect):
    """Data frames, the session and what hangs on them are refused, with mode='driver'."""
    session = trials.session
    frame = session.range(3)
    held = {"frame": [frame]}
    things = {
        "frame": frame, "session": session, "grouped": frame.groupBy("id"), "reader": session.read,
        "held": held,
    }  # fmt: skip
    if not is_connect:
        context = session.sparkContext
        things |= {"context": context, "rdd": context.parallelize([1]), "java": context._jvm}
    for name, thing in things.items():
        with pytest.raises(UnpicklableObjective) as error:
            quiet(lambda x, thing=thing: x, hp.uniform("x", 0, 1), max_evals=9, trials=trials)
        text = str(error.value)
        assert "pickled: its default 'thing'" in text, name
        assert "it belongs to the Spark session" in text, name
        assert 'SparkTrials(mode="driver")' in text, name
    assert len(trials) == 0
    rows = frame.collect()
    quiet(lambda x: x * len(rows), hp.uniform("x", 0, 1), max_evals=2, trials=trials)


def test_a_trial_that_makes_a_session_says_where_there_is_one(trials, is_connect):
    """Making or looking up a session fails by name of mode='driver', where it works."""

    def looked_up(x):
        from pyspark.sql import SparkSession

        return SparkSession.getActiveSession().range(3).count()

    def made(x):
        from pyspark.sql import SparkSession

        return SparkSession.builder.getOrCreate().range(3).count()

    space = hp.uniform("x", 0, 1)
    for objective in (looked_up, made):
        again = SparkTrials(2, spark_session=trials.session)
        with pytest.raises(
            AllTrialsFailed, match=r'SparkTrials\(mode="driver"\) runs trials where'
        ):
            quiet(objective, space, max_evals=2, trials=again)
    for objective in (looked_up,) if is_connect else (looked_up, made):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "the Spark jobs of trials in mode='driver'")
            driver = SparkTrials(2, spark_session=trials.session, mode="driver")
            quiet(objective, space, max_evals=3, trials=driver)
        assert driver.losses() == [3.0] * 3


def test_objectives_that_use_spark(trials, is_connect):
    """In the driver's mode an objective uses the session, and its trials run side by side."""
    session = trials.session
    began = []

    def objective(x):
        began.append(threading.get_ident())
        return x + session.range(100).selectExpr("sum(id) as total").first().total

    options = {"max_evals": 8, "show_progressbar": False}
    driver = SparkTrials(4, spark_session=session, mode="driver")
    advised = "made with spark.scheduler.mode=FAIR"
    with nullcontext() if is_connect else pytest.warns(UserWarning, match=advised):
        best = fmin(objective, hp.uniform("x", 0, 1), trials=driver, **options)
    assert driver.best_loss == 4950 + best["x"]
    assert len(set(began)) > 1


@pytest.mark.filterwarnings("ignore:.*scheduler.mode=FAIR")
@pytest.mark.parametrize("thread", ["trial's", "own"])
def test_spark_jobs_of_a_stopped_trial_end(thread, trials, is_connect, tmp_path, wait_for):
    """In the driver's mode Spark jobs of a cancelled trial end, also in threads of its own."""
    session = trials.session

    def objective(x):
        if thread == "trial's":
            return job()
        from pyspark import InheritableThread

        def quietly():
            with contextlib.suppress(Exception):  # the job was cancelled
                job()

        own = InheritableThread(target=quietly, **({"session": session} if is_connect else {}))
        own.daemon = True
        own.start()
        return own.join()

    def job():
        from pyspark.sql.functions import udf

        def sleep(i):
            (tmp_path / str(os.getpid())).touch()
            time.sleep(600)

        session.range(0, 1, 1, 1).select(udf(sleep, useArrow=False)("id")).collect()

    driver = SparkTrials(2, spark_session=session, mode="driver")

    def stop():
        wait_for(lambda: len(list(tmp_path.iterdir())) == 2)
        driver.cancel()

    threading.Thread(target=stop, daemon=True).start()
    with pytest.raises(AllTrialsFailed, match="cancelled by the user"):
        quiet(objective, hp.uniform("x", 0, 1), max_evals=8, trials=driver)
    assert wait_for(lambda: not alive(path.name for path in tmp_path.iterdir()))


@pytest.mark.filterwarnings("ignore:.*scheduler.mode=FAIR")
def test_pruning_where_trials_run(trials):
    """Tasks of Spark refuse a pruner with what to do; in the driver's mode it ends trials."""

    def objective(x, trial):
        for step in range(1, 4):
            trial.report(step, x)
        return x

    def above_half(history, number):
        return history.last_report(number)[1] > 0.5

    with pytest.raises(ValueError, match="`pruner` needs trials whose reports arrive while"):
        quiet(objective, hp.uniform("x", 0, 1), max_evals=3, trials=trials, pruner=above_half)
    driver = SparkTrials(2, spark_session=trials.session, mode="driver")
    options = {"algo": rand, "rstate": 0, "pruner": above_half}
    quiet(objective, hp.uniform("x", 0, 1), max_evals=12, trials=driver, **options)
    assert [loss is None for loss in driver.losses()] == [x > 0.5 for x in driver.vals["x"]]
    assert 2 < driver.count_pruned_trials() < 10


@pytest.mark.deployments("local", "standalone")
def test_broadcast_variables_and_accumulators_of_pyspark(trials):
    """An objective may use pyspark's own broadcast variables and accumulators, run after run."""
    context = trials.session.sparkContext
    table, calls = context.broadcast({"slope": 2.0}), context.accumulator(0)

    def objective(x):
        calls.add(1)
        return table.value["slope"] * x

    for _ in range(2):
        again = SparkTrials(4, spark_session=trials.session)
        quiet(objective, hp.uniform("x", 0, 1), max_evals=10, trials=again)
        assert again.best_loss == 2.0 * again.argmin["x"]
    assert calls.value == 20
    other = context.broadcast("later")
    quiet(lambda x: x if other.value == "later" else 9.0, hp.uniform("x", 0, 1), max_evals=4,
          trials=trials)  # fmt: skip
    assert trials.best_loss < 1


@pytest.mark.deployments("local", "standalone")
def test_jobs_keep_the_cells_group_and_pool(trials, gate):
    """Jobs of trials are in the caller's job group and pool, and end with that group."""
    context = trials.session.sparkContext
    tracker, pools, door = context.statusTracker(), set(), gate.door()

    def cancel():
        gate.reached_by(4)
        assert len(tracker.getJobIdsForGroup("a cell")) == 4
        for stage in tracker.getActiveStageIds():
            pools.add(context._jsc.sc().statusStore().lastStageAttempt(stage).schedulingPool())
        context.cancelJobGroup("a cell")

    context.setJobGroup("a cell", "what the cell does")
    context.setLocalProperty("spark.scheduler.pool", "of the cell")
    try:
        threading.Thread(target=cancel, daemon=True).start()
        with pytest.raises(AllTrialsFailed, match="cancelled by the user"):
            quiet(lambda x: door(), hp.uniform("x", 0, 1), max_evals=20, trials=trials)
    finally:
        for name in ("spark.jobGroup.id", "spark.job.description", "spark.scheduler.pool"):
            context.setLocalProperty(name, None)
    assert trials.count_cancelled_trials() == len(trials._dynamic_trials) == 4
    assert pools == {"of the cell"}


@pytest.mark.deployments("local", "standalone")
def test_one_job_cancelled_in_spark_is_one_cancelled_trial(trials, gate):
    """A job that is killed from outside is a cancelled trial with a reason; the run goes on."""
    context = trials.session.sparkContext

    door = gate.door()

    def objective(x, trial):
        if trial.number == 2:
            door()
        return x

    def kill():
        gate.reached_by(1)
        store = context._jsc.sc().statusStore()
        for job in context.statusTracker().getActiveJobsIds():
            if store.job(job).description().get().startswith("trial 2:"):
                context._jsc.sc().cancelJob(job)

    threading.Thread(target=kill, daemon=True).start()
    quiet(objective, hp.uniform("x", 0, 1), max_evals=12, trials=trials)
    frame = trials.to_pandas()
    assert list(frame.index[frame["status"] == "cancelled"]) == [2]
    assert frame["error"][2].startswith("cancelled from outside")
    assert trials.count_successful_trials() == 12


def test_the_drivers_cancel_is_the_last_resort(trials, monkeypatch):
    """Where nothing on the executor keeps a trial's time, the driver cancels its job."""
    from sparktune.engines.spark import job_per_trial

    monkeypatch.setattr(job_per_trial, "_OVERDUE_SECONDS", 2.0)
    timed = SparkTrials(4, spark_session=trials.session, trial_timeout=1.0, trial_grace=0.5)

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

    quiet(lambda x: x, hp.uniform("x", 0, 1), max_evals=8, trials=trials)  # processes are warm
    quiet(objective, hp.uniform("x", 0, 1), max_evals=8, trials=timed)
    assert timed.to_pandas()["status"].value_counts().to_dict() == {"ok": 7, "timed_out": 1}
    assert "cancelled by the driver after" in timed.errors()[1]


def test_retries_of_crashes(trials, tmp_path):
    """A crashed trial runs again where that is asked for, and fails when it does it again."""

    def objective(x, trial):
        if trial.number == 1 or (trial.number == 0 and trial.attempt == 0):
            os._exit(3)
        return {"loss": x, "attempt": trial.attempt}

    again = SparkTrials(4, spark_session=trials.session, retry_crashes=True, max_retries=2)
    quiet(objective, hp.uniform("x", 0, 1), max_evals=6, trials=again)
    frame = again.to_pandas()
    assert list(frame["status"]) == ["ok", "failed", "ok", "ok", "ok", "ok"]
    assert list(frame["attempt"]) == [1, 2, 0, 0, 0, 0]


def test_archives_added_later_reach_warm_processes(trials, tmp_path, is_connect):
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
    if is_connect:
        trials.session.addArtifacts(str(archive), pyfile=True)
    else:
        trials.session.sparkContext.addPyFile(str(archive))
    quiet(objective, space, max_evals=8, trials=trials)
    assert trials.count_successful_trials() == 4
