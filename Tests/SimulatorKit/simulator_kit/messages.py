"""Requests and replies as values, so that what a service answers can be decided, tested and spoilt apart from sockets."""

from __future__ import annotations

import dataclasses
import json
import urllib.parse
from collections.abc import Iterable
from typing import Any


class CaseInsensitive(dict[str, str]):
    """Header fields by name, however it is written; of a repeated one the last."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__((name.lower(), value) for name, value in pairs)

    def first(self, name: str) -> str:
        """The field's value, or nothing."""
        return self.get(name.lower(), "")


@dataclasses.dataclass
class Request:
    """One request, read to its end."""

    method: str
    #: The path as it was sent, still percent-encoded: two encodings of one path are told apart by routes only after decoding.
    raw_path: str
    query: dict[str, list[str]]
    headers: CaseInsensitive
    body: bytes = b""
    #: Filled by the router: the decoded variable parts of the path.
    parts: dict[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_target(cls, method: str, target: str, headers: CaseInsensitive, body: bytes = b"") -> Request:
        path, _, query = target.partition("?")
        return cls(method, path, urllib.parse.parse_qs(query, keep_blank_values=True), headers, body)

    @property
    def path(self) -> str:
        return urllib.parse.unquote(self.raw_path)

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def flag(self, name: str) -> bool:
        return self.first(name).lower() in ("true", "1")

    def number(self, name: str, default: int = 0) -> int:
        """A query parameter as an integer; text that is none raises BadRequest."""
        text = self.first(name)
        if not text:
            return default
        try:
            return int(text)
        except ValueError:
            raise BadRequest(f"{name}: {text!r} is not a number") from None

    def json(self) -> Any:
        """The body as JSON; an empty body counts as `{}`."""
        try:
            return json.loads(self.body or b"{}")
        except ValueError as error:
            raise BadRequest(f"the body is not JSON: {error}") from None


class BadRequest(Exception):
    """The request can't be understood; each service words that in its own error format."""


@dataclasses.dataclass
class Reply:
    """One answer. A `stream` replaces the body and is sent chunk by chunk, until its end or the client's."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    stream: Iterable[bytes] | None = None
    #: Whether a stream's head leaves at once, or only with its first chunk, as from gateways that wait for one.
    head_first: bool = True

    @classmethod
    def of_json(cls, value: Any, status: int = 200, kind: str = "application/json", **headers: str) -> Reply:
        return cls(status, json.dumps(value).encode(), {"Content-Type": kind, **headers})

    @classmethod
    def of_text(cls, text: str | bytes, status: int = 200, kind: str = "text/plain; charset=utf-8") -> Reply:
        return cls(status, text if isinstance(text, bytes) else text.encode(), {"Content-Type": kind})
