"""Machines on a network of their own, made of Linux namespaces on this one.

Each has an address, a host name, process numbers and temporary folders of its own, and may write
nothing else, so that neither loopback nor a shared disk or one host name help anybody. This machine
is not on their network.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 120.0  # seconds that a command of a test may take

_BOOT = """
set -eu
mount --make-rprivate /
for folder in /tmp /var/tmp /dev/shm {hidden}; do mount -t tmpfs none "$folder"; done
printf '%s\\n' '127.0.0.1 localhost' {hosts} >/tmp/hosts
mount --bind /tmp/hosts /etc/hosts
mount -o remount,bind,ro /
hostname {name}
ip link set lo up
mkdir /tmp/work
echo up
while sleep 3600; do :; done
"""


def why_not():
    """Why machines cannot be made here; empty where they can."""
    hidden = [each for each in (Path("/tmp"), Path("/var/tmp")) if each in ROOT.parents]
    if hidden:
        return f"the project is in {hidden[0]}, of which each machine has its own"
    if os.geteuid():
        return "network namespaces need root"
    missing = [name for name in ("ip", "unshare", "nsenter") if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)} here (apt-get install iproute2 util-linux)"
    try:
        with Network("probe") as network:
            network.machines["probe"].run("true").wait(LONGEST)
    except (OSError, RuntimeError) as error:
        return f"network namespaces cannot be made here: {error}"
    return ""


def _must(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


class Network:
    """Machines that reach each other by name through a bridge; a context manager.

    Args:
        names: of the machines.
        bare: those that have nothing of sparktune.

    Attributes:
        machines: by name.
    """

    def __init__(self, *names, bare=()):
        self._names, self._bare = names, bare
        self._hub = f"st{os.getpid()}"
        self.machines = {}

    def __enter__(self):
        try:
            _must("ip", "netns", "add", self._hub)
            inside = ("ip", "-n", self._hub, "link")
            _must(*inside, "add", "bridge", "type", "bridge")
            _must(*inside, "set", "bridge", "up")
            addresses = {name: f"10.77.0.{n}" for n, name in enumerate(self._names, 1)}
            for name in self._names:
                self.machines[name] = Machine(self._hub, name, addresses, name in self._bare)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for machine in self.machines.values():
            machine.end()
        subprocess.run(["ip", "netns", "del", self._hub], capture_output=True, check=False)


class Machine:
    """A machine that is switched on.

    Args:
        hub: the network namespace that holds the bridge.
        name: its host name.
        addresses: of all machines, by name.
        bare: whether it has nothing of sparktune.

    Attributes:
        tmp: its /tmp, as the test sees it.
    """

    def __init__(self, hub, name, addresses, bare):
        self.name, self._hub, self._started = name, hub, []
        hosts = " ".join(f"'{address} {each}'" for each, address in addresses.items())
        hidden = str(ROOT / "sparktune") if bare else ""
        script = _BOOT.format(name=name, hosts=hosts, hidden=hidden)
        new = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
        self._unshare = subprocess.Popen(
            ["unshare", *new, "--mount-proc", "bash", "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            self._join(addresses)
        except BaseException:
            self.end()
            raise

    def _join(self, addresses):
        """Wait until it is up, and join the network."""
        hub, name = self._hub, self.name
        if self._unshare.stdout.readline() != "up\n":
            raise RuntimeError(self._unshare.communicate(timeout=LONGEST)[1].strip())
        pid = self._unshare.pid
        self._pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        self.tmp = Path(f"/proc/{self._pid}/root/tmp")
        self._enter = ["nsenter", f"--target={self._pid}", "--net", "--mount", "--uts"]
        self._enter += ["--ipc", "--pid", "env", "--chdir=/tmp/work"]
        peer = ("peer", "name", "eth0", "netns", str(self._pid))
        _must("ip", "-n", hub, "link", "add", "name", name, "type", "veth", *peer)
        _must("ip", "-n", hub, "link", "set", "dev", name, "master", "bridge", "up")
        _must(*self._enter, "ip", "address", "add", f"{addresses[name]}/24", "dev", "eth0")
        _must(*self._enter, "ip", "link", "set", "eth0", "up")

    def run(self, *command, log="log", **environment):
        """Start a command there; what it prints goes into a file in its /tmp."""
        kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ}
        environment = {**kept, "HOME": "/tmp/work", "LC_ALL": "C.UTF-8", **environment}
        with (self.tmp / log).open("w") as file:
            started = subprocess.Popen(
                [*self._enter, *command], env=environment, stdin=subprocess.DEVNULL,
                stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self._started.append(started)
        return started

    def python(self, script, *args, log="script.log", **environment):
        """Start a Python script there; it prints into a file in its /tmp."""
        (self.tmp / "work" / "script.py").write_text(script)
        return self.run(sys.executable, "script.py", *args, log=log, **environment)

    def said(self, log):
        """What a command has printed until now."""
        path = self.tmp / log
        return path.read_text(errors="replace") if path.exists() else ""

    def plug(self, into):
        """Put its cable in, or pull it out; nobody is told."""
        _must("ip", "-n", self._hub, "link", "set", "dev", self.name, "up" if into else "down")

    def end(self):
        """End all that runs there, as if it was switched off; its files are gone with it."""
        self._unshare.kill()  # and its child with it, which ends all in the namespace
        self._unshare.communicate()
        for command in self._started:
            command.wait(LONGEST)
