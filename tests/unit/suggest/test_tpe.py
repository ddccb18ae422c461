"""The tree-structured Parzen estimator: what it learns, and what it never proposes."""

import numpy as np
import pytest
from searches import run

from sparktune import fmin, hp, tpe
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.random import Random
from sparktune.suggest.tpe import TPE, improvements


@pytest.mark.parametrize("seeds", [range(1), pytest.param(range(1, 10), marks=pytest.mark.full)])
def test_the_saddle_is_minimised_for_all_of_ten_seeds(saddle, seeds):
    """200 evaluations of a² - b² reach -3.95 with every seed."""
    best = [
        run(saddle, lambda c: c["a"] ** 2 - c["b"] ** 2, 200, 1, seed).best.loss for seed in seeds
    ]
    assert max(best) <= -3.95


def test_batches_learn_too(saddle):
    """Batches of eight from one refit reach -3.9 within 120 evaluations."""
    best = [
        run(saddle, lambda c: c["a"] ** 2 - c["b"] ** 2, 120, 8, seed).best.loss
        for seed in range(5)
    ]
    assert max(best) <= -3.9


def test_joint_kernels_follow_a_diagonal():
    """After trials that are good on a diagonal only, l(x) follows it, and so do the candidates."""
    space = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)])
    rng = np.random.default_rng(0)
    history = History(space)
    for x, y in rng.random((400, 2)):
        (trial,) = history.start([{"x": x, "y": y}], 0.0)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=abs(x - y)))
    candidates = TPE().suggest(space, history, rng, 64, None)
    off = np.array([abs(c["x"] - c["y"]) for c in candidates])
    assert np.median(off) < 0.1
    good, _ = TPE().fit(space, history)
    assert np.corrcoef(good.sample(rng, 1000).T)[0, 1] > 0.7


def test_the_tree_is_modelled_as_declared():
    """Candidates concentrate on the better branch and on its good values."""
    space = {
        "m": hp.choice("m", [{"a": hp.uniform("a", 0, 1)}, {"b": hp.uniform("b", 0, 1)}, {"z": 0}])
    }

    def loss(config):
        config = config["m"]
        return abs(config["b"] - 0.7) if "b" in config else 1.0

    history = run(space, loss, 120, 4, 0)
    later = [history[i].values for i in range(60, 120)]
    in_b = [values for values in later if values["m"] == 1]
    assert len(in_b) > 40
    assert np.median([abs(values["b"] - 0.7) for values in in_b]) < 0.1


@pytest.mark.parametrize("k", [1, 4, 7])
def test_a_finite_space_is_covered_without_repeats(k):
    """No point of a finite space is proposed twice while it has others; then points may repeat."""
    space = {
        "i": hp.randint("i", 4),
        "c": hp.choice("c", ["x", {"q": hp.quniform("q", 0, 1, 0.5)}]),
    }
    history = run(space, lambda c: c["i"], 16, k, 0)
    keys = [tuple(sorted(trial.values.items())) for trial in history]
    assert len(set(keys[:16])) == 16
    assert len(run(space, lambda c: c["i"], 20, k, 0)) >= 20


def test_repeats_are_avoided_against_pending_and_failed_trials():
    """Points that are under way or have failed are not proposed again; cancelled ones may be."""
    space = Space(hp.randint("i", 6))
    history = History(space)
    outcomes = [None, Outcome(Status.FAILED), Outcome(Status.OK, loss=1.0), None]
    for i, outcome in enumerate(outcomes):
        (trial,) = history.start([{"i": i}], 0.0)
        if outcome is not None:
            history.finish(trial.number, 0, outcome)
    (cancelled,) = history.start([{"i": 5}], 0.0)
    history.finish(cancelled.number, 0, Outcome(Status.CANCELLED))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        candidates = TPE(n_startup_jobs=1).suggest(space, history, rng, 2, None)
        assert sorted(c["i"] for c in candidates) == [4, 5]


def test_a_branch_that_is_exhausted_gives_way():
    """A discrete branch is not repeated while another branch is continuous."""
    space = hp.choice("m", [{"i": hp.randint("i", 2)}, {"x": hp.uniform("x", 0, 1)}])
    history = run(space, lambda c: 0.0 if "i" in c else 1.0, 40, 4, 0)
    keys = [tuple(sorted(trial.values.items())) for trial in history]
    assert len(set(keys)) == 40


def test_failed_trials_are_not_losses():
    """Failed trials belong to neither density."""
    space = Space(hp.uniform("x", 0, 1))
    histories = []
    for with_failures in (False, True):
        history = History(space)
        for i in range(30):
            (trial,) = history.start([{"x": (i + 0.5) / 30}], 0.0)
            history.finish(trial.number, 0, Outcome(Status.OK, loss=float(i)))
        if with_failures:
            for _ in range(30):
                (trial,) = history.start([{"x": 0.01}], 0.0)
                history.finish(trial.number, 0, Outcome(Status.FAILED))
        histories.append(history)
    (l1, g1), (l2, g2) = (TPE().fit(space, history) for history in histories)
    at = np.linspace(0, 1, 9)[:, None]
    np.testing.assert_array_equal(l1.log_prob(at), l2.log_prob(at))
    np.testing.assert_array_equal(g1.log_prob(at), g2.log_prob(at))


