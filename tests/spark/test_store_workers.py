"""Workers of a store that run as tasks of the deployment's session."""

import importlib.util
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
from databases import sqlite_url
from stores import KEY, Driving, Rows, opened, searched

from sparktune import StoreError, hp
from sparktune.exceptions import AllTrialsFailed
from sparktune.storage.stores.signing import VARIABLE
from sparktune.store import run_workers, start_workers

ROOT = Path(__file__).parents[2]
NUMBER = {"x": hp.uniform("x", -3, 3)}
SENT = """
import os

def square(config):
    return {"loss": config["x"] ** 2, "pid": os.getpid()}

def failing(config):
    raise ValueError("as always")
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.full)])
def url(request, tmp_path):
    """A store in either database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def file(tmp_path):
    """A store in SQLite."""
    return sqlite_url(tmp_path)


@pytest.fixture
def key(spark, monkeypatch):
    """A key, which the driver alone has: Spark's processes were there before it was set."""
    monkeypatch.setenv(VARIABLE, KEY)


@pytest.fixture(scope="module")
def sent(spark, is_connect, tmp_path_factory):
    """A module that the driver has, and executors by what Spark was told to send."""
    path = tmp_path_factory.mktemp("sent") / "sent_to_workers.py"
    path.write_text(SENT)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if is_connect:
        spark.addArtifacts(str(path), pyfile=True)
    else:
        spark.sparkContext.addPyFile(str(path))
    yield module
    del sys.modules[path.stem]


def driven(url, count, objective, **options):
    """A search for a number, two trials at a time."""
    return Driving(url, count, objective=objective, space=NUMBER, **options)


def in_spark(spark, is_connect, function):
    """What a function gives in each of eight tasks."""
    if not is_connect:
        return spark.sparkContext.parallelize(range(8), 8).map(lambda _: function()).collect()

    def batches(rows):
        import pyarrow

        for _ in rows:
            pass
        yield pyarrow.RecordBatch.from_pydict({"found": [function()]})

    return [
        row.found for row in spark.range(0, 8, 1, 8).mapInArrow(batches, "found string").collect()
    ]


def waiting_at(gate):
    """An objective whose trials wait at a gate."""
    door = gate.door()

    def objective(config):
        door()
        return config["x"] ** 2

    return objective


def test_workers_evaluate_a_search_of_the_same_program(spark, url, sent, wait_for):
    """In a `with` workers run beside fmin, with a module that Spark has sent; then they end."""
    with start_workers(spark, url, 2, "k", objectives=[sent.square]) as workers:
        trials = searched(url, 8, objective=sent.square, space=NUMBER)
        assert workers.alive == 2
    assert workers.alive == 0
    assert len(trials) == 8
    assert os.getpid() not in {result["pid"] for result in trials.results}
    with opened(url) as store:
        assert wait_for(lambda: store.workers() == 0)


def test_a_signed_objective_of_the_driver(spark, file, key, is_connect):
    """With a key workers take what the driver defined; afterwards no process of Spark has it."""
    name = VARIABLE

    def objective(config):
        import os

        return {"loss": config["x"] ** 2, "model": object, "key": os.environ.get(name)}

    with driven(file, 6, objective) as driving:
        assert run_workers(spark, file, 2, "k", max_jobs=3) == 6
        driving.wait()
    assert {(result["model"], result["key"]) for result in driving.trials.results} == {
        (object, None)
    }
    said = in_spark(spark, is_connect, lambda: __import__("os").environ.get(name, "none"))
    assert said == ["none"] * 8


@pytest.mark.full
def test_workers_that_are_stopped_give_their_trials_back(spark, file, key, gate, wait_for):
    """A trial whose worker is stopped is in the queue again, not lost, and others evaluate it."""
    with driven(file, 2, waiting_at(gate)) as driving:
        with start_workers(spark, file, 2, "k"):
            gate.reached_by(2)
        gate.left_by(2)
        with Rows(file) as rows:
            states = ("state", "attempt", "lost", "worker")
            back = ("queued", 0, 0, "")
            assert wait_for(lambda: {rows.trial(n, *states) for n in (0, 1)} == {back})
        gate.open()
        run_workers(spark, file, 2, "k", max_jobs=1)
        driving.wait()
    assert [trial.attempt for trial in driving.trials.history] == [0, 0]


