"""Journals whose writer was killed in mid-write: what is said of that, and by whom."""

import warnings

import pytest
from recorded_runs import searched, torn

from sparktune import Trials, rand
from sparktune.storage.lock import WriterLock


def test_a_torn_record_is_said_with_what_remains(tmp_path):
    """Whoever reads such a journal, and whoever goes on with it, says how many trials remain."""
    before = searched(tmp_path, 4)
    torn(tmp_path)
    place = r"\(.*/000001.jsonl, line 11: the line is cut off\)"
    with pytest.warns(UserWarning, match=f"torn, and is left out {place}: 3 ended trials remain$"):
        assert len(Trials.load(tmp_path)) == 3
    with pytest.warns(UserWarning, match=f"torn, and is dropped {place}: 3 ended trials remain$"):
        searched(tmp_path, 4)
    assert Trials.load(tmp_path).losses() == before.losses()


def test_a_file_that_was_only_begun_has_torn_nothing(tmp_path):
    """A last file without a byte, of a writer that was killed before its first one, is no loss."""
    searched(tmp_path, 130, algo=rand.suggest)
    last = tmp_path / "000002.jsonl"
    head = last.read_bytes()[:20]
    last.write_bytes(b"")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        count = len(Trials.load(tmp_path))
    assert said == []
    last.write_bytes(head)
    with pytest.warns(UserWarning, match=f"torn, .*000002.jsonl.* {count} ended trials remain"):
        Trials.load(tmp_path)


def test_a_record_that_is_being_written_is_not_torn(tmp_path):
    """While a process writes the journal nothing is said of a last line that is not whole."""
    searched(tmp_path, 3)
    torn(tmp_path)
    with warnings.catch_warnings(record=True) as said, WriterLock(tmp_path):
        warnings.simplefilter("always")
        assert len(Trials.load(tmp_path)) == 2
    assert said == []
