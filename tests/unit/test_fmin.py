"""fmin: Hyperopt's parameters, all of them, and what it returns, raises and keeps."""

import functools
import gc
import importlib
import os
import pickle
import signal
import sys
import threading
import warnings

import numpy as np
import pytest

from sparktune import (
    STATUS_FAIL,
    STATUS_OK,
    AllTrialsFailed,
    BadSearchSpace,
    DuplicateLabel,
    InvalidLoss,
    InvalidResultStatus,
    InvalidTrial,
    Space,
    SparkTrials,
    Trials,
    early_stop,
    fmin,
    fmin_pass_expr_memo_ctrl,
    hp,
    rand,
    scope,
    space_eval,
    tpe,
)
from sparktune.suggest.random import Random

pytestmark = pytest.mark.usefixtures("sent_by_value")

quiet = functools.partial(fmin, show_progressbar=False)


def saddle_loss(config):
    return config["a"] ** 2 - config["b"] ** 2


def test_it_minimises_and_returns_label_to_value(saddle):
    """With an objective, a space and a budget, fmin finds the minimum of the saddle."""
    best = quiet(saddle_loss, saddle, max_evals=200, rstate=0)
    assert set(best) == {"a", "b"}
    assert saddle_loss(best) <= -3.95
    assert all(type(value) is float for value in best.values())


def test_choices_come_back_as_indices_or_as_they_are():
    """Argmin holds the index of an option; return_argmin=False gives the best configuration."""
    space = {"c": hp.choice("c", ["far", {"x": hp.uniform("x", 0, 1)}]), "n": hp.randint("n", 3)}

    def objective(config):
        return 5.0 if config["c"] == "far" else config["c"]["x"] + config["n"]

    best = quiet(objective, space, max_evals=60, rstate=0)
    assert (best["c"], best["n"]) == (1, 0)
    config = quiet(objective, space, max_evals=60, rstate=0, return_argmin=False)
    assert config == space_eval(space, best)
    assert set(config["c"]) == {"x"}


def test_the_dominant_idiom_of_old_scripts():
    """scope.int(hp.quniform(...)) and arithmetic reach the objective as native numbers."""
    seen = []
    space = {
        "n": scope.int(hp.quniform("n", 1, 10, 1)),
        "lr": 10 ** hp.uniform("e", -3, 0),
        "k": 1 + hp.randint("k", 4),
        "f": hp.uniformint("f", 1, 3),
    }
    quiet(lambda c: seen.append(c) or c["lr"], space, max_evals=30, rstate=0)
    for config in seen:
        assert [type(config[key]) for key in ("n", "lr", "k", "f")] == [int, float, int, int]
        assert 1 <= config["n"] <= 10
        assert 1 <= config["k"] <= 4


@pytest.mark.parametrize(
    "algo",
    [
        None,
        tpe.suggest,
        rand.suggest,
        tpe,
        Random(),
        functools.partial(tpe.suggest, n_startup_jobs=5, gamma=0.2, verbose=False),
        functools.partial(functools.partial(tpe.suggest, n_startup_jobs=5), n_EI_candidates=3),
    ],
)
def test_algorithms(algo, saddle):
    """Algo takes suggest functions, partials, modules and suggesters."""
    trials = Trials()
    quiet(saddle_loss, saddle, algo, 30, trials=trials, rstate=0)
    assert len(trials) == 30


def test_a_suggest_function_of_ones_own(saddle):
    """A user's function of Hyperopt's signature is asked for documents."""
    asked = []

    def mine(new_ids, domain, trials, seed):
        asked.append((list(new_ids), len(trials), sorted(domain.params)))
        documents = rand.suggest(new_ids, domain, trials, seed)
        for document in documents:
            document["misc"]["vals"]["a"] = [0.5]
        return documents

    trials = Trials()
    quiet(saddle_loss, saddle, mine, 3, trials=trials, rstate=0)
    assert trials.vals["a"] == [0.5, 0.5, 0.5]
    assert asked == [([i], i, ["a", "b"]) for i in range(3)]


def test_the_budget_counts_earlier_trials_and_the_run_goes_on(saddle):
    """A second fmin on the same trials goes on as one longer run would."""
    algo = functools.partial(tpe.suggest, final_width=1.0)  # else the kernels narrow by the budget
    parts, whole = Trials(), Trials()
    quiet(saddle_loss, saddle, algo=algo, max_evals=50, trials=parts, rstate=4)
    quiet(saddle_loss, saddle, algo=algo, max_evals=60, trials=parts)
    quiet(saddle_loss, saddle, algo=algo, max_evals=60, trials=whole, rstate=4)
    assert len(parts) == 60
    assert parts.losses() == whole.losses()
    best = quiet(saddle_loss, saddle, max_evals=60, trials=parts)
    assert best == parts.argmin
    assert len(parts) == 60


