"""The rules that end running trials, by their formulas."""

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from scipy.stats import wilcoxon as signed_rank

from sparktune import History, Outcome, Space, Status, hp, prune
from sparktune.prune.halving import _bracket, _passes_rung

SPACE = Space.of({"x": hp.uniform("x", 0, 1)})
NAN = float("nan")


def with_curves(*curves, ended=0):
    """A history of a trial for each curve, values at steps from 1; the first so many have ended."""
    history = History(SPACE)
    history.start([{"x": 0.5}] * len(curves), 0.0)
    for number, curve in enumerate(curves):
        reports = curve.items() if isinstance(curve, dict) else enumerate(curve, 1)
        for step, value in reports:
            history.report(number, 0, step, value)
    for number in range(ended):
        history.finish(number, 0, Outcome(Status.OK, loss=float(curves[number][-1])))
    return history


def stopped(rule, history, number=-1):
    return rule.stops(history, number % len(history))


@pytest.mark.parametrize(
    ("value", "others", "eta", "stops"),
    [
        (9.0, [], 3, False),  # the first to come
        (1.0, [2.0], 3, False),
        (2.0, [1.0], 3, True),
        (1.0, [1.0], 3, False),
        (2.0, [1.0, 3, 3, 3, 3], 3, False),  # 2 of 6 go on
        (2.0, [1.0, 1, 3, 3, 3], 3, True),
        (2.0, [1.0, 1, 3, 3, 3], 2, False),
        (NAN, [1.0], 3, True),
        (NAN, [NAN, NAN], 3, False),
        (5.0, [NAN, NAN], 3, False),
        (math.inf, [1.0], 3, True),
    ],
)
def test_asha_lets_the_best_of_a_rung_go_on(value, others, eta, stops):
    """Fewer than max(1, floor(n / eta)) of the n values at the step may be better."""
    history = with_curves(*([each] for each in others), [value])
    assert stopped(prune.asha(eta=eta), history) is stops


def test_asha_judges_once_a_rung():
    """A trial is judged at its first report at or past min_steps * eta**i, and at no other."""
    rule, good = prune.asha(min_steps=2, eta=2), dict.fromkeys(range(20), 0.0)
    for steps, judged in [
        (range(9), [2, 4, 8]),
        ([1, 3, 5, 7, 9], [3, 5, 9]),
        ([3, 1, 2, 3], [3]),  # back, and there again
        ([0, 9, 9, 10, 16], [9, 16]),
        ([-5, 0, 1], []),
    ]:
        curve, at = {}, []
        history = with_curves(good, {})
        for step in steps:
            history.report(1, 0, step, 1.0)
            if rule.stops(history, 1):
                at.append(step)
        assert at == judged, (list(steps), curve)
    assert not stopped(prune.asha(min_steps=2, eta=2, max_steps=4), with_curves(good, {4: 1.0}))
    assert stopped(prune.asha(min_steps=2, eta=2, max_steps=5), with_curves(good, {4: 1.0}))


def test_asha_compares_at_the_same_step_alone():
    """Trials that report at other steps are no rivals, however good they are."""
    assert not stopped(prune.asha(), with_curves({2: 0.0, 4: 0.0}, {3: 9.0}))
    assert stopped(prune.asha(), with_curves({3: 0.0}, {3: 9.0}))


@pytest.mark.parametrize("eta", [1.5, 2.0, 3.0, 4.0])
def test_rungs_are_whole_powers(eta):
    """Each rung is the smallest whole step at or past a power of eta, in spite of rounding."""
    rungs = {math.ceil(round(eta**i, 9)) for i in range(60)}
    found = {step for step in range(1, 3000) if _passes_rung(step - 1, step, 1, eta)}
    assert found == {rung for rung in rungs if rung < 3000}


def test_hyperband_compares_within_a_bracket():
    """Brackets begin to stop at later and later rungs, and know of their own trials only."""
    rule = prune.hyperband(min_steps=1, max_steps=9, eta=3)
    shares = rule._brackets(9)
    brackets = _bracket(np.arange(3000), shares)
    # the paper's n_s, before it rounds up: each bracket takes about as many steps
    np.testing.assert_allclose(
        np.bincount(brackets) / 3000, [9 / 16.5, 4.5 / 16.5, 3 / 16.5], atol=0.01
    )
    numbers = {bracket: np.flatnonzero(brackets == bracket)[:2] for bracket in range(3)}
    for bracket, (first, second) in numbers.items():
        curves = [{} for _ in range(second + 1)]
        curves[first] = dict.fromkeys(range(1, 10), 0.0)
        curves[second] = {}
        history = with_curves(*curves)
        at = []
        for step in range(1, 10):
            history.report(int(second), 0, step, 1.0)
            at += [step] if rule.stops(history, int(second)) else []
        assert at == [1, 3][bracket:]
    alone = with_curves(*[{1: 0.0}] * numbers[0][0], {1: 1.0})
    assert not stopped(prune.hyperband(max_steps=9), alone)  # all others are of other brackets


