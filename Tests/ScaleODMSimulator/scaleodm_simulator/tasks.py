"""The instance's tasks: a row and a workflow each, which come apart when somebody deletes the workflow."""

from __future__ import annotations

import dataclasses
import random
import time

from .submission import Submission

QUEUED, RUNNING, FAILED, COMPLETED, CANCELED = 10, 20, 30, 40, 50
FINAL = (FAILED, COMPLETED, CANCELED)
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def new_name() -> str:
    """Kubernetes' generated name, five characters: ScaleODM's uuids are the names of its workflows."""
    return "odm-pipeline-" + "".join(random.choices(_ALPHABET, k=5))


@dataclasses.dataclass
class Task:
    """One row. `uuid` is the name of its present workflow; a restart changes it, and tells nobody."""

    uuid: str
    submission: Submission
    images: int
    created: float
    code: int = QUEUED
    started: float | None = None
    finished: float | None = None
    message: str = ""
    output: list[str] = dataclasses.field(default_factory=list)
    #: False once the workflow is gone: finished and collected, or deleted by hand.
    workflow: bool = True
    missing_since: float | None = None

    @property
    def final(self) -> bool:
        return self.code in FINAL

    @property
    def progress(self) -> int:
        """Nothing finer is known."""
        return {QUEUED: 0, RUNNING: 50, COMPLETED: 100}.get(self.code, 0)

    @property
    def milliseconds(self) -> int:
        if self.started is None:
            return 0
        return int(((self.finished or time.time()) - self.started) * 1000)
