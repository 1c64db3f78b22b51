"""A record of every request and of every effect, for assertions such as "exactly one workflow ever ran"."""

from __future__ import annotations

import collections
import threading
import time
from typing import Any


class Journal:
    """Requests in the order of their arrival, and counters of effects by kind and subject. Nothing is ever forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[dict[str, Any]] = []
        self._effects: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)

    def request(self, method: str, path: str, query: dict[str, list[str]]) -> dict[str, Any]:
        """Notes a request; the entry is completed by whoever answers it."""
        entry: dict[str, Any] = {
            "time": time.time(), "method": method, "path": path, "query": query, "status": None, "fault": {}}
        with self._lock:
            entry["number"] = len(self._requests) + 1
            self._requests.append(entry)
        return entry

    def effect(self, kind: str, subject: str) -> None:
        """Counts something that happened: `effect("created", name)`."""
        with self._lock:
            self._effects[kind][subject] += 1

    def count(self, kind: str, subject: str) -> int:
        with self._lock:
            return self._effects[kind][subject]

    def to_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "requests": [dict(entry) for entry in self._requests],
                "effects": {kind: dict(counter) for kind, counter in self._effects.items()},
            }
