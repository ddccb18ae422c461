"""The command ``dashboard``: runs as a page that shows them live."""

from __future__ import annotations

import argparse
import os
import webbrowser
from typing import Any

from ..storage.stores.opening import URL_VARIABLE
from .places import place_of
from .words import add_command, number, say

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Add it to the subparsers of a parser."""
    text = "runs as a page in a browser on this machine, also while they go on, until Ctrl-C"
    add = add_command(commands, "dashboard", text)
    text = (
        "the folder of a journal, a folder with journals below it, or the URL of a store "
        "(default: SPARKTUNE_STORE)"
    )
    add.add_argument("paths", metavar="PATH|URL", nargs="*", help=text)
    text = "of a store, the one search that is shown (default: all)"
    add.add_argument("--exp-key", metavar="KEY", help=text)
    text = "port of 127.0.0.1; 0 for any that is free (default: 8765, or any where that is taken)"
    add.add_argument("--port", type=number(0, 65535), metavar="N", help=text)
    add.add_argument("--open", action="store_true", help="open the page in a browser")
    add.set_defaults(run=_show)


def _show(words: argparse.Namespace) -> int:
    from ..dashboard import Dashboard

    if not words.paths and not os.environ.get(URL_VARIABLE):
        raise ValueError(f"name journals' folders or a store's URL, or set {URL_VARIABLE} to a URL")
    if words.exp_key is not None and words.paths and not any("://" in p for p in words.paths):
        raise ValueError("--exp-key names a search of a store, but no URL of one is given")
    places = [place_of(path, words.exp_key) for path in words.paths or [None]]

    def ready(address: str) -> None:
        say(f"Dashboard: {address}\nOnly programs of this machine reach it. Ctrl-C ends it.")
        if words.open:
            webbrowser.open(address)

    Dashboard(places, words.port).run(ready)
    return 0
