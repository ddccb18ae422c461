"""What trials have to do with MLflow."""

from __future__ import annotations

import uuid
from typing import Any

from ..checks import real
from ..extras import lacking
from ..tracking.choice import checked_tracking, is_installed
from ..tracking.place import Place
from ..tracking.runs import log_all
from .view import View

__all__ = ["Tracked"]


class Tracked(View):
    """Trials whose runs MLflow may have.

    Attributes:
        tracking: as given; what the next run takes unless it has one of its own.
    """

    _place: Place | None = None
    _tracking: Any = None

    @property
    def tracking(self) -> Any:
        """Whether runs are logged to MLflow; see ``fmin``."""
        return self._tracking

    @tracking.setter
    def tracking(self, tracking: Any) -> None:
        self._tracking = checked_tracking(tracking)

    def place(self) -> Place:
        """Where MLflow has the runs of this search, or is to have them."""
        recorded = self._recorded_id()
        if self._place is None or (recorded and self._place.search != recorded[0]):
            search, is_shared = recorded or (uuid.uuid4().hex[:16], False)
            self._place = Place(search, recorded is not None, is_shared)
        return self._place

    def _recorded_id(self) -> tuple[str, bool] | None:
        """The id of the record of these trials, and whether others share it; None without one."""
        return None

    def log_to_mlflow(self, timeout: float = 600.0) -> int:
        """Log every trial that MLflow lacks, as a run with ``tracking`` would have.

        Runs that the search has there already are found again and completed. Their parent is the
        active run of MLflow, else the one that the search had, else a new one.

        Args:
            timeout: seconds that this may take, above 0.

        Returns:
            How many trials were logged.

        Raises:
            ImportError: MLflow is not installed.
            TrackingError: the server could not be reached in this time, or refused.
            ValueError: ``timeout`` is no number above 0.
        """
        seconds = real("timeout", timeout, "a number of seconds", above=0)
        if not is_installed():
            raise lacking("log_to_mlflow", "MLflow", "mlflow", name="mlflow")
        return log_all(self.place(), self.history, seconds)
