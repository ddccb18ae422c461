"""The room in Hyperopt's style alone: what needs no Hyperopt beside it."""

import contextlib
import copy
import functools
import json
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import cloudpickle
import numpy as np
import pytest

import sparktune.hyperopt as hyperopt
from sparktune.history import Status
from sparktune.hyperopt import Ctrl, Domain, FMinIter, Trials, fmin, hp
from sparktune.hyperopt.base import spec_from_misc
from sparktune.hyperopt.exceptions import (
    AllTrialsFailed,
    BadSearchSpace,
    DuplicateLabel,
    InvalidAnnotatedParameter,
    InvalidTrial,
)
from sparktune.hyperopt.fmin import generate_trials_to_calculate
from sparktune.hyperopt.ipy import IPythonTrials
from sparktune.hyperopt.mongoexp import MongoTrials
from sparktune.hyperopt.pyll import as_apply, clone, rec_eval, scope, stochastic, toposort
from sparktune.hyperopt.pyll.base import Apply, Literal

ALGOS = {
    "rand": hyperopt.rand.suggest,
    "tpe": functools.partial(hyperopt.tpe.suggest, n_startup_jobs=4),
    "anneal": hyperopt.anneal.suggest,
    "mix": functools.partial(
        hyperopt.mix.suggest,
        p_suggest=[(0.5, hyperopt.rand.suggest), (0.5, hyperopt.tpe.suggest)],
    ),
}
SPACE = {
    "x": hp.uniform("x", -5, 5),
    "kind": hp.choice("kind", [{"n": hp.randint("n", 1, 9)}, {"q": hp.quniform("q", 0, 8, 2)}]),
}


def loss_of(config):
    """What searches here minimise."""
    return config["x"] ** 2 + sum(config["kind"].values())


def square(x):
    """The plainest objective."""
    return x**2


def run(n, fn=loss_of, space=SPACE, **options):
    """A quiet run; its trials."""
    options = {"algo": hyperopt.rand.suggest, "rstate": 7, "trials": Trials(), **options}
    fmin(fn, space, max_evals=n, show_progressbar=False, **options)
    return options["trials"]


def points_of(trials):
    """The points of trials, each as label to value."""
    return [spec_from_misc(misc) for misc in trials.miscs]


