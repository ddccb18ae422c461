"""Trials with a journal: what ends this process, and what the next one goes on with."""

import functools
import os
import shutil
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest

import sparktune
from sparktune import JournalError, JournalInUse, Trials, Tuner, fmin, hp, rand, scope, tpe
from sparktune.storage.files import Files

SPACE = {
    "x": hp.uniform("x", -3, 3),
    "kind": hp.choice("kind", ["a", {"y": hp.lognormal("y", 0, 1)}]),
}
quiet = functools.partial(fmin, algo=tpe.suggest, show_progressbar=False)


def objective(config):
    loss = config["x"] ** 2
    if config["kind"] == "a":
        raise ValueError("a is broken")
    return {"loss": loss, "status": "ok", "shape": (1, 2), "far": float("inf")}


def told(trials):
    """What trials hold, but for times."""
    return [
        (t.number, t.attempt, dict(t.values), t.status, t.loss, t.batch, dict(t.outcome.info))
        for t in trials.history
    ]


def run(trials, most, **options):
    quiet(objective, SPACE, max_evals=most, trials=trials, catch_eval_exceptions=True, **options)
    return trials


def test_what_is_recorded_is_read_again(tmp_path):
    """Trials of the same journal hold what the run had, failures and nested values included."""
    first = run(Trials(journal=tmp_path / "run"), 12, rstate=1)
    again = Trials(journal=tmp_path / "run")
    assert told(again) == told(first)
    assert (again.seed, again.best_loss, again.best_params) == (
        first.seed, first.best_loss, first.best_params,
    )  # fmt: skip
    assert "a is broken" in next(iter(again.errors().values()), "") or again.errors()


@pytest.mark.parametrize("options", [{}, pytest.param({"batch": 3}, marks=pytest.mark.full)])
def test_a_killed_run_goes_on_as_if_it_had_not_been(tmp_path, options):
    """After kill -9 inside a trial the next process ends with what an unbroken run gives."""
    program = f"""
        import os
        from tests_of import SPACE, objective, quiet
        from sparktune import Trials

        calls = []

        def dying(config):
            calls.append(1)
            if len(calls) == 8:
                os.kill(os.getpid(), 9)
            return objective(config)

        quiet(dying, SPACE, max_evals=15, trials=Trials(journal="run"), rstate=4,
              catch_eval_exceptions=True, **{options!r})
    """
    (tmp_path / "script.py").write_text(textwrap.dedent(program))
    shutil.copy(__file__, tmp_path / "tests_of.py")
    environment = {**os.environ, "PYTHONPATH": str(Path(sparktune.__file__).parents[1])}
    died = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert died.returncode == -9, died.stderr
    left = Trials(journal=tmp_path / "run")
    assert left.history.count(*sparktune.history.ENDED) == 7 if not options else 6
    whole = run(Trials(), 15, rstate=4, **options)
    run(left, 15, **options)
    expected = [(n, v, loss) for n, _, v, _, loss, _, _ in told(whole)]
    assert [(n, v, loss) for n, _, v, _, loss, _, _ in told(left)] == expected
    assert max(t.attempt for t in left.history) == 1


def test_the_recorded_seed_counts(tmp_path):
    """Another rstate draws a warning, and the run goes on with the seed that it began with."""
    run(Trials(journal=tmp_path), 4, rstate=1)
    trials = Trials(journal=tmp_path)
    with pytest.warns(UserWarning, match="begun with the seed 1, which counts"):
        run(trials, 8, rstate=2)
    assert told(trials)[:4] == told(Trials(journal=tmp_path))[:4]
    assert trials.seed == 1


def test_one_process_writes(tmp_path):
    """A second run on a journal that is being written is refused; reading goes on."""
    seen = []

    def second(config):
        seen.append(len(Trials.load(tmp_path)))
        with pytest.raises(JournalInUse):
            run(Trials(journal=tmp_path), 2)
        return config["x"] ** 2

    quiet(second, SPACE, max_evals=3, trials=Trials(journal=tmp_path), rstate=0)
    assert seen == [0, 1, 2]


