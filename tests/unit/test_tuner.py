"""Tuner: ask and tell, and what it has in common with fmin."""

import functools
import json
import math
import os
import pickle
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import (
    STATUS_FAIL,
    STATUS_OK,
    AllTrialsFailed,
    BadSearchSpace,
    Candidate,
    InvalidLoss,
    InvalidResultStatus,
    InvalidTrial,
    Status,
    Trials,
    Tuner,
    fmin,
    hp,
    rand,
    scope,
    space_eval,
    tpe,
)

quiet = functools.partial(fmin, show_progressbar=False)

TREE = {
    "model": hp.choice("model", ["plain", {"depth": hp.uniformint("depth", 1, 9)}]),
    "lr": hp.loguniform("lr", -9, 0),
}


def loss_of(config):
    return math.log(config["lr"]) ** 2 + (config["model"] == "plain")


def values_of(trials):
    return [dict(trial.values) for trial in trials.history]


def go(tuner, rounds, k=None):
    """Asks and tells so many times."""
    for _ in range(rounds):
        asked = tuner.ask(k)
        for candidate in asked if k else [asked]:
            tuner.tell(candidate.number, loss_of(candidate.config))
    return tuner


@pytest.mark.parametrize("algo", [None, rand, functools.partial(tpe.suggest, n_startup_jobs=5)])
@pytest.mark.parametrize("k", [None, 1, 4])
def test_the_candidates_are_those_of_fmin(algo, k):
    """The same seed and sizes of batches give fmin's candidates, configurations and seeds."""
    received = []

    def objective(config, *, trial):
        received.append((trial.number, config, trial.seed))
        return loss_of(config)

    trials, points = Trials(), [{"model": 0, "lr": 0.5}, {"model": 0, "lr": 0.1}]
    options = {"algo": algo, "max_evals": 24, "rstate": 7, "points_to_evaluate": points}
    quiet(objective, TREE, trials=trials, batch=k, **options)

    tuner = Tuner(TREE, **options)
    asked = []
    while len(asked) < 24:
        batch = tuner.ask(k) if k else [tuner.ask()]
        asked += batch
        for candidate in batch:
            tuner.tell(candidate.number, loss_of(candidate.config))
    assert [(c.number, c.config, c.seed) for c in asked] == received
    assert [c.values for c in asked] == values_of(tuner.trials) == values_of(trials)
    assert tuner.trials.losses() == trials.losses()
    assert tuner.best == trials.argmin
    assert loss_of(tuner.best_config) == trials.best_loss
    assert tuner.seed == tuner.trials.seed == trials.seed == 7


def test_one_candidate_or_a_list():
    """ask() gives a Candidate with plain numbers that travels, ask(k) a list of k."""
    tuner = Tuner(TREE, rstate=0)
    candidate = tuner.ask()
    assert isinstance(candidate, Candidate)
    assert pickle.loads(pickle.dumps(candidate)) == candidate
    assert json.loads(json.dumps(candidate.values)) == candidate.values
    assert {candidate: "can be a key"}
    assert [c.number for c in tuner.ask(1)] == [1]
    assert [c.number for c in tuner.ask(np.int64(3))] == [2, 3, 4]
    assert [c.number for c in tuner.pending] == [0, 1, 2, 3, 4]
    assert tuner.pending[0] == candidate


def test_pending_candidates_are_not_asked_for_again():
    """While a discrete space has others, no candidate is handed out twice, told or not."""
    space = {"a": hp.randint("a", 4), "b": hp.choice("b", ["x", "y", "z"])}
    tuner = Tuner(space, rstate=1)
    asked = [tuner.ask(), *tuner.ask(5)]
    tuner.tell(2, 0.5)
    tuner.tell(4, ValueError("no"))
    asked += [tuner.ask(), *tuner.ask(5)]
    assert len({tuple(candidate.values.items()) for candidate in asked}) == 12


def test_what_was_cancelled_may_be_asked_for_again():
    """A trial that is given up is no evaluation, and frees its point."""
    tuner = Tuner(hp.randint("a", 3), rstate=0)
    asked = tuner.ask(3)
    assert tuner.cancel(1).status is Status.CANCELLED
    assert tuner.ask().values == asked[1].values
    assert tuner.trials.count_cancelled_trials() == 1
    assert tuner.trials.count_total_trials() == 0