def test_trials_of_another_space_are_refused(saddle):
    """Trials made in one space do not go on in another."""
    trials = Trials()
    quiet(saddle_loss, saddle, max_evals=2, trials=trials)
    other = {**saddle, "b": hp.uniform("b", -1, 3)}
    with pytest.raises(BadSearchSpace, match="made in another space: 'b' was widened"):
        quiet(saddle_loss, other, max_evals=4, trials=trials)


@pytest.mark.parametrize(
    "rstate",
    [3, np.int64(3), lambda: np.random.default_rng(3), lambda: np.random.RandomState(3)],
    ids=["int", "int64", "Generator", "RandomState"],
)
def test_the_same_rstate_gives_the_same_trials(rstate, saddle):
    """Integers, Generators and RandomStates fix the run; the seed is recorded."""
    runs = []
    for _ in range(2):
        trials = Trials()
        state = rstate() if callable(rstate) else rstate
        quiet(saddle_loss, saddle, max_evals=25, trials=trials, rstate=state)
        runs.append((trials.losses(), trials.seed))
    assert runs[0] == runs[1]
    assert len(set(runs[0][0])) == 25


def test_without_rstate_runs_differ_unless_the_environment_says(saddle, monkeypatch):
    """Chance decides without rstate; HYPEROPT_FMIN_SEED fixes it."""

    def losses():
        trials = Trials()
        quiet(saddle_loss, saddle, max_evals=3, trials=trials)
        return trials.losses()

    assert losses() != losses()
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "12")
    assert losses() == losses()
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "a dozen")
    with pytest.raises(ValueError, match=r"HYPEROPT_FMIN_SEED .*'a dozen'"):
        losses()


@pytest.mark.parametrize("executor", [None, "threads"])
def test_batches_are_the_same_everywhere(executor, saddle):
    """batch=k gives the same trials in this thread and in several."""
    trials = Trials(parallelism=3 if executor else 1, executor=executor)
    quiet(saddle_loss, saddle, max_evals=40, trials=trials, rstate=9, batch=8)
    plain = Trials()
    quiet(saddle_loss, saddle, max_evals=40, trials=plain, rstate=9, batch=8)
    assert trials.losses() == plain.losses()


def test_a_queue_in_this_process_is_a_batch(saddle):
    """max_queue_len=k with serial trials draws k candidates from one refit."""
    by_queue, by_batch = Trials(), Trials()
    quiet(saddle_loss, saddle, max_evals=40, trials=by_queue, rstate=9, max_queue_len=8)
    quiet(saddle_loss, saddle, max_evals=40, trials=by_batch, rstate=9, batch=8)
    assert by_queue.losses() == by_batch.losses()


def test_an_exception_leaves_fmin_after_it_is_recorded(saddle):
    """Serial trials hand on the objective's own exception, with a live traceback."""
    trials = Trials()

    def objective(config):
        if trials.count_successful_trials() == 3:
            inner = config["a"]
            raise KeyError("third", inner)
        return 0.0

    with pytest.raises(KeyError) as caught:
        quiet(objective, saddle, max_evals=10, trials=trials)
    frame = caught.traceback[-1].frame
    assert "inner" in frame.f_locals
    assert trials.count_successful_trials() == 3
    assert trials.count_failed_trials() == 1
    assert "KeyError" in trials._dynamic_trials[3]["misc"]["error"][1]


@pytest.mark.parametrize(
    ("result", "error"),
    [("x", InvalidLoss), ({"status": "ok"}, InvalidLoss), ({"status": "?"}, InvalidResultStatus)],
)
def test_a_wrong_result_leaves_fmin(result, error, saddle):
    """Serial trials raise where the objective returned no loss, and record the trial."""
    trials = Trials()
    with pytest.raises(error):
        quiet(lambda c: result, saddle, max_evals=3, trials=trials)
    assert trials.count_failed_trials() == 1


def test_failures_are_caught_on_request(saddle):
    """With catch_eval_exceptions the run goes on past exceptions and wrong results."""
    trials = Trials()

    def objective(config):
        if config["a"] > 2:
            raise ValueError("too much")
        if config["a"] > 1:
            return "no number"
        return saddle_loss(config)

    best = quiet(
        objective, saddle, max_evals=60, trials=trials, catch_eval_exceptions=True, rstate=0
    )
    assert best["a"] <= 1
    assert trials.count_total_trials() == 60
    assert trials.count_failed_trials() > 3
    assert len(trials) == 60
    assert trials.losses().count(None) == trials.count_failed_trials()


