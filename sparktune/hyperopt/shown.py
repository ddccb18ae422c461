"""How live documents stand, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import markup
from ..history import STATUS_OK
from ..history.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
)
from ..plurals import plural
from ..views.standing import Grid
from ..views.text import TOP, lines_of
from ..views.values import digits, one_line
from .documents import Document

__all__ = ["page_of", "text_of"]

_STATES = {
    JOB_STATE_NEW: "new", JOB_STATE_RUNNING: "running", JOB_STATE_ERROR: "failed",
    JOB_STATE_CANCEL: "cancelled",
}  # fmt: skip


def text_of(name: str, documents: Sequence[Document]) -> str:
    """Documents as lines of text: how many there are of each kind, and the best.

    Args:
        name: of what holds them.
        documents: live ones, of any shape.
    """
    lines = [f"{name}: {_counts(documents)}"]
    best = _best(documents)
    return "\n".join([*lines, "", *lines_of(best)] if best.rows else lines)


def page_of(name: str, documents: Sequence[Document]) -> str:
    """Documents as HTML; see ``text_of``."""
    best = _best(documents)
    table = markup.table(best.headers, best.rows, best.left, first=True) if best.rows else ""
    return markup.block(markup.bold(f"{name}: {_counts(documents)}"), table)


def _counts(documents: Sequence[Document]) -> str:
    words = [_word(document) for document in documents]
    told = [f"{words.count(word)} {word}" for word in dict.fromkeys(sorted(words))]
    return f"{plural(len(words), 'trial')}: {', '.join(told)}" if told else "no trials yet"


def _word(document: Document) -> str:
    if document["state"] == JOB_STATE_DONE:
        return "ok" if document["result"].get("status") == STATUS_OK else "failed"
    return _STATES.get(document["state"], "in an unknown state")


def _loss(document: Document) -> float | None:
    loss: Any = document["result"].get("loss") if _word(document) == "ok" else None
    try:
        found = float(loss)
    except (TypeError, ValueError):
        return None
    return None if found != found else found


def _best(documents: Sequence[Document]) -> Grid:
    """The documents with the lowest losses; of a choice they have the index of its option."""
    found = [(loss, d) for d in documents if (loss := _loss(d)) is not None]
    best = sorted(found, key=lambda pair: pair[0])[:TOP]
    values = [
        {label: each[0] for label, each in d["misc"]["vals"].items() if len(each)} for _, d in best
    ]
    labels = list(dict.fromkeys(label for each in values for label in each))
    rows = [
        [str(d["tid"]), digits(loss, 6), *(_cell(each.get(label)) for label in labels)]
        for (loss, d), each in zip(best, values, strict=True)
    ]
    return Grid(["trial", "loss", *map(one_line, labels)], rows, frozenset())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return digits(value, 5) if isinstance(value, float) else one_line(str(value))
