"""What replicates tell of noise, and when a candidate is evaluated again."""

import functools

import numpy as np
import pytest
from searches import BOWL, bowl, run

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.auto import Auto
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.candidates import key_of
from sparktune.suggest.noise import is_exact, may_be_noisy, replicate_probability
from sparktune.suggest.recommended import recommended

LINE = {"x": hp.uniform("x", 0, 1)}


def recorded(*evaluations):
    """A history of these (x, loss)."""
    history = History(Space(LINE))
    for x, loss in evaluations:
        trial = history.start([{"x": x}], 0.0)[0]
        history.finish(trial.number, 0, Outcome(Status.OK, loss=loss))
    return history


def replicates(history):
    """Numbers of the trials whose candidate was evaluated before."""
    seen, found = set(), []
    for number, row in enumerate(history.X):
        if key_of(row) in seen:
            found.append(number)
        seen.add(key_of(row))
    return found


def rough(config):
    """A loss without noise that looks like noise: waves shorter than any distance of trials."""
    return sum((x - 0.4) ** 2 for x in config.values()) + 0.3 * np.sin(1e6 * sum(config.values()))


@functools.cache
def searched(suggester, kind):
    """96 trials of a bowl, by themselves, with noise, or with waves that look like it."""
    rng = np.random.default_rng(3)
    losses = {"exact": bowl, "noisy": lambda c: bowl(c) + rng.normal(0, 0.1), "rough": rough}
    return run(BOWL, losses[kind], 96, 8, 0, suggester)


@pytest.mark.parametrize(
    ("evaluations", "exact"),
    [
        ([(0.1, 1.0), (0.2, 2.0), (0.3, 3.0)], False),
        ([(0.1, 1.0), (0.2, 2.0), (0.1, 1.0)], False),
        ([(0.1, 1.0), (0.2, 2.0), (0.1, 1.0), (0.2, 2.0)], True),
        ([(0.1, 1.0), (0.2, 2.0), (0.1, 1.0), (0.1, 1.0 + 1e-9)], True),
        ([(0.1, 1.0), (0.2, 2.0), (0.1, 1.0), (0.1, 1.0), (0.2, 2.1)], False),
        ([(0.1, np.inf), (0.2, 2.0), (0.1, np.inf), (0.2, 2.0)], True),
    ],
)
def test_two_equal_replicates_prove_losses_exact(evaluations, exact):
    """Losses are exact once two replicates, of any candidates, agree and none differs."""
    assert is_exact(recorded(*evaluations)) == exact


def test_few_losses_do_not_tell_noise():
    """A learnt noise counts from the 40th loss on."""
    few, enough = (recorded(*((i / n, float(i)) for i in range(n))) for n in (39, 40))
    assert not may_be_noisy(few, 0.5)
    assert may_be_noisy(enough, 0.5)
    assert not may_be_noisy(enough, 0.009)


def test_replicates_wait_for_the_second_half():
    """Candidates are evaluated again once half of the budget is spent, or at half the rate."""
    history = recorded(*((i / 10, float(i)) for i in range(10)))
    assert [replicate_probability(0.2, history, budget) for budget in (21, 20, None)] == [
        0.0, 0.2, 0.1,
    ]  # fmt: skip


def test_exact_losses_are_never_evaluated_again():
    """Where losses have no noise and are smooth, no trial is spent on a replicate."""
    assert not replicates(searched(Bayes(), "exact"))


@pytest.mark.parametrize(
    "suggester", [Bayes(), pytest.param(Auto(), marks=pytest.mark.full)], ids=["gp", "auto"]
)
def test_noisy_losses_are_evaluated_again(suggester):
    """In the second half, some trials repeat candidates that are believed to be good."""
    history = searched(suggester, "noisy")
    again = replicates(history)
    assert 3 <= len(again) <= 24
    assert min(again) >= 48
    believed = [bowl(history[number].values) for number in again]
    assert np.median(believed) < 0.05


@pytest.mark.full
def test_no_replicates_where_none_are_wanted():
    """A share of 0 leaves every candidate new."""
    assert not replicates(searched(Bayes(replicate_share=0.0), "noisy"))


def test_equal_replicates_end_replication():
    """A loss that only looks noisy is evaluated again a few times; then its lowest is believed."""
    history = searched(Bayes(), "rough")
    assert 2 <= len(replicates(history)) <= 9  # one batch may hold several
    found = recommended(history)
    assert found.number == found.luckiest.number == history.best.number
    assert found.low == found.mean == found.high == history.best.loss
