"""A study whose space was changed: what differs, and how its trials go on in the space as it is.

Options are matched by value (space/matching.py), labels by name, whatever their order. A trial fits
the new space where each label that is active in it there has a value: the recorded one, if the new
range or options have it, else the default that was given for the label. Labels that are gone are
left out. What fits teaches a search as before; what does not is kept apart (``History.changed``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import starmap
from typing import Any, NamedTuple, TypeAlias

from ..arithmetic import own_arithmetic
from ..checks import advise, number, one_of
from ..exceptions import BadSearchSpace
from ..plurals import plural
from ..space.described import is_recorded
from ..space.differences import differences, shown
from ..space.matching import matched, options_of, place_of
from ..space.nodes import Choice
from ..space.revived import revived
from ..space.tree import Space, Values
from .history import History
from .trial import Trial

__all__ = ["ON_CHANGE", "adapted", "checked_defaults", "go_on"]

ON_CHANGE = ("error", "keep", "adapt")
"""What can be done where a space was changed: ``on_change`` of ``go_on``."""


def go_on(
    history: History,
    new: Space,
    on_change: str = "error",
    defaults: Mapping[str, Any] | None = None,
) -> History:
    """The history in which a search of ``new`` goes on with the trials of another.

    Where the spaces do not differ that is the same history, in the new space. Where they do,
    ``on_change`` decides:

    * "error": it is refused, with a sentence for each difference.
    * "keep": the search goes on in the space of the history. Where that was read from a record, the
      functions and objects in it are taken from the given one; see ``space.revived``.
    * "adapt": it goes on in the new space, with all trials; see ``adapted``.

    Args:
        history: of the trials so far; it is changed, but by "adapt".
        new: the space that was given.
        on_change: one of the three.
        defaults: of labels that are new; see ``adapted``.

    Returns:
        The history to go on with, in whose ``space`` the search is to run.

    Raises:
        ValueError: ``on_change`` is none of the three.
        BadSearchSpace: the spaces differ, and "error" it is; or the choice cannot be followed.
    """
    one_of("on_space_change", on_change, ON_CHANGE)
    old = history.space
    if new is old:
        return history
    recorded, refused = is_recorded(old), ""
    if not recorded:
        try:
            history.adopt(new)
            return history
        except BadSearchSpace as error:
            refused = str(error)
    sentences = differences(old, new)
    if recorded and not sentences:
        history.move(new)  # adopt would compare what is alive with what has a name only
    elif on_change == "error":
        raise BadSearchSpace(
            f"these trials were made in another space: {'; '.join(sentences) or refused}. Use new "
            "trials, or the space that they were made in, or say what is to be done: "
            "on_space_change='adapt' goes on in the space as it is now, 'keep' in the one that "
            "they were made in"
        )
    elif on_change == "adapt":
        return adapted(history, new, defaults)
    elif recorded:
        history.move(revived(old, new))
    return history


@own_arithmetic
def adapted(history: History, new: Space, defaults: Mapping[str, Any] | None = None) -> History:
    """A history of the same trials in a changed space; the given one stays as it is.

    All trials are in it, with number, attempt, outcome and reports. Those that fit have their
    values there: they count, and teach. Those that do not are apart, with their own values and
    their own space, in ``Trial.apart``: they count for nothing, and those of them that had not
    ended are not begun again. A trial that an earlier change set apart comes back where it fits.
    Costs some 50 microseconds a trial.

    Args:
        history: of the trials so far.
        new: the space as it is now.
        defaults: by label: what earlier trials, which do not have it, count as having been run
            with. A value of the label's range; of a choice the option itself, or its index where
            no option is a number.

    Raises:
        BadSearchSpace: a label is new, active in trials that fit else, and without a default; or a
            default is none of its label's values. The message names the label.

    Warns:
        UserWarning: trials are kept apart; with their number and the labels because of which.
    """
    known = checked_defaults(defaults or {}, new)
    with history.lock:
        values, apart, lacking = _fitted(history, new, known)
        if lacking:
            raise BadSearchSpace(
                f"the space has new labels that earlier trials have no value for: "
                f"{', '.join(starmap(_lacking_in_words, lacking.items()))}; give what these trials "
                f"were run with as the default of each: defaults={{{next(iter(lacking))!r}: ...}}"
            )
        if apart:
            advise(_in_words(apart, len(history)))
        return history.changed(new, values)


def _lacking_in_words(label: str, numbers: list[int]) -> str:
    where = f"{plural(len(numbers), 'trial')}, such as {numbers[0]}"
    return f"{label!r} (active in {where if len(numbers) > 1 else f'trial {numbers[0]}'})"


def _fitted(
    history: History, new: Space, defaults: Values
) -> tuple[list[Values | None], list[tuple[Trial, str]], dict[str, list[int]]]:
    """Values of each trial; trials that do not fit with the label; labels without a value."""
    moves: dict[int, _Move] = {}
    values: list[Values | None] = []
    apart: list[tuple[Trial, str]] = []
    lacking: dict[str, list[int]] = {}
    for trial in history:
        if trial.reserved:
            values.append({})
            continue
        space = trial.space_in(history.space)
        if id(space) not in moves:
            moves[id(space)] = _Move(space, new, defaults)
        moved = moves[id(space)].of(trial.values)
        for label in moved.lacking:
            lacking.setdefault(label, []).append(trial.number)
        if moved.misfit is not None:
            apart.append((trial, moved.misfit))
        values.append(None if moved.misfit is not None else moved.values)
    return values, apart, lacking


class _Moved(NamedTuple):
    """A trial's values in another space.

    Attributes:
        values: there.
        misfit: the label because of which there are none; None where they fit.
        lacking: labels of which they have none; the others fit.
    """

    values: dict[str, int | float]
    misfit: str | None = None
    lacking: tuple[str, ...] = ()


class _Move:
    """From one space to another; ``defaults`` are values there."""

    def __init__(self, old: Space, new: Space, defaults: Values) -> None:
        self._defaults = defaults
        self._labels = [
            (
                label,
                tuple((new.labels[column], option) for column, option in new.parents[j]),
                _converter(old, new, label) if label in old.column else None,
            )
            for j, label in enumerate(new.labels)
        ]

    def of(self, values: Values) -> _Moved:
        """The values of a trial there."""
        found: dict[str, int | float] = {}
        lacking: list[str] = []
        for label, parents, convert in self._labels:
            if parents and not any(found.get(parent) == option for parent, option in parents):
                continue
            if convert is not None and label in values:
                value = convert(values[label])
                if value is None:
                    return _Moved({}, label)
                found[label] = value
            elif label in self._defaults:
                found[label] = self._defaults[label]
            elif convert is None:
                lacking.append(label)
            else:  # known, and it had no part in this trial
                return _Moved({}, label)
        return _Moved(found, None, tuple(lacking))


_Convert: TypeAlias = Callable[["int | float"], "int | float | None"]


def _converter(old: Space, new: Space, label: str) -> _Convert:
    """What gives the value of a label in the new space; None where that does not have it."""
    before, after = (space.params[space.column[label]] for space in (old, new))
    if isinstance(before, Choice) and isinstance(after, Choice):
        places = matched(old, new, label)
        return lambda index: places[int(index)]
    if isinstance(before, Choice):
        numbers = [_inside(new, label, option) for option in before.options]
        return lambda index: numbers[int(index)]
    if isinstance(after, Choice):
        return lambda number: _option_of(number, new, label)
    if before.distribution == after.distribution:
        return lambda number: number
    return lambda number: _inside(new, label, number)


def _inside(space: Space, label: str, value: Any) -> int | float | None:
    """A value, where the range of a label has it."""
    try:
        return space.distributions[space.column[label]].check(value, label)
    except ValueError:
        return None


def _option_of(value: int | float, space: Space, label: str) -> int | None:
    """The index of the option that is a number."""
    place = place_of(value, space, label)
    if place is None and float(value).is_integer():
        place = place_of(int(value) if isinstance(value, float) else float(value), space, label)
    return place


def checked_defaults(defaults: Mapping[str, Any], space: Space) -> dict[str, int | float]:
    """Defaults as values of a space; a choice has the index of its option.

    Raises:
        BadSearchSpace: a label that the space does not have, or a value that its label does not.
    """
    if not isinstance(defaults, Mapping):
        raise BadSearchSpace(f"defaults come as a dict by label, but got {shown(defaults)}")
    checked: dict[str, int | float] = {}
    for label, given in defaults.items():
        if label not in space.column:
            raise BadSearchSpace(
                f"there is a default for {shown(label)}, but the space has no such label; it has "
                f"{', '.join(map(repr, space.labels))}"
            )
        if isinstance(space.params[space.column[label]], Choice):
            checked[label] = _index_of(given, space, label)
            continue
        try:
            checked[label] = space.distributions[space.column[label]].check(given, label)
        except ValueError as error:
            raise BadSearchSpace(f"the default of {error}") from None
    return checked


def _index_of(given: Any, space: Space, label: str) -> int:
    place, options = place_of(given, space, label), options_of(space, label)
    if place is None and type(given) is int and 0 <= given < len(options):
        place = None if any(map(_is_number, options)) else given
    if place is None:
        raise BadSearchSpace(
            f"the default of {label!r} must be one of its options, but got {shown(given)}"
        )
    return place


def _is_number(option: Any) -> bool:
    return isinstance(option, bool) or number(option) is not None


def _in_words(apart: list[tuple[Trial, str]], count: int) -> str:
    because = Counter(label for _, label in apart)
    labels = ", ".join(f"{label!r}: {times}" for label, times in because.most_common(5))
    more = f" and {plural(len(because) - 5, 'other label')}" if len(because) > 5 else ""
    unended = sum(trial.outcome is None for trial, _ in apart)
    again = "is" if unended == 1 else "are"
    end = f"; {unended} of them had not ended and {again} not begun again" if unended else ""
    verb = "do" if len(apart) > 1 else "does"
    return (
        f"{len(apart)} of {plural(count, 'earlier trial')} {verb} not fit the space as it is now "
        f"(because of {labels}{more}): what does not stays in the record and counts for nothing"
        f"{end}"
    )
