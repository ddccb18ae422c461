"""What a run tries, whom it tells, and when it ends."""

import contextlib
import pickle
import sys
import threading

import pytest
from quiet_runs import ALGOS, SPACE, document, loss_of, run, square

import sparktune.hyperopt as hyperopt
from sparktune.hyperopt import Ctrl, Domain, FMinIter, Trials, base, fmin, hp
from sparktune.hyperopt.base import spec_from_misc
from sparktune.hyperopt.exceptions import BadSearchSpace, InvalidAnnotatedParameter
from sparktune.hyperopt.pyll import rec_eval, scope


def test_switches_that_go_by_one_draw():
    """Options of all switches that go by one hyperparameter are searched where it takes them."""
    index = scope.hyperopt_param("c", scope.randint(2))
    first = scope.switch(index, 1, hp.uniform("a", 0, 1))
    second = scope.switch(index, hp.uniform("b", 0, 1), hp.uniform("d", 0, 1))
    domain = Domain(lambda pair: 0.0, [first, second])
    assert set(domain.space.labels) == {"a", "b", "c", "d"}
    trials = run(20, lambda pair: sum(pair), [first, second])
    for misc in trials.miscs:
        found = {label for label, values in misc["vals"].items() if values}
        assert found == ({"c", "a", "d"} if misc["vals"]["c"] == [1] else {"c", "b"})


def test_points_go_first_and_on_top():
    """Points are evaluated in their order, then max_evals others; a later run skips them."""
    seen = []
    points = [{"x": 0.5}, {"x": -0.25}]
    space = hp.uniform("x", -1, 1)
    trials = run(4, lambda x: seen.append(x) or x, space, points_to_evaluate=points)
    assert seen[:2] == [0.5, -0.25]
    assert len(seen) == len(trials) == 6
    run(7, lambda x: seen.append(x) or x, space, trials=trials, points_to_evaluate=points)
    assert len(seen) == 7


def test_more_points_than_max_evals_are_all_evaluated():
    """Points do not take the place of what is drawn, however many they are."""
    points = [{"x": 0.1 * i} for i in range(5)]
    trials = run(2, square, hp.uniform("x", -1, 1), points_to_evaluate=points)
    assert trials.vals["x"][:5] == [point["x"] for point in points]
    assert len(trials) == 7


def test_what_was_interrupted_is_evaluated_by_the_next_run():
    """The trial that Ctrl-C cut off waits, and the next run begins with it and draws no more."""
    trials, seen = Trials(), []

    def fn(x):
        seen.append(x)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return x

    with pytest.raises(KeyboardInterrupt):
        run(3, fn, hp.uniform("x", 0, 1), trials=trials)
    assert trials._dynamic_trials[-1]["state"] == hyperopt.JOB_STATE_NEW
    run(3, fn, hp.uniform("x", 0, 1), trials=trials)
    assert seen[3] == seen[2]
    assert len(seen) == 4
    assert len(trials) == 3


def test_a_timeout_is_of_the_loop(monkeypatch):
    """No batch begins once the seconds of timeout have passed."""

    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(sys.modules["sparktune.hyperopt.loop"], "time", clock)

    def fn(config):
        clock.now += 1.0
        return 0.0

    assert len(run(10, fn, timeout=2.5)) == 3


def test_a_threshold_ends_a_run_below_it():
    """A run goes on at the threshold, and ends with the batch that is below."""
    losses = iter([3.0, 2.0, 1.0, 0.5, 0.1])
    assert run(5, lambda c: next(losses), loss_threshold=1.0).losses() == [3.0, 2.0, 1.0, 0.5]


def test_trials_run_a_search_by_themselves():
    """Trials have fmin as a method, which gives the best point or its configuration."""
    trials = Trials()
    best = trials.fmin(loss_of, SPACE, hyperopt.rand.suggest, 5, rstate=1, show_progressbar=False)
    assert best == trials.argmin
    assert len(trials) == 5
    config = trials.fmin(
        loss_of, SPACE, hyperopt.rand.suggest, 5, return_argmin=False, show_progressbar=False
    )
    assert config == hyperopt.space_eval(SPACE, best)