def document(tid, x, loss=None, state=hyperopt.JOB_STATE_DONE, exp_key=None):
    """A document by hand, of a space with x alone."""
    return {
        "state": state,
        "tid": tid,
        "spec": None,
        "result": {"status": "new"} if loss is None else {"status": "ok", "loss": loss},
        "misc": {"tid": tid, "cmd": None, "idxs": {"x": [tid]}, "vals": {"x": [x]}},
        "exp_key": exp_key,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def listened(algo=hyperopt.rand.suggest):
    """A suggest function, and a list of the ids and the seeds that it is given."""
    heard = []

    def suggest(new_ids, domain, trials, seed):
        heard.append((list(new_ids), seed))
        return algo(new_ids, domain, trials, seed)

    return suggest, heard


def seeds_of(generator, count):
    """The seeds of batches that a generator draws."""
    return [int(generator.integers(2**31 - 1)) for _ in range(count)]


# Documents.


def test_a_document_has_hyperopts_keys():
    """A finished trial's document has the keys of Hyperopt's, and no others."""
    (one,) = run(1).trials
    wanted = "book_time exp_key misc owner refresh_time result spec state tid version"
    assert " ".join(sorted(one)) == wanted
    assert sorted(one["misc"]) == ["cmd", "idxs", "tid", "vals", "workdir"]
    assert one["state"] == hyperopt.JOB_STATE_DONE
    assert one["misc"]["cmd"] == ("domain_attachment", "FMinIter_Domain")


def test_documents_hold_plain_values():
    """Ids, values and losses are Python's own, so that documents can become JSON."""
    trials = run(12, algo=ALGOS["tpe"])
    assert json.loads(json.dumps(trials.vals)) == trials.vals
    assert json.loads(json.dumps([trials.results, trials.idxs, trials.tids])) == [
        trials.results, trials.idxs, trials.tids,
    ]  # fmt: skip


def test_values_have_the_kinds_of_hyperopt():
    """Choices and randint are whole numbers in vals, quniform and uniformint are floats."""
    space = {
        "c": hp.choice("c", ["a", "b"]),
        "r": hp.randint("r", 3),
        "q": hp.quniform("q", 0, 4, 1),
        "u": hp.uniformint("u", 1, 3),
    }
    vals = run(2, lambda c: 0.0, space).vals
    assert {label: type(values[0]) for label, values in vals.items()} == {
        "c": int, "r": int, "q": float, "u": float,
    }  # fmt: skip


def test_the_objective_receives_whole_numbers_of_uniformint():
    """Uniformint gives an int to the objective, quniform a float."""
    seen = []
    space = [hp.uniformint("u", 1, 3), hp.quniform("q", 0, 4, 1)]
    run(1, lambda c: seen.append(c) or 0.0, space)
    assert list(map(type, seen[0])) == [int, float]


def test_an_inactive_label_has_empty_lists():
    """What a choice leaves out has no idxs and no vals, and columns that fit each other."""
    trials = run(10)
    for misc in trials.miscs:
        taken, other = ("n", "q") if misc["vals"]["kind"] == [0] else ("q", "n")
        assert misc["idxs"][taken] == [misc["tid"]]
        assert misc["idxs"][other] == misc["vals"][other] == []
    assert {k: len(v) for k, v in trials.idxs.items()} == {
        k: len(v) for k, v in trials.vals.items()
    }


def test_the_objective_sees_its_own_document_as_running():
    """While a trial runs, its document says so and has the time when it was begun."""
    trials, seen = Trials(), []

    def fn(config):
        (mine,) = [d for d in trials._dynamic_trials if d["state"] == hyperopt.JOB_STATE_RUNNING]
        seen.append((mine["tid"], mine["book_time"], mine["result"]))
        return 0.0

    run(2, fn, trials=trials)
    assert [tid for tid, _, _ in seen] == [0, 1]
    assert [booked for _, booked, _ in seen] == [d["book_time"] for d in trials.trials]
    assert seen[0][2] == {"status": "new"}


def test_times_are_in_order_and_to_the_millisecond():
    """A document's times are without a zone, in milliseconds, begin before end."""
    for one in run(3).trials:
        assert one["book_time"] <= one["refresh_time"]
        assert one["book_time"].tzinfo is None
        assert one["book_time"].microsecond % 1000 == 0


def test_results_keep_what_the_objective_says():
    """A result keeps every key; attachments move to the trials."""

    def fn(config):
        return {"status": "ok", "loss": 1, "note": [1], "attachments": {"model": b"m"}}

    trials = run(2, fn)
    assert trials.results == [{"status": "ok", "loss": 1.0, "note": [1]}] * 2
    assert [trials.trial_attachments(d)["model"] for d in trials.trials] == [b"m", b"m"]


def test_a_result_is_a_copy():
    """A dict that the objective returns again and again is a result of its own each time."""
    shared = {"status": "ok", "loss": 0.0}

    def fn(config):
        shared["loss"] += 1
        return shared

    assert run(3, fn).losses() == [1.0, 2.0, 3.0]


def test_errors_stand_in_the_document():
    """A trial that raised has the state of errors, with the type and the text, and is hidden."""
    trials = Trials()
    with pytest.raises(ZeroDivisionError):
        run(2, lambda c: 1 / 0, trials=trials)
    (failed,) = trials._dynamic_trials
    assert failed["state"] == hyperopt.JOB_STATE_ERROR
    assert failed["misc"]["error"] == ("<class 'ZeroDivisionError'>", "division by zero")
    assert len(trials) == 0


def test_caught_errors_do_not_count():
    """Trials that raised are drawn and hidden, so that a next run draws as many again."""
    calls = []

    def fn(config):
        calls.append(config)
        if len(calls) % 3 == 0:
            raise ValueError("third")
        return 0.0

    trials = run(6, fn, catch_eval_exceptions=True)
    assert (len(calls), len(trials)) == (6, 4)
    run(6, fn, catch_eval_exceptions=True, trials=trials)
    assert (len(calls), len(trials), len(trials._dynamic_trials)) == (8, 6, 8)


def test_documents_are_the_objects_that_were_inserted():
    """What a person inserts is kept as it is, shown after refresh, and its changes are seen."""
    trials, mine = Trials(), document(4, 1.0, loss=3.0)
    assert trials.insert_trial_doc(mine) == 4
    assert len(trials) == 0
    trials.refresh()
    assert trials.trials[0] is mine
    mine["result"]["loss"] = 2.0
    assert trials.losses() == [2.0]


def test_a_document_that_lacks_something_is_refused():
    """The error names what is missing, or what contradicts."""
    lacking = document(0, 1.0)
    del lacking["owner"]
    with pytest.raises(InvalidTrial, match="'owner'"):
        Trials().insert_trial_doc(lacking)
    wrong = document(0, 1.0)
    wrong["misc"]["tid"] = 5
    with pytest.raises(InvalidTrial, match="tid 0 has a misc of tid 5"):
        Trials().insert_trial_docs([wrong])
    with pytest.raises(InvalidTrial, match="exp_key"):
        Trials(exp_key="a").insert_trial_doc(document(0, 1.0, exp_key="b"))
    with pytest.raises(InvalidTrial, match="must be a dict"):
        Trials().insert_trial_doc([1])


def test_new_ids_are_free():
    """New ids are those of nothing yet, also where documents have ids of their own."""
    trials = hyperopt.trials_from_docs([document(tid, 0.0, loss=1.0) for tid in (1, 5)])
    ids = trials.new_trial_ids(2)
    assert not {1, 5} & set(ids)
    assert not set(ids) & set(trials.new_trial_ids(3))


def test_delete_all_keeps_count_of_ids():
    """After delete_all there is nothing, and ids go on."""
    trials = run(3)
    trials.attachments["k"] = 1
    trials.delete_all()
    assert (len(trials), trials._dynamic_trials, trials.attachments) == (0, [], {})
    assert run(2, trials=trials).tids == [3, 4]


def test_a_view_shows_one_key():
    """Views share documents and attachments, and show those of one key."""
    trials = Trials()
    mine = trials.view("mine")
    run(3, trials=mine)
    mine.attachments["k"] = 1
    trials.refresh()
    assert (len(mine), len(trials), len(trials.view("other"))) == (3, 3, 0)
    assert {d["exp_key"] for d in trials} == {"mine"}
    assert trials.attachments == {"k": 1}


def test_trials_are_indexed_and_sliced():
    """An index gives a document, a slice a list of them."""
    trials = run(4)
    assert trials[1] is trials.trials[1]
    assert [d["tid"] for d in trials[-2:]] == [2, 3]
    with pytest.raises(IndexError):
        trials[4]


def test_attachments_are_read_set_and_deleted():
    """A trial's attachments are found by name, apart from those of other trials."""
    trials = run(2)
    first, second = map(trials.trial_attachments, trials.trials)
    first["a"] = 1
    assert ("a" in first, "a" in second) == (True, False)
    with pytest.raises(KeyError):
        second["a"]
    del first["a"]
    assert trials.attachments == {}


def test_trials_made_without_refresh_say_so():
    """Without a first refresh the error says what to do."""
    with pytest.raises(AttributeError, match=r"call refresh\(\)"):
        len(Trials(refresh=False))


def test_counts_take_states_alone():
    """States that there are not are refused."""
    trials = run(2)
    assert trials.count_by_state_synced(hyperopt.JOB_STATES) == 2
    with pytest.raises(TypeError, match="a state is one of"):
        trials.count_by_state_unsynced([2, 17])


def test_the_first_failure_is_told_when_all_fail():
    """AllTrialsFailed says how many failed and what the first said."""
    trials = Trials()
    for tid in range(2):
        one = document(tid, 0.0, state=hyperopt.JOB_STATE_ERROR)
        one["misc"]["error"] = ("<class 'OSError'>", "no disk")
        trials.insert_trial_doc(one)
    trials.refresh()
    with pytest.raises(AllTrialsFailed, match=r"2 of 2 trials failed.*no disk"):
        _ = trials.best_trial


# Streams.


def by_fmin(n, algo, queue):
    """A run by fmin."""
    return run(n, algo=algo, max_queue_len=queue, rstate=np.random.default_rng(11))


def by_loop(n, algo, queue):
    """A run by FMinIter."""
    rng = np.random.default_rng(11)
    loop = FMinIter(
        algo, Domain(loss_of, SPACE), Trials(), rng, max_evals=n, max_queue_len=queue
    )  # fmt: skip
    return loop.exhaust().trials


def by_steps(n, algo, queue):
    """A run by FMinIter, a step at a time."""
    rng = np.random.default_rng(11)
    loop = FMinIter(algo, Domain(loss_of, SPACE), Trials(), rng, max_queue_len=queue)
    while len(loop.trials) < n:
        loop.run(min(queue, n - len(loop.trials)))
    return loop.trials


def by_hand(n, algo, queue):
    """A run by a loop of one's own."""
    domain, trials, rng = Domain(loss_of, SPACE), Trials(), np.random.default_rng(11)
    while len(trials) < n:
        ids = trials.new_trial_ids(min(queue, n - len(trials)))
        trials.refresh()
        documents = algo(ids, domain, trials, rng.integers(2**31 - 1))
        trials.insert_trial_docs(documents)
        for one in documents:
            ctrl = Ctrl(trials, current_trial=one)
            one["result"] = domain.evaluate(spec_from_misc(one["misc"]), ctrl)
            one["state"] = hyperopt.JOB_STATE_DONE
        trials.refresh()
    return trials


@pytest.mark.parametrize("queue", [1, 3])
@pytest.mark.parametrize("algo", ALGOS)
def test_all_ways_to_run_propose_the_same(algo, queue):
    """The same seed gives the same trials by fmin, by FMinIter, by its steps and by hand."""
    runs = [way(14, ALGOS[algo], queue) for way in (by_fmin, by_loop, by_steps, by_hand)]
    for other in runs[1:]:
        assert points_of(other) == points_of(runs[0])
        assert other.losses() == runs[0].losses()


@pytest.mark.parametrize("algo", ALGOS)
def test_a_resumed_run_is_the_run_that_was_not_stopped(algo):
    """A run that goes on with a fresh generator of its seed proposes what one run does."""
    whole = run(12, algo=ALGOS[algo], rstate=3)
    trials = run(5, algo=ALGOS[algo], rstate=3)
    run(12, algo=ALGOS[algo], rstate=3, trials=trials)
    assert points_of(trials) == points_of(whole)


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState, int])
def test_one_trial_a_turn_never_repeats_a_point(make):
    """A pickle between turns of one trial, each with the same seed, changes nothing."""
    kept = pickle.dumps(Trials())
    for turn in range(8):
        trials = pickle.loads(kept)
        run(turn + 1, square, hp.uniform("x", 0, 1), trials=trials, rstate=make(3))
        kept = pickle.dumps(trials)
    whole = run(8, square, hp.uniform("x", 0, 1), rstate=make(3))
    assert len(set(trials.vals["x"])) == 8
    assert trials.vals == whole.vals


