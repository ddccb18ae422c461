"""Expressions over hyperparameters: ``1 + hp.uniform(...)``, ``scope.int(hp.quniform(...))``.

An expression is a node, as a hyperparameter is, and may stand wherever one may. It is evaluated
once per candidate, on native Python values.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from copy import copy
from typing import Any, NoReturn, TypeVar

import numpy as np

from ..exceptions import BadSearchSpace
from .placeholders import Placeholder, Uncomputed

__all__ = ["Call", "Node", "as_written", "evaluate", "map_container", "scope"]

F = TypeVar("F", bound=Callable[..., Any])

_WRITTEN = 100
_to_write: ContextVar[list[int] | None] = ContextVar("_to_write", default=None)
"""How many expressions may still be written out: one may occur in others again and again."""


class Node:
    """Something whose value is known only once a candidate is drawn.

    Arithmetic, comparison and indexing give further nodes, and so does ``==``; as keys of a dict,
    nodes are compared with ``is``. Whatever needs the value at once is refused.
    """

    __hash__ = object.__hash__

    def __bool__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} has no truth value while the space is declared: its value is known only in "
            "a trial; choose between options with hp.choice, or decide inside the objective"
        )

    def __format__(self, code: str) -> str:
        if not code:
            return repr(self)
        raise self._unknown(f"the format code {code!r}", "print or log it inside the objective")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Call:
        """Arithmetic with numpy's scalars and arrays gives nodes, as with Python's numbers."""
        name = ufunc.__name__
        if name not in _OF_NUMPY or method != "__call__" or settings:
            raise self._unknown(f"np.{name}", _in_words(name))
        return Call(_OF_NUMPY[name], *map(_native, inputs))

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """An array of objects may hold nodes; one of numbers needs values."""
        if dtype is not None and np.dtype(dtype).kind != "O":
            raise self._unknown(f"an array of {dtype}", _INSIDE)
        alone = np.empty((), object)
        alone[()] = self
        return alone

    def __array_function__(self, function: Any, *_: Any) -> NoReturn:
        name = getattr(function, "__name__", "…")
        raise self._unknown(f"np.{name}", _in_words(name))

    def _unknown(self, what: str, instead: str) -> TypeError:
        return TypeError(
            f"{what} needs a value, but {self!r:.200} is a node of a search space, whose value is "
            f"known only in a trial: {instead}"
        )

    def __getitem__(self, key: Any) -> Call:
        return Call(operator.getitem, self, key)

    def __call__(self, *args: Any, **kwargs: Any) -> Call:
        """Call the node's value, for a choice between functions."""
        return Call(_apply, self, *args, **kwargs)


class Call(Node):
    """A function applied to nodes and plain values; evaluated once per candidate."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.function = function
        self.args = args
        self.kwargs = kwargs

    def __repr__(self) -> str:
        """As it would be written; after a hundred expressions within it, with dots for the rest.

        A function may know better how its calls are written, by ``call_as_written``, which gets
        their arguments.
        """
        left = _to_write.get()
        if left is None:
            token = _to_write.set([_WRITTEN])
            try:
                return repr(self)
            finally:
                _to_write.reset(token)
        left[0] -= 1
        if left[0] < 0:
            return "…"
        write = getattr(self.function, "call_as_written", None)
        if write is not None:
            return str(write(*self.args))
        return as_written(self.function, map(repr, self.args), self.kwargs)


def as_written(function: Any, args: Iterable[str], kwargs: Mapping[str, Any]) -> str:
    """A call as it would be written, of arguments that are."""
    name = getattr(function, "__name__", None) or repr(function)
    return f"{name}({', '.join([*args, *(f'{key}={value!r}' for key, value in kwargs.items())])})"


def _apply(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


def _binary(function: Callable[[Any, Any], Any]) -> Callable[[Node, Any], Call]:
    return lambda self, other: Call(function, self, other)


def _reflected(function: Callable[[Any, Any], Any]) -> Callable[[Node, Any], Call]:
    return lambda self, other: Call(function, other, self)


def _unary(function: Callable[[Any], Any]) -> Callable[[Node], Call]:
    return lambda self: Call(function, self)


def _native(value: Any) -> Any:
    """A number of numpy as Python's."""
    numpys = isinstance(value, (np.generic, np.ndarray))
    return value.item() if numpys and not value.ndim else value


def _in_words(name: str) -> str:
    known = name in scope.__dir__()
    return f"write scope.{name}(...), or call it inside the objective" if known else _INSIDE


def _refused(what: str, instead: str) -> Callable[..., NoReturn]:
    def method(self: Node, *_: Any) -> NoReturn:
        raise self._unknown(what, instead)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor"):
    setattr(Node, f"__{_name}__", _binary(getattr(operator, f"__{_name}__")))
    setattr(Node, f"__r{_name}__", _reflected(getattr(operator, f"__{_name}__")))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Node, f"__{_name}__", _binary(getattr(operator, _name)))
for _name in ("neg", "pos", "abs", "invert"):
    setattr(Node, f"__{_name}__", _unary(getattr(operator, _name)))

