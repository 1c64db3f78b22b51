"""Failures of the cluster, told once and worded by each of its two faces."""

from __future__ import annotations

import dataclasses
import http.client
from typing import Any

from simulator_kit.messages import Reply

#: gRPC codes that the Argo Server maps to an HTTP status; anything else is 500 with code 13.
_GRPC = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 501: 12, 503: 14, 504: 4}


@dataclasses.dataclass
class ClusterError(Exception):
    """`status` is Kubernetes' status code; `reason` its word for programs."""

    status: int
    reason: str
    message: str

    def as_argo(self) -> Reply:
        """The Argo Server keeps the text. It tells 410 and 422 as 400, so that only their text gives them away."""
        status = 400 if self.status in (410, 422) else self.status
        code = _GRPC.get(status, 13)
        return Reply.of_json({"code": code, "message": self.message}, status if status in _GRPC else 500)

    def as_kubernetes(self) -> Reply:
        return Reply.of_json(self.as_status(), self.status)

    def as_status(self) -> dict[str, Any]:
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message,
                "reason": self.reason, "code": self.status}


def not_found(what: str, name: str) -> ClusterError:
    return ClusterError(404, "NotFound", f'{what} "{name}" not found')


def workflow_not_found(name: str) -> ClusterError:
    return not_found("workflows.argoproj.io", name)


def invalid(message: str) -> ClusterError:
    return ClusterError(400, "BadRequest", message)


def unauthorized() -> ClusterError:
    return ClusterError(401, "Unauthorized",
                        "token not valid. see https://argo-workflows.readthedocs.io/en/latest/faq/")


def forbidden(verb: str, namespace: str) -> ClusterError:
    resource, group = ("pods/log", "") if verb == "log" else ("workflows", "argoproj.io")
    return ClusterError(403, "Forbidden", f'{resource} is forbidden: User "system:serviceaccount:odm:gateway" cannot '
                        f'{"get" if verb == "log" else verb} resource "{resource}" in API group "{group}" in the namespace '
                        f'"{namespace}"')


def gone(wanted: int, oldest: int) -> ClusterError:
    return ClusterError(410, "Expired", f"too old resource version: {wanted} ({oldest})")


def stream_error(grpc_code: int, http_code: int, message: str) -> dict[str, Any]:
    """The envelope in which a stream that has begun tells its failure."""
    return {"error": {"grpc_code": grpc_code, "http_code": http_code,
                      "http_status": http.client.responses.get(http_code, ""), "message": message}}