def test_nan_and_declared_failures_never_raise(saddle):
    """NaN and STATUS_FAIL are failed trials, and the run goes on."""
    trials = Trials()
    results = iter([float("nan"), {"status": STATUS_FAIL}, 1.0, {"status": STATUS_OK, "loss": 0.5}])
    quiet(lambda c: next(results), saddle, max_evals=4, trials=trials)
    assert trials.statuses() == ["fail", "fail", "ok", "ok"]
    assert trials.best_trial["tid"] == 3


def test_all_failed_says_how_many_and_why(saddle):
    """If every trial failed, the error counts them and shows the first with its parameters."""

    def objective(config):
        raise OSError("no such file: data.csv")

    with pytest.raises(AllTrialsFailed) as caught:
        quiet(objective, saddle, max_evals=4, catch_eval_exceptions=True)
    text = str(caught.value)
    assert "all 4 trials failed" in text
    assert "OSError: no such file: data.csv" in text
    assert "'a': " in text


def test_a_timeout_returns_the_best(saddle, clock):
    """After the timeout fmin returns the best of what has ended."""
    trials = Trials(parallelism=2, executor="threads")
    began, over = threading.Event(), threading.Event()

    def objective(config, trial):
        if trial.number == 4:
            began.wait(60)
            clock.advance(11)
        elif trial.number > 4:
            began.set()
            over.wait(60)
        return saddle_loss(config)

    best = quiet(objective, saddle, max_evals=100, timeout=10, trials=trials)
    over.set()
    assert best == trials.argmin
    assert trials.count_successful_trials() == 5
    assert trials.count_cancelled_trials() >= 1


def test_a_timeout_before_any_trial_ended(saddle, clock):
    """Where no trial ended in time, the error says so."""
    trials, over = Trials(parallelism=2, executor="threads"), threading.Event()
    both = threading.Barrier(2)

    def objective(config, trial):
        if both.wait(60) == 0:
            clock.advance(11)
            trial.report(0, 1.0)  # something happens, and the run looks at its clock
        over.wait(60)

    with pytest.raises(AllTrialsFailed, match=r"timeout.*no trial has ended.*2 were cancelled"):
        quiet(objective, saddle, max_evals=9, timeout=10, trials=trials)
    over.set()


def test_a_loss_threshold(saddle):
    """The run stops at a loss that is low enough."""
    trials = Trials()
    quiet(saddle_loss, saddle, max_evals=500, loss_threshold=-1.0, trials=trials, rstate=0)
    assert len(trials) < 500
    assert trials.losses()[-1] <= -1.0
    assert min(trials.losses()[:-1], default=0) > -1.0


def test_early_stopping(saddle):
    """no_progress_loss ends the run after so many trials without progress."""
    trials = Trials()
    losses = iter([5.0, 4.0, 4.5, 4.5, 3.9999, 4.2, 4.2, 4.2])
    quiet(
        lambda c: next(losses),
        saddle,
        max_evals=50,
        trials=trials,
        early_stop_fn=early_stop.no_progress_loss(4, percent_increase=1.0),
    )
    assert len(trials) == 6


def test_an_early_stop_function_of_ones_own(saddle):
    """early_stop_fn gets back what it returned; its errors leave fmin with trials kept."""
    calls = []

    def stop(trials, count=0, *rest):
        calls.append(count)
        return count >= 4, [count + 1]

    trials = Trials()
    quiet(saddle_loss, saddle, max_evals=50, trials=trials, early_stop_fn=stop)
    assert calls == [0, 1, 2, 3, 4]
    assert len(trials) == 5

    def broken(trials):
        raise ZeroDivisionError

    trials = Trials()
    with pytest.raises(ZeroDivisionError):
        quiet(saddle_loss, saddle, max_evals=50, trials=trials, early_stop_fn=broken)
    assert len(trials) == 1


@pytest.mark.parametrize("executor", [None, "threads"])
def test_early_stopping_sees_results_as_they_are(executor, saddle):
    """While the loss improves the run goes on, and the last result is there to be looked at."""
    trials = Trials(parallelism=3 if executor else 1, executor=executor)
    losses = iter(range(0, -1000, -1))
    ends = []

    def stop(trials, *state):
        done, state = early_stop.no_progress_loss(5)(trials, *state)
        ends.append(trials.losses()[-1])
        return done, state

    quiet(lambda c: next(losses), saddle, max_evals=40, trials=trials, early_stop_fn=stop, rstate=0)
    assert sorted(trials.losses()) == list(range(-39, 1))
    assert set(trials.statuses()) == {"ok"}
    if executor is None:
        assert ends == trials.losses()


