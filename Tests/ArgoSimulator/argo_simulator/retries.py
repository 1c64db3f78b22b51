"""Whether a failed pod is tried again, decided as Argo decides it."""

from __future__ import annotations

import dataclasses
from typing import Any

from . import expressions
from .quantities import duration


@dataclasses.dataclass(frozen=True)
class Again:
    """Another pod, after so many seconds."""

    seconds: float


@dataclasses.dataclass(frozen=True)
class Enough:
    """No other pod; the message is all that the workflow's status will say."""

    message: str


def decide(strategy: dict[str, Any], failed: dict[str, Any], tries: int, elapsed: float) -> Again | Enough:
    """After try number `tries` (from 1) ended as the pod node `failed`, `elapsed` seconds after the first one began.

    Raises ExpressionError when the strategy's expression can't be evaluated.
    """
    policy = strategy.get("retryPolicy") or ("Always" if strategy.get("expression") else "OnFailure")
    # OnTransientError looks for texts of Argo's own list, which none of the simulated messages contains.
    allowed = {"Always": True, "OnFailure": failed["phase"] == "Failed", "OnError": failed["phase"] == "Error"}
    if not allowed.get(policy, False):
        return Enough(failed.get("message", ""))
    if strategy.get("limit") is not None and tries > int(strategy["limit"]):
        return Enough("No more retries left")
    if expression := strategy.get("expression"):
        if not expressions.evaluate(expression, _scope(failed, tries)):
            return Enough("retryStrategy.expression evaluated to false")
    return _after_pause(strategy.get("backoff") or {}, tries, elapsed)


def _scope(failed: dict[str, Any], tries: int) -> dict[str, Any]:
    # A container set sets no exit code, so that an expression over it never sees anything but -1.
    return {"lastRetry.status": failed["phase"], "lastRetry.message": failed.get("message", ""),
            "lastRetry.exitCode": "-1", "lastRetry.duration": "0", "retries": str(tries - 1)}


def _after_pause(backoff: dict[str, Any], tries: int, elapsed: float) -> Again | Enough:
    if not backoff.get("duration"):
        return Again(0)
    pause = duration(backoff["duration"]) * float(backoff.get("factor") or 1) ** (tries - 1)
    if backoff.get("maxDuration") and elapsed + pause > duration(backoff["maxDuration"]):
        return Enough("Backoff would exceed max duration limit")
    return Again(pause)
