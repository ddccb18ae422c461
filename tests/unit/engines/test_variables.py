"""Variables of imported modules that an objective reads: they are found by name, and compared."""

import functools
import importlib
import sys
import threading
import types

import cloudpickle
import pytest

from sparktune import Trials
from sparktune.engines.base import RunSpec
from sparktune.engines.shipping import Shipment
from sparktune.engines.travels.modules import edited, fingerprint, forget, strange
from sparktune.engines.variables import fingerprints_read
from sparktune.exceptions import UnpicklableObjective

SOURCE = """
import threading, types
factor, other, third = 1.0, 2.0, 3.0
_cache = {}
lock = threading.Lock()
config = types.SimpleNamespace(rate=1.0)
def score(x):
    return _inner(x)
def _inner(x):
    return [factor * x for _ in range(1)]
def show(x):
    return record
class Model:
    depth = 1
    def fit(self, x):
        return other
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of the user's, in a package."""
    package = tmp_path / "of_the_user"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "parts.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("of_the_user.parts")
    for name in ("of_the_user.parts", "of_the_user"):
        sys.modules.pop(name, None)


def names(found):
    return {".".join(path) for _, path in found}


def test_variables_are_found_however_code_reads_them(module):
    """Read by name, in functions inside, through imports of its own, and by what it calls."""
    import of_the_user

    def held(config):
        return module.factor

    def imports(config):
        import of_the_user.parts as renamed
        from of_the_user import parts
        from of_the_user.parts import other

        return renamed.config, other, parts.third

    class Trainer:
        def __call__(self, config):
            return self.helped(config)

        def helped(self, config):
            return held(config)

    assert names(fingerprints_read(held)) == {"factor"}
    assert names(fingerprints_read(lambda c: [module.other for _ in c])) == {"other"}
    assert names(fingerprints_read(lambda c: of_the_user.parts.factor)) == {"factor"}
    assert names(fingerprints_read(imports)) == {"config", "other", "third"}
    assert names(fingerprints_read(Trainer())) == {"factor"}
    assert names(fingerprints_read(functools.partial(len, held))) == {"factor"}
    assert names(fingerprints_read(len, [{"option": held}])) == {"factor"}
    assert names(fingerprints_read(lambda c: module.score(c))) == {"score", "factor"}
    assert names(fingerprints_read(lambda c: module.Model().fit(c))) == {"Model", "other"}
    assert names(fingerprints_read(lambda c: module.Model.depth)) == {"Model.depth"}
    assert fingerprints_read(lambda c: (sys.argv, threading.Lock, module.missing)) == {}


def test_a_variable_of_no_use_to_trials_is_refused(module):
    """Where code reads the run's own trials or a session off a module, that is refused by name."""
    trials = module.record = Trials()
    session = type("SparkSession", (), {"__module__": "pyspark.sql.session"})
    module.other = session()

    class Reads:
        def __call__(self, config):
            return module.other

    class MayRead:
        def __call__(self, config):
            return config

        def never_called(self):
            return module.other

    for objective, name in (
        (lambda c: module.record, "record"), (lambda c: module.other, "other"),
        (lambda c: module.show(c), "record"), (Reads(), "other"), (Reads().__call__, "other"),
    ):  # fmt: skip
        with pytest.raises(UnpicklableObjective, match=rf"variable 'of_the_user.parts.{name}' of"):
            Shipment(RunSpec(objective, "r", own=(trials,)), cloudpickle)
    Shipment(RunSpec(MayRead(), "r", own=(trials,)), cloudpickle)
    Shipment(RunSpec(lambda c: module.Model().fit(c), "r"), cloudpickle)


def test_what_was_set_is_another_and_what_is_of_a_process_is_not(module):
    """A variable that was set, added or changed inside is another; a new lock is none."""
    read = [("factor",), ("config",), ("Model",), ("lock",), ("score",)]
    expected = {(module.__name__, path): fingerprint(vars(module)[path[0]]) for path in read}
    importlib.reload(module)
    assert set(strange(expected).values()) == {False}
    module.factor, module.config.rate, module.Model.depth = 5.0, 2, 2
    module.lock, module.score = threading.Lock(), len
    found = {path[0] for (_, path), other in strange(expected).items() if other}
    assert found == {"factor", "config", "Model", "score"}
    del module.factor
    assert strange(expected)[module.__name__, ("factor",)]
    assert strange({("nowhere.imported", ("x",)): ""}) == {}


def test_fingerprints_are_of_values():
    """Equal values have equal fingerprints whatever their order in a set, others have not."""

    def loop(value):
        made = {"a": value, "twice": [value]}
        made["loop"] = [made, made["twice"]]
        return made

    words = [str(i) for i in range(50)]
    for one, same, other in [
        ({1, "a"}, {"a", 1}, {1, "b"}),
        (dict.fromkeys(words), dict.fromkeys(words[::-1]), dict.fromkeys(words[1:])),
        (loop(1), loop(1), loop(2)),
        ([[1], [1]], [[1]] * 2, [[1], [2]]),
        (types.SimpleNamespace(a=1), types.SimpleNamespace(a=1), types.SimpleNamespace(a=2)),
        (float("nan"), float("nan"), 1.0),
        (1, 1, True),
    ]:
        assert fingerprint(one) == fingerprint(same)
        assert fingerprint(one) != fingerprint(other)


def test_a_fork_forgets_modules_that_were_edited(module, monkeypatch):
    """What was imported before its file changed is imported anew, with all from its folder."""
    from sparktune.engines.travels import modules

    now = modules._changed(module)
    monkeypatch.setattr(modules, "_began", lambda pid: now + 1)
    forget(edited())
    assert sys.modules["of_the_user.parts"] is module
    monkeypatch.setattr(modules, "_began", lambda pid: now - 1)
    forget(edited())
    assert not {"of_the_user", "of_the_user.parts"} & set(sys.modules)
    assert importlib.import_module("of_the_user.parts") is not module
    assert modules._began(1) < now + 1e9
