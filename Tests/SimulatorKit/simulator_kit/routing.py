"""Routes: a method and a path with `{variables}`, in the order in which they were added."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable

from .messages import Reply, Request

Handler = Callable[[Request], Reply]


class Router:
    """Finds the handler of a request. `{name}` is one segment; `{name...}` is the rest of the path."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        self._routes.append((method, _pattern(path), handler))

    def find(self, request: Request) -> Handler | None:
        """The handler; the decoded parts of the path are left in the request."""
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.raw_path) if method == request.method else None
            if match:
                request.parts = {name: urllib.parse.unquote(value) for name, value in match.groupdict().items()}
                return handler
        return None

    def knows_path(self, request: Request) -> bool:
        """True when the path exists for another method, so that 405 can be told from 404."""
        return any(pattern.fullmatch(request.raw_path) for _, pattern, _ in self._routes)


def _pattern(path: str) -> re.Pattern[str]:
    text = re.escape(path).replace(r"\{", "{").replace(r"\}", "}").replace(r"\.\.\.", "...")
    text = re.sub(r"\{(\w+)\.\.\.\}", r"(?P<\1>.+)", text)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text))
