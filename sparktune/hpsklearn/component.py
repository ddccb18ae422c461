"""Components: classes of scikit-learn and its kin, each with the space of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import hp
from ..space.expressions import Call, Node
from ..space.tree import Choice
from .making import class_of, make, parameters_of
from .ranges import Cases, any_of, is_range, node_of, nodes_of, text_of

__all__ = ["CLASSIFIER", "OTHER", "REGRESSOR", "STEP", "TEXT", "Component", "function_of"]

CLASSIFIER, REGRESSOR, STEP, TEXT, OTHER = (
    "classifier", "regressor", "preprocessing step", "vectorizer of texts", "model without target",
)  # fmt: skip


@dataclass(frozen=True)
class Component:
    """A class and the space of its parameters.

    Attributes:
        name: of the function that gives the space.
        path: of the class.
        role: CLASSIFIER or REGRESSOR, which learn a target; STEP, which transforms rows of
            numbers; TEXT, which transforms texts; or OTHER, which predicts, but learns no target.
        settings: parameter to range, or to the value that it is set to.
        cases: parameters that decide which further ones are searched.
        sparse: whether it takes sparse matrices.
        for_probabilities: of parameters that decide whether there is predict_proba: with which
            values there is.
        for_sparse: settings in place of others where the data are sparse.
        needs: what it needs of the data, as names of ``travels.evaluation`` and ``suits``.
        limits: parameter to the name of the limit that its value has; see ``travels.limits``.
    """

    name: str
    path: str
    role: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[Cases, ...] = ()
    sparse: bool = False
    for_sparse: Mapping[str, Any] = field(default_factory=dict)
    for_probabilities: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    limits: Mapping[str, str] = field(default_factory=dict)

    def space(self, label: str, given: Mapping[str, Any]) -> Call:
        """The space of an object of the class.

        Args:
            label: before those of all parameters, with a dot between.
            given: parameters in place of those of the table: values or nodes.
        """
        if not isinstance(label, str):
            raise TypeError(
                f"{self.name} takes a label first, a string that its parameters' labels begin "
                f"with, but got {label!r:.100}"
            )
        known = parameters_of(self.path)
        for name in given:
            if known is not None and name not in known:
                raise TypeError(
                    f"{self.name}({label!r}) has no parameter {name!r}; it has "
                    f"{', '.join(sorted(known))}"
                )
        places = {name for cases in self.cases for one in cases.settings.values() for name in one}
        names = {*places, *self.settings, *(cases.name for cases in self.cases)}
        first = {**self.settings, **{name: given[name] for name in given if name not in names}}
        plain = nodes_of({name: given.get(name, each) for name, each in first.items()}, label)
        return Call(make, self.path, plain, *(_case(each, label, given) for each in self.cases))

    def rows(self) -> list[tuple[str, str, str]]:
        """What is searched and what is set, as the documentation shows it.

        Returns:
            Name, condition and range of each parameter. The condition is empty for one that every
            candidate has, else it names another parameter and its values.
        """
        lines = [(name, "", _range_of(each)) for name, each in self.settings.items()]
        for cases in self.cases:
            lines.append((cases.name, "", any_of(cases.settings)))
            found: dict[tuple[str, str], list[Any]] = {}
            for value, settings in cases.settings.items():
                for name, each in settings.items():
                    found.setdefault((name, _range_of(each)), []).append(value)
            for (name, text), values in found.items():
                lines.append((name, f"{cases.name} {any_of(values)}", text))
        return lines

    @property
    def is_here(self) -> bool:
        """Whether the class is installed."""
        try:
            class_of(self.path)
        except ImportError:
            return False
        return True


def _case(cases: Cases, label: str, given: Mapping[str, Any]) -> Any:
    """A choice of dicts: a value of a parameter and what is searched with it."""
    nodes = _below(cases, label)
    places = {name for settings in cases.settings.values() for name in settings}
    besides = {name: value for name, value in given.items() if name in places}

    def branch(value: Any, is_given: bool = False) -> dict[str, Any]:
        if isinstance(value, Node) or not _hashable(value) or value not in nodes:
            return {cases.name: value, **besides}  # of which the table knows nothing
        inside = nodes[value]
        if is_given:  # and so is all else that is
            return {cases.name: value, **inside, **besides}
        return {cases.name: value, **inside, **{k: v for k, v in besides.items() if k in inside}}

    if cases.name not in given:
        return hp.choice(f"{label}.{cases.name}", [branch(value) for value in cases.settings])
    fixed = given[cases.name]
    if isinstance(fixed, Choice):
        pairs = zip(fixed.distribution.p, map(branch, fixed.options), strict=True)
        return hp.pchoice(fixed.label, list(pairs))
    return branch(fixed, is_given=True)


def _below(cases: Cases, label: str) -> dict[Any, dict[str, Any]]:
    """By value: what is searched with it; one node where all values that have it have one range."""
    ranges: dict[str, list[Any]] = {}
    for settings in cases.settings.values():
        for name, each in settings.items():
            if each not in ranges.setdefault(name, []):
                ranges[name].append(each)
    shared = {name: node_of(all_[0], f"{label}.{name}") for name, all_ in ranges.items()
              if len(all_) == 1}  # fmt: skip
    return {
        value: {
            name: shared[name] if name in shared else node_of(each, f"{label}.{name}.{value}")
            for name, each in settings.items()
        }
        for value, settings in cases.settings.items()
    }


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _range_of(thing: Any) -> str:
    """What a parameter is searched over, or always."""
    return text_of(thing) if is_range(thing) else f"always {text_of(thing)}"


def function_of(component: Component) -> Callable[..., Call]:
    """The function of (label, **overrides) that gives a component's space."""

    def space(label: str, **overrides: Any) -> Call:
        return component.space(label, overrides)

    class_name = component.path.rpartition(".")[2]
    lines = "\n".join(
        f"        {name}{f', for {condition}' if condition else ''}: {text}"
        for name, condition, text in component.rows()
    )
    space.__name__ = space.__qualname__ = component.name
    space.__module__ = __package__
    space.__doc__ = (
        f"The space of {class_name}: a node that gives one with the parameters that were drawn.\n\n"
        "    Args:\n"
        "        label: a string that the labels of its parameters begin with.\n"
        "        **overrides: parameters in place of those below, or besides: values, or nodes\n"
        "            such as hp.uniform(...).\n\n"
        "    Raises:\n"
        "        ImportError: the package of the class is not installed.\n"
        "        TypeError: the class has no such parameter, or ``label`` is no string.\n\n"
        f"    Parameters:\n{lines or '        those of the class, as they are'}\n"
    )
    return space
