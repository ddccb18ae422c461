"""Small programs in Hyperopt's words; each gives, as plain data, what a person sees of them.

A case receives the module, Hyperopt or ``sparktune.hyperopt``, and knows nothing of which it is.
``CASES`` has all of them by name.
"""

import contextlib
import copy
import datetime
import importlib
import inspect
import io
import json
import logging
import math
import os
import pickle
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

CASES = {}


def case(function):
    """A decorator: this function is a case."""
    CASES[function.__name__] = function
    return function


# What a person sees.


def plain(value):
    """A value as JSON-like data; tuples and arrays keep what they are, numpy's numbers do not."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.ndarray):
        return ["array", *plain(value.tolist())] if value.ndim else plain(value.item())
    if isinstance(value, dict):
        return {str(key): plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, tuple):
        return ["tuple", *map(plain, value)]
    if isinstance(value, (set, frozenset)):
        return ["set", *sorted(map(plain, value), key=str)]
    if isinstance(value, list):
        return [plain(each) for each in value]
    return kinds(value)


def kinds(value):
    """The same with the kind of each number, text or time in place of its value."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {str(key): kinds(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(kinds, value)]
    if isinstance(value, datetime.datetime):
        return f"datetime, zone {value.tzinfo}, micro {value.microsecond % 1000}"
    return type(value).__name__


def error(function, *args, **kwargs):
    """The name of the exception that a call raises; else what it gives."""
    try:
        return plain(function(*args, **kwargs))
    except Exception as raised:
        return f"raises {type(raised).__name__}"


def said(function, *args, **kwargs):
    """The text of the exception that a call raises."""
    try:
        return plain(function(*args, **kwargs))
    except Exception as raised:
        return f"{type(raised).__name__}: {raised}"


def words(text):
    """The words of a text."""
    return text.split()


def part(hyperopt, name):
    """A module of the package."""
    return importlib.import_module(f"{hyperopt.__name__}.{name}")


# What cases share.


def square(x):
    return x**2


def minimise(hyperopt, fn=square, space=None, n=5, **options):
    """A quiet run of random search; its result and its trials."""
    options.setdefault("algo", hyperopt.rand.suggest)
    options.setdefault("trials", hyperopt.Trials())
    options.setdefault("rstate", np.random.default_rng(0))
    options.setdefault("show_progressbar", False)
    space = hyperopt.hp.uniform("x", -1, 1) if space is None else space
    return hyperopt.fmin(fn, space, max_evals=n, **options), options["trials"]


def every_word(hp):
    """A space with each of hp's words."""
    return {
        "uniform": hp.uniform("uniform", 0, 1),
        "quniform": hp.quniform("quniform", 0, 10, 2),
        "loguniform": hp.loguniform("loguniform", -3, 0),
        "qloguniform": hp.qloguniform("qloguniform", 0, 3, 1),
        "normal": hp.normal("normal", 0, 1),
        "qnormal": hp.qnormal("qnormal", 0, 5, 1),
        "lognormal": hp.lognormal("lognormal", 0, 1),
        "qlognormal": hp.qlognormal("qlognormal", 0, 1, 1),
        "randint": hp.randint("randint", 5),
        "randint2": hp.randint("randint2", 2, 5),
        "uniformint": hp.uniformint("uniformint", 1, 5),
        "choice": hp.choice("choice", ["a", "b"]),
        "pchoice": hp.pchoice("pchoice", [(0.3, "c"), (0.7, "d")]),
    }


def nested(hp):
    """A space of which a part depends on a choice."""
    return hp.choice(
        "kind",
        [
            {"kind": "a", "x": hp.uniform("x", -5, 5)},
            {"kind": "b", "n": hp.quniform("n", 0, 10, 1), "deep": hp.choice("deep", [1, 2, 3])},
        ],
    )


def document(tid, values, state=2, loss=None, exp_key=None, **result):
    """A document written by hand."""
    if loss is not None:
        result = {"status": "ok", "loss": loss, **result}
    return {
        "state": state,
        "tid": tid,
        "spec": None,
        "result": result,
        "misc": {
            "tid": tid,
            "cmd": ("domain_attachment", "FMinIter_Domain"),
            "workdir": None,
            "idxs": {label: [tid] for label in values},
            "vals": {label: [value] for label, value in values.items()},
        },
        "exp_key": exp_key,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def three(hyperopt):
    """Trials of three documents written by hand."""
    return hyperopt.trials_from_docs(
        [document(tid, {"x": x}, loss=x * x) for tid, x in enumerate((2.0, -1.0, 3.0))]
    )


def sampled(hyperopt, expr, count=40, seed=0):
    """The sorted set of what an expression gives."""
    sample = part(hyperopt, "pyll.stochastic").sample
    rng = np.random.default_rng(seed)
    return sorted({repr(plain(sample(expr, rng=rng))) for _ in range(count)})


# Names.


@case
def top_level_names(hyperopt):
    wanted = words(
        """fmin space_eval partial fmin_pass_expr_memo_ctrl Trials trials_from_docs SparkTrials
    Domain Ctrl hp tpe rand anneal atpe mix exceptions STATUS_NEW STATUS_RUNNING
    STATUS_SUSPENDED STATUS_OK STATUS_FAIL STATUS_STRINGS JOB_STATE_NEW JOB_STATE_RUNNING
    JOB_STATE_DONE JOB_STATE_ERROR JOB_STATES __version__ pyll base FMinIter"""
    )
    return {name: hasattr(hyperopt, name) for name in wanted}


@case
def constants(hyperopt):
    base = part(hyperopt, "base")
    names = [n for n in dir(base) if n.startswith(("STATUS_", "JOB_", "TRIAL_"))]
    found = {name: getattr(base, name) for name in names}
    return {
        name: sorted(v) if isinstance(v, (list, tuple, set)) else v for name, v in found.items()
    }


@case
def constants_of_the_package(hyperopt):
    names = [n for n in dir(hyperopt) if n.startswith(("STATUS_", "JOB_"))]
    return {name: plain(getattr(hyperopt, name)) for name in names}


@case
def version(hyperopt):
    return hyperopt.__version__


@case
def fmin_is_a_function_and_a_module(hyperopt):
    module = part(hyperopt, "fmin")
    return [callable(hyperopt.fmin), module.fmin is hyperopt.fmin, inspect.ismodule(module)]


@case
def names_of_fmin_module(hyperopt):
    module = part(hyperopt, "fmin")
    names = words(
        """fmin space_eval FMinIter generate_trial generate_trials_to_calculate partial
    fmin_pass_expr_memo_ctrl"""
    )
    return {name: hasattr(module, name) for name in names}


@case
def names_of_base_module(hyperopt):
    module = part(hyperopt, "base")
    names = words(
        """Trials trials_from_docs Ctrl Domain SONify miscs_update_idxs_vals miscs_to_idxs_vals
    spec_from_misc validate_timeout validate_loss_threshold JOB_STATE_CANCEL
    JOB_VALID_STATES TRIAL_KEYS TRIAL_MISC_KEYS"""
    )
    return {name: hasattr(module, name) for name in names}


@case
def names_of_pyll(hyperopt):
    names = words("""scope as_apply rec_eval clone clone_merge dfs toposort Literal Apply""")
    pyll, base = part(hyperopt, "pyll"), part(hyperopt, "pyll.base")
    return {name: [hasattr(pyll, name), hasattr(base, name)] for name in names}


@case
def names_of_scope(hyperopt):
    scope = part(hyperopt, "pyll").scope
    names = words(
        """int float len list dict range max min getattr getitem add sub mul truediv floordiv neg
    pow exp log sin cos tan sqrt sum minimum maximum eq lt le gt ge switch pos_args
    identity repeat str_join call_method call_method_pure copy_call_method_pure
    array_union array_union1 asarray bincount Raise curtime map uniform loguniform
    quniform qloguniform normal qnormal lognormal qlognormal randint categorical one_of
    choice hyperopt_param kwswitch call rng_from_seed randint_via_categorical"""
    )
    return {name: hasattr(scope, name) for name in names}


@case
def parameters_of_functions(hyperopt):
    found = {}
    for name, function in {
        "fmin": hyperopt.fmin,
        "space_eval": hyperopt.space_eval,
        "Trials": hyperopt.Trials,
        "Trials.view": hyperopt.Trials.view,
        "Domain": hyperopt.Domain,
        "Ctrl": hyperopt.Ctrl,
        "FMinIter": hyperopt.FMinIter,
        "FMinIter.run": hyperopt.FMinIter.run,
        "FMinIter.serial_evaluate": hyperopt.FMinIter.serial_evaluate,
        "trials_from_docs": hyperopt.trials_from_docs,
        "no_progress_loss": part(hyperopt, "early_stop").no_progress_loss,
        "rec_eval": part(hyperopt, "pyll.base").rec_eval,
        "sample": part(hyperopt, "pyll.stochastic").sample,
        "miscs_update_idxs_vals": part(hyperopt, "base").miscs_update_idxs_vals,
        "miscs_to_idxs_vals": part(hyperopt, "base").miscs_to_idxs_vals,
        "Domain.evaluate": hyperopt.Domain.evaluate,
        "mix.suggest": hyperopt.mix.suggest,
    }.items():
        found[name] = list(inspect.signature(function).parameters)
    return found


@case
def parameters_of_functions_that_take_more(hyperopt):
    functions = [hyperopt.Trials.fmin, hyperopt.tpe.suggest, hyperopt.anneal.suggest]
    return [list(inspect.signature(function).parameters) for function in functions]


@case
def first_parameters_of_suggest(hyperopt):
    modules = (hyperopt.tpe, hyperopt.rand, hyperopt.anneal, hyperopt.mix)
    return [list(inspect.signature(each.suggest).parameters)[:4] for each in modules]


@case
def defaults_of_fmin(hyperopt):
    parameters = inspect.signature(hyperopt.fmin).parameters.values()
    return {p.name: plain(p.default) for p in parameters if p.default is not p.empty}


@case
def defaults_of_suggest(hyperopt):
    found = {}
    for name in ("tpe", "anneal", "rand"):
        parameters = inspect.signature(getattr(hyperopt, name).suggest).parameters.values()
        found[name] = {p.name: plain(p.default) for p in parameters if p.default is not p.empty}
    return found


@case
def exceptions_and_their_kinds(hyperopt):
    module = part(hyperopt, "exceptions")
    names = words(
        """AllTrialsFailed BadSearchSpace DuplicateLabel InvalidTrial InvalidResultStatus
    InvalidLoss InvalidAnnotatedParameter"""
    )
    return {name: issubclass(getattr(module, name), Exception) for name in names}


@case
def exceptions_that_are_value_errors(hyperopt):
    module = part(hyperopt, "exceptions")
    names = ["InvalidTrial", "InvalidResultStatus", "InvalidLoss", "InvalidAnnotatedParameter"]
    return {name: issubclass(getattr(module, name), ValueError) for name in names}


@case
def bad_spaces_are_value_errors(hyperopt):
    module = part(hyperopt, "exceptions")
    return [issubclass(e, ValueError) for e in (module.BadSearchSpace, module.DuplicateLabel)]


# Documents.


@case
def documents_of_a_run(hyperopt):
    _, trials = minimise(hyperopt, lambda c: 1.0, every_word(hyperopt.hp), 2)
    return [kinds(each) for each in trials.trials]


@case
def documents_of_tpe(hyperopt):
    _, trials = minimise(
        hyperopt, lambda c: c["uniform"], every_word(hyperopt.hp), 30, algo=hyperopt.tpe.suggest
    )
    return kinds(trials.trials[-1])


@case
def documents_of_anneal(hyperopt):
    _, trials = minimise(
        hyperopt, lambda c: c["uniform"], every_word(hyperopt.hp), 10, algo=hyperopt.anneal.suggest
    )
    return kinds(trials.trials[-1])


@case
def documents_of_conditional_spaces(hyperopt):
    _, trials = minimise(hyperopt, lambda c: 1.0, nested(hyperopt.hp), 12)
    found = {}
    for each in trials.trials:
        found[each["misc"]["vals"]["kind"][0]] = [
            {label: len(v) for label, v in each["misc"][key].items()} for key in ("idxs", "vals")
        ]
    return plain(found)


@case
def order_of_labels(hyperopt):
    hp = hyperopt.hp
    space = {
        "a": hp.uniform("z", 0, 1),
        "b": [hp.uniform("Y", 0, 1), hp.choice("m", [hp.uniform("m2", 0, 1), hp.randint("c", 4)])],
    }
    found = {}
    for name in ("rand", "tpe", "anneal"):
        algo = part(hyperopt, name).suggest
        best, trials = minimise(hyperopt, lambda c: c["a"], space, 4, algo=algo)
        misc = trials.trials[-1]["misc"]
        is_sorted = [list(each) == sorted(each) for each in (best, trials.argmin)]
        found[name] = [*is_sorted, *map(list, (trials.vals, trials.idxs, misc["vals"]))]
    idxs, vals = hyperopt.rand.suggest_batch(
        [0, 1], hyperopt.Domain(square, space), hyperopt.Trials(), 3
    )
    return [found, list(idxs), list(vals), list(hyperopt.Domain(square, space).params)]


@case
def order_of_documents_keys(hyperopt):
    _, trials = minimise(hyperopt, n=1)
    (each,) = trials.trials
    return [sorted(each), sorted(each["misc"]), sorted(each["result"])]


@case
def fields_of_a_finished_document(hyperopt):
    _, trials = minimise(hyperopt, n=3)
    keys = ("state", "tid", "spec", "exp_key", "owner", "version")
    return [
        {
            **{key: plain(d[key]) for key in keys},
            "cmd": plain(d["misc"]["cmd"]),
            "workdir": d["misc"]["workdir"],
            "status": d["result"]["status"],
        }
        for d in trials.trials
    ]


@case
def times_of_documents(hyperopt):
    _, trials = minimise(hyperopt, n=2)
    return [
        [kinds(d["book_time"]), kinds(d["refresh_time"]), d["book_time"] <= d["refresh_time"]]
        for d in trials.trials
    ]


@case
def documents_that_wait(hyperopt):
    domain, trials = hyperopt.Domain(square, hyperopt.hp.uniform("x", -1, 1)), hyperopt.Trials()
    documents = hyperopt.rand.suggest(trials.new_trial_ids(2), domain, trials, 123)
    return [kinds(documents), [[d["tid"], d["state"], plain(d["result"])] for d in documents]]


@case
def documents_of_anneal_that_wait(hyperopt):
    domain, trials = hyperopt.Domain(square, hyperopt.hp.uniform("x", -1, 1)), hyperopt.Trials()
    return kinds(hyperopt.anneal.suggest(trials.new_trial_ids(1), domain, trials, 123))


@case
def anneal_for_several_ids(hyperopt):
    domain, trials = hyperopt.Domain(square, hyperopt.hp.uniform("x", -1, 1)), hyperopt.Trials()
    return error(lambda: len(hyperopt.anneal.suggest([0, 1], domain, trials, 123)))


@case
def documents_of_tpe_that_wait(hyperopt):
    domain, trials = hyperopt.Domain(square, hyperopt.hp.uniform("x", -1, 1)), hyperopt.Trials()
    return kinds(hyperopt.tpe.suggest(trials.new_trial_ids(1), domain, trials, 123))


@case
def results_keep_what_the_objective_adds(hyperopt):
    def fn(x):
        return {"loss": 1, "status": "ok", "extra": {"deep": [1, 2]}, "when": 3.5}

    _, trials = minimise(hyperopt, fn, n=1)
    return plain(trials.results)


@case
def results_of_plain_numbers(hyperopt):
    given = [1, 2.5, np.float32(0.5), np.int64(3), True]
    losses = iter(given)
    _, trials = minimise(hyperopt, lambda x: next(losses), n=len(given))
    return [plain(trials.results), kinds(trials.results)]


@case
def loss_variance_and_true_loss_stay(hyperopt):
    def fn(x):
        return {"loss": 1.0, "status": "ok", "loss_variance": 0.5, "true_loss": 2.0}

    _, trials = minimise(hyperopt, fn, n=2)
    return plain(trials.results)


@case
def columns(hyperopt):
    _, trials = minimise(hyperopt, lambda c: 1.0, nested(hyperopt.hp), 20)
    idxs, vals = trials.idxs, trials.vals
    fits = {label: len(idxs[label]) == len(vals[label]) for label in vals}
    return [
        sorted(idxs),
        fits,
        len(vals["kind"]),
        len(vals["x"]) + len(vals["n"]),
        kinds({label: v[:1] for label, v in vals.items()}),
        type(trials.idxs_vals).__name__,
    ]


@case
def columns_of_words(hyperopt):
    _, trials = minimise(hyperopt, lambda c: 1.0, every_word(hyperopt.hp), 1)
    return kinds(trials.vals)


@case
def lists_of_trials(hyperopt):
    trials = three(hyperopt)
    return plain(
        {name: getattr(trials, name) for name in ("tids", "specs", "results", "idxs", "vals")}
    )


@case
def columns_without_trials(hyperopt):
    trials = hyperopt.Trials()
    names = ("trials", "tids", "specs", "results", "miscs", "vals", "idxs", "idxs_vals")
    return {name: error(getattr, trials, name) for name in names}


@case
def losses_and_statuses(hyperopt):
    trials = three(hyperopt)
    trials.insert_trial_doc(document(3, {"x": 0.0}, status="fail"))
    trials.insert_trial_doc(document(4, {"x": 0.0}, state=0, status="new"))
    trials.refresh()
    return [plain(trials.losses()), plain(trials.statuses())]


# Trials.


@case
def length_and_iteration(hyperopt):
    trials = three(hyperopt)
    return [len(trials), [d["tid"] for d in trials], list(trials)[1] is trials.trials[1]]


@case
def items_of_trials(hyperopt):
    return error(lambda: three(hyperopt)[1]["tid"])


@case
def slices_of_trials(hyperopt):
    return error(lambda: [d["tid"] for d in three(hyperopt)[:2]])


@case
def errors_and_cancelled_are_hidden(hyperopt):
    trials = hyperopt.Trials()
    for state in range(5):
        trials.insert_trial_doc(document(state, {"x": 0.0}, state=state, loss=1.0))
    trials.refresh()
    return [len(trials), trials.tids, len(trials._dynamic_trials)]


@case
def inserted_documents_show_after_refresh(hyperopt):
    trials = three(hyperopt)
    tid = trials.insert_trial_doc(document(7, {"x": 0.0}, loss=0.0))
    before = len(trials)
    trials.refresh()
    return [plain(tid), before, len(trials), plain(trials.argmin)]


@case
def insert_several(hyperopt):
    trials = hyperopt.Trials()
    tids = trials.insert_trial_docs(document(t, {"x": 0.0}, loss=0.0) for t in (5, 6))
    trials.refresh()
    return [plain(tids), trials.tids, trials.new_trial_ids(2)]


@case
def a_document_is_kept_as_the_object_it_is(hyperopt):
    trials, one = hyperopt.Trials(), document(0, {"x": 1.0}, loss=1.0)
    trials.insert_trial_doc(one)
    trials.refresh()
    one["result"]["loss"] = 9.0
    return [trials.trials[0] is one, plain(trials.losses())]


@case
def changed_in_place(hyperopt):
    trials = three(hyperopt)
    trials.trials[0]["result"]["loss"] = -5.0
    trials._dynamic_trials[1]["state"] = hyperopt.JOB_STATE_ERROR
    before = [len(trials), plain(trials.argmin)]
    trials.refresh()
    return [*before, len(trials), plain(trials.argmin), trials.tids]


@case
def new_trial_ids(hyperopt):
    trials = hyperopt.Trials()
    return [trials.new_trial_ids(3), trials.new_trial_ids(2), trials.new_trial_ids(0)]


@case
def new_trial_ids_after_documents(hyperopt):
    trials = three(hyperopt)
    return [trials.new_trial_ids(2), trials.new_trial_ids(1)]


@case
def new_trial_docs(hyperopt):
    trials = hyperopt.Trials(exp_key="e")
    misc = {"tid": 4, "cmd": None, "idxs": {}, "vals": {}}
    (made,) = trials.new_trial_docs([4], [None], [{"status": "new"}], [misc])
    return plain(made)


@case
def new_trial_docs_of_different_lengths(hyperopt):
    given = [4, 5], [None], [{}], [{}]
    return error(hyperopt.Trials().new_trial_docs, *given).startswith("raises")


@case
def source_trial_docs(hyperopt):
    trials = hyperopt.Trials()
    source = {**document(1, {"x": 1.0}, loss=1.0), "owner": "me"}
    misc = {"tid": 4, "idxs": {}, "vals": {}}
    (made,) = trials.source_trial_docs([4], [None], [{"status": "ok", "loss": 0}], [misc], [source])
    return plain(made)


@case
def documents_without_a_key(hyperopt):
    found = {}
    for key in (
        "tid",
        "spec",
        "result",
        "misc",
        "state",
        "owner",
        "book_time",
        "refresh_time",
        "exp_key",
        "version",
    ):
        one = document(0, {"x": 1.0}, loss=1.0)
        del one[key]
        found[key] = error(hyperopt.Trials().insert_trial_doc, one)
    return found


@case
def miscs_without_a_key(hyperopt):
    found = {}
    for key in ("tid", "cmd", "idxs", "vals", "workdir"):
        one = document(0, {"x": 1.0}, loss=1.0)
        del one["misc"][key]
        found[key] = error(hyperopt.Trials().insert_trial_doc, one)
    return found


@case
def documents_that_contradict_themselves(hyperopt):
    one = document(0, {"x": 1.0}, loss=1.0)
    one["misc"]["tid"] = 1
    return [
        error(hyperopt.Trials().insert_trial_doc, one),
        error(hyperopt.Trials().insert_trial_doc, 3),
        error(hyperopt.Trials(exp_key="a").insert_trial_doc, document(0, {}, exp_key="b")),
    ]


@case
def assert_valid_trial_gives_the_document(hyperopt):
    one = document(0, {"x": 1.0}, loss=1.0)
    return [hyperopt.Trials().assert_valid_trial(one) is not None]


@case
def trials_from_documents(hyperopt):
    documents = [document(t, {"x": float(t)}, loss=5.0 - t) for t in range(3)]
    trials = hyperopt.trials_from_docs(documents)
    return [len(trials), plain(trials.argmin), type(trials).__name__, plain(trials.losses())]


@case
def trials_from_documents_that_are_bad(hyperopt):
    return [
        error(hyperopt.trials_from_docs, [{"tid": 0}]),
        error(
            lambda: len(
                hyperopt.trials_from_docs(
                    [{"tid": 0, "state": 2, "misc": {}, "exp_key": None}], validate=False
                )
            )
        ),
    ]


@case
def trials_from_documents_with_a_key(hyperopt):
    documents = [document(t, {"x": 1.0}, loss=1.0, exp_key="e") for t in range(2)]
    return [
        len(hyperopt.trials_from_docs(documents, exp_key="e")),
        error(hyperopt.trials_from_docs, documents),
    ]


@case
def views_by_key(hyperopt):
    trials = hyperopt.Trials()
    for tid, key in enumerate(["a", "b", "a"]):
        trials._insert_trial_docs([document(tid, {"x": 0.0}, loss=1.0, exp_key=key)])
    trials.refresh()
    view = trials.view("a")
    return [len(trials), len(view), view.tids, type(view).__name__, len(trials.view())]


@case
def views_share_documents(hyperopt):
    trials = hyperopt.Trials()
    view = trials.view("a")
    view.insert_trial_doc(document(0, {"x": 0.0}, loss=1.0, exp_key="a"))
    view.refresh()
    trials.refresh()
    view.attachments["k"] = 1
    return [
        len(view),
        len(trials),
        trials._dynamic_trials is view._dynamic_trials,
        "k" in trials.attachments,
    ]


@case
def a_run_on_a_view(hyperopt):
    trials = hyperopt.Trials()
    view = trials.view("a")
    minimise(hyperopt, n=3, trials=view)
    trials.refresh()
    return [len(trials), len(view), [d["exp_key"] for d in trials.trials]]


@case
def trials_without_refresh(hyperopt):
    trials = hyperopt.Trials(refresh=False)
    before = [error(len, trials), error(lambda: trials.trials)]
    trials.refresh()
    return [*before, len(trials)]


@case
def delete_all(hyperopt):
    trials = three(hyperopt)
    trials.attachments["k"] = 1
    trials.delete_all()
    return [len(trials), len(trials._dynamic_trials), trials.attachments, trials.new_trial_ids(1)]


@case
def counts_by_state(hyperopt):
    trials = hyperopt.Trials()
    for tid, state in enumerate([0, 1, 2, 2, 3, 4]):
        trials.insert_trial_doc(document(tid, {"x": 0.0}, state=state, loss=1.0))
    trials.refresh()
    return [
        [trials.count_by_state_synced(state) for state in range(5)],
        [trials.count_by_state_unsynced(state) for state in range(5)],
        trials.count_by_state_unsynced([0, 1]),
        trials.count_by_state_synced((2, 3)),
        trials.count_by_state_synced(2, trials=trials.trials[:3]),
    ]


@case
def counts_by_unknown_state(hyperopt):
    count = three(hyperopt).count_by_state_synced
    return [error(count, each).startswith("raises") for each in (9, "x", [2, 9])]


@case
def exceptions_of_counts(hyperopt):
    return [error(three(hyperopt).count_by_state_synced, each) for each in ("x", [2, 9])]


@case
def counts_see_what_is_not_refreshed(hyperopt):
    trials = three(hyperopt)
    trials.insert_trial_doc(document(7, {"x": 0.0}, state=0, status="new"))
    return [trials.count_by_state_synced(0), trials.count_by_state_unsynced(0)]


@case
def best_trial(hyperopt):
    trials = three(hyperopt)
    return [trials.best_trial["tid"], plain(trials.argmin), kinds(trials.best_trial)]


@case
def best_of_equal_losses(hyperopt):
    trials = hyperopt.trials_from_docs([document(t, {"x": float(t)}, loss=1.0) for t in (3, 1, 2)])
    return trials.best_trial["tid"]


@case
def best_passes_over_failures_and_nan(hyperopt):
    trials = three(hyperopt)
    trials.insert_trial_doc(document(3, {"x": 9.0}, status="fail", loss=None))
    trials.insert_trial_doc(document(4, {"x": 8.0}, loss=float("nan")))
    trials.insert_trial_doc(document(5, {"x": 7.0}, state=3, loss=-9.0))
    trials.refresh()
    return trials.best_trial["tid"]


@case
def best_with_infinite_losses(hyperopt):
    trials = hyperopt.trials_from_docs(
        [document(0, {"x": 1.0}, loss=float("inf")), document(1, {"x": 2.0}, loss=float("-inf"))]
    )
    return trials.best_trial["tid"]


@case
def best_without_a_loss(hyperopt):
    trials = hyperopt.trials_from_docs([document(0, {"x": 1.0}, status="fail")])
    empty = hyperopt.Trials()
    return [
        error(lambda: trials.best_trial),
        error(lambda: trials.argmin),
        error(lambda: empty.best_trial),
        error(lambda: empty.argmin),
    ]


@case
def best_with_documents_that_wait(hyperopt):
    trials = three(hyperopt)
    trials.insert_trial_doc(document(9, {"x": 0.0}, state=0, status="new"))
    trials.refresh()
    return trials.best_trial["tid"]


@case
def kinds_of_argmin(hyperopt):
    best, trials = minimise(hyperopt, lambda c: 1.0, every_word(hyperopt.hp), 1)
    return [kinds(best), kinds(trials.argmin), best == trials.argmin]


@case
def json_of_the_best_point(hyperopt):
    best, trials = minimise(hyperopt, space=every_word(hyperopt.hp), fn=lambda c: c["uniform"])
    return [error(json.dumps, each) for each in (best, trials.argmin, trials.vals)]


@case
def argmin_of_conditional_spaces(hyperopt):
    found = set()
    for seed in range(6):
        rng = np.random.default_rng(seed)
        best, _ = minimise(hyperopt, lambda c: 1.0, nested(hyperopt.hp), 1, rstate=rng)
        found.add((best["kind"], *sorted(best)))
    return plain(found)


@case
def average_best_error(hyperopt):
    trials = three(hyperopt)
    return [
        plain(trials.average_best_error()),
        plain(trials.average_best_error(hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1)))),
    ]