@pytest.mark.full
def test_ctrl_c_ends_the_workers(spark, file, key, gate):
    """Ctrl-C leaves run_workers, and the trials that were under way are over with their tasks."""
    with driven(file, 2, waiting_at(gate)) as driving:

        def interrupt():
            gate.reached_by(2)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            run_workers(spark, file, 2, "k")
        gate.left_by(2)
        gate.open()
        run_workers(spark, file, 2, "k", max_jobs=1)
        driving.wait()
    assert len(driving.trials) == 2


def test_failures_in_a_row_end_a_worker_once(spark, file, sent):
    """A worker that ends with too many failures raises, and Spark does not begin it again."""
    with pytest.raises(AllTrialsFailed), driven(file, 20, sent.failing) as driving:
        with pytest.raises(
            StoreError, match=r"3 trials failed in a row, the last with[^$]*as always"
        ):
            run_workers(spark, file, 1, "k", objectives=[sent.failing], max_consecutive_failures=3)
        driving.trials.cancel()
    assert len(driving.trials) == 3


def test_what_is_wrong_is_said_at_the_call(spark, file, monkeypatch):
    """What no worker could do anything about is an error before any is started."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("SPARKTUNE_STORE", raising=False)
    with pytest.raises(ValueError, match="there is no store: give its URL, or set SPARKTUNE_STORE"):
        start_workers(spark)
    with pytest.raises(ValueError, match=r"`n` must be a whole number >= 1 or None, but got 0"):
        start_workers(spark, file, 0)
    with pytest.raises(
        ValueError, match=r"`objectives` must be names such as .*put it into a modu"
    ):
        start_workers(spark, file, objectives=[lambda config: 0])
    with pytest.raises(ValueError, match=r"there is no folder for the store /nowhere/at/all.db"):
        start_workers(spark, "sqlite:////nowhere/at/all.db")
    with pytest.raises(ValueError, match="this worker would take no trial: name objectives"):
        start_workers(spark, file)
    with pytest.raises(ValueError, match=r"'no_such:fn' cannot be imported.*addPyFile.*addArtif"):
        start_workers(spark, file, objectives=["no_such:fn"])
    with pytest.raises(ValueError, match="`poll_interval` must be a number of seconds > 0"):
        start_workers(spark, file, objectives=["json:dumps"], poll_interval=0)


@pytest.mark.full
def test_a_database_that_executors_cannot_reach(spark, monkeypatch):
    """Executors without the database say so at the call, without the password."""
    pytest.importorskip("psycopg")
    with pytest.raises(StoreError, match=r"a worker on .*Connection refused") as caught:
        start_workers(spark, "postgresql://me:unseen@127.0.0.1:9/d", 2, objectives=["json:dumps"])
    assert "unseen" not in str(caught.value)


def test_a_file_of_another_machine(spark, file, monkeypatch):
    """A store in SQLite is refused where executors do not see the driver's file."""
    process = sys.modules["sparktune.store.process"]
    monkeypatch.setattr(process, "machine_of", lambda folder: ("another", 1, 2))
    with pytest.raises(StoreError, match=r"store.db is not the file that the driver has: a store"):
        start_workers(spark, file, objectives=["json:dumps"])


@pytest.mark.full
def test_more_workers_than_slots(spark, file, sent):
    """Workers for which there is no slot wait for one, and that is said."""
    with pytest.warns(UserWarning, match="n=5 workers, but this session runs 4 tasks at a time"):
        workers = start_workers(spark, file, 5, "k", objectives=[sent.square], reserve_timeout=0.1)
    with workers:
        assert workers.wait() == 0


@pytest.mark.full
def test_a_worker_whose_spark_worker_is_killed(spark, file, key, gate):
    """A trial below a Python worker that is killed goes back, and another worker begins."""
    with driven(file, 1, waiting_at(gate)) as driving, start_workers(spark, file, 1, "k"):
        gate.reached_by(1)
        with Rows(file) as rows:
            ((pid,),) = rows("SELECT pid FROM sparktune_workers")
        os.kill(parent_of(pid), signal.SIGKILL)
        gate.left_by(1)
        gate.open()
        driving.wait()
    assert [trial.attempt for trial in driving.trials.history] == [0]


