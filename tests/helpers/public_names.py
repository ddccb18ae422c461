"""The public names and their parameters, one line each; run it to write public_names.txt anew."""

import importlib
import inspect
import warnings
from pathlib import Path

LIST = Path(__file__).parents[1] / "public_names.txt"
MODULES = (
    "sparktune", "sparktune.early_stop", "sparktune.exceptions", "sparktune.hp",
    "sparktune.hpsklearn", "sparktune.hyperas", "sparktune.hyperas.distributions",
    "sparktune.hyperas.optim", "sparktune.importance", "sparktune.plots",
    "sparktune.prune", "sparktune.store",
)  # fmt: skip


def names_now():
    """Lines of a name and its parameters: of modules, and of the classes that they export."""
    lines = set()
    for module in map(importlib.import_module, MODULES):
        for name in module.__all__:
            lines |= set(_lines(f"{module.__name__}.{name}", getattr(module, name)))
    return sorted(lines)


def _lines(name, value):
    if inspect.ismodule(value):
        return
    yield " ".join([name, *_parameters(value)])
    if inspect.isclass(value) and value.__module__.startswith("sparktune."):
        for own in dir(value):
            if not own.startswith("_") and not hasattr(Exception, own):
                yield " ".join([f"{name}.{own}", *_parameters(inspect.getattr_static(value, own))])


def _parameters(value):
    value = getattr(value, "__func__", value)  # of class methods and static methods
    if not callable(value):
        return []
    try:
        parameters = inspect.signature(value).parameters.values()
    except ValueError:  # of a class without a signature, such as of some exceptions
        return []
    return [p.name for p in parameters if p.name not in ("self", "cls") and p.name[:1] != "_"]


def is_there(line):
    """Whether a name of the list is still there, with all of its parameters."""
    name, *parameters = line.split(" ")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is how a name that went is there
        module = max((m for m in MODULES if name.startswith(f"{m}.")), key=len)
        value = importlib.import_module(module)
        for part in name.removeprefix(f"{module}.").split("."):
            is_class = inspect.isclass(value)
            if not hasattr(value, part):
                return False
            value = inspect.getattr_static(value, part) if is_class else getattr(value, part)
    return set(parameters) <= set(_parameters(value))


if __name__ == "__main__":
    LIST.write_text("".join(f"{line}\n" for line in names_now()))
