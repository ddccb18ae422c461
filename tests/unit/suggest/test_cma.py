"""CMA-ES: what its distribution learns."""

import numpy as np
import pytest
from searches import BOWL, run

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.cma import CMA

SIX = {f"x{i}": hp.uniform(f"x{i}", 0, 1) for i in range(6)}
ROTATION = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]


def ellipsoid(config):
    """A rotated valley a hundred times as long as it is wide."""
    z = ROTATION @ (np.array([config[f"x{i}"] for i in range(6)]) - 0.4)
    return float((100 ** np.linspace(0, 2, 6) * z**2).sum())


def drawn(history, suggester, m=400):
    """Latents of m candidates after a history."""
    batch = suggester.suggest(history.space, history, np.random.default_rng(0), m, None)
    return np.array([history.space.encode(values) for values in batch])


def test_it_learns_which_way_a_valley_runs():
    """A narrow rotated valley is followed to its end."""
    history = run(SIX, ellipsoid, 1600, 8, 0, CMA())
    assert history.best.loss < 1e-4


def test_only_ranks_count():
    """Any rising function of the losses gives the same candidates."""
    one = run(SIX, ellipsoid, 120, 8, 0, CMA())
    other = run(SIX, lambda config: -1 / (1e-3 + ellipsoid(config)), 120, 8, 0, CMA())
    np.testing.assert_array_equal(one.X, other.X)


def test_the_distribution_follows_from_the_history_alone():
    """Candidates after a copy of a history are those after it, pending trials notwithstanding."""
    history = run(SIX, ellipsoid, 100, 8, 0, CMA())
    copy = copied(Space(SIX), history)
    copy.start(
        [history.space.decode(row) for row in history.space.sample(np.random.default_rng(1), 5)],
        0.0,
    )
    np.testing.assert_array_equal(drawn(copy, CMA()), drawn(history, CMA()))


def copied(space, trials, late=()):
    """A history of a space with copies of trials, those with numbers ``late`` still pending."""
    history = History(space)
    for trial in trials:
        history.start([trial.values], 0.0)
        if trial.number not in late:
            history.finish(trial.number, 0, Outcome(Status.OK, loss=trial.loss))
    return history


def test_what_was_searched_before_does_not_matter():
    """Candidates are those of a search that begins anew: after more, fewer and late trials."""
    mixed = SIX | {"c": hp.choice("c", [0, 1, 2])}
    trials, space = list(run(mixed, ellipsoid, 300, 8, 0, CMA())), Space(mixed)
    for suggester, count, late in [
        (CMA(), 150, ()),
        (CMA(), 200, (20, 90, 199)),
        (CMA(), 200, ()),
        (CMA(), 300, (290,)),
        (CMA(), 300, (250,)),
        (CMA(sigma=0.1), 300, (290,)),
        (CMA(), 300, ()),
        (CMA(), 300, (297,)),
        (CMA(population=12), 300, ()),
        (CMA(after=40), 300, (30,)),
        (CMA(after=40), 120, ()),
        (CMA(), 15, ()),
    ]:
        again = drawn(copied(space, trials[:count], late), suggester, 200)
        anew = drawn(copied(Space(mixed), trials[:count], late), suggester, 200)
        np.testing.assert_array_equal(again, anew)


def test_a_generation_moves_the_distribution():
    """Nothing changes until a generation is complete; then its better half draws the mean."""
    space = Space({"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)})
    history = History(space)
    means = []
    points = [(0.5, 0.5)] * 4 + [(0.8, 0.5)] * 2 + [(0.2, 0.5)] * 2
    for x, y in points:
        (trial,) = history.start([{"x": x, "y": y}], 0.0)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=-x))
        if len(history) >= 4:
            means.append(drawn(history, CMA(n_startup_jobs=4, population=4, sigma=0.05)).mean(0))
    np.testing.assert_array_equal(means[:-1], [means[0]] * 4)
    assert means[-1][0] > means[0][0] + 0.02
    assert means[-1][1] == pytest.approx(0.5, abs=0.02)