@pytest.mark.parametrize("algo", [*ALGOS.values(), hyperopt.atpe.suggest])
def test_each_algorithm_runs(algo):
    """Each algorithm proposes as many points as are asked for, all of the space."""
    trials = run(12, algo=algo)
    assert len(trials.vals["x"]) == 12
    assert all(-5 <= x <= 5 for x in trials.vals["x"])


def test_a_loop_is_gone_through_step_by_step():
    """A loop gives its trials after each step but the last, as Hyperopt's does."""
    loop = FMinIter(hyperopt.rand.suggest, Domain(loss_of, SPACE), Trials(), 0, max_evals=4)
    assert iter(loop) is loop
    assert next(loop) is loop.trials
    assert [len(trials) for trials in loop] == [2, 3]
    assert len(loop.trials) == 4


def test_a_loop_ends_when_the_trials_say_so():
    """Trials that are marked as cancelled end the loop before it draws."""
    trials = Trials()
    loop = FMinIter(hyperopt.rand.suggest, Domain(loss_of, SPACE), trials, 0, max_evals=9)
    assert loop.is_cancelled is False
    loop.run(2)
    trials._fmin_cancelled = True
    assert loop.is_cancelled is True
    loop.exhaust()
    assert len(trials) == 2


def test_limits_that_are_none_are_refused():
    """A timeout is a number of seconds above 0, a threshold a number; None is neither."""
    for wrong in (-1, 0, "x", True):
        with pytest.raises(ValueError, match="`timeout`"):
            run(1, timeout=wrong)
        with pytest.raises(ValueError, match="`timeout`"):
            base.validate_timeout(wrong)
    for wrong in ("x", True, [1]):
        with pytest.raises(ValueError, match="`loss_threshold`"):
            run(1, loss_threshold=wrong)
        with pytest.raises(ValueError, match="`loss_threshold`"):
            base.validate_loss_threshold(wrong)
    for fine in (None, 1, 2.5):
        base.validate_timeout(fine)
        base.validate_loss_threshold(fine)
    assert len(run(1, timeout=None, loss_threshold=-1)) == 1


def test_early_stop_gets_what_it_gave():
    """The function of early stopping sees all trials and receives its own arguments again."""
    seen = []

    def stop(trials, count=0):
        seen.append((len(trials.trials), count))
        return count == 2, [count + 1]

    assert len(run(9, early_stop_fn=stop)) == 3
    assert seen == [(1, 0), (2, 1), (3, 2)]


def test_no_progress_counts_failures_and_nan():
    """Trials without a loss are no progress for no_progress_loss."""
    results = iter([1.0, float("nan"), {"status": "fail"}, 2.0, 0.0])
    stop = hyperopt.early_stop.no_progress_loss(4)
    assert len(run(9, lambda c: next(results), early_stop_fn=stop)) == 4


def test_a_bar_of_ones_own_is_told_what_is_done():
    """A progress callback gets what there was, what shall be, and each step."""
    heard = []

    class Bar:
        postfix = ""

        def update(self, n):
            heard.append((n, self.postfix))

    @contextlib.contextmanager
    def bar(initial, total):
        heard.append((initial, total))
        yield Bar()

    trials = run(2, lambda c: 1.0)
    losses = iter([5.0, 0.5])
    fmin(lambda c: next(losses), SPACE, hyperopt.rand.suggest, 4, trials=trials, rstate=1,
         show_progressbar=bar)  # fmt: skip
    assert heard == [(2, 4), (1, "best loss: 1.0"), (1, "best loss: 0.5")]


def test_an_algo_that_gives_too_much_is_refused():
    """More documents than ids are an error that says so."""
    with pytest.raises(ValueError, match="2 documents for 1 id"):
        run(1, algo=lambda ids, *rest: hyperopt.rand.suggest([*ids, 99], *rest))


def test_an_algo_that_gives_nothing_ends_the_run():
    """An algo that has no more candidates ends the run without an error."""

    def algo(new_ids, domain, trials, seed):
        return [] if len(trials) == 2 else hyperopt.rand.suggest(new_ids, domain, trials, seed)

    assert len(run(9, algo=algo)) == 2