def test_everything_failing_stays_random():
    """With nothing but failures the search goes on drawing from the prior."""
    history = run({"x": hp.uniform("x", 0, 1)}, lambda c: None, 60, 4, 0)
    drawn = np.array([trial.values["x"] for trial in history])
    assert drawn.min() < 0.1
    assert drawn.max() > 0.9


def test_the_budget_shortens_the_start_up():
    """With a budget of 12, four random trials come before the first fit."""
    space = Space(hp.uniform("x", 0, 1))
    history = run({"x": hp.uniform("x", 0, 1)}, lambda c: c["x"], 4, 1, 0)
    cold = TPE().suggest(space, history, np.random.default_rng(0), 50, None)
    warm = TPE().suggest(space, history, np.random.default_rng(0), 50, 12)
    assert np.mean([c["x"] for c in warm]) < np.mean([c["x"] for c in cold]) - 0.1


def test_kernels_narrow_towards_the_end_of_the_budget():
    """With the budget almost spent the kernels are narrower than with half of it left."""
    space = Space([hp.uniform(f"x{i}", 0, 1) for i in range(4)])
    history = run(space.template, lambda c: sum((x - 0.4) ** 2 for x in c), 40, 4, 0)

    def spread(budget, **settings):
        rng = np.random.default_rng(0)
        candidates = TPE(**settings).suggest(space, history, rng, 200, budget)
        return np.std([c["x0"] for c in candidates])

    assert spread(40) < 0.8 * spread(80)
    assert spread(80) == spread(None) == spread(40, final_width=1)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("gamma", 0),
        ("gamma", True),
        ("branch_share", 1.5),
        ("bandwidth", 0),
        ("bandwidth_weight", -1),
        ("leave", 1),
        ("prior_weight", 2e9),
        ("final_width", 1.5),
        ("n_startup_jobs", 0),
        ("n_EI_candidates", 2.5),
        ("prior_weight", 0),
    ],
)
def test_settings_out_of_range_are_refused(setting, value):
    """A setting out of its range is refused with its name and value."""
    with pytest.raises(ValueError, match=f"{setting}.*{value}"):
        TPE(**{setting: value})


def test_suggest_answers_documents_of_hyperopts_shape(saddle):
    """tpe.suggest can be called as Hyperopt's is, and gives a document for each id."""
    from sparktune import Trials
    from sparktune.algo import Domain

    trials = Trials()
    fmin(lambda c: c["a"], saddle, max_evals=20, trials=trials, rstate=0, verbose=False)
    documents = tpe.suggest([20, 21], Domain(None, saddle), trials, 3, gamma=0.2)
    assert [document["tid"] for document in documents] == [20, 21]
    assert documents[1]["misc"]["idxs"] == {"a": [21], "b": [21]}
    assert -2 <= documents[0]["misc"]["vals"]["a"][0] <= 3
    assert len(trials) == 20


@pytest.mark.full
@pytest.mark.parametrize("word", [hp.normal, hp.lognormal])
def test_an_irrelevant_unbounded_label_stays_plausible(word):
    """A normal label that does not matter is not driven far beyond its prior."""
    space = {"x": word("x", 0, 1), "z": hp.uniform("z", 0, 1)}
    for seed in range(3):
        history = run(space, lambda c: (c["z"] - 0.3) ** 2, 150, 1, seed)
        assert np.abs(history.X[:, history.space.column["x"]]).max() < 4.5


@pytest.mark.full
def test_an_optimum_in_the_tail_of_a_normal_prior_is_found():
    """An optimum at two and a half deviations of a normal prior is reached all the same."""
    best = [
        run(hp.normal("x", 0, 1), lambda x: (x - 2.5) ** 2, 100, 1, seed).best.loss
        for seed in range(5)
    ]
    assert max(best) < 0.01


