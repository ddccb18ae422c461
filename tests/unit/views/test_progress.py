"""Progress: what a bar and a log show, and that no bar swallows a print."""

import contextlib
import logging
import re
import sys
import types

import pytest

from sparktune import Trials, fmin, hp
from sparktune.views import pace as pace_module
from sparktune.views import progress as progress_module
from sparktune.views.pace import Pace, duration

pytestmark = pytest.mark.usefixtures("sent_by_value")

SPACE = hp.uniform("x", 0, 1)


@pytest.fixture
def as_bar(monkeypatch):
    """A bar is drawn, though nobody has a terminal."""
    monkeypatch.setenv("SPARKTUNE_PROGRESS", "bar")


def test_the_bar_shows_how_things_stand(capsys, as_bar):
    """The bar on stderr ends with finished of all, the best loss, rate and failed trials."""
    results = iter([2.0, float("nan"), 0.5, 1.0])
    fmin(lambda c: next(results), SPACE, max_evals=4)
    out, err = capsys.readouterr()
    last = err.split("\r")[-1]
    assert "4/4" in last
    assert "best loss: 0.5, 1 failed" in last
    assert re.search(r"\d trial/s", last)
    assert out == ""


def test_running_trials_are_shown(capsys, monkeypatch, wait_for, as_bar):
    """While trials run the bar says how many."""
    monkeypatch.setattr(progress_module, "_SECONDS_BETWEEN", 0)  # else it draws ten times a second
    trials, drawn = Trials(parallelism=3, executor="threads"), []

    def shown():
        drawn.append(capsys.readouterr().err)
        return any("3 running" in each for each in drawn)

    fmin(lambda c: 0.0 if wait_for(shown) else 1.0, SPACE, max_evals=6, trials=trials)
    assert shown()


@pytest.mark.parametrize("options", [{"show_progressbar": False}, {"verbose": False}])
def test_the_bar_is_off_on_request(options, capsys):
    """Without a bar nothing is written."""
    fmin(lambda c: 0.0, SPACE, max_evals=3, **options)
    assert capsys.readouterr() == ("", "")


def test_earlier_trials_count_as_finished(capsys, as_bar):
    """A run that goes on begins where the first ended."""
    trials = Trials()
    fmin(lambda c: 0.0, SPACE, max_evals=3, trials=trials)
    capsys.readouterr()
    fmin(lambda c: 0.0, SPACE, max_evals=5, trials=trials)
    err = capsys.readouterr().err
    assert "3/5" in err
    assert "5/5" in err.split("\r")[-1]


def test_an_open_budget_has_no_total(capsys, as_bar):
    """Without max_evals the bar counts."""
    fmin(lambda c: 0.0, SPACE, loss_threshold=0.0)
    assert "1 trial" in capsys.readouterr().err


def test_a_bar_of_ones_own():
    """show_progressbar takes a context manager with update and postfix, as Hyperopt does."""
    shown = []

    class Bar:
        postfix = None

        def update(self, n):
            shown.append((n, self.postfix))

    @contextlib.contextmanager
    def factory(initial, total):
        shown.append((initial, total))
        yield Bar()
        shown.append("closed")

    fmin(lambda c: 0.25, SPACE, max_evals=5, show_progressbar=factory)
    assert shown[0] == (0, 5)
    assert shown[-1] == "closed"
    assert sum(n for n, _ in shown[1:-1]) == 5
    assert "best loss: 0.25" in shown[-2][1]


def test_prints_reach_stdout(capsys):
    """What the objective prints arrives on stdout, whole."""
    fmin(lambda c: print("a line") or 0.0, SPACE, max_evals=5)
    assert capsys.readouterr().out == "a line\n" * 5


def test_a_log_has_a_first_and_a_last_line(capsys):
    """Where stderr is no terminal a run is a line at its begin and one at its end, and no more."""
    results = iter([2.0, float("nan"), 0.5, 1.0])
    fmin(lambda c: next(results), SPACE, max_evals=4)
    out, err = capsys.readouterr()
    assert out == ""
    assert "\r" not in err
    first, last = err.splitlines()
    assert first == "sparktune: the search begins: 0 of 4 trials"
    assert re.fullmatch(
        r"sparktune: the search ended: 4 of 4 trials in [\d.]+ s, best loss: 0.5, 1 failed, "
        r"[\d.e+]+ trials/s",
        last,
    )


def test_a_log_says_how_things_stand_meanwhile(capsys, monkeypatch, wait_for):
    """While a trial runs there is a line every so many seconds, with the time that is left."""
    monkeypatch.setenv("SPARKTUNE_PROGRESS", "0.02")
    monkeypatch.setattr(progress_module, "_SECONDS_BETWEEN", 0)
    seen = []

    def shown():
        seen.append(capsys.readouterr().err)
        return "1 of 3 trials in" in "".join(seen)

    numbers = iter(range(3))
    fmin(lambda c: float(wait_for(shown)) if next(numbers) == 1 else 0.5, SPACE, max_evals=3)
    [line, *_] = [each for each in "".join(seen).splitlines() if "1 of 3 trials in" in each]
    assert "best loss: 0.5, 1 running, " in line
    assert re.search(r"[\d.e+]+ trials/s, about .* left$", line)


