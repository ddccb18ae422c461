"""A cluster whose master, workers and driver are machines of their own."""

import re
import sys
from pathlib import Path

import pytest
from machines import Network, why_not

from sparktune.cluster.installed import home_of_pyspark

pytestmark = [pytest.mark.full, pytest.mark.deployments("standalone")]
LONGEST = 400.0  # seconds
NAMES = ("master", "left", "right", "spare", "desk")
CLASS = str(Path(home_of_pyspark() or "") / "bin" / "spark-class")
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


class Cluster:
    """A master with two workers of two cores and a Connect server, and a desk for drivers."""

    def __init__(self, network, wait_for):
        self.machines, self._wait = network.machines, wait_for
        self._environment = {
            "SPARK_HOME": str(home_of_pyspark()),
            "SPARK_DAEMON_JAVA_OPTS": f"{QUICK} -Dspark.worker.timeout=30",
            "PYSPARK_PYTHON": sys.executable,
        }

    def start(self, name, *command, log, ready, **environment):
        """Start a server on a machine, and wait until it says that it is ready."""
        machine = self.machines[name]
        started = machine.run(*command, log=log, **self._environment, **environment)
        self.wait(lambda: ready in machine.said(log) or started.poll() is not None, name, log)
        assert ready in machine.said(log), machine.said(log)[-4000:]
        return started

    def start_master(self):
        """Start the master."""
        words = ("--host", "master", "--port", "7077", "--webui-port", "8080")
        kind = "org.apache.spark.deploy.master.Master"
        self.start("master", CLASS, kind, *words, log="spark.log", ready="elected leader",
                   SPARK_DAEMON_MEMORY="400m")  # fmt: skip

    def start_worker(self, name):
        """Start the worker of a machine."""
        words = ("--host", name, "--cores", "2", "--memory", "1g", "--work-dir", "/tmp/spark")
        kind = "org.apache.spark.deploy.worker.Worker"
        words += ("spark://master:7077",)
        self.start(name, CLASS, kind, *words, log="spark.log", ready="Successfully registered",
                   SPARK_DAEMON_MEMORY="400m")  # fmt: skip

    def wait(self, condition, machine, log):
        """Wait until something holds; else the log says why not."""
        assert self._wait(condition, LONGEST), self.machines[machine].said(log)[-4000:]

    def script(self, body, connect=False, log="script.log"):
        """Start a script at the desk."""
        where = 'remote("sc://master:15002")' if connect else f"config(map={SETTINGS})"
        text = HEAD.format(where=where) + body
        return self.machines["desk"].python(text, log=log, **self._environment)

    def said(self, driver, log="script.log"):
        """The last line that a script at the desk printed, once it has ended well."""
        self.wait(lambda: driver.poll() is not None, "desk", log)
        text = self.machines["desk"].said(log)
        assert driver.poll() == 0, text[-6000:]
        return text.splitlines()[-1]


