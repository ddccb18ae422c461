"""The loop of fmin: draws candidates as documents, evaluates them, takes note."""

from __future__ import annotations

import inspect
import logging
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..exceptions import BadSearchSpace
from ..history.documents import (
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
)
from ..plurals import plural
from ..storage.whole import write_whole
from . import progress
from .algos import over_documents
from .checking import answer_to, check_options
from .documents import (
    Document,
    documents_in,
    spec_from_misc,
    validate_loss_threshold,
    validate_timeout,
)
from .domain import Ctrl, Domain
from .exceptions import InvalidAnnotatedParameter
from .points import insert_points, space_eval
from .pyll.base import Apply
from .randomness import generator_of, seed_from
from .record import Record
from .utils import coarse_utcnow

__all__ = ["FMinIter", "answer_of", "minimise", "save", "set_up"]

logger = logging.getLogger(__name__)

_UNFINISHED = (JOB_STATE_NEW, JOB_STATE_RUNNING)
_BATCHES_A_SCAN = 16  # whoever sets an old document back to new may wait so many batches


class FMinIter:
    """The loop of ``fmin``: draws candidates, evaluates them, takes note; also step by step.

    Iterating draws and evaluates one trial a step, and gives the trials.

    Args:
        algo: a suggest function of Hyperopt's signature.
        domain: the search problem.
        trials: hold what was tried, and take what is tried here.
        rstate: a Generator, a RandomState or a seed; draws the seed of each batch. None as in fmin.
        asynchronous: whether somebody else evaluates the documents; None: what ``trials`` say.
        max_queue_len: candidates drawn at a time.
        poll_interval_secs: how often to look at what others evaluate.
        max_evals: documents that ``trials`` are to show in the end.
        timeout: seconds after which no further batch is begun.
        loss_threshold: a loss below which the loop ends.
        verbose: whether there is a bar.
        show_progressbar: whether, or a bar of one's own; see ``progress``.
        early_stop_fn: called after each batch with the trials and what it returned last; returns
            whether to stop, and arguments for the next call.
        trials_save_file: a file into which the trials are pickled after each batch.

    Attributes:
        catch_eval_exceptions: whether an exception of the objective fails its trial alone.
    """

    catch_eval_exceptions = False
    pickle_protocol = -1

    def __init__(
        self,
        algo: Any,
        domain: Domain,
        trials: Record,
        rstate: Any,
        asynchronous: bool | None = None,
        max_queue_len: int = 1,
        poll_interval_secs: float = 1.0,
        max_evals: int = sys.maxsize,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        verbose: Any = False,
        show_progressbar: Any = True,
        early_stop_fn: Any = None,
        trials_save_file: Any = "",
    ) -> None:
        self.algo, self.domain, self.trials = algo, domain, trials
        self.rstate = generator_of(rstate)
        self.asynchronous = trials.asynchronous if asynchronous is None else asynchronous
        self.max_queue_len, self.max_evals = max_queue_len, max_evals
        self.poll_interval_secs = poll_interval_secs
        self.timeout, self.loss_threshold = timeout, loss_threshold
        self.verbose = verbose
        self.early_stop_fn = early_stop_fn
        self.early_stop_args: Sequence[Any] = []
        self.trials_save_file = trials_save_file
        self.start_time = time.monotonic()
        self.progress_callback: Any = progress.no_progress_callback
        if show_progressbar and verbose:
            own = show_progressbar is not True
            self.progress_callback = show_progressbar if own else progress.default_callback
        if self.asynchronous:
            import cloudpickle

            trials.attachments["FMinIter_Domain"] = cloudpickle.dumps(domain)

    def serial_evaluate(self, N: int = -1) -> None:
        """Evaluate the documents that are new, the first N of them; all unless N is above 0.

        Raises:
            Exception: what the objective raised, unless ``catch_eval_exceptions``; the document is
                in the state JOB_STATE_ERROR then.
        """
        new = documents_in(self.trials.documents, JOB_STATE_NEW)
        self._evaluate_each(new[:N] if N > 0 else new)
        self.trials.refresh()

    def _evaluate_new(self, since: int = 0) -> list[Document]:
        """Evaluate the new ones of the documents from a position on, and give them."""
        new = documents_in(self.trials.documents[since:], JOB_STATE_NEW)
        self._evaluate_each(new)
        return new

    def _evaluate_each(self, new: Iterable[Document]) -> None:
        for document in new:
            if document["state"] == JOB_STATE_NEW:  # still
                self._evaluate(document)

    def _evaluate(self, document: Document) -> None:
        document["state"] = JOB_STATE_RUNNING
        document["book_time"] = document["refresh_time"] = coarse_utcnow()
        ctrl = Ctrl(self.trials, current_trial=document)
        try:
            document["result"] = self.domain.evaluate(spec_from_misc(document["misc"]), ctrl)
            document["state"] = JOB_STATE_DONE
        except Exception as error:
            document["state"] = JOB_STATE_ERROR
            document["misc"]["error"] = (str(type(error)), str(error))
            if not self.catch_eval_exceptions:
                self.trials.refresh()
                raise
            logger.error("trial %s failed: %s", document["tid"], error)
        except BaseException:
            document["state"] = JOB_STATE_NEW  # begun again by whoever goes on
            raise
        finally:
            document["refresh_time"] = coarse_utcnow()

    @property
    def is_cancelled(self) -> bool:
        """Whether the trials say that the run is over."""
        return bool(getattr(self.trials, "_fmin_cancelled", False))

    def block_until_done(self) -> None:
        """Evaluate what is new, or wait until others have."""
        if not self.asynchronous:
            self.serial_evaluate()
            return
        while self.trials.count_by_state_unsynced(_UNFINISHED):
            time.sleep(self.poll_interval_secs)
        self.trials.refresh()

    def run(self, N: int, block_until_done: bool = True) -> None:
        """Draw N candidates, batch by batch, and evaluate each batch before the next.

        Documents that wait already are evaluated first, also where N is 0 or less.

        Args:
            N: how many; fewer where the loop ends earlier.
            block_until_done: whether to wait for what others evaluate.
        """
        total = self.max_evals if self.max_evals < sys.maxsize else None
        self.trials.refresh()  # which takes note of the ids that are there
        self.trials.pass_over_drawn(self.rstate)
        earlier, best = _lowest(self.trials.documents), math.inf
        drawn, done, queued = 0, self._count(JOB_STATE_DONE), self._count(JOB_STATE_NEW)
        batches, since = 0, 0
        with self.progress_callback(initial=done, total=total) as bar:
            is_over = False
            while (
                not is_over
                and (drawn < N or self._waits(queued, block_until_done))
                and (self.timeout is None or time.monotonic() - self.start_time < self.timeout)
                and (self.loss_threshold is None or best >= self.loss_threshold)
            ):
                has_room = queued < self.max_queue_len
                added = self._draw(N - drawn, queued)
                drawn += added
                if self.is_cancelled:
                    break
                if self.asynchronous:
                    time.sleep(self.poll_interval_secs)
                    ended = self.trials.documents
                    now, queued = self._count(JOB_STATE_DONE), self._count(JOB_STATE_NEW)
                    is_over = has_room and not added and drawn < N
                    is_over = is_over and not self._count(*_UNFINISHED)
                else:
                    if batches % _BATCHES_A_SCAN == 0 or drawn >= N:
                        since = 0
                    count = len(self.trials.documents)
                    ended, batches, since = self._evaluate_new(since), batches + 1, count
                    now = done + sum(d["state"] == JOB_STATE_DONE for d in ended)
                    is_over, queued = not ended, 0
                best = min(earlier, best, _lowest(ended))
                if best < math.inf:
                    bar.postfix = f"best loss: {best}"
                if now > done:
                    bar.update(now - done)
                done = now
                is_over = self._take_note() or is_over
        self.trials.refresh()
        if block_until_done:
            self.block_until_done()
            self.trials.refresh()

    def _waits(self, queued: int, block_until_done: bool) -> bool:
        """Whether there is something to wait for, or to evaluate here, though none is drawn."""
        if self.asynchronous or not queued:
            return bool(block_until_done and self._count(*_UNFINISHED))
        return True

    def _count(self, *states: int) -> int:
        return self.trials.count_by_state_unsynced(states)

    def _draw(self, most: int, queued: int) -> int:
        """Draw at most so many candidates, while fewer wait than may; how many were added."""
        trials, added = self.trials, 0
        while queued < self.max_queue_len and added < most and not self.is_cancelled:
            ids = trials.new_trial_ids(min(self.max_queue_len - queued, most - added))
            trials.refresh()
            documents = self.algo(ids, self.domain, trials, seed_from(self.rstate))
            if not isinstance(documents, (list, tuple)):
                raise TypeError(
                    f"`algo` must give a list of documents, but gave {documents!r:.200}"
                )
            trials.note_batch(len(documents))
            if len(documents) > len(ids):
                raise ValueError(
                    f"algo gave {plural(len(documents), 'document')} for {plural(len(ids), 'id')}"
                )
            if not len(documents):
                break
            trials.insert_trial_docs(documents)
            trials.refresh()
            added += len(documents)
            queued += len(documents)
        return added

    def _take_note(self) -> bool:
        """Save the trials, and ask whether to stop early, where that is wanted."""
        if self.trials_save_file or self.early_stop_fn is not None:
            self.trials.refresh()
        save(self.trials, self.trials_save_file)
        return self._stops_early()

    def _stops_early(self) -> bool:
        if self.early_stop_fn is None:
            return False
        answer = self.early_stop_fn(self.trials, *self.early_stop_args)
        stop, self.early_stop_args = answer_to(answer)
        return stop

    def __iter__(self) -> FMinIter:
        return self

    def __next__(self) -> Record:
        self.run(1, block_until_done=self.asynchronous)
        if self._stops_early() or len(self.trials) >= self.max_evals:
            raise StopIteration
        return self.trials

    def exhaust(self) -> FMinIter:
        """Go on until the trials show ``max_evals`` documents, or something ends the loop."""
        self.run(self.max_evals - len(self.trials), block_until_done=self.asynchronous)
        self.trials.refresh()
        return self