@case
def average_best_error_of_true_losses(hyperopt):
    trials = hyperopt.trials_from_docs(
        [
            document(0, {"x": 1.0}, loss=1.0, true_loss=5.0),
            document(1, {"x": 1.0}, loss=0.5, true_loss=7.0),
        ]
    )
    return plain(trials.average_best_error())


@case
def average_best_error_of_variances(hyperopt):
    trials = hyperopt.trials_from_docs(
        [
            document(0, {"x": 1.0}, loss=1.0, loss_variance=1.0, true_loss=5.0),
            document(1, {"x": 1.0}, loss=0.9, loss_variance=1.0, true_loss=7.0),
            document(2, {"x": 1.0}, loss=99.0, loss_variance=1.0, true_loss=70.0),
        ]
    )
    return plain(5.0 < trials.average_best_error() < 7.0)


@case
def average_best_error_without_trials(hyperopt):
    return error(hyperopt.Trials().average_best_error)


@case
def attachments_of_trials(hyperopt):
    trials = three(hyperopt)
    of = trials.trial_attachments(trials.trials[1])
    of["model"] = b"abc"
    found = ["model" in of, "other" in of, of["model"], trials.aname(trials.trials[1], "model")]
    keys = sorted(trials.attachments)
    missing = error(lambda: of["other"])
    del of["model"]
    return plain([*found[:2], found[2].decode(), found[3], keys, missing, len(trials.attachments)])


@case
def attachments_of_results(hyperopt):
    def fn(x):
        return {"loss": 1.0, "status": "ok", "attachments": {"a": b"1", "b": "two"}}

    _, trials = minimise(hyperopt, fn, n=2)
    return [
        sorted(trials.attachments),
        plain(trials.results),
        trials.trial_attachments(trials.trials[1])["b"],
    ]


@case
def attachments_of_trials_are_one_dict(hyperopt):
    trials = hyperopt.Trials()
    trials.attachments["name"] = "thing"
    minimise(hyperopt, n=1, trials=trials)
    return sorted(trials.attachments)


@case
def pickles_of_trials(hyperopt):
    _, trials = minimise(hyperopt, n=4)
    again = pickle.loads(pickle.dumps(trials))
    return [
        len(again),
        again.tids,
        again.argmin == trials.argmin,
        type(again).__name__,
        again.new_trial_ids(1),
    ]


@case
def a_pickle_that_goes_on(hyperopt):
    _, trials = minimise(hyperopt, n=4)
    again = pickle.loads(pickle.dumps(trials))
    minimise(hyperopt, n=7, trials=again)
    return [len(trials), len(again), again.tids]


@case
def merged_pickles(hyperopt):
    parts = []
    for seed in range(2):
        _, trials = minimise(hyperopt, n=3, rstate=np.random.default_rng(seed))
        parts.append(pickle.loads(pickle.dumps(trials)))
    merged = hyperopt.Trials()
    for number, each in enumerate(parts):
        for one in each.trials:
            moved = copy.deepcopy(one)
            tid = one["tid"] + 3 * number
            moved["tid"] = moved["misc"]["tid"] = tid
            moved["misc"]["idxs"] = {k: [tid] * len(v) for k, v in moved["misc"]["idxs"].items()}
            merged.insert_trial_doc(moved)
    merged.refresh()
    minimise(hyperopt, n=9, trials=merged)
    best = merged.best_trial["result"]["loss"]
    return plain([len(merged), merged.tids, merged.idxs["x"], min(merged.losses()) == best])


@case
def copies_of_trials(hyperopt):
    _, trials = minimise(hyperopt, n=2)
    deep = copy.deepcopy(trials)
    deep.trials[0]["result"]["loss"] = -1.0
    minimise(hyperopt, n=4, trials=deep)
    return [len(trials), len(deep), trials.losses()[0] >= 0]


@case
def asynchronous(hyperopt):
    return hyperopt.Trials.asynchronous


@case
def trials_fmin(hyperopt):
    trials = hyperopt.Trials()
    best = trials.fmin(
        square,
        hyperopt.hp.uniform("x", -1, 1),
        algo=hyperopt.rand.suggest,
        max_evals=4,
        rstate=np.random.default_rng(0),
        show_progressbar=False,
    )
    return [kinds(best), len(trials)]


