"""Outcomes of trials as a store keeps them: JSON, signed where there is a key."""

from __future__ import annotations

import base64
import json
from typing import Any

from ...exceptions import JournalError
from ...history.trial import Outcome
from ...unpickling import loads
from ..lines import parsed
from ..records import of_outcome, record_of
from .signing import VARIABLE

__all__ = ["json_text", "kinds_left_out", "outcome_of", "text_of_outcome"]

_LONGEST = 64 * 2**20


def json_text(thing: Any) -> str:
    """Plain JSON data as text, the same for the same data."""
    return json.dumps(thing, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def text_of_outcome(outcome: Outcome, has_key: bool) -> tuple[str, str | None]:
    """An outcome as text, and the name of what of it was left out, as it is no plain data.

    Args:
        outcome: of a trial.
        has_key: whether it will be signed, so that what is no plain data may be pickled.
    """
    left_out: list[str] = []

    def other(thing: Any) -> dict[str, str]:
        kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
        if not has_key:
            left_out.append(type(thing).__name__)
            return {"type": kind, "lost": f"without {VARIABLE} a store keeps plain data alone"}
        import cloudpickle

        try:
            blob = cloudpickle.dumps(thing)
        except Exception as error:
            left_out.append(type(thing).__name__)
            return {"type": kind, "lost": f"{type(error).__name__}: {error}"[:200]}
        return {"type": kind, "pickle": base64.b64encode(blob).decode()}

    text = json_text(of_outcome(outcome, other))
    if len(text) > _LONGEST:
        raise JournalError(
            f"an outcome of {len(text):,} bytes is too large for a store, which takes {_LONGEST:,}"
        )
    return text, left_out[0] if left_out else None


def kinds_left_out(text: str) -> list[str]:
    """The names of types whose objects were left out of an outcome that is one."""
    if '"lost"' not in text:
        return []
    found: list[str] = []

    def other(content: Any) -> None:
        if "lost" in content:
            found.append(content["type"].rpartition(".")[2])

    record_of(_as_record(parsed(text.encode())), other)
    return found


def outcome_of(text: str, is_trusted: bool) -> Outcome:
    """The outcome that a text stands for; nothing is unpickled that is not trusted.

    Raises:
        JournalError: it is none.
    """

    def other(content: Any) -> Any:
        if type(content) is not dict or type(content.get("type")) is not str:
            raise ValueError(f"{content!r:.60} is no part of a result")
        kind = content["type"][:200]
        if "lost" in content:
            return f"a {kind} that is not kept: {str(content['lost'])[:200]}"
        if not is_trusted:
            return f"a {kind} that is not opened without {VARIABLE}"
        try:
            return loads(base64.b64decode(content["pickle"], validate=True))
        except Exception as error:
            return f"a {kind} that cannot be unpickled: {type(error).__name__}: {error}"[:400]

    try:
        data = parsed(text.encode())
    except (ValueError, UnicodeEncodeError, AttributeError) as error:
        raise JournalError(f"an outcome that is none: {error}") from None
    record: Any = record_of(_as_record(data), other)
    outcome: Outcome = record.outcome
    return outcome


def _as_record(outcome: Any) -> dict[str, Any]:
    return {"kind": "ended", "number": 0, "attempt": 0, "outcome": outcome}
