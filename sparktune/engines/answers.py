"""What the answer of whoever ran a trial stands for."""

from __future__ import annotations

import io
import os
import pickle
import signal
import sys
from collections.abc import Mapping
from typing import Any

from ..history.failures import reason_in
from ..history.results import Answer, judged
from ..history.trial import Outcome, Status
from ..unpickling import loads
from .base import OnReport, Task
from .settings import Settings

__all__ = [
    "ADVICE_ON_SPARK", "answer_of", "cancelled", "hand_on_reports", "unpacked", "unstartable",
    "with_result",
]  # fmt: skip


_ADVICE = (
    "install it there, or put the folder of a module of your own on sys.path",
    'SparkTrials(mode="driver") or Trials(executor="threads") runs trials where the session is',
)
"""What to do where a trial on this machine lacks a module, and where it lacks a Spark session."""
ADVICE_ON_SPARK = (
    "install it on every executor; or send a module of your own with spark.addArtifacts(..., "
    "pyfile=True), sc.addPyFile or cloudpickle.register_pickle_by_value",
    'SparkTrials(mode="driver") runs trials where the session is',
)


def answer_of(
    answer: Mapping[str, Any], settings: Settings, advice: tuple[str, str] = _ADVICE
) -> Answer:
    """What an answer of travels.trial stands for, once its result is unpickled.

    Args:
        answer: of the trial.
        settings: of the run.
        advice: what to do where the trial lacks a module or a Spark session: as fits where it ran.
    """
    common: dict[str, Any] = {
        "seconds": answer.get("seconds"),
        "host": answer.get("host"),
        "log_tail": answer.get("log_tail") or None,
        "note": _note(answer),
        "result_file": answer.get("file"),
    }
    status, error, host = answer["status"], answer.get("error"), answer.get("host")
    if status == "returned":
        return judged(answer["result"], **common)
    if status == "raised":
        text, kind = f"{error}{_missing(answer, advice)}", answer.get("type") or "raised"
        outcome = Outcome(Status.FAILED, error=text, error_type=kind, **common)
        return Answer(outcome, answer.get("exception"))
    if status == "timeout":
        return Answer(Outcome(Status.TIMED_OUT, error=_timed_out(answer, settings), **common))
    if status == "pruned":
        return Answer(Outcome(Status.PRUNED, **common))
    if status == "died":
        when = "under the objective" if answer["begun"] else "before the objective began"
        text = f"the trial's process died {when}: {_death(answer['exit'])}"
        shared = not (answer["begun"] or answer["loaded"])
        return Answer(Outcome(Status.CRASHED, error=text, **common), shared_fault=shared)
    if status == "unloadable":
        text = f"the {answer['what']} could not be unpickled on {host}: {reason_in(str(error))}"
        text += f"\n{error}{_missing(answer, advice)}"
        outcome = Outcome(Status.FAILED, error=text, error_type=status, **common)
        return Answer(outcome, shared_fault=answer["what"] == "objective")
    text = (
        f"the objective ended, but its result cannot be pickled: {', '.join(answer['dropped'])}; "
        f"what could be kept is in the trial's result\n{error}"
    )
    info = {key: item for key, item in answer["result"].items() if key != "status"}
    return Answer(Outcome(Status.FAILED, info=info, error=text, error_type=status, **common))


def cancelled(error: str | None = None) -> Answer:
    """The answer for a task that was stopped before its end."""
    return Answer(Outcome(Status.CANCELLED, error=error))


def unstartable(error: OSError) -> Answer:
    """The answer for a task whose process could not be started."""
    text = (
        f"no process for the trial could be started with {sys.executable}: "
        f"{type(error).__name__}: {error}"
    )
    outcome = Outcome(Status.FAILED, error=text, error_type="unstartable")
    return Answer(outcome, shared_fault=True)


def hand_on_reports(answer: Mapping[str, Any], task: Task, on_report: OnReport | None) -> None:
    """Hand on what a task reported, where that came with its answer and is too late to stop it."""
    for step, value in answer.get("reports", ()):
        if on_report is not None:
            on_report(task.number, task.attempt, step, value)


def _note(answer: Mapping[str, Any]) -> str | None:
    """Sentences on the result, its run of MLflow, and what trials found other than it is here."""
    notes = [answer[name] for name in ("note", "untracked") if answer.get(name)]
    if strange := answer.get("strange"):
        notes.append(
            f"trials find another {', '.join(strange[:5])} than this process: what a program sets "
            "on an imported module stays in its process, and trials import the module's file as it "
            "is there; hand such a value over in a variable of the objective's own, set it in the "
            "objective, or reload what was edited"
        )
    return "; ".join(notes) or None


def _missing(answer: Mapping[str, Any], advice: tuple[str, str]) -> str:
    """Advice about a module, or a Spark session, that is not there where the trial ran."""
    name, (on_module, on_session) = answer.get("missing"), advice
    if answer.get("no_session"):
        return (
            "\na trial that runs elsewhere cannot use the Spark session of the driver: "
            f"{on_session}; or read what the objective needs before the run, and hand it over as "
            "plain data"
        )
    if name is None:
        return ""
    where = f"{answer['python']} on {answer['host']}"
    return f"\nthe module {name!r} is not installed for {where}: {on_module}"


def _timed_out(answer: Mapping[str, Any], settings: Settings) -> str:
    seconds, limit = answer["seconds"], settings.timeout
    if not answer["hard"]:
        return f"stopped at its time limit of {limit:g} s, after {seconds:.2f} s\n{answer['error']}"
    return (
        f"killed after {seconds:.2f} s: it did not react to its time limit of {limit:g} s within "
        f"{settings.grace:g} s"
    )


def _death(status: int | None) -> str:
    """How a process ended, from its wait status."""
    if status is None:
        return "it is not known how"
    if not os.WIFSIGNALED(status):
        return f"it exited with code {os.waitstatus_to_exitcode(status)} (os._exit or the like)"
    number = os.WTERMSIG(status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "a signal"
    why: dict[int, str] = {
        signal.SIGKILL: ", sent by somebody, or by the system because memory ran out",
        signal.SIGSEGV: ", a segmentation fault in native code",
        signal.SIGABRT: ", an abort in native code",
        signal.SIGBUS: ", often a full /dev/shm or memory-mapped file that shrank",
    }
    return f"killed by {name} ({number}){why.get(number, '')}"


def unpacked(blob: bytes) -> dict[str, Any]:
    """An answer that travelled as one pickle after the other: itself, and its result."""
    stream = io.BytesIO(blob)
    answer: dict[str, Any] = pickle.load(stream)
    return with_result({**answer, "result": stream.read()})


def with_result(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with its result unpickled."""
    if answer["status"] not in ("returned", "unpicklable"):
        return answer
    try:
        answer["result"] = loads(answer["result"])
    except Exception as error:
        answer["status"] = "raised"
        sentence = "the objective ended, but the driver cannot unpickle its result: "
        answer["error"] = f"{sentence}{type(error).__name__}: {error}"
    return answer
