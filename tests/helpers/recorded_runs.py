"""Runs in journals, for the command line to show."""

import functools

from sparktune import Trials, fmin, hp, scope, tpe

SPACE = {
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.loguniform("C", -5, 5)},
            {"kind": "forest", "trees": scope.int(hp.quniform("trees", 10, 500, 1))},
        ],
    ),
    "scale": hp.choice("scale", ["none", "minmax"]),
}
__all__ = ["SPACE", "quiet", "searched", "torn"]

quiet = functools.partial(fmin, algo=tpe.suggest, show_progressbar=False)


def objective(config):
    """A loss; every third kind of configuration fails, with a number in its sentence."""
    model = config["model"]
    if model["kind"] == "svm" and config["scale"] == "none":
        raise ValueError("no scale\nfor svm")
    return model["C"] if model["kind"] == "svm" else {"loss": 1 / model["trees"], "far": (1, None)}


def searched(folder, count=20, **options):
    """A run of so many trials in a journal."""
    trials = Trials(journal=folder)
    quiet(
        objective, SPACE, max_evals=count, trials=trials, rstate=0, catch_eval_exceptions=True,
        **options,
    )  # fmt: skip
    return trials


def torn(folder, keep=20):
    """Leave of the last trial's outcome so many bytes, as a crash in mid-write does."""
    path = folder / "000001.jsonl"
    *lines, ended, closed = path.read_bytes().splitlines(keepends=True)
    assert closed.startswith(b'{"$end":"closed"')
    assert ended.startswith(b'{"kind":"ended"')
    path.write_bytes(b"".join(lines) + ended[:keep])
    return folder