def test_loaded_trials_are_to_be_read(tmp_path):
    """Loading needs no space, shows all views, and refuses to go on."""
    first = run(Trials(journal=tmp_path), 6, rstate=1)
    trials = Trials.load(tmp_path)
    assert trials.losses() == first.losses()
    assert trials.vals == first.vals
    assert len(trials.to_pandas()) == 6
    with pytest.raises(RuntimeError, match="to go on with them take"):
        run(trials, 8)
    with pytest.raises(JournalError, match="there is no journal"):
        Trials.load(tmp_path / "nowhere")


def test_trials_save_file_is_a_journal(tmp_path):
    """Fmin's trials_save_file records, and the same call goes on."""
    options = {"trials_save_file": str(tmp_path / "run"), "rstate": 3}
    one = quiet(lambda c: c["x"] ** 2, SPACE, max_evals=5, **options)
    assert one == quiet(lambda c: c["x"] ** 2, SPACE, max_evals=5, **options)
    assert len(Trials.load(tmp_path / "run")) == 5


def test_what_json_cannot_hold_lies_in_a_file(tmp_path):
    """A model and an array in a result are kept as files, warned of once, and loaded when told."""
    array = np.arange(20_000.0)

    def with_model(config):
        return {"loss": config["x"] ** 2, "status": "ok", "model": objective, "curve": array}

    trials = Trials(journal=tmp_path)
    with pytest.warns(UserWarning, match="holds more than plain data") as warned:
        quiet(with_model, SPACE, max_evals=3, trials=trials, rstate=0)
    assert len(warned) == 1
    info = Trials.load(tmp_path).history[1].outcome.info
    assert info["model"].load() is objective or info["model"].load().__name__ == "objective"
    np.testing.assert_array_equal(info["curve"].load(), array)


def test_a_space_that_changes(tmp_path):
    """Another space is refused with what differs, or goes on with the trials that fit."""
    quiet(lambda c: c["x"] ** 2, {"x": hp.uniform("x", -3, 3)}, algo=rand.suggest, max_evals=20,
          trials=Trials(journal=tmp_path), rstate=0)  # fmt: skip
    new = {"x": hp.uniform("x", 0, 3), "z": hp.choice("z", ["p", "q"])}
    with pytest.raises(ValueError, match="on_space_change='adapt'"):
        quiet(lambda c: c["x"], new, max_evals=25, trials=Trials(journal=tmp_path))
    trials = Trials(journal=tmp_path, on_space_change="adapt", defaults={"z": "p"})
    with pytest.warns(UserWarning, match="do not fit the space as it is now"):
        quiet(lambda c: c["x"], new, max_evals=25, trials=trials)
    fit = sum(t.values["x"] >= 0 for t in trials.history if t.number < 20)
    assert len(trials) == 25
    assert len(trials.history) == 20 + 25 - fit
    again = Trials.load(tmp_path)
    assert again.vals == trials.vals
    kept = Trials(journal=tmp_path, on_space_change="keep")
    quiet(lambda c: c["x"], {"x": hp.uniform("x", 0, 9)}, max_evals=26, trials=kept)
    assert set(kept.history[len(kept.history) - 1].values) == {"x", "z"}


def test_a_tuner_records_what_it_asks_and_hears(tmp_path):
    """A Tuner goes on from its journal with what was asked and never told."""
    tuner = Tuner(SPACE, trials=Trials(journal=tmp_path), rstate=5, max_evals=10)
    for candidate in tuner.ask(3)[:2]:
        tuner.tell(candidate, candidate.config["x"] ** 2)
    later = Tuner(SPACE, trials=Trials(journal=tmp_path), max_evals=10)
    assert later.seed == tuner.seed
    assert [c.number for c in later.pending] == [2]
    later.tell(later.pending[0], 1.0)
    assert len(Trials.load(tmp_path)) == 3


def test_reports_are_recorded(tmp_path):
    """What trials report is there again, of their last attempt."""

    def reporting(config, trial):
        trial.report(1, config["x"])
        trial.report(2, float("nan"))
        return config["x"]

    quiet(reporting, SPACE, max_evals=2, trials=Trials(journal=tmp_path), rstate=0)
    again = Trials.load(tmp_path)
    assert [step for step, _ in again.reports(1)] == [1, 2]
    assert np.isnan(again.reports(0)[1][1])


