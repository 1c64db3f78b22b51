"""`/_sim` of the cluster: knobs, plans, and the misfortunes that only a cluster has."""

from __future__ import annotations

from typing import Any

from simulator_kit.control import Control
from simulator_kit.faults import FaultTable
from simulator_kit.server import Server

from .cluster import Cluster


def control_of(cluster: Cluster, server: Server, faults: FaultTable) -> Control:
    """The control face of one cluster."""
    control = Control(server, faults, cluster.journal)
    control.on("set", lambda body: _set(cluster, body))
    control.on("script", cluster.plans.add)
    control.on("vanish", lambda body: _vanish(cluster, body))
    control.on("compact", lambda _: cluster.store.compact())
    control.on("reset", lambda _: cluster.controller.reset())
    control.on("log", lambda body: _print(cluster, body))
    control.on("removePods", lambda body: _remove_pods(cluster, body))
    return control


def _set(cluster: Cluster, body: dict[str, Any]) -> None:
    """Turns knobs; an unknown name is an error, so that a misspelt one doesn't pass for a passing test."""
    for name, value in body.items():
        if name == "listLag":
            cluster.store.list_lag = value
        elif name == "clockShift":
            cluster.clock.shift = value
        elif name == "tokens":
            cluster.access.tokens = set(value)
        elif name == "forbidden":
            cluster.access.forbidden = set(value)
        elif name == "rotateBytes":
            cluster.logs.rotate_bytes = value
        elif name == "watchSeconds":
            cluster.watch_seconds = value
        elif name == "keepAlive":
            cluster.keep_alive = value
        elif hasattr(cluster.knobs, name):
            setattr(cluster.knobs, name, value)
        else:
            raise ValueError(f"no knob {name!r}")
    cluster.controller.admit_waiting()


def _namespace(body: dict[str, Any]) -> str:
    return body.get("namespace", "odm")


def _vanish(cluster: Cluster, body: dict[str, Any]) -> None:
    """A person deletes a workflow by hand, from the archive too."""
    workflow = cluster.store.get(_namespace(body), body["name"])
    cluster.delete(_namespace(body), body["name"])
    if workflow:
        cluster.store.delete_archived(workflow["metadata"]["uid"])


def _print(cluster: Cluster, body: dict[str, Any]) -> None:
    for line in body["lines"]:
        cluster.logs.append(body["pod"], body["container"], line)


def _remove_pods(cluster: Cluster, body: dict[str, Any]) -> None:
    for pod in cluster.controller.pods_of(_namespace(body), body["name"]):
        cluster.controller.remove_pod(pod.name)