def test_hyperband_may_learn_the_length_of_trials():
    """Without max_steps it is the furthest step so far."""
    rule = prune.hyperband(eta=3)
    assert not rule.stops(with_curves({1: 0.0}, {1: 1.0}), 1)  # nobody came further than step 1
    assert rule._brackets(1) == (1.0,)
    history = with_curves(*[{1: 0.0, 2: 0.0}] * 4, {1: 1.0})
    assert rule.stops(history, 4)


@pytest.mark.parametrize(
    ("value", "others", "stops"),
    [
        (3.0, [1.0, 2.0, 3.0, 4.0, 5.0], False),  # two of five are better
        (3.5, [1.0, 2.0, 3.0, 4.0, 5.0], True),
        (9.0, [1.0, 2.0, 3.0, 4.0], False),  # too few
        (1.0, [1.0] * 5, False),
        (NAN, [1.0] * 5, True),
        (1.0, [NAN] * 5, False),
    ],
)
def test_the_median_rule(value, others, stops):
    """More than half of at least five finished trials have to be better at the step."""
    history = with_curves(*([each, 1.0] for each in others), [value], ended=len(others))
    assert stopped(prune.median(), history) is stops


def test_percentile_has_its_settings():
    """Only finished trials count, at steps from min_steps on, each `every` of them."""
    curves = [[float(i)] * 6 for i in range(8)]
    at = {}
    for name, rule in {
        "best quarter": prune.percentile(25),
        "late": prune.percentile(25, min_steps=3, every=2),
        "many": prune.percentile(25, startup=9),
    }.items():
        history = with_curves(*curves, {}, ended=8)
        at[name] = []
        for step in range(1, 7):
            history.report(8, 0, step, 2.5)
            at[name] += [step] if stopped(rule, history) else []
    assert at == {"best quarter": [1, 2, 3, 4, 5, 6], "late": [3, 5], "many": []}
    assert not stopped(prune.percentile(25), with_curves(*curves, [2.5]))  # none has ended
    assert not stopped(prune.percentile(25), with_curves(*curves, [1.5], ended=8))


def test_patient_waits_for_progress():
    """A trial stops when its last reports bring nothing, if the other rule agrees."""
    for curve, settings, stops in [
        ([3, 2, 1], {}, False),
        ([1, 2, 3], {}, True),
        ([1, 2], {}, False),  # too few
        ([2, 3, 1.9], {}, False),
        ([2, 3, 1.9], {"min_delta": 0.2}, True),
        ([NAN, NAN, NAN], {}, True),
        ([NAN, NAN, 5], {}, False),
        ([1, 2, 3], {"rule": lambda history, number: False}, False),
        ([1, 2, 3], {"rule": prune.threshold(upper=5)}, False),
        ([1, 2, 3], {"rule": prune.threshold(upper=2.5)}, True),
    ]:
        assert stopped(prune.patient(2, **settings), with_curves(curve)) is stops, (curve, settings)


def test_threshold_has_limits():
    """A value out of the limits ends a trial, and so does NaN; none before min_steps."""
    for value, settings, stops in [
        (1.0, {"upper": 1}, False),
        (1.1, {"upper": 1}, True),
        (-1.0, {"upper": 1}, False),
        (-1.0, {"lower": 0}, True),
        (NAN, {"lower": 0}, True),
        (9.0, {"upper": 1, "min_steps": 2}, False),
    ]:
        assert stopped(prune.threshold(**settings), with_curves([value])) is stops


def test_wilcoxon_is_the_signed_rank_test():
    """It stops where scipy's one-sided test of the folds in common says so."""
    rng = np.random.default_rng(0)
    answers = []
    for _ in range(60):
        best = rng.normal(size=10)
        mine = best[: rng.integers(2, 11)] + rng.normal(0.3, 0.5)
        mine = mine + rng.normal(0, 0.3, len(mine))
        history = with_curves(best.tolist(), mine.tolist(), ended=1)
        difference = mine - best[: len(mine)]
        p = signed_rank(difference, alternative="greater", zero_method="zsplit").pvalue
        expected = difference.mean() > 0 and p < 0.1
        assert stopped(prune.wilcoxon(), history) is bool(expected)
        answers.append(bool(expected))
    assert 10 < sum(answers) < 50


@pytest.mark.parametrize(
    ("mine", "best", "stops"),
    [
        ([0.02, 0.02, 0.0], [0.0] * 3, False),  # one in four
        ([0.06, 0.04, 0.02, 0.02], [0.0, 0.0, 0.0, 0.02], False),  # one in eight
        ([0.04, 0.02, 0.02, 0.02], [0.0] * 4, True),  # one in sixteen, with ties
        ([0.02] * 3 + [0.0], [0.0] * 3 + [0.02], False),
    ],
)
def test_wilcoxon_counts_few_folds_out(mine, best, stops):
    """Equal folds and ties do not make three folds enough, whatever SciPy is there."""
    history = with_curves(best, mine, ended=1)
    assert stopped(prune.wilcoxon(), history) is stops


