"""From a configuration back to the values of the labels.

A configuration is laid over the template. Hyperparameters take what lies on them, a choice the one
option that fits, an expression is solved for its label. What cannot be told at once is tried again
when more labels are known. An expression that gives the same for many values (``scope.int`` of a
real number) is solved by the value itself, or the nearest: any stands for that configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import isclose
from typing import Any, TypeAlias

import numpy as np

from ..checks import number
from ..exceptions import BadSearchSpace, InvalidTrial
from .expressions import Call, Node, evaluate
from .nodes import Choice, Param
from .sameness import ATOMS, same
from .solving import ANY_OF_MANY, preimages
from .tree import Space, unwrapped

__all__ = ["Inverse", "Misfit", "State", "alike"]

Path: TypeAlias = tuple[Any, ...]

_TRIED = 10_000  # values of a discrete label, for an expression that has no known inverse


class Misfit(Exception):  # noqa: N818 (no error of the user's, as long as another option fits)
    """A configuration does not fit a part of the template."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(text)
        self.path = path

    def sentence(self, what: str) -> str:
        """In one sentence, of something that has this place in it."""
        if not self.path:
            return str(self)
        return f"{what} does not fit the space at {_written(self.path)}: {self}"


@dataclass
class State:
    """How far a configuration is understood.

    Attributes:
        values: label to value, of what is known.
        later: nodes that could not be decided yet, with what lies on them and where.
        fitting: how many leaves of the template fit so far.
    """

    values: dict[str, int | float] = field(default_factory=dict)
    later: list[tuple[Node, Any, Path, bool]] = field(default_factory=list)
    fitting: int = 0

    def trial(self) -> State:
        """The same values, for an attempt."""
        return State(dict(self.values))

    def join(self, other: State) -> None:
        """Take over what an attempt found."""
        self.values = other.values
        self.later += other.later
        self.fitting += other.fitting