@pytest.mark.parametrize("answer", [True, None, (False,), 5])
def test_an_early_stop_function_must_answer_twice(answer, saddle):
    """An early_stop_fn that does not return two things is refused with a sentence."""
    with pytest.raises(TypeError, match="`early_stop_fn` must return whether to stop"):
        quiet(saddle_loss, saddle, max_evals=3, early_stop_fn=lambda trials: answer)


def test_stopping_early_leaves_nothing_cancelled_in_one_thread(saddle):
    """In one thread no trial is begun that early stopping would have to cancel."""
    trials = Trials()
    quiet(saddle_loss, saddle, max_evals=9, trials=trials, early_stop_fn=lambda t: (True, []))
    assert len(trials._dynamic_trials) == 1


def test_trials_serve_one_run_at_a_time(saddle):
    """A second fmin on trials that are in use is refused; afterwards they are free again."""
    trials = Trials()

    def objective(config):
        quiet(saddle_loss, saddle, max_evals=2, trials=trials)

    with pytest.raises(RuntimeError, match="in use by an fmin"):
        quiet(objective, saddle, max_evals=2, trials=trials)
    quiet(saddle_loss, saddle, max_evals=4, trials=trials)
    assert trials.count_successful_trials() == 3
    nested = []
    quiet(lambda c: quiet(lambda x: nested.append(x) or x, hp.uniform("x", 0, 1), max_evals=2)["x"],
          saddle, max_evals=2)  # fmt: skip
    assert len(nested) == 4


def test_trials_saved_in_the_middle_go_on_whole(saddle):
    """Trials pickled while others run forget the running ones and get their full budget."""
    trials, saved = Trials(parallelism=4, executor="threads"), []

    def save(trials):
        saved.append(pickle.dumps(trials))
        return False, []

    quiet(lambda c: 0.0, saddle, max_evals=12, trials=trials, early_stop_fn=save)
    copy = pickle.loads(saved[3])
    quiet(saddle_loss, saddle, max_evals=20, trials=copy)
    assert copy.count_successful_trials() == 20
    assert copy.count_by_state_synced(1) == 0


def test_an_expression_that_raises_fails_its_trial():
    """A candidate whose expression cannot be computed is a failed trial that shows it."""
    space = {"y": scope.log(hp.uniform("x", -1, 1))}
    trials = Trials()
    quiet(lambda c: c["y"], space, max_evals=30, trials=trials, rstate=0,
          catch_eval_exceptions=True)  # fmt: skip
    frame = trials.to_pandas()
    assert (frame["status"] == "failed").sum() == (frame["params_x"] <= 0).sum() > 0
    assert "log(<'x'" in frame["error"].dropna().iloc[0]
    with pytest.raises(BadSearchSpace, match=r"cannot be evaluated.*math domain error"):
        quiet(lambda c: c["y"], space, max_evals=30, rstate=0)


@pytest.mark.parametrize("verbose", [0, None, False])
def test_verbose_may_be_any_kind_of_no(verbose, saddle, capsys):
    """Old scripts say verbose=0."""
    fmin(saddle_loss, saddle, max_evals=2, verbose=verbose)
    assert capsys.readouterr().err == ""


def test_failed_trials_keep_no_frames(saddle):
    """What a failed objective had in its variables is freed."""
    gone = []

    class Big:
        def __del__(self):
            gone.append(1)

    def objective(config):
        big = Big()  # noqa: F841
        raise ValueError

    trials = Trials()
    with pytest.raises(AllTrialsFailed):
        quiet(objective, saddle, max_evals=5, trials=trials, catch_eval_exceptions=True)
    gc.collect()
    assert len(gone) == 5
    assert trials._dynamic_trials[0]["misc"]["error"][0] == "ValueError"


def test_a_run_that_never_began_binds_nothing(saddle):
    """Trials whose first run was refused can be used in another space."""
    trials = Trials()
    with pytest.raises(TypeError):
        quiet(saddle_loss, saddle, lambda *a: 5, 3, trials=trials)
    quiet(lambda x: x, hp.uniform("x", 0, 1), max_evals=2, trials=trials)
    assert len(trials) == 2


