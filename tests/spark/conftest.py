"""A Spark session on the deployment that --spark names, one for the whole run."""

import os
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from sparktune.cluster.local import LocalCluster
from sparktune.cluster.state import read_state

ROOT = Path(__file__).parents[2]


_BARE = """import os
os.environ["PYTHONPATH"] = {packages!r}  # which executors have
from sparktune.engines.spark import classic, connect
classic.is_on_one_machine = connect.is_on_one_machine = lambda master: False
"""


@pytest.fixture
def run_with_bare_executors(run_python, tmp_path):
    """Runs a script as run_python does; its executors have all packages of here but sparktune."""

    def run(script, *args, env=None):
        venv.create(tmp_path / "bare", with_pip=False)
        packages = tmp_path / "packages"
        packages.mkdir()
        for each in Path(site.getsitepackages()[0]).iterdir():
            if "sparktune" not in each.name and each.suffix != ".pth":
                (packages / each.name).symlink_to(each)
        python = str(tmp_path / "bare" / "bin" / "python")
        env = {"PYSPARK_PYTHON": python, "SPARK_LOCAL_IP": "127.0.0.1", **(env or {})}
        return run_python(_BARE.format(packages=str(packages)) + script, *args, env=env)

    return run


@pytest.fixture(scope="session")
def deployment(request):
    """The name of the deployment."""
    return request.config.option.spark


@pytest.fixture(scope="session")
def cluster_folder(tmp_path_factory):
    """Where a cluster keeps its logs."""
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="session")
def address(deployment, cluster_folder):
    """The master or the server of the deployment; all have four task slots."""
    options = {"folder": cluster_folder}
    if deployment == "local":
        yield "local[4]"
    elif deployment == "standalone":
        with LocalCluster(workers=2, cores=2, **options) as cluster:
            yield cluster.master
    elif deployment == "connect":
        with LocalCluster(workers=0, cores=4, connect=True, **options) as cluster:
            yield cluster.remote
    else:
        yield from _server_of_another_environment(cluster_folder)


def _server_of_another_environment(folder):
    """The server's address; it runs on the pyspark and the Python of SPARKTUNE_TEST_PYTHON."""
    python = os.environ.get("SPARKTUNE_TEST_PYTHON")
    if python is None:
        pytest.exit(
            "--spark=client has to be called where pyspark is installed, which the server needs; "
            "the tests then run in an environment without it",
            pytest.ExitCode.USAGE_ERROR,
        )
    command = [python, "-m", "sparktune", "cluster"]
    start = ["start", "--workers", "0", "--cores", "4", "--connect", "--port", "0"]
    start += ["--connect-port", "0", "--python", python]
    subprocess.run([*command, *start, "--dir", str(folder)], cwd=folder, check=True)
    os.environ |= {"JAVA_HOME": "/nowhere", "SPARK_HOME": "", "PYSPARK_PYTHON": python}
    try:
        yield read_state(folder).remote
    finally:
        os.environ["JAVA_HOME"] = ""
        subprocess.run([*command, "stop", "--dir", str(folder)], cwd=folder, check=True)


def spark_conf():
    """The settings of conf/local.conf."""
    lines = (ROOT / "conf" / "local.conf").read_text().splitlines()
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


@pytest.fixture(scope="session")
def spark(address, deployment):
    """A session on the deployment."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.appName("sparktune-tests")
    if deployment in ("connect", "client"):
        session = builder.remote(address).getOrCreate()
    else:
        session = builder.config(map={**spark_conf(), "spark.master": address}).getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def is_connect(deployment):
    """Whether the session is one of Spark Connect."""
    return deployment in ("connect", "client")


@pytest.fixture(autouse=True)
def _logs_so_far(request, cluster_folder):
    """Remembers where the cluster's logs end as a test begins, for its report."""
    request.node.stash[LOGS] = {log: log.stat().st_size for log in cluster_folder.glob("*.log")}


LOGS = pytest.StashKey()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what the cluster wrote into its logs meanwhile."""
    report = yield
    if report.failed and LOGS in item.stash:
        for log, size in item.stash[LOGS].items():
            with log.open("rb") as file:
                file.seek(size)
                text = file.read()[-4000:].decode(errors="replace")
            if text:
                report.sections.append((f"Written into {log.name}", text))
    return report
