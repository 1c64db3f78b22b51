"""The tree of nodes in a workflow's status, laid out as Argo lays it out.

`Retry` root, `Pod` children `name(0)`, `name(1)`…, and below each pod the containers of its set, chained by their
dependencies. Without a retry strategy the pod itself is the root. Progress is summed as Argo sums it: every container
node counts one, so that a client that trusts `status.progress` is caught.
"""

from __future__ import annotations

from typing import Any

Nodes = dict[str, dict[str, Any]]
ENDED = ("Succeeded", "Failed", "Error", "Skipped", "Omitted")
_EXECUTABLE = ("Pod", "Container", "Suspend")


def hash_of(text: str) -> int:
    """32-bit FNV-1a, which Argo uses for node and pod names."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def node_id(workflow: str, name: str) -> str:
    return workflow if name == workflow else f"{workflow}-{hash_of(name)}"


def pod_name(workflow: str, node_name: str, template: str) -> str:
    """The pod's own name. It is not the node's id: that one lacks the template."""
    return workflow if node_name == workflow else f"{workflow}-{template}-{hash_of(node_name)}"


def containers_of(template: dict[str, Any]) -> list[dict[str, Any]]:
    """The main containers of a template, named; `main` where it is no container set."""
    if "containerSet" in template:
        return template["containerSet"]["containers"]
    return [{"name": "main", **(template.get("container") or template.get("script") or {})}]


def new_node(workflow: str, name: str, kind: str, template: dict[str, Any], now: str, boundary: str = "") -> dict[str, Any]:
    node: dict[str, Any] = {
        "id": node_id(workflow, name), "name": name, "displayName": name if kind != "Container" else name.rsplit(".", 1)[1],
        "type": kind, "templateName": template["name"], "templateScope": f"local/{workflow}", "phase": "Pending",
        "startedAt": now, "finishedAt": None}
    if boundary:
        node["boundaryID"] = boundary
    if kind in _EXECUTABLE:
        annotations = (template.get("metadata") or {}).get("annotations") or {}
        node["progress"] = annotations.get("workflows.argoproj.io/progress", "0/1") if kind == "Pod" else "0/1"
    return node


def add_pod(nodes: Nodes, workflow: str, name: str, template: dict[str, Any], now: str, flag: str = "") -> dict[str, Any]:
    """Adds a pod node with its container nodes; `flag` is `retried` or `hooked`."""
    pod = nodes[node_id(workflow, name)] = new_node(workflow, name, "Pod", template, now)
    if flag:
        pod["nodeFlag"] = {flag: True}
    if "containerSet" not in template:
        return pod
    for container in containers_of(template):
        node = new_node(workflow, f"{name}.{container['name']}", "Container", template, now, pod["id"])
        if flag:
            node["nodeFlag"] = {flag: True}
        nodes[node["id"]] = node
    for container in containers_of(template):
        child = node_id(workflow, f"{name}.{container['name']}")
        parents = [f"{name}.{needed}" for needed in container.get("dependencies") or ()] or [name]
        for parent in parents:
            nodes[node_id(workflow, parent)].setdefault("children", []).append(child)
    return pod


def finish(node: dict[str, Any], phase: str, now: str, message: str = "") -> None:
    """Ends a node; one that has ended stays as it is."""
    if node["phase"] in ENDED:
        return
    node |= {"phase": phase, "finishedAt": now}
    if message:
        node["message"] = message


def update_progress(status: dict[str, Any]) -> None:
    """Sums over all executable nodes into `status.progress`, and over children into the others."""
    nodes: Nodes = status.get("nodes") or {}
    done = total = 0
    for node in nodes.values():
        if node["type"] in _EXECUTABLE:
            if node["phase"] == "Succeeded":
                _, m = _parts(node["progress"])
                node["progress"] = f"{m}/{m}"
            n, m = _parts(node["progress"])
            done, total = done + n, total + m
    for node in nodes.values():
        if node["type"] not in _EXECUTABLE:
            n, m = _sum(nodes, node, set())
            node["progress"] = f"{n}/{m}"
    status["progress"] = f"{done}/{total}"


def _sum(nodes: Nodes, node: dict[str, Any], visited: set[str]) -> tuple[int, int]:
    done = total = 0
    for child in node.get("children", ()):
        if child in visited or child not in nodes:
            continue
        visited.add(child)
        n, m = _sum(nodes, nodes[child], visited)
        own = _parts(nodes[child]["progress"]) if nodes[child]["type"] in _EXECUTABLE else (0, 0)
        done, total = done + n + own[0], total + m + own[1]
    return done, total


def _parts(progress: str) -> tuple[int, int]:
    n, _, m = progress.partition("/")
    return int(n), int(m)