def test_points_come_first_and_none_is_lost(saddle):
    """Given points are handed out before others, also where a suggester raises in between."""
    broken = True

    def algo(*arguments):
        if broken:
            raise OSError("no network")
        return rand.suggest(*arguments)

    points = [{"a": 0.5, "b": 0.5}, {"a": 1, "b": 1}]
    tuner = Tuner(saddle, algo, rstate=0, points_to_evaluate=points)
    with pytest.raises(OSError, match="no network"):
        tuner.ask(3)
    assert tuner.ask().values == points[0]
    with pytest.raises(OSError, match="no network"):
        tuner.ask(2)
    broken = False
    second, drawn = tuner.ask(2)
    assert second.values == points[1]
    assert drawn.values != points[1]
    assert [second.number, drawn.number] == [1, 2]


@pytest.mark.parametrize(
    ("result", "status", "loss"),
    [
        (1, Status.OK, 1.0),
        (np.float32(0.5), Status.OK, 0.5),
        (math.inf, Status.OK, math.inf),
        (math.nan, Status.FAILED, None),
        ({"loss": 2, "status": STATUS_OK, "why": "so"}, Status.OK, 2.0),
        ({"loss": 3.0, "loss_variance": 0.1}, Status.OK, 3.0),
        ({"status": STATUS_FAIL, "why": "so"}, Status.FAILED, None),
        ({"loss": math.nan}, Status.FAILED, None),
        (ValueError("the oven broke"), Status.FAILED, None),
        (KeyboardInterrupt(), Status.FAILED, None),
    ],
)
@pytest.mark.parametrize("way", ["tell", "add"])
def test_results(result, status, loss, way):
    """A result is what an objective returns, or the exception that a trial failed with."""
    tuner = Tuner(hp.uniform("x", 0, 1), rstate=0)
    if way == "tell":
        trial = tuner.tell(tuner.ask().number, result)
    else:
        trial = tuner.add({"x": 0.25}, result)
        assert dict(trial.values) == {"x": 0.25}
    assert trial == tuner.trials.history[0]
    assert (trial.number, trial.status, trial.loss) == (0, status, loss)
    assert tuner.trials.count_total_trials() == 1
    if isinstance(result, dict):
        kept = {key: item for key, item in result.items() if key not in ("loss", "status")}
        assert kept.items() <= trial.outcome.info.items()
        assert trial.outcome.variance == (0.1 if "loss_variance" in result else None)
    if isinstance(result, BaseException):
        assert trial.outcome.error_type == type(result).__name__
        assert str(result) in tuner.trials.errors()[0]


def test_an_exception_brings_its_traceback():
    """Of an exception that was raised, the trial keeps where."""
    tuner = Tuner(hp.uniform("x", 0, 1))
    try:
        [].pop()
    except IndexError as error:
        tuner.tell(tuner.ask().number, error)
    assert "[].pop()" in tuner.trials.errors()[0]


def test_attachments_are_kept_apart():
    """Attachments of a result are found where those of an objective are."""
    tuner = Tuner(hp.uniform("x", 0, 1))
    tuner.tell(tuner.ask().number, {"loss": 1.0, "attachments": {"curve": [3, 1]}})
    assert tuner.trials.trial_attachments(tuner.trials.best_trial) == {"curve": [3, 1]}