def test_options_of_a_choice_may_not_change_under_trials():
    """Trials go on only where an index still means the same option."""
    trials = Trials()
    quiet(lambda c: 0.0, hp.choice("c", ["a", "b"]), max_evals=2, trials=trials)
    with pytest.raises(BadSearchSpace, match="'c' lost the options 'a', 'b'; 'c' gained"):
        quiet(lambda c: 0.0, hp.choice("c", ["x", "y"]), max_evals=3, trials=trials)


def test_points_to_evaluate_come_first(saddle):
    """Given points are tried first, but for those that the trials hold already."""
    points = [{"a": 0.0, "b": 2.0}, {"a": 1, "b": np.float64(0.5)}]
    trials = Trials()
    best = quiet(saddle_loss, saddle, max_evals=5, trials=trials, points_to_evaluate=points)
    assert best == {"a": 0.0, "b": 2.0}
    assert trials.vals["a"][:2] == [0.0, 1.0]
    more = [*points[1:], {"a": 2.0, "b": 0.0}]
    quiet(saddle_loss, saddle, max_evals=6, trials=trials, points_to_evaluate=more)
    assert trials.vals["a"][5] == 2.0
    assert trials.vals["a"].count(1.0) == 1


@pytest.mark.parametrize(
    ("point", "sentence"),
    [
        ({"a": 0.0}, "no value for 'b'"),
        ({"a": 9.0, "b": 0.0}, "'a' takes a number from -2 to 3, but got 9.0"),
        ({"a": 0.0, "b": 0.0, "c": 1}, "no label 'c'"),
        ({"a": "x", "b": 0.0}, "'a' takes a number, but got 'x'"),
    ],
)
def test_wrong_points_are_refused(point, sentence, saddle):
    """A point that does not fit the space is refused with its place and label."""
    with pytest.raises(InvalidTrial, match=rf"points_to_evaluate\[1\]: .*{sentence}"):
        quiet(saddle_loss, saddle, max_evals=3, points_to_evaluate=[{"a": 0.0, "b": 0.0}, point])


def test_ctrl_c_is_raised_again_and_keeps_everything(saddle, caplog):
    """KeyboardInterrupt leaves fmin after a line about what is kept; the trials go on later."""
    trials = Trials()

    def objective(config):
        if trials.count_successful_trials() == 5:
            raise KeyboardInterrupt
        return saddle_loss(config)

    with pytest.raises(KeyboardInterrupt):
        quiet(objective, saddle, max_evals=10, trials=trials, rstate=0)
    [line] = caplog.messages
    assert "5 finished trials are kept; best loss" in line
    assert trials.count_cancelled_trials() == 1
    quiet(saddle_loss, saddle, max_evals=10, trials=trials)
    assert len(trials) == 10


def test_an_attempt_that_is_tried_again_says_why_and_what_it_printed(saddle, caplog):
    """A trial that is begun again after a crash has a line about its first attempt."""

    def objective(config, trial):
        if trial.number == 1 and trial.attempt == 0:
            print("the last words", flush=True)
            os._exit(3)
        return saddle_loss(config)

    trials = Trials(executor="processes", retry_crashes=True)
    quiet(objective, saddle, max_evals=2, trials=trials)
    [line] = caplog.messages
    assert line.startswith("trial 1 is begun again: the trial's process died under the objective")
    assert line.endswith(
        "exited with code 3 (os._exit or the like)\nthe last it printed:\nthe last words"
    )
    assert trials.count_successful_trials() == 2


def test_another_thread_ends_a_run(executor_and_n, saddle, gate):
    """trials.cancel() from another thread ends a run with its best so far; it can go on."""
    executor, n = executor_and_n
    trials, door = Trials(parallelism=n, executor=executor), gate.door()

    def objective(config, trial):
        if trial.number >= 3 * n:
            door()
        return 1.0

    def cancel():
        gate.reached_by(n)
        trials.cancel()
        if executor is None:
            gate.open()

    thread = threading.Thread(target=cancel, daemon=True)
    thread.start()
    fmin(objective, saddle, max_evals=1000, trials=trials, show_progressbar=False)
    thread.join()
    assert trials.fmin_cancelled_reason == "fmin run cancelled by the user"
    ended = trials.count_successful_trials()
    assert ended == 3 * n + (executor is None)
    fmin(lambda c: 0.5, saddle, max_evals=ended + 3, trials=trials, show_progressbar=False)
    assert (trials.best_loss, trials.fmin_cancelled_reason) == (0.5, None)


@pytest.fixture(params=[(None, 1), ("threads", 2), ("processes", 2)], ids=str)
def executor_and_n(request):
    return request.param


