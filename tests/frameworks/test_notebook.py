"""The notebook that tunes Keras models on Spark."""

import importlib.util
import re

import pytest
from printing import printed_by

if importlib.util.find_spec("keras") is None:
    pytest.skip("no Keras here", allow_module_level=True)


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_the_notebook_of_templates(tmp_path):
    """Its networks are trained as tasks of Spark, and learn the digits."""
    text = printed_by("templates.ipynb", tmp_path)
    accuracies = [float(each) for each in re.findall(r"accuracy: (\d\.\d+)", text)]
    assert len(accuracies) == 2
    assert min(accuracies) > 0.7  # by chance a tenth
    assert "the same label in every round" in text
    assert re.search(r"^Dense\[0\] .* always  +Cell In\[6\]:4$", text, re.M)
