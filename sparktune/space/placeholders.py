"""What stands in a space that was read, for things that a record holds by name, type or text alone.

Placeholders of the same name are equal. They show what was there and do nothing: nothing is
imported or called for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from ..cutting import cut
from ..exceptions import BadSearchSpace

__all__ = ["KINDS", "Kind", "Named", "Placeholder", "ReadDict", "ReadList", "ReadTuple", "Text"]
__all__ += ["Uncomputed", "Unknown"]

Kind: TypeAlias = tuple[str, str]
"""Module and qualified name of a class."""

_LONG = 80  # characters of an expression

KINDS = ("function", "class", "member", "module")
"""What is known by its name: ``Named.what``."""


class Placeholder:
    """Something that is not here, but for what a record says of it."""

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse, with a sentence."""
        raise BadSearchSpace(
            f"{self!r} cannot be called: the space was read from a record, which has no more of it "
            "than that; give the space in which it is defined"
        )


@dataclass(frozen=True)
class Named(Placeholder):
    """A function, a class, a member of an enumeration, or a module.

    Attributes:
        what: one of KINDS.
        module, name: where it is defined, and its qualified name there; a module has no name.
    """

    what: str
    module: str
    name: str

    def __repr__(self) -> str:
        return f"<{self.what} {'.'.join(filter(None, (self.module, self.name)))}>"

    @property
    def __name__(self) -> str:
        """The last part of the name, in which expressions are written."""
        return self.name.rpartition(".")[2] or self.module


@dataclass(frozen=True)
class Text(Placeholder):
    """An object that its text makes what it is, such as a path or a decimal number."""

    module: str
    name: str
    text: str

    def __repr__(self) -> str:
        return f"{self.name}({self.text!r})"


@dataclass(frozen=True)
class Unknown(Placeholder):
    """An object of which a record has the type, and the position at which it stood."""

    module: str
    name: str

    def __repr__(self) -> str:
        return f"<a {self.module}.{self.name} that is not in the record>"


@dataclass(frozen=True)
class Uncomputed(Placeholder):
    """What an expression would give whose function is not here, as it would be written."""

    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", cut(self.text, _LONG))

    def __repr__(self) -> str:
        return f"<{self.text}, not computed>"


class ReadDict(dict[Any, Any]):
    """A dict of a class of its own, ``kind``."""

    def __init__(self, items: Any = (), kind: Kind = ("builtins", "dict")) -> None:
        super().__init__(items)
        self.kind = kind


class ReadList(list[Any]):
    """A list of a class of its own, ``kind``."""

    def __init__(self, items: Iterable[Any] = (), kind: Kind = ("builtins", "list")) -> None:
        super().__init__(items)
        self.kind = kind


class ReadTuple(tuple[Any, ...]):
    """A tuple of a class of its own, ``kind``, with names for its items where it had some."""

    kind: Kind
    fields: Sequence[str]

    def __new__(
        cls,
        items: Iterable[Any] = (),
        kind: Kind = ("builtins", "tuple"),
        fields: Sequence[str] = (),
    ) -> ReadTuple:
        """Make a tuple of the items."""
        made = super().__new__(cls, items)
        made.kind, made.fields = kind, tuple(fields)
        return made

    @property
    def named(self) -> Mapping[str, Any]:
        """The items by the names of their fields; empty where these have none."""
        return dict(zip(self.fields, self, strict=False))
