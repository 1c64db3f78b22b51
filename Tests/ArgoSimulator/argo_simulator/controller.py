"""The workflow controller: sees new workflows, admits so many at a time, and cleans up behind finished ones."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import threading
from typing import Any

from simulator_kit.bucket import Storage
from simulator_kit.clock import Clock, rfc3339
from simulator_kit.timers import Timers

from . import nodes
from .errors import ClusterError
from .executed import ExecutedPod, Secrets
from .logs import LogStore
from .phases import ENDED
from .plans import Plans
from .pods import Pod, PodReports, PodSpec
from .quantities import duration
from .run import Run
from .scripted import ScriptedPod
from .store import Store, Workflow


@dataclasses.dataclass
class Knobs:
    """Times of a workflow's life, in seconds, and limits; `/_sim/set` changes them while the cluster runs."""

    acceptSeconds: float = 0.05
    pendingSeconds: float = 0.05
    #: From the pod's creation to its first container.
    podSeconds: float = 0.05
    runSeconds: float = 1.0
    #: What the manifest's own times (back-off, TTL, delay of podGC, deadline) are multiplied with.
    timeScale: float = 1.0
    #: How often the executor publishes progress. Argo: once a minute.
    progressSeconds: float = 0.1
    #: Workflows that run at the same time.
    parallelism: int = 10
    #: Memory of the largest node, in bytes; pods that request more are unschedulable.
    nodeMemory: float = float("inf")
    execute: bool = False
    #: Keep finished workflows in the archive.
    archive: bool = False


