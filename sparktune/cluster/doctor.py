"""Checks of a setup for SparkTrials: one line each, with what to do where it is not fine.

The file is long because the questions are many; each is a small function.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import operator
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..engines.spark.session import is_connect
from ..engines.travels.tracked import is_unknown_host, silence_in_words
from ..plurals import plural
from . import probe
from .check import Check
from .installed import find_java, home_of_pyspark
from .limits import limits
from .ports import web_ui_json
from .state import ClusterError, read_state

__all__ = ["Check", "examine"]

_CORE = {
    "numpy": (1, 23),
    "scipy": (1, 9),
    "cloudpickle": (2, 2),
    "threadpoolctl": (3, 1),
    "tqdm": (4, 62),
}
_CONNECT = ("grpcio", "grpcio-status", "googleapis-common-protos", "pandas", "pyarrow")
_CONNECT_SECONDS = 3.0
_PORTS = {"spark": 7077, "sc": 15002}
_COMPARED = {">=": operator.ge, "<=": operator.le, "<": operator.lt, ">": operator.gt}
_SPEAKING = re.compile(r"Exception|Error|ERROR|WARN")


def examine(
    master: str = "",
    remote: str = "",
    limit: float = 120.0,
    folder: str | os.PathLike[str] | None = None,
    session: Any = None,
) -> Iterator[Check]:
    """Check one thing after the other, the quick ones first; yields each as soon as it is found.

    Args:
        master: of a classic session; empty for one in this machine, where ``remote`` is empty too.
        remote: the address of a Spark Connect server.
        limit: seconds that the session and its tasks may take.
        folder: of the cluster on this machine, whose web UI is asked; None for the user's.
        session: asked instead of a new one, such as a notebook's; then no other is tried.
    """
    if session is not None:
        yield from _of_session(session)
        return
    home = home_of_pyspark()
    java = _java(home, remote)
    spark = _pyspark(home, remote)
    yield Check("Python", "ok", f"{platform.python_version()} ({sys.executable})")
    yield java
    yield spark
    yield _core()
    yield from _arrow(bool(remote))
    yield _host(master, remote)
    fit = "problem" not in (java.status, spark.status)
    cores = ""
    for kind, address in (("master", master), ("remote", remote)):
        if reached := _reached(kind, address):
            yield reached
            fit &= reached.status != "problem"
    if fit and master.startswith("spark://"):
        told = _told_by_master(master, folder)
        slots = _slots(told)
        yield slots
        fit &= slots.status != "problem"
        cores = "1" if told else ""
    if fit:
        yield from _session(master, remote, cores, limit)
    else:
        advice = "Mend the problems above and run this again."
        yield Check("workers", "warning", "not looked at", advice)


def _of_session(session: Any) -> Iterator[Check]:
    """The checks that a session which runs leaves open: it has its Java, pyspark and master."""
    connect = is_connect(session)
    yield Check("Python", "ok", f"{platform.python_version()} ({sys.executable})")
    version, kind = _version_of_pyspark(), "Spark Connect" if connect else "classic"
    advice = "Upgrade it to 3.5 or newer." if _numbers(version) < (3, 5) else ""
    found = f"{version}: a {kind} session that runs"
    yield Check("pyspark", "problem" if advice else "ok", found, advice)
    yield _core()
    yield from _arrow(connect)
    try:
        answer = probe.asked(session)
    except Exception as error:
        yield _failure(f"{type(error).__name__}: {error}", "", "sc://" if connect else "")
    else:
        yield from _judged(answer, "", connect, "")


def _pyspark(home: Path | None, remote: str) -> Check:
    if home is None:
        advice = "Install it: pip install 'sparktune[spark]' or, for a Spark Connect server, "
        advice += "'sparktune[connect]'."
        return Check("pyspark", "problem", "not installed", advice)
    version, advice = _version_of_pyspark(), ""
    lacking = [name for name in _CONNECT if not _version(name)]
    full = (home / "jars").is_dir()
    found = f"{version}: full, {'without' if lacking else 'with'} Spark Connect"
    if not full:
        found = f"{version}: pyspark-client, which needs a Spark Connect server"
    if _numbers(version) < (3, 5):
        advice = "Upgrade it to 3.5 or newer."
    elif not full and not remote:
        advice = "Give the server by --remote sc://host:port, or pip install 'sparktune[spark]'."
    elif remote and lacking:
        found += f" ({', '.join(lacking)} not installed)"
        advice = "Spark Connect needs more packages: pip install 'sparktune[connect]'."
    return Check("pyspark", "problem" if advice else "ok", found, advice)


def _java(home: Path | None, remote: str) -> Check:
    if remote:
        return Check("Java", "ok", "not needed here with Spark Connect")
    if home is not None and not (home / "jars").is_dir():
        return Check("Java", "ok", "not needed by pyspark-client")
    try:
        java = find_java()
        told = subprocess.run(
            [str(java), "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (ClusterError, OSError, subprocess.TimeoutExpired) as error:
        found = str(error).partition(":")[0].removeprefix("Java was ")
        advice = "Install Java 17 (apt-get install openjdk-17-jre-headless, or "
        advice += "https://adoptium.net) or set JAVA_HOME to it."
        return Check("Java", "problem", found, advice)
    match = re.search(r'version "(?:1\.)?(\d+)([^"]*)"', told.stderr + told.stdout)
    if match is None:
        found = f"{java} does not tell its version"
        return Check("Java", "problem", found, "Set JAVA_HOME to a Java 17.")
    number, found = int(match[1]), f"{match[1]}{match[2]} ({java})"
    old = home is not None and _numbers(_version_of_pyspark()) < (4,)
    if old and number not in (8, 11, 17):
        advice = "Set JAVA_HOME to a Java 8, 11 or 17, as pyspark 3.5 asks."
        return Check("Java", "warning", found, advice)
    if not old and number < 17:
        advice = "Set JAVA_HOME to a Java 17 or newer, as pyspark 4 asks."
        return Check("Java", "problem", found, advice)
    return Check("Java", "ok", found)


def _core() -> Check:
    versions = {name: _version(name) for name in _CORE}
    bad = [name for name, version in versions.items() if _numbers(version) < _CORE[name]]
    found = ", ".join(f"{name} {version or 'missing'}" for name, version in versions.items())
    if bad:
        return Check("packages", "problem", found, f"Run: pip install --upgrade {' '.join(bad)}")
    return Check("packages", "ok", found)


def _arrow(needed: bool) -> Iterator[Check]:
    for name, who in (("pyarrow", "Spark Connect"), ("pandas", "Spark Connect, or to_pandas(),")):
        version, rule = _version(name), _asked_of(name)
        if not version and not needed:
            yield Check(name, "ok", f"not installed; {who} needs it")
            continue
        advice = f"Run: pip install '{name}{rule}', which is what this pyspark asks."
        if not version:
            advice = f"Install it, as Spark Connect needs it: pip install '{name}{rule}'"
        yield _package(name, version, rule, "problem" if needed else "warning", advice)


def _package(name: str, version: str, rule: str, status: str, advice: str) -> Check:
    """Whether the rule allows a package's version; if not, with this status and advice."""
    if version and _fits(version, rule):
        return Check(name, "ok", version)
    return Check(name, status, version or "not installed", advice)