def test_fmin_limits_the_time_of_trials(saddle):
    """trial_timeout of fmin holds for that run; such trials count, and do not end the run."""
    trials = Trials(trial_timeout=30)

    def objective(config, trial):
        if trial.number % 2:
            threading.Event().wait(60)
        return 1.0

    fmin(objective, saddle, max_evals=4, trials=trials, trial_timeout=0.5, show_progressbar=False)
    assert list(trials.to_pandas()["status"]) == ["ok", "timed_out"] * 2
    assert trials.count_total_trials() == 4
    assert trials.count_failed_trials() == 2
    assert trials.settings.timeout == 30
    with pytest.raises(ValueError, match=r"`trial_timeout` must be .* but got -1"):
        fmin(objective, saddle, max_evals=4, trial_timeout=-1)


def test_slots_that_nobody_chose_are_named_where_they_are_many(saddle):
    """A host that takes what can run at once says how much above a tenth of the budget."""

    class Unasked(Trials):
        parallelism_given = None

    trials = Unasked(parallelism=4, executor="threads")
    with pytest.warns(UserWarning, match="Unasked.* took 4 trials .* a tenth of max_evals=39"):
        quiet(lambda c: c["a"], saddle, algo=rand.suggest, max_evals=39, trials=trials)
    quiet(lambda c: c["a"], saddle, algo=rand.suggest, max_evals=40, trials=trials)