@case
def trials_fmin_by_position(hyperopt):
    trials = hyperopt.Trials()
    best = trials.fmin(
        square,
        hyperopt.hp.uniform("x", -1, 1),
        hyperopt.rand.suggest,
        4,
        None,
        None,
        1,
        np.random.default_rng(0),
        False,
        None,
        False,
        True,
        False,
    )
    return [kinds(best), len(trials)]


# Helpers of documents.


def miscs_of(hyperopt, *tids):
    return [{"tid": tid, "cmd": None} for tid in tids]


@case
def miscs_update(hyperopt):
    base, miscs = part(hyperopt, "base"), miscs_of(hyperopt, 0, 1)
    given = base.miscs_update_idxs_vals(miscs, {"a": [0, 1], "b": [1]}, {"a": [5, 6], "b": [7]})
    return [plain(miscs), given is miscs]


@case
def miscs_update_with_a_map(hyperopt):
    base, miscs = part(hyperopt, "base"), miscs_of(hyperopt, 10)
    base.miscs_update_idxs_vals(miscs, {"a": [0]}, {"a": [5]}, idxs_map={0: 10})
    return plain(miscs)


@case
def miscs_update_with_a_tid_of_nobody(hyperopt):
    base = part(hyperopt, "base")
    miscs = miscs_of(hyperopt, 0)
    base.miscs_update_idxs_vals(miscs, {"a": [0, 9]}, {"a": [5, 6]}, assert_all_vals_used=False)
    return plain(miscs)


@case
def miscs_update_refuses(hyperopt):
    update = part(hyperopt, "base").miscs_update_idxs_vals
    given = [({"a": [9]}, {"a": [1]}), ({"a": [0]}, {"b": [1]})]
    return [error(update, miscs_of(hyperopt, 0), *each).startswith("raises") for each in given]


@case
def exceptions_of_miscs_update(hyperopt):
    update = part(hyperopt, "base").miscs_update_idxs_vals
    given = [({"a": [9]}, {"a": [1]}), ({"a": [0]}, {"b": [1]})]
    return [error(update, miscs_of(hyperopt, 0), *each) for each in given]


@case
def miscs_to_columns(hyperopt):
    base = part(hyperopt, "base")
    miscs = [document(t, {"a": t, "b": -t})["misc"] for t in range(3)]
    miscs[1]["idxs"]["b"], miscs[1]["vals"]["b"] = [], []
    return [
        plain(base.miscs_to_idxs_vals(miscs)),
        plain(base.miscs_to_idxs_vals(miscs, keys=["a"])),
        plain(base.miscs_to_idxs_vals([], keys=["a"])),
        error(base.miscs_to_idxs_vals, []),
    ]


@case
def spec_of_a_misc(hyperopt):
    spec = part(hyperopt, "base").spec_from_misc
    return [
        plain(spec({"vals": {"a": [1], "b": [], "c": ["x"]}})),
        error(spec, {"vals": {"a": [1, 2]}}),
    ]


@case
def generate_trial(hyperopt):
    return plain(part(hyperopt, "fmin").generate_trial(4, {"a": 1, "b": 2.5}))


@case
def generate_trials_to_calculate(hyperopt):
    trials = part(hyperopt, "fmin").generate_trials_to_calculate([{"x": 0.5}, {"x": -0.5}])
    before = len(trials)
    trials.refresh()
    minimise(hyperopt, n=4, trials=trials)
    return [before, len(trials), plain(trials.vals["x"][:2]), plain(trials.losses()[:2])]


@case
def validators(hyperopt):
    base = part(hyperopt, "base")
    found = {}
    for name in ("validate_timeout", "validate_loss_threshold"):
        check = getattr(base, name)
        for given in (None, 1, 1.5, 0, -1, "x", True):
            found[f"{name} {given!r}"] = error(check, given) is not None
    return found


@case
def exceptions_of_validators(hyperopt):
    base = part(hyperopt, "base")
    return [error(base.validate_timeout, 0), error(base.validate_loss_threshold, "x")]


@case
def sonify(hyperopt):
    sonify = part(hyperopt, "base").SONify
    return plain(sonify({"a": np.float64(1.5), "b": [np.int64(2), True, None, "s"], "c": (1, 2)}))


# Domain and Ctrl.


@case
def domain_evaluates(hyperopt):
    domain = hyperopt.Domain(lambda c: c["x"] + 1, {"x": hyperopt.hp.uniform("x", 0, 1)})
    trials = hyperopt.Trials()
    return plain(domain.evaluate({"x": 0.5}, hyperopt.Ctrl(trials, current_trial=None)))


@case
def domain_parameters(hyperopt):
    domain = hyperopt.Domain(square, every_word(hyperopt.hp))
    return {label: node.name for label, node in sorted(domain.params.items())}


@case
def domain_fields(hyperopt):
    domain = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1))
    return [
        plain(domain.cmd),
        plain(domain.workdir),
        plain(domain.name),
        plain(domain.loss_target),
        plain(domain.pass_expr_memo_ctrl),
        plain(domain.new_result()),
        domain.expr.name,
        domain.fn is square,
    ]


@case
def domain_reads_results(hyperopt):
    domain = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1))
    result = {"loss": 1.0, "status": "ok", "true_loss": 2.0, "loss_variance": 0.25}
    return [
        domain.loss(result),
        domain.status(result),
        domain.true_loss(result),
        domain.loss_variance(result),
        domain.true_loss({"loss": 1.0, "status": "ok"}),
        plain(domain.loss({"status": "fail"})),
        domain.loss_variance({"loss": 1.0}),
        error(domain.true_loss_variance, {}),
    ]


@case
def domain_refuses_equal_labels(hyperopt):
    hp = hyperopt.hp
    return [
        error(hyperopt.Domain, square, [hp.uniform("x", 0, 1), hp.uniform("x", 0, 1)]),
        error(hyperopt.Domain, square, [hp.uniform("x", 0, 1), hp.choice("x", [1, 2])]),
        error(hyperopt.Domain, square, hp.choice("x", [hp.uniform("x", 0, 1), 2])),
    ]


@case
def equal_labels_in_fmin(hyperopt):
    hp = hyperopt.hp
    space = hp.choice("c", [hp.uniform("x", 0, 1), hp.uniform("x", 2, 3)])
    return error(minimise, hyperopt, square, space)


@case
def one_node_twice_is_one_draw(hyperopt):
    x = hyperopt.hp.uniform("x", 0, 1)
    seen = []
    minimise(hyperopt, lambda c: seen.append(c["a"] == c["b"]) or 1.0, {"a": x, "b": x}, 3)
    return seen


@case
def domain_without_hyperparameters(hyperopt):
    best, trials = minimise(hyperopt, lambda c: 1.0, {"a": 1}, 2)
    return [plain(best), len(trials), plain(trials.trials[0]["misc"]["vals"])]


@case
def domain_memo(hyperopt):
    domain = hyperopt.Domain(square, {"x": hyperopt.hp.uniform("x", 0, 1)})
    memo = domain.memo_from_config({"x": 0.25})
    return sorted(f"{node.name} {value}" for node, value in memo.items())


@case
def domain_evaluates_later(hyperopt):
    domain = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1))
    ctrl = hyperopt.Ctrl(hyperopt.Trials(), current_trial=None)
    fn, argument = domain.evaluate_async({"x": 0.5}, ctrl)
    return [plain(argument), plain(domain.evaluate_async2(fn(argument), ctrl))]


@case
def domain_needs_values(hyperopt):
    domain = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1))
    ctrl = hyperopt.Ctrl(hyperopt.Trials(), current_trial=None)
    return error(domain.evaluate, {}, ctrl).startswith("raises")


@case
def domain_takes_a_bandit_without_function(hyperopt):
    return error(lambda: hyperopt.Domain(None, hyperopt.hp.uniform("x", 0, 1)).fn)


@case
def domain_rng_is_a_literal(hyperopt):
    domain = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1))
    names = [domain.s_rng.name, domain.s_new_ids.name]
    pyll = part(hyperopt, "pyll")
    idxs, vals = pyll.rec_eval(
        domain.s_idxs_vals,
        memo={domain.s_new_ids: [3, 4], domain.s_rng: np.random.default_rng(0)},
    )
    return [names, plain(idxs), kinds(vals)]


@case
def ctrl_checkpoints(hyperopt):
    seen = []

    @hyperopt.fmin_pass_expr_memo_ctrl
    def fn(expr, memo, ctrl):
        x = part(hyperopt, "pyll").rec_eval(expr, memo=memo)
        ctrl.checkpoint({"status": "running", "step": 1})
        seen.append(plain(ctrl.current_trial["result"]))
        ctrl.attachments["half"] = b"x"
        return {"status": "ok", "loss": x * x, "type": type(x).__name__}

    _, trials = minimise(hyperopt, fn, n=2)
    return [seen, sorted(trials.attachments), [r["type"] for r in trials.results]]


@case
def ctrl_of_no_trial(hyperopt):
    ctrl = hyperopt.Ctrl(hyperopt.Trials(), current_trial=None)
    return [
        plain(ctrl.current_trial),
        error(ctrl.checkpoint, {"status": "ok"}).startswith("raises"),
    ]


@case
def ctrl_injects_results(hyperopt):
    @hyperopt.fmin_pass_expr_memo_ctrl
    def fn(expr, memo, ctrl):
        if ctrl.current_trial["tid"] == 0:
            tids = ctrl.trials.new_trial_ids(1)
            misc = {"tid": tids[0], "idxs": {"x": tids}, "vals": {"x": [0.125]}}
            ctrl.inject_results([None], [{"status": "ok", "loss": -1.0}], [misc], new_tids=tids)
        return {"status": "ok", "loss": 1.0}

    best, trials = minimise(hyperopt, fn, n=3)
    return [plain(best), len(trials), trials.tids, trials.best_trial["misc"].get("from_tid")]


@case
def ctrl_logs(hyperopt):
    ctrl = hyperopt.Ctrl(hyperopt.Trials())
    return [callable(getattr(ctrl, name)) for name in ("info", "warn", "error", "debug")]


@case
def ctrl_in_a_space(hyperopt):
    seen = []
    space = {"x": hyperopt.hp.uniform("x", 0, 1), "ctrl": hyperopt.Ctrl}
    error_name = error(
        minimise, hyperopt, lambda c: seen.append(type(c["ctrl"]).__name__) or c["x"], space, 2
    )
    return [seen[:1], isinstance(error_name, str)]


@case
def pass_expr_by_argument(hyperopt):
    seen = []

    def fn(expr, memo, ctrl):
        seen.append([expr.name, type(memo).__name__, type(ctrl).__name__])
        return 1.0

    minimise(hyperopt, fn, n=1, pass_expr_memo_ctrl=True)
    return seen


@case
def pass_expr_through_partial(hyperopt):
    @hyperopt.fmin_pass_expr_memo_ctrl
    def fn(expr, memo, ctrl, add):
        return part(hyperopt, "pyll").rec_eval(expr, memo=memo) + add

    bound = hyperopt.partial(fn, add=5)
    best, trials = minimise(hyperopt, bound, n=2)
    return [bound.fmin_pass_expr_memo_ctrl, min(trials.losses()) > 3, kinds(best)]


@case
def pass_expr_with_attachments(hyperopt):
    @hyperopt.fmin_pass_expr_memo_ctrl
    def fn(expr, memo, ctrl):
        return {"status": "ok", "loss": 1.0, "attachments": {"a": 1}}

    _, trials = minimise(hyperopt, fn, n=1)
    return [sorted(trials.attachments), plain(trials.results)]


# fmin.


@case
def fmin_by_position(hyperopt):
    trials = hyperopt.Trials()
    best = hyperopt.fmin(
        square,
        hyperopt.hp.uniform("x", -1, 1),
        hyperopt.rand.suggest,
        3,
        None,
        None,
        trials,
        np.random.default_rng(0),
        True,
        None,
        False,
        False,
        True,
        None,
        1,
        False,
    )
    return [kinds(best), len(trials)]


@case
def fmin_with_defaults(hyperopt):
    best = hyperopt.fmin(square, hyperopt.hp.uniform("x", -1, 1), max_evals=3, verbose=False)
    return kinds(best)


@case
def fmin_without_return_argmin(hyperopt):
    best, _ = minimise(hyperopt, lambda c: 1.0, every_word(hyperopt.hp), 1, return_argmin=False)
    return kinds(best)


@case
def fmin_of_lists_without_return_argmin(hyperopt):
    hp = hyperopt.hp
    space = [hp.uniform("x", 0, 1), (1, [2, hp.choice("c", ["only"])])]
    best, _ = minimise(hyperopt, lambda c: 1.0, space, 1, return_argmin=False)
    return kinds(best)


@case
def what_objectives_receive(hyperopt):
    seen = []
    minimise(hyperopt, lambda c: seen.append(kinds(c)) or 1.0, every_word(hyperopt.hp), 1)
    return seen


@case
def what_objectives_receive_of_containers(hyperopt):
    hp, seen = hyperopt.hp, []
    space = {
        "list": [1, hp.uniform("x", 0, 1)],
        "tuple": (1, 2),
        "none": None,
        "array": np.arange(2),
        "deep": {"list": [[1], []]},
        "text": "t",
    }
    minimise(hyperopt, lambda c: seen.append(kinds(c)) or 1.0, space, 1)
    return seen


@case
def what_objectives_receive_of_a_tuple(hyperopt):
    hp, seen = hyperopt.hp, []
    space = (hp.uniform("x", 0, 1), hp.choice("c", [(1, 2)]))
    minimise(hyperopt, lambda c: seen.append(kinds(c)) or 1.0, space, 1)
    return seen


@case
def keys_that_are_no_strings(hyperopt):
    hp, seen = hyperopt.hp, []
    space = {1: hp.uniform("x", 0, 1), 2: "two"}
    return [error(minimise, hyperopt, lambda c: seen.append(kinds(c)) or 1.0, space, 1)[:1], seen]


@case
def max_evals_counts_earlier_trials(hyperopt):
    _, trials = minimise(hyperopt, n=3)
    minimise(hyperopt, n=5, trials=trials)
    one = len(trials)
    minimise(hyperopt, n=4, trials=trials)
    return [one, len(trials)]


@case
def max_evals_of_zero(hyperopt):
    return [
        error(minimise, hyperopt, n=0).startswith("raises"),
        error(lambda: plain(minimise(hyperopt, n=0, return_argmin=False)[0])),
    ]


@case
def exception_of_max_evals_of_zero(hyperopt):
    return error(minimise, hyperopt, n=0)


@case
def max_evals_reached_already(hyperopt):
    _, trials = minimise(hyperopt, n=3)
    calls = []
    best, _ = minimise(hyperopt, lambda x: calls.append(1) or 1.0, n=3, trials=trials)
    return [kinds(best), len(calls), len(trials)]


@case
def max_evals_with_failures_that_are_caught(hyperopt):
    calls = []

    def fn(x):
        calls.append(1)
        if len(calls) % 2:
            raise ValueError("odd")
        return x

    _, trials = minimise(hyperopt, fn, n=6, catch_eval_exceptions=True)
    return [len(calls), len(trials), len(trials._dynamic_trials)]


@case
def caught_failures_as_documents(hyperopt):
    def fn(x):
        if len(trials._dynamic_trials) == 1:
            raise ZeroDivisionError("text of it")
        return 1.0

    trials = hyperopt.Trials()
    minimise(hyperopt, fn, n=3, trials=trials, catch_eval_exceptions=True)
    failed = trials._dynamic_trials[0]
    return [
        [d["state"] for d in trials._dynamic_trials],
        plain(failed["misc"]["error"]),
        plain(failed["result"]),
        kinds(failed),
        len(trials),
    ]


@case
def failures_that_leave_fmin(hyperopt):
    trials = hyperopt.Trials()

    def fn(x):
        if len(trials._dynamic_trials) == 3:
            raise ZeroDivisionError("text of it")
        return 1.0

    name = error(minimise, hyperopt, fn, n=5, trials=trials)
    return [
        name,
        [d["state"] for d in trials._dynamic_trials],
        len(trials),
        plain(trials._dynamic_trials[-1]["misc"]["error"]),
    ]


@case
def loggers_of_a_run(hyperopt):
    def fn(x):
        if len(trials) == 2:
            raise ZeroDivisionError("nothing")
        return x

    seen, trials = [], hyperopt.Trials()
    handler = logging.Handler()
    handler.emit = lambda record: seen.append([record.name, record.levelname])
    package = logging.getLogger(hyperopt.__name__)
    before = package.level
    package.addHandler(handler)
    package.setLevel(logging.INFO)
    logging.disable(logging.NOTSET)  # in the tests nothing is logged
    try:
        options = {"algo": hyperopt.tpe.suggest, "catch_eval_exceptions": True}
        minimise(hyperopt, fn, n=3, trials=trials, **options)
    finally:
        package.removeHandler(handler)
        package.setLevel(before)
    return [[name.rpartition(".")[2], level] for name, level in seen]