def test_trials_of_another_method_say_where_to_begin():
    """Those before ``after`` are no generations, whatever they would teach."""
    history = run(SIX, ellipsoid, 200, 8, 0, CMA())
    X = drawn(history, CMA(sigma=0.02, after=200))
    best = history.space.encode(history.best.values)
    np.testing.assert_allclose(X.mean(0), best, atol=0.01)
    np.testing.assert_allclose(X.std(0), 0.02, rtol=0.3)
    assert not np.allclose(drawn(history, CMA(sigma=0.02)).std(0), 0.02, rtol=0.3)


def test_categories_come_to_favour_what_is_better():
    """The option of the better half is drawn most, yet each that is possible is drawn still."""
    space = {
        "c": hp.pchoice("c", [(0.4, "a"), (0.4, "b"), (0.2, "d"), (0.0, "never")]),
        "x": hp.uniform("x", 0, 1),
    }
    history = run(space, lambda config: config["x"] + (config["c"] != "d"), 80, 8, 0, CMA())
    X = drawn(history, CMA(), 600)
    counts = np.bincount(X[:, history.space.labels.index("c")].astype(int), minlength=4)
    assert counts[2] > 300
    assert min(counts[0], counts[1]) > 20
    assert counts[3] == 0


def test_a_label_of_few_values_does_not_freeze():
    """After hundreds of trials neighbouring values of a whole number are drawn still."""
    space = {"n": hp.randint("n", 20), "x": hp.uniform("x", 0, 1)}
    history = run(space, lambda config: abs(config["n"] - 13) + config["x"], 300, 10, 0, CMA())
    values = drawn(history, CMA(), 400)[:, history.space.labels.index("n")]
    assert {12.0, 13.0, 14.0} <= set(values)
    assert np.mean(values == 13) > 0.3


def test_trials_teach_only_what_they_have():
    """What no trial of the better branch has does not come to a point beside what they have."""
    space = Space(hp.choice("k", [{"x": hp.uniform("x", 0, 1)}, {"y": hp.uniform("y", 0, 1)}]))
    history = History(space)
    for row in space.sample(np.random.default_rng(0), 200):
        (trial,) = history.start([space.decode(row)], 0.0)
        k, x = trial.values["k"], trial.values.get("x", 0.0)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=10.0 * k + (x - 0.6) ** 2))
    X = drawn(history, CMA(), 600)
    spread = np.nanstd(X[:, [space.labels.index("x"), space.labels.index("y")]], axis=0)
    assert spread[1] > spread[0] / 2


def test_it_begins_anew():
    """A search that came to a point goes on elsewhere, and finds the lower of two minima."""

    def two(config):
        x = np.array([config["x"], config["y"]])
        return float(min(((x - 0.2) ** 2).sum(), ((x - 0.8) ** 2).sum() - 0.1))

    space = {"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)}
    history = History(Space(space))
    suggester, batch = CMA(n_startup_jobs=1, sigma=0.02), [{"x": 0.2, "y": 0.2}]
    while len(history) < 900:
        for trial in history.start(batch, 0.0):
            loss = two(trial.values)
            history.finish(trial.number, 0, Outcome(Status.OK, loss=loss))
        rng = np.random.default_rng(len(history))
        batch = suggester.suggest(history.space, history, rng, 6, None)
    assert history.best.loss < -0.099


def test_failed_trials_are_worse_than_all_others():
    """The distribution leaves a half of the space in which trials fail."""
    history = History(Space(BOWL))
    for row in history.space.sample(np.random.default_rng(0), 120):
        (trial,) = history.start([history.space.decode(row)], 0.0)
        if row[0] < 0.5:
            history.finish(trial.number, 0, Outcome(Status.FAILED, error="no"))
        else:
            history.finish(trial.number, 0, Outcome(Status.OK, loss=1.0))
    assert drawn(history, CMA())[:, 0].mean() > 0.6
