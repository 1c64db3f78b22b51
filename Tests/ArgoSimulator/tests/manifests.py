"""Manifests of the shape that a gateway submits: one container set and an exit handler."""

from __future__ import annotations

import base64
import json
from typing import Any

RETRY = {
    "limit": "2", "retryPolicy": "Always", "backoff": {"duration": "60s", "factor": "2", "maxDuration": "48h"},
    "expression": 'lastRetry.status == "Error" || lastRetry.message matches "imminent node shutdown|pod deleted|[Pp]reempt"'}
_TOKEN = {"requests": {"cpu": "100m", "memory": "256Mi"}}


def pipeline(name: str, labels: dict[str, str] | None = None, scripts: dict[str, list[str]] | None = None,
             env: list[dict[str, Any]] | None = None, memory: str = "8Gi", **spec: Any) -> dict[str, Any]:
    """download -> process -> upload; `scripts` are the commands of the three."""
    commands = {"download": ["true"], "process": ["true"], "upload": ["true"], **(scripts or {})}
    images = {"download": "rclone/rclone:1.75", "process": "opendronemap/odm:3.6.0", "upload": "opendronemap/odm:3.6.0"}
    containers: list[dict[str, Any]] = []
    for container, command in commands.items():
        resources = {"limits": {"memory": memory}, "requests": {"memory": memory}} if container == "process" else _TOKEN
        containers.append({"name": container, "image": images[container], "command": command, "env": env or [],
                           "resources": resources, "dependencies": [containers[-1]["name"]] if containers else []})
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "entrypoint": "main", "onExit": "finish", "archiveLogs": False,
            "ttlStrategy": {"secondsAfterSuccess": 86400, "secondsAfterFailure": 604800},
            "podGC": {"strategy": "OnWorkflowCompletion", "deleteDelayDuration": "600s"},
            "volumes": [{"name": "workspace", "emptyDir": {}}],
            "templates": [
                {"name": "main", "metadata": {"annotations": {"workflows.argoproj.io/progress": "0/100"}},
                 "retryStrategy": RETRY,
                 "containerSet": {"volumeMounts": [{"name": "workspace", "mountPath": "/workspace"}],
                                  "containers": containers}},
                {"name": "finish", "container": {"image": "busybox", "command": ["true"]}},
            ],
            **spec}}


def task_env(document: dict[str, Any]) -> list[dict[str, str]]:
    """The environment by which a gateway hands over a task."""
    return [{"name": "GW_TASK_B64", "value": base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")}]
