"""A standalone Spark cluster on this machine: a master, workers, and a Spark Connect server.

The pip package of Spark has no scripts that start these, but it has everything they need. Logs,
pids and the workers' scratch are kept in one folder, by which a cluster is stopped again.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..checks import real, whole
from ..plurals import plural
from .installed import find_java, find_spark
from .ports import answers, bind, bracketed, free_port, web_ui_json
from .state import (
    CHILDREN,
    MARK,
    ClusterError,
    Process,
    State,
    began_at,
    boot,
    default_folder,
    end,
    locked,
    read_state,
    save_state,
    stop,
    stop_locked,
)

__all__ = ["LocalCluster", "megabytes", "start"]

_LEAST_MB = 450  # Spark refuses smaller executors
_UNITS = {"m": 1, "mb": 1, "g": 1024, "gb": 1024}
_NOT_INHERITED = (
    *("SPARK_MASTER", "SPARK_WORKER", "SPARK_DAEMON", "SPARK_REMOTE", "SPARK_CONNECT"),
    *("SPARK_CONF_DIR", "SPARK_ENV_LOADED", "SPARK_API_MODE", "SPARK_PUBLIC_DNS"),
    *("PYSPARK_GATEWAY", "PYSPARK_DRIVER", "PYSPARK_SUBMIT_ARGS"),
)
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # these JVMs have little to do but start
_SIGNS = re.compile(r"Exception|Error\b|ERROR|JAVA_HOME|Failed|No such file|not found")


class LocalCluster:
    """A cluster on this machine, as a context manager or by ``start`` and ``stop``.

    Args:
        workers: how many; 0 for a Connect server alone, whose tasks run in itself.
        cores: task slots of each worker.
        memory: what the executors of a worker may take, such as ``"1g"``.
        folder: logs, pids and scratch; None for a folder of the user.
        host: where the servers listen.
        port: of the master; 0 or None for a free one.
        connect: whether to start a Spark Connect server too.
        connect_port: of that server; 0 or None for a free one.
        python: what Python workers run; None for PYSPARK_PYTHON, else this Python.
        conf: settings of the Connect server's session.
        limit: seconds that starting may take.

    Attributes:
        state: what is written in the folder.

    Raises:
        ClusterError: it cannot be started; nothing is left running.
        ValueError: an argument out of its range.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        cores: int = 2,
        memory: str = "1g",
        folder: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int | None = 0,
        connect: bool = False,
        connect_port: int | None = 0,
        python: str | None = None,
        conf: Mapping[str, str] | None = None,
        limit: float = 60.0,
    ) -> None:
        self._workers = whole("workers", workers, 0, 256)
        self._cores = whole("cores", cores, 1, 4096)
        self._port = whole("port", port, 0, 65535, none=True) or 0
        self._connect_port = whole("connect_port", connect_port, 0, 65535, none=True) or 0
        self._limit = real("limit", limit, "a number of seconds", above=0)
        if not self._workers and not connect:
            raise ValueError("`workers` may be 0 only with a Connect server, but `connect` is off")
        if megabytes(memory) < _LEAST_MB:
            raise ValueError(f"`memory` must be at least {_LEAST_MB}m, but got {memory!r}")
        if python and shutil.which(python) is None:
            raise ValueError(f"`python` must be a program, but got {python!r}")
        self.folder = Path(folder or default_folder()).absolute()
        self._memory, self._host, self._connect = memory, host, connect
        self._python = python or os.environ.get("PYSPARK_PYTHON") or sys.executable
        self._conf = dict(conf or {})
        options = {"workers": self._workers, "cores": self._cores, "memory": memory}
        options["python"] = self._python
        self.state = State(uuid.uuid4().hex, boot(), options=options)

    @property
    def master(self) -> str:
        """What to give to ``SparkSession.builder.master``."""
        return self.state.master

    @property
    def remote(self) -> str:
        """What to give to ``SparkSession.builder.remote``; empty without a Connect server."""
        return self.state.remote

    @property
    def worker_pids(self) -> list[int]:
        """The pids of the workers' JVMs in the order of their start, dead ones too."""
        return [each.pid for each in self.state.processes if each.name.startswith("worker")]

    @property
    def connect_pid(self) -> int | None:
        """The pid of the Connect server's JVM."""
        return next((each.pid for each in self.state.processes if each.name == "connect"), None)

    def __enter__(self) -> LocalCluster:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> LocalCluster:
        """Start all processes, and wait until they can be used."""
        home = find_spark()
        find_java()
        with locked(self.folder):
            self._refuse_second()
            self._check_host()
            if self._workers and self._port:
                self._check_port(self._port, "--port")
            if self._connect:
                self._check_connect(home)
            for name in ("conf", "work", "tmp"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
                (self.folder / name).mkdir()
            for log in self.folder.glob("*.log"):
                log.unlink()
            try:
                self._save()
                if self._workers:
                    self._start_master()
                    self._start_workers(self._workers)
                else:
                    self.state = replace(self.state, master=f"local[{self._cores}]")
                if self._connect:
                    self._start_connect()
                self._save()
            except BaseException:
                stop_locked(self.folder)
                raise
        return self

    def stop(self) -> None:
        """Stop all processes, also those of executors."""
        stop(self.folder)

    def start_worker(self) -> int:
        """Start one more worker, wait until the master has it, and return its pid."""
        if not self.state.web_ui:
            raise ClusterError(f"{self.master or 'this cluster'} has no master to start workers of")
        with locked(self.folder):
            self._start_workers(1)
            return self.worker_pids[-1]

    def restart_connect(self) -> int:
        """Stop the Connect server where it still runs, start it anew, and return its pid."""
        old = [each for each in self.state.processes if each.name == "connect"]
        if not old:
            raise ClusterError("there is no Connect server to restart: start one with connect=True")
        with locked(self.folder):
            end(lambda: [each.pid for each in old if each.alive])
            others = tuple(each for each in self.state.processes if each.name != "connect")
            self.state = replace(self.state, processes=others)
            self._start_connect()
            return self.state.processes[-1].pid

    def _start_master(self) -> None:
        where = ["--host", self._host, "--port", str(self._port), "--webui-port", "0"]
        process = self._launch(
            "master", ["bin/spark-class", "org.apache.spark.deploy.master.Master", *where]
        )

        def found() -> tuple[str, str] | None:
            log = Path(process.log).read_text(errors="replace")
            master = re.search(r"Starting Spark master at (spark://\S+)", log)
            web_ui = re.search(r"'MasterUI' on port (\d+)", log)
            return (master[1], web_ui[1]) if master and web_ui else None

        master, port = self._wait(found, process, "the master did not say where it listens")
        web_ui = f"http://{bracketed(self._host)}:{port}"
        self.state = replace(self.state, master=master, web_ui=web_ui)
        self._save()
        self._wait(
            lambda: (web_ui_json(web_ui) or {}).get("status") == "ALIVE",
            process,
            "the master did not answer",
        )

    def _start_workers(self, number: int) -> None:
        def known() -> set[str]:
            answer = web_ui_json(self.state.web_ui) or {}
            return {str(each.get("id")) for each in answer.get("workers", ())}

        before = known()
        started = []
        for _ in range(number):
            name = f"worker-{len(self.worker_pids) + 1}"
            command = ["bin/spark-class", "org.apache.spark.deploy.worker.Worker"]
            command += ["--host", self._host, "--port", "0", "--webui-port", "0"]
            command += ["--cores", str(self._cores), "--memory", self._memory]
            command += ["--work-dir", str(self.folder / "work" / name), self.master]
            started.append(self._launch(name, command))
        for process in started:
            self._wait(
                lambda: len(known() - before) >= number,
                process,
                f"the master did not take up {plural(number, 'worker')}",
            )

    def _start_connect(self) -> None:
        if self.state.remote:  # the one it had before
            port = int(self.state.remote.rpartition(":")[2])
        else:
            port = self._connect_port or free_port(self._host)
        conf = {
            "spark.connect.grpc.binding.address": self._host,
            "spark.connect.grpc.binding.port": str(port),
            "spark.driver.host": self._host,
            "spark.driver.bindAddress": self._host,
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.sql.warehouse.dir": str(self.folder / "work" / "warehouse"),
        }
        conf["spark.executor.memory" if self.state.web_ui else "spark.driver.memory"] = (
            self._memory if not self.state.web_ui or megabytes(self._memory) < 1024 else "1g"
        )
        command = ["bin/spark-submit", "--master", self.master, "--name", "Spark Connect server"]
        command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        for name, value in {**conf, **self._conf}.items():
            command += ["--conf", f"{name}={value}"]
        process = self._launch("connect", command)
        self._wait(lambda: answers(self._host, port), process, "the Connect server did not answer")
        self.state = replace(self.state, remote=f"sc://{bracketed(self._host)}:{port}")
        self._save()

    def _launch(self, name: str, command: Sequence[str]) -> Process:
        home = find_spark()
        log = self.folder / f"{name}.log"
        with log.open("ab") as out:
            child = subprocess.Popen(
                [str(home / command[0]), *command[1:]],
                cwd=self.folder / "work",
                env=self._environment(home, name),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        CHILDREN[child.pid] = child
        process = Process(name, child.pid, began_at(child.pid) or 0, str(log))
        self.state = replace(self.state, processes=(*self.state.processes, process))
        self._save()
        return process

    def _environment(self, home: Path, name: str) -> dict[str, str]:
        ours = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(_NOT_INHERITED) and key != "MASTER"
        }
        ours.setdefault("SPARK_LOCAL_DIRS", str(self.folder / "tmp"))
        ours |= {
            MARK: self.state.mark,
            "SPARK_HOME": str(home),
            "SPARK_CONF_DIR": str(self.folder / "conf"),  # empty: the same log level everywhere
            "SPARK_LOCAL_IP": self._host,
            "SPARK_LAUNCHER_OPTS": _QUICK,
            "PYSPARK_PYTHON": self._python,
        }
        if name != "connect":
            options = "-Dspark.port.maxRetries=0 -Dspark.master.rest.enabled=false"
            ours |= {"SPARK_DAEMON_JAVA_OPTS": f"{options} {_QUICK}", "SPARK_DAEMON_MEMORY": "512m"}
        return ours

    def _wait(self, condition: Callable[[], Any], process: Process, complaint: str) -> Any:
        """What the condition gives once it is true; an error with the log's reason otherwise."""
        deadline = time.monotonic() + self._limit
        while not (found := condition()):
            if not process.alive:
                raise ClusterError(f"the {process.name} ended at once: {_reason(process.log)}")
            if time.monotonic() > deadline:
                raise ClusterError(f"{complaint} within {self._limit:g} s: {_reason(process.log)}")
            time.sleep(0.05)
        return found

    def _refuse_second(self) -> None:
        state = read_state(self.folder)
        if state is None:
            return
        if state.alive:
            names = ", ".join(each.name for each in state.alive)
            raise ClusterError(
                f"a cluster runs already from {self.folder} ({names}; {state.master}): stop it "
                f"with `sparktune cluster stop --dir {self.folder}`, or choose another --dir"
            )
        stop_locked(self.folder)  # executors that outlived their workers

    def _check_host(self) -> None:
        try:
            bind(self._host, 0)
        except OSError as error:
            raise ClusterError(
                f"--host must be an address of this machine, but got {self._host!r} ({error})"
            ) from None

    def _check_port(self, port: int, option: str) -> None:
        try:
            bind(self._host, port)
        except OSError as error:
            raise ClusterError(
                f"port {port} of {self._host} cannot be used ({error.strerror}): end the program "
                f"that has it, or choose another with {option} (0 takes a free one)"
            ) from None

    def _check_connect(self, home: Path) -> None:
        if self._connect_port:
            self._check_port(self._connect_port, "--connect-port")
        brought = list((home / "jars").glob("spark-connect_*.jar"))
        if not brought and not {"spark.jars", "spark.jars.packages"} & self._conf.keys():
            raise ClusterError(
                f"the Spark in {home} has no Spark Connect server (that of pyspark 4 has): "
                "name it with --conf spark.jars.packages=org.apache.spark:spark-connect_2.12:..."
            )

    def _save(self) -> None:
        save_state(self.state, self.folder)


def start(
    folder: str | os.PathLike[str] | None = None, *, port: int | None = 7077, **options: Any
) -> LocalCluster:
    """Start a cluster that outlives this process; for the options see LocalCluster."""
    return LocalCluster(folder=folder, port=port, **options).start()


def megabytes(memory: str) -> int:
    """How many MB ``"512m"`` or ``"2g"`` are."""
    match = re.fullmatch(r"(\d+)\s*(m|mb|g|gb)", str(memory).strip().lower())
    if match is None:
        raise ValueError(f"`memory` must be such as 512m or 2g, but got {memory!r}")
    return int(match[1]) * _UNITS[match[2]]


def _reason(log: str) -> str:
    """The lines of a log that say why, and where it is."""
    try:
        lines = Path(log).read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    lines = [line.strip() for line in lines if line.strip()]
    told = [line for line in lines if _SIGNS.search(line) and not line.startswith("at ")]
    chosen = (told or lines)[-6:]
    shown = "".join(f"\n    {line[:300]}" for line in chosen)
    return f"its log {log} says{shown or ' nothing'}"
