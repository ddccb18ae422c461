"""Random draws as functions of scope, and samples of a whole graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..randomness import generator_of
from .base import Apply, Literal, as_apply, dfs, rec_eval_with, scope

__all__ = [
    "implicit_stochastic", "implicit_stochastic_symbols", "recursive_set_rng_kwarg", "sample",
]  # fmt: skip

implicit_stochastic_symbols: set[str] = set()
"""Names of the functions that draw, and take a generator as ``rng``."""


def implicit_stochastic(f: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that says of a function of scope that it draws with its argument ``rng``."""
    implicit_stochastic_symbols.add(f.__name__)
    return f


def rng_from_seed(seed: int) -> np.random.Generator:
    """A generator."""
    return np.random.default_rng(seed)


scope.define(rng_from_seed)


def _draws(f: Callable[..., Any]) -> Callable[..., Any]:
    scope.define(f)
    return implicit_stochastic(f)


def _rounded(draw: Any, q: float) -> Any:
    return np.rint(draw / q) * q


@_draws
def uniform(low: Any, high: Any, rng: Any = None, size: Any = ()) -> Any:
    """Real numbers between two bounds."""
    return rng.uniform(low, high, size=size)


@_draws
def loguniform(low: Any, high: Any, rng: Any = None, size: Any = ()) -> Any:
    """Numbers whose logarithm is uniform between two bounds."""
    return np.exp(rng.uniform(low, high, size=size))


@_draws
def quniform(low: Any, high: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Uniform numbers, rounded to multiples of q."""
    return _rounded(rng.uniform(low, high, size=size), q)


@_draws
def qloguniform(low: Any, high: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Loguniform numbers, rounded to multiples of q."""
    return _rounded(np.exp(rng.uniform(low, high, size=size)), q)


@_draws
def normal(mu: Any, sigma: Any, rng: Any = None, size: Any = ()) -> Any:
    """Normal numbers."""
    return rng.normal(mu, sigma, size=size)


@_draws
def qnormal(mu: Any, sigma: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Normal numbers, rounded to multiples of q."""
    return _rounded(rng.normal(mu, sigma, size=size), q)


@_draws
def lognormal(mu: Any, sigma: Any, rng: Any = None, size: Any = ()) -> Any:
    """Numbers whose logarithm is normal."""
    return np.exp(rng.normal(mu, sigma, size=size))


@_draws
def qlognormal(mu: Any, sigma: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Lognormal numbers, rounded to multiples of q."""
    return _rounded(np.exp(rng.normal(mu, sigma, size=size)), q)


@_draws
def randint(low: Any, high: Any = None, rng: Any = None, size: Any = ()) -> Any:
    """Whole numbers from ``low`` to below ``high``, or from 0 to below ``low``."""
    if size == ():
        return np.asarray(rng.integers(low, high))  # three times as fast as with that size
    return rng.integers(low, high, size)


@_draws
def categorical(p: Any, rng: Any = None, size: Any = ()) -> Any:
    """Numbers of options with the probabilities p."""
    shares = np.asarray(p, float)
    return rng.choice(shares.shape[-1], size=size, p=shares / shares.sum())


@_draws
def randint_via_categorical(p: Any, rng: Any = None, size: Any = ()) -> Any:
    """Numbers of options with the probabilities p."""
    return categorical(p, rng, size)


def _one_of(*args: Any) -> Apply:
    """One of several things, all equally likely."""
    node: Apply = scope.switch(scope.randint(len(args)), *args)
    return node


def _choice(args: Any) -> Apply:
    """One of the items of a sequence, all equally likely."""
    return _one_of(*args)


scope.one_of, scope.choice = _one_of, _choice


def recursive_set_rng_kwarg(expr: Apply, rng: Any = None) -> Apply:
    """Let all draws of a graph use one generator; changes the graph, and gives it back."""
    generator = rng if isinstance(rng, Literal) else as_apply(generator_of(rng))
    for node in dfs(expr):
        if node.name in implicit_stochastic_symbols:
            kept = [pair for pair in node.named_args if pair[0] != "rng"]
            node.named_args = [*kept, ["rng", generator]]
    return expr


def sample(expr: Any, rng: Any = None, **kwargs: Any) -> Any:
    """Draw a value of a graph.

    Args:
        expr: the graph, or anything that ``as_apply`` takes.
        rng: a numpy Generator, a RandomState, a seed, or None.
        **kwargs: for ``rec_eval``.
    """
    generator = generator_of(rng)
    more = {name: {"rng": generator} for name in implicit_stochastic_symbols}
    return rec_eval_with(more, expr, **kwargs)