def test_others_may_evaluate():
    """In an asynchronous loop somebody else turns documents that wait into done ones."""
    trials, is_over = Trials(), threading.Event()
    domain = Domain(square, hp.uniform("x", -1, 1))
    loop = FMinIter(
        hyperopt.rand.suggest, domain, trials, 0, asynchronous=True, max_queue_len=2,
        poll_interval_secs=0.005, max_evals=6,
    )  # fmt: skip
    unpickled = pickle.loads(trials.attachments["FMinIter_Domain"])

    def work():
        while not is_over.wait(0.002):
            for one in trials._dynamic_trials:
                if one["state"] == hyperopt.JOB_STATE_NEW:
                    config = spec_from_misc(one["misc"])
                    one["result"] = unpickled.evaluate(config, Ctrl(trials, one))
                    one["state"] = hyperopt.JOB_STATE_DONE

    worker = threading.Thread(target=work)
    worker.start()
    try:
        loop.exhaust()
    finally:
        is_over.set()
        worker.join()
    assert len(trials) == 6
    assert trials.losses() == [x**2 for x in trials.vals["x"]]


def test_others_may_be_done_with_a_full_queue_at_once(monkeypatch):
    """Where all that waited is done in one look, the loop draws on to its end."""
    trials, looks = Trials(), []

    class Time:
        monotonic = staticmethod(lambda: 0.0)

        def sleep(self, seconds):
            looks.append(seconds)
            for one in trials._dynamic_trials if len(looks) % 2 == 0 else ():
                one.update(state=hyperopt.JOB_STATE_DONE, result={"status": "ok", "loss": 1.0})

    monkeypatch.setattr(sys.modules["sparktune.hyperopt.loop"], "time", Time())
    loop = FMinIter(
        hyperopt.rand.suggest, Domain(square, hp.uniform("x", -1, 1)), trials, 0,
        asynchronous=True, max_queue_len=2, max_evals=6,
    )  # fmt: skip
    loop.exhaust()
    assert len(trials) == 6


def test_ctrl_checkpoints_and_injects():
    """An objective that asks for it keeps a result on the way and adds trials of its own."""
    kept = []

    @hyperopt.fmin_pass_expr_memo_ctrl
    def fn(expr, memo, ctrl):
        x = rec_eval(expr, memo=memo)
        ctrl.checkpoint({"status": "running", "loss": 9.0})
        kept.append(ctrl.current_trial["result"])
        if ctrl.current_trial["tid"] == 0:
            (tid,) = ctrl.trials.new_trial_ids(1)
            misc = {"tid": tid, "idxs": {"x": [tid]}, "vals": {"x": [0.125]}}
            ctrl.inject_results([None], [{"status": "ok", "loss": -1.0}], [misc], [tid])
        return x

    trials = run(4, fn, hp.uniform("x", 0, 1))
    assert kept[0] == {"status": "running", "loss": 9.0}
    assert trials.argmin == {"x": 0.125}
    assert len(trials) == 5
    assert trials.best_trial["misc"]["from_tid"] == 0


def test_an_annotated_objective_is_called_with_keywords():
    """Without a space the annotations are it; what is none is named."""

    def fn(x: hp.uniform("x", 0, 1), n: hp.randint("n", 1, 3)):
        return x * n

    best = fmin(fn, None, hyperopt.rand.suggest, 5, rstate=0, show_progressbar=False)
    assert sorted(best) == ["n", "x"]

    def wrong(x: hp.uniform("x", 0, 1), n: int):
        return 0.0

    with pytest.raises(InvalidAnnotatedParameter, match="'n'"):
        fmin(wrong, "annotated", hyperopt.rand.suggest, 1)
    with pytest.raises(BadSearchSpace, match="annotate"):
        fmin(lambda x: x, None, hyperopt.rand.suggest, 1)


def test_a_subclass_brings_documents_from_elsewhere():
    """A refresh that is overridden is called before each batch, and what it adds is learnt from."""

    class Fed(Trials):
        def refresh(self):
            if len(self._dynamic_trials) == 3:
                self._dynamic_trials.append(document(50, 0.5, loss=-3.0))
            super().refresh()

    trials = Fed()
    run(6, square, hp.uniform("x", -1, 1), trials=trials)
    assert trials.best_trial["tid"] == 50
    assert len(trials) == 7
