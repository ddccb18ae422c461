"""Journals for tests, whose records are told apart by their numbers."""

import errno
import json

from disks import NoAppend, NoSync

from sparktune.storage.files import Files
from sparktune.storage.segments import Segments, read

DISKS = {
    "real": Files,
    "no append": NoAppend,
    "no append at write": lambda: NoAppend("write", errno.EINVAL),
    "no sync": NoSync,
}


def some(count, first=0):
    """So many records, told apart by their numbers."""
    return [{"kind": "some", "n": first + i, "value": 0.5 * i} for i in range(count)]


def written(folder, *counts, limit=4, **more):
    """A journal with as many appends, closed."""
    with Segments(folder, limit, **more) as journal:
        for count in counts:
            journal.append(some(count, journal.count))
    return folder


def opened(folder, limit=256, **more):
    journal = Segments(folder, limit, **more)
    journal.open()
    return journal


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def read_all(folder):
    """The numbers of the records, and whether the journal was closed."""
    reading = read(folder)
    return [each["n"] for each in reading], reading.closed


def journal_id(folder):
    return json.loads(next(iter(sorted(folder.iterdir()))).read_text().splitlines()[0])["id"]
