"""What pickle finds only by its name in a script goes by what it is made of."""

import functools
import io
import pickle
import sys
import typing
import weakref
from types import ModuleType

import cloudpickle
import numpy as np
import pytest

from sparktune.engines.pickler import pickler_of


class Missing:
    """A singleton in the way of the pickle documentation."""

    __slots__ = ("note",)

    def __reduce__(self):
        return "MISSING"


class Named:
    """One that has a state."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return self.name


@pytest.fixture
def script(monkeypatch):
    """A module ``__main__`` that is gone on the other side."""
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    return module


def there(thing, monkeypatch):
    """What a thing is in a process that has another ``__main__``."""
    buffer = io.BytesIO()
    pickler_of(cloudpickle)(buffer, lambda _: None).dump(thing)
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    return pickle.loads(buffer.getvalue())


def test_singletons_by_name(script, monkeypatch):
    """An object whose reduce gives a name of the script arrives with its state, and is one."""
    for kind in (Missing, Named):
        monkeypatch.setattr(kind, "__module__", "__main__")
    script.MISSING, script.OTHER = Missing(), Named("OTHER")
    script.MISSING.note = "n"
    first, second, other, again = there(
        [script.MISSING, script.MISSING, script.OTHER, {"other": script.OTHER}], monkeypatch
    )
    assert first is second
    assert first.note == "n"
    assert other is again["other"]
    assert other.name == "OTHER"


def test_types_by_name(script, monkeypatch):
    """Types that annotations of a script use arrive with their names."""
    script.User = typing.NewType("User", int)
    script.User.__module__ = "__main__"
    user = there(script.User, monkeypatch)
    assert (user.__name__, user.__supertype__, user.__module__) == ("User", int, "__main__")
    if hasattr(typing, "ParamSpec"):
        script.P = typing.ParamSpec("P")
        script.P.__module__ = "__main__"
        assert there(script.P, monkeypatch).__name__ == "P"


def test_weak_dictionaries(script, monkeypatch):
    """A weak dictionary, as a registry of instances is, arrives with what is held elsewhere."""
    key = Named("key")
    Named.__reduce__, kept = object.__reduce__, Named.__reduce__
    try:
        weak, same, values = there(
            (weakref.WeakKeyDictionary({key: 1}), key, weakref.WeakValueDictionary(k=key)),
            monkeypatch,
        )
    finally:
        Named.__reduce__ = kept
    assert weak[same] == 1
    assert values["k"] is same


def test_what_is_known_by_name_alone_is_refused(script, monkeypatch):
    """What is neither importable nor made of anything that Python sees is refused."""
    script.vector = np.frompyfunc(lambda x: x, 1, 1)
    with pytest.raises(pickle.PicklingError, match="of type ufunc is known by its name in this"):
        there(script.vector, monkeypatch)
    assert there(np.add, monkeypatch) is np.add
    assert there(functools.lru_cache, monkeypatch) is functools.lru_cache
