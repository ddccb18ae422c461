"""Documents of trials: what they hold, and what becomes of those that a person changes or adds."""

import json
from collections.abc import Iterable

import numpy as np
import pytest
from quiet_runs import ALGOS, document, run

import sparktune.hyperopt as hyperopt
from sparktune.hyperopt import Trials, base, hp
from sparktune.hyperopt.exceptions import AllTrialsFailed, InvalidTrial


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


@pytest.mark.parametrize("algo", ALGOS)
def test_labels_stand_in_their_order(algo):
    """The values of documents, and so the best point, stand in the order of their labels."""
    space = {"a": hp.uniform("z", 0, 1), "b": [hp.randint("y", 3), hp.uniform("X", 0, 1)]}
    trials = run(6, lambda c: c["a"], space, algo=ALGOS[algo])
    for each in (trials.argmin, trials.vals, trials.idxs, trials.miscs[-1]["vals"]):
        assert list(each) == ["X", "y", "z"]


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


def test_inserting_gives_ids():
    """The ids of what was inserted are given back."""
    trials = Trials()
    assert trials.insert_trial_docs([document(tid, 0.5) for tid in (3, 5)]) == [3, 5]
    assert trials.insert_trial_doc(document(4, 0.5)) == 4


def test_documents_are_stored_as_they_are():
    """SONify, which prepares documents for a database in Hyperopt, gives what it is given."""
    for thing in (document(1, 0.5), [1, 2], 3, "text", None):
        assert base.SONify(thing) is thing


def test_the_best_trial_is_its_document():
    """The document with the lowest loss is given itself, not a copy; failures are passed over."""
    trials = hyperopt.trials_from_docs(
        [document(tid, float(tid), loss=loss) for tid, loss in enumerate((2.0, 0.5, 1.0))]
    )
    trials.trials[1]["result"]["status"] = "fail"
    assert trials.best_trial is trials.trials[2]
    assert trials.argmin == {"x": 2.0}


def test_going_through_trials_while_some_are_added():
    """Who goes through trials sees those that were shown when he began."""
    trials = run(3)
    assert isinstance(trials, Iterable)
    for one in trials:
        trials.insert_trial_doc(document(100 + one["tid"], 0.5))
        trials.refresh()
    assert len(trials) == 6


def test_columns_are_put_into_miscs_and_taken_out():
    """Columns of ids and values by label become lists in each misc, and are made of them again."""
    miscs = [{"tid": 4}, {"tid": 7}]
    idxs, vals = {"x": [4, 7], "y": [7]}, {"x": [0.5, 1.5], "y": [3]}
    assert base.miscs_update_idxs_vals(miscs, idxs, vals) is miscs
    assert miscs == [
        {"tid": 4, "idxs": {"x": [4], "y": []}, "vals": {"x": [0.5], "y": []}},
        {"tid": 7, "idxs": {"x": [7], "y": [7]}, "vals": {"x": [1.5], "y": [3]}},
    ]
    assert base.miscs_to_idxs_vals(miscs) == (idxs, vals)
    assert base.miscs_to_idxs_vals(miscs, ["y"]) == ({"y": [7]}, {"y": [3]})
    with pytest.raises(ValueError, match="no misc is of"):
        base.miscs_update_idxs_vals(miscs, {"x": [9]}, {"x": [1]})
    base.miscs_update_idxs_vals(miscs, {"x": [9]}, {"x": [1]}, assert_all_vals_used=False)
    assert [misc["vals"] for misc in miscs] == [{"x": []}, {"x": []}]
    base.miscs_update_idxs_vals(miscs, {"x": [9]}, {"x": [1]}, idxs_map={9: 7})
    assert [misc["idxs"] for misc in miscs] == [{"x": []}, {"x": [7]}]


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
    assert trials.attachments == {"ATTACH::0::a": 1}
    assert trials.aname(trials.trials[1], "b") == "ATTACH::1::b"
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


def test_trials_show_how_they_stand():
    """A repr, and a page in a notebook, have how many there are of each kind, and the best."""
    trials = Trials()
    assert repr(trials) == "Trials: no trials yet"
    losses = iter([3.0, float("nan"), "no loss", 1.5])

    def objective(x):
        loss = next(losses)
        if loss == "no loss":
            return {"status": "fail"}
        return {"status": "ok", "loss": loss}

    space = {"<b>": hp.choice("<b>", [hp.uniform("x", 0, 1), 2])}
    rstate = np.random.default_rng(0)
    hyperopt.fmin(
        objective, space, ALGOS["rand"], 4, trials=trials, rstate=rstate, show_progressbar=False
    )
    lines = repr(trials).splitlines()
    assert lines[0] == "Trials: 4 trials: 1 failed, 3 ok"
    assert lines[2].split()[:2] == ["trial", "loss"]
    assert [line.split()[:2] for line in lines[3:]] == [["3", "1.5"], ["0", "3"]]
    page = trials._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