SETTINGS = {
    "spark.master": "spark://master:7077",
    "spark.executor.memory": "900m",
    "spark.executor.extraJavaOptions": QUICK,
    "spark.driver.memory": "2g",
    "spark.network.timeout": "30s",
    "spark.network.timeoutInterval": "5s",
    "spark.executor.heartbeatInterval": "5s",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
HEAD = """
import os, socket, time
from pathlib import Path
from pyspark.sql import SparkSession
from sparktune import SparkTrials, Trials, fmin, hp, rand, tpe
session = SparkSession.builder.{where}.getOrCreate()
def tell(trials):
    frame = trials.to_pandas().reset_index()
    assert list(frame["status"]) == ["ok"] * len(frame), frame[["status", "error"]].to_string()
    assert sorted(frame["number"]) == list(range(len(frame)))
    hosts = sorted({{result["host"] for result in trials.results}})
    print(len(frame), hosts, [int(n) for n in sorted(frame["number"][frame["attempt"] > 0])])
"""
WAITING = """
def objective(x, trial):
    Path(f"/tmp/began-{trial.number}-{trial.attempt}").touch()
    while not Path("/tmp/go").exists():
        time.sleep(0.05)
    Path(f"/tmp/left-{trial.number}").touch()
    time.sleep(0.3)
    return {"loss": x, "host": socket.gethostname()}
"""


@pytest.fixture(scope="module")
def cluster(wait_for):
    """The cluster, its two workers started; workers have nothing of sparktune."""
    if reason := why_not():
        pytest.skip(reason)
    with Network(*NAMES, bare=("left", "right", "spare")) as network:
        made = Cluster(network, wait_for)
        made.start_master()
        made.start_worker("left")
        made.start_worker("right")
        yield made


@pytest.fixture
def server(cluster):
    """A Connect server on the machine of the master, for the test alone."""
    program = str(home_of_pyspark() / "bin" / "spark-submit")
    conf = {
        **SETTINGS, "spark.log.level": "INFO", "spark.connect.grpc.binding.address": "0.0.0.0",
    }  # fmt: skip
    words = [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]
    words += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    machine = cluster.machines["master"]
    started = cluster.start(
        "master", "sh", "-c", 'echo $$ >/tmp/pid; exec "$@"', "sh", program, *words,
        "spark-internal", log="server.log", ready="Connect server started",
        SPARK_DAEMON_MEMORY="2g",
    )  # fmt: skip
    yield
    machine.run("sh", "-c", "kill $(cat /tmp/pid)", log="kill.log").wait(LONGEST)
    started.wait(LONGEST)


@pytest.fixture(params=["classic", "connect"])
def connect(request):
    """Whether a script's session is one of Spark Connect; then its server runs."""
    if request.param == "connect":
        request.getfixturevalue("server")
    return request.param == "connect"


def began(machine):
    """The trials that have begun on a machine, as (number, attempt)."""
    names = (path.name.split("-") for path in machine.tmp.glob("began-*"))
    return {(int(number), int(attempt)) for _, number, attempt in names}


def cleared(cluster):
    """The workers' machines, without what earlier trials left there."""
    machines = [cluster.machines[name] for name in ("left", "right", "spare")]
    for machine in machines:
        for path in [*machine.tmp.glob("began-*"), *machine.tmp.glob("left-*")]:
            path.unlink()
        (machine.tmp / "go").unlink(missing_ok=True)
    return machines


def test_nothing_is_shared(cluster):
    """The machines have names, process numbers and folders of their own, and reach each other."""
    desk, left = cluster.machines["desk"], cluster.machines["left"]
    assert desk.run("sh", "-c", "hostname; echo $$; ls /tmp; touch /x", log="look").wait(60)
    words = desk.said("look").split()
    assert words[0] == "desk"
    assert int(words[1]) < 1000
    assert "look" in words
    assert not (left.tmp / "look").exists()
    ping = "import socket; socket.create_connection(('left', {})).close()"
    port = re.search(r"Successfully started service 'sparkWorker' on port (\d+)",
                     left.said("spark.log"))[1]  # fmt: skip
    assert desk.run(sys.executable, "-c", ping.format(port), log="ping").wait(60) == 0


def test_the_main_job(cluster, connect):
    """A search runs on both workers' machines, and proposes what it does in this process."""
    body = """
space = {"a": hp.uniform("a", -2, 3), "b": hp.choice("b", [{"k": 0}, {"k": hp.uniform("c", 0, 1)}])}
def objective(config):
    time.sleep(0.2)
    return {"loss": config["a"] ** 2 + config["b"]["k"], "host": socket.gethostname()}
options = dict(algo=tpe.suggest, max_evals=40, batch=4, rstate=3, show_progressbar=False)
found = SparkTrials(4)
fmin(objective, space, trials=found, **options)
here = Trials()
fmin(objective, space, trials=here, **options)
assert found.losses() == here.losses()
tell(found)
"""
    assert cluster.said(cluster.script(body, connect)) == "40 ['left', 'right'] []"


def test_200_mb(cluster, connect):
    """An objective that captures 200 MB reaches the processes of both workers' machines."""
    body = """
import numpy as np
data = np.arange(25_000_000, dtype=float)
def objective(x):
    time.sleep(0.5)
    return {"loss": x * data[-1], "host": socket.gethostname(), "n": len(data)}
found = SparkTrials(2)
fmin(objective, hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=12, trials=found,
     show_progressbar=False)
assert {result["n"] for result in found.results} == {25_000_000}
tell(found)
"""
    assert cluster.said(cluster.script(body, connect)).startswith("12 [")


def test_a_short_cut(cluster):
    """What ends while its machine is cut off arrives when the cable is back; nothing runs twice."""
    body = (
        WAITING
        + """
found = SparkTrials(4)
fmin(objective, hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=12, trials=found,
     show_progressbar=False)
tell(found)
"""
    )
    left, right, _ = cleared(cluster)
    driver = cluster.script(body)
    cluster.wait(lambda: len(began(left)) + len(began(right)) == 4, "desk", "script.log")
    mine = began(left)
    assert len(mine) == 2
    left.plug(False)
    (left.tmp / "go").touch()
    cluster.wait(lambda: len(list(left.tmp.glob("left-*"))) == 2, "desk", "script.log")
    left.plug(True)
    (right.tmp / "go").touch()
    assert cluster.said(driver) == "12 ['left', 'right'] []"


def test_a_long_cut(cluster):
    """A machine that is cut off loses its trials to another, and gets new ones when it is back."""
    body = (
        WAITING
        + """
def is_back(trials):
    hosts = [d["result"].get("host") for d in trials.trials if d["tid"] > 3]
    return "left" in hosts
found = SparkTrials(4)
fmin(objective, hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=2000, trials=found,
     early_stop_fn=lambda trials, *_: (is_back(trials), []), show_progressbar=False)
print(sorted({r["host"] for r in found.results if "host" in r}))
"""
    )
    left, right, _ = cleared(cluster)
    driver = cluster.script(body)
    cluster.wait(lambda: len(began(left)) + len(began(right)) == 4, "desk", "script.log")
    mine = {number for number, _ in began(left)}
    left.plug(False)
    (right.tmp / "go").touch()
    again = {(number, 1) for number in mine}
    cluster.wait(lambda: again <= began(right), "desk", "script.log")
    left.plug(True)
    (left.tmp / "go").touch()
    assert cluster.said(driver) == "['left', 'right']"


def test_a_machine_that_is_gone(cluster):
    """The trials of a machine that is switched off for good run again elsewhere, each once."""
    body = (
        WAITING
        + """
found = SparkTrials(6)
fmin(objective, hp.uniform("x", 0, 1), algo=rand.suggest, max_evals=18, trials=found,
     show_progressbar=False)
tell(found)
"""
    )
    left, right, spare = cleared(cluster)
    cluster.start_worker("spare")
    driver = cluster.script(body)
    cluster.wait(lambda: len(began(spare)) == 2, "desk", "script.log")
    mine = sorted(number for number, _ in began(spare))
    spare.plug(False)
    spare.end()
    for machine in (left, right):
        (machine.tmp / "go").touch()
    assert cluster.said(driver) == f"18 ['left', 'right'] {mine}"
