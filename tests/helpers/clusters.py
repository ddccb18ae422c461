"""What tests of clusters share: states as if a cluster had run, and what the doctor found."""

import json
import subprocess
import sys

from sparktune.cluster.local import LocalCluster
from sparktune.cluster.state import Process, State


def write_state(folder, *processes, **fields):
    """As if a cluster had been started in the folder."""
    cluster = LocalCluster(folder=folder)
    folder.mkdir(exist_ok=True)
    fields = {"mark": "m", "boot": cluster.state.boot, "master": "spark://127.0.0.1:1", **fields}
    cluster.state = State(**fields, processes=processes)
    cluster._save()
    return cluster


def dead_process():
    """A process that is no more."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return Process("master", child.pid, 1, "master.log")


def checks(done):
    """What `doctor --json` found, by name."""
    return {each["name"]: each for each in json.loads(done.stdout)["checks"]}
