"""Programs under measurement: pinned to a core, measured through /proc, ended by their own process id."""

import os
import pathlib
import socket
import subprocess
import time

#: The first two that this program may use.
CORES = sorted(os.sched_getaffinity(0))[:2]
PROXY_CORE, OTHER_CORE = CORES[0], CORES[-1]
_TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_for(what, check, seconds=20):
    """The first true value of `check`, asked again and again."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} took over {seconds} s")
        time.sleep(0.02)


class Program:
    """A child process on one core, all its output in a file."""

    def __init__(self, name, command, core, folder):
        self.name = name
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.out = pathlib.Path(folder) / f"{name}.out"
        with open(self.log, "ab") as log, open(self.out, "wb") as out:
            self.process = subprocess.Popen(
                ["taskset", "--cpu-list", str(core), *map(str, command)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log, cwd=folder)

    @property
    def pid(self):
        return self.process.pid

    def check(self):
        """Raises when it has ended."""
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{tail}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Meter:
    """What a set of processes took since `start`: processor seconds, and the most memory resident in each."""

    def __init__(self, pids):
        self.pids = pids
        self.begin = 0.0

    def start(self):
        for pid in self.pids:
            # 5 sets the peak (VmHWM) back to what is resident now.
            pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
        self.begin = self._cpu()

    def cpu_seconds(self):
        return self._cpu() - self.begin

    def peak_mib(self):
        """The sum of the peaks; one process is the usual case."""
        return sum(_peak_kib(pid) for pid in self.pids) / 1024

    def _cpu(self):
        return sum(_cpu_seconds(pid) for pid in self.pids)


def _cpu_seconds(pid):
    # The name in brackets may hold blanks: user and system time are the 12th and 13th field after it.
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _peak_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} has no VmHWM")


def children(pid):
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
