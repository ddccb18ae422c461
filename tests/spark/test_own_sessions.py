"""Scripts that make or lose a Spark session of their own."""

import sys

import pytest

pytestmark = [pytest.mark.full, pytest.mark.deployments("local")]


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
            file = getattr(__import__(name), "__file__", None)  # none of the stand-in's
        except ImportError:
            file = None
        if file is None:
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


def test_a_stopped_context_ends_the_run(run_python):
    """When the SparkContext is stopped, fmin ends with an error and keeps what has ended."""
    script = """
import threading, time
from sparktune import EngineStopped, SparkTrials, fmin, hp
trials = SparkTrials(parallelism=2)
def stop(trials):
    if trials.count_total_trials() >= 3 and not stopping:
        stopping.append(threading.Thread(target=trials.session.stop))
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


def test_a_context_that_the_jvm_stopped_is_replaced(run_python):
    """After a context was stopped from the JVM, trials run in a new session."""
    script = """
from sparktune import SparkTrials, fmin, hp
trials = SparkTrials(parallelism=2)
for number in (4, 8):
    fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals=number, trials=trials,
         show_progressbar=False)
    print(trials.count_total_trials())
    trials.session.sparkContext._jsc.sc().stop()
fresh = SparkTrials(parallelism=2)
fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals=4, trials=fresh, show_progressbar=False)
print(fresh.count_total_trials())
"""
    assert run_python(script).stdout.split() == ["4", "8", "4"]


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
    env = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    out = run_python(script, env=env).stdout.splitlines()
    assert out[0] == str(["ok"] * 3 + ["failed"] + ["ok"] * 4) + " " + str([0] * 5 + [1, 0, 0])
    assert out[1].startswith("the trial's process died under the objective: it exited with code 1")
    assert out[2] == "012345567"


@pytest.mark.parametrize("kind", ["master", "remote"])
def test_workers_that_spark_kills_when_they_are_silent(run_python, kind):
    """A run warns that long trials will be killed, they say why, and the named setting helps."""
    pytest.importorskip("pyspark", minversion="4.1")
    script = """
import sys, time, warnings
from pyspark.sql import SparkSession
from sparktune import SparkTrials, fmin, hp
conf = {"spark.ui.enabled": "false", "spark.python.worker.killOnIdleTimeout": "true",
        "spark.python.worker.idleTimeoutSeconds": "10"}
if sys.argv[1] == "master":
    session = SparkSession.builder.master("local[2]").config(map=conf).getOrCreate()
else:
    warnings.simplefilter("ignore")  # settings that only a server that starts takes
    session = SparkSession.builder.remote("local[2]").config(map=conf).getOrCreate()
def run():
    trials = SparkTrials(1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fmin(lambda n, trial: time.sleep(15 * trial.number) or n, hp.randint("n", 9), max_evals=2,
             trials=trials, show_progressbar=False)
    said = [str(each.message) for each in caught if "Spark kills" in str(each.message)]
    return said, list(trials.to_pandas()["status"]), list(trials.to_pandas()["error"])
said, statuses, errors = run()
print(said[0])
print(statuses, errors[1].replace("\\n", " "))
if sys.argv[1] == "remote":
    session.conf.set("spark.sql.execution.pyspark.udf.killOnIdleTimeout", "false")
    print(*run())
"""
    out = run_python(script, kind).stdout.splitlines()
    prefix = "spark.python.worker" if kind == "master" else "spark.sql.execution.pyspark.udf"
    assert (
        f"more than 10 s in this session, as its Python worker is silent meanwhile: set {prefix}"
        in out[0]
    )
    assert out[1].startswith("['ok', 'failed'] Spark killed its Python worker, which is silent")
    if kind == "remote":
        assert out[2] == "[] ['ok', 'ok'] [None, None]"


@pytest.mark.parametrize(
    ("settings", "slots"),
    [({"spark.default.parallelism": "64"}, 4), ({"spark.task.cpus": "2"}, 2)],
)
@pytest.mark.parametrize("kind", ["classic", "connect"])
def test_slots_are_what_can_run_at_once(kind, settings, slots, run_python):
    """SparkTrials() takes what runs at once: `parallelism` says so, and a run does so."""
    script = """
import contextlib, sys, warnings
from pyspark.sql import SparkSession
from sparktune import SparkTrials, fmin, hp
from sparktune.cluster.local import LocalCluster
kind, key, value = sys.argv[1:]
with contextlib.ExitStack() as stack:
    if kind == "classic":
        builder = SparkSession.builder.master("local[4]").config(key, value)
    else:
        server = LocalCluster(workers=0, cores=4, connect=True, folder="c", conf={key: value})
        builder = SparkSession.builder.remote(stack.enter_context(server).remote)
    session = stack.enter_context(builder.getOrCreate())
    trials = SparkTrials(spark_session=session)
    print(trials.parallelism)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fmin(abs, hp.uniform("x", 0, 1), max_evals=8, trials=trials, show_progressbar=False)
    (said,) = [str(each.message) for each in caught if "took" in str(each.message)]
    print(said.split(" trials at")[0])
"""
    ((key, value),) = settings.items()
    env = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    out = run_python(script, kind, key, value, env=env).stdout.splitlines()
    assert out == [str(slots), f"SparkTrials() without parallelism took {slots}"]


@pytest.mark.parametrize("kind", ["classic", "connect"])
def test_a_python_that_workers_do_not_have(kind, run_python, tmp_path):
    """An interpreter that is not there ends the run with its name and what to set."""
    script = """
import contextlib, sys
from pathlib import Path
from pyspark.sql import SparkSession
from sparktune import EngineStopped, SparkTrials, fmin, hp
from sparktune.cluster.local import LocalCluster
with contextlib.ExitStack() as stack:
    if sys.argv[1] == "classic":
        builder = SparkSession.builder.master("local[2]")
    else:
        python = str(Path("python").absolute())
        server = LocalCluster(workers=0, connect=True, folder="c", python=python)
        builder = SparkSession.builder.remote(stack.enter_context(server).remote)
    Path("python").unlink()
    session = stack.enter_context(builder.getOrCreate())
    trials = SparkTrials(parallelism=2, spark_session=session)
    try:
        fmin(abs, hp.uniform("x", 0, 1), timeout=200, trials=trials, show_progressbar=False)
    except EngineStopped as error:
        print(len(trials), str(error).splitlines()[-1])
"""
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    env = {"PYSPARK_PYTHON": str(python), "SPARK_LOCAL_IP": "127.0.0.1"}
    out = run_python(script, kind, env=env).stdout
    assert out[0] in "34"
    assert f"workers run {python}" in out
    assert "Set PYSPARK_PYTHON" in out
    assert "sparktune doctor" in out
