"""A record of every request and of every effect, for assertions such as "exactly one workflow ever ran"."""

from __future__ import annotations

import collections
import json
import pathlib
import threading
import time
from typing import Any


class Journal:
    """Requests in the order of their arrival, and counters of effects by kind and subject. Nothing is ever forgotten.

    With a path each effect is a line of that file, with its time in ms, and what earlier lives of the program wrote there counts.
    """

    def __init__(self, path: pathlib.Path | None = None) -> None:
        self._lock = threading.Lock()
        self._requests: list[dict[str, Any]] = []
        self._effects: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        self._file = None
        if path is not None:
            self._file = path.open("a+", encoding="utf-8", buffering=1)
            self._file.seek(0)
            for line in self._file:
                entry = json.loads(line)
                self._effects[entry["event"]][entry["uuid"]] += 1

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
            if self._file:
                # One write, which a kill doesn't tear apart.
                self._file.write(json.dumps({"event": kind, "uuid": subject, "time": int(time.time() * 1000)}) + "\n")

    def count(self, kind: str, subject: str) -> int:
        with self._lock:
            return self._effects[kind][subject]

    def to_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "requests": [dict(entry) for entry in self._requests],
                "effects": {kind: dict(counter) for kind, counter in self._effects.items()},
            }
