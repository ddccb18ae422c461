"""What lies in files beside a journal's records: written whole or not at all, read when told."""

import errno
import os
import pickle

import numpy as np
import pytest
from disks import CHANGES, Failing, Full, Mounted, NoAppend, NoSync

from sparktune import JournalError, Trials, fmin, hp, rand
from sparktune.storage.attachments import keep, stored
from sparktune.storage.files import Files

SPACE = {"x": hp.uniform("x", 0, 1)}
THINGS = {"array": np.arange(20_000), "object": frozenset([Ellipsis, print])}


def left_in(folder):
    return sorted(path.name for path in (folder / "attachments").glob("*"))


def same(one, other):
    return np.array_equal(one, other) if isinstance(other, np.ndarray) else one == other


def run(folder, result, most=2):
    trials = Trials(journal=folder)
    fmin(
        lambda config: {"loss": config["x"], "status": "ok", **result}, SPACE, algo=rand.suggest,
        max_evals=most, rstate=0, trials=trials, show_progressbar=False,
    )  # fmt: skip
    return trials


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("disk", [Files, NoAppend, NoSync, Mounted])
def test_a_thing_is_kept_on_any_file_system(tmp_path, disk, thing):
    """Neither appending nor renaming nor syncing is needed, and the thing is loaded as it was."""
    said = keep(THINGS[thing], tmp_path, 7, 1, files=disk())
    assert same(stored(tmp_path, said).load(), THINGS[thing])
    assert said["bytes"] == (tmp_path / "attachments" / said["name"]).stat().st_size


@pytest.mark.parametrize("room", [0, 1, 100])
def test_a_full_disk_is_an_error_and_leaves_no_file(tmp_path, room):
    """Where there is no room the error says so, and half a file is neither named nor left."""
    with pytest.raises(JournalError, match=r"No space left.*trial 7 .*ndarray of 160,128 bytes"):
        keep(THINGS["array"], tmp_path, 7, 0, files=Full(room))
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("error", [errno.EACCES, errno.EFBIG])
def test_what_cannot_be_kept_is_named_as_lost(tmp_path, error):
    """For any other reason of the file system the record says what is lost and why."""
    said = keep(THINGS["array"], tmp_path, 7, 0, files=Failing(1, error, on=True))
    assert set(said) == {"type", "lost"}
    assert os.strerror(error) in stored(tmp_path, said)
    assert left_in(tmp_path) in ([], ["000007-0-1.npy"])


@pytest.mark.parametrize("at", range(7))
def test_each_call_of_the_disk_may_fail(tmp_path, at):
    """Whichever call finds the disk full, there is a file that is named, or an error."""
    disk = Failing(at, changes=CHANGES)
    try:
        said = keep(THINGS["array"], tmp_path, 7, 0, files=disk)
    except JournalError:
        assert left_in(tmp_path) == []
    else:
        assert same(stored(tmp_path, said).load(), THINGS["array"])


def test_no_file_is_written_over(tmp_path):
    """A file that is there already, or a link to one, stays as it is."""
    (tmp_path / "attachments").mkdir()
    (tmp_path / "attachments" / "000007-0-1.npy").write_text("other")
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "attachments" / "000007-0-2.npy").symlink_to(tmp_path / "victim")
    said = keep(THINGS["array"], tmp_path, 7, 0)
    assert said["name"] == "000007-0-3.npy"
    assert (tmp_path / "victim").read_text() == "mine"
    assert (tmp_path / "attachments" / "000007-0-1.npy").read_text() == "other"


