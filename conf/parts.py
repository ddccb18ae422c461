"""The parts of the tests: what each runs, in which environment, and how long it may take."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / ".cache" / "tests"
NO_SUCH_PYTHON = 3  # exit code of environment.sh
SECONDS_TO_CLEAN_UP = 60  # for fixtures that stop servers
SLOWEST = 25


@dataclass(frozen=True)
class Part:
    """One part.

    Attributes:
        command: what it runs, as in a shell; "pytest" and "python" are those of the environment.
        minutes: how long it may take.
        environment: a name for conf/environment.sh; None for the environment of the caller.
    """

    command: str
    minutes: float
    environment: str | None = None


GATE = {
    "lint": Part("python -m ruff check .", 1),
    "format": Part("python -m ruff format --check .", 1),
    "types": Part("python -m mypy", 5),
    "typing": Part("pytest tests/typing -v", 3),
    "unit": Part("pytest tests/unit -n 2", 6),
    "processes": Part("pytest tests/processes -n 2", 5),
    "conformance": Part("pytest tests/conformance -n 2", 5),
    "compat": Part("pytest tests/compat -n 2", 5),
    "local": Part("pytest tests/spark --spark=local -v", 10),
    "connect": Part("pytest tests/spark --spark=connect -v", 10),
    "scripts": Part("pytest tests/scripts -v", 10),
}
_OTHERS = ("faults", "machines")  # parts of their own
_FULL = " ".join(["--full -v", *(f"--ignore=tests/spark/test_{name}.py" for name in _OTHERS)])
_SCRIPTS = "pytest tests/scripts --full -v"
_NO_JVM = ("unit", "processes", "conformance", "compat")
_WITHOUT_SPARK = f"pytest {' '.join(f'tests/{name}' for name in _NO_JVM)} -n 2"
RELEASES = ("3.5.2", "4.0.0", "4.1.0", "4.2.0", "newest")  # the oldest first


def of_releases(*releases: str) -> dict[str, Part]:
    """The Spark tests on releases of Spark, each in an environment of its own."""
    parts = {}
    for release in releases:
        environment = f"spark-{release}"
        parts[environment] = Part("pytest tests/spark --spark=local -v", 15, environment)
        if not release.startswith("3."):  # whose wheel has no server
            command = "pytest tests/spark --spark=connect -v"
            parts[f"{environment}-connect"] = Part(command, 15, environment)
    return parts


PROGRAMS = ("ray", "hpsklearn")  # that import hyperopt
_ESTIMATOR = "pytest tests/unit/hpsklearn --full -n 2"
FULL = {
    **GATE,
    **{name: Part(f"pytest tests/{name} --full -n 2", 40) for name in _NO_JVM},
    "local": Part(f"pytest tests/spark --spark=local {_FULL}", 15),
    "connect": Part(f"pytest tests/spark --spark=connect {_FULL}", 15),
    "scripts": Part(f"{_SCRIPTS} --ignore=tests/scripts/test_notebooks.py", 15),
    "notebooks": Part("pytest tests/scripts/test_notebooks.py --full -v", 25),
    "standalone": Part(f"pytest tests/spark --spark=standalone {_FULL}", 20),
    "client": Part(f"pytest tests/spark --spark=client {_FULL}", 20),
    **{
        f"faults-{where}": Part(f"pytest tests/spark/test_faults.py --spark={where} --full -v", 20)
        for where in ("local", "standalone", "connect")
    },
    "machines": Part("pytest tests/spark/test_machines.py --spark=standalone --full -v", 30),
    **of_releases(RELEASES[0], RELEASES[-1]),
    **{name: Part(_WITHOUT_SPARK, 20, name) for name in ("python3.10", "python3.12", "python3.13")},
    **{name: Part(_ESTIMATOR, 20, name) for name in ("sklearn-1.5", "boosting")},
    "templates": Part("pytest tests/frameworks --full -v", 20, "templates"),
    "typing": Part("pytest tests/typing -v", 3, "typing"),
    "pages": Part("pytest tests/pages -v", 15, "pages"),
    "site": Part("pytest tests/site -v", 10, "site"),
    "peers": Part("pytest tests/peers -v", 15, "peers"),
    **{name: Part("pytest tests/mlflow --full -v", 25, name) for name in ("mlflow", "mlflow-2.21")},
    **{name: Part(f"pytest tests/programs/test_{name}.py -v", 10, name) for name in PROGRAMS},
}
SETS = {"full": FULL, "versions": of_releases(*RELEASES)}


@dataclass(frozen=True)
class Ran:
    """What became of a part."""

    name: str
    result: str
    seconds: float
    versions: str = ""

    @property
    def failed(self) -> bool:
        """Whether something is wrong with what was tested."""
        return not self.result.startswith(("ok", "not run"))


def run(name: str, part: Part) -> Ran:
    """Run a part, at most for its minutes, and show what it prints."""
    print(f"\n== {name}: {part.command}", flush=True)
    began = time.monotonic()
    python = sys.executable
    if part.environment is not None:
        script = ["bash", str(ROOT / "conf" / "environment.sh"), part.environment]
        made = subprocess.run(script, stdout=subprocess.PIPE, text=True, check=False)
        if made.returncode == NO_SUCH_PYTHON:
            return Ran(name, f"not run: no {part.environment} on this machine", 0.0)
        if made.returncode:
            return Ran(name, "failed: no environment", time.monotonic() - began)
        python = made.stdout.strip()
    program, *words = shlex.split(part.command)
    command = [python, *words]
    if program == "pytest":
        command = [python, "-m", "pytest", f"--junitxml={report_of(name)}", *words]
    # else each worker would compile all tests, and each process that they start the package
    env = {k: text for k, text in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, env=env)
    try:
        code = process.wait(part.minutes * 60)
        result = "ok" if code == 0 else f"failed: exit code {code}"
    except subprocess.TimeoutExpired:
        end(process)
        result = f"failed: not done within {part.minutes:g} minutes"
    except KeyboardInterrupt:
        end(process)
        raise
    return Ran(name, result, time.monotonic() - began, versions_of(python))


def versions_of(python: str) -> str:
    """The versions of an environment's Python and pyspark."""
    told = subprocess.run([python, "-c", _VERSIONS], stdout=subprocess.PIPE, text=True, check=False)
    return told.stdout.strip()


