"""The control face that each simulator has: `/_sim/…`, on a port of its own, so that no fault and no token stops a test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .faults import FaultTable
from .journal import Journal
from .messages import BadRequest, Reply, Request
from .routing import Router
from .server import Server

Action = Callable[[dict[str, Any]], Any]


class Control:
    """Routes of the control face; `on("vanish", act)` adds `POST /_sim/vanish`, whose JSON body goes to `act`."""

    def __init__(self, server: Server, faults: FaultTable, journal: Journal) -> None:
        self._router = Router()
        self.get("journal", journal.to_json)
        self.get("fault", faults.hits)
        self.on("fault", faults.add)
        self._router.add("DELETE", "/_sim/fault", lambda _: _done(faults.clear))
        self.on("partition", lambda body: server.cut(body.get("mode", "refuse")))

    def get(self, name: str, read: Callable[[], Any]) -> None:
        self._router.add("GET", f"/_sim/{name}", lambda _: _answer(read()))

    def on(self, name: str, act: Action) -> None:
        self._router.add("POST", f"/_sim/{name}", lambda request: _answer(act(request.json())))

    def __call__(self, request: Request) -> Reply:
        handler = self._router.find(request)
        if handler is None:
            return Reply.of_json({"error": f"no control {request.method} {request.path}"}, 404)
        try:
            return handler(request)
        except (BadRequest, ValueError, KeyError, TypeError) as error:
            return Reply.of_json({"error": f"{type(error).__name__}: {error}"}, 400)


def _done(act: Callable[[], None]) -> Reply:
    act()
    return _answer(None)


def _answer(value: Any) -> Reply:
    return Reply.of_json({} if value is None else value)