@case
def all_failures_caught(hyperopt):
    trials = hyperopt.Trials()
    calls = []

    def fn(x):
        calls.append(1)
        if len(calls) > 20:
            raise KeyboardInterrupt
        raise ValueError

    try:
        return error(minimise, hyperopt, fn, n=3, trials=trials, catch_eval_exceptions=True)
    except KeyboardInterrupt:
        return "went on"


@case
def interrupts_leave_fmin(hyperopt):
    trials = hyperopt.Trials()

    def fn(x):
        if len(trials._dynamic_trials) == 2:
            raise KeyboardInterrupt
        return 1.0

    try:
        minimise(hyperopt, fn, n=5, trials=trials, catch_eval_exceptions=True)
    except KeyboardInterrupt:
        return [len(trials._dynamic_trials), "left"]
    return "not left"


@case
def status_fail(hyperopt):
    results = iter(
        [{"status": "fail"}, {"status": "fail", "loss": 0.0}, {"status": "ok", "loss": 1}]
    )
    _, trials = minimise(hyperopt, lambda x: next(results), n=3)
    return [
        plain(trials.results),
        plain(trials.losses()),
        plain(trials.statuses()),
        len(trials),
        trials.best_trial["tid"],
        [d["state"] for d in trials.trials],
    ]


@case
def status_fail_alone(hyperopt):
    return error(minimise, hyperopt, lambda x: {"status": "fail"}, n=2)


@case
def status_fail_alone_without_argmin(hyperopt):
    return error(minimise, hyperopt, lambda x: {"status": "fail"}, n=2, return_argmin=False)


@case
def bad_results(hyperopt):
    given = {
        "bad status": {"status": "good"},
        "no loss": {"status": "ok"},
        "loss none": {"status": "ok", "loss": None},
        "pairs": [("status", "ok"), ("loss", 1)],
        "loss as text": {"status": "ok", "loss": "1.5"},
    }
    return {
        name: error(lambda r=result: kinds(minimise(hyperopt, lambda x: r, n=1)[0]))
        for name, result in given.items()
    }


@case
def bad_results_that_are_no_documents(hyperopt):
    given = {
        "none": None,
        "text": "x",
        "no status": {"loss": 1.0},
        "list": [1],
        "complex": 1j,
        "empty": {},
        "array": np.array(1.5),
        "loss text": {"status": "ok", "loss": "x"},
    }
    return {
        name: error(lambda r=result: kinds(minimise(hyperopt, lambda x: r, n=1)[0]))
        for name, result in given.items()
    }


@case
def bad_results_as_documents(hyperopt):
    trials = hyperopt.Trials()
    name = error(minimise, hyperopt, lambda x: {"status": "ok"}, n=2, trials=trials)
    return [name, [d["state"] for d in trials._dynamic_trials], len(trials)]


@case
def array_losses(hyperopt):
    given = {"zero-dim": np.array(1.5), "one item": np.array([1.5]), "two": np.array([1.0, 2.0])}
    return {
        name: error(
            lambda r=result: plain(
                minimise(hyperopt, lambda x: {"status": "ok", "loss": r}, n=1)[1].losses()
            )
        )
        for name, result in given.items()
    }


@case
def nan_losses(hyperopt):
    losses = iter([float("nan"), 2.0, float("nan")])
    _, trials = minimise(hyperopt, lambda x: next(losses), n=3)
    return [
        plain(trials.losses()),
        trials.statuses(),
        [d["state"] for d in trials.trials],
        trials.best_trial["tid"],
    ]


@case
def nan_losses_alone(hyperopt):
    return error(minimise, hyperopt, lambda x: float("nan"), n=2)


@case
def nan_losses_with_tpe(hyperopt):
    space, count = hyperopt.hp.uniform("x", -1, 1), []

    def fn(x):
        count.append(x)
        return float("nan") if len(count) % 3 == 0 else x * x

    _, trials = minimise(hyperopt, fn, space, 30, algo=hyperopt.tpe.suggest)
    return [len(trials), math.isfinite(trials.best_trial["result"]["loss"])]


@case
def infinite_losses(hyperopt):
    losses = iter([float("inf"), 2.0, float("-inf")])
    _, trials = minimise(hyperopt, lambda x: next(losses), n=3)
    return [plain(trials.losses()), trials.best_trial["tid"]]


@case
def loss_threshold(hyperopt):
    losses = iter([5.0, 3.0, 2.0, 1.0, 0.0])
    _, trials = minimise(hyperopt, lambda x: next(losses), n=5, loss_threshold=2.5)
    return plain(trials.losses())


@case
def loss_threshold_met_exactly(hyperopt):
    losses = iter([5.0, 3.0, 2.0, 1.0, 0.0])
    _, trials = minimise(hyperopt, lambda x: next(losses), n=5, loss_threshold=3.0)
    return plain(trials.losses())


@case
def loss_threshold_with_batches(hyperopt):
    losses = iter([5.0, 1.0, 4.0, 3.0, 0.0, 0.0])
    _, trials = minimise(hyperopt, lambda x: next(losses), n=6, loss_threshold=2.5, max_queue_len=3)
    return plain(trials.losses())


@case
def loss_threshold_met_by_earlier_trials(hyperopt):
    _, trials = minimise(hyperopt, lambda x: 0.0, n=2)
    minimise(hyperopt, lambda x: 1.0, n=5, trials=trials, loss_threshold=0.5)
    return len(trials)


@case
def loss_threshold_with_failures(hyperopt):
    results = iter(
        [{"status": "fail"}, {"status": "ok", "loss": 0.0}, {"status": "ok", "loss": 0.0}]
    )
    return error(
        lambda: len(minimise(hyperopt, lambda x: next(results), n=3, loss_threshold=0.5)[1])
    )


@case
def bad_thresholds_and_timeouts(hyperopt):
    given = [{"loss_threshold": "x"}, {"timeout": "x"}, {"timeout": -1}, {"timeout": 0}]
    return [error(minimise, hyperopt, **each).startswith("raises") for each in given]


@case
def timeout_ends_a_run(hyperopt):
    def fn(x):
        time.sleep(0.15)
        return x

    _, trials = minimise(hyperopt, fn, n=50, timeout=0.4)
    return 1 <= len(trials) < 10


@case
def max_queue_len(hyperopt):
    waiting = []
    trials = hyperopt.Trials()

    def fn(x):
        waiting.append(sum(d["state"] == 0 for d in trials._dynamic_trials))
        return x

    minimise(hyperopt, fn, n=7, trials=trials, max_queue_len=3)
    return [waiting, len(trials)]


@case
def one_seed_a_batch(hyperopt):
    class Counted(np.random.Generator):
        calls = 0

        def integers(self, *args, **kwargs):
            Counted.calls += 1
            return super().integers(*args, **kwargs)

    seeds = []

    def algo(new_ids, domain, trials, seed):
        seeds.append(isinstance(seed, (int, np.integer)))
        return hyperopt.rand.suggest(new_ids, domain, trials, seed)

    minimise(hyperopt, n=6, max_queue_len=2, algo=algo, rstate=Counted(np.random.PCG64(0)))
    return [Counted.calls, seeds]


@case
def seeds_that_algos_receive(hyperopt):
    seeds = []

    def algo(new_ids, domain, trials, seed):
        seeds.append(int(seed))
        return hyperopt.rand.suggest(new_ids, domain, trials, seed)

    minimise(hyperopt, n=5, algo=algo, rstate=np.random.default_rng(42))
    return seeds


@case
def seeds_of_batches(hyperopt):
    seeds = []

    def algo(new_ids, domain, trials, seed):
        seeds.append([list(new_ids), int(seed)])
        return hyperopt.rand.suggest(new_ids, domain, trials, seed)

    minimise(hyperopt, n=5, algo=algo, rstate=np.random.default_rng(7), max_queue_len=2)
    return seeds


@case
def seeds_of_a_run_that_goes_on(hyperopt):
    seeds, rng = [], np.random.default_rng(42)

    def algo(new_ids, domain, trials, seed):
        seeds.append(int(seed))
        return hyperopt.rand.suggest(new_ids, domain, trials, seed)

    _, trials = minimise(hyperopt, n=2, algo=algo, rstate=rng)
    minimise(hyperopt, n=4, algo=algo, rstate=rng, trials=trials)
    return seeds


@case
def seeds_of_a_resumed_run(hyperopt):
    seeds = []

    def algo(new_ids, domain, trials, seed):
        seeds.append(int(seed))
        return hyperopt.rand.suggest(new_ids, domain, trials, seed)

    _, trials = minimise(hyperopt, n=2, algo=algo, rstate=np.random.default_rng(42))
    minimise(hyperopt, n=4, algo=algo, rstate=np.random.default_rng(42), trials=trials)
    return len(set(seeds))


@case
def generators_of_old_kinds(hyperopt):
    return [
        error(lambda: kinds(minimise(hyperopt, n=2, rstate=np.random.RandomState(0))[0])),
        error(lambda: kinds(minimise(hyperopt, n=2, rstate=7)[0])),
    ]


@case
def seed_of_the_environment(hyperopt):
    seen = []
    before = os.environ.get("HYPEROPT_FMIN_SEED")
    os.environ["HYPEROPT_FMIN_SEED"] = "5"
    try:
        for _ in range(2):
            best, _ = minimise(hyperopt, n=2, rstate=None)
            seen.append(best["x"])
    finally:
        if before is None:
            del os.environ["HYPEROPT_FMIN_SEED"]
        else:
            os.environ["HYPEROPT_FMIN_SEED"] = before
    return plain(seen[0] == seen[1])


@case
def the_same_seed_gives_the_same_run(hyperopt):
    runs = [
        minimise(hyperopt, n=30, algo=hyperopt.tpe.suggest, rstate=np.random.default_rng(3))[1]
        for _ in range(2)
    ]
    return runs[0].vals == runs[1].vals


@case
def points_to_evaluate(hyperopt):
    hp, seen = hyperopt.hp, []
    space = {"x": hp.uniform("x", -1, 1), "c": hp.choice("c", ["a", "b"])}
    points = [{"x": 0.5, "c": 1}, {"x": -0.5, "c": 0}]

    def fn(c):
        seen.append(plain(c))
        return c["x"] ** 2

    best = hyperopt.fmin(
        fn,
        space,
        algo=hyperopt.rand.suggest,
        max_evals=4,
        rstate=np.random.default_rng(0),
        points_to_evaluate=points,
        show_progressbar=False,
    )
    return [seen[:2], sorted(best)]


@case
def points_to_evaluate_and_max_evals(hyperopt):
    seen = []
    hyperopt.fmin(
        lambda x: seen.append(x) or 1.0,
        hyperopt.hp.uniform("x", -1, 1),
        max_evals=4,
        algo=hyperopt.rand.suggest,
        rstate=np.random.default_rng(0),
        points_to_evaluate=[{"x": 0.5}, {"x": 0.25}],
        show_progressbar=False,
    )
    return len(seen)


@case
def points_to_evaluate_that_the_best_is_among(hyperopt):
    best = hyperopt.fmin(
        square,
        hyperopt.hp.uniform("x", -1, 1),
        max_evals=3,
        algo=hyperopt.tpe.suggest,
        rstate=np.random.default_rng(0),
        points_to_evaluate=[{"x": 0.0}],
        show_progressbar=False,
    )
    return plain(best)


@case
def seeds_with_points_to_evaluate(hyperopt):
    seeds = []

    def algo(new_ids, domain, trials, seed):
        seeds.append(int(seed))
        return hyperopt.rand.suggest(new_ids, domain, trials, seed)

    hyperopt.fmin(
        square,
        hyperopt.hp.uniform("x", -1, 1),
        max_evals=4,
        algo=algo,
        rstate=np.random.default_rng(42),
        points_to_evaluate=[{"x": 0.0}],
        show_progressbar=False,
    )
    return seeds[:3]


@case
def points_to_evaluate_more_than_max_evals(hyperopt):
    seen = []
    error(
        hyperopt.fmin,
        lambda x: seen.append(x) or 1.0,
        hyperopt.hp.uniform("x", -1, 1),
        algo=hyperopt.rand.suggest,
        max_evals=2,
        rstate=np.random.default_rng(0),
        points_to_evaluate=[{"x": 0.1 * i} for i in range(4)],
        show_progressbar=False,
    )
    return len(seen)


@case
def points_to_evaluate_with_trials(hyperopt):
    seen = []
    minimise(
        hyperopt,
        lambda x: seen.append(x) or 1.0,
        n=3,
        points_to_evaluate=[{"x": 0.5}],
        trials=hyperopt.Trials(),
    )
    return [len(seen), seen[0] == 0.5]


@case
def points_to_evaluate_of_a_bad_type(hyperopt):
    return error(
        hyperopt.fmin,
        square,
        hyperopt.hp.uniform("x", -1, 1),
        algo=hyperopt.rand.suggest,
        max_evals=2,
        points_to_evaluate=3,
        show_progressbar=False,
    ).startswith("raises")


@case
def points_to_evaluate_outside_of_bounds(hyperopt):
    seen = []
    best = hyperopt.fmin(
        lambda x: seen.append(x) or x,
        hyperopt.hp.uniform("x", 0, 1),
        algo=hyperopt.tpe.suggest,
        max_evals=3,
        points_to_evaluate=[{"x": -5.0}],
        show_progressbar=False,
        rstate=np.random.default_rng(0),
    )
    return [seen[0], plain(best)]


@case
def early_stop(hyperopt):
    no_progress_loss = part(hyperopt, "early_stop").no_progress_loss
    _, trials = minimise(hyperopt, lambda x: 1.0, n=50, early_stop_fn=no_progress_loss(5))
    return len(trials)


@case
def early_stop_with_percent(hyperopt):
    no_progress_loss = part(hyperopt, "early_stop").no_progress_loss
    losses = iter([100.0 * 0.99**i for i in range(100)])
    _, trials = minimise(
        hyperopt, lambda x: next(losses), n=50, early_stop_fn=no_progress_loss(4, 5)
    )
    return len(trials)


@case
def early_stop_of_ones_own(hyperopt):
    seen = []

    def stop(trials, *args):
        seen.append([len(trials.trials), list(args)])
        return len(trials.trials) >= 3, [len(args), "x"]

    _, trials = minimise(hyperopt, n=10, early_stop_fn=stop)
    return [plain(seen), len(trials)]


@case
def early_stop_with_batches(hyperopt):
    seen = []

    def stop(trials, count=0):
        seen.append(len(trials.trials))
        return count >= 1, [count + 1]

    _, trials = minimise(hyperopt, n=20, early_stop_fn=stop, max_queue_len=4)
    return [seen, len(trials)]


@case
def early_stop_called_by_hand(hyperopt):
    stop = part(hyperopt, "early_stop").no_progress_loss(3)
    found, args = [], []
    for count in range(1, 7):
        trials = hyperopt.trials_from_docs(
            [document(t, {"x": 0.0}, loss=max(3.0 - t, 1.0)) for t in range(count)]
        )
        ended, args = stop(trials, *args)
        found.append([bool(ended), plain(args)])
    return found


@case
def early_stop_sees_failures(hyperopt):
    no_progress_loss = part(hyperopt, "early_stop").no_progress_loss
    results = iter([{"status": "ok", "loss": 1.0}, *[{"status": "fail"}] * 10])
    return error(
        lambda: len(
            minimise(hyperopt, lambda x: next(results), n=8, early_stop_fn=no_progress_loss(3))[1]
        )
    )


@case
def a_custom_algo(hyperopt):
    seen = []

    def algo(new_ids, domain, trials, seed):
        seen.append(
            [list(new_ids), len(trials.trials), sorted(domain.params), type(domain).__name__]
        )
        docs = []
        for tid in new_ids:
            misc = {
                "tid": tid,
                "cmd": domain.cmd,
                "workdir": domain.workdir,
                "idxs": {"x": [tid]},
                "vals": {"x": [0.25]},
            }
            docs += trials.new_trial_docs([tid], [None], [domain.new_result()], [misc])
        return docs

    best, trials = minimise(hyperopt, n=3, algo=algo)
    return [seen, plain(best), len(trials)]


