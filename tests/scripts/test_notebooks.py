"""The notebooks, run as a person would run them."""

import re
import subprocess
import sys

import pytest
from printing import printed_by

# the notebook client and the kernel's sockets warn of their own accord
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def own_cluster(tmp_path, monkeypatch):
    """A folder for the cluster of a notebook, which is stopped whatever became of the notebook."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    command = [sys.executable, "-m", "sparktune", "cluster", "stop"]
    subprocess.run(command, check=True)


def test_the_quickstart_notebook(tmp_path):
    """Every cell of the quickstart notebook runs, and finds what its text says."""
    text = printed_by("quickstart.ipynb", tmp_path)
    assert float(re.search(r"lowest value: (-\d\.\d+)", text).group(1)) <= -3.8
    assert float(re.search(r"accuracy in cross-validation: (\d\.\d+)", text).group(1)) >= 0.985


@pytest.mark.full
def test_the_spark_ml_notebook(tmp_path):
    """Models of Spark ML are tuned in the driver's mode, and the best of them is good."""
    text = printed_by("spark_ml.ipynb", tmp_path)
    assert "{'ok': 24}" in text
    assert float(re.search(r"area under the curve: (\d\.\d+)", text).group(1)) >= 0.98


@pytest.mark.full
def test_the_notebook_that_chooses_a_model(tmp_path):
    """HyperoptEstimator finds a good classifier on Spark, and its script and pickles work."""
    text = printed_by("choose_a_model.ipynb", tmp_path)
    found = [float(each) for each in re.findall(r"has not seen: (\d\.\d+)", text)]
    assert len(found) == 2
    assert min(found) >= 0.95
    assert "the script ran: True" in text
    assert "the same predictions: True" in text
    assert "24 candidates" in text


@pytest.mark.full
def test_the_notebook_that_reads_results(tmp_path):
    """A run on Spark with failed and pruned trials is summed up, weighed, drawn and written."""
    text = printed_by("reading_results.ipynb", tmp_path)
    line = re.search(r"^60 trials: (.*)$", text, re.MULTILINE).group(1)
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (ok|pruned|failed)", line)}
    assert set(counts) == {"ok", "pruned", "failed"}
    assert sum(counts.values()) == 60, line
    assert float(re.search(r"best loss (\d\.\d+)", text).group(1)) <= 0.06
    for method in ("ped-anova", "sobol", "ablation"):
        assert f"Importance ({method})" in text
    assert "run.html written: True" in text
    assert (tmp_path / "run.html").exists()


@pytest.mark.full
def test_the_notebook_of_classic_examples(tmp_path):
    """Saddle, classifiers, network and workers come to what is known of them."""
    text = printed_by("examples.ipynb", tmp_path)
    assert "{'a': 0.0, 'b': 2.0} -4.0" in text.replace("-0.0", "0.0")
    accuracies = [float(each) for each in re.findall(r"accuracy.*: (\d\.\d+)", text)]
    assert len(accuracies) == 2
    assert min(accuracies) >= 0.88
    lowest = re.search(r"40 trials of workers, lowest value (-\d\.\d+)", text)
    assert float(lowest.group(1)) <= -3.5


@pytest.mark.full
def test_the_notebook_that_resumes(tmp_path):
    """A search that was killed goes on as if nothing had been, and in a wider space later."""
    text = printed_by("resume.ipynb", tmp_path)
    assert "ended by signal 9" in text
    assert "11 trials ended" in text
    assert "attempt of trial 11: 1" in text
    assert "the same candidates: True" in text
    assert "45 trials" in text


@pytest.mark.full
def test_the_notebook_of_workers(tmp_path):
    """Two workers evaluate a search, and the one that is left evaluates its rest."""
    text = printed_by("workers.ipynb", tmp_path)
    assert float(re.search(r"80 trials, best (\d\.\d+)", text).group(1)) <= 0.8
    assert "trials        80: 80 ok" in text
    assert "exit code of the other worker: 0" in text


@pytest.mark.full
def test_the_notebook_from_hyperopt(tmp_path):
    """Cells that were written for Hyperopt run unchanged, on Spark, and in sparktune's words."""
    text = printed_by("from_hyperopt.ipynb", tmp_path)
    accuracies = [float(each) for each in re.findall(r"accuracy.*?(\d\.\d+)", text)]
    assert len(accuracies) == 4
    assert min(accuracies) >= 0.94
    assert "25 trials moved" in text


@pytest.mark.full
def test_the_notebook_on_a_cluster(tmp_path, own_cluster):
    """A standalone cluster is used to its slots, and trials that hang, crash or fail are told."""
    text = printed_by("on_a_cluster.ipynb", tmp_path)
    assert "slots: 4" in text
    assert float(re.search(r"r2: (\d\.\d+)", text).group(1)) >= 0.4
    for told in ("stopped after 3 s", "ValueError: x is too large", "killed by SIGSEGV"):
        assert told in text
    assert "16 trials on data that travelled once" in text


@pytest.mark.full
def test_the_notebook_on_spark_connect(tmp_path, own_cluster):
    """The same search runs on a session of Spark Connect, and shares data there."""
    text = printed_by("spark_connect.ipynb", tmp_path)
    assert "pyspark.sql.connect.session" in text
    assert "ready: True" in text
    assert "20 trials" in text
    assert "shared data: True" in text
