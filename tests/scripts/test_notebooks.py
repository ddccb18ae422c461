"""The notebooks, run as a person would run them."""

import re

import pytest
from printing import printed_by


# the notebook client and the kernel's sockets warn of their own accord
@pytest.mark.filterwarnings("ignore")
def test_the_quickstart_notebook(tmp_path):
    """Every cell of the quickstart notebook runs, and finds what its text says."""
    text = printed_by("quickstart.ipynb", tmp_path)
    assert float(re.search(r"lowest value: (-\d\.\d+)", text).group(1)) <= -3.8
    assert float(re.search(r"accuracy in cross-validation: (\d\.\d+)", text).group(1)) >= 0.985


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_the_spark_ml_notebook(tmp_path):
    """Models of Spark ML are tuned in the driver's mode, and the best of them is good."""
    text = printed_by("spark_ml.ipynb", tmp_path)
    assert "{'ok': 24}" in text
    assert float(re.search(r"area under the curve: (\d\.\d+)", text).group(1)) >= 0.98


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
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
@pytest.mark.filterwarnings("ignore")
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
