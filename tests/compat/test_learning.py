"""What the next candidates are guided by: documents as they are now."""

import pickle

import numpy as np
import pytest
from quiet_runs import ALGOS, document, square, trials_with_best_at

import sparktune.hyperopt as hyperopt
from sparktune.history import Status
from sparktune.hyperopt import Domain, Trials, hp


def drawn(trials, domain, algo, count=24):
    """What an algo proposes for x with several seeds."""
    return np.array(
        [algo([999], domain, trials, seed)[0]["misc"]["vals"]["x"][0] for seed in range(count)]
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
