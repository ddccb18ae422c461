"""Signatures of what lies in a store, by a key that drivers and workers share.

HMAC-SHA256 (RFC 2104) of a list of texts and numbers. Whoever can write into the database, but does
not have the key, can make no signature, and can move none within what the key is for: each names
the search, the trial and the attempt that it is of, though not the database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os

from .store import Entry, SpaceEntry

__all__ = ["VARIABLE", "Key", "key_of_environment", "same"]

VARIABLE = "SPARKTUNE_STORE_KEY"
_SHORTEST = 16


class Key:
    """A key; its repr and its pickle do not have it."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def _sign(self, *parts: str | int) -> str:
        text = json.dumps(parts, separators=(",", ":")).encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()

    def of_entry(self, exp_key: str, entry: Entry) -> str:
        """The signature of what a worker is told: of a trial, an attempt, and its job."""
        return self._sign(
            "trial", exp_key, entry.number, entry.attempt, entry.candidate, entry.config, entry.job
        )

    def has_signed(self, exp_key: str, entry: Entry) -> bool:
        """Whether what a worker is told is signed with this key, for this search and attempt."""
        return same(self.of_entry(exp_key, entry), entry.proof)

    def of_outcome(self, exp_key: str, entry: Entry, outcome: str) -> str:
        """The signature of the outcome of one attempt at a trial: of its candidate, in its job."""
        return self._sign(
            "outcome", exp_key, entry.number, entry.attempt, entry.candidate, entry.job, outcome
        )

    def of_space(self, exp_key: str, entry: SpaceEntry) -> str:
        """The signature of a space, as the so-and-so-many-th of a search, from some trial on."""
        return self._sign("space", exp_key, entry.id, entry.first, entry.space, entry.defaults)

    def __repr__(self) -> str:
        return "Key(...)"

    def __reduce__(self) -> str:
        raise TypeError("a key of a store is not pickled")


def same(one: str, other: str) -> bool:
    """Whether two signatures are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def key_of_environment() -> Key | None:
    """The key of SPARKTUNE_STORE_KEY, None without one.

    Raises:
        ValueError: it is too short to be a secret.
    """
    secret = os.environ.get(VARIABLE)
    if not secret:
        return None
    if len(secret) < _SHORTEST:
        raise ValueError(
            f"{VARIABLE} must have at least {_SHORTEST} characters, but has {len(secret)}: "
            "python -c 'import secrets; print(secrets.token_hex(32))' makes one"
        )
    return Key(secret)
