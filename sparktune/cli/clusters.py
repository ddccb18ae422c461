"""The commands ``cluster`` and ``doctor``: a Spark cluster on this machine, checks of a setup."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from ..cluster.doctor import examine
from ..cluster.installed import lacking_for_connect
from ..cluster.local import LocalCluster, megabytes, start
from ..cluster.ports import web_ui_json
from ..cluster.report import Report, lines_of
from ..cluster.state import default_folder, read_state, stop
from ..plurals import plural
from .words import add_command, beginning, number, say

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Add them to the subparsers of a parser."""
    cluster = add_command(commands, "cluster", "a standalone Spark cluster on this machine")
    actions = cluster.add_subparsers(required=True, metavar="ACTION")
    add = add_command(actions, "start", "start a master, workers and maybe a Connect server")
    text = "how many workers; 0 for a Connect server alone (default: %(default)s)"
    add.add_argument("--workers", type=number(0, 256), default=2, metavar="N", help=text)
    text = "task slots of each worker (default: %(default)s)"
    add.add_argument("--cores", type=number(1, 4096), default=2, metavar="N", help=text)
    text = (
        "memory for the executors of each worker, such as 512m or 2g; at least 450m "
        "(default: %(default)s)"
    )
    add.add_argument("--memory", type=_memory, default="1g", metavar="SIZE", help=text)
    port = number(0, 65535)
    text = "port of the master; 0 for a free one (default: %(default)s)"
    add.add_argument("--port", type=port, default=7077, metavar="N", help=text)
    text = "address at which the servers listen (default: %(default)s)"
    add.add_argument("--host", default="127.0.0.1", help=text)
    text = "the Python that workers run (default: PYSPARK_PYTHON, else this one)"
    add.add_argument("--python", metavar="PATH", help=text)
    add.add_argument("--connect", action="store_true", help="start a Spark Connect server too")
    text = "port of that server; 0 for a free one (default: %(default)s)"
    add.add_argument("--connect-port", type=port, default=15002, metavar="N", help=text)
    text = "a setting of the Connect server, any number of times"
    add.add_argument(
        "--conf", type=_setting, action="append", default=[], metavar="NAME=VALUE", help=text
    )
    add.set_defaults(run=_start)
    text = "stop the cluster, its executors and their Python workers"
    add_command(actions, "stop", text).set_defaults(run=_stop)
    text = "what of the cluster runs; exit code 0 if all of it does"
    add_command(actions, "status", text).set_defaults(run=_status)
    more = "The exit code is 0 without a problem, and 1 with one."
    doctor = add_command(commands, "doctor", "check this setup, and say what to do", more)
    text = f"the cluster's folder for logs and pids (default: {default_folder()})"
    for action in (*actions.choices.values(), doctor):
        action.add_argument("--dir", help=text.replace("%", "%%"))

    where = doctor.add_mutually_exclusive_group()
    text = "local[4], spark://host:7077, yarn or k8s://..."
    master = beginning("local", "spark://", "yarn", "k8s://", such=text)
    text = "such as spark://host:7077 (default: local[2])"
    where.add_argument("--master", type=master, help=text)
    remote = beginning("sc://", such="sc://host:15002")
    text = "a Spark Connect server, such as sc://host:15002"
    where.add_argument("--remote", type=remote, help=text)
    text = "seconds for the session and its tasks (default: %(default)s)"
    doctor.add_argument("--limit", type=number(1, 86400), default=120, help=text)
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(run=_doctor)


def _start(words: argparse.Namespace) -> int:
    options = {**vars(words), "conf": dict(words.conf)}
    del options["run"], options["dir"]
    say(_how_to_use(start(words.dir, **options), words))
    return 0


def _how_to_use(cluster: LocalCluster, words: argparse.Namespace) -> str:
    folder = f" --dir {words.dir}" if words.dir else ""
    python = cluster.state.options["python"]
    lines = []
    if words.workers:
        small = megabytes(words.memory) < 1024
        memory = f'.config("spark.executor.memory", "{words.memory}")' if small else ""
        lines += [
            f"A cluster of {words.workers} x {words.cores} task slots: {cluster.master}",
            f"  web UI: {cluster.state.web_ui}",
            "",
            f"  export PYSPARK_PYTHON={python}",
            f'  SparkSession.builder.master("{cluster.master}")'
            f'.config("spark.driver.host", "{words.host}"){memory}.getOrCreate()',
            f"  spark-submit --master {cluster.master} --conf spark.driver.host={words.host} "
            + (f"--conf spark.executor.memory={words.memory} " if small else "")
            + "script.py",
        ]
    if cluster.remote:
        master = "" if words.workers else f" on {cluster.master}"
        lines += [f"A Spark Connect server: {cluster.remote}{master}"]
        lines += [f'  SparkSession.builder.remote("{cluster.remote}").getOrCreate()']
        if lacking := " and ".join(lacking_for_connect(python)):
            lines += [f"  but its workers lack {lacking}: install that for {python}"]
    lines += ["", f"  sparktune cluster status{folder}", f"  sparktune cluster stop{folder}"]
    return "\n".join(lines)


def _stop(words: argparse.Namespace) -> int:
    known = read_state(words.dir) is not None
    if stopped := stop(words.dir):
        say(f"stopped: {', '.join(stopped)}")
    else:
        say("nothing was running any more" if known else "no cluster was started here")
    return 0


def _status(words: argparse.Namespace) -> int:
    state = read_state(words.dir)
    if state is None:
        say(f"no cluster runs from {words.dir or default_folder()}")
        return 1
    say(f"master   {state.master}   {state.web_ui}".rstrip())
    if state.remote:
        say(f"remote   {state.remote}")
    for each in state.processes:
        runs = "runs" if each in state.alive else "dead"
        say(f"{each.name:<10} {runs}   pid {each.pid}   {each.log}")
    answer: dict[str, Any] = (state.web_ui and web_ui_json(state.web_ui)) or {}
    if answer:
        say(
            f"{plural(answer['aliveworkers'], 'worker')}, {answer['coresused']} of "
            f"{plural(answer['cores'], 'core')} and {answer['memoryused']} of {answer['memory']} "
            f"MB used, {plural(len(answer['activeapps']), 'application')}"
        )
    return 0 if len(state.alive) == len(state.processes) else 1


def _doctor(words: argparse.Namespace) -> int:
    found = []
    for check in examine(words.master or "", words.remote or "", words.limit, words.dir):
        found.append(check)
        if not words.json:
            for line in lines_of(check):
                say(line)
    fine = Report(found).ok
    if words.json:
        say(json.dumps({"ok": fine, "checks": [asdict(check) for check in found]}, indent=1))
    return 0 if fine else 1


def _memory(text: str) -> str:
    try:
        megabytes(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).partition(" ")[2]) from None
    return text


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.startswith("spark."):
        raise argparse.ArgumentTypeError(f"must be such as spark.name=value, but got {text!r}")
    return name, value
