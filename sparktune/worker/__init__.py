"""Workers: they evaluate trials that wait in a store."""

from .jobs import objectives_of
from .worker import Worker

__all__ = ["Worker", "objectives_of"]
