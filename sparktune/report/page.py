"""The page: HTML that shows a document by itself, offline, and that a server can serve apart.

What came from a run is data: it stands in a JSON block of which no character can end the block, and
the script shows it as text. The page allows no other script and no style than its own, by their
digests, and asks nothing of any network.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from .. import markup

__all__ = ["json_of", "page", "script", "shell", "style"]

_SCRIPTS = ("words.js", "drawing.js", "pictures.js", "table.js", "page.js")


def json_of(document: Mapping[str, Any]) -> str:
    """A document as JSON in ASCII, without the characters that mean something in HTML."""
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    for c in "<>&":  # the separators of lines are no ASCII, so that they are escaped already
        text = text.replace(c, f"\\u{ord(c):04x}")
    return text


@functools.cache
def script() -> str:
    """The page's script: a module whose function ``show`` takes a document, again and again."""
    return "\n".join(_read(name) for name in _SCRIPTS)


@functools.cache
def style() -> str:
    """The page's stylesheet."""
    return _read("page.css")


def page(document: Mapping[str, Any]) -> str:
    """A document as one page of HTML that needs nothing else.

    Args:
        document: of ``document_of``.
    """
    policy = f"default-src 'none'; script-src {_digest(script())}; style-src {_digest(style())}"
    head = (
        '<meta http-equiv="Content-Security-Policy" '
        f"content=\"{policy}; img-src data:; base-uri 'none'; form-action 'none'\">\n"
        f"<style>{style()}</style>"
    )
    tail = (
        f'<script type="application/json" id="run">{json_of(document)}</script>\n'
        f'<script type="module">{script()}</script>'
    )
    return shell(str(document["name"]), head, tail)


def shell(title: str, head: str, tail: str) -> str:
    """The page without data, in which a server puts links to its stylesheet and script.

    Args:
        title: of the page, as text.
        head: HTML for the end of its head.
        tail: HTML for the end of its body.
    """
    parts = {"title": markup.escaped(title), "head": head, "tail": tail}
    pieces = _read("page.html").split("{{")
    found = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        found += [parts[name], rest]
    return "".join(found)


def _digest(text: str) -> str:
    """The digest of a script or style by which a policy allows it."""
    found = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{found}'"


def _read(name: str) -> str:
    return (files(__package__) / "static" / name).read_text("utf-8")
