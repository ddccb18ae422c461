"""The packages that some features need beyond the core, and the extras that bring them."""

from __future__ import annotations

__all__ = ["lacking"]


def lacking(who: str, package: str, extra: str, *, name: str | None = None) -> ImportError:
    """The error for a feature whose package is not installed.

    Args:
        who: the feature, such as ``"to_pandas"``.
        package: what it needs, as that project spells itself.
        extra: the extra of sparktune that brings it.
        name: the package's module, which the error carries; by default ``package``.
    """
    text = f"{who} needs {package}, which is not installed: pip install 'sparktune[{extra}]'"
    return ImportError(text, name=name or package)
