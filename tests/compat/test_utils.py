"""Small helpers that scripts take from ``hyperopt.utils``."""

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from sparktune.hyperopt import utils
from sparktune.hyperopt.pyll import Literal, as_apply, rec_eval


def test_the_time_is_utc_without_a_zone():
    """It is now, in UTC, in whole milliseconds."""
    before = datetime.now(timezone.utc).replace(tzinfo=None)
    found = utils.coarse_utcnow()
    after = datetime.now(timezone.utc).replace(tzinfo=None)
    assert found.tzinfo is None
    assert found.microsecond % 1000 == 0
    assert -1e-3 < (found - before).total_seconds() <= (after - before).total_seconds()


def test_items_among_others():
    """Fast_isin says of each item of the first whether it is among the second."""
    found = utils.fast_isin(np.array([1, 5, 2, 5]), np.array([2, 1, 9]))
    assert found.tolist() == [True, False, True, False]


def test_positions_of_the_latest_versions():
    """They come in the order of ids, each where the highest version of its id stands."""
    documents = [
        {"_id": _id, "version": version}
        for _id, version in ((7, 1), (3, 0), (7, 0), (3, 2), (5, 0), (3, 1))
    ]
    assert utils.get_most_recent_inds(documents).tolist() == [3, 4, 0]


def test_shares_of_being_the_lowest():
    """Pmin_sampled counts how often a normal variable is the lowest, the same each time."""
    shares = utils.pmin_sampled(np.array([0.0, 1.0, 9.0]), np.array([1.0, 3.0, 1e-6]))
    assert shares == pytest.approx([0.69, 0.31, 0], abs=0.03)
    assert shares.sum() == pytest.approx(1)
    again = utils.pmin_sampled(np.array([0.0, 1.0, 9.0]), np.array([1.0, 3.0, 1e-6]))
    assert (again == shares).all()
    few = utils.pmin_sampled(np.zeros(2), np.ones(2), n_samples=3, rng=np.random.default_rng(0))
    assert set(few * 3) <= {0, 1, 2, 3}


def test_an_object_stands_for_literals():
    """Each Literal of a graph that holds a mark has another value in the memo."""
    mark = object()
    graph = as_apply({"a": Literal(mark), "b": [Literal(mark), 3]})
    memo = {}
    assert utils.use_obj_for_literal_in_memo(graph, "here", mark, memo) is memo
    assert rec_eval(graph, memo=memo) == {"a": "here", "b": ("here", 3)}


def test_another_working_folder(tmp_path):
    """Within working_dir that is the current folder, and after it, even by an error, the former."""
    before = Path.cwd()
    with pytest.raises(ZeroDivisionError), utils.working_dir(str(tmp_path)):
        assert Path.cwd().samefile(tmp_path)
        raise ZeroDivisionError
    assert Path.cwd() == before


def test_a_folder_for_a_while(tmp_path):
    """Temp_dir makes a folder, and on request removes it again, if it was not there before."""
    made = tmp_path / "a" / "b"
    with utils.temp_dir(str(made), erase_after=True):
        assert made.is_dir()
        (made / "file").write_text("text")
    assert not made.exists()
    with utils.temp_dir(str(made)):
        assert made.is_dir()
    with utils.temp_dir(str(made), erase_after=True):
        pass
    assert made.is_dir()
    plain = tmp_path / "c"
    with utils.temp_dir(str(plain), with_sentinel=False):
        assert list(plain.iterdir()) == []
