"""Hyperas' functions: minimise over the templates of a function."""

from __future__ import annotations

import contextlib
import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..checks import flag, whole
from ..fmin import fmin
from ..plurals import plural
from ..telling import tell
from .model import Prepared, prepared, refuse_templates
from .models import Kept
from .records import Ended, Host, best_of, host_of
from .spaces import ModelSpace
from .voting import VotingModel

__all__ = ["best_ensemble", "best_models", "minimize", "space_of"]

_OURS = ("fn", "space", "algo", "max_evals", "trials", "rstate", "verbose", "return_argmin")
_MORE = tuple(name for name in inspect.signature(fmin).parameters if name not in _OURS)


def minimize(
    model: Callable[..., Any],
    data: Callable[..., Any] | None,
    algo: Any = None,
    max_evals: int | None = 10,
    trials: Any = None,
    functions: Sequence[Callable[..., Any]] | None = None,
    rseed: int | None = 1337,
    notebook_name: str | None = None,  # noqa: ARG001
    verbose: bool = True,
    eval_space: bool | None = None,
    return_space: bool = False,
    keep_temp: bool = False,  # noqa: ARG001
    data_args: Any = None,
    model_folder: str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Any:
    """Minimise what a function returns over the templates in it.

    Args:
        model: a function that holds templates, such as ``{{choice([8, 16])}}``. It receives what
            ``data`` returns, and returns its loss, or a dict with ``loss``, ``status`` and
            ``model``.
        data: called once; what it returns reaches every process that runs trials once, and must
            not be changed there. A tuple is several arguments of ``model``, anything else is one,
            and None is none where ``model`` takes none. None for no data.
        algo: as of fmin: ``tpe.suggest`` (the default) and others.
        max_evals: how many trials, those already in ``trials`` included.
        trials: where they run and are recorded: Trials() (the default), SparkTrials() or
            StoreTrials() of sparktune, or trials of sparktune.hyperopt.
        functions: accepted for Hyperas' sake, whose temporary file had to hold them: ``model`` and
            ``data`` find their functions as they always do.
        rseed: the seed of the search, a whole number of at least 0; None for what ``rstate=None``
            takes in fmin: HYPEROPT_FMIN_SEED, else the seed of ``trials``, else chance.
        notebook_name: accepted for Hyperas' sake: the function itself is read, not its notebook.
        verbose: whether the space is shown before the run, and a progress bar while it lasts.
        eval_space: None or True for what was drawn, False for indices of choices, as Hyperas has
            them.
        return_space: whether the space is returned as well.
        keep_temp: accepted for Hyperas' sake: there is no temporary file.
        data_args: the arguments of ``data``: a list or tuple by position, a dict by name.
        model_folder: where the model of the best trial lies in a file and stays, which the workers
            of a store put there themselves. None for the folder of a journal or of a store in
            SQLite, and for a temporary one of other trials, which is removed at the end.
        settings: further ones of fmin by name, such as ``timeout`` or ``trial_timeout``.
            ``recommend`` has no effect: the best trial is that of the lowest loss.

    Returns:
        Label to value of the best trial, and its trained model; with ``return_space`` also the
        space. The model is None where the trial returned none, where it could not be kept or
        loaded, which a warning says, and where it is of an earlier call whose files are gone.

    Raises:
        BadSearchSpace: a template is no distribution, or the source of ``model`` cannot be had;
            with file and line.
        AllTrialsFailed: no trial has a loss.
        TypeError, ValueError: an argument of a wrong type, or not as many as ``model`` takes.
        Exception: what ``data`` raised, or ``model`` in this process, as of fmin.
    """
    flag("return_space", return_space)
    if eval_space is not None:
        flag("eval_space", eval_space)
    settings |= {"algo": algo, "max_evals": max_evals, "rseed": rseed, "verbose": verbose}
    settings |= {"data_args": data_args, "model_folder": model_folder}
    with _searched(1, model, data, trials, functions, settings) as (ready, best, kept):
        values = best[0].values
        run = ready.space.in_order(values) if eval_space is False else ready.space.real(values)
        trained = kept.load(best[0])
    return (run, trained, ready.space) if return_space else (run, trained)


def best_models(
    nb_models: int,
    model: Callable[..., Any],
    data: Callable[..., Any] | None,
    algo: Any = None,
    max_evals: int | None = 10,
    trials: Any = None,
    functions: Sequence[Callable[..., Any]] | None = None,
    keep_temp: bool = False,  # noqa: ARG001
    **settings: Any,
) -> list[Any]:
    """The trained models of the trials with the lowest losses, the best first.

    Args:
        nb_models: how many, at least 1; fewer where fewer trials returned a model.
        model: a function that holds templates, and returns a dict with its ``model``.
        data: as of ``minimize``.
        algo: as of fmin.
        max_evals: how many trials, those already in ``trials`` included.
        trials: as of ``minimize``.
        functions: accepted for Hyperas' sake.
        keep_temp: accepted for Hyperas' sake.
        settings: ``rseed``, ``verbose``, ``data_args`` and ``model_folder`` of ``minimize``, and
            those of fmin.

    Raises:
        ValueError: no trial returned a model; and as of ``minimize``.
    """
    most = whole("nb_models", nb_models)
    settings |= {"algo": algo, "max_evals": max_evals}
    with _searched(most, model, data, trials, functions, settings) as (ready, best, kept):
        models = [kept.load(trial) for trial in best[:most]]
    found = [each for each in models if each is not None]
    if not found:
        raise ValueError(
            f"{ready.where}: {ready.name} returned no model: return a dict with 'loss' and 'model'"
        )
    return found


def best_ensemble(
    nb_ensemble_models: int,
    model: Callable[..., Any],
    data: Callable[..., Any] | None,
    algo: Any = None,
    max_evals: int | None = 10,
    trials: Any = None,
    voting: str = "hard",
    weights: Iterable[float] | None = None,
    nb_classes: int | None = None,
    functions: Sequence[Callable[..., Any]] | None = None,
    **settings: Any,
) -> VotingModel:
    """The best models as one, which predicts by vote.

    Args:
        nb_ensemble_models: how many models, at least 1; fewer where fewer trials returned one.
        model: as of ``best_models``.
        data: as of ``minimize``.
        algo: as of fmin.
        max_evals: how many trials, those already in ``trials`` included.
        trials: as of ``minimize``.
        voting: "hard" counts the classes that the models predict, "soft" takes the mean of their
            probabilities.
        weights: of the models, at least 0, one for each, the best first; None for equal ones.
        nb_classes: how many classes there are; None where the models' predictions say so.
        functions: accepted for Hyperas' sake.
        settings: as of ``best_models``.

    Returns:
        A VotingModel; its ``predict(X)`` gives the class of each row, an array (n,).

    Raises:
        ValueError: no trial returned a model, another ``voting``, or weights that are not one for
            each model; and as of ``minimize``. ``predict`` raises it for "soft" where a model
            gives no probabilities.
    """
    models = best_models(
        nb_ensemble_models, model, data, algo, max_evals, trials, functions, **settings
    )
    return VotingModel(models, voting, weights, nb_classes)


def space_of(model: Callable[..., Any]) -> ModelSpace:
    """What is searched of a function with templates: its labels, ranges, conditions and lines.

    Shows as a table; ``fmin`` takes it as any space.

    Args:
        model: as of ``minimize``.

    Raises:
        BadSearchSpace: as of ``minimize``.
    """
    return prepared(model).space


@contextlib.contextmanager
def _searched(
    most: int, model: Any, data: Any, trials: Any, functions: Any, settings: dict[str, Any]
) -> Iterator[tuple[Prepared, list[Ended], Kept]]:
    """Run fmin; gives the trials with a loss, best first, and what keeps the models of ``most``.

    The models can be loaded while the context lasts. ``settings`` are ``rseed``, ``verbose``,
    ``data_args``, ``model_folder``, and those of fmin; the rest is as of ``minimize``.
    """
    ready = prepared(model)
    refuse_templates(functions)
    host = host_of(trials)
    verbose = settings["verbose"] = flag("verbose", settings.get("verbose", True))
    settings["rstate"] = settings.pop("rseed", 1337)
    data_args = settings.pop("data_args", None)
    folder = _folder(settings.pop("model_folder", None), host)
    unknown = [name for name in settings if name not in (*_MORE, *_OURS)]
    if unknown:
        raise TypeError(
            f"unknown: {', '.join(map(repr, unknown))}; beside their own arguments these functions "
            f"hand on those of fmin: {', '.join(_MORE)}"
        )
    if settings["algo"] is None:
        del settings["algo"]
    given = _data(ready, data, data_args)
    if verbose:
        tell(f"what is searched:\n{ready.space!r}")
    kept = settings["early_stop_fn"] = Kept(most, folder, host.ended, settings.get("early_stop_fn"))
    try:
        apart = (kept.lasting or "") if host.workers_record else None
        objective = ready.objective(given, receiver=kept.receive, folder=apart)
        try:
            host.search(objective, ready.space, settings)
        finally:
            kept.take()
        yield ready, best_of(host), kept
    finally:
        kept.close()


def _folder(given: Any, host: Host) -> Path | None:
    """Where models stay; None where they do not.

    Raises:
        TypeError: what was given is no path.
    """
    if given is None:
        return None if host.folder is None else host.folder / "models"
    if not isinstance(given, (str, os.PathLike)) or not os.fspath(given):
        raise TypeError(f"`model_folder` must be the path of a folder, but got {given!r}")
    return Path(os.fspath(given)).expanduser().absolute()


def _data(ready: Prepared, data: Any, data_args: Any) -> tuple[Any, ...]:
    """The arguments of a model, from the one call of ``data``."""
    if data is None:
        found: tuple[Any, ...] = ()
    elif not callable(data):
        raise TypeError(
            f"`data` must be a function that returns what {ready.name} takes, but got "
            f"{type(data).__name__}: write it as `def data(): return x, y`"
        )
    else:
        made = _called(data, data_args)
        found = made if isinstance(made, tuple) else (made,)
        if made is None and _takes(ready, ()):
            found = ()
    if not _takes(ready, found):
        several = len(found) == 1 and isinstance(found[0], list) and _takes(ready, tuple(found[0]))
        hint = "; a tuple is several arguments, a list is one: return tuple(...)" * several
        raise TypeError(
            f"{ready.where}: {ready.name}{inspect.signature(ready.model)} must take what `data` "
            f"returns, but that is {plural(len(found), 'argument')}: "
            f"{', '.join(type(each).__name__ for each in found) or 'none'}{hint}"
        )
    return found


def _called(data: Callable[..., Any], data_args: Any) -> Any:
    if data_args is None:
        return data()
    if isinstance(data_args, dict):
        return data(**data_args)
    if isinstance(data_args, (list, tuple)):
        return data(*data_args)
    raise TypeError(
        "`data_args` must be a list or tuple of arguments, or a dict of them by name, but got "
        f"{data_args!r:.200}"
    )


def _takes(ready: Prepared, arguments: tuple[Any, ...]) -> bool:
    try:
        inspect.signature(ready.model).bind(*arguments)
    except TypeError:
        return False
    return True
