"""Faults on request: which requests go wrong, how often, and how.

A fault is JSON, posted to `/_sim/fault`:

    {"method": "POST", "path": "/api/v1/workflows/*", "count": 1, "skip": 0, "probability": 1, "seed": 7,
     "status": 503, "body": "...", "headers": {"Retry-After": "1"}, "after": true}

What goes wrong is one or more of: `delay` (seconds), `drop` ("before" or "after" the effect), `status` with `body` and
`headers` (without the effect; with it when `after` is true), `contentType`, `truncate` (bytes of the body that are still
sent), `partialChunk` (half of a chunk and then the end), `cutAfter` (messages of a stream that are still sent), `hang`.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import random
import threading
from typing import Any

_KEYS = {
    "method", "path", "count", "skip", "probability", "seed", "delay", "drop", "status", "body", "headers", "after",
    "contentType", "truncate", "partialChunk", "cutAfter", "hang",
}


class FaultError(ValueError):
    """A fault that can't be understood; a test that misspells one must not pass for want of it."""


@dataclasses.dataclass
class Fault:
    """One rule. `count` is how many requests it still spoils; None: all."""

    method: str = "*"
    path: str = "*"
    count: int | None = None
    skip: int = 0
    probability: float = 1.0
    effects: dict[str, Any] = dataclasses.field(default_factory=dict)
    random: random.Random = dataclasses.field(default_factory=random.Random)
    hits: int = 0

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Fault:
        unknown = set(value) - _KEYS
        if unknown:
            raise FaultError(f"unknown keys {sorted(unknown)}; known are {sorted(_KEYS)}")
        if value.get("drop") not in (None, "before", "after"):
            raise FaultError(f"drop is 'before' or 'after', not {value['drop']!r}")
        effects = {key: value[key] for key in value if key not in ("method", "path", "count", "skip", "probability", "seed")}
        if not effects:
            raise FaultError("the fault says nothing that goes wrong")
        return cls(value.get("method", "*"), value.get("path", "*"), value.get("count"), value.get("skip", 0),
                   value.get("probability", 1.0), effects, random.Random(value.get("seed")))

    def takes(self, method: str, path: str) -> bool:
        """Whether this request is spoilt; counts it when it is."""
        if self.count == 0 or not fnmatch.fnmatchcase(method, self.method) or not fnmatch.fnmatchcase(path, self.path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability < 1 and self.random.random() >= self.probability:
            return False
        if self.count is not None:
            self.count -= 1
        self.hits += 1
        return True


class FaultTable:
    """The faults in force; the first that takes a request spoils it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, value: dict[str, Any]) -> None:
        fault = Fault.from_json(value)
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> dict[str, Any]:
        """The effects for this request; empty when nothing goes wrong."""
        with self._lock:
            return next((fault.effects for fault in self._faults if fault.takes(method, path)), {})

    def hits(self) -> list[int]:
        with self._lock:
            return [fault.hits for fault in self._faults]
