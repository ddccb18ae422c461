"""The room under the name hyperopt, in the process of a test and for as long as that takes."""

import contextlib
import sys

import sparktune.hyperopt

__all__ = ["take_away", "under_hyperopts_name"]


def take_away():
    """Undo install()."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "hyperopt"]:
        del sys.modules[name]


@contextlib.contextmanager
def under_hyperopts_name():
    """Install the room, and take it away again."""
    assert "hyperopt" not in sys.modules
    sparktune.hyperopt.install()
    try:
        yield sparktune.hyperopt
    finally:
        take_away()
