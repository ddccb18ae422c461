"""Counts as sentences have them: one trial, or several."""

from __future__ import annotations

__all__ = ["plural"]


def plural(count: int, word: str, several: str | None = None) -> str:
    """A count and a word, such as "1 trial" and "2,000 trials".

    Args:
        count: how many there are.
        word: for one of them.
        several: the word for any other number; None for ``word`` with an s.
    """
    return f"{count:,} {word if count == 1 else several or f'{word}s'}"
