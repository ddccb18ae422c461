"""Files that are written whole or not at all."""

import pytest

from sparktune.storage.whole import write_whole


def test_a_file_is_replaced(tmp_path):
    """A new file has the rights of any new one; one that was there keeps its own."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_whole(path, b"new")
    write_whole(tmp_path / "other", b"it")
    (tmp_path / "usual").touch()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "other").stat().st_mode == (tmp_path / "usual").stat().st_mode
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "other", "usual"]


@pytest.mark.parametrize("call", ["fdopen", "replace"])
def test_a_write_that_fails_changes_nothing(tmp_path, monkeypatch, call):
    """Where a disk is full or refuses, the old file stays, and nothing lies beside it."""

    def refuse(*_, **__):
        raise OSError("no space")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    if call == "replace":
        monkeypatch.setattr("pathlib.Path.replace", refuse)
    else:
        monkeypatch.setattr("os.fdopen", refuse)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