def test_batches_are_counted_as_batches():
    """A run that drew batches of 4 passes over as many seeds as it drew."""
    trials = run(8, max_queue_len=4, rstate=5)
    algo, heard = listened()
    run(16, algo=algo, max_queue_len=4, rstate=5, trials=trials)
    assert [seed for _, seed in heard] == seeds_of(np.random.default_rng(5), 4)[2:]
    assert [ids for ids, _ in heard] == [[8, 9, 10, 11], [12, 13, 14, 15]]


def test_a_batch_takes_one_seed():
    """Seeds are drawn as Hyperopt does, one a batch, below 2**31 - 1."""
    algo, heard = listened()
    run(6, algo=algo, max_queue_len=2, rstate=np.random.default_rng(1))
    assert heard == [
        ([2 * i, 2 * i + 1], seed)
        for i, seed in enumerate(seeds_of(np.random.default_rng(1), 3))
    ]  # fmt: skip


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_the_generator_that_drew_the_batches_goes_on(make):
    """A generator that is given again draws on, and passes over nothing."""
    algo, heard = listened()
    rng = make(9)
    trials = run(3, algo=algo, rstate=rng)
    run(6, algo=algo, rstate=rng, trials=trials)
    same = make(9)
    draw = same.integers if hasattr(same, "integers") else same.randint
    assert [seed for _, seed in heard] == [int(draw(2**31 - 1)) for _ in range(6)]


