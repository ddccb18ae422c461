"""What comes back is unpickled without changing the classes that are known here."""

from pathlib import Path

import cloudpickle
import pytest

from sparktune import Trials, fmin, hp
from sparktune.space.tree import Space
from sparktune.unpickling import loads

BEGUN = []


class Base:
    """Notes its subclasses, as registries of plugins do."""

    def __init_subclass__(cls):
        BEGUN.append(cls)


def made(**attributes):
    """A class that travels by value."""
    return type("Local", (Base,), attributes)


def test_a_known_class_keeps_its_attributes():
    """What a class has got since it was pickled stays, and so do methods that were replaced."""
    kind = made(seen=0, show=lambda self: "old")
    blob = cloudpickle.dumps((kind, kind()))
    kind.seen, kind.show = 3, lambda self: "new"
    BEGUN.clear()
    again, instance = loads(blob)
    assert again is kind
    assert not BEGUN  # nor is it made a second time
    assert (kind.seen, instance.show()) == (3, "new")


def test_a_class_of_elsewhere_is_whole(run_python):
    """A class that nobody knows here comes with its attributes, also where a first try failed."""
    script = """
import cloudpickle, sys
from pathlib import Path
class Known:
    def __reduce__(self):
        return __import__, ("module_of_nobody",)
class Local:
    size, bad = 4, Known()
cloudpickle.dump(Local(), open("failing", "wb"))
Local.bad = None
cloudpickle.dump(Local(), open("fine", "wb"))
print(Path.cwd())
"""
    folder = Path(run_python(script).stdout.strip())
    with pytest.raises(ModuleNotFoundError):
        loads((folder / "failing").read_bytes())
    first, second = (loads((folder / "fine").read_bytes()) for _ in range(2))
    assert first.size == second.size == 4
    assert type(first) is type(second)
    type(first).size = 5
    assert loads((folder / "fine").read_bytes()).size == 5


def test_spaces_and_results_in_files_leave_classes_alone(tmp_path):
    """A space that is pickled, and a result that was set aside, change no class either."""
    kind = made(seen=0)
    space = cloudpickle.dumps(Space({"x": hp.uniform("x", 0, 1), "model": kind()}))
    trials = Trials()
    fmin(lambda c: c, hp.uniform("x", 0, 1), max_evals=1, trials=trials, show_progressbar=False)
    file = tmp_path / "result"
    file.write_bytes(cloudpickle.dumps(kind()))
    kind.seen = 2
    assert type(cloudpickle.loads(space).template["model"]) is kind
    object.__setattr__(trials.history[0].outcome, "result_file", str(file))
    assert type(trials.load_result(0)) is kind
    assert kind.seen == 2
