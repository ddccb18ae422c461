"""The search problem, and what a trial may say of itself."""

from __future__ import annotations

import inspect
import logging
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..exceptions import BadSearchSpace, InvalidLoss, InvalidResultStatus, InvalidTrial
from ..history import STATUS_OK
from ..history.documents import JOB_STATE_DONE, JOB_STATE_ERROR, STATUS_STRINGS
from . import pyll
from .documents import Attachments, Document, Measures, documents_in
from .mirror import Mirror
from .pyll.base import Apply, GarbageCollected, rec_eval, toposort
from .randomness import generator_of, seed_from
from .record import Record
from .spaces import params_of, space_of

__all__ = ["Ctrl", "Domain", "arrays_of", "columns_of", "random_points"]

logger = logging.getLogger(__name__)

_GIVEN = ("fn", "expr", "workdir", "pass_expr_memo_ctrl", "name", "loss_target")


class Ctrl:
    """What an objective that asked for it receives to speak about its own trial.

    Attributes:
        trials: of the search.
        current_trial: the document of the trial.
    """

    info = logger.info
    warn = logger.warning
    error = logger.error
    debug = logger.debug

    def __init__(self, trials: Record | None, current_trial: Document | None = None) -> None:
        self.trials = Record() if trials is None else trials
        self.current_trial = current_trial

    @property
    def _document(self) -> Document:
        if self.current_trial is None:
            raise InvalidTrial("this Ctrl is of no trial")
        return self.current_trial

    def checkpoint(self, r: Any = None) -> None:
        """Keep an intermediate result in the trial's document."""
        if not any(document is self._document for document in self.trials.trials):
            raise InvalidTrial(f"trial {self._document['tid']} is not among the trials shown")
        if r is not None:
            self._document["result"] = r

    @property
    def attachments(self) -> Attachments:
        """What is attached to the trial, by name."""
        return self.trials.trial_attachments(trial=self._document)

    def inject_results(
        self, specs: Any, results: Any, miscs: Any, new_tids: Any = None
    ) -> list[Any]:
        """Add results of further trials, done already; their tids."""
        tids = self.trials.new_trial_ids(len(specs)) if new_tids is None else new_tids
        sources = [self._document] * len(specs)
        documents = self.trials.source_trial_docs(tids, specs, results, miscs, sources)
        for document in documents:
            document["state"] = JOB_STATE_DONE
        return self.trials.insert_trial_docs(documents)


def draws_of_space(space: Any, new_ids: Sequence[Any], rng: Any) -> tuple[Any, Any]:
    """Columns of draws from the prior: label to ids that have a value, and label to values."""
    return arrays_of(
        *columns_of(space, new_ids, random_points(space, len(new_ids), generator_of(rng)))
    )


pyll.scope.define(draws_of_space)


def random_points(space: Any, k: int, rng: Any) -> list[Any]:
    """Draw k points from the prior, label to value."""
    if space is None or not k:
        return [{} for _ in range(k)]
    is_new = isinstance(rng, np.random.Generator)
    generator = rng if is_new else np.random.default_rng(seed_from(rng))
    return [space.decode(row) for row in space.sample(generator, k)]


def columns_of(space: Any, new_ids: Sequence[Any], points: Sequence[Any]) -> tuple[Any, Any]:
    """Columns of points, by label in its order: the ids that have a value, and the values."""
    labels = () if space is None else sorted(space.labels)
    idxs = {
        label: [tid for tid, point in zip(new_ids, points, strict=True) if label in point]
        for label in labels
    }
    vals = {label: [point[label] for point in points if label in point] for label in labels}
    return idxs, vals


def arrays_of(idxs: Mapping[str, Any], vals: Mapping[str, Any]) -> tuple[Any, Any]:
    """Columns as arrays."""
    ids = {label: np.asarray(column, int) for label, column in idxs.items()}
    return ids, {label: np.asarray(column) for label, column in vals.items()}