def test_failed_trials_have_taken_their_seed():
    """Where trials failed, a resumed run passes over their seeds too."""
    count = []

    def fn(x):
        count.append(x)
        if len(count) == 2:
            raise ValueError("no")
        return x

    space = hp.uniform("x", 0, 1)
    trials = run(4, fn, space, catch_eval_exceptions=True, rstate=2)
    run(8, fn, space, rstate=2, trials=trials)
    drawn = [d["misc"]["vals"]["x"][0] for d in trials._dynamic_trials]
    assert len(drawn) == len(set(drawn)) == 9


def test_points_to_evaluate_take_no_seed():
    """Points that are given change nothing about the seeds of what is drawn."""
    algo, heard = listened()
    run(3, square, hp.uniform("x", -1, 1), algo=algo, points_to_evaluate=[{"x": 0.0}], rstate=6)
    assert [seed for _, seed in heard] == seeds_of(np.random.default_rng(6), 3)
    del heard[:]
    given = generate_trials_to_calculate([{"x": 0.0}])
    run(3, square, hp.uniform("x", -1, 1), algo=algo, trials=given, rstate=6)
    assert [seed for _, seed in heard] == seeds_of(np.random.default_rng(6), 3)


def test_delete_all_forgets_the_batches():
    """Emptied trials begin the stream anew."""
    trials = run(4, rstate=8)
    before = points_of(trials)
    trials.delete_all()
    assert points_of(run(4, rstate=8, trials=trials)) == before


@pytest.mark.parametrize("kind", [int, np.int64, np.random.RandomState, np.random.default_rng])
def test_generators_of_all_kinds_are_taken(kind):
    """A seed, a RandomState and a Generator give the same run each time."""
    for algo in ALGOS.values():
        one, two = (points_of(run(6, algo=algo, rstate=kind(4))) for _ in range(2))
        assert one == two


@pytest.mark.parametrize("rstate", [True, "3", 1.5])
def test_what_is_no_generator_is_refused(rstate):
    """Other things than generators and seeds are a TypeError that says what is taken."""
    with pytest.raises(TypeError, match="a generator must be"):
        run(1, rstate=rstate)


def test_the_environment_gives_the_seed(monkeypatch):
    """Without rstate, HYPEROPT_FMIN_SEED is the seed."""
    monkeypatch.setenv("HYPEROPT_FMIN_SEED", "12")
    assert points_of(run(3, rstate=None)) == points_of(run(3, rstate=12))


def test_a_loop_without_a_generator_has_one():
    """FMinIter takes None as fmin does."""
    loop = FMinIter(hyperopt.rand.suggest, Domain(loss_of, SPACE), Trials(), rstate=None)
    loop.run(2)
    assert len(loop.trials) == 2


def test_columns_of_a_batch_are_the_documents_of_suggest():
    """Suggest_batch gives as arrays what suggest gives as documents, for the same seed."""
    domain, trials = Domain(loss_of, SPACE), run(5)
    for algo in (hyperopt.rand, hyperopt.anneal):
        idxs, vals = algo.suggest_batch([7, 8], domain, trials, 3)
        documents = algo.suggest([7, 8], domain, trials, 3)
        for label in ("x", "kind", "n", "q"):
            assert idxs[label].tolist() == [
                i for d in documents for i in d["misc"]["idxs"][label]
            ]  # fmt: skip
            assert vals[label].tolist() == [
                v for d in documents for v in d["misc"]["vals"][label]
            ]  # fmt: skip


def test_the_domain_draws_with_generators_of_all_kinds():
    """The graph of a domain's draws takes ids and a generator in a memo."""
    domain = Domain(loss_of, SPACE)
    for rng in (np.random.default_rng(0), np.random.RandomState(0)):
        memo = {domain.s_new_ids: [3, 4], domain.s_rng: rng}
        idxs, vals = rec_eval(domain.s_idxs_vals, memo=memo)
        assert idxs["x"].tolist() == [3, 4]
        assert len(vals["n"]) + len(vals["q"]) == 2


# What is tried, and when it ends.


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
    with pytest.raises(ValueError, match="2 documents for 1 ids"):
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


# What the surrogate learns.


def drawn(trials, domain, algo, count=24):
    """What an algo proposes for x with several seeds."""
    return np.array(
        [algo([999], domain, trials, seed)[0]["misc"]["vals"]["x"][0] for seed in range(count)]
    )


def trials_with_best_at(x, n=40):
    """Trials of points all over -10 to 10, best at x."""
    points = np.linspace(-10, 10, n)
    return hyperopt.trials_from_docs(
        [document(tid, float(p), loss=abs(float(p) - x)) for tid, p in enumerate(points)]
    )


@pytest.mark.parametrize("algo", ["tpe", "anneal"])
def test_losses_changed_in_place_are_learnt(algo):
    """What a person changes in the documents decides about the next candidates."""
    domain, trials = Domain(square, hp.uniform("x", -10, 10)), trials_with_best_at(6)
    assert np.median(drawn(trials, domain, ALGOS[algo])) > 2
    for one in trials.trials:
        one["result"]["loss"] = abs(one["misc"]["vals"]["x"][0] + 6)
    assert np.median(drawn(trials, domain, ALGOS[algo])) < -2


