"""Databases for tests of stores: a PostgreSQL server of one's own, and files of SQLite."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

__all__ = ["PASSWORD", "Postgres", "postgres_folder", "sqlite_url", "why_no_postgres"]

PASSWORD = "a-secret/of:tests@"
_QUOTED = "a-secret%2Fof%3Atests%40"
_UP = 60.0  # seconds that a server may take to begin
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def postgres_folder():
    """The folder of PostgreSQL's programs of the newest release here; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_release)
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return None if on_path is None else Path(on_path).resolve().parent


def _release(path):
    number = path.parents[1].name
    return int(number) if number.isdecimal() else 0


def why_no_postgres():
    """Why no server can be started here, as a sentence; "" where one can."""
    if postgres_folder() is None:
        return "PostgreSQL's programs (initdb, postgres) are not on this machine"
    if os.getuid() == 0 and not _has_user("postgres"):
        return "PostgreSQL does not run as root, and there is no user `postgres`"
    return ""


def _has_user(name):
    import pwd

    return any(user.pw_name == name for user in pwd.getpwall())


def sqlite_url(folder):
    """The URL of a file in a folder."""
    return f"sqlite:///{folder / 'store.db'}"


class Postgres:
    """A PostgreSQL server on a free port of 127.0.0.1, with a cluster in a temporary folder.

    It runs as `postgres` where this program is root's, and ends with this program, also when that
    is killed. Starting takes about a second, most of it initdb's.

    Args:
        durable: whether commits reach the disk; without, they survive the server's end only.
    """

    def __init__(self, durable=False):
        self._programs = postgres_folder()
        self._as = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        self.folder = Path(tempfile.mkdtemp(prefix="sparktune-pg-"))
        self._durable = durable
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._as:
            for path in (self.folder, secret):
                shutil.chown(path, "postgres", "postgres")
        try:
            self._initdb(secret)
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def _initdb(self, secret):
        command = [self._programs / "initdb", "-D", self.folder / "data", "-U", "owner"]
        command += ["-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--no-locale"]
        command += [] if self._durable else ["--no-sync"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.folder, **self._as
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stdout[-500:]}{done.stderr[-500:]}")

    def start(self):
        """Begin, and wait until connections are taken."""
        options = {
            "listen_addresses": "127.0.0.1", "port": self.port, "max_connections": 200,
            "unix_socket_directories": self.folder, "shared_buffers": "64MB",
        }  # fmt: skip
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        command = [self._programs / "postgres", "-D", self.folder / "data"]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                preexec_fn=_end_with_parent, **self._as,
            )  # fmt: skip
        end = time.monotonic() + _UP
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"postgres did not start: {self.log()[-1000:]}")
            time.sleep(0.05)

    def _is_ready(self):
        command = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return not subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode

    def log(self):
        """What the server wrote."""
        return (self.folder / "log").read_text()

    def stop(self, at_once=False):
        """End it; connections are cut off, and ``at_once`` is as if the machine had failed."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
        self._process.wait(60)

    def restart(self, at_once=False):
        """End it, and begin again on the same port with the same data."""
        self.stop(at_once)
        self.start()

    def close(self):
        """End it, and remove its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database="postgres"):
        """The URL of one of its databases, password included."""
        return f"postgresql://owner:{_QUOTED}@127.0.0.1:{self.port}/{database}"

    def new_database(self):
        """The URL of a database that nobody else uses."""
        import psycopg

        name = f"d{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


def _end_with_parent():
    """Called in the server's process: end, with connections cut off, when this program is gone."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