@case
def a_custom_algo_that_ends_the_run(hyperopt):
    def algo(new_ids, domain, trials, seed):
        if len(trials.trials) >= 2:
            return []
        return hyperopt.rand.suggest(new_ids, domain, trials, seed)

    _, trials = minimise(hyperopt, n=10, algo=algo)
    return len(trials)


@case
def a_custom_algo_that_wraps_tpe(hyperopt):
    def algo(new_ids, domain, trials, seed):
        return hyperopt.tpe.suggest(new_ids, domain, trials, seed, n_startup_jobs=2)

    _, trials = minimise(hyperopt, n=6, algo=algo)
    return len(trials)


@case
def an_algo_that_is_a_module(hyperopt):
    return error(lambda: len(minimise(hyperopt, n=2, algo=hyperopt.rand)[1]))


@case
def an_algo_that_is_nothing(hyperopt):
    return error(minimise, hyperopt, algo=3).startswith("raises")


@case
def an_algo_that_gives_too_many(hyperopt):
    def algo(new_ids, domain, trials, seed):
        return hyperopt.rand.suggest([*new_ids, 77], domain, trials, seed)

    return error(minimise, hyperopt, n=2, algo=algo).startswith("raises")


@case
def partials_of_suggest(hyperopt):
    import functools

    algos = [
        functools.partial(
            hyperopt.tpe.suggest,
            n_startup_jobs=3,
            gamma=0.3,
            n_EI_candidates=5,
            prior_weight=0.5,
            verbose=False,
        ),
        functools.partial(hyperopt.anneal.suggest, avg_best_idx=1.0, shrink_coef=0.2),
        functools.partial(
            hyperopt.mix.suggest,
            p_suggest=[
                (0.1, hyperopt.rand.suggest),
                (0.2, hyperopt.tpe.suggest),
                (0.7, hyperopt.anneal.suggest),
            ],
        ),
        hyperopt.partial(hyperopt.tpe.suggest, n_startup_jobs=1),
    ]
    return [len(minimise(hyperopt, n=6, algo=algo)[1]) for algo in algos]


@case
def mix_of_bad_shares(hyperopt):
    import functools

    algo = functools.partial(hyperopt.mix.suggest, p_suggest=[(0.5, hyperopt.rand.suggest)])
    return error(minimise, hyperopt, algo=algo)


@case
def unknown_settings_of_suggest(hyperopt):
    import functools

    return error(minimise, hyperopt, algo=functools.partial(hyperopt.tpe.suggest, nonsense=1))


@case
def one_trials_continued_by_three(hyperopt):
    trials = hyperopt.Trials()
    for n, algo in ((4, hyperopt.rand), (8, hyperopt.tpe), (12, hyperopt.anneal)):
        minimise(hyperopt, n=n, algo=algo.suggest, trials=trials)
    return [len(trials), trials.tids == list(range(12))]


@case
def tpe_for_several_ids(hyperopt):
    domain = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1))
    documents = hyperopt.tpe.suggest([7, 8, 9], domain, three(hyperopt), 3, n_startup_jobs=2)
    return [document["tid"] for document in documents]


@case
def suggest_batch(hyperopt):
    domain = hyperopt.Domain(square, nested(hyperopt.hp))
    idxs, vals = hyperopt.rand.suggest_batch([5, 6, 7], domain, hyperopt.Trials(), 3)
    return [
        sorted(idxs),
        sorted(vals),
        plain(idxs["kind"]),
        kinds(vals["kind"]),
        {k: len(v) == len(idxs[k]) for k, v in vals.items()},
    ]


@case
def suggest_batch_of_anneal(hyperopt):
    domain = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1))
    given = hyperopt.anneal.suggest_batch([5], domain, three(hyperopt), 3)
    return [type(given).__name__, sorted(given[0]), plain(given[0]["x"]), kinds(given[1]["x"])]


@case
def suggest_for_no_ids(hyperopt):
    domain = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1))
    return error(lambda: len(hyperopt.rand.suggest([], domain, hyperopt.Trials(), 3)))


@case
def tpe_uses_documents_written_by_hand(hyperopt):
    domain = hyperopt.Domain(square, hyperopt.hp.uniform("x", -10, 10))
    trials = hyperopt.trials_from_docs(
        [document(t, {"x": -10 + t / 2}, loss=abs(-10 + t / 2 - 4)) for t in range(40)]
    )
    drawn = [
        hyperopt.tpe.suggest(trials.new_trial_ids(1), domain, trials, seed)[0]["misc"]["vals"]["x"][
            0
        ]
        for seed in range(30)
    ]
    return plain(sum(abs(x - 4) < 3 for x in drawn) > 15)


@case
def subclasses_of_trials(hyperopt):
    calls = []

    class Mine(hyperopt.Trials):
        def refresh(self):
            calls.append("refresh")
            super().refresh()

        def new_trial_ids(self, n):
            calls.append(f"ids {n}")
            return super().new_trial_ids(n)

        def new_trial_docs(self, *args):
            calls.append("docs")
            return super().new_trial_docs(*args)

    trials = Mine()
    minimise(hyperopt, n=3, trials=trials)
    return [
        len(trials),
        {name: name in calls for name in ("refresh", "ids 1", "docs")},
        calls.count("ids 1"),
        calls.count("docs"),
    ]


@case
def subclasses_of_trials_with_their_own_ids(hyperopt):
    class Mine(hyperopt.Trials):
        def new_trial_ids(self, n):
            return [100 + i for i in super().new_trial_ids(n)]

    trials = Mine()
    minimise(hyperopt, n=3, trials=trials)
    return [trials.tids, plain(trials.idxs)]


@case
def subclasses_of_trials_with_their_own_documents(hyperopt):
    class Mine(hyperopt.Trials):
        def new_trial_docs(self, *args):
            documents = super().new_trial_docs(*args)
            for each in documents:
                each["misc"]["note"] = "mine"
            return documents

    trials = Mine()
    minimise(hyperopt, n=2, trials=trials)
    return [d["misc"]["note"] for d in trials.trials]


@case
def subclasses_of_trials_with_their_own_fmin(hyperopt):
    class Mine(hyperopt.Trials):
        def fmin(self, fn, space, **options):
            self.options = sorted(options)
            return "mine"

    trials = Mine()
    best, _ = minimise(hyperopt, n=2, trials=trials)
    return [best, trials.options]


@case
def allow_trials_fmin_off(hyperopt):
    class Mine(hyperopt.Trials):
        def fmin(self, *args, **options):
            raise RuntimeError

    best, _ = minimise(hyperopt, n=2, trials=Mine(), allow_trials_fmin=False)
    return kinds(best)


@case
def annotated_spaces(hyperopt):
    hp = hyperopt.hp

    def fn(x: hp.uniform("x", -5, 5), y: hp.choice("y", [1, 2])):
        return x**2 + y

    options = {"algo": hyperopt.rand.suggest, "rstate": np.random.default_rng(0)}
    return error(
        lambda: kinds(hyperopt.fmin(fn, space=None, max_evals=3, show_progressbar=False, **options))
    )


@case
def annotated_spaces_by_word(hyperopt):
    hp = hyperopt.hp

    def fn(x: hp.uniform("x", -5, 5)):
        return x**2

    best = hyperopt.fmin(
        fn,
        space="annotated",
        algo=hyperopt.rand.suggest,
        max_evals=3,
        show_progressbar=False,
        rstate=np.random.default_rng(0),
    )
    return kinds(best)


@case
def annotated_spaces_that_are_none(hyperopt):
    def plain_fn(x):
        return x

    def typed(x: int):
        return x

    return [
        error(
            hyperopt.fmin,
            fn,
            space=None,
            algo=hyperopt.rand.suggest,
            max_evals=1,
            show_progressbar=False,
        )
        for fn in (plain_fn, typed)
    ]


@case
def spaces_that_are_no_space(hyperopt):
    return [
        error(lambda s=space: plain(minimise(hyperopt, lambda c: 1.0, s, 1)[0]))
        for space in ((1,), [1, 2], {"a": "b"}, {"a": {"b": ()}})
    ]


@case
def spaces_that_are_no_container(hyperopt):
    return [
        error(lambda s=space: plain(minimise(hyperopt, lambda c: 1.0, s, 1)[0]))
        for space in (3, "text", [], {})
    ]


@case
def objectives_with_methods(hyperopt):
    class Model:
        def __init__(self):
            self.calls = 0

        def loss(self, c):
            self.calls += 1
            return c["x"]

        __call__ = loss

    model = Model()
    minimise(hyperopt, model.loss, {"x": hyperopt.hp.uniform("x", 0, 1)}, 2)
    minimise(hyperopt, model, {"x": hyperopt.hp.uniform("x", 0, 1)}, 2)
    return model.calls


@case
def objectives_that_change_their_configuration(hyperopt):
    def fn(c):
        return c.pop("x") + c.pop("k")

    space = {"x": hyperopt.hp.uniform("x", 0, 1), "k": 1}
    best, trials = minimise(hyperopt, fn, space, 3)
    return [kinds(best), len(trials), sorted(trials.vals)]


@case
def verbose_of_any_kind(hyperopt):
    found = []
    for verbose in (True, False, 0, 1, 2):
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            found.append(kinds(minimise(hyperopt, n=1, verbose=verbose, show_progressbar=True)[0]))
    return found


@case
def verbose_decides_about_the_bar(hyperopt):
    found = []
    logging.disable(logging.NOTSET)  # in the tests nothing is logged, and lines are no bar
    for options in ({}, {"verbose": False}, {"show_progressbar": False}, {"verbose": 0}):
        text = io.StringIO()
        with contextlib.redirect_stderr(text), contextlib.redirect_stdout(text):
            hyperopt.fmin(
                square,
                hyperopt.hp.uniform("x", 0, 1),
                algo=hyperopt.rand.suggest,
                max_evals=2,
                rstate=np.random.default_rng(0),
                **options,
            )
        found.append(["trial" in text.getvalue(), "best loss" in text.getvalue()])
    return found


@case
def standard_output_of_a_run_with_a_bar(hyperopt):
    def fn(x):
        print("loss", 3)
        print()
        return x

    output = io.StringIO()
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(output):
        minimise(hyperopt, fn, n=2, show_progressbar=True)
    text = output.getvalue()
    return ["trial/s" in text, "loss 3\n\n" in text]


@case
def a_progress_callback(hyperopt):
    calls = []

    class Bar:
        postfix = None

        def update(self, n):
            calls.append(["update", n])

    @contextlib.contextmanager
    def callback(initial, total):
        calls.append(["open", initial, total])
        yield Bar()
        calls.append(["close"])

    minimise(hyperopt, n=3, show_progressbar=callback)
    return calls


@case
def a_progress_callback_of_a_run_that_goes_on(hyperopt):
    calls = []

    class Bar:
        def update(self, n):
            calls.append(n)

    @contextlib.contextmanager
    def callback(initial, total):
        calls.append([initial, total])
        yield Bar()

    _, trials = minimise(hyperopt, n=3)
    minimise(hyperopt, n=6, trials=trials, show_progressbar=callback, max_queue_len=2)
    return [calls[0], sum(calls[1:])]


@case
def a_progress_callback_shows_the_best(hyperopt):
    seen = []

    class Bar:
        postfix = None

        def update(self, n):
            seen.append("best loss" in str(self.postfix))

    @contextlib.contextmanager
    def callback(initial, total):
        yield Bar()

    minimise(hyperopt, n=2, show_progressbar=callback)
    return seen


@case
def progress_module(hyperopt):
    progress = part(hyperopt, "progress")
    with progress.no_progress_callback(initial=0, total=3) as bar:
        bar.update(1)
        bar.postfix = "x"
    text = io.StringIO()
    with (
        contextlib.redirect_stderr(text),
        contextlib.redirect_stdout(text),
        progress.tqdm_progress_callback(initial=0, total=3) as bar,
    ):
        bar.postfix = "best loss: 1"
        bar.update(1)
    return [callable(progress.default_callback)]


@case
def trials_save_file(hyperopt):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trials.pkl"
        options = {"algo": hyperopt.rand.suggest, "show_progressbar": False}
        space = hyperopt.hp.uniform("x", -1, 1)
        rng = np.random.default_rng(0)
        hyperopt.fmin(square, space, max_evals=2, trials_save_file=str(path), rstate=rng, **options)
        saved = pickle.loads(path.read_bytes())
        hyperopt.fmin(square, space, max_evals=5, trials_save_file=str(path), rstate=rng, **options)
        again = pickle.loads(path.read_bytes())
        names = sorted(each.name for each in Path(folder).iterdir())
    return [type(saved).__name__, len(saved), len(again), names]


@case
def trials_save_file_with_trials(hyperopt):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trials.pkl"
        _, trials = minimise(hyperopt, n=2, trials_save_file=str(path))
        return [len(trials), len(pickle.loads(path.read_bytes()))]


@case
def warnings_of_a_trials_save_file(hyperopt):
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "trials.pkl")
        for n in (2, 4):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                minimise(hyperopt, n=n, trials=None, trials_save_file=path)
            kinds_of_warnings = [each.category.__name__ for each in caught]
            seen.append([kind for kind in kinds_of_warnings if kind != "ResourceWarning"])
    return seen


@case
def trials_save_file_in_a_missing_folder(hyperopt):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "none" / "trials.pkl"
        return error(minimise, hyperopt, n=2, trials_save_file=str(path))


# Pictures.


@case
def standard_output_of_plots(hyperopt):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    plotting, trials, said = part(hyperopt, "plotting"), three(hyperopt), []
    for name in ("main_plot_history", "main_plot_histogram", "main_plot_vars"):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            getattr(plotting, name)(trials, do_show=False)
        said.append(len(output.getvalue().splitlines()))
        pyplot.close("all")
    return said


# FMinIter.


def loop(hyperopt, fn=square, space=None, **options):
    space = hyperopt.hp.uniform("x", -1, 1) if space is None else space
    options.setdefault("rstate", np.random.default_rng(0))
    trials = options.pop("trials", None) or hyperopt.Trials()
    return hyperopt.FMinIter(hyperopt.rand.suggest, hyperopt.Domain(fn, space), trials, **options)


@case
def loop_runs_n(hyperopt):
    it = loop(hyperopt)
    it.run(3)
    one = len(it.trials)
    it.run(2)
    return [one, len(it.trials), it.trials.tids]


@case
def loop_exhausts(hyperopt):
    it = loop(hyperopt, max_evals=4)
    given = it.exhaust()
    return [given is it, len(it.trials), len(loop(hyperopt, max_evals=0).exhaust().trials)]


@case
def loop_iterates(hyperopt):
    it = loop(hyperopt, max_evals=4)
    seen = [[type(each).__name__, len(each)] for each in it]
    return [seen, len(it.trials)]


@case
def loop_next(hyperopt):
    it = loop(hyperopt, max_evals=10)
    given = next(it)
    return [given is it.trials, len(given), iter(it) is it]


@case
def loop_serial_evaluate(hyperopt):
    it = loop(hyperopt)
    for x in (0.5, 0.25, 0.125):
        it.trials.insert_trial_doc(
            document(len(it.trials._dynamic_trials), {"x": x}, state=0, status="new")
        )
    it.trials.refresh()
    it.serial_evaluate(1)
    one = [d["state"] for d in it.trials._dynamic_trials]
    it.serial_evaluate()
    return [one, [d["state"] for d in it.trials._dynamic_trials], plain(it.trials.losses())]


@case
def loop_that_catches(hyperopt):
    def fn(x):
        raise ValueError("no")

    it = loop(hyperopt, fn)
    before = it.catch_eval_exceptions
    it.catch_eval_exceptions = True
    it.run(2)
    return [before, [d["state"] for d in it.trials._dynamic_trials], len(it.trials)]


@case
def loop_that_does_not_catch(hyperopt):
    def fn(x):
        raise ValueError("no")

    it = loop(hyperopt, fn)
    return [error(it.run, 2), [d["state"] for d in it.trials._dynamic_trials]]


@case
def loop_fields(hyperopt):
    it = loop(hyperopt, max_evals=4, max_queue_len=2)
    return [
        it.max_evals,
        it.max_queue_len,
        it.asynchronous,
        plain(it.timeout),
        plain(it.loss_threshold),
        it.catch_eval_exceptions,
    ]


@case
def loop_without_an_end(hyperopt):
    it = loop(hyperopt)
    return it.max_evals > 10**15


