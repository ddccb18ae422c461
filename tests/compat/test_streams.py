"""Seeds and generators: the same seed proposes the same, in whatever way a search is run."""

import pickle

import numpy as np
import pytest
from quiet_runs import ALGOS, SPACE, listened, loss_of, points_of, run, seeds_of, square

import sparktune.hyperopt as hyperopt
from sparktune.hyperopt import Ctrl, Domain, FMinIter, Trials, hp
from sparktune.hyperopt.base import spec_from_misc
from sparktune.hyperopt.fmin import generate_trials_to_calculate
from sparktune.hyperopt.pyll import rec_eval


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


def test_points_that_nobody_refreshed_keep_their_ids():
    """Trials of points give their ids to nothing else, also where a run is the first to look."""
    trials = generate_trials_to_calculate([{"x": 0.5}, {"x": 0.25}])
    run(3, square, hp.uniform("x", 0, 1), trials=trials)
    assert trials.tids == [0, 1, 2, 3, 4]


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