class Inverse:
    """Lays configurations over a space.

    Args:
        space: the space.
        given: values by label that are known beforehand, as their user gave them.

    Attributes:
        fixed: those of them that are values of their labels; a choice's are indices.
    """

    def __init__(self, space: Space, given: Mapping[str, Any]) -> None:
        self.space = space
        self.fixed: dict[str, int | float] = {}
        for label, raw in given.items():
            try:
                distribution = space.params[space.column[label]].distribution
                self.fixed[label] = distribution.check(unwrapped(raw), label)
            except ValueError:
                continue  # an option, or of no label that is active

    def known(self, label: str, state: State) -> int | float | None:
        """The value of a label, None as long as nobody knows."""
        return state.values.get(label, self.fixed.get(label))

    def take(self, param: Param, raw: Any, state: State) -> None:
        """Take what the user gave for a label: a value or an index, or else an option."""
        if param.label in self.fixed:
            self._set(param.label, self.fixed[param.label], (), state)
        elif not isinstance(param, Choice):
            self.fit(param, unwrapped(raw), (), state)
        else:
            try:
                self.fit(param, raw, (), state)
            except Misfit:
                if unwrapped(raw) is raw:
                    raise
                self.fit(param, unwrapped(raw), (), state)
        self.settle(state)

    def fit(self, part: Any, thing: Any, path: Path, state: State, strict: bool = False) -> None:
        """Lay a thing over a part of the template, and note what it tells.

        Args:
            part: of the template.
            thing: what lies there in the configuration.
            path: where.
            state: takes what is found; is of no use after a misfit.
            strict: whether numbers have to be of the same type, and lists no tuples.

        Raises:
            Misfit: it does not fit.
        """
        if isinstance(part, Choice):
            self._choose(part, thing, path, state, strict)
        elif isinstance(part, Param):
            try:
                value = part.distribution.check(thing, part.label)
            except ValueError as error:
                raise Misfit(path, str(error)) from None
            self._set(part.label, value, path, state)
        elif isinstance(part, Call):
            self._solve(part, thing, path, state)
        elif isinstance(part, dict):
            if not isinstance(thing, Mapping):
                raise Misfit(path, f"there is a dict in the space, but got {thing!r:.100}")
            for key, item in part.items():
                if key in thing:
                    self.fit(item, thing[key], (*path, key), state, strict)
            for key in part:
                if key not in thing:
                    raise Misfit((*path, key), f"the key {key!r} is missing")
            for key in thing:
                if key not in part:
                    raise Misfit((*path, key), f"the space has no key {key!r}")
        elif isinstance(part, (list, tuple)):
            kinds: Any = (list, tuple)
            if strict:
                kinds = list if isinstance(part, list) else tuple
            if not isinstance(thing, kinds) or len(thing) != len(part):
                what = f"a {type(part).__name__} of {len(part)}"
                raise Misfit(path, f"there is {what} in the space, but got {thing!r:.100}")
            for i, (item, its) in enumerate(zip(part, thing, strict=True)):
                self.fit(item, its, (*path, i), state, strict)
        elif alike(part, thing, strict):
            state.fitting += 1
        else:
            raise Misfit(path, f"there is {part!r:.100} in the space, but got {thing!r:.100}")

    def settle(self, state: State) -> None:
        """Try again what could not be decided, as long as that tells anything."""
        progress = True
        while state.later and progress:
            before, left = len(state.values), state.later
            state.later = []
            for item in left:
                self.fit(*item[:3], state, item[3])
            progress = len(state.values) > before or len(state.later) < len(left)

    def refuse_what_is_open(self, state: State) -> None:
        """Raise InvalidTrial where something could not be decided; the label is in the message."""
        for node, thing, path, _ in state.later:
            at = f" at {_written(path)}" if path else ""
            if isinstance(node, Choice):
                label, why = (
                    node.label,
                    f"several options of {node.label!r} are like {thing!r:.100}",
                )
            else:
                label = min(self._open(node, state), key=self.space.column.__getitem__, default="")
                why = f"{thing!r:.100} is computed by {node!r:.200}, which does not tell {label!r}"
            rule = "its index" if self._is_choice(label) else "its value"
            raise InvalidTrial(f"{why}{at}: give {label!r} {rule} as well, by its label")

    def _is_choice(self, label: str) -> bool:
        return isinstance(self.space.params[self.space.column[label]], Choice)

    def _set(self, label: str, value: int | float, path: Path, state: State) -> None:
        known = self.known(label, state)
        if known is not None and not isclose(known, value, rel_tol=1e-9, abs_tol=1e-12):
            raise Misfit(path, f"{label!r} is {known!r} elsewhere, but {value!r} here")
        state.values[label] = value if known is None else known
        state.fitting += 1

    def _choose(self, choice: Choice, thing: Any, path: Path, state: State, strict: bool) -> None:
        """Take the one option that is like a thing; those of the same types come first."""
        index = self.known(choice.label, state)
        if index is not None:
            state.values[choice.label] = index
            self.fit(choice.options[int(index)], thing, path, state, strict)
            return
        nearest: tuple[int, int, Misfit] | None = None
        for exactly in (True,) if strict else (True, False):
            fitting = []
            for i, option in enumerate(choice.options):
                if type(option) in ATOMS and not alike(option, thing, exactly):
                    continue
                attempt = state.trial()
                attempt.values[choice.label] = i
                try:
                    self.fit(option, thing, path, attempt, exactly)
                    self.settle(attempt)
                except Misfit as misfit:
                    if nearest is None or attempt.fitting > nearest[0]:
                        nearest = attempt.fitting, i, misfit
                else:
                    fitting.append(attempt)
            if len(fitting) == 1:
                state.join(fitting[0])
                return
            if fitting:
                state.later.append((choice, thing, path, strict))
                return
        raise _none_like(choice, thing, path, nearest)

    def _solve(self, call: Call, thing: Any, path: Path, state: State) -> None:
        """Find the label that an expression is computed from."""
        left = self._open(call, state)
        if not left:
            if not self._gives(call, thing, state):
                raise Misfit(path, f"{thing!r:.100} is not what {call!r:.200} gives")
            return
        found, misfit = self._solutions(call, thing, path, state)
        if not found and len(left) == 1:
            (label,) = left
            found = list(islice(self._tried(call, thing, label, state), 2))
            if not found and self._few(label):
                raise Misfit(path, f"{call!r:.200} never gives {thing!r:.100}")
        if not found and misfit is not None:
            raise Misfit(path, f"{call!r:.200} gives {thing!r:.100} for no value: {misfit}")
        if len(found) == 1:
            state.join(found[0])
        else:
            state.later.append((call, thing, path, False))

    def _solutions(
        self, call: Call, thing: Any, path: Path, state: State
    ) -> tuple[list[State], Misfit | None]:
        """Ways to fill the one argument that is open, by the inverse of a known function.

        Where there is none although the inverse is exact: why not.
        """
        places = [i for i, arg in enumerate(call.args) if self._open(arg, state)]
        if len(places) != 1 or any(self._open(arg, state) for arg in call.kwargs.values()):
            return [], None
        (place,) = places
        try:
            others = [
                None if i == place else self._computed(arg, state)
                for i, arg in enumerate(call.args)
            ]
        except BadSearchSpace:
            return [], None
        found: list[State] = []
        why: Misfit | None = None
        any_does = open_left = call.function in ANY_OF_MANY
        arg = call.args[place]
        tries = list(preimages(call.function, place, others, thing))
        if any_does and tries and isinstance(arg, Param) and not isinstance(arg, Choice):
            nearest = arg.distribution.latent(tries[0])
            tries.append(arg.distribution.value(nearest))  # within the bounds
        for before in tries:
            attempt = state.trial()
            try:
                self.fit(arg, before, path, attempt)
                self.settle(attempt)
            except Misfit as misfit:
                why = misfit
                continue
            if self._open(call, attempt):
                open_left = True
            elif self._gives(call, thing, attempt):
                found.append(attempt)
                if any_does:
                    break
        return found, None if open_left else why

    def _tried(self, call: Call, thing: Any, label: str, state: State) -> Iterator[State]:
        """Ways to set the one label that is open, by trying all its values where they are few."""
        distribution = self.space.params[self.space.column[label]].distribution
        for value in distribution.values() if self._few(label) else ():
            attempt = state.trial()
            attempt.values[label] = value
            if self._gives(call, thing, attempt):
                yield attempt

    def _few(self, label: str) -> bool:
        distribution = self.space.params[self.space.column[label]].distribution
        if not distribution.discrete:
            return False
        return len(list(islice(distribution.values(), _TRIED + 1))) <= _TRIED

    def _gives(self, call: Call, thing: Any, state: State) -> bool:
        """Whether an expression of known labels gives a thing, up to rounding."""
        try:
            computed = self._computed(call, state)
        except BadSearchSpace:
            return False
        if alike(computed, thing, strict=False):
            return True
        one, other = _number(computed), _number(thing)
        return one is not None and other is not None and isclose(one, other, rel_tol=1e-9)

    def _computed(self, part: Any, state: State) -> Any:
        """A part of the template of which all labels are known, evaluated."""

        def value_of(node: Any, descend: Any) -> Any:
            value = self.known(node.label, state)
            if isinstance(node, Choice):
                return descend(node.options[int(value or 0)])
            return value

        return evaluate(part, value_of)

    def _open(self, part: Any, state: State) -> set[str]:
        """The labels of a part of the template that are not known; none of untaken options."""
        if isinstance(part, Choice):
            index = self.known(part.label, state)
            if index is not None:
                return self._open(part.options[int(index)], state)
            return {part.label}.union(*(self._open(option, state) for option in part.options))
        if isinstance(part, Param):
            return {part.label} if self.known(part.label, state) is None else set()
        if isinstance(part, Call):
            part = (*part.args, *part.kwargs.values())
        elif isinstance(part, dict):
            part = part.values()
        elif not isinstance(part, (list, tuple)):
            return set()
        return set().union(*(self._open(item, state) for item in part))