@pytest.mark.parametrize("on_change", ["error", "keep", "adapt"])
def test_trials_in_memory_can_be_given_a_journal(tmp_path, on_change):
    """What they hold already is written first, and both cannot hold something."""
    trials = run(Trials(on_space_change=on_change), 5, rstate=1)
    trials.attach(tmp_path)
    run(trials, 8)
    assert told(Trials.load(tmp_path)) == told(trials)
    with pytest.raises(ValueError, match="take new trials for what is there"):
        run(Trials(), 2).attach(tmp_path)


def test_a_pickle_is_no_journal(tmp_path):
    """A path that holds Hyperopt's pickle is refused, and nothing of it is opened."""
    import pickle

    (tmp_path / "old.pkl").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises((JournalError, OSError)):
        Trials(journal=tmp_path / "old.pkl")


@pytest.mark.parametrize("first", [None, b"", b'{"journal":"spark'])
def test_parts_of_results_without_records_are_refused(tmp_path, first):
    """Files of results say that the first file is lost, and no search begins anew beside them."""
    with pytest.warns(UserWarning, match="holds more than plain data"):
        quiet(lambda c: {"loss": 1.0, "model": objective}, SPACE, max_evals=2,
              trials=Trials(journal=tmp_path))  # fmt: skip
    path = tmp_path / "000001.jsonl"
    path.unlink()
    if first is not None:
        path.write_bytes(first)
    for act in (lambda: Trials(journal=tmp_path), lambda: Trials.load(tmp_path)):
        with pytest.raises(JournalError, match=f"{path}: this file is missing or empty, but .*att"):
            act()
    assert (path.read_bytes() if first is not None else None) == first


@pytest.mark.parametrize("first", [None, b"", b'{"journal":"spark'])
def test_a_search_that_ended_before_its_first_record_begins(tmp_path, first):
    """A lock alone, or one beside a first file without a record, is a journal to begin with."""
    (tmp_path / "lock").write_bytes(b"")
    if first is not None:
        (tmp_path / "000001.jsonl").write_bytes(first)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is torn
        assert len(run(Trials(journal=tmp_path), 2)) == 2
    assert len(Trials.load(tmp_path)) == 2


def test_nothing_warns_by_itself(tmp_path):
    """A run with a journal and plain results is silent."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(Trials(journal=tmp_path), 3, rstate=0)


def test_a_journal_forgets_nothing(tmp_path):
    """Trials with a journal cannot be emptied."""
    trials = run(Trials(journal=tmp_path), 2, rstate=0)
    with pytest.raises(RuntimeError, match="which forgets nothing"):
        trials.delete_all()
    assert len(trials) == 2


def test_a_space_that_changes_before_the_first_trial(tmp_path):
    """A run that ended before its first trial leaves a journal that any space may go on with."""

    def no_seconds(new_ids, domain, trials, seed):
        raise RuntimeError("ends before the first trial")

    with pytest.raises(RuntimeError, match="ends before"):
        quiet(objective, SPACE, algo=no_seconds, max_evals=3, trials=Trials(journal=tmp_path))
    other = {"z": hp.uniform("z", 0, 1)}
    for most in (2, 4):
        quiet(lambda c: c["z"], other, max_evals=most, trials=Trials(journal=tmp_path))
        assert len(Trials.load(tmp_path)) == most


def test_a_journal_comes_before_a_changed_space(tmp_path):
    """Trials some of which are of an earlier space cannot be given a journal any more."""
    trials = Trials(on_space_change="adapt")
    one = functools.partial(quiet, lambda c: c["x"], algo=rand.suggest, trials=trials, rstate=0)
    one({"x": hp.uniform("x", 0, 1)}, max_evals=4)
    with pytest.warns(UserWarning, match="do not fit the space"):
        one({"x": hp.uniform("x", 5, 6)}, max_evals=5)
    with pytest.raises(ValueError, match="4 of these trials are of an earlier space"):
        trials.attach(tmp_path)


@pytest.mark.full
def test_trials_from_elsewhere_are_written_together(tmp_path, monkeypatch):
    """Trials of documents are in the journal with few syncs, and only where it holds none yet."""
    documents = run(Trials(), 300, rstate=1).trials
    syncs = []
    sync = Files.sync
    monkeypatch.setattr(Files, "sync", lambda self, fd: (syncs.append(fd), sync(self, fd))[1])
    trials = Trials.from_documents(documents, SPACE, journal=tmp_path)
    assert len(syncs) < 40
    assert told(Trials.load(tmp_path)) == told(trials)
    assert len(run(Trials(journal=tmp_path), 303)) == 303
    with pytest.raises(ValueError, match=r"these trials hold 300 and the journal .* 303"):
        Trials.from_documents(documents, SPACE, journal=tmp_path)


@pytest.mark.parametrize("path", ["", "  ", "a\0b", 3, b"run"])
def test_a_journal_has_a_path(path):
    """What is no path of a folder is refused with a sentence, for writing and for reading."""
    for call in (lambda: Trials(journal=path), lambda: Trials.load(path)):
        with pytest.raises((TypeError, ValueError), match="`journal` must be the path of a folder"):
            call()


def test_a_tilde_is_the_home(tmp_path, monkeypatch):
    """A path that begins with ~ leads to the user's home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    run(Trials(journal="~/runs/one"), 2)
    assert len(Trials.load(tmp_path / "runs" / "one")) == 2