@case
def loop_with_an_early_stop(hyperopt):
    it = loop(hyperopt, max_evals=9, early_stop_fn=lambda trials, *a: (len(trials) >= 3, []))
    seen = [len(each) for each in it]
    return [seen, len(it.trials)]


@case
def loop_evaluates_what_waits(hyperopt):
    trials = hyperopt.Trials()
    trials.insert_trial_doc(document(0, {"x": 0.5}, state=0, status="new"))
    trials.refresh()
    minimise(hyperopt, n=3, trials=trials)
    return [len(trials), plain(trials.losses()[0]), [d["state"] for d in trials.trials]]


@case
def loop_by_hand(hyperopt):
    domain, trials = hyperopt.Domain(square, hyperopt.hp.uniform("x", -1, 1)), hyperopt.Trials()
    rng = np.random.default_rng(5)
    for _ in range(6):
        ids = trials.new_trial_ids(1)
        trials.refresh()
        trials.insert_trial_docs(
            hyperopt.rand.suggest(ids, domain, trials, rng.integers(2**31 - 1))
        )
        trials.refresh()
        for each in trials._dynamic_trials:
            if each["state"] == hyperopt.JOB_STATE_NEW:
                config = part(hyperopt, "base").spec_from_misc(each["misc"])
                each["result"] = domain.evaluate(config, hyperopt.Ctrl(trials, current_trial=each))
                each["state"] = hyperopt.JOB_STATE_DONE
        trials.refresh()
    _, by_fmin = minimise(hyperopt, n=6, rstate=np.random.default_rng(5))
    return [trials.vals == by_fmin.vals, trials.losses() == by_fmin.losses(), len(trials)]


# space_eval.


@case
def space_eval(hyperopt):
    hp = hyperopt.hp
    space = {
        "x": hp.uniform("x", 0, 1),
        "c": hp.choice("c", ["a", {"y": hp.randint("y", 5)}]),
        "k": 1,
    }
    evaluate = hyperopt.space_eval
    return [
        plain(evaluate(space, {"x": 0.5, "c": 0})),
        plain(evaluate(space, {"x": 0.5, "c": 1, "y": 3})),
        plain(evaluate(hp.uniform("z", 0, 1), {"z": 0.25})),
    ]


@case
def space_eval_kinds(hyperopt):
    space = every_word(hyperopt.hp)
    given = dict.fromkeys(space, 1)
    return kinds(hyperopt.space_eval(space, given))


@case
def space_eval_of_argmin(hyperopt):
    space = nested(hyperopt.hp)
    best, _ = minimise(hyperopt, lambda c: 1.0, space, 3)
    config = hyperopt.space_eval(space, best)
    return config["kind"] == "ab"[best["kind"]]


@case
def space_eval_without_a_value(hyperopt):
    return error(hyperopt.space_eval, {"x": hyperopt.hp.uniform("x", 0, 1)}, {})


@case
def space_eval_of_containers(hyperopt):
    hp = hyperopt.hp
    space = [hp.uniform("x", 0, 1), (1, {"a": [hp.choice("c", [(1, 2), [3]])]})]
    return [plain(hyperopt.space_eval(space, {"x": 0.5, "c": i})) for i in (0, 1)]


@case
def space_eval_with_labels_of_nobody(hyperopt):
    return error(hyperopt.space_eval, {"x": hyperopt.hp.uniform("x", 0, 1)}, {"x": 0.5, "other": 1})


@case
def space_eval_of_values_in_lists(hyperopt):
    space = nested(hyperopt.hp)
    return error(hyperopt.space_eval, space, {"kind": [0], "x": [0.5], "n": [], "deep": []})


@case
def space_eval_of_functions(hyperopt):
    space = {"f": hyperopt.hp.choice("f", [len, str]), "g": max}
    found = hyperopt.space_eval(space, {"f": 1})
    return [found["f"] is str, found["g"] is max]


@case
def space_eval_of_a_partial_choice(hyperopt):
    space = nested(hyperopt.hp)
    return plain(hyperopt.space_eval(space, {"kind": 0, "x": 0.5}))


@case
def space_eval_of_a_bad_index(hyperopt):
    return error(hyperopt.space_eval, hyperopt.hp.choice("c", [1, 2]), {"c": 7}).startswith(
        "raises"
    )


# hp.


@case
def labels_must_be_strings(hyperopt):
    hp = hyperopt.hp
    return {
        "uniform": error(hp.uniform, 3, 0, 1),
        "choice": error(hp.choice, 3, [1]),
        "pchoice": error(hp.pchoice, 3, [(1, 1)]),
        "randint": error(hp.randint, None, 3),
        "uniformint": error(hp.uniformint, 3, 0, 2),
        "loguniform": error(hp.loguniform, (), 0, 1),
        "quniform": error(hp.quniform, 3, 0, 1, 1),
    }


@case
def labels_of_normal_must_be_strings(hyperopt):
    return [
        error(lambda n=name: type(getattr(hyperopt.hp, n)(3, 0, 1)).__name__)
        for name in ("normal", "lognormal")
    ]


@case
def label_message(hyperopt):
    return said(hyperopt.hp.uniform, 3, 0, 1)[: len("TypeError: require string label")]


@case
def bounds_in_the_wrong_order(hyperopt):
    hp = hyperopt.hp
    return {
        name: error(getattr(hp, name), "x", 2, 1, *more)
        for name, more in (
            ("uniform", ()),
            ("quniform", (1,)),
            ("loguniform", ()),
            ("qloguniform", (1,)),
            ("uniformint", ()),
        )
    }


@case
def bounds_of_randint_in_the_wrong_order(hyperopt):
    return error(lambda: type(hyperopt.hp.randint("x", 2, 1)).__name__)


@case
def bounds_that_are_equal(hyperopt):
    return [
        error(lambda: type(hyperopt.hp.uniform("x", 1, 1)).__name__),
        error(lambda: type(hyperopt.hp.quniform("x", 1, 1, 1)).__name__),
    ]


@case
def bounds_with_a_zero(hyperopt):
    return [
        error(lambda: type(hyperopt.hp.uniform("x", 0, -1)).__name__),
        error(lambda: type(hyperopt.hp.uniform("x", 1, 0)).__name__),
    ]


@case
def bounds_by_name(hyperopt):
    hp = hyperopt.hp
    nodes = [
        hp.uniform("a", low=0, high=1),
        hp.quniform("b", low=0, high=4, q=2),
        hp.normal("c", mu=0, sigma=1),
        hp.randint("d", low=1, high=2),
        hp.uniformint("e", low=1, high=2),
        hp.choice("f", options=[1]),
        hp.uniform(label="g", low=0, high=1),
    ]
    best, _ = minimise(hyperopt, lambda c: 1.0, nodes, 1)
    return kinds(best)


@case
def choice_without_options(hyperopt):
    return error(lambda: type(hyperopt.hp.choice("x")).__name__)


@case
def bounds_that_are_missing(hyperopt):
    return error(lambda: type(hyperopt.hp.uniform("x", 1)).__name__)


@case
def randint_forms(hyperopt):
    hp = hyperopt.hp
    nodes = [
        hp.randint("a", 3),
        hp.randint("b", 2, 4),
        hp.randint("c", -2, 1),
        hp.randint("d", 0, 1),
    ]
    return [sampled(hyperopt, node) for node in nodes]


@case
def randint_of_nothing(hyperopt):
    def tried(*bounds):
        return error(lambda: sampled(hyperopt, hyperopt.hp.randint("a", *bounds)))

    return [tried(0), tried(3, 3)]


@case
def uniformint_values(hyperopt):
    return sampled(hyperopt, hyperopt.hp.uniformint("u", 1, 3), 80)


@case
def uniformint_with_q(hyperopt):
    return error(lambda: sampled(hyperopt, hyperopt.hp.uniformint("u", 1, 3, 1), 80))


@case
def quniform_values(hyperopt):
    return sampled(hyperopt, hyperopt.hp.quniform("q", 0, 1, 0.5), 80)


@case
def quantised_values_beyond_bounds(hyperopt):
    return sampled(hyperopt, hyperopt.hp.quniform("q", 1, 9, 4), 80)


@case
def choices_of_all_kinds(hyperopt):
    hp = hyperopt.hp
    found = {}
    for name, options in {
        "list": ["a", "b"],
        "tuple": ("a", "b"),
        "range": range(2),
        "array": np.array([1.5, 2.5]),
        "none": [None, 1],
        "dicts": [{"a": 1}, {"b": 2}],
        "bools": [True, False],
        "lists": [[1, 2], [3]],
        "mixed": [1, "a", None, (1, 2)],
    }.items():
        found[name] = sampled(hyperopt, hp.choice("c", options))
    return found


@case
def choice_of_one(hyperopt):
    best, _ = minimise(hyperopt, lambda c: 1.0, hyperopt.hp.choice("c", ["only"]), 2)
    return plain(best)


@case
def choice_of_none(hyperopt):
    return error(lambda: type(hyperopt.hp.choice("c", [])).__name__)


@case
def choice_of_dict(hyperopt):
    return error(lambda: sampled(hyperopt, hyperopt.hp.choice("c", {"a": 1, "b": 2})))


@case
def choice_of_a_text(hyperopt):
    return error(lambda: sampled(hyperopt, hyperopt.hp.choice("c", "ab")))


@case
def choice_of_a_generator(hyperopt):
    return error(lambda: sampled(hyperopt, hyperopt.hp.choice("c", (i for i in range(2)))))


@case
def nested_choices(hyperopt):
    hp = hyperopt.hp
    space = hp.choice(
        "a", [hp.choice("b", [1, hp.choice("c", [2, 3])]), (4, hp.choice("d", [5, 6]))]
    )
    found = set()
    trials = hyperopt.Trials()
    minimise(hyperopt, lambda c: found.add(repr(plain(c))) or 1.0, space, 60, trials=trials)
    active = {tuple(sorted(k for k, v in m["vals"].items() if v)) for m in trials.miscs}
    return [sorted(found), plain(active)]


@case
def a_label_shared_by_options(hyperopt):
    hp = hyperopt.hp
    x = hp.uniform("x", 0, 1)
    space = hp.choice("c", [{"x": x, "k": "a"}, {"x": x, "k": "b"}, {"k": "none"}])
    _, trials = minimise(hyperopt, lambda c: 1.0, space, 30)
    return [
        all(bool(m["vals"]["x"]) == (m["vals"]["c"][0] < 2) for m in trials.miscs),
        sorted(trials.vals),
    ]


@case
def pchoice_values(hyperopt):
    hp = hyperopt.hp
    return [
        sampled(hyperopt, hp.pchoice("p", [(0.5, "a"), (0.5, "b")])),
        sampled(hyperopt, hp.pchoice("p", [(0.0, "a"), (1.0, "b")])),
    ]


@case
def pchoice_of_bad_shares(hyperopt):
    hp = hyperopt.hp
    return [
        error(lambda: sampled(hyperopt, hp.pchoice("p", [(-0.5, "a"), (1.5, "b")]))),
        error(lambda: type(hp.pchoice("p", [])).__name__),
    ]


@case
def pchoice_of_shares_that_sum_to_less(hyperopt):
    hp = hyperopt.hp
    space = hp.pchoice("p", [(0.33, "a"), (0.33, "b"), (0.33, "c")])
    _, trials = minimise(hyperopt, lambda c: 1.0, space, 25, algo=hyperopt.tpe.suggest)
    return [sampled(hyperopt, space), sorted({int(v) for v in trials.vals["p"]})]


@case
def pchoice_of_weights(hyperopt):
    return error(lambda: sampled(hyperopt, hyperopt.hp.pchoice("q", [(2, "a"), (6, "b")])))


@case
def pchoice_in_a_run(hyperopt):
    hp = hyperopt.hp
    space = hp.pchoice(
        "p", [(0.2, {"x": hp.uniform("x", 0, 1)}), (0.8, {"y": hp.normal("y", 0, 1)})]
    )
    best, trials = minimise(hyperopt, lambda c: 1.0, space, 30, algo=hyperopt.tpe.suggest)
    return [sorted(trials.vals), len(best), kinds(trials.vals["p"][0])]


@case
def nodes_of_words(hyperopt):
    found = {}
    for name, node in every_word(hyperopt.hp).items():
        found[name] = [node.name, node.pos_args[0].name]
    return found


@case
def nodes_of_labels(hyperopt):
    dfs = part(hyperopt, "pyll").dfs
    labels = [
        node.pos_args[0].obj
        for node in dfs(part(hyperopt, "pyll").as_apply(nested(hyperopt.hp)))
        if node.name == "hyperopt_param"
    ]
    return sorted(labels)


@case
def arguments_of_nodes(hyperopt):
    node = hyperopt.hp.uniform("x", -1, 2)
    draw = node.pos_args[0].pos_args[1]
    return [
        draw.name,
        {k: v.obj for k, v in draw.arg.items() if hasattr(v, "obj")},
        sorted(draw.arg),
    ]


@case
def bounds_that_depend_on_another(hyperopt):
    hp = hyperopt.hp
    a = hp.uniform("a", 0, 1)
    space = {"a": a, "b": hp.uniform("b", 0, a + 1)}
    sample = part(hyperopt, "pyll.stochastic").sample
    return [
        error(lambda: kinds(minimise(hyperopt, lambda c: 1.0, space, 2)[0])),
        error(lambda: kinds(sample(space, rng=np.random.default_rng(0)))),
    ]


@case
def bounds_that_are_computed(hyperopt):
    scope = part(hyperopt, "pyll").scope
    return error(
        lambda: sampled(hyperopt, hyperopt.hp.randint("n", scope.int(1.5), scope.int(3.5)))
    )


# pyll.


@case
def scope_int(hyperopt):
    scope = part(hyperopt, "pyll").scope
    hp = hyperopt.hp
    best, trials = minimise(
        hyperopt,
        lambda c: float(isinstance(c["n"], int)),
        {"n": scope.int(hp.quniform("n", 1, 9, 1))},
        3,
    )
    return [
        kinds(best),
        trials.losses(),
        kinds(hyperopt.space_eval({"n": scope.int(hp.quniform("n", 1, 9, 1))}, best)),
    ]


@case
def scope_functions(hyperopt):
    pyll = part(hyperopt, "pyll")
    scope = pyll.scope
    nodes = {
        "dict": scope.dict(a=1),
        "int": scope.int(2.7),
        "float": scope.float(2),
        "len": scope.len([1, 2]),
        "max": scope.max(1, 3),
        "min": scope.min([4, 2]),
        "exp": scope.exp(0.0),
        "log": scope.log(1.0),
        "sqrt": scope.sqrt(4.0),
        "sin": scope.sin(0.0),
        "cos": scope.cos(0.0),
        "tan": scope.tan(0.0),
        "sum": scope.sum([1, 2]),
        "add": scope.add(1, 2),
        "mul": scope.mul(3, 4),
        "sub": scope.sub(5, 2),
        "pow": scope.pow(2, 3),
        "truediv": scope.truediv(1, 2),
        "floordiv": scope.floordiv(7, 2),
        "neg": scope.neg(2),
        "getitem": scope.getitem([1, 2, 3], 1),
        "identity": scope.identity("x"),
        "eq": scope.eq(1, 1),
        "lt": scope.lt(1, 2),
        "le": scope.le(2, 2),
        "gt": scope.gt(1, 2),
        "ge": scope.ge(1, 2),
        "range": scope.range(3),
        "repeat": scope.repeat(2, "x"),
        "str_join": scope.str_join("-", ["a", "b"]),
        "minimum": scope.minimum(1, 2),
        "maximum": scope.maximum(1, 2),
        "switch": scope.switch(1, "a", "b"),
        "asarray": scope.asarray([1, 2]),
        "array_union": scope.array_union([1, 2], [2, 3]),
        "bincount": scope.bincount([0, 1, 1]),
        "getattr": scope.getattr(1j, "imag"),
        "call_method": scope.call_method("a-b", "split", "-"),
        "call": scope.call(max, (1, 2), {}),
        "pos_args": scope.pos_args(1, "b"),
    }
    return {name: error(pyll.rec_eval, node) for name, node in nodes.items()}


@case
def scope_functions_give_kinds(hyperopt):
    pyll = part(hyperopt, "pyll")
    nodes = {"int": pyll.scope.int(np.float64(2.7)), "tuple": pyll.as_apply([1])}
    return {name: kinds(pyll.rec_eval(node)) for name, node in nodes.items()}


