"""Texts that are cut where they are long."""

from __future__ import annotations

__all__ = ["cut"]


def cut(text: str, most: int | None) -> str:
    """A text of ``most`` characters, with an ellipsis where some are missing; None for all."""
    return text if most is None or len(text) <= most else f"{text[: most - 1]}…"
