"""A client of ScaleODM that hands answers back as they came."""

from __future__ import annotations

from typing import Any

import requests
from simulator_kit.testing import Controlled, eventually


class ScaleODM:
    """Requests to one instance."""

    def __init__(self, process: Controlled) -> None:
        self.process = process
        self.url = process.url

    def get(self, path: str, **settings: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=20, **settings)

    def post(self, path: str, body: Any, **settings: Any) -> requests.Response:
        return requests.post(self.url + path, json=body, timeout=20, **settings)

    def submit(self, **body: Any) -> str:
        answer = self.post("/task/new", body)
        assert answer.status_code == 200, answer.text
        return answer.json()["uuid"]

    def wait(self, uuid: str, *codes: int) -> dict[str, Any]:
        def reached() -> dict[str, Any] | None:
            info = self.get(f"/task/{uuid}/info").json()
            return info if info["status"]["code"] in (codes or (30, 40, 50)) else None

        return eventually(f"{uuid} becomes {codes}", reached)
