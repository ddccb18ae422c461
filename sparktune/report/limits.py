"""How much of a run a page takes in, so that no trial can make it too large to open.

====================  ================================================================
of                    at most
====================  ================================================================
a label, a name       200 characters
an option's name      200 characters, and 1,000 options; of more, those that were taken
an error              8,000 characters, the first 2,000 and the last 6,000
all errors            1,000,000 characters; of others one line each
results               20 keys; a value that is no number has 200 characters
reports               200,000; of more, each trial keeps its first, its last and some between
trials apart          the parameters of 1,000 trials of earlier spaces
the configuration     20,000 characters, each text in it 2,000
====================  ================================================================

What is cut ends with ``…`` or has a sentence in ``notes`` of the document.
"""

from __future__ import annotations

import reprlib
from typing import Any

from ..cutting import cut

__all__ = [
    "APART",
    "CONFIGURATION",
    "ERRORS",
    "NAME",
    "OPTIONS",
    "REPORTS",
    "RESULTS",
    "TEXT",
    "cut_inside",
    "described",
]

NAME = 200
OPTIONS = 1000
ERRORS = 1_000_000
RESULTS = 20
REPORTS = 200_000
APART = 1000
CONFIGURATION = 20_000
TEXT = 2000
_HEAD, _TAIL = 2000, 6000

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = NAME
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxdict = 12
_SHORT.maxlevel = 4


def cut_inside(text: str) -> str:
    """A long text without its middle, which is where a traceback says least."""
    missing = len(text) - _HEAD - _TAIL
    if missing <= 0:
        return text
    return f"{text[:_HEAD]}\n… {missing:,} characters are left out here …\n{text[-_TAIL:]}"


def described(thing: Any) -> str:
    """A short text of anything, made without writing all of it out."""
    if isinstance(thing, str):
        return cut(thing[: NAME + 1], NAME)
    try:
        text = _SHORT.repr(thing)
    except Exception:  # whatever a strange type raises
        text = f"a {type(thing).__name__}"
    return cut(text, NAME)
