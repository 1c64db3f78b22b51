"""Programs under test: started in a folder of their own, ready when they say so, stopped by their own process id."""

import collections
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]

#: What programs inherit: taken once, since pytest changes its own environment while tests start programs from other threads.
INHERITED = dict(os.environ)

#: Every program started in this session, oldest first: a failing test's report shows the logs of those it used.
started = []


def binary(name, override):
    """The path of a built program: from the environment variable `override`, from SCALEODM_BINARIES, or from .build."""
    places = [os.environ.get(override)]
    if os.environ.get("SCALEODM_BINARIES"):
        places.append(os.path.join(os.environ["SCALEODM_BINARIES"], name))
    else:
        places += [ROOT / ".build" / kind / name for kind in ("debug", "release")]
    for place in places:
        if place and os.access(place, os.X_OK):
            return str(place)
    raise AssertionError(f"{name} has not been built (looked at {[str(p) for p in places if p]}); run `make build`")


class Program:
    """A child process whose output is kept, and whose lines can be waited for."""

    def __init__(self, name, command, cwd=None, environment=None, user=None):
        self.name = name
        self.command = [str(word) for word in command]
        self.lines = []
        self.recent = collections.deque(maxlen=400)
        self._expected_to_end = False
        self._changed = threading.Condition()
        self._ended = False
        self.born = time.monotonic()
        identity = {"user": user, "group": user, "extra_groups": []} if user else {}
        self.process = subprocess.Popen(
            self.command,
            cwd=cwd,
            env={**INHERITED, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches it only through whoever started it, and stops what runs in order.
            process_group=0,
            **identity,
        )
        started.append(self)
        self._reader = threading.Thread(target=self._read, name=f"log of {name}", daemon=True)
        self._reader.start()

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process.poll() is None

    def _read(self):
        for raw in self.process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                self.lines.append(line)
                if 'route="task_info"' not in line and '"route":"task_info"' not in line:
                    self.recent.append(line)
                self._changed.notify_all()
        # All programs of the session are remembered, and each would keep a descriptor.
        self.process.stdout.close()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for_line(self, pattern, seconds=30.0, after=0):
        """The match of the first line (from index `after`) that `pattern` matches."""
        wanted = re.compile(pattern)
        deadline = time.monotonic() + seconds
        looked_at = after
        with self._changed:
            while True:
                for line in self.lines[looked_at:]:
                    match = wanted.search(line)
                    if match:
                        return match
                looked_at = len(self.lines)
                left = deadline - time.monotonic()
                if self._ended:
                    raise AssertionError(f"{self.name} ended before it said {pattern!r}:\n{self.tail()}")
                if left <= 0:
                    raise AssertionError(f"{self.name} did not say {pattern!r} within {seconds} s:\n{self.tail()}")
                self._changed.wait(left)

    def tail(self, count=60):
        """The last lines; polls, which a waiting test makes by the dozen, are left out."""
        return "\n".join(list(self.recent)[-count:])

    def signal(self, number):
        if self.running:
            self.process.send_signal(number)

    def freeze(self):
        """Stops the process where it is: its sockets stay open and nothing is answered."""
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def kill(self):
        """kill -9, and the process is gone when this returns."""
        self._expected_to_end = True
        if self.running:
            self.process.kill()
        self.process.wait(10)
        self._reader.join(10)

    def stop(self, seconds=10.0):
        """SIGTERM, then SIGKILL; fails when the program had ended by itself before, since nothing may crash it."""
        crashed = not self.running and not self._expected_to_end
        self._expected_to_end = True
        if self.running:
            self.thaw()
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._reader.join(10)
        if self.process.returncode in (-signal.SIGILL, -signal.SIGTRAP, -signal.SIGABRT, -signal.SIGSEGV):
            raise AssertionError(f"{self.name} crashed at its end ({self.process.returncode}):\n{self.tail()}")
        if crashed:
            raise AssertionError(f"{self.name} ended by itself with {self.process.returncode}:\n{self.tail()}")

    def peak_memory(self):
        """Peak resident memory in bytes (VmHWM)."""
        return self._status("VmHWM")

    def _status(self, key):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
        raise AssertionError(f"no {key} of {self.name}")


class Living:
    """What runs as a program of its own, `program`, and lives and dies with it."""

    program = None

    def freeze(self):
        self.program.freeze()

    def thaw(self):
        self.program.thaw()

    def kill(self):
        self.program.kill()

    def stop(self):
        if self.program:
            self.program.stop()


def flags_of(settings):
    """Keyword arguments as a command's flags: `task_seconds=4` is `--task-seconds 4`, True is the flag alone, None none."""
    words = []
    for name, value in settings.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            words.append(flag)
        elif value is not None and value is not False:
            words += [flag, value]
    return words