_VERSIONS = """
import importlib.metadata, platform
name = {each.metadata["Name"] for each in importlib.metadata.distributions()} & {
    "pyspark", "pyspark-client"}
print("Python", platform.python_version(), *(f"{n} {importlib.metadata.version(n)}" for n in name))
"""


def end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a part, so that it stops its servers; kill it where it does not."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(SECONDS_TO_CLEAN_UP)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def report_of(name: str) -> Path:
    """Where pytest writes what became of a part's tests."""
    return REPORTS / f"{name}.xml"


def cases(name: str) -> list[ElementTree.Element]:
    """The tests of a part that have run."""
    path = report_of(name)
    return list(ElementTree.parse(path).iter("testcase")) if path.exists() else []


def show_slowest(names: list[str]) -> None:
    """Print the tests that took longest, setup and teardown included."""
    found = [(float(c.get("time", 0)), name, c) for name in names for c in cases(name)]
    print(f"\n== the {SLOWEST} slowest tests", flush=True)
    for seconds, name, case in sorted(found, key=lambda each: -each[0])[:SLOWEST]:
        print(f"{seconds:7.1f} s  {name:20} {case.get('classname')}::{case.get('name')}")


def show_table(ran: list[Ran]) -> None:
    """Print what became of the parts, and of which commit."""
    git = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    total = sum(part.seconds for part in ran)
    print(f"\n== {commit.strip() or 'no git here'}, {total:.0f} s")
    for part in ran:
        print(
            f"{part.name:20} {part.seconds:6.0f} s {len(cases(part.name)):6} tests  "
            f"{part.versions:32} {part.result}"
        )
    sys.stdout.flush()


def why_skipped(case: ElementTree.Element) -> str | None:
    """Why a test was skipped; None where it was not."""
    skipped = case.find("skipped")
    if skipped is None or skipped.get("type") == "pytest.xfail":
        return None
    text = skipped.text or ""
    return text.partition("Skipped: ")[2].rstrip("'\")") or skipped.get("message") or text


def show_skipped(names: list[str]) -> None:
    """Print how many tests were skipped, and why: what a machine lacks goes untested."""
    found = Counter((name, why) for name in names for case in cases(name)
                    if (why := why_skipped(case)) is not None)  # fmt: skip
    if found:
        print("\n== skipped")
    for (name, why), count in found.items():
        print(f"{name:20} {count:6} tests  {why}")


def main(words: list[str]) -> int:
    """Run the gate, or the parts of the set that the words name; 1 where one of them failed."""
    if words == ["parts"]:
        for name, part in {**FULL, **SETS["versions"]}.items():
            print(f"{name:20} {part.command}")
        return 0
    chosen = SETS.get(words[0]) if words else None
    unknown = words if chosen is None else [name for name in words[1:] if name not in chosen]
    if unknown:
        there = ", ".join(f"{name} {' '.join(parts)}" for name, parts in SETS.items())
        print(f"no part {', '.join(unknown)}; there are: {there}", file=sys.stderr)
        return 2
    parts = GATE if chosen is None else {name: chosen[name] for name in words[1:] or chosen}
    REPORTS.mkdir(parents=True, exist_ok=True)
    for name in parts:
        report_of(name).unlink(missing_ok=True)
    ran: list[Ran] = []
    for name, part in parts.items():
        ran.append(run(name, part))
        print(f"== {name}: {ran[-1].result}, {ran[-1].seconds:.1f} s", flush=True)
        if ran[-1].failed and chosen is None:
            break
    show_slowest(list(parts))
    show_skipped(list(parts))
    show_table(ran)
    return int(any(part.failed for part in ran))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