_INSIDE = "call it inside the objective, or make it a function of scope with @scope.define"
_EITHER = "or do it inside the objective"
for _name, _what, _instead in (
    ("int", "int()", f"write scope.int(...), {_EITHER}"),
    (
        "float",
        "float() or a function of math",
        f"write scope.float(...), scope.log(...), {_EITHER}",
    ),
    ("complex", "complex()", _INSIDE),
    ("index", "range() or an index", f"write scope.getitem(the list, ...), {_EITHER}"),
    ("round", "round()", f"write scope.round(...), {_EITHER}"),
    ("trunc", "math.trunc()", f"write scope.int(...), {_EITHER}"),
    ("floor", "math.floor()", f"write scope.floor(...), {_EITHER}"),
    ("ceil", "math.ceil()", f"write scope.ceil(...), {_EITHER}"),
    ("len", "len()", f"write scope.len(...), {_EITHER}"),
    ("iter", "iteration", f"name its items by node[0], node[1], ..., {_EITHER}"),
    ("contains", "in", f"choose between options with hp.choice, {_EITHER}"),
    ("divmod", "divmod()", f"write node // number and node % number, {_EITHER}"),
):
    setattr(Node, f"__{_name}__", _refused(_what, _instead))
_OF_NUMPY: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "power": operator.pow,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "negative": operator.neg,
    "positive": operator.pos,
    "absolute": operator.abs,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
}


def map_container(thing: Any, change: Callable[[Any], Any]) -> Any:
    """A fresh dict, list or tuple of the same type whose items went through ``change``.

    Anything else comes back as it is. Containers are always copied, so that an objective that pops
    a key out of its configuration does not change the space.
    """
    fresh: Any = thing
    if isinstance(thing, dict):
        fresh = copy(thing)
        for key, item in thing.items():
            fresh[key] = change(item)
    elif isinstance(thing, list):
        fresh = copy(thing)
        fresh[:] = [change(item) for item in thing]
    elif isinstance(thing, tuple):
        make = getattr(type(thing), "_make", type(thing))  # namedtuples take items one by one
        fresh = make([change(item) for item in thing])
    return fresh


def evaluate(
    thing: Any, value_of: Callable[[Node, Callable[[Any], Any]], Any], shows: bool = False
) -> Any:
    """Replace every node in nested containers by its value.

    Args:
        thing: a template: containers, nodes and plain values.
        value_of: gives the value of a node that is no Call; it receives the node and a function
            that evaluates anything below it.
        shows: whether an expression whose function is not here, since the space was read from a
            record, stands as what would be computed. A node that occurs twice is one object then.

    Raises:
        BadSearchSpace: an expression raised; the message shows it and its arguments.
    """
    memo: dict[int, Any] = {}  # a Call that occurs twice is evaluated once

    def descend(part: Any) -> Any:
        if not isinstance(part, Node):
            return map_container(part, descend)
        if not isinstance(part, Call):
            if not shows:
                return value_of(part, descend)
            if id(part) not in memo:
                memo[id(part)] = value_of(part, descend)
            return memo[id(part)]
        if id(part) not in memo:
            args = [descend(arg) for arg in part.args]
            kwargs = {key: descend(arg) for key, arg in part.kwargs.items()}
            if shows and isinstance(part.function, Placeholder):
                memo[id(part)] = Uncomputed(as_written(part.function, map(repr, args), kwargs))
                return memo[id(part)]
            try:
                memo[id(part)] = part.function(*args, **kwargs)
            except Exception as error:
                raise BadSearchSpace(
                    f"the expression {part!r} cannot be evaluated with "
                    f"{(*args, *kwargs.values())}: {type(error).__name__}: {error}"
                ) from error
        return memo[id(part)]

    return descend(thing)


def _maximum(*args: Any) -> Any:
    return builtins.max(*args)


def _minimum(*args: Any) -> Any:
    return builtins.min(*args)


class Scope:
    """Functions that may be applied to nodes: ``scope.int(hp.quniform("n", 1, 10, 1))``.

    There are int, float, str, bool, len, sum, abs, round, max, min, pow, exp, log, log2, log10,
    sqrt, sin, cos, tan, floor, ceil and getitem. ``@scope.define`` adds a function of one's own.
    """

    def __init__(self, functions: Mapping[str, Callable[..., Any]]) -> None:
        self._functions = dict(functions)

    def define(self, function: F) -> F:
        """Add ``function`` under its own name, and give it back unchanged.

        Raises:
            TypeError: ``function`` is not callable or has no name.
            ValueError: the name is taken by another function.
        """
        name = getattr(function, "__name__", None)
        if not callable(function) or name is None:
            raise TypeError(f"scope.define takes a named function, but got {function!r}")
        known = self._functions.get(name, function)
        # running a cell of a notebook again defines its function again
        same = known is function or all(
            getattr(known, attribute, None) == getattr(function, attribute, None)
            for attribute in ("__module__", "__qualname__")
        )
        if not same:
            raise ValueError(f"scope already has a function {name!r}: {known!r}")
        self._functions[name] = function
        return function

    def __getattr__(self, name: str) -> Callable[..., Call]:
        try:
            function = self.__dict__["_functions"][name]
        except KeyError:
            raise AttributeError(
                f"scope has no function {name!r}; add one with @scope.define"
            ) from None

        def apply(*args: Any, **kwargs: Any) -> Call:
            return Call(function, *args, **kwargs)

        apply.__name__ = name
        return apply

    def __dir__(self) -> list[str]:
        return sorted([*self._functions, "define"])


_PLAIN = (int, float, str, bool, len, sum, abs, round, pow, operator.getitem)
_OF_MATH = ("exp", "log", "log2", "log10", "sqrt", "sin", "cos", "tan", "floor", "ceil")

scope = Scope(
    {each.__name__: each for each in _PLAIN}
    | {name: getattr(math, name) for name in _OF_MATH}
    | {"max": _maximum, "min": _minimum}
)