def test_a_note_about_a_trial_never_ends_its_run(tmp_path, monkeypatch):
    """Where warnings are errors, what a run has to say of a trial is a warning all the same."""
    (tmp_path / "of_notes.py").write_text("factor = 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("of_notes")
    module.factor = 5.0
    trials = Trials(executor="processes")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        quiet(lambda x: x * module.factor, hp.uniform("x", 0, 1), max_evals=3, trials=trials)
    assert len(trials) == 3
    (note,) = caught
    assert str(note.message).startswith("trial 0: trials find another of_notes.factor")


def test_too_much_parallelism_is_advised_against(saddle):
    """More trials at a time than a third of the budget draw a warning, not so in random search."""
    options = {"max_evals": 8, "show_progressbar": False}
    with pytest.warns(UserWarning, match="parallelism=4 is more than a third of max_evals=8"):
        fmin(lambda c: 1.0, saddle, trials=Trials(parallelism=4, executor="threads"), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        threads = Trials(parallelism=4, executor="threads")
        fmin(lambda c: 1.0, saddle, algo=rand.suggest, trials=threads, **options)
        fmin(lambda c: 1.0, saddle, trials=Trials(parallelism=2, executor="threads"), **options)


def test_processes_use_what_this_one_does_not_share(saddle, gate):
    """Trials(parallelism=n) runs trials in n processes other than this one."""
    trials, door = Trials(parallelism=3), gate.door()

    def objective(config):
        door()
        return {"loss": config["a"], "pid": os.getpid()}

    def let_go():
        gate.reached_by(3)
        gate.open()

    threading.Thread(target=let_go, daemon=True).start()
    fmin(objective, saddle, max_evals=12, trials=trials, show_progressbar=False)
    pids = {result["pid"] for result in trials.results}
    assert len(pids) == 3
    assert os.getpid() not in pids


def test_a_real_signal_interrupts_running_threads(saddle):
    """SIGINT while threads run ends fmin without waiting for them."""
    trials, over = Trials(parallelism=2, executor="threads"), threading.Event()
    both, ended = threading.Barrier(2), []

    def objective(config):
        if both.wait(60) == 0:
            os.kill(os.getpid(), signal.SIGINT)
        over.wait(60)
        ended.append(config)

    with pytest.raises(KeyboardInterrupt):
        quiet(objective, saddle, max_evals=9, trials=trials)
    assert not ended
    over.set()
    assert trials.count_cancelled_trials() == 2


def test_expr_memo_ctrl_on_the_driver():
    """pass_expr_memo_ctrl hands out the space, the value of each node, and a Ctrl."""
    x = hp.uniform("x", 0, 1)
    space = {"c": hp.choice("c", [x, 5])}
    seen = []

    @fmin_pass_expr_memo_ctrl
    def objective(expr, memo, ctrl):
        seen.append((expr is space, dict(memo), ctrl.current_trial["tid"]))
        ctrl.attachments["note"] = b"kept"
        return {"loss": memo.get(x, 5.0), "status": STATUS_OK}

    trials = Trials()
    best = quiet(objective, space, max_evals=8, trials=trials, rstate=1)
    assert best["c"] == 0
    assert [tid for _, _, tid in seen] == list(range(8))
    assert all(whole for whole, _, _ in seen)
    assert trials.trial_attachments(trials.trials[0]) == {"note": b"kept"}


def test_a_subclass_with_its_own_fmin_is_asked(saddle):
    """allow_trials_fmin hands the whole call to a subclass that overrides fmin."""

    class Mine(Trials):
        def fmin(self, fn, space, **options):
            self.called = options
            return super().fmin(fn, space, **options)

    trials = Mine()
    best = quiet(saddle_loss, saddle, rand.suggest, 5, trials=trials, rstate=1)
    assert trials.called["max_evals"] == 5
    assert best == trials.argmin
    assert len(trials) == 5
    trials = Mine()
    quiet(saddle_loss, saddle, max_evals=5, trials=trials, allow_trials_fmin=False)
    assert not hasattr(trials, "called")
    assert Trials().fmin(saddle_loss, saddle, max_evals=3, show_progressbar=False)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"fn": 3}, TypeError, "`fn` must be a function.*3"),
        ({"max_evals": 0}, ValueError, "`max_evals` must be a whole number >= 1.*0"),
        ({"max_evals": -5}, ValueError, "`max_evals`.*-5"),
        ({"max_evals": 2.5}, ValueError, "`max_evals`.*2.5"),
        ({"max_evals": "9"}, ValueError, "`max_evals`.*'9'"),
        ({"max_evals": True}, ValueError, "`max_evals`.*True"),
        ({"timeout": 0}, ValueError, "`timeout` must be a number of seconds > 0.*0"),
        ({"timeout": float("nan")}, ValueError, "`timeout`.*nan"),
        ({"timeout": "1h"}, ValueError, "`timeout`.*'1h'"),
        ({"loss_threshold": "low"}, ValueError, "`loss_threshold`.*'low'"),
        (
            {"trials": []},
            TypeError,
            r"`trials` must be Trials\(\), SparkTrials\(\) or StoreTrials\(\).*\[\]",
        ),
        ({"rstate": "x"}, TypeError, "`rstate`.*'x'"),
        ({"rstate": -1}, TypeError, "`rstate`.*-1"),
        ({"algo": 7}, TypeError, "`algo`.*7"),
        ({"algo": functools.partial(tpe.suggest, gama=1)}, TypeError, "no setting 'gama'.*gamma"),
        ({"algo": functools.partial(rand.suggest, 3)}, TypeError, "by name"),
        ({"algo": lambda ids, domain, trials, seed: []}, TypeError, "one document for each"),
        ({"max_queue_len": 0}, ValueError, "`max_queue_len`.*0"),
        ({"batch": 0}, ValueError, "`batch`.*0"),
        ({"early_stop_fn": 5}, TypeError, "`early_stop_fn`.*5"),
        ({"show_progressbar": "yes"}, TypeError, "`show_progressbar`.*'yes'"),
        ({"points_to_evaluate": {"a": 1}}, TypeError, "`points_to_evaluate` must be a list"),
        ({"space": {"a": 1}}, BadSearchSpace, "no hyperparameter"),
        ({"space": {}}, BadSearchSpace, "no hyperparameter"),
        ({"space": None}, BadSearchSpace, "no hyperparameter"),
        (
            {"space": [hp.uniform("same", 0, 1), hp.uniform("same", 0, 1)]},
            DuplicateLabel,
            "label 'same'",
        ),
    ],
)
def test_wrong_arguments_get_one_sentence(options, error, sentence, saddle):
    """Each wrong argument is refused before anything runs, by name, rule and value."""
    ran = []
    options = {"fn": lambda c: ran.append(c) or 0.0, "space": saddle, "max_evals": 2, **options}
    fn, space = options.pop("fn"), options.pop("space")
    with pytest.raises(error, match=sentence):
        fmin(fn, space, show_progressbar=options.pop("show_progressbar", False), **options)
    assert not ran


def test_space_eval_checks_its_point():
    """space_eval builds the configuration of a point, and names what is wrong with one."""
    space = Space({"c": hp.choice("c", [{"x": hp.uniform("x", 0, 1)}, "plain"]), "k": 3})
    assert space_eval(space, {"c": 1}) == {"c": "plain", "k": 3}
    assert space_eval(space.template, {"c": 0, "x": 0.5}) == {"c": {"x": 0.5}, "k": 3}
    with pytest.raises(InvalidTrial, match="no value for 'x'"):
        space_eval(space, {"c": 0})
    with pytest.raises(InvalidTrial, match="'c' takes the index of an option, 0 to 1, but got 2"):
        space_eval(space, {"c": 2})
    with pytest.raises(InvalidTrial, match="'plain'; that option has the index 1"):
        space_eval(space, {"c": "plain"})
    with pytest.raises(InvalidTrial, match="but got None; that option has the index 1"):
        space_eval({"c": hp.choice("c", ["a", None])}, {"c": None})


