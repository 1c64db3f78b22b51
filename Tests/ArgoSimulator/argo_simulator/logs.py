"""Container logs as the kubelet keeps them: with times, rotated, gone with the pod, and archived if Argo was told to."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

from simulator_kit.clock import Clock, rfc3339_nanoseconds


@dataclasses.dataclass(frozen=True)
class Line:
    """One line and its time in nanoseconds since 1970."""

    nanoseconds: int
    text: str

    @property
    def stamped(self) -> str:
        return f"{rfc3339_nanoseconds(self.nanoseconds)} {self.text}"


class ContainerLog:
    """The lines of one container. `first` counts those that rotation has dropped."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.first = 0
        self.bytes = 0
        self.ended = False


@dataclasses.dataclass(frozen=True)
class LogOptions:
    """What a client asked for; `since` is in nanoseconds since 1970."""

    timestamps: bool = False
    follow: bool = False
    tail: int | None = None
    since: int = 0
    limit_bytes: int | None = None
    keep: Callable[[str], bool] = lambda text: True


class LogStore:
    """Logs by pod and container."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.changed = threading.Condition()
        #: Bytes of one container's log before its oldest half is dropped: the kubelet serves only the newest file.
        self.rotate_bytes = 10 * 2**20
        self._logs: dict[tuple[str, str], ContainerLog] = {}
        self._archived: dict[tuple[str, str], bytes] = {}
        self._last = 0

    def open(self, pod: str, container: str) -> None:
        with self.changed:
            self._logs.setdefault((pod, container), ContainerLog())

    def append(self, pod: str, container: str, text: str) -> None:
        """Adds a line; times never fall and may be equal only when a test writes with a frozen clock."""
        with self.changed:
            log = self._logs.setdefault((pod, container), ContainerLog())
            self._last = max(self._last, time.time_ns() + int(self.clock.shift * 1e9))
            log.lines.append(Line(self._last, text))
            log.bytes += len(text) + 1
            if log.bytes > self.rotate_bytes:
                self._rotate(log)
            self.changed.notify_all()

    def _rotate(self, log: ContainerLog) -> None:
        dropped = max(1, len(log.lines) // 2)
        log.bytes -= sum(len(line.text) + 1 for line in log.lines[:dropped])
        log.first += dropped
        del log.lines[:dropped]

    def end(self, pod: str, container: str) -> None:
        with self.changed:
            if (pod, container) in self._logs:
                self._logs[pod, container].ended = True
            self.changed.notify_all()

    def remove_pod(self, pod: str) -> None:
        """The pod is gone, and its logs with it; followers end."""
        with self.changed:
            for key in [key for key in self._logs if key[0] == pod]:
                self._logs.pop(key).ended = True
            self.changed.notify_all()

    def archive(self, pod: str, container: str) -> None:
        """Keeps a copy as the artifact `CONTAINER-logs`. Rotation doesn't touch it: the executor wrote it itself."""
        with self.changed:
            log = self._logs.get((pod, container))
            if log is not None:
                self._archived[pod, container] = "".join(line.text + "\n" for line in log.lines).encode()

    def archived(self, pod: str, container: str) -> bytes | None:
        with self.changed:
            return self._archived.get((pod, container))

    def has(self, pod: str, container: str) -> bool:
        with self.changed:
            return (pod, container) in self._logs

    def read(self, pod: str, container: str, options: LogOptions, pulse: float = 15.0) -> Iterator[str | None]:
        """Lines of a container, then, if asked, those that come; None as a pulse when none came for `pulse` seconds.

        Nothing for a container that isn't known: the servers only log that, so that a client sees an empty stream.
        """
        with self.changed:
            log = self._logs.get((pod, container))
        if log is None:
            return
        lines, position = self._present(log, options)
        left = options.limit_bytes
        while True:
            for line in filter(lambda line: options.keep(line.text), lines):
                text = line.stamped if options.timestamps else line.text
                if left is not None and (left := left - len(text) - 1) < 0:
                    return
                yield text
            if not options.follow or (log.ended and not self._has_after(log, position)):
                return
            lines, position = self._wait(log, position, pulse)
            if not lines and not log.ended:
                yield None

    def _has_after(self, log: ContainerLog, position: int) -> bool:
        return log.first + len(log.lines) > position

    def _wait(self, log: ContainerLog, position: int, pulse: float) -> tuple[list[Line], int]:
        """Lines after `position` and the new position; no lines when none came in time, or when the log ended."""
        with self.changed:
            self.changed.wait_for(lambda: self._has_after(log, position) or log.ended, pulse)
            return log.lines[max(0, position - log.first):], log.first + len(log.lines)

    def _present(self, log: ContainerLog, options: LogOptions) -> tuple[list[Line], int]:
        with self.changed:
            lines = [line for line in log.lines if line.nanoseconds >= options.since]
            if options.tail is not None:
                lines = lines[max(0, len(lines) - options.tail):]
            return lines, log.first + len(log.lines)
