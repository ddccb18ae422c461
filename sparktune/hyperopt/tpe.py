"""tpe: the method of that name of the core, as Hyperopt calls it."""

from ..algo import tpe as _face
from .algos import suggest_of

__all__ = ["suggest"]

suggest = suggest_of(_face.suggest)
