"""A workflow's phase, in its status and in the labels by which clients select."""

from __future__ import annotations

from typing import Any

from .store import COMPLETED, PHASE, Workflow

ENDED = ("Succeeded", "Failed", "Error")


def set_phase(workflow: Workflow, now: str, phase: str, message: str = "") -> None:
    """Sets phase and message; the labels follow."""
    status = workflow["status"]
    status["phase"] = phase
    status.pop("message", None)
    if message:
        status["message"] = message
    if phase == "Running" and not status.get("startedAt"):
        status["startedAt"] = now
    workflow["metadata"].setdefault("labels", {}).update({PHASE: phase, COMPLETED: "true" if phase in ENDED else "false"})


def shutdown(workflow: Workflow) -> str:
    """`Terminate`, `Stop` or nothing."""
    return workflow["spec"].get("shutdown") or ""


def template(workflow: Workflow, role: str) -> dict[str, Any]:
    """The template that the spec names as its `entrypoint` or `onExit`."""
    return next(found for found in workflow["spec"]["templates"] if found["name"] == workflow["spec"][role])