@pytest.mark.parametrize(
    ("result", "error", "sentence"),
    [
        (None, InvalidLoss, "a loss or a dict with a loss, or an exception .* but got None"),
        ("0.5", InvalidLoss, "returns a number or a dict with a loss, but got '0.5'"),
        (ValueError, InvalidLoss, "but got <class 'ValueError'>"),
        ({}, InvalidLoss, "must hold a real number as 'loss', but got"),
        ({"loss": 1.0, "status": "done"}, InvalidResultStatus, "'ok' or 'fail', but got 'done'"),
        ({"loss": 1.0, "attachments": 5}, InvalidLoss, "'attachments' must be a dict"),
    ],
)
def test_what_is_no_result_leaves_its_trial_pending(result, error, sentence):
    """What an objective must not return is refused in the same words, and can be put right."""
    tuner = Tuner(hp.uniform("x", 0, 1), rstate=0)
    candidate = tuner.ask()
    with pytest.raises(error, match=sentence):
        tuner.tell(candidate.number, result)
    with pytest.raises(error, match=sentence):
        tuner.add({"x": 0.5}, result)
    assert tuner.pending == [candidate]
    assert len(tuner.trials.history) == 1
    assert tuner.tell(candidate.number, 0.5).loss == 0.5


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (0, "trial 0 has ended already as OK"),
        (1, "trial 1 has ended already as FAILED"),
        (2, r"trial 2 was given up; add\(point, result\)"),
        (4, "there is no trial 4: the trials are 0 to 3"),
        (-1, "there is no trial -1"),
        (3.0, "a trial is known by its number, a whole number, but got 3.0"),
        (True, "a whole number, but got True"),
        ("3", "a whole number, but got '3'"),
        (None, "a whole number, but got None"),
    ],
)
@pytest.mark.parametrize("way", ["tell", "cancel"])
def test_numbers_that_are_not_pending(number, sentence, way):
    """Only a pending trial can be told or given up; the sentence says what is the matter."""
    tuner = Tuner(hp.uniform("x", 0, 1))
    tuner.ask(4)
    tuner.tell(0, 1.0)
    tuner.tell(1, ValueError("no"))
    tuner.cancel(2)
    with pytest.raises(InvalidTrial, match=sentence):
        tuner.tell(number, 2.0) if way == "tell" else tuner.cancel(number)
    assert tuner.tell(np.int64(3), 0.5).number == 3


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        (
            {"trials": [1]},
            TypeError,
            r"`trials` must be Trials\(\), SparkTrials\(\) or StoreTrials\(\) .* but got",
        ),
        ({"max_evals": 0}, ValueError, "`max_evals` must be a whole number >= 1 or None, .* 0"),
        ({"algo": "tpe"}, TypeError, "`algo` must be a suggest function"),
        ({"rstate": -1}, TypeError, "`rstate` must be a whole number >= 0"),
        ({"points_to_evaluate": [{"a": 9}]}, InvalidTrial, r"points_to_evaluate\[0\]: .*'a'"),
        ({"space": {"a": 1}}, BadSearchSpace, "no hyperparameter to search"),
    ],
)
def test_wrong_arguments_bind_nothing(options, error, sentence, saddle):
    """Wrong arguments are refused with a sentence, and the trials stay as they are."""
    trials = Trials()
    with pytest.raises(error, match=sentence):
        Tuner(**{"space": saddle, "trials": trials, **options})
    assert trials.seed is None
    quiet(lambda x: x, hp.uniform("x", 0, 1), max_evals=1, trials=trials)


@pytest.mark.parametrize("k", [0, -1, 1.5, "2", True])
def test_wrong_sizes(k, saddle):
    """A batch that is no whole number above 0 is refused."""
    tuner = Tuner(saddle)
    with pytest.raises(ValueError, match=f"`k` must be a whole number >= 1 or None, .* {k!r}"):
        tuner.ask(k)
    assert tuner.pending == []


def test_no_best_before_a_loss(saddle):
    """Until there is a loss, the best says that there is none, and why."""
    tuner = Tuner(saddle)
    with pytest.raises(AllTrialsFailed, match="no trial has ended"):
        _ = tuner.best
    tuner.tell(tuner.ask().number, ValueError("the oven broke"))
    with pytest.raises(AllTrialsFailed, match="the oven broke"):
        _ = tuner.best_config


def test_the_best_is_a_point_and_a_configuration():
    """The best has indices for choices, best_config is what the objective would receive."""
    tuner = Tuner(TREE)
    tuner.add({"model": 1, "depth": 3, "lr": 0.5}, 1.0)
    tuner.add({"model": 0, "lr": 0.25}, 2.0)
    assert tuner.best == {"model": 1, "depth": 3, "lr": 0.5}
    assert tuner.best_config == {"model": {"depth": 3}, "lr": 0.5}


def test_points_of_others_are_checked():
    """A point from outside must fit the space; the sentence names the label."""
    tuner = Tuner(TREE)
    with pytest.raises(InvalidTrial, match="'lr'"):
        tuner.add({"model": 0, "lr": 2.0}, 1.0)
    with pytest.raises(InvalidTrial, match="no value for 'depth'"):
        tuner.add({"model": 1, "lr": 0.5}, 1.0)
    assert len(tuner.trials.history) == 0


