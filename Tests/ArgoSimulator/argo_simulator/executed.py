"""A pod whose containers really run, as local processes: the scripts, the argument vector and rclone are the real ones."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import traceback
from collections.abc import Mapping
from typing import Any

from .plans import ENDINGS
from .pods import PodReports, PodSpec, failure_message
from .sandbox import Sandbox

Secrets = Mapping[str, Mapping[str, str]]
#: A container without a command runs its image's entrypoint, which for these images says nothing.
_DEFAULT_SHELL = ["sh", "-c", "exit 0"]


class ExecutedPod:
    """Runs the containers in the order of their dependencies. (Argo starts them together; each waits for those before.)"""

    def __init__(self, spec: PodSpec, reports: PodReports, secrets: Secrets, progress_seconds: float) -> None:
        self.spec = spec
        self.reports = reports
        self.secrets = secrets
        self.progress_seconds = progress_seconds
        self._killed = threading.Event()
        self._done = threading.Event()
        self._begun = False
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._begun = True
        threading.Thread(target=self._run, name=self.spec.name, daemon=True).start()

    def kill(self) -> None:
        self._killed.set()
        process = self._process
        if process and process.poll() is None:
            # Its own session, so that rclone and ODM below a shell go too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> None:
        """Waits until its processes and its folder are gone."""
        if self._begun:
            self._done.wait(seconds)

    def _run(self) -> None:
        sandbox = Sandbox(self.spec.name, self.spec.volumes)
        threading.Thread(target=self._publish_progress, args=(sandbox,), daemon=True).start()
        try:
            self.reports.running()
            self._run_containers(sandbox)
        except Exception as error:
            traceback.print_exc()
            self.reports.ended("Error", f"Pod failed before main container starts due to {error}")
        finally:
            sandbox.remove()
            self._done.set()

    def _run_containers(self, sandbox: Sandbox) -> None:
        failure = ""
        for container in in_order(self.spec.containers):
            name = container["name"]
            if failure:
                self.reports.container_ended(name, 64)
                continue
            self.reports.container_started(name)
            code = self._execute(sandbox, container)
            if self._killed.is_set():
                return
            if name == self.spec.failing_container and self.spec.plan.outcome in ENDINGS:
                phase, message = ENDINGS[self.spec.plan.outcome]
                self.reports.ended(phase, message.format(container=name))
                return
            self.reports.container_ended(name, code)
            if code:
                failure = failure_message(name, code)
        self.reports.ended("Failed" if failure else "Succeeded", failure)

    def _execute(self, sandbox: Sandbox, container: dict[str, Any]) -> int:
        """Runs one container to its end; its exit code as Kubernetes tells it."""
        mounts = sandbox.mounts(self.spec.template, container)
        command = [sandbox.translate(word, mounts)
                   for word in [*(container.get("command") or ()), *(container.get("args") or ())]] or _DEFAULT_SHELL
        if "source" in container:
            source = sandbox.folder / "script"
            source.write_text(sandbox.translate(container["source"], mounts), encoding="utf-8")
            command.append(str(source))
        home = mounts.get("/code", sandbox.folder)
        folder = sandbox.translate(container["workingDir"], mounts) if container.get("workingDir") else str(home)
        try:
            process = subprocess.Popen(
                command, cwd=folder, env=self._environment(sandbox, container, mounts), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            self._log(container, f"Error: failed to start: {error}")
            return 128
        self._process = process
        if self._killed.is_set():
            self.kill()
        return self._read_output(container, process)

    def _read_output(self, container: dict[str, Any], process: subprocess.Popen[bytes]) -> int:
        self._log(container, 'time="2026-01-01T00:00:00.000Z" level=info msg="capturing logs" argo=true')
        assert process.stdout
        for line in process.stdout:
            self._log(container, line.decode("utf-8", "replace").rstrip("\n"))
        code = process.wait()
        self._log(container, 'time="2026-01-01T00:00:00.000Z" level=info msg="sub-process exited" argo=true')
        return 128 - code if code < 0 else code

    def _log(self, container: dict[str, Any], text: str) -> None:
        self.reports.line(container["name"], text)

    def _environment(self, sandbox: Sandbox, container: dict[str, Any], mounts: dict[str, Any]) -> dict[str, str]:
        """What the container sees: nothing of this machine's environment, as in a pod."""
        environment = {"PATH": sandbox.search_path(container), "HOME": str(sandbox.folder), "LANG": "C.UTF-8",
                       "ARGO_PROGRESS_FILE": str(sandbox.progress_file), "ARGO_CONTAINER_NAME": container["name"],
                       "FAKE_ODM_PROGRESS_PORT": str(sandbox.progress_port)}
        for source in container.get("envFrom") or ():
            environment |= self.secrets.get((source.get("secretRef") or {}).get("name", ""), {})
        for variable in container.get("env") or ():
            value = self._value(variable)
            if value is not None:
                environment[variable["name"]] = sandbox.translate(value, mounts) if "value" in variable else value
        if container["name"] == self.spec.failing_container:
            environment |= self.spec.plan.environment
            if self.spec.runs_out_of_memory:
                environment["FAKE_ODM_EXIT"] = "137"
            elif self.spec.plan.outcome == "exit":
                environment["FAKE_ODM_EXIT"] = str(self.spec.plan.exitCode)
        return environment

    def _value(self, variable: dict[str, Any]) -> str | None:
        if "valueFrom" not in variable:
            return variable.get("value", "")
        source = variable["valueFrom"]
        if reference := source.get("secretKeyRef"):
            return self.secrets.get(reference["name"], {}).get(reference["key"])
        path = (source.get("fieldRef") or {}).get("fieldPath", "")
        return {"metadata.name": self.spec.name, "metadata.namespace": self.spec.namespace}.get(path)

    def _publish_progress(self, sandbox: Sandbox) -> None:
        """The executor takes the last line of the progress file, now and then; what is no `N/M` it ignores."""
        last = ""
        while not self._done.wait(self.progress_seconds):
            try:
                lines = sandbox.progress_file.read_text(encoding="utf-8", errors="replace").split()
            except OSError:
                continue
            if lines and lines[-1] != last and is_progress(lines[-1]):
                last = lines[-1]
                self.reports.progress(last)


def is_progress(text: str) -> bool:
    """Argo's rule: `N/M` with 0 <= N <= M and M > 0."""
    n, slash, m = text.partition("/")
    return bool(slash) and n.isdigit() and m.isdigit() and int(m) > 0 and int(n) <= int(m)


def in_order(containers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The containers, each after those that it depends on; ValueError for a circle."""
    ordered: list[dict[str, Any]] = []
    left = list(containers)
    while left:
        done = {container["name"] for container in ordered}
        ready = [container for container in left if set(container.get("dependencies") or ()) <= done]
        if not ready:
            raise ValueError("the containers of the set depend on each other in a circle")
        ordered += ready
        left = [container for container in left if container not in ready]
    return ordered
