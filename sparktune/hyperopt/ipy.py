"""IPythonTrials is not here."""

from .absent import Absent

__all__ = ["IPythonTrials"]


class IPythonTrials(Absent):
    """Refuses: sparktune does not run trials on IPython clusters."""