def _host(master: str, remote: str) -> Check:
    name = socket.gethostname()
    given = os.environ.get("SPARK_LOCAL_IP")
    inside = not master or master.startswith("local")
    if remote:
        return Check("host name", "ok", f"{name}; executors need not reach it with Spark Connect")
    if given:
        try:
            with socket.socket() as trial:
                trial.bind((given, 0))
        except OSError as error:
            found = f"SPARK_LOCAL_IP is {given}, which is no address of this machine ({error})"
            return Check("host name", "problem", found, "Set SPARK_LOCAL_IP to one, or unset it.")
        return Check("host name", "ok", f"SPARK_LOCAL_IP is {given}")
    try:
        address = socket.gethostbyname(name)
    except OSError:
        status = "warning" if inside else "problem"
        advice = f"Add {name} to /etc/hosts, or set SPARK_LOCAL_IP (127.0.0.1 for local masters)."
        return Check("host name", status, f"{name} does not resolve", advice)
    if address.startswith("127.") and not inside and not _is_near(master):
        found = f"{name} resolves to {address}, which executors elsewhere cannot reach"
        advice = "Set SPARK_LOCAL_IP to this machine's address in the cluster's network."
        return Check("host name", "warning", found, advice)
    return Check("host name", "ok", f"{name} is {address}")


def _reached(kind: str, address: str) -> Check | None:
    """Whether somebody listens there; None for an address that is no host and port."""
    match = re.match(r"(spark|sc)://([^/;]+)", address)
    if match is None:
        return None
    places = [_split(place, _PORTS[match[1]]) for place in match[2].split(",")]
    failures, unknown = [], []
    for host, port in places:
        try:
            with socket.create_connection((host, port), timeout=_CONNECT_SECONDS):
                return Check(kind, "ok", f"{host}:{port} can be reached")
        except (OSError, UnicodeError) as error:
            failures.append(silence_in_words(host, port, error))
            unknown.append(is_unknown_host(error))
    found = "; ".join(failures)
    if all(unknown):
        advice = "Check how the name is written, or add it to DNS or to /etc/hosts."
        return Check(kind, "problem", found, advice)
    what = "the master" if kind == "master" else "the Spark Connect server"
    advice = f"Check the address and the firewall, and that {what} runs (on this machine: "
    advice += "`sparktune cluster status`)."
    return Check(kind, "problem", found, advice)


