"""A name in the pickles of Hyperopt's Domains."""

__all__ = ["VectorizeHelper"]


class VectorizeHelper:
    """A part of Hyperopt's Domain that it is pickled with; a Domain here needs nothing of it."""
