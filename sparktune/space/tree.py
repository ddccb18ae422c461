"""The search space: hyperparameters at the leaves of nested containers, and choices between them.

A choice's options may hold further hyperparameters, which are *active* only in candidates that took
the option. The whole tree is known before the first trial, so a surrogate can model every path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..arithmetic import own_arithmetic
from ..exceptions import BadSearchSpace, InvalidTrial
from ..plurals import plural
from ..unpickling import loads
from .distributions import Array, Distribution
from .drawn import Branch, branches, html_of, lines_of
from .encoder import Encoder
from .expressions import evaluate
from .hidden import Opaque
from .nodes import Choice, Param, Walk, constants_of, in_order
from .sameness import keep, same

__all__ = ["Choice", "Param", "Space", "Values", "unwrapped"]

Values: TypeAlias = Mapping[str, int | float]
"""Label to value, active labels only; a choice holds the index of its option."""

_Parents: TypeAlias = "frozenset[tuple[str, int]] | None"  # None: active in every candidate


class Space(Opaque):
    """A search space over a template of nested dicts, lists, tuples and nodes.

    Args:
        template: what the objective is to receive, with nodes in place of what is searched.

    Attributes:
        labels: all labels, a choice before everything that depends on it; in this order they are
            the columns of arrays of latents (see ``History.X``).
        params, distributions: the node and the distribution of each label.
        column: label to column.
        parents: for each label the (column, option) pairs any one of which activates it; empty
            where it is always active.
        forks: columns of the choices on which other labels depend.
        declared: the options of each choice as they were when the space was made, whatever an
            objective did to them since.

    Raises:
        DuplicateLabel: two different nodes carry one label.
        BadSearchSpace: no hyperparameter at all, or one in a place where it cannot be evaluated
            (the key of a dict, a set, any object; the message has the path to it), or an
            iterator, which only the first trial could go through.
    """

    def __init__(self, template: Any) -> None:
        self._read(template, declared=None)

    def _read(self, template: Any, declared: Mapping[str, Any] | None) -> None:
        """Take the template in; one that comes from a pickle, with what it declared, as it is."""
        self.template = template
        walk = Walk()
        try:
            walk.into(template, None)
        except RecursionError:
            raise BadSearchSpace("the space contains itself, or is nested too deeply") from None
        if declared is None:
            walk.refuse_what_is_not_searched(template)
        found, parents = walk.found, walk.parents
        if not found:
            raise BadSearchSpace(
                f"the space has no hyperparameter to search (no hp.… in it): {template!r:.200}"
            )
        if declared is None:
            choices = (param for param in found.values() if isinstance(param, Choice))
            declared = {choice.label: keep(choice.options) for choice in choices}
        self.declared = declared
        self.labels = tuple(in_order(found, parents))
        self.params = tuple(found[label] for label in self.labels)
        self.distributions: tuple[Distribution, ...] = tuple(p.distribution for p in self.params)
        self.column = {label: j for j, label in enumerate(self.labels)}
        self.parents = tuple(
            tuple((self.column[parent], option) for parent, option in sorted(parents[label] or ()))
            for label in self.labels
        )
        self.forks = tuple(sorted({column for pairs in self.parents for column, _ in pairs}))

    @classmethod
    def of(cls, template: Any) -> Space:
        """A template as a Space; one that is a Space already, as it is."""
        return template if isinstance(template, cls) else cls(template)

    def __getstate__(self) -> dict[str, Any]:
        import cloudpickle  # options may be functions or classes of a script

        try:
            return {"template": cloudpickle.dumps((self.template, self.declared))}
        except Exception:  # an option that has since let go of what cannot be pickled
            return {"template": cloudpickle.dumps((self.template, {}))}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._read(*loads(state["template"]))

    def __len__(self) -> int:
        """The number of labels."""
        return len(self.labels)

    def __repr__(self) -> str:
        return lines_of(self._heading, self._branches)

    def _repr_html_(self) -> str:
        return html_of(self._heading, self._branches)

    @property
    def _heading(self) -> str:
        return f"Space of {plural(len(self), 'label')}"

    @property
    def _branches(self) -> tuple[Branch, ...]:
        params = dict(zip(self.labels, self.params, strict=True))
        parents = {
            label: [(self.labels[column], option) for column, option in pairs]
            for label, pairs in zip(self.labels, self.parents, strict=True)
        }
        return branches(params, parents)

    def has_options_of(self, other: Space, label: str) -> bool:
        """Whether a label has the options here that another space declared, in the same places."""
        param = self.params[self.column[label]]
        if not isinstance(param, Choice):
            return True
        old = other.params[other.column[label]]
        declared = other.declared.get(label, old.options if isinstance(old, Choice) else ())
        return same(declared, param.options)

    @property
    def constants(self) -> tuple[tuple[Any, str | None, bool], ...]:
        """What configurations may hold that is neither a container nor a node: options and more.

        Each with the label of the innermost choice that it is in, None outside of all, and whether
        an expression receives it.
        """
        found: dict[int, tuple[Any, str | None, bool]] = {}
        constants_of(self.template, None, False, found, set())
        return tuple(found.values())

    def active(self, j: int, X: Array) -> NDArray[np.bool_]:
        """Which rows of ``X`` have label ``j`` active; needs the columns before ``j`` only."""
        if not self.parents[j]:
            return np.ones(len(X), bool)
        took = [X[:, parent] == option for parent, option in self.parents[j]]
        on: NDArray[np.bool_] = np.logical_or.reduce(took)
        return on

    def draw(self, pick: Callable[[int, NDArray[np.intp]], Array], size: int) -> Array:
        """Draw candidates from root to leaf: (size, d) latents, nan where a label is inactive.

        ``pick`` receives a column and the numbers of the candidates in which it is active, and
        gives their latents.
        """
        X = np.full((size, len(self)), np.nan)
        everyone = np.arange(size)
        for j in range(len(self)):
            rows = np.flatnonzero(self.active(j, X)) if self.parents[j] else everyone
            if len(rows):
                X[rows, j] = pick(j, rows)
        return X

    def mask(self, X: Array) -> Array:
        """Make nan, in place, what is inactive; asks for a latent in every other place of X."""
        for j in range(len(self)):
            if self.parents[j]:
                X[~self.active(j, X), j] = np.nan
        return X

    @own_arithmetic
    def sample(self, rng: Generator, size: int) -> Array:
        """Draw ``size`` candidates from the prior: (size, d) latents, nan where inactive."""
        return self.draw(lambda j, rows: self.distributions[j].sample(rng, len(rows)), size)

    @own_arithmetic
    def decode(self, row: Array) -> dict[str, int | float]:
        """The values of one row of latents."""
        each = zip(self.labels, self.distributions, row.tolist(), strict=True)
        return {label: distribution.value(z) for label, distribution, z in each if z == z}

    @own_arithmetic
    def encode(self, values: Values) -> Array:
        """The (d,) row of latents of one candidate's values, nan where inactive."""
        row = np.full(len(self), np.nan)
        for label, value in values.items():
            j = self.column[label]
            row[j] = self.distributions[j].latent(value) + 0.0  # no negative zero in a key
        return row

    @cached_property
    def encoder(self) -> Encoder:
        """What encodes candidates that nobody has checked, and refuses what is none."""
        return Encoder(self.labels, self.distributions, self.parents)

    def build(self, values: Values, template: Any = None, *, shows: bool = False) -> Any:
        """The configuration of one candidate: the template with every node evaluated.

        ``values`` are those of all active labels; another ``template`` of this space's nodes may
        stand in for the whole one. Containers are fresh copies, numbers are native, and an option
        that is no container is passed as it is. ``shows`` is as of ``evaluate``.
        """

        def value_of(node: Any, descend: Callable[[Any], Any]) -> Any:
            value = values[node.label]
            return descend(node.options[int(value)]) if isinstance(node, Choice) else value

        return evaluate(self.template if template is None else template, value_of, shows)

    @own_arithmetic
    def check(self, point: Mapping[str, Any]) -> dict[str, int | float]:
        """Values of a point given by hand, as native numbers, in the order of the labels.

        A value may come as a list of one, and a label without one as an empty list, as documents
        have them in ``misc["vals"]``.

        Raises:
            InvalidTrial: a label that is missing or unknown, or a value outside its range; the
                message names the label. Values of inactive labels are left aside.
        """
        if not isinstance(point, Mapping):
            raise InvalidTrial(f"a point maps labels to values, but got {point!r}")
        for label in point:
            if label not in self.column:
                raise InvalidTrial(
                    f"the space has no label {label!r}; it has {', '.join(map(repr, self.labels))}"
                )
        point = {k: unwrapped(v) for k, v in point.items() if unwrapped(v, 0) is v}
        values: dict[str, int | float] = {}
        X = np.full((1, len(self)), np.nan)
        for j, label in enumerate(self.labels):
            if not self.active(j, X)[0]:
                continue
            if label not in point:
                raise InvalidTrial(f"the point has no value for {label!r}: {dict(point)!r}")
            try:
                values[label] = self.distributions[j].check(point[label], label)
            except ValueError as error:
                raise InvalidTrial(f"{error}{_hint(self.params[j], point[label])}") from None
            X[0, j] = self.distributions[j].latent(values[label])
        return values

    @own_arithmetic
    def enumerate(self, rng: Generator, limit: int) -> Array:
        """The first ``limit`` distinct candidates in the order of the tree: (m, d) latents.

        A discrete label takes each of its values in turn, a continuous one a random value. A
        discrete space has no others where ``m < limit``.
        """
        rows = list(islice(self._rows(np.full((1, len(self)), np.nan), 0, rng), limit))
        return np.reshape(rows, (len(rows), len(self)))

    def _rows(self, X: Array, j: int, rng: Generator) -> Iterator[Array]:
        if j == len(self):
            yield X[0].copy()
            return
        distribution = self.distributions[j]
        latents: Any
        if not self.active(j, X)[0]:
            latents = (np.nan,)
        elif distribution.discrete:
            latents = (distribution.latent(value) for value in distribution.values())
        else:
            latents = distribution.sample(rng, 1)
        for z in latents:
            X[0, j] = z
            yield from self._rows(X, j + 1, rng)

    @cached_property
    def discrete(self) -> bool:
        """Whether a candidate may hold discrete labels only, so that duplicates are likely."""
        below: dict[tuple[int, float], list[int]] = {}
        may_be: list[bool] = [d.discrete for d in self.distributions]
        for j in reversed(range(len(self))):  # parents come before what they activate
            if j in self.forks:
                may_be[j] = any(
                    all(may_be[child] for child in below.get((j, option), ()))
                    for option in self.distributions[j].values()
                )
            for pair in self.parents[j]:
                below.setdefault(pair, []).append(j)
        return all(may_be[j] for j, parents in enumerate(self.parents) if not parents)


def unwrapped(value: Any, length: int = 1) -> Any:
    """The item of a list, tuple or array of one, as documents have it; anything else as it is.

    With a ``length`` of 0: None for an empty one.
    """
    if isinstance(value, np.ndarray):
        is_list = value.shape == (length,)
    else:
        is_list = isinstance(value, (list, tuple)) and len(value) == length
    if not is_list:
        return value
    return value[0] if length else None


def _hint(param: Param, value: object) -> str:
    """What was meant by an option given in place of its index."""
    if isinstance(param, Choice) and (value is None or isinstance(value, (str, int, float))):
        for index, option in enumerate(param.options):
            if type(option) is type(value) and option == value:
                return f"; that option has the index {index}"
    return ""