def alike(part: Any, thing: Any, strict: bool) -> bool:
    """Whether a thing is the constant of a template: by value and type, or numbers by value."""
    if same(part, thing):
        return True
    if strict:
        return False
    one = _number(part)
    return one is not None and one == _number(thing)


def _number(thing: Any) -> float | None:
    """A number of Python's or numpy's as a float, None for anything else."""
    return number(thing) if isinstance(thing, (int, float, np.number)) else None


def _none_like(
    choice: Choice, thing: Any, path: Path, nearest: tuple[int, int, Misfit] | None
) -> Misfit:
    """That no option of a choice is like a thing; the nearest has so many leaves that fit."""
    text = f"{choice.label!r} has no option like {thing!r:.100}"
    if nearest is not None and len(nearest[2].path) > len(path):
        _, index, misfit = nearest
        why = f"the nearest is option {index}, but at {_written(misfit.path)} {misfit}"
        return Misfit(path, f"{text}; {why}")
    few = ", ".join(f"{option!r:.50}" for option in choice.options[:5])
    more = ", …" if len(choice.options) > 5 else ""
    last = len(choice.options) - 1
    return Misfit(path, f"{text}; it takes {few}{more}, or an index from 0 to {last}")


def _written(path: Path) -> str:
    return "".join(f"[{key!r:.50}]" for key in path)