def _lowest(documents: Iterable[Document]) -> float:
    """The lowest loss of documents that are done; infinite without one."""
    losses = (d["result"].get("loss") for d in documents if d["state"] == JOB_STATE_DONE)
    return min((loss for loss in losses if loss is not None and loss == loss), default=math.inf)


def save(trials: Record, file: Any) -> None:
    """Pickle trials into a file, whole or not at all; does nothing where there is no file."""
    if not file:
        return
    import cloudpickle

    write_whole(Path(file), cloudpickle.dumps(trials))


def minimise(
    trials: Any,
    fn: Any,
    space: Any,
    *,
    algo: Any,
    max_evals: Any,
    timeout: Any,
    loss_threshold: Any,
    rstate: Any,
    verbose: Any,
    max_queue_len: int,
    pass_expr_memo_ctrl: bool | None,
    catch_eval_exceptions: bool,
    return_argmin: bool,
    show_progressbar: Any,
    early_stop_fn: Any,
    trials_save_file: Any,
    points_to_evaluate: Any,
) -> Any:
    """Minimise ``fn`` with some trials; arguments, results and errors are those of fmin."""
    fn, space, algo, generator = set_up(
        fn, space, algo, rstate, timeout, loss_threshold,
        max_evals=max_evals, max_queue_len=max_queue_len, early_stop_fn=early_stop_fn,
        show_progressbar=show_progressbar, trials_save_file=trials_save_file,
        points=points_to_evaluate or (),
    )  # fmt: skip
    given = insert_points(trials, points_to_evaluate or ())
    domain = Domain(fn, space, pass_expr_memo_ctrl=pass_expr_memo_ctrl)
    loop = FMinIter(
        algo, domain, trials, rstate=generator, timeout=timeout, loss_threshold=loss_threshold,
        max_evals=sys.maxsize if max_evals is None else min(max_evals + given, sys.maxsize),
        verbose=verbose,
        max_queue_len=max_queue_len, show_progressbar=show_progressbar,
        early_stop_fn=early_stop_fn, trials_save_file=trials_save_file,
    )  # fmt: skip
    loop.catch_eval_exceptions = catch_eval_exceptions
    loop.exhaust()
    return answer_of(trials, space, return_argmin)


