"""HyperoptSearchCV, made when somebody asks for it: scikit-learn need not be there before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..extras import lacking

if TYPE_CHECKING:
    from .search_cv import HyperoptSearchCV

__all__ = ["HyperoptSearchCV"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from .search_cv import HyperoptSearchCV
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "sklearn":
            raise
        raise lacking(name, "scikit-learn", "sklearn", name="sklearn") from error
    globals()[name] = HyperoptSearchCV
    return HyperoptSearchCV
