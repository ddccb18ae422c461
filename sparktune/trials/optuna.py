"""Runs and Optuna's studies: a study's trials read, and trials written into a study."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import numpy as np

from ..arithmetic import own_arithmetic
from ..checks import advise
from ..exceptions import InvalidTrial
from ..extras import lacking
from ..history import History, Outcome, Status, Trial
from ..history.failures import error_of
from ..known import Known
from ..space.nodes import Choice
from ..space.points import by_labels
from ..space.tree import Space
from .distributions import Shape, categories_of, shapes_of
from .exchange import option_of

__all__ = ["known_of_study", "study_of"]

_OURS = "sparktune_"
_NO_INFO = ("loss", "status", "attachments")


def _optuna(name: str) -> Any:
    try:
        import optuna
    except ImportError:
        raise lacking(name, "Optuna", "optuna", name="optuna") from None
    return optuna


def _sign_of(study: Any) -> float:
    """1 where a study minimises, -1 where it maximises."""
    if len(study.directions) > 1:
        raise ValueError(
            f"the study {study.study_name!r} has {len(study.directions)} objectives, and trials "
            "have one loss: make a study of one of them"
        )
    return -1.0 if study.direction.name == "MAXIMIZE" else 1.0


def known_of_study(study: Any, space: Space) -> list[Known]:
    """The trials of a study; see Trials.from_optuna."""
    optuna = _optuna("from_optuna")
    if not isinstance(study, optuna.Study):
        raise TypeError(f"from_optuna takes an optuna.Study, but got {study!r:.200}")
    sign = _sign_of(study)
    if sign < 0:
        advise(
            f"the study {study.study_name!r} maximises, and trials minimise: their losses and "
            "reports are its values with the sign turned"
        )
    written = {
        param.label: categories_of(param) for param in space.params if isinstance(param, Choice)
    }
    found = []
    for trial in study.get_trials(deepcopy=False):
        if not trial.state.is_finished():
            continue
        unsure = trial.state.name != "COMPLETE"
        try:
            found.append(_of_frozen(trial, space, sign, written))
        except InvalidTrial as error:
            roots = (
                label for label, pairs in zip(space.labels, space.parents, strict=True) if not pairs
            )
            if unsure and any(label not in trial.params for label in roots):
                continue  # it ended before all its parameters were drawn
            raise InvalidTrial(f"trial {trial.number} of the study: {error}") from None
    return found


@own_arithmetic
def _of_frozen(
    trial: Any, space: Space, sign: float, written: Mapping[str, tuple[Any, ...]]
) -> Known:
    point = {}
    for label, value in trial.params.items():
        if label not in space.column:
            raise InvalidTrial(
                f"it has the parameter {label!r}, which the space does not have: it has "
                f"{', '.join(map(repr, space.labels))}"
            )
        categories = written.get(label, ())
        index = next(
            (
                i
                for i, other in enumerate(categories)
                if type(other) is type(value) and other == value
            ),
            None,
        )
        param = space.params[space.column[label]]
        point[label] = option_of(param, value, space) if index is None else index
    values = by_labels(space, point)
    start, end, attributes = trial.datetime_start, trial.datetime_complete, trial.user_attrs
    info = {
        name: item
        for name, item in attributes.items()
        if not name.startswith(_OURS) and name not in _NO_INFO
    }
    common: dict[str, Any] = {
        "info": info,
        "seconds": None if start is None or end is None else (end - start).total_seconds(),
        "host": attributes.get(f"{_OURS}host"),
    }
    name = trial.state.name
    if name == "COMPLETE":
        outcome = Outcome(Status.OK, loss=sign * trial.value, **common)
    elif name == "PRUNED":
        outcome = Outcome(Status.PRUNED, **common)
    else:
        late = attributes.get(f"{_OURS}status") == Status.TIMED_OUT.name.lower()
        error = attributes.get(f"{_OURS}error", "the trial failed in Optuna")
        kind = attributes.get(f"{_OURS}error_type")
        status = Status.TIMED_OUT if late else Status.FAILED
        outcome = Outcome(status, error=error, error_type=kind, **common)
    reports = tuple((step, sign * value) for step, value in trial.intermediate_values.items())
    started = None if start is None else start.timestamp()
    return Known(values, outcome, started, 0, reports)


def study_of(history: History | None, storage: Any, study_name: str | None) -> Any:
    """The trials of a history in a study of Optuna; see Trials.to_optuna."""
    optuna = _optuna("to_optuna")
    if history is None:
        raise ValueError("these trials belong to no search yet, so there is nothing to write")
    study = optuna.create_study(
        storage=_storage_of(optuna, storage),
        study_name=study_name,
        direction="minimize",
        load_if_exists=True,
    )
    sign = _sign_of(study)
    there = study.get_trials(deepcopy=False)
    known = {name: d for trial in there for name, d in trial.distributions.items()}
    trials = [history[number] for number in history.ended.tolist()]
    observed: dict[str, list[float]] = {}
    for trial in trials:
        for label, value in trial.values.items():
            observed.setdefault(label, []).append(value)
    shapes = shapes_of(history.space, observed, known)
    _refuse_another(study, shapes, known)
    held = Counter(map(_key, there))
    for frozen in _frozen(optuna, history, trials, shapes, sign):
        key = _key(frozen)
        if held[key]:
            held[key] -= 1
        else:
            study.add_trial(frozen)
    notes = {label: shape.note for label, shape in shapes.items() if shape.note is not None}
    if notes and study.user_attrs.get(f"{_OURS}distributions") != notes:
        study.set_user_attr(f"{_OURS}distributions", notes)
    return study


def _storage_of(optuna: Any, storage: Any) -> Any:
    """A storage as Optuna takes it; the path of a file is a journal's."""
    if isinstance(storage, os.PathLike) or (isinstance(storage, str) and "://" not in storage):
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        return JournalStorage(JournalFileBackend(os.fspath(storage)))
    return optuna.storages.InMemoryStorage() if storage is None else storage


