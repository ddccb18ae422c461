"""The record of a search: trials, what became of them, and their shapes for people."""

from .history import History
from .results import STATUS_FAIL, STATUS_OK
from .trial import ASIDE, ENDED, Outcome, Status, Trial

__all__ = ["ASIDE", "ENDED", "STATUS_FAIL", "STATUS_OK", "History", "Outcome", "Status", "Trial"]
