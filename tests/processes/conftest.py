"""What tests of several processes share."""

import subprocess

import pytest
from stores import KEY

from sparktune.storage.stores.signing import VARIABLE


@pytest.fixture(scope="module", autouse=True)
def quick_disk(no_waiting_for_the_disk):
    """Every test here runs without waiting for the disk."""


@pytest.fixture
def url(tmp_path):
    """A store in SQLite."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def key(monkeypatch):
    """A key, which every driver and worker of the test has."""
    monkeypatch.setenv(VARIABLE, KEY)


@pytest.fixture
def begin():
    """Starts a process, which is killed at the end, and whose lines are texts."""
    begun = []

    def start(words, **settings):
        process = subprocess.Popen(words, text=True, **settings)
        begun.append(process)
        return process

    yield start
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()