def test_added_evaluations_are_learnt_from():
    """A search that knows good points from outside looks near them."""
    tuner = Tuner(hp.uniform("x", 0, 1000), rstate=0)
    for x in np.linspace(0, 1000, 41):
        tuner.add({"x": x}, abs(x - 700))
    assert np.median([abs(c.values["x"] - 700) for c in tuner.ask(9)]) < 100


def test_more_than_planned_may_be_asked_for(saddle):
    """max_evals is a plan, not a limit."""
    tuner = Tuner(saddle, max_evals=3)
    assert len(tuner.ask(5)) == 5
    assert tuner.ask().number == 5


def test_an_expression_that_raises_fails_its_trial():
    """A candidate without a configuration is a failed trial; nothing else is begun or lost."""
    n = hp.randint("n", 3)
    points = [{"n": 1}, {"n": 0}, {"n": 2}]
    tuner = Tuner({"part": 6 / n}, rand, rstate=0, points_to_evaluate=points)
    with pytest.raises(BadSearchSpace, match="division by zero"):
        tuner.ask(3)
    assert [trial.status for trial in tuner.trials.history] == [Status.FAILED]
    assert "division by zero" in tuner.trials.errors()[0]
    assert [candidate.config for candidate in tuner.ask(2)] == [{"part": 6.0}, {"part": 3.0}]
    assert [candidate.number for candidate in tuner.pending] == [1, 2]


def scripted(seen):
    """A suggest function that no import finds, of Hyperopt's signature."""

    def algo(new_ids, domain, trials, seed):
        documents = rand.suggest(new_ids, domain, trials, seed)
        for document in documents:
            document["misc"]["vals"]["lr"] = [0.5 / (1 + len(trials) + seen)]
        return documents

    return algo


@pytest.mark.parametrize("algo", [None, rand.suggest, tpe, scripted(2)])
def test_a_pickled_tuner_goes_on_as_if_it_had_not_been(algo):
    """Pickled between two calls, it keeps pending trials and given points and asks for the same."""
    points = [{"model": 0, "lr": 0.5 / (1 + i)} for i in range(28)]
    tuner = go(Tuner(TREE, algo, rstate=3, max_evals=60, points_to_evaluate=points), 8, 3)
    asked = tuner.ask(2)
    copy = pickle.loads(pickle.dumps(tuner))
    assert copy.pending == tuner.pending == asked
    for one in (tuner, copy):
        one.tell(asked[1].number, 0.1)
        go(one, 3, 4)
        one.cancel(asked[0].number)
        go(one, 3)
    assert values_of(copy.trials) == values_of(tuner.trials)
    assert copy.trials.losses() == tuner.trials.losses()
    assert copy.best == tuner.best
    assert copy.seed == copy.trials.seed == 3


def test_a_tuner_and_its_trials_stay_together_in_a_pickle(saddle):
    """Trials pickled beside their Tuner are its trials afterwards."""
    tuner, trials = pickle.loads(pickle.dumps((t := Tuner(saddle), t.trials)))
    tuner.ask()
    assert tuner.trials is trials
    assert trials.count_by_state_synced(1) == 1


def test_it_goes_on_from_trials_of_fmin(saddle):
    """Trials of fmin count: numbers, seed and suggestions go on where they ended."""
    # with final_width the kernels know how much of the budget is left
    algo = functools.partial(tpe.suggest, n_startup_jobs=5, final_width=1)
    trials, longer = Trials(), Trials()
    quiet(lambda c: c["a"], saddle, algo, max_evals=20, trials=trials, rstate=4)
    quiet(lambda c: c["a"], saddle, algo, max_evals=25, trials=longer, rstate=4)
    tuner = Tuner(saddle, algo, trials=pickle.loads(pickle.dumps(trials)))
    for _ in range(5):
        candidate = tuner.ask()
        tuner.tell(candidate.number, candidate.config["a"])
    assert tuner.trials.losses() == longer.losses()


