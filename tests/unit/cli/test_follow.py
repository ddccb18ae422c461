"""`sparktune show --follow`: what it prints while a run comes in. The run goes on in its pauses."""

import io
import os
import re
import shutil

import pytest
from recorded_runs import searched, torn

from sparktune.cli import main
from sparktune.cli.follow import follow_in_lines, follow_on_screen, steps
from sparktune.cli.journals import _pause_of
from sparktune.cli.sources import JournalSource


def pauses(*events):
    """A pause in which one thing after the other happens, and Ctrl-C at last."""
    left = list(events)

    def pause(seconds):
        assert seconds == 1
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    return pause


def told(text):
    """Number, status, loss and best of the lines of ended trials."""
    pattern = r"Z trial (\d+) +(\w+)(?: +loss (\S+))?(?: +best (\S+))?$"
    return [each.groups() for each in re.finditer(pattern, text, re.M)]


def test_a_line_for_each_trial_that_ends(tmp_path, capsys):
    """It waits for the folder, shows what is there, and then each trial with the best so far."""
    folder = tmp_path / "run"
    pause = pauses(
        lambda: None,
        lambda: searched(folder, 3),
        lambda: searched(folder, 5),
        lambda: None,
        lambda: searched(folder, 12),
    )
    assert follow_in_lines(JournalSource(folder), 10, None, pause) == 130
    out, error = capsys.readouterr()
    assert error == f"sparktune: waiting for a journal in {folder}\n"
    assert out.count(str(folder)) == 1
    assert "3: " in out
    lines = told(out)
    assert [int(line[0]) for line in lines] == list(range(3, 12))
    trials = searched(folder, 12)
    for (number, status, loss, best), each in zip(lines, list(trials.history)[3:], strict=True):
        assert status == each.status.name.lower()
        assert (loss is None) == (each.loss is None)
        before = [x for x in trials.losses()[: int(number) + 1] if x is not None]
        assert float(best) == pytest.approx(min(before), rel=1e-5)


def test_a_torn_record_is_said_once(tmp_path, capsys):
    """Of a run that was killed in mid-write it says so when it sees it, and once."""
    folder = tmp_path / "run"
    searched(folder, 4)
    torn(folder)
    pause = pauses(lambda: None, lambda: None)
    assert follow_in_lines(JournalSource(folder), 10, None, pause) == 130
    error = capsys.readouterr().err
    assert error.count("is torn") == 1
    assert error.endswith(": the line is cut off): 3 ended trials remain\n")


def test_only_what_is_new_is_read(tmp_path, monkeypatch):
    """A look reads from the record at which the one before ended."""
    import sparktune.storage.replaying as replaying

    since, real = [], replaying.read
    monkeypatch.setattr(replaying, "read", lambda folder, n=0: since.append(n) or real(folder, n))
    searched(tmp_path, 4)
    since.clear()
    seen = steps(JournalSource(tmp_path), lambda _: None)
    counts = [next(seen).summary.counts for _ in range(3)]
    assert counts[0] == counts[2]
    assert since == [0, 10, 10]


@pytest.mark.full
def test_compacting_and_another_journal_meanwhile(tmp_path, capsys):
    """It goes on after the files were merged, and begins anew where the folder is another one."""
    folder = tmp_path / "run"
    searched(folder, 300)

    def another():
        shutil.rmtree(folder)
        searched(folder, 2)

    pause = pauses(
        lambda: main(["compact", str(folder)]),
        lambda: searched(folder, 302),
        another,
        lambda: searched(folder, 3),
        lambda: shutil.rmtree(folder),
    )
    follow_in_lines(JournalSource(folder), 1, None, pause)
    out, error = capsys.readouterr()
    assert "files became" in out
    assert [int(line[0]) for line in told(out)] == [300, 301, 2]
    assert error.count("another journal is in") == 1
    assert "waiting for" in error


def test_a_damaged_journal_ends_it(tmp_path, capsys):
    """What is no journal is said, not waited for."""
    (tmp_path / "file").write_text("hello")
    assert main(["show", "--follow", str(tmp_path / "file")]) == 1
    assert "a journal is a folder" in capsys.readouterr().err


def test_on_a_screen(tmp_path, monkeypatch):
    """With rich the summary is drawn anew, with the last lines below it."""
    console = pytest.importorskip("rich.console")
    file = io.StringIO()
    terminal = console.Console(file=file, width=100, height=40, force_terminal=True)
    monkeypatch.setattr(console, "Console", lambda: terminal)
    searched(tmp_path, 3)
    assert (
        follow_on_screen(JournalSource(tmp_path), 5, pauses(lambda: searched(tmp_path, 8))) == 130
    )
    text = file.getvalue()
    assert "8: " in text
    lines = told(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))
    assert [int(line[0]) for line in lines[-3:]] == [5, 6, 7]


def test_a_pause_notices_who_has_gone():
    """A pause ends at once with BrokenPipeError where the other end of stdout is closed."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        pause = _pause_of(stream)
        pause(0)
        os.close(reader)
        with pytest.raises(BrokenPipeError):
            pause(60)