def test_gamma_takes_a_function_or_hyperopts_number():
    """Gamma is a function of the number of finished trials; a number is Hyperopt's rule."""
    assert [TPE()._good(n) for n in (1, 16, 80, 1000)] == [1, 4, 20, 25]
    assert [TPE(gamma=0.25)._good(n) for n in (16, 100, 10**6)] == [1, 3, 25]
    assert TPE(gamma=lambda n: n // 2)._good(10) == 5
    with pytest.raises(ValueError, match=r"gamma.*whole number.*0.*n = 1"):
        TPE(gamma=lambda n: n // 2)._good(1)


@pytest.mark.parametrize("count", [float("inf"), 10**400, 2.5, True, "3", None])
def test_gammas_that_give_no_count_are_refused(count):
    """What a gamma function returns has to be a whole number of at least 1."""
    with pytest.raises(ValueError, match=r"gamma.*whole number"):
        TPE(gamma=lambda n: count)._good(10)


def test_budgets_are_spent_by_failures_too():
    """Failed trials count as spent: the kernels narrow as they do without failures."""
    space = Space([hp.uniform(f"x{i}", 0, 1) for i in range(4)])
    history = run(space.template, lambda c: sum((x - 0.4) ** 2 for x in c), 40, 4, 0)
    for _ in range(40):
        (trial,) = history.start([dict.fromkeys(space.labels, 0.5)], 0.0)
        history.finish(trial.number, 0, Outcome(Status.FAILED))

    def spread(budget):
        candidates = TPE().suggest(space, history, np.random.default_rng(0), 200, budget)
        return np.std([c["x0"] for c in candidates])

    assert spread(80) < 0.8 * spread(160)


@pytest.mark.parametrize("exponent", [-50, -30, 60, 900])
def test_the_unit_of_the_loss_does_not_matter(exponent):
    """Losses times a power of two give the same candidates."""
    space = hp.uniform("x", 0, 1)
    first, second = (
        run(space, lambda x, e=e: (x - 0.4) ** 2 * 2.0**e, 40, 4, 0) for e in (0, exponent)
    )
    np.testing.assert_array_equal(first.X, second.X)


@pytest.mark.parametrize("worst", [1e308, 1.7e308])
def test_huge_losses_of_both_signs_are_taken(worst):
    """Losses whose differences overflow are weighted alike, without a warning."""
    history = run(hp.uniform("x", 0, 1), lambda x: worst if x > 0.3 else -worst, 60, 4, 0)
    assert len(history) == 60


def test_a_point_far_out_is_taken():
    """A point by hand at 1e160 deviations of a normal prior disturbs nothing."""
    space = Space(hp.normal("x", 0, 1))
    history = run(hp.normal("x", 0, 1), lambda x: x * x, 20, 4, 0)
    (trial,) = history.start([{"x": 1e160}], 0.0)
    history.finish(trial.number, 0, Outcome(Status.OK, loss=-1.0))
    candidates = TPE().suggest(space, history, np.random.default_rng(0), 8, None)
    assert all(np.isfinite(c["x"]) for c in candidates)


def test_an_unknown_setting_is_named(saddle):
    """tpe.suggest says which setting it does not have."""
    with pytest.raises(TypeError, match=r"no setting 'foo'; it has .*gamma"):
        tpe.suggest([0], None, None, 0, foo=3)


def test_settings_reach_tpe_through_partial(saddle):
    """All settings work through functools.partial(tpe.suggest, ...)."""
    from functools import partial

    algo = partial(
        tpe.suggest, gamma=lambda n: 3, n_startup_jobs=5, n_EI_candidates=4, prior_weight=0.5,
        branch_share=0.1, bandwidth=0.2, bandwidth_weight=1, leave=0.2, final_width=1,
        verbose=False,
    )  # fmt: skip
    best = fmin(lambda c: c["a"], saddle, algo=algo, max_evals=20, rstate=0, verbose=False)
    assert best["a"] < -1


def test_the_first_trials_cover_the_space(saddle):
    """The trials before the first fit are a Latin hypercube sample."""
    history = run(saddle, lambda c: c["a"], 48, 4, 0)
    for j, distribution in enumerate(history.space.distributions):
        strata = (distribution.position(history.X[:16, j]) * 16).astype(int)
        assert sorted(strata) == list(range(16))


@pytest.mark.full
def test_a_branch_is_tuned_before_it_is_given_up():
    """A branch that is worse unless tuned, and best if it is, is found by most runs."""
    space = hp.choice(
        "m",
        [{"a": hp.uniform("a", 0, 1)}, {"b": hp.uniform("b", 0, 1), "c": hp.uniform("c", 0, 1)}],
    )

    def loss(config):
        if "a" in config:
            return 0.3 + 0.1 * config["a"]
        return min(1.0, 5 * np.hypot(config["b"] - 0.2, config["c"] - 0.7))

    def finds(suggester):
        return sum(run(space, loss, 96, 8, s, suggester).best.loss < 0.3 for s in range(20))

    assert finds(TPE()) >= max(14, 2 * finds(Random()))


def test_batches_of_one_with_all_pools_or_none_in_a_branch():
    """Batches of one candidate work whether its pool is one of a branch or not."""
    space = hp.choice("m", [{"a": hp.uniform("a", 0, 1)}, {"b": hp.uniform("b", 0, 1)}])
    for share in (0.0, 1.0):
        history = run(space, lambda c: sum(c.values()), 40, 1, 0, TPE(branch_share=share))
        assert len(history) == 40


@pytest.mark.parametrize("scale", [1e300, 1.0, 1e-300, 1e-322])
def test_weights_are_finite_ratios_at_any_scale(scale):
    """Of huge and of tiny improvements the ratios count; their sums and shares are numbers."""
    weights = improvements(np.array([0.0, 2.0]) * scale, 3.0 * scale)
    assert weights[0] / weights[1] == pytest.approx(3, rel=0.1)
    total = 0.1 * weights.mean() + weights.sum()
    assert 0 < 1e-9 * weights.mean() / total < 1
