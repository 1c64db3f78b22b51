"""A pod that only acts: its containers start, print, progress and end by the clock."""

from __future__ import annotations

import concurrent.futures
import functools
from collections.abc import Callable

from simulator_kit import products
from simulator_kit.bucket import Storage
from simulator_kit.timers import Timers

from .plans import ENDINGS
from .pods import GatewayTask, PodReports, PodSpec, failure_message

_ODM_LINES = (
    "[INFO]    Initializing ODM 3.6.0", "[INFO]    Running dataset stage", "[INFO]    Running opensfm stage",
    "[INFO]    Running openmvs stage", "[INFO]    Running odm_orthophoto stage", "[INFO]    ODM app finished",
)
#: Steps in which progress and output come.
_STEPS = 10

#: S3 is written beside the timers' thread, which must not wait for a network.
_writers = concurrent.futures.ThreadPoolExecutor(8, "results")


class ScriptedPod:
    """Runs a plan. With storage it leaves in S3 what the gateway's containers would leave there."""

    def __init__(self, spec: PodSpec, reports: PodReports, timers: Timers, seconds: float, storage: Storage | None) -> None:
        self.spec = spec
        self.reports = reports
        self.timers = timers
        self.seconds = seconds
        self.storage = storage
        self._alive = True

    def start(self) -> None:
        self.reports.running()
        self._start_container(0)

    def kill(self) -> None:
        self._alive = False

    def wait(self, seconds: float) -> None:
        """There is nothing but timers."""

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self.timers.after(seconds, lambda: action() if self._alive else None)

    def _start_container(self, index: int) -> None:
        name = self.spec.containers[index]["name"]
        self.reports.container_started(name)
        self.reports.line(name, 'time="2026-01-01T00:00:00.000Z" level=info msg="capturing logs" argo=true')
        # In a set of three the middle one has nearly all the time; the others are over at once.
        share = self.seconds if len(self.spec.containers) == 1 or name == "process" else 0.0
        if name == "download":
            self._write(lambda task: {"_STARTED.json": task.marker()}, index,
                        then=functools.partial(self._run_container, index, share))
        else:
            self._run_container(index, share)

    def _run_container(self, index: int, seconds: float) -> None:
        name = self.spec.containers[index]["name"]
        lines = self._lines(name)
        if self.spec.failing_container == name and self.spec.plan.outcome != "succeed" and seconds == 0:
            self._later(0, lambda: self._end_container(index))
            return
        for step in range(_STEPS):
            self._later(seconds * step / _STEPS, functools.partial(self._step, name, step, lines))
        if self.spec.plan.outcome == "hold" and name == self.spec.failing_container:
            return
        self._later(seconds, lambda: self._end_container(index))

    def _lines(self, name: str) -> tuple[str, ...]:
        if name not in ("process", "main"):
            return (f"{name} done",)
        return self.spec.plan.lines if self.spec.plan.lines is not None else _ODM_LINES

    def _step(self, name: str, step: int, lines: tuple[str, ...]) -> None:
        for line in lines[len(lines) * step // _STEPS:len(lines) * (step + 1) // _STEPS]:
            self.reports.line(name, line)
        if name == "process":
            self.reports.progress(f"{5 + 9 * step}/100")

    def _end_container(self, index: int) -> None:
        name, outcome = self.spec.containers[index]["name"], self.spec.plan.outcome
        if name == self.spec.failing_container:
            if outcome in ENDINGS:
                phase, message = ENDINGS[outcome]
                self.reports.ended(phase, message.format(container=name))
                return
            if outcome == "exit" or self.spec.runs_out_of_memory:
                self._fail(index, 137 if outcome != "exit" else self.spec.plan.exitCode)
                return
        if name == "upload" and self.spec.plan.results:
            self._write(_results, index, then=functools.partial(self._succeed, index))
        else:
            self._succeed(index)

    def _fail(self, index: int, code: int) -> None:
        failed = self.spec.containers[index]["name"]
        self.reports.container_ended(failed, code)
        for waiting in self.spec.containers[index + 1:]:
            # The executor of a container whose dependency failed gives up with 64.
            self.reports.container_ended(waiting["name"], 64)
        self.reports.ended("Failed", failure_message(failed, code))

    def _succeed(self, index: int) -> None:
        self.reports.container_ended(self.spec.containers[index]["name"], 0)
        if index + 1 < len(self.spec.containers):
            self._start_container(index + 1)
        else:
            self.reports.ended("Succeeded")

    def _write(self, files: Callable[[GatewayTask], dict[str, bytes]], index: int, then: Callable[[], None]) -> None:
        """Puts files into the task's output place and goes on; a store that refuses them fails the container."""
        storage = self.storage
        if not storage:
            then()
            return

        def put() -> None:
            try:
                if task := GatewayTask.of(self.spec, storage):
                    for name, body in files(task).items():
                        storage.put(task.output, name, body)
            except Exception as error:  # Whatever it is, a container would end with it.
                self._later(0, functools.partial(self._refused, index, str(error)))
                return
            self._later(0, then)

        _writers.submit(put)

    def _refused(self, index: int, text: str) -> None:
        self.reports.line(self.spec.containers[index]["name"], f"Failed to copy: {text}")
        self._fail(index, 1)


def _results(task: GatewayTask) -> dict[str, bytes]:
    """All files of a finished run; `_DONE.json` is the last, since it vouches for the others."""
    files = products.results(str(task.document.get("task")), {}, task.document.get("args"))
    files["all.zip"] = products.archive(files)
    return {**files, "_DONE.json": task.marker(files=len(files), bytes=sum(map(len, files.values())))}