@case
def scope_list(hyperopt):
    scope = part(hyperopt, "pyll").scope
    return error(lambda: plain(part(hyperopt, "pyll").rec_eval(scope.list((1, 2)))))


@case
def scope_without_a_name(hyperopt):
    scope = part(hyperopt, "pyll").scope
    return error(lambda: scope.no_such_function)


@case
def scope_define(hyperopt):
    pyll = part(hyperopt, "pyll")

    @pyll.scope.define
    def twice_and_more(x, more=0):
        return 2 * x + more

    hp = hyperopt.hp
    space = pyll.scope.twice_and_more(hp.uniform("x", 0, 1), more=10)
    best, trials = minimise(hyperopt, lambda c: c, space, 3)
    return [
        twice_and_more(2),
        10 <= min(trials.losses()) <= 12,
        kinds(best),
        plain(hyperopt.space_eval(space, {"x": 0.5})),
    ]


@case
def scope_define_twice(hyperopt):
    pyll = part(hyperopt, "pyll")

    def defined_once(x):
        return x

    pyll.scope.define(defined_once)

    def defined_once(x):
        return x + 1

    return error(lambda: pyll.scope.define(defined_once) and None)


@case
def scope_define_over_a_known_name(hyperopt):
    pyll = part(hyperopt, "pyll")

    def uniform(x):
        return x

    return error(lambda: pyll.scope.define(uniform) and None)


@case
def scope_define_pure_and_info(hyperopt):
    pyll = part(hyperopt, "pyll")

    @pyll.scope.define_info(o_len=2)
    def a_pair_of(x):
        return x, x + 1

    @pyll.scope.define_pure
    def a_pure_one(x):
        return -x

    first, second = pyll.scope.a_pair_of(1)
    return [
        plain(pyll.rec_eval(first)),
        plain(pyll.rec_eval(second)),
        plain(pyll.rec_eval(pyll.scope.a_pure_one(3))),
        pyll.scope.a_pure_one(3).pure,
    ]


@case
def scope_undefine(hyperopt):
    pyll = part(hyperopt, "pyll")

    @pyll.scope.define
    def here_for_a_while(x):
        return x

    before = hasattr(pyll.scope, "here_for_a_while")
    pyll.scope.undefine(here_for_a_while)
    return [before, hasattr(pyll.scope, "here_for_a_while")]


@case
def arithmetic(hyperopt):
    pyll = part(hyperopt, "pyll")
    a = pyll.as_apply(7)
    nodes = {
        "add": a + 1,
        "radd": 1 + a,
        "sub": a - 1,
        "rsub": 1 - a,
        "mul": a * 2,
        "rmul": 2 * a,
        "truediv": a / 2,
        "rtruediv": 2 / a,
        "floordiv": a // 2,
        "rfloordiv": 15 // a,
        "pow": a**2,
        "rpow": 2**a,
        "neg": -a,
        "lt": a < 8,
        "le": a <= 7,
        "gt": a > 7,
        "ge": a >= 7,
    }
    return {name: error(pyll.rec_eval, node) for name, node in nodes.items()}


@case
def arithmetic_of_hyperparameters(hyperopt):
    hp = hyperopt.hp
    space = {
        "a": 1 + hp.lognormal("a", 0, 1),
        "b": -hp.uniform("b", 0, 1),
        "c": 10 ** hp.uniform("c", 0, 1),
    }
    best, _ = minimise(hyperopt, lambda c: 1.0, space, 1)
    config = hyperopt.space_eval(space, {"a": 1.0, "b": 0.5, "c": 0.0})
    return [kinds(best), plain(config)]


@case
def equality_of_nodes(hyperopt):
    pyll = part(hyperopt, "pyll")
    a, b = pyll.as_apply(1), pyll.as_apply(1)
    return [a == b, a == a, len({a, b})]


@case
def indexing_by_a_choice(hyperopt):
    hp = hyperopt.hp
    pyll = part(hyperopt, "pyll")
    options = pyll.as_apply(["a", "b", "c"])
    space = options[hp.randint("i", 3)]
    return [sampled(hyperopt, space), plain(hyperopt.space_eval(space, {"i": 2}))]


@case
def indexing_of_nodes(hyperopt):
    pyll = part(hyperopt, "pyll")
    node = pyll.as_apply((1, 2, 3))
    return [
        plain(pyll.rec_eval(node[1])),
        len(node),
        [plain(pyll.rec_eval(each)) for each in node],
        error(lambda: node[3]),
        error(lambda: pyll.rec_eval(pyll.as_apply({"a": 1})["a"])),
        error(len, pyll.scope.int(3)),
    ]


@case
def switch_evaluates_one_option(hyperopt):
    pyll = part(hyperopt, "pyll")
    node = pyll.scope.switch(0, 1, pyll.scope.Raise(ValueError, "never"))
    return [
        error(pyll.rec_eval, node),
        error(pyll.rec_eval, pyll.scope.switch(1, 1, pyll.scope.Raise(ValueError, "now"))),
    ]


@case
def switch_out_of_range(hyperopt):
    pyll = part(hyperopt, "pyll")
    return error(pyll.rec_eval, pyll.scope.switch(5, 1, 2)).startswith("raises")


@case
def switch_by_a_hyperparameter_of_ones_own(hyperopt):
    pyll, hp = part(hyperopt, "pyll"), hyperopt.hp
    space = pyll.scope.switch(hp.randint("which", 2), hp.uniform("x", 0, 1), hp.uniform("y", 2, 3))
    _, trials = minimise(hyperopt, lambda c: c, space, 20)
    return [
        sorted(trials.vals),
        len(trials.vals["which"]),
        all(0 <= v <= 3 for v in trials.losses()),
    ]


@case
def as_apply_of_containers(hyperopt):
    as_apply = part(hyperopt, "pyll").as_apply
    return {
        name: [as_apply(given).name, len(as_apply(given).pos_args), len(as_apply(given).named_args)]
        for name, given in {
            "list": [1, 2],
            "tuple": (1,),
            "dict": {"a": 1},
            "int": 1,
            "none": None,
            "text": "abc",
            "array": np.arange(3),
            "set": {1},
            "fn": len,
        }.items()
    }


@case
def as_apply_of_a_node(hyperopt):
    pyll = part(hyperopt, "pyll")
    node = pyll.as_apply([1])
    return [
        pyll.as_apply(node) is node,
        isinstance(node, pyll.Apply),
        isinstance(pyll.as_apply(3), pyll.Literal),
        pyll.as_apply(3).obj,
    ]


@case
def as_apply_evaluated(hyperopt):
    pyll = part(hyperopt, "pyll")
    given = {"l": [1, [2]], "t": (3,), "d": {"z": 1, "a": 2}, "e": [], "n": None}
    value = pyll.rec_eval(pyll.as_apply(given))
    return [plain(value), list(value)]


@case
def as_apply_of_bad_keys(hyperopt):
    pyll = part(hyperopt, "pyll")
    return [
        error(lambda: plain(pyll.rec_eval(pyll.as_apply({1: 2, 3: 4})))),
        error(lambda: plain(pyll.rec_eval(pyll.as_apply({(1, 2): 3})))),
    ]


@case
def as_apply_of_keys_of_several_kinds(hyperopt):
    pyll = part(hyperopt, "pyll")
    return error(lambda: plain(pyll.rec_eval(pyll.as_apply({1: 2, "a": 4}))))


@case
def rec_eval_with_a_memo(hyperopt):
    pyll = part(hyperopt, "pyll")
    x = pyll.as_apply(1)
    expr = x + 10
    memo = {x: 5}
    return [plain(pyll.rec_eval(expr, memo=memo)), plain(pyll.rec_eval(expr)), len(memo)]


@case
def rec_eval_of_no_node(hyperopt):
    pyll = part(hyperopt, "pyll")
    return [error(pyll.rec_eval, 3), error(pyll.rec_eval, [1, {"a": 2}])]


@case
def rec_eval_raises_what_functions_raise(hyperopt):
    pyll = part(hyperopt, "pyll")
    return [
        error(pyll.rec_eval, pyll.scope.int("x"), print_node_on_error=False),
        error(pyll.rec_eval, pyll.as_apply(1) / 0, print_node_on_error=False),
    ]


@case
def rec_eval_copies_inputs(hyperopt):
    pyll = part(hyperopt, "pyll")
    kept = [1]

    @pyll.scope.define
    def changes_its_input(x):
        x.append(2)
        return len(x)

    node = pyll.scope.changes_its_input(pyll.Literal(kept))
    return [
        plain(pyll.rec_eval(node, deepcopy_inputs=True)),
        kept[:],
        plain(pyll.rec_eval(node)),
        kept,
    ]


@case
def eval_of_nodes(hyperopt):
    pyll = part(hyperopt, "pyll")
    return plain((pyll.as_apply(2) * 3).eval())


@case
def clones(hyperopt):
    pyll = part(hyperopt, "pyll")
    x = hyperopt.hp.uniform("x", 0, 1)
    expr = pyll.as_apply([x, x])
    other = pyll.clone(expr)
    return [
        other is expr,
        other.pos_args[0] is other.pos_args[1],
        str(other) == str(expr),
        len(pyll.dfs(other)) == len(pyll.dfs(expr)),
    ]


@case
def clone_with_a_replacement(hyperopt):
    pyll = part(hyperopt, "pyll")
    x = pyll.as_apply(1)
    expr = x + 1
    return plain(pyll.rec_eval(pyll.clone(expr, memo={x: pyll.as_apply(41)})))


@case
def clone_merged(hyperopt):
    pyll = part(hyperopt, "pyll")
    expr = pyll.as_apply([pyll.as_apply(1) + 2, pyll.as_apply(1) + 2])
    return [
        len(pyll.dfs(expr)),
        len(pyll.dfs(pyll.clone_merge(expr))),
        plain(pyll.rec_eval(pyll.clone_merge(expr, merge_literals=True))),
    ]


@case
def depth_first(hyperopt):
    pyll = part(hyperopt, "pyll")
    expr = pyll.as_apply({"a": [1, 2], "b": 3})
    return [[node.name for node in pyll.dfs(expr)], len(pyll.dfs(hyperopt.hp.uniform("x", 0, 1)))]


@case
def topological_order(hyperopt):
    pyll = part(hyperopt, "pyll")
    order = pyll.toposort(pyll.as_apply(nested(hyperopt.hp)))
    place = {id(node): i for i, node in enumerate(order)}
    return [
        len(order),
        all(place[id(i)] < place[id(n)] for n in order for i in n.inputs()),
        order[-1].name,
    ]


@case
def printed_nodes(hyperopt):
    pyll = part(hyperopt, "pyll")
    return str(pyll.as_apply({"a": [1, 2.5], "b": "text"})).split("\n")


@case
def printed_spaces(hyperopt):
    x = hyperopt.hp.uniform("x", 0, 1)
    return str(part(hyperopt, "pyll").as_apply([x, x, hyperopt.hp.choice("c", ["a", x])])).split(
        "\n"
    )


@case
def inputs_of_nodes(hyperopt):
    pyll = part(hyperopt, "pyll")
    node = pyll.scope.call(max, [1, 2], kwargs=pyll.as_apply({"key": abs}))
    return [len(node.inputs()), len(node.pos_args), [name for name, _ in node.named_args]]


@case
def nodes_that_are_changed(hyperopt):
    pyll = part(hyperopt, "pyll")
    x = pyll.as_apply(1)
    node = x + 1
    node.replace_input(x, pyll.as_apply(5))
    first = plain(pyll.rec_eval(node))
    again = node.clone_from_inputs([pyll.as_apply(2), pyll.as_apply(3)])
    return [first, plain(pyll.rec_eval(again))]


@case
def nodes_that_are_pickled(hyperopt):
    pyll = part(hyperopt, "pyll")
    space = pickle.loads(pickle.dumps(pyll.as_apply(nested(hyperopt.hp))))
    return plain(hyperopt.space_eval(space, {"kind": 0, "x": 0.5}))


@case
def calling_nodes(hyperopt):
    pyll = part(hyperopt, "pyll")
    node = pyll.Literal(max)(1, 5)
    return error(pyll.rec_eval, node)


@case
def attributes_of_scope_are_nodes(hyperopt):
    pyll = part(hyperopt, "pyll")
    node = pyll.scope.uniform(0, 1)
    return [node.name, isinstance(node, pyll.Apply), len(node.pos_args)]


@case
def samples(hyperopt):
    sample = part(hyperopt, "pyll.stochastic").sample
    return kinds(sample(every_word(hyperopt.hp), rng=np.random.default_rng(0)))


@case
def samples_of_containers(hyperopt):
    sample = part(hyperopt, "pyll.stochastic").sample
    hp = hyperopt.hp
    space = [hp.uniform("x", 0, 1), {"c": hp.choice("c", [[1, 2]])}, (3,), "k"]
    return kinds(sample(space, rng=np.random.default_rng(0)))


@case
def samples_without_a_generator(hyperopt):
    sample = part(hyperopt, "pyll.stochastic").sample
    return error(lambda: kinds(sample(hyperopt.hp.uniform("x", 0, 1))))


@case
def samples_with_a_seed(hyperopt):
    sample = part(hyperopt, "pyll.stochastic").sample
    return [
        error(lambda: kinds(sample(hyperopt.hp.uniform("x", 0, 1), rng=3))),
        error(lambda: kinds(sample(hyperopt.hp.randint("x", 3), rng=np.random.RandomState(0)))),
    ]


@case
def samples_repeat_for_a_seed(hyperopt):
    sample = part(hyperopt, "pyll.stochastic").sample
    space = every_word(hyperopt.hp)
    one, two = (sample(space, rng=np.random.default_rng(5)) for _ in range(2))
    return one == two


@case
def samples_leave_the_space_as_it_is(hyperopt):
    sample = part(hyperopt, "pyll.stochastic").sample
    space = hyperopt.hp.uniform("x", 0, 1)
    before = str(space)
    sample(space, rng=np.random.default_rng(0))
    return str(space) == before


@case
def samples_of_scope(hyperopt):
    pyll, stochastic = part(hyperopt, "pyll"), part(hyperopt, "pyll.stochastic")
    rng = np.random.default_rng(0)
    nodes = {
        "uniform": pyll.scope.uniform(0, 1),
        "normal": pyll.scope.normal(0, 1),
        "randint": pyll.scope.randint(3),
        "sized": pyll.scope.uniform(0, 1, size=(3,)),
        "lognormal": pyll.scope.lognormal(0, 1),
        "categorical": pyll.scope.categorical([0.5, 0.5]),
        "one_of": pyll.scope.one_of("a", "a"),
        "choice": pyll.scope.choice(["a", "a"]),
    }
    return {
        name: error(lambda n=n: kinds(stochastic.sample(n, rng=rng))) for name, n in nodes.items()
    }


@case
def sample_is_reachable_from_the_package(hyperopt):
    return error(
        lambda: kinds(
            hyperopt.pyll.stochastic.sample(
                hyperopt.hp.randint("x", 2), rng=np.random.default_rng(0)
            )
        )
    )


@case
def expr_to_config(hyperopt):
    found = {}
    pyll_utils = part(hyperopt, "pyll_utils")
    pyll_utils.expr_to_config(part(hyperopt, "pyll").as_apply(nested(hyperopt.hp)), (True,), found)
    return {
        label: [sorted(each), each["node"].name, each["label"], len(each["conditions"])]
        for label, each in sorted(found.items())
    }


@case
def expr_to_config_conditions(hyperopt):
    found = {}
    pyll_utils = part(hyperopt, "pyll_utils")
    pyll_utils.expr_to_config(part(hyperopt, "pyll").as_apply(nested(hyperopt.hp)), (), found)
    return {
        label: sorted(
            [[c.op, c.name, c.val] for c in conjunction] for conjunction in each["conditions"]
        )
        for label, each in sorted(found.items())
    }


# What else scripts do.


@case
def bars_that_are_numbers(hyperopt):
    found = {}
    for given in (None, 0, 1):
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            found[str(given)] = error(
                lambda g=given: len(minimise(hyperopt, show_progressbar=g)[1])
            )
    return found


@case
def documents_of_an_interrupted_run(hyperopt):
    trials = hyperopt.Trials()

    def fn(x):
        if len(trials._dynamic_trials) == 2:
            raise KeyboardInterrupt
        return 1.0

    with contextlib.suppress(KeyboardInterrupt):
        minimise(hyperopt, fn, n=5, trials=trials)
    return [
        [d["state"] for d in trials._dynamic_trials],
        plain(trials._dynamic_trials[1]["result"]),
    ]


