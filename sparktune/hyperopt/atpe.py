"""atpe: the method of that name of the core, as Hyperopt calls it."""

from ..algo import atpe as _face
from .algos import suggest_of

__all__ = ["suggest"]

suggest = suggest_of(_face.suggest)
