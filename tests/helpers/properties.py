"""How many examples a test of a property draws: fewer where tests are to be quick."""

from hypothesis import settings

__all__ = ["examples", "limit"]

_FULL, _QUICK = 100, 25  # where a test says no number


def limit(full):
    """Draw as many examples as the full tests do, or the quick ones, without a deadline."""
    settings.register_profile("sparktune", max_examples=_FULL if full else _QUICK, deadline=None)
    settings.load_profile("sparktune")


def examples(count, quick=None, **more):
    """The settings of a test that draws ``count`` examples in the full tests.

    In quick ones it draws ``quick``, or a quarter.
    """
    if settings.default.max_examples < _FULL:
        count = quick or -(-count // 4)
    return settings(max_examples=count, **more)
