"""One workflow's way from being seen to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import nodes, phases, retries, substitution, validation
from .errors import ClusterError
from .expressions import ExpressionError
from .phases import ENDED
from .plans import WAITING, PodPlan
from .pods import Pod, PodSpec
from .reports import NodeReports
from .store import Workflow

if TYPE_CHECKING:
    from .controller import Controller

TOO_MANY = "Workflow processing has been postponed because too many workflows are already running"
#: What the kubelet says of a pod past its deadline.
DEADLINE = "Pod was active on the node longer than the specified deadline"


class Run:
    """The controller's state of one workflow; everything that clients see of it is in the store."""

    def __init__(self, controller: Controller, namespace: str, name: str, uid: str) -> None:
        self.controller = controller
        self.namespace = namespace
        self.name = name
        self.uid = uid
        #: True once nothing may happen any more.
        self.retired = False
        self._lock = threading.RLock()
        #: The pod that runs or is about to.
        self.pod: Pod | None = None
        self._pod_node = ""
        self._began = 0.0
        self._tries = 0
        self._shut_down = False
        self._in_exit_handler = False
        self._outcome = ("", "")

    # Admission.

    def see(self) -> None:
        """The controller looks at the workflow for the first time."""
        workflow = self._current()
        if workflow is None:
            return
        try:
            validation.check_spec(workflow)
        except ClusterError as error:
            # Only possible behind Kubernetes' API, which stores anything.
            self._complete("Error", f"invalid spec: {error.message}")
            return
        if phases.shutdown(workflow) == "Terminate":
            self.spec_changed()
            return
        admitted = self.controller.admit(self)
        self._update(lambda w: phases.set_phase(w, self.controller.now(), "Pending", "" if admitted else TOO_MANY))
        if admitted:
            self._later(self.controller.knobs.pendingSeconds, self.begin)

    def begin(self) -> None:
        """The workflow has its slot: it is Running, and its first pod is made, unless it is suspended."""
        with self._lock:
            workflow = self._current()
            if workflow is None or workflow["status"].get("phase") == "Running":
                return
            if workflow["spec"].get("suspend"):
                self._update(lambda w: phases.set_phase(w, self.controller.now(), "Running"))
                return
            self._began = self.controller.clock.monotonic()
            self._update(lambda w: phases.set_phase(w, self.controller.now(), "Running"))
            if phases.shutdown(workflow):
                # A stop that came while it waited takes effect now.
                self.spec_changed()
                return
            self._set_deadline(workflow["spec"])
            self._create_pod()

    def _set_deadline(self, spec: dict[str, Any]) -> None:
        if spec.get("activeDeadlineSeconds"):
            self._later(spec["activeDeadlineSeconds"] * self.controller.knobs.timeScale, self._deadline)

    def _deadline(self) -> None:
        with self._lock:
            if self._in_exit_handler or self._current() is None:
                return
            self.kill_pod()
            if self._pod_node:
                self.pod_ended(self._pod_node, "Failed", DEADLINE)
            else:
                self._finish_main("Failed", "Max duration limit exceeded")

    # After a restart of the controller.

    def resume(self) -> None:
        """Goes on where the store says that the workflow is."""
        with self._lock:
            workflow = self._current()
            if workflow is None:
                return
            if workflow["status"].get("phase") != "Running":
                self.see()
                return
            self.controller.admit(self)
            self._began = self.controller.clock.monotonic()
            self._set_deadline(workflow["spec"])
            self._resume_pods(workflow)
            if phases.shutdown(workflow):
                self.spec_changed()

    def _resume_pods(self, workflow: Workflow) -> None:
        tree = workflow["status"].get("nodes") or {}
        handler = tree.get(nodes.node_id(self.name, f"{self.name}.onExit"))
        main = [node for node in tree.values() if node["type"] == "Pod" and node is not handler]
        self._tries = len(main)
        if not main:
            if not workflow["spec"].get("suspend"):
                self._create_pod()
            return
        last = main[-1]
        phase, message = last["phase"], last.get("message", "")
        if handler:
            self._outcome, self._in_exit_handler = (phase, message), True
            if handler["phase"] in ENDED:
                self._complete(phase, message)
            else:
                self._start_pod(workflow, phases.template(workflow, "onExit"), handler["name"], PodPlan())
        elif phase in ENDED:
            self._retry_or_finish(workflow, last["name"], phase, message)
        else:
            plan = self.controller.plans.of(self.uid, self.name, self._tries - 1)
            self._start_pod(workflow, phases.template(workflow, "entrypoint"), last["name"], plan)

    # Pods.

    def _create_pod(self) -> None:
        """Adds the nodes of the next pod of the main template and starts it."""
        workflow = self._current()
        if workflow is None:
            return
        template = phases.template(workflow, "entrypoint")
        if "suspend" in template:
            return
        retried = "retryStrategy" in template
        node = f"{self.name}({self._tries})" if retried else self.name
        self._tries += 1

        def add(w: Workflow) -> None:
            status, now = w["status"], self.controller.now()
            tree = status.setdefault("nodes", {})
            pod = nodes.add_pod(tree, self.name, node, template, now, "retried" if retried else "")
            if retried:
                root = tree.setdefault(self.name, nodes.new_node(self.name, self.name, "Retry", template, now))
                root["phase"] = "Running"
                root.pop("message", None)
                root.setdefault("children", []).append(pod["id"])

        self._update(add)
        plan = self.controller.plans.of(self.uid, self.name, self._tries - 1)
        self._start_pod(workflow, template, node, plan)

    def _start_pod(self, workflow: Workflow, template: dict[str, Any], node: str, plan: PodPlan) -> None:
        spec = self._pod_spec(workflow, template, node, plan)
        self._pod_node = node
        waiting = self._reason_to_wait(spec)
        if waiting:
            self.pod = None
            self._update(lambda w: w["status"]["nodes"][nodes.node_id(self.name, node)].update(message=waiting))
            return
        number = self._tries + (1 if self._in_exit_handler else 0)
        self.pod = self.controller.new_pod(spec, NodeReports(self, node, spec), number, self._in_exit_handler)
        self._later(self.controller.knobs.podSeconds, self.pod.start)

    def _pod_spec(self, workflow: Workflow, template: dict[str, Any], node: str, plan: PodPlan) -> PodSpec:
        name = nodes.pod_name(self.name, node, template["name"])
        scope = {**substitution.workflow_scope(workflow), "pod.name": name, "node.name": node,
                 "retries": str(self._tries - 1), "workflow.status": self._outcome[0], "workflow.failures": "[]",
                 "workflow.duration": f"{self.controller.clock.monotonic() - self._began:.6f}",
                 **dict.fromkeys(("lastRetry.exitCode", "lastRetry.status", "lastRetry.duration", "lastRetry.message"), "")}
        volumes = (*(workflow["spec"].get("volumes") or ()), *(template.get("volumes") or ()),
                   *({"name": claim["metadata"]["name"]} for claim in workflow["spec"].get("volumeClaimTemplates") or ()))
        return PodSpec(name, node, self.namespace, self.name, substitution.substitute(template, scope), volumes, plan)

    def _reason_to_wait(self, spec: PodSpec) -> str:
        """Why the pod can't start: the message that Argo shows on its node while it is Pending."""
        if spec.plan.outcome in WAITING:
            return WAITING[spec.plan.outcome].format(image=spec.containers[0].get("image", ""), secret="s3-credentials")
        if spec.requested_memory > self.controller.knobs.nodeMemory:
            return WAITING["unschedulable"]
        return self.controller.missing_secret(spec)

    def pod_ended(self, node: str, phase: str, message: str) -> None:
        """The pod of `node` is over: its nodes end, and then it is tried again or the workflow ends."""
        with self._lock:
            workflow = self._current()
            if workflow is None or node != self._pod_node:
                return
            self.pod, self._pod_node = None, ""
            self._update(lambda w: self._finish_pod_nodes(w, node, phase, message))
            if self._in_exit_handler:
                self._complete(*self._outcome)
            elif self._shut_down:
                self._finish_main(phase, f"Stopped with strategy '{phases.shutdown(workflow)}'")
            else:
                self._retry_or_finish(workflow, node, phase, message)

    def _finish_pod_nodes(self, workflow: Workflow, node: str, phase: str, message: str) -> None:
        now = self.controller.now()
        tree = workflow["status"]["nodes"]
        pod = tree[nodes.node_id(self.name, node)]
        nodes.finish(pod, phase, now, message)
        for child in tree.values():
            if child.get("boundaryID") == pod["id"]:
                nodes.finish(child, phase, now)
        for spec in self.controller.pods_of(self.namespace, self.name):
            if spec.node == node:
                self._keep_logs(workflow, spec, pod)

    def _keep_logs(self, workflow: Workflow, spec: PodSpec, pod: dict[str, Any]) -> None:
        """Ends the pod's logs and, where the workflow archives them, makes them artifacts of the pod's node."""
        artifacts = []
        for container in spec.containers:
            self.controller.logs.end(spec.name, container["name"])
            if workflow["spec"].get("archiveLogs"):
                self.controller.logs.archive(spec.name, container["name"])
                artifacts.append({"name": f"{container['name']}-logs",
                                  "s3": {"key": f"{self.name}/{spec.name}/{container['name']}.log"}})
        if artifacts:
            pod["outputs"] = {"artifacts": artifacts}

    def _retry_or_finish(self, workflow: Workflow, node: str, phase: str, message: str) -> None:
        strategy = phases.template(workflow, "entrypoint").get("retryStrategy")
        if phase == "Succeeded" or strategy is None:
            self._finish_main(phase, message)
            return
        elapsed = self.controller.clock.monotonic() - self._began
        failed = {"phase": phase, "message": message}
        try:
            decision = retries.decide(strategy, failed, self._tries, elapsed / max(self.controller.knobs.timeScale, 1e-9))
        except ExpressionError as error:
            self._finish_main("Error", f"failed to evaluate the expression of the retry strategy: {error}")
            return
        if isinstance(decision, retries.Enough):
            self._finish_main(phase, decision.message)
            return
        seconds = decision.seconds * self.controller.knobs.timeScale
        if seconds:
            self._update(lambda w: w["status"]["nodes"][self.name].update(message=f"Backoff for {decision.seconds:g} seconds"))
        self._later(seconds, self._create_next_pod)

    def _create_next_pod(self) -> None:
        with self._lock:
            if not self._shut_down and not self._pod_node and not self._in_exit_handler:
                self._create_pod()

    # The end.

    def spec_changed(self) -> None:
        """Looks for `spec.shutdown`, and for a suspension that was taken back."""
        with self._lock:
            workflow = self._current()
            if workflow is None:
                return
            strategy, phase = phases.shutdown(workflow), workflow["status"].get("phase", "")
            if strategy == "Terminate" or (strategy and phase == "Running"):
                self._shut_down_now(strategy)
            elif not strategy and phase == "Running" and not workflow["spec"].get("suspend") and not self._began:
                self._update(lambda w: phases.set_phase(w, self.controller.now(), "Pending"))
                self.begin()

    def _shut_down_now(self, strategy: str) -> None:
        if self._in_exit_handler and strategy == "Stop":
            return
        self._shut_down = True
        self.kill_pod()
        if self._pod_node:
            # Two spaces, as Argo writes it.
            self.pod_ended(self._pod_node, "Failed", f"workflow shutdown with strategy:  {strategy}")
        else:
            self._finish_main("Failed", f"Stopped with strategy '{strategy}'")

    def kill_pod(self) -> None:
        pod = self.pod
        if pod:
            pod.kill()

    def _finish_main(self, phase: str, message: str) -> None:
        """The main template is over; the exit handler follows, except after a terminate."""
        workflow = self._current()
        if workflow is None:
            return
        self._outcome = (phase, message)

        def end_root(w: Workflow) -> None:
            root = (w["status"].get("nodes") or {}).get(self.name)
            if root and root["type"] == "Retry":
                nodes.finish(root, phase, self.controller.now(), message)

        self._update(end_root)
        if workflow["spec"].get("onExit") and phases.shutdown(workflow) != "Terminate":
            self._run_exit_handler(workflow)
        else:
            self._complete(phase, message)

    def _run_exit_handler(self, workflow: Workflow) -> None:
        self._in_exit_handler = True
        template, node = phases.template(workflow, "onExit"), f"{self.name}.onExit"
        self._update(lambda w: nodes.add_pod(
            w["status"].setdefault("nodes", {}), self.name, node, template, self.controller.now(), "hooked"))
        self._start_pod(workflow, template, node, PodPlan())

    def _complete(self, phase: str, message: str) -> None:
        def end(w: Workflow) -> None:
            phases.set_phase(w, self.controller.now(), phase, message)
            w["status"]["finishedAt"] = self.controller.now()
            w["status"].setdefault("startedAt", None)

        finished = self._update(end)
        self.controller.retire(self)
        if finished:
            self.controller.store.journal.effect("ended" + phase, self.name)
            self.controller.clean_up(finished)

    # The object.

    def _current(self) -> Workflow | None:
        """The live object, unless it is gone, another's, or finished."""
        workflow = None if self.retired else self.controller.store.get(self.namespace, self.name)
        if workflow is None or workflow["metadata"]["uid"] != self.uid or workflow["status"].get("phase") in ENDED:
            return None
        return workflow

    def _update(self, change: Callable[[Workflow], Any]) -> Workflow | None:
        """Changes the object and its sums; None when it is gone."""
        def change_and_sum(workflow: Workflow) -> None:
            change(workflow)
            nodes.update_progress(workflow["status"])

        try:
            return self.controller.store.update(self.namespace, self.name, change_and_sum, self.uid)
        except ClusterError:
            return None

    def update_node(self, node: str, change: Callable[[dict[str, Any]], Any]) -> None:
        """Changes one node, unless it has ended."""
        def change_node(workflow: Workflow) -> None:
            found = (workflow["status"].get("nodes") or {}).get(nodes.node_id(self.name, node))
            if found and found["phase"] not in nodes.ENDED:
                change(found)

        self._update(change_node)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self.controller.timers.after(seconds, lambda: None if self.retired else action())
