"""What all tests share: where they run, a line with its seconds for each, and ways to wait."""

# ruff: noqa: E402 (threads are limited before numpy is imported)

import gc
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # two test processes on two cores would wait for each other

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import cloudpickle
import properties
import pytest
from databases import Postgres, why_no_postgres
from gates import Gate

from sparktune import hp
from sparktune.cluster.installed import home_of_pyspark

pytest.register_assert_rewrite("engine_suite", "host_suite", "hostile")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a script's background jobs have it
    signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).parents[1]
DEPLOYMENTS = ("local", "standalone", "connect", "client")


def pytest_addoption(parser):
    parser.addoption(
        "--spark", default="local", choices=DEPLOYMENTS,
        help="where tests/spark runs: in this process, on a cluster of two workers, on a Spark "
        "Connect server, or there with pyspark-client alone",
    )  # fmt: skip
    parser.addoption("--full", action="store_true", help="also the tests that take seconds")


def pytest_configure(config):
    """Tests of properties draw fewer examples where they are to be quick."""
    properties.limit(config.option.full)


def pytest_cmdline_main(config):
    """Run --spark=client in an environment of its own, which has no pyspark."""
    home = home_of_pyspark()
    if config.option.spark != "client" or home is None or not (home / "jars").is_dir():
        return None
    config.pluginmanager.getplugin("capturemanager").suspend_global_capture(in_=True)
    command = ["bash", str(ROOT / "conf" / "environment.sh"), "client"]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        return made.returncode
    # not as a module: that would import the checkout instead of what is installed there
    pytest_of_client = str(Path(made.stdout.strip()).with_name("pytest"))
    return subprocess.run(
        [pytest_of_client, *config.invocation_params.args],
        env={**os.environ, "SPARKTUNE_TEST_PYTHON": sys.executable}, check=False,
    ).returncode  # fmt: skip


def pytest_collection_modifyitems(config, items):
    """Leave out what takes long, and what is of other deployments."""
    where, left_out = config.option.spark, []
    for item in items:
        only = item.get_closest_marker("deployments")
        long = item.get_closest_marker("full") is not None and not config.option.full
        nobody = "NOTSET" in item.name  # none of the module's kinds has the traits
        if long or nobody or (only is not None and where not in only.args):
            left_out.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_generate_tests(metafunc):
    """Tests of a suite run on those engines or hosts of a module that have what they ask for."""
    for argument, mark in (("kind", "engines"), ("host_kind", "hosts")):
        kinds = getattr(metafunc.module, mark.upper(), None)
        if kinds is not None and argument in metafunc.fixturenames:
            marks = metafunc.definition.iter_markers(mark)
            wanted = {trait for each in marks for trait in each.args}
            metafunc.parametrize(
                argument, [name for name, kind in kinds.items() if wanted <= kind.traits]
            )


def pytest_collection_finish():
    """What is there by now stays, and need not be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.hookimpl(wrapper=True)
def pytest_report_teststatus(report):
    """With -v, each test's line has its seconds."""
    category, letter, word = yield
    if isinstance(word, str) and report.when == "call":
        word = f"{word} {report.duration:.1f}s"
    return category, letter, word


@pytest.fixture(scope="session")
def wait_for():
    """A function that waits until a condition holds, and says whether it did."""

    def wait(condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.02)
        return condition()

    return wait


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of this process's own; skips the test where none can be started."""
    reason = why_no_postgres()
    if reason:
        pytest.skip(reason)
    pytest.importorskip("psycopg")
    server = Postgres()
    yield server
    server.close()


@pytest.fixture
def nowhere(monkeypatch):
    """Makes nowhere.example a name that no DNS knows, as without a network; gives the reason."""
    known, reason = socket.getaddrinfo, "Name or service not known"

    def of_name(host, *args, **options):
        if host == "nowhere.example":
            raise socket.gaierror(socket.EAI_NONAME, reason)
        return known(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", of_name)
    return reason


@pytest.fixture
def gate():
    """A gate that trials wait at, opened after the test."""
    made = Gate()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sent_by_value(request):
    """Functions of the module travel whole, as a script's do: processes need not import it."""
    cloudpickle.register_pickle_by_value(request.module)
    yield
    cloudpickle.unregister_pickle_by_value(request.module)


@pytest.fixture(scope="module")
def no_waiting_for_the_disk():
    """Nothing waits until bytes are on the disk, for tests that cut no power."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda fd: None)
        yield


class Clock:
    """Time as a search sees it, which passes when the test says so.

    Attributes:
        looks: how often somebody looked at it.
    """

    def __init__(self):
        self.now = 0.0
        self.looks = 0

    def monotonic(self):
        self.looks += 1
        return self.now

    def time(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    """Stands still for the budget of searches until it is advanced."""
    made = Clock()
    monkeypatch.setattr(sys.modules["sparktune.search"], "time", made)
    return made


@pytest.fixture
def run_python(tmp_path):
    """Runs a script in a process of its own, in an empty folder; gives what it printed."""

    def run(script, *args, env=None, check=True, timeout=240):
        path = tmp_path / "script.py"
        path.write_text(script)
        done = subprocess.run(
            [sys.executable, str(path), *args],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def cli(tmp_path):
    """Runs `python -m sparktune ...` as a process of its own."""

    def run(*words, **env):
        return subprocess.run(
            [sys.executable, "-m", "sparktune", *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, "PYSPARK_PYTHON": sys.executable, **env},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run


@pytest.fixture
def saddle():
    """The space of a² - b², whose minimum is -4 at a = 0, b = 2."""
    return {"a": hp.uniform("a", -2, 3), "b": hp.uniform("b", -1, 2)}
