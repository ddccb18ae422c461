"""Runs as a page that a server on this machine shows live: ``sparktune dashboard PATH|URL ...``.

Needs Starlette and uvicorn, the extra ``dashboard``; nothing else imports this room.
"""

from .serving import Dashboard
from .watching import Place, Source, Watcher

__all__ = ["Dashboard", "Place", "Source", "Watcher"]
