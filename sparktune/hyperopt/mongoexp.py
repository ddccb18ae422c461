"""MongoTrials is not here."""

from .absent import Absent

__all__ = ["MongoTrials"]


class MongoTrials(Absent):
    """Refuses: sparktune has no workers on a MongoDB."""