@case
def documents_that_wait_and_fill_max_evals(hyperopt):
    trials = hyperopt.trials_from_docs(
        [document(t, {"x": 0.5}, state=0, status="new") for t in range(2)]
    )
    return [
        error(lambda: plain(minimise(hyperopt, n=2, trials=trials)[0])),
        [d["state"] for d in trials.trials],
    ]


@case
def points_to_calculate_without_refresh(hyperopt):
    trials = part(hyperopt, "fmin").generate_trials_to_calculate([{"x": 0.5}, {"x": 0.25}])
    minimise(hyperopt, n=4, trials=trials)
    return [len(trials), trials.tids, plain(trials.vals["x"][:2])]


@case
def loop_of_no_trials(hyperopt):
    it = loop(hyperopt)
    it.run(0)
    return len(it.trials)


@case
def calls_of_early_stop_in_a_loop(hyperopt):
    calls = []

    def stop(trials, *args):
        calls.append(len(trials))
        return False, []

    it = loop(hyperopt, max_evals=5, early_stop_fn=stop)
    for _ in it:
        pass
    return [calls, len(it.trials)]


@case
def samples_with_an_old_generator(hyperopt):
    sample = part(hyperopt, "pyll.stochastic").sample
    rng = np.random.RandomState(0)
    return error(lambda: kinds(sample(every_word(hyperopt.hp), rng=rng)))


@case
def a_hyperparameter_in_and_out_of_a_choice(hyperopt):
    hp = hyperopt.hp
    x = hp.uniform("x", 0, 1)
    space = {"x": x, "c": hp.choice("c", [{"x": x}, 0])}
    _, trials = minimise(hyperopt, lambda c: 1.0, space, 20)
    return [len(trials.vals["x"]), len(trials.vals["c"])]


@case
def a_choice_used_twice(hyperopt):
    hp, seen = hyperopt.hp, []
    c = hp.choice("c", [{"y": hp.uniform("y", 0, 1)}, "b"])
    minimise(hyperopt, lambda s: seen.append(s["one"] == s["two"]) or 1.0, {"one": c, "two": c}, 8)
    return seen


@case
def a_choice_below_arithmetic(hyperopt):
    hp = hyperopt.hp
    space = 10 * hp.choice("c", [1, hp.randint("n", 2, 4)])
    best, trials = minimise(hyperopt, lambda v: v, space, 20)
    return [sorted({int(v) for v in trials.losses()}), sorted(best)]


@case
def best_with_an_empty_result(hyperopt):
    trials = three(hyperopt)
    trials.insert_trial_doc(document(3, {"x": 0.0}))
    trials.refresh()
    return error(lambda: trials.best_trial["tid"])


@case
def best_with_a_loss_of_none(hyperopt):
    trials = three(hyperopt)
    trials.insert_trial_doc(document(3, {"x": 0.0}, status="ok"))
    trials.refresh()
    return error(lambda: trials.best_trial["tid"])


@case
def documents_out_of_json(hyperopt):
    space = {"n": hyperopt.hp.randint("n", 5), "q": hyperopt.hp.quniform("q", 0, 8, 2)}
    documents = [document(t, {"n": float(t % 5), "q": 2 * (t % 5)}, loss=1.0) for t in range(25)]
    trials = hyperopt.trials_from_docs(documents)
    minimise(hyperopt, lambda c: 0.0, space, 27, trials=trials, algo=hyperopt.tpe.suggest)
    return [len(trials), kinds(trials.trials[-1]["misc"]["vals"])]


@case
def documents_with_tids_of_their_own(hyperopt):
    trials = hyperopt.trials_from_docs([document(t, {"x": 0.5}, loss=1.0) for t in (10, 20)])
    minimise(hyperopt, n=4, trials=trials)
    return [len(trials), trials.tids]


@case
def documents_with_the_next_tid(hyperopt):
    trials = hyperopt.trials_from_docs([document(1, {"x": 0.5}, loss=1.0)])
    minimise(hyperopt, n=2, trials=trials)
    return len(set(trials.tids)) == len(trials)


@case
def delete_all_before_a_run(hyperopt):
    trials = three(hyperopt)
    trials.delete_all()
    minimise(hyperopt, n=2, trials=trials)
    return trials.tids


@case
def results_of_other_mappings(hyperopt):
    from collections import OrderedDict

    def fn(x):
        return OrderedDict(status="ok", loss=np.float64(1.5), curve=np.arange(3), n=np.int64(2))

    _, trials = minimise(hyperopt, fn, n=1)
    (result,) = trials.results
    return [type(result).__name__, type(result["loss"]).__name__, plain(result)]


@case
def statuses_of_all_kinds(hyperopt):
    found = {}
    for status in hyperopt.STATUS_STRINGS:
        result = {"status": status, "loss": 1.0}
        found[status] = error(
            lambda r=result: plain(minimise(hyperopt, lambda x: dict(r), n=2)[1].statuses())
        )
    return found


@case
def objectives_that_raise_stop_iteration(hyperopt):
    trials = hyperopt.Trials()

    def fn(x):
        raise StopIteration

    return [error(minimise, hyperopt, fn, trials=trials), len(trials._dynamic_trials)]


@case
def a_threshold_that_is_whole(hyperopt):
    losses = iter([5, 3, 2])
    return plain(minimise(hyperopt, lambda x: next(losses), n=3, loss_threshold=4)[1].losses())


@case
def space_eval_of_none(hyperopt):
    space = nested(hyperopt.hp)
    return error(hyperopt.space_eval, space, {"kind": 0, "x": 0.5, "n": None, "deep": None})


@case
def space_eval_of_computed_spaces(hyperopt):
    scope, hp = part(hyperopt, "pyll").scope, hyperopt.hp
    space = {"n": scope.int(hp.quniform("n", 0, 9, 1)) + 1, "p": 2 ** hp.randint("p", 5)}
    return plain(hyperopt.space_eval(space, {"n": 3.0, "p": 4}))


@case
def trials_that_are_true(hyperopt):
    return [bool(three(hyperopt)), bool(hyperopt.Trials())]


@case
def a_run_inside_a_run(hyperopt):
    def fn(x):
        inner = hyperopt.Trials()
        minimise(hyperopt, lambda y: y + x, hyperopt.hp.uniform("y", 0, 1), 2, trials=inner)
        return min(inner.losses())

    return len(minimise(hyperopt, fn, n=2)[1])


@case
def a_class_around_fmin(hyperopt):
    class Search:
        def __init__(self):
            self.trials = hyperopt.Trials()
            self.space = {"x": hyperopt.hp.uniform("x", -1, 1)}

        def objective(self, config):
            return {"loss": config["x"] ** 2, "status": hyperopt.STATUS_OK, "config": config}

        def run(self, n):
            best, _ = minimise(hyperopt, self.objective, self.space, n, trials=self.trials)
            return hyperopt.space_eval(self.space, best)

    search = Search()
    best = search.run(3)
    return [search.trials.best_trial["result"]["config"] == best, len(search.trials)]


@case
def a_table_of_trials(hyperopt):
    _, trials = minimise(hyperopt, lambda c: 1.0, nested(hyperopt.hp), 4)
    rows = [
        {"loss": r["loss"], **{k: (v[0] if v else None) for k, v in m["vals"].items()}}
        for r, m in zip(trials.results, trials.miscs, strict=True)
    ]
    return [len(rows), sorted(rows[0])]


@case
def attachments_that_are_read_after_a_pickle(hyperopt):
    def fn(x):
        return {"loss": x, "status": "ok", "attachments": {"model": pickle.dumps([1, 2])}}

    _, trials = minimise(hyperopt, fn, n=2)
    again = pickle.loads(pickle.dumps(trials))
    return pickle.loads(again.trial_attachments(again.trials[1])["model"])


@case
def suggest_with_seeds_of_all_kinds(hyperopt):
    domain, trials = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1)), hyperopt.Trials()
    drawn = [
        hyperopt.rand.suggest([0], domain, trials, seed)[0]["misc"]["vals"]["x"][0]
        for seed in (5, np.int64(5), 2**31 - 2, 0)
    ]
    return [plain(drawn[0] == drawn[1]), len({float(x) for x in drawn})]


@case
def suggest_changes_no_trials(hyperopt):
    domain, trials = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1)), three(hyperopt)
    before = len(trials._dynamic_trials)
    for algo in (hyperopt.rand, hyperopt.tpe, hyperopt.anneal):
        algo.suggest([7], domain, trials, 1)
    return [len(trials._dynamic_trials) - before, trials.tids]


@case
def anneal_without_trials(hyperopt):
    domain = hyperopt.Domain(square, nested(hyperopt.hp))
    (one,) = hyperopt.anneal.suggest([0], domain, hyperopt.Trials(), 1)
    return [one["tid"], sorted(one["misc"]["vals"])]


@case
def keyword_arguments_of_suggest(hyperopt):
    domain, trials = hyperopt.Domain(square, hyperopt.hp.uniform("x", 0, 1)), hyperopt.Trials()
    return len(hyperopt.tpe.suggest(new_ids=[0], domain=domain, trials=trials, seed=1))


# utils.


@case
def utils_names(hyperopt):
    utils = part(hyperopt, "utils")
    names = words(
        """coarse_utcnow fast_isin get_most_recent_inds pmin_sampled use_obj_for_literal_in_memo
    working_dir temp_dir"""
    )
    return {name: hasattr(utils, name) for name in names}


@case
def utils_times(hyperopt):
    return kinds(part(hyperopt, "utils").coarse_utcnow())


@case
def utils_fast_isin(hyperopt):
    fast_isin = part(hyperopt, "utils").fast_isin
    return [
        plain(fast_isin(np.array([1, 2, 5]), np.array([2, 5, 7]))),
        plain(fast_isin(np.array([9]), np.array([1]))),
    ]


@case
def utils_most_recent(hyperopt):
    inds = part(hyperopt, "utils").get_most_recent_inds
    documents = [
        {"_id": 0, "version": 0},
        {"_id": 0, "version": 1},
        {"_id": 1, "version": 0},
        {"_id": 2, "version": 3},
        {"_id": 2, "version": 1},
    ]
    return plain(inds(documents))


@case
def utils_pmin(hyperopt):
    pmin = part(hyperopt, "utils").pmin_sampled
    shares = pmin(np.array([0.0, 10.0]), np.array([1.0, 1.0]))
    more = pmin(np.array([0.0, 0.1, 0.2]), np.ones(3), n_samples=50)
    return [plain(shares), len(more), round(float(more.sum()), 9)]


@case
def utils_literals_in_a_memo(hyperopt):
    pyll, utils = part(hyperopt, "pyll"), part(hyperopt, "utils")
    mark = object()
    expr = pyll.as_apply([pyll.Literal(mark), 1])
    memo = utils.use_obj_for_literal_in_memo(expr, "here", mark, {})
    return [len(memo), plain(pyll.rec_eval(expr, memo=memo))]


@case
def utils_folders(hyperopt):
    utils = part(hyperopt, "utils")
    with tempfile.TemporaryDirectory() as folder:
        before = Path.cwd()
        with utils.working_dir(folder):
            inside = Path.cwd() == Path(folder).resolve()
        made = Path(folder) / "a" / "b"
        with utils.temp_dir(str(made)):
            there = made.is_dir()
        other = Path(folder) / "c"
        with utils.temp_dir(str(other), erase_after=True):
            pass
        return [inside, Path.cwd() == before, there, made.is_dir(), other.exists()]


# Others.


@case
def criteria_values(hyperopt):
    criteria = part(hyperopt, "criteria")
    return {
        "EI_empirical": round(float(criteria.EI_empirical(np.array([1.0, 3.0]), 2.0)), 9),
        "EI_gaussian": round(float(criteria.EI_gaussian(0.5, 1.0, 0.0)), 9),
        "EI_gaussian_empirical": float(
            criteria.EI_gaussian_empirical(0.0, 1.0, 0.5, np.random.default_rng(0), 1000)
        )
        > 0,
        "logEI_gaussian": round(float(criteria.logEI_gaussian(0.5, 1.0, 0.0)), 6),
        "UCB": float(criteria.UCB(1.0, 4.0, 2.0)),
    }


@case
def mongo_and_ipython_are_importable(hyperopt):
    return [hasattr(part(hyperopt, "ipy"), "IPythonTrials")]


# Points and documents that are not of the space.


def evaluated(hyperopt, space, points, n=4, **options):
    """A run that begins with points; what it evaluated first, and its columns."""
    trials = part(hyperopt, "fmin").generate_trials_to_calculate(points)
    trials.refresh()
    seen = []
    minimise(hyperopt, lambda c: seen.append(plain(c)) or 1.0, space, n, trials=trials, **options)
    return seen[0], trials


@case
def points_with_active_labels_alone(hyperopt):
    space = nested(hyperopt.hp)
    first, trials = evaluated(hyperopt, space, [{"kind": 0, "x": 0.5}], 2)
    return [first, sorted(trials.vals), plain(trials.argmin)]


@case
def points_with_active_labels_alone_in_a_longer_run(hyperopt):
    space = nested(hyperopt.hp)
    first, trials = evaluated(hyperopt, space, [{"kind": 0, "x": 0.5}], 25)
    return [first, error(lambda: sorted(trials.vals)), len(trials)]


@case
def points_that_lack_a_value(hyperopt):
    space = {"x": hyperopt.hp.uniform("x", 0, 1), "y": hyperopt.hp.uniform("y", 0, 1)}
    return error(evaluated, hyperopt, space, [{"x": 0.5}]).startswith("raises")


@case
def points_with_a_label_of_nobody(hyperopt):
    space = {"x": hyperopt.hp.uniform("x", 0, 1)}
    return error(lambda: evaluated(hyperopt, space, [{"x": 0.5, "other": 3}], 2)[0])


@case
def points_with_inactive_labels(hyperopt):
    space = nested(hyperopt.hp)
    point = {"kind": 0, "x": 0.5, "n": 3.0, "deep": 1}
    first, trials = evaluated(hyperopt, space, [point], 2)
    return [first, plain(trials.argmin)]


@case
def points_of_numpy_numbers(hyperopt):
    space = {"n": hyperopt.hp.randint("n", 9), "c": hyperopt.hp.choice("c", ["a", "c"])}
    point = {"n": np.int64(3), "c": np.int64(1)}
    return plain(evaluated(hyperopt, space, [point], 2)[0])


@case
def columns_where_documents_lack_labels(hyperopt):
    documents = [document(0, {"x": 1.0, "y": 2.0}, loss=1.0), document(1, {"x": 1.0}, loss=1.0)]
    trials = hyperopt.trials_from_docs(documents)
    return [error(lambda: trials.vals), plain(trials.argmin)]


@case
def columns_where_later_documents_have_more_labels(hyperopt):
    documents = [document(0, {"x": 1.0}, loss=1.0), document(1, {"x": 1.0, "y": 2.0}, loss=1.0)]
    trials = hyperopt.trials_from_docs(documents)
    return error(lambda: trials.vals)


@case
def options_that_are_objects(hyperopt):
    class Model:
        def __init__(self, depth):
            self.depth = depth

    hp, seen = hyperopt.hp, []
    models = [Model(1), Model(2)]
    space = {"model": hp.choice("model", models), "fixed": Model(3), "array": np.ones((2, 2))}
    minimise(hyperopt, lambda c: seen.append(c) or 1.0, space, 3)
    return [
        all(c["model"] in models for c in seen),
        seen[0]["fixed"].depth,
        plain(seen[0]["array"]),
    ]


@case
def configurations_are_new_each_time(hyperopt):
    hp, seen = hyperopt.hp, []
    space = {"inner": {"x": hp.uniform("x", 0, 1), "k": {"deep": 1}}}

    def fn(c):
        seen.append(c["inner"]["k"].pop("deep"))
        return 1.0

    minimise(hyperopt, fn, space, 3)
    return seen


@case
def spaces_of_other_containers(hyperopt):
    from collections import OrderedDict, namedtuple

    Pair = namedtuple("Pair", "a b")
    hp, seen = hyperopt.hp, []
    space = OrderedDict(z=hp.uniform("x", 0, 1), a=Pair(1, 2), s={3})
    minimise(hyperopt, lambda c: seen.append([kinds(c), list(c)]) or 1.0, space, 1)
    return seen