def test_a_search_that_is_stopped_says_so(capsys):
    """The last line of a run that an exception ended has another word for it."""

    def objective(x):
        raise KeyError("gone")

    with pytest.raises(KeyError):
        fmin(objective, SPACE, max_evals=3)
    assert "the search was stopped: 1 of 3 trials" in capsys.readouterr().err.splitlines()[-1]


def test_lines_go_through_logging_where_it_is_set_up(capsys, caplog):
    """A program that logs gets the lines under the logger sparktune, and nothing on stderr."""
    with caplog.at_level(logging.INFO):
        fmin(lambda c: 0.0, SPACE, max_evals=3)
    assert capsys.readouterr() == ("", "")
    assert {(record.name, record.levelname) for record in caplog.records} == {("sparktune", "INFO")}
    assert caplog.messages[0] == "the search begins: 0 of 3 trials"


@pytest.mark.parametrize("where", ["journal", "store"])
def test_the_first_line_says_where_a_run_is_recorded(tmp_path, capsys, where):
    """It names the journal or the store, and has another word where there were trials before."""
    place, name = tmp_path / "run", f"the journal {tmp_path / 'run'}"
    if where == "store":
        pytest.importorskip("sqlalchemy")
        place, name = f"sqlite:///{tmp_path}/runs.db", f"sqlite:///{tmp_path}/runs.db (default)"
    for count, begins in ((2, "begins: 0 of 2"), (3, "goes on: 2 of 3")):
        fmin(lambda c: 0.0, SPACE, max_evals=count, trials=Trials(**{where: place}))
        first = capsys.readouterr().err.splitlines()[0]
        assert first == f"sparktune: the search {begins} trials, recorded in {name}"


def test_results_that_are_known_do_not_make_a_search_go_on(capsys):
    """A search begins with the results that it is given, and goes on with those of a run."""
    trials = Trials()
    for count, begins in ((3, "begins: 1 of 3"), (4, "goes on: 3 of 4")):
        fmin(lambda c: 0.0, SPACE, max_evals=count, trials=trials, points_to_evaluate=[(0.5, 1.0)])
        first = capsys.readouterr().err.splitlines()[0]
        assert first == f"sparktune: the search {begins} trials"


def test_a_program_that_silences_the_logger_has_silence(capsys, caplog):
    """A level of its own on the logger sparktune is what decides."""
    with caplog.at_level(logging.WARNING, logger="sparktune"):
        fmin(lambda c: 0.0, SPACE, max_evals=3)
    assert capsys.readouterr() == ("", "")
    assert not caplog.messages


def test_a_program_without_stderr_runs(monkeypatch):
    """A process that has no stderr, as some services have none, searches all the same."""
    monkeypatch.setattr(sys, "stderr", None)
    assert fmin(lambda c: 0.0, SPACE, max_evals=3)


def test_the_environment_turns_progress_off(capsys, monkeypatch):
    """SPARKTUNE_PROGRESS=off shows nothing, and a bar of one's own is left alone."""
    monkeypatch.setenv("SPARKTUNE_PROGRESS", "off")
    fmin(lambda c: 0.0, SPACE, max_evals=3)
    assert capsys.readouterr() == ("", "")


def test_the_environments_word_is_checked(monkeypatch):
    """What means nothing is refused with the words that do."""
    monkeypatch.setenv("SPARKTUNE_PROGRESS", "often")
    with pytest.raises(ValueError, match=r"'off', or a number of seconds .* but is 'often'"):
        fmin(lambda c: 0.0, SPACE, max_evals=3)


def test_durations_are_in_words():
    """Seconds, minutes and hours, as far as they matter."""
    seconds = [0.04, 9.94, 9.96, 59.4, 59.6, 90, 600, 3599.6, 5400]
    words = ["0.0 s", "9.9 s", "10 s", "59 s", "1 min", "1 min 30 s", "10 min", "1 h", "1 h 30 min"]
    assert list(map(duration, seconds)) == words


def test_the_time_left_is_that_of_the_trials_or_of_the_limit(monkeypatch):
    """Whichever ends the run first."""
    now = [0.0]
    monkeypatch.setattr(pace_module, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    open_ended, limited = Pace(2, 12), Pace(2, 12, timeout=30.0)
    assert (open_ended.left, limited.left, Pace(0, None).left) == (None, 30.0, None)
    now[0], open_ended.done, limited.done = 10.0, 4, 4
    assert (open_ended.rate, open_ended.left, limited.left) == (0.2, 40.0, 20.0)
    assert limited.remaining == "about 20 s left"
    open_ended.done = 12
    assert open_ended.remaining == ""
