"""Framing of the Argo Server's streams: server-sent events where the client accepts them, JSON lines otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from simulator_kit.messages import Reply, Request

#: Seconds between the comments that keep an event stream alive.
KEEP_ALIVE = 15.0


def stream_reply(request: Request, messages: Iterator[Any]) -> Reply:
    """A reply that sends `messages`; None among them is a pulse, which only event streams show.

    The head leaves with the first message, as the server's does: a failure before it has a status of its own.
    """
    if "text/event-stream" in request.headers.first("Accept"):
        return Reply(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"},
                     stream=_events(messages), head_first=False)
    return Reply(headers={"Content-Type": "application/json"}, stream=_lines(messages), head_first=False)


def _events(messages: Iterator[Any]) -> Iterator[bytes]:
    for message in messages:
        yield b":\n" if message is None else b"data: " + json.dumps(message).encode() + b" \n\n\n"


def _lines(messages: Iterator[Any]) -> Iterator[bytes]:
    for message in messages:
        if message is not None:
            yield json.dumps(message).encode() + b"\n"
