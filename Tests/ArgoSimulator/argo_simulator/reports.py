"""What a pod tells becomes the state of its nodes and the lines of its logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import nodes
from .pods import PodSpec, reason_of

if TYPE_CHECKING:
    from .run import Run


class NodeReports:
    """The reports of one pod. After its end, or its kill, nothing is taken any more."""

    def __init__(self, run: Run, node: str, spec: PodSpec) -> None:
        self.run = run
        self.node = node
        self.spec = spec

    def running(self) -> None:
        self.run.update_node(self.node, lambda node: (node.update(phase="Running"), node.pop("message", None)))

    def container_started(self, container: str) -> None:
        self.run.update_node(f"{self.node}.{container}", lambda node: node.update(phase="Running"))

    def line(self, container: str, text: str) -> None:
        logs = self.run.controller.logs
        if logs.has(self.spec.name, container):
            logs.append(self.spec.name, container, text)

    def progress(self, text: str) -> None:
        self.run.update_node(self.node, lambda node: node.update(progress=text))

    def container_ended(self, container: str, code: int, reason: str = "") -> None:
        phase = {0: "Succeeded", 64: "Error"}.get(code, "Failed")
        message = "" if code == 0 else f"{reason or reason_of(code)} (exit code {code}): "
        self.run.update_node(f"{self.node}.{container}",
                             lambda node: nodes.finish(node, phase, self.run.controller.now(), message))

    def ended(self, phase: str, message: str = "") -> None:
        self.run.pod_ended(self.node, phase, message)
