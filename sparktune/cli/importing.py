"""The command ``import-hyperopt``: a journal of what Hyperopt, or this package, has pickled."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..exceptions import InvalidTrial, JournalError
from ..history.documents import values_of_document
from ..hyperopt.domain import Domain
from ..hyperopt.installing import install, loads
from ..hyperopt.record import Record
from ..hyperopt.spaces import template_of
from ..plurals import plural
from ..space.tree import Space
from ..storage.replaying import replay
from ..trials.record import Trials
from .inferred import inferred
from .words import Refused, add_command, complain, say

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Add it to the subparsers of a parser."""
    text = "make a journal of a pickle of trials, such as Hyperopt's trials_save_file"
    add = add_command(commands, "import-hyperopt", text)
    add.add_argument("old", metavar="OLD", help="the pickle, which must be your own")
    add.add_argument("new", metavar="NEW", help="the folder of the journal to be made")
    text = (
        "the space that the trials were made in, or a function without arguments that gives it; "
        "in the words of sparktune.hp, or of hyperopt.hp (default: that in the pickle; else one is "
        "inferred, which is enough to read the trials, not to go on with them)"
    )
    add.add_argument("--space", type=_place, metavar="MODULE:NAME|FILE.py:NAME", help=text)
    add.set_defaults(run=_import)


def _place(text: str) -> tuple[str, str]:
    module, colon, name = text.rpartition(":")
    if not colon or not module or not name.isidentifier():
        raise argparse.ArgumentTypeError(
            f"must be such as train:space or train.py:space, but got {text!r}"
        )
    return module, name


@dataclass
class _Found:
    """What a pickle holds.

    Attributes:
        documents: of all trials.
        trials: where they were trials of sparktune itself, which have more to them than that.
        domain: the space and objective that Hyperopt kept beside them, as a pickle.
        attached: how many things are attached to trials, which a journal does not take.
    """

    documents: list[Any] = field(default_factory=list)
    trials: Trials | None = None
    domain: bytes | None = None
    attached: int = 0


def _import(words: argparse.Namespace) -> int:
    old, new = Path(words.old), Path(words.new)
    _refuse_held(new)
    try:
        install()
    except RuntimeError as error:
        raise Refused(str(error)) from None
    found = _opened(old)
    with _warnings_in_one_line():
        try:
            space, how = _space_of(found, words.space)
            made = _journal(found, space, new)
        except JournalError:
            raise
        except (ValueError, RuntimeError) as error:
            has_space = words.space is not None or found.trials is not None
            hint = "" if has_space else "; give the space by --space FILE.py:NAME"
            raise Refused(f"{old}: {error}{hint}") from None
        except (KeyboardInterrupt, OSError):
            complain(f"{new} was not finished: delete it before another try")
            raise
    say(f"{new}: {made.summary()}")
    if found.attached:
        say(
            f"Left out: {plural(found.attached, 'attachment')}, which a journal does not take over."
        )
    say(how.format(new=new))
    return 0


def _refuse_held(new: Path) -> None:
    history = replay(new.absolute()).history
    if history is not None and len(history):
        raise Refused(
            f"{new} is a journal of {plural(len(history), 'trial')} already: give another folder"
        )


def _opened(old: Path) -> _Found:
    """What a file holds; loading it runs code."""
    try:
        blob = old.read_bytes()
    except IsADirectoryError:
        raise Refused(f"{old} is a folder, but OLD is a pickle: a file") from None
    except OSError as error:
        raise Refused(f"{old} cannot be read: {error.strerror or error}") from None
    complain(f"loading {old} runs what is in it: it must be your own")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numpy, on arrays that another release wrote
            thing = loads(blob)
    except ModuleNotFoundError as error:
        raise Refused(
            f"{old} needs the module {error.name!r}, which is not here: run the command in the "
            "environment that wrote it, with PYTHONPATH where its modules are"
        ) from None
    except Exception as error:  # whatever a pickle runs
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        raise Refused(f"{old} is no pickle that can be loaded here: {what}"[:600]) from None
    return _found_in(thing, old)


