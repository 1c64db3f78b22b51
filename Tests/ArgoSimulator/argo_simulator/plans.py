"""What is going to happen to a pod: by default it succeeds; a test posts other plans to `/_sim/script`.

    {"name": "odm-pipeline-*", "times": 1, "pods": [{"outcome": "evicted"}, {"outcome": "succeed"}]}

The first list entry is for the first pod of a workflow, the next for its retry; the last one stays. The exit handler's
pod always succeeds.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import threading
from typing import Any

#: Outcomes that end the pod: phase and message. `{container}` is the one that failed.
ENDINGS = {
    "evicted": ("Failed", "The node was low on resource: ephemeral-storage. Container {container} was using 91Gi"),
    "nodeShutdown": ("Failed", "Pod was terminated in response to imminent node shutdown."),
    "deleted": ("Error", "pod deleted"),
}
#: Outcomes in which the pod waits for ever: the message of its node. A person, a timer or an autoscaler must act.
WAITING = {
    "imagePull": 'ImagePullBackOff: Back-off pulling image "{image}"',
    "badImageName": "InvalidImageName: Failed to apply default image tag \"{image}\": couldn't parse image reference",
    "missingSecret": 'CreateContainerConfigError: secret "{secret}" not found',
    "unschedulable": "Unschedulable: 0/3 nodes are available: 3 Insufficient memory.",
}
_OUTCOMES = {"succeed", "exit", "oom", "hold", *ENDINGS, *WAITING}


@dataclasses.dataclass(frozen=True)
class PodPlan:
    """The fate of one pod."""

    outcome: str = "succeed"
    #: The container that fails; by default `process`, or the only one.
    container: str = ""
    exitCode: int = 1
    #: Seconds that the pod runs; None: the cluster's `runSeconds`.
    seconds: float | None = None
    #: What `process` prints; None: some lines of ODM.
    lines: tuple[str, ...] | None = None
    #: Memory that `process` comes to need: with a smaller limit it is killed. A quantity such as "40Gi".
    memoryNeeded: str = ""
    #: Added to the environment of executed containers.
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    #: False: a run that succeeds leaves nothing in S3, as one whose credentials write to another place.
    results: bool = True

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> PodPlan:
        plan = cls(**value)
        if plan.outcome not in _OUTCOMES:
            raise ValueError(f"outcome is one of {sorted(_OUTCOMES)}, not {plan.outcome!r}")
        return dataclasses.replace(plan, lines=None if plan.lines is None else tuple(plan.lines))


class Plans:
    """Plans by glob of the workflow's name; the newest that fits a workflow's first pod keeps that workflow."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[dict[str, Any]] = []
        self._chosen: dict[str, list[PodPlan]] = {}

    def add(self, rule: dict[str, Any]) -> None:
        pods = [PodPlan.from_json(pod) for pod in rule.get("pods", [{}])]
        with self._lock:
            self._rules.insert(0, {"name": rule.get("name", "*"), "times": rule.get("times"), "pods": pods})

    def of(self, uid: str, name: str, index: int) -> PodPlan:
        """The plan of pod `index` of a workflow."""
        with self._lock:
            if uid not in self._chosen:
                self._chosen[uid] = self._choose(name)
            pods = self._chosen[uid]
            return pods[min(index, len(pods) - 1)]

    def _choose(self, name: str) -> list[PodPlan]:
        for rule in self._rules:
            if rule["times"] != 0 and fnmatch.fnmatchcase(name, rule["name"]):
                if rule["times"] is not None:
                    rule["times"] -= 1
                return rule["pods"]
        return [PodPlan()]
