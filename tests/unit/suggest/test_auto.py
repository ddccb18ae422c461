"""The choice between methods."""

import numpy as np
from searches import BOWL, TREE

from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.auto import Auto
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.cma import CMA
from sparktune.suggest.tpe import TPE


def test_many_failures_do_not_send_it_back_to_the_initial_design():
    """After a thousand trials of which most failed, candidates still gather near the best."""
    space, rng = Space(BOWL), np.random.default_rng(0)
    history = History(space)
    for number, row in enumerate(space.sample(rng, 1000)):
        (trial,) = history.start([space.decode(row)], 0.0)
        lost = Outcome(Status.FAILED, error="lost")
        loss = Outcome(Status.OK, loss=float(((row - 0.4) ** 2).sum()))
        history.finish(trial.number, 0, lost if number % 3 else loss)
    batch = Auto().suggest(space, history, rng, 100, 3000)
    X = np.array([space.encode(values) for values in batch])
    assert X.std(0).max() < 0.15


def test_the_rule_of_auto():
    """Auto takes TPE for branches early and for thousands of trials, else the GP, then CMA-ES."""
    flat, branched = Space(BOWL), Space(TREE)

    def chosen(space, n, budget):
        rng = np.random.default_rng(0)
        history = History(space)
        for row in space.sample(rng, n):
            (trial,) = history.start([space.decode(row)], 0.0)
            history.finish(trial.number, 0, Outcome(Status.OK, loss=float(np.nansum(row**2))))
        return type(Auto().chosen(space, history, budget))

    assert chosen(flat, 30, 100) is Bayes
    assert chosen(flat, 999, 9000) is Bayes
    assert chosen(flat, 1000, 9000) is CMA
    assert chosen(branched, 39, 100) is TPE
    assert chosen(branched, 41, 100) is Bayes
    assert chosen(branched, 59, None) is TPE
    assert chosen(branched, 61, None) is Bayes
    assert chosen(branched, 4999, 9000) is Bayes
    assert chosen(branched, 5000, 9000) is TPE
