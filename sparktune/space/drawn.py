"""A space as people look at it: its tree, with a line for each label and each option."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .. import markup
from ..plurals import plural
from .discrete import Categorical, Integers
from .distributions import Distribution, Normal, Uniform
from .texts import option_names

__all__ = ["Branch", "branches", "html_of", "lines_of", "options_in_words", "range_of"]

_OPTIONS = 30  # of a choice that are shown
_LINES = 400
_LONGEST = 160  # characters of the options of a choice in one line


@dataclass(frozen=True)
class Branch:
    """A label, or an option of a choice.

    Attributes:
        name: the label, or what the option is called.
        text: what there is to say of it.
        below: what it leads to.
        is_label: whether it is one.
    """

    name: str
    text: str
    below: tuple[Branch, ...] = ()
    is_label: bool = True


def branches(
    params: Mapping[str, Any], parents: Mapping[str, Collection[tuple[str, int]] | None]
) -> tuple[Branch, ...]:
    """The branches that every candidate has, with what is below each.

    Args:
        params: hyperparameters by label, a choice before everything that depends on it.
        parents: for each label the pairs of choice and option that activate it; none or None:
            always.
    """
    return _Drawing(params, parents).roots()


class _Drawing:
    def __init__(
        self, params: Mapping[str, Any], parents: Mapping[str, Collection[tuple[str, int]] | None]
    ) -> None:
        self._params, self._parents = params, parents
        self._drawn: set[str] = set()
        self._below: dict[tuple[str, int], list[str]] = {}
        for label in params:
            for pair in parents[label] or ():
                self._below.setdefault(pair, []).append(label)

    def roots(self) -> tuple[Branch, ...]:
        return tuple(self._label(label) for label in self._params if not self._parents[label])

    def _label(self, label: str) -> Branch:
        param = self._params[label]
        if label in self._drawn:
            return Branch(label, "as above")
        self._drawn.add(label)
        if not hasattr(param, "options"):
            return Branch(label, range_of(param.distribution))
        count = len(param.options)
        leads = [index for index in range(count) if (label, index) in self._below]
        if not leads:
            return Branch(label, options_in_words(param))
        shown = range(min(count, max(_OPTIONS, leads[-1] + 1)))
        names = option_names(param.options[: len(shown)])
        below = [
            Branch(
                names[index],
                _probability(param, index),
                tuple(self._label(each) for each in self._below.get((label, index), ())),
                is_label=False,
            )
            for index in shown
        ]
        if len(shown) < count:
            below.append(Branch(f"and {count - len(shown):,} more", "", is_label=False))
        return Branch(label, f"one of {count:,}", tuple(below))


def _probability(choice: Any, index: int) -> str:
    p = choice.distribution.p
    return "" if len(set(p)) == 1 else f"{p[index]:.3g}"


def options_in_words(choice: Any) -> str:
    """The options of a choice on which nothing hangs, in one line."""
    count = len(choice.options)
    shown = choice.options[:_OPTIONS]
    text = ""
    for index, name in enumerate(option_names(shown)):
        weight = _probability(choice, index)
        part = f"{name} ({weight})" if weight else name
        if text and len(text) + len(part) > _LONGEST:
            return f"one of {count:,}: {text}, …"
        text = f"{text}, {part}" if text else part
    return f"one of {count:,}: {text}{', …' if count > len(shown) else ''}"


def range_of(distribution: Distribution) -> str:
    """A distribution in a few words, with bounds as the objective sees them."""
    if isinstance(distribution, Integers):
        return f"whole number, {distribution.low:,} to {distribution.high:,}"
    if isinstance(distribution, Categorical):
        return f"index, 0 to {len(distribution.p) - 1:,}"
    if isinstance(distribution, (Uniform, Normal)):
        name = distribution.word
        step = f", in steps of {distribution.q:g}" if distribution.q else ""
        if isinstance(distribution, Uniform):
            low, high = (distribution.value(z) for z in (distribution.low, distribution.high))
            return f"{name}, {low:.4g} to {high:.4g}{step}"
        return f"{name}, mu {distribution.mu:g}, sigma {distribution.sigma:g}{step}"
    return repr(distribution)


def lines_of(heading: str, below: tuple[Branch, ...]) -> str:
    """A tree as lines of text."""
    lines = [heading, *_lines(below, "")]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"… and {plural(len(lines) - _LINES, 'more line')}"]
    return "\n".join(lines)


def _lines(below: tuple[Branch, ...], indent: str) -> Iterator[str]:
    for branch in below:
        is_last = branch is below[-1]
        text = f": {branch.text}" if branch.text else ""
        name = " ".join(markup.clean(f"{branch.name}{text}").split())
        yield f"{indent}{'└─' if is_last else '├─'} {name}"
        yield from _lines(branch.below, indent + ("   " if is_last else "│  "))


def html_of(heading: str, below: tuple[Branch, ...]) -> str:
    """A tree as HTML, in which what hangs on an option can be folded away."""
    size = sum(1 for _ in _lines(below, ""))
    parts = [_fold(branch, size <= 60) for branch in below]
    return markup.block(markup.bold(heading), *parts)


def _fold(branch: Branch, is_open: bool) -> str:
    weight = "bold" if branch.is_label else "normal"
    name = f'<span style="font-weight: {weight}">{markup.escaped(branch.name)}</span>'
    text = (
        f' <span style="opacity: 0.7">{markup.escaped(branch.text)}</span>' if branch.text else ""
    )
    if not branch.below:
        return f'<div style="padding-left: 1.2em">{name}{text}</div>'
    below = "".join(_fold(each, is_open) for each in branch.below)
    return (
        f'<details{" open" if is_open else ""} style="padding-left: 1.2em; margin: 0">'
        f'<summary style="margin-left: -1.1em; cursor: pointer; display: list-item">{name}{text}'
        f"</summary>{below}</details>"
    )
