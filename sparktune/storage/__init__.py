"""A journal's files: a growing list of JSON records in a folder, written by one at a time."""

from .lock import WriterLock
from .segments import Segments, compact, read

__all__ = ["Segments", "WriterLock", "compact", "read"]