class Controller:
    """Owns a Run for every workflow that isn't finished."""

    def __init__(self, store: Store, logs: LogStore, clock: Clock, knobs: Knobs, plans: Plans,
                 secrets: Secrets | None = None, storage: Storage | None = None) -> None:
        self.store = store
        self.logs = logs
        self.clock = clock
        self.knobs = knobs
        self.plans = plans
        #: None: secrets aren't checked.
        self.secrets = secrets
        self.storage = storage
        self.timers = Timers()
        self.lock = threading.RLock()
        self._runs: dict[str, Run] = {}
        self._admitted: set[str] = set()
        self._queue: collections.deque[Run] = collections.deque()
        self._pods: dict[str, PodSpec] = {}

    def start(self) -> None:
        self.timers.start()

    def stop(self) -> None:
        """Ends every pod, and waits for their processes and folders to be gone."""
        self.timers.stop()
        with self.lock:
            pods = [pod for run in self._runs.values() if (pod := run.pod)]
        for pod in pods:
            pod.kill()
        for pod in pods:
            pod.wait(5)

    def resume(self) -> None:
        """Takes up what an earlier life of the program left. Pods run on while no controller looks: they don't start anew."""
        for namespace in self.store.namespaces():
            for workflow in self.store.all(namespace)[0]:
                if workflow["status"].get("phase") in ENDED:
                    self.clean_up(workflow)
                else:
                    run = Run(self, namespace, workflow["metadata"]["name"], workflow["metadata"]["uid"])
                    self._runs[run.uid] = run
                    self.timers.after(self.knobs.acceptSeconds, run.resume)

    def now(self) -> str:
        return rfc3339(self.clock.time())

    # What the APIs say.

    def created(self, workflow: Workflow) -> None:
        metadata = workflow["metadata"]
        run = Run(self, metadata["namespace"], metadata["name"], metadata["uid"])
        with self.lock:
            self._runs[run.uid] = run
        self.timers.after(self.knobs.acceptSeconds, run.see)

    def spec_changed(self, workflow: Workflow) -> None:
        """A client wrote `spec.shutdown` or `spec.suspend`."""
        with self.lock:
            run = self._runs.get(workflow["metadata"]["uid"])
        if run:
            self.timers.after(0, run.spec_changed)

    def deleted(self, workflow: Workflow) -> None:
        """Pods go with their workflow, as Kubernetes collects what an owner leaves."""
        with self.lock:
            run = self._runs.get(workflow["metadata"]["uid"])
        if run:
            run.kill_pod()
            self.retire(run)
        for pod in self.pods_of(workflow["metadata"]["namespace"], workflow["metadata"]["name"]):
            self.remove_pod(pod.name)

    def reset(self) -> None:
        """The cluster lost its state: nothing runs any more."""
        with self.lock:
            runs, self._runs = list(self._runs.values()), {}
            self._admitted.clear()
            self._queue.clear()
            self._pods.clear()
        for run in runs:
            run.kill_pod()
            run.retired = True
        self.store.lose_everything()

    # What runs ask for.

    def admit(self, run: Run) -> bool:
        """A slot for the run, or a place in the queue. The priority of a spec isn't looked at."""
        with self.lock:
            if len(self._admitted) < self.knobs.parallelism:
                self._admitted.add(run.uid)
                return True
            if run not in self._queue:
                self._queue.append(run)
            return False

    def retire(self, run: Run) -> None:
        """The run is over: its slot goes to the next in the queue."""
        with self.lock:
            run.retired = True
            self._runs.pop(run.uid, None)
            self._admitted.discard(run.uid)
            if run in self._queue:
                self._queue.remove(run)
        self.admit_waiting()

    def admit_waiting(self) -> None:
        with self.lock:
            while self._queue and len(self._admitted) < self.knobs.parallelism:
                run = self._queue.popleft()
                self._admitted.add(run.uid)
                self.timers.after(0, run.begin)

    def new_pod(self, spec: PodSpec, reports: PodReports, number: int, is_exit_handler: bool) -> Pod:
        """The workflow's pod of that number, from 1; one that an earlier life started isn't counted once more."""
        with self.lock:
            self._pods[spec.name] = spec
        if self.store.journal.count("podStarted", spec.workflow) < number:
            self.store.journal.effect("podStarted", spec.workflow)
            if not is_exit_handler:
                self.store.journal.effect("started", spec.workflow)
        for container in spec.containers:
            self.logs.open(spec.name, container["name"])
        if self.knobs.execute and spec.plan.outcome != "hold":
            return ExecutedPod(spec, reports, self.secrets or {}, self.knobs.progressSeconds)
        seconds = 0.0 if is_exit_handler else self.knobs.runSeconds
        return ScriptedPod(spec, reports, self.timers, seconds if spec.plan.seconds is None else spec.plan.seconds,
                           self.storage)

    def missing_secret(self, spec: PodSpec) -> str:
        """The message of a pod that waits for a secret; empty when all are there, or when secrets aren't checked."""
        secrets = self.secrets
        if secrets is None:
            return ""
        for name, key in spec.secret_references():
            if name not in secrets:
                return f'CreateContainerConfigError: secret "{name}" not found'
            if key and key not in secrets[name]:
                return f"CreateContainerConfigError: couldn't find key {key} in Secret {spec.namespace}/{name}"
        return ""

    # Pods, and what is cleaned up.

    def pods_of(self, namespace: str, workflow: str) -> list[PodSpec]:
        with self.lock:
            return [pod for pod in self._pods.values() if (pod.namespace, pod.workflow) == (namespace, workflow)]

    def pods_in(self, namespace: str) -> list[PodSpec]:
        with self.lock:
            return [pod for pod in self._pods.values() if pod.namespace == namespace]

    def has_started(self, pod: PodSpec, container: str) -> bool:
        """False while the container waits. Its node may be gone already: then it has run."""
        workflow = self.store.get(pod.namespace, pod.workflow) or {}
        node = pod.node if "containerSet" not in pod.template else f"{pod.node}.{container}"
        found = (workflow.get("status", {}).get("nodes") or {}).get(nodes.node_id(pod.workflow, node))
        return not found or found["phase"] != "Pending"

    def pod(self, name: str) -> PodSpec | None:
        with self.lock:
            return self._pods.get(name)

    def remove_pod(self, name: str) -> None:
        with self.lock:
            self._pods.pop(name, None)
        self.logs.remove_pod(name)

    def clean_up(self, workflow: Workflow) -> None:
        """Archives a finished workflow and sets the timers of its podGC and its TTL."""
        metadata, spec = workflow["metadata"], workflow["spec"]
        if self.knobs.archive:
            self.store.archive(workflow)
        succeeded = workflow["status"]["phase"] == "Succeeded"
        collect = spec.get("podGC") or {}
        wanted = {"OnWorkflowCompletion": True, "OnPodCompletion": True, "OnWorkflowSuccess": succeeded,
                  "OnPodSuccess": succeeded}
        if wanted.get(collect.get("strategy", "")):
            delay = duration(collect.get("deleteDelayDuration", "5s")) * self.knobs.timeScale
            for pod in self.pods_of(metadata["namespace"], metadata["name"]):
                self.timers.after(delay, functools.partial(self.remove_pod, pod.name))
        seconds = self._ttl(spec, succeeded)
        if seconds is not None:
            self.timers.after(seconds * self.knobs.timeScale, lambda: self._expire(metadata))

    def _ttl(self, spec: dict[str, Any], succeeded: bool) -> float | None:
        ttl = spec.get("ttlStrategy") or {}
        return ttl.get("secondsAfterSuccess" if succeeded else "secondsAfterFailure", ttl.get("secondsAfterCompletion"))

    def _expire(self, metadata: dict[str, Any]) -> None:
        # Somebody may have deleted it before.
        with contextlib.suppress(ClusterError):
            self.deleted(self.store.delete(metadata["namespace"], metadata["name"], metadata["uid"]))