def test_values_changed_in_place_are_learnt():
    """Values that change are read anew, as losses are."""
    domain, trials = Domain(square, hp.uniform("x", -10, 10)), trials_with_best_at(6)
    drawn(trials, domain, ALGOS["tpe"], 1)
    for one in trials.trials:
        one["misc"]["vals"]["x"][0] *= -1
    assert np.median(drawn(trials, domain, ALGOS["tpe"])) < -2


def test_inserted_documents_are_learnt_with_the_next_batch():
    """Documents that are inserted while a run goes on guide what is drawn next."""
    domain, trials = Domain(square, hp.uniform("x", -10, 10)), trials_with_best_at(6)
    drawn(trials, domain, ALGOS["tpe"], 1)
    fresh = [document(100 + i, -6.0 + 0.01 * i, loss=-5.0) for i in range(30)]
    trials.insert_trial_docs(fresh)
    assert domain.history(trials).count(Status.OK) == 40
    trials.refresh()
    assert domain.history(trials).count(Status.OK) == 70
    assert np.median(drawn(trials, domain, ALGOS["tpe"])) < -2


def test_documents_that_go_are_forgotten():
    """Documents that are hidden or taken out are no longer learnt from."""
    domain, trials = Domain(square, hp.uniform("x", -10, 10)), trials_with_best_at(6)
    assert len(domain.history(trials)) == 40
    trials._dynamic_trials[3]["state"] = hyperopt.base.JOB_STATE_CANCEL
    trials.refresh()
    assert len(domain.history(trials)) == 39
    del trials._dynamic_trials[:10]
    trials.refresh()
    assert len(domain.history(trials)) == 30


def test_the_history_says_how_trials_stand():
    """Documents that wait are pending, failures and NaN failed, numbers a loss."""
    domain = Domain(square, hp.uniform("x", -10, 10))
    documents = [document(0, 0.0, loss=1.0), document(1, 1.0, loss=float("nan"))]
    documents += [document(2, 2.0, state=hyperopt.JOB_STATE_NEW)]
    documents += [document(3, 3.0, state=hyperopt.JOB_STATE_ERROR)]
    trials = hyperopt.trials_from_docs(documents)
    history = domain.history(trials)
    wanted = {Status.OK: 1, Status.FAILED: 2, Status.PENDING: 1}
    assert {status: history.count(status) for status in wanted} == wanted
    documents[2].update(state=hyperopt.JOB_STATE_DONE, result={"status": "ok", "loss": 0.0})
    trials.refresh()
    assert domain.history(trials).count(Status.OK) == 2


def test_failures_are_known_whatever_their_ids():
    """Failed documents are learnt from in their place, also where ids are no numbers."""
    documents = [document(f"t{i}", float(i), loss=float(i)) for i in range(6)]
    trials = hyperopt.trials_from_docs([*documents, document(6, 6.0, loss=6.0)])
    domain = Domain(square, hp.uniform("x", -10, 10))
    for failed in (trials.trials[1], trials.trials[4]):
        failed["state"] = hyperopt.JOB_STATE_ERROR
        trials.refresh()
        history = domain.history(trials)
        assert [each.values["x"] for each in history] == list(range(7))
    assert history.count(Status.FAILED) == 2


def test_a_document_that_does_not_fit_is_left_out():
    """A point outside of the space is shown and counted but not learnt from, with a warning."""
    domain = Domain(square, hp.uniform("x", -10, 10))
    trials = hyperopt.trials_from_docs([document(0, 99.0, loss=0.0), document(1, 1.0, loss=1.0)])
    with pytest.warns(UserWarning, match="learns nothing from trial 0"):
        assert len(domain.history(trials)) == 1
    assert trials.argmin == {"x": 99.0}


def test_merged_trials_are_learnt_from():
    """Documents of several pickles in one Trials are learnt from, whatever their ids were."""
    merged = Trials()
    for part in range(3):
        other = pickle.loads(pickle.dumps(trials_with_best_at(6, 20)))
        for one in other.trials:
            tid = 20 * part + one["tid"]
            one["tid"] = one["misc"]["tid"] = tid
            one["misc"]["idxs"]["x"] = [tid]
        merged.insert_trial_docs(other.trials)
    merged.refresh()
    domain = Domain(square, hp.uniform("x", -10, 10))
    assert len(domain.history(merged)) == 60
    assert np.median(drawn(merged, domain, ALGOS["tpe"])) > 2


# Files, pickles, copies.


def test_the_file_is_written_after_each_batch(tmp_path):
    """Each batch finds the file with the ones before it, and nothing beside it."""
    path, found = tmp_path / "trials.pkl", []

    def fn(x):
        found.append(len(pickle.loads(path.read_bytes())) if path.exists() else None)
        assert [each.name for each in tmp_path.iterdir()] in ([], ["trials.pkl"])
        return x

    run(6, fn, hp.uniform("x", 0, 1), trials_save_file=str(path), max_queue_len=2)
    assert found == [None, None, 2, 2, 4, 4]
    assert len(pickle.loads(path.read_bytes())) == 6


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    """Trials that cannot be pickled are an error, and what was there stays whole."""
    path = tmp_path / "trials.pkl"
    trials = run(2, trials_save_file=path)
    trials.attachments["lock"] = threading.Lock()
    with pytest.raises(TypeError, match="lock"):
        run(3, trials=trials, trials_save_file=path)
    assert len(pickle.loads(path.read_bytes())) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["trials.pkl"]