def test_defaults_that_nothing_could_use_are_refused():
    """Defaults need a space that may change, come by label, and name labels of the space."""
    with pytest.raises(ValueError, match="add on_space_change='adapt'; it is 'error'"):
        Trials(defaults={"x": 1.0})
    with pytest.raises(TypeError, match="`defaults` must be a dict of values by label, but got 3"):
        Trials(on_space_change="adapt", defaults=3)
    with pytest.raises(ValueError, match="a default for 'z', but the space has no such label"):
        run(Trials(on_space_change="adapt", defaults={"z": 1}), 2)


def test_loaded_trials_take_no_journal(tmp_path):
    """Trials that are there to be read are given no journal of their own."""
    run(Trials(journal=tmp_path / "one"), 2)
    with pytest.raises(RuntimeError, match="to go on with them take"):
        Trials.load(tmp_path / "one").attach(tmp_path / "two")


def double(x):
    return 2 * x


def test_views_of_trials_that_are_read_without_their_code(tmp_path):
    """Expressions, functions and objects in options are shown as text, where the space is not."""

    class Model:
        pass

    options = [{"n": scope.int(hp.quniform("n", 1, 9, 1)) + 1, "f": double, "m": Model()}, Model()]
    space = {"kind": hp.choice("kind", options), "x": hp.choice("x", ["a", "b"])}
    with pytest.warns(UserWarning, match="by type and position only"):
        quiet(lambda c: float(isinstance(c["kind"], Model)), space, max_evals=9, rstate=0,
              trials=Trials(journal=tmp_path))  # fmt: skip
    trials = Trials.load(tmp_path)
    best = trials.best_params
    assert repr(best["kind"]["n"]) == f"<add(<int({best['n']}), not computed>, 1), not computed>"
    assert repr(best["kind"]["f"]).endswith("double>")
    assert "Model that is not in the record" in repr(best["kind"]["m"])
    assert best["x"] in ("a", "b")
    table = trials.to_pandas()
    assert set(table["params_kind"]) == {0, 1}
    assert set(table["params_x"]) <= {"a", "b"}
    with pytest.raises(ValueError, match="the space was read from a record"):
        sparktune.space_eval(trials.history.space, trials.argmin)
    with pytest.raises(ValueError, match="cannot be called: the space was read from a record"):
        best["kind"]["n"]()


@pytest.mark.parametrize("value", [1.5, 2**63, -1, float("nan"), "0", None])
def test_a_suggester_of_ones_own_cannot_record_what_nobody_could_read(tmp_path, value):
    """A candidate that is none ends the run with its label, and is not in the journal."""

    class Odd:
        def suggest(self, space, history, rng, k, budget=None):
            return [{"z": value}] * k

    with pytest.raises(ValueError, match="'z' takes a"):
        quiet(lambda c: c["z"], {"z": hp.uniform("z", 0, 1)}, algo=Odd(), max_evals=2,
              trials=Trials(journal=tmp_path))  # fmt: skip
    assert len(Trials.load(tmp_path).history) == 0
