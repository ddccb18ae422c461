"""What has to leave this process: who is to blame where something cannot be pickled."""

import functools
import threading

import cloudpickle
import pytest

from sparktune.engines.base import RunSpec, Task
from sparktune.engines.shipping import Shipment
from sparktune.exceptions import UnpicklableObjective


def test_culprits_are_found_behind_wrappers_and_empty_cells():
    """What cannot be pickled is named through decorators; an unset variable does no harm."""
    lock = threading.Lock()

    def inner(config):
        return lock

    @functools.wraps(inner)
    def outer(config):
        return inner(config) or later

    with pytest.raises(UnpicklableObjective, match="'lock' of type lock"):
        Shipment(RunSpec(outer, "r"), cloudpickle)
    with pytest.raises(UnpicklableObjective, match=r"the configuration .*: it is a lock"):
        Shipment(RunSpec(len, "r"), cloudpickle).pack(Task(0, 0, lock, {}))
    later = 1
