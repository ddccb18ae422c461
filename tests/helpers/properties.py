"""How many examples a test of a property draws: in the full tests what it says, else a quarter."""

from hypothesis import settings

__all__ = ["examples", "limit"]

_EXAMPLES = {"full": 100, "quick": 25}  # where a test says no number


def limit(kind):
    """Draw as many examples as the tests of a kind do, "full" or "quick", without a deadline."""
    settings.register_profile("sparktune", max_examples=_EXAMPLES[kind], deadline=None)
    settings.load_profile("sparktune")


def examples(count, **more):
    """The settings of a test that draws a number of examples in the full tests."""
    share = settings.default.max_examples / _EXAMPLES["full"]
    return settings(max_examples=max(1, round(count * share)), **more)