def _refuse_another(study: Any, shapes: Mapping[str, Shape], known: Mapping[str, Any]) -> None:
    """Raise ValueError where a study has another kind of distribution for a label."""
    from optuna.distributions import check_distribution_compatibility

    for label, shape in shapes.items():
        if label in known:
            try:
                check_distribution_compatibility(known[label], shape.distribution)
            except ValueError:
                raise ValueError(
                    f"the study {study.study_name!r} holds trials of another space, which differs "
                    f"in {label!r}: there it is {known[label]}, here {shape.distribution}; take "
                    "another study_name"
                ) from None


def _key(trial: Any) -> tuple[Any, ...]:
    """What tells a trial of a study from others; equal ones are counted."""
    values = None if trial.state.name == "PRUNED" else tuple(trial.values or ())
    return trial.state.name, values, frozenset(trial.params.items())


def _frozen(
    optuna: Any, history: History, trials: list[Trial], shapes: Mapping[str, Shape], sign: float
) -> Iterator[Any]:
    """Trials as Optuna keeps them."""
    states = optuna.trial.TrialState
    for trial in trials:
        outcome = trial.outcome
        if outcome is None:
            continue
        reports = {step: sign * value for step, value in history.reports(trial.number)}
        state, value = states.FAIL, None
        if outcome.loss is not None:
            state, value = states.COMPLETE, sign * outcome.loss
        elif trial.status is Status.PRUNED:
            state, value = states.PRUNED, next(reversed(reports.values()), None)
            value = None if value is None or math.isnan(value) else value
        yield optuna.trial.FrozenTrial(
            number=-1,
            trial_id=-1,
            state=state,
            value=value,
            datetime_start=datetime.fromtimestamp(trial.started),
            datetime_complete=datetime.fromtimestamp(trial.started + (outcome.seconds or 0.0)),
            params={label: shapes[label].written(v) for label, v in trial.values.items()},
            distributions={label: shapes[label].distribution for label in trial.values},
            user_attrs=_attributes(trial, outcome),
            system_attrs={},
            intermediate_values=reports,
        )


def _attributes(trial: Trial, outcome: Outcome) -> dict[str, Any]:
    """What else is known of a trial, as far as JSON can hold it."""
    found, left_out = {}, []
    for name, item in outcome.info.items():
        plain = _as_json(item)
        if plain is None and item is not None:
            left_out.append(str(name))
        else:
            found[str(name)] = plain
    ours = {
        "number": trial.number,
        "attempt": trial.attempt or None,
        "host": outcome.host,
        "left_out": left_out or None,
    }
    if trial.status in (Status.FAILED, Status.TIMED_OUT):
        ours |= {"status": trial.status.name.lower(), "error_type": outcome.error_type}
        ours |= {"error": error_of(trial)}
    return found | {f"{_OURS}{name}": item for name, item in ours.items() if item is not None}


def _as_json(item: Any) -> Any:
    """A thing as JSON gives it back; None where it cannot hold it."""
    if isinstance(item, (np.generic, np.ndarray)):
        item = item.tolist()
    try:
        return json.loads(json.dumps(item))
    except (TypeError, ValueError, RecursionError):
        return None