def _split(place: str, port: int) -> tuple[str, int]:
    match = re.fullmatch(r"(.*?):(\d+)", place)
    return (match[1].strip("[]"), int(match[2])) if match else (place.strip("[]"), port)


def _is_near(address: str) -> bool:
    host = _split(address.partition("://")[2], 0)[0]
    return host in ("localhost", "::1") or host.startswith("127.")


def _told_by_master(master: str, folder: str | os.PathLike[str] | None) -> Mapping[str, Any] | None:
    """What a master's web UI tells, None where it is not found."""
    pages = [f"http://{_split(master.partition('://')[2], 0)[0]}:8080"]
    with contextlib.suppress(ClusterError):
        state = read_state(folder)
        if state is not None and state.master == master:
            pages.insert(0, state.web_ui)
    answers = (web_ui_json(page) for page in pages)
    return next((each for each in answers if each and each.get("url") == master), None)


def _slots(answer: Mapping[str, Any] | None) -> Check:
    """The task slots of a cluster, from what its master's web UI tells."""
    if answer is None:
        return Check("task slots", "ok", "not known, as the master's web UI was not found")
    workers = [each for each in answer["workers"] if each["state"] == "ALIVE"]
    total = sum(each["cores"] for each in workers)
    free = sum(each["coresfree"] for each in workers)
    most = max((each["memoryfree"] for each in workers if each["coresfree"]), default=0)
    found = f"{free} of {total} free on {plural(len(workers), 'worker')}"
    if not workers:
        return Check("task slots", "problem", found, "Start workers for this master.")
    if not free:
        apps = ", ".join(each["name"] for each in answer["activeapps"])
        advice = f"End one of the applications that hold them ({apps}), or set spark.cores.max."
        return Check("task slots", "problem", found, advice)
    if most < 512:
        advice = "Start workers with more memory, or end applications that hold it."
        return Check("task slots", "problem", f"{found}, but at most {most} MB of memory", advice)
    if most < 1024:
        advice = f"Set spark.executor.memory to {most}m, as executors ask for 1g by default."
        return Check("task slots", "warning", f"{found}, with at most {most} MB of memory", advice)
    return Check("task slots", "ok", found)


def _session(master: str, remote: str, cores: str, limit: float) -> Iterator[Check]:
    answer = _ask(master, remote, cores, limit)
    if "error" in answer:
        yield _failure(answer["error"], master, remote)
    else:
        yield from _judged(answer, remote, bool(remote), cores)


def _judged(answer: Mapping[str, Any], remote: str, connect: bool, cores: str) -> Iterator[Check]:
    """What to say to the probe's answer."""
    ours, theirs = platform.python_version(), answer["python"]
    found = f"{theirs} ({answer['executable']} on {answer['host']}); {_setting()}"
    if theirs.split(".")[:2] == ours.split(".")[:2]:
        yield Check("worker Python", "ok", found)
    else:
        advice = _same_python(connect)
        yield Check("worker Python", "problem", f"{found}, here {ours}", advice)
    if connect:
        for name in ("pyarrow", "pandas"):
            version, rule = answer["versions"][name], _asked_of(name)
            # trials need pyarrow alone; pandas is for objectives that use it
            status = "problem" if name == "pyarrow" else "warning"
            advice = f"Install '{name}{rule}' for the workers' Python, {answer['executable']}."
            yield _package(f"worker {name}", version, rule, status, advice)
    seconds = answer["seconds"]
    if seconds is None:
        advice = "Look up this error in the server's log, then run this again."
        yield Check("Spark job", "problem", _brief(answer["arrow_error"]), advice)
    else:
        slots = "" if cores else f", {plural(answer['slots'], 'task slot')}"
        found = f"{1000 * seconds:.0f} ms for one task, Spark {answer['spark']}{slots}"
        yield Check("Spark job", "ok", found)
    if answer["lacking"]:
        found = f"workers lack {', '.join(answer['lacking'])}"
        advice = "Use workers on Linux that may start processes, as trials run in processes of "
        advice += "their own."
        yield Check("trial processes", "warning", found, advice)
    else:
        yield Check("trial processes", "ok", "workers can fork, read /proc and adopt orphans")
    yield from limits(answer, connect, remote)


