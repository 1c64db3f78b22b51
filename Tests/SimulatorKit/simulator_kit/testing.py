"""Simulators in tests: as a child process, stopped by its own process id, or as threads of the test."""

from __future__ import annotations

import json
import os
import pathlib
import queue
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from .bucket import Storage
from .server import Server


class Controlled:
    """A simulator as a test sees it: where it listens, and its control face."""

    url = ""
    control_url = ""

    def sim(self, action: str, /, **body: Any) -> Any:
        """POST /_sim/ACTION."""
        return self._call("POST", action, json.dumps(body).encode())

    def read(self, name: str) -> Any:
        """GET /_sim/NAME."""
        return self._call("GET", name, None)

    def clear_faults(self) -> None:
        self._call("DELETE", "fault", None)

    def effects(self, kind: str) -> dict[str, int]:
        """Counters of the journal: `effects("created")` is {name: times}."""
        return self.read("journal")["effects"].get(kind, {})

    def _call(self, method: str, name: str, body: bytes | None) -> Any:
        request = urllib.request.Request(f"{self.control_url}/_sim/{name}", body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from None


class SimulatorProcess(Controlled):
    """`python -m MODULE FLAGS`, ready once it has said on which ports it listens."""

    def __init__(self, module: str, folder: pathlib.Path, *flags: object) -> None:
        self.lines: list[str] = []
        self._queue: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, flags)], cwd=folder, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        threading.Thread(target=self._read, daemon=True).start()
        self.control_url = self._ready(r"control on (\S+)")
        self.url = self._ready(r"listening on (\S+)")

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._queue.put(line)
        self._queue.put("")

    def _ready(self, pattern: str) -> str:
        while line := self._queue.get(timeout=30):
            if match := re.search(pattern, line):
                return match[1]
        raise AssertionError("it ended before it listened:\n" + "\n".join(self.lines))

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(10)

    def kill(self) -> None:
        """kill -9; it is gone when this returns."""
        self.process.kill()
        self.process.wait(10)


class SimulatorThreads(Controlled):
    """The same inside the test's own process: it starts at once, since everything it needs is loaded already."""

    def __init__(self, service: Server, control: Server) -> None:
        self._servers = [service, control]
        for server in self._servers:
            server.start()
        self.url, self.control_url = service.url, control.url

    def stop(self) -> None:
        for server in self._servers:
            server.stop()


class RcloneServer:
    """rclone's S3 server on a folder: it checks signatures, and holds what moto would have to keep in memory."""

    def __init__(self, root: pathlib.Path, *buckets: str) -> None:
        for bucket in buckets:
            (root / bucket).mkdir()
        self._process = subprocess.Popen(
            [pathlib.Path(sys.executable).parent / "rclone", "serve", "s3", "--addr", "127.0.0.1:0", "--config", "",
             "--auth-key", "key-id,key-secret", "--vfs-cache-mode", "off", root], stderr=subprocess.PIPE, text=True)
        self.storage = Storage(self._address(), "key-id", "key-secret")
        # What it says later isn't wanted, but must not fill the pipe.
        threading.Thread(target=self._said, daemon=True).start()

    def _said(self) -> str:
        assert self._process.stderr
        return self._process.stderr.read()

    def _address(self) -> str:
        assert self._process.stderr
        for line in self._process.stderr:
            if match := re.search(r"Starting s3 server on \[(http://\S+?)/?\]", line):
                return match[1]
        raise AssertionError("rclone's S3 server ended before it listened")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


def eventually(what: str, condition: Callable[[], Any], seconds: float = 20) -> Any:
    """What `condition` returns once it is true; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what} (last: {answer!r})"
        time.sleep(0.02)
    return answer
