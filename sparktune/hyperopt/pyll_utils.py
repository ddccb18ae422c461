"""Hyperparameters as nodes: a draw with a label, as ``hyperopt.hp`` makes them."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec

from .. import hp as core
from ..space.nodes import duplicate_label
from .pyll.base import Apply, Literal, as_apply, scope

__all__ = [
    "EQ", "Cond", "expr_to_config", "hp_choice", "hp_lognormal", "hp_loguniform", "hp_normal",
    "hp_pchoice", "hp_qlognormal", "hp_qloguniform", "hp_qnormal", "hp_quniform", "hp_randint",
    "hp_uniform", "hp_uniformint", "hyperopt_param",
]  # fmt: skip


P = ParamSpec("P")


def hyperopt_param(label: str, obj: Any) -> Any:
    """A draw that has a label, and so is a hyperparameter: its value."""
    del label
    return obj


scope.define(hyperopt_param)


def _label(label: Any) -> str:
    """The label of a node of ``hyperopt_param``."""
    name = _plain(label)
    if not isinstance(name, str):
        raise TypeError(f"require string label: a label is a string, but got {name!r:.200}")
    return name


def _plain(label: Any) -> Any:
    return label.obj if isinstance(label, Literal) else label


def _labelled(word: Callable[P, Apply]) -> Callable[P, Apply]:
    """A word whose label may be a node; see ``sparktune.hp``."""
    checked: Callable[..., Apply] = core.labelled(word)

    @functools.wraps(word)
    def of_plain(*args: P.args, **kwargs: P.kwargs) -> Apply:
        return checked(*map(_plain, args[:1]), *args[1:], **kwargs)

    return of_plain


class Draw(Apply):
    """A hyperparameter as a node; the nodes that it consists of are made once they are asked for.

    A space is mostly of these, and to sample one nobody has to look inside.

    Args:
        name: "hyperopt_param" for the draw itself, or the function that is applied to it.
        label: of the hyperparameter.
        draw: the function of scope that draws.
        args, kwargs: its arguments, none of them a node.
    """

    def __init__(
        self, name: str, label: str, draw: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> None:
        # the attributes of Apply, but for pos_args, which is a property here
        self.name, self.pure, self.o_len, self.define_params = name, False, None, None
        self.named_args = []
        self._made: list[Apply] | None = None
        self._drawn = label, draw, args, kwargs

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_made": self.pos_args}  # the same, whoever has looked inside

    @property
    def pos_args(self) -> list[Apply]:  # type: ignore[override]
        """The nodes of the arguments."""
        if self._made is None:
            label, draw, args, kwargs = self._drawn
            node = getattr(scope, draw)(*args, **kwargs)
            if self.name == "hyperopt_param":
                self._made = [Literal(label), node]
            else:
                self._made = [scope.hyperopt_param(label, node)]
        return self._made

    @property
    def is_leaf(self) -> bool:
        """Whether nobody has the nodes inside, which may have a value of their own then."""
        return self._made is None

    def __repr__(self) -> str:
        label, draw, args, kwargs = self._drawn
        words = [repr(label), *map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())]
        return f"<{draw}({', '.join(words)})>"

    def leaf_value(self, more: Mapping[str, Mapping[str, Any]]) -> Any:
        """A value, drawn with the generator that ``more`` has."""
        _, draw, args, kwargs = self._drawn
        added = more.get(draw)
        value = scope.implementation(draw)(*args, **({**kwargs, **added} if added else kwargs))
        return value if self.name == "hyperopt_param" else scope.implementation(self.name)(value)

    def clone_from_inputs(self, inputs: Sequence[Apply], o_len: Any = "same") -> Apply:
        """A node of the same function with other arguments."""
        return Apply(self.name, inputs, [], None if o_len == "same" else o_len, self.pure)


@_labelled
def hp_choice(label: str, options: Iterable[Any]) -> Apply:
    """One of ``options``, all equally likely; see ``sparktune.hp.choice``."""
    items = core.options_of(label, options)
    drawn = Draw("hyperopt_param", label, "randint", (len(items),), {})
    node: Apply = scope.switch(drawn, *items)
    return node


@_labelled
def hp_pchoice(label: str, p_options: Iterable[tuple[float, Any]]) -> Apply:
    """One of several (probability, option) pairs; see ``sparktune.hp.pchoice``.

    The probabilities may sum to something else than 1, as do three times 0.33.
    """
    choice = core.pchoice(label, _of_sum_one(p_options))
    p = tuple(choice.distribution.p)
    drawn = Draw("hyperopt_param", label, "categorical", (p,), {})
    node: Apply = scope.switch(drawn, *choice.options)
    return node


def _of_sum_one(p_options: Iterable[Any]) -> list[Any]:
    """Pairs with probabilities scaled to sum to 1; as they are where they cannot be."""
    pairs = list(p_options)
    try:
        total = math.fsum(share for share, _ in pairs)
        return [(share / total, option) for share, option in pairs]
    except (TypeError, ValueError, ZeroDivisionError):
        return pairs


def _hyperparameter(draw: str, check: Callable[..., Any], to: str) -> Callable[..., Apply]:
    def make(label: str, *args: Any, **kwargs: Any) -> Apply:
        for each in (*args, *kwargs.values()):
            if isinstance(each, Apply):  # is checked where the space is read
                drawn = scope.hyperopt_param(label, getattr(scope, draw)(*args, **kwargs))
                node: Apply = getattr(scope, to)(drawn)
                return node
        check(label, *args, **kwargs)
        return Draw(to, label, draw, args, kwargs)

    make.__name__, make.__qualname__ = f"hp_{draw}", f"hp_{draw}"
    signature = inspect.signature(check)
    make.__signature__ = signature.replace(return_annotation="Apply")  # type: ignore[attr-defined]
    make.is_of_hp = True  # type: ignore[attr-defined]
    make.__doc__ = f"{(check.__doc__ or '').strip()}\n\n    See ``sparktune.hp.{check.__name__}``."
    return _labelled(make)


hp_choice.is_of_hp = hp_pchoice.is_of_hp = True  # type: ignore[attr-defined]
hp_randint = _hyperparameter("randint", core.randint, "int")
hp_uniform = _hyperparameter("uniform", core.uniform, "float")
hp_quniform = _hyperparameter("quniform", core.quniform, "float")
hp_loguniform = _hyperparameter("loguniform", core.loguniform, "float")
hp_qloguniform = _hyperparameter("qloguniform", core.qloguniform, "float")
hp_normal = _hyperparameter("normal", core.normal, "float")
hp_qnormal = _hyperparameter("qnormal", core.qnormal, "float")
hp_lognormal = _hyperparameter("lognormal", core.lognormal, "float")
hp_qlognormal = _hyperparameter("qlognormal", core.qlognormal, "float")


@_labelled
def hp_uniformint(label: str, low: float, high: float, q: float = 1) -> Apply:
    """A whole number: ``round(uniform(low, high))``, so that both ends are half as likely.

    ``q`` means nothing, as in Hyperopt.
    """
    core.uniformint(label, low, high, q)  # type: ignore[arg-type]
    node: Apply = scope.int(hp_quniform(label, low, high, q=1.0))
    return node


class Cond:
    """The condition that a choice has a value, by the label of the choice."""

    def __init__(self, name: str, val: int, op: str) -> None:
        self.name, self.val, self.op = name, val, op

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cond) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.op, self.name, self.val))

    def __repr__(self) -> str:
        return f"Cond{{{self.name} {self.op} {self.val}}}"


def EQ(name: str, val: int) -> Cond:  # noqa: N802
    """The condition that a choice takes an option."""
    return Cond(name, val, "=")


def expr_to_config(expr: Any, conditions: tuple[Cond, ...] | None, hps: dict[str, Any]) -> None:
    """Collect the hyperparameters of a graph, and the conditions under which each has a value.

    Args:
        expr: the graph.
        conditions: what holds for the whole of it.
        hps: is filled: by label a dict of the ``node`` that is drawn, the ``label``, and
            ``conditions``, a set of tuples of which one must hold.

    Raises:
        DuplicateLabel: two hyperparameters carry one label.
    """
    outer = tuple(conditions or ())
    _collect(as_apply(expr), outer, hps, set())
    for found in hps.values():
        found["conditions"] = _simpler(found["conditions"], outer, hps)


def _collect(node: Apply, conditions: tuple[Cond, ...], hps: dict[str, Any], seen: Any) -> None:
    if (node, conditions) in seen:
        return
    seen.add((node, conditions))
    if node.name == "hyperopt_param":
        label, drawn = _label(node.pos_args[0]), node.pos_args[1]
        found = hps.setdefault(label, {"node": drawn, "conditions": set(), "label": label})
        if found["node"] is not drawn:
            raise duplicate_label(label)
        found["conditions"].add(conditions)
        return
    inputs = node.inputs()
    index = inputs[0] if node.name == "switch" else None
    if index is not None and index.name == "hyperopt_param":
        _collect(index, conditions, hps, seen)
        label = _label(index.pos_args[0])
        for number, option in enumerate(inputs[1:]):
            _collect(option, (*conditions, EQ(label, number)), hps, seen)
        return
    for each in inputs:
        _collect(each, conditions, hps, seen)


def _simpler(conditions: set[Any], outer: tuple[Cond, ...], hps: dict[str, Any]) -> set[Any]:
    """One condition that always holds, where the several say no more than that."""
    if outer in conditions:
        return {outer}
    inner = [each[len(outer) :] for each in conditions]
    names = {each[0].name for each in inner if len(each) == 1}
    if len(names) != 1 or any(len(each) != 1 for each in inner):
        return conditions
    drawn = hps[names.pop()]["node"]
    of = drawn.pos_args[0]
    count = len(of) if drawn.name == "categorical" else of.obj
    return {outer} if {each[0].val for each in inner} == set(range(count)) else conditions