def test_a_file_is_loaded_with_a_warning_and_goes_on(tmp_path):
    """Without trials the file's are loaded, which warns, and the run goes on as if not stopped."""
    path = tmp_path / "trials.pkl"

    def go(n):
        fmin(
            square, hp.uniform("x", 0, 1), hyperopt.rand.suggest, n, rstate=4,
            show_progressbar=False, trials_save_file=str(path),
        )  # fmt: skip

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go(3)
    with pytest.warns(UserWarning, match="runs what is in it"):
        go(7)
    found = pickle.loads(path.read_bytes())
    assert found.vals == run(7, square, hp.uniform("x", 0, 1), rstate=4).vals


def test_points_that_nobody_refreshed_keep_their_ids():
    """Trials of points give their ids to nothing else, also where a run is the first to look."""
    trials = generate_trials_to_calculate([{"x": 0.5}, {"x": 0.25}])
    run(3, square, hp.uniform("x", 0, 1), trials=trials)
    assert trials.tids == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("algo", ALGOS)
def test_labels_stand_in_their_order(algo):
    """The values of documents, and so the best point, stand in the order of their labels."""
    space = {"a": hp.uniform("z", 0, 1), "b": [hp.randint("y", 3), hp.uniform("X", 0, 1)]}
    trials = run(6, lambda c: c["a"], space, algo=ALGOS[algo])
    for each in (trials.argmin, trials.vals, trials.idxs, trials.miscs[-1]["vals"]):
        assert list(each) == ["X", "y", "z"]


def test_a_file_beside_trials_is_overwritten(tmp_path):
    """Where trials are given, these count, and the file is theirs from then on."""
    path = tmp_path / "trials.pkl"
    run(5, trials_save_file=str(path))
    run(2, trials_save_file=str(path))
    assert len(pickle.loads(path.read_bytes())) == 2


def test_trials_pickle_without_their_generator():
    """A pickle holds the documents, goes on by itself, and leaves the original alone."""
    trials = run(3, rstate=np.random.default_rng(0))
    again = pickle.loads(pickle.dumps(trials))
    assert points_of(again) == points_of(trials)
    assert b"Generator" not in pickle.dumps(trials)
    run(5, trials=again)
    assert (len(again), len(trials)) == (5, 3)


@pytest.mark.parametrize("way", ["pickle", "cloudpickle", "deepcopy"])
@pytest.mark.parametrize("thing", ["trials", "view", "domain", "loop", "ctrl", "space"])
def test_objects_can_be_pickled_and_copied(thing, way):
    """Trials, views, domains, loops, ctrls and spaces survive pickle, cloudpickle and deepcopy."""
    domain, trials = Domain(loss_of, SPACE), run(3)
    domain.history(trials)
    rng = np.random.RandomState(0)
    one = {
        "trials": trials,
        "view": trials.view("k"),
        "domain": domain,
        "loop": FMinIter(hyperopt.rand.suggest, domain, trials, rng, max_evals=5),
        "ctrl": Ctrl(trials, trials.trials[0]),
        "space": as_apply(SPACE),
    }[thing]
    if way == "deepcopy":
        again = copy.deepcopy(one)
    else:
        kind = {"pickle": pickle, "cloudpickle": cloudpickle}[way]
        again = pickle.loads(kind.dumps(one))
    assert type(again) is type(one)
    if thing == "loop":
        assert len(again.exhaust().trials) == 5
        assert len(trials) == 3
    if thing == "domain":
        assert hyperopt.tpe.suggest([9], again, trials, 1) == hyperopt.tpe.suggest(
            [9], domain, trials, 1
        )  # fmt: skip
    if thing == "space":
        point = {"x": 0.5, "kind": 0, "n": 3}
        assert hyperopt.space_eval(again, point) == hyperopt.space_eval(SPACE, point)


def test_a_copy_has_documents_of_its_own():
    """A deep copy shares no document with the original."""
    trials = run(2)
    again = copy.deepcopy(trials)
    again.trials[0]["result"]["loss"] = -1.0
    assert trials.losses()[0] != -1.0
    assert again.argmin == spec_from_misc(again.trials[0]["misc"])


# Spaces and graphs.


def test_labels_are_strings_and_of_one_node():
    """A label that is no string, or of two nodes, is refused."""
    for word in (hp.uniform, hp.normal, hp.randint, hp.choice):
        with pytest.raises(TypeError, match="require string label"):
            word(3, [0, 1])
    with pytest.raises(DuplicateLabel, match="'x'"):
        Domain(loss_of, [hp.uniform("x", 0, 1), hp.choice("x", [1, 2])])


def test_bounds_may_be_computed():
    """Bounds that an expression gives are bounds; wrong ones are found when the space is read."""
    rate = hp.loguniform("rate", scope.log(0.001), scope.log(0.1))
    assert all(0.001 <= v <= 0.1 for v in run(20, lambda c: 0.0, rate).vals["rate"])
    with pytest.raises(ValueError, match="'n'"):
        Domain(None, hp.randint("n", scope.int(5.5), 2))


def test_bounds_of_another_hyperparameter_are_refused():
    """Bounds that depend on another hyperparameter are refused with what to do, but sampled."""
    a = hp.uniform("a", 0, 1)
    space = [a, hp.uniform("b", 0, a + 1)]
    with pytest.raises(BadSearchSpace, match=r"'b'.*cannot depend"):
        Domain(None, space)
    assert len(stochastic.sample(space, rng=0)) == 2