def parent_of(pid):
    """The number of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.full
@pytest.mark.deployments("local")
@pytest.mark.parametrize("kind", ["master", "remote"])
def test_executors_that_lack_packages(run_python, tmp_path, kind):
    """A Python without what workers need is named with that; sparktune is none of it."""
    import venv

    if kind == "remote":
        pytest.importorskip("grpc")

    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare" / "bin" / "python")
    script = f"""
from pyspark.sql import SparkSession
from sparktune import EngineStopped
from sparktune.store import run_workers
session = SparkSession.builder.{kind}("local[1]").getOrCreate()
try:
    run_workers(session, "sqlite:///runs.db", 1, objectives=["json:dumps"])
except (EngineStopped, ImportError) as error:
    print(error)
"""
    said = run_python(script, env={"PYSPARK_PYTHON": python}).stdout
    assert "No module named" in said
    if kind == "master":
        assert said.startswith(f"workers cannot run with {python} on ")
        assert "pip install 'sparktune[sql]'" in said
    else:
        assert f"Spark's workers run {python}. Workers need Python" in said
        assert "with pyarrow and what" in said


@pytest.mark.full
@pytest.mark.deployments("local")
def test_executors_without_sparktune(run_with_bare_executors, wait_for):
    """Workers need no sparktune on executors: it goes along, and is removed with them."""
    script = f"""
from pyspark.sql import SparkSession
from sparktune import StoreTrials, fmin, hp
from sparktune.store import start_workers

def objective(x):
    import os
    import sparktune
    return {{"loss": x, "file": sparktune.__file__, "key": os.environ.get({VARIABLE!r})}}

session = SparkSession.builder.master("local-cluster[1,1,1024]").config(map={{
    "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1",
    "spark.executorEnv.PYTHONPATH": os.environ["PYTHONPATH"]}}).getOrCreate()
trials = StoreTrials("sqlite:///runs.db", "k")
with start_workers(session, "sqlite:///runs.db", 1, "k"):
    fmin(objective, hp.uniform("x", 0, 1), max_evals=3, trials=trials, show_progressbar=False)
print(len(trials), {{result["key"] for result in trials.results}}, trials.results[0]["file"])
"""
    *said, file = run_with_bare_executors(script, env={VARIABLE: KEY}).stdout.split()
    assert said == ["3", "{None}"]
    assert not Path(file).is_relative_to(ROOT)
    assert wait_for(lambda: not Path(file).exists())


@pytest.mark.full
@pytest.mark.deployments("local")
@pytest.mark.parametrize("kind", ["master", "remote"])
def test_spark_writes_no_secret_down(run_python, tmp_path, kind):
    """Neither the key nor the URL stands in what Spark keeps of jobs, plans and queries."""
    if kind == "remote":
        pytest.importorskip("grpc")
    secret = "a-secret-that-nobody-sees"
    script = f"""
from pathlib import Path
from pyspark.sql import SparkSession
from sparktune import StoreTrials, fmin, hp
from sparktune.store import start_workers
url = "sqlite:///{secret}.db"
session = SparkSession.builder.{kind}("local[2]").config(map={{
    "spark.eventLog.enabled": "true", "spark.eventLog.dir": str(Path.cwd() / "events"),
    "spark.eventLog.compress": "false", "spark.eventLog.rolling.enabled": "false",
    }}).getOrCreate()
trials = StoreTrials(url, "searched")
with start_workers(session, url, 2, "searched") as workers:
    fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals=3, trials=trials, show_progressbar=False)
print(len(trials), workers)
session.stop()
"""
    (tmp_path / "events").mkdir()
    env = {VARIABLE: f"{secret}-key", "PYSPARK_PYTHON": sys.executable}
    done = run_python(script, env=env)
    written = "".join(
        path.read_text() for path in (tmp_path / "events").rglob("*") if path.is_file()
    )
    assert "of the search searched" in written
    assert done.stdout.endswith("3 SparkWorkers(0 of 2)\n")
    assert secret not in written + done.stdout + done.stderr
