"""A worker of a store in a process of its own, as the Spark task that started it sees it.

The process ends with its task: when Spark kills Spark's Python worker, the line between the two is
cut, and the process gives its trial back to the store. What it imports, its environment and the
secrets that it was given are gone with it, and Spark's worker, which others use next, has none of
them but for the time of the task.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from .line import HUNG_UP, receive, send
from .spark_worker import gpus_of_task, hang_ups, sockets

_PROGRAM = """
import os, pickle, shutil, socket, sys, tempfile, zlib
line = socket.socket(fileno=int(sys.argv[1]))
stream = line.makefile("rb")
message = pickle.loads(stream.read(int.from_bytes(stream.read(8), "big")))
folder = tempfile.mkdtemp(prefix="sparktune-")
try:
    for name, text in pickle.loads(zlib.decompress(message.pop("package"))).items():
        path = os.path.join(folder, "sparktune", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    sys.path[:] = [folder, *message.pop("path")]
    try:
        from sparktune.store.process import serve
    except ImportError as error:
        answer = {"done": 0, "error": ("ImportError", str(error))}
    else:
        answer = serve(line, message, lambda: shutil.rmtree(folder, ignore_errors=True))
    blob = pickle.dumps(answer)
    line.sendall(len(blob).to_bytes(8, "big") + blob)
except OSError:  # whoever waited is gone
    pass
finally:
    shutil.rmtree(folder, ignore_errors=True)
"""


def serve(message: Mapping[str, Any]) -> bytes:
    """Run a worker in a process of its own until it ends.

    Args:
        message: ``package``, the texts of sparktune; ``path``, entries of sys.path that this
            process may lack; and what serve of the process module in sparktune/store is told.

    Returns:
        The pickled answer: ``done``, how many trials it has evaluated; ``error``, the name of an
        exception's type and its text, or None; ``host`` and ``python``, where that was.
    """
    gpus = gpus_of_task()
    shown = {"CUDA_VISIBLE_DEVICES": ",".join(gpus)} if gpus else {}
    path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 ("" is this folder)
    blob = pickle.dumps({**message, "path": list(dict.fromkeys([*path, *message["path"]]))})
    spark = sockets()
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **shown},
            )  # fmt: skip
        with contextlib.suppress(OSError):  # it has ended
            send(ours, blob)
        poll = hang_ups(spark)
        poll.register(ours, select.POLLIN | HUNG_UP)
        if any(fd != ours.fileno() for fd, _ in poll.poll()):
            os._exit(1)  # nobody waits for the answer
        found = receive(ours)
    code = process.wait()
    answer = {"done": 0, "error": ("died", f"exit code {code}")} if found is None else {}
    answer |= {} if found is None else pickle.loads(found)
    return pickle.dumps({**answer, "host": socket.gethostname(), "python": sys.executable})
