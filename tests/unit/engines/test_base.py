"""How an engine finds out what an objective wants to receive."""

import functools

from sparktune.engines.base import takes_trial


def test_how_an_objective_asks_for_its_trial():
    """Wrappers, partials and callables are asked whether they take `trial` as they are called."""

    def plain(config, trial):
        return 0.0

    @functools.wraps(plain)
    def narrow(config):
        return plain(config, None)

    @functools.wraps(plain)
    def wide(*args, **kwargs):
        return plain(*args, **kwargs)

    class Callable:
        def __call__(self, config, *, trial=None):
            return 0.0

    assert takes_trial(plain)
    assert not takes_trial(narrow)
    assert takes_trial(wide)
    assert takes_trial(Callable())
    assert not takes_trial(functools.partial(plain, trial="mine"))
    assert takes_trial(functools.partial(plain))
    assert not takes_trial(lambda trial: 0.0)
    assert not takes_trial(len)