class Domain(Measures):
    """A search problem: an objective and its space. Can be pickled where both can.

    Args:
        fn: the objective.
        expr: the space: a graph, or containers of nodes.
        workdir: a folder to work in; kept for those who read it.
        pass_expr_memo_ctrl: whether ``fn`` is called as ``fn(expr=, memo=, ctrl=)``, with the
            graph, the values of its hyperparameters and a Ctrl; None for what ``fn`` itself says.
        name: for people.
        loss_target: the loss to get to; kept for those who read it.

    Attributes:
        expr: the space as a graph.
        params: label to the node that draws it.
        space: the space as the core searches it; None where it has no hyperparameter.
        s_new_ids, s_rng: nodes that stand for ids and a generator in ``s_idxs_vals``.
        s_idxs_vals: a graph whose value is columns of draws from the prior.
        cmd: what documents say of how they are evaluated.

    Raises:
        DuplicateLabel: two hyperparameters carry one label.
        BadSearchSpace: a space that cannot be searched.
    """

    rec_eval_print_node_on_error = False
    pyll_ctrl = pyll.as_apply(Ctrl)

    def __init__(
        self,
        fn: Callable[..., Any] | None,
        expr: Any,
        workdir: str | None = None,
        pass_expr_memo_ctrl: bool | None = None,
        name: str | None = None,
        loss_target: float | None = None,
    ) -> None:
        self.fn = fn
        if pass_expr_memo_ctrl is None:
            pass_expr_memo_ctrl = getattr(fn, "fmin_pass_expr_memo_ctrl", False)
        self.pass_expr_memo_ctrl = pass_expr_memo_ctrl
        self.expr = pyll.as_apply(expr)
        self.workdir, self.name, self.loss_target = workdir, name, loss_target
        self.cmd = ("domain_attachment", "FMinIter_Domain")
        nodes = toposort(self.expr)
        _refuse_mistakes(expr, nodes)
        self._params = params_of(nodes)
        self.params = {label: node.inputs()[-1] for label, node in self._params.items()}
        self.space = space_of(nodes)
        self.s_new_ids, self.s_rng = pyll.Literal("new_ids"), pyll.Literal("rng-placeholder")
        self._of_ctrl = [n for n in nodes if isinstance(n, pyll.Literal) and n.obj is Ctrl]
        self.s_idxs_vals = pyll.scope.draws_of_space(self.space, self.s_new_ids, self.s_rng)
        self._mirror: tuple[Any, Mirror] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_mirror": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "space" in state:
            self.__dict__.update(state)
        else:  # of a Domain of Hyperopt itself
            Domain.__init__(self, **{name: state[name] for name in _GIVEN})

    def history(self, trials: Record) -> Any:
        """The history of the documents that trials show, as the core reads it."""
        if self.space is None:
            return None
        if self._mirror is None or self._mirror[0] is not trials:
            self._mirror = trials, Mirror(self.space)
        failed = documents_in(trials.documents, JOB_STATE_ERROR)
        documents = trials.trials
        if failed:
            place = {id(each): i for i, each in enumerate(trials.documents)}
            documents = sorted([*documents, *failed], key=lambda each: place.get(id(each), -1))
        return self._mirror[1].of(documents)

    def memo_from_config(self, config: Mapping[str, Any]) -> dict[Apply, Any]:
        """Node to value of the hyperparameters of a point."""
        return {node: config.get(label, GarbageCollected) for label, node in self._params.items()}

    def evaluate(
        self, config: Mapping[str, Any], ctrl: Any, attach_attachments: bool = True
    ) -> Any:
        """Call the objective for a point; its result as a dict.

        Args:
            config: label to value.
            ctrl: of the trial.
            attach_attachments: whether what the result attaches goes to ``ctrl``.

        Raises:
            InvalidResultStatus, InvalidLoss: a result that is none.
            Exception: what the objective raises.
        """
        if self.pass_expr_memo_ctrl:
            result = self._call(*self._memo(config, ctrl), ctrl)
        else:
            result = self.fn(self.built(config, ctrl))  # type: ignore[misc]
        return self.evaluate_async2(result, ctrl, attach_attachments)

    def evaluate_async(
        self,
        config: Mapping[str, Any],
        ctrl: Any,
        attach_attachments: bool = True,  # noqa: ARG002 (Hyperopt's)
    ) -> Any:
        """The objective and its argument, for who calls it elsewhere."""
        if self.pass_expr_memo_ctrl:
            return self._call(*self._memo(config, ctrl), ctrl)
        return self.fn, self.built(config, ctrl)

    def evaluate_async2(self, rval: Any, ctrl: Any, attach_attachments: bool = True) -> Any:
        """What an objective returned, as a dict; see ``evaluate``."""
        result = _as_dict(rval)
        if attach_attachments:
            for name, thing in (result.pop("attachments", None) or {}).items():
                ctrl.attachments[name] = thing
        return result

    def _memo(self, config: Mapping[str, Any], ctrl: Any) -> tuple[Any, Any]:
        memo = self.memo_from_config(config)
        memo.update(dict.fromkeys(self._of_ctrl, ctrl))
        return self.expr, memo

    def built(self, config: Mapping[str, Any], ctrl: Any = None) -> Any:
        """The configuration of a point, label to value, as the objective receives it."""
        expr, memo = self._memo(config, ctrl)
        return rec_eval(expr, memo=memo, print_node_on_error=self.rec_eval_print_node_on_error)

    def _call(self, expr: Any, memo: Any, ctrl: Any) -> Any:
        return self.fn(expr=expr, memo=memo, ctrl=ctrl)  # type: ignore[misc]

    def short_str(self) -> str:
        """A line for people."""
        return f"Domain{{{self.fn}}}"


def _refuse_mistakes(expr: Any, nodes: Sequence[Apply]) -> None:
    """Refuse constants of a space that nobody means."""
    if inspect.isroutine(expr) or inspect.isclass(expr):
        raise BadSearchSpace(f"a space is made of nodes of hp, but is {expr!r:.200}")
    for node in nodes:
        thing = node.obj if isinstance(node, pyll.Literal) else None
        if isinstance(thing, types.ModuleType):
            raise BadSearchSpace(f"the space holds a module: {thing!r:.200}")
        if inspect.isfunction(thing) and hasattr(thing, "is_of_hp"):
            word = thing.__name__.removeprefix("hp_")
            raise BadSearchSpace(
                f"the space holds hp.{word} itself, which is to be called: hp.{word}(label, ...)"
            )


def _as_dict(result: Any) -> dict[str, Any]:
    if isinstance(result, (float, int, np.number)):
        return {"loss": float(result), "status": STATUS_OK}
    if not isinstance(result, Mapping):
        try:
            result = dict(result)
        except (TypeError, ValueError):
            raise InvalidLoss(
                f"an objective returns a number or a dict with a loss, but got {result!r:.200}"
            ) from None
    known = dict(result)
    status = known.get("status")
    if status not in STATUS_STRINGS:
        raise InvalidResultStatus(
            f"the status of a result must be one of {', '.join(STATUS_STRINGS)}, but the result is "
            f"{known!r:.200}"
        )
    if status == STATUS_OK:
        try:
            known["loss"] = float(known["loss"])
        except (TypeError, KeyError, ValueError):
            raise InvalidLoss(f"the result has no real number as 'loss': {known!r:.200}") from None
    return known