def test_probabilities_may_be_weights():
    """Probabilities of pchoice that do not sum to 1 are scaled; negative ones are refused."""
    thirds = hp.pchoice("p", [(0.33, "a"), (0.33, "b"), (0.33, "c")])
    assert {stochastic.sample(thirds, rng=seed) for seed in range(40)} == {"a", "b", "c"}
    heavy = hp.pchoice("p", [(1, "a"), (99, "b")])
    vals = run(100, lambda c: 0.0, heavy).vals["p"]
    assert vals.count(1) > 90
    for wrong in ([(-1.0, "a"), (2.0, "b")], [(0.0, "a")], []):
        with pytest.raises(BadSearchSpace):
            hp.pchoice("p", wrong)


def test_uniformint_halves_its_ends():
    """Of uniformint both ends are half as likely as what is between, as in Hyperopt."""
    vals = run(1200, lambda c: 0.0, hp.uniformint("u", 1, 3)).vals["u"]
    shares = [vals.count(v) / 1200 for v in (1, 2, 3)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.06)


def test_space_eval_takes_what_documents_hold():
    """Lists of one, empty lists and None are values as documents write them."""
    point = {"x": [0.5], "kind": [1], "q": [4.0], "n": []}
    wanted = {"x": 0.5, "kind": {"q": 4.0}}
    assert hyperopt.space_eval(SPACE, point) == wanted
    assert hyperopt.space_eval(SPACE, {"x": 0.5, "kind": 1, "q": 4.0, "n": None}) == wanted
    misc = run(1).miscs[0]
    assert "x" in hyperopt.space_eval(SPACE, misc["vals"])


def test_lists_arrive_as_tuples():
    """Lists of a space are tuples for the objective, also below dicts."""
    space = {"a": [1, [hp.uniform("x", 0, 0.5)]], "t": (2,)}
    seen = []
    run(1, lambda c: seen.append(c) or 0.0, space)
    assert (seen[0]["a"][0], type(seen[0]["a"][1]), seen[0]["t"]) == (1, tuple, (2,))


def test_samples_take_generators_of_all_kinds():
    """Sample takes a Generator, a RandomState, a seed and nothing, and repeats for a seed."""
    for rng in (np.random.default_rng(0), np.random.RandomState(0), 0, None):
        assert -5 <= stochastic.sample(SPACE, rng=rng)["x"] <= 5
    assert stochastic.sample(SPACE, rng=5) == stochastic.sample(SPACE, rng=5)
    assert hyperopt.pyll.stochastic.sample is stochastic.sample


def test_a_function_may_be_defined_again():
    """The same function defined again, as by running a cell again, takes the place of the first."""

    def make(add):
        def cell_function(x):
            return x + add

        return cell_function

    scope.define(make(1))
    scope.define(make(2))
    assert rec_eval(scope.cell_function(1)) == 3
    scope.undefine("cell_function")
    with pytest.raises(AttributeError, match="cell_function"):
        _ = scope.cell_function

    def uniform(x):
        return x

    with pytest.raises(ValueError, match="cannot be overridden"):
        scope.define(uniform)


def test_nodes_of_unknown_length_do_not_iterate():
    """A node whose items nobody knows is no iterable, rather than one without an end."""
    with pytest.raises(TypeError, match="is not known"):
        list(scope.int(3))
    first, second = as_apply((4, 5))
    assert (rec_eval(first), rec_eval(second)) == (4, 5)


def test_long_graphs_are_evaluated():
    """A chain of thousands of nodes is no recursion; it can be cloned and sorted."""
    node = as_apply(0)
    for _ in range(5000):
        node = node + 1
    assert rec_eval(node) == rec_eval(clone(node)) == 5000
    assert toposort(node)[-1] is node


def test_graphs_that_go_round_are_refused():
    """A node among its own arguments is found, by evaluation and by sorting."""
    node = Apply("identity", [Literal(1)], [])
    node.pos_args[0] = node
    with pytest.raises(RuntimeError, match="its own arguments"):
        rec_eval(node, max_program_len=50)
    with pytest.raises(ValueError, match="its own arguments"):
        toposort(node)


def test_a_value_that_is_missing_is_told():
    """Evaluating a space without one of its values says that it is missing."""
    with pytest.raises(ValueError, match="does not have"):
        Domain(loss_of, SPACE).evaluate({"kind": 0, "n": 1}, Ctrl(None))


def test_what_is_not_here_says_where_to_go():
    """MongoTrials and IPythonTrials exist and say what to use instead."""
    with pytest.raises(NotImplementedError, match="SparkTrials"):
        IPythonTrials()
    with pytest.raises(NotImplementedError):
        MongoTrials("mongo://host/db/jobs")


# The room under Hyperopt's name.


@pytest.fixture
def fake_hyperopt(tmp_path):
    """A package of that name beside the script that run_python runs."""
    (tmp_path / "hyperopt").mkdir()
    (tmp_path / "hyperopt" / "__init__.py").write_text("THEIRS = True\nfrom .base import Trials\n")
    (tmp_path / "hyperopt" / "base.py").write_text("class Trials: pass\n")


