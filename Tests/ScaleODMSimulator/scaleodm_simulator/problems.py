"""Errors as RFC 7807 documents with real statuses, where NodeODM would answer 200 and `error`."""

from __future__ import annotations

import dataclasses
import http.client
from typing import Any

from simulator_kit.messages import Reply


@dataclasses.dataclass
class Problem(Exception):
    """One refusal; `location` names the field where there is one."""

    status: int
    detail: str
    location: str = ""

    def as_reply(self) -> Reply:
        document: dict[str, Any] = {"title": http.client.responses[self.status], "status": self.status, "detail": self.detail}
        if self.location:
            document["errors"] = [{"message": self.detail, "location": self.location}]
        return Reply.of_json(document, self.status, "application/problem+json")


def wrong(location: str, detail: str) -> Problem:
    """A field that breaks its rule."""
    return Problem(422, detail, f"body.{location}")


def unknown_task(uuid: str) -> Problem:
    return Problem(404, f"task {uuid} not found")
