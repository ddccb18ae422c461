"""The search problem by itself, and what an objective is given to speak about its trial."""

import functools
import logging
import pickle

import numpy as np
import pytest
from quiet_runs import SPACE, document, loss_of, run, square, trials_with_best_at

import sparktune.hyperopt as hyperopt
from sparktune.hyperopt import Ctrl, Domain, Trials, hp, tpe
from sparktune.hyperopt.exceptions import InvalidTrial
from sparktune.hyperopt.pyll import rec_eval

X = hp.uniform("x", 0, 1)


@hyperopt.fmin_pass_expr_memo_ctrl
def by_graph(expr, memo, ctrl, add=0):
    """An objective that evaluates its space by itself."""
    return 2 * rec_eval(expr, memo=memo) + add


def test_an_objective_that_evaluates_its_space():
    """What it returns is the loss; it is called with the graph, the values and a Ctrl."""
    domain = Domain(by_graph, X)
    assert domain.pass_expr_memo_ctrl
    assert domain.evaluate({"x": 0.5}, Ctrl(None)) == {"loss": 1.0, "status": "ok"}
    trials = run(3, by_graph, X)
    assert trials.losses() == [2 * x for x in trials.vals["x"]]

    @hyperopt.fmin_pass_expr_memo_ctrl
    def noted(expr, memo, ctrl):
        return {"tid": ctrl.current_trial["tid"], "loss": 1, "status": "ok"}

    assert run(1, noted, X).results == [{"tid": 0, "loss": 1.0, "status": "ok"}]


def test_a_partial_objective_keeps_its_mark():
    """Hyperopt's partial binds keywords and is called as the function was to be."""
    bound = hyperopt.partial(by_graph, add=5)
    assert Domain(bound, X).evaluate({"x": 0.5}, Ctrl(None))["loss"] == 6.0
    plain = hyperopt.partial(max, key=len)
    assert plain("aa", "b") == "aa"
    assert not hasattr(plain, "fmin_pass_expr_memo_ctrl")
    assert not Domain(functools.partial(by_graph, add=1), X).pass_expr_memo_ctrl


def test_a_point_may_be_evaluated_elsewhere():
    """Evaluate_async gives function and argument, evaluate_async2 makes a result of the answer."""
    domain, trials = Domain(square, X), run(1, square, X)
    ctrl = Ctrl(trials, trials.trials[0])
    function, argument = domain.evaluate_async({"x": 0.5}, ctrl)
    assert (function, argument) == (square, 0.5)
    assert domain.evaluate_async2(function(argument), ctrl) == {"loss": 0.25, "status": "ok"}
    attached = {"loss": 1, "status": "ok", "attachments": {"model": b"m"}}
    assert domain.evaluate_async2(attached, ctrl) == {"loss": 1.0, "status": "ok"}
    assert ctrl.attachments["model"] == b"m"
    kept = domain.evaluate_async2(attached, ctrl, attach_attachments=False)
    assert kept["attachments"] == {"model": b"m"}


def test_a_domain_says_what_results_mean():
    """Loss, variance, true loss and status are read off a result, or what stands for them."""
    domain = Domain(square, X)
    full = {"status": "ok", "loss": 1.0, "loss_variance": 0.5, "true_loss": 2.0}
    bare = {"status": "fail"}
    assert [domain.loss(full), domain.loss(bare)] == [1.0, None]
    assert [domain.loss_variance(full), domain.loss_variance(bare)] == [0.5, 0.0]
    assert [domain.true_loss(full), domain.true_loss({**bare, "loss": 3.0})] == [2.0, 3.0]
    assert [domain.status(full), domain.status(bare)] == ["ok", "fail"]
    assert domain.new_result() == {"status": "new"}
    with pytest.raises(NotImplementedError):
        domain.true_loss_variance()


def test_a_domain_has_a_line_for_people():
    """Short_str names the objective."""
    assert Domain(square, X).short_str() == f"Domain{{{square}}}"


def test_a_pickle_of_a_domain_holds_no_trials():
    """A domain that has seen trials pickles to the same as one that has not."""
    domain, trials = Domain(square, hp.uniform("x", -10, 10)), trials_with_best_at(6)
    tpe.suggest([99], domain, trials, 1)
    before = len(pickle.dumps(domain))
    trials.insert_trial_docs(document(100 + i, 0.5, loss=1.0) for i in range(100))
    trials.refresh()
    tpe.suggest([999], domain, trials, 1)
    assert len(pickle.dumps(domain)) == before


@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("debug", logging.DEBUG),
        ("info", logging.INFO),
        ("warn", logging.WARNING),
        ("error", logging.ERROR),
    ],
)
def test_an_objective_logs_by_its_ctrl(caplog, method, level):
    """A Ctrl has methods for lines of a log."""
    caplog.set_level(logging.DEBUG)
    getattr(Ctrl(Trials()), method)("hello %s", "you")
    assert [(each.levelno, each.getMessage()) for each in caplog.records] == [(level, "hello you")]


def test_results_are_injected_with_ids_that_are_given_back():
    """Injected results become documents that are done; new ids unless some are given."""
    trials = run(2, square, X)
    ctrl = Ctrl(trials, trials.trials[1])
    results = [{"status": "ok", "loss": loss} for loss in (-1.0, -2.0)]

    def miscs(tids):
        return [{"tid": tid, "idxs": {"x": [tid]}, "vals": {"x": [0.5]}} for tid in tids]

    assert ctrl.inject_results([None] * 2, results, miscs([5, 6]), [5, 6]) == [5, 6]
    assert ctrl.inject_results([None] * 2, results, miscs([2, 3])) == [2, 3]
    trials.refresh()
    assert trials.tids == [0, 1, 5, 6, 2, 3]
    assert {d["state"] for d in trials.trials} == {hyperopt.JOB_STATE_DONE}
    assert [d["misc"].get("from_tid") for d in trials.trials] == [None, None, 1, 1, 1, 1]


def test_a_ctrl_without_a_trial_says_so():
    """What is about a trial is refused by a Ctrl that has none."""
    with pytest.raises(InvalidTrial, match="no trial"):
        _ = Ctrl(None).attachments
    with pytest.raises(InvalidTrial, match="not among"):
        Ctrl(Trials(), document(3, 0.5)).checkpoint()


def test_a_domain_knows_its_hyperparameters():
    """Params has the node that draws each label; a memo has the values of a point's labels."""
    domain = Domain(loss_of, SPACE)
    assert {label: node.name for label, node in domain.params.items()} == {
        "x": "uniform", "kind": "randint", "n": "randint", "q": "quniform",
    }  # fmt: skip
    memo = domain.memo_from_config({"x": 0.5, "kind": 1, "q": 4.0})
    assert rec_eval(domain.expr, memo=memo) == {"x": 0.5, "kind": {"q": 4.0}}


def test_draws_of_a_domain_are_columns():
    """The graph of draws gives for each label the ids that have a value, and the values."""
    domain = Domain(loss_of, SPACE)
    memo = {domain.s_new_ids: range(10, 40), domain.s_rng: np.random.default_rng(0)}
    idxs, vals = rec_eval(domain.s_idxs_vals, memo=memo)
    assert idxs["x"].tolist() == idxs["kind"].tolist() == list(range(10, 40))
    for label, option in (("n", 0), ("q", 1)):
        taken = np.flatnonzero(vals["kind"] == option)
        assert idxs[label].tolist() == (taken + 10).tolist()
        assert len(vals[label]) == len(taken) > 0
