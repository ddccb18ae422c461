"""A run as one dict of plain JSON, by columns: what the report and the dashboard show."""

from __future__ import annotations

import time
from typing import Any

from ..cutting import cut
from ..history import History, Status, Trial
from ..importance import importance as importance_in
from ..space.tree import Space
from ..views.standing import Standing, word_of
from ..views.values import one_line, real_params
from .columns import columns_of, number_of, params_of
from .limits import NAME
from .literals import python_of

__all__ = ["FORMAT", "document_of", "importance_of"]

FORMAT = 1


def document_of(
    history: History | None,
    name: str = "run",
    *,
    about: str = "",
    standing: Standing | None = None,
    importance: dict[str, Any] | None = None,
    now: float | None = None,
) -> dict[str, Any]:
    """A run as it stands, in values that JSON has.

    ``format``, ``name``, ``about``, ``made`` (seconds since the epoch); ``state``, how it goes on,
    in words; ``facts``, pairs of a name and a text, beside what the page counts itself; ``counts``
    of trials by status; ``best``, null without one: ``number``, ``loss``, ``python`` (the
    configuration that the objective received), ``point`` (values by label, as
    ``points_to_evaluate`` takes them) and ``notes``; ``params``, see ``params_of``;
    ``importance``: ``shares`` (label, share, share where active, how often active), ``words`` and
    ``notes``, or ``shares`` null and ``why``; ``notes``, what was left out; and ``trials``, columns
    with one entry a trial, its number being the place:

    - ``begun``, seconds since the epoch, from which ``started`` counts; ``seconds``, null where
      unknown; ``attempt``;
    - ``status``, an index into ``statuses``; ``host`` and ``error``, into ``hosts`` and ``errors``
      (each with a ``line`` and a whole ``text``), null for none;
    - ``loss``, null for none;
    - ``results``: ``key``, ``numeric`` and ``values`` of each key that objectives returned;
    - ``reports``: number of the trial, its steps, their values;
    - ``apart``: number, and pairs of label and text, of trials of an earlier space.

    JSON has no nan and no infinities: they are the texts "NaN", "Infinity" and "-Infinity", and
    whole numbers from 2**53 on are texts as well. What is too long is cut; see limits.py. 10,000
    trials of 13 labels take 0.25 s, and 100,000 reports 0.15 s more.

    Args:
        history: the trials; None where none has begun.
        name: of the run, for people.
        about: where it is recorded, or the like.
        standing: says how it stands; None for the history alone.
        importance: of an earlier state of the history, where it was not worth a second to have it
            anew; see ``importance_of``.
        now: seconds since the epoch; None for the clock's.
    """
    standing = Standing(history) if standing is None else standing
    notes: list[str] = []
    columns, trials = columns_of(history, notes)
    return {
        "format": FORMAT,
        "name": cut(name, NAME),
        "about": cut(about, 2 * NAME),
        "made": time.time() if now is None else now,
        "state": standing.state,
        "facts": _facts(standing),
        "counts": {word: count for word, count in _counts(trials).items() if count},
        "best": None if history is None else _best(history, trials),
        "params": [] if history is None else params_of(history.space, trials),
        "importance": importance_of(history) if importance is None else importance,
        "notes": notes,
        "trials": columns,
    }


def _facts(standing: Standing) -> list[list[str]]:
    """What there is to say beside counts and the best loss, which the page has from the columns."""
    facts = [[name, text] for name, text in standing.facts if name not in ("trials", "best loss")]
    savings = standing.savings
    return [*facts, ["pruning", f"{savings}, an estimate"]] if savings else facts


def _counts(trials: list[Trial]) -> dict[str, int]:
    found = dict.fromkeys(map(word_of, Status), 0)
    for trial in trials:
        found[word_of(trial.status)] += 1
    return found


def _best(history: History, trials: list[Trial]) -> dict[str, Any] | None:
    best = history.best
    if best is None or best.number >= len(trials):
        return None
    notes: list[str] = []
    python, of_config = python_of("config", _configuration(best, history.space, notes))
    point, of_point = python_of("point", dict(best.values))
    return {
        "number": best.number,
        "loss": number_of(best.loss),
        "python": python,
        "point": point,
        "notes": [*notes, *of_config, *of_point],
    }


def _configuration(best: Trial, space: Space, notes: list[str]) -> Any:
    """What the objective received; of an expression that fails now, what would be computed."""
    try:
        return space.build(best.values, shows=True)
    except Exception as error:  # whatever an expression of the space raises
        kind = type(error).__name__
        notes.append(f"The configuration cannot be computed here ({kind}): these are its values.")
        return real_params(best, space)


def importance_of(history: History | None) -> dict[str, Any]:
    """The entry ``importance`` of a document; takes about a second."""
    if history is None:
        return {"shares": None, "why": "there are no trials yet"}
    try:
        found = importance_in(history)
    except ValueError as error:
        return {"shares": None, "why": one_line(str(error))}
    return {
        "shares": [
            [cut(each.label, NAME), each.share, each.where_active, each.active]
            for each in found.labels
        ],
        "words": found.words,
        "notes": list(found.notes),
    }