def test_fmin_goes_on_from_trials_of_a_tuner(saddle):
    """A run counts what was told and takes over what is pending; add takes what comes late."""
    tuner = Tuner(saddle, rstate=5)
    for candidate in tuner.ask(10)[:8]:
        tuner.tell(candidate.number, candidate.config["a"])
    late = tuner.pending[0]
    quiet(lambda c: c["a"], saddle, max_evals=20, trials=tuner.trials)
    assert tuner.trials.seed == 5
    assert tuner.trials.count_total_trials() == len(tuner.trials._dynamic_trials) == 20
    assert tuner.trials.history[8].attempt == 1
    assert dict(tuner.trials.history[8].values) == late.values
    with pytest.raises(InvalidTrial, match=r"trial 8 was begun again by an fmin .* is OK; add\("):
        tuner.tell(late.number, -9.0)
    assert tuner.add(late.values, -9.0).number == 20
    assert tuner.best == late.values
    assert tuner.ask().number == 21


def test_several_tuners_share_trials(saddle):
    """Tuners on the same trials see each other's candidates, and may tell and cancel them."""
    one = Tuner(saddle, rstate=0)
    other = Tuner(saddle, rand, trials=one.trials)
    asked = one.ask(2)
    assert other.ask().number == 2
    other.tell(asked[0].number, 1.0)
    other.cancel(asked[1].number)
    assert [c.number for c in one.pending] == [2]
    assert one.best == asked[0].values
    with pytest.raises(BadSearchSpace, match="another space: 'a' was removed; 'z' was added"):
        Tuner({"z": hp.uniform("z", 0, 1), "b": saddle["b"]}, trials=one.trials)
    assert one.ask().number == 3


def test_trials_that_fmin_runs_are_refused(saddle):
    """While an fmin runs with the same trials, no call goes through, and none does harm."""
    tuner = Tuner(saddle, rstate=0)
    refused = []

    def objective(config):
        for call in (
            tuner.ask,
            lambda: tuner.tell(0, 1.0),
            lambda: tuner.add({"a": 0, "b": 0}, 1.0),
            lambda: tuner.cancel(0),
            lambda: tuner.pending,
            lambda: Tuner(saddle, trials=tuner.trials),
        ):
            with pytest.raises(RuntimeError, match="in use by an fmin that has not ended") as error:
                call()
            refused.append(error)
        return 0.0

    quiet(objective, saddle, max_evals=3, trials=tuner.trials)
    assert len(refused) == 18
    assert tuner.ask().number == 3


def test_many_threads_ask_and_tell(saddle):
    """Calls from several threads wait for each other: no number twice, nothing lost."""
    begun = []

    def slow(new_ids, domain, trials, seed):
        before = len(trials.history)
        begun.append(new_ids[0])
        for _ in range(20):
            os.sched_yield()  # whoever does not wait comes in here
        assert len(trials.history) == before, "another call came in between"
        return rand.suggest(new_ids, domain, trials, seed)

    tuner = Tuner(saddle, slow, rstate=0)
    start, asked = threading.Barrier(4), []

    def work(i):
        start.wait()
        for j in range(12):
            batch = tuner.ask(1 + (i + j) % 3)
            for candidate in batch:
                asked.append(candidate)
                tuner.tell(candidate.number, candidate.config["a"])
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))
    assert sorted(c.number for c in asked) == list(range(len(asked)))
    assert begun == sorted(set(begun))
    assert len(asked) == tuner.trials.count_successful_trials() == len(tuner.trials)
    assert tuner.pending == []
    for candidate in asked:
        trial = tuner.trials.history[candidate.number]
        assert dict(trial.values) == candidate.values
        assert trial.loss == candidate.config["a"]


def test_numbers_are_told_once_among_threads(saddle):
    """Of several threads that tell one number, one is heard."""
    tuner = Tuner(saddle)
    tuner.ask(20)

    def tell(number):
        try:
            return tuner.tell(number, 1.0).number
        except InvalidTrial:
            return None

    with ThreadPoolExecutor(4) as pool:
        heard = Counter(pool.map(tell, [*range(20)] * 4))
    assert heard == {**dict.fromkeys(range(20), 1), None: 60}


CALLS = st.one_of(
    st.tuples(st.just("ask"), st.one_of(st.none(), st.integers(1, 4))),
    st.tuples(st.just("tell"), st.integers(0, 30)),
    st.tuples(st.just("fail"), st.integers(0, 30)),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("add"), st.integers(0, 4)),
    st.tuples(st.just("pickle"), st.none()),
)