USES = """
import hyperopt, hyperopt.pyll.stochastic, hyperopt.base as base
from hyperopt import fmin, hp, rand, tpe, Trials, STATUS_OK
from hyperopt.fmin import space_eval, generate_trials_to_calculate
from hyperopt.pyll.base import scope
from hyperopt.pyll_utils import hp_choice
import sparktune.hyperopt
assert hyperopt is sparktune.hyperopt
assert base.Trials is Trials is sparktune.hyperopt.Trials
assert hp_choice is hp.choice
best = fmin(lambda c: c["n"], {"n": scope.int(hp.quniform("n", 1, 5, 1))}, algo=rand.suggest,
            max_evals=20, rstate=0, show_progressbar=False)
print("ran", best)
"""


def test_install_gives_the_room_hyperopts_name(run_python):
    """After install() all imports of Hyperopt are the room's own modules, without Hyperopt."""
    done = run_python("import sparktune.hyperopt\nsparktune.hyperopt.install()\n" + USES)
    assert "ran {'n': 1.0}" in done.stdout


def test_modules_have_the_modules_that_programs_reach_through_them():
    """Programs write hyperopt.base.pyll for hyperopt.pyll."""
    assert hyperopt.base.pyll is hyperopt.pyll


def test_install_goes_before_an_installed_hyperopt(run_python, fake_hyperopt):
    """Where Hyperopt is installed, the room is imported in its place."""
    script = "import sparktune.hyperopt\nsparktune.hyperopt.install()\n" + USES
    done = run_python(script + "print(hasattr(hyperopt, 'THEIRS'))")
    assert "ran {'n': 1.0}" in done.stdout
    assert done.stdout.endswith("False\n")


def test_install_refuses_where_hyperopt_is_imported(run_python, fake_hyperopt, tmp_path):
    """Once Hyperopt is imported, install() refuses and names who did it."""
    (tmp_path / "helper.py").write_text("from hyperopt import Trials\n")
    script = """
import helper
from sparktune.hyperopt import install
try:
    install()
except RuntimeError as error:
    print(error)
import hyperopt
print(hyperopt.THEIRS)
"""
    done = run_python(script)
    assert "by helper" in done.stdout
    assert done.stdout.endswith("True\n")


def test_install_again_does_nothing(run_python):
    """Calling install() twice is as calling it once."""
    script = """
from sparktune.hyperopt import install
install()
import hyperopt
install()
import hyperopt.base
print(hyperopt.base.Trials.__module__)
"""
    assert run_python(script).stdout == "sparktune.hyperopt.base\n"


def test_pickles_of_hyperopt_load_after_install(run_python, tmp_path):
    """Trials whose pickle names Hyperopt's modules load as the room's, and go on."""
    pickled = pickle.dumps(run(3, square, hp.uniform("x", 0, 1)), protocol=0)
    renamed = pickled.replace(b"sparktune.hyperopt.base", b"hyperopt.base")
    (tmp_path / "trials.pkl").write_bytes(renamed)
    script = """
import pickle
from sparktune.hyperopt import install
install()
from hyperopt import fmin, hp, rand
with open("trials.pkl", "rb") as file:
    trials = pickle.load(file)
fmin(lambda x: x, hp.uniform("x", 0, 1), rand.suggest, 5, trials=trials, rstate=7,
     show_progressbar=False)
print(len(trials), len(set(trials.vals["x"])), type(trials).__module__)
"""
    assert run_python(script).stdout == "5 5 sparktune.hyperopt.base\n"


def room(folder, *words):
    """What `python -m sparktune.hyperopt ...` does in a folder."""
    command = [sys.executable, "-m", "sparktune.hyperopt", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_script_runs_without_any_edit(tmp_path):
    """A script runs as the main program, with its arguments and the modules beside it."""
    home = tmp_path / "scripts"
    home.mkdir()
    (home / "beside.py").write_text("from hyperopt import hp\nspace = hp.uniform('x', 0, 1)\n")
    (home / "script.py").write_text(
        """
import sys
from hyperopt import fmin, rand
import hyperopt, beside
if __name__ == "__main__":
    fmin(lambda x: x, beside.space, rand.suggest, int(sys.argv[2]), show_progressbar=False)
    print(sys.argv, hyperopt.__name__)
    sys.exit(3)
"""
    )
    done = room(tmp_path, "scripts/script.py", "--n", "4")
    assert done.stdout == "['scripts/script.py', '--n', '4'] sparktune.hyperopt\n", done.stderr
    assert done.returncode == 3


def test_a_script_finds_the_room_before_hyperopt(tmp_path, fake_hyperopt):
    """A script beside an installed Hyperopt gets the room."""
    (tmp_path / "script.py").write_text("import hyperopt\nprint(hasattr(hyperopt, 'THEIRS'))\n")
    assert room(tmp_path, "script.py").stdout == "False\n"


def test_the_command_says_how_it_is_used(tmp_path):
    """Without a script, or with one that is not there, the command says so and fails."""
    assert "usage" in room(tmp_path).stderr
    missing = room(tmp_path, "none.py")
    assert (missing.returncode, missing.stderr) == (1, "there is no script none.py\n")


def test_the_room_imports_nothing_heavy(run_python):
    """Importing the room loads no pyspark, scikit-learn, matplotlib or pandas."""
    script = """
import sys
import sparktune.hyperopt
print([n for n in ("pyspark", "sklearn", "matplotlib", "pandas", "tqdm") if n in sys.modules])
"""
    assert run_python(script).stdout == "[]\n"


def test_the_folder_of_pages_has_a_table_of_what_differs():
    """The page on moving has the table that the tests beside Hyperopt read."""
    page = Path(__file__).parents[2] / "docs" / "migrating.md"
    assert "| what | Hyperopt 0.3.0 | sparktune.hyperopt |" in page.read_text()
