"""The hosts of this machine keep what every host promises."""

import cloudpickle
import host_suite
import pytest
from host_suite import *  # noqa: F403
from host_suite import HostKind

from sparktune import Trials

HOSTS = {
    "serial": HostKind(lambda _: Trials(), frozenset({"raises"})),
    "threads": HostKind(
        lambda _: Trials(parallelism=2, executor="threads"), frozenset({"raises", "side_by_side"})
    ),
    "processes": HostKind(lambda _: Trials(parallelism=2), frozenset({"records", "side_by_side"})),
}


@pytest.fixture(scope="module", autouse=True)
def suite_sent_by_value():
    """Objectives of the suite travel whole, so that no process has to import it."""
    cloudpickle.register_pickle_by_value(host_suite)
    yield
    cloudpickle.unregister_pickle_by_value(host_suite)