@examples(60)
@given(calls=st.lists(CALLS, max_size=25), seed=st.integers(0, 3))
def test_any_order_of_calls(calls, seed):
    """Whatever the order of calls: numbers run on, counts add up, each trial ends at most once."""
    space = {"n": scope.int(hp.quniform("n", 0, 4, 1)), "c": hp.choice("c", ["x", "y"])}
    tuner = Tuner(space, functools.partial(tpe.suggest, n_startup_jobs=4), rstate=seed)
    expected: list[Status] = []
    ends = {"tell": Status.OK, "fail": Status.FAILED, "cancel": Status.CANCELLED}
    for call, argument in calls:
        if call == "ask":
            asked = tuner.ask(argument)
            batch = [asked] if argument is None else asked
            assert [c.number for c in batch] == [len(expected) + i for i in range(argument or 1)]
            assert all(type(c.config["n"]) is int for c in batch)
            expected += [Status.PENDING] * len(batch)
        elif call == "add":
            assert tuner.add({"n": argument, "c": 0}, 1.0).number == len(expected)
            expected.append(Status.OK)
        elif call == "pickle":
            tuner = pickle.loads(pickle.dumps(tuner))
        else:
            step = getattr(tuner, "cancel" if call == "cancel" else "tell")
            arguments = {"tell": (argument, 1.0), "fail": (argument, ValueError("no"))}
            arguments = arguments.get(call, (argument,))
            if argument < len(expected) and expected[argument] is Status.PENDING:
                assert step(*arguments).status is ends[call]
                expected[argument] = ends[call]
            else:
                with pytest.raises(InvalidTrial):
                    step(*arguments)
    rows = list(tuner.trials.history)
    assert [trial.status for trial in rows] == expected
    assert [trial.number for trial in rows] == list(range(len(expected)))
    counts = Counter(expected)
    assert [c.number for c in tuner.pending] == [
        i for i, status in enumerate(expected) if status is Status.PENDING
    ]
    assert tuner.trials.count_successful_trials() == counts[Status.OK]
    assert tuner.trials.count_failed_trials() == counts[Status.FAILED]
    assert tuner.trials.count_cancelled_trials() == counts[Status.CANCELLED]
    assert len(tuner.trials) == counts[Status.OK] + counts[Status.FAILED]


def test_a_candidate_stands_for_its_number():
    """`tell` and `cancel` take the candidate itself, also one that came through a pickle."""
    tuner = Tuner(TREE, rstate=0)
    told, cancelled = tuner.ask(2)
    assert tuner.tell(pickle.loads(pickle.dumps(told)), 0.5).loss == 0.5
    assert tuner.cancel(cancelled).status is Status.CANCELLED
    assert tuner.pending == []
    for way in (lambda: tuner.tell(told, 1.0), lambda: tuner.cancel(told)):
        with pytest.raises(InvalidTrial, match="trial 0 has ended already as OK"):
            way()


def test_a_candidate_of_another_search_is_refused():
    """A candidate whose trial has other values here, or is not here, is no candidate of this."""
    tuner, other = Tuner(TREE, rstate=0), Tuner(TREE, rstate=1)
    tuner.ask()
    for stranger in other.ask(2):
        with pytest.raises(InvalidTrial, match="of another search"):
            tuner.tell(stranger, 1.0)
    assert len(tuner.pending) == 1


def test_points_come_as_documents_have_them():
    """A value may be a list of one, and an inactive label an empty list, as in `misc.vals`."""
    tuner = Tuner(TREE, rstate=0)
    tuner.tell(tuner.ask(), 1.0)
    first = tuner.trials.trials[0]["misc"]["vals"]
    again = Tuner(TREE, points_to_evaluate=[first])
    values = again.ask().values
    assert values == tuner.trials.argmin
    again.add({"model": [0], "lr": np.array([0.5]), "depth": []}, 2.0)
    again.add({"model": (1,), "lr": 0.5, "depth": [3]}, 2.0)
    with pytest.raises(InvalidTrial, match="no value for 'depth'"):
        again.add({"model": [1], "lr": [0.5], "depth": []}, 2.0)
    with pytest.raises(InvalidTrial, match=r"'lr' takes a number, but got \[0.5, 0.6\]"):
        again.add({"model": [0], "lr": [0.5, 0.6]}, 2.0)
    assert space_eval(TREE, first) == tuner.best_config
