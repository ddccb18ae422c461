"""What is worked out once for each space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

from ..space.tree import Space

__all__ = ["OfSpace"]

Made = TypeVar("Made", bound="OfSpace")


class OfSpace(ABC):
    """A class whose ``of`` gives the same object for the same space, as long as that lives."""

    _known: ClassVar[WeakKeyDictionary[Space, Any]]

    def __init_subclass__(cls) -> None:
        cls._known = WeakKeyDictionary()

    @abstractmethod
    def __init__(self, space: Space) -> None:
        """Work it out."""

    @classmethod
    def of(cls: type[Made], space: Space) -> Made:
        """That of a space, made once."""
        made: Made | None = cls._known.get(space)
        if made is None:
            made = cls._known[space] = cls(space)
        return made