def _found_in(thing: Any, old: Path) -> _Found:
    if isinstance(thing, Trials):
        if thing.history is None or not len(thing.history):
            raise Refused(f"{old} holds no trials")
        return _Found(trials=thing)
    found = _Found()
    if isinstance(thing, Record):
        thing.refresh()
        found.documents = list(thing.documents)
        domain = thing.attachments.get("FMinIter_Domain")
        found.domain = domain if isinstance(domain, bytes) else None
        found.attached = sum(str(name).startswith("ATTACH::") for name in thing.attachments)
    elif isinstance(thing, (list, tuple)) and all(isinstance(each, Mapping) for each in thing):
        found.documents = list(thing)
    else:
        raise Refused(f"{old} is a pickle of {_kind(thing)}, but OLD is one of trials")
    if not found.documents:
        raise Refused(f"{old} holds no trials")
    return found


def _kind(thing: Any) -> str:
    name = type(thing).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


# The space.


_GO_ON = "fmin(..., trials=Trials(journal='{new}')) goes on with them, in the same space."
_READ_ONLY = (
    "The space was inferred from the trials: enough for show, Trials.load and to_pandas, but a run "
    "can go on with them only if they are imported with --space."
)


def _space_of(found: _Found, place: tuple[str, str] | None) -> tuple[Space, str]:
    """The space of the trials, and a sentence on what can be done in it."""
    if place is not None:
        return Space.of(template_of(_given(*place))), _GO_ON
    if found.trials is not None and found.trials.history is not None:
        return found.trials.history.space, _GO_ON
    if found.domain is not None:
        try:
            domain = loads(found.domain)
            if isinstance(domain, Domain):
                return Space.of(template_of(domain.expr)), _GO_ON
        except Exception as error:  # whatever a pickle runs
            complain(f"the space beside the trials cannot be read: {type(error).__name__}: {error}")
    for i, document in enumerate(found.documents):
        if not isinstance(document.get("misc"), Mapping) or "vals" not in document["misc"]:
            raise InvalidTrial(f"documents[{i}] has no `misc` with `vals` in it")
    points = [values_of_document(document) for document in found.documents]
    if not any(points):
        raise InvalidTrial("no trial has a parameter")
    return Space.of(inferred(points)), _READ_ONLY


def _given(module: str, name: str) -> Any:
    """What stands under a name in a module or file; what a function of that name gives."""
    home = str(Path(module).resolve().parent if module.endswith(".py") else Path.cwd())
    sys.path.insert(0, home)
    try:
        if module.endswith(".py"):
            loaded = _of_file(Path(module))
        else:
            loaded = importlib.import_module(module)
        if not hasattr(loaded, name):
            raise Refused(f"--space: {module} has no {name!r}")
        thing = getattr(loaded, name)
        return thing() if inspect.isfunction(thing) else thing
    except Refused:
        raise
    except (Exception, SystemExit) as error:  # whatever the module does
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        raise Refused(f"--space: {module}:{name} cannot be had: {what}"[:600]) from None
    finally:
        sys.path.remove(home)


def _of_file(path: Path) -> Any:
    if not path.is_file():
        raise Refused(f"--space: there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Refused(f"--space: {path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    known = sys.modules.get(path.stem)
    sys.modules[path.stem] = module  # functions of it are recorded by its name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        if known is not None:
            sys.modules[path.stem] = known
        raise
    return module


# The journal.


def _journal(found: _Found, space: Space, new: Path) -> Trials:
    """Trials in a new journal."""
    if found.trials is None:
        documents = [_of_active(document) for document in found.documents]
        return Trials.from_documents(documents, space, journal=new)
    trials = found.trials
    trials.attach(new)
    with trials.step(space):
        if trials.seed is not None:
            trials.agree(trials.seed, False)
    return trials


def _of_active(document: Any) -> Any:
    """A document without labels that have no value, which an inferred space may not have."""
    misc = document.get("misc")
    vals = misc.get("vals") if isinstance(misc, Mapping) else None
    if not isinstance(misc, Mapping) or not isinstance(vals, Mapping):
        return document
    active = {label: each for label, each in vals.items() if each is not None and len(each)}
    return {**document, "misc": {**misc, "vals": active}}


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    """Show warnings as sentences of the command."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: complain(str(message))
        yield