def _failure(error: str, master: str, remote: str) -> Check:
    if "PYTHON_VERSION_MISMATCH" in error or "different version" in error:
        told = re.search(r"different version:?\s*\(?([\d., ]+?)\)?\.? than", error)
        found = f"{told[1] if told else 'another one'} on workers, here {platform.python_version()}"
        return Check(
            "worker Python", "problem", f"{found}; {_setting()}", _same_python(bool(remote))
        )
    if "Cannot run program" in error:
        told = re.search(r'Cannot run program "([^"]+)"', error)
        found = f"{told[1] if told else 'it'} cannot be run; {_setting()}"
        return Check("worker Python", "problem", found, _same_python(bool(remote)))
    if "Master must either be" in error or "Could not parse Master URL" in error:
        advice = "Give a master such as local[4], spark://host:7077, yarn or k8s://https://host."
        return Check("session", "problem", f"{master!r} is no master that Spark knows", advice)
    advice = "Look up this error, mend its cause, and run this again."
    if "no answer" in error:
        advice = "See whether other applications hold all slots or memory, and whether executors "
        advice += "can reach this machine (SPARK_LOCAL_IP, firewall)."
    elif "NoClassDefFound" in error or "ClassNotFound" in error:
        advice = "Install the pyspark of the cluster's release, or mend SPARK_HOME."
    return Check("session", "problem", _brief(error), advice)


def _ask(master: str, remote: str, cores: str, limit: float) -> dict[str, Any]:
    """What a worker answered, else an ``error``; by a process that is killed when it is late."""
    kind, address = ("remote", remote) if remote else ("master", master)
    environment = dict(os.environ)
    for name in ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_API_MODE"):
        environment.pop(name, None)
    if not master and not remote:
        address = "local[2]"
        environment.setdefault("PYSPARK_PYTHON", sys.executable)  # as SparkTrials does
    if address.startswith("local") or _is_near(address):
        environment.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    program = str(Path(__file__).with_name("probe.py"))
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as noise:
        child = subprocess.Popen(
            [sys.executable, program, kind, address, cores],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=noise,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            told, _ = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            return {"error": f"no answer within {limit:g} s{_last(noise)}"}
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.communicate()
        try:
            answer: dict[str, Any] = json.loads(told.strip().splitlines()[-1])
            return answer
        except (IndexError, ValueError):
            return {"error": f"the session ended with exit code {child.returncode}{_last(noise)}"}


def _last(noise: Any) -> str:
    noise.seek(0)
    lines = [line.strip() for line in noise.read().splitlines() if _SPEAKING.search(line)]
    return f": {lines[-1]}" if lines else ""


def _brief(error: str) -> str:
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    said = [line for line in lines if not line.startswith(("at ", "File ", "Traceback", "JVM "))]
    causes = [line for line in said if line.startswith("Caused by") or "Error: " in line]
    text = " ".join(dict.fromkeys([*said[:1], *causes[-1:]]))
    return text[:400] or "an error without words"


def _setting() -> str:
    given = os.environ.get("PYSPARK_PYTHON")
    return f"PYSPARK_PYTHON is {given}" if given else "PYSPARK_PYTHON is not set"


def _same_python(connect: bool) -> str:
    minor = "{}.{}".format(*sys.version_info[:2])
    if connect:
        return f"Start the Spark Connect server with PYSPARK_PYTHON set to a Python {minor}."
    return (
        f"Set PYSPARK_PYTHON to a Python {minor} that is on every worker (on this machine: export "
        f"PYSPARK_PYTHON={sys.executable})."
    )


def _version(name: str) -> str:
    """The version of a package, empty where there is none."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return ""


def _version_of_pyspark() -> str:
    found = _version("pyspark") or _version("pyspark-client") or _version("pyspark-connect")
    if found:
        return found
    try:
        import pyspark

        return str(pyspark.__version__)
    except Exception:
        return "0"


def _asked_of(name: str) -> str:
    """The versions of a package that this pyspark takes, such as ``>=2.2.0``."""
    for owner in ("pyspark", "pyspark-client"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            for each in importlib.metadata.requires(owner) or ():
                if match := re.match(rf"{name}\s*\(?([<>=!~][^;)]*)", each):
                    return match[1].replace(" ", "")
    return ""


def _fits(version: str, rule: str) -> bool:
    clauses = re.findall(r"(>=|<=|<|>)([^,]+)", rule)
    return all(_COMPARED[sign](_numbers(version), _numbers(limit)) for sign, limit in clauses)


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
