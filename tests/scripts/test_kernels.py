"""What a run shows in a real kernel: to somebody who looks on, and in a notebook that is saved."""

import re

import pytest

pytest.importorskip("ipykernel")
pytest.importorskip("ipywidgets")
from kernels import Kernel

pytestmark = pytest.mark.filterwarnings("ignore")  # of the client's sockets

SEARCH = """
import time
from sparktune import Trials, fmin, hp, rand
def objective(x, trial):
    trial.report(1, x)
    time.sleep(0.15)
    if trial.number == 3:
        raise ValueError("</script><img src=x onerror=alert(1)>")
    return x
trials = Trials(parallelism=2, executor="threads")
best = fmin(objective, hp.uniform("x", 0, 1), rand.suggest, max_evals=40, trials=trials, rstate=0,
            catch_eval_exceptions=True)
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """A kernel for all tests here."""
    made = Kernel(tmp_path_factory.mktemp("kernel"))
    yield made
    made.close()


def test_somebody_who_looks_on_sees_one_table_in_its_place(kernel):
    """A bar and a table, drawn anew in its place twice a second, and a line at the end."""
    shown, reply = kernel.messages(kernel.begin(SEARCH))
    assert reply["status"] == "ok", reply
    tables = [
        (kind, content)
        for kind, content in shown
        if kind.endswith("display_data") and "best trials" in content["data"].get("text/html", "")
    ]
    kinds = [kind for kind, _ in shown if kind.endswith("display_data")]
    assert kinds.count("display_data") == 2
    assert len({content["transient"]["display_id"] for _, content in tables}) == 1
    pages = [content["data"]["text/html"] for _, content in tables]
    assert any(">running</div>" in page and "last report" in page for page in pages)
    assert "running" not in pages[-1]
    seconds = float(re.search(r"40 of 40 trials in ([\d.]+) s", pages[-1]).group(1))
    assert 3 <= len(tables) <= 2 * seconds + 3
    assert "<img" not in pages[-1]
    assert "&lt;img" in pages[-1]
    assert "\r" not in "".join(c["text"] for kind, c in shown if kind == "stream")
    widgets = [c["data"] for kind, c in shown if kind == "display_data"]
    assert any("application/vnd.jupyter.widget-view+json" in data for data in widgets)


def test_a_notebook_that_nobody_looks_at_has_the_end_alone(tmp_path):
    """Under nbclient, as nbconvert and papermill use it, a run leaves one output: how it ended."""
    import nbformat
    from nbclient import NotebookClient

    cell = nbformat.v4.new_code_cell(SEARCH)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    resources = {"metadata": {"path": tmp_path}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    [output] = cell["outputs"]
    assert output["output_type"] == "display_data"
    assert re.match(r"40 of 40 trials in [\d.]+ s · best loss ", output["data"]["text/plain"])
    assert "ValueError: &lt;/script&gt;&lt;img" in output["data"]["text/html"]


def test_switched_off_there_is_nothing(kernel):
    """show_progressbar=False and verbose=False leave a cell without output."""
    for option in ("show_progressbar=False", "verbose=False"):
        code = SEARCH.replace("rstate=0", f"rstate=0, {option}").replace("0.15", "0")
        shown, reply = kernel.messages(kernel.begin(code))
        assert reply["status"] == "ok"
        assert [kind for kind, _ in shown if kind not in ("execute_input", "status")] == []


def test_a_search_within_an_objective_has_no_table_of_its_own(kernel):
    """The inner search of each trial leaves no output but its bar."""
    code = """
fmin(lambda x: fmin(lambda y: y, hp.uniform("y", 0, 1), max_evals=2, verbose=True, rstate=0)["y"],
     hp.uniform("x", 0, 1), max_evals=3)
"""
    shown, reply = kernel.messages(kernel.begin(code))
    assert reply["status"] == "ok"
    displayed = [c["data"] for kind, c in shown if kind == "display_data"]
    assert sum("text/html" in data and "trials" in data["text/plain"] for data in displayed) <= 1


def test_an_error_in_a_cell_ends_with_one_sentence(kernel):
    """A traceback in a cell has the cell, the call and the sentence, and nothing of the way."""
    code = (
        "fmin(lambda x: x, {'a': hp.uniform('x', 0, 1), 'b': hp.uniform('x', 0, 2)}, max_evals=3)"
    )
    _, reply = kernel.messages(kernel.begin(code))
    assert reply["ename"] == "DuplicateLabel"
    assert reply["evalue"].startswith("two hyperparameters carry the label 'x': ")
    text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(reply["traceback"]))
    assert "nodes.py" not in text
    assert text.splitlines()[-1].startswith("DuplicateLabel: two hyperparameters carry the label")