def set_up(
    fn: Any, space: Any, algo: Any, rstate: Any, timeout: Any, loss_threshold: Any, **options: Any
) -> tuple[Any, Any, Any, Any]:
    """Objective, space, suggest function and generator of a run, each as it is used.

    Raises:
        TypeError, ValueError: an argument that is none, among them ``options``.
    """
    validate_timeout(timeout)
    validate_loss_threshold(loss_threshold)
    check_options(fn, **options)
    if algo is None:
        from . import tpe

        algo = tpe.suggest
    algo = over_documents(getattr(algo, "suggest", algo))
    if not callable(algo):
        raise TypeError(f"`algo` must be a suggest function such as tpe.suggest, but got {algo!r}")
    return *_annotated(fn, space), algo, generator_of(rstate)


def answer_of(trials: Record, space: Any, return_argmin: bool) -> Any:
    """What fmin returns."""
    if return_argmin:
        return trials.argmin
    return space_eval(space, trials.argmin) if len(trials) else None


def _annotated(fn: Callable[..., Any], space: Any) -> tuple[Callable[..., Any], Any]:
    """Objective and space, of an objective whose annotations are its space where that is meant."""
    if not (space is None or (isinstance(space, str) and space == "annotated")):
        return fn, space
    found = {
        name: annotation
        for name, annotation in inspect.get_annotations(fn, eval_str=True).items()
        if name != "return"
    }
    if not found:
        raise BadSearchSpace("there is no space: give one, or annotate the objective's parameters")
    for name, annotation in found.items():
        if not isinstance(annotation, Apply):
            raise InvalidAnnotatedParameter(
                f"without a space, the annotation of {name!r} must be a node of hp, but is "
                f"{annotation!r}"
            )
    return (lambda config: fn(**config)), found
