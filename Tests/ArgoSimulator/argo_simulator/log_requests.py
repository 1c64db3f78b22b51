"""What a request says about the log that it wants; the two APIs differ in the names of the parameters only."""

from __future__ import annotations

import re
import time

from simulator_kit.clock import parse_rfc3339
from simulator_kit.messages import BadRequest, Request

from .logs import LogOptions


def log_options(request: Request, prefix: str, since_name: str) -> LogOptions:
    """The options of a log request, whose names differ between the two APIs only by a prefix."""
    grep = request.first("grep")
    return LogOptions(
        timestamps=request.flag(prefix + "timestamps"), follow=request.flag(prefix + "follow"),
        tail=request.number(prefix + "tailLines") if request.first(prefix + "tailLines") else None,
        since=_since(request, prefix, since_name),
        limit_bytes=request.number(prefix + "limitBytes") or None,
        keep=lambda text: not grep or re.search(grep, text) is not None)


def _since(request: Request, prefix: str, name: str) -> int:
    if seconds := request.number(prefix + "sinceSeconds"):
        return time.time_ns() - seconds * 1_000_000_000
    text = request.first(name)
    if not text:
        return 0
    try:
        return int(float(text) * 1e9) if re.fullmatch(r"[\d.]+", text) else int(parse_rfc3339(text)) * 1_000_000_000
    except ValueError:
        raise BadRequest(f"{name}: {text!r} is no time") from None
