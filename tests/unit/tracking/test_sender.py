"""Jobs for a server that may be away."""

import threading

import pytest

from sparktune.tracking import sender as module
from sparktune.tracking.sender import Refused, Sender


@pytest.fixture(autouse=True)
def no_waits(monkeypatch):
    """Tries follow each other at once."""
    monkeypatch.setattr(module, "_FIRST_WAIT", 0.0)
    monkeypatch.setattr(module, "_LONGEST_WAIT", 0.0)


def test_jobs_are_tried_until_they_are_taken():
    """A job that fails is done again, and counts once."""
    tries = []

    def job():
        tries.append(len(tries))
        if len(tries) < 5:
            raise OSError("away")

    sender = Sender(lambda: None, lambda: None)
    sender.start()
    sender.put(job)
    assert sender.drain(60)
    assert tries == [0, 1, 2, 3, 4]
    assert (sender.done, sender.left, sender.trouble) == (1, 0, None)
    sender.close(60)


def test_what_is_refused_is_not_tried_again():
    """A refused job is dropped, its reason kept, and the next one done."""
    done = []

    def refused():
        raise Refused("no such experiment")

    sender = Sender(lambda: None, lambda: None)
    sender.start()
    sender.put(refused)
    sender.put(lambda: done.append(1))
    assert sender.drain(60)
    assert (sender.done, sender.refused, sender.refusal) == (1, 1, "no such experiment")
    assert done == [1]
    sender.close(60)


def test_nothing_goes_before_the_first_job_or_after_the_last():
    """The first job is done alone, the last one when the sender is closed, in the same thread."""
    order, hold = [], threading.Event()

    def first():
        hold.wait(60)
        order.append(("first", threading.get_ident()))

    sender = Sender(first, lambda: order.append(("last", threading.get_ident())))
    sender.start()
    sender.put(lambda: order.append(("job", None)))
    assert sender.left == 1
    hold.set()
    assert sender.drain(60)
    sender.close(60)
    assert [name for name, _ in order] == ["first", "job", "last"]
    assert order[0][1] == order[2][1]


def test_jobs_that_take_long_hold_nothing_up(monkeypatch):
    """While the jobs of all threads hang, other threads do what comes after them."""
    hang, count = threading.Event(), module._THREADS
    sender = Sender(lambda: None, lambda: None)
    sender.start()
    for _ in range(count):
        sender.put(lambda: hang.wait(60))
    done = threading.Event()
    monkeypatch.setattr(module, "_STUCK", 0.0)
    sender.put(done.set)
    for _ in range(600):  # until there are threads for it
        sender.drain(0.1)
        if done.is_set() and sender.left == count:
            break
    assert done.is_set()
    assert sender.left == count
    hang.set()
    assert sender.drain(60)
    sender.close(60)


def test_waiting_ends_though_nothing_is_taken(wait_for):
    """Draining ends with its time, and closing drops what waits."""
    sender = Sender(lambda: None, lambda: None)
    never = threading.Event()
    sender.start()
    for _ in range(9):
        sender.put(lambda: never.wait(60))
    assert not sender.drain(0.0)
    assert sender.left == 9
    never.set()
    sender.close(60)
    wait_for(lambda: not sender.left)  # other threads end their jobs after the first one has ended
    assert sender.drain(60)


def test_without_the_first_job_nothing_is_waited_for():
    """Where the first job is refused, draining ends at once."""

    def refused():
        raise Refused("no")

    sender = Sender(refused, lambda: None)
    sender.start()
    sender.put(lambda: None)
    assert not sender.drain(60)
    assert sender.refusal == "no"
    sender.close(60)
