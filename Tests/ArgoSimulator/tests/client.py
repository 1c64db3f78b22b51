"""A client of both faces that hands answers back as they came."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import requests
from simulator_kit.testing import Controlled, eventually

ENDED = ("Succeeded", "Failed", "Error")


class Client:
    """Requests to one cluster, namespace `odm`."""

    def __init__(self, process: Controlled, token: str = "secret") -> None:
        self.process = process
        self.url = process.url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **settings: Any) -> requests.Response:
        settings.setdefault("timeout", 20)
        return self.session.request(method, self.url + path, **settings)

    # The Argo Server.

    def create(self, manifest: dict[str, Any], **more: Any) -> requests.Response:
        return self.call("POST", "/api/v1/workflows/odm", json={"workflow": manifest, **more})

    def submit(self, manifest: dict[str, Any]) -> str:
        answer = self.create(manifest)
        assert answer.status_code == 200, answer.text
        return answer.json()["metadata"]["name"]

    def get(self, name: str, **query: Any) -> dict[str, Any]:
        answer = self.call("GET", f"/api/v1/workflows/odm/{name}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def phase(self, name: str) -> str:
        return self.get(name)["status"].get("phase", "")

    def wait(self, name: str, *phases: str, seconds: float = 20) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            workflow = self.get(name)
            return workflow if workflow["status"].get("phase") in (phases or ENDED) else None

        return eventually(f"{name} becomes {phases or ENDED}", reached, seconds)

    def list(self, **query: Any) -> dict[str, Any]:
        answer = self.call("GET", "/api/v1/workflows/odm", params={key.replace("_", "."): v for key, v in query.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def names(self, **query: Any) -> list[str]:
        return [item["metadata"]["name"] for item in self.list(**query)["items"] or ()]

    def lines(self, path: str, params: dict[str, Any], sse: bool = False) -> Iterator[str]:
        """Raw lines of a stream."""
        headers = {"Accept": "text/event-stream"} if sse else {}
        with self.call("GET", path, params=params, headers=headers, stream=True) as answer:
            assert answer.status_code == 200, answer.text
            # Byte by byte, so that a line is seen when it comes.
            for line in answer.iter_lines(chunk_size=1):
                yield line.decode()

    def messages(self, path: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        return (json.loads(line) for line in self.lines(path, params) if line)

    def log(self, name: str, **query: Any) -> list[str]:
        """Contents of a log request's messages."""
        params = {"logOptions.container": "process", **query}
        return [m["result"]["content"] for m in self.messages(f"/api/v1/workflows/odm/{name}/log", params)]

    # Kubernetes.

    def kube(self, method: str, name: str = "", **settings: Any) -> requests.Response:
        return self.call(method, f"/apis/argoproj.io/v1alpha1/namespaces/odm/workflows{'/' + name if name else ''}", **settings)


def node(workflow: dict[str, Any], name: str) -> dict[str, Any]:
    """A node by its name."""
    return next(n for n in workflow["status"]["nodes"].values() if n["name"] == name)