def test_spark_trials_is_a_trials():
    """SparkTrials takes the place of Trials."""
    assert issubclass(SparkTrials, Trials)


@pytest.mark.parametrize("batch", [None, 4])
@pytest.mark.parametrize("algo", [tpe.suggest, rand.suggest])
def test_a_run_cut_at_any_trial_goes_on_as_it_would_have(batch, algo, saddle):
    """However often a serial run is cut off, its trials are those of one that never was."""
    options = {"algo": algo, "max_evals": 14, "batch": batch, "rstate": 5}
    whole = Trials()
    quiet(saddle_loss, saddle, trials=whole, **options)
    for stop in range(1, 14):
        trials = Trials()

        def once(config, trial, stop=stop):
            if trial.number == stop and trial.attempt == 0:
                raise KeyboardInterrupt
            return saddle_loss(config)

        with pytest.raises(KeyboardInterrupt):
            quiet(once, saddle, trials=trials, **options)
        quiet(saddle_loss, saddle, trials=trials, **options)
        assert [dict(t.values) for t in trials.history] == [dict(t.values) for t in whole.history]
        assert trials.losses() == whole.losses()
        assert trials.history[stop].attempt == 1


def test_views_are_read_from_columns(saddle, monkeypatch):
    """losses(), statuses(), len and no_progress_loss make no document."""
    trials = Trials()

    def refuse(*_):
        raise AssertionError("a document was made")

    monkeypatch.setattr(sys.modules["sparktune.trials.view"], "document_of", refuse)
    quiet(
        lambda c: None if c["a"] > 2 else saddle_loss(c), saddle, max_evals=30, trials=trials,
        catch_eval_exceptions=True, early_stop_fn=early_stop.no_progress_loss(29), rstate=1,
    )  # fmt: skip
    assert len(trials.losses()) == len(trials.statuses()) == len(trials.tids) == len(trials) == 30
    assert trials.losses().count(None) == trials.statuses().count("fail") > 0


def test_a_memo_costs_one_document_a_trial(monkeypatch):
    """pass_expr_memo_ctrl makes the document of its own trial, and no other."""
    module, made = sys.modules["sparktune.trials.view"], []
    whole = module.document_of
    monkeypatch.setattr(module, "document_of", lambda *a: made.append(a[0].number) or whole(*a))
    x = hp.uniform("x", 0, 1)
    quiet(lambda expr, memo, ctrl: memo[x], x, max_evals=20, pass_expr_memo_ctrl=True)
    assert made == list(range(20))


@pytest.mark.parametrize("by", ["fmin", "Trials.fmin"])
def test_warnings_point_at_the_users_line(by, saddle):
    """A warning of a run shows the line that called it, by whatever way."""
    trials = Trials(parallelism=3, executor="threads")
    call = quiet if by == "fmin" else trials.fmin
    options = {"trials": trials} if by == "fmin" else {"show_progressbar": False}
    with pytest.warns(UserWarning, match="more than a third") as caught:
        call(saddle_loss, saddle, max_evals=6, **options)
    assert [warning.filename for warning in caught] == [__file__]


def asks_for_labels(rate, layers):
    return rate


@pytest.mark.parametrize(
    ("objective", "why"),
    [
        (
            asks_for_labels,
            "asks_for_labels.*: missing a required argument: 'layers'",
        ),
        (lambda: 0.0, "too many positional arguments"),
        (lambda *, config: 0.0, "too many positional arguments"),
    ],
)
def test_an_objective_of_other_arguments_is_refused(objective, why):
    """An objective that cannot be called with a configuration is refused before the first trial."""
    trials = Trials()
    with pytest.raises(TypeError, match=f"is called with one argument, the configuration.*{why}"):
        fmin(objective, hp.uniform("x", 0, 1), max_evals=2, trials=trials)
    assert len(trials) == 0


@pytest.mark.parametrize(
    "objective",
    [
        lambda config, other=1: 0.0,
        lambda *args: 0.0,
        lambda config, trial: float(trial.number),
        lambda config, **more: float("trial" in more),
        functools.partial(asks_for_labels, layers=3),
        abs,
        float,
    ],
)
def test_an_objective_may_have_more_arguments(objective):
    """Whatever can be called with a configuration is an objective."""
    fmin(objective, hp.uniform("x", 0, 1), max_evals=2, show_progressbar=False)
