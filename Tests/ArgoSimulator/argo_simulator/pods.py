"""What every kind of pod has in common: what it is made of, and how it tells the controller what happens."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any, Protocol

from simulator_kit.bucket import Place, Storage

from .nodes import containers_of
from .plans import PodPlan
from .quantities import quantity


@dataclasses.dataclass(frozen=True)
class PodSpec:
    """One pod to be: its names, its template with all tags resolved, and its fate."""

    name: str
    node: str
    namespace: str
    workflow: str
    template: dict[str, Any]
    volumes: tuple[dict[str, Any], ...]
    plan: PodPlan

    @property
    def containers(self) -> list[dict[str, Any]]:
        return containers_of(self.template)

    @property
    def failing_container(self) -> str:
        names = [container["name"] for container in self.containers]
        return self.plan.container or ("process" if "process" in names else names[-1])

    @property
    def requested_memory(self) -> float:
        """Bytes that the scheduler must find on one node: a set's containers all start at once, so requests add up."""
        return sum(_memory(container, "requests") or _memory(container, "limits") for container in self.containers)

    def memory_limit(self, container: str) -> float:
        found = next(item for item in self.containers if item["name"] == container)
        return _memory(found, "limits") or float("inf")

    @property
    def runs_out_of_memory(self) -> bool:
        if self.plan.outcome == "oom":
            return True
        return bool(self.plan.memoryNeeded) and quantity(self.plan.memoryNeeded) > self.memory_limit(self.failing_container)

    def secret_references(self) -> list[tuple[str, str]]:
        """(secret, key) pairs that must exist before a container starts; the key is empty for a whole secret."""
        found = []
        for container in self.containers:
            for variable in container.get("env") or ():
                reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
                if reference and not reference.get("optional"):
                    found.append((reference["name"], reference["key"]))
            found += [(source["secretRef"]["name"], "") for source in container.get("envFrom") or ()
                      if source.get("secretRef") and not source["secretRef"].get("optional")]
        return found


def _memory(container: dict[str, Any], kind: str) -> float:
    value = ((container.get("resources") or {}).get(kind) or {}).get("memory")
    return quantity(value) if value is not None else 0.0


@dataclasses.dataclass(frozen=True)
class GatewayTask:
    """The task that a gateway's manifest hands to its containers, as far as results need it."""

    document: dict[str, Any]

    @classmethod
    def of(cls, pod: PodSpec, storage: Storage) -> GatewayTask | None:
        """From the environment, or from the object that it names; None where the manifest is somebody else's."""
        given = {variable["name"]: variable.get("value") or "" for container in pod.containers
                 for variable in container.get("env") or ()}
        if text := given.get("GW_TASK_B64"):
            return cls(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))
        if key := given.get("GW_TASK_KEY"):
            return cls(json.loads(storage.get(Place(given["GW_TASK_BUCKET"], ""), key)))
        return None

    @property
    def output(self) -> Place:
        return Place(self.document["output"]["bucket"], self.document["output"]["prefix"])

    def marker(self, **more: Any) -> bytes:
        """The content of `_STARTED.json` and `_DONE.json`."""
        own = {key: self.document.get(key) for key in ("task", "workflow", "attempt")}
        return json.dumps({**own, **more}).encode()


class PodReports(Protocol):
    """How a pod tells what happens to it. Calls after `ended` are ignored, so that a killed pod may finish its sentence."""

    def running(self) -> None: ...

    def container_started(self, container: str) -> None: ...

    def line(self, container: str, text: str) -> None: ...

    def progress(self, text: str) -> None:
        """`N/M`, as the executor reads it from the progress file."""

    def container_ended(self, container: str, code: int, reason: str = "") -> None: ...

    def ended(self, phase: str, message: str = "") -> None: ...


class Pod(Protocol):
    """A pod that was created."""

    def start(self) -> None: ...

    def kill(self) -> None:
        """Stops whatever runs, and returns at once."""

    def wait(self, seconds: float) -> None:
        """After a kill: waits until nothing of it is left on this machine."""


def reason_of(code: int) -> str:
    """Kubernetes' word for the end of a container."""
    return {0: "Completed", 137: "OOMKilled"}.get(code, "Error")


def failure_message(container: str, code: int) -> str:
    """The message of a pod node whose container failed."""
    return f"{container}: {reason_of(code)} (exit code {code})"