def test_a_run_on_a_full_disk_ends_with_the_reason(tmp_path, monkeypatch):
    """The run ends with an error that says so, and the next one evaluates the trial again."""

    def write(_, fd, data):
        if len(data) > 10_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(fd, data)

    with monkeypatch.context() as full:
        full.setattr(Files, "write", write)
        with pytest.raises(JournalError, match="No space left on device"):
            run(tmp_path, {"curve": THINGS["array"]})
    assert left_in(tmp_path) == []
    assert len(Trials.load(tmp_path)) == 0
    with pytest.warns(UserWarning, match="holds more than plain data"):
        trials = run(tmp_path, {"curve": THINGS["array"]})
    assert [trial.attempt for trial in trials.history] == [1, 0]
    assert same(Trials.load(tmp_path).history[0].outcome.info["curve"].load(), THINGS["array"])


def test_a_trial_does_not_fail_for_what_it_returns_beside_its_loss(tmp_path, monkeypatch):
    """A thing that nothing can pickle, or a file that cannot be made, leaves the loss recorded."""

    class Stubborn:
        def __reduce__(self):
            raise TypeError("not me")

    with pytest.warns(UserWarning, match="the journal does not have a .*Stubborn: TypeError") as w:
        run(tmp_path, {"model": Stubborn()}, 3)
    assert len(w) == 1

    def create(self, path):
        if path.suffix == ".npy":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)

    monkeypatch.setattr(Files, "create", create)
    with pytest.warns(UserWarning, match=r"does not have a numpy.ndarray: .*Permission denied"):
        run(tmp_path, {"curve": THINGS["array"]}, 5)
    trials = Trials.load(tmp_path)
    assert None not in trials.losses()
    assert "could not be kept: TypeError: not me" in trials.history[0].outcome.info["model"]
    assert "Permission denied" in trials.history[4].outcome.info["curve"]


@pytest.mark.parametrize("what", ["the file", "the folder"])
def test_links_are_not_loaded(tmp_path, what):
    """A link in the place of a file, or of its folder, is not followed."""
    said = keep({1}, tmp_path / "journal", 0, 0)
    path = tmp_path / "journal" / "attachments" / said["name"]
    moved = path if what == "the file" else path.parent
    moved.rename(tmp_path / "elsewhere").exists()
    moved.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match=r"cannot be loaded: OSError: it is a link, which a jou"):
        stored(tmp_path / "journal", said).load()


BAD_NAMES = ("../x.pkl", "/etc/passwd", "000000-0-1.pkl/../../x.pkl", "000000-0-1.pkl\n", "",
             "lock", "000000-0-1.sh", "\u0660" * 6 + "-0-1.pkl", "C:\\x", None, 7, [])  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_lead_out_of_the_folder_are_refused(tmp_path, name):
    """A record may name files of the journal's own folder only."""
    with pytest.raises(ValueError, match="is no name of a file in a journal"):
        stored(tmp_path, {"type": "x", "name": name, "bytes": 1})


@pytest.mark.parametrize("size", [None, -1, 1.5, "1", 10**400, True])
def test_sizes_that_are_none_are_refused(tmp_path, size):
    """A size is a whole number of bytes."""
    with pytest.raises(ValueError, match="is no size of a file"):
        stored(tmp_path, {"type": "x", "name": "000000-0-1.pkl", "bytes": size})


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"junk", pickle.dumps([1])])
def test_a_damaged_file_is_an_error_when_it_is_loaded(tmp_path, data):
    """An array's file that holds no array, or a pickle, gives one error with the file's name."""
    said = keep(THINGS["array"], tmp_path, 0, 0)
    (tmp_path / "attachments" / said["name"]).write_bytes(data)
    with pytest.raises(JournalError, match=r"000000-0-1.npy cannot be loaded"):
        stored(tmp_path, said).load()


def test_a_huge_array_in_a_small_file_is_an_error(tmp_path):
    """A header that promises more than the file holds does not fill the memory."""
    said = keep(THINGS["array"], tmp_path, 0, 0)
    path = tmp_path / "attachments" / said["name"]
    path.write_bytes(path.read_bytes().replace(b"(20000,), }     ", b"(99999999999,),}"))
    with pytest.raises(JournalError, match="cannot be loaded"):
        stored(tmp_path, said).load()
