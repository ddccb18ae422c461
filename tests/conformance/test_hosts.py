"""The hosts of this machine keep what every host promises."""

import cloudpickle
import host_suite
from host_suite import *  # noqa: F403
from host_suite import HostKind

from sparktune import Trials

cloudpickle.register_pickle_by_value(host_suite)  # which processes would import
HOSTS = {
    "serial": HostKind(lambda _: Trials(), frozenset({"raises"})),
    "threads": HostKind(
        lambda _: Trials(parallelism=2, executor="threads"), frozenset({"raises", "side_by_side"})
    ),
    "processes": HostKind(lambda _: Trials(parallelism=2), frozenset({"records", "side_by_side"})),
}