@given(st.lists(st.sampled_from([-0.5, -0.25, 0.0, 0.25, 0.5, 0.75]), min_size=2, max_size=9))
def test_wilcoxon_is_exact_with_ties(differences):
    """Of few folds the p-value is the share of all signs with no smaller sum of ranks."""
    ranks = rankdata(np.abs(differences)) * (np.array(differences) != 0)
    sums = [ranks[list(map(bool, signs))].sum()
            for signs in itertools.product([0, 1], repeat=len(differences))]  # fmt: skip
    p = np.mean(np.array(sums) >= ranks[np.array(differences) > 0].sum())
    history = with_curves([0.0] * len(differences), differences, ended=1)
    for level in (0.05, 0.1, 0.2, 0.4):
        wanted = sum(differences) > 0 and p < level
        assert stopped(prune.wilcoxon(p=level), history) is bool(wanted)


def test_wilcoxon_needs_folds_in_common():
    """Folds may come in any order; those that the best trial has not are left out."""
    best = dict.fromkeys(range(5), 0.0)
    history = with_curves(best, {4: 1.0, 7: 9.0, 2: 1.0, 0: 1.0}, {9: 1.0})
    assert not stopped(prune.wilcoxon(), history)  # there is no best yet
    history.finish(0, 0, Outcome(Status.OK, loss=0.0))
    assert not stopped(prune.wilcoxon(), history, 1)  # three cannot be significant at 0.1
    assert stopped(prune.wilcoxon(p=0.2), history, 1)
    assert not stopped(prune.wilcoxon(p=0.2, startup=4), history, 1)
    assert not stopped(prune.wilcoxon(p=0.2), history, 2)
    history.report(1, 0, 1, 1.0)
    assert stopped(prune.wilcoxon(), history, 1)
    nan = with_curves([0.0] * 4, [NAN] * 4, [0.0] * 4, ended=1)
    assert stopped(prune.wilcoxon(), nan, 1)
    assert not stopped(prune.wilcoxon(), nan, 2)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: prune.asha(min_steps=0), "asha: `min_steps` must be a whole number >= 1"),
        (lambda: prune.asha(eta=1), "asha: `eta` must be a number > 1"),
        (lambda: prune.asha(3, max_steps=3), "asha: `max_steps` must be a whole number >= 4 or N"),
        (lambda: prune.asha(max_steps=0.5), "asha: `max_steps` must be a whole number >= 2 or N"),
        (lambda: prune.hyperband(max_steps=2, min_steps=3), "hyperband: `max_steps` must be a who"),
        (lambda: prune.percentile(0), "percentile: `percentile` must be a number above 0 and at m"),
        (lambda: prune.median(startup=0), "median: `startup` must be a whole number >= 1"),
        (lambda: prune.percentile(every=0), "percentile: `every` must be a whole number >= 1"),
        (lambda: prune.patient(0), "patient: `patience` must be a whole number >= 1"),
        (lambda: prune.patient(1, min_delta=-1), "patient: `min_delta` must be a number >= 0"),
        (lambda: prune.threshold(), "threshold: one of `upper` and `lower` must be given"),
        (lambda: prune.threshold(upper=1, lower=2), "threshold: `lower < upper` must hold, but go"),
        (lambda: prune.threshold("1"), "threshold: `upper` must be a number or None"),
        (lambda: prune.wilcoxon(p=0.6), "wilcoxon: `p` must be a number above 0 and at most 0.5"),
        (lambda: prune.wilcoxon(startup=1), "wilcoxon: `startup` must be a whole number >= 2"),
    ],
)
def test_settings_out_of_their_range(make, sentence):
    """A setting that makes no sense is refused with its rule and the value."""
    with pytest.raises(ValueError, match=sentence):
        make()


def test_what_a_pruner_may_be():
    """A rule, or a function; classes and strangers are refused by name."""
    function = prune.pruner_of(lambda history, number: number == 1)
    history = with_curves([1.0], [1.0])
    assert [prune.asked(function, history, n) for n in (0, 1)] == [False, True]
    assert prune.pruner_of(None) is None
    for wrong, sentence in [
        (prune.asha, r"takes a rule, not its class: asha\(...\)"),
        (prune.median, r"takes a rule, not its class: median\(...\)"),
        (functools.partial(prune.asha, eta=4), r"takes a rule, not its class: asha\(...\)"),
        ("asha", "must be a rule of sparktune.prune, such as asha"),
        (lambda history: True, r"a function \(history, number\) -> bool, but got <function"),
        (lambda a, b, c: True, r"a function \(history, number\) -> bool, but got <function"),
    ]:
        with pytest.raises(TypeError, match=sentence):
            prune.pruner_of(wrong)
    with pytest.raises(TypeError, match="`rule` must be a rule of sparktune"):
        prune.patient(1, rule=3)
    for fine in (prune.patient(1).stops, lambda *both: True, lambda h, n, more=1: True):
        assert prune.pruner_of(fine) is not None
    with pytest.raises(TypeError, match="must answer True or False for trial 1, but got None"):
        prune.asked(prune.pruner_of(lambda history, number: None), history, 1)
