"""The simulated server's clock: the machine's, and an offset, since a backend's clock need not be right."""

from __future__ import annotations

import datetime
import email.utils
import time


class Clock:
    """Wall time with a settable shift in seconds; time for waiting is never shifted."""

    def __init__(self) -> None:
        self.shift = 0.0

    def time(self) -> float:
        """Seconds since 1970 as this server believes."""
        return time.time() + self.shift

    def monotonic(self) -> float:
        return time.monotonic()

    def http_date(self) -> str:
        return email.utils.formatdate(self.time(), usegmt=True)


def rfc3339(seconds: float) -> str:
    """A time as Kubernetes writes it in objects: whole seconds."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_nanoseconds(nanoseconds: int) -> str:
    """A time as the kubelet writes it before log lines; it drops trailing zeros, as Go does."""
    whole, rest = divmod(nanoseconds, 1_000_000_000)
    fraction = f".{rest:09d}".rstrip("0").rstrip(".")
    return rfc3339(whole)[:-1] + fraction + "Z"


def parse_rfc3339(text: str) -> float:
    """Seconds since 1970; ValueError when the text is no RFC 3339 time."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
