"""What the benchmarks of speed share: a limit of time, and what they ran on."""

import contextlib
import os
import platform
import signal
from importlib.metadata import PackageNotFoundError, version


@contextlib.contextmanager
def time_limit(seconds):
    """TimeoutError in the main thread after so many seconds."""

    def ring(*_):
        raise TimeoutError(f"not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def machine(*packages):
    """Cores, load, Python's version and those of the packages that are installed."""
    versions = {}
    for name in packages:
        with contextlib.suppress(PackageNotFoundError):
            versions[name] = version(name)
    load = os.getloadavg()[0]
    cores = len(os.sched_getaffinity(0))
    return {"cores": cores, "load": load, "python": platform.python_version(), "with": versions}
